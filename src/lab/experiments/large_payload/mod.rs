//! A hundred megabytes of input for 200 ms of work: who works, and who serialises?

mod limited;

use crate::error::Result;
use crate::lab::bench::Samples;
use crate::lab::haul::{self, Haul, Input, Order, Way};
use crate::lab::memory;
use crate::lab::work::failed;
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Trip, worker};
use crate::report::units::{bytes as in_bytes, list};
use limited::Ended;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "large-payload",
    lecture: 26,
    slides: &[8],
    claim: "Task: process a 100 MB array in 200 ms — but pickling it takes 1–2 seconds. 90% of \
            wall-clock time is serialization. Four workers: 4 × 1 s of serialization overhead, \
            plus 4 × 300 MB peak memory pressure during transit → may trigger OS swapping. \
            Solution: shared memory.",
    memory: 4_000_000_000,
    workers: &[worker::enter::<Haul>],
    run: |bench| {
        Ok(judge(&measure(
            bench,
            bench.size(100_000_000),
            bench.length(Duration::from_millis(200)),
        )?))
    },
};

/// As many as the lecture has, whatever the machine has.
const WORKERS: usize = 4;

/// Times in seconds, memory in bytes.
#[derive(Clone, Copy, Debug)]
struct Measured {
    bytes: f64,
    /// One task on one worker, from its submission to its end.
    payload: f64,
    raw: f64,
    shared: f64,
    mapped: f64,
    /// Of the payload's time: serialising, transferring, deserialising.
    moving: f64,
    /// The peak with four workers at four arrays.
    payload_peak: f64,
    shared_peak: f64,
    /// Four payloads at once: all of the processor time that moving them took.
    moving_four: f64,
    /// What became of a task whose worker had twice the array's size of memory left; by
    /// [`Way::ALL`].
    limited: [Ended; 3],
}

fn measure(bench: &Bench, bytes: usize, work: Duration) -> Result<Measured> {
    let data = Arc::new(haul::array(bytes));
    let steps = bench.steps(work);
    let folder = bench.folder()?;
    let file = folder.join("samples");
    std::fs::write(&file, bytemuck::cast_slice(&data)).map_err(failed)?;
    let slots = haul::slots(1, bytes)?;
    let lease = haul::written(&slots, &data)?;

    bench.phase("one worker")?;
    let pool = haul::pool(1, true, Some(&slots))?;
    let moving = RefCell::new(Samples::default());
    let trip = |input: Input| haul::trip(&pool, Order::of(input, steps));
    let taken = bench.in_turns(
        bench.seconds(2.0, 20.0),
        [
            &mut || {
                let trip = trip(Input::Payload(data.clone()))?;
                moving.borrow_mut().0.push(moving_of(&trip));
                Ok(())
            },
            &mut || trip(Input::PayloadRaw(data.clone())).map(drop),
            &mut || trip(Input::Shared(lease.clone())).map(drop),
            &mut || trip(Input::File(file.clone())).map(drop),
        ],
    )?;
    let [payload, raw, shared, mapped] = taken.map(|taken| taken.median());
    drop((pool, lease, slots));

    let (payload_peak, moving_four) = four_payloads(bench, bytes, steps)?;
    bench.phase("four workers, shared memory")?;
    let slots = haul::slots(WORKERS, bytes)?;
    let pool = haul::pool(WORKERS, false, Some(&slots))?;
    let rest = memory::at_rest(&pool.pids());
    let anonymous = memory::above(rest, &pool.pids(), || {
        let leases: Result<Vec<_>> = (0..WORKERS).map(|_| haul::written(&slots, &data)).collect();
        let orders = leases?
            .into_iter()
            .map(|lease| Order::of(Input::Shared(lease), steps));
        let handles: Vec<_> = orders.map(|order| pool.submit(order)).collect();
        handles
            .into_iter()
            .try_for_each(|handle| haul::end(handle).map(drop))
    })?;
    let shared_peak = anonymous + slots.bytes().0 as f64;
    drop((pool, slots));

    let limited = limited::try_all(bench, &folder, &data)?;
    Ok(Measured {
        bytes: bytes as f64,
        payload,
        raw,
        shared,
        mapped,
        moving: moving.into_inner().median(),
        payload_peak,
        shared_peak,
        moving_four,
        limited,
    })
}

fn moving_of(trip: &Trip) -> f64 {
    (trip.serialize() + trip.transfer() + trip.deserialize()) as f64 / 1e9
}

/// Four workers, each with an array of its own: their peak of memory, and the time that they took
/// for moving, added up.
fn four_payloads(bench: &Bench, bytes: usize, steps: u64) -> Result<(f64, f64)> {
    bench.phase("four workers, payload")?;
    let pool = haul::pool(WORKERS, true, None)?;
    haul::all(&pool, &Order::of(Input::Nothing, 0), WORKERS)?;
    let rest = memory::at_rest(&pool.pids());
    let mut moving = 0.0;
    let peak = memory::above(rest, &pool.pids(), || {
        let input = |_| Input::Payload(Arc::new(haul::array(bytes)));
        let inputs: Vec<_> = (0..WORKERS).map(input).collect();
        let orders = inputs.into_iter().map(|input| Order::of(input, steps));
        let handles: Vec<_> = orders.map(|order| pool.submit(order)).collect();
        for handle in handles {
            moving += moving_of(&haul::end(handle)?);
        }
        Ok(())
    })?;
    Ok((peak, moving))
}

