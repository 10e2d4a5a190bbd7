//! Worker processes that survive: submit jobs, get each one's outcome exactly once.
//!
//! A [`Job`] is a serialisable struct; each worker builds a [`Job::State`] once and runs jobs with
//! it. [`Processes`] runs them in worker processes (this executable, started again),
//! [`Threads`] on a thread pool, [`Inline`] in the caller's thread: all three are a [`Pool`], so
//! switching is one line. What crosses is decided by a [`Pack`]: the pool keeps the small *order*
//! until its outcome is known, so that another worker can do it again, and the pack turns the
//! order into the job that is sent, in the thread that sends it.
//!
//! ```
//! use framehaul::pool::{AsIs, Context, Inline, Job, Pool};
//!
//! #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! struct Square(u64);
//!
//! impl Job for Square {
//!     type Setup = ();
//!     type State = ();
//!     type Output = u64;
//!     fn init(_: &()) -> Result<(), String> { Ok(()) }
//!     fn run(self, _: &mut (), _: &[u8], _: &Context<'_>) -> u64 { self.0 * self.0 }
//! }
//!
//! let mut pool = Inline::<AsIs<Square>>::start((), AsIs::default())?;
//! pool.submit(Square(7));
//! let done = pool.next(None)?.expect("a job is under way");
//! assert_eq!(done.outcome.unwrap(), 49);
//! # Ok::<(), framehaul::Error>(())
//! ```
//!
//! # Processes
//!
//! A program that uses [`Processes`] calls [`worker::enter`] first thing in `main`: in a worker it
//! never returns. Each worker has a keeper in the parent: a thread that starts it, waits for its
//! end, and sees to it that nobody stays blocked on it (`keeper.rs` says how). What
//! to do then is decided by a state machine without any I/O (`supervisor.rs`): a dead worker's
//! jobs go to another; a job is given up, and named, only after [`MAX_DEATHS`] workers died while
//! computing the same step of it.

mod bootstrap;
mod inline;
mod keeper;
mod processes;
mod protocol;
mod supervisor;
mod threads;
pub mod worker;

pub use inline::Inline;
pub use processes::{Config, Processes};
pub use supervisor::MAX_DEATHS;
pub use threads::Threads;
pub use worker::Context;

use crate::clock::Nanos;
use crate::error::Result;
use crate::measure::Usage;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::sync::{Arc, Mutex};

/// A unit of work, and what a worker needs to do it.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// What a worker is told once, before its first job.
    type Setup: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    /// What a worker keeps from job to job.
    type State;
    /// What comes back.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Builds a worker's state.
    ///
    /// # Errors
    /// One sentence; no worker can start then, and the pool says so.
    fn init(setup: &Self::Setup) -> Result<Self::State, String>;

    /// Does the work. `bulk` holds the bytes that were sent beside the job, past the serialiser.
    fn run(self, state: &mut Self::State, bulk: &[u8], context: &Context<'_>) -> Self::Output;
}

/// Makes jobs out of orders, in the thread that sends them to one worker.
pub trait Pack: Clone + Send + 'static {
    /// What is submitted, and kept until its outcome is known.
    type Order: Clone + Send + 'static;
    /// What crosses to the worker.
    type Job: Job;

    /// The job for an order. Bytes put into `bulk` (empty when called, its memory reused) travel
    /// beside the job, untouched by serde.
    fn pack(&mut self, order: &Self::Order, bulk: &mut Vec<u8>) -> Self::Job;

    /// Called when the pool is at rest: gives back memory that only jobs under way need.
    fn rest(&mut self) {}
}

/// The pack of a job that is sent as it is.
pub struct AsIs<J>(std::marker::PhantomData<fn() -> J>);

impl<J> Clone for AsIs<J> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<J> Default for AsIs<J> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<J: Job + Clone> Pack for AsIs<J> {
    type Order = J;
    type Job = J;
    fn pack(&mut self, order: &J, _bulk: &mut Vec<u8>) -> J {
        order.clone()
    }
}

/// A submitted job's number, unique in its pool.
pub type JobId = u64;

