//! `motion`: how much the frame differs from the one before.

use super::analyzer::{Analyzer, Setting, json};
use super::row::{Luma, Row, Samples};
use crate::frame::FrameView;
use crate::sys::simd::{Kernel, vectorised};
use serde::{Deserialize, Serialize};

/// The finding of `motion`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MotionFinding {
    /// The mean of the absolute differences between the luma of this frame and of the one before:
    /// 0 for a stream's first frame, and nothing where the frame before could not be read.
    pub mean_abs_diff: Option<f64>,
}

pub(super) fn make(_: &Setting) -> Box<dyn Analyzer> {
    Box::<Motion>::default()
}

#[derive(Default)]
struct Motion {
    first: bool,
    pixels: u64,
    /// The sum over the rows so far, unless one had nothing before it.
    sum: Option<u64>,
}

impl Analyzer for Motion {
    fn begin(&mut self, index: u64, frame: FrameView<'_>) {
        self.first = index == 0;
        self.pixels = frame.format().pixels() as u64;
        self.sum = Some(0);
    }

    fn row(&mut self, row: &Row<'_>) {
        let Some(sum) = self.sum else { return };
        self.sum = match (row.luma, row.before) {
            _ if self.first => Some(0),
            (Samples::U8(now), Some(Samples::U8(then))) => {
                Some(sum + vectorised(Difference { now, then }))
            }
            (Samples::U16(now), Some(Samples::U16(then))) => {
                Some(sum + vectorised(Difference { now, then }))
            }
            _ => None,
        };
    }

    fn finish(&mut self) -> Option<String> {
        Some(json(&MotionFinding {
            mean_abs_diff: self.sum.map(|sum| sum as f64 / self.pixels as f64),
        }))
    }
}

struct Difference<'a, S> {
    now: &'a [S],
    then: &'a [S],
}

impl<S: Luma> Kernel for Difference<'_, S> {
    type Output = u64;
    #[inline(always)]
    fn run(self) -> u64 {
        let mut total = 0;
        // So few samples that the sum of their distances fits 32 bits: more lanes to a vector.
        for (now, then) in self.now.chunks(1024).zip(self.then.chunks(1024)) {
            let mut sum = 0_u32;
            for (&now, &then) in now.iter().zip(then) {
                let distance: u32 = now.distance(then).into();
                sum += distance;
            }
            total += u64::from(sum);
        }
        total
    }
}
