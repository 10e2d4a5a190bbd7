//! `report.json`: a finished run as a file, schema 1.
//!
//! The fields below are the schema. A reader ignores fields it does not know; a field may be
//! added without a new schema number, and none is removed or given another meaning without one.

use super::histogram;
use super::merged::Merged;
use super::timeline::Timeline;
use crate::measure::{self, Limits, Machine, StageHistograms};
use crate::pipeline::{Cache, Dropped, Outcome, PassFigures, Policy, SlotsUsed};
use crate::source::SetSize;
use crate::stage::Stage;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

/// The schema that this version writes, and the highest that it reads.
pub const SCHEMA: u32 = 1;

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// The number of this schema: 1.
    pub schema: u32,
    /// The program that wrote it, and its version: `framehaul 0.1.0`.
    pub tool: String,
    /// The command line that asked for the run, where there was one.
    #[serde(default)]
    pub command: Vec<String>,
    /// When its first measured pass began, in seconds since the Unix epoch: of runs that took turns, others
    /// have had theirs since. Null where nothing is known of that.
    #[serde(default)]
    pub begun_unix_s: Option<f64>,
    /// When the report was made, in seconds since the Unix epoch.
    pub finished_unix_s: f64,
    /// The machine that the figures come from.
    pub machine: Machine,
    /// What was asked for.
    pub workload: Workload,
    /// What came of it, all measured passes together.
    pub totals: Totals,
    /// What the machine can do at most, measured before the run.
    pub limits: Limits,
    /// Peak memory.
    pub memory: Memory,
    /// The slots that frames came through; null in modes without.
    #[serde(default)]
    pub slots: Option<SlotsUsed>,
    /// Processor use.
    pub cpu: Cpu,
    /// Durations by stage; a stage that does not occur in the mode is left out.
    pub stages: BTreeMap<Stage, StageSummary>,
    /// Each measured pass by itself, as many as `totals.pass_wall_s` has; empty in merged reports, and
    /// in those of older versions.
    #[serde(default)]
    pub passes: Vec<PassFigures>,
    /// The same in all runs that took turns: pass i of one of them and pass i of another were in one round.
    /// Null where nothing is known of that.
    #[serde(default)]
    pub alternation: Option<String>,
    /// What happened when; empty in merged reports, whose runs were at other times.
    #[serde(default)]
    pub timeline: Timeline,
    /// SHA-256 of `findings.jsonl` in hexadecimal: what `sha256sum findings.jsonl` says.
    pub findings_digest: String,
    /// Why there may be frames that the run should have had and has not, in a sentence; null if nothing
    /// is known to have kept any from it.
    #[serde(default)]
    pub incomplete: Option<String>,
    /// What a reader must know, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The runs that this one was merged from; null of a run that was measured as it is.
    #[serde(default)]
    pub merged: Option<Merged>,
}

/// What was asked for, with every default filled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Workload {
    /// The input, as typed.
    pub input: String,
    /// Whether its frames came, from a camera, a decoder or a pipe, rather than lay in files.
    #[serde(default)]
    pub live: bool,
    /// How large the whole frame set was; null of what is live, and where nothing is known of that.
    #[serde(default)]
    pub set: Option<SetSize>,
    /// What tells the input from another of that name and size, on whatever machine: a digest of some of its
    /// bytes. Null of what is in no file, and where nothing is known of that.
    #[serde(default)]
    pub identity: Option<String>,
    /// The frames of one pass: the first and one past the last.
    pub frames: Range<u64>,
    /// The array shape of a frame: (H, W, C), or one axis where planes are not interleaved.
    pub shape: Vec<usize>,
    /// Size and pixel type: `3840x2160 rgb16`.
    pub pixels: String,
    /// Bytes of a frame.
    pub bytes_per_frame: u64,
    /// How frames reached the workers.
    pub mode: String,
    /// Worker processes or threads.
    pub workers: usize,
    /// What was computed.
    pub analyzers: Vec<String>,
    /// Of analyzers that are a knob for compute weight (`burn:MS`): the iterations a frame that
    /// stood for the time asked for, the same in all modes of one comparison.
    #[serde(default)]
    pub calibrations: BTreeMap<String, u64>,
    /// The pace in frames a second; null when flat out.
    pub fps: Option<f64>,
    /// Frames a job.
    pub batch: usize,
    /// The state of the page cache that was asked for: `warm` or `cold`.
    pub cache: Cache,
    /// The share of the input that was in the page cache when measuring began, from 0 to 1; 1 of
    /// what is live.
    pub cache_resident: f64,
    /// What happened to frames for which no slot was free: `block`, `drop-newest` or `drop-oldest`;
    /// null in modes without slots.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Measured passes.
    pub repeat: usize,
    /// Passes before them, not measured.
    pub warmup: usize,
}

