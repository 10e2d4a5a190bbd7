//! Merging runs that never ran: what comes out is the run that they are pieces of.

use super::*;
use crate::measure::{MemoryPeak, Noise, StageHistograms};
use crate::pipeline::{Cache, Dropped, Outcome, PassFigures, Side};
use crate::report::samples;
use crate::source::SetSize;
use crate::source::npy_header::{DATA_OFFSET, Header};
use crate::stage::Stage;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use tempfile::TempDir;

/// The line of a frame: every seventh was dropped.
fn line(frame: u64) -> String {
    if frame % 7 == 3 {
        return format!("{{\"frame\":{frame},\"dropped\":\"no slot was free\"}}\n");
    }
    format!(
        "{{\"frame\":{frame},\"luma\":{{\"mean\":{}.5}},\"thumbnail\":{{\"sha256\":\"{}\"}}}}\n",
        frame * frame,
        hexadecimal(&thumbnail(frame))
    )
}

/// The thumbnail of a frame: of one that was dropped, nothing.
fn thumbnail(frame: u64) -> [u8; 3] {
    match frame % 7 {
        3 => [0; 3],
        _ => [frame as u8 | 1; 3],
    }
}

/// The file of the thumbnails of these frames.
fn thumbnails(frames: Range<u64>) -> Vec<u8> {
    let header = Header::new("|u1", &[frames.end - frames.start, 1, 3, 1]);
    let pixels = frames.flat_map(thumbnail);
    header.to_bytes().into_iter().chain(pixels).collect()
}

/// Nanoseconds that a frame took, of any size.
fn took(frame: u64) -> u64 {
    frame.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (24 + frame % 37)
}

fn outcome(frames: Range<u64>) -> Outcome {
    let mut outcome = samples::outcome();
    let mut stages = StageHistograms::new();
    let (mut dropped, mut text) = (0, String::new());
    for frame in frames.clone() {
        text += &line(frame);
        if frame % 7 == 3 {
            dropped += 1;
            continue;
        }
        stages.record(Stage::Compute, took(frame));
        stages.record(Stage::Service, took(frame) + 7);
    }
    let count = frames.end - frames.start;
    outcome.workload.frames = frames;
    outcome.totals.frames_produced = count;
    outcome.totals.frames_analysed = count - dropped;
    if dropped > 0 {
        outcome
            .totals
            .frames_dropped
            .insert(Dropped::NoSlot, dropped);
    }
    outcome.totals.pass_wall_ns = vec![count * 1_000_000];
    (outcome.usage.user_s, outcome.usage.system_s) = (count as f64, 0.0);
    outcome.findings_digest = hexadecimal(text.as_bytes());
    outcome.stages = stages;
    outcome
}

