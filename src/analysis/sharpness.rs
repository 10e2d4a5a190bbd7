//! `sharpness`: how much fine detail the frame has.

use super::analyzer::{Analyzer, Setting, json};
use super::row::{Kept, Luma, Row, Samples};
use crate::frame::FrameView;
use crate::sys::simd::{Kernel, vectorised};
use serde::{Deserialize, Serialize};

/// The finding of `sharpness`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharpnessFinding {
    /// The population variance of the luma's 3×3 Laplacian, borders reflected without repeating
    /// the edge. A blurred frame's is low.
    pub laplacian_variance: f64,
}

pub(super) fn make(_: &Setting) -> Box<dyn Analyzer> {
    Box::new(Sharpness {
        above: Kept::U8(Vec::new()),
        last: Kept::U8(Vec::new()),
        rows: 0,
        width: 0,
        pixels: 0,
        moments: Moments::default(),
    })
}

/// The Laplacian of a row can be had when the row below has come, so two rows are kept.
struct Sharpness {
    /// The row before the last one.
    above: Kept,
    /// The row that came last, whose Laplacian is not yet summed.
    last: Kept,
    /// Rows that have come.
    rows: usize,
    width: usize,
    pixels: u64,
    moments: Moments,
}

/// Sums over Laplacians.
#[derive(Clone, Copy, Default)]
struct Moments {
    sum: i64,
    squares: u128,
}

impl Analyzer for Sharpness {
    fn begin(&mut self, _: u64, frame: FrameView<'_>) {
        let format = frame.format();
        let width = format.width as usize;
        if self.width != width {
            self.above = Kept::new(format.sample, width);
            self.last = Kept::new(format.sample, width);
        }
        self.width = width;
        self.rows = 0;
        self.pixels = format.pixels() as u64;
        self.moments = Moments::default();
    }

    fn row(&mut self, row: &Row<'_>) {
        if self.rows > 0 {
            let last = self.last.range(0, self.width);
            // Above the first row lies the second.
            let above = match self.rows {
                1 => row.luma,
                _ => self.above.range(0, self.width),
            };
            self.moments.add(laplacian(above, last, row.luma));
        }
        std::mem::swap(&mut self.above, &mut self.last);
        self.last.put(0, row.luma);
        self.rows += 1;
    }

    fn finish(&mut self) -> Option<String> {
        let last = self.last.range(0, self.width);
        // Below the last row lies the last but one; a single row is its own neighbour.
        let beside = match self.rows {
            1 => last,
            _ => self.above.range(0, self.width),
        };
        self.moments.add(laplacian(beside, last, beside));
        Some(json(&SharpnessFinding {
            laplacian_variance: self.moments.variance(self.pixels),
        }))
    }
}

impl Moments {
    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// (n·Σx² − (Σx)²) / n²: integers up to the one division.
    fn variance(&self, count: u64) -> f64 {
        let square_of_sum = u128::from(self.sum.unsigned_abs()).pow(2);
        let numerator = u128::from(count) * self.squares - square_of_sum;
        numerator as f64 / u128::from(count).pow(2) as f64
    }
}

fn laplacian(above: Samples<'_>, row: Samples<'_>, below: Samples<'_>) -> Moments {
    match (above, row, below) {
        (Samples::U8(above), Samples::U8(row), Samples::U8(below)) => {
            vectorised(Laplacian { above, row, below })
        }
        (Samples::U16(above), Samples::U16(row), Samples::U16(below)) => {
            vectorised(Laplacian { above, row, below })
        }
        _ => unreachable!("all rows of a stream have one sample type"),
    }
}

/// The Laplacians of one row, between its neighbours.
struct Laplacian<'a, S> {
    above: &'a [S],
    row: &'a [S],
    below: &'a [S],
}

/// What of the Laplacian depends on the type of the samples: its own type, and how many squares of
/// it may be added up before the sum must be widened.
trait Detail: Luma {
    /// Sums over at most [`BLOCK`] pixels, whose neighbours are given.
    fn block(
        above: &[Self],
        left: &[Self],
        row: &[Self],
        right: &[Self],
        below: &[Self],
    ) -> Moments;
}

/// Pixels whose Laplacians' squares are summed in the narrowest type that holds them.
const BLOCK: usize = 1024;

impl Detail for u8 {
    #[inline(always)]
    fn block(above: &[u8], left: &[u8], row: &[u8], right: &[u8], below: &[u8]) -> Moments {
        // A Laplacian is within ±1020, so it fits 16 bits, and 1024 of its squares fit 31. One
        // loop for each width of lanes.
        let mut values = [0_i16; BLOCK];
        let (above, left, right, below) = (
            &above[..row.len()],
            &left[..row.len()],
            &right[..row.len()],
            &below[..row.len()],
        );
        let values = &mut values[..row.len()];
        for (i, value) in values.iter_mut().enumerate() {
            let [above, left, centre, right, below] =
                [above[i], left[i], row[i], right[i], below[i]].map(i16::from);
            *value = above + left + right + below - 4 * centre;
        }
        let sum: i32 = values.iter().map(|&value| i32::from(value)).sum();
        let square = |value: i16| i32::from(value) * i32::from(value);
        let squares: i32 = values.iter().map(|&value| square(value)).sum();
        Moments {
            sum: sum.into(),
            squares: squares as u128,
        }
    }
}

impl Detail for u16 {
    #[inline(always)]
    fn block(above: &[u16], left: &[u16], row: &[u16], right: &[u16], below: &[u16]) -> Moments {
        // A Laplacian is within ±262140: 19 bits, 1024 of them 29, its square 37.
        let mut values = [0_i32; BLOCK];
        let values = &mut values[..row.len()];
        let (above, left, right, below) = (
            &above[..row.len()],
            &left[..row.len()],
            &right[..row.len()],
            &below[..row.len()],
        );
        for (i, value) in values.iter_mut().enumerate() {
            let [above, left, centre, right, below] =
                [above[i], left[i], row[i], right[i], below[i]].map(i32::from);
            *value = above + left + right + below - 4 * centre;
        }
        let sum: i32 = values.iter().sum();
        let square = |value: i32| i64::from(value) * i64::from(value);
        let squares: i64 = values.iter().map(|&value| square(value)).sum();
        Moments {
            sum: sum.into(),
            squares: squares as u128,
        }
    }
}

impl<S: Detail> Kernel for Laplacian<'_, S> {
    type Output = Moments;
    #[inline(always)]
    fn run(self) -> Moments {
        let Self { above, row, below } = self;
        let width = row.len();
        let (above, below) = (&above[..width], &below[..width]);
        let mut moments = Moments::default();
        let end = width.saturating_sub(1);
        let mut start = 1;
        while start < end {
            let stop = end.min(start + BLOCK);
            moments.add(S::block(
                &above[start..stop],
                &row[start - 1..stop - 1],
                &row[start..stop],
                &row[start + 1..stop + 1],
                &below[start..stop],
            ));
            start = stop;
        }
        // The two ends, beside which lie their inner neighbours; a single pixel is its own.
        let edge = |x: usize, inner: usize| {
            S::block(
                &above[x..=x],
                &row[inner..=inner],
                &row[x..=x],
                &row[inner..=inner],
                &below[x..=x],
            )
        };
        moments.add(edge(0, 1.min(end)));
        if width > 1 {
            moments.add(edge(end, end - 1));
        }
        moments
    }
}
