//! What a merged report keeps of the runs that it was merged from.

use super::Report;
use crate::measure::{Limits, Machine};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The runs that a merged report was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Merged {
    /// From the start of the first run to the end of the last, in seconds, by the clocks of their
    /// machines: less than the time of all runs if some ran side by side, more if there was a pause.
    pub elapsed_s: f64,
    /// The runs, in the order of their frames.
    pub parts: Vec<Part>,
}

/// One run of a merged report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Part {
    /// Its frames: the first and one past the last.
    pub frames: Range<u64>,
    /// The program that measured it, and its version.
    pub tool: String,
    /// The command line that asked for it, where there was one.
    pub command: Vec<String>,
    /// When it began, in seconds since the Unix epoch; null where nothing is known of that.
    #[serde(default)]
    pub begun_unix_s: Option<f64>,
    /// When it had ended, in seconds since the Unix epoch.
    pub finished_unix_s: f64,
    /// The machine it ran on.
    pub machine: Machine,
    /// What that machine could do at most.
    pub limits: Limits,
    /// Its worker processes or threads.
    pub workers: usize,
    /// Its frames a job.
    pub batch: usize,
    /// The sum of its passes' times, in seconds.
    pub wall_s: f64,
    /// Frames that it analysed a second of `wall_s`.
    pub fps: f64,
    /// SHA-256 of its own `findings.jsonl`.
    pub findings_digest: String,
}

impl Part {
    /// What a report was merged from, or else itself.
    pub(super) fn of(report: &Report) -> Vec<Self> {
        if let Some(merged) = &report.merged {
            return merged.parts.clone();
        }
        vec![Self {
            frames: report.workload.frames.clone(),
            tool: report.tool.clone(),
            command: report.command.clone(),
            begun_unix_s: report.begun_unix_s,
            finished_unix_s: report.finished_unix_s,
            machine: report.machine.clone(),
            limits: report.limits,
            workers: report.workload.workers,
            batch: report.workload.batch,
            wall_s: report.totals.wall_s,
            fps: report.totals.fps,
            findings_digest: report.findings_digest.clone(),
        }]
    }
}

impl Merged {
    /// Of these runs, in the order of their frames.
    pub(super) fn of(parts: Vec<Part>) -> Self {
        // One that does not say when it began is taken to have made no pause.
        let start = |part: &Part| {
            let without_pause = part.finished_unix_s - part.wall_s;
            part.begun_unix_s.unwrap_or(without_pause)
        };
        let starts = parts.iter().map(start);
        let ends = parts.iter().map(|part| part.finished_unix_s);
        let (start, end) = (
            starts.fold(f64::MAX, f64::min),
            ends.fold(f64::MIN, f64::max),
        );
        Self {
            elapsed_s: (end - start).max(0.0),
            parts,
        }
    }

    /// When the first of them began, if all say when they did.
    pub(super) fn begun_unix_s(&self) -> Option<f64> {
        let starts: Option<Vec<f64>> = self.parts.iter().map(|part| part.begun_unix_s).collect();
        starts?.into_iter().reduce(f64::min)
    }
}
