//! A finished run, or several, for people and for programs; nothing is measured here.
//!
//! A run becomes a [`Report`], which a [`RunDir`] writes with its findings, its interval log and its
//! page. [`summary`] shows one report, and a [`Comparison`] several: as text, as JSON, as a sentence,
//! and as a page ([`Comparison::page`]). Runs of ranges of one input become one ([`Merge`]). An
//! [`Export`] writes runs in other programs' formats; [`SCHEMAS`] are those of ours.
//!
//! ```
//! use framehaul::report::{Comparison, Style};
//! let runs = ["data/reports/payload".into(), "data/reports/mmap".into()];
//! let comparison = Comparison::read(&runs)?;
//! assert!(comparison.verdict().starts_with("mmap is "));
//! println!("{}", comparison.show(Style::of_stdout()));
//! # Ok::<(), framehaul::Error>(())
//! ```

mod checkup;
mod compare;
mod data;
mod doubts;
mod explain;
mod export;
mod found;
mod histogram;
mod lines;
#[cfg(feature = "cli")]
mod merge;
mod merged;
pub(crate) mod page;
mod published;
mod ratios;
mod read;
mod schema;
mod sink;
mod spark;
mod story;
mod style;
mod summary;
mod table;
pub mod threshold;
mod timeline;
mod trust;
pub(crate) mod units;
mod verdict;
mod warnings;
mod write;

#[cfg(test)]
mod samples;

pub use checkup::checkup;
pub use compare::{Comparison, Difference};
pub use data::{ComparisonData, Percentiles, RunData, Shown};
pub(crate) use doubts::of_noise;
pub use doubts::{About, Doubt};
pub use explain::{Bound, Explanation, Term, TermGap, TermTimes};
pub use export::{Export, KINDS, Kind, Missing};
pub use found::{FailedData, FoundData, HitData, InputData, found_line, found_story};
#[cfg(feature = "cli")]
pub use merge::Merge;
pub use merged::{Merged, Part};
#[cfg(test)]
pub(crate) use published::tests::check_written;
pub use published::{Published, SCHEMAS};
pub use ratios::Ratios;
pub use schema::{Cpu, Memory, Report, SCHEMA, StageSummary, Totals, Workload};
#[cfg(feature = "cli")]
pub(crate) use sink::Sink;
pub use story::Story;
pub use style::Style;
#[cfg(feature = "cli")]
pub(crate) use style::printable;
pub(crate) use style::shell_word;
pub use summary::summary;
pub use threshold::{Judgement, Threshold, judge, judgements};
pub use timeline::{Interval, Timeline};
#[cfg(feature = "cli")]
pub use write::RunDir;
