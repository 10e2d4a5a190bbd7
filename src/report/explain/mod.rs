//! Where the gap between two runs comes from: what of it is serialising, copies, faults, and so on.
//!
//! For each run a [model](model) says what of a frame's time each term should take, from what the run
//! counted and what the machine's limits are; the gap of a term is the difference. What the terms do not
//! add up to is left over, and is shown.
//!
//! ```no_run
//! use framehaul::report::Comparison;
//! let comparison = Comparison::read(&["runs/payload".into(), "runs/mmap".into()])?;
//! for explanation in comparison.explain()? {
//!     println!("{}", explanation.sentence); // 187 ms of the 255 ms … are serialising
//! }
//! # Ok::<(), framehaul::Error>(())
//! ```

mod model;
mod show;

pub use model::{Bound, Term};

use super::compare::{Comparison, Run};
use super::units::{list, time};
use super::verdict::clearly_differ;
use crate::error::{Error, Result};
use model::Model;
use serde::Serialize;

/// Why a frame takes longer in one run than in another. All times are those of one frame on the wall
/// clock (a second over the frames a second), in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Explanation {
    /// The name of the run whose frames take longer.
    pub slow: String,
    /// The name of the other.
    pub fast: String,
    /// A frame's time in the slow run, as measured.
    pub slow_ns: f64,
    /// The same in the fast run.
    pub fast_ns: f64,
    /// The difference.
    pub gap_ns: f64,
    /// What the slow run's speed is bound by.
    pub slow_bound_by: Bound,
    /// The same of the fast run.
    pub fast_bound_by: Bound,
    /// What should have taken the time, all terms in a fixed order.
    pub terms: Vec<TermGap>,
    /// What the terms do not explain of the gap; below 0 if they explain too much.
    pub left_over: TermTimes,
    /// By how much more this machine's prices asked for than the kernel was counted to take: its terms
    /// were cut by as much.
    pub overpriced: TermTimes,
    /// What it comes to.
    pub sentence: String,
}

/// A term's part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TermGap {
    /// Which.
    pub term: Term,
    /// Its times.
    #[serde(flatten)]
    pub times: TermTimes,
}

/// Of a frame's time in both runs, and of their difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TermTimes {
    /// In the slow run.
    pub slow_ns: f64,
    /// In the fast run.
    pub fast_ns: f64,
    /// The slow run's less the fast one's.
    pub gap_ns: f64,
}

impl TermTimes {
    fn of(slow_ns: f64, fast_ns: f64) -> Self {
        Self {
            slow_ns,
            fast_ns,
            gap_ns: slow_ns - fast_ns,
        }
    }
}

impl Comparison {
    /// Where the gap between each run and the baseline comes from.
    ///
    /// # Errors
    /// [`Error::Usage`] if the runs were not asked for the same, or one of them cannot be explained: it
    /// kept a pace, say.
    pub fn explain(&self) -> Result<Vec<Explanation>> {
        if !self.same_workload() {
            let differ = self.differences().into_iter();
            let differ = differ.filter(|one| one.forbids_ratios);
            let differ: Vec<String> = differ.map(|one| one.what).collect();
            let differ = list(&differ);
            return Err(Error::Usage(format!(
                "there is no one gap to explain: the runs differ in {differ}"
            )));
        }
        let base = &self.runs[0];
        self.runs[1..]
            .iter()
            .map(|run| explain(base, run))
            .collect()
    }

    /// The same comparison, in which all that is made of it says where its gaps come from.
    ///
    /// # Errors
    /// Those of [`Self::explain`].
    pub fn with_explanations(mut self) -> Result<Self> {
        self.explanations = Some(self.explain()?);
        Ok(self)
    }
}

fn explain(base: &Run, run: &Run) -> Result<Explanation> {
    let model = |run: &Run| {
        let model = Model::of(&run.report);
        model.map_err(|why| Error::Usage(format!("{} cannot be explained: it {why}", run.name)))
    };
    let both = [(base, model(base)?), (run, model(run)?)];
    let slow_first = both[0].1.wall_ns >= both[1].1.wall_ns;
    let [(slow, slower), (fast, faster)] = if slow_first {
        both
    } else {
        let [one, other] = both;
        [other, one]
    };
    let terms = Term::ALL.map(|term| TermGap {
        term,
        times: TermTimes::of(slower.terms[&term], faster.terms[&term]),
    });
    let mut explanation = Explanation {
        slow: slow.name.clone(),
        fast: fast.name.clone(),
        slow_ns: slower.wall_ns,
        fast_ns: faster.wall_ns,
        gap_ns: slower.wall_ns - faster.wall_ns,
        slow_bound_by: slower.bound,
        fast_bound_by: faster.bound,
        terms: terms.into(),
        left_over: TermTimes::of(slower.left_over_ns(), faster.left_over_ns()),
        overpriced: TermTimes::of(slower.overpriced_ns, faster.overpriced_ns),
        sentence: String::new(),
    };
    explanation.sentence = match clearly_differ(base, run) {
        true => explanation.say(),
        false => format!(
            "There is no clear gap between {} and {} to explain.",
            explanation.slow, explanation.fast
        ),
    };
    Ok(explanation)
}

/// A term that is less than this of the gap is not worth a word.
const WORTH_A_WORD: f64 = 0.05;

/// More than this of the gap unexplained is said.
const TOLERATED: f64 = 0.10;

impl Explanation {
    /// What share of the gap is left over, as a number from 0 on; 0 where there is no gap.
    pub fn unexplained(&self) -> f64 {
        match self.gap_ns {
            0.0 => 0.0,
            gap => (self.left_over.gap_ns / gap).abs(),
        }
    }

    fn say(&self) -> String {
        let Self {
            slow, fast, gap_ns, ..
        } = self;
        let mut large: Vec<&TermGap> = self
            .terms
            .iter()
            .filter(|term| term.times.gap_ns > WORTH_A_WORD * gap_ns)
            .collect();
        large.sort_by(|a, b| b.times.gap_ns.total_cmp(&a.times.gap_ns));
        large.truncate(3);
        let what: Vec<String> = large
            .iter()
            .enumerate()
            .map(|(place, term)| {
                let are = if place == 0 { " are" } else { "" };
                format!("{}{are} {}", time(term.times.gap_ns), term.term.name())
            })
            .collect();
        let gap = time(*gap_ns);
        let unexplained = self.unexplained();
        let less: Vec<String> = self
            .terms
            .iter()
            .filter(|term| term.times.gap_ns < -WORTH_A_WORD * gap_ns)
            .map(|term| format!("{} of {}", time(-term.times.gap_ns), term.term.name()))
            .collect();
        if what.is_empty() || unexplained > 1.0 {
            return format!(
                "A frame takes {gap} longer in {slow} than in {fast}, and none of the terms explains \
                 it."
            );
        }
        let mut said = format!(
            "Of the {gap} that a frame takes longer in {slow} than in {fast}, {}",
            list(&what)
        );
        if !less.is_empty() {
            said += &format!(", less {}", list(&less));
        }
        if unexplained > TOLERATED {
            let left = time(self.left_over.gap_ns.abs());
            let direction = if self.left_over.gap_ns > 0.0 {
                "are left over"
            } else {
                "are explained twice"
            };
            said += &format!("; {left} ({:.0} %) {direction}", 100.0 * unexplained);
        }
        said + "."
    }
}

#[cfg(test)]
mod tests;
