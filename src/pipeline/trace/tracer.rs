//! One pass, as it is written to a trace.

use super::super::gauge::Around;
use super::super::job::{FrameOutput, InSlot, JobOutput, Order};
use super::super::policy::Dropped;
use super::events::{Args, Events, Flow, Lane, Track};
use super::lanes::Lanes;
use super::{Place, Trace};
use crate::clock::{Nanos, now};
use crate::pool::Trip;
use crate::stage::Stage;
use std::sync::Arc;

/// Writes what becomes of a pass's frames.
#[derive(Debug)]
pub(in super::super) struct Tracer {
    trace: Trace,
    around: Arc<Around>,
    lanes: Lanes,
    /// Frames that have ended.
    ended: u64,
    /// When the counters are written next.
    next_count: Nanos,
}

/// Backlog and memory are written no more often than this.
const COUNT: Nanos = 50_000_000;

impl Tracer {
    pub(super) fn new(trace: Trace, around: Arc<Around>) -> Self {
        Self {
            trace,
            around,
            lanes: Lanes::default(),
            ended: 0,
            next_count: 0,
        }
    }

    /// A job came back with its output, which was begun to be recorded at `begun` and is recorded
    /// now; `crosses` says whether it was serialised at all.
    pub(in super::super) fn done(
        &mut self,
        order: &Order,
        trip: &Trip,
        output: &JobOutput,
        crosses: bool,
        begun: Nanos,
    ) {
        let mode = self.around.mode();
        let mut state = self.trace.lock();
        let worker = state.track(Place::Worker(mode, output.worker, output.pid));
        let findings = state.track(Place::Findings(mode));
        let sender = match crosses {
            true => state.track(Place::To(mode, output.worker)),
            // Made where it is done.
            false => worker,
        };
        let source = order.leases.as_ref();
        let source = source.map(|_| state.track(Place::Source(mode)));
        let job = Job {
            order,
            trip,
            worker,
            sender,
            crosses,
        };
        job.write(&mut state.events);
        for (step, frame) in output.frames.iter().enumerate() {
            let flow = state.next_flow();
            let events = &mut state.events;
            let slot = order.leases.as_ref().map(|leases| &leases.frames[step]);
            let way = Way {
                number: order.first + step as u64,
                start: slot.map_or(order.due.unwrap_or(trip.submitted), |slot| slot.due),
                slot,
                frame,
            };
            let lane = Lane {
                pid: std::process::id(),
                group: mode,
                number: self.lanes.take(way.start, trip.arrived),
            };
            way.write(events, &job, lane, self.around.number() as u64);
            let (track, at) = match source.zip(slot) {
                Some((source, slot)) => {
                    let written = (slot.begin, slot.filled);
                    slice(events, source, Stage::Load, written, &way.args());
                    (source, slot.begin)
                }
                None => (sender, trip.pack_begin),
            };
            events.flow(Flow::Start, track, flow, at);
            events.flow(Flow::Step, worker, flow, frame.loaded);
        }
        self.ended += order.count;
        let last_flow = state.flows;
        let events = &mut state.events;
        let recorded = now();
        events.slice(findings, "record", (begun, recorded), &job.args());
        // An arrow leads to what was written before it.
        for flow in last_flow + 1 - output.frames.len() as u64..=last_flow {
            events.flow(Flow::End, findings, flow, begun);
        }
        if recorded >= self.next_count {
            self.next_count = recorded + COUNT;
            let (own, memory) = (findings.pid, self.around.memory());
            let backlog = self.around.backlog(self.ended, recorded);
            events.counter(own, "backlog", recorded, &[("frames", backlog)]);
            let memory = [
                ("anonymous", memory.anon_bytes),
                ("shared", memory.shared_bytes),
            ];
            events.counter(own, "memory", recorded, &memory);
        }
    }

    /// A frame failed with what it was in.
    pub(in super::super) fn lost(&mut self, frame: u64, at: Nanos) {
        self.instant("failed", frame, at);
    }

