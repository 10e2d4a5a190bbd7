//! What was asked for: every name resolved, every default filled, it is a plan for each mode.

use super::check::{self, FRAMES_A_LOOK_BACK};
use super::outcome::Cache;
use super::plan::{MOST_FRAMES, Plan};
use super::policy::Policy;
use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::source::Source;
use crate::transport::{self, Placement, Transport};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What was asked for; what is none gets its default in [`Request::plans`].
#[derive(Clone)]
pub struct Request {
    /// What the frames come from.
    pub source: Source,
    /// What to compute.
    pub analysis: Analysis,
    /// The modes' names, or `all` for those that fit.
    pub modes: Vec<String>,
    /// Worker processes or threads; the processors this process may use by default.
    pub workers: Option<usize>,
    /// The pace in frames a second; flat out by default.
    pub fps: Option<f64>,
    /// Frames a job.
    pub batch: Option<u64>,
    /// Frames of the stream; the whole set once by default.
    pub frames: Option<Range<u64>>,
    /// Measured passes, at least 1.
    pub repeat: usize,
    /// Passes before them.
    pub warmup: usize,
    /// The state of the page cache.
    pub cache: Cache,
    /// End a paced pass early when it is clear that the mode falls behind.
    pub cut_short: bool,
    /// How long a job may take in its worker, which is killed otherwise (a thread is not); as long
    /// as it likes by default.
    pub deadline: Option<Duration>,
    /// What happens to frames for which no slot is free, in modes that use slots.
    pub policy: Policy,
    /// Slots, in modes that use them; as many as keep all workers busy by default.
    pub slots: Option<usize>,
    /// Set from outside to end the run with [`Error::Interrupted`], or a source that would go on for
    /// ever with a report of what has been.
    pub stop: Arc<AtomicBool>,
}

/// Paces that make sense, in frames a second.
pub(crate) const PACES: RangeInclusive<f64> = 0.001..=100_000.0;

