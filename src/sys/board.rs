//! A page of counters that a parent and its workers share, readable after any of them died.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, RawFd};
use std::sync::atomic::AtomicU64;

/// Lines are a cache line each, so that workers do not slow each other down.
const STRIDE: usize = size_of::<Line>();

/// The cells of one cache line.
pub type Line = [AtomicU64; 8];

/// Lines of atomic cells in an anonymous shared file (`memfd`): it has no name, so nothing is left
/// of it when the last process that has it goes.
#[derive(Debug)]
pub struct Board {
    file: File,
    map: memmap2::MmapRaw,
}

impl Board {
    /// A board of so many lines of zeros.
    pub fn create(lines: usize) -> io::Result<Self> {
        // SAFETY: the name is a valid C string; the call has no other requirement.
        let fd = unsafe { libc::memfd_create(c"framehaul-board".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just created and nobody else owns it.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len((lines * STRIDE) as u64)?;
        Self::over(file)
    }

    /// The board behind a descriptor inherited from the process that created it, which must have
    /// left it open for this one; see [`super::process::spawn`].
    pub fn inherited(fd: RawFd) -> io::Result<Self> {
        // SAFETY: the caller's command line named this descriptor, which the parent left open for
        // this process alone; it is taken over once, at start.
        let file = unsafe { File::from_raw_fd(fd) };
        Self::over(file)
    }

    fn over(file: File) -> io::Result<Self> {
        let map = memmap2::MmapRaw::map_raw(&file)?;
        Ok(Self { file, map })
    }

    /// Line `index`: cells that lie together and apart from all others.
    ///
    /// # Panics
    /// If the board has no such line.
    pub fn line(&self, index: usize) -> &Line {
        assert!((index + 1) * STRIDE <= self.map.len(), "no line {index}");
        // SAFETY: in bounds by the assertion, aligned because maps start on a page and STRIDE is a
        // multiple of 8, alive as long as `self`, and only ever accessed as AtomicU64, here and in
        // every process that maps it.
        unsafe { &*self.map.as_mut_ptr().add(index * STRIDE).cast::<Line>() }
    }

    /// The number to give to a process that inherits the descriptor.
    pub fn fd_number(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl AsFd for Board {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn two_maps_of_one_board_see_each_others_writes() {
        let board = Board::create(3).unwrap();
        let other = Board::over(board.file.try_clone().unwrap()).unwrap();
        board.line(2)[1].store(7, Ordering::Relaxed);
        assert_eq!(other.line(2)[1].load(Ordering::Relaxed), 7);
        assert_eq!(other.line(1)[1].load(Ordering::Relaxed), 0);
    }
}
