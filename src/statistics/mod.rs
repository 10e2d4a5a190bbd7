//! What repeated measurements say: medians, and how far a ratio of two of them can be trusted.
//!
//! ```
//! use framehaul::statistics::{median, ratio_of_pairs};
//! let slow = [2.1, 2.0, 1.9, 4.0, 9.0, 2.2];
//! let fast = [1.0, 1.0, 1.0, 2.0, 1.0, 1.1];
//! assert_eq!(median(&slow[..5]), 2.1);
//! let times = ratio_of_pairs(&slow, &fast).unwrap();
//! assert!(1.95 < times.value && times.value < 2.05);
//! assert!(times.low > 1.8 && times.low <= 2.0 && times.high >= 2.0);
//! ```

mod outliers;
mod pairs;
mod repeats;
mod student;

pub use outliers::{Outlier, outliers};
pub use pairs::{LEAST_PASSES, ratio_of_pairs, ratio_of_sets};
pub use repeats::{MOST_REPEATS, Repeats, repeats_to_find};

use serde::Serialize;

/// A figure, and the interval in which it lies with a confidence of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Estimate {
    /// A figure that is known.
    pub const fn exact(value: f64) -> Self {
        Self {
            value,
            low: value,
            high: value,
        }
    }
}

/// The one in the middle, or the mean of the two there; not a number if there is none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[9.0, 1.0]), 5.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
    }
}
