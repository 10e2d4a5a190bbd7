//! The first worker that finds it ends the search for all.
//!
//! ```
//! use framehaul::coordination::FirstFound;
//! let found = FirstFound::<u64>::earliest(2)?; // or FirstFound::any
//! std::thread::scope(|scope| {
//!     for worker in 0..2 {
//!         let mut search = found.seat(worker); // in a process: `found` comes in a message
//!         scope.spawn(move || {
//!             for n in (10_000 + u64::from(worker)..).step_by(2) {
//!                 if search.should_stop(n) {
//!                     break;
//!                 }
//!                 if (2..n).all(|d| n % d != 0) {
//!                     search.offer(n, n * n);
//!                 }
//!                 search.worked(1);
//!             }
//!         });
//!     }
//! });
//! let winner = found.winner().unwrap();
//! assert_eq!((winner.position, winner.value), (10_007, 10_007 * 10_007));
//! println!("{} iterations were wasted", found.report().wasted());
//! # Ok::<(), framehaul::Error>(())
//! ```
//!
//! A `FirstFound` is for one search: make a new one for the next. It is a page of memory, some
//! tens of microseconds to make and to receive, and whoever is late in the old search has nothing
//! in its hands that could end the new one.
//!
//! # What counts as wasted
//!
//! An iteration is *wasted* if, when its worker reported it through [`Searcher::worked`], a result
//! was recorded that no iteration from the worker's position on could beat any more. The worker's
//! position is the one that it last named to [`Searcher::should_stop`] or [`Searcher::offer`]; the
//! position of the worker's own recorded result is never wasted. So in *any* mode all is wasted
//! that was reported after the result was recorded, and in *earliest* mode what lay behind the
//! earliest result known at that moment: iterations before it were needed to know that there is
//! no earlier one. A worker that reports several iterations at once is counted to within them.

use super::memory;
use super::record::{Kind, Record, Rule};
use crate::clock::{Nanos, now};
use crate::error::Result;
use crate::sys::atomics::{Atomics, One};
use crate::sys::mutex::RobustMutex;
use crate::sys::segment::{LINE, Segment};
use bytemuck::Pod;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Words of a cache line.
const LINE_WORDS: usize = LINE / size_of::<u64>();

// The memory: the lock; a line with the limit; the two records; a line a seat.
const LIMIT: usize = 0;
const RECORDS: usize = LINE_WORDS;

// The words of a seat.
const ITERATIONS: usize = 0;
const WASTED: usize = 1;
const SAW: usize = 2;

/// A place for the one result of a search by several workers; see the [module](self).
///
/// `T` is plain data without padding. It can be serialised into any message to a process of the
/// same user, while whoever made it holds it.
#[derive(Clone, Debug)]
pub struct FirstFound<T> {
    lock: RobustMutex,
    /// All behind the lock, as words.
    words: Atomics<AtomicU64>,
    workers: u32,
    rule: Rule,
    value: PhantomData<T>,
}

/// The recorded result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winner<T> {
    /// The number of the worker that found it.
    pub worker: u32,
    /// Where it was found.
    pub position: u64,
    /// What was found.
    pub value: T,
    /// When it was recorded, in nanoseconds of [`crate::clock`].
    pub at: Nanos,
}

/// How a search went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report<T> {
    /// The result, if anything was found.
    pub winner: Option<Winner<T>>,
    /// What each worker did, by its number.
    pub seats: Vec<Seat>,
}

/// What one worker did in a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Iterations it reported.
    pub iterations: u64,
    /// Those of them that were wasted, as the [module](self) defines it.
    pub wasted: u64,
    /// When it was first told to stop, or that its offer came too late, in nanoseconds of
    /// [`crate::clock`]; in *earliest* mode this may be before the final result was found. `None`
    /// if it never was: it reached its end, or died, or asked no more.
    pub saw: Option<Nanos>,
}

impl<T> Report<T> {
    /// The wasted iterations of all workers.
    pub fn wasted(&self) -> u64 {
        self.seats.iter().map(|seat| seat.wasted).sum()
    }
}

