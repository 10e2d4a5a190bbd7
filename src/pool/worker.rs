//! The worker's side: a hidden entry that turns this executable into a worker.
//!
//! The parent starts `EXE __framehaul_worker VERSION SOCKET`. The worker connects to SOCKET, is told
//! where they speak to each other and what its setup is, and then receives, runs and answers until
//! it comes to the pill. It needs no care about its parent's death: the kernel kills it then.
//!
//! ```
//! use framehaul::pool::{Context, Job, Never, worker};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Square(u64);
//!
//! impl Job for Square {
//!     type Setup = ();
//!     type State = ();
//!     type Output = u64;
//!     type Error = Never;
//!     fn init(_: &()) -> Result<(), String> { Ok(()) }
//!     fn run(&self, _: &mut (), _: &Context<'_>) -> Result<u64, Never> { Ok(self.0 * self.0) }
//! }
//!
//! fn main() {
//!     worker::enter::<Square>(); // a worker for squares goes no further
//!     println!("this is the program");
//! }
//! ```

use super::context::Board;
use super::protocol::{
    AnswerHead, Envelope, FromWorker, Hello, Lines, Said, Small, ToWorker, put, take, version,
};
use super::runner::{Refused, Runner};
use super::trip::Stamps;
use super::{Context, Job, JobId, context, panics, shared};
use crate::clock::{Nanos, now};
use crate::coordination::Manager;
use crate::handoff::{Closed, Receiver, Sender};
use crate::measure::Usage;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcReceiver, IpcSender};
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first argument of a worker's command line.
const ENTRY: &str = "__framehaul_worker";

/// Whether this process has found its way into [`enter`].
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The command line of a worker for [`enter`].
pub(super) fn args<J: Job>(socket: &str) -> [OsString; 3] {
    [ENTRY.into(), version::<J>().into(), socket.into()]
}

/// Whether this process was started as a worker and its `main` has not called [`enter`] for the
/// job's type: if it went on to start a pool of its own, there would be no end of processes.
pub(super) fn is_lost() -> bool {
    std::env::args().nth(1).as_deref() == Some(ENTRY) && !ENTERED.load(Ordering::Relaxed)
}

/// To be called first thing in `main` by a program whose pools have worker processes for jobs of
/// type `J`; once for each such type. In a worker for `J` it serves jobs and then ends the process;
/// otherwise it returns at once. (It is the entry of a [`Manager`]'s server as well.)
pub fn enter<J: Job>() {
    Manager::serve();
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(ENTRY) {
        return;
    }
    let wanted = args.next().unwrap_or_default();
    let own = version::<J>();
    let job = |version: &str| version.split(", ").nth(1).map(name).map(str::to_owned);
    if wanted.is_empty() || job(&wanted) != job(&own) {
        // A worker for another type: the next call of this function may be the right one.
        return;
    }
    ENTERED.store(true, Ordering::Relaxed);
    let Some(socket) = args.next() else {
        eprintln!("this is the entry of a worker process; it is not for use by hand");
        std::process::exit(2);
    };
    // When memory runs out, the kernel is to take a worker, which can be replaced.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    if wanted != own {
        let why = format!("the worker is {own}, its parent is {wanted}; start both from one build");
        let said =
            IpcSender::<Hello<J>>::connect(socket).map(|parent| parent.send(Hello::Stranger(why)));
        std::process::exit(i32::from(said.is_err()));
    }
    // An error here means that the parent is gone, or is about to see our end: nobody to tell.
    let Ok(mut worker) = Worker::<J>::connect(socket) else {
        std::process::exit(1);
    };
    let served = worker.serve();
    shared::wait_until_received();
    // With its channels still open: the parent kills a worker that hangs up.
    std::process::exit(i32::from(served.is_err()));
}

/// The job's type without its version: "my_crate::MyJob" of "my_crate::MyJob version 1".
fn name(job: &str) -> &str {
    job.split(" version ").next().unwrap_or(job)
}

/// A worker's ends of its channels.
struct Worker<J: Job> {
    orders: Receiver,
    jobs: IpcReceiver<Envelope<J>>,
    bulks: IpcBytesReceiver,
    answers: Answers,
    /// There once the setup has come.
    post: Option<Post<J>>,
    /// When the job before was done.
    free: Nanos,
}

/// A job as it was read, or what is to be said of one that could not be.
type Opened<J> = Result<Envelope<J>, Said<<J as Job>::Output, <J as Job>::Error>>;

