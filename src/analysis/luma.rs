//! `luma`: how bright the frame is.

use super::analyzer::{Analyzer, Setting, json};
use super::row::{Luma, Row, Samples};
use crate::frame::FrameView;
use crate::sys::simd::{Kernel, vectorised};
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
    #[inline(always)]
    fn join(&mut self, other: Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }
}

struct Survey<'a, S>(&'a [S]);

impl<S: Luma> Kernel for Survey<'_, S> {
    type Output = Range;
    #[inline(always)]
    fn run(self) -> Range {
        let mut range = Range::default();
        // So few samples at a time that their sum fits 32 bits: more lanes to a vector.
        for block in self.0.chunks(4096) {
            let (mut min, mut max, mut sum) = (S::MAX, S::default(), 0_u32);
            for &sample in block {
                min = min.min(sample);
                max = max.max(sample);
                let sample: u32 = sample.into();
                sum += sample;
            }
            range.join(Range {
                min: min.into(),
                max: max.into(),
                sum: sum.into(),
            });
        }
        range
    }
}
