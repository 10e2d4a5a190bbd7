//! A finished search, as plain data.

use super::plan::Which;
use crate::clock::Nanos;

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked for, in one spelling.
    pub condition: String,
    /// Which of the frames that meet it were asked for.
    pub which: Which,
    /// Worker processes or threads; 1 for `sequential`.
    pub workers: usize,
    /// Worker processes that died and were replaced.
    pub workers_died: u64,
    /// First dispatch to last answer.
    pub wall_ns: Nanos,
    /// Each input, in the order asked for.
    pub inputs: Vec<Searched>,
}

/// What came of one input.
///
/// Its frames are those analysed, abandoned, failed, and the rest, which nobody touched. What a
/// worker did before it died, and another did again, counts once.
#[derive(Clone, Debug, PartialEq)]
pub struct Searched {
    /// As typed.
    pub input: String,
    /// The mode's name.
    pub mode: &'static str,
    /// Frames a second, if the input states them.
    pub fps: Option<f64>,
    /// Frames that it has.
    pub frames: u64,
    /// Rows of each.
    pub height: u32,
    /// The frames that were wanted, in order: one at most, unless all are.
    pub found: Vec<Hit>,
    /// The frames that could not be had, in order, and why.
    pub failed: Vec<(u64, String)>,
    /// Frames that were analysed to their last row.
    pub analysed: u64,
    /// Frames that were given up between two rows.
    pub abandoned: u64,
    /// Rows that were analysed, those of abandoned frames included.
    pub rows_analysed: u64,
    /// How fast each worker stopped: from the moment when the result was recorded to the moment
    /// when the worker gave up the frame that it was at. None for the one that found it, and for
    /// those that were not in the middle of a frame that was not needed any more.
    ///
    /// (When a worker was first told, [`crate::coordination::Seat::saw`], says something else: one
    /// that was still at an earlier frame had to finish that first.)
    pub stopped_after: Vec<Option<Nanos>>,
    /// The worker that found the result, and when it recorded it, by [`crate::clock`]; none if
    /// there is none, or if all were wanted.
    pub found_by: Option<(usize, Nanos)>,
    /// When each worker began its first job of this input, by the same clock; none for those that
    /// had none.
    pub begun_at: Vec<Option<Nanos>>,
}

/// A frame that meets the condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its number in the input, from 0.
    pub frame: u64,
    /// What the condition looked at, each finding once, in its order; none where that is null.
    pub values: Vec<(String, Option<f64>)>,
}

impl Searched {
    /// Frames that nobody touched.
    pub fn untouched(&self) -> u64 {
        self.frames - self.analysed - self.abandoned - self.failed.len() as u64
    }

    /// Rows of frames that can be had: all but those of failed frames.
    pub fn rows(&self) -> u64 {
        (self.frames - self.failed.len() as u64) * u64::from(self.height)
    }

    /// Rows of those that nobody touched, in abandoned frames too.
    pub fn rows_untouched(&self) -> u64 {
        self.rows() - self.rows_analysed
    }

    /// When a frame is shown, in seconds from the first, if the input states its rate.
    pub fn seconds(&self, frame: u64) -> Option<f64> {
        self.fps.map(|fps| frame as f64 / fps)
    }

    /// Frames before the one that was found that could not be had: one of them might meet the
    /// condition too, and be earlier.
    pub fn failed_before(&self) -> u64 {
        let Some(hit) = self.found.first() else {
            return 0;
        };
        let before = self.failed.iter().filter(|(frame, _)| *frame < hit.frame);
        before.count() as u64
    }
}

impl Answer {
    /// Whether anything was found.
    pub fn is_found(&self) -> bool {
        self.inputs.iter().any(|input| !input.found.is_empty())
    }
}
