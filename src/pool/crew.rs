//! What the pool's heart wants of its workers, wherever they are.

use super::core::{Core, Group};
use super::outcome::Exit;
use super::{JobId, Pack};
use crate::measure::Usage;
use std::sync::Arc;
use std::time::Duration;

/// The workers of one kind of pool.
pub(super) trait Crew<P: Pack>: Send + Sync {
    /// Starts a worker for the seat, after a pause. It brings [`Event::Ready`] in time, and
    /// [`Core::gone`] as its last act.
    fn start(&self, core: &Arc<Core<P>>, seat: usize, pause: Duration);
    /// Sends a parcel; it may not block. Each of its jobs is answered for, or the worker goes.
    fn send(&self, core: &Arc<Core<P>>, seat: usize, parcel: Parcel<P>);
    /// Sends the pill behind what was sent before.
    fn retire(&self, core: &Arc<Core<P>>, seat: usize);
    /// Ends the worker, at whatever it is.
    fn kill(&self, core: &Arc<Core<P>>, seat: usize);
    /// A thread of the pool is to receive what the seat's worker answers from now on.
    fn attend(&self, _seat: usize) {}
    /// Receives it in this thread, until `done`, or until a thread of the pool does it.
    fn listen(&self, _core: &Arc<Core<P>>, _seat: usize, _done: &dyn Fn() -> bool) {}
    /// Gives back memory that only jobs under way need.
    fn rest(&self);
    /// Joins the threads of workers that are gone.
    fn join(&self);
}

/// Jobs that travel together.
pub(super) struct Parcel<P: Pack> {
    /// What it is called on the board; see [`context::take_parcel`].
    pub number: u64,
    /// Those that they were submitted with.
    pub group: Arc<Group<P>>,
    pub jobs: Vec<JobId>,
}

/// What is left of a worker.
pub(super) struct Gone {
    /// All that it used.
    pub usage: Usage,
    /// If it was a process: its id, how it ended, and whether memory ran out.
    pub process: Option<(u32, Exit, bool)>,
}

impl Gone {
    /// Of a thread, or of a process that was never there.
    pub(super) const NOTHING: Self = Self {
        usage: Usage::NONE,
        process: None,
    };
}
