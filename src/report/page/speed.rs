//! How fast, beside what the machine can do, and what it cost.

use super::View;
use super::axis::Counted;
use super::bars::{Bar, Part, draw};
use super::chart::{both, legend};
use super::figure::{figure, figure_if, ratio};
use super::svg::Ink;
use crate::report::compare::Run;
use crate::report::ratios::Ratios;
use crate::report::trust::trust;
use crate::report::units::{
    BANDWIDTH_NOT_MEASURED, bytes, digits, mean_count, plural, seconds, time,
};
use maud::{Markup, html};

/// Where sums over a run are shared out over the frames that it analysed.
const CPU: &str = "cpu.user_s + cpu.system_s / totals.frames_analysed";
const FAULTS: &str = "cpu.minor_faults + cpu.major_faults / totals.frames_analysed";
const PEAK: &str = "memory.peak_anon_bytes + memory.peak_shared_bytes";

pub(super) fn section(view: &View<'_>, ratios: &[Ratios]) -> Markup {
    html! {
        section {
            h2 { "How fast, of what the machine can do" }
            (chart(view))
            @if !view.is_one() {
                (overview(view))
                (to_first(view, ratios))
                @for sentence in trust(view.runs, ratios) { p.about { (sentence) } }
            }
        }
    }
}

fn chart(view: &View<'_>) -> Markup {
    let bars: Vec<Bar> = view
        .each()
        .map(|(_, run, colour)| bar(run, colour))
        .collect();
    let listed: Vec<String> = bars
        .iter()
        .map(|bar| format!("{}: {}", bar.name, bar.shown[0]))
        .collect();
    let is_measured = bars.iter().any(|bar| bar.limit.is_some());
    html! {
        figure {
            figcaption {
                b { "Throughput" }
                @if is_measured {
                    "Bytes of frames analysed a second, however they travelled; the mark is how fast "
                    "this machine reads memory, measured right before, with as many threads as workers."
                } @else {
                    "Bytes of frames analysed a second. The machine's limit was "
                    (BANDWIDTH_NOT_MEASURED) "."
                }
            }
            (both("Throughput of each run", &listed.join("; "), |room| {
                draw(&bars, Counted::BytesPerSecond, None, room)
            }))
            @if is_measured {
                (legend([(Ink::Limit, "what this machine can read")]))
            }
        }
    }
}

fn bar(run: &Run, colour: u8) -> Bar {
    let (totals, limit) = (&run.report.totals, run.report.limits.read_gb_per_s);
    let speed = match limit {
        Some(limit) => format!("{} of {} GB/s", digits(totals.gb_per_s), digits(limit)),
        None => format!("{}/s", bytes(totals.gb_per_s * 1e9)),
    };
    Bar {
        name: run.name.clone(),
        shown: [
            format!("{} frames/s · {speed}", digits(totals.fps)),
            speed.clone(),
        ],
        parts: vec![Part {
            length: totals.gb_per_s * 1e9,
            ink: Ink::Run(colour),
            text: format!("{}\n{} frames/s\n{speed}", run.name, digits(totals.fps)),
        }],
        limit: limit.map(|limit| limit * 1e9),
    }
}

/// All runs beside each other.
fn overview(view: &View<'_>) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "All passes together. Shipped, processor time and page faults are those of a frame; "
                    "memory is the peak of parent and workers together." }
                thead { tr {
                    th scope="col" { "run" }
                    @for name in ["frames/s", "GB/s", "limit", "shipped", "memory", "processor time",
                        "cores busy", "page faults"] {
                        th scope="col" { (name) }
                    }
                } }
                tbody {
                    @for (number, run, colour) in view.each() { (row(number, run, colour)) }
                }
            }
        }
    }
}

fn row(number: usize, run: &Run, colour: u8) -> Markup {
    let (totals, limits) = (&run.report.totals, &run.report.limits);
    html! {
        tr data-run=(number) {
            th scope="row" { span class=(format!("swatch {}", Ink::Run(colour).class())) {} (run.name) }
            td { (figure("totals.fps", totals.fps, &digits(totals.fps))) }
            td { (figure("totals.gb_per_s", totals.gb_per_s, &digits(totals.gb_per_s))) }
            td { (figure_if("limits.read_gb_per_s", limits.read_gb_per_s, digits)) }
            td { (figure("totals.shipped_bytes_per_frame", totals.shipped_bytes_per_frame,
                &bytes(totals.shipped_bytes_per_frame))) }
            td { (figure(PEAK, run.peak_bytes(), &bytes(run.peak_bytes()))) }
            td { (figure_if(CPU, run.cpu_per_frame(), seconds)) }
            td { (figure("cpu.cores_busy", run.report.cpu.cores_busy,
                &digits(run.report.cpu.cores_busy))) }
            td { (figure_if(FAULTS, run.faults_per_frame(), mean_count)) }
        }
    }
}

