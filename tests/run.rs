//! `framehaul run`, with real worker processes on real inputs.

mod common;

use common::{Sandbox, children, is_running, kill, npy, write_npy};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Read;
use std::process::Stdio;

const ALL: &str = "luma,histogram,motion,sharpness";
const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

fn samples() -> [String; 2] {
    ["clip.y4m", "images"].map(|name| format!("{REPOSITORY}/data/{name}"))
}

/// The digests of all runs below `out`.
fn digests(sandbox: &Sandbox, out: &str) -> HashSet<String> {
    let runs = std::fs::read_dir(sandbox.path(out)).unwrap();
    runs.map(|run| {
        let name = run.unwrap().file_name().into_string().unwrap();
        let report = sandbox.report(&format!("{out}/{name}"));
        report["findings_digest"].as_str().unwrap().to_owned()
    })
    .collect()
}

#[test]
fn every_mode_batch_and_worker_count_finds_the_same_in_every_input() {
    for (options, input) in [
        ("--pixels rgb16 --layout packed", "set"),
        ("--pixels rgb8 --layout files --format png", "set"),
        ("--pixels gray16 --layout files", "set/frames"),
        ("--pixels gray8 --layout packed", "set/frames.npy"),
        ("", &samples()[0]),
        ("", &samples()[1]),
    ] {
        let sandbox = Sandbox::new().with_set(&format!("--size 160x90 --frames 12 {options}"));
        for (n, how) in [
            "--workers 1 --batch 1",
            "--workers 3",
            "--batch 4 --repeat 2 --warmup 1",
        ]
        .into_iter()
        .enumerate()
        {
            let line = format!("run {input} --mode all --analyze {ALL} {how} --out out{n}");
            sandbox.run(&line).succeeds();
        }
        let all: HashSet<_> = (0..3)
            .flat_map(|n| digests(&sandbox, &format!("out{n}")))
            .collect();
        assert_eq!(all.len(), 1, "{input} {options}");
        let modes = std::fs::read_dir(sandbox.path("out0")).unwrap().count();
        let mappable = !options.contains("png") && !input.ends_with("images");
        assert_eq!(modes, if mappable { 6 } else { 5 }, "{input}");
    }
}

#[test]
fn a_run_directory_holds_report_findings_and_log_that_belong_together() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    let said = sandbox
        .run("run set --mode mmap --analyze luma --workers 2 --batch 1 --out out --json")
        .succeeds();
    let report = sandbox.report("out/mmap");
    assert_eq!(serde_json::from_str::<Value>(&said.out).unwrap(), report);
    assert_eq!(report["schema"], 1);
    assert_eq!(report["workload"]["shape"], serde_json::json!([48, 64, 3]));
    assert_eq!(report["workload"]["workers"], 2);
    assert_eq!(report["totals"]["frames"], 5);
    assert_eq!(report["totals"]["keeps_up"], Value::Null);
    assert_eq!(report["stages"]["end_to_end"]["count"], 5);
    assert!(report["limits"]["read_gb_per_s"].as_f64().unwrap() > 0.0);

    let lines = sandbox.findings("out/mmap");
    for (frame, line) in lines.iter().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["frame"], frame);
        assert!(line["luma"]["mean"].is_number());
    }
    assert_eq!(lines.len(), 5);
    let sum = std::process::Command::new("sha256sum")
        .arg(sandbox.path("out/mmap/findings.jsonl"))
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(sum.starts_with(report["findings_digest"].as_str().unwrap()));
    let log = std::fs::read_to_string(sandbox.path("out/mmap/latency.hlog")).unwrap();
    assert!(
        log.contains("Tag=end_to_end,") && log.contains("Tag=return,"),
        "{log}"
    );
}

#[test]
fn the_stages_of_single_frames_add_up_to_end_to_end() {
    let sandbox = Sandbox::new().with_set("--size 640x360 --frames 20");
    sandbox
        .run("run set --mode all --analyze luma --batch 1 --workers 2 --repeat 3 --out flat")
        .succeeds();
    sandbox
        .run("run set --mode all --analyze luma,motion --workers 2 --fps 50 --out paced")
        .succeeds();
    for pace in ["flat", "paced"] {
        for mode in [
            "sequential",
            "threads",
            "payload",
            "payload-raw",
            "path",
            "mmap",
        ] {
            let report = sandbox.report(&format!("{pace}/{mode}"));
            let mean = |stage: &str| report["stages"][stage]["mean_ns"].as_f64().unwrap_or(0.0);
            let parts = [
                "queue",
                "load",
                "serialize",
                "transfer",
                "deserialize",
                "compute",
                "return",
            ];
            let sum: f64 = parts.into_iter().map(mean).sum();
            let whole = mean("end_to_end");
            assert!(
                (sum - whole).abs() <= 0.01 * whole,
                "{pace} {mode}: {sum} of {whole}"
            );
        }
    }
}

