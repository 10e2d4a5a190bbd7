//! A comparison as data: the JSON that `framehaul compare --json` prints.
//!
//! ```
//! use framehaul::report::Comparison;
//! let runs = ["data/reports/payload".into(), "data/reports/mmap".into()];
//! let data = Comparison::read(&runs)?.data();
//! assert!(data.same_findings && data.same_workload);
//! assert!(data.runs[1].fps > 20.0 * data.runs[0].fps);
//! // Six passes each tell where the ratio lies.
//! let fps = data.ratios[0].fps.unwrap();
//! assert!(20.0 < fps.low && fps.low <= fps.value && fps.value <= fps.high);
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::compare::{Difference, Run};
use super::doubts::Doubt;
use super::explain::Explanation;
use super::ratios::Ratios;
use super::{Report, StageSummary};
use crate::stage::Stage;
use serde::Serialize;
use std::collections::BTreeMap;

/// A comparison for programs, schema 2. (In the first, ratios were numbers, with and without an interval.)
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComparisonData {
    /// The number of this schema: 2.
    pub schema: u32,
    /// The name of the first run.
    pub baseline: String,
    /// The runs, in the order given.
    pub runs: Vec<RunData>,
    /// Every run after the first over the first; empty where a difference forbids it.
    pub ratios: Vec<Ratios>,
    /// Whether all findings are the same, byte for byte.
    pub same_findings: bool,
    /// Whether all were asked for the same, as far as ratios go.
    pub same_workload: bool,
    /// Where they were not asked for the same.
    pub differences: Vec<Difference>,
    /// What it means, in a sentence.
    pub verdict: String,
    /// Where the gap between each run and the first comes from, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanations: Option<Vec<Explanation>>,
}

/// Runs for programs, as `--json` prints them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown<'a> {
    /// A run by itself.
    One(&'a Report),
    /// Several, compared.
    Several(Box<ComparisonData>),
}

/// One run's figures, of all its passes together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunData {
    /// Its name in this comparison.
    pub name: String,
    /// Its mode.
    pub mode: String,
    /// Frames analysed a second.
    pub fps: f64,
    /// The same in bytes, in 1e9.
    pub gb_per_s: f64,
    /// Bytes shipped a frame.
    pub shipped_bytes_per_frame: f64,
    /// Bytes shipped again a frame, for analyzers that look back.
    pub overlap_bytes_per_frame: f64,
    /// Peak memory, anonymous and shared.
    pub peak_bytes: f64,
    /// Processor seconds a frame; null if none was analysed.
    pub cpu_s_per_frame: Option<f64>,
    /// Page faults a frame; null likewise.
    pub faults_per_frame: Option<f64>,
    /// Late frames; null when flat out.
    pub deadline_misses: Option<u64>,
    /// Whether the backlog stayed bounded; null when flat out.
    pub keeps_up: Option<bool>,
    /// Frames a second by which it grew; null when flat out.
    pub backlog_frames_per_s: Option<f64>,
    /// Findings a second while work was always waiting; null where the pace was kept.
    pub max_sustained_fps: Option<f64>,
    /// The digest of its findings.
    pub findings_digest: String,
    /// Percentiles by stage, in nanoseconds.
    pub stages: BTreeMap<Stage, Percentiles<u64>>,
    /// What speaks against trusting these figures.
    pub doubts: Vec<Doubt>,
}

/// The percentiles that are compared; null where there are too few samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Percentiles<T> {
    /// The median.
    pub p50: Option<T>,
    /// One in a hundred is beyond.
    pub p99: Option<T>,
    /// One in a thousand is beyond.
    pub p999: Option<T>,
    /// The greatest.
    pub max: Option<T>,
}

impl<T: Copy> Percentiles<T> {
    /// What each is called in tables.
    pub(super) const NAMES: [&'static str; 4] = ["p50", "p99", "p99.9", "max"];

    /// They themselves, in that order.
    pub(super) const fn each(&self) -> [Option<T>; 4] {
        [self.p50, self.p99, self.p999, self.max]
    }
}

impl StageSummary {
    pub(super) const fn percentiles(&self) -> Percentiles<u64> {
        Percentiles {
            p50: self.p50_ns,
            p99: self.p99_ns,
            p999: self.p999_ns,
            max: Some(self.max_ns),
        }
    }
}

pub(super) fn run_data(run: &Run, doubts: Vec<Doubt>) -> RunData {
    let totals = &run.report.totals;
    RunData {
        name: run.name.clone(),
        mode: run.report.workload.mode.clone(),
        fps: totals.fps,
        gb_per_s: totals.gb_per_s,
        shipped_bytes_per_frame: totals.shipped_bytes_per_frame,
        overlap_bytes_per_frame: totals.overlap_bytes_per_frame,
        peak_bytes: run.peak_bytes(),
        cpu_s_per_frame: run.cpu_per_frame(),
        faults_per_frame: run.faults_per_frame(),
        deadline_misses: totals.deadline_misses,
        keeps_up: totals.keeps_up,
        backlog_frames_per_s: totals.backlog_frames_per_s,
        max_sustained_fps: totals.max_sustained_fps,
        findings_digest: run.report.findings_digest.clone(),
        stages: run
            .report
            .stages
            .iter()
            .map(|(&stage, summary)| (stage, summary.percentiles()))
            .collect(),
        doubts,
    }
}
