//! When what happened to a job on its way.

use crate::clock::Nanos;
use serde::{Deserialize, Serialize};

/// The stamps of one job's way, each not before the one above it.
///
/// Inside one process nothing is serialised: the stamps from `packed` to `received` are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trip {
    /// Submitted to the pool.
    pub submitted: Nanos,
    /// Its pack began.
    pub pack_begin: Nanos,
    /// Its pack ended.
    pub packed: Nanos,
    /// The serialiser began.
    pub serialize_begin: Nanos,
    /// The serialiser ended.
    pub serialized: Nanos,
    /// The worker was free to receive it (when it had finished the job before), or `serialized`
    /// if it was already: from here on the transfer counts.
    pub awaited: Nanos,
    /// The deserialiser began.
    pub deserialize_begin: Nanos,
    /// The deserialiser ended.
    pub deserialized: Nanos,
    /// The last of what was sent beside it arrived.
    pub received: Nanos,
    /// The job began to run.
    pub run_begin: Nanos,
    /// The job ended.
    pub run_end: Nanos,
    /// Its output arrived.
    pub arrived: Nanos,
}

impl Trip {
    /// Time spent serialising.
    pub const fn serialize(&self) -> Nanos {
        self.serialized - self.serialize_begin
    }

    /// Time in the kernel and in its buffers, less the wait for a worker that was still busy.
    pub const fn transfer(&self) -> Nanos {
        (self.deserialize_begin - self.awaited) + (self.received - self.deserialized)
    }

    /// Time spent deserialising.
    pub const fn deserialize(&self) -> Nanos {
        self.deserialized - self.deserialize_begin
    }

    /// Time spent running.
    pub const fn run(&self) -> Nanos {
        self.run_end - self.run_begin
    }
}

/// The part of a [`Trip`] that is known where the job runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Differences", into = "Differences")]
pub(super) struct Stamps {
    pub pack_begin: Nanos,
    pub packed: Nanos,
    pub serialize_begin: Nanos,
    pub serialized: Nanos,
    /// When the worker had finished the job before.
    pub free: Nanos,
    pub deserialize_begin: Nanos,
    pub deserialized: Nanos,
    pub received: Nanos,
    pub run_begin: Nanos,
    pub run_end: Nanos,
}

/// The stamps as they cross: the first, and how much later each is than the one above it, which
/// takes a byte or two where the time itself takes nine.
type Differences = [Nanos; 10];

impl From<Stamps> for Differences {
    fn from(s: Stamps) -> Self {
        let mut all = [
            s.pack_begin,
            s.packed,
            s.serialize_begin,
            s.serialized,
            s.free,
            s.deserialize_begin,
            s.deserialized,
            s.received,
            s.run_begin,
            s.run_end,
        ];
        for i in (1..all.len()).rev() {
            // `free` may be earlier than the one above it: around the corner and back.
            all[i] = zigzag(all[i].wrapping_sub(all[i - 1]));
        }
        all
    }
}

impl From<Differences> for Stamps {
    fn from(mut all: Differences) -> Self {
        for i in 1..all.len() {
            all[i] = all[i - 1].wrapping_add(unzigzag(all[i]));
        }
        let [
            pack_begin,
            packed,
            serialize_begin,
            serialized,
            free,
            deserialize_begin,
            deserialized,
            received,
            run_begin,
            run_end,
        ] = all;
        Self {
            pack_begin,
            packed,
            serialize_begin,
            serialized,
            free,
            deserialize_begin,
            deserialized,
            received,
            run_begin,
            run_end,
        }
    }
}

/// Small numbers of either sign as small numbers without one.
const fn zigzag(difference: u64) -> u64 {
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
}

const fn unzigzag(coded: u64) -> u64 {
    (coded >> 1) ^ (coded & 1).wrapping_neg()
}

impl Stamps {
    /// With the parent's own stamps.
    pub(super) fn trip(self, submitted: Nanos, arrived: Nanos) -> Trip {
        Trip {
            submitted,
            pack_begin: self.pack_begin,
            packed: self.packed,
            serialize_begin: self.serialize_begin,
            serialized: self.serialized,
            // A job that lay in the socket while the worker did another was waiting, not under
            // way.
            awaited: self.serialized.max(self.free.min(self.deserialize_begin)),
            deserialize_begin: self.deserialize_begin,
            deserialized: self.deserialized,
            received: self.received,
            run_begin: self.run_begin,
            run_end: self.run_end,
            arrived,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stamps_cross_whatever_their_order(all: [u64; 10]) {
            let stamps = Stamps::from(all);
            prop_assert_eq!(Stamps::from(Differences::from(stamps)), stamps);
        }
    }

    #[test]
    fn stamps_that_are_near_each_other_take_few_bytes() {
        let now = crate::clock::now();
        let stamps = Stamps {
            pack_begin: now,
            packed: now + 100,
            serialize_begin: now + 200,
            serialized: now + 300,
            free: now - 20_000,
            deserialize_begin: now + 9_000,
            deserialized: now + 9_100,
            received: now + 9_200,
            run_begin: now + 9_300,
            run_end: now + 9_400,
        };
        assert!(postcard::to_allocvec(&stamps).unwrap().len() < 32);
    }
}
