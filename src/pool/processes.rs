//! The pool of worker processes: carries out what the supervisor decides.

use super::keeper::{self, Keeper, ToSender};
use super::protocol::{Done, Stamps};
use super::supervisor::{Action, Event, JOBS_AHEAD, Supervisor};
use super::{Completion, Death, Failure, Job, JobId, Pack, Pids, Pool, Trip, bootstrap};
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use crate::measure::Usage;
use crate::sys::board::Board;
use crate::sys::process::{Exit, Process};
use crate::sys::signal;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How to run a pool of processes.
#[derive(Clone, Debug)]
pub struct Config {
    /// Worker processes; at least 1.
    pub workers: usize,
    /// The executable that serves as worker; see [`super::worker::enter`]. This one by default,
    /// by a path that stays right when the file is replaced meanwhile.
    pub exe: PathBuf,
}

impl Config {
    /// So many workers of this executable.
    pub fn new(workers: usize) -> Self {
        Self {
            workers,
            exe: PathBuf::from("/proc/self/exe"),
        }
    }
}

/// What a keeper and its threads tell the pool.
pub(super) enum Told<P: Pack> {
    Started(Arc<Process>),
    Ready(Usage),
    Done(Done<<P::Job as Job>::Output>, Nanos),
    Gone {
        pid: u32,
        exit: Exit,
        usage: Usage,
        during: Option<(JobId, u32)>,
    },
    /// A worker that can never start: a reason to end.
    CannotStart(String),
}

/// ... and about which seat.
pub(super) struct Note<P: Pack> {
    seat: usize,
    told: Told<P>,
}

impl<P: Pack> Told<P> {
    pub(super) fn at(self, seat: usize) -> Note<P> {
        Note { seat, told: self }
    }
}

/// One worker at a time sits here.
struct Seat<P: Pack> {
    orders: Sender<ToSender<P::Order>>,
    keeper: Option<JoinHandle<()>>,
    process: Option<Arc<Process>>,
    /// What the worker that sits here reported last.
    usage: Usage,
}

struct Pending<O> {
    order: O,
    submitted: Nanos,
}

/// Runs jobs in worker processes; see [the module](super).
///
/// Dropping it kills the workers and waits for their end; jobs under way are lost.
pub struct Processes<P: Pack> {
    config: Config,
    setup: <P::Job as Job>::Setup,
    pack: P,
    supervisor: Supervisor,
    seats: Vec<Seat<P>>,
    board: Arc<Board>,
    notes: Receiver<Note<P>>,
    tell: Sender<Note<P>>,
    jobs: HashMap<JobId, Pending<P::Order>>,
    next_id: JobId,
    finished: VecDeque<Completion<P>>,
    deaths: Vec<Death>,
    pids: Pids,
    /// What workers that are gone have used.
    past_usage: Usage,
}

impl<P: Pack> Processes<P> {
    /// Starts the workers and returns when each has built its state.
    ///
    /// # Errors
    /// If the executable cannot be started, is no worker, or [`Job::init`] refuses.
    pub fn start(config: Config, setup: <P::Job as Job>::Setup, pack: P) -> Result<Self> {
        signal::prepare_nudge();
        bootstrap::sweep();
        let board = Board::create(config.workers)
            .map_err(|error| Error::Failed(format!("no shared memory for the workers: {error}")))?;
        let (tell, notes) = channel();
        let (supervisor, actions) = Supervisor::new(config.workers);
        let mut pool = Self {
            seats: Vec::with_capacity(config.workers),
            config,
            setup,
            pack,
            supervisor,
            board: Arc::new(board),
            notes,
            tell,
            jobs: HashMap::new(),
            next_id: 1,
            finished: VecDeque::new(),
            deaths: Vec::new(),
            pids: Pids::default(),
            past_usage: Usage::default(),
        };
        for action in actions {
            pool.carry_out(action)?;
        }
        while !pool.supervisor.all_ready() {
            let note = pool.notes.recv().map_err(|_| no_keepers())?;
            pool.take(note)?;
        }
        Ok(pool)
    }

    fn carry_out(&mut self, action: Action) -> Result<()> {
        match action {
            Action::Start(seat, pause) => self.seat_worker(seat, pause),
            Action::Send(seat, id) => {
                let order = self.jobs[&id].order.clone();
                // A sender that is gone is about to be reported dead; the job comes back then.
                let _ = self.seats[seat].orders.send(ToSender::Order(id, order));
            }
            Action::GiveUp(id, step) => {
                let how = self.deaths.last().map_or(String::new(), |d| d.how.clone());
                self.finish(id, Err(Failure::GivenUp { step, how }), Trip::default());
            }
            Action::Abort => {
                let how = self.deaths.last().map_or(String::new(), |d| d.how.clone());
                return Err(Error::Failed(format!(
                    "worker processes keep dying before they can compute anything (the last was \
                     {how}); is there enough memory?"
                )));
            }
        }
        Ok(())
    }

    fn seat_worker(&mut self, index: usize, pause: Duration) {
        let (keeper, orders) = keeper::start(Keeper {
            seat: index,
            exe: self.config.exe.clone(),
            board: self.board.clone(),
            setup: self.setup.clone(),
            pack: self.pack.clone(),
            pause,
            tell: self.tell.clone(),
        });
        let seat = Seat {
            orders,
            keeper: Some(keeper),
            process: None,
            usage: Usage::default(),
        };
        if index < self.seats.len() {
            self.seats[index] = seat;
        } else {
            self.seats.push(seat);
        }
    }

