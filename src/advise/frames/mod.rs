//! Advice for frames and analyzers.

mod follows;

use super::race::{Runners, as_long, race};
use super::ways::{self, Way};
use super::{Advice, MOST_FAILED, Standing, of_deaths};
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use crate::measure::{Limits, NoiseProbe};
use crate::pipeline::{Plan, Request, Trial, Tried, Watch};
use crate::pool::available_workers;
use crate::report::of_noise;
use crate::source::Source;
use crate::transport::Placement;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Advice for a run of `request`, whose modes, workers, batch and passes are left open here, measured
/// within about `budget`. `watch` is told of each trial; `request.stop` ends it.
///
/// The program's `main` must begin with what `framehaul`'s own does: see [`super`].
///
/// # Errors
/// [`Error::Usage`] for what cannot be read twice or keeps a pace of its own; [`Error::Failed`] if
/// workers cannot be started or no frame can be analysed; [`Error::Interrupted`].
pub fn frames(request: &Request, budget: Duration, watch: &mut dyn Watch) -> Result<Advice> {
    let begin = now();
    refuse_what_comes_once(&request.source)?;
    let mut request = request.clone();
    request.analysis.calibrate();
    watch.phase("measuring the machine's limits");
    let processors = available_workers();
    let limits = Limits::measure(processors)?;

    let noise = NoiseProbe::start();
    let mut track = Track::new(&request, budget, watch)?;
    let laps = race(track.runners.len(), &mut track)?;
    let standing = Standing::of(
        &laps,
        |who| track.runners[who].way.clone(),
        |who| track.is_baseline(who),
    );
    // One frame is tried by the baseline whatever the budget.
    let standing = standing.ok_or_else(|| {
        let input = request.source.input();
        Error::Failed(format!("{input}: not one frame could be tried"))
    })?;
    track
        .runners
        .iter_mut()
        .for_each(|runner| runner.trial = None);
    let (noise, seconds) = noise.finish_after_workers();
    let mut doubts = of_noise(&noise, seconds, processors);
    doubts.extend(of_deaths(track.died));
    track.advice(standing, &limits, begin, doubts)
}

fn refuse_what_comes_once(source: &Source) -> Result<()> {
    let Source::Live(live) = source else {
        return Ok(());
    };
    let input = live.input();
    if let Some(why) = live.why_once() {
        return Err(Error::Usage(format!(
            "{input}: advice takes many passes, and {why}; write it to a file first"
        )));
    }
    if live.is_paced() {
        return Err(Error::Usage(format!(
            "{input}: a camera that keeps its pace is as fast in every way; leave the @FPS out to \
             see what each can do"
        )));
    }
    Ok(())
}

/// A way, its workers, and what they did.
struct Runner {
    way: Way,
    plan: Plan,
    /// Started when it first runs, gone when it is retired.
    trial: Option<Trial>,
    /// What it did in its last round.
    tried: Option<Tried>,
}

/// What runs, and on which frames.
struct Track<'a> {
    request: &'a Request,
    runners: Vec<Runner>,
    /// Measuring began then.
    begin: Nanos,
    budget: Duration,
    watch: &'a mut dyn Watch,
    /// The sample begins with this frame.
    first: u64,
    /// As many are there, if that is known.
    count: Option<u64>,
    /// The longest sample so far.
    sample: u64,
    /// The most frames that failed in one.
    failed: u64,
    /// Worker processes that died.
    died: u64,
    runs: usize,
}

/// Seconds that a round is to take the fastest, from the second on; the first is as short as it can
/// be.
const ROUNDS: [f64; 2] = [0.1, 0.4];

/// Of frames that take so many seconds, one says what they take, and trials have as few of them as they can.
const LONG: f64 = 0.05;

/// A round of a way may take one in so many parts of the budget, unless one job for each worker takes more.
const PARTS: f64 = 20.0;

/// Jobs of each worker in a full round, if there is time for them.
const JOBS: u64 = 4;

/// Passes of a round, where the input is so short that one of them is over at once.
const MOST_PASSES: u64 = 20;

impl<'a> Track<'a> {
    fn new(request: &'a Request, budget: Duration, watch: &'a mut dyn Watch) -> Result<Self> {
        let range = request.frames.clone();
        let set = request.source.set();
        let all = range.clone().or_else(|| Some(0..set?.len() as u64));
        let mut track = Self {
            request,
            runners: Vec::new(),
            begin: now(),
            budget,
            watch,
            first: all.as_ref().map_or(0, |all| all.start),
            // What ends before it begins is refused with the first way.
            count: all.map(|all| all.end.saturating_sub(all.start)),
            sample: 0,
            failed: 0,
            died: 0,
            runs: 0,
        };
        track.baseline()?;
        track.others()?;
        Ok(track)
    }

