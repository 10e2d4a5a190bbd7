//! How a run stands to the baseline, and how far that can be trusted.
//!
//! What is sampled is passes, not frames: frames of one pass share whatever else the machine did then,
//! so that thousands of them may all be slow for one reason. Passes of runs that took turns are compared
//! round by round; what slowed a round slowed both. Of runs that were measured at different times,
//! nothing knows what else was different then, and their interval does not either.
//!
//! **A ratio is an [`Estimate`]**: it has its 95 % interval, or there is none. What passes cannot tell
//! (there are fewer than [`LEAST_PASSES`], or a pass has too few samples for a percentile) is left to the
//! figures of both runs, which whoever wants to may divide. Bytes shipped have no ratio: they are counted,
//! not measured.
//!
//! **A ratio is that of the usual pass**, so that no pass that something got into counts; the figures of a run
//! are of all its passes together, as in its report. The two can point in different directions. No figure
//! of one run would mend that: of passes that took turns, the usual ratio is no ratio of two usual figures.
//! So the two never stand in one table, each table says of what it is, and where they do disagree a sentence
//! says so ([`trust`](super::trust)).
//!
//! **The ratio of a maximum** is that of the usual pass's too: of how long the longest frame of a pass took.
//! That is a figure of each pass, which varies from pass to pass like any other, if more. It says nothing of
//! the longest frame of all passes, of which there is one, that nothing says how far it is from the next.

use super::Report;
use super::compare::Run;
use super::data::Percentiles;
use super::verdict;
use crate::pipeline::{PassFigures, PassStage};
use crate::stage::Stage;
use crate::statistics::{Estimate, Repeats, ratio_of_pairs, ratio_of_sets, repeats_to_find};
use serde::Serialize;
use std::collections::BTreeMap;

/// A run's figures over the baseline's: above 1 is more. Each is that of the usual pass, with the interval in
/// which it lies with a confidence of 95 %; null with too few passes for that, or where a pass has
/// nothing to compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ratios {
    /// The run's name.
    pub name: String,
    /// Whether the two took turns, so that passes of one round are compared.
    pub paired: bool,
    /// How many passes are compared, of the run that has fewer.
    pub passes: usize,
    /// Throughput: above 1 is faster.
    pub fps: Option<Estimate>,
    /// Peak memory of a pass.
    pub peak_bytes: Option<Estimate>,
    /// Processor seconds a frame.
    pub cpu_s_per_frame: Option<Estimate>,
    /// Page faults a frame.
    pub faults_per_frame: Option<Estimate>,
    /// Durations: below 1 is faster. The greatest is that of a pass.
    pub stages: BTreeMap<Stage, Percentiles<Estimate>>,
    /// Whether throughput is clearly different: what the verdict goes by.
    pub clear: bool,
    /// How many passes it takes to find a difference of 3 %; null where the spread is not known.
    pub repeats: Option<Repeats>,
}

/// What a comparison should be able to find.
const WORTH_FINDING: f64 = 1.03;

impl Ratios {
    /// Of `run` over `base`.
    pub(super) fn of(base: &Run, run: &Run) -> Self {
        let reports = [&base.report, &run.report];
        let walls = reports.map(|report| report.totals.pass_wall_s.len());
        let paired = take_turns(reports[0], reports[1]);
        let fps = reports.map(Report::pass_fps);
        let of_passes = |figure: &dyn Fn(&PassFigures) -> Option<f64>| {
            let each = reports.map(|report| report.passes.iter().map(figure).collect());
            let [Some(base), Some(run)] = each else {
                return None;
            };
            ratio(&[base, run], paired)
        };
        let a_frame = |pass: &PassFigures, total: f64| {
            (pass.frames_analysed > 0).then(|| total / pass.frames_analysed as f64)
        };
        let stages = run.report.stages.keys().map(|&stage| {
            let of_stage = |which: &dyn Fn(&PassStage) -> Option<u64>| {
                of_passes(&|pass| Some(which(pass.stages.get(&stage)?)? as f64))
            };
            let percentiles = Percentiles {
                p50: of_stage(&|stage| stage.p50_ns),
                p99: of_stage(&|stage| stage.p99_ns),
                p999: of_stage(&|stage| stage.p999_ns),
                max: of_stage(&|stage| stage.max_ns),
            };
            (stage, percentiles)
        });
        let known =
            |(_, of): &(Stage, Percentiles<Estimate>)| of.each().iter().any(Option::is_some);
        Self {
            name: run.name.clone(),
            paired,
            passes: walls[0].min(walls[1]),
            fps: ratio(&fps, paired),
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
            stages: stages.filter(known).collect(),
            clear: verdict::clearly_differ(base, run),
            repeats: repeats_to_find(WORTH_FINDING, &fps[1], &fps[0], paired),
        }
    }
}

