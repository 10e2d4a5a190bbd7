//! Finished runs in the formats of other programs: one file a kind, chosen by the name's ending.
//!
//! | ending | what is in it | of several runs |
//! |---|---|---|
//! | `.csv` | a row a run: all figures of the whole run, named by their paths in `report.json` | a row each, and its ratios to the first |
//! | `.md` | the tables, to be pasted where Markdown is read | one comparison |
//! | `.json` | what `--json` prints | one comparison |
//! | `.hgrm` | percentiles of the latency in milliseconds, as HdrHistogram's plotter reads them; of a stage, where the name ends in one: `compute.hgrm`, `mmap.compute.hgrm` | a file each, of those that have the stage |
//! | `.hlog` | all histograms, as HdrHistogram's log processor reads them | a file each |
//! | `findings.csv` | a row a frame: all that was found, or why nothing was | a file each |
//!
//! ```
//! use framehaul::report::{Comparison, Export};
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path();
//! let runs = ["data/reports/payload".into(), "data/reports/mmap".into()];
//! let comparison = Comparison::read(&runs)?;
//! for name in ["both.md", "compute.hgrm"] {
//!     let missing = Export::to(folder.join(name))?.write(&comparison, &runs);
//!     assert!(missing.failed.is_empty() && missing.left_out.is_empty());
//! }
//! for name in ["both.md", "compute-payload.hgrm", "compute-mmap.hgrm"] {
//!     assert!(folder.join(name).exists());
//! }
//! # Ok::<(), framehaul::Error>(())
//! ```
//!
//! A new kind is one file and its line in [`KINDS`].

mod fields;
mod figures;
mod findings;
mod hgrm;
mod hlog;
mod json;
mod markdown;

use super::compare::{Comparison, Run};
use super::sink::Sink;
use super::units::list;
use super::write::RunDir;
use crate::analysis::nearest;
use crate::error::{Error, Result};
use crate::stage::Stage;
use std::iter::once;
use std::path::{Path, PathBuf};

/// A kind of file that runs are exported to.
#[derive(Debug)]
pub struct Kind {
    /// How the names of such files end.
    pub ending: &'static str,
    /// What is in them, for a list of all kinds.
    pub summary: &'static str,
    of: Of,
}

