//! `framehaul advise`, as a user runs it.

mod common;

use common::{Said, Sandbox, kill, schema, workers};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// What `--json` prints, which is what its schema says.
fn advice(sandbox: &Sandbox, rest: &str) -> Value {
    let said = sandbox.run(&format!("advise {rest} --json")).succeeds();
    assert_eq!(said.err, "", "{said:#?}");
    sandbox.write("advice.json", said.out.as_bytes());
    schema::check("advice", &sandbox.path("advice.json"));
    serde_json::from_str(&said.out).unwrap()
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("{of} is no number"))
}

#[test]
fn what_is_advised_follows_from_the_ways_that_were_tried_and_its_command_runs() {
    let sandbox = Sandbox::new().with_set("--size 320x240 --frames 120 --pixels gray8");
    let advice = advice(&sandbox, "set --analyze luma,burn:1 --budget 20");
    let ways = advice["ways"].as_array().unwrap();
    let mut modes: Vec<_> = ways
        .iter()
        .map(|way| way["mode"].as_str().unwrap())
        .collect();
    modes.sort_unstable();
    modes.dedup();
    let all = [
        "mmap",
        "path",
        "payload",
        "payload-raw",
        "sequential",
        "shm",
        "threads",
    ];
    assert_eq!(modes, all, "{ways:#?}");

    let of = |index: &str| &ways[advice[index].as_u64().unwrap() as usize];
    let (baseline, advised) = (of("baseline"), of("advised"));
    assert_eq!(baseline["mode"], "sequential");
    let gain = number(&advice["speed_up"]["value"]);
    assert_eq!(advice["speed_up"], advised["speed_up"]);
    let parallel = advice["verdict"] != "sequential";
    assert_eq!(parallel, gain >= 1.2, "{advice:#}");
    // Of those that were measured to the end, none is much faster.
    for way in ways.iter().filter(|way| way["to_the_end"] == true) {
        let gain_of_it = number(&way["speed_up"]["value"]);
        assert!(
            gain_of_it <= 1.031 * gain || gain_of_it < 1.1 * 1.031,
            "{advice:#}"
        );
    }
    // Which cell it is follows from what was measured, however busy the machine was.
    if let Some(crossover) = advice["crossover_s"].as_f64() {
        let is_heavy = number(&advice["work_s"]) >= crossover;
        assert_eq!(advice["cell"]["compute"] == "heavy", is_heavy, "{advice:#}");
    }
    let predicted = 120.0 * number(&advised["each_s"]);
    assert!((number(&advice["predicted_s"]) / predicted - 1.0).abs() < 1e-9);
    assert_eq!(advice["input_fps"], 30.0);
    assert_eq!(advice["keeps_up"], number(&advised["each_s"]) <= 1.0 / 30.0);

    let alone = advice["baseline_command_line"].as_str().unwrap();
    assert!(alone.contains("--mode sequential"), "{alone}");
    let command = advice["command_line"].as_str().unwrap();
    let command = command.strip_prefix("framehaul ").unwrap();
    sandbox.run(&format!("{command} --out out")).succeeds();
    let mode = advised["mode"].as_str().unwrap();
    let workload = &sandbox.report(&format!("out/{mode}"))["workload"];
    assert_eq!(workload["workers"], advised["workers"]);
    assert_eq!(workload["batch"], advised["batch"]);
}

#[test]
fn the_whole_is_run_as_advised_and_told_beside_what_was_predicted() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 40 --pixels gray8");
    let line = "advise set --frames 10..40 --budget 2 --verify --out whole";
    let said = sandbox.run(line).succeeds();
    assert!(said.out.contains("--frames 10..40"), "{said:#?}");
    assert!(said.out.contains("The whole took "), "{said:#?}");
    let runs = std::fs::read_dir(sandbox.path("whole")).unwrap();
    let names: Vec<_> = runs.map(|run| run.unwrap().file_name()).collect();
    let [mode] = &names[..] else {
        panic!("{names:?}")
    };
    let report = sandbox.report(&format!("whole/{}", mode.to_str().unwrap()));
    assert_eq!(report["totals"]["frames"], 30);
}

#[test]
fn advice_is_told_although_the_whole_is_interrupted() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 20000 --pixels gray8");
    let line = "advise set --analyze burn:5 --budget 2 --verify --json --out whole";
    let mut command = sandbox.command(line);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    // The whole has begun once some of it has been found.
    let found =
        |run: PathBuf| std::fs::metadata(run.join("findings.jsonl")).is_ok_and(|it| it.len() > 0);
    let begun = || {
        let runs = std::fs::read_dir(sandbox.path("whole"));
        runs.is_ok_and(|mut runs| runs.any(|run| found(run.unwrap().path())))
    };
    while !begun() {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), line);
    let said = said.fails(130, &["interrupted"]);
    let advice: Value = serde_json::from_str(&said.out).unwrap();
    assert!(number(&advice["predicted_s"]) > 0.0);
    assert_eq!(advice["actual_s"], Value::Null);
}