/// How the runs stand to the first. In a table of its own, since these are no quotients of the figures in the
/// other one.
fn to_first(view: &View<'_>, ratios: &[Ratios]) -> Markup {
    let each = |of: &Ratios| {
        [
            ("fps", of.fps),
            ("peak_bytes", of.peak_bytes),
            ("cpu_s_per_frame", of.cpu_s_per_frame),
            ("faults_per_frame", of.faults_per_frame),
        ]
    };
    let is_known = |of: &Ratios| each(of).iter().any(|(_, ratio)| ratio.is_some());
    html! {
        @if ratios.iter().any(is_known) {
            div.scroll {
                table {
                    caption { "Ratios to " (view.runs[0].name) ", each of the usual pass (above are all passes "
                        "together) and with its 95 % interval. ≈: the interval holds 1, there is no clear "
                        "difference." }
                    thead { tr {
                        th scope="col" { "run" }
                        @for name in ["frames/s", "memory", "processor time", "page faults"] {
                            th scope="col" { (name) }
                        }
                    } }
                    tbody {
                        @for ((number, run, colour), of) in view.each().skip(1).zip(ratios) {
                            tr data-run=(number) {
                                th scope="row" {
                                    span class=(format!("swatch {}", Ink::Run(colour).class())) {}
                                    (run.name)
                                }
                                @for (path, of) in each(of) { td { (ratio(path, of)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The figures of a single run that one looks for first.
pub(super) fn tiles(run: &Run) -> Markup {
    let report = &run.report;
    let (totals, memory) = (&report.totals, &report.memory);
    let stage = report.latency();
    let latency = report.stages.get(&stage);
    let tile = |name: &str, main: Markup, more: Markup| {
        html! { div { dt { (name) } dd { (main) } dd.more { (more) } } }
    };
    let field = |what: &str| format!("stages.{}.{what}", stage.name());
    html! {
        dl.tiles data-run="0" {
            (tile("frames a second",
                figure("totals.fps", totals.fps, &digits(totals.fps)),
                html! {
                    (figure("totals.frames_analysed", totals.frames_analysed,
                        &plural(totals.frames_analysed, "frame")))
                    " in "
                    (figure("totals.wall_s", totals.wall_s, &time(totals.wall_s * 1e9)))
                }))
            (tile("throughput",
                html! { (figure("totals.gb_per_s", totals.gb_per_s, &digits(totals.gb_per_s))) " GB/s" },
                html! {
                    @match report.limits.read_gb_per_s {
                        Some(limit) => {
                            "of " (figure("limits.read_gb_per_s", limit, &digits(limit)))
                            " that the machine reads"
                        }
                        None => { "limit not measured" }
                    }
                }))
            @if let (Some(false), Some(growth)) = (totals.keeps_up, totals.backlog_frames_per_s) {
                // Who falls behind has no steady latency.
                (tile("falls behind by",
                    figure("totals.backlog_frames_per_s", growth, &digits(growth)),
                    html! { "frames a second: how long a frame takes is as long as it goes on" }))
            } @else if let Some(summary) = latency {
                @let known = |ns: Option<u64>| ns.map(|ns| ns as f64);
                (tile(if report.workload.fps.is_some() { "from due to found" } else { "a frame takes" },
                    match known(summary.p50_ns) {
                        Some(ns) => figure(&field("p50_ns"), ns, &time(ns)),
                        None => figure(&field("mean_ns"), summary.mean_ns, &time(summary.mean_ns)),
                    },
                    html! {
                        @if summary.p50_ns.is_some() { "median" } @else { "mean" }
                        @if let Some(ns) = known(summary.p99_ns) {
                            ", 99 % within " (figure(&field("p99_ns"), ns, &time(ns)))
                        } @else {
                            ", " (figure(&field("max_ns"), summary.max_ns,
                                &time(summary.max_ns as f64))) " at most"
                        }
                    }))
            }
            (tile("memory",
                figure(PEAK, run.peak_bytes(), &bytes(run.peak_bytes())),
                html! {
                    "peak, of it "
                    (figure("memory.peak_shared_bytes", memory.peak_shared_bytes,
                        &bytes(memory.peak_shared_bytes as f64)))
                    " shared"
                }))
            (tile("processor time",
                figure_if(CPU, run.cpu_per_frame(), seconds),
                html! { "a frame, "
                    (figure("cpu.cores_busy", report.cpu.cores_busy, &digits(report.cpu.cores_busy)))
                    " cores busy, "
                    (figure_if(FAULTS, run.faults_per_frame(), mean_count)) " page faults"
                }))
            (tile("shipped",
                figure("totals.shipped_bytes_per_frame", totals.shipped_bytes_per_frame,
                    &bytes(totals.shipped_bytes_per_frame)),
                html! {
                    "a frame of "
                    (figure("workload.bytes_per_frame", report.workload.bytes_per_frame,
                        &bytes(report.workload.bytes_per_frame as f64)))
                    @if totals.overlap_bytes_per_frame > 0.0 {
                        ", and "
                        (figure("totals.overlap_bytes_per_frame", totals.overlap_bytes_per_frame,
                            &bytes(totals.overlap_bytes_per_frame)))
                        " again to look back"
                    }
                }))
        }
    }
}
