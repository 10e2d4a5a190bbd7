//! Where frames come from.
//!
//! STUB: contract only.

use crate::error::Result;
use crate::frame::FrameFormat;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Many frames on disk, opened and checked; no pixel has been read.
#[derive(Clone, Debug)]
pub struct FrameSet {}

/// Where one frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Its bytes, as they are, from `offset` on in `files()[file]`.
    Raw {
        /// Index into [`FrameSet::files`].
        file: u32,
        /// Byte offset of the frame's first sample.
        offset: u64,
    },
    /// Compressed, alone in `files()[file]`: it must be decoded.
    Encoded {
        /// Index into [`FrameSet::files`].
        file: u32,
    },
}

impl FrameSet {
    /// Opens a generated set's folder, a `.npy`, a `.y4m`, a folder or glob of images.
    pub fn open(_input: &str) -> Result<Self> {
        todo!()
    }
    /// What the user typed.
    pub fn input(&self) -> &str {
        todo!()
    }
    /// Frames it says it has, including those cut off.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Never true: a set without frames is refused when opened.
    pub fn is_empty(&self) -> bool {
        false
    }
    /// The format that every frame has (or is failed for not having).
    pub fn format(&self) -> FrameFormat {
        todo!()
    }
    /// The rate its header or manifest states.
    pub fn fps(&self) -> Option<f64> {
        todo!()
    }
    /// The files, in order.
    pub fn files(&self) -> &[PathBuf] {
        todo!()
    }
    /// Where frame `index` (below `len`) lies.
    pub fn place(&self, _index: usize) -> Place {
        todo!()
    }
    /// Whether all frames are raw bytes in files, so that they can be mapped.
    pub fn mappable(&self) -> bool {
        todo!()
    }
}

/// Reads single frames into memory, keeping files open between calls.
#[derive(Debug, Default)]
pub struct Reader {}

impl Reader {
    /// Reads or decodes one frame into `into`, which is resized to exactly the frame's bytes and
    /// may be reused between calls. `offset` is None for an encoded file. The error is one
    /// sentence naming the file, what was wrong, and what was expected.
    pub fn read(
        &mut self,
        _path: &Path,
        _offset: Option<u64>,
        _format: FrameFormat,
        _into: &mut [u8],
    ) -> std::result::Result<(), String> {
        todo!()
    }
}

/// The sentence for a frame that its file does not hold any more.
pub fn beyond_end(path: &Path, offset: u64, len: u64, there: u64) -> String {
    format!("{}: {offset} {len} {there}", path.display())
}
