//! A comparison as data: the JSON that `framehaul compare --json` prints.
//!
//! ```
//! use framehaul::report::Comparison;
//! let runs = ["data/reports/payload".into(), "data/reports/mmap".into()];
//! let data = Comparison::read(&runs)?.data();
//! assert!(data.same_findings && data.same_workload);
//! assert!(data.ratios[0].fps > Some(20.0), "times as fast");
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::Report;
use super::compare::{Difference, Run};
use super::doubts::Doubt;
use super::explain::Explanation;
use super::trust::Intervals;
use super::verdict;
use crate::stage::Stage;
use crate::statistics::Estimate;
use serde::Serialize;
use std::collections::BTreeMap;

/// A comparison for programs, schema 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComparisonData {
    /// The number of this schema: 1.
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

/// One run's figures.
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
    /// Processor seconds a frame.
    pub cpu_s_per_frame: f64,
    /// Page faults a frame.
    pub faults_per_frame: f64,
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

/// A run's figures over the baseline's: above 1 is more. Those of the usual pass where there is an interval
/// (see [`Self::intervals`]), else those of all passes together. Null where either is absent or the baseline's
/// is 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ratios {
    /// The run's name.
    pub name: String,
    /// Throughput: above 1 is faster.
    pub fps: Option<f64>,
    /// Where the ratio of throughput lies with a confidence of 95 %; null with too few passes for that.
    pub fps_interval: Option<(f64, f64)>,
    /// Bytes shipped a frame.
    pub shipped_bytes_per_frame: Option<f64>,
    /// Peak memory.
    pub peak_bytes: Option<f64>,
    /// Processor seconds a frame.
    pub cpu_s_per_frame: Option<f64>,
    /// Page faults a frame.
    pub faults_per_frame: Option<f64>,
    /// Durations: below 1 is faster.
    pub stages: BTreeMap<Stage, Percentiles<f64>>,
    /// Whether throughput is clearly different: what the verdict goes by.
    pub clear: bool,
    /// How far these ratios can be trusted.
    pub intervals: Intervals,
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
            .map(|(&stage, summary)| {
                let percentiles = Percentiles {
                    p50: summary.p50_ns,
                    p99: summary.p99_ns,
                    p999: summary.p999_ns,
                    max: Some(summary.max_ns),
                };
                (stage, percentiles)
            })
            .collect(),
        doubts,
    }
}

/// The usual ratio where it is known, or else that of all passes together.
fn usual(known: Option<Estimate>, value: f64, base: f64) -> Option<f64> {
    known.map_or(over(value, base), |known| Some(known.value))
}

fn over(value: f64, base: f64) -> Option<f64> {
    Some(value / base).filter(|ratio| base != 0.0 && ratio.is_finite())
}

