//! `framehaul merge`: runs of ranges of one input become the run over the whole.

mod common;

use common::{Sandbox, given};
use framehaul::report::Report;
use framehaul::stage::Stage;
use std::fs;
use std::path::Path;

const ALL: &str = "luma,histogram,motion,sharpness,thumbnail:16x9";

/// A random walk (xorshift64) that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    /// Where a range is cut, its ends included: up to three times between them.
    fn cut(&mut self, range: std::ops::Range<u64>) -> Vec<u64> {
        let inside = range.end - range.start - 1;
        let cuts = 1 + self.below(3);
        let mut cuts: Vec<_> = (0..cuts)
            .map(|_| range.start + 1 + self.below(inside))
            .collect();
        cuts.extend([range.start, range.end]);
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }
}

/// What lies in a run's directory beside its report and its log.
fn kept(run: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(run).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    let kept = named.filter(|(name, _)| name != "report.json" && name != "latency.hlog");
    let mut kept: Vec<_> = kept
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    // What is made of a report.
    kept.retain(|(name, _)| !name.ends_with(".html"));
    kept.sort();
    kept
}

/// Merges the pieces of each mode below their folders, and compares with the run over the whole.
fn merged_is_whole(sandbox: &Sandbox, pieces: &[String], what: &str) {
    for mode in fs::read_dir(sandbox.path("whole")).unwrap() {
        let mode = mode.unwrap().file_name().into_string().unwrap();
        let runs: Vec<String> = pieces
            .iter()
            .map(|piece| format!("{piece}/{mode}"))
            .collect();
        let line = format!("merge {} --out merged/{mode}", runs.join(" "));
        sandbox.run(&line).succeeds();
        let path = |run: &str| sandbox.path(run);
        let whole = path(&format!("whole/{mode}"));
        let merged = path(&format!("merged/{mode}"));
        let (names, bytes): (Vec<_>, Vec<_>) = kept(&merged).into_iter().unzip();
        let (expected, expected_bytes): (Vec<_>, Vec<_>) = kept(&whole).into_iter().unzip();
        assert_eq!(names, expected, "{what}: {mode}");
        assert!(
            bytes == expected_bytes,
            "{what}: {mode} differs from the whole"
        );

        let (merged, whole) = (Report::read(merged).unwrap(), Report::read(whole).unwrap());
        assert_eq!(
            merged.findings_digest, whole.findings_digest,
            "{what}: {mode}"
        );
        assert_eq!(merged.workload.frames, whole.workload.frames);
        assert_eq!(merged.totals.frames, whole.totals.frames);
        assert_eq!(merged.totals.frames_failed, whole.totals.frames_failed);
        let reports: Vec<_> = runs
            .iter()
            .map(|run| Report::read(path(run)).unwrap())
            .collect();
        for stage in Stage::ALL {
            let decode = |report: &Report| report.stages.get(&stage).map(|of| of.decode().unwrap());
            let together = reports.iter().filter_map(decode).reduce(|mut one, other| {
                one.auto(true);
                one.add(other).unwrap();
                one
            });
            assert_eq!(
                decode(&merged),
                together,
                "{what}: {mode}, {}",
                stage.name()
            );
        }
    }
}