#[test]
fn pixels_are_shipped_once_and_look_back_is_reported_apart() {
    let sandbox = Sandbox::new().with_set("--size 320x180 --frames 40");
    let frame = 320.0 * 180.0 * 6.0;
    sandbox
        .run("run set --mode payload,payload-raw,mmap,threads --analyze luma --out luma")
        .succeeds();
    sandbox
        .run("run set --mode payload-raw --analyze motion --workers 2 --out motion")
        .succeeds();
    let shipped = |run: &str, what: &str| sandbox.report(run)["totals"][what].as_f64().unwrap();
    for mode in ["payload", "payload-raw"] {
        assert_eq!(
            shipped(&format!("luma/{mode}"), "shipped_bytes_per_frame"),
            frame
        );
        assert_eq!(
            shipped(&format!("luma/{mode}"), "overlap_bytes_per_frame"),
            0.0
        );
    }
    assert!(shipped("luma/mmap", "shipped_bytes_per_frame") < 64.0);
    assert_eq!(shipped("luma/threads", "shipped_bytes_per_frame"), 0.0);
    assert_eq!(
        shipped("motion/payload-raw", "shipped_bytes_per_frame"),
        frame
    );
    let overlap = shipped("motion/payload-raw", "overlap_bytes_per_frame");
    assert!(
        overlap > 0.0 && overlap <= 0.1 * (frame + overlap),
        "{overlap}"
    );
}

