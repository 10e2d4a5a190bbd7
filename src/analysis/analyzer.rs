//! What an analyzer is.

use super::registry::{self, Entry};
use super::row::Row;
use crate::frame::FrameView;
use serde::Serialize;
use std::ops::Range;

/// One analyzer at work. For each frame the engine calls `begin`, then `samples` and `row` for each
/// row from the top down, then `finish`; but it may abandon the frame at any row and begin another.
///
/// What it allocates it keeps from frame to frame: all frames of an engine have one format.
pub(super) trait Analyzer: Send {
    /// A frame begins, the one of that index in its stream.
    fn begin(&mut self, index: u64, frame: FrameView<'_>);

    /// These rows come next, and until the last of them is done nobody can abandon the frame.
    fn span(&mut self, _rows: Range<u32>) {}

    /// The next row as it lies in the frame: all channels of a gray or RGB frame, the luma of a
    /// planar one. It is shown while some analyzer's registry entry says that it reads samples.
    fn samples(&mut self, _row: &[u8]) {}

    /// The next row's luma. It is made while some analyzer's registry entry says that it reads it.
    fn row(&mut self, _row: &Row<'_>) {}

    /// What was found, as JSON; nothing if the analyzer has no place in the findings.
    fn finish(&mut self) -> Option<String>;

    /// After `finish`: what was found, if it is pixels. They stay until the next `begin`.
    fn pixels(&self) -> Option<&[u8]> {
        None
    }
}

/// A finding as JSON.
pub(super) fn json(finding: &impl Serialize) -> String {
    serde_json::to_string(finding).expect("findings are numbers under string keys")
}

/// An analyzer as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setting {
    /// As typed: `luma`, `burn:5`.
    pub typed: String,
    /// What the analyzer measured of the machine once, before the run, if it needs that.
    pub calibrated: Option<u64>,
}

impl Setting {
    /// What was typed, checked: the name is registered and the parameter is one that it takes.
    pub(super) fn check(typed: &str) -> Result<Self, String> {
        let (name, given) = split(typed);
        let entry = registry::find(name)?;
        match (&entry.parameter, given) {
            (None, None) => {}
            (None, Some(_)) => return Err(format!("{name} takes no parameter: `{typed}`")),
            (Some(parameter), Some(given)) => (parameter.check)(given)?,
            (Some(parameter), None) => {
                let wanted = parameter.name;
                return Err(format!("{name} needs its parameter: {name}:{wanted}"));
            }
        }
        Ok(Self {
            typed: typed.to_owned(),
            calibrated: None,
        })
    }

    pub(super) fn name(&self) -> &str {
        split(&self.typed).0
    }

    pub(super) fn parameter(&self) -> Option<&str> {
        split(&self.typed).1
    }

    /// Whether its finding is pixels.
    pub(super) fn makes_thumbnails(&self) -> bool {
        self.name() == "thumbnail"
    }

    pub(super) fn entry(&self) -> &'static Entry {
        registry::find(self.name()).expect("the name was checked")
    }
}

/// Name and parameter.
fn split(typed: &str) -> (&str, Option<&str>) {
    match typed.split_once(':') {
        Some((name, parameter)) => (name, Some(parameter)),
        None => (typed, None),
    }
}
