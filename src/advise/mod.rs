//! Whether workers are worth it for a workload, which, and how: measured on the beginning of it.
//!
//! "Never assume; always profile sequential against parallel before committing." [`frames`] does so
//! for frames and analyzers, over all modes that fit, numbers of workers and batches; [`jobs`] for
//! any [`Job`](crate::pool::Job) of one's own. All ways take turns; those that fall behind drop
//! out, and the rest run until it is clear which is fastest or the time is up.
//!
//! What is then said ([`Advice`]) follows from the figures alone, in [`verdict`].
//!
//! ```no_run
//! use framehaul::{advise, analysis::Analysis, pipeline::{FrameJob, Request}, source::Source};
//!
//! fn main() -> framehaul::Result<()> {
//!     framehaul::pool::worker::enter::<FrameJob>();
//!     framehaul::measure::Limits::serve_helper();
//!     let request = Request::new(Source::open("data/clip.y4m")?, Analysis::parse("luma")?);
//!     let advice = advise::frames(&request, advise::BUDGET, &mut ())?;
//!     println!("{:.2} times as fast as one thread", advice.speed_up.value);
//!     Ok(())
//! }
//! ```

mod data;
mod facts;
mod frames;
mod jobs;
mod race;
#[cfg(test)]
mod samples;
mod show;
pub mod verdict;
mod ways;

pub use data::AdviceData;
pub use frames::frames;
pub use jobs::jobs;
pub use ways::Way;

use crate::clock::{Nanos, now};
use crate::pool::available_workers;
use crate::report::units::plural;
use crate::statistics::{median, ratio_of_pairs};
use race::{Laps, choice, fastest, is_clear, paces};
use serde::Serialize;
use std::time::Duration;
use verdict::{Bound, Cell, Gains, Overhead, Spent, Verdict};

/// How long measuring may take unless somebody says else.
pub const BUDGET: Duration = Duration::from_secs(60);

/// What to do with a workload, and why.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Advice {
    /// All ways that were tried.
    pub ways: Vec<Tested>,
    /// So many more there was no time for.
    pub untried: usize,
    /// A budget in which each of those would be tried once, in seconds, by what the baseline took; none
    /// if there are none.
    pub enough_s: Option<f64>,
    /// Whether it is clear that none of all is faster than the advised one, by more than what does not
    /// matter; otherwise the time was up before.
    pub clear: bool,
    /// What all are compared with, of `ways`: the best with one thread, or with one worker where
    /// there is nothing less.
    pub baseline: usize,
    /// The one that is advised, of `ways`: the fastest, or one that asks less and is as fast; the
    /// baseline where nothing is 1.1 times as fast.
    pub advised: usize,
    /// How many times as fast as the baseline it is.
    pub speed_up: SpeedUp,
    /// What to do.
    pub verdict: Verdict,
    /// Where the workload lies in the decision matrix.
    pub cell: Cell,
    /// Work of a frame or job in one thread, in seconds.
    pub work_s: f64,
    /// A round trip between two processes that sleep in between, in seconds.
    pub round_trip_s: f64,
    /// Shipping a frame or job by value, in seconds, the round trip left out.
    pub shipping_s: f64,
    /// The work from which on as many worker processes as there are processors would be 1.2 times
    /// as fast as one thread, in seconds; the work of these, if any number of them is so already; none if so
    /// few never are, or were not tried, or if the source is live: what a way takes there beside the work is
    /// its producer's time as well.
    pub crossover_s: Option<f64>,
    /// Whether that is the most that it can be: what handing over takes beside the work was less than
    /// can be seen, or it is this work, where workers win.
    pub crossover_is_most: bool,
    /// What the advised way is held up by.
    pub bound: Bound,
    /// Frames or jobs of the sample: the first ones of the whole, or those that were given, in turn.
    pub sample: u64,
    /// The most of them that failed in a trial: they count as done.
    pub failed: u64,
    /// Frames or jobs of the whole; none if that is not known.
    pub whole: Option<u64>,
    /// How long the whole takes the advised way, in seconds, from the first dispatch to the last
    /// finding; none likewise.
    pub predicted_s: Option<f64>,
    /// The rate that the input states, in frames a second.
    pub input_fps: Option<f64>,
    /// Whether the advised way keeps up with it.
    pub keeps_up: Option<bool>,
    /// The share of the input that is in the page cache, from 0 to 1: what was measured is as if all
    /// of it were.
    pub cached_share: f64,
    /// The command line of the advised way; empty for jobs.
    pub command: Vec<String>,
    /// The command line of the baseline, which will do where the verdict is `sequential`, and of which alone
    /// something is known where it is `unknown`; empty for jobs.
    pub baseline_command: Vec<String>,
    /// What speaks against trusting it, a sentence each without its full stop: what else the machine did
    /// meanwhile, workers that died, a gain that processors alone cannot give. None if there is nothing.
    pub doubts: Vec<String>,
    /// How long measuring took, in seconds.
    pub seconds: f64,
}

