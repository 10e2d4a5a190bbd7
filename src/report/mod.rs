//! A finished run, or several, for people and for programs; nothing is measured here.
//!
//! A run becomes a [`Report`], which a [`RunDir`] writes with its findings and its interval log.
//! [`summary`] shows one report, and a [`Comparison`] several: as text, as JSON, and as a sentence.
//!
//! ```no_run
//! use framehaul::report::{Comparison, Style};
//! let comparison = Comparison::read(&["runs/payload".into(), "runs/mmap".into()])?;
//! println!("{}", comparison.render(Style::of_stdout()));
//! # Ok::<(), framehaul::Error>(())
//! ```

mod checkup;
mod compare;
mod data;
mod found;
mod histogram;
mod read;
mod schema;
mod spark;
mod story;
mod style;
mod summary;
mod table;
pub mod threshold;
pub(crate) mod units;
mod verdict;
mod write;

#[cfg(test)]
mod samples;

pub use checkup::checkup;
pub use compare::{Comparison, Difference};
pub use data::{ComparisonData, Percentiles, Ratios, RunData};
pub use found::{FailedData, FoundData, HitData, InputData, found_line, found_story};
pub use schema::{Cpu, Memory, Report, SCHEMA, StageSummary, Totals, Workload};
pub use story::Story;
pub use style::Style;
pub(crate) use style::shell_word;
pub use summary::summary;
pub use threshold::{Judgement, Threshold, judge, judgements};
#[cfg(feature = "cli")]
pub use write::RunDir;
