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
    /// The numbers of parcels that were taken back and whose messages may still lie there.
    pub stale: Vec<u64>,
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
        self.parcels.is_empty() || self.parcels.len() < ahead && self.stale.len() < MAX_STALE
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

    /// The worker has answered for a job: it has read whatever was sent before that one's parcel.
    pub(super) fn answered(&mut self, job: JobId) {
        if let Some(number) = self.remove(job) {
            self.stale.retain(|&stale| stale > number);
        }
    }

    /// Takes a job out, and says of which parcel. A worker answers in order, so it is mostly the
    /// first of one.
    pub(super) fn remove(&mut self, job: JobId) -> Option<u64> {
        let (index, at) = self.find(job)?;
        let parcel = &mut self.parcels[index];
        let number = parcel.number;
        parcel.jobs.remove(at);
        if parcel.jobs.is_empty() {
            self.parcels.remove(index);
        }
        Some(number)
    }

    /// The number of the parcel that the job is in.
    pub(super) fn parcel_of(&self, job: JobId) -> Option<u64> {
        self.find(job).map(|(index, _)| self.parcels[index].number)
    }

    /// Which parcel the job is in, and where in it.
    fn find(&self, job: JobId) -> Option<(usize, usize)> {
        let mut parcels = self.parcels.iter().enumerate();
        parcels.find_map(|(index, parcel)| {
            let at = parcel.jobs.iter().position(|&held| held == job)?;
            Some((index, at))
        })
    }
}
