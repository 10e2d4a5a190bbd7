//! Processor time, faults and context switches. STUB: contract only.
use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};

/// What the kernel counted (`getrusage`), of one process or summed over several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// This process, all its threads, so far.
    pub fn of_self() -> Self {
        todo!()
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(self, _other: Self) -> Self {
        todo!()
    }
}

impl Sub for Usage {
    type Output = Self;
    fn sub(self, _other: Self) -> Self {
        todo!()
    }
}
impl Usage {
    pub(crate) fn from_rusage(_usage: &libc::rusage) -> Self {
        todo!()
    }
}
