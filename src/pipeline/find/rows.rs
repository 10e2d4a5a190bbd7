//! How many rows of a frame go by between two looks at whether the search is over.

use crate::clock::Nanos;
use crate::coordination::Every;
use crate::frame::FrameFormat;

/// What a look costs, in nanoseconds: a load, and a span of rows that ends for it, which every
/// analyzer is told of. Frames of 4000 rows of 64 pixels took 30 ns a row longer with a look after
/// each row than without any, whether one analyzer was at work or four.
const LOOK: f64 = 40.0;

/// The share of the time that looking may take.
const SHARE: f64 = 0.01;

/// Bytes of a frame that no analyzer reads faster than in a nanosecond: what is assumed until a
/// frame was measured.
const BYTES_A_NANO: f64 = 16.0;

/// Rows between two looks: a fixed number, or as few as cost at most a hundredth of the time.
pub(super) struct Rows {
    auto: bool,
    every: u32,
    height: u32,
    /// Nanoseconds of a row, the least that was seen: whatever else the machine does only adds
    /// to it, and must not make the looks more frequent than they may be.
    row: f64,
}

impl Rows {
    pub(super) fn new(every: Every, format: FrameFormat) -> Self {
        let height = format.height;
        let mut rows = Self {
            auto: every == Every::Auto,
            every: match every {
                Every::Iterations(rows) => u32::try_from(rows).unwrap_or(u32::MAX).max(1),
                Every::Auto => height,
            },
            height,
            row: f64::INFINITY,
        };
        rows.learn((format.bytes() as f64 / BYTES_A_NANO) as Nanos);
        // The first measurement takes the place of the guess.
        rows.row = f64::INFINITY;
        rows
    }

    pub(super) const fn every(&self) -> u32 {
        self.every
    }

    /// A whole frame took so long.
    pub(super) fn learn(&mut self, took: Nanos) {
        if self.auto {
            self.row = self.row.min(took.max(1) as f64 / f64::from(self.height));
            let rows = (LOOK / SHARE / self.row).ceil();
            self.every = (rows as u32).clamp(1, self.height);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Colour, Sample};

    #[test]
    fn a_row_that_takes_long_is_looked_at_alone_and_short_ones_together() {
        let format = FrameFormat::new(64, 1000, Colour::Gray, Sample::U8);
        for (row_ns, every) in [
            (4000, 1),
            (4001, 1),
            (1000, 4),
            (999, 5),
            (10, 400),
            (1, 1000),
        ] {
            let mut rows = Rows::new(Every::Auto, format);
            rows.learn(row_ns * 1000);
            assert_eq!(rows.every(), every, "{row_ns} ns a row");
            // A frame that was interrupted says nothing.
            rows.learn(row_ns * 1_000_000);
            assert_eq!(rows.every(), every);
        }
    }

    #[test]
    fn before_the_first_frame_is_measured_a_guess_must_do_and_it_does_not_last() {
        let format = FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16);
        let mut rows = Rows::new(Every::Auto, format);
        assert_eq!(rows.every(), 3, "1.4 µs a row");
        rows.learn(2160 * 4000);
        assert_eq!(rows.every(), 1, "slower than the guess");
    }

    #[test]
    fn a_number_that_was_asked_for_stays() {
        let format = FrameFormat::new(64, 48, Colour::Gray, Sample::U8);
        for (asked, every) in [(0, 1), (7, 7), (u64::MAX, u32::MAX)] {
            let mut rows = Rows::new(Every::Iterations(asked), format);
            rows.learn(1);
            assert_eq!(rows.every(), every);
        }
    }
}
