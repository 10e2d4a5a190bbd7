//! One histogram a stage. STUB: contract only.
use crate::clock::Nanos;
use crate::stage::Stage;
use hdrhistogram::Histogram;

/// A histogram of nanoseconds for each [`Stage`], three significant digits, empty at first.
#[derive(Clone, Debug, PartialEq)]
pub struct StageHistograms {}

impl StageHistograms {
    /// Empty.
    pub fn new() -> Self {
        todo!()
    }
    /// Records one duration.
    pub fn record(&mut self, _stage: Stage, _ns: Nanos) {
        todo!()
    }
    /// The histogram of a stage; empty if nothing was recorded.
    pub fn get(&self, _stage: Stage) -> &Histogram<u64> {
        todo!()
    }
    /// Adds all of another's counts.
    pub fn merge(&mut self, _other: &Self) {
        todo!()
    }
}

impl Default for StageHistograms {
    fn default() -> Self {
        Self::new()
    }
}
