//! Turns completed jobs into findings and histograms.

use super::batch::Shipped;
use super::job::{JobOutput, Order};
use super::pace::Lateness;
use super::thumbnails::Thumbnails;
use crate::clock::Nanos;
use crate::error::Result;
use crate::measure::StageHistograms;
use crate::pool::Trip;
use crate::stage::Stage;
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
            misses: 0,
            lateness: Lateness::new(fps.unwrap_or(1.0)),
            last_arrival: 0,
        }
    }

    /// A job came back with its output.
    ///
    /// # Errors
    /// If its thumbnails are to be kept and cannot be.
    pub(super) fn done(&mut self, order: &Order, trip: &Trip, output: JobOutput) -> Result<()> {
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
        let start = order.due.unwrap_or(trip.submitted);
        for (step, frame) in output.frames.into_iter().enumerate() {
            let queue = (trip.pack_begin - start)
                + (trip.serialize_begin - trip.packed)
                + (trip.awaited - trip.serialized)
                + (frame.load_begin - trip.received);
            let end_to_end = trip.arrived - start;
            for (stage, time) in [
                (Stage::Queue, queue),
                // In the parent, where the pixels are shipped; the frames of a batch share it.
                (
                    Stage::Load,
                    packing / order.count + (frame.loaded - frame.load_begin),
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
            self.line(index, frame.line, frame.failed);
        }
        Ok(())
    }

    /// A frame ended without an output.
    pub(super) fn lost(&mut self, index: u64, line: String, at: Nanos) {
        self.last_arrival = self.last_arrival.max(at);
        self.misses += u64::from(self.fps.is_some());
        self.line(index, line, true);
    }

    fn line(&mut self, index: u64, line: String, failed: bool) {
        self.failed += u64::from(failed);
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
