//! The job of a worker: a batch of consecutive frames, with the one that its analyzers look back
//! to.

use super::batch::{Batch, Shipped, Tickets};
use crate::analysis::{Analysis, Engine, failed_line};
use crate::clock::{Nanos, now};
use crate::coordination::SharedArray;
use crate::frame::FrameFormat;
use crate::handoff::{Lease, Slots};
use crate::pool::{Context, Job, Never, Pack, Packed, Pool, Shared};
use crate::source::Source;
use crate::transport::{self, Inbound, Known, Ticket, Transport};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is submitted: which frames of the stream.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The first frame to analyse.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// When the first of them was due, if the run is paced.
    pub due: Option<Nanos>,
    /// Where they are, if they are in slots: held as long as the job may be sent again.
    pub leases: Option<Arc<Leases>>,
}

/// Frames of a job that are in slots.
#[derive(Debug)]
pub(super) struct Leases {
    pub frames: Vec<InSlot>,
    /// The frame before the first, if an analyzer looks back to it.
    look_back: Mutex<LookBack>,
}

/// A frame in its slot.
#[derive(Clone, Debug)]
pub(super) struct InSlot {
    pub lease: Lease,
    /// When it was due, or had begun to come.
    pub due: Nanos,
    /// When its slot was begun to be written.
    pub begin: Nanos,
    /// When that was done.
    pub filled: Nanos,
}

#[derive(Debug)]
struct LookBack {
    lease: Option<Lease>,
    /// A worker has been told of it, or that there is none.
    is_told: bool,
}

impl Order {
    /// One frame of it, which is among them.
    pub(super) fn one(&self, frame: u64) -> Self {
        let leases = self.leases.as_ref().map(|all| {
            let place = (frame - self.first) as usize;
            let look_back = match place {
                0 => all.look_back().lease.clone(),
                _ => Some(all.frames[place - 1].lease.clone()),
            };
            Arc::new(Leases::new(vec![all.frames[place].clone()], look_back))
        });
        Self {
            first: frame,
            count: 1,
            due: self.due,
            leases,
        }
    }
}

impl Leases {
    pub(super) fn new(frames: Vec<InSlot>, look_back: Option<Lease>) -> Self {
        Self {
            frames,
            look_back: Mutex::new(LookBack {
                lease: look_back,
                is_told: false,
            }),
        }
    }

    fn look_back(&self) -> MutexGuard<'_, LookBack> {
        self.look_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up the frame that is looked back to, unless a worker may be at it.
    pub(super) fn forget_look_back(&self) {
        let mut look_back = self.look_back();
        if !look_back.is_told {
            look_back.lease = None;
        }
    }

    /// Whether a worker has been told of them.
    pub(super) fn is_told(&self) -> bool {
        self.look_back().is_told
    }

    /// The tickets of the frame that is looked back to and of the frames themselves, for a worker.
    fn tickets(&self) -> (Option<Ticket>, Vec<Ticket>) {
        let ticket = |lease: &Lease| Ticket::Slot(lease.ticket());
        let mut look_back = self.look_back();
        look_back.is_told = true;
        let frames = self.frames.iter().map(|frame| ticket(&frame.lease));
        (look_back.lease.as_ref().map(ticket), frames.collect())
    }
}

/// What crosses: the tickets of those frames.
#[derive(Debug, Serialize, Deserialize)]
pub struct FrameJob {
    batch: Batch,
    shipped: Shipped,
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
pub struct JobOutput {
    pub(super) frames: Vec<FrameOutput>,
    /// Their thumbnails, zeros for a frame that failed; empty if none are made.
    pub(super) thumbnails: Shared,
    pub(super) shipped: Shipped,
    /// The process that it was done in.
    pub(super) pid: u32,
    /// Which of the workers did it.
    pub(super) worker: u32,
}

/// One frame's line of the findings, and when what happened to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FrameOutput {
    pub line: String,
    pub failed: bool,
    pub load_begin: Nanos,
    pub loaded: Nanos,
    pub computed: Nanos,
}

/// What a worker is told once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    pub(super) mode: String,
    pub(super) analysis: Analysis,
    pub(super) known: Known,
    pub(super) live: SharedArray<u64>,
    pub(super) workers: usize,
}

/// What a worker keeps: its end of the transport, and its analyzers.
pub struct State {
    inbound: Box<dyn Inbound>,
    engine: Engine,
    /// Bytes of a thumbnail, 0 if none are made.
    thumbnail: usize,
    live: SharedArray<u64>,
    workers: usize,
    pid: u32,
}