/// What came of it, all measured passes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// The sum of the passes' times, first dispatch to last finding, in seconds.
    pub wall_s: f64,
    /// The passes' times, in seconds.
    pub pass_wall_s: Vec<f64>,
    /// Frames produced: analysed, failed and dropped.
    pub frames: u64,
    /// Frames with a finding.
    pub frames_analysed: u64,
    /// Frames analysed a second of `wall_s`.
    pub fps: f64,
    /// `fps` times the bytes of a frame, in 1e9: what was analysed, however it travelled.
    pub gb_per_s: f64,
    /// Bytes that crossed a process boundary towards the workers, a frame: its pixels, before they are
    /// serialised, or the reference as it is encoded.
    pub shipped_bytes_per_frame: f64,
    /// The same for frames shipped again because an analyzer looks back to them.
    pub overlap_bytes_per_frame: f64,
    /// Frames whose finding came later than one period after they were due; null when flat out.
    pub deadline_misses: Option<u64>,
    /// Whether the backlog stayed bounded; null when flat out.
    pub keeps_up: Option<bool>,
    /// Frames a second by which the backlog grew; null when flat out.
    pub backlog_frames_per_s: Option<f64>,
    /// Findings a second while work was always waiting; null where the pace was kept.
    pub max_sustained_fps: Option<f64>,
    /// Frames without a finding, because something was wrong with them or with a worker.
    pub frames_failed: u64,
    /// Frames without a finding, because nobody came to them in time.
    #[serde(default)]
    pub frames_dropped: u64,
    /// The same by the reason.
    #[serde(default)]
    pub dropped: BTreeMap<Dropped, u64>,
    /// Worker processes that died.
    pub workers_died: u64,
}

/// Peak memory over parent and workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Memory {
    /// Anonymous memory.
    pub peak_anon_bytes: u64,
    /// Shared memory.
    pub peak_shared_bytes: u64,
}

/// Processor use of parent and workers over the measured passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cpu {
    /// Seconds in user mode.
    pub user_s: f64,
    /// Seconds in the kernel.
    pub system_s: f64,
    /// Cores busy on average.
    pub cores_busy: f64,
    /// Page faults served without I/O.
    pub minor_faults: u64,
    /// Page faults that waited for I/O.
    pub major_faults: u64,
    /// Times a processor was given up.
    pub voluntary_switches: u64,
    /// Times a processor was taken away.
    pub involuntary_switches: u64,
}

/// One stage's durations, in nanoseconds, each to a part in a thousand, the least and the
/// greatest among them: they are read off the histogram.
///
/// A percentile with fewer than ten samples beyond it is null: of n samples, percentile p (from 0
/// to 1) needs n × (1 − p) ≥ 10.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StageSummary {
    /// Samples; at least 1.
    pub count: u64,
    /// The least.
    pub min_ns: u64,
    /// The median; from 20 samples on.
    pub p50_ns: Option<u64>,
    /// From 100 samples on.
    pub p90_ns: Option<u64>,
    /// From 1000 samples on.
    pub p99_ns: Option<u64>,
    /// From 10,000 samples on.
    pub p999_ns: Option<u64>,
    /// The greatest.
    pub max_ns: u64,
    /// The mean.
    pub mean_ns: f64,
    /// All of it: HdrHistogram V2, deflated, in base64, as in an interval log.
    pub histogram: String,
}