/// How many times as fast as the baseline a way is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SpeedUp {
    /// The figure.
    pub value: f64,
    /// The lower end of its 95 % interval; none if the way was in fewer than six full rounds: fewer
    /// have none.
    pub low: Option<f64>,
    /// The upper end, likewise.
    pub high: Option<f64>,
}

/// A way that was tried.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tested {
    /// Which.
    #[serde(flatten)]
    pub way: Way,
    /// Median seconds a frame or job.
    pub each_s: f64,
    /// How many times as fast as the baseline, round by round, which a machine that slows down now and
    /// then disturbs less than `each_s`.
    pub speed_up: SpeedUp,
    /// Whether it was measured to the end.
    pub to_the_end: bool,
}

impl Advice {
    /// The way that is advised.
    pub fn way(&self) -> &Tested {
        &self.ways[self.advised]
    }

    /// The way to do the whole, by the verdict: the advised one, or the baseline where that will do; none
    /// where nothing is advised.
    pub fn to_follow(&self) -> Option<&Tested> {
        match self.verdict {
            Verdict::Unknown => None,
            Verdict::Sequential => Some(&self.ways[self.baseline]),
            Verdict::Parallel | Verdict::Threads | Verdict::Batch => Some(self.way()),
        }
    }
}

/// How a race ended.
struct Standing {
    ways: Vec<Tested>,
    /// Those that there was no time for, of whom nothing is told.
    untried: usize,
    clear: bool,
    /// The one to be advised, of all that were in the race.
    chosen: usize,
    /// The same, of `ways`.
    advised: usize,
    /// What all are compared with, of `ways`.
    baseline: usize,
}

/// Below such a gain one thread is advised; from there to [`WORTH_IT`](verdict::WORTH_IT) it is told.
const WORTH_A_WORD: f64 = 1.1;

impl Standing {
    /// None if the baseline did not run.
    fn of(
        laps: &[Laps],
        way: impl Fn(usize) -> Way,
        is_baseline: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        let ran = (0..laps.len()).filter(|&who| !laps[who].times.is_empty());
        let paces = paces(laps);
        let baseline = fastest(&paces, is_baseline);
        if laps.get(baseline)?.times.is_empty() {
            return None;
        }
        let mut chosen = choice(laps, |who| way(who).rank());
        if speed_up(laps, &paces, baseline, chosen).value < WORTH_A_WORD {
            chosen = baseline;
        }
        let tested = |who: usize| Tested {
            way: way(who),
            each_s: median(&laps[who].times),
            speed_up: speed_up(laps, &paces, baseline, who),
            to_the_end: laps[who].stayed,
        };
        let place = |of| ran.clone().position(|who| who == of).unwrap_or(0);
        // Whoever dropped out did so for a reason.
        let untried = |laps: &&Laps| laps.stayed && laps.times.is_empty();
        Some(Self {
            ways: ran.clone().map(tested).collect(),
            untried: laps.iter().filter(untried).count(),
            clear: is_clear(laps),
            chosen,
            advised: place(chosen),
            baseline: place(baseline),
        })
    }
}

/// What is known of a workload beside how the race ended.
struct Workload<'a> {
    work_s: f64,
    round_trip_s: f64,
    shipping_s: f64,
    crossover: Option<Crossover>,
    spent: Spent,
    sample: u64,
    failed: u64,
    whole: Option<u64>,
    /// A budget, in seconds, in which each way would be tried.
    enough_s: f64,
    input_fps: Option<f64>,
    cached_share: f64,
    /// What else the machine did.
    doubts: Vec<String>,
    /// The command line of a way; empty for jobs.
    command: &'a dyn Fn(&Way) -> Vec<String>,
}

impl Standing {
    fn best(&self) -> &Tested {
        &self.ways[self.advised]
    }

