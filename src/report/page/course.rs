//! Latency and memory over the time of a run.

use super::View;
use super::axis::{Axis, Counted};
use super::chart::{Drawn, Hit, Margins, Picture, Plot, Room, both, legend, small};
use super::figure::{figure, figure_if};
use super::svg::Ink;
use crate::report::Interval;
use crate::report::compare::Run;
use crate::report::units::{bytes, plural, time};
use maud::{Markup, html};

pub(super) fn section(view: &View<'_>) -> Markup {
    let has_any = |run: &Run| !run.report.timeline.intervals.is_empty();
    let is_merged = |run: &Run| run.report.merged.is_some();
    html! {
        section {
            h2 { "Over time" }
            @if !view.runs.iter().any(has_any) {
                @if view.runs.iter().any(is_merged) {
                    p { "What was merged has no time line: its runs were at other times, and each has its own page." }
                }
                @if !view.runs.iter().all(is_merged) {
                    p { "The report has no time line: nothing has ended, or an older framehaul wrote it." }
                }
            } @else {
                p { "The measured passes, one after the other" (passes(view)) ". An interval in which no "
                    "frame came back, or nobody looked at memory, is bridged." }
                @match view.runs {
                    [run] => {
                        figure { (latency(run, view.colours[0], false)) }
                        figure { (memory(run, view.colours[0], false)) }
                        (table(run))
                    }
                    _ => {
                        div.grid2 {
                            @for (_, run, colour) in view.each().filter(|(_, run, _)| has_any(run)) {
                                figure.small { (latency(run, colour, true)) (memory(run, colour, true)) }
                            }
                        }
                        p.about { "Each run's own page, report.html in its directory, has the figures." }
                    }
                }
            }
        }
    }
}

/// That passes are told apart, where there are several.
fn passes(view: &View<'_>) -> Markup {
    let several = view
        .runs
        .iter()
        .any(|run| run.report.totals.pass_wall_s.len() > 1);
    html! { @if several { ", with a line where each begins" } }
}

/// A chart over a run's time.
pub(super) struct OverTime<'a> {
    pub(super) run: &'a Run,
    /// Of the values, and what they are counted in.
    pub(super) most: f64,
    pub(super) counted: Counted,
}

impl OverTime<'_> {
    fn intervals(&self) -> &[Interval] {
        &self.run.report.timeline.intervals
    }

    /// A value of each interval that has one, at its middle.
    pub(super) fn points(&self, of: impl Fn(&Interval) -> Option<f64>) -> Vec<(f64, f64)> {
        let length = self.run.report.timeline.interval_s;
        let all = self.intervals().iter().enumerate();
        let known = all.filter_map(|(at, one)| Some((at as f64 * length, of(one)?)));
        let known: Vec<(f64, f64)> = known.collect();
        if let [(at, value)] = known[..] {
            // A single point would not be seen.
            return vec![(at, value), (at + length, value)];
        }
        let middle = |(at, value)| (at + length / 2.0, value);
        known.into_iter().map(middle).collect()
    }

    /// Draws it, and where each pass begins.
    pub(super) fn draw(
        &self,
        room: Room,
        is_low: bool,
        draw: impl FnOnce(&mut Plot<'_, '_>) -> Drawn,
    ) -> Picture {
        let height = match room {
            Room::Wide if is_low => 150,
            Room::Wide => 220,
            Room::Narrow if is_low => 130,
            Room::Narrow => 170,
        };
        let margins = Margins {
            left: 64,
            right: 26,
            top: 8,
            bottom: 30,
        };
        let report = &self.run.report;
        let length = report.timeline.interval_s;
        let end = report
            .totals
            .wall_s
            .max(self.intervals().len() as f64 * length);
        let inner = f64::from(room.width() - margins.left - margins.right);
        let x = Axis::until(end, Counted::Seconds, inner);
        let y = Axis::linear(
            self.most,
            self.counted,
            f64::from(height - margins.top - margins.bottom),
            false,
        );
        let (bottom, top) = y.ends();
        let walls = &report.totals.pass_wall_s;
        let begins = walls.iter().take(walls.len().saturating_sub(1));
        let begins = begins.scan(0.0, |sum, wall| {
            *sum += wall;
            Some(*sum)
        });
        let begins: Vec<f64> = begins.collect();
        let hits = self.hits((bottom, top));
        Picture::draw((room.width(), height), margins, (x, y), &hits, |plot| {
            for begin in begins {
                plot.line(vec![(begin, bottom), (begin, top)], Ink::Grid)?;
            }
            draw(plot)
        })
    }

    fn hits(&self, y: (f64, f64)) -> Vec<Hit> {
        let length = self.run.report.timeline.interval_s;
        let all = self.intervals().iter().enumerate();
        let any = all.filter(|(_, one)| one.frames > 0 || one.anon_bytes.is_some());
        any.map(|(at, one)| Hit {
            x: (at as f64 * length, (at + 1) as f64 * length),
            y,
            text: told(at as f64 * length, one),
        })
        .collect()
    }
}

