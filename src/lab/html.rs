//! All outcomes on one page of HTML, slide by slide, in the style of the runs' pages.

use super::show::place;
use super::slides::{LECTURES, SLIDES};
use super::{Drawing, Outcome, Unit, Verdict};
use crate::measure::Machine;
use crate::report::page::{Counted, Page, bars};
use crate::report::units::{self, plural};
use maud::{Markup, html};

/// The page: what each slide claims, what was measured on that machine, and how (`Measured`), and
/// what follows.
pub fn html_page(outcomes: &[Outcome], machine: &Machine, how: &str) -> String {
    let page = Page {
        title: "Two lectures on processes, measured",
        kind: html! { b { "framehaul" } " · two lectures on processes, measured" },
        headline: &headline(outcomes),
        below: html! {
            p.about {
                (how) " on " (machine.cpu) ", " (units::plural(machine.cores as u64, "processor")) ", "
                (units::bytes(machine.memory_bytes as f64)) " of memory, " (machine.kernel) ". "
                "Each claim is the lecture's; each figure beside it is this machine's."
            }
        },
        body: html! {
            (contents(outcomes))
            @for (lecture, title) in LECTURES {
                @let all = outcomes.iter().filter(|outcome| outcome.lecture == lecture);
                @let all: Vec<&Outcome> = all.collect();
                @if !all.is_empty() {
                    section {
                        h2 { "Lecture " (lecture) ": " (title) }
                        @for outcome in all { (tell(outcome)) }
                    }
                }
            }
        },
        foot: html! { p { "framehaul " (env!("CARGO_PKG_VERSION")) } },
    };
    page.render()
}

/// How the claims fared, in one sentence.
fn headline(outcomes: &[Outcome]) -> String {
    let each = [
        Verdict::Holds,
        Verdict::Differs,
        Verdict::Depends,
        Verdict::Untestable,
    ];
    let counted = each.into_iter().filter_map(|verdict| {
        let count = outcomes
            .iter()
            .filter(|outcome| outcome.verdict == verdict)
            .count();
        let word = match (verdict, count) {
            (_, 0) => return None,
            (Verdict::Holds, 1) => "holds",
            (Verdict::Holds, _) => "hold",
            (Verdict::Differs, 1) => "differs",
            (Verdict::Differs, _) => "differ",
            (Verdict::Depends, 1) => "depends on the case",
            (Verdict::Depends, _) => "depend on the case",
            (Verdict::Untestable, _) => "cannot be tested here",
        };
        Some(format!("{count} {word}"))
    });
    let counted: Vec<String> = counted.collect();
    let claims = plural(outcomes.len() as u64, "claim");
    format!("Of {claims}, {} on this machine.", units::list(&counted))
}

fn badge(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::Holds => "verdict yes",
        Verdict::Differs => "verdict no",
        Verdict::Depends | Verdict::Untestable => "verdict other",
    };
    html! { span class=(class) { (verdict) } }
}

