//! This process's memory.

/// The size of a page of memory, in bytes.
pub fn page_size() -> usize {
    // SAFETY: takes no pointer; every Linux knows _SC_PAGESIZE.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// Gives memory that was freed back to the system, which the allocator otherwise keeps for later:
/// to be called between two phases whose memory is measured apart.
pub fn trim() {
    // SAFETY: takes no pointer and may be called at any time, from any thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}