    /// One thread, or, for what no such mode carries, one worker.
    fn baseline(&mut self) -> Result<()> {
        let way = match self.request.source {
            Source::Set(_) => Way::new("sequential", 1, 1),
            Source::Live(_) => Way::new("shm", 1, 1),
        };
        self.add(way)?;
        if self.runners.is_empty() {
            return Err(Error::Failed(format!(
                "there is not enough memory for two frames of {}",
                self.request.source.format()
            )));
        }
        Ok(())
    }

    fn others(&mut self) -> Result<()> {
        // How heavy a frame is decides on the batches that make sense, and on how many there is time for.
        self.run(0, 0, f64::INFINITY)?;
        if !self.is_long() {
            self.run(0, 0, f64::INFINITY)?;
        }
        let work = self.work().unwrap_or(f64::MAX);
        let bytes = self.request.source.format().bytes() as u64;
        let count = self.count.unwrap_or(u64::MAX);
        let all = Request {
            modes: vec!["all".into()],
            ..self.request.clone()
        };
        for mode in all.modes()? {
            let workers = match mode.placement() {
                Placement::Inline => vec![1],
                _ => ways::workers(available_workers()),
            };
            for workers in workers {
                let batches = match self.request.source {
                    Source::Set(_) => {
                        let looks_back = self.request.analysis.looks_back();
                        ways::batches(count, workers, work, bytes, looks_back)
                    }
                    // What is live is not kept waiting for company.
                    Source::Live(_) => vec![1],
                };
                for batch in batches {
                    let way = Way::new(mode.name(), workers, batch);
                    if self.runners.iter().all(|known| known.way != way) {
                        self.add(way)?;
                    }
                }
            }
        }
        // Those that ship the pixels come last, when it is known how far behind is far.
        self.runners.sort_by_key(|runner| runner.way.rank().0);
        Ok(())
    }

