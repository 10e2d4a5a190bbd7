//! `framehaul find`: what is found, what is saved, and that neither depends on luck.

mod common;

use common::{Sandbox, kill, workers};
use framehaul::analysis::Condition;
use framehaul::pool::MAX_DEATHS;
use serde_json::Value;
use std::process::Stdio;

const MODES: [&str; 6] = [
    "sequential",
    "threads",
    "payload",
    "payload-raw",
    "path",
    "mmap",
];

/// The object that `--json` prints, of a search that ends as it should.
#[track_caller]
fn find(sandbox: &Sandbox, rest: &str, condition: &str) -> Value {
    let line = format!("find {rest} --json --where");
    let mut command = sandbox.command(&line);
    let output = command.arg(condition).output().unwrap();
    let said = common::Said::from(output, &line);
    let answer: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:#?}"));
    let found = inputs(&answer)
        .iter()
        .any(|input| !frames(input).is_empty());
    assert_eq!(said.code, Some(i32::from(!found)), "{said:#?}");
    assert_eq!(said.err, "", "{said:#?}");
    answer
}

fn inputs(answer: &Value) -> &[Value] {
    answer["inputs"].as_array().unwrap()
}

fn frames(input: &Value) -> Vec<u64> {
    let found = input["found"].as_array().unwrap().iter();
    found.map(|hit| hit["frame"].as_u64().unwrap()).collect()
}

fn number(input: &Value, name: &str) -> u64 {
    let number = input[name].as_u64();
    number.unwrap_or_else(|| panic!("no {name}: {input}"))
}

