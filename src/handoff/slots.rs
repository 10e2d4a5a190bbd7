//! Places for frames in shared memory: written once by their producer, read by workers.
//!
//! [`Slots`] are places of one size. Their producer takes a free one as a [`Draft`], writes a frame
//! straight into it, and finishes it: then it is a [`Lease`]. As long as anybody in the producer's
//! process holds a clone of the lease, the slot is not written again; when the last is dropped, it
//! is free at once. So a slot cannot be lost: whoever answers for a frame (a job under way, a later
//! frame that is compared with it) holds a lease, and what happens to a worker is the affair of the
//! job. A pool keeps a job's order until the job has ended, whichever workers die on the way, and
//! gives it to another only when the kernel has said that the first is gone.
//!
//! What crosses is the lease's [`SlotTicket`]: slot and generation. Each writing of a slot is a
//! generation of its own, and a [`SlotReader`] checks it before the first byte is read
//! ([`SlotReader::open`]) and after the last ([`SlotReader::confirm`]): if a lease was given back
//! too early, a torn or stale frame is an error, never a finding.
//!
//! ```
//! use framehaul::handoff::{SlotReader, Slots};
//! let slots = Slots::create(2, 5)?;
//! let mut draft = slots.take().ok_or("none is free")?;
//! draft.copy_from_slice(b"pixel");
//! let lease = draft.finish();
//!
//! // Usually in another process, which got both in messages:
//! let reader = SlotReader::open_slots(&slots.whereabouts()?)?;
//! let ticket = lease.ticket();
//! assert_eq!(reader.open(ticket)?, b"pixel");
//! reader.confirm(ticket)?;
//!
//! drop(lease);
//! let next = slots.take().ok_or("none is free")?;
//! assert!(reader.confirm(ticket).is_err(), "it is being written anew");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::generation;
use crate::sys::arena::{Arena, Place, View, Whereabouts};
use serde::{Deserialize, Serialize};
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Places of one size in shared memory. A clone is the same places.
#[derive(Clone, Debug)]
pub struct Slots(Arc<Home>);

#[derive(Debug)]
struct Home {
    arena: Arena,
    count: usize,
    /// Those that nobody has; the one that was given back last is taken first, since it is the
    /// likeliest to be in a cache.
    free: Mutex<Vec<Place>>,
    freed: Condvar,
}

/// Which frame, as it crosses: a slot, and the generation of what was written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotTicket {
    /// The slot's number.
    pub slot: u32,
    /// How often it was written, twice, as it were: see [`Stale`].
    pub generation: u64,
}

/// A slot that is being written by whoever has this. Dropped, it is free again.
#[derive(Debug)]
pub struct Draft(Held);

/// A slot that is not written as long as anybody has this or a clone of it.
#[derive(Clone, Debug)]
pub struct Lease(Arc<Held>);

/// A place that is given back when this is dropped.
#[derive(Debug)]
struct Held {
    /// There until then.
    place: Option<Place>,
    generation: u64,
    home: Arc<Home>,
}

impl Slots {
    /// So many slots of so many bytes each. All memory is taken and faulted in at once.
    ///
    /// # Errors
    /// If the system has no memory or no descriptor left for it.
    pub fn create(count: usize, bytes: usize) -> io::Result<Self> {
        let (arena, free) = Arena::create(count, bytes)?;
        Ok(Self(Arc::new(Home {
            arena,
            count,
            free: Mutex::new(free),
            freed: Condvar::new(),
        })))
    }

