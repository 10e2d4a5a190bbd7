//! Runs as a page: one HTML file that shows what the tables say, and needs nothing beside it.
//!
//! Each run directory has one of its run, `report.html`, and `framehaul compare --html` writes one of
//! several. A page is a sentence, charts, and the figures behind them; it is read on a screen of any
//! size, by day and by night, on paper, and by whoever cannot see it. Every figure can be found: it
//! has the path in `report.json` where it comes from beside it (`data-field`), and the same value.
//!
//! * **Charts are plotters'** (without its back ends, fonts and colours: plotters and
//!   plotters-backend are two crates that bring no others which are not here already). Two things
//!   that these charts need are extension points there and closed elsewhere: an axis of our own, for
//!   percentiles by their nines, and a back end of our own ([`svg`]), which writes classes instead of
//!   colours, so that the style sheet has them for day, night and paper. charts-rs and kuva write
//!   fixed colours on axes of their own; poloto has classes, but no release since 2023; those that
//!   draw in the browser bring megabytes of script.
//! * **Templates are maud's**: HTML in Rust, checked when it is compiled, in which a string is escaped
//!   unless one says otherwise. Forgetting to escape a file's name is then no mistake that can be
//!   made; with `format!` it is. Should it fail all the same, the page's own policy lets no script run
//!   but its own.
//! * **No script is needed.** What is chosen (a linear axis or a logarithmic one) is chosen by style,
//!   values are shown by the browser when pointed at, and are in a table below; the script shows them
//!   sooner.
//!
//! How large a page is does not depend on the number of frames: a curve is drawn from a histogram,
//! a time line has at most 200 intervals.
//!
//! ```no_run
//! use framehaul::report::Comparison;
//! let page = Comparison::read(&["runs/payload".into(), "runs/mmap".into()])?.page();
//! std::fs::write("comparison.html", page).unwrap();
//! # Ok::<(), framehaul::Error>(())
//! ```

mod asked;
mod axis;
mod bars;
mod chart;
mod course;
mod figure;
mod headline;
mod percentiles;
mod shell;
mod speed;
mod stages;
mod svg;
mod wrong;

#[cfg(test)]
mod tests;

#[cfg(feature = "cli")]
pub(crate) use axis::Counted;
#[cfg(feature = "cli")]
pub(crate) use bars::bars;
pub(crate) use shell::Page;

use self::svg::Ink;
use super::compare::{Comparison, Run};
use crate::stage::Stage;
use jiff::Timestamp;
use maud::{Markup, html};

impl Comparison {
    /// All of it on a page: an HTML file's text. Of a single run it is that run's own page.
    pub fn page(&self) -> String {
        let view = View::of(&self.runs);
        match &self.runs[..] {
            [run] => view.of_one(run, self),
            _ => view.of_several(self),
        }
    }
}

/// The runs of a page, each with its colour.
struct View<'a> {
    runs: &'a [Run],
    /// Places in the palette.
    colours: Vec<u8>,
}

/// The modes, in the palette's order; what comes after is for whatever else there is.
const COLOURED: [&str; 7] = [
    "payload",
    "payload-raw",
    "path",
    "mmap",
    "shm",
    "sequential",
    "threads",
];

/// Colours in the palette.
const PALETTE: u8 = 10;

impl<'a> View<'a> {
    /// A mode has the same colour on every page; where a mode comes twice, the second run has one
    /// that is left.
    fn of(runs: &'a [Run]) -> Self {
        let of_mode = |run: &Run| {
            let mode = COLOURED
                .iter()
                .position(|mode| *mode == run.report.workload.mode);
            mode.map(|place| place as u8)
        };
        let of_modes: Vec<u8> = runs.iter().filter_map(of_mode).collect();
        let mut colours: Vec<u8> = Vec::new();
        for run in runs {
            let own = of_mode(run).filter(|own| !colours.contains(own));
            let is_spare = |place: &u8| !colours.contains(place) && !of_modes.contains(place);
            let spare = (0..PALETTE).rev().find(is_spare);
            // More runs than colours: names tell them apart.
            let any = (colours.len() % usize::from(PALETTE)) as u8;
            colours.push(own.or(spare).unwrap_or(any));
        }
        Self { runs, colours }
    }

    fn is_one(&self) -> bool {
        self.runs.len() == 1
    }

    /// The runs with their numbers and their colours.
    fn each(&self) -> impl Iterator<Item = (usize, &'a Run, u8)> {
        let runs = self.runs.iter().enumerate().zip(&self.colours);
        runs.map(|((number, run), &colour)| (number, run, colour))
    }

    /// What the colours mean, where there are several.
    fn legend(&self) -> Markup {
        match self.is_one() {
            true => html! {},
            false => chart::legend(
                self.each()
                    .map(|(_, run, c)| (Ink::Run(c), run.name.as_str())),
            ),
        }
    }

    /// The stage that says how long a frame took, for all of them: from when they were due if all
    /// were.
    fn latency(&self) -> Stage {
        let is_paced = |run: &Run| run.report.workload.fps.is_some();
        match self.runs.iter().all(is_paced) {
            true => Stage::EndToEnd,
            false => Stage::Service,
        }
    }

    fn of_one(&self, run: &Run, comparison: &Comparison) -> String {
        let report = &run.report;
        let mode = &report.workload.mode;
        let page = Page {
            title: &format!("{mode}: {}", report.workload.input),
            kind: html! { b { "framehaul" } " · run in mode " b { (mode) } },
            headline: &headline::of(run),
            below: html! {
                (asked::line(self.runs))
                (asked::warnings(comparison))
                (speed::tiles(run))
            },
            body: html! {
                (speed::section(self, &[]))
                (percentiles::section(self))
                (stages::section(self))
                (course::section(self))
                (wrong::section(self))
                (asked::machine(self))
                (asked::again(self))
            },
            foot: self.foot(),
        };
        page.render()
    }

    fn of_several(&self, comparison: &Comparison) -> String {
        let input = &self.runs[0].report.workload.input;
        let page = Page {
            title: &format!("{} runs: {input}", self.runs.len()),
            kind: html! { b { "framehaul" } " · " (self.runs.len()) " runs side by side" },
            headline: &comparison.verdict(),
            below: html! {
                (asked::line(self.runs))
                (asked::warnings(comparison))
            },
            body: html! {
                (speed::section(self, &comparison.ratios()))
                (percentiles::section(self))
                (stages::section(self))
                (stages::explanations(comparison))
                (course::section(self))
                (wrong::section(self))
                (asked::machine(self))
                (asked::again(self))
            },
            foot: self.foot(),
        };
        page.render()
    }

    fn foot(&self) -> Markup {
        let tools = self.runs.iter().map(|run| run.report.tool.as_str());
        let tools: std::collections::BTreeSet<_> = tools.collect();
        let times = self.runs.iter().map(|run| run.report.finished_unix_s);
        let last = times.fold(0.0, f64::max);
        html! {
            p {
                @for tool in tools { (tool) " · " }
                "finished " (when(last)) " · the figures are those of report.json, in the run directory"
            }
        }
    }
}

/// A time as people read it, wherever they are.
fn when(unix_s: f64) -> String {
    match Timestamp::from_second(unix_s as i64) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => super::units::ABSENT.into(),
    }
}
