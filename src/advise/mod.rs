//! Whether workers are worth it for a workload, which, and how: measured on a part of it.
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

mod frames;
mod jobs;
mod race;
mod show;
pub mod verdict;
mod ways;

pub use frames::frames;
pub use jobs::jobs;
pub use ways::Way;

use crate::pool::available_workers;
use crate::statistics::{Estimate, median, ratio};
use race::{Laps, choice, fastest, is_clear, paces};
use serde::Serialize;
use std::time::Duration;
use verdict::{Bound, Cell, Gains, Verdict};

/// How long measuring may take unless somebody says else.
pub const BUDGET: Duration = Duration::from_secs(60);

/// What to do with a workload, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// All ways that were tried.
    pub ways: Vec<Tested>,
    /// So many more there was no time for.
    pub untried: usize,
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
    pub speed_up: Estimate,
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
    /// as fast as one thread, in seconds; none if so few never are, or were not tried.
    pub crossover_s: Option<f64>,
    /// What the advised way is held up by.
    pub bound: Bound,
    /// Frames or jobs of the sample.
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
    /// The command line; empty for jobs.
    pub command: Vec<String>,
    /// How long measuring took, in seconds.
    pub seconds: f64,
}

/// A way that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// Which.
    #[serde(flatten)]
    pub way: Way,
    /// Median seconds a frame or job.
    pub each_s: f64,
    /// How many times as fast as the baseline, round by round, which a machine that slows down now and
    /// then disturbs less than `each_s`; with an interval if it was not far behind.
    pub speed_up: Estimate,
    /// Whether it was measured to the end.
    pub to_the_end: bool,
}

impl Advice {
    /// The way that is advised.
    pub fn way(&self) -> &Tested {
        &self.ways[self.advised]
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
    /// None if the baseline did not run, or nothing beside it.
    fn of(
        laps: &[Laps],
        way: impl Fn(usize) -> Way,
        is_baseline: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        let ran = (0..laps.len()).filter(|&who| !laps[who].times.is_empty());
        let paces = paces(laps);
        let baseline = fastest(&paces, is_baseline);
        if laps.get(baseline)?.times.is_empty() || ran.clone().count() < 2 {
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

/// How many times as fast one is as the baseline, which is so once.
fn speed_up(laps: &[Laps], paces: &[f64], baseline: usize, who: usize) -> Estimate {
    if who == baseline {
        return Estimate {
            value: 1.0,
            low: 1.0,
            high: 1.0,
        };
    }
    let paired = ratio(&laps[baseline].times, &laps[who].times);
    // By the paces, by which the fastest is found too; who is out of the race has none.
    let value = Some(paces[baseline] / paces[who]).filter(|_| laps[who].stayed);
    let value = value.unwrap_or(paired.value);
    Estimate {
        value,
        low: paired.low.min(value),
        high: paired.high.max(value),
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
        threads: best(&|way| way.mode == "threads"),
    }
}

/// By what the best way with a worker process for each processor takes beside its share of the work.
fn crossover(ways: &[Tested], work_s: f64) -> Option<f64> {
    let processors = available_workers();
    let all = ways
        .iter()
        .filter(|tested| tested.way.is_processes() && tested.way.workers == processors);
    let least = all.map(|tested| tested.each_s).min_by(f64::total_cmp)?;
    verdict::crossover(least - work_s / processors as f64, processors)
}
