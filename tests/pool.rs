//! The process pool with real processes that are killed at the worst moments.
//!
//! This executable is its own worker, so `main` is ours: the entry first, then the tests.

use framehaul::clock::now;
use framehaul::pool::{
    AsIs, Config, Context, Failure, Inline, Job, MAX_DEATHS, Pack, Pool, Processes, Threads, worker,
};
use framehaul::sys::signal;
use ipc_channel::ipc::{self, IpcOneShotServer, IpcSender};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("receive-and-stop") {
        receive_and_stop();
    }
    worker::enter::<Task>();
    let trials = vec![
        Trial::test("all_three_pools_return_every_jobs_output", || {
            every_jobs_output(&mut processes(3))?;
            every_jobs_output(&mut threads(3))?;
            every_jobs_output(&mut inline())
        }),
        Trial::test(
            "a_panic_is_the_jobs_failure_and_the_worker_lives_on",
            || {
                a_panic(&mut processes(1))?;
                a_panic(&mut threads(1))?;
                a_panic(&mut inline())
            },
        ),
        Trial::test("bulk_arrives_beside_its_job_byte_for_byte", bulk_arrives),
        Trial::test("workers_that_die_lose_no_job", workers_that_die),
        Trial::test(
            "workers_killed_from_outside_at_any_moment_lose_no_job",
            killed_from_outside,
        ),
        Trial::test(
            "a_job_that_kills_every_worker_is_given_up_and_named",
            given_up,
        ),
        Trial::test(
            "workers_that_cannot_start_end_the_pool_with_a_sentence",
            cannot_start,
        ),
        Trial::test(
            "a_dropped_pool_leaves_no_process_descriptor_or_thread",
            nothing_stays,
        ),
        Trial::test(
            "ipc_channel_send_hangs_when_the_receiver_dies_and_a_nudge_ends_it",
            the_hang,
        ),
    ];
    // One after the other: the tests count this process's children, threads and descriptors.
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    libtest_mimic::run(&args, trials).exit();
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Task {
    Square(u64),
    Panic,
    /// Says how long its bulk is, and its checksum.
    Weigh,
    /// Kills its own worker while the mark file does not hold so many lines, adding one each time.
    DieUntil {
        deaths: usize,
        mark: String,
    },
    /// Works for a while without sleeping.
    Spin(u64),
}

impl Job for Task {
    type Setup = bool;
    type State = ();
    type Output = u64;

    fn init(healthy: &bool) -> Result<(), String> {
        healthy.then_some(()).ok_or("the setup says no".into())
    }