/// The ratio of throughput alone, of `run` over `base`.
pub(super) fn throughput(base: &Report, run: &Report) -> Option<Estimate> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::tests::compare;
    use crate::report::samples;

    /// Every pass of mmap takes a fifth to a sixth of what payload's takes in the same round.
    const PAYLOAD: [f64; 6] = [10.0, 11.0, 20.0, 10.0, 12.0, 10.5];
    const MMAP: [f64; 6] = [2.0, 2.0, 4.0, 1.8, 2.0, 2.1];

    #[test]
    fn whatever_runs_that_took_turns_have_measured_has_a_ratio_with_its_interval() {
        let base = samples::taking_turns(samples::payload(), &PAYLOAD);
        let run = samples::taking_turns(samples::mmap(), &MMAP);
        let ratios = &compare(vec![base.clone(), run.clone()]).ratios()[0];
        let fps = ratios.fps.unwrap();
        assert!(
            4.99 <= fps.low && fps.low <= fps.value && fps.value <= fps.high && fps.high <= 6.01,
            "faster is above 1: {ratios:?}"
        );
        assert!(ratios.paired && ratios.passes == 6 && ratios.clear);
        assert!(ratios.repeats.is_some());
        let peak = ratios.peak_bytes.unwrap();
        assert!(peak.value < 1.0 && peak.low == peak.high);
        assert!(ratios.cpu_s_per_frame.unwrap().high < 1.0);
        assert_eq!(ratios.faults_per_frame.unwrap().value, 1.0);
        let service = ratios.stages[&Stage::Service];
        for of in [service.p50, service.p99, service.max] {
            assert!(of.unwrap().high < 0.1, "takes less time: {service:?}");
        }
        assert_eq!(service.p999, None, "1500 samples are too few");
        assert!(ratios.stages.contains_key(&Stage::Transfer));

        let back = compare(vec![run, base.clone()]).ratios();
        assert!((back[0].fps.unwrap().value * fps.value - 1.0).abs() < 1e-9);
        // What one of them has not done.
        let threads = samples::taking_turns(samples::threads(), &MMAP);
        let ratios = &compare(vec![threads, base]).ratios()[0];
        assert!(!ratios.stages.contains_key(&Stage::Transfer));
    }

    #[test]
    fn a_pass_that_stands_out_is_in_no_ratio() {
        let mut stumbling = [1.0; 9];
        stumbling[4] = 50.0;
        let base = samples::taking_turns(samples::payload(), &[2.0; 9]);
        let run = samples::taking_turns(samples::mmap(), &stumbling);
        let comparison = compare(vec![base, run]);
        let ratios = &comparison.ratios()[0];
        assert!((ratios.fps.unwrap().value - 2.0).abs() < 1e-9, "{ratios:?}");
        // In the figures it is.
        let data = comparison.data();
        assert!(data.runs[1].fps < data.runs[0].fps);
        let longest = |pass: usize, run: usize| {
            let stages = &comparison.runs[run].report.passes[pass].stages;
            stages[&Stage::Service].max_ns.unwrap() as f64
        };
        let usual = longest(0, 1) / longest(0, 0);
        let max = ratios.stages[&Stage::Service].max.unwrap();
        assert!((max.value / usual - 1.0).abs() < 1e-3, "{max:?}, {usual}");
    }

    #[test]
    fn runs_that_did_not_take_turns_are_compared_as_a_whole() {
        let base = samples::taking_turns(samples::payload(), &PAYLOAD);
        let mut run = samples::taking_turns(samples::mmap(), &MMAP);
        run.alternation = Some("another time".into());
        let apart = compare(vec![base.clone(), run.clone()]).ratios();
        assert!(!apart[0].paired);
        let fps = apart[0].fps.unwrap();
        assert!(
            fps.low < 5.0 && fps.high > 6.0,
            "one slow pass is no longer that of the other"
        );

        // Nothing is known of turns in reports of older versions, which have walls alone.
        run.alternation = None;
        run.passes.clear();
        let old = compare(vec![base, run]).ratios();
        assert!(old[0].fps.is_some());
        assert_eq!((old[0].cpu_s_per_frame, old[0].stages.len()), (None, 0));
    }

    #[test]
    fn five_passes_are_too_few_for_any_ratio() {
        let base = samples::taking_turns(samples::payload(), &PAYLOAD[..5]);
        let run = samples::taking_turns(samples::mmap(), &MMAP[..5]);
        let ratios = &compare(vec![base, run]).ratios()[0];
        assert_eq!(
            (ratios.fps, ratios.peak_bytes, ratios.repeats),
            (None, None, None)
        );
        assert!(ratios.stages.is_empty());
        assert!(
            ratios.clear,
            "every pass of one was faster than any of the other"
        );
    }
}
