//! Worker processes that survive: submit jobs, get each one's outcome exactly once.
//!
//! A [`Job`] is a serialisable struct. Each worker builds a [`Job::State`] once and runs jobs with
//! it. Where the workers are is one word: [`Pool::processes`] (this executable, started again),
//! [`Pool::threads`], or [`Pool::inline`] for none at all.
//!
//! ```
//! use framehaul::pool::{Context, Job, Never, Pool};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Square(u64);
//!
//! impl Job for Square {
//!     type Setup = ();
//!     type State = ();
//!     type Output = u64;
//!     type Error = Never;
//!     fn init(_: &()) -> Result<(), String> { Ok(()) }
//!     fn run(&self, _: &mut (), _: &Context<'_>) -> Result<u64, Never> { Ok(self.0 * self.0) }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     framehaul::pool::worker::enter::<Square>(); // in a worker process, this does the work
//!     # if false {
//!     let pool = Pool::<Square>::processes(2).start(())?; // or threads(2), or inline()
//!     # }
//!     # let pool = Pool::<Square>::threads(2).start(())?;
//!     let seven = pool.submit(Square(7));
//!     assert_eq!(seven.wait()?, 49);
//!     let squares: Result<Vec<_>, _> = pool.map((0..5).map(Square)).collect();
//!     assert_eq!(squares?, [0, 1, 4, 9, 16]);
//!     pool.drain();
//!     Ok(())
//! }
//! ```
//!
//! * **Futures**: [`Pool::submit`] gives a [`Handle`]: wait for it, with or without a limit, await
//!   it under any runtime, cancel it, have a callback called; [`as_completed`] over many.
//! * **Streams**: [`Pool::map`] and [`Pool::map_unordered`] take jobs lazily from any iterator,
//!   as many ahead as keep the workers busy, and send short ones [together](Batch).
//! * **Control**: see [`Builder`].
//! * **Failure**: [`JobError`] says what happened to one job. A worker's death is never more than
//!   that: the worker is replaced, and its job done by another, up to a limit.
//! * **Shutdown**: [`Pool::drain`], [`Pool::cancel_pending`], [`Pool::kill`]; dropping a pool kills
//!   it. Nothing of it outlives this process, whatever ends it; but a SIGKILL while a worker is
//!   connecting leaves a folder with a dead socket in the temporary directory, which pools that
//!   are started a minute later, or after that, remove.
//! * **Large data**: what a job needs can travel beside it, or be made only when it is sent
//!   ([`Pack`]); what it returns can be written where the caller reads it ([`Context::lend`]).
//!
//! # How it works
//!
//! Each worker process has a keeper in the parent, a thread that starts it, waits for its end, and
//! sees to it that nobody stays blocked on it (`keeper.rs` says how). What is done when, is decided
//! by a state machine without any I/O (`supervisor/`), and carried out by whoever brought the event
//! (`core.rs`): the thread that submits sends, the thread that receives an answer wakes who waits
//! for it, and sends the next job. Whoever waits for the only job under way receives its answer
//! themselves, which saves a change of hands (`ear.rs`).
//!
//! A worker holds two parcels, one to work on and one to find waiting when it is done. One that it
//! has not begun is taken from it when another worker has nothing to do, so that no job waits
//! behind a long one for longer than it must: both sides claim a parcel by one atomic exchange in
//! shared memory (`context.rs`).
//!
//! # Signals
//!
//! * Workers are in process groups of their own: Ctrl-C at the terminal reaches this process
//!   alone, which decides what becomes of them. [`Pool::drain_on_signals`] makes the first one drain
//!   the pool and the second one kill it; a program that handles signals itself may call
//!   [`Pool::shutdown`] from the thread that does.
//! * When this process ends, however it does, the kernel kills its workers. (The signal is tied to
//!   the keeper's thread, not to the thread that started the pool, which may end before.)
//! * The first pool of worker processes installs a handler for SIGURG, which does nothing but end
//!   a blocked send to a dead worker. No other handler or mask is touched, SIGCHLD is not used,
//!   and children that are not the pool's are never waited for.
//! * A worker that is stopped (SIGSTOP) keeps the jobs it has until it goes on, unless they have a
//!   [deadline](Builder::deadline).
//! * Workers have standard error in common with this process; their standard input and output are
//!   empty and ignored: what a job prints with `println!` is nowhere.
//!
//! # Testing a program that uses a pool
//!
//! A worker process is an executable whose `main` calls [`worker::enter`] first. That of a test is
//! the test harness's, which does not; starting a pool there fails with a sentence that says so.
//! So, in a test:
//!
//! * test the jobs themselves on [`Pool::inline`] or [`Pool::threads`]: one word, the same
//!   outcomes;
//! * or start the program under test as worker:
//!   `Pool::processes(2).exe(env!("CARGO_BIN_EXE_my-program"))`;
//! * or bring a `main`: `harness = false` for that test in `Cargo.toml`, then
//!
//!   ```no_run
//!   # use framehaul::pool::{worker, Context, Job, Never};
//!   # #[derive(serde::Serialize, serde::Deserialize)]
//!   # struct MyJob;
//!   # impl Job for MyJob {
//!   #     type Setup = (); type State = (); type Output = (); type Error = Never;
//!   #     fn init(_: &()) -> Result<(), String> { Ok(()) }
//!   #     fn run(&self, _: &mut (), _: &Context<'_>) -> Result<(), Never> { Ok(()) }
//!   # }
//!   fn main() {
//!       worker::enter::<MyJob>();
//!       // The tests: one after the other, or through the crate libtest-mimic.
//!   }
//!   ```
//!
#![doc = include_str!("peers.md")]

