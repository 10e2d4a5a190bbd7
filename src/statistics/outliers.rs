//! Which of several measurements do not belong with the others.
//!
//! A mean and a deviation are themselves pulled by the values that they are to find, so distances are
//! measured from the median, in terms of the median distance.
//!
//! ```
//! use framehaul::statistics::outliers;
//! let passes = [1.00, 1.02, 0.99, 1.01, 1.75, 1.00];
//! let found = outliers(&passes);
//! assert_eq!((found.len(), found[0].place), (1, 4));
//! assert!((found[0].of_median - 1.75).abs() < 0.02);
//! ```

use super::median;
use serde::{Deserialize, Serialize};

/// A value that is far from the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlier {
    /// Its place among the values, from 0.
    pub place: usize,
    /// What it is of the median: 1.25 is a quarter more.
    pub of_median: f64,
    /// Its modified z-score.
    pub score: f64,
}

/// Beyond this score a value is an outlier.
const FAR: f64 = 3.5;

/// Values as near as this to the median are none, however much nearer the others are.
const NEAR: f64 = 0.01;

/// Fewer values say nothing about what is usual.
const LEAST: usize = 5;

/// The values whose modified z-score is beyond 3.5 (Iglewicz and Hoaglin, How to Detect and Handle
/// Outliers, 1993): 0.6745 times the distance from the median over the median of all distances.
/// Where more than half of the values are the same, that median is 0, and the mean of the distances
/// stands in for it, scaled so that of normal noise it is as large. Values within a hundredth of the
/// median are never outliers, and of less than five values none is.
pub fn outliers(values: &[f64]) -> Vec<Outlier> {
    let middle = median(values);
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let deviation = match median(&distances) {
        0.0 => 0.6745 / 0.7979 * distances.iter().sum::<f64>() / distances.len() as f64,
        usual => usual,
    };
    if values.len() < LEAST || deviation == 0.0 {
        return Vec::new();
    }
    let found = values.iter().enumerate().map(|(place, value)| Outlier {
        place,
        of_median: value / middle,
        score: 0.6745 * (value - middle) / deviation,
    });
    found
        .filter(|one| one.score.abs() > FAR && (one.of_median - 1.0).abs() > NEAR)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(values: &[f64]) -> Vec<usize> {
        outliers(values).iter().map(|one| one.place).collect()
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        // Median 10, distances 2 1 0 1 20: their median is 1.
        let found = outliers(&[8.0, 9.0, 10.0, 11.0, 30.0]);
        assert_eq!(found.len(), 1);
        assert!((found[0].score - 0.6745 * 20.0).abs() < 1e-9);
        assert_eq!(found[0].of_median, 3.0);
    }

    #[test]
    fn the_far_are_found_on_both_sides_and_the_usual_are_not() {
        assert_eq!(places(&[1.0, 1.1, 0.9, 1.05, 0.95, 2.0, 0.1]), [5, 6]);
        assert_eq!(places(&[1.0, 1.1, 0.9, 1.05, 0.95]), [0; 0]);
    }

    #[test]
    fn where_most_are_the_same_the_mean_distance_stands_in() {
        assert_eq!(places(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5]), [6]);
        assert_eq!(places(&[1.0; 7]), [0; 0]);
    }

    #[test]
    fn what_is_near_is_none_and_few_values_have_none() {
        assert_eq!(places(&[1.0, 1.0001, 0.9999, 1.0, 1.009]), [0; 0]);
        assert_eq!(places(&[1.0, 1.0, 1.0, 9.0]), [0; 0]);
        assert_eq!(places(&[]), [0; 0]);
    }
}
