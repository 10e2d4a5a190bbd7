//! `run --trace`: what happened to each frame, as timeline viewers read it.

mod common;

use common::{Said, Sandbox, kill};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Something that went on for a while, in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
struct Slice {
    name: String,
    begin: u64,
    end: u64,
    args: Value,
}

impl Slice {
    const fn length(&self) -> u64 {
        self.end - self.begin
    }
}

/// Process and thread.
type Track = (u64, u64);

/// A trace as a viewer understands it, checked.
struct Trace {
    /// Of each track, in the order in which they begin.
    slices: BTreeMap<Track, Vec<Slice>>,
    /// Of each mode and lane, the outer ones first.
    lanes: BTreeMap<(String, u64), Vec<Slice>>,
    processes: BTreeMap<u64, String>,
    threads: BTreeMap<Track, String>,
    /// Start, step and end.
    flows: BTreeMap<u64, Vec<(String, Track, u64)>>,
    instants: Vec<String>,
    counters: BTreeMap<String, Vec<Value>>,
}

fn ns(value: &Value) -> u64 {
    (value.as_f64().unwrap() * 1000.0).round() as u64
}

impl Trace {
    fn read(sandbox: &Sandbox, name: &str) -> Self {
        let text = std::fs::read(sandbox.path(name)).unwrap();
        let mut events: Vec<Value> = serde_json::from_slice(&text).unwrap();
        // A viewer sorts by time, and keeps the order of what is at the same time.
        events.sort_by_key(|event| event.get("ts").map_or(0, ns));
        let mut trace = Self {
            slices: BTreeMap::new(),
            lanes: BTreeMap::new(),
            processes: BTreeMap::new(),
            threads: BTreeMap::new(),
            flows: BTreeMap::new(),
            instants: Vec::new(),
            counters: BTreeMap::new(),
        };
        let mut open: HashMap<(String, u64), Vec<Slice>> = HashMap::new();
        for event in &events {
            trace.take(event, &mut open);
        }
        for (lane, left) in open {
            assert!(left.is_empty(), "{lane:?} does not end: {left:?}");
        }
        trace.check_nesting();
        trace.check_flows();
        trace
    }