#[test]
fn pieces_of_any_input_in_any_mode_are_the_run_over_the_whole_when_merged() {
    for (seed, (set, input)) in [
        ("--pixels rgb16 --frames 9", "set"),
        (
            "--pixels rgb8 --frames 17 --layout files --format png",
            "set",
        ),
        ("--frames 1", "camera:64x48"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut random = Random(seed as u64 + 1);
        let sandbox = Sandbox::new().with_set(&format!("--size 64x48 {set}"));
        // Beyond its end a set begins again.
        let range = 3..26;
        let (start, end) = (range.start, range.end);
        let run = format!("run {input} --mode all --analyze {ALL}");
        let line = format!("{run} --frames {start}..{end} --out whole");
        sandbox.run(&line).succeeds();
        let cuts = random.cut(range);
        let mut pieces = Vec::new();
        for two in cuts.windows(2) {
            let (workers, batch) = (1 + random.below(3), 1 + random.below(5));
            let out = format!("piece{}", two[0]);
            let line = format!(
                "{run} --frames {}..{} --workers {workers} --batch {batch} --out {out}",
                two[0], two[1]
            );
            sandbox.run(&line).succeeds();
            let at = random.below(pieces.len() as u64 + 1) as usize;
            pieces.insert(at, out);
        }
        merged_is_whole(&sandbox, &pieces, &format!("{input} {set} cut at {cuts:?}"));
    }
}

#[test]
fn times_of_a_video_and_frames_that_failed_are_merged_too() {
    let sandbox = Sandbox::new();
    fs::copy(given("FRAMEHAUL_CLIP"), sandbox.path("clip.mp4")).unwrap();
    let run = |frames: &str, out: &str| {
        let ffmpeg = given("FRAMEHAUL_FFMPEG");
        let line =
            format!("run clip.mp4 --mode shm --analyze luma,motion --frames {frames} --out {out}");
        let output = sandbox
            .command(&line)
            .env("FRAMEHAUL_FFMPEG", ffmpeg)
            .output();
        common::Said::from(output.unwrap(), &line).succeeds();
    };
    run("5..30", "whole");
    run("5..11", "a");
    run("11..30", "b");
    assert!(sandbox.path("whole/shm/timestamps.txt").exists());
    merged_is_whole(&sandbox, &["b".into(), "a".into()], "clip.mp4");

    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 6 --layout files --format png");
    sandbox.write("set/frames/000003.png", b"no picture");
    for (frames, out, code) in [("0..6", "whole", 1), ("0..3", "a", 0), ("3..6", "b", 1)] {
        let line = format!("run set --mode path --analyze {ALL} --frames {frames} --out {out}");
        assert_eq!(sandbox.run(&line).code, Some(code), "{line}");
    }
    merged_is_whole(
        &sandbox,
        &["b".into(), "a".into()],
        "a picture that is none",
    );
}

#[test]
fn a_merged_run_is_a_run_like_any_other() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 12");
    for (frames, out) in [("0..5", "a"), ("5..12", "b")] {
        let how = "--mode mmap --analyze luma --repeat 2 --fps 500";
        sandbox
            .run(&format!("run set {how} --frames {frames} --out {out}"))
            .succeeds();
    }
    let said = sandbox
        .run("merge b/mmap a/mmap/report.json --out all --json")
        .succeeds();
    let printed: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let report = sandbox.report("all");
    assert_eq!(printed, report);
    assert_eq!(
        report["workload"]["frames"],
        serde_json::json!({"start": 0, "end": 12})
    );
    assert_eq!(report["totals"]["frames"], 24);
    assert_eq!(report["workload"]["set"]["frames"], 12);
    assert!(report["workload"]["set"]["bytes"].as_u64() > Some(12 * 64 * 48 * 3));
    let of_first = sandbox.report("a/mmap");
    assert_eq!(report["begun_unix_s"], of_first["begun_unix_s"]);
    let seconds = |of: &serde_json::Value| of.as_f64().unwrap();
    let end = seconds(&of_first["begun_unix_s"]) + seconds(&of_first["totals"]["wall_s"]);
    assert!(end <= seconds(&of_first["finished_unix_s"]));
    assert_eq!(report["totals"]["pass_wall_s"].as_array().unwrap().len(), 2);
    assert_eq!(report["merged"]["parts"].as_array().unwrap().len(), 2);
    assert!(report["command"].to_string().contains("merge"));
    assert!(sandbox.path("all/latency.hlog").exists());

    let said = sandbox.run("compare all").succeeds();
    assert!(said.out.starts_with("mmap: 12 frames of set"), "{said:?}");
    assert!(said.out.contains("merged from 2 runs"), "{said:?}");
    let said = sandbox.run("merge all --out again").succeeds();
    assert!(said.out.ends_with("report: again\n"), "{said:?}");
    assert_eq!(sandbox.report("again")["merged"], report["merged"]);
}

#[test]
fn what_cannot_be_merged_is_refused_in_one_sentence_and_nothing_is_written() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 12");
    let run = |how: &str, out: &str| {
        sandbox
            .run(&format!("run set {how} --out {out}"))
            .succeeds();
    };
    run("--analyze luma --mode mmap,path --frames 0..5", "a");
    run("--analyze luma --mode mmap --frames 4..9", "b");
    run("--analyze luma --mode mmap --frames 7..9", "c");
    run("--analyze luma,motion --mode mmap --frames 5..9", "d");
    for (runs, words) in [
        ("a/mmap b/mmap", "b/mmap: has frame 4 and so has a/mmap"),
        ("a/mmap a/mmap", "has frames 0 to 4 and so has"),
        ("a/mmap c/mmap", "no run has frames 5 to 6"),
        (
            "a/mmap d/mmap",
            "differ in analyzers (luma,motion and luma)",
        ),
        ("a/path b/mmap", "differ in mode (mmap and path)"),
        ("a/mmap set", "set: is no run directory"),
        ("a/mmap none", "none: cannot read"),
    ] {
        let said = sandbox.run(&format!("merge {runs} --out out"));
        said.fails(2, &[words]).one_line();
        assert!(!sandbox.path("out").exists() && !sandbox.path("out.partial").exists());
    }
    for out in ["a/mmap", "a"] {
        let said = sandbox.run(&format!("merge a/mmap --out {out}"));
        said.fails(2, &["one of the runs to be merged"]).one_line();
    }
    // The same name, and another set.
    fs::remove_dir_all(sandbox.path("set")).unwrap();
    let generate = "generate set --size 64x48 --frames 13";
    sandbox.run(generate).succeeds();
    run("--analyze luma --mode mmap --frames 5..9", "e");
    let said = sandbox.run("merge a/mmap e/mmap --out out");
    said.fails(2, &["when that had 13 frames in", "say --input NAME"])
        .one_line();
    let merge = "merge a/mmap e/mmap --out out --input both";
    sandbox.run(merge).succeeds();
    // The same name and size, and another scene.
    fs::remove_dir_all(sandbox.path("set")).unwrap();
    sandbox
        .run("generate set --size 64x48 --frames 12 --seed 2")
        .succeeds();
    run("--analyze luma --mode mmap --frames 5..9", "f");
    let said = sandbox.run("merge a/mmap f/mmap --out again");
    let words = ["f/mmap: is a run of set, and so is a/mmap, but other bytes were in that"];
    said.fails(2, &words).one_line();
    assert!(!sandbox.path("again").exists());

    let findings = sandbox.path("a/mmap/findings.jsonl");
    let text = fs::read_to_string(&findings).unwrap();
    fs::write(&findings, text.replacen("mean\":", "mean\":1", 1)).unwrap();
    let said = sandbox.run("merge a/mmap --out out");
    said.fails(2, &["a/mmap/findings.jsonl: is not what the run found"])
        .one_line();
}
