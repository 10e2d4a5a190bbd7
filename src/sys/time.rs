//! The monotonic clock.

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub fn monotonic_ns() -> u64 {
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `ts` is a valid, writable timespec for the length of the call. CLOCK_MONOTONIC
    // exists on every Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

/// The unit in which `/proc/stat` counts processor time: so many are a second.
pub fn ticks_a_second() -> f64 {
    // SAFETY: takes no pointer; every Linux knows _SC_CLK_TCK.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}
