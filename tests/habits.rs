//! What one is used to from command lines: thresholds for scripts, completions, colours where they
//! are wanted, a view of what goes on where somebody looks, and the last runs without their names.

mod common;

use common::{Said, Sandbox, given};
use serde_json::Value;
use std::process::{Command, Stdio};

// ---- thresholds ---------------------------------------------------------------------------------

#[test]
fn a_run_that_comes_to_what_it_must_not_ends_with_1() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    let run = |conditions: &[&str], options: &str| {
        let line = format!("run set --analyze luma --out out {options}");
        let mut command = sandbox.command(&line);
        for condition in conditions {
            command.args(["--fail-if", condition]);
        }
        Said::from(command.output().unwrap(), &line)
    };
    let said = run(&["frames_failed > 0", "compute.max > 1000s"], "--mode mmap").succeeds();
    assert!(
        said.out
            .contains("✓ mmap  frames_failed is 0 (fails if > 0)"),
        "{said:#?}"
    );
    assert!(said.err.is_empty(), "{said:#?}");

    let said = run(&["frames_failed > 0", "fps < 1e9"], "--mode mmap,path");
    let said = said.fails(1, &["--fail-if: 2 of 4 failed"]).one_line();
    assert_eq!(said.out.matches('✓').count(), 2, "{said:#?}");
    assert_eq!(said.out.matches('✗').count(), 2, "{said:#?}");
    // The run is no worse for it.
    assert_eq!(sandbox.report("out/path")["totals"]["frames"], 5);

    // Five frames say nothing of a p99: that is no success.
    let said = run(&["end_to_end.p99 > 1000s"], "--mode mmap").fails(1, &["1 of 1 failed"]);
    let why = "end_to_end.p99 is not known: 5 frames are too few for it, it takes 1000";
    assert!(said.out.contains(why), "{said:#?}");

    let said = run(&["ratio.fps < 1e-9"], "--mode mmap,path --json").succeeds();
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["baseline"], "mmap");
    let [one] = &json["thresholds"].as_array().unwrap()[..] else {
        panic!("one judgement: {json}");
    };
    assert_eq!(
        (&one["run"], &one["failed"]),
        (&"path".into(), &false.into())
    );
    assert_eq!(one["fails_if"], "ratio.fps < 0.000000001");
    assert!(one["value"].as_f64() > Some(0.0));
    let said = run(&["fps < 1e9"], "--mode mmap --json").fails(1, &["1 of 1"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["thresholds"][0]["failed"], true);
}

#[test]
fn what_is_no_threshold_is_refused_before_the_run() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    for (condition, words) in [
        (
            "fsp < 30",
            &["no figure is called `fsp`", "did you mean fps?"][..],
        ),
        ("end_to_end.p99 > 33", &["needs a unit"]),
        ("fps < 30 ms", &["without a unit"]),
        (
            "ratio.fps < 2",
            &["compares several runs, and there is one"],
        ),
    ] {
        for line in ["run set --mode mmap --out out", "compare out/mmap"] {
            let mut command = sandbox.command(line);
            let output = command.args(["--fail-if", condition]).output().unwrap();
            Said::from(output, line).fails(2, words);
        }
    }
    assert!(!sandbox.path("out").exists());
}

#[test]
fn finished_runs_are_held_against_thresholds_too() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    sandbox.run("run set --mode path,mmap --out out").succeeds();
    let compare = |condition: &str| {
        let line = "compare out/path out/mmap";
        let mut command = sandbox.command(line);
        let output = command.args(["--fail-if", condition]).output().unwrap();
        Said::from(output, line)
    };
    let said = compare("ratio.frames < 100%").succeeds();
    assert!(
        said.out
            .contains("✓ mmap  ratio.frames is 100 % (of all passes together; fails if < 100 %)"),
        "{said:#?}"
    );
    let said = compare("ratio.frames <= 1").fails(1, &["1 of 1 failed"]);
    assert!(
        said.out
            .contains("✗ mmap  ratio.frames is 1 (of all passes together; fails if <= 1)"),
        "{said:#?}"
    );
    sandbox
        .run("run set --mode shm --frames 0..3 --out out")
        .succeeds();
    let mut command = sandbox.command("compare out/path out/shm --fail-if");
    let output = command.arg("ratio.fps < 0.001").output().unwrap();
    let said = Said::from(output, "compare").fails(1, &["1 of 1 failed"]);
    assert!(
        said.out.contains("not known: the runs differ in frames"),
        "{said:#?}"
    );
}

