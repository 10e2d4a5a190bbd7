//! `shm`: a slot of shared memory crosses, which all workers have mapped.
//!
//! For frames that are in no file, from a camera or a decoder: they are written once, into the slot
//! where they are analysed. (Frames of files can be read into slots too: one copy out of the page
//! cache, which `mmap` does without.) No worker can write a slot, and each sees by its generation
//! whether it holds the frame that was meant, before the analysis and after it.

use super::{Family, Inbound, Known, Outbound, Ticket, Transport, wrong_ticket};
use crate::frame::{FrameFormat, FrameView};
use crate::handoff::SlotReader;
use crate::source::FrameSet;
use std::sync::Arc;

pub(super) struct Shm;

impl Transport for Shm {
    fn name(&self) -> &'static str {
        "shm"
    }
    fn summary(&self) -> &'static str {
        "a slot of shared memory, written once by the producer: for cameras and decoders too"
    }
    fn family(&self) -> Family {
        Family::ShipReference
    }
    fn outbound(&self, _set: Arc<FrameSet>) -> Option<Box<dyn Outbound>> {
        None
    }
    fn uses_slots(&self) -> bool {
        true
    }
    fn inbound(&self, known: &Known) -> Result<Box<dyn Inbound>, String> {
        let at = known.slots.as_ref().ok_or("it was not told of any slots")?;
        let slots = SlotReader::open_slots(at)
            .map_err(|error| format!("it cannot map the slots that frames come in: {error}"))?;
        Ok(Box::new(In {
            format: known.format,
            slots,
        }))
    }
    fn memory(&self, _format: FrameFormat, _frames_a_job: u64) -> u64 {
        // The slots are shared, and counted by whoever makes them.
        0
    }
}

struct In {
    format: FrameFormat,
    slots: SlotReader,
}

impl Inbound for In {
    fn open<'a>(&'a mut self, ticket: &'a Ticket, _: &'a [u8]) -> Result<FrameView<'a>, String> {
        let Ticket::Slot(slot) = ticket else {
            return Err(wrong_ticket(ticket));
        };
        let bytes = self.slots.open(*slot).map_err(|stale| stale.to_string())?;
        let bytes = bytes.get(..self.format.bytes()).unwrap_or(bytes);
        FrameView::new(self.format, bytes).map_err(|wrong| wrong.to_string())
    }

    fn confirm(&mut self, ticket: &Ticket) -> Result<(), String> {
        match ticket {
            Ticket::Slot(slot) => self.slots.confirm(*slot).map_err(|stale| stale.to_string()),
            _ => Ok(()),
        }
    }
}
