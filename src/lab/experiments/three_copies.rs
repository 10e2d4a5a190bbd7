//! A hundred megabytes across a process boundary: what is copied, how fast, and what it takes.
//!
//! The array goes to one worker that does nothing but read it, and another of that size comes
//! back. An input that is sent goes through an ipc-channel; an answer goes through the pool's queue
//! in shared memory, where the serialiser's two copies are the same and the one in the middle is
//! cheaper than a pipe's. A trip has no stamps of an answer's copies, and its message lies in memory
//! that both processes have mapped, so that of the output there is the whole time alone.

use crate::clock::now;
use crate::error::Result;
use crate::handoff::Slots;
use crate::lab::bench::{Samples, seconds_since};
use crate::lab::finding::is_about;
use crate::lab::haul::{self, Haul, Haulers, Input, Order, Way};
use crate::lab::memory;
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Trip, worker};
use std::cell::RefCell;
use std::sync::Arc;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "three-copies",
    lecture: 26,
    slides: &[2],
    claim: "A 100 MB NumPy array crossing one process boundary = 300 MB peak memory pressure. \
            Typical pickling speed: ~100 MB/s → 1 s overhead for every 100 MB task input/output.",
    memory: |_| 1_200_000_000,
    workers: &[worker::enter::<Haul>],
    run: |bench| Ok(judge(&measure(bench, bench.size(100_000_000))?)),
};

/// Times in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    bytes: f64,
    /// Of the payload on its way in: each copy.
    serialize: f64,
    transfer: f64,
    deserialize: f64,
    payload: Crossing,
    raw: Crossing,
    shared: Crossing,
    /// Putting the array into shared memory, which whoever makes it there is spared.
    copy_into_shared: f64,
}

/// One way to cross.
#[derive(Clone, Copy, Debug, Default)]
struct Crossing {
    /// From handing it over until the worker has read all of it and said so.
    input: f64,
    /// From asking for it until all of what came back has been read.
    output: f64,
    /// The most memory that both processes have for it as input, in bytes.
    peak: f64,
}

fn measure(bench: &Bench, bytes: usize) -> Result<Measured> {
    let slots = haul::slots(1, bytes)?;
    let pool = haul::pool(1, true, Some(&slots))?;
    let peaks = peaks(bench, &slots, &pool, bytes)?;

    bench.phase("there and back")?;
    let data = Arc::new(haul::array(bytes));
    let copied = RefCell::new(Samples::default());
    let trips = RefCell::new(Vec::new());
    let input = |input| haul::trip(&pool, Order::of(input, 0));
    let output = |way| haul::trip(&pool, Order::returning(way, bytes, 0)).map(drop);
    let lease = RefCell::new(Some(haul::written(&slots, &data)?));
    let taken = bench.in_turns(
        bench.seconds(3.0, 25.0),
        [
            &mut || {
                trips
                    .borrow_mut()
                    .push(input(Input::Payload(data.clone()))?);
                Ok(())
            },
            &mut || input(Input::PayloadRaw(data.clone())).map(drop),
            &mut || {
                lease.take();
                // Not part of the copying: waiting until the slot is free again.
                drop(haul::draft(&slots)?);
                let begin = now();
                *lease.borrow_mut() = Some(haul::written(&slots, &data)?);
                copied.borrow_mut().0.push(seconds_since(begin));
                Ok(())
            },
            &mut || match lease.borrow().clone() {
                Some(lease) => input(Input::Shared(lease)).map(drop),
                None => Ok(()),
            },
            &mut || output(Way::Payload),
            &mut || output(Way::PayloadRaw),
            &mut || output(Way::Shared),
        ],
    )?;
    let trips = trips.into_inner();
    let copy = |part: fn(&Trip) -> u64| {
        let times = trips.iter().map(|trip| part(trip) as f64 / 1e9);
        Samples(times.collect()).median()
    };
    let [payload, raw, _, shared, payload_out, raw_out, shared_out] =
        taken.map(|taken| taken.median());
    let crossing = |input, output, peak| Crossing {
        input,
        output,
        peak,
    };
    let copied = copied.into_inner().median();
    Ok(Measured {
        bytes: bytes as f64,
        serialize: copy(Trip::serialize),
        transfer: copy(Trip::transfer),
        deserialize: copy(Trip::deserialize),
        payload: crossing(payload, payload_out, peaks[0]),
        raw: crossing(raw, raw_out, peaks[1]),
        shared: crossing(shared, shared_out, peaks[2]),
        copy_into_shared: copied,
    })
}

/// The most memory that each way takes, the array itself included.
fn peaks(bench: &Bench, slots: &Slots, pool: &Haulers, bytes: usize) -> Result<[f64; 3]> {
    bench.phase("memory")?;
    let pids = pool.pids();
    haul::trip(pool, Order::of(Input::Nothing, 0))?;
    let peak = |way: Way| {
        let rest = memory::at_rest(&pids);
        let anonymous = memory::above(rest, &pids, || {
            let input = match way {
                Way::Payload => Input::Payload(Arc::new(haul::array(bytes))),
                Way::PayloadRaw => Input::PayloadRaw(Arc::new(haul::array(bytes))),
                Way::Shared => {
                    // Made where it is to be read.
                    let mut draft = haul::draft(slots)?;
                    draft.fill(0x5a);
                    Input::Shared(draft.finish())
                }
            };
            haul::trip(pool, Order::of(input, 0)).map(drop)
        })?;
        pool.rest();
        // What both have mapped is there once.
        let shared = if way == Way::Shared {
            slots.bytes().0 as f64
        } else {
            0.0
        };
        Ok(anonymous + shared)
    };
    Ok([
        peak(Way::Payload)?,
        peak(Way::PayloadRaw)?,
        peak(Way::Shared)?,
    ])
}

