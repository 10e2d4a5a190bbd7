//! What holds of any page.

use super::*;
use crate::report::compare::tests::compare;
use crate::report::{Merged, Part, Report, samples};

fn page(reports: Vec<Report>) -> String {
    compare(reports).page()
}

fn with_mode(mut report: Report, mode: &str) -> Report {
    report.workload.mode = mode.into();
    report
}

/// Runs that a page might stumble over.
fn awkward() -> Vec<(&'static str, Vec<Report>)> {
    let mut failed = samples::mmap();
    (failed.totals.frames_analysed, failed.totals.frames_failed) = (0, 1500);
    (failed.totals.fps, failed.totals.gb_per_s) = (0.0, 0.0);
    failed.stages.clear();
    let mut old = samples::mmap();
    old.timeline = Default::default();
    let mut outcome = samples::outcome();
    outcome.stages = crate::measure::StageHistograms::new();
    outcome.stages.record(Stage::EndToEnd, 1);
    outcome.stages.record(Stage::Service, 0);
    outcome.timeline = Default::default();
    outcome.timeline.at(0).analysed = 1;
    let one = samples::report(&outcome);
    let mut unmeasured = samples::payload();
    unmeasured.limits.read_gb_per_s = None;
    let mut endless = samples::mmap();
    (endless.totals.wall_s, endless.totals.fps) = (0.0, 0.0);
    let modes = COLOURED
        .iter()
        .map(|mode| with_mode(samples::payload(), mode));
    vec![
        ("a flat-out run", vec![samples::mmap()]),
        ("a run in this process", vec![samples::threads()]),
        ("a run that failed", vec![failed.clone()]),
        ("a run of one frame", vec![one]),
        ("a run without a time line", vec![old.clone()]),
        ("a run without limits", vec![unmeasured]),
        ("a run of no time", vec![endless]),
        (
            "a run that falls behind",
            vec![samples::paced(samples::payload(), 30.0, false, Some(15.3))],
        ),
        ("two runs", vec![samples::payload(), samples::mmap()]),
        (
            "two that differ",
            vec![old, samples::finding_otherwise(failed)],
        ),
        (
            "the same twice",
            vec![samples::mmap(), with_mode(samples::mmap(), "mmap")],
        ),
        ("all modes", modes.collect()),
    ]
}

#[test]
fn who_falls_behind_has_no_latency_at_the_top() {
    let tiles = |keeps_up, sustained| {
        let run = samples::paced(samples::payload(), 30.0, keeps_up, sustained);
        let page = compare(vec![run]).page();
        ["from due to found", "falls behind by"].map(|tile| page.contains(&format!("<dt>{tile}")))
    };
    assert_eq!(tiles(false, Some(15.3)), [false, true]);
    assert_eq!(tiles(true, None), [true, false]);
}

#[test]
fn a_page_has_its_sentence_and_no_figure_that_is_no_number() {
    for (what, reports) in awkward() {
        let comparison = compare(reports);
        let text = comparison.page();
        for nonsense in ["NaN", ">inf", "\"inf"] {
            assert!(!text.contains(nonsense), "{what}: {nonsense}");
        }
        assert_eq!(text.matches("<h1>").count(), 1, "{what}");
        if comparison.runs.len() > 1 {
            let verdict = html! { h1 { (comparison.verdict()) } };
            assert!(text.contains(&verdict.into_string()), "{what}");
        }
        assert!(text.len() < 2_000_000, "{what}: {}", text.len());
    }
}

#[test]
fn every_chart_is_named_and_described_and_ids_are_unique() {
    for (what, reports) in awkward() {
        let text = page(reports);
        let keys = text.matches("<svg class=\"key\"").count();
        let charts = text.matches("<svg").count() - keys;
        assert!(charts > 0, "{what}");
        let described = text.matches("role=\"img\" aria-label=\"").count();
        assert_eq!(charts, described, "{what}");
        assert_eq!(charts, text.matches("<desc>").count(), "{what}");
        assert!(!text.contains("<desc></desc>"), "{what}");
        let mut ids: Vec<&str> = text.split(" id=\"").skip(1).collect();
        let all = ids.len();
        ids.iter_mut()
            .for_each(|id| *id = id.split('"').next().unwrap());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{what}: {ids:?}");
        for figure in text.split("<figure").skip(1) {
            let figure = figure.split("</figure>").next().unwrap();
            assert_eq!(figure.matches("<figcaption").count(), 1, "{what}: {figure}");
        }
    }
}

/// Whatever the text of it says above its figures.
#[test]
fn a_page_says_what_its_figures_are_worth() {
    let walls = [1.0, 1.01, 0.99, 1.0, 1.02, 1.0];
    let mut noisy = samples::taking_turns(samples::mmap(), &walls);
    noisy.passes[0].noise.stolen_s = Some(3.0);
    noisy.incomplete = Some("the pipe ends inside frame 7".into());
    noisy.notes = vec!["Worker 1 died.".into()];
    let alone = page(vec![noisy.clone()]);
    for said in [
        "<li class=\"bad\">The run is incomplete: the pipe ends inside frame 7.</li>",
        "<li>The hypervisor gave 25 % of the processors' time to other machines: ",
        "<li>Worker 1 died.</li>",
    ] {
        assert!(alone.contains(said), "no {said:?}");
    }
    let quiet = samples::taking_turns(samples::threads(), &walls);
    let both = page(vec![quiet, noisy]);
    for said in [
        "<li class=\"bad\">mmap: the run is incomplete: the pipe ends inside frame 7.</li>",
        "<li>mmap: the hypervisor gave 25 % of the processors' time to other machines: ",
        "<li>mmap: Worker 1 died.</li>",
        "data-ratio=\"fps.value\">",
        "data-ratio=\"fps.low\">",
        "mmap: 6 passes each find a difference of ",
    ] {
        assert!(both.contains(said), "no {said:?}");
    }
}