    /// What follows; measuring began at `begin`.
    fn advice(self, of: Workload<'_>, begin: Nanos) -> Advice {
        let best = self.best();
        let mut advice = Advice {
            speed_up: best.speed_up,
            verdict: match self.ways.len() {
                1 if self.untried > 0 => Verdict::Unknown,
                _ => verdict::verdict(
                    &best.way,
                    best.speed_up.value,
                    &gains(&self.ways, &best.way),
                ),
            },
            enough_s: (self.untried > 0).then_some(of.enough_s),
            cell: Cell::of(
                of.work_s,
                of.round_trip_s,
                of.shipping_s,
                of.crossover.map(|crossover| crossover.work_s),
            ),
            work_s: of.work_s,
            round_trip_s: of.round_trip_s,
            shipping_s: of.shipping_s,
            crossover_s: of.crossover.map(|crossover| crossover.work_s),
            crossover_is_most: of.crossover.is_some_and(|crossover| crossover.is_most),
            bound: verdict::bound(&of.spent),
            sample: of.sample,
            failed: of.failed,
            whole: of.whole,
            predicted_s: of.whole.map(|whole| whole as f64 * best.each_s),
            input_fps: of.input_fps,
            keeps_up: of.input_fps.map(|fps| best.each_s * fps <= 1.0),
            cached_share: of.cached_share,
            doubts: of.doubts,
            command: (of.command)(&best.way),
            baseline_command: (of.command)(&self.ways[self.baseline].way),
            seconds: (now() - begin) as f64 / 1e9,
            advised: self.advised,
            baseline: self.baseline,
            ways: self.ways,
            untried: self.untried,
            clear: self.clear,
        };
        advice.doubts.extend(advice.too_good(available_workers()));
        advice
    }
}

/// What is to be said of workers that died and were replaced, if any did.
fn of_deaths(died: u64) -> Option<String> {
    let what = plural(died, "worker");
    (died > 0).then(|| {
        format!(
            "{what} died meanwhile and had to be replaced, which takes time that is no way's own"
        )
    })
}

/// No more than one in so many may fail: failing takes hardly any time, and says nothing of what work
/// does.
const MOST_FAILED: u64 = 10;

/// How many times as fast one is as the baseline, which is so once.
fn speed_up(laps: &[Laps], paces: &[f64], baseline: usize, who: usize) -> SpeedUp {
    if who == baseline {
        return SpeedUp {
            value: 1.0,
            low: Some(1.0),
            high: Some(1.0),
        };
    }
    let (of, to) = (&laps[baseline].times, &laps[who].times);
    let paired = ratio_of_pairs(of, to);
    let value = match (laps[who].stayed, paired) {
        // By the paces, by which the fastest is found too; who is out of the race has none.
        (true, _) => paces[baseline] / paces[who],
        (false, Some(paired)) => paired.value,
        (false, None) => median(of) / median(to),
    };
    SpeedUp {
        value,
        low: paired.map(|paired| paired.low.min(value)),
        high: paired.map(|paired| paired.high.max(value)),
    }
}

/// The best of each kind; `advised` is one of them.
fn gains(ways: &[Tested], advised: &Way) -> Gains {
    let best = |is: &dyn Fn(&Way) -> bool| {
        let gains = ways.iter().filter(|tested| is(&tested.way));
        gains
            .map(|tested| tested.speed_up.value)
            .max_by(f64::total_cmp)
    };
    Gains {
        processes: best(&Way::is_processes),
        one_by_one: best(&|way| way.is_processes() == advised.is_processes() && way.batch == 1),
    }
}

/// From how much work on workers are worth it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Crossover {
    work_s: f64,
    /// It may be less.
    is_most: bool,
}

/// No more than the work at which workers, however many, are worth it already.
fn crossover(
    ways: &[Tested],
    processors: usize,
    work_s: f64,
    round_trip_s: f64,
) -> Option<Crossover> {
    let by_overhead = by_overhead(ways, processors, work_s, round_trip_s);
    let mut gains = ways.iter().filter(|tested| tested.way.is_processes());
    let here = Crossover {
        work_s,
        is_most: true,
    };
    match gains.any(|tested| tested.speed_up.value >= verdict::WORTH_IT) {
        true => by_overhead.filter(|by| by.work_s <= work_s).or(Some(here)),
        false => by_overhead,
    }
}

/// By what the best way with a worker process for each of the processors takes beside its share of
/// the work. None if there is no such way, or no such work.
fn by_overhead(
    ways: &[Tested],
    processors: usize,
    work_s: f64,
    round_trip_s: f64,
) -> Option<Crossover> {
    let all = ways
        .iter()
        .filter(|tested| tested.way.shows_overhead(processors));
    let best = all.min_by(|a, b| a.each_s.total_cmp(&b.each_s))?;
    let round_trip_s = round_trip_s / best.way.batch as f64;
    let overhead = Overhead::of(best.each_s, work_s, processors, round_trip_s);
    Some(Crossover {
        work_s: verdict::crossover(overhead.seconds, processors)?,
        is_most: !overhead.is_seen,
    })
}