    /// A frame was not analysed, on purpose.
    pub(in super::super) fn dropped(&mut self, frame: u64, why: Dropped, at: Nanos) {
        self.instant(&format!("dropped: {why}"), frame, at);
    }

    fn instant(&mut self, what: &str, frame: u64, at: Nanos) {
        self.ended += 1;
        let mut state = self.trace.lock();
        let findings = state.track(Place::Findings(self.around.mode()));
        state
            .events
            .instant(findings, what, at, &[("frame", frame)]);
    }
}

/// A job that came back.
struct Job<'a> {
    order: &'a Order,
    trip: &'a Trip,
    worker: Track,
    sender: Track,
    crosses: bool,
}

impl Job<'_> {
    /// The first frame, and how many.
    fn args(&self) -> [(&'static str, u64); 2] {
        [("frame", self.order.first), ("frames", self.order.count)]
    }

    /// What is done once for all its frames.
    fn write(&self, events: &mut Events) {
        let (trip, args) = (self.trip, self.args());
        let packing = (trip.pack_begin, trip.packed);
        slice(events, self.sender, Stage::Load, packing, &args);
        if !self.crosses {
            return;
        }
        for (track, stage, span) in [
            (
                self.sender,
                Stage::Serialize,
                (trip.serialize_begin, trip.serialized),
            ),
            (
                self.worker,
                Stage::Transfer,
                (trip.awaited, trip.deserialize_begin),
            ),
            (
                self.worker,
                Stage::Deserialize,
                (trip.deserialize_begin, trip.deserialized),
            ),
        ] {
            slice(events, track, stage, span, &args);
        }
        // What was sent beside it.
        if trip.received > trip.deserialized {
            let rest = (trip.deserialized, trip.received);
            slice(events, self.worker, Stage::Transfer, rest, &args);
        }
    }
}

/// The way of one frame of a job.
struct Way<'a> {
    number: u64,
    /// When it was due, or was submitted.
    start: Nanos,
    slot: Option<&'a InSlot>,
    frame: &'a FrameOutput,
}

impl Way<'_> {
    fn args(&self) -> [(&'static str, u64); 1] {
        [("frame", self.number)]
    }

    /// What is done for it alone, and what it waits for.
    fn write(&self, events: &mut Events, job: &Job<'_>, lane: Lane<'_>, pass: u64) {
        let (trip, frame) = (job.trip, self.frame);
        let args = [
            ("frame", self.number),
            ("pass", pass),
            ("failed", u64::from(frame.failed)),
        ];
        events.begin(lane, "frame", self.start, &args);
        let waits = [
            self.slot.map(|slot| (self.start, slot.begin)),
            Some((
                self.slot.map_or(self.start, |slot| slot.filled),
                trip.pack_begin,
            )),
            Some((trip.packed, trip.serialize_begin)),
            Some((trip.serialized, trip.awaited)),
            Some((trip.received, frame.load_begin)),
        ];
        let mut waits = waits.into_iter().flatten();
        let mut wait = |stage: Stage, (begin, end): (Nanos, Nanos)| {
            events.begin(lane, stage.name(), begin, &[]);
            events.end(lane, stage.name(), end);
        };
        // The first is there even if it was none, so that each frame has its stages.
        waits
            .next()
            .into_iter()
            .for_each(|span| wait(Stage::Queue, span));
        let rest = waits.filter(|(begin, end)| end > begin);
        rest.for_each(|span| wait(Stage::Queue, span));
        wait(Stage::Return, (frame.computed, trip.arrived));
        events.end(lane, "frame", trip.arrived);
        let own = self.args();
        let loading = (frame.load_begin, frame.loaded);
        slice(events, job.worker, Stage::Load, loading, &own);
        let computing = (frame.loaded, frame.computed);
        slice(events, job.worker, Stage::Compute, computing, &own);
    }
}

fn slice(events: &mut Events, track: Track, stage: Stage, span: (Nanos, Nanos), args: Args<'_>) {
    events.slice(track, stage.name(), span, args);
}
