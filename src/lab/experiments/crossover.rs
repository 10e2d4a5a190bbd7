//! How long must a task be until workers are worth their trips?
//!
//! For each payload and each of two ways to a worker, task lengths are tried until two neighbours
//! are found, of which the shorter is done sooner by one process and the longer by the workers.
//! The way there is either an ipc-channel, with the payload as an array through serde, or the
//! hand-over in shared memory, where the payload lies.

use crate::error::Result;
use crate::lab::haul::{self, Haul, Haulers, Input, Order};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::worker;
use crate::report::units::{bytes as in_bytes, time};
use std::sync::Arc;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "crossover",
    lecture: 26,
    slides: &[10],
    claim: "Short tasks (1–5 ms): sequential nearly always wins. Long tasks (200 ms+): \
            multiprocessing usually wins if payload is small. The crossover is typically 10–50 ms \
            on modern hardware.",
    memory: 2_500_000_000,
    workers: &[worker::enter::<Haul>],
    run: |bench| {
        let payloads: &[usize] = bench.pick(
            &[0, 1_000_000, 12_441_600],
            &[0, 64_000, 1_000_000, 12_441_600, 49_766_400],
        );
        Ok(judge(&measure(bench, payloads)?))
    },
};

/// Seconds: the lecture's, and the range of task lengths that are tried.
const CLAIMED: [f64; 2] = [0.010, 0.050];
const RANGE: [f64; 2] = [10e-6, 0.5];

/// Where the workers begin to win.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Crossing {
    /// The longest task, in seconds, that one process was seen to do sooner; 0 if there is none
    /// in the range.
    loses: f64,
    /// The shortest that the workers were; infinite if there is none.
    wins: f64,
}

#[derive(Clone, Debug)]
struct Measured {
    workers: usize,
    curves: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    payload: usize,
    channel: Crossing,
    shared: Crossing,
}

fn measure(bench: &Bench, payloads: &[usize]) -> Result<Measured> {
    let workers = bench.processors;
    let mut curves = Vec::new();
    for &payload in payloads {
        let data = Arc::new(haul::array(payload));
        let slots = haul::slots(1, payload.max(1))?;
        let lease = haul::written(&slots, &data)?;
        let [by_value, by_reference] = match payload {
            0 => [Input::Nothing, Input::Nothing],
            _ => [Input::Payload(data.clone()), Input::Shared(lease)],
        };
        let size = in_bytes(payload as f64);
        let cross = |name: &str, by_channel, input| {
            let pool = haul::pool(workers, by_channel, Some(&slots))?;
            let at = |length: f64| {
                bench.phase(&format!(
                    "{size} by {name}, tasks of {}",
                    time(1e9 * length)
                ))?;
                compare(bench, &pool, &data, &input, length)
            };
            find(at, bench.pick(2.0, 1.3))
        };
        curves.push(Point {
            payload,
            channel: cross("ipc-channel", true, by_value)?,
            shared: cross("shared memory", false, by_reference)?,
        });
    }
    Ok(Measured { workers, curves })
}

/// What two ways to do tasks of one length take, in seconds a task.
#[derive(Clone, Copy, Debug)]
struct Compared {
    sequential: f64,
    parallel: f64,
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
    let seconds = bench.pick(0.05, 0.3);
    let taken = bench.in_turns(
        seconds,
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

/// Finds two lengths, at most `factor` apart, between which the workers begin to win.
fn find(mut at: impl FnMut(f64) -> Result<Compared>, factor: f64) -> Result<Crossing> {
    let wins = |compared: Compared| compared.parallel < compared.sequential;
    let [least, most] = RANGE;
    let first = at(least)?;
    if wins(first) {
        return Ok(Crossing {
            loses: 0.0,
            wins: least,
        });
    }
    // Parallel tasks take no less when they are longer: as long as that, one process is sooner.
    let mut loses = first.parallel.clamp(least, most);
    let mut to = loses;
    loop {
        if to >= most {
            return Ok(Crossing {
                loses,
                wins: f64::INFINITY,
            });
        }
        to = (2.0 * to).min(most);
        if wins(at(to)?) {
            break;
        }
        loses = to;
    }
    while to / loses > factor {
        let middle = (loses * to).sqrt();
        if wins(at(middle)?) {
            to = middle;
        } else {
            loses = middle;
        }
    }
    Ok(Crossing { loses, wins: to })
}

impl Crossing {
    /// In between; none if the workers never win.
    fn middle(self) -> Option<f64> {
        let least = self.loses.max(RANGE[0]);
        self.wins.is_finite().then(|| (least * self.wins).sqrt())
    }

    fn show(self) -> String {
        match self {
            Self { wins, .. } if wins.is_infinite() => format!("> {}", time(1e9 * RANGE[1])),
            Self { loses: 0.0, wins } => format!("< {}", time(1e9 * wins)),
            Self { loses, wins } => format!("{} to {}", time(1e9 * loses), time(1e9 * wins)),
        }
    }

    /// Whether it may be within what is claimed.
    fn is_as_claimed(self) -> bool {
        self.loses <= CLAIMED[1] && self.wins >= CLAIMED[0]
    }
}

fn judge(measured: &Measured) -> Finding {
    let curves = &measured.curves;
    let channel = |point: &Point| point.channel;
    let as_claimed = curves
        .iter()
        .filter(|point| point.channel.is_as_claimed())
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
            in_bytes(last.payload as f64)
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
    let mut figures = Vec::new();
    for point in curves {
        let known = KEYS.iter().find(|(payload, ..)| *payload == point.payload);
        let Some(&(_, keys, names)) = known else {
            continue;
        };
        let crossings = [point.channel, point.shared];
        for ((key, what), crossing) in keys.into_iter().zip(names).zip(crossings) {
            // What never wins has no figure: the sentence and the table say so.
            if let Some(middle) = crossing.middle() {
                figures.push(Figure::seconds(key, what, middle).between(CLAIMED[0], CLAIMED[1]));
            }
        }
    }
    let row = |point: &Point| {
        let size = in_bytes(point.payload as f64);
        vec![size, point.channel.show(), point.shared.show()]
    };
    let bars = |crossing: fn(&Point) -> Crossing| {
        let bar = |point: &Point| {
            let middle = crossing(point).middle().unwrap_or(RANGE[1]);
            (in_bytes(point.payload as f64), middle)
        };
        curves.iter().map(bar).collect()
    };
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
                title: "By ipc-channel".into(),
                unit: Unit::Seconds,
                bars: bars(channel),
            },
            Drawing::Bars {
                title: "Through shared memory".into(),
                unit: Unit::Seconds,
                bars: bars(|point| point.shared),
            },
        ],
        verdict,
        because,
    }
}

