//! How long frames took: a curve a run over the percentiles, by their nines, as HdrHistogram's own
//! charts have it.

use super::View;
use super::axis::{Axis, Counted, nines};
use super::chart::{Hit, Margins, Picture, Room, both, either};
use super::figure::{figure, figure_if};
use super::svg::Ink;
use crate::report::compare::Run;
use crate::report::schema::StageSummary;
use crate::report::units::time;
use crate::stage::Stage;
use hdrhistogram::Histogram;
use maud::{Markup, html};

/// What is told where the chart is pointed at.
const POINTED: [(f64, &str); 15] = [
    (0.1, "10 %"),
    (0.25, "25 %"),
    (0.5, "half"),
    (0.75, "75 %"),
    (0.9, "90 %"),
    (0.95, "95 %"),
    (0.975, "97.5 %"),
    (0.99, "99 %"),
    (0.995, "99.5 %"),
    (0.999, "99.9 %"),
    (0.9995, "99.95 %"),
    (0.9999, "99.99 %"),
    (0.99999, "99.999 %"),
    (0.999_999, "99.9999 %"),
    (0.999_999_9, "99.99999 %"),
];

/// A run with samples of the stage that is shown.
struct Curve<'a> {
    number: usize,
    run: &'a Run,
    colour: u8,
    samples: &'a Histogram<u64>,
    summary: &'a StageSummary,
}

pub(super) fn section(view: &View<'_>) -> Markup {
    let stage = view.latency();
    let curves: Vec<Curve<'_>> = view
        .each()
        .filter_map(|(number, run, colour)| {
            let samples = run.histograms.get(&stage)?;
            Some(Curve {
                number,
                run,
                colour,
                samples,
                summary: run.report.stages.get(&stage)?,
            })
        })
        .collect();
    html! {
        section {
            h2 { "How long a frame takes" }
            @if curves.is_empty() {
                p { "No frame came back, so there is no time to show." }
            } @else {
                (chart(view, stage, &curves))
            }
            @if view.is_one() { (stages(view)) }
        }
    }
}

fn chart(view: &View<'_>, stage: Stage, curves: &[Curve<'_>]) -> Markup {
    let (what, label) = match stage {
        Stage::EndToEnd => (
            "from the moment it was due to its finding",
            "Latency from the due time",
        ),
        _ => (
            "without the wait in the queue, which is as long as one makes the queue",
            "Service time",
        ),
    };
    let listed: Vec<String> = curves.iter().map(Curve::listed).collect();
    let listed = listed.join("; ");
    let falls_behind = curves
        .iter()
        .any(|curve| curve.run.report.totals.keeps_up == Some(false));
    let is_faded = curves.iter().any(|curve| curve.samples.len() > 10);
    html! {
        figure {
            figcaption {
                b { (label) ", by percentile" }
                "The time of a frame, " (what) ". To the right each step has one more nine: of ten frames "
                "one is beyond 90 %, of a hundred one beyond 99 %."
                @if is_faded { " Dotted where fewer than ten frames are beyond: chance, rather than rule." }
                @if falls_behind {
                    " A run that cannot keep up has no steady latency: its curve is as high as it was long."
                }
            }
            (either("latency", "Scale of time",
                ("log", both(label, &listed, |room| draw(curves, true, room))),
                ("linear", both(label, &listed, |room| draw(curves, false, room)))))
            (view.legend())
            details {
                summary { "The same as figures" }
                (table(stage, curves))
            }
        }
    }
}