#[cfg(test)]
mod tests {
    use super::samples::tested;
    use super::*;

    fn laps(time: f64, rounds: usize) -> Laps {
        Laps {
            times: vec![time; rounds],
            stayed: true,
        }
    }

    /// How a race of these ended, of which the first is the baseline.
    fn standing(of: &[(Way, Laps)]) -> Option<Standing> {
        let laps: Vec<_> = of.iter().map(|(_, laps)| laps.clone()).collect();
        Standing::of(&laps, |who| of[who].0.clone(), |who| who == 0)
    }

    #[test]
    fn what_gains_less_than_a_tenth_is_not_advised() {
        for (gain, advised) in [(0.5, 0), (1.02, 0), (1.09, 0), (1.11, 1), (1.9, 1)] {
            let standing = standing(&[
                (Way::new("sequential", 1, 1), laps(gain, 6)),
                (Way::new("payload", 2, 1), laps(1.0, 0)),
                (Way::new("mmap", 2, 1), laps(1.0, 6)),
            ]);
            let standing = standing.unwrap();
            assert_eq!(
                (standing.baseline, standing.advised),
                (0, advised),
                "{gain}"
            );
            // The one that did not run is not told of, nor does it shift who is advised.
            assert_eq!((standing.ways.len(), standing.untried), (2, 1));
            assert_eq!(standing.chosen, 2 * advised);
            assert!(!standing.clear);
            let speed_up = standing.ways[1].speed_up;
            assert!((speed_up.value / gain - 1.0).abs() < 1e-9, "{speed_up:?}");
        }
    }

    #[test]
    fn nothing_follows_without_the_baseline() {
        let baseline = |rounds| (Way::new("sequential", 1, 1), laps(2.0, rounds));
        let other = |rounds| (Way::new("mmap", 2, 1), laps(1.0, rounds));
        assert!(standing(&[baseline(1), other(1)]).is_some());
        assert!(standing(&[baseline(0), other(1)]).is_none());
        let third = (Way::new("path", 2, 1), laps(1.0, 1));
        assert!(standing(&[baseline(0), other(1), third]).is_none());
    }

    #[test]
    fn of_the_baseline_alone_it_is_told_what_it_takes_and_nothing_is_advised() {
        let advice = |others: usize, tried: usize| {
            let rounds = |who| usize::from(who < tried);
            let others = (0..others).map(|who| (Way::new("mmap", 2, 1), laps(1.0, rounds(who))));
            let all: Vec<_> = std::iter::once((Way::new("sequential", 1, 1), laps(5.0, 1)))
                .chain(others)
                .collect();
            let workload = Workload {
                work_s: 5.0,
                round_trip_s: 1e-5,
                shipping_s: 1e-3,
                crossover: None,
                spent: Spent::default(),
                sample: 1,
                failed: 0,
                whole: Some(4),
                enough_s: 90.0,
                input_fps: None,
                cached_share: 1.0,
                doubts: Vec::new(),
                command: &|way| vec![way.mode.clone()],
            };
            standing(&all).unwrap().advice(workload, now())
        };
        let alone = advice(3, 0);
        assert_eq!((alone.verdict, alone.untried), (Verdict::Unknown, 3));
        assert_eq!(
            (alone.enough_s, alone.predicted_s),
            (Some(90.0), Some(20.0))
        );
        assert!(alone.to_follow().is_none());
        let some = advice(3, 1);
        assert_eq!(
            (some.verdict, some.enough_s),
            (Verdict::Parallel, Some(90.0))
        );
        let all = advice(3, 3);
        assert_eq!((all.verdict, all.enough_s), (Verdict::Parallel, None));
        // Where there is no other way, one thread is all there is.
        assert_eq!(advice(0, 0).verdict, Verdict::Sequential);
    }

    #[test]
    fn the_whole_is_done_by_the_baseline_where_that_will_do() {
        let mode = |gain, advised| {
            let ways = [tested("sequential", 1, 1, 1.0), tested("mmap", 2, 1, gain)];
            let advice = samples::advice(&ways, advised);
            advice.to_follow().unwrap().way.mode.clone()
        };
        assert_eq!(mode(1.21, 1), "mmap");
        assert_eq!(mode(1.19, 1), "sequential");
        assert_eq!(mode(1.05, 0), "sequential");
    }

