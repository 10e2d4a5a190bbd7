//! Which of several runs at a pace keep up.

use crate::report::compare::Run;
use crate::report::units::{ABSENT, digits, list, pace, plural, time};
use crate::stage::Stage;

/// Of two runs or more at a pace of so many frames a second.
pub(super) fn sentence(runs: &[&Run], fps: f64) -> String {
    let (keep, fail): (Vec<&Run>, Vec<&Run>) = runs
        .iter()
        .partition(|run| run.report.totals.keeps_up == Some(true));
    let pace = format!("{} frames a second", pace(fps));
    if fail.is_empty() {
        let all = if runs.len() == 2 {
            "Both keep"
        } else {
            "All keep"
        };
        let latency = |run: &&Run| {
            let summary = run.report.stages.get(&Stage::EndToEnd)?;
            let median = summary.p50_ns.map_or(summary.mean_ns, |ns| ns as f64);
            Some(format!("{} in {}", time(median), kept(run)))
        };
        let cores = |run: &&Run| digits(run.report.cpu.cores_busy);
        let latencies: Vec<String> = keep.iter().filter_map(latency).collect();
        let cores: Vec<String> = keep.iter().map(cores).collect();
        return format!(
            "{all} up with {pace}: from its due time a finding takes {}, with {} cores busy.",
            list(&latencies),
            list(&cores),
        );
    }
    if keep.is_empty() {
        let none = if runs.len() == 2 {
            "Neither keeps"
        } else {
            "None keeps"
        };
        return format!("{none} up with {pace}: {}.", shortfalls(&fail));
    }
    let names = |runs: &[&Run]| list(&runs.iter().map(|run| kept(run)).collect::<Vec<_>>());
    let (keeps, does) = (number(&keep, "keeps", "keep"), number(&fail, "does", "do"));
    let why = shortfalls(&fail);
    let (keep, fail) = (names(&keep), names(&fail));
    format!("At {pace} {keep} {keeps} up and {fail} {does} not: {why}.")
}

/// A run's name, with what it took to keep up if that was frames.
fn kept(run: &Run) -> String {
    match run.report.totals.frames_dropped {
        0 => run.name.clone(),
        dropped => format!("{} (by dropping {})", run.name, plural(dropped, "frame")),
    }
}

/// What those that do not keep up sustain, and for one alone how fast it falls behind.
fn shortfalls(runs: &[&Run]) -> String {
    let sustains = |run: &Run| Some(digits(run.report.totals.max_sustained_fps?));
    let behind = |run: &Run| {
        let growth = run
            .report
            .totals
            .backlog_frames_per_s
            .map_or(ABSENT.into(), digits);
        format!("falls behind by {growth} frames every second")
    };
    if let [one] = runs {
        return match sustains(one) {
            Some(fps) => format!("it sustains at most {fps} and {}", behind(one)),
            None => format!("it {}", behind(one)),
        };
    }
    let mut verb = "sustains ";
    let known: Option<Vec<String>> = runs
        .iter()
        .map(|run| {
            let fps = sustains(run)?;
            let verb = std::mem::take(&mut verb);
            Some(format!("{} {verb}at most {fps}", run.name))
        })
        .collect();
    list(&known.unwrap_or_else(|| {
        let each = |run: &&Run| format!("{} {}", run.name, behind(run));
        runs.iter().map(each).collect()
    }))
}

fn number<'a>(runs: &[&Run], one: &'a str, several: &'a str) -> &'a str {
    if runs.len() == 1 { one } else { several }
}
