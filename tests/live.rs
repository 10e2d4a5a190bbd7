//! Frames that come through slots: a camera's and those of sets, in mode `shm`. None is lost, torn
//! or found otherwise, whoever is killed or stopped on the way, and every drop has its reason.

mod common;

use common::{Said, Sandbox, children, is_running, kill, workers};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Stdio};

/// The lines of a run's findings, of which there is one a frame, in order.
fn lines(sandbox: &Sandbox, out: &str) -> Vec<Value> {
    let lines = sandbox.findings(&format!("{out}/shm"));
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["frame"], index, "a line a frame, in order");
    }
    lines
}

/// Checks a run's books: what was produced was analysed, failed or dropped, by its report and by its
/// findings. Returns how many were dropped.
#[track_caller]
fn balanced(sandbox: &Sandbox, out: &str, frames: u64) -> u64 {
    let totals = &sandbox.report(&format!("{out}/shm"))["totals"];
    let lines = lines(sandbox, out);
    assert_eq!(
        (lines.len() as u64, &totals["frames"]),
        (frames, &frames.into())
    );
    let mut reasons = BTreeMap::<String, u64>::new();
    let (mut analysed, mut failed) = (0, 0);
    for line in &lines {
        match (line["dropped"].as_str(), line["error"].as_str()) {
            (Some(why), None) => *reasons.entry(why.into()).or_default() += 1,
            (None, Some(_)) => failed += 1,
            _ => {
                analysed += 1;
                assert!(line["luma"].is_object(), "{line}");
            }
        }
    }
    let dropped = reasons.values().sum::<u64>();
    assert_eq!(totals["frames_analysed"], analysed);
    assert_eq!(totals["frames_failed"], failed);
    assert_eq!(totals["frames_dropped"], dropped);
    assert_eq!(totals["dropped"], serde_json::json!(reasons));
    dropped
}

/// What `sha256sum` says.
fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(sandbox: &Sandbox, run: &str) -> String {
    let digest = &sandbox.report(run)["findings_digest"];
    digest.as_str().unwrap().to_owned()
}

// ---- what is found ------------------------------------------------------------------------------

#[test]
fn a_set_through_slots_is_found_to_be_what_it_is_in_files() {
    let sandbox = Sandbox::new().with_set("--size 160x90 --frames 9");
    let analyze = "--analyze luma,motion,histogram,sharpness,thumbnail:16x9";
    for frames in ["", "--frames 3..8", "--frames 5..40"] {
        sandbox
            .run(&format!(
                "run set --mode sequential {analyze} {frames} --out expected"
            ))
            .succeeds();
        let expected = digest(&sandbox, "expected/sequential");
        let thumbnails = std::fs::read(sandbox.path("expected/sequential/thumbnails.npy")).unwrap();
        for how in [
            "",
            "--workers 1 --slots 2",
            "--workers 3 --slots 2",
            "--workers 3 --batch 4",
            "--workers 2 --batch 2 --slots 3",
            "--fps 2000",
        ] {
            let line = format!("run set --mode shm {analyze} {frames} {how} --out out");
            sandbox.run(&line).succeeds();
            assert_eq!(digest(&sandbox, "out/shm"), expected, "{line}");
            let same = std::fs::read(sandbox.path("out/shm/thumbnails.npy")).unwrap() == thumbnails;
            assert!(same, "{line}");
        }
    }
}

#[test]
fn a_camera_shows_the_same_to_any_number_of_workers_from_any_frame_on() {
    let sandbox = Sandbox::new();
    for pixels in ["rgb16", "yuv420p10"] {
        let mut digests = Vec::new();
        for how in [
            "--workers 1 --slots 2",
            "--workers 3",
            "--workers 2 --batch 5",
        ] {
            let line =
                format!("run camera:64x48:{pixels} --mode shm --frames 0..50 {how} --out out");
            sandbox.run(&line).succeeds();
            assert_eq!(balanced(&sandbox, "out", 50), 0);
            digests.push(digest(&sandbox, "out/shm"));
        }
        digests.dedup();
        assert_eq!(digests.len(), 1, "{pixels}");
        // Begun later, it finds the same from there on, the first frame's motion included.
        let whole = sandbox.findings("out/shm");
        sandbox
            .run(&format!(
                "run camera:64x48:{pixels} --mode all --frames 20..50 --out part"
            ))
            .succeeds();
        assert_eq!(sandbox.findings("part/shm"), whole[20..]);
    }
}

// ---- back-pressure ------------------------------------------------------------------------------

