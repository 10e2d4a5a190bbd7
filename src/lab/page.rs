//! All outcomes on one page of Markdown, slide by slide.

use super::show::bars;
use super::{Drawing, Outcome};
use crate::measure::Machine;
use crate::report::Style;
use crate::report::units;
use std::fmt::Write;

/// A slide that claims something: its lecture, its number, its title. (The first of each lecture is
/// an overview, and the twelfth sums up.)
pub(super) const SLIDES: [(u8, u8, &str); 20] = [
    (26, 2, "The three-copy model of IPC"),
    (26, 3, "Real failure: the video analytics pipeline"),
    (26, 4, "The IPC decision matrix"),
    (26, 5, "concurrent.futures.ProcessPoolExecutor"),
    (26, 6, "Pool vs. ProcessPoolExecutor: which to use"),
    (26, 7, "Failure scenario 1: tasks too short"),
    (26, 8, "Failure scenario 2: large data payload"),
    (
        26,
        9,
        "Failure scenario 3: frequent inter-worker coordination",
    ),
    (26, 10, "The crossover point: profile data"),
    (26, 11, "The profiling discipline"),
    (27, 2, "The poison-pill shutdown pattern"),
    (27, 3, "Cooperative early-exit: the problem"),
    (27, 4, "multiprocessing.Value as a shared flag"),
    (27, 5, "Example 27.1: cooperative prime search"),
    (27, 6, "Check frequency as a design variable"),
    (27, 7, "Example 27.2: measuring coordination cost"),
    (27, 8, "The shared-state cost spectrum"),
    (27, 9, "Manager vs. Value: decision framework"),
    (27, 10, "Fraud detection analogy"),
    (27, 11, "Worker pool design for early termination"),
];

pub(super) const LECTURES: [(u8, &str); 2] = [
    (26, "IPC cost, shared memory, and when parallelism fails"),
    (27, "Coordination speed trade-off in multiprocessing"),
];

/// The page: what each slide claims, what was measured on that machine, and how (`Measured`), and what
/// follows.
pub fn page(outcomes: &[Outcome], machine: &Machine, how: &str) -> String {
    let mut page = format!(
        "# Two lectures on processes, measured\n\n{how} on {}, {}, {} of memory, {}. \
         Each claim is the lecture's; each figure beside it is this machine's.\n\n",
        machine.cpu,
        units::plural(machine.cores as u64, "processor"),
        units::bytes(machine.memory_bytes as f64),
        machine.kernel,
    );
    page += "| lecture | slide | claim tried by | verdict |\n|---|---|---|---|\n";
    for (lecture, slide, title) in SLIDES {
        for outcome in about(outcomes, lecture, slide) {
            let Outcome { name, verdict, .. } = outcome;
            line(
                &mut page,
                format_args!("| {lecture} | {slide}: {title} | [{name}](#{name}) | {verdict} |"),
            );
        }
    }
    for (lecture, title) in LECTURES {
        if outcomes.iter().all(|outcome| outcome.lecture != lecture) {
            continue;
        }
        line(&mut page, format_args!("\n## Lecture {lecture}: {title}"));
        for (_, slide, title) in SLIDES.iter().filter(|(of, ..)| *of == lecture) {
            let tried: Vec<_> = about(outcomes, lecture, *slide).collect();
            if !tried.is_empty() {
                line(&mut page, format_args!("\n### Slide {slide}: {title}"));
            }
            for outcome in tried {
                // Told in full at the first of its slides.
                if outcome.slides.first() == Some(slide) {
                    tell(&mut page, outcome);
                } else {
                    let name = outcome.name;
                    line(&mut page, format_args!("\nSee [{name}](#{name})."));
                }
            }
        }
    }
    page
}

pub(super) fn about(
    outcomes: &[Outcome],
    lecture: u8,
    slide: u8,
) -> impl Iterator<Item = &Outcome> {
    let is_about =
        move |outcome: &&Outcome| outcome.lecture == lecture && outcome.slides.contains(&slide);
    outcomes.iter().filter(is_about)
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(page, "{text}");
}