/// What one file is of.
#[derive(Debug)]
enum Of {
    /// All runs.
    All(fn(&Comparison, &mut Sink) -> Result<()>),
    /// A run: several of them make as many files.
    One(fn(&OneRun<'_>, &mut Sink) -> Result<()>),
    /// A stage of a run, the one that the name says: as many files as runs have it.
    Stage(fn(&OneRun<'_>, Stage, &mut Sink) -> Result<()>),
}

/// A run that is exported.
struct OneRun<'a> {
    run: &'a Run,
    /// Its directory.
    folder: PathBuf,
}

/// All kinds. Of two endings that fit a name, the first is meant.
pub static KINDS: &[Kind] = &[
    findings::KIND,
    figures::KIND,
    markdown::KIND,
    json::KIND,
    hgrm::KIND,
    hlog::KIND,
];

/// A file that runs are to be exported to.
#[derive(Clone, Debug)]
pub struct Export {
    path: PathBuf,
    kind: &'static Kind,
    /// The stage that the name says, if the kind is of one.
    stage: Option<Stage>,
}

/// Files that an export has not written.
#[derive(Debug, Default)]
#[must_use]
pub struct Missing {
    /// Those of runs in which the stage does not occur, a sentence each.
    pub left_out: Vec<String>,
    /// Those that could not be written, or of which what they are made of could not be read; what was
    /// there stays.
    pub failed: Vec<Error>,
}

impl Export {
    /// To a file of this name, whose ending says of which kind. It is replaced if it is there.
    ///
    /// # Errors
    /// If no kind has that ending, there is no folder for it, or it is to be of a stage and its name
    /// is almost that of one.
    pub fn to(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(kind) = KINDS.iter().find(|kind| name.ends_with(kind.ending)) else {
            let endings: Vec<&str> = KINDS.iter().map(|kind| kind.ending).collect();
            let what = format!("is of no kind that can be written: {}", list(&endings));
            return Err(Error::input(path, what));
        };
        let folder = super::read::folder(&path);
        if path.is_dir() {
            return Err(Error::input(path, "is a folder: name a file"));
        }
        if !folder.is_dir() {
            let what = format!("cannot be written: there is no folder {}", folder.display());
            return Err(Error::input(path, what));
        }
        let mut export = Self {
            path,
            kind,
            stage: None,
        };
        if let Of::Stage(_) = kind.of {
            export.stage = export.named_stage()?;
        }
        Ok(export)
    }

    /// The file that was named; of several runs, some kinds are a file each, named after it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name without its last ending, and that ending.
    fn name(&self) -> (String, String) {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let (stem, ending) = name.split_at(name.rfind('.').unwrap_or(name.len()));
        (stem.into(), ending.into())
    }

    /// The stage that the name says, if its last word is one.
    ///
    /// # Errors
    /// If it is almost one: whoever asks for a stage and gets the latency would not see it.
    fn named_stage(&self) -> Result<Option<Stage>> {
        let (stem, ending) = self.name();
        let word = stem.rsplit('.').next().unwrap_or_default();
        if let Some(stage) = Stage::from_name(word) {
            return Ok(Some(stage));
        }
        match nearly(word) {
            Some(stage) => Err(Error::input(
                &self.path,
                format!("is of no stage: did you mean {stage}{ending}?"),
            )),
            None => Ok(None),
        }
    }

    /// Writes the runs of a comparison, which lie in these directories (or are these reports). A kind
    /// of one run makes a file for each of several, with the run's name before the ending: each that
    /// can be written is, whatever becomes of the others. If no run has the stage, that is a failure.
    pub fn write(&self, comparison: &Comparison, folders: &[PathBuf]) -> Missing {
        let runs = &comparison.runs;
        let each = self.paths(runs).into_iter().zip(runs).zip(folders);
        let each = each.map(|((path, run), folder)| {
            let folder = super::read::folder(folder);
            (path, OneRun { run, folder })
        });
        let fill = |path: &Path, write: &dyn Fn(&mut Sink) -> Result<()>| {
            RunDir::spare(folders, path).and_then(|()| Sink::fill(path, write))
        };
        let mut missing = Missing::default();
        match self.kind.of {
            Of::All(write) => {
                let written = fill(&self.path, &|sink| write(comparison, sink));
                missing.failed.extend(written.err());
            }
            Of::One(write) => {
                for (path, one) in each {
                    let written = fill(&path, &|sink| write(&one, sink));
                    missing.failed.extend(written.err());
                }
            }
            Of::Stage(write) => {
                for (path, one) in each {
                    let stage = self.stage.unwrap_or(one.run.report.latency());
                    if one.run.histograms.contains_key(&stage) {
                        let written = fill(&path, &|sink| write(&one, stage, sink));
                        missing.failed.extend(written.err());
                    } else {
                        let (path, stage) = (path.display(), stage.name());
                        let name = &one.run.name;
                        let what = format!("{path}: {name} has no samples of {stage}");
                        missing.left_out.push(what);
                    }
                }
                if missing.left_out.len() == runs.len() {
                    let first = missing.left_out.remove(0);
                    missing.failed.push(Error::Usage(first));
                }
            }
        }
        missing
    }

    /// The file of each run, of a kind that makes one for each.
    fn paths(&self, runs: &[Run]) -> Vec<PathBuf> {
        if runs.len() == 1 {
            return vec![self.path.clone()];
        }
        let (stem, ending) = self.name();
        let names = file_names(runs.iter().map(|run| run.name.as_str()));
        let path = |name| self.path.with_file_name(format!("{stem}-{name}{ending}"));
        names.into_iter().map(path).collect()
    }
}

/// The stage whose name is almost `word`: most of the letters are there.
fn nearly(word: &str) -> Option<&'static str> {
    let names = Stage::ALL.map(Stage::name);
    let near = nearest(word, names, |name| name)?;
    let slips = strsim::damerau_levenshtein(word, near);
    (slips <= near.len() / 4).then_some(near)
}

/// Names of runs as parts of files' names; those that would be the same have a number.
fn file_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let name: String = name.chars().map(plain).collect();
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut all = once(name.clone()).chain(numbered);
        let free = all.find(|name| !taken.contains(name));
        taken.extend(free);
    }
    taken
}

#[cfg(test)]
mod tests;
