//! What repeated measurements say: medians, and how far a ratio of two of them can be trusted.
//!
//! ```
//! use framehaul::statistics::{median, ratio};
//! let (slow, fast) = ([2.1, 2.0, 1.9, 4.0, 9.0], [1.0, 1.0, 1.0, 2.0, 1.0]);
//! assert_eq!(median(&slow), 2.1);
//! let times = ratio(&slow, &fast);
//! assert_eq!(times.value, 2.0);
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

/// How many times `to` goes into `of`, where the two took turns, so that what slowed one of a pair
/// slowed the other: the median of the ratios of all pairs, with the interval of a percentile bootstrap
/// (Efron 1979) that draws pairs. The same samples give the same interval.
///
/// Of less than two pairs it is the ratio of the medians, and the interval, from 0 to infinity, says
/// nothing.
pub fn ratio(of: &[f64], to: &[f64]) -> Estimate {
    let pairs: Vec<_> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    if pairs.len() < 2 {
        return Estimate {
            value: median(of) / median(to),
            low: 0.0,
            high: f64::INFINITY,
        };
    }
    let mut random = Random(1);
    let mut medians: Vec<_> = (0..RESAMPLES)
        .map(|_| median(&random.resample(&pairs)))
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[(share * (RESAMPLES - 1) as f64).round() as usize];
    Estimate {
        value: median(&pairs),
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
            // What slows both by up to half does no harm.
            let load = (0..15).map(|turn| 1.0 + 0.5 * f64::from(turn % 4) / 3.0);
            let (of, to): (Vec<_>, Vec<_>) = load
                .map(|load| (load * noisy(3.0), load * noisy(2.0)))
                .unzip();
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
