//! The runs that were finished last, for a command that was told of none.

use crate::error::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Where runs go that are told no other place.
pub(super) const FOLDER: &str = "runs";

/// A run directory is no deeper below that: `runs/demo/flat/mmap`.
const DEEPEST: usize = 4;

/// What is read of each report.
#[derive(serde::Deserialize)]
struct Finished {
    finished_unix_s: f64,
    #[serde(default)]
    command: Vec<String>,
}

struct Run {
    place: PathBuf,
    /// Where it lies, whatever links led to it.
    real: PathBuf,
    is_linked: bool,
    report: Finished,
}

/// The runs to compare: those of the last command, if it made several, else the last two of all,
/// or the one that there is; the first to be finished first.
///
/// # Errors
/// If there is none.
pub(super) fn runs(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    gather(folder, DEEPEST, false, &mut runs);
    // One that links lead to as well (`runs/latest`) is one, under its own name.
    runs.sort_by(|a, b| {
        let key = |run: &Run| (run.is_linked, run.place.clone());
        a.real.cmp(&b.real).then_with(|| key(a).cmp(&key(b)))
    });
    runs.dedup_by(|later, first| later.real == first.real);
    runs.sort_by(|a, b| {
        let time = |run: &Run| run.report.finished_unix_s;
        time(a).total_cmp(&time(b)).then(a.place.cmp(&b.place))
    });
    let Some(last) = runs.last() else {
        return Err(Error::Usage(format!(
            "no finished run lies below {}/: name the runs to compare, or make some (framehaul run)",
            folder.display()
        )));
    };
    // One command's runs lie side by side. (Those of a program say no command.)
    let is_akin = |run: &&Run| {
        run.place.parent() == last.place.parent()
            && run.report.command == last.report.command
            && !run.report.command.is_empty()
    };
    let akin: Vec<_> = runs.iter().filter(is_akin).collect();
    let chosen = match akin.len() {
        0 | 1 => runs.iter().skip(runs.len().saturating_sub(2)).collect(),
        _ => akin,
    };
    Ok(chosen.into_iter().map(|run| run.place.clone()).collect())
}

/// All run directories in a folder, which is a link's target or not. What cannot be read is none.
fn gather(folder: &Path, depth: usize, is_linked: bool, runs: &mut Vec<Run>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for place in entries.map(|entry| entry.path()) {
        // What is being written is not finished.
        let is_partial = place.extension().is_some_and(|ending| ending == "partial");
        if is_partial || !place.is_dir() {
            continue;
        }
        let is_linked = is_linked || place.is_symlink();
        let report = place.join("report.json");
        let is_file = report.is_file();
        let report = is_file.then(|| fs::read(report).ok()).flatten();
        match report.and_then(|text| serde_json::from_slice(&text).ok()) {
            Some(report) => runs.extend(place.canonicalize().ok().map(|real| Run {
                place,
                real,
                is_linked,
                report,
            })),
            None if depth > 1 => gather(&place, depth - 1, is_linked, runs),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, place: &str, finished: f64, command: &str) {
        let folder = root.join(place);
        fs::create_dir_all(&folder).unwrap();
        let command: Vec<_> = command.split_whitespace().collect();
        let report = serde_json::json!({"finished_unix_s": finished, "command": command});
        fs::write(folder.join("report.json"), report.to_string()).unwrap();
    }

    fn chosen(root: &Path) -> Vec<String> {
        let runs = runs(root).unwrap();
        let names = runs.iter().map(|run| run.strip_prefix(root).unwrap());
        names.map(|name| name.display().to_string()).collect()
    }

    #[test]
    fn several_modes_of_the_last_command_are_compared_else_the_last_two_runs() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let said = runs(root).unwrap_err().to_string();
        assert!(said.contains("no finished run"), "{said}");
        assert!(runs(&root.join("none")).is_err());

        write(root, "10/payload", 10.0, "a");
        assert_eq!(chosen(root), ["10/payload"]);
        write(root, "10/mmap", 10.5, "a");
        write(root, "10/path", 10.4, "a");
        assert_eq!(chosen(root), ["10/payload", "10/path", "10/mmap"]);
        // One mode alone, later.
        write(root, "20/mmap", 20.0, "a");
        assert_eq!(chosen(root), ["10/mmap", "20/mmap"]);
        // Another command at the same place is another command.
        write(root, "20/shm", 21.0, "b");
        assert_eq!(chosen(root), ["20/mmap", "20/shm"]);
        // Who does not say by what command has none in common with another.
        for (place, finished) in [("50/a", 24.0), ("50/b", 25.0), ("50/c", 26.0)] {
            write(root, place, finished, "");
        }
        assert_eq!(chosen(root), ["50/b", "50/c"]);
        write(root, "demo/flat/mmap", 30.0, "c");
        write(root, "demo/flat/path", 30.0, "c");
        write(root, "demo/paced/path", 29.0, "c");
        assert_eq!(chosen(root), ["demo/flat/mmap", "demo/flat/path"]);
        // What is under way, or is no report, is not there.
        write(root, "40/mmap.partial", 40.0, "d");
        write(root, "41/shm", 41.0, "d");
        fs::write(root.join("41/shm/report.json"), "").unwrap();
        assert_eq!(chosen(root), ["demo/flat/mmap", "demo/flat/path"]);
    }

    #[test]
    fn a_run_that_links_lead_to_as_well_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).unwrap();
        write(root, "10/mmap", 10.0, "a");
        write(root, "20/mmap", 20.0, "b");
        link("20/mmap", "a-latest");
        link("20", "latest");
        link(".", "20/around");
        assert_eq!(chosen(root), ["10/mmap", "20/mmap"]);
        write(root, "20/path", 21.0, "b");
        assert_eq!(chosen(root), ["20/mmap", "20/path"]);

        // One that lies elsewhere has no other name.
        let elsewhere = tempfile::tempdir().unwrap();
        write(elsewhere.path(), "30/mmap", 30.0, "c");
        link(elsewhere.path().to_str().unwrap(), "far");
        link(elsewhere.path().to_str().unwrap(), "further");
        assert_eq!(chosen(root), ["20/path", "far/30/mmap"]);
    }
}
