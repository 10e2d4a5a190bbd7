//! What went wrong: frames dropped, failed and late, and how a pace was kept.

use super::View;
use super::axis::Counted;
use super::chart::{Drawn, Plot, Room, both, legend, small};
use super::course::OverTime;
use super::figure::{figure, figure_if};
use super::svg::Ink;
use crate::report::Interval;
use crate::report::compare::Run;
use crate::report::units::{ABSENT, digits, pace, plural};
use maud::{Markup, html};

const DROPPED: Ink = Ink::Wrong(0);
const FAILED: Ink = Ink::Wrong(1);
const LATE: Ink = Ink::Wrong(2);

pub(super) fn section(view: &View<'_>) -> Markup {
    let wrong: Vec<(usize, &Run, u8)> = view.each().filter(|(_, run, _)| has_any(run)).collect();
    html! {
        section {
            h2 { "Drops, failures and deadlines" }
            @if wrong.is_empty() { p { (all_well(view)) } }
            (table(view))
            @match &wrong[..] {
                [] => {}
                [(_, run, colour)] if view.is_one() => { (charts(run, *colour, false)) }
                several => {
                    div.grid2 {
                        @for (_, run, colour) in several { (charts(run, *colour, true)) }
                    }
                }
            }
        }
    }
}

fn has_any(run: &Run) -> bool {
    let totals = &run.report.totals;
    totals.frames_dropped + totals.frames_failed + totals.deadline_misses.unwrap_or(0) > 0
}