#[test]
fn each_policy_accounts_for_every_frame_and_only_block_loses_none() {
    let sandbox = Sandbox::new();
    for (policy, reason) in [
        ("block", None),
        ("drop-newest", Some("no slot was free")),
        ("drop-oldest", Some("a later frame took its slot")),
    ] {
        // Each frame takes much longer to analyse than to draw.
        let line = format!(
            "run camera:64x48 --mode shm --frames 0..60 --workers 2 --slots 6 --policy {policy} \
             --analyze luma,motion,burn:3 --out {policy}"
        );
        sandbox.run(&line).succeeds();
        let dropped = balanced(&sandbox, policy, 60);
        let report = sandbox.report(&format!("{policy}/shm"));
        assert_eq!(report["workload"]["policy"], policy);
        assert_eq!(report["slots"]["count"], 6);
        match reason {
            None => assert_eq!(dropped, 0),
            Some(reason) => {
                assert!(
                    report["totals"]["dropped"][reason].as_u64() > Some(0),
                    "{report}"
                );
                let lines = lines(&sandbox, policy);
                // Whoever comes behind a dropped frame is not compared with an older one.
                let behind = lines
                    .windows(2)
                    .filter(|pair| pair[0]["dropped"].is_string());
                let analysed = behind.filter(|pair| pair[1]["luma"].is_object());
                for pair in analysed {
                    assert!(pair[1]["motion"]["mean_abs_diff"].is_null(), "{pair:?}");
                }
            }
        }
    }
    // Which frames are dropped may be others in each pass.
    let again = "run camera:64x48 --mode shm --frames 0..60 --workers 2 --slots 6 --policy drop-oldest \
                 --analyze luma,motion,burn:3 --repeat 4 --out again";
    let said = sandbox.run(again).succeeds();
    assert!(!said.out.contains("did not find"), "{said:#?}");
    // The newest frame is what drop-oldest is for.
    let last = |policy| lines(&sandbox, policy).pop().unwrap();
    assert!(last("drop-oldest")["luma"].is_object());
}

#[test]
fn a_camera_that_is_told_to_end_has_a_report_of_what_was_and_says_what_was_to_come() {
    let sandbox = Sandbox::new();
    for (frames, code) in [("", 0), ("--frames 0..100000000", 1)] {
        let line = format!("run camera:64x48@100 --mode shm {frames} --out out");
        let run = started(&sandbox, &line);
        kill("-INT", run.id());
        let said = Said::from(run.wait_with_output().unwrap(), frames);
        assert_eq!(said.code, Some(code), "{said:#?}");
        let frames = sandbox.report("out/shm")["totals"]["frames"].clone();
        let frames = frames.as_u64().unwrap();
        assert!(frames > 0);
        assert_eq!(balanced(&sandbox, "out", frames), 0);
        let cut_off = format!("it was stopped after {frames} of 100000000 frames");
        assert_eq!(said.err.contains(&cut_off), code == 1, "{said:#?}");
    }
}

#[test]
fn the_findings_of_an_endless_camera_are_written_as_they_come() {
    let sandbox = Sandbox::new();
    let line = "run camera:64x48 --mode shm --out out";
    let mut run = started(&sandbox, line);
    let so_far = sandbox.path("out/shm.partial/findings.jsonl");
    while std::fs::metadata(&so_far).unwrap().len() == 0 {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    kill("-INT", run.id());
    Said::from(run.wait_with_output().unwrap(), line).succeeds();
    let whole = std::fs::read(sandbox.path("out/shm/findings.jsonl")).unwrap();
    assert_eq!(digest(&sandbox, "out/shm"), sha256(&whole));
}

#[test]
fn an_endless_camera_that_is_told_to_end_waits_for_nobody_who_does_not_answer() {
    let sandbox = Sandbox::new();
    let line = "run camera:64x48 --mode shm --workers 2 --analyze luma,burn:5 --out out";
    let run = started(&sandbox, line);
    let stopped = workers(run.id());
    stopped.iter().for_each(|&pid| kill("-STOP", pid));
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), line).succeeds();
    let frames = &sandbox.report("out/shm")["totals"]["frames"];
    let dropped = balanced(&sandbox, "out", frames.as_u64().unwrap());
    assert!(dropped > 0, "{said:?}");
    let last = lines(&sandbox, "out").pop().unwrap();
    assert_eq!(last["dropped"], "the run was stopped");
    assert!(!stopped.into_iter().any(is_running));
}

