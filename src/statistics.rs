//! What repeated measurements say: medians, and how far a ratio of two of them can be trusted.
//!
//! ```
//! use framehaul::statistics::{median, ratio};
//! let (slow, fast) = ([2.1, 2.0, 1.9, 2.0, 9.0], [1.0, 1.1, 0.9, 1.0, 1.0]);
//! assert_eq!(median(&slow), 2.0);
//! let times = ratio(&slow, &fast);
//! assert_eq!(times.value, 2.0);
//! assert!(times.low > 1.5 && times.low <= 2.0 && times.high >= 2.0);
//! ```

use serde::Serialize;

/// A figure, and the interval in which it lies with a confidence of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
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

/// Resamples of a bootstrap; an interval's ends are then within a hundredth or so of its width.
const RESAMPLES: usize = 2000;

/// The median of `of` over the median of `to`, with the interval of a percentile bootstrap (Efron
/// 1979) that draws from each of them by itself. The same samples give the same interval.
///
/// With less than two samples of each, the interval says nothing: it is from 0 to infinity.
pub fn ratio(of: &[f64], to: &[f64]) -> Estimate {
    let value = median(of) / median(to);
    if of.len() < 2 || to.len() < 2 {
        return Estimate {
            value,
            low: 0.0,
            high: f64::INFINITY,
        };
    }
    let mut random = Random(1);
    let mut ratios: Vec<_> = (0..RESAMPLES)
        .map(|_| median(&random.resample(of)) / median(&random.resample(to)))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[(share * (RESAMPLES - 1) as f64).round() as usize];
    Estimate {
        value,
        low: at(0.025),
        high: at(0.975),
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

    /// As many of them as there are, each drawn from all.
    fn resample(&mut self, values: &[f64]) -> Vec<f64> {
        let count = values.len() as u64;
        let draw = |_: &f64| values[(self.next() % count) as usize];
        values.iter().map(draw).collect()
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

    /// Of 400 experiments in which the truth is known, it is within the interval in about 95 %.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = Random(7);
        let mut noisy = |truth: f64| {
            let mut one = || (random.next() >> 11) as f64 / (1u64 << 53) as f64;
            // About normal, with a deviation of 5 %.
            let noise: f64 = (0..12).map(|_| one()).sum::<f64>() - 6.0;
            truth * (1.0 + 0.05 * noise)
        };
        let held = (0..400).filter(|_| {
            let of: Vec<_> = (0..15).map(|_| noisy(3.0)).collect();
            let to: Vec<_> = (0..15).map(|_| noisy(2.0)).collect();
            let estimate = ratio(&of, &to);
            (estimate.low..=estimate.high).contains(&1.5)
        });
        let held = held.count();
        assert!((364..=400).contains(&held), "{held} of 400");
    }

    #[test]
    fn one_sample_has_no_interval() {
        let estimate = ratio(&[2.0], &[1.0]);
        assert_eq!((estimate.value, estimate.low), (2.0, 0.0));
        assert_eq!(estimate.high, f64::INFINITY);
    }
}