fn unreadable<J: Job>(why: impl std::fmt::Display) -> Said<J::Output, J::Error> {
    let name = std::any::type_name::<J>();
    Said::NotUnderstood(format!("the worker cannot read the job as {name}: {why}"))
}

/// What a worker does its work with.
struct Post<J: Job> {
    runner: Runner<J>,
    board: Board,
    seat: usize,
}

impl<J: Job> Worker<J> {
    fn connect(socket: String) -> Result<Self, ServeError> {
        let parent = IpcSender::<Hello<J>>::connect(socket)?;
        let (meet, lines) = ipc::channel()?;
        let (to_jobs, jobs) = ipc::channel()?;
        let (to_bulks, bulks) = ipc::bytes_channel()?;
        parent.send(Hello::Here {
            meet,
            jobs: to_jobs,
            bulk: to_bulks,
        })?;
        let Lines { orders, answers } = lines.recv()?;
        Ok(Self {
            orders: orders.receiver().ok_or(ServeError::Taken)?,
            jobs,
            bulks,
            answers: Answers::new(answers.sender().ok_or(ServeError::Taken)?),
            post: None,
            free: 0,
        })
    }

    fn serve(&mut self) -> Result<(), ServeError> {
        let mut received = Vec::new();
        while self.orders.receive(&mut received).is_ok() {
            let mut message = &received[..];
            let served = match take(&mut message)? {
                ToWorker::Setup { seat, board } => self.begin(seat, board, message),
                ToWorker::Parcel(number, count) => self.parcel(number, count, message),
                ToWorker::Large {
                    id,
                    parcel,
                    pack_begin,
                    packed,
                    bulk,
                } => self.large((parcel, id), (pack_begin, packed), bulk),
                ToWorker::Retire => break,
            };
            self.answers.flush()?;
            match served {
                Err(ServeError::Refused(why)) => {
                    return self.answers.say(&FromWorker::Refused(why));
                }
                served => served?,
            }
            if received.capacity() > 4 * FULL {
                received = Vec::new();
            }
        }
        Ok(())
    }

    fn begin(&mut self, seat: usize, board: Board, mut setup: &[u8]) -> Result<(), ServeError> {
        let setup = panics::catch(|| take(&mut setup).map_err(|why| why.to_string()))
            .unwrap_or_else(|panic| Err(panic.message))
            .map_err(|why| ServeError::Refused(format!("it cannot read its setup: {why}")))?;
        self.post = Some(Post {
            runner: Runner::new(setup)?,
            board,
            seat,
        });
        self.free = now();
        self.answers.say(&FromWorker::Ready(Usage::of_self()))
    }

    fn parcel(&mut self, number: u64, count: u32, mut message: &[u8]) -> Result<(), ServeError> {
        let Post { board, seat, .. } = self.post.as_ref().ok_or(ServeError::NoSetup)?;
        let (board, seat) = (board.clone(), *seat);
        if !context::take_parcel(&board, seat, number) {
            // It was recalled, and is somebody else's.
            return Ok(());
        }
        for _ in 0..count {
            let Small {
                id,
                pack_begin,
                packed,
                bulk,
                mut body,
            } = take(&mut message)?;
            context::hold(&board, seat, id);
            let opened = match panics::catch(|| take(&mut body)) {
                Ok(read) => read.map_err(unreadable::<J>),
                Err(panic) => Err(Said::Panicked(panic)),
            };
            self.run((number, id), (pack_begin, packed), opened, bulk, None)?;
        }
        Ok(())
    }

    fn large(
        &mut self,
        job: (u64, JobId),
        packed: (Nanos, Nanos),
        has_bulk: bool,
    ) -> Result<(), ServeError> {
        let Post { board, seat, .. } = self.post.as_ref().ok_or(ServeError::NoSetup)?;
        context::hold(board, *seat, job.1);
        let opened = match panics::catch(|| self.jobs.recv()) {
            Ok(Ok(envelope)) => Ok(envelope),
            Ok(Err(ipc_channel::IpcError::SerializationError(why))) => Err(unreadable::<J>(why)),
            Ok(Err(other)) => return Err(other.into()),
            Err(panic) => Err(Said::Panicked(panic)),
        };
        let bulk = if has_bulk {
            self.bulks.recv()?
        } else {
            Vec::new()
        };
        let received = has_bulk.then(now);
        self.run(job, packed, opened, &bulk, received)?;
        drop(bulk);
        self.free = now();
        Ok(())
    }