mod bootstrap;
mod builder;
mod context;
mod core;
mod crew;
mod deaths;
mod ear;
mod handle;
mod inline;
mod job;
mod keeper;
mod lookout;
mod outcome;
mod panics;
mod processes;
mod protocol;
mod runner;
mod shared;
mod signals;
mod stream;
mod supervisor;
mod threads;
mod timer;
mod trip;
pub mod worker;

pub use builder::{Builder, available_workers};
pub use context::Context;
pub use handle::{AsCompleted, Handle, as_completed};
pub use job::{AsIs, Job, Pack, Packed};
pub use lookout::{Lookout, Muster};
pub use outcome::{Completion, Death, Exit, JobError, Never, Outcome, Panic, WorkerDied};
pub use shared::{Draft, Shared};
pub use stream::{Batch, Map, MapUnordered};
pub use supervisor::Shutdown;
pub use trip::Trip;

use self::core::Core;
use crate::error::Result;
use crate::measure::Usage;
use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A submitted job's number, unique in its pool.
pub type JobId = u64;

/// Something for each of some jobs. Their numbers are our own and in order: nobody chooses them to
/// collide, so that they need no better hash than this.
type ById<T> = HashMap<JobId, T, BuildHasherDefault<Neighbours>>;

#[derive(Clone, Copy, Default)]
struct Neighbours(u64);

impl Hasher for Neighbours {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, number: u64) {
        // The low bits choose the place: jobs that come one after the other lie side by side. The
        // highest seven tell those apart that are near each other.
        self.0 = number ^ (number << 57);
    }
}

/// So many workers must die at the same step of a job before it is given up, unless the pool was
/// [built](Builder::max_deaths) with another number.
pub const MAX_DEATHS: u32 = 5;

/// Runs jobs; see [the module](self).
///
/// It can be used from several threads at a time. Dropping it kills the workers: jobs that have not
/// ended end as [`JobError::PoolEnded`].
pub struct Pool<J: Job, P: Pack<Job = J> = AsIs<J>> {
    core: Arc<Core<P>>,
    deadline: Option<Duration>,
    signals: Mutex<Option<signals::Listener>>,
}

impl<J: Job, P: Pack<Job = J>> Pool<J, P> {
    /// Takes a job; it is sent as soon as a worker has room for it. A pool that was shut down
    /// refuses it: its outcome is [`JobError::PoolEnded`].
    pub fn submit(&self, order: P::Order) -> Handle<J> {
        self.core.submit_one(order, self.deadline)
    }

    /// Takes a job that may run for so long. After that it is asked to stop
    /// ([`Context::should_stop`]), and if it does not within the [grace](Builder::grace), its
    /// worker is killed and its outcome is [`JobError::DeadlinePassed`]. (Threads cannot be
    /// killed: there it is asked, and waited for.)
    pub fn submit_within(&self, order: P::Order, deadline: Duration) -> Handle<J> {
        self.core.submit_one(order, Some(deadline))
    }

