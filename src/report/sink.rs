//! A file that is there as a whole, or as it was before.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Sink {
    /// What it was asked for as.
    pub(super) path: PathBuf,
    file: BufWriter<File>,
}

impl Sink {
    /// Has `fill` write a file. It is filled beside its place, as `NAME.partial`, and takes the place
    /// when it is whole; until then, and if it never is, what was there stays. What is no regular file,
    /// as a pipe or a terminal, is written as it is.
    ///
    /// # Errors
    /// Those of `fill`, and if it cannot be created or written.
    pub(crate) fn fill(path: &Path, fill: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        // Through links: it is their target that is replaced.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if place.exists() && !place.is_file() {
            return Self::write_to(&place, path, fill);
        }
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = place.with_file_name(name);
        let filled = Self::write_to(&partial, path, fill).and_then(|()| {
            let renamed = fs::rename(&partial, &place);
            renamed.map_err(Error::io(path, "cannot write"))
        });
        if filled.is_err() {
            let _ = fs::remove_file(&partial);
        }
        filled
    }

    fn write_to(
        place: &Path,
        path: &Path,
        fill: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let file = File::create(place).map_err(Error::io(path, "cannot create"))?;
        let mut sink = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
        };
        fill(&mut sink)?;
        let flushed = sink.file.flush();
        flushed.map_err(Error::io(path, "cannot write"))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(Error::io(&self.path, "cannot write"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(sink: &mut Sink) -> Result<()> {
        sink.write(&[b'x'; 1 << 17])?;
        Err(Error::Failed("there is no more".into()))
    }

    #[test]
    fn a_file_is_replaced_by_a_whole_one_and_by_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let path = folder.path().join("a.csv");
        assert!(Sink::fill(&path, fails).is_err());
        assert_eq!(names(), 0);
        Sink::fill(&path, |sink| sink.write(b"old")).unwrap();
        assert!(Sink::fill(&path, fails).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        // A link stays one.
        let link = folder.path().join("link.csv");
        std::os::unix::fs::symlink("a.csv", &link).unwrap();
        Sink::fill(&link, |sink| sink.write(b"new")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(), 2);
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let said = Sink::fill(Path::new("/dev/full"), |sink| sink.write(b"much ado"));
        let said = said.unwrap_err().to_string();
        assert!(said.starts_with("/dev/full: cannot write"), "{said}");
    }
}
