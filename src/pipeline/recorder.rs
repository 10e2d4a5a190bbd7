//! Turns completed jobs into findings and histograms.

use super::batch::Shipped;
use super::gauge::Around;
use super::interval::Interval;
use super::job::{JobOutput, Order};
use super::kept::{Digested, Findings, Kept, Thumbnails};
use super::pace::{Lateness, Pace};
use super::policy::Dropped;
use super::trace::Tracer;
use crate::clock::{Nanos, now};
use crate::error::Result;
use crate::measure::{StageHistograms, Timeline};
use crate::pool::Trip;
use crate::stage::Stage;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records what one pass brings.
#[derive(Debug)]
pub(super) struct Recorder {
    first: u64,
    /// Whether jobs are serialised at all.
    crosses: bool,
    fps: Option<f64>,
    findings: Findings,
    /// Where thumbnails are kept, if they are.
    thumbnails: Option<Thumbnails>,
    /// Of the finding that came last.
    last_arrival: Nanos,
    lateness: Lateness,
    tally: Tally,
    /// The pass, beside what is recorded.
    around: Option<Arc<Around>>,
    timeline: Timeline<Interval>,
    /// Writes down where each frame was when, if that is wanted.
    tracer: Option<Tracer>,
}

/// What was counted and measured in a pass, or in several.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub stages: StageHistograms,
    pub shipped: Shipped,
    pub analysed: u64,
    pub failed: u64,
    /// Frames that were dropped, by the reason.
    pub dropped: BTreeMap<Dropped, u64>,
    pub misses: u64,
}

/// What is known when a pass has ended.
#[derive(Debug)]
pub(super) struct Pass {
    /// First dispatch to last finding.
    pub wall_ns: Nanos,
    /// When the first frame was dispatched, or due.
    pub begun: Nanos,
    /// Frames that were dispatched: all, unless the pass was cut short.
    pub frames: u64,
    /// Whether it kept up, if it was paced.
    pub pace: Option<Pace>,
    pub tally: Tally,
    /// From its beginning on.
    pub timeline: Timeline<Interval>,
    pub findings: Digested,
    /// Why more frames may have been to come, if the source has ended so.
    pub incomplete: Option<String>,
    /// What is to be said of the pass as a whole, a sentence each.
    pub notes: Vec<String>,
}

impl Tally {
    /// Frames that have ended, however.
    fn ended(&self) -> u64 {
        self.analysed + self.failed + self.dropped.values().sum::<u64>()
    }

    /// Adds what another pass has.
    pub(super) fn add(&mut self, other: &Self) {
        self.stages.merge(&other.stages);
        self.shipped += other.shipped;
        self.analysed += other.analysed;
        self.failed += other.failed;
        for (&why, frames) in &other.dropped {
            *self.dropped.entry(why).or_default() += frames;
        }
        self.misses += other.misses;
    }
}

impl Recorder {
    /// Of a pass over the frames from `first` on.
    pub(super) fn new(first: u64, crosses: bool, fps: Option<f64>, kept: Kept) -> Self {
        Self {
            first,
            crosses,
            fps,
            findings: kept.findings,
            thumbnails: kept.thumbnails,
            last_arrival: 0,
            lateness: Lateness::new(fps.unwrap_or(1.0)),
            tally: Tally::default(),
            around: None,
            timeline: Timeline::default(),
            tracer: None,
        }
    }

    /// Of a pass that is known by more than what is recorded, with a tracer, if there is one.
    pub(super) fn beside(self, around: Arc<Around>, tracer: Option<Tracer>) -> Self {
        Self {
            around: Some(around),
            tracer,
            ..self
        }
    }

    /// What was counted and measured so far.
    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether it keeps up so far, if it is paced.
    pub(super) fn keeps_up(&self) -> bool {
        self.lateness.pace().keeps_up
    }

    /// Whether it is clear that a paced pass falls behind.
    pub(super) fn is_hopeless(&self) -> bool {
        self.lateness.is_hopeless()
    }

