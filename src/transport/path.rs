//! `path`: a file name crosses, the worker reads or decodes the file.
//!
//! For compressed images the clear win: a light message, heavy work. For raw frames the worker
//! reads into a buffer that it uses again and again: one copy, from the page cache.

use super::{Family, Inbound, Known, Outbound, Ticket, Transport};
use crate::frame::{FrameFormat, FrameView};
use crate::source::{FrameSet, Reader};
use std::sync::Arc;

pub(super) struct Path;

impl Transport for Path {
    fn name(&self) -> &'static str {
        "path"
    }
    fn summary(&self) -> &'static str {
        "a file name and an offset; the worker reads or decodes the frame itself"
    }
    fn family(&self) -> Family {
        Family::ShipReference
    }
    fn outbound(&self, set: Arc<FrameSet>) -> Option<Box<dyn Outbound>> {
        Some(Box::new(PathOut(set)))
    }
    fn inbound(&self, known: &Known) -> Result<Box<dyn Inbound>, String> {
        Ok(Box::new(PathIn::new(known)))
    }
    fn memory(&self, format: FrameFormat, _frames_a_job: u64) -> u64 {
        // A decoder may hold a second one.
        2 * format.bytes() as u64
    }
}

pub(super) struct PathOut(pub(super) Arc<FrameSet>);

impl Outbound for PathOut {
    fn ticket(&mut self, index: usize, _bulk: &mut Vec<u8>) -> Ticket {
        let (path, offset) = self.0.file_of(index);
        Ticket::File {
            path: path.to_path_buf(),
            offset,
        }
    }
}

pub(super) struct PathIn {
    format: FrameFormat,
    reader: Reader,
    buffer: Vec<u8>,
}

impl PathIn {
    pub(super) fn new(known: &Known) -> Self {
        Self {
            format: known.format,
            reader: Reader::default(),
            buffer: Vec::new(),
        }
    }
}

impl Inbound for PathIn {
    fn open<'a>(&'a mut self, ticket: &'a Ticket, _: &'a [u8]) -> Result<FrameView<'a>, String> {
        match ticket {
            Ticket::File { path, offset } => {
                self.buffer.resize(self.format.bytes(), 0);
                self.reader
                    .read(path, *offset, self.format, &mut self.buffer)?;
                FrameView::new(self.format, &self.buffer).map_err(|wrong| wrong.to_string())
            }
            other => Err(super::wrong_ticket(other)),
        }
    }
}