#[test]
fn a_camera_flat_out_is_compared_with_one_worker() {
    let sandbox = Sandbox::new();
    let advice = advice(&sandbox, "camera:64x48 --budget 2");
    let baseline = advice["baseline"].as_u64().unwrap() as usize;
    assert_eq!(advice["ways"][baseline]["mode"], "shm");
    assert_eq!(advice["ways"][baseline]["workers"], 1);
    assert_eq!(advice["whole"], Value::Null);
    assert_eq!(advice["predicted_s"], Value::Null);
    // Its one producer is no part of handing over.
    assert_eq!(advice["crossover_s"], Value::Null);
}

#[test]
fn what_cannot_be_tried_is_refused_in_a_sentence() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    sandbox.write("cut.y4m", b"YUV4MPEG2 W4 H4 F1:1 Cmono\n");
    let whole = std::fs::read(sandbox.path("set/frames.npy")).unwrap();
    sandbox.write("half.npy", &whole[..whole.len() - 2 * 16 * 16 * 6]);
    for (line, code, words) in [
        ("advise", 2, &["INPUT"][..]),
        ("advise nowhere", 2, &["nowhere", "no such file"]),
        ("advise cut.y4m", 2, &["cut.y4m", "no frames"]),
        ("advise camera:64x48@30", 2, &["camera:64x48@30", "@FPS"]),
        ("advise set --analyze lumos", 2, &["lumos"]),
        ("advise set --frames 3..9 --budget 0", 2, &["--budget"]),
        ("advise set --frames 9..3", 2, &["9..3", "empty"]),
        ("advise set --out there", 2, &["--verify"]),
        (
            "advise camera:64x48 --verify",
            2,
            &["camera:64x48", "--frames"],
        ),
        ("advise set --verify --out cut.y4m", 2, &["cut.y4m"]),
        (
            "advise half.npy --budget 5",
            1,
            &["half.npy", "2 of the 3 frames"],
        ),
    ] {
        let said = sandbox.run(line).fails(code, words);
        assert_eq!(said.out, "", "{said:#?}");
    }
    let mut command = sandbox.command("advise -");
    let y4m = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/data/clip.y4m")).unwrap();
    let said = Said::from(command.stdin(y4m).output().unwrap(), "advise -");
    said.fails(2, &["standard input", "file first"]).one_line();
}

#[test]
fn where_the_budget_is_spent_on_the_first_frame_what_it_took_is_told_and_what_would_do() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 4");
    // One frame is tried whatever the budget, however short it is.
    let least = advice(&sandbox, "set --budget 0.000001");
    assert_eq!(
        (&least["verdict"], &least["sample"]),
        (&"unknown".into(), &1.into())
    );
    let line = "set --analyze burn:3000 --budget 1";
    let known = advice(&sandbox, line);
    assert_eq!(known["verdict"], "unknown");
    let ways = known["ways"].as_array().unwrap();
    assert_eq!((ways.len(), &ways[0]["mode"]), (1, &"sequential".into()));
    // One frame, and no other after it.
    assert_eq!(known["sample"], 1);
    let each = number(&ways[0]["each_s"]);
    assert!((number(&known["predicted_s"]) / (4.0 * each) - 1.0).abs() < 1e-9);
    assert!(number(&known["untried"]) >= 6.0);
    assert!(number(&known["enough_s"]) > number(&known["untried"]) * each / 2.0);
    let sentence = known["sentence"].as_str().unwrap();
    for words in [
        "nothing but one thread",
        "nothing can be advised",
        "With --budget ",
    ] {
        assert!(sentence.contains(words), "{sentence}");
    }
    let verify = sandbox.run(&format!("advise {line} --verify --out whole"));
    let said = verify.fails(1, &["--verify", "nothing was advised"]);
    assert!(said.out.contains("nothing can be advised"), "{said:#?}");
    assert!(!sandbox.path("whole").exists());
}

/// A program that measures: it has workers.
fn measuring(sandbox: &Sandbox, line: &str) -> Child {
    let mut command = sandbox.command(line);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    while workers(run.id()).is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    run
}

#[test]
fn the_place_of_the_whole_is_taken_before_anything_is_measured() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let line = "advise set --analyze burn:50 --budget 600 --verify --out whole";
    let run = measuring(&sandbox, line);
    // The other would measure for as long.
    let other = sandbox.run(line);
    other.fails(2, &["whole", "another run"]).one_line();
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), line);
    said.fails(130, &["interrupted"]);
    assert!(!sandbox.path("whole").exists());
}

#[test]
fn whoever_interrupts_it_is_heard_and_nothing_stays_behind() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let line = "advise set --analyze burn:50 --budget 600";
    let run = measuring(&sandbox, line);
    let started = workers(run.id());
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), line);
    said.fails(130, &["interrupted"]).one_line();
    assert!(
        started
            .into_iter()
            .all(|worker| !common::is_running(worker))
    );
}
