//! Jobs run on rayon's threads, inside this process.

use super::inline::Runner;
use super::{Completion, Job, JobId, Pack, Pool};
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Runs jobs on a thread pool; see [the module](super).
pub struct Threads<P: Pack>
where
    <P::Job as Job>::State: Send,
{
    threads: rayon::ThreadPool,
    /// One a thread; locked by that thread alone, so never waited for.
    runners: Arc<[Mutex<Runner<P>>]>,
    done: Receiver<Completion<P>>,
    tell: Sender<Completion<P>>,
    under_way: usize,
    next_id: JobId,
}

impl<P: Pack> Threads<P>
where
    <P::Job as Job>::State: Send,
{
    /// Starts so many threads, at least 1, and builds their states.
    ///
    /// # Errors
    /// If a thread cannot be started or [`Job::init`] refuses.
    pub fn start(threads: usize, setup: &<P::Job as Job>::Setup, pack: &P) -> Result<Self> {
        let runners: Result<Arc<[_]>> = (0..threads)
            .map(|_| Ok(Mutex::new(Runner::new(setup.clone(), pack.clone())?)))
            .collect();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Error::Failed(format!("cannot start {threads} threads: {error}")))?;
        let (tell, done) = channel();
        Ok(Self {
            threads: pool,
            runners: runners?,
            done,
            tell,
            under_way: 0,
            next_id: 1,
        })
    }
}

impl<P: Pack> Pool<P> for Threads<P>
where
    <P::Job as Job>::State: Send,
    <P::Job as Job>::Output: Send,
{
    fn submit(&mut self, order: P::Order) -> JobId {
        let id = self.next_id;
        self.next_id += 1;
        self.under_way += 1;
        let (runners, tell, submitted) = (self.runners.clone(), self.tell.clone(), now());
        // First in, first out: a plain `spawn` from outside goes to the pool's injector queue.
        self.threads.spawn_fifo(move || {
            // The closure runs on one of the pool's own threads, which all have an index.
            let index = rayon::current_thread_index().unwrap_or(0);
            let mut runner = runners[index]
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            let completion = runner.run(id, order, submitted);
            // Fails only when the pool was dropped: nobody waits.
            let _ = tell.send(completion);
        });
        id
    }

    fn next(&mut self, until: Option<Nanos>) -> Result<Option<Completion<P>>> {
        let received = match until {
            None if self.under_way == 0 => return Ok(None),
            None => self.done.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(until) => self
                .done
                .recv_timeout(Duration::from_nanos(until.saturating_sub(now()))),
        };
        match received {
            Ok(mut completion) => {
                self.under_way -= 1;
                completion.trip.arrived = now();
                Ok(Some(completion))
            }
            // Disconnected cannot be: `tell` is ours too.
            Err(_) => Ok(None),
        }
    }

    fn under_way(&self) -> usize {
        self.under_way
    }

    fn capacity(&self) -> usize {
        self.runners.len() * super::supervisor::JOBS_AHEAD
    }

    fn rest(&mut self) {
        for runner in &*self.runners {
            let mut runner = runner
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            runner.rest();
        }
    }
}