#[test]
fn what_is_printed_for_nobody_changes_nothing_about_how_it_ends() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    let unheard = |line: &str, conditions: &[&str]| {
        let mut command = sandbox.command(line);
        for condition in conditions {
            command.args(["--fail-if", condition]);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        Said::from(child.wait_with_output().unwrap(), line)
    };
    let run = "run set --mode mmap,path --analyze luma --out out";
    for (line, export) in [
        (&format!("{run} --export run.csv")[..], "run.csv"),
        ("compare out/mmap out/path --export both.csv", "both.csv"),
        ("compare out/mmap --json --export one.csv", "one.csv"),
    ] {
        let said = unheard(line, &["fps < 1e9"]);
        said.fails(1, &["--fail-if: "]).one_line();
        assert!(sandbox.path(export).exists(), "{line}");
        let said = unheard(line, &["fps < 0"]).succeeds();
        assert!(said.err.is_empty(), "{said:#?}");
    }
    let said = unheard("find set --where luma.max>0 --all", &[]).succeeds();
    assert!(said.err.is_empty(), "{said:#?}");
}

// ---- the last runs ------------------------------------------------------------------------------

#[test]
fn compare_without_names_takes_the_last_runs() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    let said = sandbox
        .run("compare")
        .fails(2, &["no finished run lies below runs/"]);
    said.one_line();
    sandbox.run("run set --mode path,mmap,shm").succeeds();
    let said = sandbox.run("compare").succeeds();
    assert!(said.out.contains("3 runs, baseline path"), "{said:#?}");
    let paths: Vec<_> = said.out.lines().take(3).collect();
    assert!(
        paths[0].starts_with("runs/") && paths[0].ends_with("/path"),
        "{paths:?}"
    );
    assert!(paths[2].ends_with("/shm"), "{paths:?}");
    sandbox.run("run set --mode mmap").succeeds();
    let json = sandbox.run("compare --json").succeeds();
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let modes: Vec<_> = json["runs"].as_array().unwrap().iter().collect();
    let modes: Vec<_> = modes
        .iter()
        .map(|run| run["mode"].as_str().unwrap())
        .collect();
    assert_eq!(modes, ["shm", "mmap"], "the last two of all");
}

// ---- completions --------------------------------------------------------------------------------

#[test]
fn bash_completes_commands_options_modes_and_analyzers() {
    let sandbox = Sandbox::new();
    let script = sandbox.run("completions bash").succeeds().out;
    sandbox.write("framehaul.bash", script.as_bytes());
    let completed = |words: &[&str]| {
        let (last, before) = words.split_last().unwrap();
        let quoted = words.join("' '");
        let line = format!(
            "source framehaul.bash; COMP_WORDS=('{quoted}'); COMP_CWORD={}; \
             _framehaul framehaul '{last}' '{}'; echo \"${{COMPREPLY[@]}}\"",
            before.len(),
            before.last().unwrap(),
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &line])
            .current_dir(sandbox.path(""));
        let said = Said::from(bash.output().unwrap(), &line).succeeds();
        said.out
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(completed(&["framehaul", "comp"]).contains(&"compare".to_owned()));
    assert!(completed(&["framehaul", "run", "--fail"]).contains(&"--fail-if".to_owned()));
    assert_eq!(
        completed(&["framehaul", "run", "--mode", "seq"]),
        ["sequential"]
    );
    assert_eq!(
        completed(&["framehaul", "run", "--analyze", "sh"]),
        ["sharpness"]
    );
    assert_eq!(completed(&["framehaul", "find", "--mode", "mm"]), ["mmap"]);
    sandbox
        .run("completions tcsh")
        .fails(2, &["tcsh", "bash", "zsh", "fish"]);
}

