//! What a job may use of its surroundings, and what its pool sees of it while it runs.
//!
//! Each seat has three lines of a board in shared memory. On one the worker writes what it is at and
//! since when, which can still be read when it is dead. The other two have a place for each parcel
//! that the worker holds. On the second the pool writes what of a parcel is to stop; a job is named
//! by its number there, so that a word that comes late is about nobody. On the third lie the
//! parcels' own numbers: whoever takes one off, the worker to begin it or the pool to give it to
//! another, has it.

use super::JobId;
use super::shared::Draft;
use super::supervisor::PLACES;
use crate::clock::Nanos;
use crate::sys::atomics::Atomics;
use crate::sys::segment::{LINE, Segment};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lines that each seat has.
const LINES: usize = 3;

/// Cells of a line.
const CELLS: usize = LINE / size_of::<AtomicU64>();

/// What a pool and its workers write for each other. It is sent to a worker in its first message.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Segment", into = "Segment")]
pub(super) struct Board(Atomics<AtomicU64>);

/// The cells of one line.
type Line = [AtomicU64];

impl Board {
    pub(super) fn create(seats: usize) -> io::Result<Self> {
        Self::try_from(Segment::create(seats * LINES * LINE)?)
    }

    fn line(&self, seat: usize, line: usize) -> &Line {
        let begin = (seat * LINES + line) * CELLS;
        &self.0[begin..begin + CELLS]
    }
}

impl TryFrom<Segment> for Board {
    type Error = io::Error;
    fn try_from(segment: Segment) -> io::Result<Self> {
        let cells = segment.bytes() / size_of::<AtomicU64>();
        Ok(Self(segment.atomics(0, cells)?))
    }
}

impl From<Board> for Segment {
    fn from(board: Board) -> Self {
        board.0.segment().clone()
    }
}

/// A step in the low bits of the progress cell, a job's number above it. A step is stored with one
/// added: without one the worker is at the job's bytes, before it runs or after. The cell of an idle
/// worker is 0.
const STEP_BITS: u32 = 24;
const STEPS: u64 = (1 << STEP_BITS) - 1;

/// What a job may use of its surroundings while it runs.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    seat: usize,
    at: At<'a>,
    stop: &'a AtomicU64,
    id: JobId,
    bulk: &'a [u8],
}

/// What the worker writes.
#[derive(Clone, Copy)]
struct At<'a> {
    progress: &'a AtomicU64,
    /// Since when it is at that job.
    since: &'a AtomicU64,
}

impl<'a> At<'a> {
    fn of(board: &'a Board, seat: usize) -> Self {
        let line = board.line(seat, 0);
        Self {
            progress: &line[0],
            since: &line[1],
        }
    }
}

/// What of a parcel is to stop: the number of a job, or [`ALL`], or 0.
fn stop_of(board: &Board, seat: usize, parcel: u64) -> &AtomicU64 {
    &board.line(seat, 1)[place(parcel)]
}

/// The parcel's number, until somebody takes it.
fn claim_of(board: &Board, seat: usize, parcel: u64) -> &AtomicU64 {
    &board.line(seat, 2)[place(parcel)]
}

const fn place(parcel: u64) -> usize {
    (parcel % PLACES) as usize
}

/// No job has this number.
const ALL: JobId = JobId::MAX;

impl<'a> Context<'a> {
    /// For a job of that parcel, which begins in that seat.
    pub(super) fn begin(
        board: &'a Board,
        (seat, parcel): (usize, u64),
        id: JobId,
        begun: Nanos,
        bulk: &'a [u8],
    ) -> Self {
        let at = At::of(board, seat);
        at.since.store(begun, Ordering::Relaxed);
        let context = Self {
            seat,
            at,
            stop: stop_of(board, seat, parcel),
            id,
            bulk,
        };
        // Release, with the Acquire in `running`: who sees this job sees since when.
        let first = context.at_step(0);
        at.progress.store(first, Ordering::Release);
        context
    }

    const fn at_step(&self, step: u32) -> u64 {
        self.id << STEP_BITS | (step as u64 + 1)
    }

    /// Says which step of the job (a frame of a batch, say; below 16,777,215) is being done from
    /// now on; a job begins at step 0. If the worker dies, the death counts against that step
    /// alone. Costs one store.
    pub fn step(&self, step: u32) {
        // Relaxed: the pool reads it after it has reaped the process, or does not care.
        let at = self.at_step(step);
        self.at.progress.store(at, Ordering::Relaxed);
    }

    /// Whether the job was cancelled or has passed its deadline, and should come to an end: with
    /// an error, or with what it has. A job that passed its deadline and does not stop is killed
    /// with its worker. Costs one load.
    pub fn should_stop(&self) -> bool {
        // Relaxed: nothing else is published by it.
        let who = self.stop.load(Ordering::Relaxed);
        who == self.id || who == ALL
    }

