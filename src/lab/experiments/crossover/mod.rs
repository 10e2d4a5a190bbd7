//! How long must a task be until workers are worth their trips?
//!
//! A task reads all of its payload and computes; its length is what that takes in one process. For
//! each payload and each of two ways to a worker, task lengths are tried until two neighbours
//! are found, of which the shorter is done sooner by one process and the longer by the workers.
//! The way there is either an ipc-channel, with the payload as an array through serde, or the
//! hand-over in shared memory, where the payload lies.
//!
//! The figure of a curve is the middle of the two, beside the two themselves. Where one process is
//! never seen to be sooner, there is no lower one, and where the workers never are, no upper one and no
//! middle.

mod draw;
mod search;

use crate::error::Result;
use crate::lab::haul::{self, Haul, Haulers, Input, Order};
use crate::lab::{Bench, Experiment, Figure, Finding, Verdict};
use crate::pool::worker;
use crate::report::units::{bytes as in_bytes, plural, time};
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

/// Tasks of up to so many seconds nearly always lose, by the lecture: with so many of the payloads.
const SHORT: f64 = 0.005;
const NEARLY: f64 = 0.8;

/// From so many seconds on they usually win, if the payload is so small in bytes.
const LONG: f64 = 0.200;
const SMALL: usize = 1_000_000;

/// Tasks are not made longer than that.
const MOST: Duration = Duration::from_millis(500);

