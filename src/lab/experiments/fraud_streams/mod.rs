//! One of four workers finds what was looked for: how soon are the others at the next stream?
//!
//! The lecture has a stream for each worker. A search has all of its workers at one stream, which is
//! what it is for, and so it is measured here: when one finds it, the other three abandon their frames of
//! the same stream, and all four go on to the next.

mod frames;
mod measure;

use self::frames::HEIGHT;
use self::measure::measure;
use crate::lab::{Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pipeline::find::FindJob;
use crate::pool::worker;
use crate::report::units::{digits, plural, time};
use crate::statistics::Estimate;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "fraud-streams",
    lecture: 27,
    slides: &[10],
    claim: "Worker 1 identifies a fraudulent pattern → sets shared flag. Workers 2, 3, 4: at next \
            flag check → abandon current analysis. All four immediately begin processing the next. \
            Too infrequent: workers waste analysis time; too frequent: coordination cost reduces \
            throughput.",
    memory: |_| 0,
    workers: &[worker::enter::<FindJob>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const WORKERS: usize = 4;

/// Rows of a frame from one look to the next; the last is a whole frame.
const INTERVALS: [u64; 5] = [1, 10, 100, 1_000, HEIGHT as u64];

/// What was measured for one interval; times in seconds.
#[derive(Clone, Copy, Debug)]
struct Interval {
    rows: u64,
    /// From finding it to the moment when the first of the others gave up its frame; not a number
    /// if none ever did.
    first_gave_up: f64,
    /// … to when the first of the others began the next stream, and the last of them.
    first_next: f64,
    last_next: f64,
    /// All frames of streams in which there is nothing to find, each.
    frame: f64,
}

#[derive(Clone, Debug)]
struct Measured {
    processors: usize,
    /// By their length, from one row to a whole frame.
    intervals: Vec<Interval>,
    /// How many times as long a frame takes if there is a look at every row as if there is one a frame,
    /// where the two took turns; none of too few turns.
    slower: Option<Estimate>,
}

impl Measured {
    /// How long one worker is at a frame, in seconds, if it looks at its end alone.
    fn frame(&self) -> f64 {
        let at_a_time = WORKERS.min(self.processors) as f64;
        at_a_time * self.rarely().frame
    }

    fn often(&self) -> &Interval {
        &self.intervals[0]
    }

    fn rarely(&self) -> &Interval {
        &self.intervals[self.intervals.len() - 1]
    }

    fn best(&self, of: fn(&Interval) -> f64) -> &Interval {
        let least = self.intervals.iter().min_by(|a, b| of(a).total_cmp(&of(b)));
        least.expect("there are intervals")
    }
}

/// From so many times on, workers waste time by looking too rarely.
const LATE: f64 = 2.0;

/// Within this share of a frame's time, they begin the next stream immediately.
const IMMEDIATELY: f64 = 0.1;

fn judge(measured: &Measured) -> Finding {
    let (often, rarely) = (measured.often(), measured.rarely());
    let soonest = measured.best(|interval| interval.first_next);
    let late = rarely.first_next / soonest.first_next;
    let prompt = measured.best(|interval| interval.last_next).last_next;
    let waits = prompt / measured.frame();
    // Not by the noise of the turns: all of the interval is above 1.
    let is_slower = measured.slower.is_some_and(|slower| slower.low > 1.0);
    let slower = measured
        .slower
        .map_or(often.frame / rarely.frame, |slower| slower.value);
    // If not even one of them was prompt, it had no processor to look with.
    let had_processors = soonest.first_next <= IMMEDIATELY * measured.frame();
    let verdict = if had_processors {
        Verdict::of(&[late >= LATE, waits <= IMMEDIATELY, is_slower])
    } else {
        Verdict::Untestable
    };
    let queueing = if measured.processors < WORKERS {
        format!(
            ", since on {} some of the four had to wait for one",
            plural(measured.processors as u64, "processor")
        )
    } else {
        String::new()
    };
    let why = if had_processors {
        String::new()
    } else {
        format!(
            "however often they were to look, not one of the others was at the next stream within \
             {:.0} % of a frame's time, so that none had a processor to look with: ",
            100.0 * IMMEDIATELY
        )
    };
    let certainty = match measured.slower {
        Some(Estimate { low, high, .. }) => format!(" ({low:.3} to {high:.3})"),
        None => ", by too few turns to be sure of it".into(),
    };
    let because = format!(
        "{why}with all four at one stream, the first of the others began the next stream {} after the find when it looked every {}, \
         {} when it first finished its frame; the last of them {} after it at best{queueing}; \
         looking at every row made frames {slower:.3} times as long{certainty}",
        time(1e9 * soonest.first_next),
        rows(soonest.rows),
        time(1e9 * rarely.first_next),
        time(1e9 * prompt),
    );
    Finding {
        figures: vec![
            Figure::seconds(
                "soonest_s",
                "the first other begins the next",
                soonest.first_next,
            ),
            Figure::seconds("latest_s", "… if it looks once a frame", rarely.first_next),
            Figure::times("late", "… how many times as late", late),
            Figure::seconds("all_s", "all four have begun the next, at best", prompt),
            Figure::new("waits", "… in frames", Unit::Share, waits).about(0.0),
            Figure::seconds("frame_s", "one worker's time for a frame", measured.frame()),
            Figure::times("slower", "frames, a look at every row", slower),
        ],
        drawings: vec![table(measured)],
        verdict,
        because,
        parts: Vec::new(),
    }
}

fn rows(rows: u64) -> String {
    match rows {
        1 => "row".into(),
        _ if rows == HEIGHT as u64 => "frame".into(),
        _ => format!("{rows} rows"),
    }
}

fn table(measured: &Measured) -> Drawing {
    let seconds = |seconds: f64| time(1e9 * seconds);
    let rarely = measured.rarely().frame;
    let row = |interval: &Interval| {
        vec![
            rows(interval.rows),
            if interval.first_gave_up.is_nan() {
                "never".into()
            } else {
                seconds(interval.first_gave_up)
            },
            seconds(interval.first_next),
            seconds(interval.last_next),
            format!("{} %", digits(100.0 * rarely / interval.frame)),
        ]
    };
    Drawing::Table {
        title: "From the find of one of 4 workers, in frames of 2160 rows".into(),
        header: [
            "a look every",
            "one gives up",
            "one begins the next",
            "all have",
            "speed without a find",
        ]
        .map(String::from)
        .to_vec(),
        rows: measured.intervals.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::ratio_of_pairs;

    /// Frames of 10 ms, on as many processors as workers.
    fn verdict(rarely: f64, all: f64, slower: f64) -> Verdict {
        judged(1e-4, rarely, all, slower)
    }

    fn judged(often: f64, rarely: f64, all: f64, slower: f64) -> Verdict {
        found(often, rarely, all, slower).verdict
    }

    /// Turns in which looking at every row takes so many times as long, give or take 0.01.
    fn found(often: f64, rarely: f64, all: f64, times: f64) -> Finding {
        let interval = |&rows: &u64| Interval {
            rows,
            first_gave_up: f64::NAN,
            first_next: if rows == HEIGHT as u64 { rarely } else { often },
            last_next: all,
            frame: 2.5e-3 * if rows == 1 { times } else { 1.0 },
        };
        let turns = [-0.01, 0.01, -0.005, 0.005, -0.01, 0.01, 0.0, 0.0];
        let measured = Measured {
            processors: 4,
            intervals: INTERVALS.iter().map(interval).collect(),
            slower: ratio_of_pairs(&turns.map(|off| times + off), &[1.0; 8]),
        };
        judge(&measured)
    }

    #[test]
    fn the_claim_holds_if_rare_looks_are_late_frequent_ones_are_not_and_cost_something() {
        assert_eq!(verdict(2.01e-4, 0.99e-3, 1.021), Verdict::Holds);
        assert_eq!(verdict(1.99e-4, 0.99e-3, 1.021), Verdict::Depends);
        assert_eq!(verdict(2.01e-4, 1.01e-3, 1.021), Verdict::Depends);
        assert_eq!(verdict(2.01e-4, 0.99e-3, 1.002), Verdict::Depends);
        assert_eq!(verdict(1.99e-4, 1.01e-3, 1.002), Verdict::Differs);
    }

    #[test]
    fn where_not_even_one_worker_is_prompt_the_machine_cannot_tell() {
        assert_eq!(judged(0.99e-3, 2e-3, 0.99e-3, 1.03), Verdict::Holds);
        assert_eq!(judged(1.01e-3, 2.1e-3, 2e-3, 1.03), Verdict::Untestable);
        assert_eq!(judged(1.01e-3, 1.01e-3, 2e-3, 1.03), Verdict::Untestable);
        let why = "not one of the others was at the next stream within 10 % of a frame's time";
        let told = |often| found(often, 2.1e-3, 2e-3, 1.03).because;
        assert!(told(1.01e-3).contains(why), "{}", told(1.01e-3));
        assert!(!told(0.99e-3).contains(why));
    }

    #[test]
    fn a_frame_takes_a_worker_as_long_as_those_at_work_take_for_as_many() {
        let interval = Interval {
            rows: 1,
            first_gave_up: 0.0,
            first_next: 0.0,
            last_next: 0.0,
            frame: 0.5,
        };
        let frame = |processors| {
            let intervals = vec![interval];
            Measured {
                processors,
                intervals,
                slower: None,
            }
            .frame()
        };
        assert_eq!((frame(1), frame(2), frame(64)), (0.5, 1.0, 2.0));
    }
}
