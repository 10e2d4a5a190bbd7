//! One run as text.

use super::Report;
use super::compare::{Comparison, Run};
use super::style::Style;
use super::table::{histograms, notes, of_limit, optional, warnings};
use super::units::{
    self, ABSENT, BANDWIDTH_NOT_MEASURED, bytes, digits, mean_count, plural, seconds, time,
};
use crate::measure::Limits;
use crate::pipeline::Policy;

/// One run for people: what was asked, what must be known of it, what came of it beside the machine's
/// limits, every stage, and what it says of itself.
///
/// ```no_run
/// use framehaul::report::{Report, Style, summary};
/// println!("{}", summary(&Report::read("runs/mmap")?, Style::of_stdout()));
/// # Ok::<(), framehaul::Error>(())
/// ```
pub fn summary(report: &Report, style: Style) -> String {
    let histograms = report.stages.iter();
    // One that cannot be read was refused when the report was; it draws nothing.
    let histograms = histograms.filter_map(|(&stage, of)| Some((stage, of.decode().ok()?)));
    let run = Run {
        name: report.workload.mode.clone(),
        report: report.clone(),
        histograms: histograms.collect(),
    };
    let comparison = Comparison {
        runs: vec![run],
        explanations: None,
    };
    alone(&comparison, style)
}

/// The same of the run that a comparison has alone.
pub(super) fn alone(comparison: &Comparison, style: Style) -> String {
    let run = &comparison.runs[0];
    let mut parts = vec![asked(&run.report, style)];
    parts.extend(warnings(comparison, style));
    parts.extend([totals(run, style), stages(&run.report, style)]);
    parts.extend(histograms(&comparison.runs, style));
    parts.extend(notes(comparison, style));
    parts.join("\n\n")
}

fn asked(report: &Report, style: Style) -> String {
    let asked = &report.workload;
    let pace = match asked.fps {
        Some(fps) => format!("{} frames/s", units::pace(fps)),
        None => "flat out".into(),
    };
    let cache = match asked.live {
        true => "live".into(),
        false => format!(
            "{} cache ({:.0} % in memory)",
            format!("{:?}", asked.cache).to_lowercase(),
            100.0 * asked.cache_resident
        ),
    };
    let text = format!(
        "{}: {} of {}, {}, {}; {}, {} a job, {pace}, {cache}, {}",
        asked.mode,
        plural(asked.frames.end.saturating_sub(asked.frames.start), "frame"),
        asked.input,
        asked.pixels,
        asked.analyzers.join(" "),
        plural(asked.workers as u64, "worker"),
        plural(asked.batch as u64, "frame"),
        match asked.repeat {
            1 => "1 pass".into(),
            repeat => format!("{repeat} passes"),
        },
    );
    let machine = &report.machine;
    let machine = format!(
        "on {}, {}, {}, {}",
        machine.cpu,
        plural(machine.cores as u64, "core"),
        bytes(machine.memory_bytes as f64),
        machine.kernel
    );
    let machine = style.wrap(&machine, 2);
    format!("{}\n{machine}", style.strong(&text))
}