#[test]
fn a_range_is_the_same_slice_of_the_whole_and_a_short_set_is_cycled() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 9");
    let run = |range: &str, out: &str| {
        let line = format!("run set --mode mmap --analyze {ALL} --frames {range} --out {out}");
        sandbox.run(&line).succeeds();
        sandbox.findings(&format!("{out}/mmap"))
    };
    let whole = run("0..20", "whole");
    assert_eq!(run("4..13", "part"), whole[4..13]);
    let without_motion = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let line = line.as_object_mut().unwrap();
        line.remove("motion");
        line.remove("frame");
        line.clone()
    };
    for frame in 9..20 {
        assert_eq!(
            without_motion(&whole[frame]),
            without_motion(&whole[frame - 9])
        );
    }
    // The frame before the second round's first is the first round's last.
    assert!(whole[0].contains(r#""mean_abs_diff":0.0"#), "{}", whole[0]);
    assert!(!whole[9].contains(r#""mean_abs_diff":0.0"#), "{}", whole[9]);
}

#[test]
fn a_paced_run_sends_one_frame_a_job_and_counts_from_the_due_time() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    sandbox
        .run("run set --mode all --fps 200 --frames 0..30 --out out")
        .succeeds();
    for mode in [
        "sequential",
        "threads",
        "payload",
        "payload-raw",
        "path",
        "mmap",
    ] {
        let report = sandbox.report(&format!("out/{mode}"));
        assert_eq!(report["workload"]["batch"], 1);
        assert_eq!(report["workload"]["fps"], 200.0);
        assert_eq!(report["totals"]["frames"], 30);
        assert!(report["totals"]["deadline_misses"].is_u64());
        assert!(report["totals"]["keeps_up"].is_boolean());
        // Frame 29 is not due before 145 ms have gone.
        assert!(report["totals"]["wall_s"].as_f64().unwrap() >= 0.145);
    }
}

#[test]
fn a_pace_that_nobody_can_keep_is_reported_with_the_growth_of_the_backlog() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    sandbox
        .run("run set --mode mmap,sequential --analyze burn:5 --workers 1 --fps 1000 --frames 0..60 --out out")
        .succeeds();
    for mode in ["mmap", "sequential"] {
        let totals = &sandbox.report(&format!("out/{mode}"))["totals"];
        assert_eq!(totals["keeps_up"], false, "{mode}: {totals}");
        let sustained = totals["max_sustained_fps"].as_f64().unwrap();
        let backlog = totals["backlog_frames_per_s"].as_f64().unwrap();
        assert!((sustained + backlog - 1000.0).abs() < 1e-6, "{totals}");
        assert!(sustained < 250.0, "{totals}");
    }
}

// ---- bad input ---------------------------------------------------------------------------------

#[test]
fn unusable_input_or_options_are_one_line_and_exit_code_2() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let header = |descr: &str, order: &str, shape: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}")
    };
    let data = [0u8; 4096];
    sandbox.write(
        "fortran.npy",
        &npy(&header("|u1", "True", "(2, 4, 4, 3)"), &data),
    );
    sandbox.write(
        "big-endian.npy",
        &npy(&header(">u2", "False", "(2, 4, 4, 3)"), &data),
    );
    sandbox.write(
        "floats.npy",
        &npy(&header("<f4", "False", "(2, 4, 4, 3)"), &data),
    );
    sandbox.write(
        "none.npy",
        &npy(&header("|u1", "False", "(0, 4, 4, 3)"), &data),
    );
    sandbox.write("empty.npy", b"");
    let mut wrong = npy(&header("|u1", "False", "(2, 4, 4, 3)"), &data);
    wrong[8] = 255;
    wrong[9] = 255;
    sandbox.write("wrong.npy", &wrong);
    sandbox.write("none.y4m", b"YUV4MPEG2 W4 H4 F25:1 C420jpeg\n");
    sandbox.write("text.png", b"no picture");
    sandbox.write("full/file", b"");
    std::fs::create_dir(sandbox.path("nothing")).unwrap();

    for (line, words) in [
        (
            "run fortran.npy --mode all",
            &["fortran.npy", "Fortran"][..],
        ),
        ("run big-endian.npy --mode all", &["big-endian.npy", ">u2"]),
        ("run floats.npy --mode all", &["floats.npy", "<f4"]),
        ("run none.npy --mode all", &["none.npy", "no frame"]),
        ("run empty.npy --mode all", &["empty.npy", "empty"]),
        ("run wrong.npy --mode all", &["wrong.npy", "header"]),
        ("run none.y4m --mode all", &["none.y4m", "no frame"]),
        ("run text.png --mode all", &["text.png"]),
        ("run missing --mode all", &["missing"]),
        ("run nothing --mode all", &["nothing"]),
        ("run set --mode all --workers 0", &["--workers 0"]),
        ("run set --mode all --analyze lumma", &["lumma", "luma"]),
        ("run set --mode maps", &["maps", "did you mean mmap"]),
        ("run set --mode all --frames 5..5", &["5..5", "empty"]),
        ("run set --mode all --batch 0", &["--batch 0"]),
        ("run set --mode all --repeat 0", &["--repeat 0"]),
        ("run set --mode all --fps -3", &["fps"]),
        (
            "run set --mode all --fps 30 --batch 2",
            &["--batch", "--fps"],
        ),
        ("run set --mode all --out full/file/out", &["full/file"]),
    ] {
        let said = sandbox.run(line).fails(2, words);
        assert_eq!(said.out, "", "{said:#?}");
        if !said.err.contains("Usage:") && !said.err.contains("--help") {
            said.one_line();
        }
    }
    let images = &samples()[1];
    let line = format!("run {images} --mode mmap");
    sandbox
        .run(&line)
        .fails(2, &["mmap", "decode", "path"])
        .one_line();
}

/// Frames that fail, by the findings of each mode, which must agree.
fn failed_frames(sandbox: &Sandbox, out: &str) -> Vec<(u64, String)> {
    assert_eq!(digests(sandbox, out).len(), 1, "every mode says the same");
    let run = std::fs::read_dir(sandbox.path(out))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let lines = sandbox.findings(&format!("{out}/{}", run.file_name().display()));
    let lines = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter_map(|line| Some((line["frame"].as_u64()?, line["error"].as_str()?.to_owned())))
        .collect()
}

#[test]
fn whole_frames_of_a_truncated_file_are_analysed_and_the_rest_reported_failed() {
    let sandbox = Sandbox::new();
    let frame = 8 * 6 * 3;
    let path = sandbox.path("cut.npy");
    write_npy(&path, "|u1", "(5, 6, 8, 3)", &vec![7; 3 * frame + 10]);
    sandbox
        .run("run cut.npy --mode all --analyze luma,motion --out npy")
        .fails(1, &["frame 3 failed", "cut.npy", "truncated"]);
    let failed = failed_frames(&sandbox, "npy");
    assert_eq!(
        failed.iter().map(|(frame, _)| *frame).collect::<Vec<_>>(),
        [3, 4]
    );

    let clip = std::fs::read(&samples()[0]).unwrap();
    sandbox.write("cut.y4m", &clip[..clip.len() - 100]);
    sandbox
        .run("run cut.y4m --mode all --analyze luma,motion --out y4m")
        .fails(1, &["frame 11 failed", "cut.y4m"]);
    let failed = failed_frames(&sandbox, "y4m");
    assert_eq!(
        failed.iter().map(|(frame, _)| *frame).collect::<Vec<_>>(),
        [11]
    );
}

