//! What goes wrong, and what it may cost: bad input is one clear line, a worker's death costs no
//! finding, and nothing outlives the run.

mod common;

use common::{Said, Sandbox, is_running, kill, npy, workers, write_npy};
use framehaul::pool::MAX_DEATHS;
use serde_json::Value;
use std::fs::OpenOptions;
use std::process::Stdio;

const ALL: &str = "luma,histogram,motion,sharpness,thumbnail:16x9";

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
        (
            "run set --mode all --analyze thumbnail:0x3",
            &["thumbnail:64x36", "0x3"],
        ),
        ("run set --mode maps", &["maps", "did you mean mmap"]),
        ("run set --mode all --frames 5..5", &["5..5", "empty"]),
        ("run set --mode all --batch 0", &["--batch 0"]),
        (
            "run set --mode all --frames 10..18446744073709551615",
            &["--frames", "at most"],
        ),
        (
            "run set --mode all --workers 100000",
            &["--workers", "1024"],
        ),
        (
            "run set --mode all --fps 1e-300",
            &["1e-300", "--fps", "0.001"],
        ),
        ("run set --mode all --repeat 0", &["--repeat 0"]),
        (
            "run set --mode all --repeat 18446744073709551615 --warmup 1",
            &["--repeat 18446744073709551615", "more passes"],
        ),
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
    let images = &common::samples()[1];
    let line = format!("run {images} --mode mmap");
    sandbox
        .run(&line)
        .fails(2, &["mmap", "decode", "path"])
        .one_line();
}

/// Frames that fail, by the findings of each mode, which must agree.
fn failed_frames(sandbox: &Sandbox, out: &str) -> Vec<(u64, String)> {
    assert_eq!(sandbox.digests(out).len(), 1, "every mode says the same");
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

    let clip = std::fs::read(&common::samples()[0]).unwrap();
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
                "run set/frames --mode all --analyze luma,motion,thumbnail:4x3 {batch} --out out"
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
        let (header, thumbnails) = common::read_npy(&sandbox.path("out/path/thumbnails.npy"), 6);
        assert!(header.contains("(6, 3, 4, 3)"), "{header}");
        for (frame, bytes) in thumbnails.iter().enumerate() {
            let empty = bytes.iter().all(|&byte| byte == 0);
            assert_eq!(empty, [2, 4].contains(&frame), "frame {frame}");
        }
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
    let thumbnails =
        |run: String| std::fs::read(sandbox.path(&run).join("thumbnails.npy")).unwrap();
    let expected_thumbnails = thumbnails("quiet/sequential".into());
    let mut seed = 1u64;
    println!("seed {seed}");
    for mode in ["payload", "payload-raw", "path", "mmap", "shm"] {
        for batch in [1, 6] {
            let line = format!("run set --mode {mode} {analyze} --batch {batch} --out out");
            let mut deaths = 0;
            for _ in 0..8 {
                run_under_fire(&sandbox, &line, &mut seed);
                let report = sandbox.report(&format!("out/{mode}"));
                assert_eq!(report["findings_digest"], expected, "{line}");
                let same = thumbnails(format!("out/{mode}")) == expected_thumbnails;
                assert!(same, "{line}");
                let died = report["totals"]["workers_died"].as_u64().unwrap();
                let notes = report["notes"].to_string();
                assert_eq!(died > 0, notes.contains("killed by SIGKILL"), "{notes}");
                deaths += died;
            }
            println!("{mode}, batch {batch}: {deaths} deaths");
            assert!(deaths > 0, "nobody died: the test has tested nothing");
        }
    }
}

