//! No workers at all: jobs run in the thread that submits them, before `submit` returns. The
//! baseline, and the pool for a debugger.

use super::core::Core;
use super::crew::{Crew, Gone, Parcel};
use super::runner::Runner;
use super::threads::Worker;
use super::{Job, Pack};
use crate::measure::Usage;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub(super) struct Inline<P: Pack> {
    setup: <P::Job as Job>::Setup,
    seat: Mutex<Seat<P>>,
}

struct Seat<P: Pack> {
    worker: Worker<P>,
    runner: Option<Runner<P::Job>>,
}

impl<P: Pack> Inline<P> {
    pub(super) fn new(setup: <P::Job as Job>::Setup, pack: P) -> Self {
        let worker = Worker {
            seat: 0,
            pack,
            bulk: Vec::new(),
            killed: Arc::default(),
        };
        Self {
            setup,
            seat: Mutex::new(Seat {
                worker,
                runner: None,
            }),
        }
    }

    /// Only whoever carries actions out comes here, one at a time.
    fn seat(&self) -> MutexGuard<'_, Seat<P>> {
        self.seat
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn leave(&self, core: &Arc<Core<P>>) {
        self.seat().runner = None;
        core.gone(
            0,
            Gone {
                usage: Usage::NONE,
                process: None,
            },
        );
    }
}

impl<P: Pack> Crew<P> for Inline<P> {
    fn start(&self, core: &Arc<Core<P>>, _seat: usize, pause: Duration) {
        std::thread::sleep(pause);
        match Runner::new(self.setup.clone()) {
            Ok(runner) => {
                self.seat().runner = Some(runner);
                core.ready(0, Usage::NONE);
            }
            Err(refused) => {
                core.broken(format!("a worker cannot start: {}", refused.0));
            }
        }
    }

    fn send(&self, core: &Arc<Core<P>>, _seat: usize, parcel: Parcel<P>) {
        let mut seat = self.seat();
        let Seat { worker, runner } = &mut *seat;
        let worked = match runner {
            Some(runner) => worker.work(runner, core, parcel),
            None => Ok(()),
        };
        drop(seat);
        if let Err(why) = worked {
            core.broken(why);
        }
    }

    fn retire(&self, core: &Arc<Core<P>>, _seat: usize) {
        self.leave(core);
    }

    fn kill(&self, core: &Arc<Core<P>>, _seat: usize) {
        self.leave(core);
    }

    fn rest(&self) {
        // Somebody who is at a job has nothing to give back.
        if let Ok(mut seat) = self.seat.try_lock() {
            seat.worker.rest();
        }
    }

    fn join(&self) {}
}