/// One way of running jobs. Not thread-safe by itself: one owner submits and collects.
pub trait Pool<P: Pack> {
    /// Takes an order. It is sent as soon as a worker has room for it.
    fn submit(&mut self, order: P::Order) -> JobId;

    /// The next outcome, in order of arrival; none if `until` (on [`crate::clock`]) comes first,
    /// or at once if nothing is under way and no `until` is given.
    ///
    /// # Errors
    /// If the pool cannot go on: its workers cannot start, or die before they can begin.
    fn next(&mut self, until: Option<Nanos>) -> Result<Option<Completion<P>>>;

    /// Jobs submitted whose outcome was not collected yet.
    fn under_way(&self) -> usize;

    /// As many jobs under way keep every worker busy.
    fn capacity(&self) -> usize;

    /// Gives back memory that only jobs under way need.
    fn rest(&mut self) {}

    /// Processor use of the workers so far, as far as they have reported it; nothing for those
    /// inside this process.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// The worker processes alive now; a shared list that stays current.
    fn pids(&self) -> Pids {
        Pids::default()
    }

    /// The deaths so far.
    fn deaths(&self) -> &[Death] {
        &[]
    }
}

/// The worker processes of a pool, kept current by it.
#[derive(Clone, Debug, Default)]
pub struct Pids(Arc<Mutex<Vec<u32>>>);

impl Pids {
    /// The processes alive now.
    pub fn list(&self) -> Vec<u32> {
        self.lock().clone()
    }

    fn add(&self, pid: u32) {
        self.lock().push(pid);
    }

    fn remove(&self, pid: u32) {
        self.lock().retain(|&known| known != pid);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u32>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A worker process that died while it was needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its process id.
    pub pid: u32,
    /// How it ended, as "killed by SIGKILL".
    pub how: String,
    /// The job, and its step, that it was computing, if any.
    pub during: Option<(JobId, u32)>,
}

/// A job's end.
pub struct Completion<P: Pack> {
    /// The number that [`Pool::submit`] gave.
    pub id: JobId,
    /// The order that was submitted.
    pub order: P::Order,
    /// What the job returned, or why it did not.
    pub outcome: Result<<P::Job as Job>::Output, Failure>,
    /// When what happened to it, on its successful way.
    pub trip: Trip,
}

/// Why a job has no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It panicked, with this message; its worker lives on.
    Panicked(String),
    /// It was given up: this many workers died while computing this step of it.
    GivenUp {
        /// The step that they were computing.
        step: u32,
        /// How the last of them ended.
        how: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "the analysis panicked: {message}"),
            Self::GivenUp { how, .. } => write!(
                f,
                "given up after {MAX_DEATHS} workers died computing it (the last was {how})"
            ),
        }
    }
}

/// The stamps of one job's way, each not before the one above it.
///
/// Inside one process nothing is serialised: the stamps from `packed` to `received` are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trip {
    /// Submitted to the pool.
    pub submitted: Nanos,
    /// Its pack began.
    pub pack_begin: Nanos,
    /// Its pack ended.
    pub packed: Nanos,
    /// The serialiser began.
    pub serialize_begin: Nanos,
    /// The serialiser ended.
    pub serialized: Nanos,
    /// The worker was free to receive it (when it had finished the job before), or `serialized`
    /// if it was already: from here on the transfer counts.
    pub awaited: Nanos,
    /// The deserialiser began.
    pub deserialize_begin: Nanos,
    /// The deserialiser ended.
    pub deserialized: Nanos,
    /// The last of what was sent beside it arrived.
    pub received: Nanos,
    /// The job began to run.
    pub run_begin: Nanos,
    /// The job ended.
    pub run_end: Nanos,
    /// Its output arrived.
    pub arrived: Nanos,
}

impl Trip {
    /// Time spent serialising.
    pub const fn serialize(&self) -> Nanos {
        self.serialized - self.serialize_begin
    }

    /// Time in the kernel and in its buffers, less the wait for a worker that was still busy.
    pub const fn transfer(&self) -> Nanos {
        (self.deserialize_begin - self.awaited) + (self.received - self.deserialized)
    }

    /// Time spent deserialising.
    pub const fn deserialize(&self) -> Nanos {
        self.deserialized - self.deserialize_begin
    }
}