impl Curve<'_> {
    /// Corners of the curve, and the place from which it is not certain.
    fn points(&self) -> (Vec<(f64, f64)>, f64) {
        let all = self.samples.len() as f64;
        let end = all.log10().max(0.0) + 0.15;
        let mut points = Vec::new();
        let mut passed = 0.0;
        for value in self.samples.iter_recorded() {
            let time = value.value_iterated_to() as f64;
            let from: f64 = passed / all;
            passed += value.count_at_value() as f64;
            points.push((nines(from), time));
            points.push((nines(passed / all).min(end), time));
        }
        (points, (all / 10.0).max(1.0).log10())
    }

    fn listed(&self) -> String {
        let known = [
            ("half within", self.summary.p50_ns),
            ("99 % within", self.summary.p99_ns),
            ("at most", Some(self.summary.max_ns)),
        ];
        let known = known
            .into_iter()
            .filter_map(|(what, ns)| Some(format!("{what} {}", time(ns? as f64))));
        let known: Vec<String> = known.collect();
        format!("{}: {}", self.run.name, known.join(", "))
    }
}

/// Cuts a line where it becomes uncertain.
fn cut(points: &[(f64, f64)], at: f64) -> [Vec<(f64, f64)>; 2] {
    let split = points.partition_point(|(x, _)| *x <= at);
    let (certain, rest) = points.split_at(split);
    let (mut certain, mut rest) = (certain.to_vec(), rest.to_vec());
    // The line is at its last height there: it is made of steps.
    if let Some(&(_, height)) = certain.last() {
        certain.push((at, height));
        rest.insert(0, (at, height));
    }
    [certain, rest]
}