fn hexadecimal(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs in a folder, each named by the frame that it begins with.
struct Runs(TempDir);

impl Runs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a run of these frames.
    fn run(&self, frames: Range<u64>) -> PathBuf {
        self.run_with(frames, |_| {})
    }

    /// The same, changed in what it was asked for or what came of it.
    fn run_with(&self, frames: Range<u64>, edit: impl FnOnce(&mut Outcome)) -> PathBuf {
        let path = self.path(&frames.start.to_string());
        let mut outcome = outcome(frames.clone());
        edit(&mut outcome);
        let directory = RunDir::create(&path).unwrap();
        let text: String = frames.map(line).collect();
        fs::write(directory.path().join("findings.jsonl"), text).unwrap();
        let report = samples::report(&outcome);
        directory.finish(&report, &outcome).unwrap();
        path
    }

    fn merge(&self, runs: &[PathBuf], out: &str) -> Result<Report> {
        Merge::new(runs.iter().cloned()).write_to(self.path(out))
    }

    /// What is said of runs that cannot be merged; nothing is written.
    #[track_caller]
    fn refused(&self, runs: &[PathBuf]) -> String {
        let said = self.merge(runs, "out").unwrap_err().to_string();
        assert!(!self.path("out").exists() && !self.path("out.partial").exists());
        assert_eq!(said.lines().count(), 1, "{said}");
        said.replace(&format!("{}/", self.0.path().display()), "")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pieces_in_any_order_become_the_run_that_they_are_pieces_of(
        first in 0_u64..50,
        lengths in prop::collection::vec(1_u64..40, 1..7),
        turn in 0_usize..7,
    ) {
        let runs = Runs::new();
        let mut at = first;
        let mut pieces = Vec::new();
        for length in lengths {
            pieces.push(runs.run(at..at + length));
            at += length;
        }
        let turn = turn % pieces.len();
        pieces.rotate_left(turn);
        let merged = runs.merge(&pieces, "out").unwrap();
        prop_assert_eq!(&Report::read(runs.path("out")).unwrap(), &merged);

        let single = samples::report(&outcome(first..at));
        let text: String = (first..at).map(line).collect();
        prop_assert_eq!(fs::read_to_string(runs.path("out/findings.jsonl")).unwrap(), text);
        prop_assert_eq!(&merged.findings_digest, &single.findings_digest);
        prop_assert_eq!(&merged.workload, &single.workload);
        prop_assert_eq!(merged.stages.len(), single.stages.len());
        for (stage, of_single) in &single.stages {
            let summary = &merged.stages[stage];
            prop_assert_eq!(summary.decode().unwrap(), of_single.decode().unwrap());
            let histogram = of_single.histogram.clone();
            let same = crate::report::StageSummary { histogram, ..summary.clone() };
            prop_assert_eq!(&same, of_single);
        }
        let (totals, expected) = (&merged.totals, &single.totals);
        prop_assert_eq!(totals.frames, expected.frames);
        prop_assert_eq!(totals.frames_analysed, expected.frames_analysed);
        prop_assert_eq!(&totals.dropped, &expected.dropped);
        prop_assert!((totals.wall_s - expected.wall_s).abs() < 1e-9);
        prop_assert!((totals.fps - expected.fps).abs() <= 1e-6 * expected.fps);
        prop_assert!((merged.cpu.cores_busy - single.cpu.cores_busy).abs() < 1e-6);
        prop_assert_eq!(merged.merged.unwrap().parts.len(), pieces.len());
    }
}

#[test]
fn what_was_merged_can_be_merged_again() {
    let runs = Runs::new();
    let pieces = [0..5, 5..9, 9..20].map(|frames| runs.run(frames));
    let at_once = runs.merge(&pieces, "at-once").unwrap();
    runs.merge(&pieces[1..], "later").unwrap();
    let stepwise = runs.merge(&[runs.path("later"), pieces[0].clone()], "stepwise");
    let stepwise = stepwise.unwrap();
    assert_eq!(stepwise.findings_digest, at_once.findings_digest);
    assert_eq!(stepwise.merged, at_once.merged);
    assert_eq!(stepwise.stages, at_once.stages);
    assert_eq!(stepwise.notes, at_once.notes);
}

#[test]
fn figures_are_those_of_one_run_after_the_other() {
    let runs = Runs::new();
    let one = runs.run_with(0..10, |outcome| {
        outcome.totals.pass_wall_ns = vec![1_000_000_000];
        outcome.limits.read_gb_per_s = Some(10.0);
        outcome.memory.anon_bytes = 5;
        outcome.totals.workers_died = 1;
        outcome.notes = vec!["worker 7 was lost".into()];
        outcome.incomplete = Some("it was stopped after 10 of 40 frames".into());
    });
    let other = runs.run_with(10..40, |outcome| {
        outcome.totals.pass_wall_ns = vec![3_000_000_000];
        outcome.limits.read_gb_per_s = Some(20.0);
        outcome.memory.anon_bytes = 9;
        outcome.workload.workers = 8;
    });
    let report = runs.merge(&[other, one], "out").unwrap();
    assert_eq!(report.totals.wall_s, 4.0);
    assert_eq!(
        report.totals.fps,
        report.totals.frames_analysed as f64 / 4.0
    );
    assert_eq!(
        report.limits.read_gb_per_s,
        Some(17.5),
        "by the time of each"
    );
    assert_eq!(report.memory.peak_anon_bytes, 9);
    assert_eq!(report.totals.workers_died, 1);
    assert_eq!(report.workload.workers, 8);
    assert_eq!(report.incomplete, None, "the rest is there");
    let notes = report.notes.join("\n");
    assert!(notes.contains("merged from 2 runs"), "{notes}");
    assert!(notes.contains("differ in workers: 2 and 8"), "{notes}");
    assert!(notes.contains("frames 0..10: worker 7 was lost"), "{notes}");
}

#[test]
fn what_speaks_against_a_piece_is_said_of_the_whole() {
    let runs = Runs::new();
    let disturbed = runs.run_with(0..5, |outcome| {
        outcome.notes = vec!["worker 7 was lost".into()];
        outcome.passes = vec![PassFigures {
            frames_analysed: 4,
            parent: Side::default(),
            workers: Side::default(),
            memory: MemoryPeak::default(),
            cache_resident: 1.0,
            noise: Noise {
                // Of the 5 ms that each of two processors had.
                stolen_s: Some(0.002),
                ..samples::quiet()
            },
            stages: Default::default(),
        }];
    });
    let pieces = [disturbed, runs.run(5..9), runs.run(9..12)];
    let of_piece = [
        "frames 0..5: worker 7 was lost",
        "frames 0..5: the hypervisor gave 20 % of the processors' time to other machines: measure \
         at a quieter time, or with more --repeat",
    ];
    let at_once = runs.merge(&pieces, "at-once").unwrap();
    assert_eq!(at_once.notes[1..], of_piece);
    runs.merge(&pieces[..2], "first").unwrap();
    let stepwise = runs.merge(&[runs.path("first"), pieces[2].clone()], "stepwise");
    assert_eq!(stepwise.unwrap().notes[1..], of_piece);
}

#[test]
fn a_pace_that_one_did_not_keep_was_not_kept() {
    let runs = Runs::new();
    let paced = |frames: Range<u64>, wall_s: u64, sustained: Option<f64>| {
        runs.run_with(frames, |outcome| {
            outcome.workload.fps = Some(30.0);
            outcome.totals.pass_wall_ns = vec![wall_s * 1_000_000_000];
            outcome.totals.keeps_up = Some(sustained.is_none());
            outcome.totals.deadline_misses = Some(if sustained.is_none() { 1 } else { 30 });
            outcome.totals.backlog_frames_per_s =
                Some(if sustained.is_none() { 0.0 } else { 10.0 });
            outcome.totals.max_sustained_fps = sustained;
        })
    };
    let pieces = [
        paced(0..40, 1, None),
        paced(40..80, 3, Some(20.0)),
        paced(80..120, 1, Some(5.0)),
    ];
    let merged = |pieces: &[PathBuf], out| runs.merge(pieces, out).unwrap().totals;
    let totals = merged(&pieces[..2], "kept-and-behind");
    assert_eq!(totals.keeps_up, Some(false));
    assert_eq!(totals.deadline_misses, Some(31));
    assert_eq!(
        totals.backlog_frames_per_s,
        Some(7.5),
        "by the time of each"
    );
    assert_eq!(totals.max_sustained_fps, Some(20.0));
    // 40 frames in two seconds and 40 in eight.
    assert_eq!(merged(&pieces[1..], "behind").max_sustained_fps, Some(8.0));
}

#[test]
fn how_long_it_was_from_the_first_start_is_known_if_all_say_when_they_began() {
    let runs = Runs::new();
    let run = |frames, begun| runs.run_with(frames, |of| of.begun_unix_s = begun);
    let (early, late) = (run(0..5, Some(1e9)), run(5..9, Some(1e9 + 50.0)));
    let report = runs.merge(&[late, early.clone()], "out").unwrap();
    assert_eq!(report.begun_unix_s, Some(1e9));
    // They ended just now.
    let elapsed = report.merged.unwrap().elapsed_s;
    assert!((elapsed - (report.finished_unix_s - 1e9)).abs() < 1e-3);
    let report = runs.merge(&[early, run(5..9, None)], "out").unwrap();
    assert_eq!(report.begun_unix_s, None);
}

#[test]
fn passes_are_merged_pass_by_pass() {
    let runs = Runs::new();
    let twice = |frames: Range<u64>, walls: [u64; 2]| {
        runs.run_with(frames.clone(), |outcome| {
            outcome.workload.repeat = 2;
            outcome.totals.pass_wall_ns = walls.to_vec();
            // In the second one none was dropped.
            outcome.totals.frames_produced += frames.end - frames.start;
            outcome.totals.frames_analysed += frames.end - frames.start;
        })
    };
    let pieces = [
        twice(0..4, [1_000_000_000, 2_000_000_000]),
        twice(4..8, [4_000_000_000, 8_000_000_000]),
    ];
    let report = runs.merge(&pieces, "both").unwrap();
    assert_eq!(report.totals.pass_wall_s, [5.0, 10.0]);
    assert_eq!(report.totals.frames, 16);

    let said = runs.refused(&[pieces[0].clone(), runs.run(4..8)]);
    assert!(said.contains("differ in passes (1 and 2)"), "{said}");
}

#[test]
fn what_runs_were_asked_for_differently_is_named() {
    type Edit = fn(&mut Outcome);
    let cases: [(Edit, &str); 10] = [
        (
            |of| of.workload.input = "other.npy".into(),
            "say --input NAME",
        ),
        (|of| of.workload.format.height = 7, "differ in pixels"),
        (
            |of| of.workload.is_live = true,
            "differ in where frames come from (a live source and files)",
        ),
        (
            |of| of.workload.analyzers = vec!["motion".into()],
            "differ in analyzers (motion and luma)",
        ),
        (
            |of| of.workload.mode = "path".into(),
            "differ in mode (path and mmap)",
        ),
        (
            |of| of.workload.fps = Some(30.0),
            "differ in pace (30 frames/s and flat out)",
        ),
        (
            |of| of.workload.cache = Cache::Cold,
            "differ in cache (cold and warm)",
        ),
        (
            |of| of.workload.policy = Some(crate::pipeline::Policy::DropNewest),
            "differ in policy (drop-newest and none)",
        ),
        (
            |of| of.workload.set = set(30),
            "is a run of frames.npy when that had 30 frames in 960 bytes, and ",
        ),
        (
            |of| of.workload.identity = identity('b'),
            "is a run of frames.npy, and so is 0, but other bytes were in that (bbbbbbbbbbbb… and \
             aaaaaaaaaaaa…): if that is the same input, say --input NAME",
        ),
    ];
    for (edit, words) in cases {
        let runs = Runs::new();
        let first = runs.run_with(0..5, |of| {
            of.workload.set = set(60);
            of.workload.identity = identity('a');
        });
        let pieces = [first, runs.run_with(5..9, edit)];
        let said = runs.refused(&pieces);
        assert!(said.starts_with("5: ") && said.contains(words), "{said}");
    }
}

/// The digest of an input's bytes.
fn identity(digit: char) -> Option<String> {
    Some(digit.to_string().repeat(64))
}

#[test]
fn what_an_older_report_does_not_know_is_known_of_the_others() {
    let runs = Runs::new();
    let run = |frames, digit: Option<char>| {
        runs.run_with(frames, |of| of.workload.identity = digit.and_then(identity))
    };
    let old = run(0..5, None);
    let pieces = [old.clone(), run(5..7, Some('a')), run(7..9, Some('b'))];
    let said = runs.refused(&pieces);
    assert!(
        said.starts_with("7: ") && said.contains("so is 5, but other bytes"),
        "{said}"
    );
    let merge = Merge {
        input: Some("frames.npy".into()),
        ..Merge::new(pieces)
    };
    assert_eq!(
        merge.write_to(runs.path("out")).unwrap().workload.identity,
        None
    );

    let merged = |pieces: &[PathBuf]| runs.merge(pieces, "out").unwrap().workload.identity;
    assert_eq!(merged(&[old, run(5..9, Some('a'))]), None);
    assert_eq!(
        merged(&[run(0..5, Some('a')), run(5..9, Some('a'))]),
        identity('a')
    );
}

/// A frame set of so many frames.
fn set(frames: u64) -> Option<SetSize> {
    let bytes = 32 * frames;
    Some(SetSize { frames, bytes })
}

#[test]
fn an_input_that_has_grown_may_be_the_same_if_somebody_says_so() {
    let runs = Runs::new();
    let sized = |frames, size| runs.run_with(frames, |of| of.workload.set = size);
    let (first, second) = (sized(0..5, set(5)), sized(5..9, set(5)));
    let report = runs.merge(&[first.clone(), second], "out").unwrap();
    assert_eq!(report.workload.set, set(5));
    let grown = sized(5..9, set(9));
    let merge = Merge {
        input: Some("frames.npy".into()),
        ..Merge::new([first.clone(), grown])
    };
    assert_eq!(merge.write_to(runs.path("out")).unwrap().workload.set, None);
    // A report of an older version does not say.
    let report = runs.merge(&[first, sized(5..9, None)], "out").unwrap();
    assert_eq!(report.workload.set, None);
}

#[test]
fn an_input_may_have_another_name_elsewhere_if_somebody_says_so() {
    let runs = Runs::new();
    let here = runs.run_with(0..5, |of| of.workload.input = "./frames/".into());
    let there = runs.run_with(5..9, |of| of.workload.input = "frames".into());
    assert_eq!(
        runs.merge(&[here.clone(), there], "same")
            .unwrap()
            .workload
            .input,
        "./frames/"
    );
    let there = runs.run_with(5..9, |of| of.workload.input = "/mnt/frames".into());
    let merge = Merge {
        input: Some("all frames".into()),
        ..Merge::new([here, there])
    };
    let report = merge.write_to(runs.path("out")).unwrap();
    assert_eq!(report.workload.input, "all frames");
}

#[test]
fn standard_input_is_another_input_each_time_unless_somebody_says_otherwise() {
    let runs = Runs::new();
    let piped = |frames| runs.run_with(frames, |of| of.workload.input = "-".into());
    let pieces = [piped(0..5), piped(5..9)];
    let said = runs.refused(&pieces);
    let expected = "5: is a run of standard input, and so is 0, but that has no name: if it was the \
                    same input, say --input NAME";
    assert_eq!(said, expected);
    let merge = Merge {
        input: Some("clip.mp4".into()),
        ..Merge::new(pieces)
    };
    let report = merge.write_to(runs.path("out")).unwrap();
    assert_eq!(report.workload.input, "clip.mp4");
}

#[test]
fn every_frame_must_be_in_one_run() {
    let runs = Runs::new();
    let (a, b, c) = (runs.run(0..5), runs.run(4..9), runs.run(9..12));
    let cases = [
        (
            vec![a.clone(), b.clone()],
            "4: has frame 4 and so has 0: each frame must be in one run",
        ),
        (
            vec![a.clone(), a.clone()],
            "0: has frames 0 to 4 and so has 0: each frame must",
        ),
        (
            vec![c.clone(), a],
            "9: begins with frame 9 and 0 ends before frame 5: no run has frames 5 to 8",
        ),
        (vec![c, runs.run(13..14)], "no run has frame 12"),
        (vec![], "no runs to merge"),
    ];
    for (pieces, words) in cases {
        let said = runs.refused(&pieces);
        assert!(said.contains(words), "{said}");
    }
    let whole = runs.run(0..30);
    let said = runs.refused(&[whole, b]);
    assert!(said.contains("has frames 4 to 8 and so has 0"), "{said}");
}

#[test]
fn damaged_findings_are_refused() {
    let edit = |text: &str, from: &str, to: &str| text.replacen(from, to, 1);
    type Damage = Box<dyn Fn(&str) -> String>;
    let cases: [(Damage, &str); 7] = [
        (
            Box::new(move |text| edit(text, "36.5", "37.5")),
            "is not what the run found: its SHA-256 is",
        ),
        (
            Box::new(move |text| edit(text, "\"frame\":6", "\"frame\":7")),
            "line 2 is not the finding of frame 6",
        ),
        (
            Box::new(|text| text[..text.len() - 3].into()),
            "line 4 is cut off",
        ),
        (
            Box::new(|text| {
                text.lines()
                    .take(3)
                    .map(|line| format!("{line}\n"))
                    .collect()
            }),
            "ends before frame 8 of 5..9",
        ),
        (
            Box::new(|text| format!("{text}{}", line(9))),
            "line 5 is one too many",
        ),
        (Box::new(|_| String::new()), "ends before frame 5"),
        (
            Box::new(|text| format!("nonsense\n{text}")),
            "line 1 is not the finding of frame 5",
        ),
    ];
    for (damage, words) in cases {
        let runs = Runs::new();
        let pieces = [runs.run(0..5), runs.run(5..9)];
        let findings = pieces[1].join("findings.jsonl");
        let text = fs::read_to_string(&findings).unwrap();
        fs::write(&findings, damage(&text)).unwrap();
        let said = runs.refused(&pieces);
        assert!(
            said.starts_with("5/findings.jsonl: ") && said.contains(words),
            "{said}"
        );
        fs::remove_file(&findings).unwrap();
        assert!(runs.refused(&pieces).contains("cannot read"));
    }
}

#[test]
fn a_run_that_was_cut_short_is_refused() {
    let runs = Runs::new();
    let short = runs.run_with(5..9, |outcome| {
        outcome.totals.frames_produced = 3;
        outcome.totals.frames_analysed = 3;
    });
    let said = runs.refused(&[runs.run(0..5), short]);
    assert!(said.contains("5: was cut short"), "{said}");
    let empty = runs.run_with(9..9, |_| {});
    assert!(runs.refused(&[empty]).contains("without a frame"));
    // What a killed run leaves.
    fs::create_dir(runs.path("killed.partial")).unwrap();
    fs::write(runs.path("killed.partial/report.json"), "").unwrap();
    let said = runs.refused(&[runs.path("killed.partial")]);
    assert!(said.contains("ends too early"), "{said}");
}

#[test]
fn times_are_joined_if_all_are_known() {
    let runs = Runs::new();
    let pieces = [runs.run(0..2), runs.run(2..3)];
    fs::write(
        pieces[0].join("timestamps.txt"),
        "# timestamp format v2\n0\n33.333\n",
    )
    .unwrap();
    let report = runs.merge(&pieces, "out").unwrap();
    let notes = report.notes.join("\n");
    assert!(
        notes.contains("there is no timestamps.txt: the run of frames 2..3"),
        "{notes}"
    );
    assert!(!runs.path("out/timestamps.txt").exists());

    fs::write(
        pieces[1].join("timestamps.txt"),
        "# timestamp format v2\n66.667\n",
    )
    .unwrap();
    runs.merge(&pieces, "out").unwrap();
    let times = fs::read_to_string(runs.path("out/timestamps.txt")).unwrap();
    assert_eq!(times, "# timestamp format v2\n0\n33.333\n66.667\n");
    fs::remove_dir_all(runs.path("out")).unwrap();

    fs::write(
        pieces[1].join("timestamps.txt"),
        "# timestamp format v2\n66.667\n100\n",
    )
    .unwrap();
    let said = runs.refused(&pieces);
    assert!(
        said.contains("2/timestamps.txt: has 2 times for 1 frames"),
        "{said}"
    );
}

#[test]
fn thumbnails_of_other_frames_or_formats_are_refused() {
    let runs = Runs::new();
    let pieces = [runs.run(0..2), runs.run(2..3)];
    let put = |piece: usize, shape: &[u64], bytes: usize| {
        let mut file = Header::new("|u1", shape).to_bytes();
        file.resize(file.len() + bytes, 3);
        fs::write(pieces[piece].join("thumbnails.npy"), file).unwrap();
    };
    fs::write(pieces[0].join("thumbnails.npy"), thumbnails(0..2)).unwrap();
    assert!(
        runs.refused(&pieces)
            .contains("2: has no thumbnails.npy, and ")
    );
    put(1, &[1, 1, 4, 1], 4);
    assert!(runs.refused(&pieces).contains("another format"));
    put(1, &[2, 1, 3, 1], 6);
    assert!(
        runs.refused(&pieces)
            .contains("does not hold a thumbnail of each of 1 frames")
    );
    put(1, &[1, 1, 3, 1], 2);
    assert!(runs.refused(&pieces).contains("does not hold a thumbnail"));
    put(1, &[1, 1, 3, 1], 3);
    runs.merge(&pieces, "out").unwrap();
    let bytes = fs::read(runs.path("out/thumbnails.npy")).unwrap();
    let (header, data) = Header::parse(&bytes).unwrap();
    assert_eq!(header, Header::new("|u1", &[3, 1, 3, 1]));
    assert_eq!(bytes[data..], [1, 1, 1, 1, 1, 1, 3, 3, 3]);
}

#[test]
fn thumbnails_are_those_that_the_findings_say() {
    let runs = Runs::new();
    let pieces = [runs.run(0..2), runs.run(2..5)];
    fs::write(pieces[0].join("thumbnails.npy"), thumbnails(0..2)).unwrap();
    let whole = thumbnails(2..5);
    for (pixel, frame) in (0..9).zip([2, 2, 2, 3, 3, 3, 4, 4, 4]) {
        let mut damaged = whole.clone();
        damaged[DATA_OFFSET + pixel] ^= 0x10;
        fs::write(pieces[1].join("thumbnails.npy"), damaged).unwrap();
        let expected = format!(
            "2/thumbnails.npy: does not hold the thumbnail of frame {frame} that findings.jsonl says: \
             it is damaged"
        );
        assert_eq!(runs.refused(&pieces), expected);
    }
    fs::write(pieces[1].join("thumbnails.npy"), whole).unwrap();
    runs.merge(&pieces, "out").unwrap();
    let merged = fs::read(runs.path("out/thumbnails.npy")).unwrap();
    assert_eq!(merged, thumbnails(0..5));
}

#[test]
fn a_piece_is_never_replaced() {
    let runs = Runs::new();
    let pieces = [runs.run(0..5), runs.run(5..9)];
    // Nor one that lies in what is: a run in which others were put.
    let around = runs.run(9..12);
    fs::rename(&pieces[1], around.join("piece")).unwrap();
    let within = [pieces[0].clone(), around.join("piece")];
    fs::create_dir(runs.path("9.partial")).unwrap();
    for (pieces, out) in [
        (&within, "9"),
        (&[pieces[0].clone(), around.clone()], "9"),
        (&[pieces[0].clone(), runs.path("9.partial")], "9"),
    ] {
        let said = runs.merge(pieces, out).unwrap_err().to_string();
        assert!(said.contains("one of the runs to be merged"), "{said}");
    }
    assert!(within[1].join("findings.jsonl").exists());
    runs.merge(&within, "out").unwrap();
}

#[test]
fn a_merge_that_is_stopped_leaves_nothing_at_whatever_it_is() {
    let runs = Runs::new();
    let pieces = [runs.run(0..5), runs.run(5..9)];
    let stop = Arc::new(AtomicBool::new(false));
    let merge = Merge {
        stop: stop.clone(),
        ..Merge::new(pieces.clone())
    };
    let (read, _) = pieces::read(&pieces, None, &stop).unwrap();
    for (piece, frames) in pieces.iter().zip([0..5, 5..9]) {
        let times = "1\n".repeat(frames.clone().count());
        fs::write(piece.join("thumbnails.npy"), thumbnails(frames)).unwrap();
        fs::write(piece.join("timestamps.txt"), times).unwrap();
    }
    let into = tempfile::tempdir().unwrap();
    let into = into.path();
    let interrupted = |ended: Result<()>| matches!(ended, Err(Error::Interrupted));
    assert!(beside::thumbnails(&read, into, &stop).is_ok());
    assert!(beside::timestamps(&read, into, &stop).is_ok());
    stop.store(true, Ordering::Relaxed);
    assert!(interrupted(beside::thumbnails(&read, into, &stop)));
    assert!(interrupted(
        beside::timestamps(&read, into, &stop).map(drop)
    ));
    assert!(interrupted(pieces::read(&pieces, None, &stop).map(drop)));
    assert!(interrupted(merge.write_to(runs.path("out")).map(drop)));
    assert!(!runs.path("out").exists() && !runs.path("out.partial").exists());
}
