//! Run directories: `report.json`, `latency.hlog` and what a run was told to keep there
//! ([`Plan::keep_in`]), all of it or none.
//!
//! A directory is taken before the run ([`RunDir::create`]), so that a place that cannot be
//! written is refused before the work and not after it. It is filled beside its final place, as
//! `NAME.partial`, where a run's findings can be read while it goes on; it takes its name only when
//! it is whole ([`RunDir::finish`]).
//!
//! [`Plan::keep_in`]: crate::pipeline::Plan::keep_in
//!
//! ```no_run
//! use framehaul::{measure::Machine, pipeline::Outcome, report::{Report, RunDir}};
//!
//! fn keep(outcome: &Outcome, directory: RunDir) -> framehaul::Result<()> {
//!     let report = Report::new(outcome, Machine::probe());
//!     directory.finish(&report, outcome)?;
//!     assert_eq!(Report::read("runs/mmap")?, report);
//!     Ok(())
//! }
//!
//! let directory = RunDir::create("runs/mmap")?;
//! // ... the run ...
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::histogram::{Span, interval_log};
use super::read::folder;
use super::{Comparison, Report};
use crate::error::{Error, Result};
use crate::measure::StageHistograms;
use crate::pipeline::Outcome;
use crate::sys::fs::{Made, exchange, is_mount_point};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A run directory under construction. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub struct RunDir {
    target: PathBuf,
    partial: PathBuf,
    /// The partial folder, locked as long as this lives: who finds it unlocked may sweep it.
    _lock: File,
    /// The partial folder has become the target; what has its name now is not ours.
    finished: bool,
    /// Folders above it that were made for it. They are dropped after what lies in them.
    _made: Made,
}

