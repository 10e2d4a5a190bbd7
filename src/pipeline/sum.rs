//! The measured passes of a mode, added up.

use super::interval::Interval;
use super::outcome::Totals;
use super::pace::Pace;
use super::passes::Side;
use super::plan::Plan;
use super::recorder::{Pass, Tally};
use crate::clock::Nanos;
use crate::measure::{MemoryPeak, Noise, Timeline, Usage};

/// A measured pass.
pub(super) struct Measured {
    pub pass: Pass,
    pub memory: MemoryPeak,
    pub parent: Side,
    pub workers: Side,
    pub noise: Noise,
    /// The share of the input that was in the page cache when it began.
    pub cache_resident: f64,
}

impl Measured {
    /// What parent and workers used together.
    pub(super) fn usage(&self) -> Usage {
        self.parent.usage + self.workers.usage
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Sum {
    walls: Vec<Nanos>,
    frames: u64,
    /// Of each pass, if they were paced.
    paces: Vec<Pace>,
    pub tally: Tally,
    /// The passes, one after the other.
    pub timeline: Timeline<Interval>,
    /// Frames of the shortest pass.
    pub shortest: u64,
    pub usage: Usage,
    pub memory: MemoryPeak,
    /// What the first pass found.
    pub findings_digest: String,
    pub incomplete: Option<String>,
    pub disagreement: Option<String>,
    pub notes: Vec<String>,
}

impl Sum {
    pub(super) fn of(plan: &Plan, passes: Vec<Measured>) -> Self {
        let planned = plan.frames.end - plan.frames.start;
        let mut sum = Self {
            shortest: planned,
            ..Self::default()
        };
        for (number, measured) in (1..).zip(passes) {
            let frames = measured.pass.frames;
            sum.add(number, measured);
            if plan.cut_short && frames < planned {
                sum.notes.push(format!(
                    "the pace was cut short after {frames} of {planned} frames, when it was clear \
                     that the mode falls behind"
                ));
            }
        }
        sum
    }

    fn add(&mut self, number: usize, measured: Measured) {
        self.usage = self.usage + measured.usage();
        let Measured { pass, memory, .. } = measured;
        self.walls.push(pass.wall_ns);
        self.frames += pass.frames;
        self.shortest = self.shortest.min(pass.frames);
        self.paces.extend(pass.pace);
        self.tally.add(&pass.tally);
        self.timeline.append(&pass.timeline, pass.wall_ns);
        self.memory = self.memory.max(memory);
        self.notes.extend(pass.notes);
        self.incomplete = self.incomplete.take().or(pass.incomplete);
        if number == 1 {
            self.findings_digest = pass.findings.digest;
        }
        // Which frames are dropped is a question of time, and so is what is found of those that would look back
        // to them.
        let is_comparable = self.disagreement.is_none() && self.tally.dropped.is_empty();
        let Some(line) = pass.findings.other.filter(|_| is_comparable) else {
            return;
        };
        let sentence = format!(
            "pass {number} did not find what the first one found (did the input change \
             meanwhile?): {line}"
        );
        self.notes.push(sentence.clone());
        self.disagreement = Some(sentence);
    }

    pub(super) fn totals(&self, workers_died: u64) -> Totals {
        let wall = self.walls.iter().sum::<Nanos>() as f64 / 1e9;
        let dropped = self.tally.dropped.values().sum::<u64>();
        // Counted one by one where each ended: none is lost, and none ended twice.
        let ended = self.tally.analysed + self.tally.failed + dropped;
        debug_assert_eq!(self.frames, ended, "frames produced and ended");
        let paced = !self.paces.is_empty();
        // Passes are averaged; one that falls behind is enough to say that the mode does.
        let n = self.paces.len().max(1) as f64;
        let backlog = self.paces.iter().map(|pace| pace.backlog_frames_per_s);
        let sustained: Vec<_> = self.paces.iter().filter_map(|p| p.sustained_fps).collect();
        let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
        Totals {
            pass_wall_ns: self.walls.clone(),
            frames_produced: self.frames,
            frames_analysed: self.tally.analysed,
            frames_failed: self.tally.failed,
            frames_dropped: self.tally.dropped.clone(),
            shipped_bytes_per_frame: self.tally.shipped.frames as f64 / self.frames.max(1) as f64,
            overlap_bytes_per_frame: self.tally.shipped.overlap as f64 / self.frames.max(1) as f64,
            deadline_misses: paced.then_some(self.tally.misses),
            keeps_up: paced.then(|| self.paces.iter().all(|pace| pace.keeps_up)),
            backlog_frames_per_s: paced.then(|| backlog.sum::<f64>() / n),
            max_sustained_fps: if paced {
                (!sustained.is_empty()).then(|| mean(&sustained))
            } else {
                (wall > 0.0).then(|| self.tally.analysed as f64 / wall)
            },
            workers_died,
        }
    }
}
