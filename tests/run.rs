//! `framehaul run`, with real worker processes on real inputs.

mod common;

use common::{Said, Sandbox};
use serde_json::Value;
use std::collections::HashSet;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

const ALL: &str = "luma,histogram,motion,sharpness,thumbnail:16x9";

#[test]
fn every_mode_batch_and_worker_count_finds_the_same_in_every_input() {
    for (options, input) in [
        ("--pixels rgb16 --layout packed", "set"),
        ("--pixels rgb8 --layout files --format png", "set"),
        ("--pixels gray16 --layout files", "set/frames"),
        ("--pixels gray8 --layout packed", "set/frames.npy"),
        ("", &common::samples()[0]),
        ("", &common::samples()[1]),
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
            .flat_map(|n| sandbox.digests(&format!("out{n}")))
            .collect();
        assert_eq!(all.len(), 1, "{input} {options}");
        let thumbnails: HashSet<_> = (0..3)
            .flat_map(|n| std::fs::read_dir(sandbox.path(&format!("out{n}"))).unwrap())
            .map(|run| std::fs::read(run.unwrap().path().join("thumbnails.npy")).unwrap())
            .collect();
        assert_eq!(thumbnails.len(), 1, "{input} {options}");
        let modes = std::fs::read_dir(sandbox.path("out0")).unwrap().count();
        let mappable = !options.contains("png") && !input.ends_with("images");
        assert_eq!(modes, if mappable { 7 } else { 6 }, "{input}");
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
    let read = &report["limits"]["read_gb_per_s"];
    // There may be too little memory to measure it with.
    assert!(read.is_null() || read.as_f64() > Some(0.0), "{read}");

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
fn thumbnails_are_of_the_run_s_frames_and_what_the_findings_say() {
    use sha2::Digest;
    let sandbox = Sandbox::new().with_set("--size 160x90 --frames 9 --pixels rgb16");
    sandbox
        .run("run set --mode path --analyze thumbnail:16x200 --frames 4..20 --batch 3 --out out")
        .succeeds();
    let path = sandbox.path("out/path/thumbnails.npy");
    let (header, thumbnails) = common::read_npy(&path, 16);
    assert!(header.contains("'<u2'"), "{header}");
    assert!(
        header.contains("(16, 90, 16, 3)"),
        "no larger than the frame: {header}"
    );
    for (line, bytes) in sandbox.findings("out/path").iter().zip(&thumbnails) {
        let digest = sha2::Sha256::digest(bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(line.contains(&digest), "{line}");
    }
    assert_eq!(thumbnails[0], thumbnails[9], "the set is cycled");
    assert_ne!(thumbnails[0], thumbnails[1]);

    sandbox
        .run("run set --mode path --analyze luma --out out")
        .succeeds();
    assert!(!path.exists(), "the run before had thumbnails");
}

#[test]
fn the_stages_of_single_frames_add_up_to_end_to_end() {
    let sandbox = Sandbox::new().with_set("--size 640x360 --frames 20");
    sandbox
        .run("run set --mode all --analyze luma,motion --batch 1 --workers 2 --repeat 3 --out flat")
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
    // A mapped frame is there at once; the frame before it, which each job analyses anew, is compute.
    let stages = &sandbox.report("flat/mmap")["stages"];
    let usual = |stage: &str| stages[stage]["p50_ns"].as_u64().unwrap();
    assert!(4 * usual("load") < usual("compute"), "{stages:#}");
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

#[test]
fn the_time_line_adds_up_to_the_totals() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 40");
    sandbox
        .run("run set --mode all --analyze luma,motion --workers 2 --repeat 3 --out flat")
        .succeeds();
    sandbox
        .run("run set --mode mmap,shm,sequential --analyze burn:5 --workers 1 --fps 500 --frames 0..40 --out paced")
        .succeeds();
    let runs = ["flat", "paced"].map(|out| std::fs::read_dir(sandbox.path(out)).unwrap());
    for run in runs.into_iter().flatten() {
        let run = run.unwrap().path();
        let report = sandbox.report(run.to_str().unwrap());
        let intervals = report["timeline"]["intervals"].as_array().unwrap();
        assert!(intervals.len() <= 200, "{run:?}");
        let each =
            |field: &'static str| intervals.iter().filter_map(move |one| one[field].as_u64());
        let (totals, memory) = (&report["totals"], &report["memory"]);
        for field in ["frames", "frames_failed", "frames_dropped"] {
            assert_eq!(each(field).sum::<u64>(), totals[field], "{run:?}: {field}");
        }
        let misses = totals["deadline_misses"].as_u64();
        assert_eq!(
            each("deadline_misses").sum::<u64>(),
            misses.unwrap_or(0),
            "{run:?}"
        );
        assert_eq!(each("backlog_frames").max().is_some(), misses.is_some());
        // All 40 are due after 80 ms, when few of them can have ended.
        assert!(
            each("backlog_frames")
                .max()
                .is_none_or(|frames| (5..=40).contains(&frames))
        );
        assert_eq!(
            each("anon_bytes").max(),
            memory["peak_anon_bytes"].as_u64(),
            "{run:?}"
        );
        assert_eq!(
            each("shared_bytes").max(),
            memory["peak_shared_bytes"].as_u64()
        );
        let longest = report["stages"]["end_to_end"]["max_ns"].as_u64().unwrap();
        let off = each("max_ns").max().unwrap().abs_diff(longest);
        assert!(off <= longest / 1000, "{run:?}: {off} of {longest}");
        let lines_end = intervals.len() as f64 * report["timeline"]["interval_s"].as_f64().unwrap();
        assert!(
            lines_end <= 2.1 * totals["wall_s"].as_f64().unwrap() + 0.01,
            "{run:?}"
        );
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
        "thumbnail:WxH",
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
        "compare --html comparison.html demo/flat/{payload,payload-raw,path,mmap,shm,sequential}",
    ] {
        assert!(said.contains(words), "no {words:?}: {said}");
    }
    assert!(!sandbox.path("demo/frames").exists());
    for pace in ["flat", "paced"] {
        assert_eq!(
            std::fs::read_dir(sandbox.path("demo").join(pace))
                .unwrap()
                .count(),
            6
        );
        assert_eq!(sandbox.digests(&format!("demo/{pace}")).len(), 1);
    }
    let next = sandbox
        .run("compare demo/flat/payload demo/flat/mmap")
        .succeeds()
        .out;
    assert!(next.contains("Identical findings"), "{next}");
}

#[test]
fn runs_that_begin_at_once_have_a_place_each() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let line = "run set --mode path";
    let begin = |_| {
        let mut command = sandbox.command(line);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let begun: Vec<_> = (0..3).map(begin).collect();
    let said = begun.into_iter().map(|run| {
        let said = Said::from(run.wait_with_output().unwrap(), line).succeeds();
        let place = said
            .out
            .lines()
            .find_map(|line| line.strip_prefix("reports: "));
        let place = place.unwrap_or_else(|| panic!("no place: {said:#?}"));
        assert!(sandbox.path(place).join("path/report.json").exists());
        place.to_owned()
    });
    assert_eq!(said.collect::<HashSet<_>>().len(), 3);
    // What is refused takes no place.
    sandbox
        .run("run set --mode payload --batch 0")
        .fails(2, &["batch"]);
    assert_eq!(std::fs::read_dir(sandbox.path("runs")).unwrap().count(), 3);
}

#[test]
fn a_demo_leaves_the_place_of_another_that_is_under_way_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("demo/frames/manifest.json", b"");
    let other = std::fs::File::open(sandbox.path("demo")).unwrap();
    other.lock().unwrap();
    let demo = "demo --frames 8 --size 160x90 --out demo";
    sandbox
        .run(demo)
        .fails(2, &["demo: is another demo's", "--out"])
        .one_line();
    assert!(sandbox.path("demo/frames/manifest.json").exists());
}

#[test]
fn a_demo_that_does_not_fit_offers_one_that_does() {
    let sandbox = Sandbox::new();
    sandbox
        .run("demo --frames 200 --size 30000x30000")
        .fails(1, &["need", "of disk", "of memory", "this fits: --size"])
        .one_line();
}

#[test]
fn a_ctrl_c_before_the_first_frame_ends_it_too_and_leaves_nothing() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let line = "run set --mode all --analyze burn:50 --repeat 1000 --out deep/out";
    let mut command = sandbox.command(line);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
    // As a terminal would: all of the group are told.
    let mut run = run.process_group(0).spawn().unwrap();
    while common::children(run.id()).is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    let group = format!("-{}", run.id());
    let told = std::process::Command::new("kill")
        .args(["-INT", "--", &group])
        .status();
    assert!(told.unwrap().success());
    let said = Said::from(run.wait_with_output().unwrap(), line);
    said.fails(130, &["interrupted"]).one_line();
    assert!(!sandbox.path("deep").exists());
}

#[test]
fn a_sentence_that_nobody_can_be_told_is_still_an_exit_code() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("run nowhere.mp4 --mode shm");
    let full = std::fs::File::create("/dev/full").unwrap();
    assert_eq!(command.stderr(full).status().unwrap().code(), Some(2));
}

#[test]
fn where_there_is_no_temporary_folder_no_worker_starts_and_that_is_said() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 4");
    let line = "run set --mode mmap --out out";
    let mut command = sandbox.command(line);
    command.env("TMPDIR", sandbox.path("none"));
    let said = Said::from(command.output().unwrap(), line);
    said.fails(1, &["worker", "none", "TMPDIR"]).one_line();
    assert!(!sandbox.path("out").exists());
}
