//! Processor time, faults and context switches.

use crate::clock::Nanos;
use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};

/// What the kernel counted (`getrusage`), of one process or summed over several.
///
/// ```
/// use framehaul::measure::Usage;
/// let before = Usage::of_self();
/// let touched: Vec<u8> = vec![1; 1 << 24];
/// let cost = Usage::of_self() - before;
/// assert!(cost.minor_faults > 0, "{} fresh bytes", touched.len());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usage {
    /// Seconds in user mode.
    pub user_s: f64,
    /// Seconds in the kernel.
    pub system_s: f64,
    /// Page faults served without I/O.
    pub minor_faults: u64,
    /// Page faults that waited for I/O.
    pub major_faults: u64,
    /// Times it gave the processor up.
    pub voluntary_switches: u64,
    /// Times the processor was taken from it.
    pub involuntary_switches: u64,
}

impl Usage {
    /// Nothing.
    pub const NONE: Self = Self {
        user_s: 0.0,
        system_s: 0.0,
        minor_faults: 0,
        major_faults: 0,
        voluntary_switches: 0,
        involuntary_switches: 0,
    };

    /// This process, all its threads, so far.
    pub fn of_self() -> Self {
        Self::from_rusage(&crate::sys::usage::of_self())
    }

    /// All child processes of this one that have ended and been waited for, and theirs.
    pub fn of_ended_children() -> Self {
        Self::from_rusage(&crate::sys::usage::of_ended_children())
    }

    /// The calling thread alone, so far.
    #[cfg(feature = "video")]
    pub(crate) fn of_this_thread() -> Self {
        Self::from_rusage(&crate::sys::usage::of_this_thread())
    }

    /// From the kernel's own struct, as `wait4` fills it for a process that has ended.
    pub(crate) fn from_rusage(usage: &libc::rusage) -> Self {
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        let count = |n: libc::c_long| u64::try_from(n).unwrap_or(0);
        Self {
            user_s: seconds(usage.ru_utime),
            system_s: seconds(usage.ru_stime),
            minor_faults: count(usage.ru_minflt),
            major_faults: count(usage.ru_majflt),
            voluntary_switches: count(usage.ru_nvcsw),
            involuntary_switches: count(usage.ru_nivcsw),
        }
    }

    /// How many cores were busy on average over `wall` nanoseconds; 0 if no time has passed.
    pub fn cores_busy(&self, wall: Nanos) -> f64 {
        if wall == 0 {
            return 0.0;
        }
        (self.user_s + self.system_s) / (wall as f64 / 1e9)
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            user_s: self.user_s + other.user_s,
            system_s: self.system_s + other.system_s,
            minor_faults: self.minor_faults.saturating_add(other.minor_faults),
            major_faults: self.major_faults.saturating_add(other.major_faults),
            voluntary_switches: self
                .voluntary_switches
                .saturating_add(other.voluntary_switches),
            involuntary_switches: self
                .involuntary_switches
                .saturating_add(other.involuntary_switches),
        }
    }
}

/// The growth from `other`, an earlier reading; never below zero.
impl Sub for Usage {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            user_s: (self.user_s - other.user_s).max(0.0),
            system_s: (self.system_s - other.system_s).max(0.0),
            minor_faults: self.minor_faults.saturating_sub(other.minor_faults),
            major_faults: self.major_faults.saturating_sub(other.major_faults),
            voluntary_switches: self
                .voluntary_switches
                .saturating_sub(other.voluntary_switches),
            involuntary_switches: self
                .involuntary_switches
                .saturating_sub(other.involuntary_switches),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_user_time_and_faults() {
        let before = Usage::of_self();
        // Fresh from the system, which an allocator's memory need not be.
        let mut x = memmap2::MmapMut::map_anon(1 << 20).unwrap();
        let start = crate::clock::now();
        // Work is counted, not waited for: the loop ends when the kernel has seen it.
        let mut used = Usage::default();
        while used.user_s + used.system_s < 0.02 {
            for (i, v) in x.iter_mut().enumerate() {
                *v = v.wrapping_mul(31).wrapping_add(i as u8);
            }
            used = Usage::of_self() - before;
        }
        let wall = crate::clock::now() - start;
        assert!(used.minor_faults > 0, "{used:?} {}", x[7]);
        assert!(used.cores_busy(wall) > 0.0);
        assert_eq!(used.cores_busy(0), 0.0);
    }

    #[test]
    fn a_difference_never_falls_below_zero_and_a_sum_never_overflows() {
        let much = Usage {
            user_s: 2.0,
            system_s: 1.0,
            minor_faults: u64::MAX,
            major_faults: 4,
            voluntary_switches: 5,
            involuntary_switches: 6,
        };
        assert_eq!(Usage::default() - much, Usage::default());
        assert_eq!((much + much).minor_faults, u64::MAX);
        assert_eq!((much + much).major_faults, 8);
        assert_eq!((much + much).user_s, 4.0);
        assert_eq!(much.cores_busy(1_500_000_000), 2.0);
    }
}
