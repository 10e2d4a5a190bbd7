//! Which of several runs without a pace is the fastest, and by how much.

use super::costs::costs;
use crate::report::compare::Run;
use crate::report::trust::throughput;
use crate::report::units::{factors, list, times_digits};

/// Within this factor there is no clear difference, where too few passes were made to say more.
const CLEAR: f64 = 1.05;

/// And within this one none that is worth the name, however sure it is.
const WORTH_THE_NAME: f64 = 1.01;

/// Of two runs or more, the first of which is the baseline.
pub(super) fn sentence(runs: &[&Run]) -> String {
    // What has no speed would be somewhere in the order by chance.
    if let Some(none) = runs.iter().find(|run| fps(run) <= 0.0) {
        return format!(
            "{} analysed no frame: there is nothing to compare.",
            none.name
        );
    }
    let base = runs[0];
    let mut by_speed = runs.to_vec();
    by_speed.sort_by(|a, b| times_as_fast(b, base).total_cmp(&times_as_fast(a, base)));
    let (best, worst) = (by_speed[0], by_speed[by_speed.len() - 1]);
    // All that cannot be told from the fastest. One that spreads may be among them, although it is behind
    // one that is not.
    let leaders: Vec<&Run> = by_speed
        .iter()
        .copied()
        .filter(|run| !clearly_faster(best, run))
        .collect();
    let is_base = |run: &Run| std::ptr::eq(run, base);
    if leaders.len() == runs.len() {
        return no_clear_difference(best, worst, runs.len());
    }
    if runs.len() == 2 {
        let costs = costs(worst, best);
        let (factor, sure) = times(best, worst);
        return if is_base(worst) {
            let (best, base) = (&best.name, &base.name);
            format!("{best} is {factor} times as fast as {base}{sure} on the same frames{costs}.")
        } else {
            let worst = &worst.name;
            let best = &best.name;
            format!(
                "{worst} takes {factor} times as long as {best}{sure} on the same frames{costs}."
            )
        };
    }
    let names: Vec<&str> = leaders.iter().map(|run| run.name.as_str()).collect();
    let count = runs.len();
    let subject = match &names[..] {
        [one] => format!("{one} is the fastest of these {count} runs"),
        several => format!(
            "{} are the fastest of these {count} runs, with no clear difference between them",
            list(several)
        ),
    };
    // Against the baseline where it is behind, otherwise against the slowest.
    let behind = if leaders.iter().any(|run| is_base(run)) {
        worst
    } else {
        base
    };
    let role = if is_base(behind) {
        "the baseline"
    } else {
        "the slowest"
    };
    let (factor, sure) = times(best, behind);
    let other = &behind.name;
    let costs = costs(behind, best);
    format!(
        "{subject}: {factor} times as fast as {other}, {role}{sure}, on the same frames{costs}."
    )
}

fn fps(run: &Run) -> f64 {
    run.report.totals.fps
}

/// How many times as fast: of the usual pass if there are enough to tell, else of all together.
fn times_as_fast(fast: &Run, slow: &Run) -> f64 {
    throughput(slow, fast).map_or(fps(fast) / fps(slow), |ratio| ratio.value)
}

/// The same with where it lies if that is known: `61`, `61 (95 %: 59 to 63)`.
fn times(fast: &Run, slow: &Run) -> (String, String) {
    let lies = throughput(slow, fast).map(|ratio| factors(ratio.low, ratio.high));
    let sure = lies.map_or(String::new(), |lies| format!(" (95 %: {lies})"));
    (times_digits(times_as_fast(fast, slow)), sure)
}

/// Whether one of them is clearly faster.
pub(in crate::report) fn clearly_differ(one: &Run, other: &Run) -> bool {
    clearly_faster(one, other) || clearly_faster(other, one)
}

/// The interval of their ratio does not hold 1. With too few passes for an interval: faster by more than
/// a few per cent, and in every pass than in any of the other.
fn clearly_faster(fast: &Run, slow: &Run) -> bool {
    match throughput(slow, fast) {
        Some(ratio) => ratio.low > 1.0 && ratio.value > WORTH_THE_NAME,
        None => fps(fast) > CLEAR * fps(slow) && !overlap(fast, slow),
    }
}

/// Whether some pass of the slow one was as fast as some pass of the fast one.
fn overlap(fast: &Run, slow: &Run) -> bool {
    let [fast, slow] = [fast, slow].map(|run| run.report.pass_fps());
    let least = fast.into_iter().fold(f64::INFINITY, f64::min);
    slow.into_iter().any(|fps| fps >= least)
}

fn no_clear_difference(best: &Run, worst: &Run, runs: usize) -> String {
    let ratio = times_as_fast(best, worst);
    let percent = 100.0 * (ratio - 1.0).abs();
    let apart = if percent < 0.5 {
        "less than 1 % apart".into()
    } else {
        format!("{percent:.0} % apart")
    };
    let mut end = format!("they are {apart} on the same frames");
    match throughput(worst, best) {
        Some(ratio) if (ratio.low..=ratio.high).contains(&1.0) => {
            let lies = factors(ratio.low, ratio.high);
            end += &format!(", and the 95 % interval of their ratio, {lies}, holds 1");
        }
        Some(_) => {}
        None if percent > 100.0 * (CLEAR - 1.0) => end += ", and their passes overlap",
        None => {}
    }
    let (best, worst) = (&best.name, &worst.name);
    match runs {
        2 => format!("There is no clear difference between {best} and {worst}: {end}."),
        _ => format!(
            "There is no clear difference between these {runs} runs, from {best}, the fastest, to \
             {worst}, the slowest: {end}."
        ),
    }
}
