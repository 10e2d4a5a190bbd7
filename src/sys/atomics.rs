//! Atomic integers in shared memory, at the cost of those in one's own.

use super::segment::Segment;
use std::io;
use std::ops::{Deref, Range};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

/// An atomic integer of the standard library.
///
/// # Safety
/// Every bit pattern must be a valid value, and all access through `&Self` atomic.
pub unsafe trait Atomic: std::fmt::Debug + Send + Sync + 'static {}

// SAFETY: an integer without padding, accessed atomically through a shared reference.
unsafe impl Atomic for AtomicU8 {}
// SAFETY: as above.
unsafe impl Atomic for AtomicU16 {}
// SAFETY: as above.
unsafe impl Atomic for AtomicU32 {}
// SAFETY: as above.
unsafe impl Atomic for AtomicU64 {}

/// Atomic integers in a [`Segment`], which they keep mapped; a slice of them when dereferenced.
///
/// The address is found once: an access costs what it costs in this process's own memory.
#[derive(Debug)]
pub struct Atomics<A> {
    start: NonNull<A>,
    count: usize,
    segment: Segment,
}

impl<A: Atomic> Atomics<A> {
    /// See [`Segment::atomics`], which says what the caller promises.
    pub(super) fn new(segment: &Segment, offset: usize, count: usize) -> io::Result<Self> {
        Ok(Self {
            start: segment.place(offset, count)?,
            count,
            segment: segment.clone(),
        })
    }

    /// Those in `range` alone.
    ///
    /// # Panics
    /// If the range does not lie within them.
    pub fn part(&self, range: Range<usize>) -> Self {
        let part = &self[range];
        Self {
            start: NonNull::from(part).cast(),
            count: part.len(),
            segment: self.segment.clone(),
        }
    }

    /// The first of them alone.
    ///
    /// # Panics
    /// If there is none.
    pub fn first(&self) -> One<A> {
        assert!(self.count > 0, "no first of none");
        One {
            place: self.start,
            segment: self.segment.clone(),
        }
    }

    /// The memory they lie in.
    pub const fn segment(&self) -> &Segment {
        &self.segment
    }
}

impl<A: Atomic> Deref for Atomics<A> {
    type Target = [A];
    #[inline]
    fn deref(&self) -> &[A] {
        // SAFETY: `Segment::place` has checked bounds and alignment; every bit pattern is a valid
        // A, which its unsafe trait promises; the memory stays mapped as long as `self.segment`,
        // and no process can shrink it, since it is sealed. Others write it at any time, but only
        // as A, atomically: that is what the callers of `Segment::atomics` promise.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

/// One atomic integer in a [`Segment`], which it keeps mapped.
#[derive(Debug)]
pub struct One<A> {
    place: NonNull<A>,
    segment: Segment,
}

impl<A: Atomic> One<A> {
    /// The memory it lies in.
    pub const fn segment(&self) -> &Segment {
        &self.segment
    }
}

impl<A: Atomic> Deref for One<A> {
    type Target = A;
    #[inline]
    fn deref(&self) -> &A {
        // SAFETY: as for `Atomics`, of which it is the first.
        unsafe { self.place.as_ref() }
    }
}

impl<A> Clone for Atomics<A> {
    fn clone(&self) -> Self {
        Self {
            segment: self.segment.clone(),
            ..*self
        }
    }
}

impl<A> Clone for One<A> {
    fn clone(&self) -> Self {
        Self {
            segment: self.segment.clone(),
            ..*self
        }
    }
}

// SAFETY: it is a shared reference to atomics, with the Arc that keeps their memory mapped.
unsafe impl<A: Atomic> Send for Atomics<A> {}
// SAFETY: as above.
unsafe impl<A: Atomic> Sync for Atomics<A> {}
// SAFETY: as above.
unsafe impl<A: Atomic> Send for One<A> {}
// SAFETY: as above.
unsafe impl<A: Atomic> Sync for One<A> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn a_part_is_the_same_memory_and_keeps_it_mapped() {
        let segment = Segment::create(64).unwrap();
        let all = segment.atomics::<AtomicU32>(0, 16).unwrap();
        let (part, first) = (all.part(4..6), all.part(5..6).first());
        drop((all, segment));
        part[1].store(9, Relaxed);
        assert_eq!((part.len(), first.load(Relaxed)), (2, 9));
    }
}
