//! `luma`: how bright the frame is.

use super::analyzer::{Analyzer, Setting, json};
use super::row::{Luma, Row, Samples};
use crate::frame::FrameView;
use crate::sys::simd::{Kernel, prefetch, vectorised};
use serde::{Deserialize, Serialize};

/// The finding of `luma`: the range and mean of the luma plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LumaFinding {
    /// The darkest sample.
    pub min: u16,
    /// The brightest sample.
    pub max: u16,
    /// Their exact sum, divided once by the number of pixels.
    pub mean: f64,
}

pub(super) fn make(_: &Setting) -> Box<dyn Analyzer> {
    Box::<Brightness>::default()
}

#[derive(Default)]
struct Brightness {
    range: Range,
    pixels: u64,
}

impl Analyzer for Brightness {
    fn begin(&mut self, _: u64, frame: FrameView<'_>) {
        self.range = Range::default();
        self.pixels = frame.format().pixels() as u64;
    }

    fn row(&mut self, row: &Row<'_>) {
        let range = match row.luma {
            Samples::U8(luma) => vectorised(Survey(luma)),
            Samples::U16(luma) => vectorised(Survey(luma)),
        };
        self.range.join(range);
    }

    fn finish(&mut self) -> Option<String> {
        Some(json(&LumaFinding {
            min: self.range.min,
            max: self.range.max,
            mean: self.range.sum as f64 / self.pixels as f64,
        }))
    }
}

/// What is known of some samples.
struct Range {
    min: u16,
    max: u16,
    sum: u64,
}

impl Default for Range {
    fn default() -> Self {
        Self {
            min: u16::MAX,
            max: 0,
            sum: 0,
        }
    }
}

impl Range {
    fn join(&mut self, other: Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }
}

struct Survey<'a, S>(&'a [S]);

/// Samples that are compared side by side.
const LANES: usize = 64;

impl<S: Summed> Kernel for Survey<'_, S> {
    type Output = Range;
    #[inline(always)]
    fn run(self) -> Range {
        let (mut min, mut max, mut sum) = ([S::MAX; LANES], [S::default(); LANES], 0);
        // Two loops over what is in the nearest cache after the first: they differ in the width
        // of their lanes.
        for block in self.0.chunks(BLOCK) {
            let (chunks, rest) = block.as_chunks::<LANES>();
            for chunk in chunks {
                prefetch(chunk);
                for lane in 0..LANES {
                    min[lane] = min[lane].min(chunk[lane]);
                    max[lane] = max[lane].max(chunk[lane]);
                }
            }
            for (lane, &sample) in rest.iter().enumerate() {
                min[lane] = min[lane].min(sample);
                max[lane] = max[lane].max(sample);
            }
            sum += S::sum(block);
        }
        Range {
            min: min.into_iter().fold(S::MAX, S::min).into(),
            max: max.into_iter().fold(S::default(), S::max).into(),
            sum,
        }
    }
}

/// Samples that are summed in lanes as narrow as their sum allows.
trait Summed: Luma {
    /// The sum of at most [`BLOCK`] samples.
    fn sum(block: &[Self]) -> u64;
}

/// So few samples that 64 sums of as many 8-bit ones fit 16 bits, and one of 16-bit ones 32.
const BLOCK: usize = 4096;

impl Summed for u8 {
    #[inline(always)]
    fn sum(block: &[u8]) -> u64 {
        let mut sums = [0_u16; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for (sum, sample) in sums.iter_mut().zip(chunk) {
                *sum += u16::from(*sample);
            }
        }
        let rest: u64 = rest.iter().map(|&sample| u64::from(sample)).sum();
        rest + sums.iter().map(|&sum| u64::from(sum)).sum::<u64>()
    }
}

impl Summed for u16 {
    #[inline(always)]
    fn sum(block: &[u16]) -> u64 {
        block
            .iter()
            .map(|&sample| u32::from(sample))
            .sum::<u32>()
            .into()
    }
}