    fn take(&mut self, event: &Value, open: &mut HashMap<(String, u64), Vec<Slice>>) {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| event[key].as_u64().unwrap();
        let at = || ns(&event["ts"]);
        let track = || (number("pid"), number("tid"));
        let lane = || (text("cat"), number("id"));
        let slice = |begin, end| Slice {
            name: text("name"),
            begin,
            end,
            args: event["args"].clone(),
        };
        match &text("ph")[..] {
            "X" => {
                let slice = slice(at(), at() + ns(&event["dur"]));
                self.slices.entry(track()).or_default().push(slice);
            }
            "b" => open.entry(lane()).or_default().push(slice(at(), 0)),
            "e" => {
                let mut begun = open.get_mut(&lane()).and_then(Vec::pop).unwrap();
                assert_eq!(
                    begun.name,
                    text("name"),
                    "what begins last ends first: {event}"
                );
                begun.end = at();
                self.lanes.entry(lane()).or_default().push(begun);
            }
            phase @ ("s" | "t" | "f") => {
                assert_eq!(phase == "f", event["bp"] == "e", "{event}");
                let flow = self.flows.entry(number("id")).or_default();
                flow.push((phase.to_owned(), track(), at()));
            }
            "i" => self.instants.push(text("name")),
            "C" => {
                let values = event["args"].clone();
                self.counters.entry(text("name")).or_default().push(values);
            }
            "M" => {
                let name = event["args"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                match &text("name")[..] {
                    "process_name" => drop(self.processes.insert(number("pid"), name)),
                    "thread_name" => drop(self.threads.insert(track(), name)),
                    other => assert_eq!(other, "process_sort_index"),
                }
            }
            other => panic!("what is {other}? {event}"),
        }
    }

    /// Slices of one track lie beside each other or in each other.
    fn check_nesting(&self) {
        for (track, slices) in &self.slices {
            assert!(self.threads.contains_key(track), "{track:?} has no name");
            assert!(
                self.processes.contains_key(&track.0),
                "{track:?} has no process"
            );
            let mut around: Vec<&Slice> = Vec::new();
            for slice in slices {
                while around.last().is_some_and(|outer| outer.end <= slice.begin) {
                    around.pop();
                }
                if let Some(outer) = around.last() {
                    assert!(slice.end <= outer.end, "{slice:?} is half in {outer:?}");
                }
                around.push(slice);
            }
        }
        let numbers: HashSet<_> = self.threads.keys().map(|track| track.1).collect();
        assert_eq!(
            numbers.len(),
            self.threads.len(),
            "each thread has its own number"
        );
    }

    /// Each begins, is at an analysis and ends, in this order, on slices that are there.
    fn check_flows(&self) {
        for (id, flow) in &self.flows {
            let phases: String = flow.iter().map(|(phase, ..)| &phase[..]).collect();
            assert_eq!(phases, "stf", "flow {id}");
            for (phase, track, at) in flow {
                let holds = |slice: &&Slice| slice.begin <= *at && *at <= slice.end;
                let name = |slice: &Slice| slice.name.clone();
                let here = self.slices[track].iter().filter(holds).map(name);
                let here: Vec<_> = here.collect();
                let wanted = match &phase[..] {
                    "s" => "load",
                    "t" => "compute",
                    _ => "record",
                };
                assert!(
                    here.iter().any(|name| name == wanted),
                    "{phase} of {id}: {here:?}"
                );
            }
        }
    }

    /// All slices of that name, on any track or lane.
    fn named(&self, name: &str) -> Vec<&Slice> {
        let all = self.slices.values().chain(self.lanes.values()).flatten();
        all.filter(|slice| slice.name == name).collect()
    }

    /// Holds it against the report of the only mode in it.
    fn check_report(&self, report: &Value) {
        let frames = self.named("frame");
        assert_eq!(frames.len() as u64, report["stages"]["end_to_end"]["count"]);
        assert_eq!(self.flows.len(), frames.len());
        for (stage, summary) in report["stages"].as_object().unwrap() {
            let (name, count) = match &stage[..] {
                "end_to_end" => ("frame", frames.len()),
                // The whole less the queue.
                "service" => continue,
                // Each frame's own, beside those of jobs and slots.
                "load" => ("load", self.named("compute").len()),
                // What is sent beside a message comes after it.
                "transfer" => ("transfer", self.named("deserialize").len()),
                // A frame waits here and there.
                "queue" => ("queue", frames.len()),
                other => (other, self.named(other).len()),
            };
            assert_eq!(count as u64, summary["count"].as_u64().unwrap(), "{stage}");
            let slices = self.named(name);
            assert!(slices.len() >= count, "{stage}");
            let sum: u64 = slices.iter().map(|slice| slice.length()).sum();
            let expected = summary["mean_ns"].as_f64().unwrap() * count as f64;
            // The report's durations are known to a part in a thousand; shares are rounded down.
            let close = (sum as f64 - expected).abs() <= 2e-3 * expected + 2.0 * count as f64;
            assert!(close, "{stage}: {sum} ns of slices, {expected} reported");
        }
        // Waits lie within the frame that waits.
        for slices in self.lanes.values() {
            let frames: Vec<_> = slices
                .iter()
                .filter(|slice| slice.name == "frame")
                .collect();
            for wait in slices.iter().filter(|slice| slice.name != "frame") {
                let within = |frame: &&&Slice| frame.begin <= wait.begin && wait.end <= frame.end;
                assert!(frames.iter().any(|frame| within(&frame)), "{wait:?}");
            }
        }
    }
}

fn traced(sandbox: &Sandbox, mode: &str, options: &str) -> Trace {
    let line = format!(
        "run set --mode {mode} --analyze luma,motion --workers 2 --repeat 2 --warmup 1 {options} \
         --trace {mode}.json --out out"
    );
    sandbox.run(&line).succeeds();
    Trace::read(sandbox, &format!("{mode}.json"))
}

const MODES: [&str; 7] = [
    "payload",
    "payload-raw",
    "path",
    "mmap",
    "shm",
    "sequential",
    "threads",
];

#[test]
fn every_frame_has_its_stages_and_they_add_up_to_the_reports() {
    let sandbox = Sandbox::new().with_set("--size 160x90 --frames 20");
    for mode in MODES {
        let more = match mode {
            "payload-raw" | "threads" => &["--batch 3"][..],
            "mmap" | "shm" => &["--batch 3", "--fps 400"],
            _ => &[],
        };
        for options in ["--batch 1"].iter().chain(more) {
            let trace = traced(&sandbox, mode, options);
            let report = sandbox.report(&format!("out/{mode}"));
            trace.check_report(&report);
            // 20 frames, twice; those of the warm-up are not there.
            let mut frames: Vec<_> = trace.named("frame");
            frames.sort_by_key(|slice| (slice.args["pass"].as_u64(), slice.args["frame"].as_u64()));
            let numbers = frames
                .iter()
                .map(|slice| slice.args["frame"].as_u64().unwrap());
            let expected: Vec<u64> = (0..20).chain(0..20).collect();
            assert_eq!(numbers.collect::<Vec<_>>(), expected, "{mode} {options}");
            assert!(frames.iter().all(|slice| slice.args["failed"] == 0));
            assert!(
                trace.counters["backlog"]
                    .iter()
                    .all(|values| values["frames"].is_u64())
            );
            let memory = &trace.counters["memory"];
            assert!(
                memory
                    .iter()
                    .any(|values| values["anonymous"].as_u64() > Some(0))
            );
        }
    }
}

#[test]
fn each_process_is_a_track_and_several_modes_share_a_file() {
    let sandbox = Sandbox::new().with_set("--size 160x90 --frames 40");
    let trace = traced(&sandbox, "all", "--batch 1");
    let names: Vec<_> = trace.processes.values().collect();
    let own: Vec<_> = names.iter().filter(|name| **name == "framehaul").collect();
    assert_eq!(own.len(), 1, "{names:?}");
    // Where there are slots, each pass has workers of its own.
    for (mode, most) in [("payload", 2), ("mmap", 2), ("shm", 4)] {
        let of_mode = |name: &&&String| name.ends_with(&format!("({mode})"));
        // One may have been too late to get any frame.
        let workers = names.iter().filter(of_mode).count();
        assert!((1..=most).contains(&workers), "{mode}: {names:?}");
        let findings = format!("{mode}: findings");
        assert!(trace.threads.values().any(|name| *name == findings));
    }
    for mode in MODES {
        let of_mode = |((lane, _), _): &(&(String, u64), &Vec<Slice>)| lane == mode;
        let frames = trace
            .lanes
            .iter()
            .filter(of_mode)
            .flat_map(|(_, slices)| slices);
        let frames = frames.filter(|slice| slice.name == "frame").count();
        assert_eq!(frames, 80, "{mode}");
    }
}

#[test]
fn dropped_frames_and_an_end_that_was_asked_for_are_in_it() {
    let sandbox = Sandbox::new();
    let line = "run camera:64x48 --mode shm --frames 0..60 --workers 2 --slots 6 --policy \
                drop-newest --analyze luma,burn:3 --trace trace.json --out out";
    sandbox.run(line).succeeds();
    let trace = Trace::read(&sandbox, "trace.json");
    let report = sandbox.report("out/shm");
    trace.check_report(&report);
    let dropped = trace
        .instants
        .iter()
        .filter(|name| *name == "dropped: no slot was free");
    assert_eq!(dropped.count() as u64, report["totals"]["frames_dropped"]);
    assert!(report["totals"]["frames_dropped"].as_u64() > Some(0));

    // It grows while the run goes on.
    let mut run = endless(&sandbox, 2);
    wait_for(&sandbox, &mut run, 100_000);
    kill("-INT", run.id());
    Said::from(run.wait_with_output().unwrap(), line).succeeds();
    Trace::read(&sandbox, "trace.json").check_report(&sandbox.report("out/shm"));
}

/// A camera that goes on, and is traced.
fn endless(sandbox: &Sandbox, workers: u32) -> Child {
    let line =
        format!("run camera:64x48@200 --mode shm --workers {workers} --trace trace.json --out out");
    let mut command = sandbox.command(&line);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
    // What was there before is another run's.
    let _ = std::fs::remove_file(sandbox.path("trace.json"));
    run.spawn().unwrap()
}

/// Waits until so many bytes of the trace have been written by a run that goes on.
fn wait_for(sandbox: &Sandbox, run: &mut Child, bytes: u64) {
    let path = sandbox.path("trace.json");
    while std::fs::metadata(&path).map_or(0, |file| file.len()) < bytes {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
}

/// A camera that goes on, and is traced into a named pipe.
fn into_pipe(sandbox: &Sandbox) -> Child {
    let made = Command::new("mkfifo").arg(sandbox.path("pipe")).status();
    assert!(made.unwrap().success());
    let line = "run camera:64x48 --mode shm --workers 2 --trace pipe --out out";
    let mut command = sandbox.command(line);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
    run.spawn().unwrap()
}

#[test]
fn a_pipe_that_nobody_opens_is_waited_for_until_it_is_called_off() {
    let sandbox = Sandbox::new();
    let mut run = into_pipe(&sandbox);
    while !sandbox.path("out/shm.partial").exists() {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        sleep(Duration::from_millis(10));
    }
    sleep(Duration::from_millis(300));
    assert!(run.try_wait().unwrap().is_none(), "it waits");
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), "run");
    said.fails(130, &["interrupted"]).one_line();
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_pipe_whose_reader_has_stopped_holds_up_no_end() {
    let sandbox = Sandbox::new();
    let mut run = into_pipe(&sandbox);
    let mut pipe = std::fs::File::open(sandbox.path("pipe")).unwrap();
    pipe.read_exact(&mut [0; 100]).unwrap();
    // What is traced of a frame is several times what is found in it: when more has been found than the
    // pipe and the buffer before it hold, the run has gone on without the trace.
    let findings = sandbox.path("out/shm.partial/findings.jsonl");
    while std::fs::metadata(&findings).map_or(0, |file| file.len()) < 1 << 20 {
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        sleep(Duration::from_millis(10));
    }
    kill("-INT", run.id());
    let said = Said::from(run.wait_with_output().unwrap(), "run");
    said.fails(1, &["pipe: cannot write the trace: it is not whole"]);
}

#[test]
fn a_trace_that_would_go_with_the_run_that_is_replaced_is_refused() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 3");
    let run = "run set --mode sequential,mmap --out out";
    sandbox.run(run).succeeds();
    let before = sandbox.report("out/mmap");
    for trace in ["out/mmap/trace.json", "out/mmap.partial/trace.json"] {
        let said = sandbox.run(&format!("{run} --trace {trace}"));
        said.fails(2, &[trace, "lies in out/mmap, which the run replaces"])
            .one_line();
    }
    assert_eq!(sandbox.report("out/mmap"), before);
    let out = std::fs::read_dir(sandbox.path("out")).unwrap();
    assert_eq!(out.count(), 2, "nothing is left");
    sandbox
        .run(&format!("{run} --trace out/trace.json"))
        .succeeds();
    Trace::read(&sandbox, "out/trace.json");
}

