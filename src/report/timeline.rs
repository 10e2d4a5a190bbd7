//! A run's time line in its report.
//!
//! ```
//! use framehaul::report::Timeline;
//! let line: Timeline = serde_json::from_str(r#"{ "interval_s": 0.5, "intervals": [] }"#)?;
//! assert!(line.intervals.len() <= 200, "however long the run was");
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::measure;
use crate::pipeline::{self, Outcome};
use serde::{Deserialize, Serialize};

/// What became of the frames over the time of the measured passes, one after the other, in at most
/// 200 intervals of equal length. Interval i, from 0 on, begins `interval_s` × i after the first
/// pass did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timeline {
    /// The length of an interval, in seconds.
    pub interval_s: f64,
    /// The intervals, until the last in which something happened; empty in merged reports, and in
    /// those from before there were time lines.
    pub intervals: Vec<Interval>,
}

/// One of its intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Interval {
    /// Frames that ended in it: analysed, failed and dropped.
    pub frames: u64,
    /// Those of them that failed.
    pub frames_failed: u64,
    /// Those of them that were dropped.
    pub frames_dropped: u64,
    /// Frames whose finding came later than one period after they were due; null when flat out.
    pub deadline_misses: Option<u64>,
    /// The most frames that were due and had not ended, seen whenever some ended; null if none did,
    /// and when flat out.
    pub backlog_frames: Option<u64>,
    /// The mean of end_to_end, in nanoseconds; null if no frame came back.
    pub mean_ns: Option<f64>,
    /// Its median, to a part in a hundred; null below 20 frames.
    pub p50_ns: Option<u64>,
    /// Its 99th percentile, to a part in a hundred; null below 1000 frames.
    pub p99_ns: Option<u64>,
    /// The longest; null if no frame came back.
    pub max_ns: Option<u64>,
    /// The most anonymous memory of parent and workers that was seen; null if nobody looked, which
    /// is done every 15 ms at most.
    pub anon_bytes: Option<u64>,
    /// The most shared memory, likewise.
    pub shared_bytes: Option<u64>,
}

impl Timeline {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let is_paced = outcome.workload.fps.is_some();
        let intervals = outcome.timeline.intervals().iter();
        Self {
            interval_s: outcome.timeline.interval() as f64 / 1e9,
            intervals: intervals.map(|one| Interval::of(one, is_paced)).collect(),
        }
    }
}

impl Interval {
    fn of(one: &pipeline::Interval, is_paced: bool) -> Self {
        let times: &measure::Spread = &one.end_to_end;
        let any = times.count() > 0;
        let seen = one.memory.anon_bytes > 0;
        Self {
            frames: one.ended(),
            frames_failed: one.failed,
            frames_dropped: one.dropped,
            deadline_misses: is_paced.then_some(one.misses),
            backlog_frames: (is_paced && one.ended() > 0).then_some(one.backlog),
            mean_ns: any.then(|| times.mean()),
            p50_ns: times.percentile(500),
            p99_ns: times.percentile(990),
            max_ns: any.then(|| times.max()),
            anon_bytes: seen.then_some(one.memory.anon_bytes),
            shared_bytes: seen.then_some(one.memory.shared_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Report, samples};

    #[test]
    fn what_a_report_has_of_its_time_adds_up_to_its_totals() {
        let report = samples::mmap();
        let intervals = &report.timeline.intervals;
        let sum = |of: fn(&Interval) -> u64| intervals.iter().map(of).sum::<u64>();
        assert_eq!(sum(|one| one.frames), report.totals.frames);
        assert!(intervals.iter().all(|one| one.deadline_misses.is_none()));
        let most = |of: fn(&Interval) -> Option<u64>| intervals.iter().filter_map(of).max();
        assert_eq!(
            most(|one| one.anon_bytes),
            Some(report.memory.peak_anon_bytes)
        );
        let json = serde_json::json!(report.timeline);
        assert_eq!(
            json["intervals"][0]["deadline_misses"],
            serde_json::Value::Null
        );
    }

    #[test]
    fn a_report_from_before_there_were_time_lines_has_an_empty_one() {
        let mut json = serde_json::json!(samples::mmap());
        json.as_object_mut().unwrap().remove("timeline");
        let report: Report = serde_json::from_value(json).unwrap();
        assert_eq!(report.timeline, Timeline::default());
    }
}
