//! `framehaul bench`: what it prints, what it refuses, and what becomes of its two processes.

mod common;

use common::{Said, Sandbox, children, is_running, kill};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {said:#?}"))
}

fn number(of: &Value, field: &str) -> u64 {
    of[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no {field}: {of}"))
}

/// Two who spin, and others beside them, on few processors: each trip would take a turn of the
/// scheduler.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn round_trips_are_counted_and_their_percentiles_are_in_order() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    let waits = if processors() > 1 {
        "spin,park,adaptive"
    } else {
        "park,adaptive"
    };
    let line =
        format!("bench handoff --sizes 64,4096 --wait {waits} --touch none --trips 40 --json");
    let said = sandbox.run(&line).succeeds();
    assert_eq!(said.err, "", "silence where there is no terminal");
    let said = json(&said);
    let results = said["results"].as_array().unwrap();
    let cases: Vec<_> = results
        .iter()
        .map(|result| (result["wait"].as_str().unwrap(), number(result, "bytes")))
        .collect();
    let expected: Vec<_> = waits
        .split(',')
        .flat_map(|wait| [(wait, 64), (wait, 4096)])
        .collect();
    assert_eq!(cases, expected);
    for result in results {
        let fields = ["p50_ns", "p99_ns", "p999_ns", "max_ns"].map(|field| number(result, field));
        assert!(fields.is_sorted() && fields[0] > 0, "{result}");
        assert_eq!(number(result, "count"), 40);
    }
    assert!(number(&said["floor"], "futex_ns") > 0);
    assert_eq!(said["floor"]["spin_ns"].is_u64(), processors() > 1);
    assert_eq!(said["touch"], "none");
    assert!(said.get("read_gb_per_s").is_none());
}

#[test]
fn touching_all_stands_beside_how_fast_memory_is_read() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    // Neither of them a multiple of anything.
    let line = "bench handoff --sizes 12441601,77 --wait park --touch all --trips 20";
    let said = json(&sandbox.run(&format!("{line} --json")).succeeds());
    assert!(said["read_gb_per_s"].as_f64().unwrap() > 0.0);
    assert_eq!(said["touch"], "all");
    let trips = said["results"].as_array().unwrap();
    assert_eq!(trips.len(), 2);
    assert!(trips.iter().all(|trip| number(trip, "count") == 20));
    let table = sandbox.run(line).succeeds().out;
    for word in ["12441601", "× line", "× futex", "× reading", "GB/s"] {
        assert!(table.contains(word), "no {word:?}: {table}");
    }
}

#[test]
fn what_cannot_be_measured_is_refused_with_one_sentence() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    for (options, word) in [
        ("--sizes 64,0", "0 bytes"),
        ("--sizes 999999999999999", "memory"),
        ("--sizes 4k", "4k"),
        ("--wait nap", "adaptive"),
        ("--touch some", "none"),
        ("--trips 0", "trips"),
    ] {
        let said = sandbox.run(&format!("bench handoff {options}"));
        said.fails(2, &[word]).one_line();
    }
}

/// The first processor that we may run on.
fn a_processor() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let allowed = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = allowed.unwrap().split(['-', ',']).next();
    first.unwrap().trim().to_owned()
}

#[test]
fn two_processes_on_one_processor_do_not_spin() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    let on_one = |options: &str| {
        let line = format!("bench handoff --sizes 64 --trips 20 --json {options}");
        let mut command = Command::new("taskset");
        command.args(["-c", &a_processor(), env!("CARGO_BIN_EXE_framehaul")]);
        command.args(line.split_whitespace());
        command.current_dir(sandbox.path("."));
        command
            .output()
            .ok()
            .map(|output| Said::from(output, options))
    };
    let Some(said) = on_one("") else {
        return println!("skipped: there is no taskset");
    };
    let said = said.succeeds();
    assert!(said.err.contains("left out"), "{said:#?}");
    let results = json(&said)["results"].as_array().unwrap().len();
    assert_eq!(results, 2);
    on_one("--wait spin")
        .unwrap()
        .fails(2, &["processor"])
        .one_line();
}

/// The bench, making round trips for hours, and its other process.
fn started(sandbox: &Sandbox, wait: &str) -> (Child, u32) {
    let line = format!("bench handoff --sizes 64 --wait {wait} --trips 1000000000000");
    let mut command = sandbox.command(&line);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut bench = command.spawn().unwrap();
    loop {
        if let Some(&helper) = children(bench.id()).iter().find(|&&pid| is_helper(pid)) {
            return (bench, helper);
        }
        let ended = bench.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it began: {ended:?}");
        std::thread::yield_now();
    }
}

fn is_helper(pid: u32) -> bool {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.contains("__bench")
}

/// Round trips of the other process's own accord: it has used this much processor time.
fn wait_until_it_works(pid: u32) {
    let ticks = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let fields: Vec<_> = fields.split(' ').collect();
        [11, 12]
            .iter()
            .filter_map(|&at| fields.get(at)?.parse::<u64>().ok())
            .sum()
    };
    while ticks() < 3 {
        assert!(is_running(pid), "it died by itself");
        std::thread::yield_now();
    }
}

#[test]
fn the_death_of_the_other_process_ends_the_bench_with_a_sentence() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    for wait in ["park", "adaptive"] {
        // At its start, and in the middle.
        for works in [false, true] {
            let (bench, helper) = started(&sandbox, wait);
            if works {
                wait_until_it_works(helper);
            }
            kill("-KILL", helper);
            let said = Said::from(bench.wait_with_output().unwrap(), wait);
            said.fails(1, &["other process", "SIGKILL"]).one_line();
        }
    }
}

#[test]
fn the_death_of_the_bench_leaves_no_other_process() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    for signal in ["-KILL", "-TERM"] {
        let (mut bench, helper) = started(&sandbox, "park");
        wait_until_it_works(helper);
        kill(signal, bench.id());
        bench.wait().unwrap();
        // The kernel kills it while the bench ends.
        while is_running(helper) && is_helper(helper) {
            std::thread::yield_now();
        }
    }
}
