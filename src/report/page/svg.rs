//! What plotters draws, as SVG whose colours are the page's.
//!
//! plotters' own SVG has a colour in every element, for one background. Here an element has a class
//! instead, and the style sheet says what that looks like by day, by night and on paper. Which class
//! it is travels through plotters as a colour: an [`Ink`].

use maud::html;
use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;
use std::fmt::Write;

/// What something is drawn with; a class of the style sheet each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// The grid behind a chart.
    Grid,
    /// The line that a chart stands on.
    Axis,
    /// Words.
    Text,
    /// Words that say what the others belong to.
    Name,
    /// What the machine can do at most.
    Limit,
    /// A colour of the palette: that of a run.
    Run(u8),
    /// The same, thin.
    Thin(u8),
    /// The same, where it is not certain, or not the main thing.
    Pale(u8),
    /// A stage, by its number.
    Stage(u8),
    /// What went wrong: frames dropped, failed, late.
    Wrong(u8),
    /// Nothing is drawn.
    Nothing,
}

impl Ink {
    /// As a colour that survives plotters.
    pub(super) const fn colour(self) -> RGBColor {
        match self {
            Self::Grid => RGBColor(1, 0, 0),
            Self::Axis => RGBColor(2, 0, 0),
            Self::Text => RGBColor(3, 0, 0),
            Self::Name => RGBColor(4, 0, 0),
            Self::Limit => RGBColor(5, 0, 0),
            Self::Run(n) => RGBColor(6, n, 0),
            Self::Pale(n) => RGBColor(7, n, 0),
            Self::Stage(n) => RGBColor(8, n, 0),
            Self::Wrong(n) => RGBColor(9, n, 0),
            Self::Thin(n) => RGBColor(10, n, 0),
            Self::Nothing => RGBColor(0, 0, 0),
        }
    }

    /// What is drawn of that colour; none if nothing is.
    fn of(colour: BackendColor) -> Option<Self> {
        let (kind, n, _) = colour.rgb;
        if colour.alpha == 0.0 {
            return None;
        }
        Some(match kind {
            1 => Self::Grid,
            2 => Self::Axis,
            3 => Self::Text,
            4 => Self::Name,
            5 => Self::Limit,
            6 => Self::Run(n),
            7 => Self::Pale(n),
            8 => Self::Stage(n),
            9 => Self::Wrong(n),
            10 => Self::Thin(n),
            _ => return None,
        })
    }

    /// Its class in the style sheet.
    pub(super) fn class(self) -> String {
        match self {
            Self::Grid => "grid".into(),
            Self::Axis => "axis".into(),
            Self::Text => "text".into(),
            Self::Name => "name".into(),
            Self::Limit => "limit".into(),
            Self::Run(n) => format!("r{n}"),
            Self::Pale(n) => format!("r{n} pale"),
            Self::Stage(n) => format!("s{n}"),
            Self::Wrong(n) => format!("w{n}"),
            Self::Thin(n) => format!("r{n} thin"),
            Self::Nothing => "nothing".into(),
        }
    }
}

/// plotters counts in whole units: tenths of the SVG's.
pub(super) const UNITS: i32 = 10;

/// The inside of an `svg` element.
pub(super) struct Svg<'a> {
    pub(super) elements: &'a mut String,
    /// Width and height of the SVG.
    pub(super) size: (u32, u32),
}

/// A length in the SVG's units.
struct Length(i32);

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 % UNITS {
            0 => write!(f, "{}", self.0 / UNITS),
            _ => write!(f, "{}", f64::from(self.0) / f64::from(UNITS)),
        }
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Svg<'_> {
    fn put(&mut self, element: std::fmt::Arguments<'_>) -> Drawn {
        // Writing to a string does not fail.
        let _ = self.elements.write_fmt(element);
        Ok(())
    }
}

/// `x,y x,y …`, without points that are hardly apart from the one before.
fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
    const NEAR: i32 = 12;
    let path: Vec<_> = path.into_iter().collect();
    let mut text = String::new();
    let mut before: Option<BackendCoord> = None;
    for (index, &(x, y)) in path.iter().enumerate() {
        let is_near = before.is_some_and(|(bx, by)| (x - bx).abs() < NEAR && (y - by).abs() < NEAR);
        if is_near && index + 1 < path.len() {
            continue;
        }
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}{},{}", Length(x), Length(y));
        before = Some((x, y));
    }
    text
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let (width, height) = self.size;
        (width * UNITS as u32, height * UNITS as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + UNITS, at.1 + UNITS), &Solid(colour), true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let Some(ink) = Ink::of(style.color()) else {
            return Ok(());
        };
        let (class, points) = (ink.class(), points(path));
        self.put(format_args!(
            r#"<polyline class="line {class}" points="{points}"/>"#
        ))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let Some(ink) = Ink::of(style.color()) else {
            return Ok(());
        };
        let how = if fill { "area" } else { "line" };
        let (x, y) = (Length(left.min(right)), Length(top.min(bottom)));
        let (width, height) = (Length((right - left).abs()), Length((bottom - top).abs()));
        let class = ink.class();
        self.put(format_args!(
            r#"<rect class="{how} {class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        ))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let Some(ink) = Ink::of(style.color()) else {
            return Ok(());
        };
        let (class, points) = (ink.class(), points(path));
        self.put(format_args!(
            r#"<polygon class="area {class}" points="{points}"/>"#
        ))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let Some(ink) = Ink::of(style.color()) else {
            return Ok(());
        };
        let anchor = style.anchor();
        let along = match anchor.h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let down = match anchor.v_pos {
            VPos::Top => "0.8em",
            VPos::Center => "0.35em",
            VPos::Bottom => "-0.25em",
        };
        // What is written may come from outside: the macro escapes it.
        let element = html! {
            text class=(ink.class()) x=(Length(x).to_string()) y=(Length(y).to_string())
                dy=(down) text-anchor=(along) { (text) }
        };
        self.elements.push_str(&element.into_string());
        Ok(())
    }
}

/// The style of a single colour.
struct Solid(BackendColor);

impl BackendStyle for Solid {
    fn color(&self) -> BackendColor {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::Color;

    #[test]
    fn an_ink_survives_as_a_colour() {
        for ink in [
            Ink::Grid,
            Ink::Name,
            Ink::Run(3),
            Ink::Pale(9),
            Ink::Stage(6),
            Ink::Wrong(1),
        ] {
            assert_eq!(Ink::of(ink.colour().to_backend_color()), Some(ink));
        }
        assert_eq!(Ink::of(Ink::Nothing.colour().to_backend_color()), None);
        assert_eq!(
            Ink::of(Ink::Grid.colour().mix(0.0).to_backend_color()),
            None
        );
    }

    #[test]
    fn a_path_has_its_ends_and_no_points_that_cannot_be_told_apart() {
        let path = (0..1000).map(|x| (x, 0));
        let text = points(path);
        assert!(
            text.starts_with("0,0 1.2,0 2.4,0 ") && text.ends_with(" 99.9,0"),
            "{text}"
        );
        assert_eq!(points([(5, -15)]), "0.5,-1.5");
    }

    #[test]
    fn words_from_outside_are_escaped() {
        use plotters::prelude::*;
        let mut elements = String::new();
        let svg = Svg {
            elements: &mut elements,
            size: (100, 50),
        };
        let area = svg.into_drawing_area();
        let style = ("sans-serif", 120).into_font().color(&Ink::Text.colour());
        area.draw_text("</text><script>", &style, (0, 0)).unwrap();
        drop(area);
        assert!(
            elements.contains("&lt;/text&gt;&lt;script&gt;"),
            "{elements}"
        );
    }
}
