//! What a comparison means, in one sentence.

use super::compare::{Comparison, Run};
use super::trust::throughput;
use super::units::{ABSENT, bytes, digits, factors, list, pace, plural, time, times_digits};
use crate::stage::Stage;

/// Within this factor there is no clear difference, where too few passes were made to say more.
const CLEAR: f64 = 1.05;

/// And within this one none that is worth the name, however sure it is.
const WORTH_THE_NAME: f64 = 1.01;

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
        Some(fps) => paced(&runs, fps),
        None => flat_out(&runs),
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

fn paced(runs: &[&Run], fps: f64) -> String {
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
            Some(format!("{} in {}", time(median), run.name))
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
    let names = |runs: &[&Run]| {
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        list(&names)
    };
    let (keeps, does) = (number(&keep, "keeps", "keep"), number(&fail, "does", "do"));
    let why = shortfalls(&fail);
    let (keep, fail) = (names(&keep), names(&fail));
    format!("At {pace} {keep} {keeps} up and {fail} {does} not: {why}.")
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

fn flat_out(runs: &[&Run]) -> String {
    let base = runs[0];
    let mut by_speed = runs.to_vec();
    by_speed.sort_by(|a, b| times_as_fast(b, base).total_cmp(&times_as_fast(a, base)));
    let (best, worst) = (by_speed[0], by_speed[by_speed.len() - 1]);
    if fps(worst) <= 0.0 {
        return format!(
            "{} analysed no frame: there is nothing to compare.",
            worst.name
        );
    }
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
pub(super) fn clearly_differ(one: &Run, other: &Run) -> bool {
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

/// How the pixels of a frame got there.
#[derive(PartialEq)]
enum Shipped {
    Nothing,
    Reference,
    Pixels,
}

fn shipped(run: &Run) -> Shipped {
    let shipped = run.report.totals.shipped_bytes_per_frame;
    if shipped == 0.0 {
        Shipped::Nothing
    } else if shipped >= 0.5 * run.report.workload.bytes_per_frame as f64 {
        Shipped::Pixels
    } else {
        Shipped::Reference
    }
}

/// Where the slow one spends what the fast one does not, as the end of a sentence; empty where
/// the stages do not show it.
fn costs(slow: &Run, fast: &Run) -> String {
    let shipping = |run: &Run| {
        let stages = [Stage::Serialize, Stage::Transfer, Stage::Deserialize];
        stages
            .into_iter()
            .map(|stage| run.a_frame(stage))
            .sum::<f64>()
    };
    let total = |run: &Run| run.working().map(|stage| run.a_frame(stage)).sum::<f64>();
    let (total, less) = (total(slow), total(fast));
    if total <= less {
        return String::new();
    }
    let explained = (shipping(slow) - shipping(fast)) / (total - less);
    let amount = bytes(slow.report.totals.shipped_bytes_per_frame);
    let (slow_cost, fast_cost) = (time(shipping(slow)), time(shipping(fast)));
    let total = time(total);
    if explained < 0.5 || shipped(slow) != Shipped::Pixels {
        return largest_difference(slow, fast);
    }
    match shipped(fast) {
        Shipped::Reference => format!(
            ": shipping {amount} a frame costs {slow_cost} of {total}, shipping a reference costs \
             {fast_cost}"
        ),
        Shipped::Nothing => format!(
            ": shipping {amount} a frame costs {slow_cost} of {total}, and within one process \
             nothing is shipped"
        ),
        Shipped::Pixels => format!(
            ": shipping {amount} a frame costs {slow_cost} in {} and {fast_cost} in {}",
            slow.name, fast.name
        ),
    }
}

fn largest_difference(slow: &Run, fast: &Run) -> String {
    let more = |stage: Stage| slow.a_frame(stage) - fast.a_frame(stage);
    let stage = slow
        .working()
        .filter(|&stage| more(stage) > 0.0)
        .max_by(|&a, &b| more(a).total_cmp(&more(b)));
    let Some(stage) = stage else {
        return String::new();
    };
    let (slow, fast) = (time(slow.a_frame(stage)), time(fast.a_frame(stage)));
    format!(
        ": most of it is {}, {slow} a frame against {fast}",
        stage.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::report::samples::{
        finding_otherwise, mmap, paced, payload, taking_turns, threads, with_passes,
    };

    fn verdict(reports: &[Report]) -> String {
        let named = reports
            .iter()
            .map(|report| (report.workload.mode.clone(), report.clone()));
        of(&Comparison::new(named.collect()).unwrap())
    }

    fn failing(mut report: Report) -> Report {
        report.totals.frames_failed = 1;
        finding_otherwise(report)
    }

    fn named(mut report: Report, mode: &str) -> Report {
        report.workload.mode = mode.into();
        report
    }

    fn elsewhere(mut report: Report) -> Report {
        report.workload.input = "other.npy".into();
        report.workload.workers = 8;
        report
    }

    /// The specification: runs, and the sentence.
    #[test]
    fn the_sentence_says_what_the_data_do() {
        let cases: Vec<(Vec<Report>, &str)> = vec![
            (
                vec![payload(), mmap()],
                "mmap is 61 times as fast as payload on the same frames: shipping 49.8 MB \
                 a frame costs 132 ms of 136 ms, shipping a reference costs 94.6 µs.",
            ),
            (
                vec![mmap(), payload()],
                "payload takes 61 times as long as mmap on the same frames: shipping 49.8 \
                 MB a frame costs 132 ms of 136 ms, shipping a reference costs 94.6 µs.",
            ),
            (
                vec![payload(), threads()],
                "threads is 62 times as fast as payload on the same frames: shipping 49.8 \
                 MB a frame costs 132 ms of 136 ms, and within one process nothing is \
                 shipped.",
            ),
            (
                vec![mmap(), threads()],
                "There is no clear difference between threads and mmap: they are 2 % \
                 apart on the same frames.",
            ),
            (
                vec![payload(), mmap(), threads()],
                "threads and mmap are the fastest of these 3 runs, with no clear \
                 difference between them: 62 times as fast as payload, the baseline, on \
                 the same frames: shipping 49.8 MB a frame costs 132 ms of 136 ms, and \
                 within one process nothing is shipped.",
            ),
            (
                vec![mmap(), payload(), named(payload(), "path")],
                "mmap is the fastest of these 3 runs: 61 times as fast as path, the \
                 slowest, on the same frames: shipping 49.8 MB a frame costs 132 ms of \
                 136 ms, shipping a reference costs 94.6 µs.",
            ),
            (
                vec![payload(), elsewhere(mmap())],
                "These runs differ in input and workers: their ratios are not comparable.",
            ),
            (
                vec![payload(), finding_otherwise(mmap())],
                "The findings differ (one of them is wrong): which run is faster says \
                 nothing until that is settled.",
            ),
            (
                vec![payload(), failing(mmap())],
                "The findings differ (mmap failed on 1 frame): which run is faster says \
                 nothing until that is settled.",
            ),
            (
                vec![
                    with_passes(mmap(), &[1.0, 1.0, 1.4]),
                    with_passes(threads(), &[1.0, 1.3, 1.5]),
                ],
                "There is no clear difference between mmap and threads: they are 12 % \
                 apart on the same frames, and their passes overlap.",
            ),
            (
                vec![
                    paced(payload(), 30.0, false, Some(15.3)),
                    paced(mmap(), 30.0, true, None),
                ],
                "At 30 frames a second mmap keeps up and payload does not: it sustains at \
                 most 15.3 and falls behind by 14.7 frames every second.",
            ),
            (
                vec![
                    paced(payload(), 30.0, true, None),
                    paced(mmap(), 30.0, true, None),
                ],
                "Both keep up with 30 frames a second: from its due time a finding takes \
                 137 ms in payload and 2.04 ms in mmap, with 1.94 and 1.94 cores busy.",
            ),
            (
                vec![
                    paced(payload(), 2000.0, false, Some(15.3)),
                    paced(mmap(), 2000.0, false, Some(938.0)),
                ],
                "Neither keeps up with 2000 frames a second: payload sustains at most \
                 15.3 and mmap at most 938.",
            ),
            (
                vec![
                    paced(payload(), 30.0, false, Some(15.3)),
                    paced(named(payload(), "payload-raw"), 30.0, false, Some(29.0)),
                    paced(mmap(), 30.0, true, None),
                ],
                "At 30 frames a second mmap keeps up and payload and payload-raw do not: \
                 payload sustains at most 15.3 and payload-raw at most 29.0.",
            ),
            (
                vec![mmap()],
                "There is one run, and nothing to compare it with.",
            ),
        ];
        for (reports, sentence) in cases {
            assert_eq!(verdict(&reports), sentence);
        }
    }

    /// One pass in 25 that stands out makes the usually faster run slower on the whole.
    #[test]
    fn who_is_faster_is_a_question_of_usual_passes() {
        let mut stumbling = [0.95; 25];
        stumbling[7] = 3.0;
        let steady = taking_turns(mmap(), &[1.0; 25]);
        let stumbling = taking_turns(threads(), &stumbling);
        assert!(steady.totals.fps > stumbling.totals.fps);
        let expected = "threads is 1.05 times as fast as mmap (95 %: 1.05 to 1.05)";
        let said = verdict(&[steady.clone(), stumbling.clone()]);
        assert!(said.starts_with(expected), "{said}");
        let said = verdict(&[stumbling, steady]);
        let expected = "mmap takes 1.05 times as long as threads";
        assert!(said.starts_with(expected), "{said}");
    }

    /// The one in the middle is always a little slower than the fastest; the slowest is so mostly.
    #[test]
    fn who_spreads_may_be_among_the_fastest_although_behind_one_that_is_not() {
        let spread = [1.3, 0.8, 1.4, 0.8, 1.3, 0.8, 1.4, 1.2];
        let runs = [
            taking_turns(mmap(), &[1.0; 8]),
            taking_turns(threads(), &[1.04; 8]),
            taking_turns(named(mmap(), "path"), &spread),
        ];
        let said = verdict(&runs);
        let expected = "mmap and path are the fastest of these 3 runs, with no clear difference";
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn a_verdict_is_one_line_without_figures_that_are_not_numbers() {
        let mut empty = mmap();
        empty.totals.fps = 0.0;
        empty.stages.clear();
        for reports in [vec![payload(), empty.clone()], vec![empty.clone(), empty]] {
            let said = verdict(&reports);
            assert!(said.ends_with('.') && !said.contains('\n'), "{said}");
            assert!(!said.contains("NaN") && !said.contains("inf"), "{said}");
        }
    }
}