    #[test]
    fn there_is_an_interval_from_six_rounds_on() {
        for (rounds, is_there) in [(1, false), (5, false), (6, true)] {
            let out = Laps {
                stayed: false,
                ..laps(4.0, 1)
            };
            let standing = standing(&[
                (Way::new("sequential", 1, 1), laps(2.0, rounds)),
                (Way::new("mmap", 2, 1), laps(1.0, rounds)),
                (Way::new("payload", 2, 1), out),
            ]);
            let [one, two, out] = &standing.unwrap().ways[..] else {
                panic!("three ran")
            };
            assert_eq!(
                (one.speed_up.low, one.speed_up.high),
                (Some(1.0), Some(1.0))
            );
            assert_eq!(two.speed_up.low.is_some(), is_there, "{rounds} rounds");
            assert_eq!(two.speed_up.high.is_some(), is_there, "{rounds} rounds");
            assert_eq!((out.speed_up.value, out.speed_up.low), (0.5, None));
            assert!(two.to_the_end && !out.to_the_end);
        }
    }

    #[test]
    fn gains_are_those_of_the_best_of_their_kind() {
        let ways = [
            tested("sequential", 1, 1, 1.0),
            tested("threads", 2, 1, 1.5),
            tested("threads", 2, 16, 1.8),
        ];
        let none = gains(&ways, &ways[2].way);
        assert_eq!((none.processes, none.one_by_one), (None, Some(1.5)));
        let ways = [
            &ways[..],
            &[tested("mmap", 2, 1, 1.1), tested("path", 2, 4, 1.3)],
        ]
        .concat();
        let by_threads = gains(&ways, &ways[2].way);
        assert_eq!(
            (by_threads.processes, by_threads.one_by_one),
            (Some(1.3), Some(1.5))
        );
        assert_eq!(gains(&ways, &ways[4].way).one_by_one, Some(1.1));
    }

    #[test]
    fn the_crossover_is_that_of_the_best_with_a_process_for_each_processor() {
        let of = |ways: &[Tested]| by_overhead(ways, 2, 1.0, 0.016);
        let others = [
            tested("sequential", 1, 1, 1.0),
            tested("threads", 2, 1, 1.9),
            tested("mmap", 4, 1, 1.9),
        ];
        assert_eq!(of(&others), None);
        // Half the work and 0.1 or 0.3 s.
        let two = [
            tested("mmap", 2, 1, 1.0 / 0.6),
            tested("path", 2, 1, 1.0 / 0.8),
        ];
        let seen = of(&[&others[..], &two].concat()).unwrap();
        assert!(
            (seen.work_s - 0.1 * 1.2 / 0.4).abs() < 1e-9 && !seen.is_most,
            "{seen:?}"
        );
        // As fast as it can be: 3 % of half the work are not seen, or the part of a round trip.
        let most = of(&[tested("mmap", 2, 4, 2.0)]).unwrap();
        assert!(
            (most.work_s - 0.015 * 1.2 / 0.4).abs() < 1e-9 && most.is_most,
            "{most:?}"
        );
        let most = of(&[tested("mmap", 2, 1, 2.0)]).unwrap();
        assert!(
            (most.work_s - 0.016 * 1.2 / 0.4).abs() < 1e-9 && most.is_most,
            "{most:?}"
        );
        assert_eq!(
            by_overhead(&[tested("mmap", 1, 1, 0.9)], 1, 1.0, 0.016),
            None
        );
    }

    #[test]
    fn the_crossover_is_no_more_than_the_work_at_which_workers_win() {
        let of = |ways: &[Tested], processors| crossover(ways, processors, 1.0, 0.016);
        // Two take half the work and 0.35 s, which would be worth it from 1.05 s on.
        let two = tested("mmap", 2, 1, 1.0 / 0.85);
        assert!(of(std::slice::from_ref(&two), 2).unwrap().work_s > 1.0);
        let four = |gain| [two.clone(), tested("mmap", 4, 1, gain)];
        let here = Some(Crossover {
            work_s: 1.0,
            is_most: true,
        });
        assert_eq!(of(&four(1.21), 2), here);
        assert!(of(&four(1.19), 2).unwrap().work_s > 1.0);
        // Threads say nothing of processes.
        assert!(
            of(&[two.clone(), tested("threads", 4, 1, 1.9)], 2)
                .unwrap()
                .work_s
                > 1.0
        );
        // Where two win, it is what they show.
        assert!(of(&[tested("mmap", 2, 1, 1.9)], 2).unwrap().work_s < 0.2);
        // A quota may be of more than the one processor that is counted.
        assert_eq!(of(&[tested("mmap", 2, 1, 1.3)], 1), here);
        assert_eq!(of(&[tested("mmap", 2, 1, 1.1)], 1), None);
    }
}
