//! What something takes of memory, over all processes that have a part in it.

use crate::error::Result;
use crate::measure::{MemoryPeak, MemorySampler};
use crate::pool::Pids;

/// What the processes hold now: of a pool and of this one.
pub(super) fn at_rest(pids: &Pids) -> MemoryPeak {
    let pids = pids.clone();
    MemorySampler::start(move || pids.list()).finish()
}

/// The most anonymous memory, in bytes, that they take above what they held at rest while `act` is
/// done.
pub(super) fn above(
    rest: MemoryPeak,
    pids: &Pids,
    act: impl FnOnce() -> Result<()>,
) -> Result<f64> {
    rise(rest, pids, act).map(|peak| peak.anon_bytes as f64)
}

/// The same with shared memory, for two processes that both have it mapped: it is there once.
pub(super) fn above_with_shared(
    rest: MemoryPeak,
    pids: &Pids,
    act: impl FnOnce() -> Result<()>,
) -> Result<f64> {
    rise(rest, pids, act).map(|peak| peak.anon_bytes as f64 + 0.5 * peak.shared_bytes as f64)
}

fn rise(rest: MemoryPeak, pids: &Pids, act: impl FnOnce() -> Result<()>) -> Result<MemoryPeak> {
    let pids = pids.clone();
    let sampler = MemorySampler::start(move || pids.list());
    act()?;
    let peak = sampler.finish();
    Ok(MemoryPeak {
        anon_bytes: peak.anon_bytes.saturating_sub(rest.anon_bytes),
        shared_bytes: peak.shared_bytes.saturating_sub(rest.shared_bytes),
    })
}
