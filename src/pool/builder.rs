//! What a pool is to be like, and its start.

use super::core::Core;
use super::crew::Crew;
use super::inline::Inline;
use super::processes::{Processes, Start};
use super::supervisor::Policy;
use super::threads::Threads;
use super::{AsIs, Job, MAX_DEATHS, Pack, Pool, bootstrap, worker};
use crate::clock::nanos;
use crate::error::{Error, Result};
use crate::sys::process::Surroundings;
use crate::sys::signal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The processors that this process may use, by its affinity and its control groups' quotas: a
/// good number of workers. At least 1.
///
/// ```
/// assert!(framehaul::pool::available_workers() >= 1);
/// ```
pub fn available_workers() -> usize {
    // The standard library reads both the affinity mask and the quotas of cgroups v1 and v2.
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Where the workers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Processes,
    Threads,
    Inline,
}

/// A pool that is being set up; [`start`](Self::start) starts it.
///
/// Settings that only make sense for processes (the environment, say) do nothing for others.
#[derive(Clone, Debug)]
pub struct Builder<J: Job, P: Pack<Job = J> = AsIs<J>> {
    place: Place,
    workers: usize,
    pack: P,
    start: Start,
    deadline: Option<Duration>,
    grace: Duration,
    max_jobs: u64,
    max_deaths: u32,
    idle: Option<Duration>,
    ahead: usize,
}

impl<J: Job> Pool<J> {
    /// So many worker processes: this executable, started again. Its `main` must call
    /// [`worker::enter`] before anything else.
    pub fn processes(workers: usize) -> Builder<J> {
        Builder::new(Place::Processes, workers)
    }

    /// So many threads of this process. Jobs share its memory and its fate: one that aborts takes
    /// all with it, and none can be killed.
    pub fn threads(workers: usize) -> Builder<J> {
        Builder::new(Place::Threads, workers)
    }

    /// No workers: a job runs in the thread that submits it, before `submit` returns.
    pub fn inline() -> Builder<J> {
        Builder::new(Place::Inline, 1)
    }
}

impl<J: Job> Builder<J> {
    fn new(place: Place, workers: usize) -> Self {
        Self {
            place,
            workers,
            pack: AsIs::default(),
            start: Start {
                // Stays right when the file is replaced meanwhile.
                exe: PathBuf::from("/proc/self/exe"),
                limit: Duration::from_secs(30),
                surroundings: Surroundings::default(),
            },
            deadline: None,
            grace: Duration::from_secs(1),
            max_jobs: u64::MAX,
            max_deaths: MAX_DEATHS,
            idle: None,
            ahead: 2,
        }
    }
}

impl<J: Job, P: Pack<Job = J>> Builder<J, P> {
    /// Makes jobs out of orders on their way; see [`Pack`].
    pub fn pack<Q: Pack<Job = J>>(self, pack: Q) -> Builder<J, Q> {
        Builder {
            place: self.place,
            workers: self.workers,
            pack,
            start: self.start,
            deadline: self.deadline,
            grace: self.grace,
            max_jobs: self.max_jobs,
            max_deaths: self.max_deaths,
            idle: self.idle,
            ahead: self.ahead,
        }
    }

    /// How long each job may run, counted from its beginning in the worker; see
    /// [`Pool::submit_within`]. A worker that does not begin a job it has for as long and the
    /// grace (because it was stopped, say) is killed too, and its jobs go to another.
    #[must_use]
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// From asking a job to stop to killing its worker; one second unless this is called.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Replaces a worker that was sent so many jobs, at least 1, by a fresh one: for jobs that
    /// leak.
    #[must_use]
    pub const fn max_jobs_per_worker(mut self, jobs: u64) -> Self {
        self.max_jobs = jobs;
        self
    }

    /// Gives a job up when so many workers, at least 1, have died at the same step of it.
    #[must_use]
    pub const fn max_deaths(mut self, deaths: u32) -> Self {
        self.max_deaths = deaths;
        self
    }

    /// Lets workers go that have had nothing to do for so long. They are started again when there
    /// is.
    #[must_use]
    pub const fn idle_shutdown(mut self, after: Duration) -> Self {
        self.idle = Some(after);
        self
    }

    /// How many jobs (or batches of them) a worker has at once, at least 1: two unless this is called,
    /// the one it is at and the next, so that it never waits for one. With one alone, every job that
    /// nobody has begun is still in the pool, and ends at once when it is cancelled.
    #[must_use]
    pub const fn ahead(mut self, jobs: usize) -> Self {
        self.ahead = jobs;
        self
    }

    /// Sets a variable in the workers' environment, which is otherwise this process's.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.start
            .surroundings
            .env
            .push((name.into(), value.into()));
        self
    }

    /// Starts the workers in that directory instead of this process's.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.start.surroundings.dir = Some(dir.into());
        self
    }

    /// Starts that executable as worker instead of this one. Its `main` must call
    /// [`worker::enter`] for the same type of job, from the same build.
    #[must_use]
    pub fn exe(mut self, exe: impl Into<PathBuf>) -> Self {
        self.start.exe = exe.into();
        self
    }

    /// How long a worker process may take from its start to its call of [`worker::enter`], before
    /// its state is built; half a minute unless this is called. One that takes longer is killed.
    #[must_use]
    pub const fn start_timeout(mut self, limit: Duration) -> Self {
        self.start.limit = limit;
        self
    }

    /// Starts the workers and returns when each has built its state.
    ///
    /// # Errors
    /// If a number is 0 where there must be at least one; if the workers' folder is none; if the
    /// executable cannot be started, is no worker, or one of another version; if [`Job::init`]
    /// refuses or panics.
    pub fn start(self, setup: J::Setup) -> Result<Pool<J, P>> {
        for (what, number) in [
            ("worker", self.workers as u64),
            ("job a worker", self.max_jobs),
            ("death a job", u64::from(self.max_deaths)),
            ("job ahead", self.ahead as u64),
        ] {
            if number == 0 {
                return Err(Error::Usage(format!(
                    "a pool needs at least one {what}, not 0"
                )));
            }
        }
        let policy = Policy {
            parcels_ahead: match self.place {
                Place::Inline => 1,
                Place::Processes | Place::Threads => self.ahead,
            },
            max_deaths: self.max_deaths,
            max_jobs: self.max_jobs,
            idle: self.idle.map(nanos),
            grace: nanos(self.grace),
            is_light: self.place != Place::Inline && self.pack.is_light(),
        };
        let crew: Box<dyn Crew<P>> = match self.place {
            Place::Processes => {
                if worker::is_lost() {
                    return Err(Error::Failed(format!(
                        "this process was started as a worker, but its main does not call \
                         pool::worker::enter::<{}>() before it starts a pool",
                        std::any::type_name::<J>()
                    )));
                }
                if let Some(dir) = &self.start.surroundings.dir
                    && !dir.is_dir()
                {
                    return Err(Error::Usage(format!(
                        "{}: there is no such folder for the workers to start in",
                        dir.display()
                    )));
                }
                signal::prepare_nudge();
                bootstrap::sweep();
                let crew = Processes::new(self.workers, self.start, setup, &self.pack);
                Box::new(Arc::new(crew))
            }
            Place::Threads => Box::new(Threads::new(self.workers, setup, &self.pack)?),
            Place::Inline => Box::new(Inline::new(setup, self.pack)),
        };
        let core = Core::start(self.workers, policy, crew)?;
        Ok(Pool {
            core,
            deadline: self.deadline,
            signals: Mutex::default(),
        })
    }
}