impl RunDir {
    /// Takes the place of a run directory and makes sure that it can be written. Folders above it are
    /// created. A directory that is there already is replaced by [`Self::finish`] if it
    /// is a run directory (it has a `report.json`) or empty, and refused if it is anything else, or
    /// a mount point, which nothing can be renamed to.
    ///
    /// A `.partial` folder that a killed run left behind is swept; one that is being written, or
    /// that is somebody else's, is an error.
    pub fn create(target: impl AsRef<Path>) -> Result<Self> {
        let target = target.as_ref().to_path_buf();
        let Some(partial) = partial_of(&target) else {
            return Err(Error::input(target, "is no name for a run directory"));
        };
        if is_mount_point(&target) {
            let what = "is a mount point, which cannot be replaced: name a folder in it";
            return Err(Error::input(target, what));
        }
        refuse_what_is_no_run(&target)?;
        refuse_what_is_no_run(&partial)?;

        let made = Made::above(&target);
        fs::create_dir_all(&partial).map_err(Error::io(&target, "cannot create the folder"))?;
        let cannot_lock = "cannot lock the folder";
        let lock = File::open(&partial).map_err(Error::io(&partial, cannot_lock))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Error::input(target, "is being written by another run"));
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(Error::io(&partial, cannot_lock)(error));
            }
        }
        let this = Self {
            target,
            partial,
            _lock: lock,
            finished: false,
            _made: made,
        };
        // First of all what tells that the folder is ours, however early this ends.
        let report = this.partial.join("report.json");
        File::create(&report).map_err(this.cannot_write())?;
        remove_all_but_report(&this.partial).map_err(this.cannot_write())?;
        Ok(this)
    }

    /// Whether it was taken for that place, by the same name.
    pub fn is_of(&self, target: &Path) -> bool {
        self.target == target
    }

    /// Whether a file or folder, which need not be there yet, would be gone when a run directory takes
    /// the place of `target`: it is what is replaced or swept then, or lies in it.
    pub fn replaces(target: impl AsRef<Path>, path: impl AsRef<Path>) -> bool {
        let (target, path) = (target.as_ref(), path.as_ref());
        let real = path.canonicalize().or_else(|_| {
            // What will be there lies in what is.
            let name = path.file_name().unwrap_or_default();
            folder(path).canonicalize().map(|above| above.join(name))
        });
        let Ok(real) = real else {
            return false;
        };
        let places = [Some(target.to_owned()), partial_of(target)];
        let places = places.into_iter().flatten();
        let mut places = places.filter_map(|place| place.canonicalize().ok());
        places.any(|place| real.starts_with(place))
    }

    /// That none of these runs, which are there, is made of `file`, by whatever name.
    ///
    /// # Errors
    /// [`Error::Input`] if one is.
    pub fn spare(runs: &[PathBuf], file: &Path) -> Result<()> {
        const OWN: [&str; 6] = [
            "report.json",
            "report.html",
            "findings.jsonl",
            "latency.hlog",
            "thumbnails.npy",
            "timestamps.txt",
        ];
        let Ok(real) = file.canonicalize() else {
            return Ok(());
        };
        let is_own = |run: &&PathBuf| {
            let folder = super::read::folder(run).canonicalize();
            let is_in_it = folder.is_ok_and(|folder| real.parent() == Some(&folder));
            // A report may be named by itself, whatever it is called.
            let is_it = run.canonicalize().is_ok_and(|run| run == real);
            is_it || is_in_it && OWN.iter().any(|own| real.ends_with(own))
        };
        match runs.iter().find(is_own) {
            Some(run) => {
                let run = run.display();
                let what =
                    format!("is a part of the run {run}, and would be lost: name another file");
                Err(Error::input(file, what))
            }
            None => Ok(()),
        }
    }

    /// The folder that a run writes what it finds to ([`Plan::keep_in`]) before [`Self::finish`].
    ///
    /// [`Plan::keep_in`]: crate::pipeline::Plan::keep_in
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Writes the report, its page and the interval log, and gives the directory its name; what had it
    /// before is gone. If that cannot be done, what had it stays.
    pub fn finish(self, report: &Report, outcome: &Outcome) -> Result<()> {
        self.finish_with(report, &outcome.stages)
    }

    /// The same of a report whose histograms these are.
    pub(super) fn finish_with(self, report: &Report, stages: &StageHistograms) -> Result<()> {
        self.write("latency.hlog", |file| {
            file.write_all(&interval_log(stages, Span::of(report))?)
        })?;
        self.write("report.json", |file| {
            serde_json::to_writer_pretty(&mut *file, report)?;
            file.write_all(b"\n")
        })?;
        let alone = vec![(report.workload.mode.clone(), report.clone())];
        let page = Comparison::new(alone)?.page();
        self.write("report.html", |file| file.write_all(page.as_bytes()))?;
        self.take_name(exchange)
    }

    /// Gives the directory its name; what has it already is exchanged for it.
    fn take_name(
        mut self,
        exchange: impl FnOnce(&Path, &Path) -> std::io::Result<()>,
    ) -> Result<()> {
        refuse_what_is_no_run(&self.target)?;
        if self.target.exists() {
            // What is dropped then is what was replaced.
            return exchange(&self.partial, &self.target).map_err(self.cannot_write());
        }
        fs::rename(&self.partial, &self.target).map_err(self.cannot_write())?;
        self.finished = true;
        Ok(())
    }

    fn write(
        &self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> Result<()> {
        let file = File::create(self.partial.join(name)).map_err(self.cannot_write())?;
        let mut file = BufWriter::new(file);
        fill(&mut file)
            .and_then(|()| file.flush())
            .map_err(self.cannot_write())
    }

    fn cannot_write(&self) -> impl FnOnce(std::io::Error) -> Error {
        Error::io(&self.target, "cannot write the run directory")
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if !self.finished {
            // What tells that the folder is ours goes last, however early this ends.
            let _ = remove_all_but_report(&self.partial);
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Removes the files of a run but for its report.
fn remove_all_but_report(folder: &Path) -> std::io::Result<()> {
    for left in fs::read_dir(folder)? {
        let left = left?.path();
        if !left.ends_with("report.json") {
            fs::remove_file(left)?;
        }
    }
    Ok(())
}

/// Where a run directory is filled; none if that is no name for one.
fn partial_of(target: &Path) -> Option<PathBuf> {
    let mut name = target.file_name()?.to_owned();
    name.push(".partial");
    Some(target.with_file_name(name))
}

/// Nothing there, an empty folder, or a run directory may be replaced.
fn refuse_what_is_no_run(target: &Path) -> Result<()> {
    if !target.exists() || target.join("report.json").is_file() {
        return Ok(());
    }
    let empty = fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if empty {
        return Ok(());
    }
    let what = "exists and is no run directory (it has no report.json): choose another place";
    Err(Error::input(target, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn write_run(target: &Path) -> Report {
        let outcome = samples::outcome();
        let report = samples::report(&outcome);
        let directory = RunDir::create(target).unwrap();
        fs::write(directory.path().join("findings.jsonl"), "{}\n").unwrap();
        directory.finish(&report, &outcome).unwrap();
        report
    }

    #[test]
    fn a_finished_run_has_what_was_kept_and_its_report_reads_back() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("deep/mmap");
        let report = write_run(&target);
        assert_eq!(
            files(&target),
            [
                "findings.jsonl",
                "latency.hlog",
                "report.html",
                "report.json"
            ]
        );
        assert_eq!(files(&root.path().join("deep")), ["mmap"]);
        assert_eq!(Report::read(&target).unwrap(), report);
    }

    #[test]
    fn a_run_that_is_given_up_leaves_nothing_and_keeps_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("run");
        drop(RunDir::create(&target).unwrap());
        drop(RunDir::create(root.path().join("deep/er/run")).unwrap());
        assert!(files(root.path()).is_empty());
        let report = write_run(&target);
        drop(RunDir::create(&target).unwrap());
        assert_eq!(files(root.path()), ["run"]);
        assert_eq!(Report::read(&target).unwrap(), report);
    }

    #[test]
    fn what_tells_that_a_folder_is_a_run_is_the_last_to_go() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("run");
        write_run(&target);
        remove_all_but_report(&target).unwrap();
        assert_eq!(files(&target), ["report.json"]);
    }

    #[test]
    fn a_run_replaces_a_run_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("run");
        write_run(&target);
        fs::write(target.join("old"), "").unwrap();
        write_run(&target);
        assert_eq!(files(&target).len(), 4, "{:?}", files(&target));

        let thesis = root.path().join("thesis");
        fs::create_dir(&thesis).unwrap();
        fs::write(thesis.join("chapter"), "").unwrap();
        for precious in [&thesis, &thesis.join("chapter")] {
            let said = RunDir::create(precious).unwrap_err().to_string();
            assert!(said.contains("no run directory"), "{said}");
        }
        assert_eq!(files(&thesis), ["chapter"]);
        assert_eq!(files(root.path()), ["run", "thesis"]);
    }

    #[test]
    fn what_lies_in_a_run_that_is_replaced_is_known_to_go_with_it() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["run/deep", "run.partial", "runner", "other"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        std::os::unix::fs::symlink("run/deep", path("link")).unwrap();
        fs::write(path("run/old.json"), "").unwrap();
        for (name, is_gone) in [
            ("run", true),
            ("run/old.json", true),
            ("run/new.json", true),
            ("run/deep/new.json", true),
            ("other/../run/new.json", true),
            ("link/new.json", true),
            ("run.partial/new.json", true),
            ("runner/new.json", false),
            ("other/run", false),
            ("new.json", false),
            ("none/new.json", false),
        ] {
            assert_eq!(RunDir::replaces(path("run"), path(name)), is_gone, "{name}");
        }
        assert!(!RunDir::replaces(path("new"), path("new/trace.json")));
    }

    #[test]
    fn what_a_killed_run_left_is_swept_and_what_a_living_one_writes_is_not() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("run");
        let partial = root.path().join("run.partial");
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("findings.jsonl"), "half a li").unwrap();
        let said = RunDir::create(&target).unwrap_err().to_string();
        assert!(said.contains("run.partial: exists and is no run"), "{said}");
        assert_eq!(files(&partial), ["findings.jsonl"]);
        fs::write(partial.join("report.json"), "").unwrap();
        let living = RunDir::create(&target).unwrap();
        assert_eq!(files(&partial), ["report.json"]);
        let said = RunDir::create(&target).unwrap_err().to_string();
        assert!(said.contains("another run"), "{said}");
        assert!(partial.exists());
        drop(living);
        assert!(!partial.exists());
    }

    #[test]
    fn a_run_that_cannot_take_its_name_leaves_what_has_it() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("run");
        let report = write_run(&target);
        let busy = |_: &Path, _: &Path| Err(std::io::Error::from_raw_os_error(libc::EBUSY));
        let taken = RunDir::create(&target).unwrap().take_name(busy);
        let said = taken.unwrap_err().to_string();
        assert!(said.contains("cannot write the run directory"), "{said}");
        assert_eq!(files(root.path()), ["run"]);
        assert_eq!(files(&target).len(), 4, "{:?}", files(&target));
        assert_eq!(Report::read(&target).unwrap(), report);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_in_one_sentence() {
        let said = RunDir::create("/proc/run").unwrap_err().to_string();
        assert!(said.starts_with("/proc/run: cannot create"), "{said}");
        assert!(RunDir::create("/").is_err());
        let said = RunDir::create("/proc").unwrap_err().to_string();
        assert!(said.starts_with("/proc: is a mount point"), "{said}");
    }
}
