//! One histogram a stage.

use crate::clock::Nanos;
use crate::stage::Stage;
use hdrhistogram::Histogram;

/// The longest duration that is told apart: an hour. Longer ones are counted as one.
pub const LONGEST: Nanos = 3_600_000_000_000;

/// A histogram of nanoseconds for each [`Stage`], three significant digits, empty at first.
///
/// A histogram grows with the longest duration it has met, so one that holds microseconds takes a
/// few kilobytes. Recorded values are kept to a part in a thousand, the least and the greatest
/// among them.
///
/// ```
/// use framehaul::{measure::StageHistograms, stage::Stage};
/// let mut stages = StageHistograms::new();
/// stages.record(Stage::Compute, 1_000_000);
/// assert_eq!(stages.get(Stage::Compute).len(), 1);
/// assert!(stages.get(Stage::Load).is_empty());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StageHistograms {
    /// Indexed by the stage's discriminant.
    by_stage: Vec<Histogram<u64>>,
}

impl StageHistograms {
    /// Empty.
    pub fn new() -> Self {
        let empty = Histogram::new(3).expect("three significant digits are within bounds");
        Self {
            by_stage: vec![empty; Stage::ALL.len()],
        }
    }

    /// Records one duration; one above [`LONGEST`] counts as [`LONGEST`].
    pub fn record(&mut self, stage: Stage, ns: Nanos) {
        self.by_stage[stage as usize]
            .record(ns.min(LONGEST))
            .expect("the histogram grows to any value");
    }

    /// The histogram of a stage; empty if nothing was recorded.
    pub fn get(&self, stage: Stage) -> &Histogram<u64> {
        &self.by_stage[stage as usize]
    }

    /// A percentile of a stage, in thousandths; see [`percentile`].
    pub fn percentile(&self, stage: Stage, thousandths: u64) -> Option<Nanos> {
        percentile(self.get(stage), thousandths)
    }

    /// Adds the counts of a histogram to those of a stage.
    pub fn add(&mut self, stage: Stage, histogram: &Histogram<u64>) {
        self.by_stage[stage as usize]
            .add(histogram)
            .expect("the histogram grows to any value");
    }

    /// Adds all of another's counts.
    pub fn merge(&mut self, other: &Self) {
        for stage in Stage::ALL {
            self.add(stage, other.get(stage));
        }
    }
}

/// The duration that so many thousandths of the samples do not exceed; none with fewer than ten
/// samples beyond it, which say nothing of it.
///
/// ```
/// use framehaul::measure::percentile;
/// let mut samples = hdrhistogram::Histogram::new(3).unwrap();
/// samples.record_n(7, 999).unwrap();
/// assert_eq!((percentile(&samples, 900), percentile(&samples, 990)), (Some(7), None));
/// ```
pub fn percentile(samples: &Histogram<u64>, thousandths: u64) -> Option<Nanos> {
    // In thousandths, because 1 - 0.9 is a little less than 0.1 in floating point.
    let beyond = samples.len() * (1000 - thousandths);
    (beyond >= 10_000).then(|| samples.value_at_quantile(thousandths as f64 / 1000.0))
}

impl Default for StageHistograms {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_duration_beyond_an_hour_counts_as_an_hour() {
        let mut stages = StageHistograms::new();
        stages.record(Stage::Queue, u64::MAX);
        stages.record(Stage::Queue, 0);
        let queue = stages.get(Stage::Queue);
        assert_eq!(queue.len(), 2);
        assert!(queue.equivalent(queue.max(), LONGEST));
        assert_eq!(queue.min(), 0);
    }

    proptest! {
        #[test]
        fn merging_equals_recording_both(
            one in prop::collection::vec((0..Stage::ALL.len(), 0..LONGEST), 0..50),
            other in prop::collection::vec((0..Stage::ALL.len(), 0..LONGEST), 0..50),
        ) {
            let recorded = |samples: &[(usize, u64)]| {
                let mut stages = StageHistograms::new();
                for &(index, ns) in samples {
                    stages.record(Stage::ALL[index], ns);
                }
                stages
            };
            let mut merged = recorded(&one);
            merged.merge(&recorded(&other));
            prop_assert_eq!(merged, recorded(&[one, other].concat()));
        }
    }
}
