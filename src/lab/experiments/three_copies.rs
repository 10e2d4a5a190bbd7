//! A hundred megabytes across a process boundary: what is copied, how fast, and what it takes.
//!
//! The array goes to one worker that does nothing but read it, and another of that size comes
//! back. An input that is sent goes through an ipc-channel; an answer goes through the pool's queue
//! in shared memory, where the serialiser's two copies are the same and the one in the middle is
//! cheaper than a pipe's. Its copies are seen from inside the serialiser, as those of the input are.

use crate::clock::now;
use crate::error::Result;
use crate::handoff::Slots;
use crate::lab::bench::{Samples, seconds_since};
use crate::lab::finding::is_about;
use crate::lab::haul::{self, Copies, Haul, Haulers, Input, Order, Way};
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
            Typical pickling speed: ~100 MB/s → 1s overhead for every 100 MB task input/output",
    memory: |_| 1_200_000_000,
    workers: &[worker::enter::<Haul>],
    run: |bench| Ok(judge(&measure(bench, bench.size(100_000_000))?)),
};

/// Times in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    bytes: f64,
    /// Of the payload on its way in, and on its way out: each copy.
    copies_in: Copies,
    copies_out: Copies,
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
    /// The most memory that both processes have for it as input, and as output, in bytes.
    peak: f64,
    peak_out: f64,
}

fn measure(bench: &Bench, bytes: usize) -> Result<Measured> {
    let slots = haul::slots(1, bytes)?;
    let pool = haul::pool(1, true, Some(&slots))?;
    let peaks = peaks(bench, &slots, &pool, bytes)?;

    bench.phase("there and back")?;
    let data = Arc::new(haul::array(bytes));
    let copied = RefCell::new(Samples::default());
    let trips = RefCell::new(Vec::new());
    let fetched = RefCell::new(Vec::new());
    let input = |input| haul::trip(&pool, Order::of(input, 0));
    let output = |way| haul::fetch(&pool, Order::returning(way, bytes, 0));
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
            &mut || {
                fetched.borrow_mut().push(output(Way::Payload)?);
                Ok(())
            },
            &mut || output(Way::PayloadRaw).map(drop),
            &mut || output(Way::Shared).map(drop),
        ],
    )?;
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    let copies_in = trips.into_inner();
    let copies_in = copies_in.iter().map(|trip: &Trip| Copies {
        serialize: seconds(trip.serialize()),
        transfer: seconds(trip.transfer()),
        deserialize: seconds(trip.deserialize()),
    });
    let copies_in: Vec<_> = copies_in.collect();
    let [payload, raw, _, shared, payload_out, raw_out, shared_out] =
        taken.map(|taken| taken.median());
    let crossing = |input, output, [peak, peak_out]: [f64; 2]| Crossing {
        input,
        output,
        peak,
        peak_out,
    };
    let copied = copied.into_inner().median();
    Ok(Measured {
        bytes: bytes as f64,
        copies_in: medians(&copies_in),
        copies_out: medians(&fetched.into_inner()),
        payload: crossing(payload, payload_out, peaks[0]),
        raw: crossing(raw, raw_out, peaks[1]),
        shared: crossing(shared, shared_out, peaks[2]),
        copy_into_shared: copied,
    })
}

fn medians(all: &[Copies]) -> Copies {
    let median = |of: fn(&Copies) -> f64| Samples(all.iter().map(of).collect()).median();
    Copies {
        serialize: median(|copies| copies.serialize),
        transfer: median(|copies| copies.transfer),
        deserialize: median(|copies| copies.deserialize),
    }
}

