//! Finished runs in the formats of other programs: one file a kind, chosen by the name's ending.
//!
//! | ending | what is in it | of several runs |
//! |---|---|---|
//! | `.csv` | a row a run: all fields of `report.json`, named by their paths | a row each, and its ratios to the first |
//! | `.md` | the tables, to be pasted where Markdown is read | one comparison |
//! | `.json` | what `--json` prints | one comparison |
//! | `.hgrm` | percentiles of a stage in milliseconds, as HdrHistogram's plotter reads them | a file each |
//! | `.hlog` | all histograms, as HdrHistogram's log processor reads them | a file each |
//! | `findings.csv` | a row a frame: all that was found, or why nothing was | a file each |
//!
//! ```no_run
//! use framehaul::report::{Comparison, Export};
//! let runs = ["runs/payload".into(), "runs/mmap".into()];
//! let comparison = Comparison::read(&runs)?;
//! Export::to("comparison.md")?.write(&comparison, &runs)?;
//! Export::to("compute.hgrm")?.write(&comparison, &runs)?; // compute-payload.hgrm, compute-mmap.hgrm
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
use super::units::list;
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
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
}

/// A run that is exported.
struct OneRun<'a> {
    run: &'a Run,
    /// Its directory.
    folder: &'a Path,
    /// The file's name without its ending, as it was asked for.
    stem: &'a str,
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
}

impl Export {
    /// To a file of this name, whose ending says of which kind. It is replaced if it is there.
    ///
    /// # Errors
    /// If no kind has that ending, or there is no folder for it.
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
        Ok(Self { path, kind })
    }

    /// Writes the runs of a comparison, which lie in these directories (or are these reports). A kind
    /// of one run makes a file for each of several, with the run's name before the ending.
    ///
    /// # Errors
    /// If a file cannot be written (then it is not left half-written), or what it is made of cannot
    /// be read.
    pub fn write(&self, comparison: &Comparison, folders: &[PathBuf]) -> Result<()> {
        let write_one = match self.kind.of {
            Of::All(write) => return Sink::fill(&self.path, |sink| write(comparison, sink)),
            Of::One(write) => write,
        };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let ending = name.rfind('.').unwrap_or(name.len());
        let (stem, ending) = name.split_at(ending);
        let runs = &comparison.runs;
        for (run, folder) in runs.iter().zip(folders) {
            let path = match runs.len() {
                1 => self.path.clone(),
                _ => self
                    .path
                    .with_file_name(format!("{stem}-{}{ending}", file_name(&run.name))),
            };
            let folder = &super::read::folder(folder);
            let one = OneRun { run, folder, stem };
            Sink::fill(&path, |sink| write_one(&one, sink))?;
        }
        Ok(())
    }
}

/// A run's name as a part of a file's.
fn file_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}

/// A file that is written.
struct Sink {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Sink {
    /// A file filled by `fill`, or none.
    fn fill(path: &Path, fill: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let file = File::create(path).map_err(Error::io(path, "cannot create"))?;
        let mut sink = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
        };
        let filled = fill(&mut sink).and_then(|()| {
            let flushed = sink.file.flush();
            flushed.map_err(Error::io(path, "cannot write"))
        });
        if filled.is_err() && path.is_file() {
            let _ = fs::remove_file(path);
        }
        filled
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(Error::io(&self.path, "cannot write"))
    }
}

#[cfg(test)]
mod tests;
