//! From what was asked for to a checked run: every name resolved, every default filled.

use super::check::{self, FRAMES_A_LOOK_BACK};
use super::outcome::{Cache, Workload};
use super::trace::Trace;
use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use crate::handoff::Slots;
use crate::source::Source;
use crate::transport::{self, Placement, Transport};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
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

/// What happens to a frame for which no slot is free: every slot holds a frame that is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// It waits, and what it comes from with it: nothing is dropped.
    #[default]
    Block,
    /// It is dropped.
    DropNewest,
    /// The oldest frame that nobody has begun to analyse is dropped for it.
    DropOldest,
}

impl Policy {
    /// As it is asked for: `drop-newest`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::DropNewest => "drop-newest",
            Self::DropOldest => "drop-oldest",
        }
    }
}

/// Why a frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Dropped {
    /// No slot was free when it came.
    #[serde(rename = "no slot was free")]
    NoSlot,
    /// It waited, and its slot was needed for a later frame.
    #[serde(rename = "a later frame took its slot")]
    Outrun,
    /// The run was stopped, and it was not analysed soon after.
    #[serde(rename = "the run was stopped")]
    Stopped,
}

impl Dropped {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::NoSlot, Self::Outrun, Self::Stopped];
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSlot => "no slot was free",
            Self::Outrun => "a later frame took its slot",
            Self::Stopped => "the run was stopped",
        })
    }
}

/// One mode of a checked run.
#[derive(Clone)]
pub struct Plan {
    pub(super) source: Source,
    pub(super) analysis: Analysis,
    pub(super) mode: &'static dyn Transport,
    pub(super) workers: usize,
    pub(super) fps: Option<f64>,
    pub(super) batch: u64,
    pub(super) frames: Range<u64>,
    pub(super) repeat: usize,
    pub(super) warmup: usize,
    pub(super) cache: Cache,
    pub(super) cut_short: bool,
    pub(super) deadline: Option<Duration>,
    pub(super) policy: Policy,
    /// None in a mode that uses none.
    pub(super) slots: usize,
    pub(super) stop: Arc<AtomicBool>,
    /// The folder for what is found, if it is kept.
    pub(super) folder: Option<PathBuf>,
    /// Where the way of each frame is written down, if it is.
    pub(super) trace: Option<Trace>,
}

/// As many frames fit a job's number and step on the board that workers report on.
const MOST_FRAMES: u64 = 1 << 40;

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

