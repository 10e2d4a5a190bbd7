//! Jobs run one after the other, in the thread that collects them: the baseline, and the pool for
//! a debugger.

use super::{Completion, Context, Failure, Job, JobId, Pack, Pool, Trip};
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Runs jobs in the caller's thread; see [the module](super).
pub struct Inline<P: Pack> {
    runner: Runner<P>,
    waiting: VecDeque<(JobId, P::Order, Nanos)>,
    next_id: JobId,
}

impl<P: Pack> Inline<P> {
    /// Builds the state.
    ///
    /// # Errors
    /// If [`Job::init`] refuses.
    pub fn start(setup: <P::Job as Job>::Setup, pack: P) -> Result<Self> {
        Ok(Self {
            runner: Runner::new(setup, pack)?,
            waiting: VecDeque::new(),
            next_id: 1,
        })
    }
}

impl<P: Pack> Pool<P> for Inline<P> {
    fn submit(&mut self, order: P::Order) -> JobId {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.push_back((id, order, now()));
        id
    }

    fn next(&mut self, until: Option<Nanos>) -> Result<Option<Completion<P>>> {
        if let Some((id, order, submitted)) = self.waiting.pop_front() {
            return Ok(Some(self.runner.run(id, order, submitted)));
        }
        if let Some(until) = until {
            std::thread::sleep(Duration::from_nanos(until.saturating_sub(now())));
        }
        Ok(None)
    }

    fn under_way(&self) -> usize {
        self.waiting.len()
    }

    fn capacity(&self) -> usize {
        1
    }

    fn rest(&mut self) {
        self.runner.rest();
    }
}

/// What one thread needs to run jobs inside this process.
pub(super) struct Runner<P: Pack> {
    setup: <P::Job as Job>::Setup,
    state: <P::Job as Job>::State,
    pack: P,
    bulk: Vec<u8>,
}

impl<P: Pack> Runner<P> {
    pub(super) fn new(setup: <P::Job as Job>::Setup, pack: P) -> Result<Self> {
        let state = P::Job::init(&setup).map_err(cannot_start)?;
        Ok(Self {
            setup,
            state,
            pack,
            bulk: Vec::new(),
        })
    }

    pub(super) fn run(&mut self, id: JobId, order: P::Order, submitted: Nanos) -> Completion<P> {
        let pack_begin = now();
        self.bulk.clear();
        let job = self.pack.pack(&order, &mut self.bulk);
        let run_begin = now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            job.run(&mut self.state, &self.bulk, &Context::in_process())
        }));
        let run_end = now();
        let outcome = outcome.map_err(|panic| Failure::Panicked(message(&*panic)));
        if outcome.is_err()
            && let Ok(fresh) = P::Job::init(&self.setup)
        {
            // The panic may have left the state half-changed.
            self.state = fresh;
        }
        Completion {
            id,
            order,
            outcome,
            trip: Trip {
                submitted,
                pack_begin,
                packed: run_begin,
                serialize_begin: run_begin,
                serialized: run_begin,
                awaited: run_begin,
                deserialize_begin: run_begin,
                deserialized: run_begin,
                received: run_begin,
                run_begin,
                run_end,
                arrived: now(),
            },
        }
    }

    pub(super) fn rest(&mut self) {
        self.bulk = Vec::new();
        self.pack.rest();
    }
}

fn cannot_start(why: String) -> Error {
    Error::Failed(format!("a worker cannot start: {why}"))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
