//! `framehaul lab`: what it prints and writes, what it refuses, and how it is stopped.

mod common;

use common::script::script;
use common::{Said, Sandbox, children, is_running, kill, schema, workers};
use serde_json::Value;
use std::collections::HashSet;
use std::process::Stdio;

fn experiments(json: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("no JSON: {json}"));
    all["experiments"].as_array().unwrap().clone()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
    schema::check("lab", &sandbox.path("page/of/it/lab.json"));
}

/// At a thousandth of their size: figures mean nothing then, but there are all of them.
#[test]
fn every_experiment_can_be_carried_out_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("tmp/empty", b"");
    let line = "lab all --rehearse --json --out page";
    let mut command = sandbox.command(line);
    command.env("TMPDIR", sandbox.path("tmp"));
    let said = Said::from(command.output().unwrap(), line).succeeds();
    assert_eq!(said.err, "");
    let all = experiments(&said.out);
    let names: Vec<_> = all
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(names.starts_with(&["three-copies", "video-pipeline", "decision-matrix"]));
    let fields = [
        "name", "lecture", "slides", "claim", "claimed", "measured", "verdict", "because", "parts",
        "seconds", "doubts",
    ];
    for one in &all {
        let keys: HashSet<_> = one
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, HashSet::from(fields), "{one}");
        let measured = one["measured"].as_object().unwrap();
        // What could not be tried, or was not clear, is null.
        let is_figure = |value: &Value| value.is_number() || value.is_null();
        assert!(measured.values().all(is_figure), "{one}");
        assert!(measured.values().any(Value::is_number), "{one}");
        for key in one["claimed"].as_object().unwrap().keys() {
            assert!(
                measured.contains_key(key),
                "{key} is claimed, but not measured: {one}"
            );
        }
        for part in one["parts"].as_array().unwrap() {
            let claim = part["claim"].as_str().unwrap();
            assert!(one["claim"].as_str().unwrap().contains(claim), "{part}");
            assert!(
                one["slides"].as_array().unwrap().contains(&part["slide"]),
                "{part}"
            );
        }
        let needs_two = [
            "crossover",
            "discipline",
            "decision-matrix",
            "manager-coordination",
            "short-tasks",
            "video-pipeline",
        ]
        .contains(&one["name"].as_str().unwrap());
        // Whether two processes are at work at the same moment is the scheduler's to say.
        let needs_luck = [
            "value-latency",
            "shared-state",
            "fraud-streams",
            "early-exit",
            "early-exit-pool",
        ]
        .contains(&one["name"].as_str().unwrap());
        let is_tested = one["verdict"] != "untestable here";
        assert!(
            is_tested || needs_luck || needs_two && processors() == 1,
            "{one}"
        );
    }
    let features = &all[names
        .iter()
        .position(|&name| name == "pool-features")
        .unwrap()];
    // All of them work, in one pool: nobody has to choose.
    assert_eq!(features["verdict"], "depends", "{features}");
    let shown = features["measured"].as_object().unwrap().values();
    assert!(shown.into_iter().all(|shown| shown == 1.0), "{features}");

    let page = std::fs::read_to_string(sandbox.path("page/lab.md")).unwrap();
    for name in names {
        let (_, told) = page
            .split_once(&format!("\n#### {name}\n"))
            .unwrap_or_else(|| panic!("no {name}: {page}"));
        let (told, _) = told.split_once("\n**").unwrap();
        // A titled table, or bars.
        let is_drawn = told.contains(":\n\n|") || told.contains(":\n\n```text\n");
        assert!(is_drawn, "nothing is drawn of {name}: {told}");
    }
    schema::check("lab", &sandbox.path("page/lab.json"));
    let left = std::fs::read_dir(sandbox.path("tmp")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["empty"]);
}

#[test]
fn the_page_goes_to_standard_output_or_a_file() {
    let sandbox = Sandbox::new();
    let said = sandbox.run("lab report --rehearse").succeeds();
    assert!(said.out.starts_with("# "), "{said:#?}");
    assert!(said.out.contains("### Slide 10: "), "{said:#?}");
    sandbox.write("page.md", b"an old one");
    sandbox
        .run("lab report --rehearse --out page.md")
        .succeeds();
    let page = std::fs::read_to_string(sandbox.path("page.md")).unwrap();
    assert!(page.starts_with("# "), "{page}");
    sandbox
        .run("lab report --rehearse --out page.md --html ./page.md")
        .fails(2, &["name the same file"])
        .one_line();
    sandbox
        .run("lab report --rehearse --out nowhere/page.md")
        .fails(2, &["nowhere/page.md"])
        .one_line();
}

#[test]
fn people_get_the_claim_the_figures_and_the_verdict() {
    let said = Sandbox::new().run("lab --rehearse").succeeds();
    // As wide as what is no terminal is taken to be.
    let widths = said.out.lines().map(|line| line.chars().count());
    assert!(widths.max() <= Some(120), "{said:#?}");
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
    // A folder is where the file is to be.
    for name in ["lab.json", "lab.md"] {
        sandbox.write(&format!("{name}.d/{name}/file"), b"");
        let line = format!("lab short-tasks --json --out {name}.d");
        let said = sandbox.run(&line).fails(2, &[name]).one_line();
        assert_eq!(said.out, "", "no work was done");
    }
}

#[test]
fn what_is_finished_is_told_even_if_a_file_cannot_take_it() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("full")).unwrap();
    std::os::unix::fs::symlink("/dev/full", sandbox.path("full/lab.json")).unwrap();
    let said = sandbox
        .run("lab short-tasks --rehearse --json --out full")
        .fails(1, &["lab.json"])
        .one_line();
    assert_eq!(experiments(&said.out).len(), 1);
    let page = std::fs::read_to_string(sandbox.path("full/lab.md")).unwrap();
    assert!(page.contains("#### short-tasks"), "{page}");
}

