//! `framehaul compare` and `framehaul doctor`, run as a person runs them.

mod common;

use common::Sandbox;
use framehaul::frame::{Colour, FrameFormat, Sample};
use framehaul::measure::{Limits, Machine, MemoryPeak, StageHistograms, Timeline, Usage};
use framehaul::pipeline::{Cache, Outcome, Totals, Workload};
use framehaul::report::{Report, RunDir};
use framehaul::stage::Stage;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn framehaul(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_framehaul"))
        .args(args)
        .output()
        .expect("the program starts")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Enough to know where a ratio lies.
const PASSES: u64 = 6;

/// Writes a run of `mode` in which each of 20 frames took `ms`, and says where.
fn write_run(root: &Path, mode: &str, ms: u64) -> PathBuf {
    let mut stages = StageHistograms::new();
    for stage in [Stage::Compute, Stage::Service, Stage::EndToEnd] {
        (0..PASSES * 20).for_each(|_| stages.record(stage, ms * 1_000_000));
    }
    let outcome = Outcome {
        begun_unix_s: None,
        workload: Workload {
            input: "frames.npy".into(),
            is_live: false,
            set: None,
            identity: None,
            frames: 0..20,
            format: FrameFormat::new(64, 48, Colour::Rgb, Sample::U8),
            mode: mode.into(),
            workers: 2,
            analyzers: vec!["luma".into()],
            calibrations: Vec::new(),
            fps: None,
            batch: 1,
            cache: Cache::Warm,
            cache_resident: 1.0,
            policy: None,
            repeat: PASSES as usize,
            warmup: 0,
        },
        totals: Totals {
            pass_wall_ns: vec![20 * ms * 1_000_000; PASSES as usize],
            frames_produced: PASSES * 20,
            frames_analysed: PASSES * 20,
            frames_failed: 0,
            frames_dropped: Default::default(),
            shipped_bytes_per_frame: 24.0,
            overlap_bytes_per_frame: 0.0,
            deadline_misses: None,
            keeps_up: None,
            backlog_frames_per_s: None,
            max_sustained_fps: None,
            workers_died: 0,
        },
        limits: Limits {
            memcpy_gb_per_s: Some(10.0),
            read_gb_per_s: Some(40.0),
            wakeup_us: 10.0,
            kernel: None,
        },
        memory: MemoryPeak::default(),
        slots: None,
        usage: Usage::default(),
        stages,
        passes: Vec::new(),
        alternation: None,
        timeline: Timeline::default(),
        findings_digest: "ca3d".repeat(16),
        incomplete: None,
        disagreement: None,
        notes: Vec::new(),
    };
    let place = root.join(mode);
    RunDir::create(&place)
        .expect("a place")
        .finish(&Report::new(&outcome, Machine::probe()), &outcome)
        .expect("written");
    place
}

#[test]
fn compare_shows_a_verdict_and_as_json_the_ratios() {
    let root = tempfile::tempdir().unwrap();
    let slow = write_run(root.path(), "path", 30);
    let fast = write_run(root.path(), "mmap", 10);
    let (slow, fast) = (slow.to_str().unwrap(), fast.join("report.json"));
    let fast = fast.to_str().unwrap();

    let text = stdout(&framehaul(&["compare", slow, fast]));
    let sentence = "mmap is 3.0 times as fast as path (95 %: 3.0 to 3.0) on the same frames: \
                    most of it is compute, 30.0 ms a frame against 10.0 ms.";
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains(sentence), "{text}");
    assert!(text.contains("Identical findings"), "{text}");
    assert!(!text.contains('\x1b'), "no escape codes outside a terminal");

    let json = stdout(&framehaul(&["compare", "--json", slow, fast]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], 2);
    assert_eq!(json["baseline"], "path");
    assert_eq!(json["same_findings"], true);
    for part in ["value", "low", "high"] {
        let of_fps = json["ratios"][0]["fps"][part].as_f64().unwrap();
        assert!((of_fps - 3.0).abs() < 1e-9, "{part}: {of_fps}");
    }
    assert_eq!(json["verdict"], sentence);
}