impl StageSummary {
    pub(super) fn of(samples: &Histogram<u64>) -> Self {
        let percentile = |thousandths| measure::percentile(samples, thousandths);
        Self {
            count: samples.len(),
            min_ns: samples.min(),
            p50_ns: percentile(500),
            p90_ns: percentile(900),
            p99_ns: percentile(990),
            p999_ns: percentile(999),
            max_ns: samples.max(),
            mean_ns: samples.mean(),
            histogram: histogram::encode(samples),
        }
    }

    /// The histogram itself, or what is wrong with it as the end of a sentence.
    pub fn decode(&self) -> Result<Histogram<u64>, String> {
        let samples = histogram::decode(&self.histogram)?;
        if samples.len() != self.count {
            return Err(format!(
                "holds {} samples where {} are stated",
                samples.len(),
                self.count
            ));
        }
        Ok(samples)
    }
}

/// A summary of each stage that has samples.
pub(super) fn summaries(stages: &StageHistograms) -> BTreeMap<Stage, StageSummary> {
    let all = Stage::ALL.into_iter();
    let all = all.map(|stage| (stage, stages.get(stage)));
    all.filter(|(_, samples)| !samples.is_empty())
        .map(|(stage, samples)| (stage, StageSummary::of(samples)))
        .collect()
}