    fn run(
        &mut self,
        (parcel, id): (u64, JobId),
        (pack_begin, packed): (Nanos, Nanos),
        opened: Opened<J>,
        bulk: &[u8],
        received: Option<Nanos>,
    ) -> Result<(), ServeError> {
        let Post {
            runner,
            board,
            seat,
        } = self.post.as_mut().ok_or(ServeError::NoSetup)?;
        let mut stamps = Stamps {
            pack_begin,
            packed,
            free: self.free,
            ..Stamps::default()
        };
        let said = match opened {
            Ok(envelope) => {
                stamps.serialize_begin = envelope.begin.written;
                stamps.serialized = envelope.end.written;
                stamps.deserialize_begin = envelope.begin.read;
                stamps.deserialized = envelope.end.read;
                stamps.received = received.unwrap_or(envelope.end.read);
                // Nothing lies in between.
                stamps.run_begin = stamps.received;
                let context = Context::begin(board, (*seat, parcel), id, stamps.run_begin, bulk);
                let said = runner.run(&envelope.job, &context);
                stamps.run_end = now();
                context::hold(board, *seat, id);
                said?
            }
            Err(said) => {
                stamps.run_begin = now();
                stamps.run_end = stamps.run_begin;
                said
            }
        };
        self.free = stamps.run_end;
        self.answers.add(id, stamps, &said)?;
        context::let_go(board, *seat);
        Ok(())
    }
}

/// Answers on their way back, several in one message where jobs are short.
struct Answers {
    sender: Sender,
    message: Vec<u8>,
    body: Vec<u8>,
    count: usize,
    since: Nanos,
    /// When the use of the processor was last reported.
    reported: Nanos,
}

/// The use of the processor is reported no more often than this.
const REPORT: Nanos = 1_000_000;

/// Answers travel together for as long as the jobs behind them took no longer than this.
const PATIENCE: Nanos = 1_000_000;

/// Nor is more than this kept back.
const FULL: usize = 64 << 10;

impl Answers {
    const fn new(sender: Sender) -> Self {
        Self {
            sender,
            message: Vec::new(),
            body: Vec::new(),
            count: 0,
            since: 0,
            reported: 0,
        }
    }

    fn add<O: serde::Serialize, E: serde::Serialize>(
        &mut self,
        id: JobId,
        stamps: Stamps,
        said: &Said<O, E>,
    ) -> Result<(), ServeError> {
        self.body.clear();
        let body = &mut self.body;
        let instead = match panics::catch(|| put(body, said)) {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(Said::NotUnderstood(format!(
                "the job's answer cannot be turned into bytes: {why}"
            ))),
            Err(panic) => Some(Said::<O, E>::Panicked(panic)),
        };
        if let Some(instead) = instead {
            self.body.clear();
            put(&mut self.body, &instead)?;
        }
        if self.count == 0 {
            self.message.clear();
            let is_due = stamps.run_end - self.reported > REPORT;
            if is_due {
                self.reported = stamps.run_end;
            }
            let usage = is_due.then(Usage::of_self);
            put(&mut self.message, &FromWorker::Answers(usage))?;
            self.since = stamps.run_begin;
        }
        let body = &self.body;
        put(&mut self.message, &AnswerHead { id, stamps, body })?;
        self.count += 1;
        if self.message.len() > FULL || stamps.run_end - self.since > PATIENCE {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ServeError> {
        if self.count > 0 {
            self.count = 0;
            self.sender.send(&self.message)?;
        }
        if self.message.capacity() > 4 * FULL {
            (self.message, self.body) = (Vec::new(), Vec::new());
        }
        Ok(())
    }

    fn say(&mut self, what: &FromWorker) -> Result<(), ServeError> {
        let mut message = Vec::new();
        put(&mut message, what)?;
        self.sender.send(&message)?;
        Ok(())
    }
}

/// Why a worker ends early; for the reader of a backtrace, the parent sees only that it ended.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Ipc(#[from] ipc_channel::IpcError),
    #[error("{0}")]
    Bytes(#[from] postcard::Error),
    #[error("{0}")]
    Closed(#[from] Closed),
    #[error("somebody else has its queues")]
    Taken,
    #[error("a job came before the setup")]
    NoSetup,
    #[error("{0}")]
    Refused(String),
}

impl From<Refused> for ServeError {
    fn from(Refused(why): Refused) -> Self {
        Self::Refused(why)
    }
}
