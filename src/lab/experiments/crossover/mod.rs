//! How long must a task be until workers are worth their trips?
//!
//! A task reads all of its payload and computes; its length is what that takes in one process. For
//! each payload and each of two ways to a worker, task lengths are tried until two neighbours
//! are found, of which the shorter is done sooner by one process and the longer by the workers.
//! The way there is either an ipc-channel, with the payload as an array through serde, or the
//! hand-over in shared memory, where the payload lies.

mod search;

use crate::error::Result;
use crate::lab::haul::{self, Haul, Haulers, Input, Order};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::worker;
use crate::report::units::{bytes as in_bytes, time};
use search::{Compared, Crossing, find};
use std::sync::Arc;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "crossover",
    lecture: 26,
    slides: &[10],
    claim: "Short tasks (1–5 ms): sequential nearly always wins. Long tasks (200 ms+): \
            multiprocessing usually wins if payload is small. The crossover is typically 10–50 ms \
            on modern hardware.",
    // A worker has a message of 75 MB and the array of 50 MB, as this process has messages on their way.
    memory: |workers| 1_700_000_000 + 400_000_000 * workers,
    workers: &[worker::enter::<Haul>],
    run: |bench| {
        let all = PAYLOADS
            .iter()
            .filter(|payload| payload.is_quick || bench.pick(false, true));
        Ok(judge(&measure(bench, all)?))
    },
};

/// Seconds, by the lecture.
const CLAIMED: [f64; 2] = [0.010, 0.050];

/// Tasks are not made longer than that.
const MOST: Duration = Duration::from_millis(500);