    fn run(self, (): &mut (), bulk: &[u8], context: &Context<'_>) -> u64 {
        match self {
            Self::Square(n) => n * n,
            Self::Panic => panic!("as asked"),
            Self::Weigh => checksum(bulk),
            Self::DieUntil { deaths, mark } => {
                context.step(3);
                let before = fs::read(&mark).unwrap_or_default().len();
                if before < deaths {
                    fs::write(&mark, vec![b'x'; before + 1]).unwrap();
                    std::process::abort();
                }
                before as u64
            }
            Self::Spin(rounds) => (0..rounds).fold(1, |x, i| std::hint::black_box(x ^ i)),
        }
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, &byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

fn processes(workers: usize) -> Processes<AsIs<Task>> {
    Processes::start(Config::new(workers), true, AsIs::default()).unwrap()
}

fn threads(workers: usize) -> Threads<AsIs<Task>> {
    Threads::start(workers, &true, &AsIs::default()).unwrap()
}

fn inline() -> Inline<AsIs<Task>> {
    Inline::start(true, AsIs::default()).unwrap()
}

fn every_jobs_output(pool: &mut dyn Pool<AsIs<Task>>) -> Result<(), Failed> {
    let ids: HashSet<_> = (0..100).map(|n| pool.submit(Task::Square(n))).collect();
    let mut seen = HashSet::new();
    while let Some(done) = pool.next(None)? {
        let Task::Square(n) = done.order else {
            return Err("another order came back".into());
        };
        assert_eq!(done.outcome.unwrap(), n * n);
        assert!(done.trip.submitted <= done.trip.pack_begin);
        assert!(done.trip.received <= done.trip.run_begin);
        assert!(done.trip.run_end <= done.trip.arrived);
        seen.insert(done.id);
    }
    assert_eq!(seen, ids);
    assert_eq!(pool.under_way(), 0);
    Ok(())
}

fn a_panic(pool: &mut dyn Pool<AsIs<Task>>) -> Result<(), Failed> {
    pool.submit(Task::Panic);
    let failed = pool.next(None)?.ok_or("no outcome")?.outcome.unwrap_err();
    assert!(
        matches!(&failed, Failure::Panicked(why) if why.contains("as asked")),
        "{failed}"
    );
    pool.submit(Task::Square(3));
    assert_eq!(pool.next(None)?.ok_or("no outcome")?.outcome.unwrap(), 9);
    assert!(pool.deaths().is_empty());
    Ok(())
}

/// Sends bulk of the size that the order names.
#[derive(Clone)]
struct WithBulk;

impl Pack for WithBulk {
    type Order = usize;
    type Job = Task;
    fn pack(&mut self, size: &usize, bulk: &mut Vec<u8>) -> Task {
        bulk.extend((0..*size).map(|i| (i * 7 + size) as u8));
        Task::Weigh
    }
}

fn bulk_arrives() -> Result<(), Failed> {
    let mut pool = Processes::start(Config::new(2), true, WithBulk)?;
    // Around ipc-channel's fragment size, and well beyond it.
    let sizes = [0, 1, 212_000, 212_448, 212_464, 212_465, 3_000_000];
    for size in sizes {
        pool.submit(size);
    }
    while let Some(done) = pool.next(None)? {
        let mut bulk = Vec::new();
        WithBulk.pack(&done.order, &mut bulk);
        assert_eq!(
            done.outcome.unwrap(),
            checksum(&bulk),
            "{} bytes",
            done.order
        );
    }
    Ok(())
}

fn workers_that_die() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut pool = processes(2);
    for n in 0..20 {
        let mark = folder.path().join(n.to_string()).display().to_string();
        let deaths = n % MAX_DEATHS as usize;
        pool.submit(Task::DieUntil { deaths, mark });
        pool.submit(Task::Square(n as u64));
    }
    let mut ended = 0;
    while let Some(done) = pool.next(None)? {
        let expected = match done.order {
            Task::DieUntil { deaths, .. } => deaths as u64,
            Task::Square(n) => n * n,
            _ => unreachable!(),
        };
        assert_eq!(done.outcome.unwrap(), expected);
        ended += 1;
    }
    assert_eq!(ended, 40);
    assert_eq!(pool.deaths().len(), (0..20).map(|n| n % 5).sum::<usize>());
    for death in pool.deaths() {
        assert_eq!(death.how, "killed by SIGABRT");
        assert_eq!(death.during.map(|(_, step)| step), Some(3));
    }
    Ok(())
}

/// Large messages and busy workers, and somebody who kills one after every few outcomes: in the
/// middle of a send, of a compute, of an answer, while starting.
fn killed_from_outside() -> Result<(), Failed> {
    #[derive(Clone)]
    struct Mixed;
    impl Pack for Mixed {
        type Order = usize;
        type Job = Task;
        fn pack(&mut self, n: &usize, bulk: &mut Vec<u8>) -> Task {
            match n % 3 {
                0 => Task::Square(*n as u64),
                1 => Task::Spin(300_000),
                _ => WithBulk.pack(&4_000_000, bulk),
            }
        }
    }
    let mut pool = Processes::start(Config::new(2), true, Mixed)?;
    let mut seed = 7u64;
    println!("seed {seed}");
    for n in 0..120 {
        pool.submit(n);
    }
    let mut seen = HashSet::new();
    let mut kills = 0;
    loop {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wait = seed >> 54; // up to a millisecond, in µs
        match pool.next(Some(now() + wait * 1_000))? {
            Some(done) => {
                done.outcome.map_err(|failure| failure.to_string())?;
                assert!(seen.insert(done.order), "{} ended twice", done.order);
            }
            None if pool.under_way() == 0 => break,
            None => {}
        }
        let pids = pool.pids().list();
        if kills < 60 && seed.is_multiple_of(2) && !pids.is_empty() {
            let victim = pids[(seed >> 40) as usize % pids.len()];
            let _ = Command::new("kill")
                .args(["-9", &victim.to_string()])
                .stderr(Stdio::null())
                .status();
            kills += 1;
        }
    }
    assert_eq!(seen.len(), 120);
    println!("{kills} kills, {} deaths", pool.deaths().len());
    assert!(!pool.deaths().is_empty());
    Ok(())
}

fn given_up() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().join("mark").display().to_string();
    let mut pool = processes(2);
    pool.submit(Task::DieUntil {
        deaths: usize::MAX,
        mark: mark.clone(),
    });
    pool.submit(Task::Square(5));
    let mut given_up = 0;
    while let Some(done) = pool.next(None)? {
        match done.outcome {
            Ok(output) => assert_eq!(output, 25),
            Err(failure) => {
                assert!(
                    matches!(failure, Failure::GivenUp { step: 3, .. }),
                    "{failure}"
                );
                given_up += 1;
            }
        }
    }
    assert_eq!(given_up, 1);
    assert_eq!(
        fs::read(mark)?.len(),
        MAX_DEATHS as usize,
        "not one attempt more or less"
    );
    Ok(())
}

