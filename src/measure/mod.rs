//! Measuring without printing: histograms a stage, memory, processor time, the machine's limits.

mod limits;
mod memory;
mod stages;
mod usage;

pub use limits::Limits;
pub use memory::{MemoryPeak, MemorySampler};
pub use stages::StageHistograms;
pub use usage::Usage;

/// Bytes of memory that new work may use.
pub fn available_memory() -> u64 {
    todo!()
}
