//! A line from which workers start together.

use crate::coordination::SharedValue;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::thread::yield_now;

/// Holds workers back until all of them have come to it. It is for one start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StartLine {
    come: SharedValue<u64>,
    workers: u64,
}

impl StartLine {
    /// For so many.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub(super) fn new(workers: u32) -> Result<Self> {
        Ok(Self {
            come: SharedValue::new(0)?,
            workers: workers.into(),
        })
    }

    /// Comes to the line and waits for the others. One that dies on its way comes all the same: the
    /// pool has its job done by its successor.
    pub(super) fn wait(&self) {
        self.come.fetch_add(1);
        while !self.is_open() {
            // Others may be waiting for this processor.
            yield_now();
        }
    }

    /// Whether all have come.
    pub(super) fn is_open(&self) -> bool {
        self.come.load() >= self.workers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_starts_before_all_have_come() {
        let line = StartLine::new(2).unwrap();
        let (first, seen) = std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                line.wait();
                line.come.load()
            });
            let seen = line.is_open();
            line.wait();
            (first.join().unwrap(), seen)
        });
        assert!(!seen && line.is_open());
        assert_eq!(first, 2);
    }
}
