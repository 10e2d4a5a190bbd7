//! What speaks against comparing a run with others.

use super::{About, Doubt};
use crate::report::compare::{Comparison, Run};
use crate::statistics::median;

/// Runs of other times whose clocks are further apart than this differ for that reason too. (Passes that
/// take turns bear more: a slow one is slow for all.)
const SLOWED: f64 = 0.95;

impl Comparison {
    /// What speaks against trusting one of these runs, and against comparing it with the others.
    pub(in crate::report) fn doubts_of(&self, run: &Run) -> Vec<Doubt> {
        let mut doubts = run.report.doubts();
        doubts.extend(self.slower_clock(run));
        doubts
    }

    /// If it was made at a lower clock than another run on the same machine at another time, whatever the
    /// reason: passes of one run that were all slowed down alike say nothing of it by themselves.
    fn slower_clock(&self, run: &Run) -> Option<Doubt> {
        let machine = |run: &Run| (run.report.machine.cpu.clone(), run.report.machine.cores);
        let clock = |run: &Run| {
            let steps = run.report.passes.iter();
            median(
                &steps
                    .map(|pass| pass.noise.steps_per_us)
                    .collect::<Vec<_>>(),
            )
        };
        let is_of_another_time = |other: &&Run| {
            let (one, other) = (&run.report.alternation, &other.report.alternation);
            one.is_none() || one != other
        };
        let others = self.runs.iter().filter(is_of_another_time);
        let others = others.filter(|other| machine(other) == machine(run));
        // Of a run without figures of its passes it is no number, which is less than none.
        let fastest = others.max_by(|a, b| clock(a).max(0.0).total_cmp(&clock(b).max(0.0)))?;
        let share = clock(run) / clock(fastest);
        (share < SLOWED).then(|| Doubt {
            about: About::Throttled,
            passes: Vec::new(),
            sentence: format!(
                "the processor's clock was at {:.0} % of what it was for {}: measure them together \
                 (--mode A,B), or at a fixed clock",
                100.0 * share,
                fastest.name
            ),
        })
    }
}
