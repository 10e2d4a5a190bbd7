//! Finished runs side by side; the first is the baseline.
//!
//! What two runs did must be the same before their speeds mean anything, so a comparison first
//! says where they differ ([`Comparison::differences`]) and whether they found the same, and only
//! then by how much ([`Comparison::verdict`]).

use super::Report;
use super::data::{ComparisonData, Shown, run_data};
use super::explain::Explanation;
use super::ratios::Ratios;
use super::schema::Workload;
use super::style::Style;
use super::summary::alone;
use super::units::{list, short_digest};
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
    /// Where the gap between each run and the first comes from, if that was asked for.
    pub(super) explanations: Option<Vec<Explanation>>,
}

/// A run under its name.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) name: String,
    pub(super) report: Report,
    pub(super) histograms: BTreeMap<Stage, Histogram<u64>>,
}

impl Run {
    /// The time of a stage that a frame accounts for, in nanoseconds; 0 where it does not occur.
    /// What is recorded once a job is shared by the frames of its batch.
    pub(super) fn a_frame(&self, stage: Stage) -> f64 {
        let stages = &self.report.stages;
        let count = |stage| stages.get(&stage).map_or(0, |summary| summary.count) as f64;
        let mean = stages.get(&stage).map_or(0.0, |summary| summary.mean_ns);
        mean * count(stage) / count(Stage::EndToEnd).max(1.0)
    }

    /// The stages in which a frame is being worked on. Not the queue; and in a batch not the
    /// return, for which a finding waits until the frames behind it are done.
    pub(super) fn working(&self) -> impl Iterator<Item = Stage> {
        let alone = self.report.workload.batch == 1;
        let counts =
            move |stage: &Stage| *stage != Stage::Queue && (alone || *stage != Stage::Return);
        Stage::PARTS.into_iter().filter(counts)
    }

    /// A total shared out over the frames that were analysed; none if there were none.
    pub(super) fn per_frame(&self, total: f64) -> Option<f64> {
        let frames = self.report.totals.frames_analysed;
        (frames > 0).then(|| total / frames as f64)
    }

    /// Peak memory, anonymous and shared together.
    pub(super) fn peak_bytes(&self) -> f64 {
        let memory = self.report.memory;
        (memory.peak_anon_bytes + memory.peak_shared_bytes) as f64
    }

    /// Processor seconds a frame.
    pub(super) fn cpu_per_frame(&self) -> Option<f64> {
        self.per_frame(self.report.cpu.user_s + self.report.cpu.system_s)
    }

    /// Page faults a frame, with and without I/O.
    pub(super) fn faults_per_frame(&self) -> Option<f64> {
        let cpu = &self.report.cpu;
        self.per_frame((cpu.minor_faults + cpu.major_faults) as f64)
    }
}

