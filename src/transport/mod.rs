//! How a frame reaches a worker: what crosses, who puts it there, who takes it out.
//!
//! # The contract
//!
//! A [`Transport`] has two ends. Its [`Outbound`] end is in the parent, one for each worker, in the
//! thread that sends to that worker: it makes a frame's [`Ticket`]. Where frames come through
//! [slots](crate::handoff::Slots), their one producer takes that place: it writes each frame once,
//! in its turn, and the ticket is that of the slot's lease. The [`Inbound`] end is in the worker
//! and turns the ticket back into a [`FrameView`]. For every transport:
//!
//! * the bytes of the view are exactly those of the frame in its source;
//! * a frame that cannot be had is an `Err` of one sentence that names the file, never a panic, and
//!   leaves both ends fit for the next frame;
//! * the same ticket may be opened again, by another worker: tickets of workers that die are made
//!   anew from the same frame number, or from the same lease;
//! * what was found in a frame counts if its ticket is confirmed afterwards;
//! * in a mode with processes, the parent touches no mapped page of the input, and the worker
//!   checks a file's length before it reads a mapped frame. (A file that is cut between that check
//!   and the read raises SIGBUS, which is one worker's death, and its successor's check finds it.)
//!
//! One suite, `tests/conformance.rs`, runs over every transport in [`registry`].
//!
//! ```
//! use framehaul::transport::{self, Placement};
//! let mmap = transport::by_name("mmap")?;
//! assert_eq!(mmap.placement(), Placement::Processes);
//! let unknown = transport::by_name("mmpa").err().map(|error| error.to_string());
//! assert!(unknown.is_some_and(|why| why.contains("did you mean mmap")));
//! # Ok::<(), framehaul::Error>(())
//! ```

mod in_process;
mod mmap;
mod path;
mod payload;
mod payload_raw;
mod shm;

pub use payload::Pixels;

use mmap::Maps;

use crate::error::{Error, Result};
use crate::frame::{FrameFormat, FrameView};
use crate::handoff::{SlotTicket, Whereabouts};
use crate::source::FrameSet;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// What crosses the process boundary for one frame.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ticket {
    /// The pixels themselves, as an array that goes through serde.
    Pixels(Pixels),
    /// The pixels themselves, as bytes beside the message, from `begin` on.
    Bulk {
        /// Offset of the frame's first byte in the job's bulk.
        begin: u64,
    },
    /// A file, and where in it the frame's raw bytes begin; without an offset it is to be decoded.
    File {
        /// The file's path.
        path: PathBuf,
        /// Byte offset of the frame's first sample.
        offset: Option<u64>,
    },
    /// A span of a file that both sides know by number.
    Span {
        /// Index into the set's files.
        file: u32,
        /// Byte offset of the frame's first sample.
        offset: u64,
        /// Bytes of the frame.
        len: u64,
    },
    /// A slot of shared memory, and the generation of what was written there.
    Slot(SlotTicket),
    /// No frame: what the parent found when it tried to read it.
    Unreadable(String),
}

impl Ticket {
    /// Bytes that this ticket puts on the wire for its frame: the pixels if it ships them, else
    /// the reference's own size as encoded (postcard, ipc-channel's serialiser).
    pub fn shipped_bytes(&self, format: FrameFormat) -> u64 {
        let varint = |n: u64| (64 - n.max(1).leading_zeros()).div_ceil(7) as u64;
        match self {
            Self::Pixels(_) | Self::Bulk { .. } => format.bytes() as u64,
            Self::File { path, offset } => {
                let path = path.as_os_str().len() as u64;
                2 + varint(path) + path + offset.map_or(0, varint)
            }
            Self::Span { file, offset, len } => {
                1 + varint(u64::from(*file)) + varint(*offset) + varint(*len)
            }
            Self::Slot(SlotTicket { slot, generation }) => {
                1 + varint(u64::from(*slot)) + varint(*generation)
            }
            Self::Unreadable(why) => 1 + varint(why.len() as u64) + why.len() as u64,
        }
    }
}

/// The three families of modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The pixels cross.
    ShipPixels,
    /// A reference crosses.
    ShipReference,
    /// Nothing crosses.
    InProcess,
}

impl Family {
    /// As a heading: "ship the pixels".
    pub const fn heading(self) -> &'static str {
        match self {
            Self::ShipPixels => "ship the pixels",
            Self::ShipReference => "ship a reference",
            Self::InProcess => "stay in process",
        }
    }
}

/// Where a mode's jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In worker processes.
    Processes,
    /// On threads of this process.
    Threads,
    /// In the one thread that also does everything else.
    Inline,
}

