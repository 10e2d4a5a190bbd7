//! What an experiment found: figures beside the claimed ones, drawings, and a verdict.

use crate::report::units;
use serde::Serialize;
use std::fmt;

/// What was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Figure by figure, claimed and measured.
    pub figures: Vec<Figure>,
    /// What is better seen than read.
    pub drawings: Vec<Drawing>,
    /// Whether the claim holds here.
    pub verdict: Verdict,
    /// Why, in a sentence that has the figures in it on which the verdict rests.
    pub because: String,
    /// The claims that it consists of, each with a verdict of its own; none if it is one.
    pub parts: Vec<Part>,
}

/// One of the claims that an experiment tries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Part {
    /// The slide that makes it.
    pub slide: u8,
    /// In the lecture's words.
    pub claim: &'static str,
    /// Whether it holds here.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub because: String,
}

impl Part {
    pub(super) const fn new(
        slide: u8,
        claim: &'static str,
        verdict: Verdict,
        because: String,
    ) -> Self {
        Self {
            slide,
            claim,
            verdict,
            because,
        }
    }

    /// On all of these together.
    pub(super) fn verdict<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Verdict {
        let all: Vec<_> = parts.into_iter().map(|part| part.verdict).collect();
        Verdict::of_all(&all)
    }

    /// The same of what this machine can tell; if it cannot, `why` comes before what was measured.
    pub(super) fn if_told(mut self, can_tell: bool, why: &str) -> Self {
        if !can_tell {
            self.verdict = Verdict::Untestable;
            self.because = format!("{why}: {}", self.because);
        }
        self
    }

    /// The same of a claim of what is done in parallel; see [`Verdict::in_parallel`].
    pub(super) fn in_parallel(mut self, processors: usize) -> Self {
        (self.verdict, self.because) = self.verdict.in_parallel(processors, self.because);
        self
    }
}

impl Finding {
    /// There was too little memory to measure anything.
    pub(super) fn no_memory(needed: u64, available: u64) -> Self {
        let because = format!(
            "it takes {} of memory, and {} are available",
            units::bytes(needed as f64),
            units::bytes(available as f64)
        );
        Self {
            figures: Vec::new(),
            drawings: Vec::new(),
            verdict: Verdict::Untestable,
            because,
            parts: Vec::new(),
        }
    }

    /// The verdict on what a slide claims.
    pub fn of_slide(&self, slide: u8) -> Verdict {
        let parts = self.parts.iter().filter(|part| part.slide == slide);
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() {
            return self.verdict;
        }
        Part::verdict(parts)
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name in JSON, the same for every peer.
    pub key: &'static str,
    /// Its name for people.
    pub what: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// What the lecture says it is, if it does.
    pub claimed: Option<Claimed>,
    /// What it is here.
    pub measured: f64,
    /// Whether people see it in a drawing, and not in the table of figures once more.
    pub is_drawn: bool,
}

impl Figure {
    /// A measured figure.
    pub(super) const fn new(
        key: &'static str,
        what: &'static str,
        unit: Unit,
        measured: f64,
    ) -> Self {
        Self {
            key,
            what,
            unit,
            claimed: None,
            measured,
            is_drawn: false,
        }
    }

    /// It is in a drawing.
    pub(super) const fn drawn(mut self) -> Self {
        self.is_drawn = true;
        self
    }

    /// A time in seconds.
    pub(super) const fn seconds(key: &'static str, what: &'static str, measured: f64) -> Self {
        Self::new(key, what, Unit::Seconds, measured)
    }

    /// How many times as much.
    pub(super) const fn times(key: &'static str, what: &'static str, measured: f64) -> Self {
        Self::new(key, what, Unit::Times, measured)
    }

    /// The lecture says it is about so much.
    pub(super) const fn about(mut self, claimed: f64) -> Self {
        self.claimed = Some(Claimed::About(claimed));
        self
    }

    /// The lecture says it is from so much to so much.
    pub(super) const fn between(mut self, least: f64, most: f64) -> Self {
        self.claimed = Some(Claimed::Between(least, most));
        self
    }
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// How many times as much.
    Times,
    /// A share of a whole, from 0 to 1.
    Share,
    /// A number of things.
    Count,
    /// A number of things a second.
    PerSecond,
    /// Whether something was seen to be so: 1, or 0 if it was not; not a number if it was not tried.
    Shown,
}

/// A figure that a lecture gives: a number, or two for a range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Claimed {
    /// About so much.
    About(f64),
    /// From so much to so much.
    Between(f64, f64),
}

