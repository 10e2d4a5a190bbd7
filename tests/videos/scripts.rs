//! The program with a script in the place of ffmpeg, which does what ffmpeg seldom does.

use crate::common::{Said, children, given, is_running, kill, workers};
use crate::studio::{Studio, digest, long};
use std::process::{Child, Command, Stdio};

/// The program with a line, and a script in the place of ffmpeg that runs `at_open` when the video is
/// opened and `in_run` when its frames are wanted. `$FFMPEG` is the real one.
fn with_script(studio: &Studio, line: &str, at_open: &str, in_run: &str) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/ffmpeg.sh");
    let mut command = studio.0.command(line);
    command
        .env("FFMPEG", given("FRAMEHAUL_FFMPEG"))
        .env("FRAMEHAUL_FFMPEG", script)
        .env("AT_OPEN", at_open)
        .env("IN_RUN", in_run);
    command
}

const AS_IT_IS: &str = "exec \"$FFMPEG\" \"$@\"";

/// What the program says of long.mkv, with a script that runs `in_run` for its frames.
fn scripted(studio: &Studio, in_run: &str) -> Said {
    let line = "run long.mkv --mode shm --analyze luma --workers 1 --out out";
    let output = with_script(studio, line, AS_IT_IS, in_run).output();
    Said::from(output.unwrap(), in_run)
}

#[test]
fn an_ffmpeg_that_is_heard_by_nobody_costs_the_times_alone() {
    let studio = Studio::new();
    long(&studio);
    let run = |line: &str| studio.0.run(line).succeeds();
    run("run long.y4m --mode mmap --analyze luma --out whole");
    scripted(&studio, "exec \"$FFMPEG\" \"$@\" 2>/dev/null").succeeds();
    assert_eq!(digest(&studio, "out/shm"), digest(&studio, "whole/mmap"));
    assert!(!studio.0.path("out/shm/timestamps.txt").exists());
    let notes = studio.0.report("out/shm")["notes"].to_string();
    assert!(notes.contains("told nothing of 200 of 200"), "{notes}");
}

#[test]
fn a_run_ends_with_its_ffmpeg_whoever_holds_its_pipes_open_and_whatever_is_said() {
    let studio = Studio::new();
    long(&studio);
    let run = |line: &str| studio.0.run(line).succeeds();
    run("run long.y4m --mode mmap --analyze luma --out whole");
    let whole = studio.0.findings("whole/mmap");
    let held = &[
        "ffmpeg exited with code 0 after 200 frames",
        "holds its output open",
    ][..];
    for (in_run, words) in [
        // All that was wanted has come.
        ("\"$FFMPEG\" \"$@\"; sleep 1000 >/dev/null & exit 0", None),
        (
            "\"$FFMPEG\" \"$@\"; exec >/dev/null; yes >&2 & exit 0",
            None,
        ),
        // Whether more was to come, nobody knows.
        ("\"$FFMPEG\" \"$@\"; sleep 1000 & exit 0", Some(held)),
        (
            "\"$FFMPEG\" \"$@\"; sleep 1000 2>/dev/null & exit 0",
            Some(held),
        ),
        (
            "\"$FFMPEG\" \"$@\"; exec >&-; exec yes >&2",
            Some(&["does not end"][..]),
        ),
    ] {
        let said = scripted(&studio, in_run);
        match words {
            None => drop(said.succeeds()),
            Some(words) => drop(said.fails(1, words).one_line()),
        }
        assert_eq!(studio.0.findings("out/shm"), whole, "{in_run}");
    }
}

#[test]
fn an_end_that_may_be_none_is_named_and_no_frame_is_made_up_for_it() {
    let studio = Studio::new();
    long(&studio);
    let unknown = "more frames may have been to come";
    for (in_run, frames, failed, words) in [
        (
            "\"$FFMPEG\" \"$@\"; kill -TERM $$",
            200,
            0,
            ["killed by SIGTERM after 200 frames", unknown],
        ),
        (
            "\"$FFMPEG\" \"$@\"; exit 255",
            200,
            0,
            ["exited with code 255 after 200 frames", unknown],
        ),
        (
            "exit 0",
            0,
            0,
            ["exited with code 0 after 0 frames", unknown],
        ),
        (
            "exit 3",
            0,
            0,
            ["exited with code 3 after 0 frames", unknown],
        ),
        // What ffmpeg has told of is known to be missing, if nothing of it came.
        (
            "\"$FFMPEG\" \"$@\" | head -c 1152000",
            11,
            1,
            ["frame 10 failed", "having told of more"],
        ),
        (
            "\"$FFMPEG\" \"$@\" | head -c 1152001",
            11,
            1,
            ["ends inside frame 10: 1 of", "after 10 frames"],
        ),
        (
            "\"$FFMPEG\" \"$@\"; echo more",
            201,
            1,
            ["ends inside frame 200: 5 of", ""],
        ),
    ] {
        scripted(&studio, in_run).fails(1, &words).one_line();
        let totals = &studio.0.report("out/shm")["totals"];
        assert_eq!(totals["frames"], frames, "{in_run}");
        assert_eq!(totals["frames_failed"], failed, "{in_run}");
    }
}