impl Report {
    /// The report of a finished run on `machine`.
    pub fn new(outcome: &Outcome, machine: Machine) -> Self {
        let (asked, totals, usage) = (&outcome.workload, &outcome.totals, &outcome.usage);
        let wall_ns: u64 = totals.pass_wall_ns.iter().sum();
        let seconds = |ns: u64| ns as f64 / 1e9;
        let bytes_per_frame = asked.format.bytes() as u64;
        let fps = match wall_ns {
            0 => 0.0,
            _ => totals.frames_analysed as f64 / seconds(wall_ns),
        };
        let dropped = totals.frames_dropped.values().sum::<u64>();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            schema: SCHEMA,
            tool: concat!("framehaul ", env!("CARGO_PKG_VERSION")).into(),
            command: Vec::new(),
            begun_unix_s: outcome.begun_unix_s,
            finished_unix_s: now.map_or(0.0, |now| now.as_secs_f64()),
            machine,
            workload: Workload {
                input: asked.input.clone(),
                live: asked.is_live,
                set: asked.set,
                identity: asked.identity.clone(),
                frames: asked.frames.clone(),
                shape: asked.format.shape(),
                pixels: asked.format.to_string(),
                bytes_per_frame,
                mode: asked.mode.clone(),
                workers: asked.workers,
                analyzers: asked.analyzers.clone(),
                calibrations: asked.calibrations.iter().cloned().collect(),
                fps: asked.fps,
                batch: asked.batch,
                cache: asked.cache,
                cache_resident: asked.cache_resident,
                policy: asked.policy,
                repeat: asked.repeat,
                warmup: asked.warmup,
            },
            totals: Totals {
                wall_s: seconds(wall_ns),
                pass_wall_s: totals.pass_wall_ns.iter().copied().map(seconds).collect(),
                frames: totals.frames_produced,
                frames_analysed: totals.frames_analysed,
                fps,
                gb_per_s: fps * bytes_per_frame as f64 / 1e9,
                shipped_bytes_per_frame: totals.shipped_bytes_per_frame,
                overlap_bytes_per_frame: totals.overlap_bytes_per_frame,
                deadline_misses: totals.deadline_misses,
                keeps_up: totals.keeps_up,
                backlog_frames_per_s: totals.backlog_frames_per_s,
                max_sustained_fps: totals.max_sustained_fps,
                frames_failed: totals.frames_failed,
                frames_dropped: dropped,
                dropped: totals.frames_dropped.clone(),
                workers_died: totals.workers_died,
            },
            limits: outcome.limits,
            memory: Memory {
                peak_anon_bytes: outcome.memory.anon_bytes,
                peak_shared_bytes: outcome.memory.shared_bytes,
            },
            slots: outcome.slots,
            cpu: Cpu {
                user_s: usage.user_s,
                system_s: usage.system_s,
                cores_busy: usage.cores_busy(wall_ns),
                minor_faults: usage.minor_faults,
                major_faults: usage.major_faults,
                voluntary_switches: usage.voluntary_switches,
                involuntary_switches: usage.involuntary_switches,
            },
            stages: summaries(&outcome.stages),
            passes: outcome.passes.clone(),
            alternation: outcome.alternation.clone(),
            timeline: Timeline::of(outcome),
            findings_digest: outcome.findings_digest.clone(),
            incomplete: outcome.incomplete.clone(),
            notes: outcome.notes.clone(),
            merged: None,
        }
    }

    /// The same with the command line that asked for it.
    #[must_use]
    pub fn with_command(mut self, command: impl IntoIterator<Item = String>) -> Self {
        self.command = command.into_iter().collect();
        self
    }

    /// When its first measured pass began; where that is not known, it is taken to have been without a
    /// pause till the report was made.
    pub(super) fn start_unix_s(&self) -> f64 {
        let without_pause = self.finished_unix_s - self.totals.wall_s;
        self.begun_unix_s.unwrap_or(without_pause)
    }

    /// The histograms of all stages, as far as they can be read: what [`Report::read`] has read can.
    pub(super) fn histograms(&self) -> StageHistograms {
        let mut stages = StageHistograms::new();
        for (&stage, summary) in &self.stages {
            if let Ok(samples) = summary.decode() {
                stages.add(stage, &samples);
            }
        }
        stages
    }

    /// The pace of each measured pass, in frames a second.
    pub(super) fn pass_fps(&self) -> Vec<f64> {
        let walls = &self.totals.pass_wall_s;
        let each = self.totals.frames_analysed as f64 / walls.len() as f64;
        let frames = |pass: usize| match self.passes.get(pass) {
            Some(figures) => figures.frames_analysed as f64,
            None => each,
        };
        let fps = |(pass, wall): (usize, &f64)| frames(pass) / wall;
        walls.iter().enumerate().map(fps).collect()
    }

    /// The stage that says how long a frame took: from its due time where the run was paced, its
    /// service time where it was flat out (there, the wait is as long as one makes the queue).
    pub(super) fn latency(&self) -> Stage {
        match self.workload.fps {
            Some(_) => Stage::EndToEnd,
            None => Stage::Service,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn totals_follow_from_the_outcome() {
        let mut outcome = samples::outcome();
        outcome.totals.pass_wall_ns = vec![2_000_000_000, 3_000_000_000];
        outcome.totals.frames_produced = 21;
        (outcome.totals.frames_analysed, outcome.totals.frames_failed) = (20, 1);
        (outcome.usage.user_s, outcome.usage.system_s) = (4.0, 1.0);
        let report = Report::new(&outcome, samples::machine());
        assert_eq!(report.totals.wall_s, 5.0);
        assert_eq!(report.totals.frames, 21);
        assert_eq!(report.totals.fps, 4.0);
        assert_eq!(report.totals.gb_per_s, 4.0 * 49_766_400.0 / 1e9);
        assert_eq!(report.cpu.cores_busy, 1.0);
        assert_eq!(report.pass_fps(), [5.0, 10.0 / 3.0]);
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        let known = |n: u64| {
            let mut samples = Histogram::new(3).unwrap();
            samples.record_n(7, n).unwrap();
            let s = StageSummary::of(&samples);
            [s.p50_ns, s.p90_ns, s.p99_ns, s.p999_ns]
                .into_iter()
                .flatten()
                .count()
        };
        let thresholds = [(19, 0), (20, 1), (99, 1), (100, 2), (999, 2), (1000, 3)];
        for (n, percentiles) in thresholds.into_iter().chain([(9999, 3), (10_000, 4)]) {
            assert_eq!(known(n), percentiles, "{n} samples");
        }
    }

    #[test]
    fn histograms_decode_to_the_recorded_counts_and_stages_without_samples_are_left_out() {
        let mut outcome = samples::outcome();
        outcome.stages = histogram::tests::sample_stages();
        let report = Report::new(&outcome, samples::machine());
        let named: Vec<&str> = report.stages.keys().map(|stage| stage.name()).collect();
        assert_eq!(named, ["compute", "end_to_end"]);
        for (stage, summary) in &report.stages {
            assert_eq!(&summary.decode().unwrap(), outcome.stages.get(*stage));
        }
    }
}
