//! Where a frame's time goes.

use super::View;
use super::axis::Counted;
use super::bars::{Bar, Part, draw};
use super::chart::{both, either, legend};
use super::figure::figure;
use super::svg::Ink;
use crate::report::compare::{Comparison, Run};
use crate::report::units::time;
use crate::stage::Stage;
use maud::{Markup, html};

/// What happens in a stage, for who does not know it by its name.
const fn what(stage: Stage) -> &'static str {
    match stage {
        Stage::Queue => "queue: waiting for its turn",
        Stage::Load => "load: making the pixels readable",
        Stage::Serialize => "serialize: copy 1, into a message",
        Stage::Transfer => "transfer: copy 2, through the kernel",
        Stage::Deserialize => "deserialize: copy 3, out of the message",
        Stage::Compute => "compute: the analysis itself",
        Stage::Return => "return: the finding's way back",
        Stage::EndToEnd => "end_to_end",
        Stage::Service => "service",
    }
}

pub(super) fn section(view: &View<'_>) -> Markup {
    let has_any = |(_, run, _): &(usize, &Run, u8)| run.a_frame(Stage::EndToEnd) > 0.0;
    html! {
        section {
            h2 { "Where a frame's time goes" }
            @if view.each().any(|each| has_any(&each)) {
                (chart(view))
            } @else {
                p { "No frame came back, so there are no stages to show." }
            }
        }
    }
}

/// Where the gaps between the runs come from, if that was asked for: what it comes to. The terms are in
/// the tables and the JSON.
pub(super) fn explanations(comparison: &Comparison) -> Markup {
    html! {
        @if let Some(explanations) = &comparison.explanations {
            section {
                h2 { "Where the gaps come from" }
                @for one in explanations { p { (one.sentence) } }
            }
        }
    }
}

/// The stages that occur in any of the runs, with their numbers.
fn stages(view: &View<'_>) -> Vec<(u8, Stage)> {
    let all = (0..).zip(Stage::PARTS);
    let occurs = |stage: Stage| view.runs.iter().any(|run| run.a_frame(stage) > 0.0);
    all.filter(|(_, stage)| occurs(*stage)).collect()
}

fn chart(view: &View<'_>) -> Markup {
    let stages = stages(view);
    let bars = |is_share: bool| -> Vec<Bar> {
        view.runs
            .iter()
            .map(|run| bar(run, &stages, is_share))
            .collect()
    };
    let (times, shares) = (bars(false), bars(true));
    let listed: Vec<String> = view.runs.iter().map(|run| listed(run, &stages)).collect();
    let listed = listed.join("; ");
    let label = "Mean time of a frame, by stage";
    let is_batched = view.runs.iter().any(|run| run.report.workload.batch > 1);
    html! {
        figure {
            figcaption {
                b { (label) }
                "Serialize, transfer and deserialize are the three copies of a payload; of a reference "
                "they move a few bytes."
                @if is_batched {
                    " Frames of a batch wait for each other: their return includes the frames behind them."
                }
            }
            (either("stages", "Length of the bars",
                ("time", both(label, &listed, |room| draw(&times, Counted::Nanos, None, room))),
                ("share", both(label, &listed, |room| {
                    draw(&shares, Counted::Share, Some(1.0), room)
                }))))
            (legend(stages.iter().map(|&(number, stage)| (Ink::Stage(number), what(stage)))))
            details {
                summary { "The same as figures" }
                (table(view, &stages))
            }
        }
    }
}

fn total(run: &Run) -> f64 {
    Stage::PARTS
        .into_iter()
        .map(|stage| run.a_frame(stage))
        .sum()
}

fn bar(run: &Run, stages: &[(u8, Stage)], is_share: bool) -> Bar {
    let total = total(run);
    let part = |&(number, stage): &(u8, Stage)| {
        let length = run.a_frame(stage);
        let share = length / total.max(1.0);
        Part {
            length: if is_share { share } else { length },
            ink: Ink::Stage(number),
            text: format!(
                "{}, {}\n{}, {:.1} %",
                run.name,
                stage.name(),
                time(length),
                100.0 * share
            ),
        }
    };
    let shown = format!("{} a frame", time(total));
    Bar {
        name: run.name.clone(),
        shown: [shown, time(total)],
        parts: stages
            .iter()
            .map(part)
            .filter(|part| part.length > 0.0)
            .collect(),
        limit: None,
    }
}

fn listed(run: &Run, stages: &[(u8, Stage)]) -> String {
    let parts = stages.iter().filter(|(_, stage)| run.a_frame(*stage) > 0.0);
    let parts: Vec<String> = parts
        .map(|(_, stage)| format!("{} {}", stage.name(), time(run.a_frame(*stage))))
        .collect();
    format!("{}: {}", run.name, parts.join(", "))
}

fn table(view: &View<'_>, stages: &[(u8, Stage)]) -> Markup {
    // What is recorded once a job is shared by the frames of its batch.
    let field = |stage: Stage| {
        let name = stage.name();
        format!("stages.{name}.mean_ns * stages.{name}.count / stages.end_to_end.count")
    };
    html! {
        div.scroll {
            table {
                caption { "Mean time a frame." }
                thead { tr {
                    th scope="col" { "stage" }
                    @for run in view.runs { th scope="col" { (run.name) } }
                } }
                tbody {
                    @for &(number, stage) in stages {
                        tr {
                            th scope="row" {
                                span class=(format!("swatch {}", Ink::Stage(number).class())) {}
                                (stage.name())
                            }
                            @for (number, run, _) in view.each() {
                                @let ns = run.a_frame(stage);
                                td data-run=(number) {
                                    @if run.report.stages.contains_key(&stage) {
                                        (figure(&field(stage), ns, &time(ns)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
