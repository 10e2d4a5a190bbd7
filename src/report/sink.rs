//! A file that is there as a whole, or as it was before.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Sink {
    /// What it was asked for as.
    pub(super) path: PathBuf,
    file: BufWriter<File>,
}

impl Sink {
    /// Has `fill` write a file. It is filled beside its place, under a name that nobody has, and takes the
    /// place when it is whole; until then, and if it never is, what was there stays. What is no regular file,
    /// as a pipe or a terminal, is written as it is.
    ///
    /// # Errors
    /// Those of `fill`, and if it cannot be created or written.
    pub(crate) fn fill(path: &Path, fill: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        // Through links: it is their target that is replaced.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if place.exists() && !place.is_file() {
            let file = File::create(&place).map_err(Error::io(path, "cannot create"))?;
            return Self::write_to(file, path, fill);
        }
        let (partial, file) = beside(&place).map_err(Error::io(path, "cannot create"))?;
        let filled = Self::write_to(file, path, fill).and_then(|()| {
            let renamed = fs::rename(&partial, &place);
            renamed.map_err(Error::io(path, "cannot write"))
        });
        if filled.is_err() {
            let _ = fs::remove_file(&partial);
        }
        filled
    }

    fn write_to(file: File, path: &Path, fill: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
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

/// A new file in the same folder, of a name that nothing there has.
fn beside(place: &Path) -> std::io::Result<(PathBuf, File)> {
    let mut number = 0u64;
    loop {
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}-{number}.partial", std::process::id()));
        let partial = place.with_file_name(name);
        match File::create_new(&partial) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|file| (partial, file)),
        }
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
        // What has the name of what is being written stays as well, and so does what it leads to.
        let id = std::process::id();
        let partial = folder.path().join(format!("a.csv.{id}-0.partial"));
        std::os::unix::fs::symlink(&link, &partial).unwrap();
        assert!(Sink::fill(&path, fails).is_err());
        assert!(partial.is_symlink());
        assert_eq!(fs::read(&link).unwrap(), b"new");
        assert_eq!(names(), 3);
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let said = Sink::fill(Path::new("/dev/full"), |sink| sink.write(b"much ado"));
        let said = said.unwrap_err().to_string();
        assert!(said.starts_with("/dev/full: cannot write"), "{said}");
    }
}
