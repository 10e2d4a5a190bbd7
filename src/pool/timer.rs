//! A thread that tells the supervisor when time has passed. Only pools with deadlines or idle times
//! have one.

use super::core::{Core, State};
use super::supervisor::Event;
use super::{Pack, context, mark_own_thread};
use crate::clock::now;
use std::sync::Arc;
use std::time::Duration;

impl<P: Pack> Core<P> {
    /// Starts it if there is none; an error says why there can be none.
    pub(super) fn start_timer(self: &Arc<Self>, state: &mut State<P>) -> Result<(), String> {
        if state.timer.is_none() {
            let core = self.clone();
            let timer = std::thread::Builder::new().spawn(move || core.keep_time());
            let failed = |error| format!("the pool's timer cannot be started: {error}");
            state.timer = Some(timer.map_err(failed)?);
        }
        Ok(())
    }

    fn keep_time(self: Arc<Self>) {
        mark_own_thread(self.number);
        let mut state = self.lock();
        while !state.supervisor.is_over() {
            let due = state.supervisor.next_tick();
            state.next_look = due;
            let Some(due) = due else {
                state = self.wait(state);
                continue;
            };
            let left = due.saturating_sub(now());
            if left > 0 {
                let woken = self.changed.wait_timeout(state, Duration::from_nanos(left));
                state = woken.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
                continue;
            }
            let running = (0..self.workers())
                .map(|seat| context::running(&self.board, seat))
                .collect();
            self.feed(self.attend_lone(state), Event::Tick(running));
            state = self.lock();
        }
    }
}
