//! `--export FILE`: what a command reports, in the formats of other programs too.

use super::complain::complain;
use crate::error::{Error, Result};
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

    /// That no two of them, and a file that is written `beside` them, have the same name.
    ///
    /// # Errors
    /// [`Error::Input`] if two have: the one would replace the other.
    pub(super) fn have_names_of_their_own(&self, beside: Option<&Path>) -> Result<()> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
        let mut names: Vec<PathBuf> = beside.map(absolute).into_iter().collect();
        for path in self.paths() {
            let name = absolute(path);
            if names.contains(&name) {
                let what = "is to be written twice: only one of two files can have the name";
                return Err(Error::input(path, what));
            }
            names.push(name);
        }
        Ok(())
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
