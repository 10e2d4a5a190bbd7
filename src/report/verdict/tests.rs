//! Made-up runs, and the sentence that each deserves.

use super::*;
use crate::report::Report;
use crate::report::samples::{
    finding_otherwise, mmap, paced, payload, taking_turns, threads, with_passes,
};

fn verdict(reports: &[Report]) -> String {
    let named = reports
        .iter()
        .map(|report| (report.workload.mode.clone(), report.clone()));
    of(&Comparison::new(named.collect()).unwrap())
}

fn failing(mut report: Report) -> Report {
    report.totals.frames_failed = 1;
    finding_otherwise(report)
}

fn dropping(mut report: Report, frames: u64) -> Report {
    report.totals.frames_dropped = frames;
    finding_otherwise(report)
}

fn cut_short(mut report: Report) -> Report {
    report.incomplete = Some("the pipe ends inside frame 7".into());
    report
}

fn named(mut report: Report, mode: &str) -> Report {
    report.workload.mode = mode.into();
    report
}

fn elsewhere(mut report: Report) -> Report {
    report.workload.input = "other.npy".into();
    report.workload.workers = 8;
    report
}

/// The specification: runs, and the sentence.
#[test]
fn the_sentence_says_what_the_data_do() {
    let cases: Vec<(Vec<Report>, &str)> = vec![
        (
            vec![payload(), mmap()],
            "mmap is faster than payload, 938 frames a second against 15.3 on the same frames: shipping \
             49.8 MB a frame costs 132 ms of 136 ms, shipping a reference costs 94.6 µs.",
        ),
        (
            vec![mmap(), payload()],
            "payload is slower than mmap, 15.3 frames a second against 938 on the same frames: shipping \
             49.8 MB a frame costs 132 ms of 136 ms, shipping a reference costs 94.6 µs.",
        ),
        (
            vec![payload(), threads()],
            "threads is faster than payload, 955 frames a second against 15.3 on the same frames: \
             shipping 49.8 MB a frame costs 132 ms of 136 ms, and within one process nothing is \
             shipped.",
        ),
        (
            vec![mmap(), threads()],
            "There is no clear difference between threads and mmap: 955 and 938 frames a second on the \
             same frames.",
        ),
        (
            vec![payload(), mmap(), threads()],
            "threads and mmap are the fastest of these 3 runs, with no clear \
             difference between them: 955 and 938 frames a second against 15.3 of payload, the baseline, \
             on the same frames: shipping 49.8 MB a frame costs 132 ms of 136 ms, and \
             within one process nothing is shipped.",
        ),
        (
            vec![mmap(), payload(), named(payload(), "path")],
            "mmap is the fastest of these 3 runs: 938 frames a second against 15.3 of path, the \
             slowest, on the same frames: shipping 49.8 MB a frame costs 132 ms of \
             136 ms, shipping a reference costs 94.6 µs.",
        ),
        (
            vec![payload(), elsewhere(mmap())],
            "These runs differ in input and workers: their ratios are not comparable.",
        ),
        (
            vec![payload(), finding_otherwise(mmap())],
            "The findings differ (one of them is wrong): which run is faster says \
             nothing until that is settled.",
        ),
        (
            vec![payload(), failing(mmap())],
            "The findings differ (mmap failed on 1 frame): which run is faster says \
             nothing until that is settled.",
        ),
        (
            vec![payload(), dropping(named(mmap(), "shm"), 9)],
            "The findings differ (shm dropped 9 frames): which run is faster says \
             nothing until that is settled.",
        ),
        (
            vec![cut_short(payload()), dropping(failing(mmap()), 1)],
            "The findings differ (payload is incomplete, mmap failed on 1 frame and \
             mmap dropped 1 frame): which run is faster says nothing until that is \
             settled.",
        ),
        (
            vec![
                with_passes(mmap(), &[1.0, 1.0, 1.4]),
                with_passes(threads(), &[1.0, 1.3, 1.5]),
            ],
            "There is no clear difference between mmap and threads: 1324 and 1184 frames a second on the \
             same frames, and their passes overlap.",
        ),
        (
            vec![
                paced(payload(), 30.0, false, Some(15.3)),
                paced(mmap(), 30.0, true, None),
            ],
            "At 30 frames a second mmap keeps up and payload does not: it sustains at \
             most 15.3 and falls behind by 14.7 frames every second.",
        ),
        (
            vec![
                paced(payload(), 30.0, true, None),
                paced(mmap(), 30.0, true, None),
            ],
            "Both keep up with 30 frames a second: from its due time a finding takes \
             137 ms in payload and 2.04 ms in mmap, with 1.94 and 1.94 cores busy.",
        ),
        (
            vec![
                paced(payload(), 2000.0, false, Some(15.3)),
                paced(mmap(), 2000.0, false, Some(938.0)),
            ],
            "Neither keeps up with 2000 frames a second: payload sustains at most \
             15.3 and mmap at most 938.",
        ),
        (
            vec![
                paced(payload(), 30.0, false, Some(15.3)),
                paced(named(payload(), "payload-raw"), 30.0, false, Some(29.0)),
                paced(mmap(), 30.0, true, None),
            ],
            "At 30 frames a second mmap keeps up and payload and payload-raw do not: \
             payload sustains at most 15.3 and payload-raw at most 29.0.",
        ),
        (
            vec![mmap()],
            "There is one run, and nothing to compare it with.",
        ),
    ];
    for (reports, sentence) in cases {
        assert_eq!(verdict(&reports), sentence);
    }
}

