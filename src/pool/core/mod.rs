//! The pool's heart: feeds the supervisor with events and carries its actions out.
//!
//! Whoever brings an event (the caller who submits, a thread that received an answer, a keeper that
//! buried a worker) carries out what follows from it, so that nothing waits for a thread in
//! between. Actions are carried out in the order in which they were decided, one at a time, without
//! the lock: whoever finds somebody else at it leaves theirs to them.

mod carry;
mod group;
mod lone;

use self::group::Ends;
pub(super) use self::group::{Caller, Group, Told};
use self::lone::Lone;
use super::context::Board;
use super::crew::{Crew, Gone};
use super::deaths::Deaths;
use super::handle::{Handle, Slot, refused};
use super::outcome::{Completion, Death};
use super::protocol::Answer;
use super::supervisor::{Action, Event, Policy, Shutdown, Supervisor};
use super::{ById, JobId, Pack, Pids, context};
use crate::clock::{Nanos, nanos, now};
use crate::error::{Error, Result};
use crate::measure::Usage;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) struct Core<P: Pack> {
    /// Of all pools in this process, from 1.
    pub(super) number: u64,
    state: Mutex<State<P>>,
    /// Workers have come or gone, or a tick is due earlier than before.
    pub(super) changed: Condvar,
    pub(super) board: Board,
    crew: Box<dyn Crew<P>>,
    pub(super) pids: Pids,
    workers: usize,
    parcels_ahead: usize,
    /// Whether jobs are sent by whoever submits them.
    is_light: bool,
}

pub(super) struct State<P: Pack> {
    pub(super) supervisor: Supervisor,
    /// Every job that has not ended, by those that it was submitted with.
    jobs: ById<Arc<Group<P>>>,
    next_id: JobId,
    streams: u64,
    actions: VecDeque<Action>,
    /// Somebody carries actions out.
    busy: bool,
    /// Why the pool cannot go on.
    broken: Option<String>,
    deaths: Deaths,
    /// What the worker that sits there reported last.
    usage: Vec<Usage>,
    /// What workers that are gone have used.
    past_usage: Usage,
    lone: Lone,
    /// A thread that brings ticks, in pools with deadlines or idle times.
    pub(super) timer: Option<JoinHandle<()>>,
    /// When it will look up.
    pub(super) next_look: Option<Nanos>,
}

impl<P: Pack> Core<P> {
    /// A pool of so many workers, which are started.
    pub(super) fn start(
        workers: usize,
        policy: Policy,
        crew: Box<dyn Crew<P>>,
    ) -> Result<Arc<Self>> {
        let board = Board::create(workers)
            .map_err(|error| Error::Failed(format!("no shared memory for the workers: {error}")))?;
        let (parcels_ahead, is_light) = (policy.parcels_ahead, policy.is_light);
        let needs_timer = policy.idle.is_some();
        let (supervisor, actions) = Supervisor::new(workers, policy);
        static POOLS: AtomicU64 = AtomicU64::new(1);
        let core = Arc::new(Self {
            // Relaxed: only that they differ matters.
            number: POOLS.fetch_add(1, Ordering::Relaxed),
            state: Mutex::new(State {
                supervisor,
                jobs: ById::default(),
                next_id: 1,
                streams: 0,
                actions: actions.into(),
                busy: false,
                broken: None,
                deaths: Deaths::default(),
                usage: vec![Usage::default(); workers],
                past_usage: Usage::default(),
                lone: Lone::default(),
                timer: None,
                next_look: None,
            }),
            changed: Condvar::new(),
            board,
            crew,
            pids: Pids::default(),
            workers,
            parcels_ahead,
            is_light,
        });
        let mut state = core.lock();
        if needs_timer {
            core.start_timer(&mut state).map_err(Error::Failed)?;
        }
        core.carry_out(state);
        core.wait_until_ready()?;
        Ok(core)
    }