// ---- colours ------------------------------------------------------------------------------------

#[test]
fn colours_are_where_they_are_wanted_and_nowhere_else() {
    let sandbox = Sandbox::new();
    let reports = concat!(env!("CARGO_MANIFEST_DIR"), "/data/reports");
    let compare = format!("compare {reports}/payload {reports}/mmap");
    for line in [&compare[..], "--help", "run --mode"] {
        let coloured = |variables: &[(&str, &str)]| {
            let mut command = sandbox.command(line);
            for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
                command.env_remove(name);
            }
            let output = command.envs(variables.iter().copied()).output().unwrap();
            let said = Said::from(output, line);
            said.out.contains('\x1b') || said.err.contains('\x1b')
        };
        assert!(!coloured(&[]), "{line}: a pipe");
        assert!(!coloured(&[("CLICOLOR", "1")]), "{line}");
        assert!(coloured(&[("CLICOLOR_FORCE", "1")]), "{line}");
        assert!(
            !coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]),
            "{line}"
        );
    }
}

// ---- the view of a run --------------------------------------------------------------------------

/// What the program writes to a terminal of so many columns.
fn on_terminal(sandbox: &Sandbox, columns: u16, variables: &[(&str, &str)], line: &str) -> String {
    const RUN: &str = "\
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
said = b''
while True:
    try:
        more = os.read(terminal, 65536)
    except OSError:
        break
    if not more:
        break
    said += more
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let mut python = Command::new(given("FRAMEHAUL_PYTHON"));
    python
        .args([
            "-c",
            RUN,
            &columns.to_string(),
            env!("CARGO_BIN_EXE_framehaul"),
        ])
        .args(line.split_whitespace())
        .current_dir(sandbox.path(""))
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        python.env_remove(name);
    }
    python.envs(variables.iter().copied());
    Said::from(python.output().unwrap(), line).succeeds().out
}

#[test]
fn a_terminal_shows_how_a_run_stands_and_is_left_clean() {
    let sandbox = Sandbox::new();
    let line = "run camera:64x48@50 --mode shm --seconds 2 --workers 2 --out out";
    for columns in [80, 40] {
        let said = on_terminal(&sandbox, columns, &[], line);
        for word in [
            "of 50 frames/s",
            "backlog",
            "0 dropped",
            "workers",
            "of 100 frames",
            "left",
        ] {
            assert!(said.contains(word), "{columns}: no {word:?} in {said}");
        }
        // What is left is the report.
        let last = said.rfind("· backlog").unwrap();
        let report = said.find("shm: 100 frames of camera:64x48@50").unwrap();
        assert!(last < report, "{said}");
        let wiped =
            said[last..report].contains("\x1b[2K") || said[last..report].contains("\x1b[0J");
        assert!(wiped, "{:?}", &said[last..report]);
    }
}

#[test]
fn who_is_to_be_quiet_and_who_cannot_move_the_cursor_shows_nothing() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 5");
    let line = "run set --mode mmap --fps 20 --out out";
    for (variables, line) in [
        (&[][..], format!("{line} --quiet")),
        (&[("TERM", "dumb")], line.to_owned()),
    ] {
        let said = on_terminal(&sandbox, 80, variables, &line);
        assert!(!said.contains("backlog"), "{line}: {said}");
        assert!(said.contains("reports: out"), "{said}");
        let dumb = !variables.is_empty();
        assert_eq!(
            said.contains('\x1b'),
            !dumb,
            "bold is all that is left: {said}"
        );
    }
    // A pipe is no terminal.
    let said = sandbox.run(line).succeeds();
    assert!(
        said.err.is_empty() && !said.out.contains('\x1b'),
        "{said:#?}"
    );
}