/// A payload in bytes, and the keys and names of its figures: by ipc-channel, through shared memory.
#[derive(Debug)]
struct Payload {
    bytes: usize,
    is_quick: bool,
    keys: [&'static str; 2],
    names: [&'static str; 2],
}

static PAYLOADS: [Payload; 5] = [
    Payload {
        bytes: 0,
        is_quick: true,
        keys: ["channel_none_s", "shared_none_s"],
        names: ["no payload, by ipc-channel", "… through shared memory"],
    },
    Payload {
        bytes: 64_000,
        is_quick: false,
        keys: ["channel_64k_s", "shared_64k_s"],
        names: ["64 kB, by ipc-channel", "… through shared memory"],
    },
    Payload {
        bytes: 1_000_000,
        is_quick: true,
        keys: ["channel_1m_s", "shared_1m_s"],
        names: ["1 MB, by ipc-channel", "… through shared memory"],
    },
    Payload {
        bytes: 12_441_600,
        is_quick: true,
        keys: ["channel_12m_s", "shared_12m_s"],
        names: ["12 MB, by ipc-channel", "… through shared memory"],
    },
    Payload {
        bytes: 49_766_400,
        is_quick: false,
        keys: ["channel_50m_s", "shared_50m_s"],
        names: ["50 MB, by ipc-channel", "… through shared memory"],
    },
];

#[derive(Clone, Debug)]
struct Measured {
    workers: usize,
    /// An empty task there and back, by ipc-channel and through shared memory, in seconds.
    trips: [f64; 2],
    curves: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    payload: &'static Payload,
    channel: Crossing,
    shared: Crossing,
}

fn measure(bench: &Bench, payloads: impl Iterator<Item = &'static Payload>) -> Result<Measured> {
    let workers = bench.processors;
    let trips = trips(bench)?;
    let mut curves = Vec::new();
    for payload in payloads {
        let bytes = bench.size(payload.bytes);
        let data = Arc::new(haul::array(bytes));
        let slots = haul::slots(1, bytes.max(1))?;
        let lease = haul::written(&slots, &data)?;
        let [by_value, by_reference] = match bytes {
            0 => [Input::Nothing, Input::Nothing],
            _ => [Input::Payload(data.clone()), Input::Shared(lease)],
        };
        let size = in_bytes(bytes as f64);
        let cross = |name: &str, by_channel, input| {
            let pool = haul::pool(workers, by_channel, Some(&slots))?;
            let at = |length: f64| {
                bench.phase(&format!(
                    "{size} by {name}, tasks of {}",
                    time(1e9 * length)
                ))?;
                compare(bench, &pool, &data, &input, length)
            };
            let most = bench.length(MOST).as_secs_f64();
            find(at, most, bench.pick(2.0, 1.5))
        };
        curves.push(Point {
            payload,
            channel: cross("ipc-channel", true, by_value)?,
            shared: cross("shared memory", false, by_reference)?,
        });
    }
    Ok(Measured {
        workers,
        trips,
        curves,
    })
}

fn trips(bench: &Bench) -> Result<[f64; 2]> {
    let pool = |by_channel| haul::pool(1, by_channel, None);
    let (by_channel, by_queue) = (pool(true)?, pool(false)?);
    let trip = |pool: &Haulers| haul::trip(pool, Order::of(Input::Nothing, 0)).map(drop);
    let taken = bench.in_turns(
        bench.seconds(0.1, 1.0),
        [&mut || trip(&by_channel), &mut || trip(&by_queue)],
    )?;
    Ok(taken.map(|taken| taken.median()))
}

fn compare(
    bench: &Bench,
    pool: &Haulers,
    data: &[u16],
    input: &Input,
    length: f64,
) -> Result<Compared> {
    let steps = bench.steps(Duration::from_secs_f64(length));
    let order = Order::of(input.clone(), steps);
    // As many as make a turn of some milliseconds, and two for each worker at least.
    let tasks = pool.workers() * (2.0 / (500.0 * length)).clamp(2.0, 20.0) as usize;
    // Long tasks are known by one turn, which takes a second or more.
    let turns = if length * tasks as f64 > 0.2 { 1 } else { 3 };
    let taken = bench.in_turns_of(
        turns,
        bench.seconds(0.05, 0.2),
        [
            &mut || {
                (0..tasks).for_each(|_| haul::here(data, steps, 0));
                Ok(())
            },
            &mut || haul::all(pool, &order, tasks),
        ],
    )?;
    let [sequential, parallel] = taken.map(|taken| taken.median() / tasks as f64);
    Ok(Compared {
        sequential,
        parallel,
    })
}

impl Payload {
    fn size(&self) -> String {
        in_bytes(self.bytes as f64)
    }
}

/// Whether it may be within what is claimed.
fn is_as_claimed(crossing: Crossing) -> bool {
    crossing.loses <= CLAIMED[1] && crossing.wins >= CLAIMED[0]
}

fn judge(measured: &Measured) -> Finding {
    let curves = &measured.curves;
    let channel = |point: &Point| point.channel;
    let as_claimed = curves
        .iter()
        .filter(|point| is_as_claimed(point.channel))
        .count();
    let verdict = match as_claimed {
        _ if measured.workers < 2 => Verdict::Untestable,
        0 => {
            // On both sides of what is claimed: with some payload in between it would be there.
            let below = curves.iter().any(|point| point.channel.wins < CLAIMED[0]);
            let above = curves.iter().any(|point| point.channel.loses > CLAIMED[1]);
            if below && above {
                Verdict::Depends
            } else {
                Verdict::Differs
            }
        }
        all if all == curves.len() => Verdict::Holds,
        _ => Verdict::Depends,
    };
    let told = |crossing: fn(&Point) -> Crossing| match (curves.first(), curves.last()) {
        (Some(first), Some(last)) => format!(
            "at {} without a payload and at {} with {}",
            crossing(first).show(),
            crossing(last).show(),
            last.payload.size()
        ),
        _ => "nowhere".into(),
    };
    let because = if measured.workers < 2 {
        "there is one processor, on which workers win nothing, however long the task is".into()
    } else {
        format!(
            "{} workers begin to win {} by ipc-channel; through shared memory {}",
            measured.workers,
            told(channel),
            told(|point| point.shared),
        )
    };
    let [channel_trip, shared_trip] = measured.trips;
    let mut figures = vec![
        Figure::seconds(
            "channel_trip_s",
            "a round trip by ipc-channel",
            channel_trip,
        ),
        Figure::seconds("shared_trip_s", "… through shared memory", shared_trip),
    ];
    for point in curves {
        let crossings = [point.channel, point.shared];
        let Payload { keys, names, .. } = point.payload;
        for ((key, what), crossing) in keys.iter().zip(names).zip(crossings) {
            // What never wins has no figure: the sentence and the table say so.
            if let Some(middle) = crossing.middle() {
                figures.push(Figure::seconds(key, what, middle).between(CLAIMED[0], CLAIMED[1]));
            }
        }
    }
    let row = |point: &Point| {
        let size = point.payload.size();
        vec![size, point.channel.show(), point.shared.show()]
    };
    let bar = |point: &Point, way: &str, crossing: Crossing| {
        let middle = crossing.middle().unwrap_or(crossing.loses);
        (format!("{}, {way}", point.payload.size()), middle)
    };
    let by_channel = curves
        .iter()
        .map(|point| bar(point, "ipc-channel", point.channel));
    let by_queue = curves
        .iter()
        .map(|point| bar(point, "shared memory", point.shared));
    let header = ["payload", "ipc-channel", "shared memory"];
    Finding {
        figures,
        drawings: vec![
            Drawing::Table {
                title: "The task length from which workers win lies between".into(),
                header: header.map(String::from).to_vec(),
                rows: curves.iter().map(row).collect(),
            },
            Drawing::Bars {
                title: "From there on workers win".into(),
                unit: Unit::Seconds,
                bars: by_channel.chain(by_queue).collect(),
            },
        ],
        verdict,
        because,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(workers: usize, curves: Vec<Point>) -> Measured {
        Measured {
            workers,
            trips: [5e-5, 5e-6],
            curves,
        }
    }

    fn verdict(channel: &[[f64; 2]]) -> Verdict {
        let shared = Crossing {
            loses: 0.0,
            wins: 1e-5,
        };
        let point = |&[loses, wins]: &[f64; 2]| Point {
            payload: &PAYLOADS[0],
            channel: Crossing { loses, wins },
            shared,
        };
        let curves = channel.iter().map(point).collect();
        judge(&measured(2, curves)).verdict
    }

    #[test]
    fn it_holds_where_every_crossing_may_be_between_10_and_50_ms() {
        assert_eq!(verdict(&[[0.005, 0.0101], [0.049, 0.1]]), Verdict::Holds);
        assert_eq!(verdict(&[[0.005, 0.0099], [0.02, 0.03]]), Verdict::Depends);
        assert_eq!(verdict(&[[0.02, 0.03], [0.051, 0.1]]), Verdict::Depends);
        assert_eq!(
            verdict(&[[0.0, 1e-5], [0.051, f64::INFINITY]]),
            Verdict::Depends
        );
        assert_eq!(verdict(&[[0.0, 1e-5], [0.005, 0.0099]]), Verdict::Differs);
        assert_eq!(
            verdict(&[[0.051, 0.1], [0.5, f64::INFINITY]]),
            Verdict::Differs
        );
    }

    #[test]
    fn one_processor_cannot_tell() {
        assert_eq!(judge(&measured(1, Vec::new())).verdict, Verdict::Untestable);
    }

    #[test]
    fn every_payload_that_is_tried_has_its_figures() {
        let crossing = Crossing {
            loses: 0.01,
            wins: 0.02,
        };
        let point = |payload| Point {
            payload,
            channel: crossing,
            shared: crossing,
        };
        let curves: Vec<_> = PAYLOADS.iter().map(point).collect();
        let finding = judge(&measured(2, curves));
        let keys: std::collections::HashSet<_> =
            finding.figures.iter().map(|figure| figure.key).collect();
        assert_eq!(keys.len(), 2 + 2 * PAYLOADS.len());
    }
}
