//! What processes share, with real processes that are killed at the worst moments.
//!
//! This executable is its own child, so `main` is ours: the children's parts first, then the
//! tests.

use framehaul::coordination::{
    Dict, FirstFound, LARGEST_VALUE, List, Manager, SharedArray, SharedValue, StopFlag, Watch,
};
use framehaul::sys::segment::Segment;
use libtest_mimic::{Arguments, Failed, Trial};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;

fn main() {
    Manager::serve();
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("child") {
        let (part, message) = (args.next().unwrap(), args.next().unwrap());
        return play(&part, &message);
    }
    let trials = vec![
        Trial::test("what_a_process_writes_the_others_read", written_and_read),
        Trial::test("a_segment_received_often_is_mapped_once", mapped_once),
        Trial::test("a_segment_goes_with_its_creator", gone_with_its_creator),
        Trial::test("a_killed_process_keeps_no_lock", killed_with_the_lock),
        Trial::test("processes_find_the_earliest", processes_find),
        Trial::test("a_managers_objects_are_the_same_everywhere", managed),
        Trial::test("what_does_not_fit_is_refused_and_work_goes_on", refused),
        Trial::test("callers_that_are_too_many_are_turned_away", turned_away),
        Trial::test("proxies_of_a_dead_server_get_an_error", server_killed),
        Trial::test("a_server_does_not_outlive_its_killed_parent", parent_killed),
        Trial::test("nothing_stays", nothing_stays),
    ];
    // One after the other: the tests count this process's children, threads and descriptors.
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    libtest_mimic::run(&args, trials).exit();
}

/// Everything that can be shared in memory, in one message.
#[derive(Serialize, Deserialize)]
struct Shared {
    watch: Watch,
    value: SharedValue<i32>,
    array: SharedArray<f64>,
    segment: Segment,
}

fn play(part: &str, message: &str) {
    match part {
        "write" => {
            let shared: Shared = read(message);
            assert!(!shared.watch.is_set());
            shared.watch.set();
            shared.value.update(|x| *x *= 3);
            shared.array.slice(1, 2).store(0, 2.5);
            shared.segment.cell(1).store(77, Relaxed);
        }
        "receive-often" => {
            let before = (count("fd"), maps());
            let first: SharedArray<u64> = read(message);
            for _ in 0..100_000 {
                let again: SharedArray<u64> = read(message);
                if again.fetch_add(0, 1).is_multiple_of(1_000) {
                    // However many there are: one map more, and no descriptor.
                    assert_eq!((count("fd"), maps()), (before.0, before.1 + 1));
                }
            }
            drop(first);
            assert_eq!((count("fd"), maps()), before);
        }
        "create" => {
            let segment = Segment::create(64).unwrap();
            segment.cell(0).store(5, Relaxed);
            say(&serde_json::to_string(&segment).unwrap());
            park()
        }
        "lock" => {
            let (value, array): (SharedValue<u64>, SharedArray<u64>) = read(message);
            let (mut value, array) = (value.lock(), array.lock());
            *value = 1_000;
            array.store(0, 1_000);
            say("locked");
            park()
        }
        "search" => {
            let (worker, workers, found): (u32, u32, FirstFound<u64>) = read(message);
            let mut search = found.seat(worker);
            for n in (u64::from(worker)..).step_by(workers as usize) {
                if search.should_stop(n) {
                    return;
                }
                if n % 977 == 976 {
                    search.offer(n, n * n);
                }
                search.worked(1);
            }
        }
        "manage" => {
            let (dict, list): (Dict, List) = read(message);
            for _ in 0..500 {
                dict.add("count", 2).unwrap();
            }
            list.push(&Some("from a child")).unwrap();
        }
        "be-killed" => {
            let manager = Manager::start().unwrap();
            manager.dict().set("a", &1).unwrap();
            say("started");
            park()
        }
        other => panic!("no part {other}"),
    }
}

fn read<T: DeserializeOwned>(message: &str) -> T {
    serde_json::from_str(message).unwrap()
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn park() -> ! {
    loop {
        std::thread::park();
    }
}

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// The segments that are mapped here.
fn maps() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let ours = maps.lines().filter(|line| line.contains("memfd:framehaul"));
    ours.count()
}

fn child(part: &str, message: &impl Serialize) -> Command {
    let message = serde_json::to_string(message).unwrap();
    let mut command = Command::new("/proc/self/exe");
    command.args(["child", part, &message]);
    command.stdout(Stdio::piped());
    command
}

