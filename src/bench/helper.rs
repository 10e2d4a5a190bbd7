//! The other process: what it does for its parent, until there is nothing more to do.

use super::floor::{Gone, Line};
use super::message::{Answer, Order, ROOM, Setup, Ticket};
use super::plan::Wait;
use super::slot;
use crate::handoff::{Closed, Patience, Receiver, Sender};
use std::convert::Infallible;
use std::ffi::OsString;

/// The first argument that turns this executable into the other process.
pub(super) const ENTRY: &str = "__bench";

/// Set in the other process, so that a program without [`serve_helper`] does not start itself again
/// and again.
pub(super) const MARK: &str = "FRAMEHAUL_BENCH_HELPER";

/// In the other process of a bench: does its part and ends the process. Anywhere else: nothing.
///
/// Its parent kills it when all is measured, and the kernel when its parent dies.
pub fn serve_helper() {
    let mut args = std::env::args_os().skip(1);
    if std::env::var_os(MARK).is_none() || args.next().is_none_or(|first| first != ENTRY) {
        return;
    }
    let Err(why) = serve(args.next());
    eprintln!("framehaul: the other process of the bench: {why}");
    std::process::exit(1);
}

/// Why the other process cannot go on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it was started without its setup")]
    NoSetup,
    #[error("its setup is of no use: {0}")]
    Setup(#[from] serde_json::Error),
    #[error("an end of a queue is taken already")]
    Taken,
    #[error("shared memory cannot be used: {0}")]
    Memory(#[from] std::io::Error),
    #[error("a message is not understood: {0}")]
    Message(#[from] postcard::Error),
    #[error("a ticket names bytes beyond the slot")]
    Beyond,
    #[error("the parent is gone")]
    Gone,
}

impl From<Closed> for Failure {
    fn from(_: Closed) -> Self {
        Self::Gone
    }
}

impl From<Gone> for Failure {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

fn serve(setup: Option<OsString>) -> Result<Infallible, Failure> {
    let setup = setup.and_then(|text| text.into_string().ok());
    let setup: Setup = serde_json::from_str(&setup.ok_or(Failure::NoSetup)?)?;
    let mut orders = setup.orders.receiver().ok_or(Failure::Taken)?;
    orders.set_patience(Patience::Park);
    let mut line = Line::new(&setup.line)?;
    let mut answerer = Answerer::new(setup)?;
    let mut message = Vec::with_capacity(ROOM);
    loop {
        orders.receive(&mut message)?;
        match postcard::from_bytes(&message)? {
            Order::Tickets(wait, trips) => answerer.answer_all(wait, trips)?,
            Order::Spin(trips) => (0..trips).try_for_each(|_| line.spin_back())?,
            Order::Futex(trips) => (0..trips).try_for_each(|_| line.futex_back())?,
        }
    }
}

/// Takes tickets and answers them.
struct Answerer {
    tickets: Receiver,
    answers: Sender,
    setup: Setup,
    message: Vec<u8>,
}

impl Answerer {
    fn new(setup: Setup) -> Result<Self, Failure> {
        // Once through all of it, so that no page is missing in this process's map either.
        slot::read(&setup.slot, setup.way);
        Ok(Self {
            tickets: setup.tickets.receiver().ok_or(Failure::Taken)?,
            answers: setup.answers.sender().ok_or(Failure::Taken)?,
            setup,
            message: Vec::with_capacity(ROOM),
        })
    }

    fn answer_all(&mut self, wait: Wait, trips: u64) -> Result<(), Failure> {
        self.tickets.set_patience(wait.patience());
        self.answers.set_patience(wait.patience());
        (0..trips).try_for_each(|_| self.answer_one())
    }

    fn answer_one(&mut self) -> Result<(), Failure> {
        self.tickets.receive(&mut self.message)?;
        let ticket: Ticket = postcard::from_bytes(&self.message)?;
        let frame = self.setup.slot.get(..ticket.bytes as usize);
        let frame = frame.ok_or(Failure::Beyond)?;
        let answer = Answer {
            generation: ticket.generation,
            seen: slot::touched(frame, self.setup.touch, self.setup.way),
        };
        let mut room = [0; ROOM];
        self.answers.send(postcard::to_slice(&answer, &mut room)?)?;
        Ok(())
    }
}
