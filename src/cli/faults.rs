//! What went wrong in a run, a sentence each.

use crate::error::{Error, Result};
use crate::pipeline::Outcome;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// So many failed frames are named; the findings name all.
const NAMED: usize = 5;

/// What went wrong with frames of a run whose findings lie there, and with it as a whole.
///
/// # Errors
/// If the findings cannot be read.
pub(super) fn faults(outcome: &Outcome, findings: &Path) -> Result<Vec<String>> {
    let mode = &outcome.workload.mode;
    let mut faults = Vec::new();
    let mut failed = 0;
    if outcome.totals.frames_failed > 0 {
        let cannot_read = || Error::io(findings, "cannot read");
        let file = File::open(findings).map_err(cannot_read())?;
        for line in BufReader::new(file).lines() {
            let Some((frame, why)) = fault(&line.map_err(cannot_read())?) else {
                continue;
            };
            failed += 1;
            if failed <= NAMED {
                faults.push(format!("{mode}: frame {frame} failed: {why}"));
            }
        }
    }
    if failed > NAMED {
        let more = failed - NAMED;
        let frames = if more == 1 { "frame" } else { "frames" };
        faults.push(format!(
            "{mode}: {more} more {frames} failed; findings.jsonl names them"
        ));
    }
    let of_all = outcome.incomplete.iter().chain(&outcome.disagreement);
    faults.extend(of_all.map(|what| format!("{mode}: {what}")));
    Ok(faults)
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
