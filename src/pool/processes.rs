//! Workers that are processes.

use super::core::Core;
use super::crew::{Crew, Gone, Parcel};
use super::ear::Ear;
use super::keeper::{self, Keeper, Link, ToSender};
use super::outcome::{JobError, Panic};
use super::protocol::{Answer, Envelope, Small, ToWorker, put};
use super::trip::Stamps;
use super::{Job, JobId, Pack, Packed, panics};
use crate::clock::{Mark, now};
use crate::sys::process::{Process, Surroundings};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// What worker processes are started with.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub exe: PathBuf,
    /// From its start to its connection.
    pub limit: Duration,
    pub surroundings: Surroundings,
}

pub(super) struct Processes<P: Pack> {
    start: Start,
    setup: <P::Job as Job>::Setup,
    seats: Vec<Mutex<Seat<P>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// One worker at a time sits here.
struct Seat<P: Pack> {
    pack: P,
    orders: Option<Sender<ToSender<P>>>,
    /// There once the worker has connected.
    link: Option<Link<P::Job>>,
    process: Option<Arc<Process>>,
    /// It is to be killed as soon as it is there.
    doomed: bool,
    /// Where its answers are heard.
    ear: Arc<Ear>,
    /// Messages that the sender has not sent yet: while there are any, nothing may overtake them.
    backlog: Arc<AtomicUsize>,
    message: Vec<u8>,
    body: Vec<u8>,
    bulk: Vec<u8>,
}

/// A parcel up to this size is sent by whoever submits it, if there is room in the worker's queue, as
/// there is for two and a few that were taken back.
const LIGHT: usize = 24 << 10;

impl<P: Pack> Processes<P> {
    pub(super) fn new(
        workers: usize,
        start: Start,
        setup: <P::Job as Job>::Setup,
        pack: &P,
    ) -> Self {
        let seat = || Seat {
            pack: pack.clone(),
            orders: None,
            link: None,
            process: None,
            doomed: false,
            ear: Arc::default(),
            backlog: Arc::default(),
            message: Vec::new(),
            body: Vec::new(),
            bulk: Vec::new(),
        };
        let seats = (0..workers).map(|_| Mutex::new(seat())).collect();
        Self {
            start,
            setup,
            seats,
            threads: Mutex::default(),
        }
    }

    fn seat(&self, index: usize) -> MutexGuard<'_, Seat<P>> {
        lock(&self.seats[index])
    }

    /// The worker has been started.
    pub(super) fn started(&self, seat: usize, process: Arc<Process>) {
        let mut seat = self.seat(seat);
        if seat.doomed {
            process.kill();
        }
        seat.process = Some(process);
    }

    /// The worker has connected.
    pub(super) fn connected(&self, seat: usize, link: Link<P::Job>) {
        self.seat(seat).link = Some(link);
    }