#[test]
fn a_broken_picture_fails_alone_and_its_successor_has_no_motion() {
    let sandbox = Sandbox::new()
        .with_set("--size 40x30 --frames 6 --pixels rgb8 --layout files --format png");
    sandbox.write("set/frames/000002.png", b"\x89PNG\r\n\x1a\nbroken");
    sandbox
        .run("generate other --size 20x20 --frames 1 --pixels rgb8 --layout files --format png")
        .succeeds();
    std::fs::copy(
        sandbox.path("other/frames/000000.png"),
        sandbox.path("set/frames/000004.png"),
    )
    .unwrap();
    for batch in ["", "--batch 1", "--batch 6"] {
        sandbox
            .run(&format!(
                "run set/frames --mode all --analyze luma,motion {batch} --out out"
            ))
            .fails(
                1,
                &[
                    "frame 2 failed",
                    "000002.png",
                    "frame 4 failed",
                    "20x20",
                    "40x30",
                ],
            );
        let failed = failed_frames(&sandbox, "out");
        assert_eq!(
            failed.iter().map(|(frame, _)| *frame).collect::<Vec<_>>(),
            [2, 4]
        );
        let lines = sandbox.findings("out/path");
        assert!(lines[3].contains(r#""mean_abs_diff":null"#), "{}", lines[3]);
        assert!(lines[1].contains(r#""mean_abs_diff":"#), "{}", lines[1]);
    }
}

// ---- death -------------------------------------------------------------------------------------

#[test]
fn workers_killed_at_any_moment_change_no_finding_in_any_mode() {
    let sandbox = Sandbox::new().with_set("--size 640x360 --frames 20");
    let analyze = format!("--analyze {ALL},burn:2 --workers 2");
    sandbox
        .run(&format!("run set --mode sequential {analyze} --out quiet"))
        .succeeds();
    let expected = sandbox.report("quiet/sequential")["findings_digest"].clone();
    let mut seed = 1u64;
    println!("seed {seed}");
    for mode in ["payload", "payload-raw", "path", "mmap"] {
        for batch in [1, 6] {
            let line =
                format!("run set --mode {mode} {analyze} --batch {batch} --repeat 8 --out out");
            let mut run = sandbox
                .command(&line)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut kills = 0;
            while run.try_wait().unwrap().is_none() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Now and then one of the workers that are there; the limits' helper is a child
                // too, but its death ends the run and is not what this is about.
                let workers = workers(run.id());
                if kills < 40 && seed >> 60 == 0 && !workers.is_empty() {
                    kill("-9", workers[(seed >> 32) as usize % workers.len()]);
                    kills += 1;
                }
                std::thread::yield_now();
            }
            let mut err = String::new();
            run.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            assert!(
                run.wait().unwrap().success(),
                "{mode}, batch {batch}: {err}"
            );
            let report = sandbox.report(&format!("out/{mode}"));
            assert_eq!(report["findings_digest"], expected, "{mode}, batch {batch}");
            let died = report["totals"]["workers_died"].as_u64().unwrap();
            println!("{mode}, batch {batch}: {kills} kills, {died} deaths");
            assert!(died > 0, "nobody died: the test has tested nothing");
            let notes = report["notes"].to_string();
            assert!(notes.contains("killed by SIGKILL"), "{notes}");
        }
    }
}

/// The children of a run that are its workers.
fn workers(run: u32) -> Vec<u32> {
    let is_worker = |pid: &u32| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.contains("__framehaul_worker")
    };
    children(run).into_iter().filter(is_worker).collect()
}

/// A run that would go on for hours, once its two workers are there.
fn endless(sandbox: &Sandbox, mode: &str) -> std::process::Child {
    let line =
        format!("run set --mode {mode} --workers 2 --frames 0..100000000 --batch 4 --out out");
    let mut command = sandbox.command(&line);
    let run = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if mode != "sequential" && mode != "threads" {
        while workers(run.id()).len() < 2 {
            std::thread::yield_now();
        }
    }
    run
}

#[test]
fn no_worker_outlives_a_parent_that_is_killed() {
    for mode in ["payload", "payload-raw", "path", "mmap"] {
        let sandbox = Sandbox::new().with_set("--size 640x360 --frames 4");
        let mut run = endless(&sandbox, mode);
        let orphans = workers(run.id());
        run.kill().unwrap();
        run.wait().unwrap();
        // Ends when they are gone; if one stayed, the test would not end.
        while orphans.iter().any(|&pid| is_running(pid)) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn an_interrupt_ends_the_run_without_a_half_made_report() {
    for mode in ["mmap", "threads"] {
        let sandbox = Sandbox::new().with_set("--size 64x48 --frames 4");
        let run = endless(&sandbox, mode);
        // The place is taken once everything is checked and the handler is installed.
        while !sandbox.path(&format!("out/{mode}.partial")).exists() {
            std::thread::yield_now();
        }
        kill("-INT", run.id());
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(err.trim(), "framehaul: interrupted");
        let left = std::fs::read_dir(sandbox.path("out")).unwrap().count();
        assert_eq!(left, 0);
    }
}

#[test]
fn a_file_that_shrinks_while_mapped_loses_its_missing_frames_alone() {
    let sandbox = Sandbox::new().with_set("--size 640x360 --frames 8");
    let frame = 640 * 360 * 6;
    for mode in ["mmap", "path", "payload-raw", "threads", "sequential"] {
        sandbox
            .run("generate set --size 640x360 --frames 8 --force")
            .succeeds();
        let line = format!(
            "run set/frames.npy --mode {mode} --analyze luma --workers 2 --frames 0..3000 --batch 1 --out out"
        );
        let mut command = sandbox.command(&line);
        let run = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A worker has mapped the file, or this process has.
        let maps =
            |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let in_process = matches!(mode, "threads" | "sequential");
        while in_process && !maps(run.id()).contains("frames.npy") {
            std::thread::yield_now();
        }
        while !in_process && workers(run.id()).is_empty() {
            std::thread::yield_now();
        }
        let file = OpenOptions::new()
            .write(true)
            .open(sandbox.path("set/frames.npy"))
            .unwrap();
        file.set_len(4096 + 4 * frame + 100).unwrap();
        let output = run.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{mode}: {err}");
        assert!(
            err.contains("frames.npy") && !err.contains("panicked"),
            "{mode}: {err}"
        );
        if in_process && err.contains("shrank") {
            assert_eq!(err.lines().count(), 1, "{mode}: {err}");
        } else {
            assert!(err.contains("truncated"), "{mode}: {err}");
            let report = sandbox.report(&format!("out/{mode}"));
            assert_eq!(report["totals"]["frames"], 3000, "{mode}");
        }
    }
}

#[test]
fn list_names_every_mode_analyzer_and_source() {
    let said = Sandbox::new().run("list").succeeds().out;
    for word in [
        "ship the pixels",
        "payload-raw",
        "ship a reference",
        "mmap",
        "stay in process",
        "threads",
        "luma",
        "burn:MS",
        "sharpness",
        ".y4m",
        ".npy",
    ] {
        assert!(said.contains(word), "no {word}: {said}");
    }
}

#[test]
fn the_demo_tells_its_story_keeps_its_reports_and_removes_its_frames() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .run("demo --frames 8 --size 160x90 --out demo")
        .succeeds()
        .out;
    for words in [
        "8 frames of 160x90 rgb16",
        "of disk",
        "Flat out",
        "At 30 frames a second",
        "serialising takes",
        "All modes found exactly the same.",
        "compare demo/flat/*",
    ] {
        assert!(said.contains(words), "no {words:?}: {said}");
    }
    assert!(!sandbox.path("demo/frames").exists());
    for pace in ["flat", "paced"] {
        assert_eq!(
            std::fs::read_dir(sandbox.path("demo").join(pace))
                .unwrap()
                .count(),
            5
        );
        assert_eq!(digests(&sandbox, &format!("demo/{pace}")).len(), 1);
    }
    let next = sandbox
        .run("compare demo/flat/payload demo/flat/mmap")
        .succeeds()
        .out;
    assert!(next.contains("Identical findings"), "{next}");
}

#[test]
fn a_demo_that_does_not_fit_offers_one_that_does() {
    let sandbox = Sandbox::new();
    sandbox
        .run("demo --frames 200 --size 30000x30000")
        .fails(1, &["need", "of disk", "of memory", "this fits: --size"])
        .one_line();
}
