//! A folder for what an experiment needs on disk.

use crate::error::Result;
use crate::source::Staging;
use std::path::{Path, PathBuf};

/// An empty folder in the directory for temporary files. Dropping it removes it; what a killed
/// program left is swept when the next one is made.
#[derive(Debug)]
pub(super) struct Folder(Staging);

impl Folder {
    pub(super) fn new() -> Result<Self> {
        Staging::new(&std::env::temp_dir().join("framehaul-lab")).map(Self)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file or folder in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
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
