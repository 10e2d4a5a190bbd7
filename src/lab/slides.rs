//! The slides of the two lectures, and who tries what they claim.

use super::{Outcome, Verdict};

/// A slide.
#[derive(Debug)]
pub(super) struct Slide {
    pub lecture: u8,
    pub number: u8,
    pub title: &'static str,
    /// What it claims something of.
    pub of: &'static str,
    /// Who tries it: for the first and the last of a lecture, which say what the others claim; none
    /// for those, as their experiments know them.
    carried_by: &'static [&'static str],
}

const fn slide(lecture: u8, number: u8, title: &'static str, of: &'static str) -> Slide {
    Slide {
        lecture,
        number,
        title,
        of,
        carried_by: &[],
    }
}

impl Slide {
    const fn carried_by(mut self, names: &'static [&'static str]) -> Self {
        self.carried_by = names;
        self
    }

    /// Whether it only says what other slides claim.
    pub(super) const fn sums_up(&self) -> bool {
        !self.carried_by.is_empty()
    }

    fn is_tried_by(&self, name: &str, lecture: u8, slides: &[u8]) -> bool {
        let is_its_own = lecture == self.lecture && slides.contains(&self.number);
        is_its_own || self.carried_by.contains(&name)
    }

    /// The outcomes that try it.
    pub(super) fn tried_by<'a>(&self, outcomes: &'a [Outcome]) -> Vec<&'a Outcome> {
        let is_tried = |one: &&Outcome| self.is_tried_by(one.name, one.lecture, one.slides);
        outcomes.iter().filter(is_tried).collect()
    }

    /// What came of it there: of its own claims, or of all if it sums up.
    pub(super) fn verdict(&self, outcome: &Outcome) -> Verdict {
        if self.sums_up() {
            outcome.verdict
        } else {
            outcome.finding.of_slide(self.number)
        }
    }
}

pub(super) const LECTURES: [(u8, &str); 2] = [
    (26, "IPC cost, shared memory, and when parallelism fails"),
    (27, "Coordination speed trade-off in multiprocessing"),
];

const COST: &[&str] = &[
    "three-copies",
    "short-tasks",
    "large-payload",
    "manager-coordination",
    "pool-features",
    "discipline",
];

const COORDINATION: &[&str] = &[
    "poison-pill",
    "early-exit",
    "check-interval",
    "shared-state",
];

const COORDINATION_SUMMED_UP: &[&str] = &[
    "poison-pill",
    "early-exit",
    "check-interval",
    "shared-state",
    "value-latency",
];

/// All of them, in their order.
#[rustfmt::skip]
pub(super) const SLIDES: [Slide; 24] = [
    slide(26, 1, "Lecture overview", "three copies a message, three ways to be slower, and profiling first: what the lecture is on")
        .carried_by(COST),
    slide(26, 2, "The three-copy model of IPC", "the three copies of a message"),
    slide(26, 3, "Real failure: the video analytics pipeline", "4K frames to workers at 30 a second"),
    slide(26, 4, "The IPC decision matrix", "light and heavy work on small and large data"),
    slide(26, 5, "concurrent.futures.ProcessPoolExecutor", "futures of a pool of processes"),
    slide(26, 6, "Pool vs. ProcessPoolExecutor: which to use", "`Pool` and `ProcessPoolExecutor`, row by row"),
    slide(26, 7, "Failure scenario 1: tasks too short", "tasks that are too short"),
    slide(26, 8, "Failure scenario 2: large data payload", "payloads that are too large"),
    slide(26, 9, "Failure scenario 3: frequent inter-worker coordination", "workers that coordinate too often"),
    slide(26, 10, "The crossover point: profile data", "the task length from which workers win"),
    slide(26, 11, "The profiling discipline", "profiling as a discipline"),
    slide(26, 12, "Key principles", "three copies, three failures, two kinds of pools, and profiling always: the lecture summed up")
        .carried_by(COST),
    slide(27, 1, "Lecture overview", "poison pills, early exit, check frequency, kinds of shared state: what the lecture is on")
        .carried_by(COORDINATION),
    slide(27, 2, "The poison-pill shutdown pattern", "shutting down by sentinels"),
    slide(27, 3, "Cooperative early-exit: the problem", "iterations wasted when one has found it"),
    slide(27, 4, "multiprocessing.Value as a shared flag", "reads of a shared flag within nanoseconds"),
    slide(27, 5, "Example 27.1: cooperative prime search", "one result, by a second look under the lock"),
    slide(27, 6, "Check frequency as a design variable", "what a look costs, and how often to look"),
    slide(27, 7, "Example 27.2: measuring coordination cost", "frequent and rare looks in tight and heavy loops"),
    slide(27, 8, "The shared-state cost spectrum", "what kinds of shared state cost"),
    slide(27, 9, "Manager vs. Value: decision framework", "which kind of shared state to use for what"),
    slide(27, 10, "Fraud detection analogy", "four streams, and going on with the next when one has found it"),
    slide(27, 11, "Worker pool design for early termination", "what a pool for early termination needs"),
    slide(27, 12, "Key principles", "poison pills, early exit, milliseconds by a Manager, nanoseconds by a Value: the lecture summed up")
        .carried_by(COORDINATION_SUMMED_UP),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{EXPERIMENTS, Experiment};

    fn experiments(slide: &Slide) -> Vec<&'static Experiment> {
        let is_tried =
            |known: &&&Experiment| slide.is_tried_by(known.name, known.lecture, known.slides);
        EXPERIMENTS.iter().filter(is_tried).copied().collect()
    }

    #[test]
    fn each_lecture_has_twelve_slides_and_each_of_them_is_tried() {
        let numbers = SLIDES.iter().map(|slide| (slide.lecture, slide.number));
        let all = [26, 27].into_iter();
        let all = all.flat_map(|lecture| (1..=12).map(move |slide| (lecture, slide)));
        assert!(numbers.eq(all));
        for slide in &SLIDES {
            assert!(!experiments(slide).is_empty(), "{slide:?}");
        }
    }

    #[test]
    fn the_first_and_the_last_slide_say_what_experiments_of_their_lecture_try() {
        for slide in &SLIDES {
            assert_eq!(slide.sums_up(), matches!(slide.number, 1 | 12), "{slide:?}");
            for name in slide.carried_by {
                let known = crate::lab::by_name(name).unwrap();
                assert_eq!(known.lecture, slide.lecture, "{name}");
            }
        }
        for known in EXPERIMENTS {
            let is_there = |number: &u8| (2..12).contains(number);
            assert!(known.slides.iter().all(is_there), "{}", known.name);
        }
    }

    #[test]
    fn the_readme_has_every_slide_by_its_number() {
        let readme = include_str!("../../README.md");
        for slide in &SLIDES {
            let names = experiments(slide);
            let names = names.iter().map(|known| format!("`{}`", known.name));
            let names: Vec<_> = names.collect();
            let Slide {
                lecture,
                number,
                of,
                ..
            } = slide;
            let row = format!("| {lecture}: {number} | {of} | {} |\n", names.join(", "));
            assert!(readme.contains(&row), "no {row}");
        }
    }
}
