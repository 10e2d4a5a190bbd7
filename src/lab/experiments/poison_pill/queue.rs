//! The lecture's queue: one for all workers, and behind its tasks a sentinel for each of them.
//!
//! It is first in, first out by how it is made, as the lecture's is; what trials can show is whether all that
//! is in it was done once, in that order, by workers that are processes, some of which have no processor.

use crate::coordination::{SharedArray, SharedValue};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::thread::yield_now;

/// What has not been put yet.
const EMPTY: u64 = 0;

/// Who takes this ends.
const SENTINEL: u64 = u64::MAX;

/// Numbers in the order in which they are put, each taken by one worker. One process puts, any
/// number of them take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Queue {
    places: SharedArray<u64>,
    /// How many have been taken, or are waited for.
    taken: SharedValue<u64>,
}

impl Queue {
    /// Room for so many tasks and so many sentinels.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub(super) fn new(tasks: u64, workers: u64) -> Result<Self> {
        Ok(Self {
            places: SharedArray::new((tasks + workers) as usize)?,
            taken: SharedValue::new(0)?,
        })
    }

    /// Puts the tasks, numbered from 1, and a sentinel into each place behind them.
    pub(super) fn fill(&self, tasks: u64) {
        for place in 0..self.places.len() as u64 {
            let what = if place < tasks { place + 1 } else { SENTINEL };
            self.places.store(place as usize, what);
        }
    }

    /// The next task, once there is one; none for a sentinel.
    pub(super) fn take(&self) -> Option<u64> {
        let place = self.taken.fetch_add(1) as usize;
        loop {
            match self.places.load(place) {
                // Whoever puts is this worker's parent, which it does not outlive.
                EMPTY => yield_now(),
                SENTINEL => return None,
                task => return Some(task),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_their_order_and_then_a_sentinel_for_each() {
        let queue = Queue::new(3, 2).unwrap();
        queue.fill(3);
        let taken: Vec<_> = (0..5).map(|_| queue.take()).collect();
        assert_eq!(taken, [Some(1), Some(2), Some(3), None, None]);
    }
}
