//! `timestamps.txt`: when each frame is to be shown, a line a frame in milliseconds, in the format
//! that mkvmerge reads, too.
//!
//! The format knows no line for a frame whose time is unknown, and without one the times behind it
//! would be those of other frames: there is a file if all are known, and none otherwise.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The file while a pass fills it.
#[derive(Debug)]
pub(in super::super) struct Timestamps {
    path: PathBuf,
    /// There from the first time on.
    file: Option<BufWriter<File>>,
    known: u64,
    unknown: u64,
}

impl Timestamps {
    /// A file that is created when there is something to write.
    pub(in super::super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            known: 0,
            unknown: 0,
        }
    }

    /// The next frame's time in seconds, if it is known.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(in super::super) fn push(&mut self, time: Option<f64>) -> Result<()> {
        let Some(seconds) = time else {
            self.unknown += 1;
            return Ok(());
        };
        self.known += 1;
        if self.unknown > 0 {
            return Ok(());
        }
        let written = match &mut self.file {
            Some(file) => line(file, seconds),
            none => begin(&self.path).and_then(|file| line(none.insert(file), seconds)),
        };
        written.map_err(Error::io(&self.path, "cannot write"))
    }

    /// All have come. A sentence if only some were known.
    ///
    /// # Errors
    /// If the file cannot be written, or removed.
    pub(in super::super) fn finish(self) -> Result<Option<String>> {
        let Some(mut file) = self.file else {
            return Ok(self.say_what_is_missing());
        };
        if self.unknown == 0 {
            file.flush()
                .map_err(Error::io(&self.path, "cannot write"))?;
            return Ok(None);
        }
        drop(file);
        std::fs::remove_file(&self.path).map_err(Error::io(&self.path, "cannot remove"))?;
        Ok(Self { file: None, ..self }.say_what_is_missing())
    }

    fn say_what_is_missing(&self) -> Option<String> {
        let (known, unknown) = (self.known, self.unknown);
        (known > 0 && unknown > 0).then(|| {
            format!(
                "there is no timestamps.txt: the source did not say when {unknown} of {} frames \
                 are to be shown",
                known + unknown
            )
        })
    }
}

fn begin(path: &Path) -> io::Result<BufWriter<File>> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "# timestamp format v2")?;
    Ok(file)
}

fn line(file: &mut impl Write, seconds: f64) -> io::Result<()> {
    writeln!(file, "{}", (seconds * 1e6).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_a_frame_if_all_are_known_and_no_file_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timestamps.txt");
        let write = |times: &[Option<f64>]| {
            let mut file = Timestamps::new(&path);
            for &time in times {
                file.push(time).unwrap();
            }
            let said = file.finish().unwrap();
            let written = std::fs::read_to_string(&path).ok();
            let _ = std::fs::remove_file(&path);
            (written, said)
        };
        let (written, said) = write(&[Some(0.0), Some(1.0 / 30.0)]);
        let whole = "# timestamp format v2\n0\n33.333\n";
        assert_eq!((written.as_deref(), said), (Some(whole), None));
        assert_eq!(write(&[None, None]), (None, None));
        for some in [[Some(0.0), None, Some(0.1)], [None, Some(0.1), Some(0.2)]] {
            let (written, said) = write(&some);
            assert_eq!(written, None);
            assert!(said.is_some_and(|said| said.contains("of 3 frames")));
        }
    }
}
