//! The job of a worker in a search: a batch of consecutive frames, up to the first that settles it.

use super::super::batch::{Batch, Tickets};
use super::plan::Stream;
use super::rows::Rows;
use crate::analysis::{Abandoned, Condition, Engine};
use crate::clock::{Nanos, now};
use crate::coordination::{Every, FirstFound, Searcher};
use crate::pool::{Context, Job, Never, Pack, Packed, Pool};
use crate::transport::{self, Inbound, Known};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// More findings than any condition can name.
const MOST_VALUES: usize = 16;

/// What a condition looked at in the frame that met it, in its order; a finding that is null, and a
/// place that none has, is NaN. It lies with the result of the search: whoever found it may die
/// before it can say more.
pub(super) type Values = [f64; MOST_VALUES];

/// What is submitted.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The number of the stream.
    pub stream: usize,
    pub frames: Range<u64>,
    /// None if all frames are wanted.
    pub search: Option<FirstFound<Values>>,
}

/// What crosses: the tickets of those frames, none if nobody needs them any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindJob {
    stream: usize,
    batch: Batch,
    search: Option<FirstFound<Values>>,
}

/// What comes back: how frames ended, from the batch's first on. Those behind them need not have
/// been touched.
#[derive(Debug, Serialize, Deserialize)]
pub struct JobOutput {
    pub(super) worker: usize,
    pub(super) ends: Vec<End>,
}

/// How a frame ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum End {
    /// It does not meet the condition.
    Unmet,
    /// It does, with these values.
    Met(Vec<Option<f64>>),
    /// It was given up after so many rows, at that moment: the search was over.
    Abandoned { rows: u32, at: Nanos },
    /// It could not be had, for this reason.
    Failed(String),
}

/// What a worker is told once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    /// As text, which says all of it.
    pub(super) condition: String,
    pub(super) check_every: Every,
    /// Each stream's mode and files.
    pub(super) streams: Arc<[(String, Known)]>,
}

/// What a worker keeps.
pub struct State {
    condition: Condition,
    check_every: Every,
    streams: Arc<[(String, Known)]>,
    /// Its ends of the stream that it is at. Streams come one after the other, so that it rarely
    /// has to go back to one.
    at: Option<Open>,
}

/// The worker's ends of a stream.
struct Open {
    stream: usize,
    inbound: Box<dyn Inbound>,
    engine: Engine,
    rows: Rows,
}

impl State {
    fn open(&mut self, stream: usize) -> Result<(&Condition, &mut Open), String> {
        let open = match self.at.take() {
            Some(open) if open.stream == stream => open,
            _ => {
                let (mode, known) = &self.streams[stream];
                let mode = transport::by_name(mode).map_err(|error| error.to_string())?;
                Open {
                    stream,
                    inbound: mode.inbound(&known.with_own_maps())?,
                    engine: Engine::new(&self.condition.analysis(), known.format),
                    rows: Rows::new(self.check_every, known.format),
                }
            }
        };
        Ok((&self.condition, self.at.insert(open)))
    }
}

impl Job for FindJob {
    type Setup = Setup;
    type State = State;
    type Output = JobOutput;
    /// A frame that fails is part of the output.
    type Error = Never;

    fn init(setup: &Setup) -> Result<State, String> {
        let condition = Condition::parse(&setup.condition).map_err(|error| error.to_string())?;
        Ok(State {
            condition,
            check_every: setup.check_every,
            streams: setup.streams.clone(),
            at: None,
        })
    }

