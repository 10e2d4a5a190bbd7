//! All outcomes on one page of Markdown, slide by slide.

use super::show::{bars, part};
use super::slides::{LECTURES, SLIDES, Slide};
use super::{Drawing, Outcome};
use crate::measure::Machine;
use crate::report::Style;
use crate::report::units;
use std::fmt::Write;

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
    page += "| lecture, slide | claims something of | tried by, and the verdict |\n|---|---|---|\n";
    for slide in &SLIDES {
        let tried = slide.tried_by(outcomes);
        if tried.is_empty() {
            continue;
        }
        let tried = tried.iter().map(|outcome| {
            let (name, verdict) = (outcome.name, slide.verdict(outcome));
            format!("[{name}](#{name}): {verdict}")
        });
        let tried: Vec<_> = tried.collect();
        let Slide {
            lecture,
            number,
            of,
            ..
        } = slide;
        line(
            &mut page,
            format_args!("| {lecture}: {number} | {of} | {} |", tried.join("; ")),
        );
    }
    for (lecture, title) in LECTURES {
        if outcomes.iter().all(|outcome| outcome.lecture != lecture) {
            continue;
        }
        line(&mut page, format_args!("\n## Lecture {lecture}: {title}"));
        let slides = SLIDES.iter().filter(|slide| slide.lecture == lecture);
        for slide in slides.filter(|slide| !slide.sums_up()) {
            let tried = slide.tried_by(outcomes);
            let Slide { number, title, .. } = slide;
            if !tried.is_empty() {
                line(&mut page, format_args!("\n### Slide {number}: {title}"));
            }
            for outcome in tried {
                // Told in full at the first of its slides.
                if outcome.slides.first() == Some(number) {
                    tell(&mut page, outcome);
                } else {
                    let (name, verdict) = (outcome.name, slide.verdict(outcome));
                    line(
                        &mut page,
                        format_args!("\n**{verdict}**: see [{name}](#{name})."),
                    );
                }
            }
        }
    }
    page
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
    if !outcome.parts.is_empty() {
        line(page, format_args!("\nClaim by claim:\n"));
    }
    for one in &outcome.parts {
        line(page, format_args!("- {}", part(one)));
    }
    for doubt in &outcome.doubts {
        line(page, format_args!("\nBut {doubt}."));
    }
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
    use crate::lab::{EXPERIMENTS, Figure, Finding, Part, Peer, Unit, Verdict};

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
            parts: vec![Part::new(
                6,
                "It is soon",
                Verdict::Holds,
                "it takes 2.00 ms".into(),
            )],
        };
        let mut outcome = Outcome::new(EXPERIMENTS[3], finding, 1.0, vec!["it was loud".into()]);
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
            "| 26: 1 | three copies a message, ",
            "| 26: 5 | futures of a pool of processes | [pool-features](#pool-features): differs |",
            "row by row | [pool-features](#pool-features): holds |",
            "profiling always: the lecture summed up | [pool-features](#pool-features): differs |",
            "## Lecture 26",
            "#### pool-features",
            "| a time | 1.00 ms | 2.00 ms | 500 ms |",
            "\nPython 3.0. Slow.\n",
            "| a | 1 |",
            "██ 2\n```",
            "**holds**: see [pool-features](#pool-features).",
            "**differs**: it takes twice as long.",
            "\nBut it was loud.\n",
            "- slide 6, \u{201c}It is soon\u{201d}: holds, since it takes 2.00 ms.",
        ] {
            assert!(page.contains(text), "no {text:?}: {page}");
        }
        assert!(
            !page.contains("Lecture 27") && !page.contains("| 27: ") && !page.contains("Slide 7")
        );
        assert_eq!(page.matches("a time").count(), 1);
    }
}
