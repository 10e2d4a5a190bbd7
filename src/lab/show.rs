//! Outcomes for people.

use super::{Claimed, Drawing, Experiment, Outcome, Part, Unit};
use crate::report::Style;
use crate::report::units::{self, ABSENT};

impl Experiment {
    /// Where the claim is: `lecture 26, slides 5 and 6`.
    pub fn place(&self) -> String {
        place(self.lecture, self.slides)
    }
}

pub(super) fn place(lecture: u8, slides: &[u8]) -> String {
    let one = if slides.len() == 1 { "slide" } else { "slides" };
    let slides: Vec<_> = slides.iter().map(u8::to_string).collect();
    format!("lecture {lecture}, {one} {}", units::list(&slides))
}

impl Outcome {
    /// The claim, the figures beside the claimed ones, and the verdict.
    pub fn render(&self, style: Style) -> String {
        let place = place(self.lecture, self.slides);
        let title = format!("{} ({place})", self.name);
        let mut parts = vec![
            style.strong(&title),
            style.wrap(&format!("\u{201c}{}\u{201d}", self.claim), 1),
            self.figures(style),
        ];
        parts.extend(
            self.finding
                .drawings
                .iter()
                .map(|drawing| draw(drawing, style)),
        );
        if let Some(peer) = &self.peer {
            parts.push(style.wrap(&peer.line(), 2));
        }
        parts.push(style.strong(&format!("{}: {}.", self.verdict, self.because)));
        parts.extend(self.parts.iter().map(|one| style.wrap(&part(one), 2)));
        let doubts = self.doubts.iter();
        parts.extend(doubts.map(|doubt| style.wrap(&format!("! {doubt}."), 2)));
        parts.join("\n\n")
    }

    fn figures(&self, style: Style) -> String {
        let (header, rows) = self.rows();
        style.table(&header, &rows, 1)
    }

    /// The figures as a table: what, claimed, measured, and the peer's if it was asked.
    pub(super) fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let mut header = vec!["", "claimed", "measured"];
        header.extend(self.peer.is_some().then_some("Python"));
        let row = |figure: &super::Figure| {
            let claimed = figure.claimed.map(|claimed| figure.unit.claimed(claimed));
            let mut row = vec![
                figure.what.to_owned(),
                claimed.unwrap_or_else(|| ABSENT.into()),
                figure.unit.show(figure.measured),
            ];
            row.extend(self.peer.as_ref().map(|peer| {
                let measured = peer.figures.get(figure.key);
                measured.map_or_else(|| ABSENT.into(), |value| figure.unit.show(*value))
            }));
            row
        };
        let figures = self.finding.figures.iter();
        (
            header,
            figures.filter(|figure| !figure.is_drawn).map(row).collect(),
        )
    }
}

impl Unit {
    /// A value with its unit, in three digits.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Shown if value.is_nan() => "not tried".into(),
            _ if value.is_nan() => ABSENT.into(),
            Self::Seconds => units::time(1e9 * value),
            Self::Bytes => units::bytes(value),
            Self::BytesPerSecond => format!("{}/s", units::bytes(value)),
            Self::Times => format!("×{}", units::digits(value)),
            Self::Share => format!("{} %", units::digits(100.0 * value)),
            Self::Count => units::count(value),
            Self::PerSecond => format!("{}/s", units::count(value)),
            Self::Shown => (if value == 1.0 { "yes" } else { "no" }).into(),
        }
    }

    pub(super) fn claimed(self, claimed: Claimed) -> String {
        match claimed {
            Claimed::About(value) => self.show(value),
            Claimed::Between(least, most) => format!("{} to {}", self.show(least), self.show(most)),
        }
    }
}

/// One of the claims, and what came of it.
pub(super) fn part(part: &Part) -> String {
    let Part {
        slide,
        claim,
        verdict,
        because,
    } = part;
    format!("slide {slide}, \u{201c}{claim}\u{201d}: {verdict}, since {because}.")
}

/// Cells of the longest bar.
const LONGEST: usize = 40;

fn draw(drawing: &Drawing, style: Style) -> String {
    match drawing {
        Drawing::Table {
            title,
            header,
            rows,
        } => {
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            format!(
                "{}\n{}",
                style.wrap(title, 0),
                style.table(&header, rows, 1)
            )
        }
        Drawing::Bars {
            title,
            unit,
            bars: all,
        } => format!("{}\n{}", style.wrap(title, 0), bars(*unit, all, style)),
    }
}

/// A line each: its name, its length, its value.
pub(super) fn bars(unit: Unit, bars: &[(String, f64)], style: Style) -> String {
    let most = bars.iter().map(|(_, length)| *length).fold(0.0, f64::max);
    let widest = bars.iter().map(|(name, _)| name.chars().count()).max();
    let widest = widest.unwrap_or(0);
    let values = bars
        .iter()
        .map(|(_, length)| unit.show(*length).chars().count());
    // Beside its name, its value, and what is between.
    let taken = widest + 3 + values.max().unwrap_or(0);
    let longest = style.width.saturating_sub(taken).clamp(1, LONGEST);
    let draw = |(name, length): &(String, f64)| {
        let cells = (length / most * longest as f64).round() as usize;
        let bar = "█".repeat(cells.max(1));
        format!("{name:<widest$}  {bar} {}", unit.show(*length))
    };
    let lines: Vec<_> = bars.iter().map(draw).collect();
    lines.join("\n")
}
