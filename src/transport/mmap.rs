//! `mmap`: a span of a file crosses, the worker reads it where the kernel holds it.
//!
//! Zero copies: the worker maps the file once and analyses the pages of the page cache themselves.
//! Any file of raw frames will do, a `.npy` or a `.y4m` as it is.

use super::path::PathIn;
use super::{Family, Inbound, Known, Outbound, Ticket, Transport};
use crate::frame::{FrameFormat, FrameView};
use crate::source::{FrameSet, Place};
use crate::sys::map::FileMap;
use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

pub(super) struct Mmap;

impl Transport for Mmap {
    fn name(&self) -> &'static str {
        "mmap"
    }
    fn summary(&self) -> &'static str {
        "a span of a file that the worker has mapped: no copy (raw frames only)"
    }
    fn family(&self) -> Family {
        Family::ShipReference
    }
    fn fits(&self, set: &FrameSet) -> bool {
        set.mappable()
    }
    fn outbound(&self, set: Arc<FrameSet>) -> Option<Box<dyn Outbound>> {
        Some(Box::new(MmapOut(set)))
    }
    fn inbound(&self, known: &Known) -> Result<Box<dyn Inbound>, String> {
        Ok(Box::new(MmapIn::new(known)))
    }
    fn memory(&self, _format: FrameFormat, _frames_a_job: u64) -> u64 {
        0
    }
}

pub(super) struct MmapOut(pub(super) Arc<FrameSet>);

impl Outbound for MmapOut {
    fn ticket(&mut self, index: usize, _bulk: &mut Vec<u8>) -> Ticket {
        match self.0.place(index) {
            Place::Raw { file, offset } => Ticket::Span {
                file,
                offset,
                len: self.0.format().bytes() as u64,
            },
            // Among mappable frames, one that is not what it should be: opening it says why.
            Place::Encoded { file } => Ticket::File {
                path: self.0.files()[file as usize].clone(),
                offset: None,
            },
        }
    }
}

/// A file and its map; the file is kept to ask for its length.
#[derive(Debug)]
struct Mapped {
    number: u32,
    file: File,
    map: FileMap,
}

/// Maps of the files used last, shared by the threads of one process.
///
/// A packed set is one file; a set of one file a frame would be thousands, so only some are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Maps(Arc<Mutex<VecDeque<Arc<Mapped>>>>);

const KEPT_MAPS: usize = 16;

impl Maps {
    fn get(&self, number: u32, path: &std::path::Path) -> Result<Arc<Mapped>, String> {
        let mut kept = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(mapped) = kept.iter().find(|mapped| mapped.number == number) {
            return Ok(mapped.clone());
        }
        let cannot = |what: &str, error| format!("{}: cannot {what}: {error}", path.display());
        let file = File::open(path).map_err(|error| cannot("open", error))?;
        let map = FileMap::new(&file).map_err(|error| cannot("map", error))?;
        let mapped = Arc::new(Mapped { number, file, map });
        if kept.len() == KEPT_MAPS {
            kept.pop_front();
        }
        kept.push_back(mapped.clone());
        Ok(mapped)
    }
}

pub(super) struct MmapIn {
    format: FrameFormat,
    paths: Arc<[PathBuf]>,
    maps: Maps,
    current: Option<Arc<Mapped>>,
    /// For what is no span.
    read: PathIn,
}

impl MmapIn {
    pub(super) fn new(known: &Known) -> Self {
        Self {
            format: known.format,
            paths: known.paths.clone(),
            maps: known.maps.clone(),
            current: None,
            read: PathIn::new(known),
        }
    }
}

impl Inbound for MmapIn {
    fn open<'a>(&'a mut self, ticket: &'a Ticket, bulk: &'a [u8]) -> Result<FrameView<'a>, String> {
        let Ticket::Span { file, offset, len } = *ticket else {
            return self.read.open(ticket, bulk);
        };
        let path = &self.paths[file as usize];
        let mapped = match self.current.take() {
            Some(mapped) if mapped.number == file => mapped,
            _ => self.maps.get(file, path)?,
        };
        let mapped = self.current.insert(mapped);
        // The length now, not when it was mapped: reading a page beyond it would be a SIGBUS.
        let metadata = mapped.file.metadata();
        let there = metadata.map_err(|error| format!("{}: {error}", path.display()))?;
        let there = there.len().min(mapped.map.len() as u64);
        let end = offset.saturating_add(len);
        if end > there {
            return Err(crate::source::beyond_end(path, offset, len, there));
        }
        let bytes = &mapped.map[offset as usize..end as usize];
        FrameView::new(self.format, bytes).map_err(|wrong| wrong.to_string())
    }
}
