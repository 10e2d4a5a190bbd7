//! What was asked for, of which machine, and how to ask for it again.

use super::View;
use super::figure::figure;
use crate::pipeline::Policy;
use crate::report::compare::{Comparison, Run};
use crate::report::schema::{Report, Workload};
use crate::report::style::shell_word;
use crate::report::units::{BANDWIDTH_NOT_MEASURED, bytes, digits, pace, time};
use crate::report::warnings::Weight;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// What was asked for, on a line; of several runs of the first, but for what they have each.
pub(super) fn line(runs: &[Run]) -> Markup {
    let run = &runs[0];
    let asked = &run.report.workload;
    let number = |field: &str, n: u64, one: &str| {
        let several = if n == 1 { "" } else { "s" };
        html! { (figure(field, n, &n.to_string())) " " (one) (several) }
    };
    let frames = asked.frames.end.saturating_sub(asked.frames.start);
    html! {
        p.about data-run="0" {
            (number("workload.frames.end - workload.frames.start", frames, "frame")) " of "
            b { (asked.input) } ", " (asked.pixels) " · " (asked.analyzers.join(", ")) " · "
            @match spread(runs, |of| of.workers) {
                None => (number("workload.workers", asked.workers as u64, "worker"))
                Some((least, most)) => { (least) " to " (most) " workers" }
            }
            ", "
            @match spread(runs, |of| of.batch) {
                None => (number("workload.batch", asked.batch as u64, "frame"))
                Some((least, most)) => { (least) " to " (most) " frames" }
            }
            " a job · "
            @match asked.fps {
                Some(fps) => { (figure("workload.fps", fps, &pace(fps))) " frames a second" }
                None => { "flat out" }
            }
            " · "
            @if asked.live { "live" } @else {
                (format!("{:?}", asked.cache).to_lowercase()) " cache, "
                (figure("workload.cache_resident", asked.cache_resident,
                    &format!("{:.0} %", 100.0 * asked.cache_resident)))
                " in memory"
            }
            " · " (passes(asked.repeat, asked.warmup))
            (slots(&run.report))
        }
    }
}

/// The least and the most, where they differ.
fn spread(runs: &[Run], of: impl Fn(&Workload) -> usize) -> Option<(usize, usize)> {
    let each = || runs.iter().map(|run| of(&run.report.workload));
    let (least, most) = (each().min()?, each().max()?);
    (least != most).then_some((least, most))
}

fn passes(repeat: usize, warmup: usize) -> Markup {
    let several = if repeat == 1 { "" } else { "es" };
    html! {
        (figure("workload.repeat", repeat, &repeat.to_string())) " pass" (several)
        @if warmup > 0 {
            " after " (figure("workload.warmup", warmup, &warmup.to_string())) " to warm up"
        }
    }
}

fn slots(report: &Report) -> Markup {
    let policy = report.workload.policy.map(|policy| match policy {
        Policy::Block => "frames wait for one",
        Policy::DropNewest => "a frame that finds none is dropped",
        Policy::DropOldest => "the oldest that waits makes room",
    });
    html! {
        @if let (Some(slots), Some(policy)) = (report.slots, policy) {
            " · " (figure("slots.count", slots.count, &slots.count.to_string())) " slots, "
            (figure("slots.bytes", slots.bytes, &bytes(slots.bytes as f64))) ", " (policy)
        }
    }
}

/// What must be known before any figure is read, and that all is well if it is.
pub(super) fn warnings(comparison: &Comparison) -> Markup {
    let (warnings, notes) = (comparison.warnings(), comparison.notes());
    let is_agreed = comparison.runs.len() > 1 && comparison.same_findings();
    let digest = &comparison.runs[0].report.findings_digest;
    html! {
        @if !warnings.is_empty() || !notes.is_empty() {
            ul.notes role="note" {
                @for warning in &warnings {
                    @let class = (warning.weight == Weight::Grave).then_some("bad");
                    li class=[class] { (warning.sentence()) }
                }
                @for note in &notes { li { (note) } }
            }
        }
        @if is_agreed {
            p.about.digest { "All found exactly the same: SHA-256 " (digest.get(..16).unwrap_or(digest)) "…" }
        }
    }
}