/// From such a share on, it is what nearly all of the time goes to: 90 % are claimed.
const MOST: f64 = 0.8;

/// At least so many times the array for each worker: three are claimed.
const HEAVY: f64 = 2.5;

fn judge(measured: &Measured) -> Finding {
    let Measured {
        bytes,
        payload,
        raw,
        shared,
        mapped,
        moving,
        limited,
        ..
    } = *measured;
    let share = moving / payload;
    let four = WORKERS as f64;
    let times = measured.payload_peak / (four * bytes);
    let verdict = match (share >= MOST, times >= HEAVY) {
        (true, true) => Verdict::Holds,
        (false, false) => Verdict::Differs,
        _ => Verdict::Depends,
    };
    let under_limit = |ended: Ended| -> Vec<&str> {
        let ways = Way::ALL.into_iter().zip(limited);
        ways.filter(|(_, was)| *was == ended)
            .map(|(way, _)| way.name())
            .collect()
    };
    let left = in_bytes(2.0 * bytes);
    let limits = [
        (Ended::Died, "killed"),
        (Ended::Done, "done"),
        (Ended::NotTried, "not tried"),
    ];
    let limits = limits.map(|(ended, word)| (under_limit(ended), word));
    let limits = limits.iter().filter(|(names, _)| !names.is_empty());
    let limits: Vec<_> = limits
        .map(|(names, word)| format!("{word}: {}", list(names)))
        .collect();
    let because = format!(
        "{:.0} % of a payload's time is moving it, and four workers have {times:.1} times their \
         arrays in memory, through shared memory {:.1} times; where a worker may have {left} \
         more than at rest, none swaps ({})",
        100.0 * share,
        measured.shared_peak / (four * bytes),
        limits.join("; "),
    );
    let shown = |key, what, ended: Ended| {
        Figure::new(
            key,
            what,
            Unit::Shown,
            f64::from(u8::from(ended == Ended::Done)),
        )
    };
    let figures = vec![
        Figure::seconds("moving_s", "100 MB: serialised, sent, deserialised", moving)
            .between(1.0, 2.0),
        Figure::new("moving_share", "… of the task's time", Unit::Share, share).about(0.9),
        Figure::seconds("payload_s", "the task, payload", payload),
        Figure::seconds("raw_s", "… raw bytes", raw),
        Figure::seconds("mmap_s", "… a mapped file", mapped),
        Figure::seconds("shared_s", "… shared memory", shared),
        Figure::seconds(
            "moving_four_s",
            "four workers: moving in all",
            measured.moving_four,
        )
        .about(4.0),
        Figure::new(
            "payload_peak_bytes",
            "… memory, payload",
            Unit::Bytes,
            measured.payload_peak,
        )
        .about(1.2e9),
        Figure::new(
            "shared_peak_bytes",
            "… shared memory",
            Unit::Bytes,
            measured.shared_peak,
        ),
        shown(
            "limited_payload",
            "done with 200 MB more: payload",
            limited[0],
        ),
        shown("limited_raw", "… raw bytes", limited[1]),
        shown("limited_shared", "… shared memory", limited[2]),
    ];
    let bar = |name: &str, seconds: f64| (name.to_owned(), seconds);
    Finding {
        figures,
        drawings: vec![Drawing::Bars {
            title: "200 ms of work on 100 MB".into(),
            unit: Unit::Seconds,
            bars: vec![
                bar("payload", payload),
                bar("payload-raw", raw),
                bar("mapped file", mapped),
                bar("shared memory", shared),
            ],
        }],
        verdict,
        because,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(share: f64, times: f64, limited: [Ended; 3]) -> Finding {
        judge(&Measured {
            bytes: 1e8,
            payload: 1.0,
            raw: 0.3,
            shared: 0.2,
            mapped: 0.2,
            moving: share,
            payload_peak: times * 4e8,
            shared_peak: 4e8,
            moving_four: 4.0,
            limited,
        })
    }

    #[test]
    fn it_is_the_share_of_time_and_the_memory_that_are_judged() {
        let verdict = |share, times| finding(share, times, [Ended::Done; 3]).verdict;
        assert_eq!(verdict(0.81, 2.51), Verdict::Holds);
        assert_eq!(verdict(0.79, 2.51), Verdict::Depends);
        assert_eq!(verdict(0.81, 2.49), Verdict::Depends);
        assert_eq!(verdict(0.79, 2.49), Verdict::Differs);
    }

    #[test]
    fn what_became_of_each_way_under_the_limit_is_told() {
        let because = |limited| finding(0.9, 3.0, limited).because;
        let told = because([Ended::Died, Ended::Done, Ended::Done]);
        let words = "killed: payload; done: payload-raw and shared memory";
        assert!(told.contains(words), "{told}");
        assert!(because([Ended::NotTried; 3]).contains("not tried: payload, payload-raw"));
    }
}
