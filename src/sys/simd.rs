//! The widest vector instructions that the processor at hand has, chosen at run time.
//!
//! A loop that LLVM can vectorise is written as a [`Kernel`] in safe code, with
//! `#[inline(always)]` on its `run`; [`vectorised`] holds one copy of it for each instruction set
//! and calls the best. (On x86-64 that is AVX-512 only from the processors on where it slows
//! nothing else down, Ice Lake's generation; before them it is AVX2.) [`rgb16_luma`] is the one loop that LLVM does not vectorise well enough by
//! itself: samples three apart.
//!
//! ```
//! use framehaul::sys::simd::{Kernel, vectorised};
//! struct Sum<'a>(&'a [u8]);
//! impl Kernel for Sum<'_> {
//!     type Output = u32;
//!     #[inline(always)]
//!     fn run(self) -> u32 {
//!         self.0.iter().map(|&v| u32::from(v)).sum()
//!     }
//! }
//! assert_eq!(vectorised(Sum(&[1, 2, 250])), 253);
//! ```

use multiversion::multiversion;

/// A loop and what it works on.
pub trait Kernel {
    /// What the loop finds.
    type Output;

    /// Runs the loop. Mark it `#[inline(always)]`, and whatever it calls, or it is compiled for
    /// the least of processors.
    fn run(self) -> Self::Output;
}

/// Runs a kernel compiled for the best instructions that this processor has.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub fn vectorised<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// How far ahead of a loop memory is asked for. The processor's own prefetcher stops at each page's
/// end, and without this hint the loops here read at two thirds of the machine's speed.
const AHEAD: usize = 4096;

/// Asks for the memory that a loop over consecutive samples will come to 4096 bytes from now: as
/// many bytes as `samples` are. It is only a hint, and harmless where there is nothing to come.
#[inline(always)]
pub fn prefetch<T>(samples: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(samples)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let ahead = samples.as_ptr().cast::<i8>().wrapping_add(AHEAD + line);
        // SAFETY: a prefetch may name any address; it reads nothing and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = samples;
}

/// What is known of some samples together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least of them, or the largest value that there is if there are none.
    pub min: u16,
    /// The greatest of them, or 0.
    pub max: u16,
    /// Their sum.
    pub sum: u64,
}

impl Range {
    /// That of no samples.
    pub const EMPTY: Self = Self {
        min: u16::MAX,
        max: 0,
        sum: 0,
    };

    /// That of these samples and those.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum + other.sum,
        }
    }
}

/// Writes `(w₀·R + w₁·G + w₂·B + 32768) >> 16` of interleaved 16-bit RGB pixels to `out`, as many
/// as the vector code can, and says how many those were and the range of their luma, which is
/// cheaper to find on the way than afterwards. They are all but the last 15 at most, half a million
/// (2¹⁹) at most, and none on a processor for which there is no such code. The rest is the
/// caller's.
///
/// `row` holds 6 bytes a pixel, little endian, at any address.
///
/// # Panics
/// Unless the weights are positive, sum up to 65536 and the outer two are below 32768, and unless
/// there are as many pixels in `row` as in `out`.
pub fn rgb16_luma(row: &[u8], out: &mut [u16], weights: [u32; 3]) -> (usize, Range) {
    let [red, green, blue] = weights;
    assert!(
        red + green + blue == 1 << 16 && red.max(blue) < 1 << 15 && green < 65535,
        "weights {weights:?} do not fit the vector code"
    );
    assert_eq!(
        row.len(),
        6 * out.len(),
        "the row has another length than its luma"
    );
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, and the lengths were checked above.
        return unsafe { avx2::rgb16_luma(row, out, weights) };
    }
    (0, Range::EMPTY)
}