#[test]
fn what_a_run_reads_is_not_written_over_by_what_it_writes() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 3");
    let link = sandbox.path("link.csv");
    std::os::unix::fs::symlink(sandbox.path("set/frames.npy"), link).unwrap();
    let read = |file: &str| std::fs::read(sandbox.path(file)).unwrap();
    let before = [read("set/frames.npy"), read("set/manifest.json")];
    for file in [
        "--trace set/frames.npy",
        "--trace set/manifest.json",
        "--export set/manifest.json",
        "--export link.csv",
    ] {
        let said = sandbox.run(&format!("run set --mode mmap --out out {file}"));
        said.fails(2, &["is a part of the input set", "name another"])
            .one_line();
    }
    let both = "run set --mode mmap --out out --trace one.json --export one.json";
    let said = sandbox.run(both);
    said.fails(2, &["one.json", "is to be written twice"])
        .one_line();
    assert_eq!(before, [read("set/frames.npy"), read("set/manifest.json")]);
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_worker_that_dies_has_a_successor_of_its_own() {
    let sandbox = Sandbox::new();
    let mut run = endless(&sandbox, 1);
    wait_for(&sandbox, &mut run, 50_000);
    let workers = common::workers(run.id());
    kill("-KILL", workers[0]);
    // What is written by then is the successor's.
    wait_for(&sandbox, &mut run, 250_000);
    kill("-INT", run.id());
    Said::from(run.wait_with_output().unwrap(), "run").succeeds();
    let trace = Trace::read(&sandbox, "trace.json");
    trace.check_report(&sandbox.report("out/shm"));
    let workers = trace
        .processes
        .values()
        .filter(|name| *name == "worker 0 (shm)");
    assert_eq!(workers.count(), 2, "{:?}", trace.processes);
}

#[test]
fn a_trace_that_cannot_be_written_is_told_and_costs_no_report() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 3");
    let line = "run set --mode mmap --trace none/trace.json --out out";
    let said = sandbox
        .run(line)
        .fails(2, &["none/trace.json: cannot create the trace"]);
    said.one_line();
    assert!(!sandbox.path("out").exists());
    let line = "run set --mode mmap --trace /dev/full --out out";
    let said = sandbox
        .run(line)
        .fails(1, &["/dev/full: cannot write the trace"]);
    said.one_line();
    assert_eq!(sandbox.report("out/mmap")["totals"]["frames"], 3);
}