/// An interval in a few lines.
fn told(begin: f64, one: &Interval) -> String {
    let mut lines = vec![
        format!("from {} on", time(begin * 1e9)),
        plural(one.frames, "frame"),
    ];
    let times = [
        ("mean", one.mean_ns),
        ("median", one.p50_ns.map(|ns| ns as f64)),
        ("99 %", one.p99_ns.map(|ns| ns as f64)),
        ("longest", one.max_ns.map(|ns| ns as f64)),
    ];
    lines.extend(
        times
            .iter()
            .filter_map(|(what, ns)| Some(format!("{what} {}", time((*ns)?)))),
    );
    let memory = one
        .anon_bytes
        .map(|anon| anon + one.shared_bytes.unwrap_or(0));
    lines.extend(memory.map(|all| format!("memory {}", bytes(all as f64))));
    let wrong = [
        ("late", one.deadline_misses.unwrap_or(0)),
        ("dropped", one.frames_dropped),
        ("failed", one.frames_failed),
        (
            "waiting at most",
            one.backlog_frames.filter(|n| *n > 1).unwrap_or(0),
        ),
    ];
    let wrong = wrong.iter().filter(|(_, frames)| *frames > 0);
    lines.extend(wrong.map(|(what, frames)| format!("{what} {frames}")));
    lines.join("\n")
}

/// What most intervals have of: the median, or the mean where they have too few frames for one.
fn middle(run: &Run) -> (&'static str, fn(&Interval) -> Option<f64>) {
    let intervals = &run.report.timeline.intervals;
    let known = intervals.iter().filter(|one| one.p50_ns.is_some()).count();
    let any = intervals.iter().filter(|one| one.mean_ns.is_some()).count();
    match 2 * known > any {
        true => ("median", |one| one.p50_ns.map(|ns| ns as f64)),
        false => ("mean", |one| one.mean_ns),
    }
}

fn latency(run: &Run, colour: u8, is_small: bool) -> Markup {
    let max = |one: &Interval| one.max_ns.map(|ns| ns as f64);
    let p99 = |one: &Interval| one.p99_ns.map(|ns| ns as f64);
    let (word, of) = middle(run);
    let intervals = &run.report.timeline.intervals;
    let most = intervals.iter().filter_map(max).fold(0.0, f64::max);
    let has_p99 = intervals.iter().any(|one| one.p99_ns.is_some());
    let chart = OverTime {
        run,
        most,
        counted: Counted::Nanos,
    };
    let draw = |room: Room| {
        chart.draw(room, false, |plot| {
            plot.line(chart.points(max), Ink::Pale(colour))?;
            plot.line(chart.points(p99), Ink::Thin(colour))?;
            plot.line(chart.points(of), Ink::Run(colour))
        })
    };
    let label = format!("{}: latency over time", run.name);
    let description = format!(
        "end_to_end in intervals of {}; the longest of all is {}",
        time(run.report.timeline.interval_s * 1e9),
        time(most)
    );
    let mut lines = vec![(Ink::Run(colour), word), (Ink::Pale(colour), "longest")];
    if has_p99 {
        lines.insert(1, (Ink::Thin(colour), "99 %"));
    }
    html! {
        figcaption {
            b { @if is_small { (run.name) } @else { "Latency" } }
            "end_to_end, in intervals of " (time(run.report.timeline.interval_s * 1e9))
        }
        @if is_small { (small(&label, &description, draw)) } @else { (both(&label, &description, draw)) }
        (legend(lines))
    }
}