fn truth(sandbox: &Sandbox, set: &str) -> Value {
    let text = std::fs::read(sandbox.path(set).join("manifest.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["truth"].clone()
}

/// The frames of a set that meet a condition, by a run over all of it.
fn by_run(sandbox: &Sandbox, set: &str, condition: &str) -> Vec<u64> {
    let condition = Condition::parse(condition).unwrap();
    let names = condition.analysis().names().join(",");
    let line = format!("run {set} --mode sequential --analyze {names} --out filtered");
    sandbox.run(&line).succeeds();
    let lines = sandbox.findings("filtered/sequential");
    let lines = lines.iter().enumerate();
    let met = lines.filter(|(_, line)| condition.evaluate(line).unwrap().met);
    met.map(|(frame, _)| frame as u64).collect()
}

/// What is counted is all there is.
fn adds_up(input: &Value, height: u64) {
    let parts = [
        "frames_analysed",
        "frames_abandoned",
        "frames_failed",
        "frames_untouched",
    ];
    let frames: u64 = parts.iter().map(|part| number(input, part)).sum();
    assert_eq!(frames, number(input, "frames"), "{input}");
    let rows = number(input, "rows_analysed") + number(input, "rows_untouched");
    let readable = number(input, "frames") - number(input, "frames_failed");
    assert_eq!(rows, readable * height, "{input}");
}

#[test]
fn the_needle_is_found_in_every_mode_and_every_layout() {
    for (options, brightest) in [
        ("--pixels rgb16", 65535.0),
        ("--pixels gray8 --layout files", 255.0),
        ("--pixels rgb8 --layout files --format png", 255.0),
    ] {
        let sandbox = Sandbox::new().with_set(&format!("--size 160x90 --frames 20 {options}"));
        let needle = truth(&sandbox, "set")["needle"]["frame"].as_u64().unwrap();
        for mode in MODES {
            if mode == "mmap" && options.contains("png") {
                continue;
            }
            for how in ["", "--any", "--all", "--check-every 1 --workers 3"] {
                let line = format!("set --mode {mode} {how}");
                let answer = find(&sandbox, &line, &format!("luma.max == {brightest}"));
                let input = &inputs(&answer)[0];
                assert_eq!(frames(input), [needle], "{line} {options}: {answer}");
                let hit = &input["found"][0];
                assert_eq!(hit["values"]["luma.max"], brightest);
                assert_eq!(hit["seconds"], needle as f64 / 30.0);
                assert_eq!(
                    (&input["mode"], &answer["mode"]),
                    (&mode.into(), &mode.into())
                );
                adds_up(input, 90);
            }
        }
    }
}

#[test]
fn the_earliest_of_many_is_the_same_however_it_is_searched() {
    let sandbox = Sandbox::new().with_set("--size 320x180 --frames 60 --pixels gray16");
    for condition in [
        "motion.mean_abs_diff > 1000",
        "luma.mean < 2",
        "frame >= 31 and luma.max > 0",
        "histogram.p90 > 100 and not motion.mean_abs_diff == 0 and frame > 5",
    ] {
        let expected = by_run(&sandbox, "set", condition);
        assert!(expected.len() > 1, "{condition}: {expected:?}");
        for mode in ["threads", "mmap", "path", "payload-raw"] {
            for workers in [1, 2, 5] {
                for every in ["1", "37", "auto"] {
                    let line =
                        format!("set --mode {mode} --workers {workers} --check-every {every}");
                    let answer = find(&sandbox, &line, condition);
                    let input = &inputs(&answer)[0];
                    assert_eq!(frames(input), expected[..1], "{line}: {condition}");
                    assert!(number(input, "frames_analysed") > expected[0]);
                    adds_up(input, 180);
                }
            }
        }
        let all = find(&sandbox, "set --all", condition);
        let input = &inputs(&all)[0];
        assert_eq!(frames(input), expected, "{condition}");
        assert_eq!(number(input, "frames_analysed"), 60);
        for workers in [1, 3] {
            let any = find(
                &sandbox,
                &format!("set --any --workers {workers}"),
                condition,
            );
            let found = frames(&inputs(&any)[0]);
            assert_eq!(found.len(), 1, "{any}");
            assert!(expected.contains(&found[0]), "{any}");
        }
    }
}

/// Searches while workers are killed at random moments; fewer than must die over one frame before
/// it is given up, so that the test needs no luck. Says how many died.
fn find_under_fire(sandbox: &Sandbox, line: &str, condition: &str, seed: &mut u64) -> (Value, u64) {
    let mut command = sandbox.command(&format!("find {line} --json --where"));
    let mut search = command
        .arg(condition)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut kills = 0;
    while search.try_wait().unwrap().is_none() {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let workers = workers(search.id());
        if kills + 1 < MAX_DEATHS && *seed >> 61 == 0 && !workers.is_empty() {
            kill("-9", workers[(*seed >> 32) as usize % workers.len()]);
            kills += 1;
        }
        std::thread::yield_now();
    }
    let output = search.wait_with_output().unwrap();
    let said = common::Said::from(output, line).succeeds();
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    let died = number(&answer, "workers_died");
    (answer, died)
}

#[test]
fn workers_killed_at_any_moment_change_no_answer() {
    let sandbox = Sandbox::new().with_set("--size 640x360 --frames 24");
    let condition = "motion.mean_abs_diff > 1000 and sharpness.laplacian_variance > 0";
    let expected = by_run(&sandbox, "set", condition);
    assert!(expected.len() > 1 && expected[0] > 0, "{expected:?}");
    let truth = find(&sandbox, "set --mode sequential", condition);
    let values = &inputs(&truth)[0]["found"][0]["values"];
    let mut seed = 1;
    for mode in ["payload", "payload-raw", "path", "mmap"] {
        let mut deaths = 0;
        for round in 0..12 {
            let which = ["", "--all"][round % 2];
            // Several, so that it takes long enough to be shot at.
            let line = format!("set set set set {which} --mode {mode} --workers 3");
            let (answer, died) = find_under_fire(&sandbox, &line, condition, &mut seed);
            deaths += died;
            assert_eq!(inputs(&answer).len(), 4);
            for input in inputs(&answer) {
                let wanted = if which.is_empty() { 1 } else { expected.len() };
                assert_eq!(frames(input), expected[..wanted], "{line}: {answer}");
                assert_eq!(&input["found"][0]["values"], values, "{line}");
                assert_eq!(number(input, "frames_failed"), 0);
                adds_up(input, 360);
            }
        }
        println!("{mode}: {deaths} deaths");
        assert!(deaths > 0, "nobody died: the test has tested nothing");
    }
}

#[test]
fn a_needle_in_the_first_frame_of_a_large_set_leaves_the_rest_untouched() {
    let sandbox = Sandbox::new().with_set("--size 320x180 --frames 200 --pixels gray8");
    for how in [
        "",
        "--any",
        "--workers 4",
        "--mode threads",
        "--mode payload",
    ] {
        let answer = find(
            &sandbox,
            &format!("set {how}"),
            "frame >= 0 and luma.max >= 0",
        );
        let input = &inputs(&answer)[0];
        if !how.contains("any") {
            assert_eq!(frames(input), [0], "{how}");
        }
        assert!(number(input, "frames_untouched") > 100, "{how}: {answer}");
        assert!(
            number(input, "rows_untouched") > 100 * 180,
            "{how}: {answer}"
        );
        adds_up(input, 180);
        let stops = input["stopped_after_us"].as_array().unwrap();
        assert_eq!(stops.len() as u64, number(&answer, "workers"));
        for stop in stops {
            assert!(stop.is_null() || stop.as_f64().unwrap() >= 0.0, "{answer}");
        }
    }
}

#[test]
fn a_frame_behind_the_find_is_given_up_between_two_rows() {
    // One worker finds at once; the other is at a frame that takes it far longer than that.
    let sandbox = Sandbox::new().with_set("--size 1920x1080 --frames 8 --pixels gray8");
    let mut stopped = 0;
    for _ in 0..20 {
        let answer = find(
            &sandbox,
            "set --any --workers 2 --check-every 1",
            "luma.max >= 0 and sharpness.laplacian_variance >= 0",
        );
        let input = &inputs(&answer)[0];
        assert_eq!(frames(input).len(), 1);
        let rows = number(input, "rows_analysed");
        let whole = number(input, "frames_analysed") * 1080;
        if number(input, "frames_abandoned") == 1 {
            assert!(rows > whole && rows < whole + 1080, "{answer}");
            let stops = input["stopped_after_us"].as_array().unwrap().iter();
            assert_eq!(stops.filter(|stop| stop.is_number()).count(), 1, "{answer}");
            stopped += 1;
        } else {
            assert_eq!(rows, whole, "{answer}");
        }
    }
    assert!(stopped > 0, "nobody was ever in the middle of a frame");
}

#[test]
fn several_inputs_are_each_searched_and_settle_in_their_order() {
    let sandbox = Sandbox::new().with_set("--size 160x90 --frames 30 --seed 1");
    sandbox
        .run("generate other --size 64x48 --frames 13 --seed 2 --pixels gray16 --fps 25")
        .succeeds();
    let [clip, images] = common::samples();
    let needle = |set| truth(&sandbox, set)["needle"]["frame"].as_u64().unwrap();
    let (first, second) = (needle("set"), needle("other"));
    let line = format!("set {clip} other {images} set");
    let answer = find(&sandbox, &line, "luma.max > 65000");
    let found: Vec<_> = inputs(&answer).iter().map(frames).collect();
    assert_eq!(
        found,
        [vec![first], vec![], vec![second], vec![], vec![first]]
    );
    assert_eq!(inputs(&answer)[3]["mode"], "path");
    assert_eq!(answer["mode"], Value::Null, "there are several");
    assert_eq!(
        inputs(&answer)[2]["found"][0]["seconds"],
        second as f64 / 25.0
    );

    let said = sandbox
        .command(&format!("find {line} --where"))
        .arg("luma.max > 65000")
        .output()
        .unwrap();
    let said = common::Said::from(said, &line).succeeds();
    assert_eq!(said.err, "");
    let lines: Vec<_> = said.out.lines().collect();
    let ms = (first as f64 * 1e3 / 30.0).round() / 1e3;
    assert_eq!(
        lines[0],
        format!("set: frame {first} (00:00:{ms:06.3}): luma.max = 65535")
    );
    assert!(lines[1].starts_with(&format!("other: frame {second} (00:00:")));
    assert_eq!((lines[2], lines[3]), (lines[0], ""));
    assert_eq!(
        lines[4],
        format!("No frame of {clip} and {images} meets luma.max > 65000")
    );
    assert!(lines[6].starts_with("Analysed  "), "{}", said.out);
}

#[test]
fn nothing_found_is_exit_code_1_and_every_frame_was_looked_at() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 7");
    for how in ["", "--any", "--all", "--mode payload"] {
        let answer = find(&sandbox, &format!("set {how}"), "luma.mean < -1");
        let input = &inputs(&answer)[0];
        assert_eq!(frames(input), [0u64; 0]);
        assert_eq!(number(input, "frames_analysed"), 7);
        assert_eq!(number(input, "rows_untouched"), 0);
    }
    let said = sandbox.run("find set --where luma.mean<-1").fails(1, &[]);
    assert!(
        said.out
            .starts_with("No frame of set meets luma.mean < -1\n"),
        "{said:#?}"
    );
    assert_eq!(said.err, "");
}

#[test]
fn an_answer_that_cannot_be_written_is_not_nothing_found() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    for how in ["", "--json"] {
        let line = format!("find set {how} --where luma.mean<2");
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = sandbox.command(&line).stdout(full).output().unwrap();
        let said =
            common::Said::from(output, &line).fails(2, &["standard output", "No space left"]);
        said.one_line();
    }
}

