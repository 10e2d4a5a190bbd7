//! A finished run, as plain data.

use super::interval::Interval;
use super::passes::PassFigures;
use super::policy::{Dropped, Policy};
use crate::clock::Nanos;
use crate::frame::FrameFormat;
use crate::measure::{Limits, MemoryPeak, StageHistograms, Timeline, Usage};
use crate::source::SetSize;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state of the page cache that a run asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Cache {
    /// Every page of the input is in memory before a pass starts.
    Warm,
    /// None is.
    Cold,
}

/// What was asked for, with every default filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The input, as typed.
    pub input: String,
    /// Whether its frames come, rather than lie in files.
    pub is_live: bool,
    /// How large the whole frame set was; none of what is live.
    pub set: Option<SetSize>,
    /// What tells the input from another of that name and size ([`Source::identity`]).
    ///
    /// [`Source::identity`]: crate::source::Source::identity
    pub identity: Option<String>,
    /// The frames of one pass, first and one past the last, in the stream (which cycles the set).
    pub frames: std::ops::Range<u64>,
    /// The format of every frame.
    pub format: FrameFormat,
    /// The mode's name, as in `framehaul list`.
    pub mode: String,
    /// Worker processes or threads; 1 for `sequential`.
    pub workers: usize,
    /// The analyzers, as typed.
    pub analyzers: Vec<String>,
    /// The analyzers that were calibrated, with the iterations that each makes a frame.
    pub calibrations: Vec<(String, u64)>,
    /// The pace, in frames a second; none when flat out.
    pub fps: Option<f64>,
    /// Frames a job.
    pub batch: usize,
    /// The page cache's state that was asked for.
    pub cache: Cache,
    /// The share of the input that was in the page cache when the first measured pass started,
    /// from 0 to 1; 1 if it is live.
    pub cache_resident: f64,
    /// What happened to frames for which no slot was free; none in modes without slots.
    pub policy: Option<Policy>,
    /// Measured passes.
    pub repeat: usize,
    /// Passes before them that were not measured.
    pub warmup: usize,
}

/// Figures of all measured passes together.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// First dispatch to last finding, a pass; as many as passes were measured.
    pub pass_wall_ns: Vec<Nanos>,
    /// Frames that came, over all measured passes: those analysed, failed and dropped.
    pub frames_produced: u64,
    /// Frames analysed, over all measured passes.
    pub frames_analysed: u64,
    /// Frames failed, over all measured passes.
    pub frames_failed: u64,
    /// Frames dropped, over all measured passes, by the reason.
    pub frames_dropped: BTreeMap<Dropped, u64>,
    /// Bytes that crossed a process boundary towards the workers, for the frames themselves
    /// (without look-back), a frame: pixels for payload modes, the ticket's bytes for references,
    /// 0 in process.
    pub shipped_bytes_per_frame: f64,
    /// The same for frames shipped again because an analyzer looks back to them.
    pub overlap_bytes_per_frame: f64,
    /// Frames whose finding came after due + 1/fps; none when flat out.
    pub deadline_misses: Option<u64>,
    /// Whether the backlog stayed bounded; none when flat out.
    pub keeps_up: Option<bool>,
    /// By how many frames a second the backlog grew; none when flat out.
    pub backlog_frames_per_s: Option<f64>,
    /// The rate at which findings came while there was always work waiting: flat out, or paced
    /// beyond what the mode sustains; none where the pace was kept, which measures no limit.
    pub max_sustained_fps: Option<f64>,
    /// Worker processes that died.
    pub workers_died: u64,
}

/// The slots that frames came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SlotsUsed {
    /// How many.
    pub count: usize,
    /// Shared memory that all of them took.
    pub bytes: u64,
    /// How much of it lay in huge pages.
    pub huge_bytes: u64,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was asked for.
    pub workload: Workload,
    /// When the first measured pass began, in seconds since the Unix epoch; none if none did.
    pub begun_unix_s: Option<f64>,
    /// What came of it.
    pub totals: Totals,
    /// The machine's limits, measured before the run with as many threads as workers.
    pub limits: Limits,
    /// Peak memory of parent and workers over the measured passes.
    pub memory: MemoryPeak,
    /// The slots, in a mode that uses them.
    pub slots: Option<SlotsUsed>,
    /// Processor use of parent and workers over the measured passes.
    pub usage: Usage,
    /// A histogram a stage, all measured passes together.
    pub stages: StageHistograms,
    /// Each measured pass by itself, in their order.
    pub passes: Vec<PassFigures>,
    /// The same for all runs that took turns: pass i of one of them and pass i of another were in one
    /// round. None if nothing is known of that.
    pub alternation: Option<String>,
    /// What happened when, over the measured passes, one after the other.
    pub timeline: Timeline<Interval>,
    /// SHA-256 of what the first pass found: of the lines of `findings.jsonl` in frame order, each
    /// with its newline, in hexadecimal, as `sha256sum` prints it.
    pub findings_digest: String,
    /// Why a pass may have had fewer frames than its source, in a sentence; none if nothing is known
    /// to have kept any from it.
    pub incomplete: Option<String>,
    /// Where a later pass found something else than the first, in a sentence; none if all found
    /// the same.
    pub disagreement: Option<String>,
    /// What a reader must know: workers that died, frames given up, a pace cut short. One
    /// sentence each.
    pub notes: Vec<String>,
}
