//! `findings.jsonl` of the whole, from those of the pieces.

use super::super::lines::{Lines, hexadecimal};
use super::heed;
use super::pieces::Piece;
use crate::error::{Error, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The file while pieces are appended.
pub(super) struct Findings {
    path: PathBuf,
    file: BufWriter<File>,
    digest: Sha256,
}

/// As much of a line as says whose it is.
#[derive(Deserialize)]
struct Line {
    frame: u64,
}

impl Findings {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::io(path, "cannot create"))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            digest: Sha256::new(),
        })
    }

    /// Appends a piece's findings.
    ///
    /// # Errors
    /// If they are not a line for each of its frames in order, or not what its report says that was
    /// found.
    pub(super) fn append(&mut self, piece: &Piece, stop: &AtomicBool) -> Result<()> {
        let path = piece.findings();
        let mut lines = Lines::open(&path)?;
        let frames = piece.report.workload.frames.clone();
        let mut next = frames.start;
        while let Some(line) = lines.next()? {
            heed(stop)?;
            let frame = serde_json::from_str::<Line>(line).map(|line| line.frame);
            if next == frames.end {
                let what = format!("is one too many: the run has frames {frames:?}");
                return Err(lines.damaged(&what));
            }
            if frame.ok() != Some(next) {
                let what = format!("is not the finding of frame {next}: the file is damaged");
                return Err(lines.damaged(&what));
            }
            next += 1;
            for part in [line.as_bytes(), b"\n"] {
                self.digest.update(part);
                let written = self.file.write_all(part);
                written.map_err(Error::io(&self.path, "cannot write"))?;
            }
        }
        if next < frames.end {
            let what = format!("ends before frame {next} of {frames:?}: the file is damaged");
            return Err(Error::input(path, what));
        }
        lines.check(&piece.report.findings_digest)
    }

    /// All were appended: the digest of the whole.
    pub(super) fn finish(mut self) -> Result<String> {
        let written = self.file.flush();
        written.map_err(Error::io(&self.path, "cannot write"))?;
        Ok(hexadecimal(self.digest))
    }
}
