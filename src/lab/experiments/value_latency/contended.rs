//! A process that writes a value, and this one, which reads it meanwhile.

use super::MANY;
use crate::clock::{Nanos, now};
use crate::coordination::{SharedValue, StopFlag, Watch};
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::bench::seconds_since;
use crate::lab::work::done;
use crate::pool::{Context, Job, Never, Pool};
use serde::{Deserialize, Serialize};
use std::thread::yield_now;

/// Writes a value over and over until it is told to stop; returns how many times it did.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Write {
    value: SharedValue<u8>,
    until: Watch,
}

impl Job for Write {
    type Setup = ();
    type State = ();
    type Output = u64;
    type Error = Never;

    fn init(_: &()) -> std::result::Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> std::result::Result<u64, Never> {
        let mut times = 0;
        let mut stop = self.until.check_every(64);
        while !stop.should_stop() {
            times += 1;
            self.value.store(times as u8 | 1);
        }
        Ok(times)
    }
}

/// Reading a value while another process writes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contended {
    /// Seconds a read.
    pub seconds: f64,
    /// The share of the reads that saw another value than the one before.
    pub new: f64,
    /// Writes a second.
    pub writes: f64,
}

/// Fewer reads than this share that saw a new value were not disturbed by anybody: reader and
/// writer had one processor between them.
const DISTURBED: f64 = 1e-3;

impl Contended {
    fn is_disturbed(&self) -> bool {
        self.new >= DISTURBED
    }
}

/// Tries to read while the pool's worker writes, until both have a processor for long enough.
pub(super) fn contend(
    bench: &Bench,
    pool: &Pool<Write>,
    value: &SharedValue<u8>,
) -> Result<Option<Contended>> {
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        bench.go_on()?;
        let read = while_written(pool, value)?;
        if read.is_disturbed() {
            return Ok(Some(read));
        }
    }
    Ok(None)
}

/// So long, in nanoseconds, the writer is waited for to come to another processor.
const PATIENCE: Nanos = 20_000_000;

fn while_written(pool: &Pool<Write>, value: &SharedValue<u8>) -> Result<Contended> {
    value.store(0);
    let flag = StopFlag::new()?;
    let until = flag.watch();
    let begin = now();
    let writer = pool.submit(Write {
        value: value.clone(),
        until: until.clone(),
    });
    // The writer writes anything else.
    while value.load() == 0 && !writer.is_done() {
        yield_now();
    }
    // Both may be on one processor at first: it begins when one sees the other at work.
    let submitted = now();
    while changes(value, 4_096) < 8 && now() - submitted < PATIENCE {}
    let timed = now();
    let new = changes(value, MANY);
    let seconds = seconds_since(timed) / f64::from(MANY);
    until.set();
    let written = done(writer)?;
    Ok(Contended {
        seconds,
        new: f64::from(new) / f64::from(MANY),
        writes: written as f64 / seconds_since(begin),
    })
}

/// How many of so many reads see another value than the one before.
fn changes(value: &SharedValue<u8>, reads: u32) -> u32 {
    let mut last = value.load();
    let mut changes = 0;
    for _ in 0..reads {
        let read = value.load();
        changes += u32::from(read != last);
        last = read;
    }
    changes
}

/// The one in the middle.
pub(super) fn median(mut reads: Vec<Contended>) -> Option<Contended> {
    reads.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    reads.get(reads.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_that_nobody_disturbed_do_not_count() {
        let read = |seconds, new| Contended {
            seconds,
            new,
            writes: 1e8,
        };
        assert!(!read(1e-9, 0.99e-3).is_disturbed());
        assert!(read(1e-9, 1.01e-3).is_disturbed());
        assert!(median(Vec::new()).is_none());
        let reads = [9e-9, 7e-9, 8e-9].map(|seconds| read(seconds, 0.5));
        assert_eq!(median(reads.to_vec()).unwrap().seconds, 8e-9);
    }

    #[test]
    fn a_writer_writes_until_it_is_told_to_stop() {
        let pool = Pool::<Write>::threads(1).start(()).unwrap();
        let value = SharedValue::new(0).unwrap();
        let read = while_written(&pool, &value).unwrap();
        assert!(read.seconds > 0.0 && read.writes > 0.0);
        assert_ne!(value.load(), 0);
    }
}
