//! Finished runs side by side; the first is the baseline.
//!
//! What two runs did must be the same before their speeds mean anything, so a comparison first
//! says where they differ ([`Comparison::differences`]) and whether they found the same, and only
//! then by how much ([`Comparison::verdict`]).

use super::Report;
use super::verdict;
use crate::error::{Error, Result};
use crate::stage::Stage;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Runs to be compared, with names that tell them apart.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub(super) runs: Vec<Run>,
}

/// A run under its name.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) name: String,
    pub(super) report: Report,
    pub(super) histograms: BTreeMap<Stage, Histogram<u64>>,
}

impl Run {
    /// The mean of a stage; 0 where it does not occur.
    pub(super) fn mean(&self, stage: Stage) -> f64 {
        let summary = self.report.stages.get(&stage);
        summary.map_or(0.0, |summary| summary.mean_ns)
    }

    /// A total shared out over the frames.
    pub(super) fn per_frame(&self, total: f64) -> f64 {
        total / self.report.totals.frames.max(1) as f64
    }

    /// Peak memory, anonymous and shared together.
    pub(super) fn peak_bytes(&self) -> f64 {
        let memory = self.report.memory;
        (memory.peak_anon_bytes + memory.peak_shared_bytes) as f64
    }

    /// Processor seconds a frame.
    pub(super) fn cpu_per_frame(&self) -> f64 {
        self.per_frame(self.report.cpu.user_s + self.report.cpu.system_s)
    }

    /// Page faults a frame, with and without I/O.
    pub(super) fn faults_per_frame(&self) -> f64 {
        let cpu = &self.report.cpu;
        self.per_frame((cpu.minor_faults + cpu.major_faults) as f64)
    }
}

/// Something that the runs were not asked for alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs: a field of the report's workload, or `machine`.
    pub what: String,
    /// Each run's value, in the order of the runs.
    pub values: Vec<String>,
    /// Whether ratios mean nothing because of it. A batch size is a setting that may be compared.
    pub forbids_ratios: bool,
}

/// A comparison for programs, schema 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
}

/// One run's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
}

/// The percentiles that are compared; null where there are too few samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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

/// A run's figures over the baseline's: above 1 is more. Null where either is absent or the
/// baseline's is 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratios {
    /// The run's name.
    pub name: String,
    /// Throughput: above 1 is faster.
    pub fps: Option<f64>,
    /// The least and the greatest ratio between any two passes; null with fewer than three
    /// passes each.
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
}

impl Comparison {
    /// Compares reports under names of the caller's; the first is the baseline.
    pub fn new(reports: Vec<(String, Report)>) -> Result<Self> {
        if reports.is_empty() {
            return Err(Error::Usage("no runs to compare".into()));
        }
        let runs = reports.into_iter().map(|(name, report)| {
            let histograms = report.stages.iter().map(|(&stage, summary)| {
                let decoded = summary.decode();
                decoded.map(|histogram| (stage, histogram)).map_err(|what| {
                    let stage = stage.name();
                    Error::Usage(format!("{name}: the histogram of {stage} {what}"))
                })
            });
            let histograms = histograms.collect::<Result<_>>()?;
            Ok(Run {
                name,
                report,
                histograms,
            })
        });
        Ok(Self {
            runs: runs.collect::<Result<_>>()?,
        })
    }

