//! A worker's keeper: three threads in the parent that together never wait in vain.
//!
//! * The **keeper** starts the process and waits for its end. It lives exactly as long as the
//!   worker, which is what PR_SET_PDEATHSIG needs: that signal is tied to the thread that forked.
//! * The **receiver** accepts the worker's connection, then hands on what it says, unless somebody
//!   who waits for it does (`ear.rs`).
//! * The **sender** sends what is too much to be sent by whoever submits it. ipc-channel's `send`
//!   blocks while the worker is busy, and would go on blocking if the worker died half-way through
//!   a large message, because it keeps its own copy of the receiving end open.
//!
//! When the worker is dead, the keeper releases the other two: it hangs up the queues, which ends
//! whatever waits at them, in its stead it connects to the worker's socket and hangs up, which ends
//! an `accept` that waits for it, and it interrupts the sender by a signal until it reports back,
//! which ends a blocked `send` with EINTR. Only then
//! does it say that the worker is gone. If any of them finds the link broken, it kills the worker:
//! there is one way out, and it always leads through here.

use super::bootstrap::Expected;
use super::core::Core;
use super::crew::{Gone, Parcel};
use super::ear::Ear;
use super::processes::{Processes, Start, envelope, panicked};
use super::protocol::{Envelope, Hello, Lines, ToWorker, put};
use super::{Job, JobId, Pack, mark_own_thread, panics, worker};
use crate::clock::now;
use crate::handoff::{self as queue, Closed};
use crate::measure::{Usage, oom_kills};
use crate::sys::process::{self, Exit};
use crate::sys::{signal, socket};
use ipc_channel::ipc::{IpcBytesSender, IpcOneShotServer, IpcSender};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// For the sender.
pub(super) enum ToSender<P: Pack> {
    /// Pack its jobs and send them one by one.
    Parcel(Parcel<P>),
    /// Send this as it is.
    Message(Vec<u8>),
    /// Give memory back, and hang up on whoever waits for that.
    Rest(Sender<()>),
    /// The worker is gone, or will be.
    Stop,
}

/// All that a keeper needs.
pub(super) struct Keeper<P: Pack> {
    pub seat: usize,
    pub core: Arc<Core<P>>,
    pub crew: Arc<Processes<P>>,
    pub start: Start,
    pub setup: <P::Job as Job>::Setup,
    pub pack: P,
    /// Messages that its sender has not sent yet.
    pub backlog: Arc<AtomicUsize>,
    pub ear: Arc<Ear>,
    pub pause: Duration,
}

/// The parent's ends of a worker's channels.
pub(super) struct Link<J: Job> {
    /// Locked by who sends: the pool's sender, or whoever submits while that has nothing to send.
    pub orders: Arc<Mutex<queue::Sender>>,
    pub jobs: IpcSender<Envelope<J>>,
    pub bulk: IpcBytesSender,
}

impl<J: Job> Clone for Link<J> {
    fn clone(&self) -> Self {
        Self {
            orders: self.orders.clone(),
            jobs: self.jobs.clone(),
            bulk: self.bulk.clone(),
        }
    }
}

impl<J: Job> Link<J> {
    /// Sends the worker a message, waiting for room.
    fn order(&self, message: &[u8]) -> Result<(), Closed> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.send(message)
    }
}

/// Starts a keeper; what is sent to `inbox` by others goes to its sender. Where that fails there is
/// nobody who would report so, or that the worker is gone.
pub(super) fn start<P: Pack>(
    keeper: Keeper<P>,
    to_sender: Sender<ToSender<P>>,
    inbox: Receiver<ToSender<P>>,
) -> io::Result<JoinHandle<()>> {
    spawn(move || keeper.keep(to_sender, inbox))
}

/// Starts a thread. [`thread::spawn`] would panic where there is no memory for one.
fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().spawn(run);
    thread.map_err(|error| {
        let what = format!("no thread for it: {error}; try fewer workers");
        io::Error::new(error.kind(), what)
    })
}

/// Why a pool is broken.
pub(super) fn no_worker(why: &io::Error) -> String {
    let advice = match why.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => "; raise the limit (`ulimit -n`)",
        _ => "",
    };
    format!("a worker process cannot be started: {why}{advice}")
}

