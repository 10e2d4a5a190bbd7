//! What the kernel counted of a process, or of a thread.

/// `getrusage` of this process, all its threads, so far.
pub fn of_self() -> libc::rusage {
    usage(libc::RUSAGE_SELF)
}

/// `getrusage` of all children of this process that have ended and been waited for, and theirs.
pub fn of_ended_children() -> libc::rusage {
    usage(libc::RUSAGE_CHILDREN)
}

/// `getrusage` of the calling thread alone.
pub fn of_this_thread() -> libc::rusage {
    usage(libc::RUSAGE_THREAD)
}

fn usage(who: libc::c_int) -> libc::rusage {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is valid for writes of one rusage for the length of the call. It cannot fail
    // with a valid pointer and any of these `who`, and were it to, the zeroes stay: all zeroes is a valid
    // rusage, a struct of plain integers.
    unsafe {
        libc::getrusage(who, usage.as_mut_ptr());
        usage.assume_init()
    }
}
