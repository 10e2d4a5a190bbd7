//! `--export FILE`: what a command reports, in the formats of other programs too.

use super::complain::complain;
use crate::error::Result;
use crate::report::{Comparison, Export};
use std::path::{Path, PathBuf};

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
    /// Where they go, as they were named.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> + Clone {
        self.export.iter().map(Export::path)
    }

    /// Writes the runs that lie in these directories, side by side: one export after the other, as they
    /// are asked for. An error of one is that their findings cannot be read, or a file not written; its
    /// other files are, and so are the exports after it if one goes on.
    pub(super) fn write(
        &self,
        comparison: &Comparison,
        runs: &[PathBuf],
    ) -> impl Iterator<Item = Result<()>> {
        self.export.iter().flat_map(|export| {
            let missing = export.write(comparison, runs);
            missing.left_out.iter().for_each(complain);
            missing.failed.into_iter().map(Err)
        })
    }
}
