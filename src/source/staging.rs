//! A folder that appears under its final name only when it is complete.
//!
//! What is written goes to `NAME.partial-PID` beside the final name, which is removed on any
//! error and renamed at the end. The folder is locked (flock) as long as its writer lives, and the
//! kernel drops the lock however that ends: so a folder that can be locked was left behind, and
//! the next writer of that name sweeps it. Nothing is synced: this guards against a crash of the
//! program, not of the machine.

use crate::error::{Error, Result};
use crate::sys::fs::{exchange, rename_new};
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The unfinished folder; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
    published: bool,
    /// Held open for its lock.
    _lock: File,
}

impl Staging {
    /// Makes the unfinished folder for `target`, after sweeping those that dead writers left.
    pub(crate) fn new(target: &Path) -> Result<Self> {
        sweep(target);
        for number in 0u32.. {
            let mut name = prefix(target);
            name.push(std::process::id().to_string());
            if number > 0 {
                name.push(format!("-{number}"));
            }
            let path = target.with_file_name(name);
            match std::fs::create_dir(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(Error::io(&path, "cannot create the folder"))?,
            }
            let lock = File::open(&path)
                .and_then(|folder| folder.lock().map(|()| folder))
                .map_err(Error::io(&path, "cannot lock the folder"));
            // A sweeper may have taken the lock first, and the folder with it.
            match lock {
                Ok(lock) if path.exists() => {
                    return Ok(Self {
                        path,
                        published: false,
                        _lock: lock,
                    });
                }
                Ok(_) => {}
                Err(_) if !path.exists() => {}
                Err(e) => return Err(e),
            }
        }
        unreachable!("there are names enough")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished folder its name; with `replace`, in exchange for what had it.
    pub(super) fn publish(mut self, target: &Path, replace: bool) -> Result<()> {
        let renamed = if replace {
            exchange(&self.path, target)
        } else {
            rename_new(&self.path, target)
        };
        renamed.map_err(|e| {
            if e.kind() == std::io::ErrorKind::AlreadyExists {
                Error::Usage(format!(
                    "{} came to exist meanwhile; the new set is discarded",
                    target.display()
                ))
            } else {
                Error::io(target, "cannot give the finished set its name")(e)
            }
        })?;
        // After an exchange, the old folder is what lies under the unfinished name.
        self.published = !replace;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // If it cannot be removed now, the next writer sweeps it.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn prefix(target: &Path) -> OsString {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".partial-");
    name
}

/// Removes the unfinished folders of writers that are gone.
fn sweep(target: &Path) {
    let prefix = prefix(target);
    let Ok(entries) = std::fs::read_dir(parent(target)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.as_bytes().strip_prefix(prefix.as_bytes());
        let ours = number.is_some_and(|rest| {
            !rest.is_empty() && rest.iter().all(|b| b.is_ascii_digit() || *b == b'-')
        });
        if ours
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Ok(folder) = File::open(entry.path())
            && folder.try_lock().is_ok()
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The folder that `path` is in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn an_unfinished_folder_vanishes_and_a_finished_one_gets_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("set");
        let staging = Staging::new(&target).unwrap();
        assert!(staging.path().is_dir() && !target.exists());
        drop(staging);
        assert_eq!(names(dir.path()), [""; 0]);

        let staging = Staging::new(&target).unwrap();
        std::fs::write(staging.path().join("a"), "new").unwrap();
        staging.publish(&target, false).unwrap();
        assert_eq!(names(dir.path()), ["set"]);
        assert_eq!(names(&target), ["a"]);
    }

    #[test]
    fn a_replaced_folder_is_gone_and_one_that_came_meanwhile_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("set");
        std::fs::create_dir(&target).unwrap();
        std::fs::write(target.join("old"), "").unwrap();
        let refused = Staging::new(&target).unwrap().publish(&target, false);
        assert!(refused.unwrap_err().to_string().contains("meanwhile"));
        assert_eq!(names(&target), ["old"]);
        Staging::new(&target)
            .unwrap()
            .publish(&target, true)
            .unwrap();
        assert_eq!(names(dir.path()), ["set"]);
        assert_eq!(names(&target), [""; 0]);
    }

    #[test]
    fn what_dead_writers_left_is_swept_and_what_the_living_hold_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("set");
        for left in [
            "set.partial-1",
            "set.partial-1-2",
            "set.partial-x",
            "other.partial-1",
        ] {
            std::fs::create_dir(dir.path().join(left)).unwrap();
        }
        let living = Staging::new(&target).unwrap();
        let second = Staging::new(&target).unwrap();
        assert_ne!(living.path(), second.path());
        let mine = living.path().file_name().unwrap().to_str().unwrap();
        let other = second.path().file_name().unwrap().to_str().unwrap();
        let mut want = ["other.partial-1", "set.partial-x", mine, other];
        want.sort_unstable();
        assert_eq!(names(dir.path()), want);
    }
}