    /// A job came back with its output.
    ///
    /// # Errors
    /// If what it brought is to be kept and cannot be.
    pub(super) fn done(&mut self, order: &Order, trip: &Trip, output: &JobOutput) -> Result<()> {
        let begun = self.tracer.is_some().then(now);
        if let Some(thumbnails) = &self.thumbnails {
            thumbnails.put(order.first - self.first, &output.thumbnails)?;
        }
        self.tally.shipped += output.shipped;
        self.last_arrival = self.last_arrival.max(trip.arrived);
        if self.crosses {
            self.tally.stages.record(Stage::Serialize, trip.serialize());
            self.tally.stages.record(Stage::Transfer, trip.transfer());
            self.tally
                .stages
                .record(Stage::Deserialize, trip.deserialize());
        }
        let packing = trip.packed - trip.pack_begin;
        for (step, frame) in output.frames.iter().enumerate() {
            // Of a frame in a slot: written by the parent, before it was submitted.
            let slot = order.leases.as_ref().map(|leases| &leases.frames[step]);
            let written = slot.map_or(0, |slot| slot.filled - slot.begin);
            let start = slot.map_or(order.due.unwrap_or(trip.submitted), |slot| slot.due);
            let queue = (trip.pack_begin - start - written)
                + (trip.serialize_begin - trip.packed)
                + (trip.awaited - trip.serialized)
                + (frame.load_begin - trip.received);
            let end_to_end = trip.arrived - start;
            for (stage, time) in [
                (Stage::Queue, queue),
                // In the parent, where the pixels are shipped; the frames of a batch share it.
                (
                    Stage::Load,
                    written + packing / order.count + (frame.loaded - frame.load_begin),
                ),
                (Stage::Compute, frame.computed - frame.loaded),
                (Stage::Return, trip.arrived - frame.computed),
                (Stage::EndToEnd, end_to_end),
                (Stage::Service, end_to_end.saturating_sub(queue)),
            ] {
                self.tally.stages.record(stage, time);
            }
            let index = order.first + step as u64;
            let mut is_late = false;
            if let Some(fps) = self.fps {
                let late = end_to_end as f64 / 1e9;
                self.lateness.push(index - self.first, late);
                is_late = late > 1.0 / fps;
            }
            self.tally.misses += u64::from(is_late);
            self.tally.analysed += u64::from(!frame.failed);
            self.tally.failed += u64::from(frame.failed);
            let interval = self.interval(trip.arrived);
            interval.end_to_end.record(end_to_end);
            interval.misses += u64::from(is_late);
            interval.analysed += u64::from(!frame.failed);
            interval.failed += u64::from(frame.failed);
            self.findings.put(index, &frame.line)?;
        }
        self.note_backlog(trip.arrived);
        if let (Some(tracer), Some(begun)) = (&mut self.tracer, begun) {
            tracer.done(order, trip, output, self.crosses, begun);
        }
        Ok(())
    }

    /// What happens at this time is noted there.
    fn interval(&mut self, at: Nanos) -> &mut Interval {
        let elapsed = self.around.as_ref().map_or(0, |around| around.elapsed(at));
        self.timeline.at(elapsed)
    }

    /// Some frames have just ended.
    fn note_backlog(&mut self, at: Nanos) {
        if let (Some(_), Some(around)) = (self.fps, &self.around) {
            let backlog = around.backlog(self.tally.ended(), at);
            let interval = self.interval(at);
            interval.backlog = interval.backlog.max(backlog);
        }
    }

    /// A frame ended without an output.
    ///
    /// # Errors
    /// If its line is to be kept and cannot be.
    pub(super) fn lost(&mut self, index: u64, line: &str, at: Nanos) -> Result<()> {
        self.last_arrival = self.last_arrival.max(at);
        let is_late = u64::from(self.fps.is_some());
        self.tally.misses += is_late;
        self.tally.failed += 1;
        let interval = self.interval(at);
        interval.misses += is_late;
        interval.failed += 1;
        self.note_backlog(at);
        if let Some(tracer) = &mut self.tracer {
            tracer.lost(index, at);
        }
        self.findings.put(index, line)
    }

    /// A frame was not analysed, on purpose.
    ///
    /// # Errors
    /// If its line is to be kept and cannot be.
    pub(super) fn dropped(&mut self, index: u64, why: Dropped, at: Nanos) -> Result<()> {
        self.last_arrival = self.last_arrival.max(at);
        *self.tally.dropped.entry(why).or_default() += 1;
        self.interval(at).dropped += 1;
        self.note_backlog(at);
        if let Some(tracer) = &mut self.tracer {
            tracer.dropped(index, why, at);
        }
        let line = format!(r#"{{"frame":{index},"dropped":"{why}"}}"#);
        self.findings.put(index, &line)
    }

    /// The pass, which began at `t0`, has ended after so many frames.
    ///
    /// # Errors
    /// If what is kept of it cannot be.
    pub(super) fn finish(self, t0: Nanos, frames: u64) -> Result<Pass> {
        if let Some(thumbnails) = self.thumbnails {
            thumbnails.resize(frames)?;
        }
        Ok(Pass {
            wall_ns: self.last_arrival.saturating_sub(t0),
            begun: t0,
            frames,
            pace: self.fps.map(|_| self.lateness.pace()),
            tally: self.tally,
            timeline: self.timeline,
            findings: self.findings.finish()?,
            incomplete: None,
            notes: Vec::new(),
        })
    }
}