#[test]
fn unusable_inputs_expressions_and_options_are_one_line_and_exit_code_2() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let images = common::samples()[1].clone();
    for (line, words) in [
        (
            "find set --where lumma.mean<2",
            &["column 1 ", "did you mean luma.mean?"][..],
        ),
        ("find set --where luma.mean<2&&", &["column 14 ", "it ends"]),
        ("find set --where luma.mean", &["column 10 ", "<="]),
        ("find set --where (luma.mean<2", &["column 13 ", "`)`"]),
        ("find set --where frame<2", &["only frame numbers"]),
        ("find set --where burn.ms<2", &["no finding is called"]),
        ("find set missing --where luma.mean<2", &["missing"]),
        (
            "find set --where luma.mean<2 --mode maps",
            &["did you mean mmap"],
        ),
        ("find set --where luma.mean<2 --mode all", &["all"]),
        ("find set --where luma.mean<2 --workers 0", &["--workers 0"]),
        (
            "find set --where luma.mean<2 --check-every 0",
            &["--check-every", "auto"],
        ),
        (
            "find set --where luma.mean<2 --check-every x",
            &["--check-every", "auto"],
        ),
        (
            "find set --where luma.mean<2 --any --all",
            &["--any", "--all"],
        ),
        ("find set", &["--where"]),
        (
            "find camera:16x16 --where luma.mean<2",
            &["camera:16x16", "live", "y4m"],
        ),
        ("find - --where luma.mean<2", &["-: ", "live", "y4m"]),
        ("find --where luma.mean<2", &["INPUT"]),
        (
            &format!("find set {images} --where luma.mean<2 --mode mmap"),
            &["mmap", "does not fit", "decode", "path"],
        ),
    ] {
        let said = sandbox.run(line).fails(2, words);
        assert_eq!(said.out, "", "{said:#?}");
        if !said.err.contains("Usage:") && !said.err.contains("--help") {
            said.one_line();
        }
    }
}