    /// Adds a way, unless there is no memory for it.
    fn add(&mut self, way: Way) -> Result<()> {
        let request = Request {
            modes: vec![way.mode.clone()],
            workers: Some(way.workers),
            batch: Some(way.batch),
            repeat: 1,
            warmup: 0,
            fps: None,
            ..self.request.clone()
        };
        match request.plans() {
            Ok(plans) => {
                let runners = plans.into_iter().map(|plan| Runner {
                    way: way.clone(),
                    plan,
                    trial: None,
                    tried: None,
                });
                self.runners.extend(runners);
                Ok(())
            }
            Err(Error::Failed(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Seconds that a frame took the baseline; none before it was tried.
    fn work(&self) -> Option<f64> {
        self.runners[0].tried.as_ref().map(each)
    }

    fn is_long(&self) -> bool {
        self.work().is_some_and(|work| work >= LONG)
    }

    /// Seconds of the budget that are left.
    fn left(&self) -> f64 {
        let spent = (now() - self.begin) as f64 / 1e9;
        (self.budget.as_secs_f64() - spent).max(0.0)
    }

    /// Frames of a round. Of the baseline's first, one, as nobody knows how long it takes; of the others'
    /// first, two jobs for each worker, or one if they are long; later, the same for all, so many
    /// that the fastest is busy for a while and everybody gets several jobs.
    fn frames(&self, who: usize, round: usize, best: f64) -> u64 {
        let jobs = |runner: &Runner, each: u64| each * runner.way.workers as u64 * runner.way.batch;
        let runner = &self.runners[who];
        let frames = match round {
            0 if self.work().is_none() => 1,
            0 if self.is_long() => jobs(runner, 1),
            0 => jobs(runner, 2).max(4),
            _ => {
                let running = self.runners.iter().filter(|runner| runner.trial.is_some());
                let least = running.map(|runner| jobs(runner, 1)).max().unwrap_or(1);
                let part = self.budget.as_secs_f64() / PARTS;
                let number = ((part / (least as f64 * best)) as u64).clamp(1, JOBS);
                let seconds = ROUNDS[(round - 1).min(ROUNDS.len() - 1)];
                let all = ((seconds / best) as u64).max(number * least);
                let own = runner.tried.as_ref().map_or(best, each);
                as_long(all, best, own, jobs(runner, number))
            }
        };
        frames.min(self.count.unwrap_or(u64::MAX)).max(1)
    }

    /// Seconds that a round may be expected to take, limbering up included, by what the way took before, or else as if its
    /// workers had nothing to do but the work; none if nothing was tried yet.
    fn expected(&self, who: usize, frames: u64) -> Option<f64> {
        let runner = &self.runners[who];
        let places = runner.way.workers.min(available_workers());
        let shared = |work: f64| work / (places as u64).min(frames) as f64;
        let own = runner.tried.as_ref().map(each);
        let limbering = match self.limbers(who) {
            true => self.work()? * runner.way.batch as f64,
            false => 0.0,
        };
        Some(own.or_else(|| self.work().map(shared))? * frames as f64 + limbering)
    }

    /// Whether workers are to do a job that is not measured first. Of a frame of which nobody knows how long
    /// it takes, or takes more than a round may, they are not.
    fn limbers(&self, who: usize) -> bool {
        let job = |work: f64| work * self.runners[who].way.batch as f64;
        let most = self.budget.as_secs_f64() / PARTS;
        self.work().is_some_and(|work| job(work) <= most)
    }

    /// A budget, in seconds, in which every way would be tried once.
    fn enough(&self) -> f64 {
        let untried = (0..self.runners.len()).filter(|&who| self.runners[who].tried.is_none());
        let first = |who| self.expected(who, self.frames(who, 0, f64::INFINITY));
        (now() - self.begin) as f64 / 1e9 + untried.filter_map(first).sum::<f64>()
    }
}

impl Runners for Track<'_> {
    fn run(&mut self, who: usize, round: usize, best: f64) -> Result<Option<f64>> {
        if self.request.stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if round == 0 && who == 0 && self.is_long() {
            return Ok(self.work());
        }
        let left = self.left();
        let frames = self.frames(who, round, best);
        // What one frame takes by the baseline is known in any case, and is its first round if there is no time
        // for a better one.
        let known = self.work().filter(|_| round == 0 && who == 0);
        let is_probe = self.work().is_none() && who == 0;
        let expected = self.expected(who, frames).unwrap_or(0.0);
        if !is_probe && (left == 0.0 || expected > left) {
            return Ok(known);
        }
        self.runs += 1;
        let limbers = self.limbers(who);
        let runner = &mut self.runners[who];
        self.watch
            .phase(&format!("trial {}: {}", self.runs, runner.way));
        let trial = match &mut runner.trial {
            Some(trial) => trial,
            none => none.insert(Trial::start(runner.plan.clone())?),
        };
        trial.limber(limbers);
        let range = self.first..self.first + frames;
        let mut tried = trial.run(range.clone())?;
        // Of a few small frames one pass says little.
        let (mut wall_ns, mut passes) = (tried.wall_ns, 1);
        self.died += tried.died;
        while round > 0 && passes < MOST_PASSES && (wall_ns as f64) < 1e9 * ROUNDS[0] / 2.0 {
            tried = trial.run(range.clone())?;
            wall_ns += tried.wall_ns;
            passes += 1;
            self.died += tried.died;
        }
        tried.wall_ns = wall_ns / passes;
        if tried.frames == 0 || MOST_FAILED * tried.failed > tried.frames {
            return Err(Error::Failed(format!(
                "{}: {} of the {} frames that {} was tried with cannot be analysed; `framehaul run` says \
                 why, and --frames A..B can leave them out",
                self.request.source.input(),
                tried.failed,
                tried.frames,
                runner.way
            )));
        }
        self.failed = self.failed.max(tried.failed);
        let time = each(&tried);
        self.sample = self.sample.max(tried.frames);
        runner.tried = Some(tried);
        Ok(Some(time))
    }

    fn retire(&mut self, who: usize) {
        self.runners[who].trial = None;
    }

    fn is_baseline(&self, who: usize) -> bool {
        match self.request.source {
            Source::Set(_) => self.runners[who].way.is_sequential(),
            Source::Live(_) => self.runners[who].way.workers == 1,
        }
    }

    fn shows_overhead(&self, who: usize) -> bool {
        self.runners[who].way.shows_overhead(available_workers())
    }

    fn is_akin(&self, who: usize, other: usize) -> bool {
        self.runners[who].way.is_akin(&self.runners[other].way)
    }
}

/// Seconds a frame.
fn each(tried: &Tried) -> f64 {
    tried.wall_ns as f64 / 1e9 / tried.frames as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Analysis;
    use crate::measure::{StageHistograms, Usage};

    fn request() -> Request {
        let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/data/clip.y4m");
        Request::new(
            Source::open(clip).unwrap(),
            Analysis::parse("luma").unwrap(),
        )
    }

    /// One that took so many nanoseconds a frame in its last round.
    fn runner(mode: &str, each_ns: u64) -> Runner {
        let request = Request {
            modes: vec![mode.into()],
            workers: Some(2),
            ..request()
        };
        Runner {
            way: Way::new(mode, 2, 4),
            plan: request.plans().unwrap().remove(0),
            trial: None,
            tried: Some(Tried {
                wall_ns: each_ns,
                frames: 1,
                failed: 0,
                died: 0,
                stages: StageHistograms::new(),
                usage: Usage::NONE,
            }),
        }
    }

    #[test]
    fn a_round_is_the_same_for_all_but_who_is_far_behind_and_never_more_than_there_is() {
        let request = request();
        let mut track = Track {
            request: &request,
            runners: vec![runner("mmap", 1_000_000), runner("payload", 10_000_000)],
            begin: now(),
            budget: Duration::from_secs(60),
            watch: &mut (),
            first: 0,
            count: None,
            sample: 0,
            failed: 0,
            died: 0,
            runs: 0,
        };
        let frames = |track: &Track<'_>, round| [0, 1].map(|who| track.frames(who, round, 1e-3));
        assert_eq!(frames(&track, 0), [16, 16]);
        // Four jobs of four for each of two workers are as few as there may be.
        assert_eq!(frames(&track, 1), [100, 32]);
        assert_eq!(frames(&track, 2), [400, 40]);
        track.count = Some(36);
        assert_eq!(frames(&track, 2), [36, 36]);
    }

    /// A track of a baseline that took so many nanoseconds a frame, if it was tried, and of two workers.
    fn track<'a>(
        request: &'a Request,
        watch: &'a mut dyn Watch,
        baseline_ns: Option<u64>,
    ) -> Track<'a> {
        let baseline = Runner {
            way: Way::new("sequential", 1, 1),
            tried: None,
            ..runner("mmap", 1)
        };
        let mut runners = vec![
            baseline,
            Runner {
                way: Way::new("mmap", 2, 1),
                tried: None,
                ..runner("mmap", 1)
            },
        ];
        runners[0].tried = baseline_ns.and_then(|each_ns| runner("mmap", each_ns).tried);
        Track {
            request,
            runners,
            begin: now(),
            budget: Duration::from_secs(20),
            watch,
            first: 0,
            count: None,
            sample: 0,
            failed: 0,
            died: 0,
            runs: 0,
        }
    }

    #[test]
    fn before_anything_is_known_one_frame_is_tried_and_of_long_ones_as_few_as_can_be() {
        let request = request();
        let frames = |baseline_ns, round, best| {
            let watch = &mut ();
            let track = track(&request, watch, baseline_ns);
            [0, 1].map(|who| track.frames(who, round, best))
        };
        assert_eq!(frames(None, 0, f64::INFINITY), [1, 1]);
        assert_eq!(frames(Some(49_000_000), 0, 0.049), [4, 4]);
        assert_eq!(frames(Some(51_000_000), 0, 0.051), [1, 2]);
        assert_eq!(frames(Some(5_000_000_000), 1, 2.5), [1, 1]);
    }

    #[test]
    fn workers_limber_up_where_that_takes_less_than_a_round_may() {
        let request = request();
        let limbers = |baseline_ns| track(&request, &mut (), baseline_ns).limbers(1);
        assert!(!limbers(None));
        // A second of twenty.
        assert!(limbers(Some(990_000_000)));
        assert!(!limbers(Some(1_010_000_000)));
    }

    #[test]
    fn a_round_takes_its_part_of_the_budget_or_one_job_for_each_worker() {
        let request = request();
        let frames = |best: f64| {
            let watch = &mut ();
            let mut track = track(&request, watch, Some(1));
            // Those that run decide on how many all get.
            track.runners = [0, 1].map(|_| started((1e9 * best) as u64)).into();
            track.frames(1, 2, best)
        };
        // A second for jobs of four frames for each of two workers.
        assert_eq!(frames(0.031), 32);
        assert_eq!(frames(0.05), 16);
        assert_eq!(frames(2.5), 8);
    }

    /// The same at work, in threads: four frames at a time for each of two.
    fn started(each_ns: u64) -> Runner {
        let runner = runner("threads", each_ns);
        let trial = Trial::start(runner.plan.clone()).unwrap();
        Runner {
            trial: Some(trial),
            ..runner
        }
    }

    #[test]
    fn what_is_expected_is_the_work_by_the_workers_until_the_way_itself_was_tried() {
        let request = request();
        let mut watch = ();
        let unknown = track(&request, &mut watch, None);
        assert_eq!(unknown.expected(1, 2), None);
        let mut watch = ();
        let mut track = track(&request, &mut watch, Some(5_000_000_000));
        let places = available_workers().min(2) as f64;
        assert!((track.expected(1, 2).unwrap() - 10.0 / places).abs() < 1e-6);
        // One frame is done by one of them.
        assert!((track.expected(1, 1).unwrap() - 5.0).abs() < 1e-6);
        assert!(track.enough() >= 10.0 / places);
        track.runners[1].tried = runner("mmap", 3_000_000_000).tried;
        assert!((track.expected(1, 2).unwrap() - 6.0).abs() < 1e-6);
        assert!(track.enough() < 1.0);
    }
}