fn draw(curves: &[Curve<'_>], is_log: bool, room: Room) -> Picture {
    let size = match room {
        Room::Wide => (room.width(), 340),
        Room::Narrow => (room.width(), 280),
    };
    let margins = Margins {
        left: 64,
        right: 26,
        top: 8,
        bottom: 30,
    };
    let inner = f64::from(size.0 - margins.left - margins.right);
    let height = f64::from(size.1 - margins.top - margins.bottom);
    let samples = curves.iter().map(|curve| curve.samples.len()).max();
    let x = Axis::nines(samples.unwrap_or(1), inner);
    let least = curves
        .iter()
        .map(|curve| curve.samples.min())
        .min()
        .unwrap_or(0) as f64;
    let most = curves
        .iter()
        .map(|curve| curve.samples.max())
        .max()
        .unwrap_or(0) as f64;
    let y = match is_log {
        true => Axis::log(least, most, Counted::Nanos, height),
        false => Axis::linear(most, Counted::Nanos, height, false),
    };
    let hits = hits(curves, x.ends().1, y.ends());
    Picture::draw(size, margins, (x, y), &hits, |plot| {
        for curve in curves {
            let (points, certain) = curve.points();
            let [certain, rest] = cut(&points, certain);
            plot.line(certain, Ink::Run(curve.colour))?;
            plot.line(rest, Ink::Pale(curve.colour))?;
        }
        Ok(())
    })
}

fn hits(curves: &[Curve<'_>], end: f64, y: (f64, f64)) -> Vec<Hit> {
    let places: Vec<f64> = POINTED
        .iter()
        .map(|(quantile, _)| nines(*quantile))
        .collect();
    let between = |a: usize, b: usize| (places[a] + places[b]) / 2.0;
    let shown = places.iter().take_while(|place| **place <= end).count();
    let hit = |index: usize| {
        let from = if index == 0 {
            0.0
        } else {
            between(index - 1, index)
        };
        let to = if index + 1 < shown {
            between(index, index + 1)
        } else {
            end
        };
        let (quantile, name) = POINTED[index];
        let each = curves.iter().map(|curve| {
            let beyond = curve.samples.len() as f64 * (1.0 - quantile);
            let few = if beyond < 9.99 { ", few beyond" } else { "" };
            let value = curve.samples.value_at_quantile(quantile) as f64;
            match curves.len() {
                1 => format!("{}{few}", time(value)),
                _ => format!("{} {}{few}", curve.run.name, time(value)),
            }
        });
        let each: Vec<String> = each.collect();
        Hit {
            x: (from, to),
            y,
            text: format!("{name} within\n{}", each.join("\n")),
        }
    };
    (0..shown).map(hit).collect()
}

fn table(stage: Stage, curves: &[Curve<'_>]) -> Markup {
    type Of = fn(&StageSummary) -> Option<u64>;
    let rows: [(&str, &str, Of); 6] = [
        ("least", "min_ns", |s| Some(s.min_ns)),
        ("50 %", "p50_ns", |s| s.p50_ns),
        ("90 %", "p90_ns", |s| s.p90_ns),
        ("99 %", "p99_ns", |s| s.p99_ns),
        ("99.9 %", "p999_ns", |s| s.p999_ns),
        ("greatest", "max_ns", |s| Some(s.max_ns)),
    ];
    let field = |what: &str| format!("stages.{}.{what}", stage.name());
    html! {
        div.scroll {
            table {
                caption { "A percentile beyond which there are fewer than ten frames is left out." }
                thead { tr {
                    th scope="col" { "within" }
                    @for curve in curves { th scope="col" { (curve.run.name) } }
                } }
                tbody {
                    @for (name, key, of) in rows {
                        tr {
                            th scope="row" { (name) }
                            @for curve in curves {
                                @let value = of(curve.summary);
                                td data-run=(curve.number) {
                                    (figure_if(&field(key), value, |ns| time(ns as f64)))
                                }
                            }
                        }
                    }
                    tr {
                        th scope="row" { "frames" }
                        @for curve in curves {
                            td data-run=(curve.number) {
                                (figure(&field("count"), curve.samples.len(),
                                    &curve.samples.len().to_string()))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Every stage of a single run.
fn stages(view: &View<'_>) -> Markup {
    let run = &view.runs[0];
    html! {
        div.scroll {
            table {
                caption { "Each stage of a frame's way. The stages before end_to_end add up to it, where "
                    "each job is one frame; service is end_to_end without the queue." }
                thead { tr {
                    @for name in ["stage", "samples", "mean", "50 %", "90 %", "99 %", "99.9 %",
                        "greatest"] {
                        th scope="col" { (name) }
                    }
                } }
                tbody data-run="0" {
                    @for (stage, summary) in &run.report.stages {
                        @let field = |what: &str| format!("stages.{}.{what}", stage.name());
                        @let show = |ns: u64| time(ns as f64);
                        tr {
                            th scope="row" { (stage.name()) }
                            td { (figure(&field("count"), summary.count, &summary.count.to_string())) }
                            td { (figure(&field("mean_ns"), summary.mean_ns, &time(summary.mean_ns))) }
                            td { (figure_if(&field("p50_ns"), summary.p50_ns, show)) }
                            td { (figure_if(&field("p90_ns"), summary.p90_ns, show)) }
                            td { (figure_if(&field("p99_ns"), summary.p99_ns, show)) }
                            td { (figure_if(&field("p999_ns"), summary.p999_ns, show)) }
                            td { (figure(&field("max_ns"), summary.max_ns, &show(summary.max_ns))) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::tests::compare;
    use crate::report::samples;

    #[test]
    fn a_curve_is_made_of_steps_and_ends_where_it_is_not_certain() {
        let comparison = compare(vec![samples::mmap()]);
        let run = &comparison.runs[0];
        let samples = &run.histograms[&Stage::Service];
        let summary = &run.report.stages[&Stage::Service];
        let curve = Curve {
            number: 0,
            run,
            colour: 3,
            samples,
            summary,
        };
        let (points, certain) = curve.points();
        let (begin, least) = points[0];
        assert!(begin == 0.0 && samples.equivalent(least as u64, samples.min()));
        assert_eq!(points.last().unwrap().1, samples.max() as f64);
        assert!(points.is_sorted_by(|a, b| a.0 <= b.0 + 1e-9 && a.1 <= b.1));
        assert!((certain - nines(1.0 - 10.0 / 1500.0)).abs() < 1e-9);
        let [before, after] = cut(&points, certain);
        assert_eq!(before.last(), after.first());
        assert_eq!(before.len() + after.len(), points.len() + 2);
    }
}
