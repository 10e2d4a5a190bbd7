//! `payload-raw`: the pixels as raw bytes through ipc-channel's bytes channel.
//!
//! The best that a payload can do with this library: no serialiser touches the samples. They still
//! are copied into the kernel and out of it, some 200 KB at a time, into memory that is fresh for
//! each frame.

use super::{Family, Inbound, Known, Outbound, Ticket, Transport};
use crate::frame::{FrameFormat, FrameView};
use crate::source::{FrameSet, Reader};
use std::sync::Arc;

pub(super) struct PayloadRaw;

impl Transport for PayloadRaw {
    fn name(&self) -> &'static str {
        "payload-raw"
    }
    fn summary(&self) -> &'static str {
        "raw bytes through ipc-channel's bytes channel: the best a payload can do"
    }
    fn family(&self) -> Family {
        Family::ShipPixels
    }
    fn outbound(&self, set: Arc<FrameSet>) -> Option<Box<dyn Outbound>> {
        Some(Box::new(Out {
            set,
            reader: Reader::default(),
        }))
    }
    fn inbound(&self, known: &Known) -> Result<Box<dyn Inbound>, String> {
        Ok(Box::new(In(known.format)))
    }
    fn memory(&self, format: FrameFormat, frames_a_job: u64) -> u64 {
        2 * format.bytes() as u64 * frames_a_job
    }
}

struct Out {
    set: Arc<FrameSet>,
    reader: Reader,
}

impl Outbound for Out {
    fn ticket(&mut self, index: usize, bulk: &mut Vec<u8>) -> Ticket {
        let begin = bulk.len();
        bulk.resize(begin + self.set.format().bytes(), 0);
        match self.reader.frame(&self.set, index, &mut bulk[begin..]) {
            Ok(()) => Ticket::Bulk {
                begin: begin as u64,
            },
            Err(why) => {
                bulk.truncate(begin);
                Ticket::Unreadable(why)
            }
        }
    }
}

struct In(FrameFormat);

impl Inbound for In {
    fn open<'a>(&'a mut self, ticket: &'a Ticket, bulk: &'a [u8]) -> Result<FrameView<'a>, String> {
        match ticket {
            Ticket::Bulk { begin } => {
                let begin = *begin as usize;
                let bytes = bulk.get(begin..begin + self.0.bytes());
                let bytes = bytes.ok_or("the bytes of the frame did not arrive")?;
                FrameView::new(self.0, bytes).map_err(|wrong| wrong.to_string())
            }
            other => Err(super::wrong_ticket(other)),
        }
    }
}