/// Copies bytes to where this processor will not read them soon: past its caches, where it can.
/// Memory that is written through them is read first, a third of all that has to be moved.
///
/// # Panics
/// Unless both are as long.
pub fn copy_past_cache(from: &[u8], into: &mut [u8]) {
    assert_eq!(from.len(), into.len(), "a copy of another length");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, and the lengths were checked above.
        return unsafe { avx2::copy_past_cache(from, into) };
    }
    into.copy_from_slice(from);
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::Range;
    use std::arch::x86_64::*;

    /// Pixels that a turn of the loop converts.
    const PIXELS: usize = 16;

    /// So many turns that a sum of two samples of each fits 32 bits.
    const MOST_TURNS: usize = 1 << 15;

    /// See [`super::rgb16_luma`].
    ///
    /// Each load brings four pixels, 24 bytes, and 8 bytes beside them: behind, except that a
    /// turn's last load has them in front so as to stay within the row. The pixels are spread so
    /// that each 128-bit half holds two as the pairs (R₀,G₀) (R₁,G₁) (G₀,B₀) (G₁,B₁), which one
    /// `madd` multiplies and adds: the weight of green, too large for its signed 16 bits, is split
    /// between the pairs. It wants signed samples as well, so 32768 is taken from each; as the
    /// weights sum up to 65536 that takes 2³¹ from the sum, which is given back with the rounding.
    ///
    /// # Safety
    /// `row` has 6 bytes for each of `out`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn rgb16_luma(
        row: &[u8],
        out: &mut [u16],
        weights: [u32; 3],
    ) -> (usize, Range) {
        let [red, green, blue] = weights.map(|weight| weight as i32);
        let (green_with_red, green_with_blue) = (green / 2, green - green / 2);
        let first_24_bytes = _mm256_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5);
        let last_24_bytes = _mm256_setr_epi32(2, 3, 4, 4, 5, 6, 7, 7);
        let pairs = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 1, 2, 3, 6, 7, 8, 9, 2, 3, 4, 5, 8, 9, 10, 11,
        ));
        let rg = green_with_red << 16 | red;
        let gb = blue << 16 | green_with_blue;
        let weights = _mm256_broadcastsi128_si256(_mm_setr_epi32(rg, rg, gb, gb));
        let sign = _mm256_set1_epi16(i16::MIN);
        let rounding = _mm256_set1_epi32((0x8000_0000_u32 + 32768) as i32);
        let in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);

        let mut min = _mm256_set1_epi16(-1);
        let (mut max, mut sums) = (_mm256_setzero_si256(), _mm256_setzero_si256());

        let turns = (out.len() / PIXELS).min(MOST_TURNS);
        for turn in 0..turns {
            super::prefetch(&row[6 * PIXELS * turn..][..6 * PIXELS]);
            // SAFETY: PIXELS * (turn + 1) <= out.len(), row has 6 bytes for each of those, and the
            // last load ends with the turn's last pixel.
            unsafe {
                let from = row.as_ptr().add(6 * PIXELS * turn);
                let products = |offset: usize, spread: __m256i| {
                    let four = _mm256_loadu_si256(from.add(offset).cast());
                    let four = _mm256_permutevar8x32_epi32(four, spread);
                    let four = _mm256_xor_si256(_mm256_shuffle_epi8(four, pairs), sign);
                    _mm256_madd_epi16(four, weights)
                };
                let eight = |first: __m256i, second: __m256i| {
                    let rg = _mm256_unpacklo_epi64(first, second);
                    let gb = _mm256_unpackhi_epi64(first, second);
                    let sum = _mm256_add_epi32(_mm256_add_epi32(rg, gb), rounding);
                    _mm256_srli_epi32::<16>(sum)
                };
                let low = eight(products(0, first_24_bytes), products(24, first_24_bytes));
                let high = eight(products(48, first_24_bytes), products(64, last_24_bytes));
                sums = _mm256_add_epi32(sums, _mm256_add_epi32(low, high));
                let sixteen = _mm256_packus_epi32(low, high);
                min = _mm256_min_epu16(min, sixteen);
                max = _mm256_max_epu16(max, sixteen);
                let sixteen = _mm256_permutevar8x32_epi32(sixteen, in_order);
                _mm256_storeu_si256(out.as_mut_ptr().add(PIXELS * turn).cast(), sixteen);
            }
        }
        let samples: fn(__m256i) -> [u16; 16] = bytemuck::cast;
        let sums: [u32; 8] = bytemuck::cast(sums);
        let range = Range {
            min: samples(min).into_iter().fold(u16::MAX, u16::min),
            max: samples(max).into_iter().fold(0, u16::max),
            sum: sums.into_iter().map(u64::from).sum(),
        };
        (PIXELS * turns, range)
    }

    /// See [`super::copy_past_cache`].
    ///
    /// # Safety
    /// Both are as long.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn copy_past_cache(from: &[u8], into: &mut [u8]) {
        /// Whole lines, so that none has to be read for the rest of it.
        const LINE: usize = 64;
        let head = into.as_ptr().align_offset(LINE).min(into.len());
        let lines = (into.len() - head) / LINE;
        let tail = head + lines * LINE;
        into[..head].copy_from_slice(&from[..head]);
        for line in 0..lines {
            let at = head + line * LINE;
            super::prefetch(&from[at..at + LINE]);
            // SAFETY: a line from `at` on lies in both; in `into` it is aligned to 64 bytes.
            unsafe {
                let (from, into) = (from.as_ptr().add(at), into.as_mut_ptr().add(at));
                let low = _mm256_loadu_si256(from.cast());
                let high = _mm256_loadu_si256(from.add(32).cast());
                _mm256_stream_si256(into.cast(), low);
                _mm256_stream_si256(into.add(32).cast(), high);
            }
        }
        into[tail..].copy_from_slice(&from[tail..]);
        // Such stores are ordered by nothing else: whoever is told of them sees them.
        _mm_sfence();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_copy_past_the_cache_is_a_copy_from_any_address_to_any(
            bytes in prop::collection::vec(any::<u8>(), 0..700),
            (skip, at) in (0..70_usize, 0..70_usize),
        ) {
            let from = &bytes[skip.min(bytes.len())..];
            let mut into = vec![7; at + from.len() + 50];
            copy_past_cache(from, &mut into[at..at + from.len()]);
            prop_assert_eq!(&into[at..at + from.len()], from);
            prop_assert!(into[..at].iter().chain(&into[at + from.len()..]).all(|&b| b == 7));
        }
    }

    const WEIGHTS: [u32; 3] = [13933, 46871, 4732];

    fn range_of(samples: &[u16]) -> Range {
        Range {
            min: samples.iter().copied().fold(u16::MAX, u16::min),
            max: samples.iter().copied().fold(0, u16::max),
            sum: samples.iter().map(|&sample| u64::from(sample)).sum(),
        }
    }

    proptest! {
        #[test]
        fn vector_luma_is_scalar_luma(
            bytes in prop::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], 0..1200),
            odd in 0..2_usize,
        ) {
            let bytes = &bytes[odd.min(bytes.len())..];
            let row = &bytes[..bytes.len() / 6 * 6];
            let mut out = vec![0; row.len() / 6];
            let (done, range) = rgb16_luma(row, &mut out, WEIGHTS);
            prop_assert!(done <= out.len());
            prop_assert_eq!(range, range_of(&out[..done]));
            prop_assert!(out[done..].iter().all(|&untouched| untouched == 0));
            for (pixel, luma) in row.as_chunks::<6>().0.iter().zip(&out).take(done) {
                let channel = |i: usize| u32::from(u16::from_le_bytes([pixel[2 * i], pixel[2 * i + 1]]));
                let sum: u32 = (0..3).map(|i| WEIGHTS[i] * channel(i)).sum();
                prop_assert_eq!(u32::from(*luma), (sum + 32768) >> 16);
            }
        }
    }

    #[test]
    fn whole_vectors_of_a_row_are_done_where_there_is_vector_code() {
        for pixels in [16, 100, 160] {
            let done = rgb16_luma(&vec![255; 6 * pixels], &mut vec![0; pixels], WEIGHTS).0;
            assert!(done == 0 || done == pixels / 16 * 16, "{done} of {pixels}");
        }
    }

    #[test]
    fn no_sum_of_the_vector_code_overflows() {
        let pixels = (1 << 19) + 100;
        let mut out = vec![0; pixels];
        let (done, range) = rgb16_luma(&vec![255; 6 * pixels], &mut out, WEIGHTS);
        assert!(done == 0 || done == 1 << 19, "{done}");
        assert_eq!(range, range_of(&out[..done]));
        assert_eq!(range.sum, done as u64 * 65535);
    }
}
