//! Carries out what the supervisor decides.

use super::super::context::Board;
use super::super::crew::Parcel;
use super::super::outcome::{Completion, Death, JobError, WorkerDied};
use super::super::supervisor::{Action, Event, Why};
use super::super::{Job, JobId, Pack, Trip, context, panics};
use super::{Core, Ends, State};
use crate::clock::now;
use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

impl<P: Pack> Core<P> {
    /// Tells the supervisor, and sees to what follows from it.
    pub(in super::super) fn feed(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State<P>>,
        event: Event,
    ) {
        let is_news = matches!(
            event,
            Event::Ready(_) | Event::Gone(..) | Event::Shutdown(_) | Event::Broken
        );
        let mut actions = std::mem::take(&mut state.actions);
        state.supervisor.on(now(), event, &mut actions);
        state.actions = actions;
        if is_news {
            self.changed.notify_all();
        }
        self.carry_out(state);
    }

    pub(super) fn carry_out<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<P>>) {
        if state.timer.is_some() {
            let due = state.supervisor.next_tick();
            if due.is_some_and(|due| state.next_look.is_none_or(|look| due < look)) {
                self.changed.notify_all();
            }
        }
        if state.busy {
            stop_at_once(&self.board, &mut state.actions);
            return;
        }
        // Told when others may carry actions out again: a callback may submit, and wait for it.
        let mut ends = Ends::default();
        state.busy = true;
        while let Some(action) = state.actions.pop_front() {
            state = self.carry_out_one(state, action, &mut ends);
        }
        state.busy = false;
        drop(state);
        ends.tell();
    }

    fn carry_out_one<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<P>>,
        action: Action,
        ends: &mut Ends<P>,
    ) -> MutexGuard<'a, State<P>> {
        match action {
            Action::Send(seat, number, jobs) => {
                // All of a parcel are of one group. One that ends has been sent before, or its end
                // comes behind this; so they are all there.
                let first = jobs.first().copied();
                let group = first.and_then(|first| state.jobs.get(&first)).cloned();
                let Some(group) = group else {
                    return state;
                };
                context::lay_out(&self.board, seat, number);
                drop(state);
                let parcel = Parcel {
                    number,
                    group,
                    jobs,
                };
                // The orders may end here, if they are done already.
                panics::contain(|| self.crew.send(self, seat, parcel));
                return self.see_who_listens(seat, first);
            }
            Action::End(job, why) => {
                state.lone.ended(job);
                let completion = Completion {
                    id: job,
                    outcome: Err(state.explain(job, why)),
                    trip: Trip::default(),
                };
                if let Some(group) = state.jobs.remove(&job) {
                    ends.push(group, completion);
                }
                return state;
            }
            Action::Abort => {
                let how = state.deaths.last().map_or(String::new(), Death::to_string);
                state.broken.get_or_insert(format!(
                    "worker processes keep dying before they can begin (the last was {how}); is \
                     there enough memory, and does `main` call pool::worker::enter first?"
                ));
                self.changed.notify_all();
                return state;
            }
            Action::Stop(seat, parcel, job) => {
                context::stop(&self.board, seat, parcel, job);
                return state;
            }
            Action::Recall(seat, parcel) => {
                if context::take_parcel(&self.board, seat, parcel) {
                    let mut actions = std::mem::take(&mut state.actions);
                    let event = Event::Recalled(seat, parcel);
                    state.supervisor.on(now(), event, &mut actions);
                    state.actions = actions;
                }
                return state;
            }
            Action::Start(seat, pause) => {
                drop(state);
                context::clear(&self.board, seat);
                self.crew.start(self, seat, pause);
            }
            Action::Retire(seat) => {
                drop(state);
                self.crew.retire(self, seat);
            }
            Action::Kill(seat) => {
                drop(state);
                self.crew.kill(self, seat);
            }
        }
        self.lock()
    }
}

/// Whoever carries actions out may be at a job, in a pool that is inline: what is asked of jobs that
/// have been sent cannot wait for its turn.
fn stop_at_once(board: &Board, actions: &mut VecDeque<Action>) {
    let mut unsent = Vec::new();
    actions.retain(|action| match *action {
        Action::Send(seat, number, _) => {
            unsent.push((seat, number));
            true
        }
        Action::Stop(seat, number, job) if !unsent.contains(&(seat, number)) => {
            context::stop(board, seat, number, job);
            false
        }
        _ => true,
    });
}

impl<P: Pack> State<P> {
    fn explain(&mut self, job: JobId, why: Why) -> JobError<<P::Job as Job>::Error> {
        match (why, self.deaths.forgive(job)) {
            (Why::Deaths(step, deaths), Some(last)) => JobError::WorkerDied(WorkerDied {
                pid: last.pid,
                exit: last.exit,
                out_of_memory: last.out_of_memory,
                step,
                deaths,
            }),
            (Why::Overdue(limit), _) => JobError::DeadlinePassed(Duration::from_nanos(limit)),
            (Why::Cancelled, _) => JobError::Cancelled,
            (Why::Ended | Why::Deaths(..), _) => JobError::PoolEnded(self.why_ended()),
        }
    }
}
