//! Read-only maps of files.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// A whole file, mapped read-only and shared with everyone else who maps it.
///
/// If the file is truncated while it is mapped, touching the part that is gone raises SIGBUS.
/// The crate's answer is to check the length before each frame and to let the process boundary
/// contain the rest; see [`crate::transport`].
#[derive(Debug)]
pub struct FileMap(memmap2::Mmap);

impl FileMap {
    /// Maps all of `file` as it is now.
    pub fn new(file: &File) -> io::Result<Self> {
        // SAFETY: the map is read-only. Another process may change the file's bytes meanwhile,
        // which can change what a view reads but not the memory safety of plain integer loads;
        // kernels never trust a value read twice. A truncation raises SIGBUS, which ends the
        // process (a worker's death, supervised) rather than misbehaving in it.
        unsafe { memmap2::Mmap::map(file) }.map(Self)
    }
}

impl Deref for FileMap {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}