    /// The worker is gone.
    pub(super) fn vacate(&self, seat: usize) {
        let mut seat = self.seat(seat);
        seat.orders = None;
        seat.link = None;
        seat.process = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<P: Pack> Crew<P> for Arc<Processes<P>> {
    fn start(&self, core: &Arc<Core<P>>, index: usize, pause: Duration) {
        let (orders, inbox) = channel();
        let mut seat = self.seat(index);
        seat.orders = Some(orders.clone());
        seat.doomed = false;
        seat.backlog = Arc::default();
        seat.ear = Arc::default();
        let thread = keeper::start(
            Keeper {
                seat: index,
                core: core.clone(),
                crew: self.clone(),
                start: self.start.clone(),
                setup: self.setup.clone(),
                pack: seat.pack.clone(),
                backlog: seat.backlog.clone(),
                ear: seat.ear.clone(),
                pause,
            },
            orders,
            inbox,
        );
        drop(seat);
        match thread {
            Ok(thread) => {
                let mut threads = lock(&self.threads);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => {
                core.broken(keeper::no_worker(&error));
                self.vacate(index);
                core.gone(index, Gone::NOTHING);
            }
        }
    }

    fn send(&self, core: &Arc<Core<P>>, index: usize, parcel: Parcel<P>) {
        let mut seat = self.seat(index);
        if !seat.pack.is_light() {
            return seat.post(ToSender::Parcel(parcel));
        }
        let refused = seat.write(&parcel);
        let is_next = seat.message.len() <= LIGHT && seat.backlog.load(Ordering::Acquire) == 0;
        if !(is_next && seat.send_now()) {
            let message = std::mem::take(&mut seat.message);
            seat.post(ToSender::Message(message));
        }
        drop(seat);
        if !refused.is_empty() {
            core.answered(index, refused, None, now());
        }
    }

    fn retire(&self, _: &Arc<Core<P>>, index: usize) {
        let mut seat = self.seat(index);
        let mut message = Vec::new();
        // Numbers into a vector: it cannot fail.
        let _ = put(&mut message, &ToWorker::Retire);
        // Through the sender, behind whatever it has.
        seat.post(ToSender::Message(message));
    }

    fn kill(&self, _: &Arc<Core<P>>, index: usize) {
        let mut seat = self.seat(index);
        seat.doomed = true;
        if let Some(process) = &seat.process {
            process.kill();
        }
        if let Some(orders) = &seat.orders {
            // For a keeper that waits before it starts one.
            let _ = orders.send(ToSender::Stop);
        }
    }

    fn attend(&self, index: usize) {
        self.seat(index).ear.call();
    }

    fn listen(&self, core: &Arc<Core<P>>, index: usize, done: &dyn Fn() -> bool) {
        let ear = self.seat(index).ear.clone();
        ear.listen(core, index, done);
    }

    fn rest(&self) {
        let (done, all_done) = channel();
        for seat in &self.seats {
            let mut seat = lock(seat);
            seat.bulk = Vec::new();
            seat.pack.rest();
            if let Some(orders) = &seat.orders {
                let _ = orders.send(ToSender::Rest(done.clone()));
            }
        }
        drop(done);
        // Nothing is ever sent: this returns when the last sender has dropped its end.
        let _ = all_done.recv();
    }

    fn join(&self) {
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            let _ = thread.join();
        }
    }
}

impl<P: Pack> Seat<P> {
    /// Leaves a message to the sender. One that is gone is about to be reported so, and what it
    /// was given comes back then.
    fn post(&mut self, what: ToSender<P>) {
        self.backlog.fetch_add(1, Ordering::Relaxed);
        if let Some(orders) = &self.orders {
            let _ = orders.send(what);
        }
    }

    /// Writes a parcel into the message; jobs that cannot be written are returned with the reason.
    fn write(&mut self, parcel: &Parcel<P>) -> Vec<Answer<P::Job>> {
        let mut refused = Vec::new();
        let mut written = 0;
        let mut jobs = Vec::new();
        for &id in &parcel.jobs {
            match self.write_one(id, parcel.group.order(id), &mut jobs) {
                Ok(()) => written += 1,
                Err(error) => refused.push(Answer {
                    id,
                    outcome: Err(error),
                    stamps: Stamps::default(),
                }),
            }
        }
        self.message.clear();
        // Numbers into a vector: it cannot fail.
        let _ = put(&mut self.message, &ToWorker::Parcel(parcel.number, written));
        self.message.append(&mut jobs);
        refused
    }

    fn write_one(
        &mut self,
        id: JobId,
        order: &P::Order,
        jobs: &mut Vec<u8>,
    ) -> Result<(), JobError<<P::Job as Job>::Error>> {
        let (body, bulk, pack) = (&mut self.body, &mut self.bulk, &mut self.pack);
        body.clear();
        bulk.clear();
        let pack_begin = now();
        // A job's own code runs here; what it does wrong is the job's failure alone.
        let made = panics::catch(|| {
            let packed = pack.pack(order, bulk);
            let ready = match packed {
                // Nothing was made.
                Packed::Borrowed(_) => pack_begin,
                Packed::Owned(_) => now(),
            };
            let job: &P::Job = std::borrow::Borrow::borrow(&packed);
            put(body, &Borrowed::new(job)).map(|()| ready)
        });
        let packed = match made {
            Ok(Ok(packed)) => packed,
            Ok(Err(why)) => return Err(unwritable::<P::Job>(&why)),
            Err(panic) => return Err(JobError::Panicked(panic)),
        };
        let small = Small {
            id,
            pack_begin,
            packed,
            bulk,
            body,
        };
        put(jobs, &small).map_err(|why| unwritable::<P::Job>(&why))
    }

    /// Sends the message if there is room for it; says whether it was dealt with.
    fn send_now(&mut self) -> bool {
        // Without a link or an end to it, the worker is gone, which is about to be told.
        self.link
            .as_ref()
            .is_none_or(|link| lock(&link.orders).try_send(&self.message).unwrap_or(true))
    }
}

pub(super) fn unwritable<J: Job>(why: &dyn std::fmt::Display) -> JobError<J::Error> {
    let name = std::any::type_name::<J>();
    JobError::NotUnderstood(format!("the {name} cannot be turned into bytes: {why}"))
}

pub(super) fn panicked<J: Job>(id: JobId, panic: Panic) -> Answer<J> {
    Answer {
        id,
        outcome: Err(JobError::Panicked(panic)),
        stamps: Stamps::default(),
    }
}

/// An [`Envelope`] as it is written, around a job that stays where it is.
#[derive(Serialize)]
struct Borrowed<'a, J> {
    begin: Mark,
    job: &'a J,
    end: Mark,
}

impl<'a, J> Borrowed<'a, J> {
    fn new(job: &'a J) -> Self {
        Self {
            begin: Mark::default(),
            job,
            end: Mark::default(),
        }
    }
}

/// An [`Envelope`] around a job that was made for this.
pub(super) fn envelope<J: Job>(packed: Packed<'_, J>) -> Option<Envelope<J>> {
    match packed {
        Packed::Owned(job) => Some(Envelope {
            begin: Mark::default(),
            job,
            end: Mark::default(),
        }),
        Packed::Borrowed(_) => None,
    }
}
