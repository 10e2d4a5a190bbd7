//! Advice for jobs of one's own.

use super::race::{Runners, as_long, race};
use super::verdict::Spent;
use super::ways::{self, PROCESSES, Way};
use super::{Advice, MOST_FAILED, Standing, Tested, Workload, crossover, of_deaths};
use crate::clock::{Nanos, after, now};
use crate::error::{Error, Result};
use crate::measure::{Limits, NoiseProbe};
use crate::pool::{Batch, Job, JobError, Pool, available_workers};
use crate::report::of_noise;
use std::time::Duration;

/// Advice for jobs like those of `sample`, which are run again and again, measured within about
/// `budget`: in this thread, on threads, and in processes, over numbers of workers and of jobs that
/// are handed over at a time. `whole` is how many there are to be, for the prediction.
///
/// A job that fails by its own word counts as done, and is told of ([`Advice::failed`]). The program's `main` must begin with
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
/// [`Error::Usage`] for an empty sample; [`Error::Failed`] if workers cannot be started, if jobs kill
/// their workers or panic, or if more than one in ten fails.
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
    let noise = NoiseProbe::start();
    let mut bench = Bench::new(setup, sample, after(budget))?;
    let laps = race(bench.runners.len(), &mut bench)?;
    let standing = Standing::of(
        &laps,
        |who| bench.runners[who].way.clone(),
        |who| bench.is_baseline(who),
    );
    let standing = standing.ok_or_else(|| {
        Error::Failed(format!(
            "{} s are too few to try such a job; give it more",
            budget.as_secs_f64()
        ))
    })?;
    (0..bench.runners.len()).for_each(|who| bench.retire(who));
    let (noise, seconds) = noise.finish_after_workers();
    let mut doubts = of_noise(&noise, seconds, processors);
    doubts.extend(of_deaths(bench.died));
    Ok(bench.advice(standing, whole, &limits, begin, doubts))
}

struct Bench<'a, J: Job> {
    setup: &'a J::Setup,
    sample: &'a [J],
    runners: Vec<Runner<J>>,
    until: u64,
    /// The most jobs of a round.
    most: u64,
    /// The most that failed in one.
    failed: u64,
    /// Workers that died, of pools that are gone.
    died: u64,
}

/// A way, its workers, and what they did.
struct Runner<J: Job> {
    way: Way,
    /// Started when it first runs, gone when it is retired.
    pool: Option<Pool<J>>,
    /// Seconds that each job took when it last ran.
    each: Option<f64>,
}

impl<J: Job> Runner<J> {
    fn new(way: Way) -> Self {
        Self {
            way,
            pool: None,
            each: None,
        }
    }
}

/// Seconds that a round is to take: of the first, whoever runs; then, the fastest.
const ROUNDS: [f64; 3] = [0.002, 0.05, 0.2];

/// Jobs that take less are run some more before they are timed.
const MOMENT: f64 = 0.05;

/// It warms up with no more jobs than this.
const WARM: u64 = 1000;

impl<'a, J: Job + Clone> Bench<'a, J> {
    fn new(setup: &'a J::Setup, sample: &'a [J], until: u64) -> Result<Self> {
        let mut bench = Self {
            setup,
            sample,
            runners: vec![Runner::new(Way::new("sequential", 1, 1))],
            until,
            most: 0,
            failed: 0,
            died: 0,
        };
        let work = bench.begin(0, f64::INFINITY)?;
        let processors = available_workers();
        let mut add = |mode, workers, batch| {
            let way = Way::new(mode, workers, batch);
            bench.runners.push(Runner::new(way));
        };
        for workers in ways::workers(processors) {
            if workers <= processors {
                add("threads", workers, 1);
            }
            // Their bytes are not known; their time says enough.
            for batch in ways::batches(u64::MAX, workers, work, 0, false) {
                add(PROCESSES, workers, batch);
            }
        }
        Ok(bench)
    }

    /// Starts a pool and finds out roughly how many seconds each job takes, of which there may be
    /// time for one or two only; `best` is the fastest time so far.
    fn begin(&mut self, who: usize, best: f64) -> Result<f64> {
        let way = &self.runners[who].way;
        let pool = self.start(way)?;
        let places = way.workers.min(available_workers()) as f64;
        let (mut alone, _) = self.time(&pool, 1, 1)?;
        let mut each = alone / places;
        // The first one waits for its worker to start, and the first in each place of a pool meets cold
        // caches: of short jobs a few more say what they take.
        if alone.min(best) < MOMENT {
            alone = alone.min(self.time(&pool, 1, 1)?.0);
            let some = ((MOMENT / alone) as u64).clamp(1, least(way, 4).min(WARM));
            let together = self.time(&pool, some, way.batch)?.0 / some as f64;
            each = together.min(alone / places);
        }
        let runner = &mut self.runners[who];
        (runner.pool, runner.each) = (Some(pool), Some(each));
        Ok(each)
    }

