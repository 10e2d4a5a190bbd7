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
    let reasons: Vec<String> = runs.iter().flat_map(|run| reasons(run)).collect();
    let why = match (&reasons[..], runs.len()) {
        ([], 2) => "one of them is wrong".into(),
        ([], _) => "at least one of them is wrong".into(),
        (reasons, _) => list(reasons),
    };
    format!("The findings differ ({why}): which run is faster says nothing until that is settled.")
}

/// Why a run that is not wrong may have found something else than others.
fn reasons(run: &Run) -> impl Iterator<Item = String> {
    let (report, name) = (&run.report, &run.name);
    let frames = |what: &str, frames: u64| {
        (frames > 0).then(|| format!("{name} {what} {}", plural(frames, "frame")))
    };
    let incomplete = report.incomplete.as_ref();
    let all = [
        frames("failed on", report.totals.frames_failed),
        frames("dropped", report.totals.frames_dropped),
        incomplete.map(|_| format!("{name} is incomplete")),
    ];
    all.into_iter().flatten()
}

#[cfg(test)]
mod tests;
