//! The machine's own limits. STUB: contract only.
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// What this machine can do, measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes copied a second (read once, written once, counted once), in 1e9.
    pub memcpy_gb_per_s: f64,
    /// Bytes read a second, in 1e9.
    pub read_gb_per_s: f64,
    /// Median round trip of a blocking wake-up between two processes or threads.
    pub wakeup_us: f64,
}

impl Limits {
    /// Measures in a helper process (this executable, started again through a hidden entry) that
    /// is gone when this returns.
    pub fn measure(_threads: usize) -> Result<Self> {
        todo!()
    }
}