    /// The outcomes of all jobs of an iterator, in their order. It takes jobs only as outcomes are
    /// taken from it, some [ahead](Map::ahead), so that the iterator may be endless; an outcome
    /// that is an error ends nothing.
    pub fn map<I: IntoIterator<Item = P::Order>>(&self, orders: I) -> Map<P, I::IntoIter> {
        Map::over(self.core.clone(), self.deadline, orders.into_iter())
    }

    /// The same in the order in which the jobs end, each with its job's number in the stream.
    pub fn map_unordered<I: IntoIterator<Item = P::Order>>(
        &self,
        orders: I,
    ) -> MapUnordered<P, I::IntoIter> {
        MapUnordered::over(self.core.clone(), self.deadline, orders.into_iter())
    }

    /// Takes no more jobs, waits until all that were submitted are done, and for the end of the
    /// workers: each finds a poison pill behind its last job.
    pub fn drain(&self) {
        self.finish(Shutdown::Drain);
    }

    /// Takes no more jobs, ends those that no worker has as [`JobError::Cancelled`], and waits
    /// until the rest are done, and for the end of the workers.
    pub fn cancel_pending(&self) {
        self.finish(Shutdown::CancelPending);
    }

    /// Kills the workers and waits for their end. Jobs that have not ended do so as
    /// [`JobError::PoolEnded`].
    pub fn kill(&self) {
        self.finish(Shutdown::Kill);
    }

    /// Begins to shut down and returns at once, so that it may be called from a callback or a
    /// signal's thread; a second call can only hurry it.
    pub fn shutdown(&self, how: Shutdown) {
        self.core.shutdown(how);
    }

    fn finish(&self, how: Shutdown) {
        self.core.shutdown(how);
        if !is_own_thread(self.core.number) {
            self.core.wait_for_end();
        }
    }

    /// From now on the first Ctrl-C (or polite kill) [drains](Self::drain) the pool and the second
    /// one kills it, instead of ending this process: whoever waits for a job or an outcome hears of
    /// it, and `main` goes on to its end. Worker processes do not hear of a Ctrl-C themselves: they
    /// are in groups of their own.
    ///
    /// The signals stay with this library when the pool has gone: a process that wants to end by
    /// them afterwards says so.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn drain_on_signals(&self) -> Result<()> {
        let listener = signals::listen(&self.core)?;
        let mut known = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is replaced ends itself.
        *known = Some(listener);
        Ok(())
    }

    /// Workers, dead ones that are being replaced included.
    pub fn workers(&self) -> usize {
        self.core.workers()
    }

    /// As many jobs (or parcels of them) under way keep every worker busy.
    pub fn capacity(&self) -> usize {
        self.core.capacity()
    }

    /// Jobs submitted that have not ended.
    pub fn under_way(&self) -> usize {
        self.core.under_way()
    }

    /// Gives back memory that only jobs under way need.
    pub fn rest(&self) {
        self.core.rest();
    }

    /// Processor use of the worker processes so far, as far as they have reported it.
    pub fn usage(&self) -> Usage {
        self.core.usage()
    }

    /// The worker processes alive now; a shared list that stays current.
    pub fn pids(&self) -> Pids {
        self.core.pids.clone()
    }

    /// The deaths so far, the last thousand of them at most.
    pub fn deaths(&self) -> Vec<Death> {
        self.core.deaths()
    }

    /// How many workers have died so far; those that were told to end do not count.
    pub fn died(&self) -> u64 {
        self.core.died()
    }
}

impl<J: Job, P: Pack<Job = J>> Drop for Pool<J, P> {
    fn drop(&mut self) {
        self.core.end();
    }
}

impl<J: Job, P: Pack<Job = J>> std::fmt::Debug for Pool<J, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("job", &std::any::type_name::<J>())
            .field("workers", &self.workers())
            .field("under_way", &self.under_way())
            .finish()
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

thread_local! {
    static OWNER: Cell<u64> = const { Cell::new(0) };
}

/// This thread belongs to that pool, whose end it must not wait for.
fn mark_own_thread(pool: u64) {
    OWNER.set(pool);
}

fn is_own_thread(pool: u64) -> bool {
    OWNER.get() == pool
}