/// What a claim is worth on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Verdict {
    /// It is as claimed.
    #[serde(rename = "holds")]
    Holds,
    /// It is not.
    #[serde(rename = "differs")]
    Differs,
    /// It is as claimed in some of the cases that the claim is about, or that is not clear.
    #[serde(rename = "depends")]
    Depends,
    /// This machine cannot tell.
    #[serde(rename = "untestable here")]
    Untestable,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::Differs => "differs",
            Self::Depends => "depends",
            Self::Untestable => "untestable here",
        })
    }
}

impl Verdict {
    /// On a claim with several parts, of each of which it is known whether it is as claimed.
    pub(super) fn of(parts: &[bool]) -> Self {
        match parts.iter().filter(|&&part| part).count() {
            0 => Self::Differs,
            all if all == parts.len() => Self::Holds,
            _ => Self::Depends,
        }
    }

    /// On a claim with several parts, each of which has its own. One that cannot be tried changes
    /// nothing where another differs; where all others hold, nobody knows of the whole.
    pub(super) fn of_all(parts: &[Self]) -> Self {
        let any = |verdict| parts.contains(&verdict);
        match (any(Self::Holds), any(Self::Differs)) {
            _ if any(Self::Depends) => Self::Depends,
            (true, true) => Self::Depends,
            (false, true) => Self::Differs,
            _ if any(Self::Untestable) => Self::Untestable,
            (true, false) => Self::Holds,
            // Of no parts at all, nothing was claimed.
            (false, false) => Self::Untestable,
        }
    }

    /// The same where of some parts it is not clear whether they are as claimed: as long as there are such,
    /// nothing is said of the whole.
    pub(super) fn of_clear(parts: &[Option<bool>]) -> Self {
        let known: Option<Vec<_>> = parts.iter().copied().collect();
        known.map_or(Self::Depends, |known| Self::of(&known))
    }

    /// The same, with its sentence, on a claim of what is done in parallel: on one processor nothing
    /// is.
    pub(super) fn in_parallel(self, processors: usize, because: String) -> (Self, String) {
        if processors > 1 {
            return (self, because);
        }
        let because = format!(
            "there is one processor, on which nothing is parallel; what was measured on it: {because}"
        );
        (Self::Untestable, because)
    }
}

/// Whether it is what is claimed, within a factor of two either way: the lectures' figures are round
/// ones, of another machine.
pub(super) fn is_about(measured: f64, claimed: f64) -> bool {
    (0.5..=2.0).contains(&(measured / claimed))
}

/// What is better seen than read.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawing {
    /// Words and numbers; the first column is words.
    Table {
        /// What it shows.
        title: String,
        /// Names of the columns.
        header: Vec<String>,
        /// As wide as the header, each.
        rows: Vec<Vec<String>>,
    },
    /// Lengths to compare, of one unit.
    Bars {
        /// What it shows.
        title: String,
        /// What all are counted in.
        unit: Unit,
        /// A name and a length each.
        bars: Vec<(String, f64)>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Depends, Differs, Holds, Untestable};

    #[test]
    fn the_whole_holds_if_all_parts_do_and_depends_where_some_do() {
        for (parts, whole) in [
            (&[Holds, Holds][..], Holds),
            (&[Holds, Differs], Depends),
            (&[Differs, Differs], Differs),
            (&[Depends, Differs], Depends),
            (&[Depends, Untestable], Depends),
            (&[Holds, Untestable], Untestable),
            (&[Differs, Untestable], Differs),
            (&[Holds, Differs, Untestable], Depends),
            (&[Untestable], Untestable),
            (&[], Untestable),
        ] {
            assert_eq!(Verdict::of_all(parts), whole, "{parts:?}");
        }
    }

    #[test]
    fn a_slide_has_the_verdict_of_its_own_parts_or_else_that_of_the_whole() {
        let part =
            |slide, is_so| Part::new(slide, "It is so", Verdict::of(&[is_so]), "it is".into());
        let finding = Finding {
            figures: Vec::new(),
            drawings: Vec::new(),
            verdict: Depends,
            because: "some of it is".into(),
            parts: vec![
                part(4, true),
                part(6, false),
                part(6, true).if_told(false, "why"),
            ],
        };
        assert_eq!(
            [4, 6, 7].map(|slide| finding.of_slide(slide)),
            [Holds, Differs, Depends]
        );
        assert_eq!(finding.parts[2].because, "why: it is");
    }

    #[test]
    fn what_is_parallel_cannot_be_told_of_on_one_processor() {
        let part =
            |processors| Part::new(9, "It is so", Holds, "it is".into()).in_parallel(processors);
        assert_eq!((part(1).verdict, part(2).verdict), (Untestable, Holds));
        assert!(part(1).because.ends_with(": it is"));
    }
}
