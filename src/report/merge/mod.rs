//! Runs of ranges of one input become one run.
//!
//! A long input may be analysed in pieces, at different times or on different machines: each a run
//! of `--frames A..B`. Merged, they are a run directory like any other, with the findings that a
//! single run over the whole range would have had, byte for byte. For figures that cannot be those
//! of a single run there is one rule: they are those of the pieces *one after the other*. Times,
//! processor use and counts add up, peaks are the highest, a rate is the whole amount over the whole
//! time. What each piece was by itself is in the report's [`merged`](super::Report::merged).
//!
//! That the input was the same is known by its name and by its bytes, as far as reports tell
//! ([`Source::identity`](crate::source::Source::identity)); its path and its times are another machine's.
//!
//! Pieces may differ in what only figures depend on and a note can tell: the machine, the workers,
//! the batch. They must agree in what says which findings there are, and in what makes a
//! distribution one: the mode, the pace, the cache, the policy, and the number of passes. Then each
//! pass of the whole is that pass of every piece.
//!
//! ```no_run
//! use framehaul::report::Merge;
//! let runs = ["monday/mmap", "tuesday/mmap"].map(Into::into);
//! let report = Merge::new(runs).write_to("both")?;
//! println!("{} frames", report.totals.frames);
//! # Ok::<(), framehaul::Error>(())
//! ```
//!
//! What is merged need not fit in memory: findings pass through a line at a time.

mod beside;
mod findings;
mod pieces;
mod sum;

use self::findings::Findings;
use super::read::folder;
use super::{Report, RunDir};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs that are to become one.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Their directories, in any order.
    pub runs: Vec<PathBuf>,
    /// What the input is called in the merged report, where it does not have the same name in all
    /// of them: whoever says so knows that it is the same.
    pub input: Option<String>,
    /// The command line that asks for it, for the report.
    pub command: Vec<String>,
    /// Set from outside to end it with [`Error::Interrupted`].
    pub stop: Arc<AtomicBool>,
}

impl Merge {
    /// Of runs that all call their input the same.
    pub fn new(runs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            runs: runs.into_iter().collect(),
            input: None,
            command: Vec::new(),
            stop: Arc::default(),
        }
    }

    /// Writes the merged run; a run directory that is there is replaced.
    ///
    /// # Errors
    /// [`Error::Input`] if they cannot be merged: a frame is in none of them or in two, they are not
    /// of one input or were not asked for alike, or findings are not those of their report. Then
    /// nothing is written.
    pub fn write_to(&self, out: impl AsRef<Path>) -> Result<Report> {
        let out = out.as_ref();
        let is_lost = |run: &&PathBuf| RunDir::replaces(out, folder(run));
        if let Some(run) = self.runs.iter().find(is_lost) {
            let what = format!(
                "is or holds {}, which is one of the runs to be merged, and would be replaced: \
                 choose another place for the result",
                run.display()
            );
            return Err(Error::input(out, what));
        }
        let (pieces, stages) = pieces::read(&self.runs, self.input.as_deref(), &self.stop)?;

        let directory = RunDir::create(out)?;
        let mut findings = Findings::create(&directory.path().join("findings.jsonl"))?;
        for piece in &pieces {
            findings.append(piece, &self.stop)?;
        }
        let digest = findings.finish()?;
        beside::thumbnails(&pieces, directory.path(), &self.stop)?;
        let without_times = beside::timestamps(&pieces, directory.path(), &self.stop)?;

        let mut report = sum::report(&pieces, &stages, digest);
        report.notes.extend(without_times);
        report.workload.input = self.input.clone().unwrap_or(report.workload.input);
        report.command = self.command.clone();
        directory.finish_with(&report, &stages)?;
        Ok(report)
    }
}

/// # Errors
/// [`Error::Interrupted`] if `stop` is set.
fn heed(stop: &AtomicBool) -> Result<()> {
    match stop.load(Ordering::Relaxed) {
        true => Err(Error::Interrupted),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