fn cannot_start() -> Result<(), Failed> {
    let said = |config, healthy| {
        let started = Processes::start(config, healthy, AsIs::<Task>::default());
        started
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let refused = said(Config::new(2), false);
    assert!(refused.contains("the setup says no"), "{refused}");
    let missing = Config {
        exe: "/no/such/program".into(),
        ..Config::new(2)
    };
    let missing = said(missing, true);
    assert!(missing.contains("cannot start"), "{missing}");
    // A program that is no worker ends at once, again and again.
    let other = Config {
        exe: "/bin/true".into(),
        ..Config::new(1)
    };
    let other = said(other, true);
    assert!(other.contains("keep dying"), "{other}");
    Ok(())
}

fn nothing_stays() -> Result<(), Failed> {
    let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    let children = || {
        let me = std::process::id();
        fs::read_to_string(format!("/proc/self/task/{me}/children")).unwrap_or_default()
    };
    // Once before counting: whatever is set up once for good is there then.
    drop(processes(1));
    let before = (count("fd"), count("task"));
    for busy in [false, true] {
        let mut pool = Processes::start(Config::new(3), true, WithBulk)?;
        for _ in 0..6 {
            pool.submit(2_000_000);
        }
        while !busy && pool.next(None)?.is_some() {}
        drop(pool);
        assert_eq!(children(), "", "busy: {busy}");
        assert_eq!((count("fd"), count("task")), before, "busy: {busy}");
    }
    Ok(())
}

// ------------------------------------------------------------------------------------------------

/// The child of [`the_hang`]: hands out a channel's sending end, receives one small message from
/// it to show that it works, and then does nothing any more.
fn receive_and_stop() -> ! {
    let server = std::env::args().nth(2).unwrap();
    let (sender, receiver) = ipc::bytes_channel().unwrap();
    IpcSender::connect(server).unwrap().send(sender).unwrap();
    receiver.recv().unwrap();
    println!("received");
    loop {
        std::thread::park();
    }
}

/// The reason for the pool's keepers, in its smallest form: a large message is under way to a
/// process that dies. `send` keeps a copy of the receiving end of its own, so the kernel sees a
/// socket that still has a reader, and the call never returns; a signal whose handler lacks
/// SA_RESTART is what ends it.
fn the_hang() -> Result<(), Failed> {
    let (server, name) = IpcOneShotServer::<ipc::IpcBytesSender>::new()?;
    let mut child = Command::new("/proc/self/exe")
        .args(["receive-and-stop", &name])
        .stdout(Stdio::piped())
        .spawn()?;
    let (_, sender) = server.accept()?;
    sender.send(b"a small one")?;
    let mut said = [0; 9];
    child
        .stdout
        .take()
        .ok_or("no pipe")?
        .read_exact(&mut said)?;

    signal::prepare_nudge();
    let (tell, told) = channel();
    let sending = std::thread::spawn(move || {
        let task = fs::read_link("/proc/thread-self").unwrap();
        tell.send(task.file_name().unwrap().to_string_lossy().into_owned())
            .unwrap();
        sender.send(&vec![1; 20_000_000])
    });
    let task = told.recv()?;
    // Asleep in `sendto` (44), not just on its way there.
    let blocked = || {
        let path = format!("/proc/self/task/{task}/syscall");
        fs::read_to_string(path).is_ok_and(|call| call.starts_with("44 "))
    };
    while !blocked() {
        std::thread::yield_now();
    }
    child.kill()?;
    child.wait()?;
    // The child is reaped, all of its descriptors are closed: nothing is left that could wake it.
    assert!(
        blocked() && !sending.is_finished(),
        "ipc-channel no longer hangs: simplify the keeper"
    );
    while !sending.is_finished() {
        signal::nudge(&sending);
        std::thread::yield_now();
    }
    let error = sending.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Interrupted);
    Ok(())
}
