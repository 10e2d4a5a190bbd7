//! A loop that looks at a flag.

use super::start_line::StartLine;
use super::work::together;
use crate::analysis::burn::burn;
use crate::clock::{Nanos, now};
use crate::coordination::{Every, Watch};
use crate::error::Result;
use crate::pool::{Context, Handle, Job, Never, Pool};
use serde::{Deserialize, Serialize};
use std::thread::yield_now;

/// Iterations that end when there were so many, or when a look says so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Loop {
    /// Steps of work an iteration.
    pub steps: u64,
    /// So many at most.
    pub iterations: u64,
    /// How often it looks.
    pub every: Every,
    pub watch: Watch,
    pub line: StartLine,
}

/// How it went.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Ran {
    pub begin: Nanos,
    pub end: Nanos,
    pub iterations: u64,
    /// Iterations from one look to the next, at the end.
    pub every: u64,
    /// Looks that said it may go on.
    pub looks: u64,
}

impl Ran {
    /// Seconds an iteration.
    pub(super) fn pace(&self) -> f64 {
        (self.end - self.begin) as f64 / 1e9 / self.iterations.max(1) as f64
    }
}

impl Job for Loop {
    type Setup = ();
    type State = ();
    type Output = Ran;
    type Error = Never;

    fn init(_: &()) -> std::result::Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> std::result::Result<Ran, Never> {
        let mut stop = self.watch.check_every(self.every);
        self.line.wait();
        let begin = now();
        let mut iterations = 0;
        while iterations < self.iterations && !stop.should_stop() {
            burn(self.steps);
            iterations += 1;
        }
        Ok(Ran {
            begin,
            end: now(),
            iterations,
            every: stop.every(),
            looks: stop.looks(),
        })
    }
}

impl Loop {
    /// Has so many workers do it at the same time.
    ///
    /// # Errors
    /// If the pool has ended.
    pub(super) fn in_workers(&self, pool: &Pool<Self>, workers: u32) -> Result<Vec<Ran>> {
        together(pool, (0..workers).map(|_| self.clone()))
    }

    /// Has so many workers begin it, and returns when all of them are at it.
    pub(super) fn begin(&self, pool: &Pool<Self>, workers: u32) -> Vec<Handle<Self>> {
        let handles = (0..workers).map(|_| pool.submit(self.clone()));
        let handles: Vec<_> = handles.collect();
        // Before they start together, none of them can have ended unless it has failed.
        while !self.line.is_open() && !handles.iter().any(Handle::is_done) {
            yield_now();
        }
        handles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::StopFlag;

    #[test]
    fn it_ends_after_its_iterations_or_when_it_is_told_to() {
        let pool = Pool::<Loop>::threads(1).start(()).unwrap();
        let flag = StopFlag::new().unwrap();
        let run = |iterations, every: u64| {
            let one = Loop {
                steps: 1,
                iterations,
                every: every.into(),
                watch: flag.watch(),
                line: StartLine::new(1).unwrap(),
            };
            let ran = one.in_workers(&pool, 1).unwrap()[0];
            assert!(ran.begin <= ran.end);
            (ran.iterations, ran.every, ran.looks)
        };
        assert_eq!(run(1000, 10), (1000, 10, 100));
        assert_eq!(run(1000, 300), (1000, 300, 4));
        flag.watch().set();
        assert_eq!(run(u64::MAX, 10), (0, 10, 0));
    }
}
