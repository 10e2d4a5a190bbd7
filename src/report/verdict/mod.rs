//! What a comparison means, in one sentence.

mod costs;
mod flat_out;
mod paced;

pub(super) use flat_out::clearly_differ;

use super::compare::{Comparison, Run};
use super::units::{list, plural};

/// The sentence for a comparison.
pub(super) fn of(comparison: &Comparison) -> String {
    let runs: Vec<&Run> = comparison.runs.iter().collect();
    if runs.len() == 1 {
        return "There is one run, and nothing to compare it with.".into();
    }
    let forbidding: Vec<String> = comparison
        .differences()
        .into_iter()
        .filter(|difference| difference.forbids_ratios)
        .map(|difference| difference.what)
        .collect();
    if !forbidding.is_empty() {
        let what = list(&forbidding);
        return format!("These runs differ in {what}: their ratios are not comparable.");
    }
    if !comparison.same_findings() {
        return findings_differ(&runs);
    }
    match runs[0].report.workload.fps {
        Some(fps) => paced::sentence(&runs, fps),
        None => flat_out::sentence(&runs),
    }
}

fn findings_differ(runs: &[&Run]) -> String {
    let failed: Vec<String> = runs
        .iter()
        .filter(|run| run.report.totals.frames_failed > 0)
        .map(|run| {
            let frames = plural(run.report.totals.frames_failed, "frame");
            format!("{} failed on {frames}", run.name)
        })
        .collect();
    let why = if failed.is_empty() {
        match runs.len() {
            2 => "one of them is wrong".into(),
            _ => "at least one of them is wrong".into(),
        }
    } else {
        list(&failed)
    };
    format!("The findings differ ({why}): which run is faster says nothing until that is settled.")
}

#[cfg(test)]
mod tests;
