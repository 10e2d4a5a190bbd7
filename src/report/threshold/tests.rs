//! What thresholds mean, by example.

use super::*;
use crate::report::samples::{self, finding_otherwise, mmap, paced, payload};
use crate::report::{Comparison, Report, Style};
use crate::stage::Stage;

fn compare(reports: Vec<Report>) -> Comparison {
    let named = reports.into_iter();
    let named = named.map(|report| (report.workload.mode.clone(), report));
    Comparison::new(named.collect()).unwrap()
}

#[track_caller]
fn judged(text: &str, reports: Vec<Report>) -> Vec<Judgement> {
    judge(&[Threshold::parse(text).unwrap()], &compare(reports))
}

/// Whether one run fails, and the sentence about it.
#[track_caller]
fn alone(text: &str, report: Report) -> (bool, String) {
    let mut all = judged(text, vec![report]);
    assert_eq!(all.len(), 1);
    let one = all.remove(0);
    (one.failed, one.sentence)
}

#[test]
fn thresholds_have_one_spelling_whatever_was_typed() {
    for (typed, text) in [
        ("end_to_end.p99 > 33ms", "end_to_end.p99 > 33 ms"),
        (
            "stages.end_to_end.p99_ns>0.033s",
            "end_to_end.p99 > 0.033 s",
        ),
        ("totals.fps<29.97", "fps < 29.97"),
        (
            " memory.peak_anon_bytes >= 1.5 GiB ",
            "memory.peak_anon_bytes >= 1.5 GiB",
        ),
        ("service.max>120us", "service.max > 120 us"),
        ("service.max>120\u{b5}s", "service.max > 120 \u{b5}s"),
        ("frames_dropped != 0", "frames_dropped != 0"),
        ("keeps_up == false", "keeps_up == false"),
        ("ratio.fps < 97%", "ratio.fps < 97 %"),
        ("ratio.end_to_end.p50 > 1.03", "ratio.end_to_end.p50 > 1.03"),
        ("workload.cache_resident < 1", "workload.cache_resident < 1"),
        (
            "overlap_bytes_per_frame > 0",
            "overlap_bytes_per_frame > 0 B",
        ),
        ("compute.count < 1e3", "compute.count < 1000"),
    ] {
        let threshold = Threshold::parse(typed).unwrap_or_else(|why| panic!("{typed}: {why}"));
        assert_eq!(threshold.to_string(), text);
        assert_eq!(Threshold::parse(text), Ok(threshold));
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    for (typed, words) in [
        ("", &["expected a figure"][..]),
        ("fps", &["expected a figure"]),
        ("fps = 3", &["write =="]),
        ("fps <", &["compared with nothing"]),
        ("fps < fast", &["compared with a number", "`fast`"]),
        ("fps < nan", &["compared with a number"]),
        ("fps < inf", &["compared with a number"]),
        ("fps < 30 ms", &["a number without a unit", "`ms`"]),
        (
            "fsp < 30",
            &[
                "no figure is called `fsp`",
                "did you mean fps?",
                "there are wall_s",
            ],
        ),
        (
            "end_to_end.p98 > 1ms",
            &["did you mean end_to_end.p9", "p50, p90, p99, p999"],
        ),
        ("end_to_end > 1ms", &["no figure", "STAGE.FIGURE"]),
        ("end_to_end.p99 > 33", &["needs a unit: ns, us"]),
        ("end_to_end.p99 > 33 MB", &["is in ns, us", "not in `MB`"]),
        ("memory.peak_anon_bytes > 3", &["needs a unit: B, kB"]),
        ("memory.peak_anon_bytes > 3 KB", &["KiB", "not in `KB`"]),
        ("keeps_up < true", &["by == or !="]),
        ("keeps_up == no", &["true or false"]),
        ("ratio.keeps_up < 1", &["no ratio"]),
        ("ratio.fps < 2 ms", &["ratio.fps is in %, not in `ms`"]),
        ("ratio.nothing < 2", &["no figure is called `nothing`"]),
    ] {
        let said = Threshold::parse(typed).unwrap_err();
        for word in words {
            assert!(said.contains(word), "{typed}: {said}");
        }
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn a_run_fails_if_the_threshold_is_true() {
    let (failed, said) = alone("frames_dropped > 0", mmap());
    assert_eq!(
        (failed, &said[..]),
        (false, "frames_dropped is 0 (fails if > 0)")
    );
    let (failed, said) = alone("fps < 1000", mmap());
    assert_eq!(
        (failed, &said[..]),
        (true, "fps is 937.5 (fails if < 1000)")
    );
    let (failed, said) = alone("wall_s >= 1600ms", mmap());
    assert_eq!(
        (failed, &said[..]),
        (true, "wall_s is 1600 ms (fails if >= 1600 ms)")
    );
    let slow = paced(payload(), 30.0, false, Some(15.3));
    let (failed, said) = alone("keeps_up == false", slow);
    assert_eq!(
        (failed, &said[..]),
        (true, "keeps_up is false (fails if == false)")
    );
}

#[test]
fn a_figure_is_shown_in_the_limits_unit_and_on_its_side_of_it() {
    let mut report = mmap();
    report.totals.wall_s = 1.600_000_01;
    let (failed, said) = alone("wall_s > 1.6s", report);
    assert!(failed);
    assert!(said.starts_with("wall_s is 1.6000000"), "{said}");
    // Of five digits 29.9702 would be below a limit that it is above.
    let mut report = mmap();
    report.totals.fps = 29.9702;
    let (failed, said) = alone("fps < 29.97002997", report);
    assert_eq!(
        (failed, &said[..]),
        (false, "fps is 29.9702 (fails if < 29.97002997)")
    );
    let (_, said) = alone("memory.peak_anon_bytes > 20 MB", mmap());
    assert!(
        said.starts_with("memory.peak_anon_bytes is 21 MB"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_known_is_no_success() {
    let slow = paced(payload(), 30.0, false, Some(15.3));
    for (threshold, report, why) in [
        (
            "compute.p999 > 1s",
            mmap(),
            "1500 frames are too few for it, it takes 10000",
        ),
        ("end_to_end.p99 > 100s", slow.clone(), "does not keep up"),
        ("queue.mean > 100s", slow.clone(), "does not keep up"),
        ("deadline_misses > 5", mmap(), "the run has no pace"),
        (
            "deserialize.max > 1s",
            crate::report::samples::threads(),
            "no stage deserialize",
        ),
        ("ratio.fps < 0.5", mmap(), "the only run"),
    ] {
        let (failed, said) = alone(threshold, report);
        assert!(failed && said.contains("is not known: "), "{said}");
        assert!(said.contains(why), "{said}");
    }
    // How long a frame is worked at does not depend on the backlog.
    assert!(!alone("compute.p99 > 100s", slow).0);
}

#[test]
fn a_ratio_is_that_of_each_run_to_the_first() {
    let all = judged("ratio.fps < 50", vec![payload(), mmap(), payload()]);
    let runs: Vec<_> = all.iter().map(|one| (&one.run[..], one.failed)).collect();
    assert_eq!(runs, [("mmap", false), ("payload", true)]);
    assert_eq!(all[1].value, Some(1.0));
    let sentence = "ratio.fps is 1 (of all passes together; fails if < 50)";
    assert_eq!(all[1].sentence, sentence);
    let all = judged("ratio.overlap_bytes_per_frame > 2", vec![payload(), mmap()]);
    assert!(all[0].failed && all[0].sentence.contains("that of payload is 0"));

    let mut other = mmap();
    other.workload.frames = 0..10;
    let all = judged("ratio.fps < 0.5", vec![payload(), other]);
    assert!(all[0].failed && all[0].sentence.contains("the runs differ in frames"));
    let all = judged("fps < 1", vec![payload(), finding_otherwise(mmap())]);
    assert!(all.iter().all(|one| !one.failed), "each by itself");
}

#[test]
fn the_ratio_that_is_judged_is_the_one_that_is_shown() {
    // One round in which the run alone was slow.
    let (walls, slowed) = ([10.0; 6], [5.0, 5.0, 50.0, 5.0, 5.0, 5.0]);
    for passes in [5, 6] {
        let base = samples::taking_turns(payload(), &walls[..passes]);
        let run = samples::taking_turns(mmap(), &slowed[..passes]);
        let runs = compare(vec![base, run]);
        let ratios = &runs.data().ratios[0];
        let judged = |text: &str| judge(&[Threshold::parse(text).unwrap()], &runs).remove(0);
        let fps = judged("ratio.fps < 1.5");
        // Six passes know the usual one; five have their sum alone.
        assert_eq!(fps.failed, passes == 5, "{fps:?}");
        let Some(shown) = ratios.fps else {
            assert_eq!(passes, 5);
            assert!(
                fps.sentence.contains("(of all passes together; fails"),
                "{fps:?}"
            );
            continue;
        };
        assert_eq!((passes, fps.value), (6, Some(shown.value)));
        assert!(fps.sentence.contains("(95 %: "), "{fps:?}");
        // In terms of the limit, all three of them.
        let said = judged("ratio.fps < 150%").sentence;
        assert_eq!(said.matches(" %").count(), 5, "{said}");
        assert_eq!(judged("ratio.gb_per_s < 1.5").value, fps.value);
        let service = &ratios.stages[&Stage::Service];
        let [p50, max] = [service.p50, service.max].map(|of| of.unwrap().value);
        assert_eq!(judged("ratio.service.p50 > 9").value, Some(p50));
        assert_eq!(judged("ratio.service.max > 9").value, Some(max));
        assert!(p50 < 0.6, "{service:?}");
    }
}

#[test]
fn each_is_a_line_with_a_tick_or_a_cross() {
    let all = judged("fps < 100", vec![payload(), mmap()]);
    assert_eq!(
        judgements(&all, Style::plain(80)),
        "✗ payload  fps is 15.306 (fails if < 100)\n✓ mmap     fps is 937.5 (fails if < 100)"
    );
    let coloured = judgements(
        &all,
        Style {
            bold: true,
            ..Style::plain(80)
        },
    );
    assert!(coloured.contains("\x1b[31m✗\x1b[0m payload"), "{coloured}");
    let long = judged("compute.p999 > 1s", vec![mmap()]);
    for width in [40, 60, 80] {
        let text = judgements(&long, Style::plain(width));
        assert!(
            text.lines().all(|line| line.chars().count() <= width),
            "{text}"
        );
    }
}
