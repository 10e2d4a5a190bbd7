//! From a place to bytes in memory.

use super::{images, npy};
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
    /// Reads or decodes one frame into `into`, which is resized to exactly the frame's bytes and
    /// may be reused between calls. `offset` is None for an encoded file.
    ///
    /// # Errors
    /// One sentence naming the file, what was wrong, and what was expected. What `into` then
    /// holds is of no meaning.
    pub fn read(
        &mut self,
        path: &Path,
        offset: Option<u64>,
        format: FrameFormat,
        into: &mut Vec<u8>,
    ) -> std::result::Result<(), String> {
        match offset {
            Some(offset) => read_raw(self.file(path)?, path, offset, format, into),
            None if super::extension(path) == "npy" => {
                let file = self.file(path)?;
                let offset = npy::single_frame(path, file, format)?;
                read_raw(file, path, offset, format, into)
            }
            None => images::decode(path, format, into),
        }
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

fn read_raw(
    file: &File,
    path: &Path,
    offset: u64,
    format: FrameFormat,
    into: &mut Vec<u8>,
) -> Result<(), String> {
    let cannot = |e: io::Error| format!("{}: cannot read: {e}", path.display());
    let size = file.metadata().map_err(cannot)?.len();
    let beyond = |size: u64| {
        format!(
            "frame lies beyond the end of {}: it needs bytes {offset} to {}, the file has {size} \
             (truncated?)",
            path.display(),
            offset.saturating_add(format.bytes() as u64)
        )
    };
    if offset
        .checked_add(format.bytes() as u64)
        .is_none_or(|end| end > size)
    {
        return Err(beyond(size));
    }
    fit(into, format.bytes());
    file.read_exact_at(into, offset).map_err(|e| {
        // Only a file that became shorter between the check and now ends early.
        if e.kind() == io::ErrorKind::UnexpectedEof {
            beyond(file.metadata().map_or(0, |meta| meta.len()))
        } else {
            cannot(e)
        }
    })
}

/// Makes `into` exactly `bytes` long. A first allocation comes zeroed from the system, and one of
/// the right length is left as it is: what it holds is about to be overwritten.
pub(super) fn fit(into: &mut Vec<u8>, bytes: usize) {
    if into.capacity() < bytes {
        *into = vec![0; bytes];
    } else {
        into.resize(bytes, 0);
    }
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