impl Plan {
    /// The mode's name.
    pub fn mode(&self) -> &'static str {
        self.mode.name()
    }

    /// Worker processes or threads.
    pub const fn workers(&self) -> usize {
        self.workers
    }

    /// Frames a job.
    pub const fn batch(&self) -> u64 {
        self.batch
    }

    /// The frames of one pass.
    pub const fn frames(&self) -> &Range<u64> {
        &self.frames
    }

    /// The format of every frame.
    pub fn format(&self) -> FrameFormat {
        self.source.format()
    }

    /// Slots; 0 in a mode that uses none.
    pub const fn slots(&self) -> usize {
        self.slots
    }

    /// Frames of a pass, if that is known before.
    pub(super) fn known_frames(&self) -> Option<u64> {
        (self.frames.end < MOST_FRAMES).then(|| self.frames.end - self.frames.start)
    }

    /// Whether it goes on until it is stopped.
    pub(super) fn is_endless(&self) -> bool {
        let endless = matches!(&self.source, Source::Live(live) if live.is_endless());
        endless && self.known_frames().is_none()
    }

    /// Whether it ends with what it has when it is told to stop: what has come of something live
    /// may never come again. (One pass of several is worth nothing.)
    pub(super) fn ends_when_told(&self) -> bool {
        matches!(self.source, Source::Live(_)) && self.repeat + self.warmup == 1
    }

    /// Keeps what the first measured pass finds in `folder`, which is there, as it comes:
    /// `findings.jsonl`, a line a frame in frame order; `thumbnails.npy` of shape (N, h, w, C), if
    /// the analysis makes any; `timestamps.txt`, if the source says when its frames are to be shown.
    /// Files that are there are replaced. Nothing is kept unless this is called.
    pub fn keep_in(&mut self, folder: impl Into<PathBuf>) {
        self.folder = Some(folder.into());
    }

    /// Writes the way of each frame through the measured passes to a trace, which other plans may
    /// write to as well.
    pub fn trace_to(&mut self, trace: &Trace) {
        self.trace = Some(trace.clone());
    }

    /// An upper bound of the memory that the run's jobs under way need, over all processes.
    pub fn memory_need(&self) -> u64 {
        self.memory_need_of(self.batch, Some(self.slots))
    }

    /// Slots of a mode that uses them: for the frames of two jobs a worker, of one that is being
    /// filled, a frame that is looked back to, and one more that is being written.
    fn slots_for(&self, batch: u64, asked: Option<usize>) -> usize {
        if !self.mode.uses_slots() {
            return 0;
        }
        let jobs = 2 * self.workers as u64 + 1;
        let default = jobs * batch + u64::from(self.analysis.looks_back()) + 1;
        asked.unwrap_or(usize::try_from(default).unwrap_or(usize::MAX))
    }

    /// The batch, or as much of it as has room in the slots that were asked for: there is a job
    /// under way, and the frame that is looked back to.
    fn batch_of_slots(&self, asked: Option<usize>, is_given: bool) -> Result<u64> {
        let (Some(slots), true) = (asked, self.mode.uses_slots()) else {
            return Ok(self.batch);
        };
        let beside =
            u64::from(self.analysis.looks_back()) + u64::from(self.policy != Policy::Block);
        let room = (slots as u64).saturating_sub(beside);
        if room == 0 || (is_given && room < self.batch) {
            return Err(Error::Usage(format!(
                "--slots {slots}: at least {} are needed, for {} of a job{}{}",
                self.batch + beside,
                if self.batch == 1 {
                    "the frame".into()
                } else {
                    format!("the {} frames", self.batch)
                },
                if self.analysis.looks_back() {
                    " and the one they are compared with"
                } else {
                    ""
                },
                if self.policy == Policy::Block {
                    ""
                } else {
                    ", and for one that comes meanwhile"
                },
            )));
        }
        Ok(self.batch.min(room))
    }

    fn memory_need_of(&self, batch: u64, slots: Option<usize>) -> u64 {
        let overlap = u64::from(self.analysis.looks_back());
        let format = self.source.format();
        let a_worker = self.mode.memory(format, batch + overlap) + self.analysis.memory(format);
        let slots = match self.slots_for(batch, slots) {
            0 => 0,
            count => Slots::size(count, format.bytes()),
        };
        let thumbnail = self.analysis.thumbnail(format);
        let thumbnail = thumbnail.map_or(0, |format| format.bytes() as u64);
        // In the worker, serialised, as received, and deserialised.
        let workers = (a_worker + 4 * batch * thumbnail) * self.workers as u64;
        workers.saturating_add(slots)
    }

    pub(super) fn workload(&self, cache_resident: f64) -> Workload {
        Workload {
            input: self.source.input().to_owned(),
            is_live: self.source.set().is_none(),
            set: self.source.set().map(|set| set.size()),
            identity: self.source.identity(),
            frames: self.frames.clone(),
            format: self.source.format(),
            mode: self.mode.name().to_owned(),
            workers: self.workers,
            analyzers: self.analysis.names(),
            calibrations: self
                .analysis
                .calibrations()
                .into_iter()
                .map(|(name, n)| (name.to_owned(), n))
                .collect(),
            fps: self.fps,
            batch: self.batch as usize,
            cache: self.cache,
            cache_resident,
            policy: self.mode.uses_slots().then_some(self.policy),
            repeat: self.repeat,
            warmup: self.warmup,
        }
    }
}
