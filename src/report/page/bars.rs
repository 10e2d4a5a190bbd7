//! Bars that lie below each other, each under its name.

use super::axis::{Axis, Counted};
use super::chart::{Drawn, Hit, Margins, Picture, Plot, Room, both, fitting};
use super::svg::Ink;
use maud::Markup;
use plotters::style::text_anchor::HPos;

/// A bar.
pub(super) struct Bar {
    pub(super) name: String,
    /// Its length as people read it, where there is room and where there is little.
    pub(super) shown: [String; 2],
    /// Its parts, the first from 0 on.
    pub(super) parts: Vec<Part>,
    /// What it could be at most.
    pub(super) limit: Option<f64>,
}

/// A part of a bar.
pub(super) struct Part {
    pub(super) length: f64,
    pub(super) ink: Ink,
    /// What is told when it is pointed at.
    pub(super) text: String,
}

/// The height of a bar with its name, and where in it what lies.
const ROW: u32 = 44;
const NAME: f64 = 0.28;
const BAR: (f64, f64) = (0.54, 0.86);
const LIMIT: (f64, f64) = (0.49, 0.91);

impl Bar {
    fn length(&self) -> f64 {
        self.parts.iter().map(|part| part.length).sum()
    }
}

/// All bars on one axis, which ends with the longest or at `end`.
pub(super) fn draw(bars: &[Bar], counted: Counted, end: Option<f64>, room: Room) -> Picture {
    let margins = Margins {
        left: 4,
        right: 30,
        top: 0,
        bottom: 30,
    };
    let width = room.width();
    let ends = bars
        .iter()
        .flat_map(|bar| [bar.length(), bar.limit.unwrap_or(0.0)]);
    let longest = ends.fold(0.0, f64::max);
    let inner = f64::from(width - margins.left - margins.right);
    let x = match end {
        Some(end) => Axis::until(end, counted, inner),
        None => Axis::linear(longest, counted, inner, true),
    };
    let (_, most) = x.ends();
    let y = Axis::plain(bars.len() as f64, 0.0);
    let hits: Vec<Hit> = bars.iter().enumerate().flat_map(hits).collect();
    let size = (width, bars.len() as u32 * ROW + margins.bottom);
    Picture::draw(size, margins, (x, y), &hits, |plot| {
        bars.iter()
            .enumerate()
            .try_for_each(|(row, bar)| draw_one(plot, row as f64, bar, most, room))
    })
}

fn hits((row, bar): (usize, &Bar)) -> Vec<Hit> {
    let row = row as f64;
    let mut from = 0.0;
    let hit = |part: &Part| {
        let begin = from;
        from += part.length;
        Hit {
            x: (begin, begin + part.length),
            y: (row + LIMIT.0, row + LIMIT.1),
            text: part.text.clone(),
        }
    };
    bar.parts.iter().map(hit).collect()
}

fn draw_one(plot: &mut Plot<'_, '_>, row: f64, bar: &Bar, most: f64, room: Room) -> Drawn {
    let [wide, narrow] = &bar.shown;
    let shown = if room == Room::Wide { wide } else { narrow };
    let left = f64::from(room.width()) - 8.0 * shown.chars().count() as f64;
    plot.words(
        fitting(&bar.name, left - 20.0),
        (0.0, row + NAME),
        HPos::Left,
        Ink::Name,
    )?;
    plot.words(shown.clone(), (most, row + NAME), HPos::Right, Ink::Text)?;
    let mut from = 0.0;
    for part in bar.parts.iter().filter(|part| part.length > 0.0) {
        let to = from + part.length;
        plot.bar([(from, row + BAR.0), (to, row + BAR.1)], part.ink)?;
        from = to;
    }
    match bar.limit {
        Some(limit) => {
            let tick = [LIMIT.0, LIMIT.1].map(|y| (limit, row + y));
            plot.line(tick.to_vec(), Ink::Limit)
        }
        None => Ok(()),
    }
}

/// Lengths to compare, each with its name and as people read it; for pages that are not of runs.
#[cfg(feature = "cli")]
pub(crate) fn bars(label: &str, counted: Counted, lengths: &[(String, f64, String)]) -> Markup {
    let all: Vec<Bar> = lengths
        .iter()
        .map(|(name, length, shown)| Bar {
            name: name.clone(),
            shown: [shown.clone(), shown.clone()],
            parts: vec![Part {
                length: *length,
                ink: Ink::Run(4),
                text: format!("{name}\n{shown}"),
            }],
            limit: None,
        })
        .collect();
    let listed: Vec<String> = lengths
        .iter()
        .map(|(name, _, shown)| format!("{name}: {shown}"))
        .collect();
    both(label, &listed.join("; "), |room| {
        draw(&all, counted, None, room)
    })
}
