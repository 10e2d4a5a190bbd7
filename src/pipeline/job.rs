//! The job of a worker: a batch of consecutive frames, with the one that its analyzers look back
//! to.

use super::batch::{Batch, Shipped, Tickets};
use crate::analysis::{Analysis, Engine, failed_line};
use crate::clock::{Nanos, now};
use crate::coordination::SharedArray;
use crate::pool::{Context, Job, Never, Pack, Packed, Pool, Shared};
use crate::source::FrameSet;
use crate::transport::{self, Files, Inbound, Transport};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is submitted: which frames of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// The first frame to analyse.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// When the first of them was due, if the run is paced.
    pub due: Option<Nanos>,
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
    pub(super) files: Files,
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
}

/// The workers of a run.
pub(super) struct FramePool {
    pub pool: Pool<FrameJob, Packer>,
    /// Frames that each of them has ended so far: counted as they go, jobs may be long.
    pub live: SharedArray<u64>,
}

impl Job for FrameJob {
    type Setup = Setup;
    type State = State;
    type Output = JobOutput;
    /// A frame that fails is part of the output.
    type Error = Never;

    fn init(setup: &Setup) -> Result<State, String> {
        let mode = transport::by_name(&setup.mode).map_err(|error| error.to_string())?;
        let (analysis, format) = (&setup.analysis, setup.files.format);
        let thumbnail = analysis.thumbnail(format);
        Ok(State {
            inbound: mode.inbound(&setup.files),
            engine: Engine::new(analysis, format),
            thumbnail: thumbnail.map_or(0, |format| format.bytes()),
            live: setup.live.clone(),
            workers: setup.workers,
        })
    }

    fn run(&self, state: &mut State, context: &Context<'_>) -> Result<JobOutput, Never> {
        let State {
            inbound,
            engine,
            thumbnail,
            live,
            workers,
        } = state;
        let live = live.slice(context.worker(), *workers);
        let bulk = context.bulk();
        let mut frames = Vec::with_capacity(self.batch.len());
        let mut thumbnails = context.lend(self.batch.len() * *thumbnail);
        context.step(0);
        let mut begin = now();
        // The look-back's time counts towards the first frame's load, which needs it.
        self.batch.prime(&mut **inbound, engine, bulk);
        for (step, index, ticket) in self.batch.frames() {
            context.step(step);
            let opened = inbound.open(ticket, bulk);
            let loaded = now();
            let (line, failed) = match opened {
                Ok(view) => {
                    let line = engine.analyze(index, view);
                    if let Some(small) = engine.thumbnail() {
                        let place = step as usize * *thumbnail;
                        thumbnails[place..][..*thumbnail].copy_from_slice(small.bytes());
                    }
                    (line, false)
                }
                Err(why) => (failed_line(index, &why), true),
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
        })
    }
}

/// Makes jobs out of orders: the parent's end of a transport.
#[derive(Clone)]
pub(super) struct Packer {
    tickets: Tickets,
    is_light: bool,
}

impl Packer {
    pub(super) fn new(mode: &'static dyn Transport, set: Arc<FrameSet>, looks_back: bool) -> Self {
        Self {
            tickets: Tickets::new(mode, set, looks_back),
            is_light: Tickets::are_light(mode),
        }
    }
}

impl Pack for Packer {
    type Order = Order;
    type Job = FrameJob;

    fn pack<'a>(&mut self, order: &'a Order, bulk: &mut Vec<u8>) -> Packed<'a, FrameJob> {
        let frames = order.first..order.first + order.count;
        let (batch, shipped) = self.tickets.batch(frames, bulk);
        Packed::Owned(FrameJob { batch, shipped })
    }

    fn is_light(&self) -> bool {
        self.is_light
    }

    fn rest(&mut self) {
        self.tickets.rest();
    }
}
