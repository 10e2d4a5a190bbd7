//! How far the ratio of two runs can be trusted: the intervals of its figures, and how many repeats it
//! would take to see more.
//!
//! What is sampled is passes, not frames: frames of one pass share whatever else the machine did then,
//! so that thousands of them may all be slow for one reason. Passes of runs that took turns are compared
//! round by round; what slowed a round slowed both. Of runs that were measured at different times,
//! nothing knows what else was different then, and their interval does not either.

use super::Report;
use super::compare::Run;
use super::data::{Percentiles, Ratios};
use super::units::{digits, list};
use crate::pipeline::{PassFigures, PassStage};
use crate::stage::Stage;
use crate::statistics::{
    Estimate, LEAST_PASSES, MOST_REPEATS, Repeats, ratio_of_pairs, ratio_of_sets, repeats_to_find,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The 95 % intervals of the ratios of one run to the baseline, each with the ratio of the usual pass,
/// which is the one that is told wherever it is known: that of all passes together may be elsewhere, where
/// some pass stands out. Null where there are too few passes, or a pass too few samples. Bytes shipped have none: they are
/// counted, not measured. Neither has a maximum: nothing that was sampled says how far it is from the
/// next one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Intervals {
    /// Whether the two took turns, so that passes of one round are compared.
    pub paired: bool,
    /// How many passes are compared, of the run that has fewer.
    pub passes: usize,
    /// Throughput.
    pub fps: Option<Estimate>,
    /// Peak memory of a pass.
    pub peak_bytes: Option<Estimate>,
    /// Processor seconds a frame.
    pub cpu_s_per_frame: Option<Estimate>,
    /// Page faults a frame.
    pub faults_per_frame: Option<Estimate>,
    /// Durations.
    pub stages: BTreeMap<Stage, Percentiles<Estimate>>,
    /// How many passes it takes to find a difference of 3 %; null where the spread is not known.
    pub repeats: Option<Repeats>,
}

/// What a comparison should be able to find.
const WORTH_FINDING: f64 = 1.03;

impl Intervals {
    /// Of `run` over `base`.
    pub(super) fn of(base: &Run, run: &Run) -> Self {
        let reports = [&base.report, &run.report];
        let walls = reports.map(|report| report.totals.pass_wall_s.len());
        let paired = take_turns(reports[0], reports[1]);
        let fps = reports.map(|report| report.pass_fps());
        let ratio = |values: &[Vec<f64>; 2]| ratio(values, paired);
        let of_passes = |figure: &dyn Fn(&PassFigures) -> Option<f64>| {
            let each = reports.map(|report| report.passes.iter().map(figure).collect());
            let [Some(base), Some(run)] = each else {
                return None;
            };
            ratio(&[base, run])
        };
        let a_frame = |pass: &PassFigures, total: f64| {
            (pass.frames_analysed > 0).then(|| total / pass.frames_analysed as f64)
        };
        let stages = run.report.stages.keys().map(|&stage| {
            let percentile = |which: &dyn Fn(&PassStage) -> Option<u64>| {
                of_passes(&|pass| Some(which(pass.stages.get(&stage)?)? as f64))
            };
            let percentiles = Percentiles {
                p50: percentile(&|stage| stage.p50_ns),
                p99: percentile(&|stage| stage.p99_ns),
                p999: percentile(&|stage| stage.p999_ns),
                max: None,
            };
            (stage, percentiles)
        });
        Self {
            paired,
            passes: walls[0].min(walls[1]),
            fps: ratio(&fps),
            peak_bytes: of_passes(&|pass| {
                Some((pass.memory.anon_bytes + pass.memory.shared_bytes) as f64)
            }),
            cpu_s_per_frame: of_passes(&|pass| {
                let both = pass.parent.usage + pass.workers.usage;
                a_frame(pass, both.user_s + both.system_s)
            }),
            faults_per_frame: of_passes(&|pass| {
                let both = pass.parent.usage + pass.workers.usage;
                a_frame(pass, (both.minor_faults + both.major_faults) as f64)
            }),
            stages: stages.collect(),
            repeats: repeats_to_find(WORTH_FINDING, &fps[1], &fps[0], paired),
        }
    }
}

/// The ratio of throughput alone, of `run` over `base`.
pub(super) fn throughput(base: &Run, run: &Run) -> Option<Estimate> {
    let (base, run) = (&base.report, &run.report);
    ratio(&[base.pass_fps(), run.pass_fps()], take_turns(base, run))
}

/// Whether pass i of one and pass i of the other were in one round.
fn take_turns(base: &Report, run: &Report) -> bool {
    base.alternation.is_some()
        && base.alternation == run.alternation
        && base.totals.pass_wall_s.len() == run.totals.pass_wall_s.len()
}

/// `values` are the baseline's and the run's; above 1 the run's are larger. None where one of them is
/// nothing, or no number.
fn ratio(values: &[Vec<f64>; 2], paired: bool) -> Option<Estimate> {
    let [base, run] = values;
    match paired {
        true => ratio_of_pairs(run, base),
        false => ratio_of_sets(run, base),
    }
}
/// Beyond this factor nobody asks for small differences.
const FAR: f64 = 1.25;

/// How far the ratios of throughput can be trusted, and what it would take to trust them more, a sentence
/// each. Paced runs have none: they took the time that they were given.
pub(super) fn trust(runs: &[Run], ratios: &[Ratios]) -> Vec<String> {
    let flat_out = runs.iter().all(|run| run.report.workload.fps.is_none());
    if ratios.is_empty() || !flat_out {
        return Vec::new();
    }
    let mut lines = Vec::new();
    if ratios.iter().any(|of| of.intervals.fps.is_none()) {
        lines.push(format!(
            "Ratios have no interval with so few passes: that takes --repeat {LEAST_PASSES} or more."
        ));
    }
    let apart = ratios.iter().filter(|of| !of.intervals.paired);
    let apart: Vec<&str> = apart.map(|of| of.name.as_str()).collect();
    if !apart.is_empty() {
        lines.push(format!(
            "{} and {} did not take turns: what else was different between them is in their ratio and \
             in no interval; run them together (--mode A,B --repeat R).",
            runs[0].name,
            list(&apart)
        ));
    }
    for of in ratios {
        let (Some(fps), Some(repeats)) = (of.intervals.fps, of.intervals.repeats) else {
            continue;
        };
        // Who is far from the other needs no more repeats to be told from it.
        if (1.0 / FAR..FAR).contains(&fps.value) {
            lines.push(say(of, repeats));
        }
    }
    lines
}

fn say(of: &Ratios, repeats: Repeats) -> String {
    let passes = of.intervals.passes;
    let line = format!(
        "{}: {passes} passes each find a difference of {} % 19 times in 20",
        of.name,
        digits(100.0 * (repeats.finds - 1.0)),
    );
    match repeats.needed {
        needed if needed <= passes => line + ".",
        MOST_REPEATS.. => format!("{line}; for one of 3 % this machine is too noisy."),
        needed => format!("{line}; one of 3 % takes --repeat {needed}."),
    }
}
