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
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointer and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 4 << 20);
    }
}

/// Where the address space is limited, has all threads take their memory from one place: the
/// allocator would set 64 MiB aside for each.
pub fn save_address_space() {
    #[cfg(target_env = "gnu")]
    if limit(libc::RLIMIT_AS) != libc::RLIM_INFINITY {
        // SAFETY: takes no pointer and may be called at any time.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}

/// The size that a file of this process may have at most (RLIMIT_FSIZE), in bytes.
pub fn largest_file() -> u64 {
    limit(libc::RLIMIT_FSIZE)
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// What of something this process may have at most.
fn limit(what: Resource) -> u64 {
    // SAFETY: all zeros is a valid rlimit, and it is writable for the call.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(what, &raw mut limit) != 0 {
            return libc::RLIM_INFINITY;
        }
        limit.rlim_cur
    }
}