    /// Memory that so many slots take, in bytes.
    pub fn size(count: usize, bytes: usize) -> u64 {
        Arena::size(count, bytes)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// How many nobody has.
    pub fn free(&self) -> usize {
        self.0.lock().len()
    }

    /// All bytes of them, and those that lie in huge pages now.
    pub fn bytes(&self) -> (u64, u64) {
        self.0.arena.bytes()
    }

    /// Where another process finds them: see [`SlotReader::open_slots`].
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn whereabouts(&self) -> io::Result<Whereabouts> {
        self.0.arena.whereabouts()
    }

    /// A slot to write, if one is free.
    pub fn take(&self) -> Option<Draft> {
        let place = self.0.lock().pop()?;
        Some(self.draft(place))
    }

    /// The same, waiting for one for so long.
    pub fn take_timeout(&self, timeout: Duration) -> Option<Draft> {
        let begin = Instant::now();
        let mut free = self.0.lock();
        loop {
            if let Some(place) = free.pop() {
                return Some(self.draft(place));
            }
            let left = timeout.checked_sub(begin.elapsed())?;
            let woken = self.0.freed.wait_timeout(free, left);
            free = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until nobody has any, for so long at most; whether it came to that.
    pub fn are_free(&self, timeout: Duration) -> bool {
        let are_held = |free: &mut Vec<Place>| free.len() < self.0.count;
        let waited = self
            .0
            .freed
            .wait_timeout_while(self.0.lock(), timeout, are_held);
        let (free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        free.len() == self.0.count
    }

    fn draft(&self, place: Place) -> Draft {
        Draft(Held {
            generation: generation::begin(place.word()),
            place: Some(place),
            home: self.0.clone(),
        })
    }
}

impl Home {
    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        // Nothing panics between two changes that belong together.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Draft {
    /// It is written; nobody will write it as long as the lease lasts.
    pub fn finish(mut self) -> Lease {
        let generation = generation::end(self.0.place().word(), self.0.generation);
        self.0.generation = generation;
        Lease(Arc::new(self.0))
    }
}

impl Deref for Draft {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.0.place()
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0.place {
            Some(place) => place,
            None => unreachable!("a place is held until the drop"),
        }
    }
}

impl Lease {
    /// What a reader needs.
    pub fn ticket(&self) -> SlotTicket {
        SlotTicket {
            slot: self.0.place().index() as u32,
            generation: self.0.generation,
        }
    }
}

impl Held {
    fn place(&self) -> &Place {
        match &self.place {
            Some(place) => place,
            None => unreachable!("a place is held until the drop"),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.home.lock().extend(self.place.take());
        self.home.freed.notify_one();
    }
}

/// Slots as others see them: read-only. A clone is the same map.
#[derive(Clone, Debug)]
pub struct SlotReader(View);

/// A slot does not hold what a ticket says it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "slot {} does not hold generation {} of its frames any more: it was given back too early",
    ticket.slot,
    ticket.generation / 2
)]
pub struct Stale {
    ticket: SlotTicket,
}

impl SlotReader {
    /// Maps the slots that lie there, once.
    ///
    /// # Errors
    /// If their producer is gone or does not have them any more, or the system refuses.
    pub fn open_slots(at: &Whereabouts) -> io::Result<Self> {
        View::open(at).map(Self)
    }

    /// The bytes of a slot, of which the frame is the first.
    ///
    /// # Errors
    /// [`Stale`] if it holds another frame, or is being written.
    pub fn open(&self, ticket: SlotTicket) -> Result<&[u8], Stale> {
        let index = ticket.slot as usize;
        let word = self.0.word(index).ok_or(Stale { ticket })?;
        if !generation::is_there(word, ticket.generation) {
            return Err(Stale { ticket });
        }
        self.0.bytes(index).ok_or(Stale { ticket })
    }

    /// Whether what was read since [`open`](Self::open) was that frame, and whole.
    ///
    /// # Errors
    /// [`Stale`] if it may not have been.
    pub fn confirm(&self, ticket: SlotTicket) -> Result<(), Stale> {
        let word = self.0.word(ticket.slot as usize);
        match word {
            Some(word) if generation::was_there(word, ticket.generation) => Ok(()),
            _ => Err(Stale { ticket }),
        }
    }
}
