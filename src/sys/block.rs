//! Bytes in shared memory that one process writes and another reads, each in its time.
//!
//! A [`Draft`] is being written; [finished](Draft::finish), it is a [`Block`], which is read only.
//! A block can be sent inside any serde message: whoever receives it reads the memory itself, and
//! when they drop it, it is the writer's again, who finds it with [`Spare`].
//!
//! ```
//! use framehaul::sys::block::{Block, Spare};
//! let mut spare = Spare::default();
//! let mut draft = spare.draft(5)?;
//! draft.copy_from_slice(b"pixel");
//! let message = serde_json::to_string(&draft.finish()).unwrap();
//! // Usually in another process:
//! let block: Block = serde_json::from_str(&message).unwrap();
//! assert_eq!(&*block, b"pixel");
//! // It is received once: a second reader would not know when the first has gone.
//! assert!(serde_json::from_str::<Block>(&message).is_err());
//! # Ok::<(), std::io::Error>(())
//! ```

use super::atomics::One;
use super::segment::Segment;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::{Cell, RefCell};
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The first page of a block's segment holds its state; the bytes begin on the second.
const HEADER: usize = 4096;

// The state's lowest two bits; a count of the drafts so far lies above them, so that a message
// that comes late is about nobody's block.
const FREE: u64 = 0;
const DRAFT: u64 = 1;
const LENT: u64 = 2;
const RECEIVED: u64 = 3;
const ONE_MORE: u64 = 4;

/// Memory that is being written by whoever has this, and by nobody else. Dropping it gives it back.
#[derive(Debug)]
pub struct Draft(Block);

/// Memory that nobody writes. Dropping it gives it back, unless it was sent to somebody.
#[derive(Debug)]
pub struct Block {
    claim: Claim,
    sent: AtomicBool,
}

