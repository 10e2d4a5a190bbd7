//! A folder for what an experiment needs on disk.

use crate::error::Result;
use crate::source::Staging;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An empty folder in the directory for temporary files. Dropping it removes it; what a killed
/// program left is swept when the next one is made.
#[derive(Debug)]
pub(super) struct Folder(Staging);

/// Those that this process has now.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn folders() -> MutexGuard<'static, Vec<PathBuf>> {
    // A list of paths is whole at any time.
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what experiments that are under way have on disk: for whoever ends this process in the middle of one.
pub fn remove_folders() {
    for path in folders().iter() {
        // Somebody may be writing there until the end: what came meanwhile goes with a second try.
        let _ = std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_dir_all(path));
    }
}

impl Folder {
    pub(super) fn new() -> Result<Self> {
        let folder = Staging::new(&std::env::temp_dir().join("framehaul-lab")).map(Self)?;
        folders().push(folder.path().to_owned());
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file or folder in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        folders().retain(|path| path != self.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_all_that_is_in_it() {
        let folder = Folder::new().unwrap();
        let path = folder.path().to_owned();
        std::fs::write(folder.join("frames"), "0").unwrap();
        assert_ne!(Folder::new().unwrap().path(), path);
        drop(folder);
        assert!(!path.exists());
    }
}
