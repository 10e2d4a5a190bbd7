//! What follows from the figures, and from nothing else.

use super::Way;
use super::race::EQUAL;
use serde::Serialize;
use std::fmt;

/// Below this, parallel work is hardly worth having: the lecture's own threshold.
pub const WORTH_IT: f64 = 1.2;

/// Work of so many round trips makes one negligible ("several times larger").
const SEVERAL: f64 = 5.0;

/// From this share of the machine's read limit on, more processors would wait for memory.
const MEMORY_BOUND: f64 = 0.6;

/// The work of a frame or job beside what it costs to hand it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Compute {
    /// Less than workers were seen to pay from; where that is not known, than five round trips.
    Light,
    /// More.
    Heavy,
}

/// What shipping a frame or job by value takes, beside its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// Less than the work, or than a round trip.
    Small,
    /// More than both.
    Large,
}

/// Where a workload lies in the decision matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cell {
    /// The row.
    pub compute: Compute,
    /// The column.
    pub data: Data,
}

impl Cell {
    /// By what the work takes, a round trip between two processes, the bytes on their way if they are
    /// shipped by value, and the work from which on workers pay, where that is known; all in seconds.
    pub fn of(work: f64, round_trip: f64, shipping: f64, crossover: Option<f64>) -> Self {
        Self {
            compute: if work >= crossover.unwrap_or(SEVERAL * round_trip) {
                Compute::Heavy
            } else {
                Compute::Light
            },
            data: if shipping > work.max(round_trip) {
                Data::Large
            } else {
                Data::Small
            },
        }
    }
}

impl Cell {
    /// The row and the column.
    pub const fn name(self) -> &'static str {
        match (self.compute, self.data) {
            (Compute::Heavy, Data::Small) => "heavy compute, small data",
            (Compute::Heavy, Data::Large) => "heavy compute, large data",
            (Compute::Light, Data::Small) => "light compute, small data",
            (Compute::Light, Data::Large) => "light compute, large data",
        }
    }
}

/// The cell, and what it mostly means.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match (self.compute, self.data) {
            (Compute::Heavy, Data::Small) => "workers win, however they get it",
            (Compute::Heavy, Data::Large) => "workers win if a reference is shipped",
            (Compute::Light, Data::Small) => "the hand-over costs more than the work; batch it",
            (Compute::Light, Data::Large) => "shipping it costs more than the work; ship none",
        };
        write!(f, "{}: {meaning}", self.name())
    }
}

/// What a workload is held up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// Processors.
    Compute,
    /// What memory can deliver.
    MemoryBandwidth,
    /// Turning values into bytes and back, and moving these.
    Serialising,
    /// Handing over: processors that wait for the next job.
    WakeUps,
    /// Decompressing frames.
    Decode,
    /// Getting bytes from files or a sender.
    Reading,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compute => "compute",
            Self::MemoryBandwidth => "memory bandwidth",
            Self::Serialising => "serialising",
            Self::WakeUps => "wake-ups",
            Self::Decode => "decoding",
            Self::Reading => "reading",
        })
    }
}

/// Where the time of a frame goes, in seconds, and how near to the machine's limit that comes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// First dispatch to last finding, by the number of frames.
    pub frame_s: f64,
    /// Who takes part.
    pub workers: usize,
    /// Getting its bytes.
    pub load_s: f64,
    /// Whether that is done by one for all (where frames come through slots), not by each worker.
    pub loads_alone: bool,
    /// Whether it is decompressing.
    pub decodes: bool,
    /// Analysing it.
    pub compute_s: f64,
    /// Serialising, the way, and deserialising.
    pub ship_s: f64,
    /// Bytes analysed a second, of those that the machine can read; none if that is not known.
    pub of_read_limit: Option<f64>,
}

/// What it is held up by.
pub fn bound(spent: &Spent) -> Bound {
    let loading = match spent.decodes {
        true => Bound::Decode,
        false => Bound::Reading,
    };
    // One who is always busy holds up all the others.
    if spent.loads_alone && spent.load_s >= 0.8 * spent.frame_s {
        return loading;
    }
    let there_is = spent.frame_s * spent.workers as f64;
    let load = if spent.loads_alone { 0.0 } else { spent.load_s };
    let idle = there_is - load - spent.compute_s - spent.ship_s;
    let reads = spent
        .of_read_limit
        .is_some_and(|share| share >= MEMORY_BOUND);
    let terms = [
        (idle, Bound::WakeUps),
        (spent.ship_s, Bound::Serialising),
        (load, loading),
        (
            spent.compute_s,
            if reads {
                Bound::MemoryBandwidth
            } else {
                Bound::Compute
            },
        ),
    ];
    let most = terms.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
    most.map_or(Bound::Compute, |(_, bound)| bound)
}

