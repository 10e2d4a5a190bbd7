//! Open-loop pacing: whether a paced run keeps up, and how fast it falls behind if not.
//!
//! Frame i is due at t0 + i / fps, whatever became of those before it. If findings come late by
//! more and more, the backlog grows: with s the seconds of lateness gained a frame, findings come
//! at 1 / (1/fps + s) a second, and the backlog grows by fps less that.

/// The lateness of each frame (finding's arrival after its due time), in seconds, as far as a line
/// through it is concerned: what is kept does not grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Lateness {
    /// Interval between two due times, in seconds.
    interval: f64,
    frames: f64,
    /// Means of the frames' numbers and of their lateness.
    mean: (f64, f64),
    /// Sums of squared and mixed deviations from the means.
    sxx: f64,
    sxy: f64,
    syy: f64,
}

/// What the lateness of a paced run says about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    pub keeps_up: bool,
    /// Growth of the backlog, in frames a second; 0 if it keeps up.
    pub backlog_frames_per_s: f64,
    /// The rate at which findings come; none if it keeps up, which shows no limit.
    pub sustained_fps: Option<f64>,
}

/// So few frames show no trend.
const FEW: f64 = 4.0;

impl Lateness {
    pub(super) fn new(fps: f64) -> Self {
        Self {
            interval: 1.0 / fps,
            ..Self::default()
        }
    }

    /// Frame number `index` of the pass came so late.
    pub(super) fn push(&mut self, index: u64, seconds: f64) {
        // Welford's update, for two variables.
        self.frames += 1.0;
        let (x, y) = (index as f64, seconds);
        let (from_x, from_y) = (x - self.mean.0, y - self.mean.1);
        self.mean.0 += from_x / self.frames;
        self.mean.1 += from_y / self.frames;
        self.sxx += from_x * (x - self.mean.0);
        self.sxy += from_x * (y - self.mean.1);
        self.syy += from_y * (y - self.mean.1);
    }

    /// The trend so far: seconds of lateness gained a frame (least squares), if it is one.
    ///
    /// It counts as one when, over the whole run, it amounts to more than an interval, and to
    /// more than what the frames scatter around it.
    fn slope(&self) -> Option<f64> {
        if self.frames < FEW {
            return None;
        }
        let slope = self.sxy / self.sxx;
        let gained = slope * self.frames;
        let explained = self.sxy * self.sxy / (self.sxx * self.syy);
        (gained > self.interval && explained > 0.5).then_some(slope)
    }

    pub(super) fn pace(&self) -> Pace {
        match self.slope() {
            None => Pace {
                keeps_up: true,
                backlog_frames_per_s: 0.0,
                sustained_fps: None,
            },
            Some(slope) => {
                let sustained = 1.0 / (self.interval + slope);
                Pace {
                    keeps_up: false,
                    backlog_frames_per_s: 1.0 / self.interval - sustained,
                    sustained_fps: Some(sustained),
                }
            }
        }
    }

    /// Whether it falls behind so clearly that going on would show nothing new: a dozen frames,
    /// and three intervals lost.
    pub(super) fn is_hopeless(&self) -> bool {
        self.frames >= 12.0
            && self
                .slope()
                .is_some_and(|slope| slope * self.frames > 3.0 * self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(fps: f64, lateness: impl IntoIterator<Item = f64>) -> Pace {
        let mut all = Lateness::new(fps);
        for (index, seconds) in lateness.into_iter().enumerate() {
            all.push(index as u64, seconds);
        }
        all.pace()
    }

    #[test]
    fn steady_lateness_keeps_up_even_if_it_is_long_or_scattered() {
        assert!(pace(30.0, vec![0.010; 30]).keeps_up);
        assert!(pace(30.0, (0..30).map(|i| 0.5 + 0.02 * f64::from(i % 3))).keeps_up);
        let first_is_slow = [0.4].into_iter().chain(vec![0.01; 29]);
        assert!(pace(30.0, first_is_slow).keeps_up);
        assert!(pace(30.0, [0.1, 0.9]).keeps_up, "too few to tell");
    }

    #[test]
    fn work_that_takes_twice_the_interval_is_done_at_half_the_rate() {
        let found = pace(30.0, (0..30).map(|i| 0.1 + f64::from(i) / 30.0));
        assert!(!found.keeps_up);
        assert!((found.backlog_frames_per_s - 15.0).abs() < 1e-9);
        assert!((found.sustained_fps.unwrap() - 15.0).abs() < 1e-9);
    }

    #[test]
    fn two_workers_that_finish_by_turns_still_show_the_trend() {
        let turns = (0..30).map(|i| 0.26 + f64::from(i / 2) * 2.0 * 0.1);
        let found = pace(30.0, turns);
        assert!(!found.keeps_up);
        assert!(
            (found.sustained_fps.unwrap() - 7.5).abs() < 0.1,
            "{found:?}"
        );
    }
}