/// Runs a line to its good end while its workers are killed at random moments. Fewer are killed
/// than must die over one frame before it is given up: otherwise the test would need luck.
fn run_under_fire(sandbox: &Sandbox, line: &str, seed: &mut u64) {
    let mut run = sandbox
        .command(line)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut kills = 0;
    while run.try_wait().unwrap().is_none() {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Now and then one of the workers that are there; the limits' helper is a child too, but
        // its death ends the run and is not what this is about.
        let workers = workers(run.id());
        if kills + 1 < MAX_DEATHS && *seed >> 60 == 0 && !workers.is_empty() {
            kill("-9", workers[(*seed >> 32) as usize % workers.len()]);
            kills += 1;
        }
        std::thread::yield_now();
    }
    let output = run.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_broken_file_in_a_folder_of_arrays_fails_alone_in_mmap_too() {
    let sandbox = Sandbox::new().with_set("--size 40x30 --frames 4 --layout files");
    sandbox.write("set/frames/000002.npy", b"no array");
    sandbox
        .run("run set/frames --mode all --analyze luma --out out")
        .fails(1, &["mmap: frame 2 failed", "000002.npy"]);
    let failed = failed_frames(&sandbox, "out");
    assert_eq!(failed.len(), 1);
    assert!(sandbox.path("out/mmap").exists());
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

// ---- little of what the system gives -----------------------------------------------------------

/// The buffers that the machine's limits are measured with take 128 MiB at least.
const LESS_THAN_THE_BUFFERS: &str = "-v 130000";

#[test]
fn too_little_memory_to_measure_the_machine_costs_that_figure_alone() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 12");
    let line = "run set --mode all --workers 2";
    sandbox.run(&format!("{line} --out plenty")).succeeds();
    let line = format!("{line} --out little");
    sandbox.run_limited(LESS_THAN_THE_BUFFERS, &line).succeeds();
    assert_eq!(sandbox.digests("little").len(), 1);
    assert_eq!(sandbox.digests("little"), sandbox.digests("plenty"));
    let limits = &sandbox.report("little/mmap")["limits"];
    assert!(limits["read_gb_per_s"].is_null(), "{limits}");
    assert!(limits["memcpy_gb_per_s"].is_null(), "{limits}");
    assert!(limits["wakeup_us"].as_f64().unwrap() > 0.0, "{limits}");

    let shown = sandbox.run("compare little/mmap").succeeds();
    assert!(
        shown.out.contains("read and copy not measured"),
        "{shown:#?}"
    );
}

#[test]
fn a_machine_that_has_no_room_for_a_thread_is_said_to_have_none() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let line = "run set --mode mmap";
    let mut command = sandbox.command(line);
    // More than any address space holds.
    command.env("RUST_MIN_STACK", (1u64 << 60).to_string());
    let said = Said::from(command.output().unwrap(), line);
    said.fails(1, &["a thread cannot be started", "fewer workers"])
        .one_line();
}

#[test]
fn a_run_that_has_no_room_for_its_files_leaves_none_and_is_no_mistake_of_the_user() {
    let sandbox = Sandbox::new().with_set("--size 640x360 --pixels rgb8 --frames 8");
    let line = "run set --mode sequential --analyze thumbnail:640x360 --out out";
    sandbox
        .run_limited("-f 1000", line)
        .fails(1, &["cannot write", "too large"])
        .one_line();
    assert!(!sandbox.path("out").exists());
}

#[test]
fn runs_that_have_no_room_for_their_reports_leave_nothing_either() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 3");
    // Enough for what they find.
    let line = "run set --mode sequential,threads --workers 2 --analyze luma --out deep/out";
    sandbox
        .run_limited("-f 20", line)
        .fails(1, &["cannot write the run directory", "too large"])
        .one_line();
    assert!(!sandbox.path("deep").exists());
}

// ---- what outlives whom ------------------------------------------------------------------------

#[test]
fn no_worker_outlives_a_parent_that_is_killed() {
    for mode in ["payload", "payload-raw", "path", "mmap", "shm"] {
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
        assert!(!sandbox.path("out").exists());
    }
}

#[test]
fn a_file_that_shrinks_while_mapped_loses_its_missing_frames_alone() {
    let sandbox = Sandbox::new().with_set("--size 640x360 --frames 8");
    let frame = 640 * 360 * 6;
    for mode in [
        "mmap",
        "path",
        "payload-raw",
        "shm",
        "threads",
        "sequential",
    ] {
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