impl<P: Pack> Keeper<P> {
    fn keep(self, to_sender: Sender<ToSender<P>>, inbox: Receiver<ToSender<P>>) {
        mark_own_thread(self.core.number);
        let (core, crew, seat) = (self.core.clone(), self.crew.clone(), self.seat);
        let gone = if called_off(&inbox, self.pause) {
            Gone::NOTHING
        } else {
            self.live(to_sender, inbox).unwrap_or_else(|why| {
                core.broken(no_worker(&why));
                Gone::NOTHING
            })
        };
        crew.vacate(seat);
        core.gone(seat, gone);
    }

    fn live(
        self,
        to_sender: Sender<ToSender<P>>,
        inbox: Receiver<ToSender<P>>,
    ) -> io::Result<Gone> {
        let kills_before = oom_kills();
        let Self {
            seat,
            core,
            crew,
            start,
            setup,
            pack,
            backlog,
            ear,
            ..
        } = self;
        let (server, expected) = Expected::at(IpcOneShotServer::<Hello<P::Job>>::new)?;
        let args = worker::args::<P::Job>(expected.socket());
        let lines = Lines::create()?;
        let process = process::spawn(&start.exe, args, &start.surroundings, None);
        let process = Arc::new(process.map_err(|error| {
            let what = format!("{}: {error}", start.exe.display());
            io::Error::new(error.kind(), what)
        })?);
        let pid = process.pid();
        core.pids.add(pid);
        crew.started(seat, process.clone());

        // Both threads hold a clone of `alive`; the keeper knows them ended when the last is gone.
        let (alive, ended) = channel::<()>();
        let (link, links) = channel();
        let receiver = {
            let (process, alive) = (process.clone(), alive.clone());
            let receiver = ReceiverThread {
                seat,
                core: core.clone(),
                crew,
                setup,
                lines: lines.clone(),
                ear: ear.clone(),
            };
            spawn(move || {
                let _alive = alive;
                // However it ends, the worker is of no use any more.
                let _last = Kill(&process);
                mark_own_thread(receiver.core.number);
                let _ = receiver.receive(server, link);
            })
        };
        let sender = {
            let (process, core) = (process.clone(), core.clone());
            let mut sender = SenderThread {
                seat,
                core: core.clone(),
                pack,
                bulk: Vec::new(),
                limit: start.limit,
            };
            spawn(move || {
                let _alive = alive;
                mark_own_thread(core.number);
                if sender.send(&links, inbox, &backlog).is_err() {
                    process.kill();
                }
            })
        };

        // It could not be spoken with.
        if receiver.is_err() || sender.is_err() {
            process.kill();
        }
        let (exit, usage) = process.wait()?;
        let _ = to_sender.send(ToSender::Stop);
        lines.hang_up();
        ear.end();
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(Duration::from_millis(1)) {
            sender.iter().for_each(signal::nudge);
            // Finds nobody, and does no harm, when the worker had connected.
            socket::ring_and_run(expected.socket());
        }
        core.pids.remove(pid);
        // Both have dropped their end as the last thing they did; a panic in them is a bug that
        // was printed already, and the worker is gone all the same.
        for ended in [receiver, sender].map(|thread| thread.map(JoinHandle::join)) {
            let _ = ended?;
        }
        let killed = exit == Exit::Signal(libc::SIGKILL);
        Ok(Gone {
            usage: Usage::from_rusage(&usage),
            process: Some((pid, exit, killed && oom_kills() > kills_before)),
        })
    }
}

/// Kills a process when it is dropped.
struct Kill<'a>(&'a process::Process);

