//! `thumbnails.npy`: what `thumbnail` found, all frames in one array.
//!
//! It is of shape (N, h, w, C), a frame of the run's range each, and all zeros where a frame
//! failed. Thumbnails are written where they belong as they arrive, in whatever order, so that
//! their number costs no memory.

use crate::error::{Error, Result};
use crate::frame::{FrameFormat, Sample};
use crate::source::npy_header::{DATA_OFFSET, Header};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The file while a pass fills it.
#[derive(Debug)]
pub(in super::super) struct Thumbnails {
    path: PathBuf,
    file: File,
    format: FrameFormat,
}

impl Thumbnails {
    /// A file for so many thumbnails of that format, all of them zeros.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(in super::super) fn create(path: &Path, format: FrameFormat, frames: u64) -> Result<Self> {
        let file = File::create(path).map_err(Error::io(path, "cannot create"))?;
        let this = Self {
            path: path.to_owned(),
            file,
            format,
        };
        this.resize(frames)?;
        Ok(this)
    }

    /// Writes the thumbnails of consecutive frames, the first of which is the pass's frame `at`.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(in super::super) fn put(&self, at: u64, pixels: &[u8]) -> Result<()> {
        let written = self.file.write_all_at(pixels, self.offset(at));
        written.map_err(Error::io(&self.path, "cannot write"))
    }

    /// Makes it the file of so many thumbnails: a pass that was cut short has fewer than planned.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(in super::super) fn resize(&self, frames: u64) -> Result<()> {
        let descr = match self.format.sample {
            Sample::U8 => "|u1",
            Sample::U16 => "<u2",
        };
        let axes = self.format.shape().into_iter().map(|axis| axis as u64);
        let shape: Vec<u64> = std::iter::once(frames).chain(axes).collect();
        let header = Header::new(descr, &shape).to_bytes();
        let written = self.file.write_all_at(&header, 0);
        written
            .and_then(|()| self.file.set_len(self.offset(frames)))
            .map_err(Error::io(&self.path, "cannot write"))
    }

    fn offset(&self, at: u64) -> u64 {
        // Beyond what a file can be, the system says so.
        at.saturating_mul(self.format.bytes() as u64)
            .saturating_add(DATA_OFFSET as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Colour;

    #[test]
    fn thumbnails_lie_where_they_belong_however_they_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thumbnails.npy");
        let format = FrameFormat::new(2, 1, Colour::Gray, Sample::U16);
        let file = Thumbnails::create(&path, format, 5).unwrap();
        for (at, bytes) in [(2, vec![3; 4]), (0, vec![1; 4]), (4, vec![5; 4])] {
            file.put(at, &bytes).unwrap();
        }
        file.resize(4).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (header, data) = Header::parse(&bytes).unwrap();
        assert_eq!(header, Header::new("<u2", &[4, 1, 2, 1]));
        assert_eq!(
            bytes[data..],
            [1, 1, 1, 1, 0, 0, 0, 0, 3, 3, 3, 3, 0, 0, 0, 0]
        );
    }

    #[test]
    fn a_place_that_cannot_be_and_a_size_that_cannot_be_are_named() {
        let format = FrameFormat::new(2, 1, Colour::Gray, Sample::U16);
        let create = |path: &str, frames| {
            let error = Thumbnails::create(Path::new(path), format, frames).unwrap_err();
            error.to_string()
        };
        assert!(create("/proc/thumbnails.npy", 1).starts_with("/proc/thumbnails.npy: cannot"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thumbnails.npy");
        assert!(create(&path.to_string_lossy(), u64::MAX).contains("cannot write"));
    }
}
