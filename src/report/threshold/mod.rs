//! Thresholds: what a run must not come to.
//!
//! ```text
//! threshold = figure ("<" | "<=" | ">" | ">=" | "==" | "!=") value
//! figure    = ["ratio."] NAME
//! value     = NUMBER [unit] | "true" | "false"
//! unit      = "ns" | "us" | "µs" | "ms" | "s" | "B" | "kB" | "MB" | "GB" | "TB"
//!           | "KiB" | "MiB" | "GiB" | "TiB" | "%"
//! ```
//!
//! A name is that of a figure in `report.json`, where `totals.` and `stages.` may be left out, and
//! the `_ns` of a stage's figures: `fps`, `end_to_end.p99`, `memory.peak_anon_bytes`. What is a time
//! or a size needs a unit, so that nobody has to know what the report counts in. After `ratio.` it
//! is the run's figure over the baseline's: the one that is shown, of the usual pass, with its interval. Where
//! none is shown, it is one figure over the other: of all passes together, which is said, since who asks for a
//! limit wants an answer of few passes too.
//!
//! A threshold holds for each run, a ratio for each run but the first. What cannot be known (a
//! percentile of too few frames, how long frames take in a run that does not keep up) is no
//! success: it fails, and says why.
//!
//! ```
//! use framehaul::report::{Comparison, Threshold, judge};
//! let runs = Comparison::read(&["data/reports/payload".into(), "data/reports/mmap".into()])?;
//! let thresholds = ["frames_dropped > 0", "ratio.fps < 20", "compute.p99 > 33ms"];
//! let thresholds = thresholds.map(|text| Threshold::parse(text).unwrap());
//! let judgements = judge(&thresholds, &runs);
//! let failed: Vec<_> = judgements.iter().map(|one| (&one.run[..], one.failed)).collect();
//! assert_eq!(
//!     failed,
//!     [
//!         ("payload", false), ("mmap", false),
//!         ("mmap", false),
//!         ("payload", true), ("mmap", true), // 90 frames are too few for a p99
//!     ]
//! );
//! # Ok::<(), framehaul::Error>(())
//! ```

mod figure;
mod judgement;
mod value;

pub use judgement::{Judgement, judge, judgements};

use self::figure::{Figure, Quantity};
use self::value::Value;
use crate::analysis::Operator;
use std::fmt;

/// A comparison of a figure with a limit; a run for which it is true has failed.
///
/// ```
/// use framehaul::report::Threshold;
/// let threshold = Threshold::parse("totals.fps<29.5").unwrap();
/// assert_eq!(threshold.to_string(), "fps < 29.5");
/// let said = Threshold::parse("end_to_end.p98 > 33ms").unwrap_err();
/// assert!(said.contains("did you mean end_to_end.p99?"), "{said}");
/// let said = Threshold::parse("end_to_end.p99 > 33").unwrap_err();
/// assert!(said.contains("needs a unit"), "{said}");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    figure: Figure,
    /// Of the figure over that of the baseline.
    is_ratio: bool,
    operator: Operator,
    limit: Value,
}

/// What stands before a figure that is compared with the baseline's.
const RATIO: &str = "ratio.";

impl Threshold {
    /// Parses a threshold; the grammar is [above](self).
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, operator, value) = split(text)?;
        let (is_ratio, name) = match name.strip_prefix(RATIO) {
            Some(name) => (true, name),
            None => (false, name),
        };
        let figure = Figure::named(name)?;
        let quantity = match (is_ratio, figure.quantity()) {
            (true, Quantity::Truth) => return Err(format!("{figure} is true or false: no ratio")),
            (true, _) => Quantity::Share,
            (false, quantity) => quantity,
        };
        let limit = Value::parse(value, quantity).map_err(|why| match is_ratio {
            true => format!("{RATIO}{figure} {why}"),
            false => format!("{figure} {why}"),
        })?;
        if quantity == Quantity::Truth && !matches!(operator, Operator::Equal | Operator::NotEqual)
        {
            return Err(format!("{figure} is true or false: compare it by == or !="));
        }
        Ok(Self {
            figure,
            is_ratio,
            operator,
            limit,
        })
    }

    /// Whether it compares runs with a baseline.
    pub const fn is_ratio(&self) -> bool {
        self.is_ratio
    }

    /// What is compared: `end_to_end.p99`, `ratio.fps`.
    fn name(&self) -> String {
        let before = if self.is_ratio { RATIO } else { "" };
        format!("{before}{}", self.figure)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, operator) = (self.name(), self.operator.symbol());
        write!(f, "{name} {operator} {}", self.limit)
    }
}

/// What stands before, at and after the operator.
fn split(text: &str) -> Result<(&str, Operator, &str), String> {
    let at = |operator: Operator| text.find(operator.symbol()).map(|at| (at, operator));
    let found = Operator::ALL.into_iter().filter_map(at);
    // At one place the first of them is the longest.
    let Some((at, operator)) = found.min_by_key(|(at, _)| *at) else {
        return Err(match text.contains('=') {
            true => "for equality, write ==".into(),
            false => "expected a figure, one of <, <=, >, >=, == and !=, and a limit, as \
                      'end_to_end.p99 > 33ms'"
                .into(),
        });
    };
    let value = &text[at + operator.symbol().len()..];
    Ok((text[..at].trim(), operator, value.trim()))
}

#[cfg(test)]
mod tests;
