//! Measuring without printing: histograms a stage, memory, processor time, the machine's limits.
//!
//! ```
//! use framehaul::{clock, measure::{MemorySampler, StageHistograms, Usage}, stage::Stage};
//! let (sampler, before) = (MemorySampler::start(Vec::new), Usage::of_self());
//! let mut stages = StageHistograms::new();
//! for _ in 0..10 {
//!     let begin = clock::now();
//!     std::hint::black_box((0..1000u64).sum::<u64>());
//!     stages.record(Stage::Compute, clock::now() - begin);
//! }
//! let (cost, peak) = (Usage::of_self() - before, sampler.finish());
//! assert_eq!(stages.get(Stage::Compute).len(), 10);
//! assert!(cost.user_s >= 0.0 && peak.anon_bytes > 0);
//! ```

mod cgroup;
#[cfg(feature = "video")]
mod limits;
#[cfg(feature = "video")]
mod machine;
#[cfg(feature = "video")]
mod memory;
#[cfg(feature = "video")]
mod noise;
#[cfg(feature = "video")]
mod reads;
#[cfg(feature = "video")]
mod spread;
#[cfg(feature = "video")]
mod stages;
#[cfg(feature = "video")]
mod survey;
#[cfg(feature = "video")]
mod timeline;
mod usage;

pub use cgroup::{Cgroup, GroupMemory, oom_kills};
#[cfg(feature = "cli")]
pub(crate) use limits::READS;
#[cfg(feature = "video")]
pub use limits::{KernelCosts, Limits};
#[cfg(feature = "video")]
pub use machine::Machine;
#[cfg(feature = "video")]
pub use memory::{LatestMemory, MemoryCourse, MemoryPeak, MemorySampler, available_memory};
#[cfg(feature = "video")]
pub use noise::{Noise, NoiseProbe};
#[cfg(feature = "video")]
pub use reads::BytesRead;
#[cfg(feature = "video")]
pub use spread::Spread;
#[cfg(feature = "video")]
pub use stages::{LONGEST, StageHistograms, percentile};
#[cfg(feature = "video")]
pub use survey::{Ffmpeg, HugePages, ShmSpace, Survey};
#[cfg(feature = "video")]
pub use timeline::{Join, Timeline};
pub use usage::Usage;