/// One that needs files of more than the shell allows fails.
const SMALL_FILES: &str = "-f 60000";

#[test]
fn one_that_fails_is_told_of_and_the_others_are_tried() {
    let sandbox = Sandbox::new();
    let line = "lab fraud-streams short-tasks --rehearse --json --out page";
    let said = sandbox
        .run_limited(SMALL_FILES, line)
        .fails(1, &["fraud-streams: ", "cannot write frames"])
        .one_line();
    let [short] = &experiments(&said.out)[..] else {
        panic!("{said:#?}")
    };
    assert_eq!(short["name"], "short-tasks");
    let written = std::fs::read_to_string(sandbox.path("page/lab.json")).unwrap();
    assert_eq!(written, said.out);
}

#[test]
fn where_nothing_was_finished_the_list_is_empty_and_no_file_is_left() {
    let sandbox = Sandbox::new();
    sandbox.write("page/lab.md", b"an old one");
    let line = "lab fraud-streams --rehearse --json --out page";
    let said = sandbox
        .run_limited(SMALL_FILES, line)
        .fails(1, &["cannot write frames"])
        .one_line();
    assert!(experiments(&said.out).is_empty());
    let left = std::fs::read_dir(sandbox.path("page")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lab.md"]);
    let page = std::fs::read_to_string(sandbox.path("page/lab.md")).unwrap();
    assert_eq!(page, "an old one");
}

/// Waits until that is so; if it never is, the test does not end.
fn until(so: impl Fn() -> bool) {
    while !so() {
        std::thread::yield_now();
    }
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
    until(|| !is_running(child.id()) || !workers(child.id()).is_empty());
    let started = children(child.id());
    kill("-INT", child.id());
    // Told early enough, it ends otherwise than it would by itself.
    assert_eq!(child.wait().unwrap().code(), Some(130));
    until(|| started.iter().all(|&pid| !is_running(pid)));
}

#[test]
fn who_is_told_to_end_has_what_is_finished_and_no_files_of_the_rest() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("tmp")).unwrap();
    let files = || std::fs::read_dir(sandbox.path("tmp")).unwrap().count();
    let line = "lab pool-features video-pipeline --quick --out page";
    let mut child = sandbox
        .command(line)
        .env("TMPDIR", sandbox.path("tmp"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The second one is at its frames.
    until(|| {
        let names = sandbox.path("page/lab.json").exists();
        !is_running(child.id()) || names && files() > 0
    });
    kill("-TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(files(), 0);
    let json = std::fs::read_to_string(sandbox.path("page/lab.json")).unwrap();
    assert_eq!(experiments(&json)[0]["name"], "pool-features");
    let page = std::fs::read_to_string(sandbox.path("page/lab.md")).unwrap();
    let words = "Quickly measured, 1 of 2 experiments only, on ";
    assert!(page.contains(words), "{page}");
}

/// What the program says with a script in the place of the lectures' Python.
fn with_peer(what: &str, rest: &str) -> Said {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("scripts")).unwrap();
    script(sandbox.path("scripts/lab-peer"), what);
    let line = format!("lab short-tasks --rehearse --peer python {rest}");
    let mut command = sandbox.command(&line);
    command.env("FRAMEHAUL_SCRIPTS", sandbox.path("scripts"));
    Said::from(command.output().unwrap(), &line)
}

#[test]
fn what_python_measured_has_a_column_and_its_failure_is_a_sentence() {
    let figures = r#"{"python": "3.0 $*", "figures": {"sequential_s": 0.5}, "notes": ["Slow."]}"#;
    let script = format!("cat <<END\n{figures}\nEND");
    let said = with_peer(&script, "").succeeds();
    let line = said
        .out
        .lines()
        .find(|line| line.starts_with("8 tasks"))
        .unwrap();
    assert!(line.ends_with("500 ms"), "{said:#?}");
    // It is told which experiment, and how thorough it is to be.
    let told = "Python 3.0 short-tasks --quick. Slow.";
    assert!(said.out.contains(told), "{said:#?}");
    let json: Value = serde_json::from_str(&with_peer(&script, "--json").succeeds().out).unwrap();
    let peer = &json["experiments"][0]["peer"];
    assert_eq!(peer["figures"]["sequential_s"], 0.5);

    // Whom it leaves with its output open is not waited for.
    let said = with_peer(&format!("sleep 1000 & {script}"), "").succeeds();
    assert!(said.out.contains(told), "{said:#?}");

    for (script, words) in [
        ("echo one >&2; echo two >&2; exit 3", ["code 3", "two"]),
        ("echo nothing", ["no figures", "short-tasks"]),
        ("kill -KILL $$", ["SIGKILL", "said nothing"]),
    ] {
        with_peer(script, "").fails(1, &words).one_line();
    }
    let said = with_peer("exit 3", "--json").fails(1, &["code 3"]);
    let [short] = &experiments(&said.out)[..] else {
        panic!("{said:#?}")
    };
    assert!(measured(short, "sequential_s") > 0.0);
    assert!(short.get("peer").is_none(), "{short}");

    let sandbox = Sandbox::new();
    let line = "lab short-tasks --rehearse --peer python";
    let mut command = sandbox.command(line);
    command.env("FRAMEHAUL_SCRIPTS", sandbox.path("nowhere"));
    let said = Said::from(command.output().unwrap(), line);
    said.fails(2, &["nowhere", "FRAMEHAUL_SCRIPTS"]).one_line();
}