/// A mode: how a frame reaches whoever analyses it. See [the module](self) for the contract.
pub trait Transport: Sync {
    /// As on the command line.
    fn name(&self) -> &'static str;
    /// One line for `framehaul list`.
    fn summary(&self) -> &'static str;
    /// Which of the families it belongs to.
    fn family(&self) -> Family;
    /// Where its jobs run.
    fn placement(&self) -> Placement {
        Placement::Processes
    }
    /// Whether it can carry frames of this set.
    fn fits(&self, set: &FrameSet) -> bool {
        let _ = set;
        true
    }
    /// The parent's end, for one worker; none if the mode [uses slots](Self::uses_slots).
    fn outbound(&self, set: Arc<FrameSet>) -> Option<Box<dyn Outbound>>;
    /// Whether frames are written into slots of shared memory by one producer, whatever they come
    /// from, and tickets are those of the slots' leases. Such a mode has no outbound end, and it
    /// alone carries what is live.
    fn uses_slots(&self) -> bool {
        false
    }
    /// The worker's end.
    ///
    /// # Errors
    /// One sentence, if what the worker needs for all frames cannot be had.
    fn inbound(&self, known: &Known) -> Result<Box<dyn Inbound>, String>;
    /// An upper bound of the anonymous memory that one worker's share of a run needs, in parent
    /// and worker together, with jobs of so many frames (look-back included).
    fn memory(&self, format: FrameFormat, frames_a_job: u64) -> u64;
}

/// Makes tickets.
pub trait Outbound: Send {
    /// The ticket of frame `index` of the set (below its length). Bytes appended to `bulk` travel
    /// beside the message.
    fn ticket(&mut self, index: usize, bulk: &mut Vec<u8>) -> Ticket;
    /// Gives back memory that only frames under way need.
    fn rest(&mut self) {}
}

/// Opens tickets.
pub trait Inbound: Send {
    /// The frame that a ticket stands for; the view lasts until the next call.
    ///
    /// # Errors
    /// One sentence that names the file and what was wrong with it.
    fn open<'a>(
        &'a mut self,
        ticket: &'a Ticket,
        bulk: &'a [u8],
    ) -> std::result::Result<FrameView<'a>, String>;

    /// Whether what was read since the ticket was opened was its frame, and whole.
    ///
    /// # Errors
    /// One sentence, if it may not have been: nothing that was found in it is to be believed.
    fn confirm(&mut self, ticket: &Ticket) -> std::result::Result<(), String> {
        let _ = ticket;
        Ok(())
    }
}

/// What a worker knows of the source: enough to understand any ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Known {
    /// The format of every frame.
    pub format: FrameFormat,
    /// The set's files, in its order; none of a live source.
    pub paths: Arc<[PathBuf]>,
    /// Where the slots are, if the mode uses any.
    pub slots: Option<Whereabouts>,
    /// Maps of them, shared by all threads of one process; they do not cross.
    #[serde(skip)]
    maps: Maps,
}

impl Known {
    /// What a worker needs to know of `set`.
    pub fn of(set: &FrameSet) -> Self {
        Self {
            format: set.format(),
            paths: set.files().into(),
            slots: None,
            maps: Maps::default(),
        }
    }

    /// What a worker needs to know of frames that are written into slots.
    pub fn in_slots(format: FrameFormat, slots: Whereabouts) -> Self {
        Self {
            format,
            paths: [].into(),
            slots: Some(slots),
            maps: Maps::default(),
        }
    }

    /// The same with maps of its own, for somebody who goes through many sets: what was mapped of
    /// one is given back when its end of the transport is dropped.
    #[must_use]
    pub fn with_own_maps(&self) -> Self {
        Self {
            maps: Maps::default(),
            ..self.clone()
        }
    }
}

/// The sentence for a ticket that its transport does not know; only a bug leads to it, or the
/// parent's own word that there is no frame.
fn wrong_ticket(ticket: &Ticket) -> String {
    match ticket {
        Ticket::Unreadable(why) => why.clone(),
        other => format!("a ticket of another mode arrived: {other:?}"),
    }
}

/// Every mode, in the order in which help lists them and a comparison reads best.
pub fn registry() -> &'static [&'static dyn Transport] {
    static MODES: [&dyn Transport; 7] = [
        &in_process::SEQUENTIAL,
        &in_process::THREADS,
        &payload::Payload,
        &payload_raw::PayloadRaw,
        &path::Path,
        &mmap::Mmap,
        &shm::Shm,
    ];
    &MODES
}

/// The mode of that name.
///
/// # Errors
/// [`Error::Usage`], with the nearest name and all of them.
pub fn by_name(name: &str) -> Result<&'static dyn Transport> {
    let found = registry().iter().find(|mode| mode.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = registry().iter().map(|mode| mode.name()).collect();
        let near = names
            .iter()
            .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(likeness, _)| *likeness > 0.4)
            .map_or(String::new(), |(_, near)| format!("did you mean {near}? "));
        Error::Usage(format!(
            "there is no mode {name:?}: {near}The modes are {}",
            names.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_each_has_a_summary() {
        let names: HashSet<_> = registry().iter().map(|mode| mode.name()).collect();
        assert_eq!(names.len(), registry().len());
        for mode in registry() {
            assert!(!mode.summary().is_empty());
            assert_eq!(by_name(mode.name()).unwrap().name(), mode.name());
        }
    }

    #[test]
    fn families_are_listed_together() {
        let families: Vec<_> = registry().iter().map(|mode| mode.family()).collect();
        let mut seen = families.clone();
        seen.dedup();
        assert_eq!(seen.len(), 3, "{families:?}");
    }
}