/// What handing a frame over takes all workers together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overhead {
    /// In seconds.
    pub seconds: f64,
    /// Whether it stands out of the noise; if not, it is the most that it can be.
    pub is_seen: bool,
}

impl Overhead {
    /// By what `workers` take for each frame, its work in one thread, and a round trip's part, below
    /// which it cannot be; all in seconds.
    pub fn of(each: f64, work: f64, workers: usize, round_trip: f64) -> Self {
        let share = work / workers as f64;
        let is_seen = each > EQUAL * share;
        let most = if is_seen { each } else { EQUAL * share };
        Self {
            seconds: (most - share).max(round_trip),
            is_seen,
        }
    }
}

/// The least work, in seconds, for which `workers` are 1.2 times as fast as one, where handing a frame
/// over takes `overhead` seconds of all of them together: w with w / (w / workers + overhead) = 1.2.
/// None if so many never are.
pub fn crossover(overhead: f64, workers: usize) -> Option<f64> {
    let gain = 1.0 - WORTH_IT / workers as f64;
    (gain > 0.0).then(|| WORTH_IT * overhead / gain)
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Workers are worth it.
    Parallel,
    /// Threads are; processes are not.
    Threads,
    /// Workers are worth it if they get several at a time; one by one they are not.
    Batch,
    /// One thread does as well, or nearly.
    Sequential,
    /// There was no time to try anything but the baseline.
    Unknown,
}

/// How many times as fast as one thread the best of some ways is; none if none was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gains {
    /// Processes, with any batch.
    pub processes: Option<f64>,
    /// Processes that get one at a time, if processes are advised; else threads that do.
    pub one_by_one: Option<f64>,
}