/// Seconds a byte that are claimed: one for every hundred megabytes.
const A_BYTE: f64 = 1e-8;

/// So many times the array are claimed.
const COPIES: f64 = 3.0;

fn judge(measured: &Measured) -> Finding {
    let Measured {
        bytes,
        payload,
        raw,
        shared,
        ..
    } = *measured;
    let a_byte = 0.5 * (payload.input + payload.output) / bytes;
    let times = payload.peak / bytes;
    let verdict = Verdict::of(&[
        is_about(measured.serialize / bytes, A_BYTE),
        is_about(a_byte, A_BYTE),
        is_about(times, COPIES),
    ]);
    let because = format!(
        "as a payload it takes {:.2} s for every 100 MB, there or back, of which serialising, alone, \
         takes {:.2} s, and {times:.1} times its size at the peak; through shared memory {:.3} s and {:.1} times (copy by copy, and in memory, \
         it is the input that is measured: of the output, the whole time)",
        1e8 * a_byte,
        1e8 * measured.serialize / bytes,
        1e8 * 0.5 * (shared.input + shared.output) / bytes,
        shared.peak / bytes,
    );
    let speed =
        |key, what, seconds: f64| Figure::new(key, what, Unit::BytesPerSecond, bytes / seconds);
    let second = 1e-8 * bytes;
    let figures = vec![
        speed(
            "serialize_bytes_per_s",
            "payload as input: copy 1, serialising",
            measured.serialize,
        )
        .about(100e6),
        speed(
            "transfer_bytes_per_s",
            "… copy 2, through the kernel",
            measured.transfer,
        ),
        speed(
            "deserialize_bytes_per_s",
            "… copy 3, deserialising",
            measured.deserialize,
        )
        .about(100e6),
        Figure::seconds("payload_input_s", "payload as input", payload.input).about(second),
        Figure::seconds("payload_output_s", "payload as output", payload.output).about(second),
        Figure::times(
            "payload_peak",
            "payload as input: memory over the array's size",
            times,
        )
        .about(3.0),
        Figure::seconds("raw_input_s", "raw bytes as input", raw.input),
        Figure::seconds("raw_output_s", "raw bytes as output", raw.output),
        Figure::times(
            "raw_peak",
            "raw bytes as input: memory over the array's size",
            raw.peak / bytes,
        ),
        Figure::seconds(
            "shared_copy_s",
            "copied into shared memory",
            measured.copy_into_shared,
        ),
        Figure::seconds("shared_input_s", "… read there by the worker", shared.input),
        Figure::seconds("shared_output_s", "lent as output", shared.output),
        Figure::times(
            "shared_peak",
            "shared, input: memory over the array's size",
            shared.peak / bytes,
        ),
    ];
    let ways = Way::ALL.into_iter().zip([payload, raw, shared]);
    let bars = |name: &'static str, of: fn(Crossing) -> f64| {
        let bar = move |(way, crossing): (Way, Crossing)| {
            (format!("{}, {name}", way.name()), of(crossing))
        };
        ways.clone().map(bar)
    };
    let bars = bars("in", |crossing| crossing.input).chain(bars("out", |crossing| crossing.output));
    Finding {
        figures,
        drawings: vec![Drawing::Bars {
            title: "The array to a worker or from it, until all of it has been read".into(),
            unit: Unit::Seconds,
            bars: bars.collect(),
        }],
        verdict,
        because,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(seconds: f64, times: f64) -> Verdict {
        judged(1.0, seconds, times)
    }

    fn judged(serialize: f64, seconds: f64, times: f64) -> Verdict {
        let payload = Crossing {
            input: 0.8 * seconds,
            output: 1.2 * seconds,
            peak: times * 1e8,
        };
        let measured = Measured {
            bytes: 1e8,
            payload,
            serialize,
            ..Measured::default()
        };
        judge(&measured).verdict
    }

    #[test]
    fn it_is_the_time_and_the_memory_that_are_judged() {
        assert_eq!(verdict(1.0, 3.0), Verdict::Holds);
        assert_eq!(verdict(0.51, 1.51), Verdict::Holds);
        assert_eq!(verdict(1.99, 5.99), Verdict::Holds);
        assert_eq!(verdict(0.49, 1.51), Verdict::Depends);
        assert_eq!(verdict(2.01, 1.51), Verdict::Depends);
        assert_eq!(verdict(0.51, 1.49), Verdict::Depends);
        assert_eq!(verdict(0.51, 6.01), Verdict::Depends);
        assert_eq!(judged(0.49, 0.49, 1.49), Verdict::Differs);
        assert_eq!(judged(30.0, 30.0, 30.0), Verdict::Differs);
        assert_eq!(judged(0.51, 1.0, 3.0), Verdict::Holds);
        assert_eq!(judged(0.49, 1.0, 3.0), Verdict::Depends);
        assert_eq!(judged(2.01, 1.0, 3.0), Verdict::Depends);
    }
}
