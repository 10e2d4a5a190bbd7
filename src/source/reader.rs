//! From a place to bytes in memory.

use super::{FrameSet, images, npy};
use crate::frame::FrameFormat;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Reads single frames into memory, keeping files open between calls.
#[derive(Debug, Default)]
pub struct Reader {
    /// The most recently used files, the latest first.
    open: Vec<(PathBuf, File)>,
}

/// Files that a reader keeps open. A packed set or video needs one; of single frames each is
/// read once.
const KEPT_OPEN: usize = 4;

impl Reader {
    /// Reads or decodes one frame into `into`, which has exactly the frame's bytes and is best used
    /// again and again: fresh memory costs more than the copy. `offset` is None for an encoded file.
    ///
    /// # Errors
    /// One sentence naming the file, what was wrong, and what was expected. What `into` then
    /// holds is of no meaning.
    ///
    /// # Panics
    /// If `into` has another length than [`FrameFormat::bytes`].
    pub fn read(
        &mut self,
        path: &Path,
        offset: Option<u64>,
        format: FrameFormat,
        into: &mut [u8],
    ) -> std::result::Result<(), String> {
        assert_eq!(into.len(), format.bytes(), "the buffer of one frame");
        match offset {
            Some(offset) => read_raw(self.file(path)?, path, offset, into),
            None if super::extension(path) == "npy" => {
                let file = self.file(path)?;
                let offset = npy::single_frame(path, file, format)?;
                read_raw(file, path, offset, into)
            }
            None => images::decode(path, format, into),
        }
    }

    /// Reads or decodes frame `index` of `set` like [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there, and if `index` is not below the set's length.
    pub fn frame(
        &mut self,
        set: &FrameSet,
        index: usize,
        into: &mut [u8],
    ) -> std::result::Result<(), String> {
        let (path, offset) = set.file_of(index);
        self.read(path, offset, set.format(), into)
    }

    fn file(&mut self, path: &Path) -> Result<&File, String> {
        if let Some(found) = self.open.iter().position(|(name, _)| name == path) {
            self.open[..=found].rotate_right(1);
        } else {
            let file =
                File::open(path).map_err(|e| format!("{}: cannot open: {e}", path.display()))?;
            self.open.truncate(KEPT_OPEN - 1);
            self.open.insert(0, (path.to_path_buf(), file));
        }
        Ok(&self.open[0].1)
    }
}

fn read_raw(file: &File, path: &Path, offset: u64, into: &mut [u8]) -> Result<(), String> {
    let cannot = |e: io::Error| format!("{}: cannot read: {e}", path.display());
    let into_len = into.len() as u64;
    let size = file.metadata().map_err(cannot)?.len();
    let beyond = |size: u64| beyond_end(path, offset, into_len, size);
    if offset.checked_add(into_len).is_none_or(|end| end > size) {
        return Err(beyond(size));
    }
    file.read_exact_at(into, offset).map_err(|e| {
        // Only a file that became shorter between the check and now ends early.
        if e.kind() == io::ErrorKind::UnexpectedEof {
            beyond(file.metadata().map_or(0, |meta| meta.len()))
        } else {
            cannot(e)
        }
    })
}

/// The sentence for a frame that its file does not hold, or not any more: `there` bytes are left.
pub(crate) fn beyond_end(path: &Path, offset: u64, len: u64, there: u64) -> String {
    format!(
        "frame lies beyond the end of {}: it needs bytes {offset} to {}, the file has {there} \
         (truncated?)",
        path.display(),
        offset.saturating_add(len)
    )
}

/// Up to `most` bytes from `at` on; fewer only at the end of the file.
pub(super) fn read_up_to(file: &File, at: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let mut filled = 0;
    while filled < most {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
