//! Workers that write one array at the same time, without a lock: each a slice of its own, or all the
//! same.

use crate::coordination::SharedArray;
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::start_line::StartLine;
use crate::lab::work::together;
use crate::pool::{Context, Job, Never, Pool};
use serde::{Deserialize, Serialize};

const WORKERS: usize = 4;

/// Increments of one worker at a time: for some milliseconds, so that even workers that wait for one
/// processor take it from each other in the midst of it.
const TIMES: u64 = 1 << 23;

/// Counts in its slice of the array: reads the number, and writes the next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Count {
    array: SharedArray<u64>,
    slice: usize,
    line: StartLine,
}

impl Job for Count {
    type Setup = ();
    type State = ();
    type Output = ();
    type Error = Never;

    fn init(_: &()) -> std::result::Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> std::result::Result<(), Never> {
        let slice = self.array.slice(self.slice, WORKERS);
        self.line.wait();
        for _ in 0..TIMES {
            slice.store(0, slice.load(0) + 1);
        }
        Ok(())
    }
}

/// Increments that were lost, because another wrote over them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    pub increments: u64,
    /// Of workers that have a slice each.
    pub distinct: u64,
    /// Of as many that all have the same.
    pub same: u64,
}

pub(super) fn measure(bench: &Bench) -> Result<Lost> {
    bench.phase("4 workers, a slice each, and all the same")?;
    let pool = Pool::<Count>::processes(WORKERS).start(())?;
    let mut lost = Lost::default();
    bench.in_turns(bench.seconds(0.5, 4.0), [&mut || lost.add(&pool)])?;
    Ok(lost)
}

impl Lost {
    fn add(&mut self, pool: &Pool<Count>) -> Result<()> {
        self.increments += WORKERS as u64 * TIMES;
        self.distinct += count(pool, |worker| worker)?;
        self.same += count(pool, |_| 0)?;
        Ok(())
    }
}

/// Has each worker count in one of the slices; returns how many increments the array lacks.
fn count(pool: &Pool<Count>, slice: fn(usize) -> usize) -> Result<u64> {
    let array = SharedArray::per_worker(WORKERS, 1)?;
    let line = StartLine::new(WORKERS as u32)?;
    let jobs = (0..WORKERS).map(|worker| Count {
        array: array.clone(),
        slice: slice(worker),
        line: line.clone(),
    });
    together(pool, jobs)?;
    Ok(WORKERS as u64 * TIMES - array.values().iter().sum::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_with_a_slice_each_lose_nothing() {
        let pool = Pool::<Count>::threads(WORKERS).start(()).unwrap();
        let mut lost = Lost::default();
        lost.add(&pool).unwrap();
        assert_eq!((lost.increments, lost.distinct), (4 * TIMES, 0));
    }
}