/// Someone's right to a block's bytes.
#[derive(Debug)]
struct Claim {
    segment: Segment,
    state: One<AtomicU64>,
    /// What the state is while the claim holds.
    stands: u64,
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: it is a claim to memory that the segment keeps mapped; whether that memory may be written
// is decided by the state, atomically, not by the thread.
unsafe impl Send for Claim {}
// SAFETY: as above; through a shared reference the bytes can only be read.
unsafe impl Sync for Claim {}

impl Claim {
    fn new(segment: &Segment, stands: u64, bytes: usize) -> io::Result<Self> {
        Ok(Self {
            state: segment.atomics(0, 1)?.first(),
            start: segment.place(HEADER, bytes)?,
            segment: segment.clone(),
            stands,
            bytes,
        })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: in bounds and mapped as long as `self.segment`; nobody writes while the state is
        // what this claim stands for: a `Draft` is the only writer, lent to us as `&self`, and a
        // block is free for a new draft only when its one receiver has dropped it. Every process
        // that maps it does so through this file.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    fn give_back(&self) {
        // Release, with the Acquire of the next draft: our reads come before its writes.
        let free = self.stands & !3;
        self.state.store(free | FREE, Ordering::Release);
    }
}

impl Draft {
    /// Claims a free segment; none if it is not free or too small.
    fn claim(segment: &Segment, bytes: usize) -> Option<Self> {
        let mut claim = Claim::new(segment, 0, bytes).ok()?;
        let free = claim.state.load(Ordering::Relaxed);
        claim.stands = (free | DRAFT).wrapping_add(ONE_MORE);
        let (state, stands) = (&claim.state, claim.stands);
        // Acquire, with the Release of whoever gave it back.
        let taken = free & 3 == FREE
            && state
                .compare_exchange(free, stands, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        taken.then(|| {
            Self(Block {
                claim,
                sent: AtomicBool::new(false),
            })
        })
    }

    /// Nobody writes it any more.
    pub fn finish(self) -> Block {
        let mut block = self.0;
        let claim = &mut block.claim;
        claim.stands = claim.stands & !3 | LENT;
        // Release, with the Acquire of the receiver: it sees what was written.
        claim.state.store(claim.stands, Ordering::Release);
        block
    }
}

impl Deref for Draft {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut [u8] {
        let claim = &self.0.claim;
        // SAFETY: as in `Claim::bytes`; the state has made this the block's only draft, and it is
        // borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(claim.start.as_ptr(), claim.bytes) }
    }
}

impl Deref for Block {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.claim.bytes()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if !*self.sent.get_mut() {
            self.claim.give_back();
        }
    }
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let claim = &self.claim;
        let sent = (&claim.segment, claim.stands, claim.bytes).serialize(serializer)?;
        // From now on it is its receiver's to give back.
        self.sent.store(true, Ordering::Relaxed);
        Ok(sent)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sent = <(Segment, u64, usize)>::deserialize(deserializer);
        // Its numbers are always understood: it is the memory that is not there.
        let (segment, lent, bytes) = sent.inspect_err(|_| LOST.set(true))?;
        let mut claim = Claim::new(&segment, lent, bytes).map_err(serde::de::Error::custom)?;
        claim.stands = lent & !3 | RECEIVED;
        let (state, stands) = (&claim.state, claim.stands);
        // Acquire, with the Release of `finish`.
        let taken = lent & 3 == LENT
            && state
                .compare_exchange(lent, stands, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        if !taken {
            return Err(serde::de::Error::custom(
                "these shared bytes have been received already",
            ));
        }
        KEPT.with_borrow_mut(|kept| {
            if let Some(kept) = kept
                && !kept.contains(&segment)
            {
                kept.push(segment);
            }
        });
        Ok(Self {
            claim,
            sent: AtomicBool::new(false),
        })
    }
}

thread_local! {
    static KEPT: RefCell<Option<Vec<Segment>>> = const { RefCell::new(None) };
    static LOST: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`; blocks that it receives stay mapped as long as `kept`. A writer uses its memory again
/// and again, and mapping it costs more than reading it.
pub fn keeping<T>(kept: &mut Vec<Segment>, work: impl FnOnce() -> T) -> T {
    let outer = KEPT.replace(Some(std::mem::take(kept)));
    let done = work();
    *kept = KEPT.replace(outer).unwrap_or_default();
    done
}

/// Whether this thread has failed to receive a block since it last asked: its writer is gone.
pub fn was_lost() -> bool {
    LOST.replace(false)
}

/// A writer's memory: what was given back is used again.
#[derive(Debug, Default)]
pub struct Spare(Vec<Segment>);

/// The most segments of one writer. Each costs a descriptor.
const MOST: usize = 64;

impl Spare {
    /// Whether a block was sent that nobody has received yet: its memory can only be found as long
    /// as this process lives.
    pub fn is_awaited(&self) -> bool {
        self.0.iter().any(|segment| {
            let state = segment.cell(0).load(Ordering::Relaxed);
            state & 3 == LENT
        })
    }

    /// So many bytes to write, of any former content.
    ///
    /// # Errors
    /// If the system has no memory or no descriptor left, or if sixty-four blocks of this writer
    /// have not been given back.
    pub fn draft(&mut self, bytes: usize) -> io::Result<Draft> {
        if let Some(draft) = self.0.iter().find_map(|known| Draft::claim(known, bytes)) {
            return Ok(draft);
        }
        if self.0.len() == MOST {
            // A free one that is too small makes room.
            let is_free = |segment: &Segment| Draft::claim(segment, 0).is_some();
            let free = self.0.iter().position(is_free).ok_or_else(|| {
                io::Error::other(format!("{MOST} blocks of shared memory are still in use"))
            })?;
            self.0.swap_remove(free);
        }
        let room = bytes
            .checked_add(HEADER)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let segment = Segment::create(room)?;
        let draft = Draft::claim(&segment, bytes)
            .ok_or_else(|| io::Error::other("fresh shared memory is not free"))?;
        self.0.push(segment);
        Ok(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_when_its_receiver_has_dropped_it_and_not_before() {
        let mut spare = Spare::default();
        let send = |draft: Draft| serde_json::to_string(&draft.finish()).unwrap();
        let first = send(spare.draft(1000).unwrap());
        let received: Block = serde_json::from_str(&first).unwrap();
        let start = received.as_ptr();
        assert_ne!(spare.draft(1000).unwrap().finish().as_ptr(), start);
        drop(received);
        assert_eq!(spare.draft(900).unwrap().finish().as_ptr(), start);
        assert!(
            serde_json::from_str::<Block>(&first).is_err(),
            "a late message"
        );
        assert_eq!(spare.0.len(), 2);
    }

    #[test]
    fn what_is_never_finished_or_never_sent_comes_back_too() {
        let mut spare = Spare::default();
        for _ in 0..2 * MOST {
            drop(spare.draft(10).unwrap());
            drop(spare.draft(10).unwrap().finish());
        }
        assert_eq!(spare.0.len(), 1);
    }

    #[test]
    fn a_writer_whose_readers_keep_everything_is_told_so() {
        let mut spare = Spare::default();
        let kept: Vec<_> = (0..MOST)
            .map(|_| spare.draft(1).unwrap().finish())
            .collect();
        assert!(
            spare
                .draft(1)
                .unwrap_err()
                .to_string()
                .contains("still in use")
        );
        drop(kept);
        assert!(spare.draft(1 << 20).is_ok(), "a smaller one makes room");
    }
}
