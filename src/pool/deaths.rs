//! The deaths of a pool's workers.

use super::JobId;
use super::outcome::{Death, Exit};
use std::collections::{HashMap, VecDeque};

/// So many are remembered.
const REMEMBERED: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Deaths {
    latest: VecDeque<Death>,
    count: u64,
    /// The last of all, one that was no loss included.
    last: Option<Death>,
    /// For each job at which workers died the last of them: if it is given up, this is why.
    fatal: HashMap<JobId, Death>,
}

impl Deaths {
    /// Takes note of a worker's end, and whether it was still needed.
    pub(super) fn note(&mut self, death: Death, is_needed: bool) {
        // One that ended as it was told to is no loss.
        let as_told = death.exit == Exit::Code(0) && death.during.is_none();
        if is_needed && !as_told {
            self.count += 1;
            if self.latest.len() == REMEMBERED {
                self.latest.pop_front();
            }
            self.latest.push_back(death.clone());
        }
        if let Some((job, _)) = death.during {
            self.fatal.insert(job, death.clone());
        }
        self.last = Some(death);
    }

    /// A job has ended: the last death at it, if there was one.
    pub(super) fn forgive(&mut self, job: JobId) -> Option<Death> {
        // Nearly always there is nothing to look for.
        (!self.fatal.is_empty()).then(|| self.fatal.remove(&job))?
    }

    pub(super) const fn last(&self) -> Option<&Death> {
        self.last.as_ref()
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn list(&self) -> Vec<Death> {
        self.latest.iter().cloned().collect()
    }
}
