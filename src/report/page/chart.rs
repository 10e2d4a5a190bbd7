//! A chart: drawn by plotters, twice, once for a wide window and once for a phone.

use super::axis::Axis;
use super::svg::{Ink, Svg, UNITS};
use maud::{Markup, PreEscaped, html};
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, TextStyle};
use std::convert::Infallible;

/// How much room there is. What is drawn for a phone is shown on one, with letters of the same size,
/// and not a picture of the other that has shrunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Wide,
    Narrow,
}

impl Room {
    /// In the SVG's units, which are pixels or nearly so.
    pub(super) const fn width(self) -> u32 {
        match self {
            Self::Wide => 900,
            Self::Narrow => 340,
        }
    }
}

/// The inside of an `svg` element and its size.
pub(super) struct Picture {
    width: u32,
    height: u32,
    elements: String,
}

/// Part of a chart that tells what is there when it is pointed at.
pub(super) struct Hit {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    pub(super) text: String,
}

/// The space around a chart's axes, in the SVG's units.
#[derive(Clone, Copy)]
pub(super) struct Margins {
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) top: u32,
    pub(super) bottom: u32,
}

/// The part of a chart in which data are.
pub(super) struct Plot<'a, 'b>(ChartContext<'a, Svg<'b>, Cartesian2d<Axis, Axis>>);

/// What goes wrong in drawing: nothing that could in a string, but plotters has more places to draw
/// to.
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;

impl Plot<'_, '_> {
    /// A line through these points.
    pub(super) fn line(&mut self, points: Vec<(f64, f64)>, ink: Ink) -> Drawn {
        let path = PathElement::new(points, ink.colour());
        self.0.draw_series([path]).map(|_| ())
    }

    /// The space between these points and the bottom.
    pub(super) fn area(&mut self, mut points: Vec<(f64, f64)>, bottom: f64, ink: Ink) -> Drawn {
        let ends = points.last().copied().zip(points.first().copied());
        if let Some((last, first)) = ends {
            points.extend([(last.0, bottom), (first.0, bottom)]);
        }
        let shape = Polygon::new(points, ink.colour());
        self.0.draw_series([shape]).map(|_| ())
    }

    /// A bar between two corners.
    pub(super) fn bar(&mut self, corners: [(f64, f64); 2], ink: Ink) -> Drawn {
        let bar = Rectangle::new(corners, ink.colour().filled());
        self.0.draw_series([bar]).map(|_| ())
    }

    /// Words that begin, or end, at a point.
    pub(super) fn words(&mut self, text: String, at: (f64, f64), along: HPos, ink: Ink) -> Drawn {
        let style = letters(ink).pos(Pos::new(along, VPos::Center));
        self.0.draw_series([Text::new(text, at, style)]).map(|_| ())
    }
}

fn letters(ink: Ink) -> TextStyle<'static> {
    // What size they have is said in the style sheet; this is for plotters to reckon with.
    ("sans-serif", 12 * UNITS).into_font().color(&ink.colour())
}

impl Picture {
    /// Draws a chart of that size.
    pub(super) fn draw(
        (width, height): (u32, u32),
        margins: Margins,
        axes: (Axis, Axis),
        hits: &[Hit],
        draw: impl FnOnce(&mut Plot<'_, '_>) -> Drawn,
    ) -> Self {
        let mut elements = String::new();
        let drawn = draw_all(&mut elements, (width, height), margins, axes, hits, draw);
        // There is no way for this to fail; if there were one, the page would lack a chart.
        let hits = drawn.unwrap_or_default();
        elements.push_str(&hits.into_string());
        Self {
            width,
            height,
            elements,
        }
    }

    fn markup(&self, class: &str, label: &str, description: &str) -> Markup {
        html! {
            svg class=(class) viewBox=(format!("0 0 {} {}", self.width, self.height))
                role="img" aria-label=(label) {
                desc { (description) }
                (PreEscaped(&self.elements))
            }
        }
    }
}