    /// Runs so many jobs; how many seconds they take, and how many fail.
    fn time(&self, pool: &Pool<J>, jobs: u64, batch: u64) -> Result<(f64, u64)> {
        let these = self.sample.iter().cycle().take(jobs as usize).cloned();
        let begin = now();
        let mut failed = 0;
        for outcome in pool.map(these).batch(Batch::Fixed(batch as usize)) {
            match outcome {
                Ok(_) => {}
                Err(JobError::Failed(_)) => failed += 1,
                Err(other) => {
                    return Err(Error::Failed(format!(
                        "a job of the sample did not end: {other}"
                    )));
                }
            }
        }
        Ok(((now() - begin) as f64 / 1e9, failed))
    }

    /// Seconds that the first round of those takes that did not run, by what a job took alone.
    fn untried(&self) -> f64 {
        let work = self.runners[0].each.unwrap_or(0.0);
        let first = |runner: &Runner<J>| {
            let places = runner.way.workers.min(available_workers());
            work * (1.0 + least(&runner.way, 1) as f64 / places as f64)
        };
        let untried = self.runners.iter().filter(|runner| runner.each.is_none());
        untried.map(first).sum()
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
        begin: Nanos,
        doubts: Vec<String>,
    ) -> Advice {
        let ways = &standing.ways;
        let (work_s, round_trip_s) = (ways[standing.baseline].each_s, limits.wakeup_us / 1e6);
        let shipping_s = shipping(ways, work_s, round_trip_s);
        let best = standing.best();
        let workload = Workload {
            work_s,
            round_trip_s,
            shipping_s,
            crossover: crossover(ways, available_workers(), work_s, round_trip_s),
            spent: Spent {
                frame_s: best.each_s,
                workers: best.way.workers.min(available_workers()),
                compute_s: work_s,
                ship_s: if best.way.is_processes() {
                    shipping_s
                } else {
                    0.0
                },
                ..Spent::default()
            },
            sample: self.most,
            failed: self.failed,
            whole,
            enough_s: (now() - begin) as f64 / 1e9 + self.untried(),
            input_fps: None,
            cached_share: 1.0,
            doubts,
            command: &|_| Vec::new(),
        };
        standing.advice(workload, begin)
    }
}

/// Jobs of which each worker gets so many messages full.
fn least(way: &Way, messages: u64) -> u64 {
    messages * way.workers as u64 * way.batch
}

/// What one worker that gets them one by one takes beside the work and the message, in seconds.
fn shipping(ways: &[Tested], work_s: f64, round_trip_s: f64) -> f64 {
    let one_by_one = Way::new(PROCESSES, 1, 1);
    let alone = ways.iter().find(|tested| tested.way == one_by_one);
    alone.map_or(0.0, |tested| {
        (tested.each_s - work_s - round_trip_s).max(0.0)
    })
}

