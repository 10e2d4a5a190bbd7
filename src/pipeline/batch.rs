//! Consecutive frames on their way: packed in the parent, opened in the worker.

use crate::analysis::Engine;
use crate::clock::{Nanos, now};
use crate::frame::FrameFormat;
use crate::source::FrameSet;
use crate::transport::{Family, Inbound, Outbound, Ticket, Transport};
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, Range};
use std::sync::Arc;

/// The tickets of consecutive frames, with that of the one that their analyzers look back to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Batch {
    first: u64,
    /// The frame before the first, if an analyzer looks back to it.
    look_back: Option<Ticket>,
    frames: Vec<Ticket>,
}

/// Bytes that crossed for a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shipped {
    pub frames: u64,
    pub overlap: u64,
}

impl AddAssign for Shipped {
    fn add_assign(&mut self, other: Self) {
        self.frames += other.frames;
        self.overlap += other.overlap;
    }
}

impl Batch {
    /// The batch of these tickets, the first of which is for frame `first`, and what they weigh.
    pub(super) fn new(
        first: u64,
        look_back: Option<Ticket>,
        frames: Vec<Ticket>,
        format: FrameFormat,
    ) -> (Self, Shipped) {
        let size = |ticket: &Ticket| ticket.shipped_bytes(format);
        let shipped = Shipped {
            frames: frames.iter().map(size).sum(),
            overlap: look_back.iter().map(size).sum(),
        };
        let batch = Self {
            first,
            look_back,
            frames,
        };
        (batch, shipped)
    }

    /// How many frames, without the one that is looked back to.
    pub(super) const fn len(&self) -> usize {
        self.frames.len()
    }

    /// Each frame's step of the job, its number in the stream, and its ticket.
    pub(super) fn frames(&self) -> impl Iterator<Item = (u32, u64, &Ticket)> {
        let frames = self.frames.iter().enumerate();
        frames.map(|(step, ticket)| (step as u32, self.first + step as u64, ticket))
    }

    /// Shows the engine the frame before the first. If it cannot be had, the engine finds no frame
    /// before and the finding says so; the failure itself is reported where that frame is analysed.
    /// Returns how long the engine took, without the time until the frame was there.
    pub(super) fn prime(
        &self,
        inbound: &mut dyn Inbound,
        engine: &mut Engine,
        bulk: &[u8],
    ) -> Nanos {
        let Some(ticket) = &self.look_back else {
            return 0;
        };
        let opened = inbound.open(ticket, bulk);
        let begin = now();
        if let Ok(view) = opened {
            engine.prime(self.first - 1, view);
        }
        let took = now() - begin;
        if inbound.confirm(ticket).is_err() {
            engine.forget();
        }
        took
    }
}

/// Makes batches of one set's frames: the parent's end of a transport.
pub(super) struct Tickets {
    mode: &'static dyn Transport,
    set: Arc<FrameSet>,
    looks_back: bool,
    outbound: Box<dyn Outbound>,
}

impl Tickets {
    /// None if the mode's frames come through slots.
    pub(super) fn new(
        mode: &'static dyn Transport,
        set: Arc<FrameSet>,
        looks_back: bool,
    ) -> Option<Self> {
        Some(Self {
            mode,
            outbound: mode.outbound(set.clone())?,
            set,
            looks_back,
        })
    }

    /// The batch of these frames of the stream; a set that is shorter than the stream is cycled.
    pub(super) fn batch(&mut self, frames: Range<u64>, bulk: &mut Vec<u8>) -> (Batch, Shipped) {
        let Self { set, outbound, .. } = self;
        let mut ticket = |frame: u64| {
            let index = (frame % set.len() as u64) as usize;
            outbound.ticket(index, bulk)
        };
        let first = frames.start;
        let look_back = (self.looks_back && first > 0).then(|| ticket(first - 1));
        let frames: Vec<_> = frames.map(ticket).collect();
        let (batch, shipped) = Batch::new(first, look_back, frames, self.set.format());
        match self.mode.family() {
            Family::InProcess => (batch, Shipped::default()),
            Family::ShipPixels | Family::ShipReference => (batch, shipped),
        }
    }

    /// Whether making them takes microseconds: see [`crate::pool::Pack::is_light`].
    pub(super) fn are_light(mode: &dyn Transport) -> bool {
        mode.family() != Family::ShipPixels
    }

    /// Gives back memory that only frames under way need.
    pub(super) fn rest(&mut self) {
        self.outbound.rest();
    }
}

impl Clone for Tickets {
    fn clone(&self) -> Self {
        let same = Self::new(self.mode, self.set.clone(), self.looks_back);
        same.expect("a mode that makes tickets makes more of them")
    }
}
