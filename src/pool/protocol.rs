//! What parent and worker say to each other.
//!
//! They meet over an ipc-channel. From then on small messages go through two queues in shared
//! memory ([`crate::handoff`]), one each way, as bytes of our own making (postcard, as ipc-channel
//! itself): a head, then for each job or answer a body that says how long it is, so that one that
//! cannot be read spoils no other. A pack that is not light sends each job through a typed
//! ipc-channel of its own, announced by a head, and its bulk through another.

use super::context::Board;
use super::outcome::{JobError, Outcome, Panic};
use super::trip::Stamps;
use super::{Job, JobId};
use crate::clock::{Mark, Nanos};
use crate::handoff::Queue;
use crate::measure::Usage;
use ipc_channel::ipc::{IpcBytesSender, IpcSender};
use serde::{Deserialize, Serialize};
use std::io;

/// What a worker says first, before anything that a version might change: where to send what.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum Hello<J: Job> {
    /// It does not fit to its parent, for this reason.
    Stranger(String),
    Here {
        /// Where it waits to be told how it is spoken to.
        meet: IpcSender<Lines>,
        /// Jobs of packs that are not light.
        jobs: IpcSender<Envelope<J>>,
        /// What travels beside them.
        bulk: IpcBytesSender,
    },
}

/// Where parent and worker speak to each other.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Lines {
    /// [`ToWorker`]s.
    pub orders: Queue,
    /// [`FromWorker`]s.
    pub answers: Queue,
}

/// So many bytes find room in a queue: two parcels that are small enough to be sent at once, with
/// those that were taken back.
const QUEUE: usize = 128 << 10;

impl Lines {
    pub(super) fn create() -> io::Result<Self> {
        Ok(Self {
            orders: Queue::create(QUEUE)?,
            answers: Queue::create(QUEUE)?,
        })
    }

    /// The worker is gone: nobody is to wait for it.
    pub(super) fn hang_up(&self) {
        self.orders.receiver_is_gone();
        self.answers.sender_is_gone();
    }
}

/// The head of a message to a worker.
#[derive(Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// Which worker it is, and where it meets its pool. The setup follows.
    Setup { seat: usize, board: Board },
    /// A parcel of that number: so many [`Small`] jobs follow.
    Parcel(u64, u32),
    /// A job comes on the typed channel.
    Large {
        id: JobId,
        parcel: u64,
        pack_begin: Nanos,
        packed: Nanos,
        /// Whether a message on the bulk channel belongs to it.
        bulk: bool,
    },
    /// The poison pill: that was the last.
    Retire,
}

/// A job inside a message.
#[derive(Serialize, Deserialize)]
pub(super) struct Small<'a> {
    pub id: JobId,
    pub pack_begin: Nanos,
    pub packed: Nanos,
    pub bulk: &'a [u8],
    /// An [`Envelope`].
    pub body: &'a [u8],
}

/// A job between two marks, which see what the serialiser does to it.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope<J> {
    pub begin: Mark,
    pub job: J,
    pub end: Mark,
}

/// The head of a message from a worker.
#[derive(Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// The state is built; jobs may come. What starting has cost is no job's.
    Ready(Usage),
    /// The state could not be built.
    Refused(String),
    /// Answers follow, up to the end of the message; and now and then the worker's use of the
    /// processor so far.
    Answers(Option<Usage>),
}

/// An answer inside a message.
#[derive(Serialize, Deserialize)]
pub(super) struct AnswerHead<'a> {
    pub id: JobId,
    pub stamps: Stamps,
    /// A [`Said`].
    pub body: &'a [u8],
}

/// How a job ended where it ran.
#[derive(Serialize, Deserialize)]
pub(super) enum Said<O, E> {
    Done(O),
    Failed(E),
    Panicked(Panic),
    NotUnderstood(String),
    Cancelled,
}

impl<O, E> From<Said<O, E>> for Result<O, JobError<E>> {
    fn from(said: Said<O, E>) -> Self {
        Err(match said {
            Said::Done(output) => return Ok(output),
            Said::Failed(error) => JobError::Failed(error),
            Said::Panicked(panic) => JobError::Panicked(panic),
            Said::NotUnderstood(why) => JobError::NotUnderstood(why),
            Said::Cancelled => JobError::Cancelled,
        })
    }
}

/// A job's end where it ran, on its way to the caller.
pub(super) struct Answer<J: Job> {
    pub id: JobId,
    pub outcome: Outcome<J>,
    pub stamps: Stamps,
}

/// Appends a message's part.
pub(super) fn put(message: &mut Vec<u8>, part: &impl Serialize) -> Result<(), postcard::Error> {
    struct Append<'a>(&'a mut Vec<u8>);
    impl postcard::ser_flavors::Flavor for Append<'_> {
        type Output = ();
        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.0.push(byte);
            Ok(())
        }
        fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
        fn finalize(self) -> postcard::Result<()> {
            Ok(())
        }
    }
    postcard::serialize_with_flavor(part, Append(message))
}

/// Takes a message's next part off its front.
pub(super) fn take<'a, T: Deserialize<'a>>(message: &mut &'a [u8]) -> Result<T, postcard::Error> {
    let (part, rest) = postcard::take_from_bytes(message)?;
    *message = rest;
    Ok(part)
}

/// What must be the same on both sides, and is named when it is not.
pub(super) fn version<J: Job>() -> String {
    format!(
        "framehaul {}, {} version {}",
        env!("CARGO_PKG_VERSION"),
        std::any::type_name::<J>(),
        J::VERSION
    )
}
