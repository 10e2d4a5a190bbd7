//! The page cache: what of a file is in it, how to fill it, how to empty it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// So much of a file is looked at at once. It takes as much address space, which may be limited.
const WINDOW: u64 = 8 << 20;

/// Bytes of `file` that are in the page cache, and the file's length.
pub fn resident(file: &File) -> io::Result<(u64, u64)> {
    let len = file.metadata()?.len();
    let mut there = 0;
    for offset in (0..len).step_by(WINDOW as usize) {
        there += resident_within(file, offset, WINDOW.min(len - offset) as usize)?;
    }
    Ok((there, len))
}

fn resident_within(file: &File, offset: u64, len: usize) -> io::Result<u64> {
    let mut options = memmap2::MmapOptions::new();
    options.offset(offset).len(len);
    // SAFETY: the map is never read, only asked about; a shrinking file cannot raise SIGBUS.
    let map = unsafe { options.map(file)? };
    let page = super::memory::page_size();
    let mut pages = vec![0u8; len.div_ceil(page)];
    // SAFETY: `pages` has one byte for each page of the map.
    let rc = unsafe { libc::mincore(map.as_ptr() as *mut _, len, pages.as_mut_ptr()) };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    let there = pages.iter().filter(|&&state| state & 1 != 0).count();
    Ok((there * page).min(len) as u64)
}

/// Asks the kernel to drop the file's clean pages (dirty ones are written out first).
pub fn evict(file: &File) -> io::Result<()> {
    file.sync_data()?;
    // SAFETY: plain system call on an open descriptor.
    let rc = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(rc))
    }
}

/// Reads the file once, so that it is in the page cache as far as memory allows.
pub fn fill(file: &File) -> io::Result<()> {
    let mut buffer = vec![0u8; 1 << 20];
    let mut at = 0;
    loop {
        match file.read_at(&mut buffer, at)? {
            0 => return Ok(()),
            read => at += read as u64,
        }
    }
}
