//! Advice for jobs of one's own.

use super::race::{Runners, race};
use super::verdict::{self, Cell, Spent};
use super::ways::{self, PROCESSES, Way};
use super::{Advice, Standing, Tested};
use crate::clock::now;
use crate::error::{Error, Result};
use crate::measure::Limits;
use crate::pool::{Batch, Job, JobError, Pool, available_workers};
use std::time::Duration;

/// Advice for jobs like those of `sample`, which are run again and again, measured within about
/// `budget`: in this thread, on threads, and in processes, over numbers of workers and of jobs that
/// are handed over at a time. `whole` is how many there are to be, for the prediction.
///
/// A job that fails by its own word counts as done. The program's `main` must begin with
/// [`worker::enter::<J>()`](crate::pool::worker::enter) and [`Limits::serve_helper`].
///
/// ```no_run
/// # use framehaul::pool::{Context, Job, Never};
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Square(u64);
/// # impl Job for Square {
/// #     type Setup = (); type State = (); type Output = u64; type Error = Never;
/// #     fn init(_: &()) -> Result<(), String> { Ok(()) }
/// #     fn run(&self, _: &mut (), _: &Context<'_>) -> Result<u64, Never> { Ok(self.0 * self.0) }
/// # }
/// let sample: Vec<_> = (0..1000).map(Square).collect();
/// let advice = framehaul::advise::jobs(&(), &sample, None, framehaul::advise::BUDGET)?;
/// println!("{}", advice.way().way); // sequential
/// # Ok::<(), framehaul::Error>(())
/// ```
///
/// # Errors
/// [`Error::Usage`] for an empty sample; [`Error::Failed`] if workers cannot be started, or if jobs
/// kill their workers or panic.
pub fn jobs<J: Job + Clone>(
    setup: &J::Setup,
    sample: &[J],
    whole: Option<u64>,
    budget: Duration,
) -> Result<Advice> {
    let begin = now();
    if sample.is_empty() {
        return Err(Error::Usage(
            "advice needs a job to try, at least one".into(),
        ));
    }
    let processors = available_workers();
    let limits = Limits::measure(processors)?;
    let mut bench = Bench::new(setup, sample, now() + budget.as_nanos() as u64)?;
    let laps = race(bench.ways.len(), &mut bench)?;
    let standing = Standing::of(
        &laps,
        |who| bench.ways[who].clone(),
        |who| bench.is_baseline(who),
    );
    let standing = standing.ok_or_else(|| {
        Error::Failed(format!(
            "{} s are too few to compare ways to run such jobs; give it more",
            budget.as_secs_f64()
        ))
    })?;
    Ok(bench.advice(standing, whole, &limits, begin))
}

struct Bench<'a, J: Job> {
    setup: &'a J::Setup,
    sample: &'a [J],
    ways: Vec<Way>,
    /// Those that have run and are not retired.
    pools: Vec<Option<Pool<J>>>,
    until: u64,
    /// The most jobs of a round.
    most: u64,
}

/// Seconds that a round is to take the fastest, from the second on.
const ROUNDS: [f64; 2] = [0.05, 0.2];

impl<'a, J: Job + Clone> Bench<'a, J> {
    fn new(setup: &'a J::Setup, sample: &'a [J], until: u64) -> Result<Self> {
        let mut bench = Self {
            setup,
            sample,
            ways: vec![Way::new("sequential", 1, 1)],
            pools: vec![None],
            until,
            most: 0,
        };
        let work = bench.run(0, 0, f64::INFINITY)?.unwrap_or(f64::MAX);
        let processors = available_workers();
        for workers in ways::workers(processors) {
            if workers <= processors {
                bench.ways.push(Way::new("threads", workers, 1));
            }
            // Their bytes are not known; their time says enough.
            for batch in ways::batches(u64::MAX, workers, work, 0, false) {
                bench.ways.push(Way::new(PROCESSES, workers, batch));
            }
        }
        bench.pools.resize_with(bench.ways.len(), || None);
        Ok(bench)
    }

