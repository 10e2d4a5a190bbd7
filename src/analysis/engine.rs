//! The engine: one pass over a frame's rows for all analyzers.

use super::Analysis;
use super::analyzer::Analyzer;
use super::registry::Reads;
use super::row::{Kept, LumaRows, Row};
use crate::frame::{FrameFormat, FrameView};
use std::fmt::Write as _;

/// A worker's analyzers and their working memory.
///
/// Each row of a frame is turned into luma once, in a buffer that stays in the nearest cache, and
/// every analyzer sees it there; the frame itself is read once.
pub struct Engine {
    format: FrameFormat,
    analyzers: Vec<(&'static str, Box<dyn Analyzer>)>,
    rows: LumaRows,
    /// Whether any analyzer looks at rows.
    reads_rows: bool,
    /// The luma of the frame before, if any analyzer looks back.
    before: Option<Before>,
}

/// The luma plane of a frame that has gone by.
struct Before {
    index: Option<u64>,
    plane: Kept,
}

impl Engine {
    /// An engine for frames of one format.
    ///
    /// An [`Analysis`] with a `burn` that was not [calibrated](Analysis::calibrate) is calibrated
    /// here, for this engine alone.
    pub fn new(analysis: &Analysis, format: FrameFormat) -> Self {
        let settings = &analysis.settings;
        Self {
            format,
            analyzers: settings
                .iter()
                .map(|setting| (setting.entry().name, (setting.entry().make)(setting)))
                .collect(),
            rows: LumaRows::new(format),
            reads_rows: settings.iter().any(|s| s.entry().reads != Reads::Page),
            before: analysis.looks_back().then(|| Before {
                index: None,
                plane: Kept::new(format.sample, format.pixels()),
            }),
        }
    }

    /// Takes note of frame `index` as the one before the next, without a finding.
    ///
    /// # Panics
    /// If the frame is not of the engine's format.
    pub fn prime(&mut self, index: u64, frame: FrameView<'_>) {
        self.check(frame);
        let width = self.format.width as usize;
        if let Some(before) = &mut self.before {
            for y in 0..self.format.height as usize {
                before.plane.put(y * width, self.rows.row(frame, y).luma);
            }
            before.index = Some(index);
        }
    }

    /// The findings of frame `index` of the stream, as its line of `findings.jsonl` (no newline).
    /// The frame before is the one last primed or analysed if that was `index - 1`; else, unless
    /// `index` is 0, it is missing and what depends on it is null.
    ///
    /// # Panics
    /// If the frame is not of the engine's format.
    pub fn analyze(&mut self, index: u64, frame: FrameView<'_>) -> String {
        self.check(frame);
        for (_, analyzer) in &mut self.analyzers {
            analyzer.begin(index, frame);
        }
        if self.reads_rows {
            self.feed_rows(index, frame);
        }
        let mut line = format!(r#"{{"frame":{index}"#);
        for (name, analyzer) in &mut self.analyzers {
            if let Some(finding) = analyzer.finish() {
                write!(line, r#","{name}":{finding}"#).expect("a string takes what is written");
            }
        }
        line.push('}');
        line
    }

    fn feed_rows(&mut self, index: u64, frame: FrameView<'_>) {
        let width = self.format.width as usize;
        let is_next = self.before.as_ref().is_some_and(|before| {
            index
                .checked_sub(1)
                .is_some_and(|wanted| before.index == Some(wanted))
        });
        for y in 0..self.format.height as usize {
            let (start, end) = (y * width, (y + 1) * width);
            let now = self.rows.row(frame, y);
            let before = self.before.as_ref().filter(|_| is_next);
            let row = Row {
                before: before.map(|before| before.plane.range(start, end)),
                ..now
            };
            for (_, analyzer) in &mut self.analyzers {
                analyzer.row(&row);
            }
            if let Some(before) = &mut self.before {
                before.plane.put(start, now.luma);
            }
        }
        if let Some(before) = &mut self.before {
            before.index = Some(index);
        }
    }

    fn check(&self, frame: FrameView<'_>) {
        let (found, wanted) = (frame.format(), self.format);
        assert!(
            found == wanted,
            "a {found} frame came to an engine for {wanted} frames"
        );
    }
}