/// The machine, or the machines.
pub(super) fn machine(view: &View<'_>) -> Markup {
    let first = &view.runs[0].report.machine;
    let is_one = view.runs.iter().all(|run| run.report.machine == *first);
    html! {
        section {
            h2 { "The machine" }
            @if is_one {
                (facts(0, &view.runs[0], view.is_one()))
            } @else {
                @for (number, run, _) in view.each() {
                    h3 { (run.name) }
                    (facts(number, run, true))
                }
            }
        }
    }
}

fn facts(number: usize, run: &Run, is_own: bool) -> Markup {
    let (machine, limits) = (&run.report.machine, &run.report.limits);
    let speed = |field: &str, gb_per_s: Option<f64>| {
        html! {
            @match gb_per_s {
                Some(speed) => { (figure(field, speed, &digits(speed))) " GB/s" }
                None => { (BANDWIDTH_NOT_MEASURED) }
            }
        }
    };
    html! {
        dl.facts data-run=(number) {
            dt { "processor" }
            dd {
                (machine.cpu) ", "
                (figure("machine.cores", machine.cores, &machine.cores.to_string())) " cores"
                @if let Some(cache) = machine.last_cache_bytes {
                    ", cache " (figure("machine.last_cache_bytes", cache, &bytes(cache as f64)))
                }
            }
            dt { "memory" }
            dd {
                (figure("machine.memory_bytes", machine.memory_bytes,
                    &bytes(machine.memory_bytes as f64)))
                " in pages of "
                (figure("machine.page_bytes", machine.page_bytes, &bytes(machine.page_bytes as f64)))
            }
            dt { "system" }
            dd { (machine.os) ", " (machine.kernel) }
            @let before = if is_own { String::new() } else { format!(" (before {})", run.name) };
            dt { "reads memory at" (before) }
            dd { (speed("limits.read_gb_per_s", limits.read_gb_per_s)) }
            dt { "copies memory at" (before) }
            dd { (speed("limits.memcpy_gb_per_s", limits.memcpy_gb_per_s)) }
            dt { "wakes a sleeper in" (before) }
            dd {
                (figure("limits.wakeup_us", limits.wakeup_us, &time(limits.wakeup_us * 1e3)))
                ", there and back"
            }
        }
    }
}

/// The command lines.
pub(super) fn again(view: &View<'_>) -> Markup {
    let mut commands: Vec<String> = Vec::new();
    for command in view.runs.iter().flat_map(|run| commands_of(&run.report)) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let digests = view
        .runs
        .iter()
        .map(|run| run.report.findings_digest.as_str());
    let digests: BTreeSet<&str> = digests.collect();
    // What a camera sees, who finds no slot, what is given up and when a run is ended is chance.
    let is_certain = view.runs.iter().all(|run| {
        let (report, totals) = (&run.report, &run.report.totals);
        let all_analysed = totals.frames_dropped == 0 && totals.frames_failed == 0;
        all_analysed && !report.workload.live && report.incomplete.is_none()
    });
    html! {
        section {
            h2 { "How to reproduce" }
            @if commands.is_empty() {
                p { "No command line is known: a program of its own asked for this." }
            }
            @for command in commands { pre.command { code { (command) } } }
            @if let ([digest], true) = (&digests.into_iter().collect::<Vec<_>>()[..], is_certain) {
                p.about { "The findings are the same on any machine: "
                    code { "sha256sum findings.jsonl" } " says" }
                pre { code { (digest) } }
            }
        }
    }
}

/// What to type for a run, and for a merged one its runs first; nothing where no command line is known.
fn commands_of(report: &Report) -> Vec<String> {
    let parts = report.merged.iter().flat_map(|merged| &merged.parts);
    let all = parts.map(|part| &part.command).chain([&report.command]);
    let known = all.filter(|words| !words.is_empty());
    let typed = |words: &Vec<String>| {
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        words.join(" ")
    };
    known.map(typed).collect()
}