#[test]
fn frames_that_cannot_be_read_are_named_and_cast_doubt_on_what_comes_after_them() {
    let sandbox = Sandbox::new()
        .with_set("--size 40x30 --frames 12 --pixels gray8 --layout files --format png");
    let needle = truth(&sandbox, "set")["needle"]["frame"].as_u64().unwrap();
    let broken = if needle == 2 { 3 } else { 2 };
    let doubtful = broken < needle;
    sandbox.write(
        &format!("set/frames/{broken:06}.png"),
        b"\x89PNG\r\n\x1a\nbroken",
    );
    let said = sandbox.run("find set/frames --where luma.max==255");
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(
        said.out
            .contains(&format!("frame {needle}: luma.max = 255")),
        "{said:#?}"
    );
    let doubts = said
        .err
        .contains(&format!("frame {needle} may not be the earliest: 1 before"));
    assert_eq!(doubts, doubtful, "{said:#?}");
    sandbox
        .run("find set/frames --where luma.max<0")
        .fails(
            2,
            &[&format!("set/frames: frame {broken} failed: "), ".png"],
        )
        .one_line();

    // The frame behind it has no motion, which meets nothing.
    let line = "find set/frames --all --json --where motion.mean_abs_diff>=0";
    let said = sandbox.run(line);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    let input = &inputs(&answer)[0];
    let whole: Vec<_> = (0..12)
        .filter(|n| ![broken, broken + 1].contains(n))
        .collect();
    assert_eq!(frames(input), whole);
    assert_eq!(input["failed"][0]["frame"], broken);
    adds_up(input, 30);
}

#[test]
fn whole_frames_of_a_truncated_file_are_searched_in_every_mode() {
    let sandbox = Sandbox::new();
    let frame = 8 * 6 * 3;
    let path = sandbox.path("cut.npy");
    common::write_npy(&path, "|u1", "(5, 6, 8, 3)", &vec![7; 3 * frame + 10]);
    for mode in MODES {
        sandbox
            .run(&format!("find cut.npy --mode {mode} --where luma.mean>100"))
            .fails(
                2,
                &["frame 3 failed", "frame 4 failed", "cut.npy", "truncated"],
            );
        let said = sandbox
            .run(&format!("find cut.npy --mode {mode} --where luma.mean>6"))
            .succeeds();
        assert!(
            said.out.starts_with("cut.npy: frame 0: luma.mean = 7\n"),
            "{said:#?}"
        );
    }
}

#[test]
fn an_interrupt_ends_the_search_and_its_workers() {
    for mode in ["mmap", "threads"] {
        let sandbox = Sandbox::new().with_set("--size 640x360 --frames 30");
        // Far longer than the interrupt takes to come.
        let line = format!(
            "find {} --workers 2 --mode {mode} --where",
            "set ".repeat(500)
        );
        let mut command = sandbox.command(&line);
        let search = command
            .arg("sharpness.laplacian_variance < 0 or histogram.p10 < 0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = search.id();
        // A worker process, or a thread: it listens to signals by then.
        while workers(pid).is_empty() && common::threads(pid) < 3 {
            std::thread::yield_now();
        }
        let left = workers(pid);
        kill("-INT", pid);
        let output = search.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{mode}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(err.trim(), "framehaul: interrupted");
        while left.iter().any(|&pid| common::is_running(pid)) {
            std::thread::yield_now();
        }
    }
}
