//! From one process to another, through memory that both have mapped: small messages, and the frames
//! that they are about.
//!
//! [`Slots`] are for the frames: written once by their producer, read by everyone where they lie.
//! Which one is meant (a [`SlotTicket`]), and whatever else is small, goes through queues. A
//! [`Queue`] has one [`Sender`] and one [`Receiver`]. A message is bytes, of any number. While the
//! receiver is awake, sending makes no system call and a message is there in a fraction of a
//! microsecond; a receiver with nothing to receive looks for a little while, if that has helped
//! lately, and then sleeps until it is woken ([`Patience`]). Liveness is not the queue's affair but
//! the kernel's: whoever learns that one side is gone (from a pidfd, from `wait`) says so, with
//! [`Queue::sender_is_gone`] or [`Queue::receiver_is_gone`], and the other is released at once.
//!
//! ```
//! use framehaul::handoff::{Patience, Queue};
//! let queue = Queue::create(4096)?;
//! let message = serde_json::to_string(&queue).unwrap();
//! let mut sender = queue.sender().ok_or("it is taken")?;
//! // Usually in another process:
//! let same: Queue = serde_json::from_str(&message)?;
//! let mut receiver = same.receiver().ok_or("it is taken")?;
//!
//! sender.send(b"frame 7 is in slot 3")?;
//! let mut message = Vec::new();
//! receiver.receive(&mut message)?;
//! assert_eq!(message, b"frame 7 is in slot 3");
//!
//! queue.sender_is_gone();
//! assert!(receiver.receive(&mut message).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atom;
mod generation;
mod patience;
mod queue;
mod slots;

pub use self::patience::Patience;
pub use self::queue::Closed;
use self::queue::{Place, Reader, Writer, close};
pub use self::slots::{Draft, Lease, SlotReader, SlotTicket, Slots, Stale};
pub use crate::sys::arena::Whereabouts;
use crate::sys::atomics::{Atomics, One};
use crate::sys::segment::{LINE, Segment};
use crate::sys::{futex, prefetch};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bytes on their way from one process to another. Serialised, it is a few numbers by which another
/// process finds it; a clone is the same queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Segment", into = "Segment")]
pub struct Queue(Memory);

/// The first line of the segment: who has taken the ends. The second and the third: how far has
/// been written and read, each written by one side. Then the ring.
const LINES: usize = 3;

#[derive(Clone, Debug)]
struct Memory {
    ends: One<AtomicU32>,
    written: One<AtomicU32>,
    read: One<AtomicU32>,
    words: Atomics<AtomicU64>,
}

/// Where a queue's sender, or its receiver, has been taken.
const SENDER: u32 = 1;
const RECEIVER: u32 = 2;

impl Queue {
    /// The least a queue can hold, in bytes.
    pub const LEAST: usize = LINE;

    /// A queue that holds so many bytes at once, rounded up to a power of two. Longer messages go
    /// through it in pieces.
    ///
    /// # Errors
    /// If the system has no memory or no descriptor left, or for more than 4 GiB.
    pub fn create(bytes: usize) -> io::Result<Self> {
        let bytes = bytes.max(Self::LEAST).next_power_of_two();
        if bytes > 1 << 32 {
            let why = format!("a queue of {bytes} bytes; 4 GiB is the most");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Self::try_from(Segment::create(LINES * LINE + bytes)?)
    }

    /// The sending end, which can be taken once, in one process. It begins with [`Patience::Adaptive`].
    pub fn sender(&self) -> Option<Sender> {
        self.take(SENDER).then(|| Sender {
            writer: Writer::new(self.0.clone()),
            patience: Patience::Adaptive.into(),
        })
    }

    /// The receiving end; the same holds.
    pub fn receiver(&self) -> Option<Receiver> {
        self.take(RECEIVER).then(|| Receiver {
            reader: Reader::new(self.0.clone()),
            patience: Patience::Adaptive.into(),
        })
    }

    fn take(&self, end: u32) -> bool {
        // Relaxed: an end begins with nothing, whoever looked at it before.
        self.0.ends.fetch_or(end, Ordering::Relaxed) & end == 0
    }

    /// Nothing more will be sent: a receiver gets what was, and then [`Closed`].
    pub fn sender_is_gone(&self) {
        close(&self.0, self.0.written());
    }

    /// Nothing more will be received: a sender that waits for room, or comes to need some, gets
    /// [`Closed`].
    pub fn receiver_is_gone(&self) {
        close(&self.0, self.0.read());
    }
}

impl TryFrom<Segment> for Queue {
    type Error = io::Error;
    fn try_from(segment: Segment) -> io::Result<Self> {
        let words = segment.bytes().saturating_sub(LINES * LINE) / size_of::<u64>();
        if !words.is_power_of_two() {
            return Err(io::Error::other("this shared memory is no queue"));
        }
        let position = |line| Ok::<_, io::Error>(segment.atomics(line * LINE, 1)?.first());
        Ok(Self(Memory {
            ends: position(0)?,
            written: position(1)?,
            read: position(2)?,
            words: segment.atomics(LINES * LINE, words)?,
        }))
    }
}

impl From<Queue> for Segment {
    fn from(queue: Queue) -> Self {
        queue.0.words.segment().clone()
    }
}

impl Place for Memory {
    type Position = AtomicU32;
    type Word = AtomicU64;
    fn written(&self) -> &AtomicU32 {
        &self.written
    }
    fn read(&self) -> &AtomicU32 {
        &self.read
    }
    fn words(&self) -> &[AtomicU64] {
        &self.words
    }
    fn park(&self, position: &AtomicU32, value: u32) {
        futex::wait(position, value);
    }
    fn wake(&self, position: &AtomicU32) {
        futex::wake(position);
    }
    #[inline]
    fn expect(&self, word: &AtomicU64) {
        prefetch::soon(word);
    }
}

/// The end of a [`Queue`] where messages are put in.
#[derive(Debug)]
pub struct Sender {
    writer: Writer<Memory>,
    patience: patience::Looks,
}

/// The end of a [`Queue`] where messages come out.
#[derive(Debug)]
pub struct Receiver {
    reader: Reader<Memory>,
    patience: patience::Looks,
}

impl Sender {
    /// How this end waits for room.
    pub fn set_patience(&mut self, patience: Patience) {
        self.patience = patience.into();
    }

    /// Sends a message, waiting for room where there is none.
    ///
    /// # Errors
    /// [`Closed`] if there is no room and nobody will make any.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Closed> {
        self.writer.send(message, &mut self.patience)
    }

    /// Sends a message if there is room for all of it now; says whether there was.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn try_send(&mut self, message: &[u8]) -> Result<bool, Closed> {
        self.writer.try_send(message)
    }
}

impl Receiver {
    /// How this end waits for messages.
    pub fn set_patience(&mut self, patience: Patience) {
        self.patience = patience.into();
    }

    /// Waits for a message and puts it into `message`, in place of what was there.
    ///
    /// # Errors
    /// [`Closed`] if none will come.
    pub fn receive(&mut self, message: &mut Vec<u8>) -> Result<(), Closed> {
        self.reader.receive(message, &mut self.patience)
    }

    /// The same if a message has begun to come; says whether one has.
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub fn try_receive(&mut self, message: &mut Vec<u8>) -> Result<bool, Closed> {
        self.reader.try_receive(message, &mut self.patience)
    }
}

#[cfg(test)]
mod slots_tests;
#[cfg(test)]
mod tests;