#[test]
fn an_ffmpeg_that_shows_no_first_frame_is_named() {
    let studio = Studio::new();
    long(&studio);
    let line = "run long.mkv --mode shm --out out";
    let at_open = |script: &str| {
        let output = with_script(&studio, line, script, "exit 1").output();
        Said::from(output.unwrap(), script)
    };
    for (script, words) in [
        ("exit 0", "tells of no frame"),
        ("exit 3", "exited with code 3"),
        ("kill -KILL $$", "killed by SIGKILL"),
        ("sleep 1000 & exit 0", "tells of no frame"),
        ("yes >&2 & exit 0", "tells of no frame"),
        ("echo hello; exec \"$FFMPEG\" \"$@\"", "standard output"),
    ] {
        at_open(script).fails(2, &["long.mkv", words]).one_line();
    }
}

/// A run of long.mkv with a script that runs `in_run` for its frames, when that has begun; and the
/// process that it has become.
fn scripted_run(studio: &Studio, in_run: &str) -> (Child, u32) {
    let line = "run long.mkv --mode shm --analyze luma,burn:50 --workers 1 --out out";
    let in_run = format!("echo begun > begun\n{in_run}");
    let mut command = with_script(studio, line, AS_IT_IS, &in_run);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    while !studio.0.path("begun").exists() {
        assert!(run.try_wait().unwrap().is_none(), "it has ended: {in_run}");
        std::thread::yield_now();
    }
    std::fs::remove_file(studio.0.path("begun")).unwrap();
    let (children, workers) = (children(run.id()), workers(run.id()));
    let script = children.into_iter().find(|pid| !workers.contains(pid));
    (run, script.expect("the script"))
}

#[test]
fn a_video_that_shows_nothing_is_given_up_when_it_is_told_to() {
    let studio = Studio::new();
    long(&studio);
    let line = "run long.mkv --mode shm --out out";
    let mut command = with_script(
        &studio,
        line,
        "sleep 1000 & echo $! > begun; wait",
        "exit 1",
    );
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    // A line, when it is whole, ends.
    let grandchild = loop {
        let begun = std::fs::read_to_string(studio.0.path("begun")).unwrap_or_default();
        if let Some(pid) = begun.strip_suffix('\n') {
            break pid.parse().unwrap();
        }
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    };
    let children = children(run.id());
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), line);
    said.fails(130, &["interrupted"]).one_line();
    // What nobody waits for is gone a moment after it was killed; if it never is, this does not end.
    for process in children.into_iter().chain([grandchild]) {
        while is_running(process) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_run_whose_ffmpeg_sends_nothing_ends_when_it_is_told_to() {
    let studio = Studio::new();
    long(&studio);
    for in_run in [
        "exec sleep 1000",
        "kill -STOP $$",
        "exec tr '\\0' x </dev/zero >&2",
        "trap '' INT TERM HUP; while :; do echo >&2; done",
    ] {
        let (run, script) = scripted_run(&studio, in_run);
        kill("-INT", run.id());
        let said = Said::from(run.wait_with_output().unwrap(), in_run);
        said.fails(130, &["interrupted"]).one_line();
        assert!(!is_running(script), "{in_run}");
    }
}

#[test]
fn an_ffmpeg_that_a_script_has_started_does_not_outlive_a_run_that_is_killed() {
    let studio = Studio::new();
    long(&studio);
    let (mut run, script) = scripted_run(&studio, "\"$FFMPEG\" \"$@\"; exit");
    let ffmpeg = loop {
        if let Some(&ffmpeg) = children(script).first() {
            break ffmpeg;
        }
        assert!(is_running(script), "it has ended");
        std::thread::yield_now();
    };
    run.kill().unwrap();
    run.wait().unwrap();
    // The kernel kills the script; its ffmpeg has nobody any more whom it could send the rest to.
    while is_running(script) || is_running(ffmpeg) {
        std::thread::yield_now();
    }
}
