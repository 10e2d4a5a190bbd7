//! Turns completed jobs into findings and histograms.

use super::batch::Shipped;
use super::job::{JobOutput, Order};
use super::pace::Lateness;
use super::plan::Dropped;
use super::thumbnails::Thumbnails;
use crate::clock::Nanos;
use crate::error::Result;
use crate::measure::StageHistograms;
use crate::pool::Trip;
use crate::stage::Stage;
use std::collections::BTreeMap;
use std::ops::Range;

/// What one pass has brought so far.
#[derive(Debug)]
pub(super) struct Recorder {
    frames: Range<u64>,
    /// Whether jobs are serialised at all.
    crosses: bool,
    fps: Option<f64>,
    /// By frame of the range; as long as the last one that has ended.
    lines: Vec<Option<String>>,
    /// Where thumbnails are kept, if they are.
    thumbnails: Option<Thumbnails>,
    pub stages: StageHistograms,
    pub shipped: Shipped,
    pub failed: u64,
    /// Frames that were dropped, by the reason.
    pub dropped: BTreeMap<Dropped, u64>,
    /// When each frame is to be shown, in seconds, if its source says.
    pub times: Vec<f64>,
    /// What is to be said of the pass as a whole.
    pub notes: Vec<String>,
    pub misses: u64,
    pub lateness: Lateness,
    pub last_arrival: Nanos,
}

impl Recorder {
    pub(super) fn new(
        frames: Range<u64>,
        crosses: bool,
        fps: Option<f64>,
        thumbnails: Option<Thumbnails>,
    ) -> Self {
        Self {
            lines: Vec::new(),
            thumbnails,
            frames,
            crosses,
            fps,
            stages: StageHistograms::new(),
            shipped: Shipped::default(),
            failed: 0,
            dropped: BTreeMap::new(),
            times: Vec::new(),
            notes: Vec::new(),
            misses: 0,
            lateness: Lateness::new(fps.unwrap_or(1.0)),
            last_arrival: 0,
        }
    }

    /// A job came back with its output.
    ///
    /// # Errors
    /// If its thumbnails are to be kept and cannot be.
    pub(super) fn done(&mut self, order: &Order, trip: &Trip, output: &JobOutput) -> Result<()> {
        if let Some(thumbnails) = &self.thumbnails {
            thumbnails.put(order.first - self.frames.start, &output.thumbnails)?;
        }
        self.shipped.frames += output.shipped.frames;
        self.shipped.overlap += output.shipped.overlap;
        self.last_arrival = self.last_arrival.max(trip.arrived);
        if self.crosses {
            self.stages.record(Stage::Serialize, trip.serialize());
            self.stages.record(Stage::Transfer, trip.transfer());
            self.stages.record(Stage::Deserialize, trip.deserialize());
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
                self.stages.record(stage, time);
            }
            let index = order.first + step as u64;
            if let Some(fps) = self.fps {
                let late = end_to_end as f64 / 1e9;
                self.lateness.push(index - self.frames.start, late);
                self.misses += u64::from(late > 1.0 / fps);
            }
            self.failed += u64::from(frame.failed);
            self.line(index, frame.line.clone());
        }
        Ok(())
    }

    /// A frame ended without an output.
    pub(super) fn lost(&mut self, index: u64, line: String, at: Nanos) {
        self.last_arrival = self.last_arrival.max(at);
        self.misses += u64::from(self.fps.is_some());
        self.failed += 1;
        self.line(index, line);
    }

    /// A frame was not analysed, on purpose.
    pub(super) fn dropped(&mut self, index: u64, why: Dropped, at: Nanos) {
        self.last_arrival = self.last_arrival.max(at);
        *self.dropped.entry(why).or_default() += 1;
        self.line(index, format!(r#"{{"frame":{index},"dropped":"{why}"}}"#));
    }

    fn line(&mut self, index: u64, line: String) {
        let at = (index - self.frames.start) as usize;
        if self.lines.len() <= at {
            self.lines.resize(at + 1, None);
        }
        let place = &mut self.lines[at];
        debug_assert!(place.is_none(), "frame {index} ended twice");
        *place = Some(line);
    }

    /// The pass has ended, after so many frames.
    ///
    /// # Errors
    /// If thumbnails are kept and cannot be.
    pub(super) fn end(&mut self, frames: u64) -> Result<()> {
        match self.thumbnails.take() {
            Some(thumbnails) => thumbnails.resize(frames),
            None => Ok(()),
        }
    }

    /// The findings in frame order, up to the last frame that was dispatched.
    pub(super) fn into_findings(self) -> Vec<String> {
        self.lines.into_iter().flatten().collect()
    }
}
