//! Loops that do as little as can be done with each byte, so that memory is what they wait for.
//!
//! Which of them is the fastest differs between processors, and so does the best vector width,
//! which [`multiversion`] chooses when they are first called.

use multiversion::multiversion;

/// A loop that must look at every word.
pub(crate) type Read = fn(&[u64]) -> u64;

/// A loop that copies all words.
pub(super) type Copy = fn(&mut [u64], &[u64]);

/// Every way to read; the fastest counts.
pub(crate) const READS: [Read; 3] = [sum_words, max_halves, blend_lines];

/// Every way to copy; the fastest counts. The system's own `memcpy` is behind both: over the
/// whole buffer it may write past the caches, over blocks it stays within them.
pub(super) const COPIES: [Copy; 2] = [copy_whole, copy_in_blocks];

#[multiversion(targets = "simd")]
fn sum_words(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum, &word| sum.wrapping_add(word))
}

#[multiversion(targets = "simd")]
fn max_halves(words: &[u64]) -> u64 {
    let halves: &[u32] = bytemuck::cast_slice(words);
    u64::from(halves.iter().fold(0, |max, &half| max.max(half)))
}

/// Four cache lines at a time, each into lanes of its own: the most loads under way at once.
#[multiversion(targets = "simd")]
fn blend_lines(words: &[u64]) -> u64 {
    let mut lanes = [0u64; 32];
    let (chunks, rest) = words.as_chunks::<32>();
    for chunk in chunks {
        for (lane, word) in lanes.iter_mut().zip(chunk) {
            *lane ^= word;
        }
    }
    lanes.iter().chain(rest).fold(0, |all, &lane| all ^ lane)
}

fn copy_whole(to: &mut [u64], from: &[u64]) {
    to.copy_from_slice(from);
}

fn copy_in_blocks(to: &mut [u64], from: &[u64]) {
    const WORDS: usize = 32 * 1024;
    for (to, from) in to.chunks_mut(WORDS).zip(from.chunks(WORDS)) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_sees_every_word() {
        for length in [0, 1, 31, 32, 33, 1000] {
            let zeros = vec![0u64; length];
            for at in 0..length {
                let mut words = zeros.clone();
                words[at] = 1 << (at % 64);
                for (index, read) in READS.into_iter().enumerate() {
                    assert_ne!(
                        read(&words),
                        read(&zeros),
                        "loop {index}, word {at} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_copy_copies_all() {
        let from: Vec<u64> = (0..100_000).collect();
        for copy in COPIES {
            let mut to = vec![0; from.len()];
            copy(&mut to, &from);
            assert_eq!(to, from);
        }
    }
}
