//! The recorded result of a search, which is whole or not there, whoever is killed while writing.

use super::first_found::Winner;
use crate::sys::atomics::Atomics;
use crate::sys::mutex::Guard;

use bytemuck::Pod;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// Which of several results is the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Rule {
    Any,
    Earliest,
}

impl Rule {
    /// The limit while nothing is found: no position reaches it.
    pub(super) const OPEN: u64 = u64::MAX;

    /// The limit once something was found at `position`; what is not below it cannot win.
    const fn limit(self, position: u64) -> u64 {
        match self {
            Self::Any => 0,
            Self::Earliest => position,
        }
    }
}

/// What a receiver must know of a search, beside where it lies.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Kind {
    pub(super) rule: Rule,
    pub(super) workers: u32,
    pub(super) value_bytes: u64,
}

/// Two places for a result, and a word that counts the results so far: with `n` of them, the
/// current one lies in place `n % 2`. A result is written into the other place and then counted,
/// so that a writer who is killed leaves the former one as it was.
///
/// All but the constructor is to be called under the search's lock, which is also what orders
/// the relaxed accesses between processes.
#[derive(Clone, Debug)]
pub(super) struct Record<T> {
    words: Atomics<AtomicU64>,
    rule: Rule,
    value: PhantomData<T>,
}

const COUNT: usize = 0;
/// Worker, position and time come before the value.
const HEAD: usize = 3;

impl<T: Pod> Record<T> {
    const PLACE: usize = HEAD + size_of::<T>().div_ceil(8);
    pub(super) const WORDS: usize = 1 + 2 * Self::PLACE;

    pub(super) const fn new(words: Atomics<AtomicU64>, rule: Rule) -> Self {
        Self {
            words,
            rule,
            value: PhantomData,
        }
    }

    fn place(&self, count: u64) -> &[AtomicU64] {
        let start = 1 + (count % 2) as usize * Self::PLACE;
        &self.words[start..start + Self::PLACE]
    }

    pub(super) fn set(&self, winner: &Winner<T>, limit: &AtomicU64) {
        let count = self.words[COUNT].load(Relaxed) + 1;
        let head = [u64::from(winner.worker), winner.position, winner.at];
        let value = bytemuck::bytes_of(&winner.value).chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        for (place, word) in self.place(count).iter().zip(head.into_iter().chain(value)) {
            place.store(word, Relaxed);
        }
        // First the record, then its count, then the limit: a killed process has done the first
        // part of that. Release: keeps each store behind those before it, and pairs with taking
        // the lock, in `repair` by whoever gets it from the dead and otherwise in the ordinary way.
        self.words[COUNT].store(count, Release);
        limit.store(self.rule.limit(winner.position), Release);
    }

    /// If the lock's last holder died with it: does what it may have left undone after counting
    /// its result.
    pub(super) fn repair(&self, guard: &Guard, limit: &AtomicU64) {
        if guard.recovered()
            && let Some(winner) = self.read()
        {
            limit.store(self.rule.limit(winner.position), Relaxed);
        }
    }

    pub(super) fn read(&self) -> Option<Winner<T>> {
        let count = self.words[COUNT].load(Relaxed);
        if count == 0 {
            return None;
        }
        let place = self.place(count);
        let words = place.iter().map(|word| word.load(Relaxed));
        let bytes: Vec<u8> = words.skip(HEAD).flat_map(u64::to_le_bytes).collect();
        Some(Winner {
            worker: place[0].load(Relaxed) as u32,
            position: place[1].load(Relaxed),
            at: place[2].load(Relaxed),
            value: bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::mutex::RobustMutex;
    use crate::sys::segment::Segment;

    /// A holder that is killed at each of the steps of `set`, done here by hand.
    #[test]
    fn a_result_half_written_is_not_there_and_one_that_counts_is_repaired() {
        let segment = Segment::create(1024).unwrap();
        let lock = RobustMutex::create(&segment).unwrap();
        let words = segment.atomics(64, Record::<[u8; 9]>::WORDS).unwrap();
        let record = Record::<[u8; 9]>::new(words, Rule::Earliest);
        let limit = AtomicU64::new(Rule::OPEN);
        let winner = |position| Winner {
            worker: 3,
            position,
            value: *b"nine byte",
            at: 5,
        };
        record.set(&winner(70), &limit);
        assert_eq!((record.read(), limit.load(Relaxed)), (Some(winner(70)), 70));

        // Killed while writing the result.
        record
            .place(2)
            .iter()
            .for_each(|word| word.store(99, Relaxed));
        assert_eq!(record.read(), Some(winner(70)));

        // Killed after counting it, before its limit.
        record.set(&winner(20), &limit);
        limit.store(70, Relaxed);
        let theirs = lock.clone();
        let dead = std::thread::spawn(move || std::mem::forget(theirs.lock()));
        dead.join().unwrap();
        record.repair(&lock.lock(), &limit);
        assert_eq!((record.read(), limit.load(Relaxed)), (Some(winner(20)), 20));
    }
}
