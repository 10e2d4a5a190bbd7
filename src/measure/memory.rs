//! Peak memory over several processes. STUB: contract only.
use serde::{Deserialize, Serialize};

/// The highest sums seen over all sampled processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryPeak {
    /// Anonymous memory (RssAnon).
    pub anon_bytes: u64,
    /// Shared memory (RssShmem).
    pub shared_bytes: u64,
}

/// A thread that samples `/proc/PID/status` of this process and others.
pub struct MemorySampler {}

impl MemorySampler {
    /// Starts sampling this process and whatever `pids` returns at each sample.
    pub fn start(_pids: impl Fn() -> Vec<u32> + Send + 'static) -> Self {
        todo!()
    }
    /// One last sample, then the peak since the start; the thread is gone.
    pub fn finish(self) -> MemoryPeak {
        todo!()
    }
}