#[test]
fn what_each_run_has_another_number_of_is_said_to_differ() {
    let mut alone = with_mode(samples::threads(), "sequential");
    (alone.workload.workers, alone.workload.batch) = (1, 4);
    let text = page(vec![alone.clone(), samples::mmap()]);
    assert!(
        text.contains("1 to 2 workers, 1 to 4 frames a job"),
        "{text}"
    );
    assert!(!page(vec![alone]).contains(" to 2 workers"));
}

#[test]
fn findings_are_promised_again_only_where_no_chance_is_in_them() {
    type Edit = fn(&mut Report);
    let cases: [(Edit, bool); 5] = [
        (|_| (), true),
        (|r| r.workload.live = true, false),
        (|r| r.totals.frames_dropped = 1, false),
        (|r| r.totals.frames_failed = 1, false),
        (|r| r.incomplete = Some("it was stopped".into()), false),
    ];
    for (number, (edit, is_promised)) in cases.into_iter().enumerate() {
        let mut report = samples::mmap();
        edit(&mut report);
        for reports in [vec![report.clone()], vec![samples::threads(), report]] {
            let said = page(reports).contains("The findings are the same on any machine");
            assert_eq!(said, is_promised, "{number}");
        }
    }
}

#[test]
fn where_the_gaps_come_from_is_on_a_page_if_that_was_asked_for() {
    let explained = samples::explained();
    let text = explained.page();
    let sentence = &explained.explain().unwrap()[0].sentence;
    assert!(text.contains(&format!("<p>{sentence}</p>")), "{sentence}");
    let text = page(vec![samples::payload(), samples::mmap()]);
    assert!(!text.contains("Where the gaps come from"));
}

#[test]
fn a_merged_run_is_made_again_by_its_runs_and_a_merge() {
    let ran = |out: &str| {
        let mut part = samples::mmap();
        part.command = ["framehaul", "run", "set", "--out", out]
            .map(String::from)
            .into();
        part
    };
    let parts = ["here", "there", "here"].map(ran);
    let mut merged = samples::mmap();
    merged.command = ["framehaul", "merge", "here", "there"]
        .map(String::from)
        .into();
    merged.merged = Some(Merged {
        elapsed_s: 9.0,
        parts: parts.iter().flat_map(Part::of).collect(),
    });
    let text = page(vec![merged]);
    let commands: Vec<&str> = text
        .split("<pre class=\"command\"><code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    assert_eq!(
        commands,
        [
            "framehaul run set --out here",
            "framehaul run set --out there",
            "framehaul merge here there"
        ]
    );
}

#[test]
fn whatever_comes_from_outside_is_shown_as_it_is() {
    let evil = "</title><script>alert('x')</script>\"&<img src=x onerror=alert(1)>.npy";
    let mut report = samples::mmap();
    report.workload.input = evil.into();
    report.workload.analyzers = vec![evil.into()];
    report.workload.mode = evil.into();
    report.command = vec!["framehaul".into(), "run".into(), evil.into()];
    report.notes = vec![evil.into()];
    report.machine.cpu = evil.into();
    report.machine.os = evil.into();
    report.tool = evil.into();
    report.findings_digest = evil.into();
    let other = with_mode(report.clone(), "mmap");
    for reports in [vec![report.clone()], vec![report, other]] {
        let text = page(reports);
        assert_eq!(text.matches("<script").count(), 1, "its own");
        assert!(!text.contains("<img"), "{text}");
        assert!(text.contains("&lt;script&gt;alert"));
    }
}

#[test]
fn a_mode_has_its_colour_whoever_is_beside_it() {
    let colours = |modes: &[&str]| {
        let reports = modes.iter().map(|mode| with_mode(samples::mmap(), mode));
        let comparison = compare(reports.collect());
        View::of(&comparison.runs).colours
    };
    assert_eq!(colours(&["mmap"]), [3]);
    assert_eq!(colours(&["payload", "mmap"]), [0, 3]);
    assert_eq!(colours(&["mmap", "mmap", "payload", "mmap"]), [3, 9, 0, 8]);
    assert_eq!(colours(&["a"; 12]).len(), 12);
}

#[test]
fn a_page_does_not_grow_with_the_frames() {
    let mut outcome = samples::outcome();
    let few = page(vec![samples::report(&outcome)]).len();
    for i in 0..200_000u64 {
        let ns = 1_000_000 + i * i % 7_000_000;
        for stage in Stage::ALL {
            outcome.stages.record(stage, ns);
        }
        let interval = outcome.timeline.at(1_600_000_000 + i * 1_000_000);
        interval.analysed += 1;
        interval.end_to_end.record(ns);
    }
    let many = page(vec![samples::report(&outcome)]).len();
    assert!(many < 3 * few && many < 600_000, "{few}, then {many}");
}

#[test]
fn a_time_is_the_same_wherever_one_reads_it() {
    assert_eq!(when(1_795_301_573.4), "2026-11-21 22:52 UTC");
    assert_eq!(when(f64::MAX), "–");
}
