//! Telling workers to stop, stream after stream.
//!
//! The parent owns a [`StopFlag`]; a worker gets a [`Watch`], which belongs to one stream for
//! good. A worker that is late can only stop the stream that it was working on, since a watch of
//! the next one is nothing that it could ask the flag for: it comes with the next stream's jobs.
//!
//! ```
//! use framehaul::coordination::{Every, StopFlag};
//! let mut flag = StopFlag::new()?;
//! let watch = flag.watch(); // sent with each job of this stream, by any serialiser
//!
//! let mut stop = watch.check_every(Every::Auto); // in the worker
//! let mut rounds = 0;
//! while !stop.should_stop() {
//!     rounds += 1;
//!     if rounds == 1_000 { watch.set(); } // anyone may set it
//! }
//!
//! let next = flag.next_stream();
//! watch.set(); // too late: its stream is over
//! assert!(watch.is_set() && !next.is_set());
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::checker::{Checker, Every};
use super::memory;
use crate::error::Result;
use crate::sys::atomics::One;
use crate::sys::segment::Segment;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

// The one word holds twice the number of the current stream, plus 1 if it is to stop. It only
// grows, so that the watch of stream `e` says stop from `2 e + 1` on: also when stream `e` is over
// and another has begun.

/// A flag that stops one stream of work after the other; it belongs to whoever begins them.
///
/// It cannot be sent or shared while streams begin: workers have a [`Watch`].
#[derive(Debug)]
pub struct StopFlag {
    word: One<AtomicU64>,
    stream: u64,
}

impl StopFlag {
    /// A flag that is not set, at its first stream.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub fn new() -> Result<Self> {
        let segment = memory::create("a stop flag", size_of::<u64>())?;
        let words = segment
            .atomics(0, 1)
            .map_err(memory::failed("a stop flag"))?;
        Ok(Self {
            word: words.first(),
            stream: 0,
        })
    }

    /// The watch of the current stream, for its workers.
    pub fn watch(&self) -> Watch {
        Watch {
            word: self.word.clone(),
            set_from: 2 * self.stream + 1,
        }
    }

    /// Begins the next stream, which is not stopped, and ends the current one: from now on its
    /// watches say stop.
    pub fn next_stream(&mut self) -> Watch {
        self.stream += 1;
        // Relaxed: the flag carries no data, and the watch that makes the new stream known is
        // sent through a channel, which orders this before its first use.
        self.word.fetch_max(2 * self.stream, Relaxed);
        self.watch()
    }
}

/// One stream's view of a [`StopFlag`]: workers ask it whether to stop, and anyone may set it.
///
/// It can be serialised into any message to a process of the same user, while the flag exists.
#[derive(Clone, Debug)]
pub struct Watch {
    word: One<AtomicU64>,
    set_from: u64,
}

impl Watch {
    /// Whether this stream is to stop, or is over. Costs one relaxed load.
    #[inline]
    pub fn is_set(&self) -> bool {
        // Relaxed: whoever needs what the setter wrote gets it from where the setter put it.
        self.word.load(Relaxed) >= self.set_from
    }

    /// Stops this stream, and no other; whether this call was the one that did it.
    pub fn set(&self) -> bool {
        // One step, so that no later stream can begin between a look and a store.
        self.word.fetch_max(self.set_from, Relaxed) < self.set_from
    }

    /// The number of its stream, counted from 0.
    pub const fn stream(&self) -> u64 {
        self.set_from / 2
    }

    /// For a loop that is to look once in `every` iterations: `check_every(1000)`, or
    /// `check_every(Every::Auto)` to have the number measured.
    pub fn check_every(&self, every: impl Into<Every>) -> Checker {
        Checker::new(self.clone(), every.into())
    }
}

impl Serialize for Watch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.word.segment(), self.set_from).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Watch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (segment, set_from) = <(Segment, u64)>::deserialize(deserializer)?;
        let words = segment.atomics(0, 1).map_err(serde::de::Error::custom)?;
        Ok(Self {
            word: words.first(),
            set_from,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_watch_that_was_sent_sees_and_sets_the_same_flag() {
        let flag = StopFlag::new().unwrap();
        let message = serde_json::to_string(&flag.watch()).unwrap();
        let theirs: Watch = serde_json::from_str(&message).unwrap();
        assert!(!theirs.is_set());
        assert!(theirs.set(), "the first to set it");
        assert!(flag.watch().is_set());
        assert!(!flag.watch().set(), "it was set already");
    }

    proptest! {
        /// Whatever is set whenever: exactly the streams that are over or were set say stop.
        #[test]
        fn a_stream_is_stopped_by_its_own_watches_and_its_end_alone(
            acts in prop::collection::vec(prop::option::of(0usize..6), 0..30)
        ) {
            let mut flag = StopFlag::new().unwrap();
            let mut watches = vec![flag.watch()];
            let mut current_is_set = false;
            for act in acts {
                match act {
                    None => {
                        watches.push(flag.next_stream());
                        current_is_set = false;
                    }
                    Some(which) => {
                        let which = which.min(watches.len() - 1);
                        watches[which].set();
                        current_is_set |= which == watches.len() - 1;
                    }
                }
                let (current, over) = watches.split_last().unwrap();
                prop_assert_eq!(current.is_set(), current_is_set);
                prop_assert!(over.iter().all(Watch::is_set));
            }
        }
    }
}
