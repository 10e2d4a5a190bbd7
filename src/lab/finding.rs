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
        }
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
        }
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
    /// It is as claimed in some of the cases that the claim is about.
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