pub(super) fn ratios(base: &Run, run: &Run) -> Ratios {
    let intervals = Intervals::of(base, run);
    let fps = |run: &Run| run.report.totals.fps;
    let shipped = |run: &Run| run.report.totals.shipped_bytes_per_frame;
    let stages: BTreeMap<_, _> = run
        .report
        .stages
        .iter()
        .filter_map(|(&stage, summary)| {
            let of_base = base.report.stages.get(&stage)?;
            let known = intervals.stages.get(&stage);
            let both = |known: Option<Option<Estimate>>, mine: Option<u64>, theirs: Option<u64>| {
                usual(known.flatten(), mine? as f64, theirs? as f64)
            };
            let percentiles = Percentiles {
                p50: both(known.map(|of| of.p50), summary.p50_ns, of_base.p50_ns),
                p99: both(known.map(|of| of.p99), summary.p99_ns, of_base.p99_ns),
                p999: both(known.map(|of| of.p999), summary.p999_ns, of_base.p999_ns),
                max: both(None, Some(summary.max_ns), Some(of_base.max_ns)),
            };
            Some((stage, percentiles))
        })
        .collect();
    Ratios {
        name: run.name.clone(),
        fps: usual(intervals.fps, fps(run), fps(base)),
        fps_interval: intervals.fps.map(|fps| (fps.low, fps.high)),
        shipped_bytes_per_frame: over(shipped(run), shipped(base)),
        peak_bytes: usual(intervals.peak_bytes, run.peak_bytes(), base.peak_bytes()),
        cpu_s_per_frame: usual(
            intervals.cpu_s_per_frame,
            run.cpu_per_frame(),
            base.cpu_per_frame(),
        ),
        faults_per_frame: usual(
            intervals.faults_per_frame,
            run.faults_per_frame(),
            base.faults_per_frame(),
        ),
        stages,
        clear: verdict::clearly_differ(base, run),
        intervals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::tests::compare;
    use crate::report::samples;

    #[test]
    fn ratios_are_run_over_baseline() {
        let comparison = compare(vec![samples::payload(), samples::mmap()]);
        let [ratios] = &comparison.ratios()[..] else {
            panic!("one run beside the baseline");
        };
        assert!(ratios.fps.unwrap() > 50.0, "faster is above 1: {ratios:?}");
        assert!(
            ratios.stages[&Stage::Service].p50.unwrap() < 0.1,
            "and takes less time"
        );
        assert!(ratios.shipped_bytes_per_frame.unwrap() < 1e-6);
        assert!(ratios.faults_per_frame.unwrap() < 1e-3);
        assert_eq!(
            ratios.stages[&Stage::Compute].p999,
            None,
            "1500 samples are too few"
        );

        let back = compare(vec![samples::mmap(), samples::payload()]).ratios();
        assert!((back[0].fps.unwrap() * ratios.fps.unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_ratio_to_nothing_is_absent() {
        let ratios = compare(vec![samples::threads(), samples::mmap()]).ratios();
        assert_eq!(ratios[0].shipped_bytes_per_frame, None);
        assert!(!ratios[0].stages.contains_key(&Stage::Transfer));
    }

    /// Every pass of mmap takes a fifth to a sixth of what payload's takes in the same round.
    const PAYLOAD: [f64; 6] = [10.0, 11.0, 20.0, 10.0, 12.0, 10.5];
    const MMAP: [f64; 6] = [2.0, 2.0, 4.0, 1.8, 2.0, 2.1];

    #[test]
    fn runs_that_took_turns_have_an_interval_for_every_ratio_that_was_measured() {
        let base = samples::taking_turns(samples::payload(), &PAYLOAD);
        let run = samples::taking_turns(samples::mmap(), &MMAP);
        let ratios = &compare(vec![base, run]).ratios()[0];
        let (low, high) = ratios.fps_interval.unwrap();
        let fps = ratios.fps.unwrap();
        assert!(
            4.99 <= low && low <= fps && fps <= high && high <= 6.01,
            "{ratios:?}"
        );
        let intervals = &ratios.intervals;
        assert!(intervals.paired && intervals.passes == 6 && ratios.clear);
        assert!(intervals.repeats.is_some());
        let peak = intervals.peak_bytes.unwrap();
        assert!((peak.low - ratios.peak_bytes.unwrap()).abs() < 1e-9 && peak.low == peak.high);
        assert!(intervals.cpu_s_per_frame.unwrap().high < 1.0);
        assert_eq!(intervals.faults_per_frame.unwrap().value, 1.0);
        let service = intervals.stages[&Stage::Service];
        assert!(service.p50.is_some() && service.p99.is_some());
        assert_eq!((service.p999, service.max), (None, None));
    }

    #[test]
    fn a_pass_that_stands_out_is_in_no_ratio_that_has_an_interval() {
        let mut stumbling = [1.0; 9];
        stumbling[4] = 50.0;
        let base = samples::taking_turns(samples::payload(), &[2.0; 9]);
        let run = samples::taking_turns(samples::mmap(), &stumbling);
        let ratios = &compare(vec![base, run]).ratios()[0];
        let intervals = &ratios.intervals;
        assert!((ratios.fps.unwrap() - 2.0).abs() < 1e-9, "{ratios:?}");
        assert_eq!(ratios.fps, intervals.fps.map(|of| of.value));
        assert_eq!(
            ratios.cpu_s_per_frame,
            intervals.cpu_s_per_frame.map(|of| of.value)
        );
        let service = (
            &ratios.stages[&Stage::Service],
            &intervals.stages[&Stage::Service],
        );
        assert_eq!(service.0.p50, service.1.p50.map(|of| of.value));
        assert!(service.0.max.is_some() && service.1.max.is_none());
    }

    #[test]
    fn runs_that_did_not_take_turns_are_compared_as_a_whole() {
        let base = samples::taking_turns(samples::payload(), &PAYLOAD);
        let mut run = samples::taking_turns(samples::mmap(), &MMAP);
        run.alternation = Some("another time".into());
        let apart = compare(vec![base.clone(), run.clone()]).ratios();
        assert!(!apart[0].intervals.paired);
        let (low, high) = apart[0].fps_interval.unwrap();
        assert!(
            low < 5.0 && high > 6.0,
            "one slow pass is no longer that of the other"
        );

        // Nothing is known of turns in reports of older versions, which have walls alone.
        run.alternation = None;
        run.passes.clear();
        let old = compare(vec![base, run]).ratios();
        assert!(old[0].fps_interval.is_some());
        assert_eq!(old[0].intervals.cpu_s_per_frame, None);
    }

    #[test]
    fn five_passes_are_too_few_for_an_interval() {
        let base = samples::taking_turns(samples::payload(), &PAYLOAD[..5]);
        let run = samples::taking_turns(samples::mmap(), &MMAP[..5]);
        let ratios = &compare(vec![base, run]).ratios()[0];
        assert_eq!(ratios.fps_interval, None);
        assert_eq!(ratios.intervals.repeats, None);
        assert!(ratios.fps.is_some() && ratios.clear);
    }
}