fn memory(run: &Run, colour: u8, is_small: bool) -> Markup {
    let anon = |one: &Interval| one.anon_bytes.map(|anon| anon as f64);
    let all = |one: &Interval| Some((one.anon_bytes? + one.shared_bytes.unwrap_or(0)) as f64);
    let intervals = &run.report.timeline.intervals;
    let most = intervals.iter().filter_map(all).fold(0.0, f64::max);
    let chart = OverTime {
        run,
        most,
        counted: Counted::Bytes,
    };
    let draw = |room: Room| {
        chart.draw(room, true, |plot| {
            plot.area(chart.points(anon), 0.0, Ink::Pale(colour))?;
            plot.line(chart.points(all), Ink::Run(colour))
        })
    };
    let label = format!("{}: memory over time", run.name);
    let description = format!("of parent and workers together; at most {}", bytes(most));
    let caption =
        html! { b { "Memory" } "of parent and workers; the surface is what is not shared" };
    html! {
        // The second of its figure, which has one figcaption at most.
        @if is_small { p.caption { (caption) } (small(&label, &description, draw)) }
        @else { figcaption { (caption) } (both(&label, &description, draw)) }
    }
}

/// The time line of a single run.
fn table(run: &Run) -> Markup {
    let timeline = &run.report.timeline;
    let rows = timeline.intervals.iter().enumerate();
    let rows = rows.filter(|(_, one)| one.frames > 0 || one.anon_bytes.is_some());
    let is_paced = run.report.workload.fps.is_some();
    html! {
        details {
            summary { "The same as figures" }
            div.scroll {
                table {
                    caption { "Intervals in which something happened, of "
                        (figure("timeline.interval_s", timeline.interval_s,
                            &time(timeline.interval_s * 1e9)))
                        " each." }
                    thead { tr {
                        th scope="col" { "from" }
                        @for name in ["frames", "mean", "median", "99 %", "longest", "failed", "dropped"] {
                            th scope="col" { (name) }
                        }
                        @if is_paced { th scope="col" { "late" } th scope="col" { "backlog" } }
                        th scope="col" { "memory" }
                        th scope="col" { "shared" }
                    } }
                    tbody data-run="0" {
                        @for (at, one) in rows { (row(at, one, timeline.interval_s, is_paced)) }
                    }
                }
            }
        }
    }
}

fn row(at: usize, one: &Interval, length: f64, is_paced: bool) -> Markup {
    let field = |what: &str| format!("timeline.intervals.{at}.{what}");
    let known = |what: &str, ns: Option<u64>| figure_if(&field(what), ns, |ns| time(ns as f64));
    let size = |what: &str, of: Option<u64>| figure_if(&field(what), of, |of| bytes(of as f64));
    let number = |what: &str, of: u64| figure(&field(what), of, &of.to_string());
    let begin = length * at as f64;
    html! {
        tr {
            th scope="row" {
                (figure(&format!("timeline.interval_s * {at}"), begin, &time(begin * 1e9)))
            }
            td { (number("frames", one.frames)) }
            td { (figure_if(&field("mean_ns"), one.mean_ns, time)) }
            td { (known("p50_ns", one.p50_ns)) }
            td { (known("p99_ns", one.p99_ns)) }
            td { (known("max_ns", one.max_ns)) }
            td { (number("frames_failed", one.frames_failed)) }
            td { (number("frames_dropped", one.frames_dropped)) }
            @if is_paced {
                td { (figure_if(&field("deadline_misses"), one.deadline_misses, |n| n.to_string())) }
                td { (figure_if(&field("backlog_frames"), one.backlog_frames, |n| n.to_string())) }
            }
            td { (size("anon_bytes", one.anon_bytes)) }
            td { (size("shared_bytes", one.shared_bytes)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::report::compare::tests::compare;
    use crate::report::merged::{Merged, Part};
    use crate::report::samples;

    #[test]
    fn a_page_without_a_time_line_says_why_there_is_none() {
        let mut old = samples::mmap();
        old.timeline = Default::default();
        let mut merged = old.clone();
        merged.merged = Some(Merged::of(Part::of(&old)));
        let says = |of: &crate::report::Report, words: &str| {
            compare(vec![of.clone()]).page().contains(words)
        };
        for (report, is_merged) in [(&old, false), (&merged, true)] {
            assert_eq!(says(report, "its runs were at other times"), is_merged);
            assert_eq!(says(report, "an older framehaul wrote it"), !is_merged);
        }
        assert!(!says(&samples::mmap(), "has no time line"));
    }
}