impl Request {
    /// A flat-out run of everything in `source` in all modes, one pass, warm. (A paced camera keeps
    /// its pace.)
    pub fn new(source: impl Into<Source>, analysis: Analysis) -> Self {
        Self {
            source: source.into(),
            analysis,
            modes: vec!["all".into()],
            workers: None,
            fps: None,
            batch: None,
            frames: None,
            repeat: 1,
            warmup: 0,
            cache: Cache::Warm,
            cut_short: false,
            deadline: None,
            policy: Policy::default(),
            slots: None,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    /// One plan for each mode, in the order asked for, each once.
    ///
    /// # Errors
    /// [`Error::Usage`] for an option that makes no sense or a mode that does not fit the set;
    /// [`Error::Failed`] if there is not enough memory for what would be under way.
    pub fn plans(&self) -> Result<Vec<Plan>> {
        let usage = |why: String| Err(Error::Usage(why));
        check::workers(self.workers, Placement::Processes)?;
        if self.repeat == 0 {
            return usage("--repeat 0: at least one measured pass is needed".into());
        }
        if self.warmup.checked_add(self.repeat).is_none() {
            return usage(format!(
                "--warmup {} --repeat {}: more passes than can be counted",
                self.warmup, self.repeat
            ));
        }
        let fps = self.pace()?;
        if let Some(fps) = fps {
            if !PACES.contains(&fps) {
                return usage(format!(
                    "--fps {fps:?}: a rate from {} to {} frames a second is needed",
                    PACES.start(),
                    PACES.end()
                ));
            }
            if self.batch.is_some_and(|batch| batch != 1) {
                return usage("--batch with --fps: a paced job is one frame".into());
            }
        }
        if self.batch == Some(0) {
            return usage("--batch 0: a job has at least one frame".into());
        }
        let all = self
            .source
            .set()
            .map_or(MOST_FRAMES, |set| set.len() as u64);
        let frames = self.frames.clone().unwrap_or(0..all);
        if frames.is_empty() {
            return usage(format!(
                "--frames {}..{}: the range is empty; it counts from 0 and its end is not in it",
                frames.start, frames.end
            ));
        }
        if frames.end > MOST_FRAMES {
            return usage(format!(
                "--frames {}..{}: a stream has at most {MOST_FRAMES} frames",
                frames.start, frames.end
            ));
        }
        self.check_live()?;
        let modes = self.modes()?;
        if !modes.iter().any(|mode| mode.uses_slots())
            && (self.slots.is_some() || self.policy != Policy::Block)
        {
            return usage(
                "--slots and --policy are for modes whose frames come through slots: shm".into(),
            );
        }
        let plans = modes.into_iter().map(|mode| {
            let workers = check::workers(self.workers, mode.placement())?;
            let batch = match (fps, self.batch) {
                (Some(_), _) => 1,
                (None, Some(batch)) => batch.min(frames.end - frames.start),
                (None, None) => self.default_batch(mode, &frames, workers),
            };
            let plan = Plan {
                source: self.source.clone(),
                analysis: self.analysis.clone(),
                mode,
                workers,
                fps,
                batch,
                frames: frames.clone(),
                repeat: self.repeat,
                warmup: self.warmup,
                cache: self.cache,
                cut_short: self.cut_short,
                deadline: self.deadline,
                policy: self.policy,
                slots: 0,
                stop: self.stop.clone(),
                folder: None,
                trace: None,
            };
            let batch = plan.batch_of_slots(self.slots, self.batch.is_some())?;
            let need = |batch| plan.memory_need_of(batch, self.slots);
            let memory = self.source.memory();
            let is_given = self.batch.is_some();
            let batch = check::fit_memory(mode, workers, memory, batch, is_given, need)?;
            let slots = plan.slots_for(batch, self.slots);
            Ok(Plan {
                batch,
                slots,
                ..plan
            })
        });
        plans.collect()
    }

    /// The pace asked for, or the source's own.
    fn pace(&self) -> Result<Option<f64>> {
        match (&self.source, self.fps) {
            (Source::Live(live), Some(fps)) if live.is_paced() => Err(Error::Usage(format!(
                "--fps {fps}: {} has a pace of its own; leave one of them out",
                live.input()
            ))),
            (Source::Live(live), None) if live.is_paced() => Ok(live.fps()),
            (_, fps) => Ok(fps),
        }
    }

    /// What makes no sense for what is live.
    fn check_live(&self) -> Result<()> {
        let Source::Live(live) = &self.source else {
            return Ok(());
        };
        if self.cache == Cache::Cold {
            return Err(Error::Usage(format!(
                "--cache cold: {} is not read from files that could be in a cache",
                live.input()
            )));
        }
        let endless = self.frames.is_none() && live.is_endless();
        let why = live.why_once();
        let why =
            why.or(endless.then_some("it goes on until it is stopped; say --seconds or --frames"));
        if let Some(why) = why.filter(|_| self.repeat + self.warmup > 1) {
            return Err(Error::Usage(format!(
                "{}: one pass is possible, without --warmup or --repeat: {why}",
                live.input()
            )));
        }
        Ok(())
    }

    /// The modes that are meant, each once.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that there is not, or that does not fit the source, and for none.
    pub(crate) fn modes(&self) -> Result<Vec<&'static dyn Transport>> {
        let mut modes: Vec<&'static dyn Transport> = Vec::new();
        let mut add = |mode: &'static dyn Transport| {
            if modes.iter().all(|known| known.name() != mode.name()) {
                modes.push(mode);
            }
        };
        for name in &self.modes {
            if name == "all" {
                let fitting = transport::registry().iter().copied();
                fitting
                    .filter(|mode| check::fits(*mode, &self.source))
                    .for_each(&mut add);
                continue;
            }
            add(check::mode(name, &self.source)?);
        }
        if modes.is_empty() {
            return Err(Error::Usage("no mode was asked for; try --mode all".into()));
        }
        Ok(modes)
    }

    /// Large enough that looking back ships little twice, and that a job of small frames is worth
    /// its round trip; small enough that every worker gets several.
    fn default_batch(&self, mode: &dyn Transport, frames: &Range<u64>, workers: usize) -> u64 {
        // What is live is not kept waiting for company.
        let Some(set) = self.source.set() else {
            return 1;
        };
        let count = frames.end - frames.start;
        let small = check::small_batch(set.format(), count, workers);
        // A frame in a slot is looked back to where it is: nothing is shipped twice.
        if !self.analysis.looks_back() || mode.uses_slots() {
            return small;
        }
        // At least nine frames a job, and so many jobs that all workers end together.
        let workers = workers as u64;
        let jobs = (count / FRAMES_A_LOOK_BACK.max(small)).max(1);
        let even = if jobs >= workers {
            jobs - jobs % workers
        } else {
            jobs
        };
        count.div_ceil(even)
    }
}
