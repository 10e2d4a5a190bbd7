//! One mode of what was asked for, checked: what a run is to do.

use super::outcome::{Cache, Workload};
use super::policy::Policy;
use super::trace::Trace;
use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use crate::handoff::Slots;
use crate::source::Source;
use crate::transport::Transport;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

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
pub(super) const MOST_FRAMES: u64 = 1 << 40;

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
    pub(super) fn slots_for(&self, batch: u64, asked: Option<usize>) -> usize {
        if !self.mode.uses_slots() {
            return 0;
        }
        let jobs = 2 * self.workers as u64 + 1;
        let default = jobs * batch + u64::from(self.analysis.looks_back()) + 1;
        asked.unwrap_or(usize::try_from(default).unwrap_or(usize::MAX))
    }

    /// The batch, or as much of it as has room in the slots that were asked for: there is a job
    /// under way, and the frame that is looked back to.
    pub(super) fn batch_of_slots(&self, asked: Option<usize>, is_given: bool) -> Result<u64> {
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

    pub(super) fn memory_need_of(&self, batch: u64, slots: Option<usize>) -> u64 {
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
