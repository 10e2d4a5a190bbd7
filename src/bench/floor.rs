//! The floors: what no hand-over between two processes can be faster than.
//!
//! Two words in shared memory, in cache lines of their own. The parent writes a number into the
//! first, the other process the same one into the second. That is all: no message, no ring.

use crate::clock::{Nanos, now};
use crate::sys::atomics::One;
use crate::sys::futex;
use crate::sys::segment::{LINE, Segment};
use std::io;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Release},
};

/// The other process is gone: nothing will come back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// In the second word when the other process is gone.
const GONE: u32 = u32::MAX;

/// Two words that go there and back.
#[derive(Clone, Debug)]
pub(super) struct Line {
    there: One<AtomicU32>,
    back: One<AtomicU32>,
    /// The number that was sent last. It goes round before it comes to [`GONE`].
    number: u32,
}

impl Line {
    pub(super) const BYTES: usize = 2 * LINE;

    pub(super) fn new(segment: &Segment) -> io::Result<Self> {
        Ok(Self {
            there: segment.atomics(0, 1)?.first(),
            back: segment.atomics(LINE, 1)?.first(),
            number: 0,
        })
    }

    fn next(&mut self) -> u32 {
        self.number = (self.number + 1) % GONE;
        self.number
    }

    /// The parent's side of one trip in which both spin, timed.
    pub(super) fn spin(&mut self) -> Result<Nanos, Gone> {
        let number = self.next();
        let begin = now();
        // Release and Acquire pair on each word, as in any hand-over of memory.
        self.there.store(number, Release);
        spin_until(&self.back, number)?;
        Ok(now() - begin)
    }

    /// The other side of it.
    pub(super) fn spin_back(&mut self) -> Result<(), Gone> {
        let number = self.next();
        spin_until(&self.there, number)?;
        self.back.store(number, Release);
        Ok(())
    }

    /// The parent's side of one trip in which both sleep at once, timed.
    pub(super) fn futex(&mut self) -> Result<Nanos, Gone> {
        let number = self.next();
        let begin = now();
        self.there.store(number, Release);
        futex::wake(&self.there);
        sleep_until(&self.back, number)?;
        Ok(now() - begin)
    }

    /// The other side of it.
    pub(super) fn futex_back(&mut self) -> Result<(), Gone> {
        let number = self.next();
        sleep_until(&self.there, number)?;
        self.back.store(number, Release);
        futex::wake(&self.back);
        Ok(())
    }

    /// Nothing will come back any more: releases the parent.
    pub(super) fn other_is_gone(&self) {
        self.back.store(GONE, Release);
        futex::wake(&self.back);
    }
}

fn spin_until(word: &AtomicU32, number: u32) -> Result<(), Gone> {
    loop {
        match word.load(Acquire) {
            now if now == number => return Ok(()),
            GONE => return Err(Gone),
            _ => std::hint::spin_loop(),
        }
    }
}

fn sleep_until(word: &AtomicU32, number: u32) -> Result<(), Gone> {
    loop {
        match word.load(Acquire) {
            now if now == number => return Ok(()),
            GONE => return Err(Gone),
            now => futex::wait(word, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_who_is_gone_keeps_nobody_waiting() {
        let segment = Segment::create(Line::BYTES).unwrap();
        let mut mine = Line::new(&segment).unwrap();
        let mut theirs = mine.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for _ in 0..100 {
                    theirs.futex_back().unwrap();
                }
                theirs.spin_back().unwrap();
            });
            for _ in 0..100 {
                mine.futex().unwrap();
            }
            mine.spin().unwrap();
            mine.other_is_gone();
            assert!(mine.futex().is_err() && mine.spin().is_err());
        });
    }
}