    /// The bytes that were sent beside the job; see [`super::Pack::pack`].
    pub const fn bulk(&self) -> &'a [u8] {
        self.bulk
    }

    /// So many bytes, all zero, for a large result: in memory that the caller's process maps too,
    /// so that [finished](Draft::finish) and put into the job's output only a reference to them
    /// crosses. An output of any other type crosses by value.
    pub fn lend(&self, bytes: usize) -> Draft {
        Draft::new(bytes)
    }

    /// The worker that runs it, from 0; a worker's successor has its number.
    pub const fn worker(&self) -> usize {
        self.seat
    }

    /// The job's number in its pool.
    pub const fn id(&self) -> JobId {
        self.id
    }
}

/// Lays a parcel out, before it is sent.
pub(super) fn lay_out(board: &Board, seat: usize, parcel: u64) {
    // Relaxed: the parcel's message, which the worker receives first, comes later.
    stop_of(board, seat, parcel).store(0, Ordering::Relaxed);
    claim_of(board, seat, parcel).store(parcel, Ordering::Relaxed);
}

/// Takes a parcel, to begin it or to give it to another; says whether it was still there.
pub(super) fn take_parcel(board: &Board, seat: usize, parcel: u64) -> bool {
    // Relaxed: who has it is all that is decided here.
    claim_of(board, seat, parcel)
        .compare_exchange(parcel, 0, Ordering::Relaxed, Ordering::Relaxed)
        .is_ok()
}

/// The seat's worker is at the job's bytes: reading it, or writing its answer. Its death is then
/// that job's, but no deadline counts.
pub(super) fn hold(board: &Board, seat: usize, job: JobId) {
    // Relaxed: read when the process has been reaped.
    let at = job << STEP_BITS;
    At::of(board, seat).progress.store(at, Ordering::Relaxed);
}

/// The seat's worker is between two jobs.
pub(super) fn let_go(board: &Board, seat: usize) {
    At::of(board, seat).progress.store(0, Ordering::Relaxed);
}

/// The job that a seat's worker is running, and since when.
pub(super) fn running(board: &Board, seat: usize) -> Option<(JobId, Nanos)> {
    let at = At::of(board, seat);
    // Acquire, with the Release in `begin`. If the worker goes on to the next job between these
    // two loads, the time is the later one's: nobody is killed too early for it.
    let progress = at.progress.load(Ordering::Acquire);
    let since = at.since.load(Ordering::Relaxed);
    (progress & STEPS != 0).then_some((progress >> STEP_BITS, since))
}

/// The job and step that a seat's worker was at when it died.
pub(super) fn last_words(board: &Board, seat: usize) -> Option<(JobId, u32)> {
    let said = At::of(board, seat).progress.load(Ordering::Relaxed);
    let step = (said & STEPS).saturating_sub(1);
    (said != 0).then_some((said >> STEP_BITS, step as u32))
}

/// Makes the lines blank for a seat's next worker.
pub(super) fn clear(board: &Board, seat: usize) {
    for line in 0..LINES {
        for cell in board.line(seat, line) {
            cell.store(0, Ordering::Relaxed);
        }
    }
}

/// Asks a job of a parcel not to begin, or to stop; or all of them.
pub(super) fn stop(board: &Board, seat: usize, parcel: u64, job: Option<JobId>) {
    stop_of(board, seat, parcel).store(job.unwrap_or(ALL), Ordering::Relaxed);
}

/// The same for whatever the seat's worker has.
pub(super) fn stop_all(board: &Board, seat: usize) {
    for parcel in 0..PLACES {
        stop(board, seat, parcel, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_tells_job_and_step_and_a_job_hears_only_its_own_number() {
        let board = Board::create(2).unwrap();
        assert_eq!((running(&board, 1), last_words(&board, 1)), (None, None));
        let context = Context::begin(&board, (1, 21), 9, 1, &[]);
        assert_eq!(last_words(&board, 1), Some((9, 0)));
        context.step(41);
        assert_eq!(last_words(&board, 1), Some((9, 41)));
        assert_eq!(running(&board, 1).map(|(job, _)| job), Some(9));
        assert_eq!(running(&board, 0), None);

        stop(&board, 1, 21, Some(8));
        stop(&board, 1, 20, None);
        assert!(!context.should_stop(), "others are meant");
        for who in [Some(9), None] {
            stop(&board, 1, 21, who);
            assert!(context.should_stop());
            lay_out(&board, 1, 21);
            assert!(!context.should_stop());
        }
        stop_all(&board, 1);
        assert!(context.should_stop());
        hold(&board, 1, 9);
        assert_eq!(last_words(&board, 1), Some((9, 0)));
        assert_eq!(running(&board, 1), None);
        let_go(&board, 1);
        assert_eq!(last_words(&board, 1), None);

        lay_out(&board, 1, 11);
        assert!(take_parcel(&board, 1, 11));
        assert!(!take_parcel(&board, 1, 11), "it is taken once");
    }
}
