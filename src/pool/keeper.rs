//! A worker's keeper: three threads in the parent that together never wait in vain.
//!
//! * The **keeper** starts the process and waits for its end. It lives exactly as long as the
//!   worker, which is what PR_SET_PDEATHSIG needs: that signal is tied to the thread that forked.
//! * The **receiver** accepts the worker's connection, then hands on what it says.
//! * The **sender** packs orders and sends them. ipc-channel's `send` blocks while the worker is
//!   busy, and would go on blocking if the worker died half-way through a large message, because
//!   it keeps its own copy of the receiving end open.
//!
//! When the worker is dead, the keeper releases the other two: it connects to the worker's socket
//! in its stead and hangs up, which ends an `accept` that waits for it, and it interrupts the
//! sender by a signal until it reports back, which ends a blocked `send` with EINTR. Only then
//! does it say that the worker is gone. If any of them finds the link broken, it kills the worker:
//! there is one way out, and it always leads through here.

use super::processes::{Note, Told};
use super::protocol::{Envelope, FromWorker};
use super::{Job, JobId, Pack, worker};
use crate::clock::{Mark, now};
use crate::sys::board::Board;
use crate::sys::process;
use crate::sys::{signal, socket};
use ipc_channel::ipc::{IpcBytesSender, IpcOneShotServer, IpcSender};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// For the sender.
pub(super) enum ToSender<O> {
    /// Pack this and send it.
    Order(JobId, O),
    /// Give memory back, and hang up on whoever waits for that.
    Rest(Sender<()>),
    /// Hang up; the worker ends when it has done what it was sent.
    Stop,
}

/// All that a keeper needs.
pub(super) struct Keeper<P: Pack> {
    pub seat: usize,
    pub exe: PathBuf,
    pub board: Arc<Board>,
    pub setup: <P::Job as Job>::Setup,
    pub pack: P,
    pub pause: Duration,
    pub tell: Sender<Note<P>>,
}

/// Starts a keeper; what the returned end is told goes to its sender.
pub(super) fn start<P: Pack>(
    keeper: Keeper<P>,
) -> (thread::JoinHandle<()>, Sender<ToSender<P::Order>>) {
    let (orders, inbox) = channel();
    let to_sender = orders.clone();
    let handle = thread::spawn(move || keeper.keep(to_sender, inbox));
    (handle, orders)
}

impl<P: Pack> Keeper<P> {
    fn keep(self, to_sender: Sender<ToSender<P::Order>>, inbox: Receiver<ToSender<P::Order>>) {
        if !self.pause.is_zero() {
            thread::sleep(self.pause);
        }
        let (seat, tell) = (self.seat, self.tell.clone());
        let told = match self.live(to_sender, inbox) {
            Ok(gone) => gone,
            Err(why) => Told::CannotStart(why.to_string()),
        };
        // If nobody listens any more, the pool is gone and so is the need to tell.
        let _ = tell.send(told.at(seat));
    }

    fn live(
        self,
        to_sender: Sender<ToSender<P::Order>>,
        inbox: Receiver<ToSender<P::Order>>,
    ) -> std::io::Result<Told<P>> {
        let Self {
            seat,
            exe,
            board,
            setup,
            pack,
            tell,
            ..
        } = self;
        let (server, address) = IpcOneShotServer::<FromWorker<P::Job>>::new()?;
        let args = worker::args(&address, &board, seat);
        let process = Arc::new(process::spawn(
            &exe,
            args,
            std::os::fd::AsFd::as_fd(&*board),
        )?);
        let pid = process.pid();
        let _ = tell.send(Told::Started(process.clone()).at(seat));

        // Both threads hold a clone of `alive`; the keeper knows them ended when the last is gone.
        let (alive, ended) = channel::<()>();
        let (link, links) = channel();
        let receiver = {
            let (process, alive, tell) = (process.clone(), alive.clone(), tell.clone());
            thread::spawn(move || {
                let _alive = alive;
                receive::<P>(seat, server, &setup, link, &tell);
                process.kill();
            })
        };
        let sender = {
            let process = process.clone();
            thread::spawn(move || {
                let _alive = alive;
                if send::<P>(&links, inbox, pack).is_err() {
                    process.kill();
                }
            })
        };

        let (exit, usage) = process.wait()?;
        let _ = to_sender.send(ToSender::Stop);
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(Duration::from_millis(1)) {
            signal::nudge(&sender);
            // Finds nobody, and does no harm, when the worker had connected.
            socket::ring_and_run(&address);
        }
        // Both have dropped their end as the last thing they did; a panic in them is a bug that
        // was printed already, and the worker is gone all the same.
        let _ = (receiver.join(), sender.join());
        Ok(Told::Gone {
            pid,
            exit,
            usage: crate::measure::Usage::from_rusage(&usage),
            during: worker::take_progress(board.cell(seat)),
        })
    }
}

struct Link<J: Job> {
    jobs: IpcSender<Envelope<J>>,
    bulk: IpcBytesSender,
}

/// Accepts the worker's connection and hands on what it says until it hangs up.
fn receive<P: Pack>(
    seat: usize,
    server: IpcOneShotServer<FromWorker<P::Job>>,
    setup: &<P::Job as Job>::Setup,
    link: Sender<Link<P::Job>>,
    tell: &Sender<Note<P>>,
) {
    let Ok((
        from_worker,
        FromWorker::Hello {
            setup: to,
            jobs,
            bulk,
        },
    )) = server.accept()
    else {
        return;
    };
    if to.send(setup.clone()).is_err() || link.send(Link { jobs, bulk }).is_err() {
        return;
    }
    drop(link);
    while let Ok(message) = from_worker.recv() {
        let told = match message {
            FromWorker::Ready(usage) => Told::Ready(usage),
            FromWorker::Refused(why) => Told::CannotStart(why),
            FromWorker::Done(done) => Told::Done(done, now()),
            FromWorker::Hello { .. } => return,
        };
        if tell.send(told.at(seat)).is_err() {
            return;
        }
    }
}

/// Packs and sends orders until told to stop; an error means that the link is broken.
fn send<P: Pack>(
    links: &Receiver<Link<P::Job>>,
    inbox: Receiver<ToSender<P::Order>>,
    mut pack: P,
) -> Result<(), LinkBroken> {
    // No link will come if the worker died before it connected.
    let link = links.recv().map_err(|_| LinkBroken)?;
    let mut bulk = Vec::new();
    for message in inbox {
        let (id, order) = match message {
            ToSender::Order(id, order) => (id, order),
            ToSender::Rest(_done) => {
                bulk = Vec::new();
                pack.rest();
                continue;
            }
            ToSender::Stop => break,
        };
        let pack_begin = now();
        bulk.clear();
        let job = pack.pack(&order, &mut bulk);
        let envelope = Envelope {
            id,
            pack_begin,
            packed: now(),
            bulk: !bulk.is_empty(),
            begin: Mark::default(),
            job,
            end: Mark::default(),
        };
        link.jobs.send(envelope).map_err(|_| LinkBroken)?;
        if !bulk.is_empty() {
            link.bulk.send(&bulk).map_err(|_| LinkBroken)?;
        }
    }
    Ok(())
}

/// The worker is dead or dying, or cannot be reached.
#[derive(Debug)]
struct LinkBroken;