fn all_well(view: &View<'_>) -> &'static str {
    let is_paced = view
        .runs
        .iter()
        .any(|run| run.report.workload.fps.is_some());
    match is_paced {
        true => "No frame was dropped, failed or late.",
        false => "No frame was dropped or failed; flat out there are no deadlines to miss.",
    }
}

fn table(view: &View<'_>) -> Markup {
    let is_paced = view
        .runs
        .iter()
        .any(|run| run.report.workload.fps.is_some());
    html! {
        div.scroll {
            table {
                caption { "Frames that came are those analysed, failed and dropped."
                    @if is_paced { " A frame is late whose finding came more than one period after it "
                        "was due." } }
                thead { tr {
                    th scope="col" { "run" }
                    @for name in ["frames", "analysed", "failed", "dropped"] {
                        th scope="col" { (name) }
                    }
                    @if is_paced {
                        @for name in ["late", "pace", "keeps up", "backlog grows by", "sustains"] {
                            th scope="col" { (name) }
                        }
                    }
                    th scope="col" { "workers died" }
                } }
                tbody {
                    @for (number, run, colour) in view.each() { (row(number, run, colour, is_paced)) }
                }
            }
        }
        @for (number, run, _) in view.each().filter(|(_, run, _)| run.report.totals.frames_dropped > 0) {
            (reasons(number, run))
        }
    }
}

fn row(number: usize, run: &Run, colour: u8, is_paced: bool) -> Markup {
    let (asked, totals) = (&run.report.workload, &run.report.totals);
    let frames = |field: &str, n: u64| figure(field, n, &n.to_string());
    let a_second = |fps: f64| format!("{}/s", digits(fps));
    html! {
        tr data-run=(number) {
            th scope="row" { span class=(format!("swatch {}", Ink::Run(colour).class())) {} (run.name) }
            td { (frames("totals.frames", totals.frames)) }
            td { (frames("totals.frames_analysed", totals.frames_analysed)) }
            td { (frames("totals.frames_failed", totals.frames_failed)) }
            td { (frames("totals.frames_dropped", totals.frames_dropped)) }
            @if is_paced {
                td { (figure_if("totals.deadline_misses", totals.deadline_misses, |n| n.to_string())) }
                td { (figure_if("workload.fps", asked.fps, |fps| format!("{}/s", pace(fps)))) }
                td { (keeps_up(totals.keeps_up, totals.frames_dropped > 0)) }
                td { (figure_if("totals.backlog_frames_per_s", totals.backlog_frames_per_s, a_second)) }
                td { (figure_if("totals.max_sustained_fps", totals.max_sustained_fps, a_second)) }
            }
            td { (frames("totals.workers_died", totals.workers_died)) }
        }
    }
}

fn keeps_up(keeps_up: Option<bool>, drops: bool) -> Markup {
    let (class, word) = match keeps_up {
        Some(true) if drops => ("verdict no", "by dropping"),
        Some(true) => ("verdict yes", "yes"),
        Some(false) => ("verdict no", "no"),
        None => return html! { span.soft { (ABSENT) } },
    };
    html! { span class=(class) { (figure_if("totals.keeps_up", keeps_up, |_| word.into())) } }
}

/// Why frames were dropped.
fn reasons(number: usize, run: &Run) -> Markup {
    html! {
        p.about data-run=(number) {
            (run.name) " dropped "
            @for (index, (why, frames)) in run.report.totals.dropped.iter().enumerate() {
                @if index > 0 { ", " }
                (figure(&format!("totals.dropped.{}", key(why)), *frames, &plural(*frames, "frame")))
                " because " (why)
            }
            "."
        }
    }
}

/// The reason's name in a report.
fn key(why: &impl serde::Serialize) -> String {
    let key = serde_json::to_value(why).unwrap_or_default();
    key.as_str().unwrap_or_default().to_owned()
}

fn charts(run: &Run, colour: u8, is_small: bool) -> Markup {
    let intervals = &run.report.timeline.intervals;
    let ended = |one: &Interval| one.frames_dropped + one.frames_failed;
    let most = |one: &Interval| ended(one).max(one.deadline_misses.unwrap_or(0));
    let waiting = |one: &Interval| one.backlog_frames.map(|frames| frames as f64);
    let backlog = intervals.iter().filter_map(waiting).fold(0.0, f64::max);
    let events = OverTime {
        run,
        most: intervals.iter().map(most).max().unwrap_or(0) as f64,
        counted: Counted::Number,
    };
    let waits = OverTime {
        run,
        most: backlog,
        counted: Counted::Number,
    };
    if intervals.is_empty() {
        return html! {};
    }
    let event = |room: Room| events.draw(room, true, |plot| draw_events(plot, run));
    let wait = |room: Room| {
        waits.draw(room, true, |plot| {
            plot.line(waits.points(waiting), Ink::Run(colour))
        })
    };
    let label = format!("{}: frames late, dropped and failed over time", run.name);
    let (dropped, failed) = (
        run.report.totals.frames_dropped,
        run.report.totals.frames_failed,
    );
    let late = run.report.totals.deadline_misses.unwrap_or(0);
    let description = format!("{late} late, {dropped} dropped, {failed} failed");
    let growth = format!("{}: backlog over time", run.name);
    let at_most = format!("at most {} frames", backlog);
    let kinds = [
        (LATE, "late", late),
        (DROPPED, "dropped", dropped),
        (FAILED, "failed", failed),
    ];
    let kinds = kinds.into_iter().filter(|(_, _, frames)| *frames > 0);
    html! {
        figure.small[is_small] {
            figcaption {
                b { @if is_small { (run.name) } @else { "Over time" } }
                "frames of each interval"
            }
            @if is_small { (small(&label, &description, event)) }
            @else { (both(&label, &description, event)) }
            (legend(kinds.map(|(ink, name, _)| (ink, name))))
            @if backlog > 1.0 {
                p.caption { b { "Backlog" } "frames that were due and had not ended" }
                @if is_small { (small(&growth, &at_most, wait)) }
                @else { (both(&growth, &at_most, wait)) }
            }
        }
    }
}

/// Those late behind, since they may have come all the same; in front those that were lost.
fn draw_events(plot: &mut Plot<'_, '_>, run: &Run) -> Drawn {
    let timeline = &run.report.timeline;
    for (at, one) in timeline.intervals.iter().enumerate() {
        let x = [at, at + 1].map(|at| at as f64 * timeline.interval_s);
        let mut bar = |from: u64, to: u64, ink: Ink| match to > from {
            true => plot.bar([(x[0], from as f64), (x[1], to as f64)], ink),
            false => Ok(()),
        };
        let (dropped, failed) = (one.frames_dropped, one.frames_failed);
        bar(0, one.deadline_misses.unwrap_or(0), LATE)?;
        bar(0, dropped, DROPPED)?;
        bar(dropped, dropped + failed, FAILED)?;
    }
    Ok(())
}
