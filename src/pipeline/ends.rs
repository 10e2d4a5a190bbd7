//! What becomes of the jobs of a [feed](super::feed): whoever learns of a job's end records it here,
//! and the producer looks in.

use super::dispatch::culprit;
use super::gauge::Look;
use super::job::{FrameJob, Order};
use super::kept::{Findings, Kept};
use super::policy::Dropped;
use super::recorder::Recorder;
use crate::analysis::failed_line;
use crate::clock::now;
use crate::error::{Error, Result};
use crate::pool::{Completion, JobError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What callbacks share with the producer.
pub(super) struct Ends {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    recorder: Recorder,
    /// Jobs that have not ended.
    under_way: usize,
    /// Frames that have.
    ended: u64,
    /// Frames of jobs that failed as a whole because of another frame, one by one.
    again: Vec<Order>,
    /// Jobs that end without an outcome do so because the run was stopped.
    given_up: bool,
    /// Why the pass cannot go on.
    error: Option<Error>,
    /// The recorder is gone.
    is_over: bool,
}

impl Ends {
    pub(super) const fn new(recorder: Recorder) -> Self {
        Self {
            state: Mutex::new(State {
                recorder,
                under_way: 0,
                ended: 0,
                again: Vec::new(),
                given_up: false,
                error: None,
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in here is a bug that was printed already; the pass still has to end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job is submitted.
    pub(super) fn expect_one(&self) {
        self.lock().under_way += 1;
    }

    /// A job has ended.
    pub(super) fn take(&self, order: &Order, completion: &Completion<FrameJob>) {
        let mut state = self.lock();
        state.take(order, completion);
        state.under_way -= 1;
        drop(state);
        self.changed.notify_one();
    }

    /// A frame that was in no job cannot be had.
    pub(super) fn fail(&self, frame: u64, why: &str) {
        self.lock().fail(frame, why);
    }

    /// A frame that was in no job is not analysed.
    pub(super) fn drop_frame(&self, frame: u64, why: Dropped) {
        self.lock().drop_frame(frame, why);
    }

    /// From now on jobs without an outcome are those of a run that was stopped.
    pub(super) fn give_up(&self) {
        self.lock().given_up = true;
    }

    /// How many frames have ended.
    ///
    /// # Errors
    /// Why the pass cannot go on.
    pub(super) fn look(&self) -> Result<u64> {
        let mut state = self.lock();
        match state.error.take() {
            Some(error) => Err(error),
            None => Ok(state.ended),
        }
    }

    /// Whether it is clear that a paced pass falls behind.
    pub(super) fn is_hopeless(&self) -> bool {
        self.lock().recorder.is_hopeless()
    }

    /// What is to be submitted once more.
    pub(super) fn take_again(&self) -> Vec<Order> {
        std::mem::take(&mut self.lock().again)
    }

    /// Waits until all jobs have ended, or one is to be submitted again, or for so long; says
    /// whether all have ended.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let is_busy = |state: &mut State| state.under_way > 0 && state.again.is_empty();
        let woken = self
            .changed
            .wait_timeout_while(self.lock(), timeout, is_busy);
        let (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        state.under_way == 0 && state.again.is_empty()
    }

    /// What was recorded, when the pass is over.
    pub(super) fn recorder(&self) -> Recorder {
        let empty = Recorder::new(0, true, None, Kept::nowhere(Findings::new(0)));
        let mut state = self.lock();
        state.is_over = true;
        std::mem::replace(&mut state.recorder, empty)
    }
}

impl Look for Ends {
    fn look(&self, look: &mut dyn FnMut(&Recorder)) -> bool {
        let state = self.lock();
        if !state.is_over {
            look(&state.recorder);
        }
        !state.is_over
    }
}

impl State {
    fn take(&mut self, order: &Order, completion: &Completion<FrameJob>) {
        let error = match &completion.outcome {
            Ok(output) => {
                let kept = self.recorder.done(order, &completion.trip, output);
                return self.ended(order.count, kept);
            }
            Err(error) => error,
        };
        let frames = order.first..order.first + order.count;
        match error {
            JobError::PoolEnded(_) if self.given_up => {
                frames.for_each(|frame| self.drop_frame(frame, Dropped::Stopped));
            }
            JobError::PoolEnded(why) => {
                self.error.get_or_insert(Error::Failed(why.clone()));
            }
            JobError::Cancelled => {
                frames.for_each(|frame| self.drop_frame(frame, Dropped::Outrun));
            }
            error => {
                let culprit = culprit(error, frames.clone());
                if let Some(frame) = culprit {
                    self.fail(frame, &error.to_string());
                }
                let rest = frames.filter(|&frame| Some(frame) != culprit);
                self.again.extend(rest.map(|frame| order.one(frame)));
            }
        }
    }

    fn fail(&mut self, frame: u64, why: &str) {
        let line = failed_line(frame, why);
        let kept = self.recorder.lost(frame, &line, now());
        self.ended(1, kept);
    }

    fn drop_frame(&mut self, frame: u64, why: Dropped) {
        let kept = self.recorder.dropped(frame, why, now());
        self.ended(1, kept);
    }

    /// So many frames more; what they brought is kept, or the pass cannot go on.
    fn ended(&mut self, frames: u64, kept: Result<()>) {
        self.ended += frames;
        if let Err(error) = kept {
            self.error.get_or_insert(error);
        }
    }
}
