//! The memory in which the frames would be, and what is read of it.

use super::plan::Touch;
use crate::clock::{Nanos, now};
use crate::measure::READS;
use crate::sys::block::{Block, Spare};
use std::hint::black_box;
use std::io;

/// Shared memory of that size, every byte of it written, so that no page is missing later.
pub(super) fn written(bytes: u64) -> io::Result<Block> {
    let mut draft = Spare::default().draft(bytes as usize)?;
    // A page at a time, each with another content.
    for (number, page) in draft.chunks_mut(4096).enumerate() {
        page.fill(number as u8 ^ 0x5a);
    }
    Ok(draft.finish())
}

/// Reads what is to be touched of a frame; the result depends on all of that.
pub(super) fn touched(frame: &[u8], touch: Touch, way: usize) -> u64 {
    // It could be known from the last time.
    let frame = black_box(frame);
    match touch {
        Touch::None => u64::from(frame[0]),
        Touch::All => read(frame, way),
    }
}

/// Reads every byte, in that one of the ways to read.
pub(super) fn read(frame: &[u8], way: usize) -> u64 {
    let (head, words, tail) = bytemuck::pod_align_to::<u8, u64>(frame);
    let rest = head.iter().chain(tail).map(|&byte| u64::from(byte));
    black_box(READS[way](words)).wrapping_add(rest.sum())
}

/// How long reading every byte takes one thread.
pub(super) fn read_time(slot: &[u8], way: usize) -> Nanos {
    let begin = now();
    black_box(read(black_box(slot), way));
    now() - begin
}

/// The way to read that is the fastest here, for this much memory.
pub(super) fn fastest_way(slot: &[u8]) -> usize {
    let time = |way| (0..3).map(|_| read_time(slot, way)).min();
    (0..READS.len()).min_by_key(|&way| time(way)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_means_every_byte_and_none_the_first() {
        let zeros = vec![0u8; 100];
        for at in 0..zeros.len() {
            let mut frame = zeros.clone();
            frame[at] = 1;
            for way in 0..READS.len() {
                let seen = |frame| touched(frame, Touch::All, way);
                assert_ne!(seen(&frame[..]), seen(&zeros[..]), "way {way}, byte {at}");
            }
            assert_eq!(touched(&frame, Touch::None, 0), u64::from(at == 0));
        }
    }

    #[test]
    fn a_slot_of_any_size_is_written_to_its_end() {
        let slot = written(10_001).unwrap();
        assert_eq!(slot.len(), 10_001);
        assert!(slot.iter().all(|&byte| byte != 0));
    }
}
