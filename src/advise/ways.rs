//! The ways in which work can be done.

use crate::transport::{self, Placement};
use serde::Serialize;
use std::fmt;

/// The way of jobs in worker processes, for which there is one.
pub(super) const PROCESSES: &str = "processes";

/// One way to do the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Way {
    /// A mode's name; `sequential`, `threads` or `processes` for jobs.
    pub mode: String,
    /// Who takes part.
    pub workers: usize,
    /// Frames a job, or jobs that are handed over at a time.
    pub batch: u64,
}

impl Way {
    pub(super) fn new(mode: &str, workers: usize, batch: u64) -> Self {
        Self {
            mode: mode.to_owned(),
            workers,
            batch,
        }
    }

    /// Whether it is one thread.
    pub(super) fn is_sequential(&self) -> bool {
        self.mode == "sequential"
    }

    /// Whether it is done in worker processes.
    pub(super) fn is_processes(&self) -> bool {
        let mode = transport::by_name(&self.mode);
        self.mode == PROCESSES || mode.is_ok_and(|mode| mode.placement() == Placement::Processes)
    }

    /// Whether it shows what handing over costs: a worker process for each of so many processors.
    pub(super) fn shows_overhead(&self, processors: usize) -> bool {
        self.is_processes() && self.workers == processors
    }

    /// Whether it is no better than the other but for a number of workers.
    pub(super) fn is_akin(&self, other: &Self) -> bool {
        (&self.mode, self.batch) == (&other.mode, other.batch)
    }

    /// Of ways that are as fast, the one that asks least of the machine and of its user: no
    /// workers; processes that are sent a reference, which may crash alone; threads; and only then
    /// processes that are sent the pixels. Fewer workers, and smaller batches.
    pub(super) fn rank(&self) -> (usize, usize, u64) {
        const ORDER: [&str; 7] = [
            "sequential",
            "mmap",
            "path",
            PROCESSES,
            "shm",
            "threads",
            "payload-raw",
        ];
        let place = ORDER.iter().position(|mode| *mode == self.mode);
        (place.unwrap_or(ORDER.len()), self.workers, self.batch)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mode,
            workers,
            batch,
        } = self;
        let s = if *workers == 1 { "" } else { "s" };
        match self.is_sequential() {
            true => write!(f, "{mode}"),
            false => write!(f, "{mode}, {workers} worker{s}, {batch} at a time"),
        }
    }
}

/// Numbers of workers worth trying on so many processors: powers of two, all of them, and twice as
/// many, for work that waits.
/// All of them come first: who is far behind with these is so with any.
pub(super) fn workers(processors: usize) -> Vec<usize> {
    let powers = (0..).map(|n| 1 << n).take_while(|n| *n < processors);
    std::iter::once(processors)
        .chain(powers)
        .chain([2 * processors])
        .collect()
}

/// A batch may take so long, or outcomes come in gusts and workers do not end together.
const LONGEST: f64 = 0.02;

/// And so many bytes.
const MOST_BYTES: u64 = 16 << 20;

/// Every batch begins with a look back, where there is one: it is the least part of so many frames, and
/// of more it is hardly less.
const LOOKED_BACK_ENOUGH: u64 = 16;

/// Batches worth trying for `count` pieces of work, of so many seconds and bytes each, of which the
/// first of a batch `looks_back` at the one before it.
pub(super) fn batches(
    count: u64,
    workers: usize,
    work: f64,
    bytes: u64,
    looks_back: bool,
) -> Vec<u64> {
    let each = [1, 4, 16, 64, 256, 1024].into_iter();
    each.filter(|&batch| {
        let is_small = batch * bytes <= MOST_BYTES && batch as f64 * work <= LONGEST;
        let fits = is_small || looks_back && batch <= LOOKED_BACK_ENOUGH;
        let jobs_each = if is_small { 4 } else { 2 };
        batch == 1 || (fits && batch <= count / (jobs_each * workers as u64))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_go_up_to_twice_the_processors() {
        assert_eq!(workers(1), [1, 2]);
        assert_eq!(workers(2), [2, 1, 4]);
        assert_eq!(workers(12), [12, 1, 2, 4, 8, 24]);
    }

    #[test]
    fn batches_are_of_little_work_and_few_bytes_and_everybody_gets_some() {
        let batches = |count, workers, work, bytes| batches(count, workers, work, bytes, false);
        assert_eq!(batches(1 << 20, 2, 1e-6, 1000), [1, 4, 16, 64, 256, 1024]);
        assert_eq!(batches(1 << 20, 2, 1e-3, 1000), [1, 4, 16]);
        assert_eq!(batches(1 << 20, 2, 1e-6, 1 << 20), [1, 4, 16]);
        assert_eq!(batches(1 << 20, 2, 1e-6, 50 << 20), [1]);
        assert_eq!(batches(128, 2, 1e-6, 1000), [1, 4, 16]);
        assert_eq!(batches(3, 2, 1e-6, 1000), [1]);
    }

    #[test]
    fn a_look_back_is_shared_by_a_batch_however_heavy_its_frames() {
        let batches = |count, bytes| batches(count, 2, 0.03, bytes, true);
        assert_eq!(batches(1 << 20, 50 << 20), [1, 4, 16]);
        assert_eq!(batches(40, 50 << 20), [1, 4]);
        assert_eq!(batches(15, 1000), [1]);
    }

    #[test]
    fn of_equals_the_simplest_comes_first() {
        let ways = [
            Way::new("sequential", 1, 1),
            Way::new("mmap", 1, 1),
            Way::new("mmap", 2, 1),
            Way::new("mmap", 2, 4),
            Way::new("path", 1, 1),
            Way::new("threads", 2, 1),
            Way::new("payload", 1, 1),
        ];
        assert!(ways.is_sorted_by_key(Way::rank));
    }
}
