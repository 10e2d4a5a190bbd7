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
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
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