#[test]
fn a_run_whose_first_frame_is_still_to_come_ends_when_it_is_told_to() {
    let sandbox = Sandbox::new();
    let line = "run - --mode shm --workers 1 --frames 5..10 --out out";
    let mut command = sandbox.command(line);
    let run = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut run = run.stderr(Stdio::piped()).spawn().unwrap();
    // Two frames of the five before it, and no more for now.
    let video = [
        &b"YUV4MPEG2 W2 H2 F25:1 Cmono\n"[..],
        b"FRAME\n0000FRAME\n1111",
    ]
    .concat();
    let mut sender = run.stdin.take().unwrap();
    sender.write_all(&video).unwrap();
    // It hears signals before it has workers.
    while workers(run.id()).is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), line);
    said.fails(130, &["interrupted"]).one_line();
    assert!(!sandbox.path("out/shm").exists());
}

#[test]
fn a_stream_without_the_frames_that_were_asked_for_is_no_success() {
    let sandbox = Sandbox::new();
    for (range, frames, words) in [
        ("", 0, "it holds no frames"),
        ("--frames 3..9", 3, "it has ended before frame 3"),
    ] {
        let line = format!("run - --mode shm --workers 1 {range} --out out");
        let mut command = sandbox.command(&line);
        let run = command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut run = run.stderr(Stdio::piped()).spawn().unwrap();
        let video = format!(
            "YUV4MPEG2 W2 H2 F25:1 Cmono\n{}",
            "FRAME\n0000".repeat(frames)
        );
        let sent = run.stdin.take().unwrap().write_all(video.as_bytes());
        sent.unwrap();
        let said = Said::from(run.wait_with_output().unwrap(), &line);
        said.fails(2, &[words]).one_line();
        assert!(!sandbox.path("out/shm").exists());
    }
}

/// A run whose workers have begun to analyse.
fn started(sandbox: &Sandbox, line: &str) -> Child {
    let mut command = sandbox.command(line);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    // A worker has mapped the slots, and taken some time for something.
    let has_worked = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or("");
        let user_ticks = after_name.split(' ').nth(11);
        user_ticks.and_then(|ticks| ticks.parse().ok()) > Some(1u64)
    };
    while !workers(run.id()).into_iter().any(has_worked) {
        assert!(run.try_wait().unwrap().is_none(), "{line}: it has ended");
        std::thread::yield_now();
    }
    run
}

// ---- who dies or stops on the way ---------------------------------------------------------------

/// Rounds of random faults; more are asked for by whoever has the time.
fn rounds() -> u64 {
    let asked = std::env::var("FRAMEHAUL_ROUNDS");
    asked.map_or(12, |rounds| rounds.parse().expect("a number of rounds"))
}

#[test]
fn workers_killed_stopped_and_continued_at_random_lose_tear_or_leak_nothing() {
    let sandbox = Sandbox::new();
    let line = "run camera:320x180 --mode shm --frames 0..400 --workers 3 --slots 6 --analyze \
                luma,motion,histogram";
    sandbox.run(&format!("{line} --out quiet")).succeeds();
    let expected = digest(&sandbox, "quiet/shm");
    let mut seed = 5u64;
    println!("seed {seed}");
    let mut dice = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> 33
    };
    let mut deaths = 0;
    for _ in 0..rounds() {
        let mut command = sandbox.command(&format!("{line} --out out"));
        let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut run = run.spawn().unwrap();
        let mut kills = 0;
        while run.try_wait().unwrap().is_none() {
            for pid in workers(run.id()) {
                match dice() % 200 {
                    // One less than give a frame up.
                    0 if kills < 2 => {
                        kill("-9", pid);
                        kills += 1;
                    }
                    1 => {
                        kill("-STOP", pid);
                        // For a while, as long as something else takes.
                        (0..dice() % 50).for_each(|_| drop(workers(run.id())));
                        kill("-CONT", pid);
                    }
                    _ => {}
                }
            }
        }
        let said = Said::from(run.wait_with_output().unwrap(), line).succeeds();
        assert_eq!(digest(&sandbox, "out/shm"), expected, "{said:?}");
        assert_eq!(balanced(&sandbox, "out", 400), 0);
        deaths += sandbox.report("out/shm")["totals"]["workers_died"]
            .as_u64()
            .unwrap();
    }
    assert!(deaths > 0, "nobody died: the test has tested nothing");
    println!("{deaths} deaths");
}

