//! This process's memory.

/// The size of a page of memory, in bytes.
pub fn page_size() -> usize {
    // SAFETY: takes no pointer; every Linux knows _SC_PAGESIZE.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// From now on, blocks of 4 MiB and more go back to the system when they are freed, instead of being
/// kept by the allocator for later: frames, and the buffers that they are serialised into. Without
/// it a mode would be charged for the memory of the one that ran before it.
pub fn give_back_large_blocks() {
    // SAFETY: takes no pointer and may be called at any time.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 4 << 20);
    }
}

/// The size that a file of this process may have at most (RLIMIT_FSIZE), in bytes.
pub fn largest_file() -> u64 {
    // SAFETY: all zeros is a valid rlimit, and it is writable for the call.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) != 0 {
            return u64::MAX;
        }
        limit.rlim_cur
    }
}