fn totals(run: &Run, style: Style) -> String {
    let report = &run.report;
    let (totals, limits, cpu) = (&report.totals, &report.limits, &report.cpu);
    let speed = match limits.read_gb_per_s {
        Some(_) => format!(
            "{} GB/s that the machine can read",
            of_limit(totals.gb_per_s, limits.read_gb_per_s)
        ),
        None => format!("{} GB/s", digits(totals.gb_per_s)),
    };
    let mut lines = vec![
        (
            "throughput",
            format!("{} frames/s, {speed}", digits(totals.fps)),
        ),
        ("limits", machine_limits(limits)),
        ("shipped", shipped(report)),
        (
            "memory",
            format!(
                "peak {} anonymous, {} shared",
                bytes(report.memory.peak_anon_bytes as f64),
                bytes(report.memory.peak_shared_bytes as f64)
            ),
        ),
        (
            "processor",
            format!(
                "{} cores busy; a frame: {} user, {} kernel, {} page faults ({} with I/O)",
                digits(cpu.cores_busy),
                optional(run.per_frame(cpu.user_s), seconds),
                optional(run.per_frame(cpu.system_s), seconds),
                optional(run.faults_per_frame(), mean_count),
                optional(run.per_frame(cpu.major_faults as f64), mean_count),
            ),
        ),
    ];
    if let Some(slots) = slots(report) {
        lines.push(("slots", slots));
    }
    if totals.frames_dropped > 0 {
        let reasons = totals.dropped.iter();
        let reasons: Vec<_> = reasons
            .map(|(why, n)| format!("{n} because {why}"))
            .collect();
        let dropped = plural(totals.frames_dropped, "frame");
        lines.push(("DROPPED", format!("{dropped}: {}", reasons.join(", "))));
    }
    if let Some(pace) = pace(report) {
        lines.push(("pace", pace));
    }
    if totals.frames_failed > 0 || totals.workers_died > 0 {
        let failed = plural(totals.frames_failed, "frame");
        let died = plural(totals.workers_died, "worker");
        lines.push(("failures", format!("{failed} failed, {died} died")));
    }
    let digest = &report.findings_digest;
    lines.push((
        "findings",
        format!("SHA-256 {}…", digest.get(..16).unwrap_or(digest)),
    ));
    if style.markdown {
        let rows = lines
            .into_iter()
            .map(|(name, text)| vec![name.into(), text]);
        return style.table(&["", ""], &rows.collect::<Vec<_>>(), 2);
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(name, text)| style.wrap(&format!("{name:<11}{text}"), 11))
        .collect();
    lines.join("\n")
}

fn machine_limits(limits: &Limits) -> String {
    let wakeup = format!("wake-up round trip {}", time(limits.wakeup_us * 1e3));
    match (limits.read_gb_per_s, limits.memcpy_gb_per_s) {
        (Some(read), Some(copy)) => format!(
            "read {} GB/s, copy {} GB/s, {wakeup}",
            digits(read),
            digits(copy)
        ),
        _ => format!("{wakeup}; read and copy {BANDWIDTH_NOT_MEASURED}"),
    }
}

fn slots(report: &Report) -> Option<String> {
    let slots = report.slots?;
    let pages = match slots.huge_bytes {
        0 => "small pages (the machine grants no huge ones for shared memory)".to_owned(),
        huge if huge >= slots.bytes => "huge pages".to_owned(),
        huge => format!("{} of it in huge pages", bytes(huge as f64)),
    };
    let policy = match report.workload.policy? {
        Policy::Block => "a frame waits for one that is free",
        Policy::DropNewest => "a frame that finds none free is dropped",
        Policy::DropOldest => "the oldest that waits makes room for a new frame",
    };
    Some(format!(
        "{} for a frame each, {}, {pages}; {policy}",
        slots.count,
        bytes(slots.bytes as f64)
    ))
}

fn shipped(report: &Report) -> String {
    let totals = &report.totals;
    let mut text = format!("{} a frame", bytes(totals.shipped_bytes_per_frame));
    if totals.overlap_bytes_per_frame > 0.0 {
        let again = bytes(totals.overlap_bytes_per_frame);
        text += &format!(", and {again} again for analyzers that look back");
    }
    text
}

fn pace(report: &Report) -> Option<String> {
    let totals = &report.totals;
    let late = totals.deadline_misses?;
    let keeps_up = match totals.keeps_up? {
        true if totals.frames_dropped > 0 => "keeps up by dropping frames".to_owned(),
        true => "keeps up".to_owned(),
        false => format!(
            "DOES NOT KEEP UP: {} frames/s behind, sustains {} frames/s; end_to_end grows with \
             the run's length",
            totals.backlog_frames_per_s.map_or(ABSENT.into(), digits),
            totals.max_sustained_fps.map_or(ABSENT.into(), digits),
        ),
    };
    Some(format!(
        "{keeps_up}; {late} of {} frames late",
        totals.frames
    ))
}

