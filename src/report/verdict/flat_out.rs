//! Which of several runs without a pace is the fastest, and by how much.
//!
//! Where passes are too few to know where a ratio lies, there is none, and the speeds are told.

use super::costs::costs;
use crate::report::compare::Run;
use crate::report::ratios::throughput;
use crate::report::units::{digits, factors, holds_1, list, times_digits};
use crate::statistics::Estimate;

/// Within this factor there is no clear difference, where too few passes were made to say more.
const CLEAR: f64 = 1.05;

/// And within this one none that is worth the name, however sure it is: where code and data happen to lie
/// makes as much (Mytkowicz and others, Producing Wrong Data Without Doing Anything Obviously Wrong!, 2009), and
/// of intervals alone, each of which holds the truth 19 times in 20, the twentieth would call a mode different
/// from itself.
const WORTH_THE_NAME: f64 = 1.015;

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
    by_speed.sort_by(|a, b| order(b, base).total_cmp(&order(a, base)));
    let (best, worst) = (by_speed[0], by_speed[by_speed.len() - 1]);
    // All that cannot be told from the fastest, up to the first that can: one that spreads so much that
    // nobody knows is no leader if it is behind that.
    let leaders: Vec<&Run> = by_speed
        .iter()
        .copied()
        .take_while(|run| !clearly_faster(best, run))
        .collect();
    let is_base = |run: &Run| std::ptr::eq(run, base);
    if leaders.len() == runs.len() {
        return no_clear_difference(best, worst, runs.len());
    }
    if runs.len() == 2 {
        return of_two(best, worst, is_base(best));
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
    let other = &behind.name;
    let by_how_much = match faster(best, behind) {
        Some(ratio) => {
            let (times, lies) = (times_digits(ratio.value), factors(ratio));
            // A ratio is of two.
            let who = match leaders.len() {
                1 => String::new(),
                _ => format!("{} is ", best.name),
            };
            format!("{who}{times} times as fast as {other}, {role} (95 %: {lies})")
        }
        None => format!(
            "{} against {} of {other}, {role}",
            speeds(&leaders),
            speed(behind)
        ),
    };
    let costs = costs(behind, best);
    format!("{subject}: {by_how_much}, on the same frames{costs}.")
}

fn of_two(best: &Run, worst: &Run, is_base_best: bool) -> String {
    let costs = costs(worst, best);
    let same = "on the same frames";
    let (fast, slow) = (&best.name, &worst.name);
    match (faster(best, worst), is_base_best) {
        (Some(ratio), is_base_best) => {
            let (times, lies) = (times_digits(ratio.value), factors(ratio));
            let sure = format!("(95 %: {lies})");
            match is_base_best {
                false => format!("{fast} is {times} times as fast as {slow} {sure} {same}{costs}."),
                true => {
                    format!("{slow} takes {times} times as long as {fast} {sure} {same}{costs}.")
                }
            }
        }
        (None, false) => format!(
            "{fast} is faster than {slow}, {} against {} {same}{costs}.",
            speeds(&[best]),
            speed(worst)
        ),
        (None, true) => format!(
            "{slow} is slower than {fast}, {} against {} {same}{costs}.",
            speeds(&[worst]),
            speed(best)
        ),
    }
}

fn fps(run: &Run) -> f64 {
    run.report.totals.fps
}

fn speed(run: &Run) -> String {
    digits(fps(run))
}

fn speeds(runs: &[&Run]) -> String {
    let each: Vec<String> = runs.iter().map(|run| speed(run)).collect();
    format!("{} frames a second", list(&each))
}

/// How many times as fast the usual pass is, if there are passes enough to know where that lies.
fn faster(fast: &Run, slow: &Run) -> Option<Estimate> {
    throughput(&slow.report, &fast.report)
}

/// The same, else of all passes together, to put runs in an order.
fn order(fast: &Run, slow: &Run) -> f64 {
    faster(fast, slow).map_or(fps(fast) / fps(slow), |ratio| ratio.value)
}

/// Whether one of them is clearly faster.
pub(in crate::report) fn clearly_differ(one: &Run, other: &Run) -> bool {
    clearly_faster(one, other) || clearly_faster(other, one)
}

/// The interval of their ratio does not hold 1. With too few passes for an interval: faster by more than
/// a few per cent, and in every pass than in any of the other.
fn clearly_faster(fast: &Run, slow: &Run) -> bool {
    match faster(fast, slow) {
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
    let by_how_much = match faster(best, worst) {
        Some(ratio) => {
            let percent = 100.0 * (ratio.value - 1.0).abs();
            let apart = if percent < 0.5 {
                "less than 1 % apart".into()
            } else {
                format!("{percent:.0} % apart")
            };
            let lies = factors(ratio);
            let interval = match holds_1(ratio) {
                true => format!("the 95 % interval of their ratio, {lies}, holds 1"),
                false => format!("the 95 % interval of their ratio is {lies}"),
            };
            format!("they are {apart} on the same frames, and {interval}")
        }
        None => {
            let overlap = match fps(best) > CLEAR * fps(worst) {
                true => ", and their passes overlap",
                false => "",
            };
            format!("{} on the same frames{overlap}", speeds(&[best, worst]))
        }
    };
    let (best, worst) = (&best.name, &worst.name);
    match runs {
        2 => format!("There is no clear difference between {best} and {worst}: {by_how_much}."),
        _ => format!(
            "There is no clear difference between these {runs} runs, from {best}, the fastest, to \
             {worst}, the slowest: {by_how_much}."
        ),
    }
}
