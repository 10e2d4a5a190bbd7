//! A worker that goes through frames of its own stream, until it or another has found what is looked for.

use super::frames::FRAMES;
use super::{AT, WORKERS};
use crate::analysis::{Condition, Engine};
use crate::clock::{Nanos, now};
use crate::coordination::FirstFound;
use crate::lab::start_line::StartLine;
use crate::pool::{Context, Job};
use crate::transport::{self, Inbound, Known, Ticket};
use serde::{Deserialize, Serialize};

/// One worker's streams, one after the other.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Follow {
    pub worker: usize,
    /// For each of its streams, the search that it shares with the three beside it.
    pub searches: Vec<FirstFound<u64>>,
    /// Rows of a frame from one look to the next; it looks before each frame in any case.
    pub every: u32,
    pub line: StartLine,
}

/// The frames of all streams, and what is looked for in them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Streams {
    pub condition: String,
    pub mode: String,
    pub known: Known,
    pub tickets: Vec<Ticket>,
}

pub(super) struct State {
    condition: Condition,
    engine: Engine,
    inbound: Box<dyn Inbound>,
    tickets: Vec<Ticket>,
}

impl Job for Follow {
    type Setup = Streams;
    type State = State;
    /// When it began each of its streams, and when it was done with the last.
    type Output = Vec<Nanos>;
    /// Why a frame could not be had.
    type Error = String;

    fn init(setup: &Streams) -> Result<State, String> {
        let condition = Condition::parse(&setup.condition).map_err(|error| error.to_string())?;
        let mode = transport::by_name(&setup.mode).map_err(|error| error.to_string())?;
        Ok(State {
            engine: Engine::new(&condition.analysis(), setup.known.format),
            inbound: mode.inbound(&setup.known)?,
            tickets: setup.tickets.clone(),
            condition,
        })
    }

    fn run(&self, state: &mut State, _: &Context<'_>) -> Result<Vec<Nanos>, String> {
        let mut begun = Vec::with_capacity(self.searches.len() + 1);
        self.line.wait();
        for stream in 0..self.searches.len() {
            begun.push(now());
            self.follow(stream, state)?;
        }
        begun.push(now());
        Ok(begun)
    }
}

impl Follow {
    /// Analyses frame after frame of that stream until it is told that another has found it, or finds
    /// it itself: workers take turns to be the one in whose stream it is.
    fn follow(&self, stream: usize, state: &mut State) -> Result<(), String> {
        let mut search = self.searches[stream].seat(self.worker as u32);
        let has_it = stream % WORKERS == self.worker;
        for frame in 0.. {
            if search.should_stop(frame) {
                break;
            }
            let place = if has_it && frame == AT {
                FRAMES - 1
            } else {
                frame as usize % (FRAMES - 1)
            };
            let ticket = &state.tickets[self.worker * FRAMES + place];
            let view = state.inbound.open(ticket, &[])?;
            // Every row is counted, so that those in vain are; only every so many it looks.
            let go_on = |rows: u32| {
                search.worked(1);
                !rows.is_multiple_of(self.every) || !search.should_stop(frame)
            };
            let Ok(line) = state.engine.analyze_while(frame, view, 1, go_on) else {
                break;
            };
            search.worked(1);
            let finding = state.condition.evaluate(&line);
            if finding.map_err(|error| error.to_string())?.met {
                search.offer(frame, frame);
                break;
            }
        }
        Ok(())
    }
}