    fn wait_until_ready(self: &Arc<Self>) -> Result<()> {
        let mut state = self.lock();
        loop {
            if let Some(why) = &state.broken {
                let error = Error::Failed(why.clone());
                drop(state);
                self.end();
                return Err(error);
            }
            if state.supervisor.is_up() {
                return Ok(());
            }
            state = self.wait(state);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<P>> {
        // Nothing of a user's runs under the lock.
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State<P>>) -> MutexGuard<'a, State<P>> {
        let woken = self.changed.wait(state);
        woken.unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    // ---- jobs -----------------------------------------------------------------------------------

    /// Takes jobs that travel together, and says which number the first of them got.
    pub(super) fn submit(
        self: &Arc<Self>,
        orders: Vec<P::Order>,
        caller: Caller<P::Job>,
        deadline: Option<Duration>,
    ) -> JobId {
        let submitted = now();
        let deadline = deadline.map(nanos);
        let mut state = self.lock();
        state = self.attend_lone(state);
        if deadline.is_some()
            && let Err(why) = self.start_timer(&mut state)
        {
            drop(state);
            self.broken(why);
            state = self.lock();
        }
        let why_not = (!state.supervisor.is_open()).then(|| state.why_ended());
        let first = state.next_id;
        let group = Arc::new(Group {
            first,
            orders,
            caller,
            submitted,
        });
        if let Some(why) = why_not {
            drop(state);
            group.tell(group.jobs().map(|job| refused(job, &why)).collect());
            return first;
        }
        let is_one = matches!(group.caller, Caller::Handle(_));
        if self.is_light && is_one && state.jobs.is_empty() {
            state.lone = Lone::Waiting(first);
        }
        state.next_id = group.jobs().end;
        state
            .jobs
            .extend(group.jobs().map(|job| (job, group.clone())));
        let jobs = group.jobs();
        self.feed(state, Event::Submitted(jobs, deadline));
        first
    }

    /// A number for a stream.
    pub(super) fn new_stream(&self) -> u64 {
        let mut state = self.lock();
        state.streams += 1;
        state.streams
    }

    /// Nobody wants the outcomes of that stream's jobs any more.
    pub(super) fn cancel_stream(self: &Arc<Self>, id: u64) {
        let mut state = self.lock();
        let mut jobs: Vec<_> = state
            .jobs
            .iter()
            .filter_map(|(&job, group)| group.caller.is_stream(id).then_some(job))
            .collect();
        jobs.sort_unstable();
        let mut actions = std::mem::take(&mut state.actions);
        for job in jobs {
            state.supervisor.on(now(), Event::Cancel(job), &mut actions);
        }
        state.actions = actions;
        self.carry_out(state);
    }

    /// Takes a job and gives a handle to it.
    pub(super) fn submit_one(
        self: &Arc<Self>,
        order: P::Order,
        deadline: Option<Duration>,
    ) -> Handle<P::Job> {
        let slot = Slot::new();
        let id = self.submit(vec![order], Caller::Handle(slot.clone()), deadline);
        let pool: Weak<Self> = Arc::downgrade(self);
        Handle::new(id, slot, pool)
    }

    /// Whether the seat's worker has answered for all that it was sent.
    pub(super) fn is_idle(&self, seat: usize) -> bool {
        self.lock().supervisor.is_idle(seat)
    }

    /// The outcomes that a worker has sent, and its use of the processor so far.
    pub(super) fn answered(
        self: &Arc<Self>,
        seat: usize,
        answers: Vec<Answer<P::Job>>,
        usage: Option<Usage>,
        arrived: Nanos,
    ) {
        let mut ends = Ends::default();
        let mut state = self.lock();
        if let Some(usage) = usage {
            state.usage[seat] = usage;
        }
        let jobs = answers.iter().map(|answer| answer.id).collect();
        let mut actions = std::mem::take(&mut state.actions);
        state
            .supervisor
            .on(arrived, Event::Answered(seat, jobs), &mut actions);
        for answer in answers {
            state.deaths.forgive(answer.id);
            state.lone.ended(answer.id);
            // A job that was given up meanwhile has had its end.
            if let Some(group) = state.jobs.remove(&answer.id) {
                let completion = Completion {
                    id: answer.id,
                    outcome: answer.outcome,
                    trip: answer.stamps.trip(group.submitted, arrived),
                };
                ends.push(group, completion);
            }
        }
        state.actions = actions;
        self.carry_out(state);
        ends.tell();
    }

    // ---- workers --------------------------------------------------------------------------------

    /// The seat's worker can take jobs.
    pub(super) fn ready(self: &Arc<Self>, seat: usize, usage: Usage) {
        let mut state = self.lock();
        state.usage[seat] = usage;
        self.feed(state, Event::Ready(seat));
    }

    /// The seat's worker is gone, and nobody waits for it.
    pub(super) fn gone(self: &Arc<Self>, seat: usize, gone: Gone) {
        let during = context::last_words(&self.board, seat);
        let mut state = self.lock();
        state.usage[seat] = Usage::default();
        state.past_usage = state.past_usage + gone.usage;
        if let Some((pid, exit, out_of_memory)) = gone.process {
            let is_needed = !state.supervisor.is_killed();
            let death = Death {
                pid,
                exit,
                out_of_memory,
                during,
            };
            state.deaths.note(death, is_needed);
        }
        state.lone.gone(seat);
        self.feed(state, Event::Gone(seat, during));
    }

    /// A worker was started and has not connected for so long. If none ever has, none will.
    pub(super) fn never_came(self: &Arc<Self>, limit: Duration) {
        if !self.lock().supervisor.was_ever_ready() {
            self.broken(format!(
                "a worker process was started and has not reported within {limit:?}; does `main` \
                 call pool::worker::enter before anything else?"
            ));
        }
    }

    /// No worker can be had, for this reason: the pool ends.
    pub(super) fn broken(self: &Arc<Self>, why: String) {
        let mut state = self.lock();
        state.broken.get_or_insert(why);
        self.feed(state, Event::Broken);
    }

    // ---- the end --------------------------------------------------------------------------------

    /// Begins to shut down; a second call can only hurry it.
    pub(super) fn shutdown(self: &Arc<Self>, how: Shutdown) {
        let state = self.attend_lone(self.lock());
        self.feed(state, Event::Shutdown(how));
    }

    /// Waits until the last worker is gone, and its threads with it.
    pub(super) fn wait_for_end(&self) {
        let mut state = self.lock();
        while !state.supervisor.is_over() {
            state = self.wait(state);
        }
        let timer = state.timer.take();
        // It looks whether the pool is over.
        self.changed.notify_all();
        drop(state);
        self.crew.join();
        if let Some(timer) = timer {
            let _ = timer.join();
        }
    }

    /// Kills what is left. Waits for its end unless called by one of the pool's own threads (a
    /// callback may hold the last handle on the pool), which would wait for itself.
    pub(super) fn end(self: &Arc<Self>) {
        self.shutdown(Shutdown::Kill);
        if !super::is_own_thread(self.number) {
            self.wait_for_end();
        }
    }

    // ---- questions ------------------------------------------------------------------------------

    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    pub(super) fn capacity(&self) -> usize {
        self.workers * self.parcels_ahead
    }

    pub(super) fn under_way(&self) -> usize {
        self.attend_lone(self.lock()).jobs.len()
    }

    pub(super) fn rest(&self) {
        self.crew.rest();
    }

    pub(super) fn usage(&self) -> Usage {
        let state = self.lock();
        let now = state.usage.iter().copied();
        now.fold(state.past_usage, |sum, usage| sum + usage)
    }

    pub(super) fn deaths(&self) -> Vec<Death> {
        self.lock().deaths.list()
    }

    pub(super) fn died(&self) -> u64 {
        self.lock().deaths.count()
    }

    /// The workers that are there, and how many have died so far.
    pub(super) fn alive_and_died(&self) -> (usize, u64) {
        let state = self.lock();
        (state.supervisor.alive(), state.deaths.count())
    }
}

impl<P: Pack> State<P> {
    fn why_ended(&self) -> String {
        self.broken
            .clone()
            .unwrap_or_else(|| "the pool was shut down".into())
    }
}
