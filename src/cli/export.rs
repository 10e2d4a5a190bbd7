//! `--export FILE`: what a command reports, in the formats of other programs too.

use crate::error::Result;
use crate::report::{Comparison, Export};
use std::path::PathBuf;

/// Of a command that reports runs.
#[derive(clap::Args)]
pub(super) struct Exports {
    /// Write FILE too, of the kind that its name says: .csv, .md, .json, .hgrm, .hlog or findings.csv
    /// (see `framehaul list`); may be repeated
    #[arg(long, value_name = "FILE", value_parser = parse)]
    export: Vec<Export>,
}

fn parse(path: &str) -> Result<Export> {
    Export::to(path)
}

impl Exports {
    /// Writes the runs that lie in these directories, side by side.
    ///
    /// # Errors
    /// If their findings cannot be read, or a file cannot be written.
    pub(super) fn write(&self, comparison: &Comparison, runs: &[PathBuf]) -> Result<()> {
        let mut exports = self.export.iter();
        exports.try_for_each(|export| export.write(comparison, runs))
    }
}