#[test]
fn a_producer_that_is_killed_at_any_moment_leaves_nobody_and_nothing() {
    let sandbox = Sandbox::new();
    for round in 0..rounds() {
        let line = "run camera:320x180 --mode shm --workers 2 --out out";
        let mut run = started(&sandbox, line);
        let left = children(run.id());
        // A little later each time.
        (0..round * 7).for_each(|_| drop(workers(run.id())));
        run.kill().unwrap();
        run.wait().unwrap();
        // Ends when they are gone, and their maps of the slots with them, which have no name.
        while left.iter().any(|&pid| is_running(pid)) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_stopped_worker_costs_its_frame_a_deadline_and_the_others_nothing() {
    let sandbox = Sandbox::new();
    let line = "run camera:64x48@200 --mode shm --frames 0..400 --workers 2 --policy drop-oldest \
                --deadline 3 --analyze luma,burn:2 --out out";
    let run = started(&sandbox, line);
    let stopped = workers(run.id())[0];
    kill("-STOP", stopped);
    // Nobody continues it: it holds its slot until the deadline.
    let said = Said::from(run.wait_with_output().unwrap(), line);
    assert!(!is_running(stopped), "{said:?}");
    balanced(&sandbox, "out", 400);
    let totals = &sandbox.report("out/shm")["totals"];
    assert_eq!(totals["workers_died"], 1, "{said:?}");
    // It may have been between two frames: then another took what it had.
    let failed = totals["frames_failed"].as_u64().unwrap();
    assert!(failed <= 1, "{said:?}");
    assert_eq!(said.code, Some(failed as i32), "{said:?}");
}

// ---- what cannot be -----------------------------------------------------------------------------

#[test]
fn what_makes_no_sense_for_slots_or_cameras_is_one_line() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    for (line, code, words) in [
        (
            "run camera:16x16@30 --mode mmap",
            2,
            &["in no file", "shm"][..],
        ),
        (
            "run camera:16x16@30 --mode shm --fps 5",
            2,
            &["--fps 5", "pace of its own"],
        ),
        (
            "run camera:16x16 --mode shm --seconds 2",
            2,
            &["states no rate"],
        ),
        (
            "run camera:16x16@30 --mode shm --seconds 0",
            2,
            &["--seconds", "from 0.000001"],
        ),
        (
            "run camera:16x16@30 --mode shm --seconds 0.001",
            2,
            &["no frame"],
        ),
        (
            "run camera:16x16@30 --mode shm --cache cold --frames 0..3",
            2,
            &["--cache cold"],
        ),
        (
            "run camera:16x16@30 --mode shm --repeat 3",
            2,
            &["until it is stopped", "--seconds"],
        ),
        (
            "run camera:16x16@30 --mode shm --slots 1",
            2,
            &["at least 2", "compared with"],
        ),
        (
            "run camera:16x16@30 --mode shm --deadline -1",
            2,
            &["-1", "--deadline", "from 0.000001"],
        ),
        ("run set --mode mmap --slots 5", 2, &["--slots", "shm"]),
        (
            "run set --mode mmap --policy drop-newest",
            2,
            &["--policy", "shm"],
        ),
        (
            "run set --mode shm --batch 3 --slots 3",
            2,
            &["--slots 3", "at least 4"],
        ),
        (
            "find set --where luma.max>1 --mode shm",
            2,
            &["shm", "try mmap"],
        ),
        (
            "run camera:3840x2160@30 --mode shm --slots 100000",
            1,
            &["needs 5", "MB", "available", "--slots"],
        ),
    ] {
        sandbox.run(line).fails(code, words);
    }
}

#[test]
fn little_of_what_the_system_gives_is_enough_or_refused_at_the_start() {
    let sandbox = Sandbox::new();
    let line = "run camera:640x360 --mode shm --frames 0..20 --workers 2 --out out";
    for enough in ["-l 0", "-n 64", "-c 0"] {
        sandbox.run_limited(enough, line).succeeds();
        assert_eq!(balanced(&sandbox, "out", 20), 0);
    }
    for (little, slots, words) in [
        ("-f 1000", 7, &["ulimit -f", "slots"][..]),
        ("-n 12", 7, &[]),
        ("-v 150000", 200, &[]),
    ] {
        let line = format!("{line} --slots {slots}");
        let said = sandbox.run_limited(little, &line);
        assert_ne!(said.code, Some(0), "{said:#?}");
        // By no signal: it has ended by itself, and says why.
        assert!(said.code.is_some() && !said.err.is_empty(), "{said:#?}");
        for word in words {
            assert!(said.err.contains(word), "{said:#?}");
        }
    }
}