/// The workers of a run.
pub(super) struct FramePool {
    pub pool: Pool<FrameJob, Packer>,
    /// Frames that each of them has ended so far: counted as they go, jobs may be long.
    pub live: SharedArray<u64>,
    /// Where frames are written, if the mode uses slots.
    pub slots: Option<Slots>,
}

impl Job for FrameJob {
    type Setup = Setup;
    type State = State;
    type Output = JobOutput;
    /// A frame that fails is part of the output.
    type Error = Never;

    fn init(setup: &Setup) -> Result<State, String> {
        let mode = transport::by_name(&setup.mode).map_err(|error| error.to_string())?;
        let (analysis, format) = (&setup.analysis, setup.known.format);
        let thumbnail = analysis.thumbnail(format);
        Ok(State {
            inbound: mode.inbound(&setup.known)?,
            engine: Engine::new(analysis, format),
            thumbnail: thumbnail.map_or(0, |format| format.bytes()),
            live: setup.live.clone(),
            workers: setup.workers,
            pid: std::process::id(),
        })
    }

    fn run(&self, state: &mut State, context: &Context<'_>) -> Result<JobOutput, Never> {
        let State {
            inbound,
            engine,
            thumbnail,
            live,
            workers,
            pid,
        } = state;
        let live = live.slice(context.worker(), *workers);
        let bulk = context.bulk();
        let mut frames = Vec::with_capacity(self.batch.len());
        let mut thumbnails = context.lend(self.batch.len() * *thumbnail);
        context.step(0);
        let mut begin = now();
        // What the look-back takes is the first frame's, which needs it: to get there, its load, and to be
        // shown to the analyzers, its compute, as though both frames had been loaded first.
        let mut primed = self.batch.prime(&mut **inbound, engine, bulk);
        for (step, index, ticket) in self.batch.frames() {
            context.step(step);
            let opened = inbound.open(ticket, bulk);
            let loaded = now() - std::mem::take(&mut primed);
            let analysed = opened.map(|view| engine.analyze(index, view));
            // What was read may not have been the frame: then nothing that was found counts.
            let analysed = analysed.and_then(|line| inbound.confirm(ticket).map(|()| line));
            let (line, failed) = match analysed {
                Ok(line) => {
                    if let Some(small) = engine.thumbnail() {
                        let place = step as usize * *thumbnail;
                        thumbnails[place..][..*thumbnail].copy_from_slice(small.bytes());
                    }
                    (line, false)
                }
                Err(why) => {
                    engine.forget();
                    (failed_line(index, &why), true)
                }
            };
            let computed = now();
            frames.push(FrameOutput {
                line,
                failed,
                load_begin: begin,
                loaded,
                computed,
            });
            live.add(0, 1);
            begin = computed;
        }
        Ok(JobOutput {
            frames,
            thumbnails: thumbnails.finish(),
            shipped: self.shipped,
            pid: *pid,
            worker: context.worker() as u32,
        })
    }
}

/// Makes jobs out of orders: the parent's end of a transport.
#[derive(Clone)]
pub(super) struct Packer {
    /// Of frames that are not in slots.
    tickets: Option<Tickets>,
    format: FrameFormat,
    is_light: bool,
}

impl Packer {
    pub(super) fn new(mode: &'static dyn Transport, source: &Source, looks_back: bool) -> Self {
        let set = source.set().cloned();
        Self {
            tickets: set.and_then(|set| Tickets::new(mode, set, looks_back)),
            format: source.format(),
            is_light: Tickets::are_light(mode),
        }
    }
}

impl Pack for Packer {
    type Order = Order;
    type Job = FrameJob;

    fn pack<'a>(&mut self, order: &'a Order, bulk: &mut Vec<u8>) -> Packed<'a, FrameJob> {
        let (batch, shipped) = match (&order.leases, &mut self.tickets) {
            (Some(leases), _) => {
                let (look_back, frames) = leases.tickets();
                Batch::new(order.first, look_back, frames, self.format)
            }
            (None, Some(tickets)) => tickets.batch(order.first..order.first + order.count, bulk),
            (None, None) => unreachable!("a mode without slots makes tickets"),
        };
        Packed::Owned(FrameJob { batch, shipped })
    }

    fn is_light(&self) -> bool {
        self.is_light
    }

    fn rest(&mut self) {
        if let Some(tickets) = &mut self.tickets {
            tickets.rest();
        }
    }
}
