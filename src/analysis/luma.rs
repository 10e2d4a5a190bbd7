//! `luma`: how bright the frame is.

use super::analyzer::{Analyzer, Setting, json};
use super::row::{Luma, Row, Samples};
use crate::frame::FrameView;
use crate::sys::simd::{Kernel, Range, prefetch, vectorised};
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

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
    Box::new(Brightness {
        range: Range::EMPTY,
        pixels: 0,
    })
}

struct Brightness {
    range: Range,
    pixels: u64,
}

impl Analyzer for Brightness {
    fn begin(&mut self, _: u64, frame: FrameView<'_>) {
        self.range = Range::EMPTY;
        self.pixels = frame.format().pixels() as u64;
    }

    fn row(&mut self, row: &Row<'_>) {
        let (surveyed, range) = row.surveyed;
        let rest = match row.luma {
            Samples::U8(luma) => vectorised(Survey(&luma[surveyed..])),
            Samples::U16(luma) => vectorised(Survey(&luma[surveyed..])),
        };
        self.range = self.range.join(range).join(rest);
    }

    fn finish(&mut self) -> Option<String> {
        Some(json(&LumaFinding {
            min: self.range.min,
            max: self.range.max,
            mean: self.range.sum as f64 / self.pixels as f64,
        }))
    }
}

struct Survey<'a, S>(&'a [S]);

/// Samples that are looked at side by side: what is kept of them fits the vector registers.
const LANES: usize = 32;

/// So few samples that a lane's sum of 8-bit ones fits 16 bits, and one of 16-bit ones 32.
const BLOCK: usize = 4096;

impl<S: Summed> Kernel for Survey<'_, S> {
    type Output = Range;
    #[inline(always)]
    fn run(self) -> Range {
        let (mut min, mut max, mut sum) = ([S::MAX; LANES], [S::default(); LANES], 0);
        for block in self.0.chunks(BLOCK) {
            let mut sums = [S::Sum::default(); LANES];
            let (chunks, rest) = block.as_chunks::<LANES>();
            for chunk in chunks {
                prefetch(chunk);
                for lane in 0..LANES {
                    min[lane] = min[lane].min(chunk[lane]);
                    max[lane] = max[lane].max(chunk[lane]);
                }
                for lane in 0..LANES {
                    sums[lane] += chunk[lane].into();
                }
            }
            for (lane, &sample) in rest.iter().enumerate() {
                min[lane] = min[lane].min(sample);
                max[lane] = max[lane].max(sample);
                sums[lane] += sample.into();
            }
            sum += sums.into_iter().map(S::Sum::into).sum::<u64>();
        }
        Range {
            min: min.into_iter().fold(S::MAX, S::min).into(),
            max: max.into_iter().fold(S::default(), S::max).into(),
            sum,
        }
    }
}

/// Samples that are summed in lanes as narrow as their sum allows.
trait Summed: Luma + Into<Self::Sum> {
    /// The sum of some samples of one lane.
    type Sum: Copy + Default + AddAssign + Into<u64>;
}

impl Summed for u8 {
    type Sum = u16;
}

impl Summed for u16 {
    type Sum = u32;
}
