//! The other process, as the parent sees it: orders, tickets, answers, and its end.

use super::floor::{Gone, Line};
use super::helper::{ENTRY, MARK};
use super::message::{Answer, Order, ROOM, Setup, Ticket};
use super::plan::{Plan, Touch, Wait};
use super::slot;
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use crate::handoff::{Closed, Patience, Queue, Receiver, Sender};
use crate::sys::block::Block;
use crate::sys::process::{self, Exit, Process, Surroundings};
use crate::sys::segment::Segment;
use std::io;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

/// A started other process. Dropping it ends and reaps that.
pub(super) struct Peer {
    orders: Sender,
    tickets: Sender,
    answers: Receiver,
    line: Line,
    /// The slot, as this process has it mapped.
    pub slot: Block,
    /// The way to read all of it.
    pub way: usize,
    touch: Touch,
    /// Of the last ticket.
    generation: u64,
    message: Vec<u8>,
    keeper: Keeper,
}

impl Peer {
    pub(super) fn start(plan: &Plan) -> Result<Self> {
        if std::env::var_os(MARK).is_some() {
            return Err(no_entry());
        }
        let memory = |error: io::Error| {
            Error::Failed(format!(
                "no shared memory for a slot of {} bytes: {error}; ask for smaller sizes",
                plan.slot_bytes()
            ))
        };
        let slot = slot::written(plan.slot_bytes()).map_err(memory)?;
        let way = slot::fastest_way(&slot);
        let queue = || Queue::create(QUEUE).map_err(memory);
        let setup = Setup {
            orders: queue()?,
            tickets: queue()?,
            answers: queue()?,
            line: Segment::create(Line::BYTES).map_err(memory)?,
            slot,
            touch: plan.touch,
            way,
        };
        let line = Line::new(&setup.line).map_err(memory)?;
        let taken = || Error::Failed("an end of a fresh queue is taken already".into());
        let mut peer = Self {
            orders: setup.orders.sender().ok_or_else(taken)?,
            tickets: setup.tickets.sender().ok_or_else(taken)?,
            answers: setup.answers.receiver().ok_or_else(taken)?,
            line: line.clone(),
            way,
            touch: plan.touch,
            generation: 0,
            message: Vec::with_capacity(ROOM),
            keeper: Keeper::start(&setup, line)?,
            slot: setup.slot,
        };
        peer.orders.set_patience(Patience::Park);
        Ok(peer)
    }

    /// Has the other process do that next.
    pub(super) fn order(&mut self, order: Order) -> Result<()> {
        let sent = send(&mut self.orders, &order);
        sent.map_err(|Gone| self.keeper.why())
    }

    /// How this process waits for answers from now on.
    pub(super) fn set_wait(&mut self, wait: Wait) {
        self.tickets.set_patience(wait.patience());
        self.answers.set_patience(wait.patience());
    }

    /// A trip of a ticket for so many bytes, and of its answer, timed.
    pub(super) fn ticket(&mut self, bytes: u64, expected: u64) -> Result<Nanos> {
        self.generation += 1;
        let ticket = Ticket {
            slot: 0,
            generation: self.generation,
            bytes,
        };
        let begin = now();
        let answer = self.exchange(&ticket);
        let took = now() - begin;
        let expected = Answer {
            generation: self.generation,
            seen: expected,
        };
        match answer {
            Ok(answer) if answer == expected => Ok(took),
            Ok(_) => Err(Error::Failed(
                "the other process saw something else in shared memory than was written".into(),
            )),
            Err(Gone) => Err(self.keeper.why()),
        }
    }

    fn exchange(&mut self, ticket: &Ticket) -> Result<Answer, Gone> {
        send(&mut self.tickets, ticket)?;
        self.answers.receive(&mut self.message).map_err(gone)?;
        postcard::from_bytes(&self.message).map_err(|_| Gone)
    }

    /// A trip of a bare cache line, timed.
    pub(super) fn spin(&mut self) -> Result<Nanos> {
        self.line.spin().map_err(|Gone| self.keeper.why())
    }

    /// A trip of a bare futex, timed.
    pub(super) fn futex(&mut self) -> Result<Nanos> {
        self.line.futex().map_err(|Gone| self.keeper.why())
    }

    /// What a touched frame of that size gives.
    pub(super) fn expected(&self, bytes: u64) -> u64 {
        slot::touched(&self.slot[..bytes as usize], self.touch, self.way)
    }
}

/// Bytes in a queue: as many as a pool's worker has for its parcels is more than enough.
const QUEUE: usize = 4096;

fn gone(Closed: Closed) -> Gone {
    Gone
}

fn send(to: &mut Sender, message: &impl serde::Serialize) -> Result<(), Gone> {
    let mut room = [0; ROOM];
    // All that is sent here is a few numbers, for which there is room.
    let bytes = postcard::to_slice(message, &mut room).map_err(|_| Gone)?;
    to.send(bytes).map_err(gone)
}

fn no_entry() -> Error {
    Error::Failed(
        "round trips cannot be measured: this program's main must begin with \
         framehaul::bench::serve_helper()"
            .into(),
    )
}

/// Starts the other process, and releases whoever waits for it when it ends.
struct Keeper {
    process: Arc<Process>,
    thread: Option<JoinHandle<io::Result<Exit>>>,
}

impl Keeper {
    fn start(setup: &Setup, line: Line) -> Result<Self> {
        let failed =
            |why: String| Error::Failed(format!("the other process does not start: {why}"));
        let text = serde_json::to_string(setup).map_err(|error| failed(error.to_string()))?;
        let queues = [&setup.orders, &setup.tickets, &setup.answers].map(Clone::clone);
        let (report, reported) = mpsc::channel();
        // The kernel kills the other process with the thread that has started it: this one stays
        // until it has ended.
        let thread = std::thread::Builder::new()
            .name("bench keeper".into())
            .spawn(move || {
                let process = Arc::new(spawn(&text)?);
                let _ = report.send(Arc::clone(&process));
                let exit = process.wait().map(|(exit, _)| exit);
                let [orders, tickets, answers] = queues;
                orders.receiver_is_gone();
                tickets.receiver_is_gone();
                answers.sender_is_gone();
                line.other_is_gone();
                exit
            })
            .map_err(|error| failed(error.to_string()))?;
        match reported.recv() {
            Ok(process) => Ok(Self {
                process,
                thread: Some(thread),
            }),
            Err(_) => Err(failed(match thread.join() {
                Ok(Err(error)) => error.to_string(),
                _ => "its keeper has ended".into(),
            })),
        }
    }

    /// Why nothing comes any more: how the other process ended.
    fn why(&mut self) -> Error {
        let how = match self.end() {
            Some(exit) => exit.to_string(),
            None => "nobody knows how".into(),
        };
        Error::Failed(format!(
            "the other process ended in the middle of the bench ({how}); run it again"
        ))
    }

    /// It has nothing that could be lost.
    fn end(&mut self) -> Option<Exit> {
        self.process.kill();
        self.thread.take()?.join().ok()?.ok()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(setup: &str) -> io::Result<Process> {
    let surroundings = Surroundings {
        env: vec![(MARK.into(), "1".into())],
        dir: None,
    };
    process::spawn(
        Path::new("/proc/self/exe"),
        [ENTRY, setup],
        &surroundings,
        None,
    )
}