fn contents(outcomes: &[Outcome]) -> Markup {
    html! {
        div.scroll {
            table.stacks {
                thead { tr {
                    th scope="col" { "slide" }
                    th.words scope="col" { "claims something of" }
                    th.words scope="col" { "tried by" }
                } }
                tbody {
                    @for slide in &SLIDES {
                        @let tried = slide.tried_by(outcomes);
                        @if !tried.is_empty() {
                            tr {
                                th scope="row" { (slide.lecture) ": " (slide.number) " " (slide.title) }
                                td.words { (words(slide.of)) }
                                td.words {
                                    @for outcome in tried {
                                        p {
                                            a href=(format!("#{}", outcome.name)) { (outcome.name) }
                                            " " (badge(slide.verdict(outcome)))
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
}

/// Without the marks of Markdown.
fn words(text: &str) -> String {
    text.replace('`', "")
}

fn tell(outcome: &Outcome) -> Markup {
    let (header, rows) = outcome.rows();
    html! {
        article id=(outcome.name) {
            h3 { (outcome.name) " " (badge(outcome.verdict)) }
            p.about { (place(outcome.lecture, outcome.slides)) }
            blockquote { p { (outcome.claim) } }
            @if !rows.is_empty() { (table("", &header, &rows)) }
            @for drawing in &outcome.finding.drawings { (draw(drawing)) }
            @if let Some(peer) = &outcome.peer {
                p.about { (peer.line()) }
            }
            p { b { (outcome.verdict) } ": " (outcome.because) "." }
            @if !outcome.parts.is_empty() {
                ul {
                    @for part in &outcome.parts {
                        li {
                            "slide " (part.slide) ", \u{201c}" (part.claim) "\u{201d}: "
                            (badge(part.verdict)) " " (part.because) "."
                        }
                    }
                }
            }
            @for doubt in &outcome.doubts { p.about { "But " (doubt) "." } }
        }
    }
}

fn draw(drawing: &Drawing) -> Markup {
    match drawing {
        Drawing::Table {
            title,
            header,
            rows,
        } => {
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            table(title, &header, rows)
        }
        Drawing::Bars {
            title,
            unit,
            bars: all,
        } => {
            let shown = all
                .iter()
                .map(|(name, length)| (name.clone(), *length, unit.show(*length)));
            let shown: Vec<_> = shown.collect();
            html! {
                figure {
                    figcaption { b { (title) } }
                    (bars(title, counted(*unit), &shown))
                }
            }
        }
    }
}

/// What an axis of such lengths is counted in.
const fn counted(unit: Unit) -> Counted {
    match unit {
        Unit::Seconds => Counted::Seconds,
        Unit::Bytes => Counted::Bytes,
        Unit::BytesPerSecond => Counted::BytesPerSecond,
        Unit::Share => Counted::Share,
        Unit::Times | Unit::Count | Unit::PerSecond | Unit::Shown => Counted::Number,
    }
}

fn table(title: &str, header: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll {
            table {
                @if !title.is_empty() { caption { (title) } }
                thead { tr { @for name in header { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @if let Some((name, values)) = row.split_first() {
                                th scope="row" { (name) }
                                @for value in values { td { (value) } }
                            }
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
    use crate::lab::{EXPERIMENTS, Figure, Finding};

    #[test]
    fn an_outcome_is_told_once_with_its_figures_and_bars() {
        let finding = |verdict: Verdict| Finding {
            figures: vec![Figure::seconds("a_s", "a <time>", 0.002).about(0.001)],
            drawings: vec![Drawing::Bars {
                title: "Lengths".into(),
                unit: Unit::Seconds,
                bars: vec![("b".into(), 0.002), ("c".into(), 0.0)],
            }],
            verdict,
            because: "it takes twice as long".into(),
            parts: Vec::new(),
        };
        let outcomes = [
            Outcome::new(
                EXPERIMENTS[3],
                finding(Verdict::Differs),
                1.0,
                vec!["it was loud".into()],
            ),
            Outcome::new(EXPERIMENTS[4], finding(Verdict::Holds), 1.0, Vec::new()),
        ];
        let page = html_page(&outcomes, &Machine::probe(), "Quickly measured");
        for text in [
            "<h1>Of 2 claims, 1 holds and 1 differs on this machine.</h1>",
            "Quickly measured on ",
            "<a href=\"#pool-features\">pool-features</a>",
            "<article id=\"pool-features\">",
            "a &lt;time&gt;",
            "<td>1.00 ms</td><td>2.00 ms</td>",
            "aria-label=\"Lengths\"",
            ">2 ms</text>",
            "it takes twice as long.",
            "But it was loud.",
        ] {
            assert!(page.contains(text), "no {text:?}: {page}");
        }
        assert!(!page.contains("Lecture 27"), "nothing of it was tried");
        assert_eq!(page.matches("a &lt;time&gt;").count(), 2, "once each");
    }
}