/// Something that the runs were not asked for alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// What differs: a field of the report's workload, or `machine`.
    pub what: String,
    /// Each run's value, in the order of the runs.
    pub values: Vec<String>,
    /// Whether ratios mean nothing because of it. A batch size is a setting that may be compared.
    pub forbids_ratios: bool,
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
            explanations: None,
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

    /// The report of the only run, if it is one: that is shown by itself.
    pub fn only(&self) -> Option<&Report> {
        match &self.runs[..] {
            [run] => Some(&run.report),
            _ => None,
        }
    }

    /// All of it for people: one run by itself, several side by side.
    pub fn show(&self, style: Style) -> String {
        match self.only() {
            Some(_) => alone(self, style),
            None => self.render(style),
        }
    }

    /// All of it for programs: the report of one run, the comparison of several.
    pub fn shown(&self) -> Shown<'_> {
        let several = || Shown::Several(self.data().into());
        self.only().map_or_else(several, Shown::One)
    }

    /// What the runs were not asked for alike.
    ///
    /// Input, frames, pixels, analyzers, pace, cache, machine and workers must be alike before a
    /// ratio means anything; where batches or calibrations (of a `burn`) differ, that is in it. Sequential
    /// runs have one worker by definition, and may be compared with any number.
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
        // What a millisecond of `burn` was taken to be.
        let calibrations = |report: &Report| {
            let each = report.workload.calibrations.iter();
            let each: Vec<String> = each
                .map(|(name, steps)| format!("{name} of {steps} steps"))
                .collect();
            match each.is_empty() {
                true => "none".into(),
                false => list(&each),
            }
        };
        let fields = [
            self.different_inputs(),
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
            field("calibrations", false, &calibrations),
        ];
        fields.into_iter().flatten().collect()
    }

    /// An input is known by its bytes where they are known of both, and else by its name.
    fn different_inputs(&self) -> Option<Difference> {
        let asked = || self.runs.iter().map(|run| &run.report.workload);
        let first = &self.runs[0].report.workload;
        let differs = |other: &Workload| match (&first.identity, &other.identity) {
            (Some(first), Some(other)) => first != other,
            _ => first.input != other.input,
        };
        let is_named_alike = asked().all(|other| other.input == first.input);
        let value = |of: &Workload| match (is_named_alike, &of.identity) {
            (true, Some(identity)) => format!("{} of {}", of.input, short_digest(identity)),
            _ => of.input.clone(),
        };
        asked().any(differs).then(|| Difference {
            what: "input".into(),
            values: asked().map(value).collect(),
            forbids_ratios: true,
        })
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

    /// Every run after the first over the first; empty where a difference forbids it.
    pub(super) fn ratios(&self) -> Vec<Ratios> {
        if !self.same_workload() {
            return Vec::new();
        }
        let (base, others) = (&self.runs[0], &self.runs[1..]);
        others.iter().map(|run| Ratios::of(base, run)).collect()
    }

    /// The comparison for programs.
    pub fn data(&self) -> ComparisonData {
        let differences = self.differences();
        ComparisonData {
            schema: 2,
            baseline: self.runs[0].name.clone(),
            runs: self
                .runs
                .iter()
                .map(|run| run_data(run, self.doubts_of(run)))
                .collect(),
            ratios: self.ratios(),
            same_findings: self.same_findings(),
            same_workload: self.same_workload(),
            differences,
            verdict: self.verdict(),
            explanations: self.explanations.clone(),
        }
    }
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
    let path = |index: usize| paths[index].display().to_string();
    let named: Vec<String> = (0..paths.len())
        .map(|index| {
            if !repeats(&modes, &modes[index]) {
                modes[index].clone()
            } else if !repeats(&directories, &directories[index]) {
                directories[index].clone()
            } else {
                path(index)
            }
        })
        .collect();
    // A mode may be called as another's directory is.
    let distinct = |index: usize| match repeats(&named, &named[index]) {
        true => path(index),
        false => named[index].clone(),
    };
    (0..paths.len()).map(distinct).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::samples;

    pub(crate) fn compare(reports: Vec<Report>) -> Comparison {
        let named = reports
            .into_iter()
            .map(|report| (report.workload.mode.clone(), report));
        Comparison::new(named.collect()).unwrap()
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
    fn an_input_is_known_by_its_bytes_whatever_it_is_called() {
        let of = |input: &str, digit: &str| {
            let mut run = samples::mmap();
            run.workload.input = input.into();
            run.workload.identity = (!digit.is_empty()).then(|| digit.repeat(64));
            run
        };
        for (one, other, values) in [
            (of("set", "a"), of("/data/set", "a"), None),
            (of("set", ""), of("set", "a"), None),
            (
                of("set", ""),
                of("/data/set", "a"),
                Some(["set", "/data/set"]),
            ),
            (
                of("set", "a"),
                of("/data/set", "b"),
                Some(["set", "/data/set"]),
            ),
            (
                of("set", "a"),
                of("set", "b"),
                Some(["set of aaaaaaaaaaaa…", "set of bbbbbbbbbbbb…"]),
            ),
        ] {
            let differences = compare(vec![one, other]).differences();
            let said = differences.first().map(|one| one.values.clone());
            assert_eq!(said, values.map(|values| values.map(String::from).into()));
            assert!(differences.iter().all(|one| one.what == "input"));
        }
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
        let paths = ["a", "b/mmap", "c"].map(PathBuf::from);
        let said = names(&["mmap", "path", "path"], &paths);
        assert_eq!(said, ["a", "b/mmap", "c"]);
    }
}