impl<J: Job + Clone> Runners for Bench<'_, J> {
    fn run(&mut self, who: usize, round: usize, best: f64) -> Result<Option<f64>> {
        let left = |until: u64| until.saturating_sub(now()) as f64 / 1e9;
        let each = match self.runners[who].each {
            Some(each) => each,
            // Not even one would end.
            None if best.is_finite() && best > left(self.until) => return Ok(None),
            None => self.begin(who, best)?,
        };
        let way = &self.runners[who].way;
        let jobs = match round {
            // Of long ones each says enough.
            0 => ((ROUNDS[0] / each) as u64).max(least(way, if each < MOMENT { 2 } else { 1 })),
            _ => {
                let seconds = ROUNDS[round.min(ROUNDS.len() - 1)];
                let least = least(way, 4);
                as_long(((seconds / best) as u64).max(least), best, each, least)
            }
        };
        let Some(pool) = &self.runners[who].pool else {
            return Ok(None);
        };
        if each * jobs as f64 > left(self.until) {
            // The one that was tried alone is all that is known.
            let is_known = who == 0 && round == 0;
            self.most = self.most.max(u64::from(is_known));
            return Ok(is_known.then_some(each));
        }
        let (seconds, failed) = self.time(pool, jobs, way.batch)?;
        if MOST_FAILED * failed > jobs {
            return Err(Error::Failed(format!(
                "{failed} of the {jobs} jobs that {way} was tried with failed, which says nothing of what \
                 jobs take that do not; give it a sample of others"
            )));
        }
        self.failed = self.failed.max(failed);
        let each = seconds / jobs as f64;
        self.runners[who].each = Some(each);
        self.most = self.most.max(jobs);
        Ok(Some(each))
    }

    fn retire(&mut self, who: usize) {
        let pool = self.runners[who].pool.take();
        self.died += pool.map_or(0, |pool| pool.died());
    }

    fn is_baseline(&self, who: usize) -> bool {
        self.runners[who].way.is_sequential()
    }

    fn shows_overhead(&self, who: usize) -> bool {
        self.runners[who].way.shows_overhead(available_workers())
    }

    fn is_akin(&self, who: usize, other: usize) -> bool {
        self.runners[who].way.is_akin(&self.runners[other].way)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::tested;
    use super::*;
    use crate::pool::{Context, Never};
    use serde::{Deserialize, Serialize};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Takes so many milliseconds, and counts.
    #[derive(Clone, Serialize, Deserialize)]
    struct Nap(u64, #[serde(skip)] Arc<AtomicU64>);

    impl Job for Nap {
        type Setup = ();
        type State = ();
        type Output = ();
        type Error = Never;

        fn init(_: &()) -> Result<(), String> {
            Ok(())
        }

        fn run(&self, _: &mut (), _: &Context<'_>) -> Result<(), Never> {
            std::thread::sleep(Duration::from_millis(self.0));
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[test]
    fn what_would_not_end_in_time_is_not_begun() {
        for (each_ms, budget_s, begun) in [(600, 1, 1), (200, 60, 2)] {
            let count = Arc::default();
            let sample = [Nap(each_ms, Arc::clone(&count))];
            let mut bench = Bench::new(&(), &sample, now() + budget_s * 1_000_000_000).unwrap();
            let ran = bench.run(0, 0, f64::INFINITY).unwrap();
            // What the first took is known all the same.
            assert!(
                ran.is_some_and(|each| each >= each_ms as f64 / 1e3),
                "{ran:?}"
            );
            assert_eq!(count.load(Ordering::Relaxed), begun);
            // Nor is another way, whose only job would take as long.
            if begun == 1 {
                assert_eq!(bench.run(1, 0, 0.6).unwrap(), None);
                assert_eq!(count.load(Ordering::Relaxed), begun);
            }
        }
    }

    /// Fails at once, or does nothing.
    #[derive(Clone, Serialize, Deserialize)]
    struct Fails(bool);

    impl Job for Fails {
        type Setup = ();
        type State = ();
        type Output = ();
        type Error = String;

        fn init(_: &()) -> Result<(), String> {
            Ok(())
        }

        fn run(&self, _: &mut (), _: &Context<'_>) -> Result<(), String> {
            match self.0 {
                true => Err("on purpose".into()),
                false => Ok(()),
            }
        }
    }

    #[test]
    fn one_job_in_ten_may_fail_and_is_counted_and_no_more() {
        for (every, may) in [(10, true), (9, false)] {
            let sample: Vec<_> = (0..90).map(|number| Fails(number % every == 0)).collect();
            let mut bench = Bench::new(&(), &sample, now() + 60_000_000_000).unwrap();
            // So many that they are the sample once.
            bench.runners[0].each = Some(ROUNDS[0] / 90.0);
            match bench.run(0, 0, f64::INFINITY) {
                Ok(ran) => assert!(may && ran.is_some() && bench.failed == 9, "{every}"),
                Err(error) => assert!(
                    !may && error.to_string().contains("10 of the 90 jobs"),
                    "{error}"
                ),
            }
        }
    }

    #[test]
    fn a_pool_is_warmed_up_once() {
        let count = Arc::default();
        let sample = [Nap(1, Arc::clone(&count))];
        let mut bench = Bench::new(&(), &sample, now() + 60_000_000_000).unwrap();
        let warm = count.load(Ordering::Relaxed);
        assert!(warm > 1);
        // 50 ms of the fastest.
        bench.run(0, 1, 0.01).unwrap();
        bench.run(0, 1, 0.01).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), warm + 10);
    }

    #[test]
    fn shipping_is_what_one_worker_takes_beside_work_and_message() {
        let of = |gain| {
            let ways = [tested(PROCESSES, 2, 1, 1.0), tested(PROCESSES, 1, 1, gain)];
            shipping(&ways, 1.0, 0.5)
        };
        assert!((of(0.5) - 0.5).abs() < 1e-9);
        assert_eq!(of(0.9), 0.0);
        assert_eq!(shipping(&[tested(PROCESSES, 2, 1, 0.1)], 1.0, 0.5), 0.0);
    }
}