    fn run(&self, state: &mut State, context: &Context<'_>) -> Result<JobOutput, Never> {
        let worker = context.worker();
        let mut output = JobOutput {
            worker,
            ends: Vec::with_capacity(self.batch.len()),
        };
        // Anew for each job: one that a dead worker left behind may come after later frames.
        let mut search = self.search.as_ref().map(|all| all.seat(worker as u32));
        let first = self.batch.frames().next().map(|(_, frame, _)| frame);
        if first.is_none_or(|first| is_over(&mut search, first)) {
            return Ok(output);
        }
        let (condition, open) = match state.open(self.stream) {
            Ok(opened) => opened,
            Err(why) => {
                let failed = self.batch.frames().map(|_| End::Failed(why.clone()));
                output.ends.extend(failed);
                return Ok(output);
            }
        };
        let bulk = context.bulk();
        context.step(0);
        let Open {
            inbound,
            engine,
            rows,
            ..
        } = open;
        self.batch.prime(&mut **inbound, engine, bulk);
        for (step, frame, ticket) in self.batch.frames() {
            context.step(step);
            if is_over(&mut search, frame) {
                break;
            }
            let view = match inbound.open(ticket, bulk) {
                Ok(view) => view,
                Err(why) => {
                    output.ends.push(End::Failed(why));
                    continue;
                }
            };
            let begin = now();
            let go_on = |_| !is_over(&mut search, frame);
            let line = match engine.analyze_while(frame, view, rows.every(), go_on) {
                Ok(line) => line,
                Err(Abandoned { rows }) => {
                    output.ends.push(End::Abandoned { rows, at: now() });
                    break;
                }
            };
            rows.learn(now() - begin);
            let end = judge(condition, &line);
            if let (End::Met(values), Some(search)) = (&end, &mut search) {
                search.offer(frame, to_fixed(values));
                output.ends.push(end);
                // Nothing behind it in this batch can win.
                break;
            }
            output.ends.push(end);
        }
        Ok(output)
    }
}

fn is_over(search: &mut Option<Searcher<Values>>, frame: u64) -> bool {
    search
        .as_mut()
        .is_some_and(|search| search.should_stop(frame))
}

fn judge(condition: &Condition, line: &str) -> End {
    match condition.evaluate(line) {
        Ok(evaluation) if evaluation.met => {
            let values = evaluation.values.into_iter();
            End::Met(values.map(|(_, value)| value).collect())
        }
        Ok(_) => End::Unmet,
        Err(error) => End::Failed(error.to_string()),
    }
}

fn to_fixed(values: &[Option<f64>]) -> Values {
    let mut fixed = [f64::NAN; MOST_VALUES];
    for (place, value) in fixed.iter_mut().zip(values) {
        *place = value.unwrap_or(f64::NAN);
    }
    fixed
}

/// The first so many of the values.
pub(super) fn from_fixed(values: &Values, count: usize) -> Vec<Option<f64>> {
    let values = values.iter().take(count);
    values
        .map(|value| Some(*value).filter(|value| !value.is_nan()))
        .collect()
}

/// Makes jobs out of orders: the parent's ends of the transports.
pub(super) struct Packer {
    streams: Arc<[Stream]>,
    looks_back: bool,
    is_light: bool,
    /// Its end of the stream that it is at.
    at: Option<(usize, Tickets)>,
}

/// The pool of a search.
pub(super) type FindPool = Pool<FindJob, Packer>;

impl Packer {
    pub(super) fn new(streams: Arc<[Stream]>, looks_back: bool) -> Self {
        Self {
            is_light: streams.iter().all(|stream| Tickets::are_light(stream.mode)),
            streams,
            looks_back,
            at: None,
        }
    }

    fn open(&mut self, number: usize) -> &mut Tickets {
        let (_, tickets) = match self.at.take() {
            Some(open) if open.0 == number => self.at.insert(open),
            _ => {
                let Stream { mode, set, .. } = &self.streams[number];
                let tickets = Tickets::new(*mode, set.clone(), self.looks_back);
                let tickets = tickets.expect("a search's modes make tickets: its plan saw to it");
                self.at.insert((number, tickets))
            }
        };
        tickets
    }
}

impl Clone for Packer {
    fn clone(&self) -> Self {
        Self::new(self.streams.clone(), self.looks_back)
    }
}

impl Pack for Packer {
    type Order = Order;
    type Job = FindJob;

    fn pack<'a>(&mut self, order: &'a Order, bulk: &mut Vec<u8>) -> Packed<'a, FindJob> {
        let search = order.search.clone();
        // What has waited for a search that is over is sent empty, or pixels would be hauled that
        // nobody looks at.
        let over = search
            .as_ref()
            .is_some_and(|search| search.is_over(order.frames.start));
        let batch = if over {
            Batch::default()
        } else {
            self.open(order.stream).batch(order.frames.clone(), bulk).0
        };
        Packed::Owned(FindJob {
            stream: order.stream,
            batch,
            search,
        })
    }

    fn is_light(&self) -> bool {
        self.is_light
    }

    fn rest(&mut self) {
        self.at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_room_for_its_values_and_gets_them_back() {
        assert!(Condition::all_findings().len() <= MOST_VALUES);
        let values = [Some(2.5), None, Some(-0.0), Some(f64::MAX)];
        assert_eq!(from_fixed(&to_fixed(&values), 4), values);
    }
}
