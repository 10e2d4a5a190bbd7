//! What the kernel counted of a process.

/// `getrusage` of this process, all its threads, so far.
pub fn of_self() -> libc::rusage {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is valid for writes of one rusage for the length of the call. RUSAGE_SELF
    // with a valid pointer cannot fail, and were it to, the zeroes stay: all zeroes is a valid
    // rusage, a struct of plain integers.
    unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    }
}
