//! The words that the pool's heart and its supervisor speak with each other.

use super::JobId;
use crate::clock::Nanos;
use std::ops::Range;
use std::time::Duration;

/// What does not change while a pool lives.
#[derive(Clone, Debug)]
pub(in super::super) struct Policy {
    /// Parcels that a worker holds: one to work on, one to find waiting when it is done.
    pub parcels_ahead: usize,
    /// So many workers must die at the same step of a job before it is given up.
    pub max_deaths: u32,
    /// A worker that was sent so many jobs is replaced.
    pub max_jobs: u64,
    /// A worker that had nothing to do for so long is let go.
    pub idle: Option<Nanos>,
    /// From being asked to stop to being killed.
    pub grace: Nanos,
    /// Whether jobs cost next to nothing to send: then a parcel that its worker has not begun may be
    /// sent to another that is idle.
    pub is_light: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Event {
    /// New jobs, which travel together, each with so much time to run.
    Submitted(Range<JobId>, Option<Nanos>),
    /// The seat's worker can take jobs.
    Ready(usize),
    /// The seat's worker answered for these jobs.
    Answered(usize, Vec<JobId>),
    /// The seat's worker is gone, reaped, and nobody waits for it; the job and step it was at.
    Gone(usize, Option<(JobId, u32)>),
    /// The seat's worker had not begun that parcel, and will not.
    Recalled(usize, u64),
    /// Nobody wants that job any more, nor those that were submitted with it.
    Cancel(JobId),
    /// Time has passed: what each seat's worker is at, and since when.
    Tick(Vec<Option<(JobId, Nanos)>>),
    /// No more jobs.
    Shutdown(Shutdown),
    /// Workers cannot be had.
    Broken,
}

/// How a pool ends, from patient to not; a later call can only hurry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
    /// All that was submitted is done first: each worker finds a poison pill behind its last job.
    Drain,
    /// What no worker has yet is cancelled; the rest is done.
    CancelPending,
    /// Workers are killed; whatever has not ended is cancelled.
    Kill,
}

#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Action {
    /// Start a worker for this seat, after a pause.
    Start(usize, Duration),
    /// Send these to the seat's worker, as the parcel of that number.
    Send(usize, u64, Vec<JobId>),
    /// See whether the seat's worker can be kept from beginning that parcel: another is idle.
    Recall(usize, u64),
    /// Send the seat's worker the pill that ends it when it comes to it.
    Retire(usize),
    /// Ask the seat's worker not to start that job of a parcel, or to stop it; or the same of all of
    /// the parcel's jobs.
    Stop(usize, u64, Option<JobId>),
    /// Kill the seat's worker, whatever it is at.
    Kill(usize),
    /// The job ends without an answer.
    End(JobId, Why),
    /// Workers keep dying before they can do anything.
    Abort,
}

/// Why a job ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Why {
    /// So many workers died at this step of it, the last of them just now.
    Deaths(u32, u32),
    /// It ran for longer than it may, and did not stop when asked to.
    Overdue(Nanos),
    /// Before a worker had it.
    Cancelled,
    /// The pool was killed, or ended before the job came.
    Ended,
}
