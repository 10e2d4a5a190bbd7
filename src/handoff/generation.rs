//! What the word beside a slot says: which writing of it this is, and whether it is done.
//!
//! It is a sequence lock. A slot's generation is odd while it is being written and even when it is
//! whole, and never the same twice. The writer waits for nobody: a reader looks before and after.
//!
//! Orderings: the bytes are written between a Release fence, behind which `begin`'s odd number is
//! seen by whoever sees a byte of it (with the Acquire fence in `was_there`, before its load), and
//! the Release store in `end` (with the Acquire load in `is_there`: who sees the number sees the
//! bytes).

use super::atom::Atom;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The slot is about to be written, by its only writer. Says by which generation.
pub(super) fn begin<W: Atom<u64>>(word: &W) -> u64 {
    // A writing that was never ended has left an odd number.
    let odd = (word.load(Relaxed) + 1) | 1;
    word.store(odd, Relaxed);
    // Release, with the fence in `was_there`.
    W::fence(Release);
    odd
}

/// The slot is written. Says the number by which it can be read.
pub(super) fn end<W: Atom<u64>>(word: &W, odd: u64) -> u64 {
    // Release, with the load in `is_there`.
    word.store(odd + 1, Release);
    odd + 1
}

/// Whether this generation can be read now.
pub(super) fn is_there<W: Atom<u64>>(word: &W, generation: u64) -> bool {
    // Acquire, with the store in `end`. What is being written was promised to nobody.
    generation.is_multiple_of(2) && word.load(Acquire) == generation
}

/// Whether what was read since [`is_there`] was of this generation.
pub(super) fn was_there<W: Atom<u64>>(word: &W, generation: u64) -> bool {
    // Acquire, with the fence in `begin`: had a byte been of a later writing, its number is seen.
    W::fence(Acquire);
    word.load(Relaxed) == generation
}
