//! Who receives a worker's answers: the thread that waits for one, or the pool's own receiver.
//!
//! An answer costs a thread's waking. If the pool's receiver took every answer and then woke whoever
//! waits for it, it would cost two. So a thread that waits for the only job under way receives by
//! itself, and the receiver sleeps. As soon as there is more under way than one job with somebody
//! to wait for it, the receiver is called.

use super::core::Core;
use super::protocol::{Answer, AnswerHead, FromWorker, Said, take};
use super::{Job, JobError, Pack, panics};
use crate::clock::{Nanos, now};
use crate::handoff::Receiver;
use crate::sys::block;
use crate::sys::segment::Segment;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The answers of one worker, and who listens.
#[derive(Default)]
pub(super) struct Ear {
    calls: Mutex<Calls>,
    called: Condvar,
    /// There from the worker's first message to its end. Locked by who listens.
    line: Mutex<Option<Line>>,
}

#[derive(Default)]
struct Calls {
    /// The receiver is to listen.
    wanted: bool,
    /// The worker is gone.
    over: bool,
    /// Somebody else has found the worker of no use.
    silent: bool,
}

struct Line {
    answers: Receiver,
    message: Vec<u8>,
    /// Blocks that came over it, which stay mapped.
    kept: Vec<Segment>,
}

/// So many bytes are kept for the next message.
const KEPT: usize = 256 << 10;

/// The worker has hung up, or says what cannot be understood.
#[derive(Debug)]
pub(super) struct Silence;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ear {
    pub(super) fn connect(&self, answers: Receiver) {
        *lock(&self.line) = Some(Line {
            answers,
            message: Vec::new(),
            kept: Vec::new(),
        });
    }

    /// Calls the receiver.
    pub(super) fn call(&self) {
        let mut calls = lock(&self.calls);
        if !calls.wanted {
            calls.wanted = true;
            drop(calls);
            self.called.notify_one();
        }
    }

    /// The worker is gone: the receiver is to end.
    pub(super) fn end(&self) {
        lock(&self.calls).over = true;
        self.called.notify_one();
    }

    /// The receiver's life: listens whenever it is called and as long as there is anything to
    /// come, until the worker hangs up.
    pub(super) fn serve<P: Pack>(&self, core: &Arc<Core<P>>, seat: usize) -> Result<(), Silence> {
        loop {
            let quiet = |calls: &mut Calls| !calls.wanted && !calls.over && !calls.silent;
            let calls = self.called.wait_while(lock(&self.calls), quiet);
            let Calls { over, silent, .. } = *calls.unwrap_or_else(PoisonError::into_inner);
            if silent {
                return Err(Silence);
            }
            let mut line = lock(&self.line);
            let said = line.as_mut().ok_or(Silence).and_then(Line::hear::<P::Job>);
            drop(line);
            match said {
                Ok(said) => said.tell(core, seat),
                // A worker that is gone may have said something last.
                Err(silence) => return Err(silence),
            }
            // Whoever sends something after this calls again.
            if !over && core.is_idle(seat) {
                lock(&self.calls).wanted = false;
                // Something may have been sent before that and after the question.
                if !core.is_idle(seat) {
                    self.call();
                }
            }
        }
    }

    /// Listens in the place of the receiver, if nobody else does.
    pub(super) fn listen<P: Pack>(
        &self,
        core: &Arc<Core<P>>,
        seat: usize,
        done: &dyn Fn() -> bool,
    ) {
        while !done() {
            if lock(&self.calls).wanted {
                return;
            }
            let Ok(mut line) = self.line.try_lock() else {
                return;
            };
            let said = line.as_mut().ok_or(Silence).and_then(Line::hear::<P::Job>);
            drop(line);
            // A worker that is lost is its keeper's affair, who will see to the job as well.
            let Ok(said) = said else {
                lock(&self.calls).silent = true;
                self.called.notify_one();
                return;
            };
            said.tell(core, seat);
        }
    }
}

impl Line {
    /// Waits for what the worker says next.
    fn hear<J: Job>(&mut self) -> Result<Heard<J>, Silence> {
        if self.message.capacity() > KEPT {
            self.message = Vec::new();
        }
        self.answers
            .receive(&mut self.message)
            .map_err(|_| Silence)?;
        let arrived = now();
        let mut message = &self.message[..];
        let head = take(&mut message).map_err(|_| Silence)?;
        let mut answers = Vec::new();
        block::keeping(&mut self.kept, || {
            while !message.is_empty() {
                answers.push(read(take(&mut message).map_err(|_| Silence)?));
            }
            // The worker died before what it lent was received: as if it had not answered.
            if block::was_lost() {
                Err(Silence)
            } else {
                Ok(())
            }
        })?;
        Ok(Heard {
            head,
            answers,
            arrived,
        })
    }
}

/// A message from a worker.
struct Heard<J: Job> {
    head: FromWorker,
    answers: Vec<Answer<J>>,
    arrived: Nanos,
}

impl<J: Job> Heard<J> {
    fn tell<P: Pack<Job = J>>(self, core: &Arc<Core<P>>, seat: usize) {
        match self.head {
            FromWorker::Ready(usage) => core.ready(seat, usage),
            FromWorker::Refused(why) => core.broken(format!("a worker cannot start: {why}")),
            FromWorker::Answers(usage) => core.answered(seat, self.answers, usage, self.arrived),
        }
    }
}

fn read<J: Job>(head: AnswerHead<'_>) -> Answer<J> {
    let mut body = head.body;
    // An output's own code runs here; what it does wrong is the job's failure alone.
    let outcome = match panics::catch(|| take::<Said<J::Output, J::Error>>(&mut body)) {
        Ok(Ok(said)) => said.into(),
        Ok(Err(why)) => {
            let name = std::any::type_name::<J::Output>();
            let what = format!("the job's answer cannot be read as {name}: {why}");
            Err(JobError::NotUnderstood(what))
        }
        Err(panic) => Err(JobError::Panicked(panic)),
    };
    Answer {
        id: head.id,
        outcome,
        stamps: head.stamps,
    }
}