impl<T: Pod> FirstFound<T> {
    /// Whoever offers first wins, and everybody stops.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub fn any(workers: u32) -> Result<Self> {
        Self::new(workers, Rule::Any)
    }

    /// The lowest position wins, whatever the timing: a worker stops only when it has come to a
    /// position that can no longer win. Each worker must come to its positions in ascending
    /// order, no two workers to the same one.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub fn earliest(workers: u32) -> Result<Self> {
        Self::new(workers, Rule::Earliest)
    }

    fn new(workers: u32, rule: Rule) -> Result<Self> {
        const WHAT: &str = "a search";
        let words = Self::words(workers);
        let segment = memory::create(WHAT, RobustMutex::BYTES + words * size_of::<u64>())?;
        let lock = RobustMutex::create(&segment).map_err(memory::failed(WHAT))?;
        let found = Self::over(&segment, lock, workers, rule).map_err(memory::failed(WHAT))?;
        found.words[LIMIT].store(Rule::OPEN, Relaxed);
        Ok(found)
    }

    fn over(
        segment: &Segment,
        lock: RobustMutex,
        workers: u32,
        rule: Rule,
    ) -> std::io::Result<Self> {
        Ok(Self {
            lock,
            words: segment.atomics(RobustMutex::BYTES, Self::words(workers))?,
            workers,
            rule,
            value: PhantomData,
        })
    }

    fn words(workers: u32) -> usize {
        Self::seat_at(workers)
    }

    const fn seat_at(worker: u32) -> usize {
        let records = Record::<T>::WORDS.next_multiple_of(LINE_WORDS);
        RECORDS + records + worker as usize * LINE_WORDS
    }

    /// The part of worker `worker` in the search. It may be taken again, by the worker that
    /// replaces a dead one or for the next job of the same: what it reports is added.
    ///
    /// # Panics
    /// If there are not so many workers.
    pub fn seat(&self, worker: u32) -> Searcher<T> {
        assert!(worker < self.workers, "no worker {worker} in this search");
        let start = Self::seat_at(worker);
        Searcher {
            limit: self.words.part(LIMIT..LIMIT + 1).first(),
            seat: self.words.part(start..start + LINE_WORDS),
            record: self.record(),
            lock: self.lock.clone(),
            worker,
            position: 0,
            won_at: None,
            told: false,
        }
    }

    fn record(&self) -> Record<T> {
        let records = RECORDS..RECORDS + Record::<T>::WORDS;
        Record::new(self.words.part(records), self.rule)
    }

    /// Whether nothing from `position` on can win any more, for somebody who has no part in the
    /// search: whoever hands the positions out, say. Costs one relaxed load.
    pub fn is_over(&self, position: u64) -> bool {
        position >= self.words[LIMIT].load(Relaxed)
    }

    /// The result so far; final once the workers have ended.
    pub fn winner(&self) -> Option<Winner<T>> {
        let guard = self.lock.lock();
        let record = self.record();
        record.repair(&guard, &self.words[LIMIT]);
        record.read()
    }

    /// The result so far, and what each worker did; final once the workers have ended.
    pub fn report(&self) -> Report<T> {
        let seat = |worker| {
            let words = &self.words[Self::seat_at(worker)..];
            let saw = words[SAW].load(Relaxed);
            Seat {
                iterations: words[ITERATIONS].load(Relaxed),
                wasted: words[WASTED].load(Relaxed),
                saw: (saw != 0).then_some(saw),
            }
        };
        Report {
            winner: self.winner(),
            seats: (0..self.workers).map(seat).collect(),
        }
    }
}

/// One worker's part in a search.
#[derive(Debug)]
pub struct Searcher<T> {
    limit: One<AtomicU64>,
    seat: Atomics<AtomicU64>,
    record: Record<T>,
    lock: RobustMutex,
    worker: u32,
    /// The last position that the worker named.
    position: u64,
    won_at: Option<u64>,
    told: bool,
}

impl<T: Pod> Searcher<T> {
    /// Whether nothing from `position` on can win any more. Costs one relaxed load.
    #[inline]
    pub fn should_stop(&mut self, position: u64) -> bool {
        self.position = position;
        // Relaxed: what was found is read under the lock, by whoever wants to know it.
        let stop = position >= self.limit.load(Relaxed);
        if stop {
            self.tell();
        }
        stop
    }

    /// Offers a result: whether it is the recorded one now. In *earliest* mode a later offer may
    /// still take its place.
    ///
    /// # Panics
    /// If `position` is [`u64::MAX`], or if this thread is already within an offer.
    pub fn offer(&mut self, position: u64, value: T) -> bool {
        assert_ne!(position, Rule::OPEN, "the last position of all is reserved");
        // Check …
        if self.should_stop(position) {
            return false;
        }
        // … lock, and check again: somebody may have been faster.
        let guard = self.lock.lock();
        self.record.repair(&guard, &self.limit);
        if position >= self.limit.load(Relaxed) {
            drop(guard);
            self.tell();
            return false;
        }
        let winner = Winner {
            worker: self.worker,
            position,
            value,
            at: now(),
        };
        self.record.set(&winner, &self.limit);
        self.won_at = Some(position);
        true
    }

    /// Reports that `iterations` were done since the last call, at the position last named. Costs
    /// a load and one or two atomic additions to a cache line of the worker's own, about 5 ns.
    #[inline]
    pub fn worked(&mut self, iterations: u64) {
        self.seat[ITERATIONS].fetch_add(iterations, Relaxed);
        let over = self.position >= self.limit.load(Relaxed);
        if over && self.won_at != Some(self.position) {
            self.seat[WASTED].fetch_add(iterations, Relaxed);
        }
    }

    /// Notes when the worker was first told that it is over.
    #[inline]
    fn tell(&mut self) {
        if !std::mem::replace(&mut self.told, true) {
            stamp(&self.seat[SAW]);
        }
    }
}

/// Stamps the clock, once: another who had this seat may have been told before.
#[cold]
fn stamp(saw: &AtomicU64) {
    let _ = saw.compare_exchange(0, now(), Relaxed, Relaxed);
}

impl<T: Pod> Serialize for FirstFound<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = Kind {
            rule: self.rule,
            workers: self.workers,
            value_bytes: size_of::<T>() as u64,
        };
        (self.words.segment(), kind).serialize(serializer)
    }
}

impl<'de, T: Pod> Deserialize<'de> for FirstFound<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let (segment, kind) = <(Segment, Kind)>::deserialize(deserializer)?;
        if kind.value_bytes != size_of::<T>() as u64 {
            return Err(D::Error::custom(format!(
                "a search for values of {} bytes is not one for values of {} bytes",
                kind.value_bytes,
                size_of::<T>()
            )));
        }
        let lock = RobustMutex::open(&segment).map_err(D::Error::custom)?;
        Self::over(&segment, lock, kind.workers, kind.rule).map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[path = "first_found_tests.rs"]
mod tests;
