//! `--fail-if`, wherever there are runs to hold thresholds against.

use crate::error::{Error, Result};
use crate::report::{Judgement, Threshold};
use serde::Serialize;

/// Refuses what so many runs cannot be held against.
pub(super) fn check(thresholds: &[Threshold], runs: usize) -> Result<()> {
    let ratio = thresholds.iter().find(|threshold| threshold.is_ratio());
    match ratio {
        Some(ratio) if runs == 1 => Err(Error::Usage(format!(
            "--fail-if '{ratio}': that compares several runs, and there is one"
        ))),
        _ => Ok(()),
    }
}

/// One sentence about all that have failed.
pub(super) fn fault(judgements: &[Judgement]) -> Option<String> {
    let failed = judgements.iter().filter(|one| one.failed).count();
    let all = judgements.len();
    (failed > 0).then(|| format!("--fail-if: {failed} of {all} failed"))
}

/// A report or a comparison as JSON, with what came of the thresholds if there were any.
pub(super) fn json(of: &impl Serialize, thresholds: &[Judgement]) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct With<'a, T> {
        #[serde(flatten)]
        of: &'a T,
        thresholds: &'a [Judgement],
    }
    match thresholds {
        [] => serde_json::to_string_pretty(of),
        thresholds => serde_json::to_string_pretty(&With { of, thresholds }),
    }
}