/// By the way that is advised, its gain, and those of its rivals.
pub fn verdict(advised: &Way, gain: f64, gains: &Gains) -> Verdict {
    let is_worth_it = |gain: f64| gain >= WORTH_IT;
    // Of what was not tried nothing is said.
    let is_not = |gain: Option<f64>| gain.is_some_and(|gain| !is_worth_it(gain));
    if !is_worth_it(gain) {
        Verdict::Sequential
    } else if advised.mode == "threads" && is_not(gains.processes) {
        Verdict::Threads
    } else if advised.batch > 1 && is_not(gains.one_by_one) {
        Verdict::Batch
    } else {
        Verdict::Parallel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_follows_from_work_round_trip_and_shipping() {
        let cell = |work, round_trip, shipping| {
            let cell = Cell::of(work, round_trip, shipping, None);
            (cell.compute, cell.data)
        };
        // What was seen of workers is worth more than a rule.
        let seen = |work| Cell::of(work, 1.0, 0.0, Some(20.0)).compute;
        assert_eq!((seen(19.9), seen(20.1)), (Compute::Light, Compute::Heavy));
        assert_eq!(cell(5.1, 1.0, 5.0), (Compute::Heavy, Data::Small));
        assert_eq!(cell(5.1, 1.0, 5.2), (Compute::Heavy, Data::Large));
        assert_eq!(cell(4.9, 1.0, 4.8), (Compute::Light, Data::Small));
        assert_eq!(cell(4.9, 1.0, 5.0), (Compute::Light, Data::Large));
        // Bytes that take less than the message itself are small beside any work.
        assert_eq!(cell(0.1, 1.0, 0.9), (Compute::Light, Data::Small));
    }

    #[test]
    fn the_largest_share_of_the_time_is_what_holds_it_up() {
        let two = Spent {
            frame_s: 1.0,
            workers: 2,
            ..Spent::default()
        };
        for (spent, is) in [
            (
                Spent {
                    compute_s: 1.9,
                    ..two
                },
                Bound::Compute,
            ),
            (
                Spent {
                    compute_s: 1.9,
                    of_read_limit: Some(0.59),
                    ..two
                },
                Bound::Compute,
            ),
            (
                Spent {
                    compute_s: 1.9,
                    of_read_limit: Some(0.61),
                    ..two
                },
                Bound::MemoryBandwidth,
            ),
            (
                Spent {
                    compute_s: 0.9,
                    load_s: 1.0,
                    ..two
                },
                Bound::Reading,
            ),
            (
                Spent {
                    compute_s: 0.9,
                    load_s: 1.0,
                    decodes: true,
                    ..two
                },
                Bound::Decode,
            ),
            (
                Spent {
                    compute_s: 0.9,
                    ship_s: 1.0,
                    ..two
                },
                Bound::Serialising,
            ),
            (
                Spent {
                    compute_s: 0.9,
                    ..two
                },
                Bound::WakeUps,
            ),
            // One loads for all: what matters is whether that one ever rests.
            (
                Spent {
                    compute_s: 1.9,
                    load_s: 0.79,
                    loads_alone: true,
                    ..two
                },
                Bound::Compute,
            ),
            (
                Spent {
                    compute_s: 1.9,
                    load_s: 0.81,
                    loads_alone: true,
                    ..two
                },
                Bound::Reading,
            ),
        ] {
            assert_eq!(bound(&spent), is, "{spent:?}");
        }
    }

    #[test]
    fn at_the_crossover_workers_are_just_worth_it() {
        for (overhead, workers) in [(1e-5, 2), (1e-3, 4), (0.2, 64)] {
            let work = crossover(overhead, workers).unwrap();
            let gain = work / (work / workers as f64 + overhead);
            assert!((gain - WORTH_IT).abs() < 1e-9, "{gain}");
        }
        assert_eq!(crossover(1e-5, 1), None);
    }

    #[test]
    fn handing_over_takes_what_is_seen_beside_the_work_and_a_round_trip_at_least() {
        let of = |each, round_trip| Overhead::of(each, 10.0, 2, round_trip);
        let is = |overhead: Overhead, seconds: f64, is_seen| {
            assert!((overhead.seconds - seconds).abs() < 1e-9, "{overhead:?}");
            assert_eq!(overhead.is_seen, is_seen, "{overhead:?}");
        };
        is(of(5.16, 0.01), 0.16, true);
        is(of(5.14, 0.01), 0.15, false);
        // Nor is it nothing where a lucky round was faster than it can be.
        is(of(4.9, 0.01), 0.15, false);
        is(of(5.16, 0.2), 0.2, true);
        is(of(4.9, 0.2), 0.2, false);
    }

    #[test]
    fn the_verdict_turns_at_a_fifth_more() {
        let all = |value| Gains {
            processes: Some(value),
            one_by_one: Some(value),
        };
        let one_by_one = Way::new("mmap", 2, 1);
        let batched = Way::new("mmap", 2, 16);
        let threads = Way::new("threads", 2, 16);
        let of = |way: &Way, value, gains: Gains| verdict(way, value, &gains);
        for way in [&one_by_one, &batched, &threads] {
            assert_eq!(of(way, 1.21, all(1.21)), Verdict::Parallel);
            assert_eq!(of(way, 1.19, all(1.19)), Verdict::Sequential);
        }
        let alone = |value| Gains {
            one_by_one: Some(value),
            ..all(1.9)
        };
        assert_eq!(of(&batched, 1.9, alone(1.19)), Verdict::Batch);
        assert_eq!(of(&batched, 1.9, alone(1.21)), Verdict::Parallel);
        assert_eq!(of(&threads, 1.9, alone(1.19)), Verdict::Batch);
        // Whoever gets them one at a time is not told to batch.
        assert_eq!(of(&one_by_one, 1.9, alone(1.19)), Verdict::Parallel);
        let processes = |value| Gains {
            processes: Some(value),
            ..all(1.9)
        };
        assert_eq!(of(&threads, 1.9, processes(1.19)), Verdict::Threads);
        assert_eq!(of(&threads, 1.9, processes(1.21)), Verdict::Parallel);
        let untried = Gains {
            processes: None,
            one_by_one: None,
        };
        for way in [&one_by_one, &batched, &threads] {
            assert_eq!(of(way, 1.9, untried), Verdict::Parallel);
        }
    }
}
