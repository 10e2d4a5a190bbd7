//! What went wrong in a run, a sentence each.

use crate::error::{Error, Result};
use crate::pipeline::Outcome;
use crate::report::units::plural;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// So many failed frames are named.
const NAMED: usize = 5;

/// What went wrong with frames of a run whose findings lie there, and with it as a whole.
///
/// # Errors
/// If the findings cannot be read.
pub(super) fn faults(outcome: &Outcome, findings: &Path) -> Result<Vec<String>> {
    let mode = &outcome.workload.mode;
    let mut faults = Vec::new();
    if outcome.totals.frames_failed > 0 {
        let cannot_read = || Error::io(findings, "cannot read");
        let file = File::open(findings).map_err(cannot_read())?;
        let mut broken = None;
        let lines = BufReader::new(file).lines();
        let lines = lines.map_while(|line| line.map_err(|error| broken = Some(error)).ok());
        let failed = lines.filter_map(|line| fault(&line));
        faults = named(mode, failed, "findings.jsonl names them");
        if let Some(error) = broken {
            return Err(cannot_read()(error));
        }
    }
    let of_all = outcome.incomplete.iter().chain(&outcome.disagreement);
    faults.extend(of_all.map(|what| format!("{mode}: {what}")));
    Ok(faults)
}

/// A sentence each for the first frames that failed of a run or an input, and one for the rest; `all`
/// says where all of them are named.
pub(super) fn named(
    of: &str,
    mut failed: impl Iterator<Item = (u64, String)>,
    all: &str,
) -> Vec<String> {
    let first = failed.by_ref().take(NAMED);
    let mut faults: Vec<_> = first
        .map(|(frame, why)| format!("{of}: frame {frame} failed: {why}"))
        .collect();
    let more = failed.count() as u64;
    if more > 0 {
        let more = plural(more, "more frame");
        faults.push(format!("{of}: {more} failed; {all}"));
    }
    faults
}

/// The frame and the reason, if a line of the findings is that of a failed frame.
fn fault(line: &str) -> Option<(u64, String)> {
    #[derive(serde::Deserialize)]
    struct Failed {
        frame: u64,
        error: Option<String>,
    }
    let failed: Failed = serde_json::from_str(line).ok()?;
    Some((failed.frame, failed.error?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frames_that_failed_are_named_and_the_rest_are_counted() {
        let said = |count| {
            let failed = (0..count).map(|frame| (frame, "it is broken".to_owned()));
            named("mmap", failed, "--json names them")
        };
        assert_eq!(said(1), ["mmap: frame 0 failed: it is broken"]);
        assert_eq!(said(5).len(), 5);
        for (count, last) in [
            (5, "mmap: frame 4 failed: it is broken"),
            (6, "mmap: 1 more frame failed; --json names them"),
            (9, "mmap: 4 more frames failed; --json names them"),
        ] {
            assert_eq!(said(count).last().unwrap(), last);
        }
        assert!(said(0).is_empty());
    }
}
