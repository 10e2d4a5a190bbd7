//! What the two processes say to each other. All of it is postcard, but for the first message.

use super::plan::{Touch, Wait};
use crate::handoff::Queue;
use crate::sys::block::Block;
use crate::sys::segment::Segment;
use serde::{Deserialize, Serialize};

/// What the other process is started with, as JSON in its arguments.
#[derive(Serialize, Deserialize)]
pub(super) struct Setup {
    /// What is to be done next: an [`Order`] a message.
    pub orders: Queue,
    /// A [`Ticket`] a message.
    pub tickets: Queue,
    /// An [`Answer`] a message.
    pub answers: Queue,
    /// Where the floors are measured.
    pub line: Segment,
    /// The memory in which the frames would be, as large as the largest.
    pub slot: Block,
    /// What is read of it.
    pub touch: Touch,
    /// Which of the ways to read all.
    pub way: usize,
}

/// What the other process does next. Each is so many round trips, which both count.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum Order {
    /// Answer tickets, waiting for each like this.
    Tickets(Wait, u64),
    /// Send a cache line back, spinning.
    Spin(u64),
    /// Send a word back, sleeping in between.
    Futex(u64),
}

/// A frame in a slot, as a worker gets it.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub slot: u32,
    /// Changes whenever the slot is used anew.
    pub generation: u64,
    pub bytes: u64,
}

/// What was seen in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub generation: u64,
    pub seen: u64,
}

/// Room for any of these, serialised.
pub(super) const ROOM: usize = 64;
