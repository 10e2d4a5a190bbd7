//! `framehaul lab`: what it prints and writes, what it refuses, and how it is stopped.

mod common;

use common::{Sandbox, children, is_running, kill, workers};
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn experiments(json: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("no JSON: {json}"));
    all["experiments"].as_array().unwrap().clone()
}

/// A measured figure.
fn measured(experiment: &Value, key: &str) -> f64 {
    experiment["measured"][key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key}: {experiment}"))
}

#[test]
fn an_experiment_says_what_was_claimed_and_measured_and_what_follows() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .run("lab short-tasks --quick --json --out page/of/it")
        .succeeds();
    assert_eq!(said.err, "", "silence where there is no terminal");
    let [short] = &experiments(&said.out)[..] else {
        panic!("{said:#?}")
    };
    assert_eq!(short["name"], "short-tasks");
    assert_eq!(short["lecture"], 26);
    assert_eq!(short["slides"], serde_json::json!([7]));
    assert!(short["claim"].as_str().unwrap().contains("48 ms"));
    assert_eq!(short["claimed"]["pool_s"], 0.048);
    assert_eq!(
        short["claimed"]["round_trip_s"],
        serde_json::json!([0.002, 0.02])
    );
    assert!(short["seconds"].as_f64().unwrap() > 0.0);
    assert!(short["because"].as_str().unwrap().contains("round trip"));
    let verdicts = ["holds", "differs", "depends", "untestable here"];
    assert!(verdicts.contains(&short["verdict"].as_str().unwrap()));
    // Eight tasks take longer than nothing does, and in turn longer than all at once may.
    assert!(measured(short, "sequential_s") > measured(short, "round_trip_s"));
    assert!(measured(short, "one_by_one_s") > measured(short, "round_trip_s"));

    let written = std::fs::read_to_string(sandbox.path("page/of/it/lab.json")).unwrap();
    assert_eq!(written, said.out);
}

#[test]
fn people_get_the_claim_the_figures_and_the_verdict() {
    let said = Sandbox::new().run("lab short-tasks --quick").succeeds();
    for words in [
        "short-tasks (lecture 26, slide 7)",
        "claimed",
        "measured",
        "48.0 ms",
    ] {
        assert!(said.out.contains(words), "no {words:?}: {said:#?}");
    }
}

#[test]
fn a_name_that_is_none_and_a_place_that_is_none_are_refused_before_the_work() {
    let sandbox = Sandbox::new();
    sandbox
        .run("lab short-taks")
        .fails(2, &["\"short-taks\"", "short-tasks"])
        .one_line();
    sandbox.write("file", b"");
    sandbox
        .run("lab short-tasks --out file/folder")
        .fails(2, &["file/folder"])
        .one_line();
}

/// Waits until that is so; says whether it came to be.
fn soon(so: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

#[test]
fn who_is_interrupted_ends_with_130_and_leaves_nobody_behind() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("lab short-tasks");
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(soon(|| !workers(child.id()).is_empty()));
    let started = children(child.id());
    kill("-INT", child.id());
    // It would take some ten seconds.
    assert!(soon(|| !is_running(child.id())));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(soon(|| started.iter().all(|&pid| !is_running(pid))));
}
