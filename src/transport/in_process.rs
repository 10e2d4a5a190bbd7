//! `sequential` and `threads`: the baselines that stay in this process.
//!
//! Raw frames are mapped, one map for all threads; compressed ones are decoded by the thread that
//! analyses them. A mapped file that shrinks ends the whole process here: isolation is what the
//! other modes pay for.

use super::mmap::{MmapIn, MmapOut};
use super::path::PathOut;
use super::{Family, Inbound, Known, Outbound, Placement, Transport};
use crate::frame::FrameFormat;
use crate::source::FrameSet;
use std::sync::Arc;

pub(super) struct InProcess {
    name: &'static str,
    summary: &'static str,
    placement: Placement,
}

pub(super) static SEQUENTIAL: InProcess = InProcess {
    name: "sequential",
    summary: "one thread of this process does everything: the baseline",
    placement: Placement::Inline,
};

pub(super) static THREADS: InProcess = InProcess {
    name: "threads",
    summary: "a rayon thread pool in this process: as fast as it gets, without isolation",
    placement: Placement::Threads,
};

impl Transport for InProcess {
    fn name(&self) -> &'static str {
        self.name
    }
    fn summary(&self) -> &'static str {
        self.summary
    }
    fn family(&self) -> Family {
        Family::InProcess
    }
    fn placement(&self) -> Placement {
        self.placement
    }
    fn outbound(&self, set: Arc<FrameSet>) -> Option<Box<dyn Outbound>> {
        Some(if set.mappable() {
            Box::new(MmapOut(set))
        } else {
            Box::new(PathOut(set))
        })
    }
    fn inbound(&self, known: &Known) -> Result<Box<dyn Inbound>, String> {
        Ok(Box::new(MmapIn::new(known)))
    }
    fn memory(&self, format: FrameFormat, _frames_a_job: u64) -> u64 {
        2 * format.bytes() as u64
    }
}
