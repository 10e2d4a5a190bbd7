//! What became of frames in a part of a run's time.

use crate::clock::Nanos;
use crate::measure::{Join, MemoryPeak, Spread};

/// Frames that ended in an interval of the measured passes, and what else was so then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Frames analysed.
    pub analysed: u64,
    /// Frames failed.
    pub failed: u64,
    /// Frames dropped.
    pub dropped: u64,
    /// Frames whose finding came too late, if the run was paced.
    pub misses: u64,
    /// The most frames that were due and had not ended, seen whenever some ended; 0 if the run was
    /// not paced.
    pub backlog: u64,
    /// From the moment a frame was due, or handed to the pool, to its finding's arrival.
    pub end_to_end: Spread,
    /// The most memory that was seen; 0 if nobody looked.
    pub memory: MemoryPeak,
}

impl Interval {
    /// Frames that ended, however.
    pub const fn ended(&self) -> u64 {
        self.analysed + self.failed + self.dropped
    }
}

impl Join for Interval {
    fn join(&mut self, other: &Self) {
        self.analysed += other.analysed;
        self.failed += other.failed;
        self.dropped += other.dropped;
        self.misses += other.misses;
        self.backlog = self.backlog.max(other.backlog);
        self.end_to_end.merge(&other.end_to_end);
        self.memory = self.memory.max(other.memory);
    }
}

/// How many frames of a pass are due at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// When the first is due.
    pub begin: Nanos,
    /// Frames a second.
    pub fps: f64,
    /// Frames that are to come at most.
    pub frames: u64,
}

impl Schedule {
    /// Frames due by then.
    pub(super) fn due(&self, at: Nanos) -> u64 {
        let passed = at.saturating_sub(self.begin) as f64 / 1e9;
        let due = (passed * self.fps) as u64 + 1;
        due.min(self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_after_the_other_is_due_until_there_are_no_more() {
        let schedule = Schedule {
            begin: 1_000_000_000,
            fps: 10.0,
            frames: 5,
        };
        let at = |tenths: u64| 1_000_000_000 + tenths * 100_000_000 + 1;
        assert_eq!(schedule.due(at(0)), 1, "the first is due at once");
        assert_eq!(schedule.due(at(3)), 4);
        assert_eq!(schedule.due(at(300)), 5, "no more than there are");
    }

    #[test]
    fn joined_intervals_add_up_and_keep_the_highest() {
        let mut one = Interval {
            analysed: 3,
            failed: 1,
            misses: 2,
            backlog: 9,
            ..Interval::default()
        };
        one.end_to_end.record(5);
        let mut other = Interval {
            dropped: 4,
            misses: 1,
            backlog: 7,
            ..Interval::default()
        };
        other.memory.anon_bytes = 11;
        one.join(&other);
        assert_eq!((one.ended(), one.misses, one.backlog), (8, 3, 9));
        assert_eq!((one.end_to_end.count(), one.memory.anon_bytes), (1, 11));
    }
}
