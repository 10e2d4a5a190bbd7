//! The engine: one pass over a frame's rows for all analyzers.

use super::Analysis;
use super::analyzer::Analyzer;
use super::registry::Reads;
use super::row::{Kept, LumaRows, Row};
use crate::frame::{FrameFormat, FrameView};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::ops::Range;

/// A worker's analyzers and their working memory.
///
/// Each row of a frame is turned into luma once, in a buffer that stays in the nearest cache, and
/// every analyzer sees it there; the frame itself is read once. (An analyzer of the samples as they
/// are sees a row right before its luma is made.)
pub struct Engine {
    format: FrameFormat,
    analyzers: Vec<(&'static str, Box<dyn Analyzer>)>,
    rows: LumaRows,
    /// Whether any analyzer looks at the samples as they are.
    reads_samples: bool,
    /// Whether any analyzer looks at luma.
    reads_luma: bool,
    /// The format of the thumbnails, if they are made.
    thumbnail: Option<FrameFormat>,
    /// Whether the last frame was abandoned, or there was none.
    unfinished: bool,
    /// The luma of the frame before, if any analyzer looks back.
    before: Option<Before>,
}

/// A frame was given up before its last row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("abandoned after {rows} rows")]
pub struct Abandoned {
    /// Rows that were done.
    pub rows: u32,
}

/// The luma plane of a frame that has gone by.
struct Before {
    /// Which frame's it is, if it is one's.
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
        let reads = |what: &[Reads]| settings.iter().any(|s| what.contains(&s.entry().reads));
        Self {
            format,
            analyzers: settings
                .iter()
                .map(|setting| (setting.entry().name, (setting.entry().make)(setting)))
                .collect(),
            rows: LumaRows::new(format),
            reads_samples: reads(&[Reads::Samples]),
            reads_luma: reads(&[Reads::Luma, Reads::LumaAndBefore]),
            thumbnail: analysis.thumbnail(format),
            unfinished: true,
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
            before.index = None;
            for y in 0..self.format.height as usize {
                before.plane.put(y * width, self.rows.row(frame, y).luma);
            }
            before.index = Some(index);
        }
    }

    /// Knows of no frame before the next from now on.
    pub fn forget(&mut self) {
        if let Some(before) = &mut self.before {
            before.index = None;
        }
    }

    /// The findings of frame `index` of the stream, as its line of `findings.jsonl` (no newline).
    /// The frame before is the one last primed or analysed if that was `index - 1`; else, unless
    /// `index` is 0, it is missing and what depends on it is null.
    ///
    /// # Panics
    /// If the frame is not of the engine's format.
    pub fn analyze(&mut self, index: u64, frame: FrameView<'_>) -> String {
        let at_once = self.format.height;
        let Ok(line) = self.in_spans(index, frame, at_once, |_| Ok::<_, Infallible>(()));
        line
    }

    /// As [`Self::analyze`], in spans of `every_rows` rows (of one, if that is 0): between two
    /// spans `go_on` is told how many rows are done, and the frame is abandoned if it says no.
    ///
    /// It is asked neither before the first row nor after the last. The findings are the same
    /// bytes, however long the spans are. An engine that abandoned a frame is fit for any other,
    /// but knows of no frame before it until it is [primed](Self::prime).
    ///
    /// ```
    /// use framehaul::analysis::{Abandoned, Analysis, Engine};
    /// use framehaul::frame::{Colour, FrameFormat, FrameView, Sample};
    ///
    /// let format = FrameFormat::new(1, 9, Colour::Gray, Sample::U8);
    /// let mut engine = Engine::new(&Analysis::parse("luma")?, format);
    /// let frame = FrameView::new(format, &[7; 9])?;
    /// assert_eq!(engine.analyze_while(0, frame, 2, |rows| rows < 5), Err(Abandoned { rows: 6 }));
    /// assert_eq!(engine.analyze_while(0, frame, 2, |_| true), Ok(engine.analyze(0, frame)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Abandoned`], if `go_on` said no.
    ///
    /// # Panics
    /// If the frame is not of the engine's format.
    pub fn analyze_while(
        &mut self,
        index: u64,
        frame: FrameView<'_>,
        every_rows: u32,
        mut go_on: impl FnMut(u32) -> bool,
    ) -> Result<String, Abandoned> {
        self.in_spans(index, frame, every_rows.max(1), |rows| {
            if go_on(rows) {
                Ok(())
            } else {
                Err(Abandoned { rows })
            }
        })
    }

    /// Analyses a frame, and between two spans of its rows asks whether to.
    fn in_spans<E>(
        &mut self,
        index: u64,
        frame: FrameView<'_>,
        every: u32,
        mut ask: impl FnMut(u32) -> Result<(), E>,
    ) -> Result<String, E> {
        self.check(frame);
        self.unfinished = true;
        let is_next = self.before.as_mut().is_some_and(|before| {
            // It is overwritten on the way, and no frame's until all of it is this one's.
            let there = before.index.take();
            there.is_some() && there == index.checked_sub(1)
        });
        for (_, analyzer) in &mut self.analyzers {
            analyzer.begin(index, frame);
        }
        let height = self.format.height;
        let mut done = 0;
        while done < height {
            if done > 0 {
                ask(done)?;
            }
            let span = done..height.min(done.saturating_add(every));
            done = span.end;
            for (_, analyzer) in &mut self.analyzers {
                analyzer.span(span.clone());
            }
            if self.reads_samples || self.reads_luma {
                self.feed_rows(frame, span, is_next);
            }
        }
        self.unfinished = false;
        if let Some(before) = &mut self.before {
            before.index = Some(index);
        }
        Ok(self.line(index))
    }

    /// The thumbnail of the frame analysed last, in the format that [`Analysis::thumbnail`] says:
    /// none if no thumbnails are made, before the first frame, and after an abandoned one.
    pub fn thumbnail(&self) -> Option<FrameView<'_>> {
        let format = self.thumbnail.filter(|_| !self.unfinished)?;
        let mut analyzers = self.analyzers.iter();
        let pixels = analyzers.find_map(|(_, analyzer)| analyzer.pixels())?;
        Some(FrameView::new(format, pixels).expect("the analyzer makes thumbnails of that format"))
    }

    fn line(&mut self, index: u64) -> String {
        let mut line = format!(r#"{{"frame":{index}"#);
        for (name, analyzer) in &mut self.analyzers {
            if let Some(finding) = analyzer.finish() {
                write!(line, r#","{name}":{finding}"#).expect("a string takes what is written");
            }
        }
        line.push('}');
        line
    }

    fn feed_rows(&mut self, frame: FrameView<'_>, rows: Range<u32>, is_next: bool) {
        let width = self.format.width as usize;
        for y in rows.start as usize..rows.end as usize {
            if self.reads_samples {
                let row = frame.row(y);
                for (_, analyzer) in &mut self.analyzers {
                    analyzer.samples(row);
                }
            }
            if !self.reads_luma {
                continue;
            }
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
    }

    fn check(&self, frame: FrameView<'_>) {
        let (found, wanted) = (frame.format(), self.format);
        assert!(
            found == wanted,
            "a {found} frame came to an engine for {wanted} frames"
        );
    }
}