/// A payload in bytes, and the keys (of the middle, and of both ends) and names of its figures: by
/// ipc-channel, through shared memory.
#[derive(Debug)]
struct Payload {
    bytes: usize,
    is_quick: bool,
    keys: [[&'static str; 3]; 2],
    names: [&'static str; 2],
}

static PAYLOADS: [Payload; 5] = [
    Payload {
        bytes: 0,
        is_quick: true,
        keys: [
            ["channel_none_s", "channel_none_from_s", "channel_none_to_s"],
            ["shared_none_s", "shared_none_from_s", "shared_none_to_s"],
        ],
        names: [
            "no payload, by ipc-channel",
            "no payload, through shared memory",
        ],
    },
    Payload {
        bytes: 64_000,
        is_quick: false,
        keys: [
            ["channel_64k_s", "channel_64k_from_s", "channel_64k_to_s"],
            ["shared_64k_s", "shared_64k_from_s", "shared_64k_to_s"],
        ],
        names: ["64 kB, by ipc-channel", "64 kB, through shared memory"],
    },
    Payload {
        bytes: 1_000_000,
        is_quick: true,
        keys: [
            ["channel_1m_s", "channel_1m_from_s", "channel_1m_to_s"],
            ["shared_1m_s", "shared_1m_from_s", "shared_1m_to_s"],
        ],
        names: ["1 MB, by ipc-channel", "1 MB, through shared memory"],
    },
    Payload {
        bytes: 12_441_600,
        is_quick: true,
        keys: [
            ["channel_12m_s", "channel_12m_from_s", "channel_12m_to_s"],
            ["shared_12m_s", "shared_12m_from_s", "shared_12m_to_s"],
        ],
        names: ["12 MB, by ipc-channel", "12 MB, through shared memory"],
    },
    Payload {
        bytes: 49_766_400,
        is_quick: false,
        keys: [
            ["channel_50m_s", "channel_50m_from_s", "channel_50m_to_s"],
            ["shared_50m_s", "shared_50m_from_s", "shared_50m_to_s"],
        ],
        names: ["50 MB, by ipc-channel", "50 MB, through shared memory"],
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
                (0..tasks).try_for_each(|_| {
                    bench.go_on()?;
                    haul::here(data, steps, 0);
                    Ok(())
                })
            },
            &mut || haul::all(bench, pool, &order, tasks),
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
    // The lecture's way to a worker is the channel. A crossing may be anywhere in its interval.
    let share = |is_so: fn(&Point) -> bool, of: &dyn Fn(&Point) -> bool| {
        let all = curves.iter().filter(|point| of(point));
        let so = all.clone().filter(|point| is_so(point)).count();
        so as f64 / all.count() as f64
    };
    let short = share(|point| point.channel.wins >= SHORT, &|_| true);
    let long = share(|point| point.channel.loses <= LONG, &|point| {
        point.payload.bytes <= SMALL
    });
    let typical = share(|point| is_as_claimed(point.channel), &|_| true);
    // "Usually" and "typically" are more often than not.
    let verdict = Verdict::of(&[short >= NEARLY, long > 0.5, typical > 0.5]);
    let told = |crossing: fn(&Point) -> Crossing| match (curves.first(), curves.last()) {
        (Some(first), Some(last)) => format!(
            "at {} without a payload and at {} with {}",
            crossing(first).show(),
            crossing(last).show(),
            last.payload.size()
        ),
        _ => "nowhere".into(),
    };
    let because = format!(
        "with {} tasks begin to pay {} by ipc-channel, between 10 and 50 ms with {:.0} % of the \
         payloads; those of {} do not with {:.0} % of them, and those of {} do with {:.0} % of the \
         ones up to {}; through shared memory they begin to pay {}",
        plural(measured.workers as u64, "worker"),
        told(channel),
        100.0 * typical,
        time(1e9 * SHORT),
        100.0 * short,
        time(1e9 * LONG),
        100.0 * long,
        in_bytes(SMALL as f64),
        told(|point| point.shared),
    );
    let (verdict, because) = verdict.in_parallel(measured.workers, because);
    Finding {
        figures: figures(measured),
        drawings: vec![draw::intervals(curves), draw::middles(curves)],
        verdict,
        because,
        parts: Vec::new(),
    }
}

fn figures(measured: &Measured) -> Vec<Figure> {
    let [channel_trip, shared_trip] = measured.trips;
    let mut figures = vec![
        Figure::seconds(
            "channel_trip_s",
            "a round trip by ipc-channel",
            channel_trip,
        ),
        Figure::seconds("shared_trip_s", "… through shared memory", shared_trip),
    ];
    for point in &measured.curves {
        let crossings = [point.channel, point.shared];
        let Payload { keys, names, .. } = point.payload;
        for ((keys, what), crossing) in keys.iter().zip(names).zip(crossings) {
            let [middle, from, to] = *keys;
            let found = [
                (middle, *what, crossing.middle()),
                (from, "… at least", crossing.at_least()),
                (to, "… at most", crossing.at_most()),
            ];
            // What never wins has no figure: the sentence and the table say so.
            figures.extend(found.into_iter().filter_map(|(key, what, seconds)| {
                let figure = Figure::seconds(key, what, seconds?);
                let is_claimed = key == middle;
                Some(if is_claimed {
                    figure.between(CLAIMED[0], CLAIMED[1])
                } else {
                    figure
                })
            }));
        }
    }
    figures
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

    /// Payloads from none to 50 MB, by ipc-channel.
    fn finding(workers: usize, channel: [[f64; 2]; 5]) -> Finding {
        let shared = Crossing {
            loses: 0.0,
            wins: 1e-5,
        };
        let point = |(payload, [loses, wins]): (&'static Payload, [f64; 2])| Point {
            payload,
            channel: Crossing { loses, wins },
            shared,
        };
        let curves = PAYLOADS.iter().zip(channel).map(point).collect();
        judge(&measured(workers, curves))
    }

    const AS_CLAIMED: [f64; 2] = [0.02, 0.03];
    const AT_ONCE: [f64; 2] = [0.0, 1e-5];
    const LATE: [f64; 2] = [0.199, 0.3];
    const NEVER: [f64; 2] = [0.5, f64::INFINITY];

    fn verdict(channel: [[f64; 2]; 5]) -> Verdict {
        finding(2, channel).verdict
    }

    #[test]
    fn the_crossing_is_to_be_between_10_and_50_ms_with_most_payloads() {
        let most = |crossing| verdict([AS_CLAIMED, AS_CLAIMED, crossing, LATE, LATE]);
        assert_eq!(most([0.005, 0.0101]), Verdict::Holds);
        assert_eq!(most([0.005, 0.0099]), Verdict::Depends);
        assert_eq!(most([0.049, 0.1]), Verdict::Holds);
        assert_eq!(most([0.051, 0.1]), Verdict::Depends);
    }

    #[test]
    fn short_tasks_are_to_lose_with_all_payloads_but_one_in_five() {
        let first = |two: [f64; 2]| verdict([AT_ONCE, two, AS_CLAIMED, AS_CLAIMED, AS_CLAIMED]);
        assert_eq!(first([0.004, 0.0051]), Verdict::Holds);
        assert_eq!(first([0.004, 0.0049]), Verdict::Depends);
    }

    #[test]
    fn long_tasks_are_to_win_with_most_small_payloads() {
        let second = |two| verdict([AS_CLAIMED, two, [0.201, 0.4], AS_CLAIMED, AS_CLAIMED]);
        assert_eq!(second([0.199, 0.4]), Verdict::Holds);
        assert_eq!(second([0.201, 0.4]), Verdict::Depends);
    }

    #[test]
    fn it_differs_where_none_of_the_three_is_so() {
        assert_eq!(
            verdict([AT_ONCE, NEVER, NEVER, AT_ONCE, AT_ONCE]),
            Verdict::Differs
        );
        assert_eq!(
            verdict([AT_ONCE, AT_ONCE, NEVER, AT_ONCE, AT_ONCE]),
            Verdict::Depends
        );
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = finding(1, [NEVER; 5]);
        assert_eq!(alone.verdict, Verdict::Untestable);
        let words = "with 1 worker tasks begin to pay at > 500 ms without a payload";
        assert!(alone.because.contains(words), "{}", alone.because);
    }

    #[test]
    fn an_end_that_was_not_found_has_no_figure() {
        let figures = finding(2, [AS_CLAIMED, AT_ONCE, NEVER, LATE, LATE]).figures;
        let figure = |key| {
            let found = figures.iter().find(|figure| figure.key == key);
            found.map(|figure| figure.measured)
        };
        let ends = |keys: [&'static str; 2]| keys.map(figure);
        assert_eq!(
            ends(["channel_none_from_s", "channel_none_to_s"]),
            [Some(0.02), Some(0.03)]
        );
        assert_eq!(
            ends(["channel_64k_from_s", "channel_64k_to_s"]),
            [None, Some(1e-5)]
        );
        assert_eq!(
            ends(["channel_1m_from_s", "channel_1m_to_s"]),
            [Some(0.5), None]
        );
        assert_eq!(figure("channel_1m_s"), None);
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
        assert_eq!(keys.len(), 2 + 3 * 2 * PAYLOADS.len());
    }
}