fn run(part: &str, message: &impl Serialize) -> Result<(), Failed> {
    let ended = child(part, message).status()?;
    ended.success().then_some(()).ok_or(Failed::from(part))
}

/// Starts a child and waits for the line that it says.
fn start(command: &mut Command) -> Result<(Child, String), Failed> {
    let mut child = command.spawn()?;
    let mut line = String::new();
    let out = child.stdout.as_mut().ok_or("no pipe")?;
    BufReader::new(out).read_line(&mut line)?;
    Ok((child, line.trim_end().into()))
}

fn kill(mut child: Child) -> Result<(), Failed> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

// ------------------------------------------------------------------------------------------------

fn written_and_read() -> Result<(), Failed> {
    let mut flag = StopFlag::new()?;
    let shared = Shared {
        watch: flag.watch(),
        value: SharedValue::new(-14)?,
        array: SharedArray::per_worker(2, 3)?,
        segment: Segment::create(128)?,
    };
    run("write", &shared)?;
    assert!(shared.watch.is_set() && !flag.next_stream().is_set());
    assert_eq!(shared.value.load(), -42);
    assert_eq!(shared.array.values(), [0.0, 0.0, 0.0, 2.5, 0.0, 0.0]);
    assert_eq!(shared.segment.cell(1).load(Relaxed), 77);
    Ok(())
}

fn mapped_once() -> Result<(), Failed> {
    let array = SharedArray::<u64>::new(1)?;
    run("receive-often", &array)?;
    assert_eq!(array.load(0), 100_000);
    Ok(())
}

fn gone_with_its_creator() -> Result<(), Failed> {
    let (child, message) = start(&mut child("create", &()))?;
    let theirs: Segment = serde_json::from_str(&message)?;
    kill(child)?;
    assert_eq!(theirs.cell(0).load(Relaxed), 5, "a holder keeps it");
    // Another process does not have it yet, nor has this one once it has let go.
    drop(theirs);
    let said = serde_json::from_str::<Segment>(&message).unwrap_err();
    assert!(said.to_string().contains("that process is gone"), "{said}");
    Ok(())
}

fn killed_with_the_lock() -> Result<(), Failed> {
    let shared = (SharedValue::new(7u64)?, SharedArray::<u64>::new(1)?);
    let (child, said) = start(&mut child("lock", &shared))?;
    assert_eq!(said, "locked");
    let (value, array) = shared;
    // Somebody is waiting already when the holder is killed.
    let waiting = std::thread::spawn(move || value.update(|x| *x += 1));
    kill(child)?;
    waiting.join().map_err(|_| "the waiting thread")?;
    let guard = array.lock();
    assert!(guard.recovered(), "the lock tells");
    assert_eq!(guard.load(0), 1_000);
    drop(guard);
    assert!(!array.lock().recovered(), "once");
    Ok(())
}

fn processes_find() -> Result<(), Failed> {
    for _ in 0..5 {
        let found = FirstFound::<u64>::earliest(3)?;
        let children: Result<Vec<_>, _> = (0..3)
            .map(|worker| child("search", &(worker, 3, &found)).spawn())
            .collect();
        for mut child in children? {
            assert!(child.wait()?.success());
        }
        let report = found.report();
        let winner = report.winner.ok_or("nothing found")?;
        assert_eq!((winner.position, winner.value), (976, 976 * 976));
        assert_eq!(winner.worker, 976 % 3);
        let needed: u64 = report.seats.iter().map(|s| s.iterations - s.wasted).sum();
        assert!(needed >= 977, "{report:?}");
    }
    Ok(())
}

fn managed() -> Result<(), Failed> {
    let manager = Manager::start()?;
    let (dict, list) = (manager.dict(), manager.list());
    let children: Result<Vec<_>, _> = (0..3)
        .map(|_| child("manage", &(&dict, &list)).spawn())
        .collect();
    for mut child in children? {
        assert!(child.wait()?.success());
    }
    assert_eq!(dict.add("count", 0)?, 3_000);
    assert_eq!(dict.get::<i64>("count")?, Some(3_000));
    assert_eq!(list.len()?, 3);
    let first = list.get::<Option<String>>(0)?;
    assert_eq!(first.flatten().as_deref(), Some("from a child"));

    dict.set("shape", &(2160u32, vec!["y", "u", "v"]))?;
    assert_eq!(dict.keys()?, ["count", "shape"]);
    assert!(dict.remove("count")? && !dict.remove("count")?);
    assert_eq!((dict.len()?, dict.get::<i64>("count")?), (1, None));
    list.set(2, &0.5f64)?;
    assert_eq!(list.pop::<f64>()?, Some(0.5));
    assert_eq!((list.len()?, list.get::<f64>(2)?), (2, None));
    assert!(manager.dict().is_empty()? && manager.list().is_empty()?);
    Ok(())
}