#[test]
fn by_how_much_is_said_where_it_is_known_with_where_it_lies() {
    let [slow, fast] = [
        taking_turns(payload(), &[98.0; 6]),
        taking_turns(mmap(), &[1.6; 6]),
    ];
    let said = verdict(&[slow.clone(), fast.clone()]);
    let expected =
        "mmap is 61 times as fast as payload (95 %: 61 to 61) on the same frames: shipping 49.8 MB";
    assert!(said.starts_with(expected), "{said}");
    let said = verdict(&[fast.clone(), slow.clone()]);
    let expected = "payload takes 61 times as long as mmap (95 %: 61 to 61) on the same frames: ";
    assert!(said.starts_with(expected), "{said}");
    let slower = taking_turns(named(mmap(), "path"), &[3.2; 6]);
    let said = verdict(&[slow, slower, fast.clone()]);
    let expected = "mmap is the fastest of these 3 runs: 61 times as fast as payload, the baseline (95 %: 61 to \
                    61), on the same frames: ";
    assert!(said.starts_with(expected), "{said}");
    let said = verdict(&[taking_turns(threads(), &[1.62; 6]), fast]);
    let expected = "There is no clear difference between mmap and threads: they are 1 % apart on the same \
                    frames, and the 95 % interval of their ratio is 1.01 to 1.01.";
    assert_eq!(said, expected);
}

/// One pass in 25 that stands out makes the usually faster run slower on the whole.
#[test]
fn who_is_faster_is_a_question_of_usual_passes() {
    let mut stumbling = [0.95; 25];
    stumbling[7] = 3.0;
    let steady = taking_turns(mmap(), &[1.0; 25]);
    let stumbling = taking_turns(threads(), &stumbling);
    assert!(steady.totals.fps > stumbling.totals.fps);
    let expected = "threads is 1.05 times as fast as mmap (95 %: 1.05 to 1.05)";
    let said = verdict(&[steady.clone(), stumbling.clone()]);
    assert!(said.starts_with(expected), "{said}");
    let said = verdict(&[stumbling, steady]);
    let expected = "mmap takes 1.05 times as long as threads";
    assert!(said.starts_with(expected), "{said}");
}

/// The one in the middle is always a little slower than the fastest; the slowest is so mostly.
#[test]
fn who_spreads_is_no_leader_behind_one_that_is_clearly_slower() {
    let spread = [1.3, 0.8, 1.4, 0.8, 1.3, 0.8, 1.4, 1.2];
    let said = verdict(&[
        taking_turns(mmap(), &[1.0; 8]),
        taking_turns(threads(), &[1.04; 8]),
        taking_turns(named(mmap(), "path"), &spread),
    ]);
    assert!(
        said.starts_with("mmap is the fastest of these 3 runs: "),
        "{said}"
    );
}

#[test]
fn a_ratio_is_that_of_the_fastest_alone() {
    let said = verdict(&[
        taking_turns(payload(), &[50.0; 8]),
        taking_turns(mmap(), &[1.0; 8]),
        taking_turns(threads(), &[1.004; 8]),
    ]);
    let expected = "mmap and threads are the fastest of these 3 runs, with no clear difference between \
                    them: mmap is 50 times as fast as payload, the baseline";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn a_run_without_a_frame_is_compared_with_nothing_wherever_it_stands() {
    let mut empty = mmap();
    empty.totals.fps = 0.0;
    empty.stages.clear();
    for reports in [
        vec![payload(), empty.clone()],
        vec![empty.clone(), payload()],
        vec![payload(), empty.clone(), threads()],
        vec![empty.clone(), empty],
    ] {
        let expected = "mmap analysed no frame: there is nothing to compare.";
        assert_eq!(verdict(&reports), expected);
    }
}