fn stages(report: &Report, style: Style) -> String {
    let mut header = vec![
        "stage", "frames", "mean", "p50", "p90", "p99", "p99.9", "max",
    ];
    if style.wide() {
        header.insert(2, "min");
    }
    let rows: Vec<Vec<String>> = report
        .stages
        .iter()
        .map(|(stage, summary)| {
            let known = |ns: Option<u64>| ns.map_or(ABSENT.into(), |ns| time(ns as f64));
            let mut row = vec![stage.name().to_owned(), summary.count.to_string()];
            if style.wide() {
                row.push(time(summary.min_ns as f64));
            }
            row.extend([
                time(summary.mean_ns),
                known(summary.p50_ns),
                known(summary.p90_ns),
                known(summary.p99_ns),
                known(summary.p999_ns),
                time(summary.max_ns as f64),
            ]);
            row
        })
        .collect();
    style.table(&header, &rows, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::tests::compare;
    use crate::report::samples;

    #[test]
    fn a_run_is_shown_beside_what_the_machine_can_do() {
        let text = summary(&samples::mmap(), Style::plain(120));
        for expected in [
            "mmap: 1500 frames of frames.npy, 3840x2160 rgb16, luma",
            "47 of 57 GB/s",
            "24 B a frame",
            "end_to_end",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing:\n{text}");
        }
    }

    #[test]
    fn a_limit_that_was_not_measured_is_said_to_be_none() {
        let mut report = samples::mmap();
        (report.limits.read_gb_per_s, report.limits.memcpy_gb_per_s) = (None, None);
        let text = summary(&report, Style::plain(200));
        for expected in [
            "frames/s, 46.7 GB/s\n",
            "8.40 µs; read and copy not measured: there is too little memory",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing:\n{text}");
        }
        let json = serde_json::to_string(&report).unwrap();
        assert!(json.contains(r#""read_gb_per_s":null"#), "{json}");
    }

    #[test]
    fn a_run_that_falls_behind_says_so_in_capitals() {
        let behind = samples::paced(samples::payload(), 30.0, false, Some(15.3));
        let text = summary(&behind, Style::plain(120));
        assert!(
            text.contains("DOES NOT KEEP UP: 14.7 frames/s behind"),
            "{text}"
        );
        let mut failing = samples::mmap();
        failing.totals.frames_failed = 2;
        failing.notes = vec!["Worker 1 died.".into()];
        let text = summary(&failing, Style::plain(120));
        assert!(text.contains("2 frames failed, 0 workers died"), "{text}");
        assert!(text.ends_with("\nWorker 1 died."), "{text}");
    }

    #[test]
    fn what_must_be_known_stands_above_every_figure_and_what_explains_them_below() {
        let mut report = samples::taking_turns(samples::mmap(), &[1.0; 6]);
        report.incomplete = Some("the pipe ends inside frame 7".into());
        report.passes[0].noise.stolen_s = Some(3.0);
        report.passes[0].noise.memory_stall_s = Some(3.0);
        report.notes = vec!["Worker 1 died.".into(), "Worker 2 died.".into()];
        let plain = summary(&report, Style::plain(120));
        let markdown = summary(&report, Style::markdown());
        for text in [&plain, &markdown] {
            let figures = text.find("throughput").unwrap();
            let before = |words: &str| text.find(words).is_some_and(|at| at < figures);
            assert!(before("! the run is incomplete: the pipe ends"), "{text}");
            assert!(before("! the hypervisor gave 25 %"), "{text}");
            assert!(before("! programs waited for memory"), "{text}");
            assert!(text.find("Worker 1 died.") > Some(figures), "{text}");
        }
        for item in ["**! the run", "! the hyper", "! programs", "Worker 2"] {
            assert!(markdown.contains(&format!("\n- {item}")), "{markdown}");
        }
    }

    #[test]
    fn what_a_frame_cost_is_shared_out_over_those_that_were_analysed() {
        let mut dropping = samples::mmap();
        dropping.totals.frames_analysed = 500;
        dropping.totals.frames_dropped = 1000;
        dropping.cpu.system_s = 0.0;
        let comparison = compare(vec![dropping]);
        let run = &comparison.runs[0];
        assert_eq!(run.cpu_per_frame(), Some(3.0 / 500.0));
        let text = comparison.show(Style::plain(200));
        let expected = format!(
            "a frame: {} user, 0 ns kernel, {} page faults",
            time(run.cpu_per_frame().unwrap() * 1e9),
            mean_count(run.faults_per_frame().unwrap())
        );
        assert!(text.contains(&expected), "{expected:?} is missing:\n{text}");

        let mut failed = samples::mmap();
        failed.totals.frames_analysed = 0;
        let text = compare(vec![failed]).show(Style::plain(200));
        assert!(
            text.contains("a frame: – user, – kernel, – page faults"),
            "{text}"
        );
    }
}