/// More calls at a time than the server has descriptors: each ends, with what was asked for or with
/// the reason, and later ones are as good as ever.
fn turned_away() -> Result<(), Failed> {
    const CALLS: usize = 40;
    let manager = Manager::start()?;
    let dict = manager.dict();
    let value = vec![7u8; 1 << 20];
    dict.set("value", &value)?;
    let pid = manager.pid().to_string();
    let limited = Command::new("prlimit")
        .args(["--nofile=16", "--pid", &pid])
        .status();
    assert!(limited?.success());
    let (start, mut refused) = (Barrier::new(CALLS), 0);
    std::thread::scope(|scope| {
        let call = || {
            start.wait();
            (0..20).map(|_| dict.get::<Vec<u8>>("value")).collect()
        };
        let callers: Vec<_> = (0..CALLS).map(|_| scope.spawn(call)).collect();
        for caller in callers {
            let answers: Vec<_> = caller.join().unwrap();
            for answer in answers {
                match answer {
                    Ok(got) => assert_eq!(got.as_ref(), Some(&value)),
                    Err(error) => {
                        assert!(error.to_string().contains("no descriptor left"), "{error}");
                        refused += 1;
                    }
                }
            }
        }
    });
    println!("{refused} calls were turned away");
    assert_eq!(dict.len()?, 1);
    Ok(())
}

fn refused() -> Result<(), Failed> {
    let manager = Manager::start()?;
    let (dict, list) = (manager.dict(), manager.list());
    dict.set("text", "seven")?;
    let descriptors = count("fd");
    let refusals = [
        (dict.get::<i64>("text").err(), "is not a i64"),
        (dict.add("text", 1).err(), "no i64 to add to"),
        (dict.set("big", &vec![1u8; LARGEST_VALUE]).err(), "too many"),
        (list.set(3, &1).err(), "a list of 0 has no element 3"),
    ];
    for (error, expected) in refusals {
        let said = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(expected), "{said:?} instead of {expected:?}");
    }
    dict.set("most", &i64::MAX)?;
    assert!(dict.add("most", 1).is_err());
    assert_eq!(dict.get::<String>("text")?.as_deref(), Some("seven"));
    assert_eq!(count("fd"), descriptors, "the same connection");
    // As large as it may be.
    dict.set("big", &vec![1u8; LARGEST_VALUE - 100])?;
    assert_eq!(
        dict.get::<Vec<u8>>("big")?.map(|v| v.len()),
        Some(LARGEST_VALUE - 100)
    );
    Ok(())
}

fn server_killed() -> Result<(), Failed> {
    let manager = Manager::start()?;
    let (dict, list) = (manager.dict(), manager.list());
    list.push(&1)?; // connected
    let message = serde_json::to_string(&dict)?;
    drop(manager);
    for _ in 0..2 {
        let said = list.len().unwrap_err().to_string();
        assert!(said.contains("server is gone"), "{said}");
    }
    let said = serde_json::from_str::<Dict>(&message)?.len().unwrap_err();
    assert!(said.to_string().contains("server is gone"), "{said}");
    Ok(())
}

fn parent_killed() -> Result<(), Failed> {
    // The server has its parent's standard error: it ends when both have ended.
    let (mut child, said) = start(child("be-killed", &()).stderr(Stdio::piped()))?;
    assert_eq!(said, "started");
    let mut stderr = child.stderr.take().ok_or("no pipe")?;
    kill(child)?;
    let mut rest = String::new();
    stderr.read_to_string(&mut rest)?;
    assert_eq!(rest, "");
    Ok(())
}

fn nothing_stays() -> Result<(), Failed> {
    let children = || {
        let me = std::process::id();
        fs::read_to_string(format!("/proc/self/task/{me}/children")).unwrap_or_default()
    };
    let before = (count("fd"), count("task"), maps());
    for _ in 0..3 {
        written_and_read()?;
        killed_with_the_lock()?;
        let found = FirstFound::<u8>::any(2)?;
        let mut search = found.seat(1);
        drop(found);
        search.offer(1, 1);
        managed()?;
        server_killed()?;
    }
    assert_eq!((count("fd"), count("task"), maps()), before);
    assert_eq!(children(), "");
    Ok(())
}
