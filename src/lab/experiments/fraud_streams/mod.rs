//! One of four workers finds what was looked for: how soon are the others at the next stream?
//!
//! Four streams lie side by side, one for each worker, which goes through its frames. In one of them is
//! what is looked for, in each worker's in turn. Who comes to it sets the flag; the other three abandon
//! the frames that they are at, and all four begin their next streams. That they look during a frame,
//! and are told, is as in a search by [`find`](crate::pipeline::find), which has all its workers at
//! one stream; what looking costs is measured with it.

mod draw;
mod frames;
mod job;
mod measure;

use self::draw::{curve, figures, rows, table};
use self::job::Follow;
use self::measure::measure;
use crate::lab::finding::Part;
use crate::lab::{Experiment, Finding, Verdict};
use crate::pipeline::find::FindJob;
use crate::pool::worker;
use crate::report::units::{digits, plural, time};
use crate::statistics::Estimate;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "fraud-streams",
    lecture: 27,
    slides: &[10],
    claim: "Four workers analyze parallel transaction streams. Worker 1 identifies a fraudulent \
            pattern → sets shared flag. Workers 2, 3, 4: at next flag check → abandon current \
            analysis. All four workers immediately begin processing the next transaction. Check \
            frequency determines: how quickly system responds to the fraud signal. Too infrequent: \
            workers waste analysis time on invalid transactions. Too frequent: coordination cost \
            reduces per-worker analysis throughput",
    memory: |_| 0,
    workers: &[worker::enter::<Follow>, worker::enter::<FindJob>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const WORKERS: usize = 4;

/// A frame of one byte a pixel.
const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;

/// The frame of a stream, from 0, in which it is found.
const AT: u64 = 1;

/// Rows of a frame from one look to the next; the last is a whole frame.
const INTERVALS: [u32; 4] = [1, 10, 100, HEIGHT as u32];

/// What was measured for one interval; times in seconds.
#[derive(Clone, Copy, Debug)]
struct Interval {
    rows: u32,
    /// From the find until another has begun its next stream: half of the times, and 99 in a hundred;
    /// none of too few.
    median: f64,
    p99: Option<f64>,
    /// … until the first of the others has, and the last of them.
    first: f64,
    last: f64,
    /// Frames that the others analyse after a find, together.
    wasted: f64,
    /// All frames of a search that finds nothing, each.
    frame: f64,
    /// How many times as long they take as with a look a frame, where the intervals took turns; none of too
    /// few turns.
    slower: Option<Estimate>,
}

#[derive(Clone, Debug)]
struct Measured {
    processors: usize,
    /// By their length, from one row to a whole frame.
    intervals: Vec<Interval>,
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

/// From so many times on, workers are late, or waste more, by looking too rarely.
const MORE: f64 = 2.0;

/// Up to so many times as long, frames are not measurably slower.
const MEASURABLE: f64 = 1.02;

/// Within this share of a frame's time, they begin the next stream immediately.
const IMMEDIATELY: f64 = 0.1;

fn judge(measured: &Measured) -> Finding {
    let (often, rarely) = (measured.often(), measured.rarely());
    let soonest = measured.best(|interval| interval.first);
    let parts = parts(measured);
    let because = format!(
        "with four streams side by side, the first of the other workers was at its next {} after the \
         find if it looked every {}, and {} after it if every frame; {:.3} frames were wasted by looking \
         every row, and {:.2} by every frame, of all three together{}",
        time(1e9 * soonest.first),
        rows(soonest.rows),
        time(1e9 * rarely.first),
        often.wasted,
        rarely.wasted,
        if measured.processors < WORKERS {
            format!(
                "; all four at once cannot be had on {}, where some of them wait for one",
                plural(measured.processors as u64, "processor")
            )
        } else {
            String::new()
        },
    );
    Finding {
        figures: figures(measured),
        drawings: vec![table(measured), curve(measured)],
        verdict: Part::verdict(&parts),
        because,
        parts,
    }
}

/// What the slide claims, one by one.
fn parts(measured: &Measured) -> Vec<Part> {
    let (often, rarely) = (measured.often(), measured.rarely());
    let (soonest, prompt) = (
        measured.best(|interval| interval.first).first,
        measured.best(|interval| interval.last).last,
    );
    let late = rarely.first / soonest;
    // Of all the others, where those that have no processor are late however often they look.
    let usually_late = rarely.median / measured.best(|interval| interval.median).median;
    let waits = prompt / measured.frame();
    // If not even one of them was prompt, it had no processor to look with.
    let could_look = soonest <= IMMEDIATELY * measured.frame();
    let nobody = format!(
        "however often they were to look, not one of the others was at its next stream within {:.0} % \
         of a frame's time, so that none had a processor to look with",
        100.0 * IMMEDIATELY
    );
    let too_few = format!(
        "four workers cannot all go on at once on {}",
        plural(measured.processors as u64, "processor")
    );
    // Not by the noise of the turns: all of the interval is on one side.
    let is_slower = match often.slower {
        Some(slower) if slower.low > 1.0 => Verdict::Holds,
        Some(slower) if slower.high < MEASURABLE => Verdict::Differs,
        Some(_) => Verdict::Depends,
        None => Verdict::Untestable,
    };
    let slower = match often.slower {
        Some(Estimate { value, low, high }) => {
            format!("{value:.3} times as long ({low:.3} to {high:.3})")
        }
        None => "as long as nobody can tell".into(),
    };
    let part = |claim, is_so, because| Part::new(10, claim, Verdict::of(&[is_so]), because);
    vec![
        Part::new(
            10,
            "Check frequency determines: how quickly system responds to the fraud signal",
            Verdict::of(&[late >= MORE, usually_late >= MORE]),
            format!(
                "with a look a frame the first of the others is {} times as late as with the best, and the usual \
                 one {usually_late:.2} times",
                digits(late)
            ),
        )
        .if_told(could_look, &nobody),
        part(
            "Too infrequent: workers waste analysis time on invalid transactions",
            rarely.wasted >= MORE * often.wasted,
            format!(
                "the others analyse {:.2} frames in vain with a look a frame, and {:.3} with one a row",
                rarely.wasted, often.wasted
            ),
        ),
        part(
            "All four workers immediately begin processing the next transaction",
            waits <= IMMEDIATELY,
            format!(
                "the last of them begins it {} after the find at best, which is {} % of a frame's time",
                time(1e9 * prompt),
                digits(100.0 * waits)
            ),
        )
        .if_told(measured.processors >= WORKERS, &too_few),
        Part::new(
            10,
            "Too frequent: coordination cost reduces per-worker analysis throughput",
            is_slower,
            format!("where there is nothing to find, frames with a look at every row take {slower}"),
        )
        .if_told(often.slower.is_some(), "there were too few turns"),
    ]
}

#[cfg(test)]
mod tests {
    use super::draw::FIGURES;
    use super::*;
    use crate::statistics::ratio_of_pairs;
    use Verdict::{Depends, Differs, Holds, Untestable};

    /// What is claimed, give or take, with frames of 10 ms.
    #[derive(Clone, Copy)]
    struct Case {
        processors: usize,
        /// The first of the others, with frequent looks and with a look a frame, and the last.
        often: f64,
        rarely: f64,
        last: f64,
        /// The usual one with a look a frame, which is as soon as the first with frequent ones.
        usually: f64,
        /// Frames wasted with a look a frame, where 0.1 are with frequent ones.
        wasted: f64,
        slower: f64,
    }

    const AS_CLAIMED: Case = Case {
        processors: 4,
        often: 1e-4,
        rarely: 2.01e-4,
        last: 0.99e-3,
        usually: 1.0,
        wasted: 0.201,
        slower: 1.02,
    };

    /// Turns in which looking at every row takes so many times as long, give or take 0.01.
    fn found(case: Case) -> Finding {
        let turns = [-0.01, 0.01, -0.005, 0.005, -0.01, 0.01, 0.0, 0.0];
        let slower = ratio_of_pairs(&turns.map(|off| case.slower + off), &[1.0; 8]);
        let interval = |&rows: &u32| {
            let is_rare = rows == HEIGHT as u32;
            Interval {
                rows,
                median: if is_rare { case.usually } else { case.often },
                p99: None,
                first: if is_rare { case.rarely } else { case.often },
                last: case.last,
                wasted: if is_rare { case.wasted } else { 0.1 },
                frame: 10e-3 / case.processors.min(4) as f64,
                slower,
            }
        };
        judge(&Measured {
            processors: case.processors,
            intervals: INTERVALS.iter().map(interval).collect(),
        })
    }

    fn verdicts(case: Case) -> Vec<Verdict> {
        let parts = found(case).parts;
        parts.into_iter().map(|part| part.verdict).collect()
    }

    #[test]
    fn the_claim_holds_if_rare_looks_are_late_and_wasteful_and_frequent_ones_prompt_and_dear() {
        let case = AS_CLAIMED;
        assert_eq!(found(case).verdict, Holds);
        let rarely = 1.99e-4;
        assert_eq!(
            verdicts(Case { rarely, ..case }),
            [Depends, Holds, Holds, Holds]
        );
        // Where the usual one waits for a processor, it is as late with any interval.
        for (usually, verdict) in [(2.01e-4, Holds), (1.99e-4, Depends)] {
            assert_eq!(verdicts(Case { usually, ..case })[0], verdict);
        }
        let wasted = 0.199;
        assert_eq!(
            verdicts(Case { wasted, ..case }),
            [Holds, Differs, Holds, Holds]
        );
        let last = 1.01e-3;
        assert_eq!(
            verdicts(Case { last, ..case }),
            [Holds, Holds, Differs, Holds]
        );
        let slower = 1.002;
        let dear = Case { slower, ..case };
        assert_eq!(verdicts(dear), [Holds, Holds, Holds, Differs]);
        assert_eq!(found(dear).verdict, Depends);
        let none = Case {
            rarely,
            usually: 1e-4,
            wasted,
            last,
            slower,
            ..case
        };
        assert_eq!(found(none).verdict, Differs);
    }

    #[test]
    fn fewer_processors_than_workers_cannot_tell_whether_all_go_on_at_once() {
        for (processors, last) in [(3, 1.01e-3), (3, 0.99e-3)] {
            let case = Case {
                processors,
                last,
                ..AS_CLAIMED
            };
            assert_eq!(verdicts(case), [Holds, Holds, Untestable, Holds]);
            assert_eq!(found(case).verdict, Untestable);
            let words = "four workers cannot all go on at once on 3 processors: the last of them";
            assert!(found(case).parts[2].because.starts_with(words));
            assert!(
                found(case)
                    .because
                    .contains("cannot be had on 3 processors")
            );
        }
        assert!(!found(AS_CLAIMED).because.contains("cannot be had"));
    }

    #[test]
    fn where_not_even_one_worker_is_prompt_the_machine_cannot_tell_how_soon_it_responds() {
        let case = |often| {
            verdicts(Case {
                often,
                rarely: 1.0,
                ..AS_CLAIMED
            })
        };
        assert_eq!(case(0.99e-3), [Holds; 4]);
        assert_eq!(case(1.01e-3), [Untestable, Holds, Holds, Holds]);
    }

    #[test]
    fn turns_that_differ_too_much_leave_open_what_looking_costs() {
        let verdict = |off: f64| {
            let mut measured = measured_of(4);
            let turns = [-off, off, -off, off, -off, off, -off, off];
            measured.intervals[0].slower = ratio_of_pairs(&turns.map(|off| 1.002 + off), &[1.0; 8]);
            judge(&measured).parts[3].verdict
        };
        assert_eq!([0.001, 0.01, 0.1].map(verdict), [Holds, Differs, Depends]);
    }

    #[test]
    fn too_few_turns_do_not_tell_what_looking_costs() {
        let mut measured = measured_of(4);
        assert_eq!(judge(&measured).parts[3].verdict, Untestable);
        measured.intervals[0].slower = ratio_of_pairs(&[1.02; 8], &[1.0; 8]);
        assert_eq!(judge(&measured).parts[3].verdict, Holds);
    }

    fn measured_of(processors: usize) -> Measured {
        let interval = |&rows: &u32| Interval {
            rows,
            median: 1e-3,
            p99: (rows == 1).then_some(2e-3),
            first: 0.0,
            last: 0.0,
            wasted: 0.0,
            frame: 0.5,
            slower: None,
        };
        Measured {
            processors,
            intervals: INTERVALS.iter().map(interval).collect(),
        }
    }

    #[test]
    fn every_interval_has_its_figures_and_a_percentile_of_too_few_has_none() {
        let figures = judge(&measured_of(4)).figures;
        let keys: Vec<_> = figures.iter().map(|figure| figure.key).collect();
        let curve = FIGURES.iter().flatten().map(|(key, _)| *key);
        let expected = curve.filter(|key| !key.ends_with("p99_s") || *key == "row_p99_s");
        assert!(expected.eq(keys[..9].iter().copied()), "{keys:?}");
    }

    #[test]
    fn a_frame_takes_a_worker_as_long_as_those_at_work_take_for_as_many() {
        let frame = |processors| measured_of(processors).frame();
        assert_eq!((frame(1), frame(2), frame(64)), (0.5, 1.0, 2.0));
    }
}