/// The most memory that each way takes, the array itself included, as input and as output.
fn peaks(bench: &Bench, slots: &Slots, pool: &Haulers, bytes: usize) -> Result<[[f64; 2]; 3]> {
    bench.phase("memory")?;
    let pids = pool.pids();
    haul::trip(pool, Order::of(Input::Nothing, 0))?;
    let peak_in = |way: Way| {
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
    let peak_out = |way: Way| {
        let rest = memory::at_rest(&pids);
        let fetch = || haul::fetch(pool, Order::returning(way, bytes, 0)).map(drop);
        let peak = memory::above_with_shared(rest, &pids, fetch);
        pool.rest();
        peak
    };
    let both = |way: Way| -> Result<_> { Ok([peak_in(way)?, peak_out(way)?]) };
    Ok([
        both(Way::Payload)?,
        both(Way::PayloadRaw)?,
        both(Way::Shared)?,
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
    let times = [payload.peak, payload.peak_out].map(|peak| peak / bytes);
    let (there, back) = (measured.copies_in, measured.copies_out);
    let serializing = [there.serialize, back.serialize].map(|seconds| seconds / bytes);
    let verdict = Verdict::of(&[
        serializing.iter().all(|a_byte| is_about(*a_byte, A_BYTE)),
        is_about(a_byte, A_BYTE),
        times.iter().all(|times| is_about(*times, COPIES)),
    ]);
    let because = format!(
        "as a payload it takes {:.2} s for every 100 MB, there or back, of which serialising, alone, \
         takes {:.2} s there and {:.2} s back, and {:.1} times its size at the peak there and {:.1} \
         back; through shared memory {:.3} s, {:.1} times and {:.1}",
        1e8 * a_byte,
        1e8 * serializing[0],
        1e8 * serializing[1],
        times[0],
        times[1],
        1e8 * 0.5 * (shared.input + shared.output) / bytes,
        shared.peak / bytes,
        shared.peak_out / bytes,
    );
    let speed =
        |key, what, seconds: f64| Figure::new(key, what, Unit::BytesPerSecond, bytes / seconds);
    let second = 1e-8 * bytes;
    let claimed = 1e8;
    let peak = |key, what, peak: f64| Figure::times(key, what, peak / bytes);
    let figures = vec![
        speed(
            "serialize_bytes_per_s",
            "payload as input: copy 1, serialising",
            there.serialize,
        )
        .about(claimed),
        speed(
            "transfer_bytes_per_s",
            "… copy 2, through the kernel",
            there.transfer,
        ),
        speed(
            "deserialize_bytes_per_s",
            "… copy 3, deserialising",
            there.deserialize,
        )
        .about(claimed),
        speed(
            "serialize_output_bytes_per_s",
            "payload as output: copy 1, serialising",
            back.serialize,
        )
        .about(claimed),
        speed(
            "transfer_output_bytes_per_s",
            "… copy 2, through the pool's queue",
            back.transfer,
        ),
        speed(
            "deserialize_output_bytes_per_s",
            "… copy 3, deserialising",
            back.deserialize,
        )
        .about(claimed),
        Figure::seconds("payload_input_s", "payload as input", payload.input).about(second),
        Figure::seconds("payload_output_s", "… as output", payload.output).about(second),
        peak(
            "payload_peak",
            "payload as input: memory over the array's size",
            payload.peak,
        )
        .about(COPIES),
        peak("payload_output_peak", "… as output", payload.peak_out).about(COPIES),
        Figure::seconds("raw_input_s", "raw bytes as input", raw.input),
        Figure::seconds("raw_output_s", "… as output", raw.output),
        peak(
            "raw_peak",
            "raw bytes as input: memory over the array's size",
            raw.peak,
        ),
        peak("raw_output_peak", "… as output", raw.peak_out),
        Figure::seconds(
            "shared_copy_s",
            "copied into shared memory",
            measured.copy_into_shared,
        ),
        Figure::seconds("shared_input_s", "… read there by the worker", shared.input),
        Figure::seconds("shared_output_s", "lent as output", shared.output),
        peak(
            "shared_peak",
            "shared, input: memory over the array's size",
            shared.peak,
        ),
        peak("shared_output_peak", "… as output", shared.peak_out),
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

    /// What is claimed: a second for 100 MB each way, most of it for serialising, and three times the size.
    fn as_claimed() -> Measured {
        let copies = Copies {
            serialize: 1.0,
            ..Copies::default()
        };
        Measured {
            bytes: 1e8,
            payload: Crossing {
                input: 0.8,
                output: 1.2,
                peak: 3e8,
                peak_out: 3e8,
            },
            copies_in: copies,
            copies_out: copies,
            ..Measured::default()
        }
    }

    fn verdict(change: impl FnOnce(&mut Measured)) -> Verdict {
        let mut measured = as_claimed();
        change(&mut measured);
        judge(&measured).verdict
    }

    #[test]
    fn each_figure_may_be_half_or_twice_what_is_claimed_there_and_back() {
        assert_eq!(verdict(|_| {}), Verdict::Holds);
        type Figure = fn(&mut Measured) -> &mut f64;
        let figures: [(Figure, f64); 4] = [
            (|m| &mut m.copies_in.serialize, 1.0),
            (|m| &mut m.copies_out.serialize, 1.0),
            (|m| &mut m.payload.peak, 3e8),
            (|m| &mut m.payload.peak_out, 3e8),
        ];
        for (number, (figure, claimed)) in figures.into_iter().enumerate() {
            for (times, expected) in [
                (0.51, Verdict::Holds),
                (1.99, Verdict::Holds),
                (0.49, Verdict::Depends),
                (2.01, Verdict::Depends),
            ] {
                let found = verdict(|measured| *figure(measured) = times * claimed);
                assert_eq!(found, expected, "figure {number}, ×{times}");
            }
        }
    }

    #[test]
    fn the_whole_time_is_the_mean_of_there_and_back() {
        let of = |input, output| {
            verdict(|measured| {
                measured.payload.input = input;
                measured.payload.output = output;
            })
        };
        assert_eq!(of(0.1, 0.91), Verdict::Holds);
        assert_eq!(of(0.1, 0.89), Verdict::Depends);
        assert_eq!(of(3.8, 0.19), Verdict::Holds);
        assert_eq!(of(3.8, 0.21), Verdict::Depends);
    }

    #[test]
    fn it_differs_where_neither_time_nor_memory_is_as_claimed() {
        let found = verdict(|measured| {
            measured.payload = Crossing::default();
            measured.copies_in.serialize = 0.1;
        });
        assert_eq!(found, Verdict::Differs);
    }
}