    /// Reads run directories or `report.json` files. A run is named by its mode; where several
    /// have the same mode, those are named by their directories.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let reports: Vec<Report> = paths.iter().map(Report::read).collect::<Result<_>>()?;
        let modes: Vec<&str> = reports
            .iter()
            .map(|report| report.workload.mode.as_str())
            .collect();
        let names = names(&modes, paths);
        Self::new(names.into_iter().zip(reports).collect())
    }

    /// What the runs were not asked for alike.
    ///
    /// Input, frames, pixels, analyzers, pace, cache, machine and workers must be alike before a
    /// ratio means anything. Sequential runs have one worker by definition, and may be compared
    /// with any number.
    pub fn differences(&self) -> Vec<Difference> {
        let field = |what: &str, forbids_ratios: bool, value: &dyn Fn(&Report) -> String| {
            let values: Vec<String> = self.runs.iter().map(|run| value(&run.report)).collect();
            let differ = values.iter().any(|value| *value != values[0]);
            differ.then(|| Difference {
                what: what.into(),
                values,
                forbids_ratios,
            })
        };
        let frames = |report: &Report| {
            let frames = &report.workload.frames;
            format!("{}..{}", frames.start, frames.end)
        };
        let pace = |report: &Report| match report.workload.fps {
            Some(fps) => format!("{fps}"),
            None => "flat out".into(),
        };
        let machine = |report: &Report| {
            let machine = &report.machine;
            format!("{}, {} cores", machine.cpu, machine.cores)
        };
        let fields = [
            field("input", true, &|report| report.workload.input.clone()),
            field("frames", true, &frames),
            field("pixels", true, &|report| report.workload.pixels.clone()),
            field("analyzers", true, &|report| {
                report.workload.analyzers.join(", ")
            }),
            field("fps", true, &pace),
            field("cache", true, &|report| {
                format!("{:?}", report.workload.cache).to_lowercase()
            }),
            self.different_workers(),
            field("machine", true, &machine),
            field("batch", false, &|report| report.workload.batch.to_string()),
        ];
        fields.into_iter().flatten().collect()
    }

    fn different_workers(&self) -> Option<Difference> {
        let workers = |run: &Run| run.report.workload.workers;
        let mut compared = self
            .runs
            .iter()
            .filter(|run| run.report.workload.mode != "sequential")
            .map(workers);
        let first = compared.next()?;
        compared.any(|other| other != first).then(|| Difference {
            what: "workers".into(),
            values: self
                .runs
                .iter()
                .map(|run| workers(run).to_string())
                .collect(),
            forbids_ratios: true,
        })
    }

    /// Whether all runs were asked for the same, as far as ratios go.
    pub fn same_workload(&self) -> bool {
        !self
            .differences()
            .iter()
            .any(|difference| difference.forbids_ratios)
    }

    /// Whether all findings are the same, byte for byte.
    pub fn same_findings(&self) -> bool {
        let digest = |run: &Run| run.report.findings_digest.clone();
        self.runs
            .iter()
            .all(|run| digest(run) == digest(&self.runs[0]))
    }

    /// What the comparison means, in one sentence.
    pub fn verdict(&self) -> String {
        verdict::of(self)
    }

    /// Every run after the first over the first, whether or not that means anything.
    pub(super) fn ratios(&self) -> Vec<Ratios> {
        let base = &self.runs[0];
        self.runs[1..].iter().map(|run| ratios(base, run)).collect()
    }

    /// All of it for programs.
    pub fn data(&self) -> ComparisonData {
        let differences = self.differences();
        let same_workload = self.same_workload();
        ComparisonData {
            schema: 1,
            baseline: self.runs[0].name.clone(),
            runs: self.runs.iter().map(run_data).collect(),
            ratios: if same_workload {
                self.ratios()
            } else {
                Vec::new()
            },
            same_findings: self.same_findings(),
            same_workload,
            differences,
            verdict: self.verdict(),
        }
    }
}

fn run_data(run: &Run) -> RunData {
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
    }
}

fn over(value: f64, base: f64) -> Option<f64> {
    Some(value / base).filter(|ratio| base != 0.0 && ratio.is_finite())
}

fn ratios(base: &Run, run: &Run) -> Ratios {
    let fps = |run: &Run| run.report.totals.fps;
    let shipped = |run: &Run| run.report.totals.shipped_bytes_per_frame;
    let stages = run.report.stages.iter().filter_map(|(&stage, summary)| {
        let of_base = base.report.stages.get(&stage)?;
        let both = |mine: Option<u64>, theirs: Option<u64>| over(mine? as f64, theirs? as f64);
        let percentiles = Percentiles {
            p50: both(summary.p50_ns, of_base.p50_ns),
            p99: both(summary.p99_ns, of_base.p99_ns),
            p999: both(summary.p999_ns, of_base.p999_ns),
            max: both(Some(summary.max_ns), Some(of_base.max_ns)),
        };
        Some((stage, percentiles))
    });
    Ratios {
        name: run.name.clone(),
        fps: over(fps(run), fps(base)),
        fps_interval: interval(base, run),
        shipped_bytes_per_frame: over(shipped(run), shipped(base)),
        peak_bytes: over(run.peak_bytes(), base.peak_bytes()),
        cpu_s_per_frame: over(run.cpu_per_frame(), base.cpu_per_frame()),
        faults_per_frame: over(run.faults_per_frame(), base.faults_per_frame()),
        stages: stages.collect(),
    }
}

