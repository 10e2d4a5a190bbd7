//! The analyzers that there are.

use super::analyzer::{Analyzer, Setting};
use super::{burn, histogram, luma, motion, sharpness, thumbnail};

/// An analyzer that can be asked for.
#[derive(Debug)]
pub struct Entry {
    /// What it is called, in options and in findings.
    pub name: &'static str,
    /// One line about what it finds.
    pub summary: &'static str,
    /// What must be given after the name and a colon, if anything.
    pub parameter: Option<Parameter>,
    /// The numbers in its finding that a [`Condition`](super::Condition) may compare, as
    /// `ANALYZER.FIELD`; none if it needs a parameter, which a condition has no place for.
    pub fields: &'static [&'static str],
    /// What of the frames it looks at.
    pub reads: Reads,
    pub(super) make: fn(&Setting) -> Box<dyn Analyzer>,
}

impl Entry {
    /// How it is asked for: `luma`, `burn:MS`.
    pub fn usage(&self) -> String {
        match &self.parameter {
            Some(parameter) => format!("{}:{}", self.name, parameter.name),
            None => self.name.to_owned(),
        }
    }
}

/// What an analyzer is told beside its name.
#[derive(Debug)]
pub struct Parameter {
    /// What to call it in a usage text, as `MS`.
    pub name: &'static str,
    /// Says in a sentence what is wrong with a value.
    pub(super) check: fn(&str) -> Result<(), String>,
    /// Measures what the machine needs for a value, once, before a run.
    pub(super) calibrate: Option<fn(&str) -> u64>,
}

/// What of the frames an analyzer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The frame's first page.
    Page,
    /// All samples, but of planar frames the luma plane alone.
    Samples,
    /// The luma plane.
    Luma,
    /// The luma planes of the frame and of the one before: it looks back.
    LumaAndBefore,
}

/// Every analyzer, in the order in which to list them.
///
/// ```
/// for entry in framehaul::analysis::registry() {
///     println!("{:12} {}", entry.usage(), entry.summary);
/// }
/// ```
pub fn registry() -> &'static [Entry] {
    ENTRIES
}

static ENTRIES: &[Entry] = &[
    Entry {
        name: "luma",
        summary: "darkest, brightest and mean luma",
        parameter: None,
        fields: &["min", "max", "mean"],
        reads: Reads::Luma,
        make: luma::make,
    },
    Entry {
        name: "histogram",
        summary: "256 bins of luma, and its 10th and 90th percentile",
        parameter: None,
        fields: &["p10", "p90"],
        reads: Reads::Luma,
        make: histogram::make,
    },
    Entry {
        name: "motion",
        summary: "mean absolute difference to the luma of the frame before",
        parameter: None,
        fields: &["mean_abs_diff"],
        reads: Reads::LumaAndBefore,
        make: motion::make,
    },
    Entry {
        name: "sharpness",
        summary: "variance of the luma's Laplacian: low where the picture is blurred",
        parameter: None,
        fields: &["laplacian_variance"],
        reads: Reads::Luma,
        make: sharpness::make,
    },
    Entry {
        name: "thumbnail",
        summary: "the frame made small, W by H pixels, which go to thumbnails.npy",
        parameter: Some(Parameter {
            name: "WxH",
            check: thumbnail::check,
            calibrate: None,
        }),
        fields: &[],
        reads: Reads::Samples,
        make: thumbnail::make,
    },
    Entry {
        name: "burn",
        summary: "no finding: arithmetic that takes MS milliseconds a frame",
        parameter: Some(Parameter {
            name: "MS",
            check: burn::check,
            calibrate: Some(burn::calibrate),
        }),
        fields: &[],
        reads: Reads::Page,
        make: burn::make,
    },
];

/// The analyzer of that name, or a sentence with the nearest and all that there are.
pub(super) fn find(name: &str) -> Result<&'static Entry, String> {
    if let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    let nearest = nearest(name, ENTRIES, |entry| entry.name)
        .map(|entry| format!("; did you mean {}?", entry.usage()))
        .unwrap_or_default();
    let all: Vec<_> = ENTRIES.iter().map(Entry::usage).collect();
    let all = all.join(", ");
    Err(format!(
        "no analyzer is called `{name}`{nearest} (there are {all})"
    ))
}

/// Which of several things is named most like `name`, if any is named at all like it.
pub(crate) fn nearest<T>(
    name: &str,
    things: impl IntoIterator<Item = T>,
    name_of: impl Fn(&T) -> &str,
) -> Option<T> {
    // To compare names costs memory for each pair of their letters.
    let name: String = name.chars().take(100).collect();
    let likeness = |thing: &T| strsim::normalized_damerau_levenshtein(name_of(thing), &name);
    let things = things.into_iter();
    things
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|thing| likeness(thing) > 0.3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_made_of_lower_case_letters() {
        for (i, entry) in ENTRIES.iter().enumerate() {
            assert!(ENTRIES[..i].iter().all(|other| other.name != entry.name));
            assert!(entry.name.bytes().all(|byte| byte.is_ascii_lowercase()));
        }
    }

    #[test]
    fn summaries_are_one_line() {
        for entry in ENTRIES {
            assert!(
                !entry.summary.is_empty() && entry.summary.len() < 80,
                "{}",
                entry.name
            );
            assert!(!entry.summary.contains('\n') && !entry.summary.ends_with('.'));
        }
    }
}
