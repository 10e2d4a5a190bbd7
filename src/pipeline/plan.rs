//! From what was asked for to a checked run: every name resolved, every default filled.

use super::check::{self, FRAMES_A_LOOK_BACK};
use super::outcome::{Cache, Workload};
use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use crate::source::FrameSet;
use crate::transport::{self, Placement, Transport};
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What was asked for; what is none gets its default in [`Request::plans`].
#[derive(Clone)]
pub struct Request {
    /// The frames.
    pub set: Arc<FrameSet>,
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
    /// Set from outside to end the run with [`Error::Interrupted`].
    pub stop: Arc<AtomicBool>,
}

/// One mode of a checked run.
#[derive(Clone)]
pub struct Plan {
    pub(super) set: Arc<FrameSet>,
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
    pub(super) stop: Arc<AtomicBool>,
    /// Where the thumbnails are kept, if they are made.
    pub(super) thumbnails: Option<PathBuf>,
}

/// As many frames fit a job's number and step on the board that workers report on.
const MOST_FRAMES: u64 = 1 << 40;

/// Paces that make sense, in frames a second.
const PACES: RangeInclusive<f64> = 0.001..=100_000.0;

impl Request {
    /// A flat-out run of everything in `set` in all modes, one pass, warm.
    pub fn new(set: FrameSet, analysis: Analysis) -> Self {
        Self {
            set: Arc::new(set),
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
        if let Some(fps) = self.fps {
            if !PACES.contains(&fps) {
                return usage(format!(
                    "--fps {fps}: a rate from {} to {} frames a second is needed",
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
        let frames = self.frames.clone().unwrap_or(0..self.set.len() as u64);
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
        let modes = self.modes()?;
        let plans = modes.into_iter().map(|mode| {
            let workers = check::workers(self.workers, mode.placement())?;
            let batch = match (self.fps, self.batch) {
                (Some(_), _) => 1,
                (None, Some(batch)) => batch.min(frames.end - frames.start),
                (None, None) => self.default_batch(&frames, workers),
            };
            let plan = Plan {
                set: self.set.clone(),
                analysis: self.analysis.clone(),
                mode,
                workers,
                fps: self.fps,
                batch,
                frames: frames.clone(),
                repeat: self.repeat,
                warmup: self.warmup,
                cache: self.cache,
                cut_short: self.cut_short,
                stop: self.stop.clone(),
                thumbnails: None,
            };
            let need = |batch| plan.memory_need_of(batch);
            let batch = check::fit_memory(mode, batch, self.batch.is_some(), need)?;
            Ok(Plan { batch, ..plan })
        });
        plans.collect()
    }

    fn modes(&self) -> Result<Vec<&'static dyn Transport>> {
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
                    .filter(|mode| mode.fits(&self.set))
                    .for_each(&mut add);
                continue;
            }
            add(check::mode(name, &self.set)?);
        }
        if modes.is_empty() {
            return Err(Error::Usage("no mode was asked for; try --mode all".into()));
        }
        Ok(modes)
    }

    /// Large enough that looking back ships little twice, and that a job of small frames is worth
    /// its round trip; small enough that every worker gets several.
    fn default_batch(&self, frames: &Range<u64>, workers: usize) -> u64 {
        let count = frames.end - frames.start;
        let small = check::small_batch(&self.set, count, workers);
        if !self.analysis.looks_back() {
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
        self.set.format()
    }

    /// Keeps the thumbnails of the first measured pass, if the analysis makes any, as an array of
    /// shape (N, h, w, C) in a `.npy` file at `path`, which is replaced. They are dropped unless
    /// this is called.
    pub fn keep_thumbnails(&mut self, path: impl Into<PathBuf>) {
        self.thumbnails = Some(path.into());
    }

    /// An upper bound of the memory that the run's jobs under way need, over all processes.
    pub fn memory_need(&self) -> u64 {
        self.memory_need_of(self.batch)
    }

    fn memory_need_of(&self, batch: u64) -> u64 {
        let overlap = u64::from(self.analysis.looks_back());
        let a_worker = self.mode.memory(self.set.format(), batch + overlap);
        let thumbnail = self.analysis.thumbnail(self.set.format());
        let thumbnail = thumbnail.map_or(0, |format| format.bytes() as u64);
        // In the worker, serialised, as received, and deserialised.
        (a_worker + 4 * batch * thumbnail) * self.workers as u64
    }

    pub(super) fn workload(&self, cache_resident: f64) -> Workload {
        Workload {
            input: self.set.input().to_owned(),
            frames: self.frames.clone(),
            format: self.set.format(),
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
            repeat: self.repeat,
            warmup: self.warmup,
        }
    }
}
