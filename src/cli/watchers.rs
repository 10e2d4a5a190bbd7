//! All who look on while a run goes on.

use super::metrics::Metrics;
use super::progress::Progress;
use crate::pipeline::{Gauge, Watch};

/// The terminal, and who asks for metrics.
pub(super) struct Watchers {
    pub progress: Progress,
    pub metrics: Option<Metrics>,
}

impl Watchers {
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Watch)) {
        tell(&mut self.progress);
        if let Some(metrics) = &mut self.metrics {
            tell(metrics);
        }
    }
}

impl Watch for Watchers {
    fn phase(&mut self, what: &str) {
        self.each(|watch| watch.phase(what));
    }

    fn pass(&mut self, mode: &str, pass: usize, passes: usize, frames: Option<u64>) {
        self.each(|watch| watch.pass(mode, pass, passes, frames));
    }

    fn progress(&mut self, ended: u64) {
        self.progress.progress(ended);
    }

    fn begun(&mut self, gauge: &Gauge) {
        self.each(|watch| watch.begun(gauge));
    }

    fn over(&mut self, gauge: &Gauge) {
        self.each(|watch| watch.over(gauge));
    }
}