    /// Takes note of what a keeper told, and does what follows from it.
    fn take(&mut self, Note { seat, told }: Note<P>) -> Result<()> {
        let event = match told {
            Told::Started(process) => {
                self.pids.add(process.pid());
                self.seats[seat].process = Some(process);
                return Ok(());
            }
            Told::Ready(usage) => {
                self.seats[seat].usage = usage;
                Event::Ready(seat)
            }
            Told::Done(done, arrived) => {
                self.seats[seat].usage = done.usage;
                let id = done.id;
                let trip = trip(done.stamps, self.jobs[&id].submitted, arrived);
                self.finish(id, done.output.map_err(Failure::Panicked), trip);
                Event::Finished(seat, id)
            }
            Told::Gone {
                pid,
                exit,
                usage,
                during,
            } => {
                self.pids.remove(pid);
                self.past_usage = self.past_usage + usage;
                if let Some(keeper) = self.seats[seat].keeper.take() {
                    // Its last act was this note.
                    let _ = keeper.join();
                }
                self.seats[seat].process = None;
                self.seats[seat].usage = Usage::default();
                self.deaths.push(Death {
                    pid,
                    how: exit.to_string(),
                    during,
                });
                Event::Died(seat, during)
            }
            Told::CannotStart(why) => {
                return Err(Error::Failed(format!("a worker cannot start: {why}")));
            }
        };
        for action in self.supervisor.on(event) {
            self.carry_out(action)?;
        }
        Ok(())
    }

    fn finish(&mut self, id: JobId, outcome: Result<<P::Job as Job>::Output, Failure>, trip: Trip) {
        let Some(pending) = self.jobs.remove(&id) else {
            unreachable!("job {id} ended twice");
        };
        self.finished.push_back(Completion {
            id,
            order: pending.order,
            outcome,
            trip,
        });
    }
}

fn no_keepers() -> Error {
    Error::Failed("the pool has lost its own threads; this is a bug".into())
}

/// Puts the worker's stamps and ours together.
fn trip(stamps: Stamps, submitted: Nanos, arrived: Nanos) -> Trip {
    Trip {
        submitted,
        pack_begin: stamps.pack_begin,
        packed: stamps.packed,
        serialize_begin: stamps.serialize_begin,
        serialized: stamps.serialized,
        // A job that lay in the socket while the worker did another was waiting, not under way.
        awaited: stamps
            .serialized
            .max(stamps.free.min(stamps.deserialize_begin)),
        deserialize_begin: stamps.deserialize_begin,
        deserialized: stamps.deserialized,
        received: stamps.received,
        run_begin: stamps.run_begin,
        run_end: stamps.run_end,
        arrived,
    }
}

impl<P: Pack> Pool<P> for Processes<P> {
    fn submit(&mut self, order: P::Order) -> JobId {
        let id = self.next_id;
        self.next_id += 1;
        let submitted = now();
        self.jobs.insert(id, Pending { order, submitted });
        for action in self.supervisor.on(Event::Submitted(id)) {
            // Submitting starts and aborts nothing: only sends.
            let carried = self.carry_out(action);
            debug_assert!(carried.is_ok());
        }
        id
    }

    fn next(&mut self, until: Option<Nanos>) -> Result<Option<Completion<P>>> {
        loop {
            if let Some(completion) = self.finished.pop_front() {
                return Ok(Some(completion));
            }
            let note = match until {
                None if self.jobs.is_empty() => return Ok(None),
                None => self.notes.recv().map_err(|_| no_keepers())?,
                Some(until) => {
                    let left = Duration::from_nanos(until.saturating_sub(now()));
                    match self.notes.recv_timeout(left) {
                        Ok(note) => note,
                        Err(RecvTimeoutError::Timeout) => return Ok(None),
                        Err(RecvTimeoutError::Disconnected) => return Err(no_keepers()),
                    }
                }
            };
            self.take(note)?;
        }
    }

    fn under_way(&self) -> usize {
        self.jobs.len() + self.finished.len()
    }

    fn capacity(&self) -> usize {
        self.config.workers * JOBS_AHEAD
    }

    fn rest(&mut self) {
        let (done, all_done) = channel();
        for seat in &self.seats {
            let _ = seat.orders.send(ToSender::Rest(done.clone()));
        }
        drop(done);
        // Nothing is ever sent: this returns when the last sender has dropped its end.
        let _ = all_done.recv();
    }

    fn usage(&self) -> Usage {
        let now = self.seats.iter().map(|seat| seat.usage);
        now.fold(self.past_usage, |sum, usage| sum + usage)
    }

    fn pids(&self) -> Pids {
        self.pids.clone()
    }

    fn deaths(&self) -> &[Death] {
        &self.deaths
    }
}

impl<P: Pack> Drop for Processes<P> {
    fn drop(&mut self) {
        for seat in &self.seats {
            // For a worker that is only just starting; it ends when it finds nothing to do.
            let _ = seat.orders.send(ToSender::Stop);
            if let Some(process) = &seat.process {
                process.kill();
            }
        }
        for seat in &mut self.seats {
            if let Some(keeper) = seat.keeper.take() {
                let _ = keeper.join();
            }
        }
    }
}
