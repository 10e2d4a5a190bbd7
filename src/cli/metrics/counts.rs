//! What only grows: what was counted and measured in the passes of a mode.

use crate::clock::Nanos;
use crate::measure::StageHistograms;
use crate::pipeline::{Dropped, Gauge, Reading};
use crate::stage::Stage;
use std::collections::BTreeMap;

/// Counts of one pass, or of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub analysed: u64,
    pub failed: u64,
    pub dropped: BTreeMap<Dropped, u64>,
    /// Of paced passes.
    pub misses: Option<u64>,
    pub died: u64,
    /// Of each stage that occurs, in order.
    pub stages: BTreeMap<Stage, Spread>,
}

/// Durations, by bounds that are the same for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// How many are at most as long as each of [`BOUNDS`] and longer than the one before it.
    pub within: [u64; BOUNDS.len()],
    pub count: u64,
    /// In nanoseconds.
    pub sum: f64,
}

/// From 10 µs to 10 s.
pub(super) const BOUNDS: [Nanos; 19] = [
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

impl Counts {
    /// Of a pass as it stands, and how that is, of one moment; none if it is over.
    pub(super) fn of(gauge: &Gauge) -> Option<(Self, Reading)> {
        let mut stages = BTreeMap::new();
        let reading = gauge.read_with(|histograms| stages = spreads(histograms))?;
        let counts = Self {
            analysed: reading.analysed,
            failed: reading.failed,
            dropped: reading.dropped.clone(),
            misses: reading.deadline_misses,
            died: reading.workers.died,
            stages,
        };
        Some((counts, reading))
    }

    /// Adds another pass.
    pub(super) fn add(&mut self, other: &Self) {
        self.analysed += other.analysed;
        self.failed += other.failed;
        for (&why, frames) in &other.dropped {
            *self.dropped.entry(why).or_default() += frames;
        }
        if let Some(misses) = other.misses {
            *self.misses.get_or_insert(0) += misses;
        }
        self.died += other.died;
        for (&stage, spread) in &other.stages {
            self.stages.entry(stage).or_default().add(spread);
        }
    }
}

impl Spread {
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.within.iter_mut().zip(other.within) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
    }
}

fn spreads(histograms: &StageHistograms) -> BTreeMap<Stage, Spread> {
    let mut spreads = BTreeMap::new();
    for stage in Stage::ALL {
        let samples = histograms.get(stage);
        if samples.is_empty() {
            continue;
        }
        let mut spread = Spread::default();
        for step in samples.iter_recorded() {
            let (value, count) = (step.value_iterated_to(), step.count_at_value());
            // Values are known to a part in a thousand.
            let value = samples.median_equivalent(value);
            let place = BOUNDS.partition_point(|&bound| bound < value);
            if let Some(within) = spread.within.get_mut(place) {
                *within += count;
            }
            spread.count += count;
            spread.sum += value as f64 * count as f64;
        }
        spreads.insert(stage, spread);
    }
    spreads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spread_over_the_bounds_and_added_up() {
        let mut histograms = StageHistograms::new();
        for ns in [5_000, 15_000, 15_000, 999_000_000, 60_000_000_000] {
            histograms.record(Stage::Compute, ns);
        }
        let spreads = spreads(&histograms);
        assert_eq!(spreads.len(), 1);
        let spread = &spreads[&Stage::Compute];
        assert_eq!(spread.within[..2], [1, 2]);
        assert_eq!(spread.within[15], 1, "up to a second");
        assert_eq!(
            spread.within.iter().sum::<u64>(),
            4,
            "one is longer than all"
        );
        assert_eq!(spread.count, 5);
        assert!((spread.sum / 60_999_035_000.0 - 1.0).abs() < 2e-3);
    }

    #[test]
    fn passes_add_up() {
        let mut histograms = StageHistograms::new();
        histograms.record(Stage::Load, 1);
        let pass = |misses| Counts {
            analysed: 3,
            failed: 1,
            dropped: [(Dropped::NoSlot, 2)].into(),
            misses,
            died: 1,
            stages: spreads(&histograms),
        };
        let mut sum = Counts::default();
        sum.add(&pass(None));
        assert_eq!(sum, pass(None));
        sum.add(&pass(Some(4)));
        assert_eq!((sum.analysed, sum.failed, sum.died), (6, 2, 2));
        assert_eq!((sum.misses, sum.dropped[&Dropped::NoSlot]), (Some(4), 4));
        assert_eq!(sum.stages[&Stage::Load].count, 2);
    }
}
