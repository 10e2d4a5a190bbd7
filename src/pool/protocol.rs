//! What parent and worker say to each other.

use super::{Job, JobId};
use crate::clock::{Mark, Nanos};
use crate::measure::Usage;
use ipc_channel::ipc::{IpcBytesSender, IpcSender};
use serde::{Deserialize, Serialize};

/// From the parent: a job between two marks, which see what the serialiser does to it.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope<J> {
    pub id: JobId,
    /// When its pack began, and ended.
    pub pack_begin: Nanos,
    pub packed: Nanos,
    /// Whether a message on the bytes channel belongs to it.
    pub bulk: bool,
    pub begin: Mark,
    pub job: J,
    pub end: Mark,
}

/// From the worker.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum FromWorker<J: Job> {
    /// The first message: where to send what.
    Hello {
        setup: IpcSender<J::Setup>,
        jobs: IpcSender<Envelope<J>>,
        bulk: IpcBytesSender,
    },
    /// The state is built; jobs may come. What starting has cost is no job's.
    Ready(Usage),
    /// The state could not be built.
    Refused(String),
    /// A job's end.
    Done(Done<J::Output>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Done<O> {
    pub id: JobId,
    /// The output, or the message of the panic.
    pub output: Result<O, String>,
    pub stamps: Stamps,
    /// The worker's use of the processor so far.
    pub usage: Usage,
}

/// The part of a [`super::Trip`] that the worker knows of.
#[derive(Clone, Copy, Serialize, Deserialize)]
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