/// A payload in bytes, and its figures' keys and names: by ipc-channel, through shared memory.
type Keys = (usize, [&'static str; 2], [&'static str; 2]);

const KEYS: [Keys; 5] = [
    (
        0,
        ["channel_none_s", "shared_none_s"],
        ["no payload, by ipc-channel", "… through shared memory"],
    ),
    (
        64_000,
        ["channel_64k_s", "shared_64k_s"],
        ["64 kB, by ipc-channel", "… through shared memory"],
    ),
    (
        1_000_000,
        ["channel_1m_s", "shared_1m_s"],
        ["1 MB, by ipc-channel", "… through shared memory"],
    ),
    (
        12_441_600,
        ["channel_12m_s", "shared_12m_s"],
        ["12 MB, by ipc-channel", "… through shared memory"],
    ),
    (
        49_766_400,
        ["channel_50m_s", "shared_50m_s"],
        ["50 MB, by ipc-channel", "… through shared memory"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Two workers, to each of which a task takes that long to get.
    fn model(overhead: f64) -> impl FnMut(f64) -> Result<Compared> {
        move |length| {
            Ok(Compared {
                sequential: length,
                parallel: (length + overhead) / 2.0,
            })
        }
    }

    #[test]
    fn the_crossing_is_found_within_the_factor() {
        for overhead in [11e-6, 1e-4, 3e-3, 0.04, 0.4] {
            let found = find(model(overhead), 1.3).unwrap();
            assert!(
                found.loses <= overhead && overhead <= found.wins,
                "{overhead}: {found:?}"
            );
            assert!(found.wins / found.loses <= 1.3, "{found:?}");
        }
        let [least, most] = RANGE;
        let at_once = find(model(least / 2.0), 2.0).unwrap();
        assert_eq!(
            at_once,
            Crossing {
                loses: 0.0,
                wins: least
            }
        );
        let never = find(model(2.0 * most), 2.0).unwrap();
        assert_eq!((never.loses, never.wins), (most, f64::INFINITY));
        assert_eq!(never.middle(), None);
    }

    fn verdict(channel: &[[f64; 2]]) -> Verdict {
        let shared = Crossing {
            loses: 0.0,
            wins: 1e-5,
        };
        let point = |&[loses, wins]: &[f64; 2]| Point {
            payload: 0,
            channel: Crossing { loses, wins },
            shared,
        };
        let curves = channel.iter().map(point).collect();
        judge(&Measured { workers: 2, curves }).verdict
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
        let measured = Measured {
            workers: 1,
            curves: Vec::new(),
        };
        assert_eq!(judge(&measured).verdict, Verdict::Untestable);
    }

    #[test]
    fn every_payload_that_is_tried_has_its_figures() {
        let crossing = Crossing {
            loses: 0.01,
            wins: 0.02,
        };
        let point = |(payload, ..): Keys| Point {
            payload,
            channel: crossing,
            shared: crossing,
        };
        let curves: Vec<_> = KEYS.map(point).to_vec();
        assert_eq!(
            judge(&Measured { workers: 2, curves }).figures.len(),
            2 * KEYS.len()
        );
    }
}