fn tell(page: &mut String, outcome: &Outcome) {
    let Outcome {
        name,
        claim,
        verdict,
        because,
        ..
    } = outcome;
    line(page, format_args!("\n#### {name}\n\n> {claim}\n"));
    let (header, rows) = outcome.rows();
    if !rows.is_empty() {
        table(page, &header, &rows);
    }
    for drawing in &outcome.finding.drawings {
        match drawing {
            Drawing::Table {
                title,
                header,
                rows,
            } => {
                line(page, format_args!("\n{title}:\n"));
                let header: Vec<&str> = header.iter().map(String::as_str).collect();
                table(page, &header, rows);
            }
            Drawing::Bars {
                title,
                unit,
                bars: all,
            } => {
                let drawn = bars(*unit, all, Style::plain(100));
                line(page, format_args!("\n{title}:\n\n```text\n{drawn}\n```"));
            }
        }
    }
    if let Some(peer) = &outcome.peer {
        line(page, format_args!("\n{}", peer.line()));
    }
    line(page, format_args!("\n**{verdict}**: {because}."));
}

fn table(page: &mut String, header: &[&str], rows: &[Vec<String>]) {
    line(page, format_args!("| {} |", header.join(" | ")));
    let numbers = "---:|".repeat(header.len() - 1);
    line(page, format_args!("|---|{numbers}"));
    for row in rows {
        line(page, format_args!("| {} |", row.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{EXPERIMENTS, Figure, Finding, Peer, Unit, Verdict};

    #[test]
    fn every_slide_that_claims_something_is_tried() {
        for (lecture, slide, title) in SLIDES {
            let is_tried = EXPERIMENTS
                .iter()
                .any(|known| known.lecture == lecture && known.slides.contains(&slide));
            assert!(is_tried, "lecture {lecture}, slide {slide}: {title}");
        }
        for known in EXPERIMENTS {
            for slide in known.slides {
                let is_there = SLIDES
                    .iter()
                    .any(|(lecture, at, _)| (known.lecture, slide) == (*lecture, at));
                assert!(is_there, "{}: there is no slide {slide}", known.name);
            }
        }
    }

    #[test]
    fn an_outcome_is_told_at_its_first_slide_and_named_at_the_others() {
        let finding = Finding {
            figures: vec![Figure::seconds("a_s", "a time", 0.002).about(0.001)],
            drawings: vec![
                Drawing::Table {
                    title: "Rows".into(),
                    header: vec!["".into(), "n".into()],
                    rows: vec![vec!["a".into(), "1".into()]],
                },
                Drawing::Bars {
                    title: "Lengths".into(),
                    unit: Unit::Count,
                    bars: vec![("b".into(), 2.0)],
                },
            ],
            verdict: Verdict::Differs,
            because: "it takes twice as long".into(),
        };
        let mut outcome = Outcome::new(EXPERIMENTS[3], finding, 1.0);
        outcome.peer = Some(Peer {
            python: "3.0".into(),
            figures: [("a_s".to_owned(), 0.5)].into(),
            notes: vec!["Slow.".into()],
        });
        assert_eq!(
            (outcome.name, outcome.slides),
            ("pool-features", &[5, 6][..])
        );
        let machine = Machine::probe();
        let page = page(&[outcome], &machine, "Quickly measured");
        for text in [
            "Quickly measured",
            "| 26 | 5: concurrent.futures.ProcessPoolExecutor | [pool-features](#pool-features) | differs |",
            "| 26 | 6: ",
            "## Lecture 26",
            "#### pool-features",
            "| a time | 1.00 ms | 2.00 ms | 500 ms |",
            "\nPython 3.0. Slow.\n",
            "| a | 1 |",
            "██ 2\n```",
            "See [pool-features](#pool-features).",
            "**differs**: it takes twice as long.",
        ] {
            assert!(page.contains(text), "no {text:?}: {page}");
        }
        assert!(!page.contains("Lecture 27") && !page.contains("Slide 7"));
        assert_eq!(page.matches("a time").count(), 1);
    }
}