    fn start(&self, way: &Way) -> Result<Pool<J>> {
        let builder = match way.mode.as_str() {
            "sequential" => Pool::inline(),
            "threads" => Pool::threads(way.workers),
            _ => Pool::processes(way.workers),
        };
        builder.start(self.setup.clone())
    }

    fn advice(
        &self,
        standing: Standing,
        whole: Option<u64>,
        limits: &Limits,
        begin: u64,
    ) -> Advice {
        let Standing {
            ways,
            untried,
            clear,
            advised,
            baseline,
            ..
        } = standing;
        let (work_s, round_trip_s) = (ways[baseline].each_s, limits.wakeup_us / 1e6);
        // What one worker that gets them one by one takes beside the work and the message.
        let alone = ways
            .iter()
            .find(|tested| tested.way == Way::new(PROCESSES, 1, 1));
        let beside = |tested: &Tested| (tested.each_s - work_s - round_trip_s).max(0.0);
        let shipping_s = alone.map_or(0.0, beside);
        let best = &ways[advised];
        let spent = Spent {
            frame_s: best.each_s,
            workers: best.way.workers.min(available_workers()),
            compute_s: work_s,
            ship_s: if best.way.is_processes() {
                shipping_s
            } else {
                0.0
            },
            ..Spent::default()
        };
        Advice {
            speed_up: best.speed_up,
            verdict: verdict::verdict(&best.way, best.speed_up, &super::gains(&ways, &best.way)),
            cell: Cell::of(work_s, round_trip_s, shipping_s),
            work_s,
            round_trip_s,
            shipping_s,
            crossover_s: super::crossover(&ways, work_s),
            bound: verdict::bound(&spent),
            sample: self.most,
            failed: 0,
            whole,
            predicted_s: whole.map(|jobs| jobs as f64 * best.each_s),
            input_fps: None,
            keeps_up: None,
            cached_share: 1.0,
            command: Vec::new(),
            seconds: (now() - begin) as f64 / 1e9,
            advised,
            baseline,
            ways,
            untried,
            clear,
        }
    }
}

impl<J: Job + Clone> Runners for Bench<'_, J> {
    fn run(&mut self, who: usize, round: usize, best: f64) -> Result<Option<f64>> {
        if now() >= self.until {
            return Ok(None);
        }
        let way = self.ways[who].clone();
        if self.pools[who].is_none() {
            self.pools[who] = Some(self.start(&way)?);
        }
        let Some(pool) = &self.pools[who] else {
            return Ok(None);
        };
        let least = 4 * way.workers as u64 * way.batch;
        let jobs = match round {
            0 => least,
            _ => {
                let seconds = ROUNDS[(round - 1).min(ROUNDS.len() - 1)];
                least.max((seconds / best) as u64)
            }
        };
        // The first in each place of a pool meets cold caches.
        let warm = self.sample.iter().cycle().take(least.min(1000) as usize);
        finish(pool, warm.cloned(), way.batch)?;
        let these = self.sample.iter().cycle().take(jobs as usize).cloned();
        let begin = now();
        finish(pool, these, way.batch)?;
        let seconds = (now() - begin) as f64 / 1e9;
        self.most = self.most.max(jobs);
        Ok(Some(seconds / jobs as f64))
    }

    fn retire(&mut self, who: usize) {
        self.pools[who] = None;
    }

    fn is_baseline(&self, who: usize) -> bool {
        self.ways[who].is_sequential()
    }

    fn is_akin(&self, who: usize, other: usize) -> bool {
        self.ways[who].is_akin(&self.ways[other])
    }
}

/// Runs all of them.
fn finish<J: Job>(pool: &Pool<J>, jobs: impl Iterator<Item = J>, batch: u64) -> Result<()> {
    for outcome in pool.map(jobs).batch(Batch::Fixed(batch as usize)) {
        match outcome {
            Ok(_) | Err(JobError::Failed(_)) => {}
            Err(other) => {
                return Err(Error::Failed(format!(
                    "a job of the sample did not end: {other}"
                )));
            }
        }
    }
    Ok(())
}
