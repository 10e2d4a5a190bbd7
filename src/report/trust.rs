//! How far the ratios of throughput can be trusted, and what it would take to trust them more.

use super::compare::Run;
use super::ratios::Ratios;
use super::units::{digits, list};
use crate::statistics::{LEAST_PASSES, MOST_REPEATS, Repeats};

/// Beyond this factor nobody asks for small differences.
const FAR: f64 = 1.25;

/// A sentence each. Paced runs have none: they took the time that they were given.
pub(super) fn trust(runs: &[Run], ratios: &[Ratios]) -> Vec<String> {
    let flat_out = runs.iter().all(|run| run.report.workload.fps.is_none());
    if ratios.is_empty() || !flat_out {
        return Vec::new();
    }
    let mut lines = Vec::new();
    if ratios.iter().any(|of| of.fps.is_none()) {
        lines.push(format!(
            "There is no ratio with so few passes: to know where it lies takes --repeat {LEAST_PASSES} \
             or more."
        ));
    }
    let base = &runs[0];
    // Without a ratio there is nothing that it could be in.
    let apart = ratios.iter().filter(|of| !of.paired && of.fps.is_some());
    let apart: Vec<&str> = apart.map(|of| of.name.as_str()).collect();
    if !apart.is_empty() {
        lines.push(format!(
            "{} and {} did not take turns: what else was different between them is in their ratio and \
             in no interval; run them together (--mode A,B --repeat R).",
            base.name,
            list(&apart)
        ));
    }
    for (of, run) in ratios.iter().zip(&runs[1..]) {
        lines.extend(at_odds(of, base, run));
        let (Some(fps), Some(repeats)) = (of.fps, of.repeats) else {
            continue;
        };
        // Who is far from the other needs no more repeats to be told from it.
        if (1.0 / FAR..FAR).contains(&fps.value) {
            lines.push(say(of, repeats));
        }
    }
    lines
}

/// That one is usually faster, and slower on the whole.
fn at_odds(of: &Ratios, base: &Run, run: &Run) -> Option<String> {
    let usual = of.fps?;
    let whole = run.report.totals.fps / base.report.totals.fps;
    let (usually, all) = match (usual.low > 1.0, usual.high < 1.0) {
        (true, _) if whole < 1.0 => ("faster", "slower"),
        (_, true) if whole > 1.0 => ("slower", "faster"),
        _ => return None,
    };
    Some(format!(
        "{}: its usual pass is {usually} than that of {}, and all its passes together are {all}: some stand \
         out.",
        of.name, base.name
    ))
}

fn say(of: &Ratios, repeats: Repeats) -> String {
    let passes = of.passes;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::tests::compare;
    use crate::report::samples::{mmap, taking_turns, threads};

    /// The passes of one that takes turns with another whose passes take a second.
    fn said(walls: [f64; 24]) -> String {
        let runs = compare(vec![
            taking_turns(mmap(), &[1.0; 24]),
            taking_turns(threads(), &walls),
        ]);
        trust(&runs.runs, &runs.ratios()).join("\n")
    }

    #[test]
    fn runs_of_different_times_are_warned_of_where_they_have_a_ratio() {
        let said = |passes: usize| {
            let mut other = taking_turns(threads(), &[1.0; 24][..passes]);
            other.alternation = Some("another time".into());
            let runs = compare(vec![taking_turns(mmap(), &[1.0; 24][..passes]), other]);
            trust(&runs.runs, &runs.ratios()).join("\n")
        };
        assert!(said(6).contains("mmap and threads did not take turns"));
        assert!(!said(5).contains("take turns"));
    }

    #[test]
    fn who_is_usually_faster_and_slower_on_the_whole_is_said_to_be_both() {
        let usually = |wall: f64, once: f64| {
            let mut walls = [wall; 24];
            walls[7] = once;
            said(walls)
        };
        let faster = "threads: its usual pass is faster than that of mmap, and all its passes together are slower";
        assert!(usually(0.9, 3.31).contains(faster));
        assert!(!usually(0.9, 3.29).contains("its usual pass"));
        let slower = "threads: its usual pass is slower than that of mmap, and all its passes together are faster";
        assert!(usually(1.02, 0.53).contains(slower));
        assert!(!usually(1.02, 0.55).contains("its usual pass"));
        // Neither is clearly faster: there is nothing to be at odds with.
        let mut either: [f64; 24] =
            std::array::from_fn(|pass| if pass % 2 == 0 { 0.9 } else { 1.1 });
        either[7] = 9.0;
        assert!(!said(either).contains("its usual pass"));
    }
}
