//! A seat, and what the supervisor knows of the worker that sits there.

use super::{JobId, MAX_STALE, PLACES, Policy};
use crate::clock::Nanos;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Staff {
    /// Nobody sits here.
    #[default]
    Vacant,
    /// A worker was started and was not heard of yet.
    Starting,
    Ready,
    /// Its pill is under way.
    Retiring,
}

#[derive(Debug, Default)]
pub(super) struct Seat {
    pub staff: Staff,
    /// Sent and not answered, oldest first.
    pub parcels: VecDeque<Parcel>,
    /// Parcels sent to this worker so far.
    pub numbered: u64,
    /// Parcels that were taken back since it last answered: their messages may still lie there.
    pub stale: usize,
    /// Jobs sent to this worker so far.
    pub sent: u64,
    /// When it was last sent something or answered something.
    pub quiet_since: Nanos,
    /// When to look whether it is at a job for too long.
    pub look_at: Option<Nanos>,
    /// The job that it was asked to stop because of its deadline, and when that was.
    pub asked: Option<(JobId, Nanos)>,
    /// It was killed for that job's sake, or because it does nothing (no job's fault).
    pub doomed: Option<Option<JobId>>,
}

#[derive(Debug)]
pub(super) struct Parcel {
    /// Its number among those that were sent to this worker.
    pub number: u64,
    /// Not answered, oldest first.
    pub jobs: VecDeque<JobId>,
    /// It was tried to get it back.
    pub recalled: bool,
}

impl Seat {
    pub(super) fn jobs(&self) -> impl DoubleEndedIterator<Item = JobId> {
        self.parcels
            .iter()
            .flat_map(|parcel| parcel.jobs.iter().copied())
    }

    /// Whether another parcel may be sent to it.
    pub(super) fn has_room(&self, ahead: usize) -> bool {
        self.parcels.is_empty() || self.parcels.len() < ahead && self.stale < MAX_STALE
    }

    /// A number for its next parcel. The lowest bits are a place that none of its parcels has:
    /// where it is laid out on the board.
    pub(super) fn next_number(&mut self) -> u64 {
        self.numbered += 1;
        let taken = |place| {
            self.parcels
                .iter()
                .any(|parcel| parcel.number % PLACES == place)
        };
        let free = (0..PLACES).find(|&place| !taken(place));
        self.numbered * PLACES + free.expect("a worker holds fewer parcels than there are places")
    }

    /// Whether it was retired because there was nothing to do, not because it had done enough.
    pub(super) fn was_let_go(&self, policy: &Policy) -> bool {
        self.staff == Staff::Retiring && self.sent < policy.max_jobs
    }

    /// Takes a job out. A worker answers in order, so it is at the front of a parcel.
    pub(super) fn remove(&mut self, job: JobId) {
        let mut parcels = self.parcels.iter_mut();
        if let Some(parcel) = parcels.find(|parcel| parcel.jobs.front() == Some(&job)) {
            parcel.jobs.pop_front();
        } else {
            for parcel in &mut self.parcels {
                parcel.jobs.retain(|&held| held != job);
            }
        }
        self.parcels.retain(|parcel| !parcel.jobs.is_empty());
    }
}
