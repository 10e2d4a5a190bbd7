//! What a single run means, in one sentence.

use crate::report::compare::Run;
use crate::report::table::of_limit;
use crate::report::units::{self, bytes, digits, plural, time};
use crate::stage::Stage;

/// The sentence for a run.
pub(super) fn of(run: &Run) -> String {
    let report = &run.report;
    let totals = &report.totals;
    let mode = &report.workload.mode;
    if totals.frames_analysed == 0 {
        let frames = plural(totals.frames, "frame");
        return format!("{mode} analysed none of {frames}{}.", lost(run));
    }
    match report.workload.fps {
        Some(fps) => paced(run, fps),
        None => flat_out(run),
    }
}

fn flat_out(run: &Run) -> String {
    let (totals, limits) = (&run.report.totals, &run.report.limits);
    let mode = &run.report.workload.mode;
    let fps = digits(totals.fps);
    let frames = "frames a second";
    if run.report.workload.live {
        let as_they_came = format!("{mode} analysed {fps} {frames} as they came");
        return match lost(run) {
            lost if lost.is_empty() => format!("{as_they_came}, and dropped none."),
            lost => format!("{as_they_came}{lost}."),
        };
    }
    let speed = match limits.read_gb_per_s {
        Some(_) => format!(
            "{} GB/s that this machine can read",
            of_limit(totals.gb_per_s, limits.read_gb_per_s)
        ),
        None => format!("{} a second", bytes(totals.gb_per_s * 1e9)),
    };
    format!("{mode} analysed {fps} {frames}, {speed}{}.", lost(run))
}

fn paced(run: &Run, fps: f64) -> String {
    let totals = &run.report.totals;
    let mode = &run.report.workload.mode;
    let pace = format!("{} frames a second", units::pace(fps));
    if totals.keeps_up == Some(false) {
        let sustains = match totals.max_sustained_fps {
            Some(fps) => format!("it sustains {}", digits(fps)),
            None => "it falls behind".into(),
        };
        let behind = match totals.backlog_frames_per_s {
            Some(growth) => format!(" and is {} further behind every second", digits(growth)),
            None => String::new(),
        };
        return format!(
            "{mode} does not keep up with {pace}: {sustains}{behind}{}.",
            lost(run)
        );
    }
    let latency = run.report.stages.get(&Stage::EndToEnd).map(|summary| {
        match (summary.p50_ns, summary.p99_ns) {
            (Some(half), Some(most)) => format!(
                ": half of all findings come within {} of their due time, 99 % within {}",
                time(half as f64),
                time(most as f64)
            ),
            (Some(half), None) => format!(
                ": half of all findings come within {} of their due time, all within {}",
                time(half as f64),
                time(summary.max_ns as f64)
            ),
            _ => format!(
                ": all findings come within {} of their due time",
                time(summary.max_ns as f64)
            ),
        }
    });
    let late = match totals.deadline_misses.unwrap_or(0) {
        0 => String::new(),
        late => format!("; {late} of {} were late", totals.frames),
    };
    let latency = latency.unwrap_or_default();
    let how = match totals.frames_dropped {
        0 => "",
        _ => " by dropping frames",
    };
    format!(
        "{mode} keeps up with {pace}{how}{latency}{late}{}.",
        lost(run)
    )
}

/// Frames without a finding, as the end of a sentence.
fn lost(run: &Run) -> String {
    let totals = &run.report.totals;
    let kinds = [
        (totals.frames_failed, "failed"),
        (totals.frames_dropped, "dropped"),
    ];
    let kinds = kinds.into_iter().filter(|(frames, _)| *frames > 0);
    let said = |(frames, what): (u64, &str)| format!("; {} of {} {what}", frames, totals.frames);
    kinds.map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::report::compare::tests::compare;
    use crate::report::samples::{mmap, paced, payload};

    fn headline(report: Report) -> String {
        of(&compare(vec![report]).runs[0])
    }

    /// The specification: a run, and the sentence.
    #[test]
    fn the_sentence_says_what_came_of_a_run() {
        let none = |mut report: Report| {
            report.totals.frames_analysed = 0;
            report.totals.frames_failed = 1500;
            report.stages.clear();
            report
        };
        let unlimited = |mut report: Report| {
            report.limits.read_gb_per_s = None;
            report
        };
        let dropping = |mut report: Report| {
            report.totals.frames_dropped = 9;
            report
        };
        let live = |mut report: Report, dropped: u64| {
            report.workload.live = true;
            report.totals.frames_dropped = dropped;
            report
        };
        let late = |mut report: Report| {
            report.totals.deadline_misses = Some(3);
            report.totals.frames_failed = 2;
            report
        };
        let cases = [
            (
                mmap(),
                "mmap analysed 938 frames a second, 47 of 57 GB/s that this machine can read.",
            ),
            (
                unlimited(mmap()),
                "mmap analysed 938 frames a second, 46.7 GB a second.",
            ),
            (
                none(mmap()),
                "mmap analysed none of 1500 frames; 1500 of 1500 failed.",
            ),
            (
                live(mmap(), 0),
                "mmap analysed 938 frames a second as they came, and dropped none.",
            ),
            (
                live(mmap(), 9),
                "mmap analysed 938 frames a second as they came; 9 of 1500 dropped.",
            ),
            (
                late(paced(mmap(), 30.0, true, None)),
                "mmap keeps up with 30 frames a second: half of all findings come within 2.04 ms of \
                 their due time, 99 % within 2.70 ms; 3 of 1500 were late; 2 of 1500 failed.",
            ),
            (
                dropping(paced(mmap(), 30.0, true, None)),
                "mmap keeps up with 30 frames a second by dropping frames: half of all findings come within \
                 2.04 ms of their due time, 99 % within 2.70 ms; 9 of 1500 dropped.",
            ),
            (
                paced(payload(), 30.0, false, Some(15.3)),
                "payload does not keep up with 30 frames a second: it sustains 15.3 and is 14.7 \
                 further behind every second.",
            ),
            (
                paced(payload(), 29.97, false, Some(15.3)),
                "payload does not keep up with 29.97 frames a second: it sustains 15.3 and is 14.7 \
                 further behind every second.",
            ),
        ];
        for (report, sentence) in cases {
            assert_eq!(headline(report), sentence);
        }
    }
}