/// How large the terms are is the machine's affair; that pixels which pass a serialiser spend their time there
/// is the design's.
#[test]
fn the_terms_of_a_gap_and_what_is_left_over_are_all_of_it() {
    let sandbox = Sandbox::new().with_set("--size 640x480 --pixels rgb16 --frames 40");
    let line = "run set --mode payload,mmap --workers 2 --repeat 3 --out out";
    sandbox.run(line).succeeds();
    let said = sandbox.run("compare --explain --json --export a.json out/mmap out/payload");
    let json: serde_json::Value = serde_json::from_str(&said.succeeds().out).unwrap();
    let exported = std::fs::read(sandbox.path("a.json")).unwrap();
    let exported: serde_json::Value = serde_json::from_slice(&exported).unwrap();
    assert_eq!(exported, json);
    let [explanation] = &json["explanations"].as_array().unwrap()[..] else {
        panic!("one gap: {json}");
    };
    assert_eq!(explanation["slow"], "payload");
    for which in ["slow_ns", "fast_ns", "gap_ns"] {
        let number = |value: &serde_json::Value| value[which].as_f64().unwrap();
        let terms = explanation["terms"].as_array().unwrap();
        let sum: f64 = terms.iter().map(number).sum();
        let all = sum + number(&explanation["left_over"]);
        assert!(
            (all / number(explanation) - 1.0).abs() < 1e-6,
            "{explanation}"
        );
        for (term, run) in [("slow_ns", 1), ("fast_ns", 0)] {
            let fps = json["runs"][run]["fps"].as_f64().unwrap();
            let a_frame = explanation[term].as_f64().unwrap();
            assert!((a_frame * fps / 1e9 - 1.0).abs() < 1e-6, "{json}");
        }
    }
    let serialising = &explanation["terms"][0];
    assert_eq!(serialising["term"], "serialising");
    assert!(
        serialising["gap_ns"].as_f64() > Some(0.25 * explanation["gap_ns"].as_f64().unwrap()),
        "{explanation}"
    );
}

#[test]
fn one_run_is_shown_by_itself() {
    let root = tempfile::tempdir().unwrap();
    let run = write_run(root.path(), "mmap", 10);
    let text = stdout(&framehaul(&["compare", run.to_str().unwrap()]));
    assert!(text.starts_with("mmap: 20 frames of frames.npy"), "{text}");
    assert!(text.contains("100 frames/s"), "{text}");
}

#[test]
fn what_is_no_run_is_refused_with_one_sentence_and_exit_code_2() {
    let root = tempfile::tempdir().unwrap();
    let output = framehaul(&["compare", root.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("is no run directory"), "{said}");
}

/// The only place where the helper process runs as it does for a person: `main` is ours.
#[test]
fn doctor_measures_in_a_process_of_its_own_and_asks_the_ffmpeg_that_runs_would_have() {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_framehaul"));
    let doctor = doctor.args(["doctor", "--json"]);
    // It says nothing of a version.
    let output = doctor.env("FRAMEHAUL_FFMPEG", "/bin/true").output();
    let json = stdout(&output.unwrap());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let limits = &json["limits"];
    assert!(limits["wakeup_us"].as_f64() > Some(0.0), "{json}");
    for limit in ["read_gb_per_s", "memcpy_gb_per_s"] {
        // There may be too little memory to measure it with.
        let limit = &limits[limit];
        assert!(limit.is_null() || limit.as_f64() > Some(0.0), "{json}");
    }
    let survey = &json["survey"];
    assert!(survey["machine"]["cores"].as_u64().unwrap() > 0);
    let asked = serde_json::json!({"path": "/bin/true", "version": null});
    assert_eq!(survey["ffmpeg"], asked, "{json}");
}