fn draw_all(
    elements: &mut String,
    size: (u32, u32),
    margins: Margins,
    (x, y): (Axis, Axis),
    hits: &[Hit],
    draw: impl FnOnce(&mut Plot<'_, '_>) -> Drawn,
) -> Result<Markup, DrawingAreaErrorKind<Infallible>> {
    let area = Svg { elements, size }.into_drawing_area();
    let ((left, right), (bottom, _)) = (x.ends(), y.ends());
    let units = |length: u32| (length * UNITS as u32) as i32;
    let context = ChartBuilder::on(&area)
        .margin_top(units(margins.top))
        .margin_right(units(margins.right))
        .x_label_area_size(units(margins.bottom))
        .y_label_area_size(units(margins.left))
        .build_cartesian_2d(x, y)?;
    let mut plot = Plot(context);
    plot.0
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(Ink::Grid.colour())
        .light_line_style(Ink::Nothing.colour())
        .axis_style(Ink::Nothing.colour())
        .label_style(letters(Ink::Text))
        // Which is half of how far away its words are.
        .set_all_tick_mark_size(UNITS * 11 / 2)
        .draw()?;
    plot.line(vec![(left, bottom), (right, bottom)], Ink::Axis)?;
    draw(&mut plot)?;
    let place = |x: f64, y: f64| {
        let (x, y) = plot.0.backend_coord(&(x, y));
        let units = f64::from(UNITS);
        (f64::from(x) / units, f64::from(y) / units)
    };
    let rects = hits.iter().map(|hit| {
        let (left, bottom) = place(hit.x.0, hit.y.0);
        let (right, top) = place(hit.x.1, hit.y.1);
        let (x, y) = (left.min(right), top.min(bottom));
        // So narrow a part could not be pointed at.
        let (width, height) = ((right - left).abs().max(1.0), (bottom - top).abs().max(1.0));
        html! {
            rect class="hit" x=(tenths(x)) y=(tenths(y)) width=(tenths(width))
                height=(tenths(height)) { title { (hit.text) } }
        }
    });
    Ok(html! { @for rect in rects { (rect) } })
}

fn tenths(value: f64) -> String {
    ((value * 10.0).round() / 10.0).to_string()
}

/// A chart in both sizes, for whoever cannot see it described.
pub(super) fn both(label: &str, description: &str, draw: impl Fn(Room) -> Picture) -> Markup {
    html! {
        (draw(Room::Wide).markup("wide", label, description))
        (draw(Room::Narrow).markup("narrow", label, description))
    }
}

/// A chart in the small size only: one of several beside each other.
pub(super) fn small(label: &str, description: &str, draw: impl Fn(Room) -> Picture) -> Markup {
    draw(Room::Narrow).markup("", label, description)
}

/// Two views of the same, of which one is shown: `(word, view)` each, the first at first. It works
/// without a script.
pub(super) fn either(
    id: &str,
    what: &str,
    first: (&str, Markup),
    second: (&str, Markup),
) -> Markup {
    let [a, b] = ["a", "b"].map(|one| format!("{id}-{one}"));
    html! {
        input.pick.a type="radio" name=(id) id=(a) checked
            aria-label=(format!("{what}: {}", first.0));
        input.pick.b type="radio" name=(id) id=(b) aria-label=(format!("{what}: {}", second.0));
        span.switch {
            label.a for=(a) { (first.0) }
            label.b for=(b) { (second.0) }
        }
        div.view.a { (first.1) }
        div.view.b { (second.1) }
    }
}

/// What the colours mean.
pub(super) fn legend<'a>(entries: impl IntoIterator<Item = (Ink, &'a str)>) -> Markup {
    html! {
        ul.legend { @for (ink, name) in entries { li { (key(ink)) (name) } } }
    }
}

/// A piece of what is drawn so: of a line a line, which on paper has dashes rather than a colour.
fn key(ink: Ink) -> Markup {
    let class = ink.class();
    match ink {
        Ink::Run(_) | Ink::Thin(_) | Ink::Pale(_) => html! {
            svg.key viewBox="0 0 40 8" aria-hidden="true" {
                line class=(format!("line {class}")) x1="1" x2="39" y1="4" y2="4";
            }
        },
        Ink::Limit => html! { span class=(format!("swatch {class} tick")) {} },
        _ => html! { span class=(format!("swatch {class}")) {} },
    }
}

/// `text` in so much room, with its end, which is what tells names apart.
pub(super) fn fitting(text: &str, width: f64) -> String {
    const LETTER: f64 = 7.2;
    crate::report::style::shorten(text, ((width / LETTER) as usize).max(4))
}
