//! Workers that are threads of this process: rayon's, so that a job which uses rayon itself stays
//! on the pool's own.

use super::core::Core;
use super::crew::{Crew, Gone, Parcel};
use super::outcome::JobError;
use super::protocol::Answer;
use super::runner::Runner;
use super::trip::Stamps;
use super::{Context, Job, JobId, Pack, context, mark_own_thread, panics};
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use crate::measure::Usage;
use std::borrow::Borrow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) struct Threads<P: Pack> {
    setup: <P::Job as Job>::Setup,
    seats: Vec<Mutex<Seat<P>>>,
    /// None once it has been told to end.
    pool: Mutex<Option<rayon::ThreadPool>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

struct Seat<P: Pack> {
    pack: P,
    orders: Option<Sender<ToThread<P>>>,
    killed: Arc<AtomicBool>,
}

enum ToThread<P: Pack> {
    Parcel(Parcel<P>),
    Rest(Sender<()>),
    Retire,
}

impl<P: Pack> Threads<P> {
    pub(super) fn new(workers: usize, setup: <P::Job as Job>::Setup, pack: &P) -> Result<Self> {
        let handles = Mutex::new(Vec::new());
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(workers)
            .spawn_handler(|thread| {
                let handle = std::thread::Builder::new().spawn(|| thread.run())?;
                lock(&handles).push(handle);
                Ok(())
            })
            .build()
            .map_err(|error| Error::Failed(format!("cannot start {workers} threads: {error}")))?;
        let seat = || Seat {
            pack: pack.clone(),
            orders: None,
            killed: Arc::default(),
        };
        Ok(Self {
            setup,
            seats: (0..workers).map(|_| Mutex::new(seat())).collect(),
            pool: Mutex::new(Some(pool)),
            handles,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<P: Pack> Crew<P> for Threads<P> {
    fn start(&self, core: &Arc<Core<P>>, index: usize, pause: Duration) {
        let (orders, inbox) = channel();
        let killed = Arc::<AtomicBool>::default();
        let mut seat = lock(&self.seats[index]);
        seat.orders = Some(orders);
        seat.killed = killed.clone();
        let (core, setup) = (core.clone(), self.setup.clone());
        let mut worker = Worker {
            seat: index,
            pack: seat.pack.clone(),
            bulk: Vec::new(),
            killed,
        };
        drop(seat);
        let live = move || {
            mark_own_thread(core.number);
            std::thread::sleep(pause);
            match Runner::new(setup) {
                Ok(runner) => {
                    core.ready(index, Usage::default());
                    worker.live(runner, &core, &inbox);
                }
                Err(refused) => core.broken(format!("a worker cannot start: {}", refused.0)),
            }
            core.gone(index, Gone::NOTHING);
        };
        if let Some(pool) = &*lock(&self.pool) {
            pool.spawn(live);
        }
    }

    fn send(&self, _: &Arc<Core<P>>, index: usize, parcel: Parcel<P>) {
        self.tell(index, ToThread::Parcel(parcel));
    }

    fn retire(&self, _: &Arc<Core<P>>, index: usize) {
        self.tell(index, ToThread::Retire);
    }

    /// A thread cannot be killed: its job is asked to stop, and nothing comes after it.
    fn kill(&self, core: &Arc<Core<P>>, index: usize) {
        lock(&self.seats[index])
            .killed
            .store(true, Ordering::Relaxed);
        context::stop_all(&core.board, index);
        self.tell(index, ToThread::Retire);
    }

    fn rest(&self) {
        let (done, all_done) = channel();
        for index in 0..self.seats.len() {
            self.tell(index, ToThread::Rest(done.clone()));
        }
        drop(done);
        // Nothing is ever sent: this returns when the last sender has dropped its end.
        let _ = all_done.recv();
    }

    fn join(&self) {
        drop(lock(&self.pool).take());
        for handle in std::mem::take(&mut *lock(&self.handles)) {
            let _ = handle.join();
        }
    }
}

impl<P: Pack> Threads<P> {
    fn tell(&self, seat: usize, what: ToThread<P>) {
        if let Some(orders) = &lock(&self.seats[seat]).orders {
            // Fails when the worker is gone, which it has said.
            let _ = orders.send(what);
        }
    }
}

/// What one thread needs to run jobs, beside their state.
pub(super) struct Worker<P: Pack> {
    pub seat: usize,
    pub pack: P,
    pub bulk: Vec<u8>,
    pub killed: Arc<AtomicBool>,
}

/// Answers are handed over together for as long as the jobs behind them took no longer than this.
const PATIENCE: Nanos = 1_000_000;

impl<P: Pack> Worker<P> {
    fn live(
        &mut self,
        mut runner: Runner<P::Job>,
        core: &Arc<Core<P>>,
        inbox: &Receiver<ToThread<P>>,
    ) {
        for message in inbox {
            match message {
                ToThread::Parcel(parcel) => {
                    if let Err(why) = self.work(&mut runner, core, parcel) {
                        return core.broken(why);
                    }
                }
                ToThread::Rest(_done) => self.rest(),
                ToThread::Retire => return,
            }
        }
    }

    pub(super) fn rest(&mut self) {
        self.bulk = Vec::new();
        self.pack.rest();
    }

    /// Runs a parcel's jobs and hands their answers over. An error says why no more can be run.
    pub(super) fn work(
        &mut self,
        runner: &mut Runner<P::Job>,
        core: &Arc<Core<P>>,
        parcel: Parcel<P>,
    ) -> Result<(), String> {
        // One that was recalled is somebody else's.
        if !context::take_parcel(&core.board, self.seat, parcel.number) {
            return Ok(());
        }
        let mut answers = Vec::new();
        let mut since = now();
        for &job in &parcel.jobs {
            if self.killed.load(Ordering::Relaxed) {
                return Ok(());
            }
            match self.run(runner, core, &parcel, job) {
                Ok(answer) => answers.push(answer),
                Err(why) => return Err(format!("a worker cannot start again: {why}")),
            }
            let ended = now();
            if ended - since > PATIENCE {
                since = ended;
                core.answered(self.seat, std::mem::take(&mut answers), None, ended);
            }
        }
        if !answers.is_empty() {
            core.answered(self.seat, answers, None, now());
        }
        Ok(())
    }

    fn run(
        &mut self,
        runner: &mut Runner<P::Job>,
        core: &Arc<Core<P>>,
        parcel: &Parcel<P>,
        id: JobId,
    ) -> Result<Answer<P::Job>, String> {
        let pack_begin = now();
        self.bulk.clear();
        let packed = panics::catch(|| self.pack.pack(parcel.group.order(id), &mut self.bulk));
        let packed = match packed {
            Ok(packed) => packed,
            Err(panic) => {
                return Ok(Answer {
                    id,
                    outcome: Err(JobError::Panicked(panic)),
                    stamps: Stamps::default(),
                });
            }
        };
        let begun = now();
        let context = Context::begin(
            &core.board,
            (self.seat, parcel.number),
            id,
            begun,
            &self.bulk,
        );
        let said = runner.run(packed.borrow(), &context);
        let run_end = now();
        context::let_go(&core.board, self.seat);
        Ok(Answer {
            id,
            outcome: said.map_err(|refused| refused.0)?.into(),
            stamps: Stamps {
                pack_begin,
                packed: begun,
                serialize_begin: begun,
                serialized: begun,
                free: begun,
                deserialize_begin: begun,
                deserialized: begun,
                received: begun,
                run_begin: begun,
                run_end,
            },
        })
    }
}