impl Drop for Kill<'_> {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// Waits before a worker is started, and says whether it shall not be.
fn called_off<P: Pack>(inbox: &Receiver<ToSender<P>>, pause: Duration) -> bool {
    let begin = now();
    loop {
        let gone = Duration::from_nanos(now() - begin);
        match inbox.recv_timeout(pause.saturating_sub(gone)) {
            Ok(ToSender::Stop) => return true,
            // There is no memory to be given back yet; jobs are not sent before it is ready.
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// The link does not work, or the worker does not.
#[derive(Debug)]
struct LinkBroken;

impl From<ipc_channel::IpcError> for LinkBroken {
    fn from(_: ipc_channel::IpcError) -> Self {
        Self
    }
}

impl From<Closed> for LinkBroken {
    fn from(_: Closed) -> Self {
        Self
    }
}

impl From<io::Error> for LinkBroken {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl From<postcard::Error> for LinkBroken {
    fn from(_: postcard::Error) -> Self {
        Self
    }
}

/// Accepts the worker's connection and hands on what it says until it hangs up.
struct ReceiverThread<P: Pack> {
    seat: usize,
    core: Arc<Core<P>>,
    crew: Arc<Processes<P>>,
    setup: <P::Job as Job>::Setup,
    lines: Lines,
    ear: Arc<Ear>,
}

impl<P: Pack> ReceiverThread<P> {
    fn receive(
        self,
        server: IpcOneShotServer<Hello<P::Job>>,
        links: Sender<Link<P::Job>>,
    ) -> Result<(), LinkBroken> {
        let Self {
            seat,
            core,
            crew,
            setup,
            lines,
            ear,
        } = self;
        // It panics, rather than says so, when there is no descriptor left.
        let Ok(accepted) = panics::catch(|| server.accept()) else {
            core.broken(
                "no descriptor is left to connect a worker with; raise the limit (`ulimit -n`)"
                    .into(),
            );
            return Ok(());
        };
        let (_, hello) = accepted?;
        let (meet, jobs, bulk) = match hello {
            Hello::Stranger(why) => {
                core.broken(why);
                return Ok(());
            }
            Hello::Here { meet, jobs, bulk } => (meet, jobs, bulk),
        };
        meet.send(lines.clone())?;
        let mut orders = lines.orders.sender().ok_or(LinkBroken)?;
        let answers = lines.answers.receiver().ok_or(LinkBroken)?;
        let mut message = Vec::new();
        let board = core.board.clone();
        put(&mut message, &ToWorker::Setup { seat, board })?;
        if let Err(why) = put(&mut message, &setup) {
            core.broken(format!(
                "the workers' setup cannot be turned into bytes: {why}"
            ));
            return Ok(());
        }
        orders.send(&message)?;
        let link = Link {
            orders: Arc::new(Mutex::new(orders)),
            jobs,
            bulk,
        };
        crew.connected(seat, link.clone());
        links.send(link).map_err(|_| LinkBroken)?;
        drop(links);
        ear.connect(answers);
        ear.call();
        ear.serve(&core, seat).map_err(|_| LinkBroken)
    }
}

/// Packs and sends what may block.
struct SenderThread<P: Pack> {
    seat: usize,
    core: Arc<Core<P>>,
    pack: P,
    bulk: Vec<u8>,
    limit: Duration,
}

impl<P: Pack> SenderThread<P> {
    fn send(
        &mut self,
        links: &Receiver<Link<P::Job>>,
        inbox: Receiver<ToSender<P>>,
        backlog: &AtomicUsize,
    ) -> Result<(), LinkBroken> {
        let link = match links.recv_timeout(self.limit) {
            Ok(link) => link,
            // The worker died before it connected.
            Err(RecvTimeoutError::Disconnected) => return Err(LinkBroken),
            Err(RecvTimeoutError::Timeout) => {
                self.core.never_came(self.limit);
                return Err(LinkBroken);
            }
        };
        for message in inbox {
            match message {
                ToSender::Parcel(parcel) => {
                    for &job in &parcel.jobs {
                        self.send_large(&link, &parcel, job)?;
                    }
                }
                ToSender::Message(message) => link.order(&message)?,
                ToSender::Rest(_done) => {
                    self.bulk = Vec::new();
                    self.pack.rest();
                    continue;
                }
                ToSender::Stop => break,
            }
            // Release, with the Acquire of whoever sends next by themselves: after this.
            backlog.fetch_sub(1, Ordering::Release);
        }
        Ok(())
    }

    fn send_large(
        &mut self,
        link: &Link<P::Job>,
        parcel: &Parcel<P>,
        id: JobId,
    ) -> Result<(), LinkBroken> {
        let order = parcel.group.order(id);
        let pack_begin = now();
        self.bulk.clear();
        let packed = panics::catch(|| self.pack.pack(order, &mut self.bulk));
        let envelope = match packed.map(envelope) {
            Ok(Some(envelope)) => envelope,
            Ok(None) => unreachable!("a pack that is not light makes its jobs"),
            Err(panic) => {
                let answer = panicked(id, panic);
                self.core.answered(self.seat, vec![answer], None, now());
                return Ok(());
            }
        };
        let mut head = Vec::new();
        let large = ToWorker::Large {
            id,
            parcel: parcel.number,
            pack_begin,
            packed: now(),
            bulk: !self.bulk.is_empty(),
        };
        put(&mut head, &large)?;
        link.order(&head)?;
        link.jobs.send(envelope)?;
        if !self.bulk.is_empty() {
            link.bulk.send(&self.bulk)?;
        }
        Ok(())
    }
}