/// The least and the greatest ratio of throughput between a pass of one and a pass of the other.
pub(super) fn interval(base: &Run, run: &Run) -> Option<(f64, f64)> {
    let range = |run: &Run| {
        let mut passes = run.report.pass_fps();
        passes.retain(|fps| fps.is_finite() && *fps > 0.0);
        passes.sort_by(f64::total_cmp);
        (passes.len() >= 3).then(|| (passes[0], passes[passes.len() - 1]))
    };
    let ((least, greatest), (base_least, base_greatest)) = (range(run)?, range(base)?);
    Some((least / base_greatest, greatest / base_least))
}

/// A name for each run: its mode, its directory where modes repeat, its path where those do.
fn names(modes: &[&str], paths: &[PathBuf]) -> Vec<String> {
    let directory = |path: &Path| {
        let file = path.file_name().is_some_and(|name| name == "report.json");
        let folder = if file { path.parent() } else { Some(path) };
        let name = folder.and_then(Path::file_name).unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let directories: Vec<String> = paths.iter().map(|path| directory(path)).collect();
    let repeats =
        |all: &[String], one: &String| all.iter().filter(|other| *other == one).count() > 1;
    let modes: Vec<String> = modes.iter().map(|&mode| mode.to_owned()).collect();
    (0..paths.len())
        .map(|index| {
            if !repeats(&modes, &modes[index]) {
                modes[index].clone()
            } else if !repeats(&directories, &directories[index]) {
                directories[index].clone()
            } else {
                paths[index].display().to_string()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn compare(reports: Vec<Report>) -> Comparison {
        let named = reports
            .into_iter()
            .map(|report| (report.workload.mode.clone(), report));
        Comparison::new(named.collect()).unwrap()
    }

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

    #[test]
    fn three_passes_each_give_a_ratio_its_interval() {
        let base = samples::with_passes(samples::payload(), &[10.0, 10.0, 20.0]);
        let run = samples::with_passes(samples::mmap(), &[1.0, 2.0, 2.0]);
        let ratios = compare(vec![base.clone(), run]).ratios();
        assert_eq!(ratios[0].fps_interval, Some((5.0, 20.0)));
        let once = samples::with_passes(samples::mmap(), &[1.0, 2.0]);
        assert_eq!(compare(vec![base, once]).ratios()[0].fps_interval, None);
    }

    #[test]
    fn what_was_asked_for_differently_is_found() {
        type Edit = fn(&mut Report);
        let cases: [(&str, Edit); 8] = [
            ("input", |r| r.workload.input = "other.npy".into()),
            ("frames", |r| r.workload.frames = 0..10),
            ("pixels", |r| r.workload.pixels = "1x1 gray8".into()),
            ("analyzers", |r| r.workload.analyzers.push("motion".into())),
            ("fps", |r| r.workload.fps = Some(30.0)),
            ("cache", |r| r.workload.cache = crate::pipeline::Cache::Cold),
            ("workers", |r| r.workload.workers = 7),
            ("machine", |r| r.machine.cores = 64),
        ];
        for (what, edit) in cases {
            let mut other = samples::mmap();
            edit(&mut other);
            let comparison = compare(vec![samples::payload(), other]);
            let differences = comparison.differences();
            assert_eq!(differences.len(), 1, "{what}: {differences:?}");
            assert_eq!(differences[0].what, what);
            assert!(!comparison.same_workload());
            assert!(comparison.data().ratios.is_empty());
        }
    }

    #[test]
    fn a_batch_size_is_a_setting_and_sequential_has_one_worker() {
        let mut batched = samples::mmap();
        batched.workload.batch = 8;
        let comparison = compare(vec![samples::payload(), batched]);
        assert_eq!(comparison.differences()[0].what, "batch");
        assert!(comparison.same_workload());

        let mut sequential = samples::threads();
        sequential.workload.mode = "sequential".into();
        sequential.workload.workers = 1;
        assert!(compare(vec![sequential, samples::mmap()]).same_workload());
    }

    #[test]
    fn runs_are_named_so_that_they_can_be_told_apart() {
        let paths: Vec<PathBuf> = ["a/x", "b/x", "c/y/report.json", "d"]
            .iter()
            .map(PathBuf::from)
            .collect();
        assert_eq!(
            names(&["mmap", "mmap", "mmap", "path"], &paths),
            ["a/x", "b/x", "y", "path"]
        );
    }
}
