//! Workers that die, hang and are stopped, at the worst moments.

use crate::task::{
    Curse, Cursed, Death, Setup, Task, WithBulk, checksum, everywhere, pattern, processes,
};
use framehaul::pool::{Exit, JobError, MAX_DEATHS, Pack, Packed, Pool, as_completed};
use libtest_mimic::Failed;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

type Done = Result<(), Failed>;

fn mark(folder: &Path, name: impl ToString) -> String {
    folder.join(name.to_string()).display().to_string()
}

fn signal(name: &str, pid: u32) {
    let _ = Command::new("kill")
        .args([name, &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

pub(crate) fn workers_that_die_lose_no_job() -> Done {
    let folder = tempfile::tempdir()?;
    let pool = processes(2);
    let mut handles = Vec::new();
    for n in 0..20 {
        let deaths = n % MAX_DEATHS as usize;
        let how = if n % 2 == 0 {
            Death::Abort
        } else {
            Death::Exit
        };
        let mark = mark(folder.path(), n);
        handles.push((
            deaths as u64,
            pool.submit(Task::DieUntil { deaths, mark, how }),
        ));
        handles.push(((n * n) as u64, pool.submit(Task::Square(n as u64))));
    }
    for (expected, handle) in handles {
        assert_eq!(handle.wait()?.number(), expected);
    }
    let deaths = pool.deaths();
    assert_eq!(deaths.len(), (0..20).map(|n| n % 5).sum::<usize>());
    assert_eq!(pool.died(), deaths.len() as u64);
    for death in deaths {
        let by_itself = matches!(death.exit, Exit::Signal(libc::SIGABRT) | Exit::Code(0));
        assert!(by_itself && !death.out_of_memory, "{death:?}");
        assert_eq!(death.during.map(|(_, step)| step), Some(3));
    }
    Ok(())
}

pub(crate) fn a_death_elsewhere_leaves_nobody_waiting_in_vain() -> Done {
    let folder = tempfile::tempdir()?;
    // One of the two has the job, the other has nothing to do.
    for victim in 0..2 {
        let pool = processes(2);
        // One at a time: by now whoever waits listens.
        for n in 0..100 {
            assert_eq!(pool.submit(Task::Square(n)).wait()?.number(), n * n);
        }
        let path = mark(folder.path(), victim);
        let lone = pool.submit(Task::Await(path.clone()));
        signal("-KILL", pool.pids().list()[victim]);
        // The death is noted before anybody waits for the job.
        while pool.died() == 0 {
            std::thread::yield_now();
        }
        fs::write(path, "")?;
        assert_eq!(lone.wait()?.number(), 0);
    }
    Ok(())
}

pub(crate) fn a_job_that_kills_every_worker_is_given_up_and_named() -> Done {
    let folder = tempfile::tempdir()?;
    for (max, how, exit) in [
        (MAX_DEATHS, Death::Abort, Exit::Signal(libc::SIGABRT)),
        (2, Death::Exit, Exit::Code(0)),
    ] {
        let mark = mark(folder.path(), max);
        let pool = Pool::processes(2).max_deaths(max).start(Setup::default())?;
        // In the middle of a parcel, whose other jobs are none the worse for it.
        let tasks = (0..5).map(|n| match n {
            2 => Task::DieUntil {
                deaths: usize::MAX,
                mark: mark.clone(),
                how,
            },
            n => Task::Square(n),
        });
        let mut outcomes: Vec<_> = pool.map(tasks).batch(5).collect();
        let Err(JobError::WorkerDied(died)) = outcomes.remove(2) else {
            return Err("it was not given up".into());
        };
        assert_eq!((died.exit, died.step, died.deaths), (exit, 3, max));
        assert!(pool.deaths().iter().any(|death| death.pid == died.pid));
        assert_eq!(
            fs::read(mark)?.len(),
            max as usize,
            "not one attempt more or less"
        );
        for (outcome, n) in outcomes.into_iter().zip([0, 1, 3, 4]) {
            assert_eq!(outcome?.number(), n * n);
        }
    }
    Ok(())
}

/// What a job's own code does while its bytes are written or read is that job's failure, on either
/// side, alone or in the middle of a batch.
pub(crate) fn bytes_that_panic_or_abort_cost_their_job_alone() -> Done {
    let pool = Pool::processes(2).max_deaths(2).start(Setup::default())?;
    let panics = [
        Task::Cursed(Cursed(Curse::PanicWhenWritten)),
        Task::Cursed(Cursed(Curse::PanicWhenRead)),
        Task::Curse(Curse::PanicWhenWritten),
        Task::Curse(Curse::PanicWhenRead),
    ];
    for task in panics {
        let what = format!("{task:?}");
        match pool.submit(task).wait() {
            Err(JobError::Panicked(panic)) => assert!(panic.message.starts_with("cursed")),
            other => panic!("{what}: {other:?}"),
        }
    }
    assert_eq!(pool.died(), 0);
    let aborts = || {
        [
            Task::Cursed(Cursed(Curse::AbortWhenRead)),
            Task::Curse(Curse::AbortWhenWritten),
        ]
    };
    for task in aborts() {
        let died = pool.submit(task).wait().unwrap_err();
        assert!(
            matches!(&died, JobError::WorkerDied(died) if died.deaths == 2 && died.step == 0),
            "{died}"
        );
    }
    let squares = |range: std::ops::Range<u64>| range.map(Task::Square);
    let jobs = squares(0..10).chain(aborts()).chain(squares(12..20));
    let outcomes: Vec<_> = pool.map(jobs).batch(20).collect();
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match (n, outcome) {
            (10 | 11, Err(JobError::WorkerDied(_))) => {}
            (_, outcome) => assert_eq!(outcome?.number(), (n * n) as u64),
        }
    }
    assert_eq!(pool.died(), 8);
    Ok(())
}

pub(crate) fn a_job_that_passes_its_deadline_is_asked_to_stop_and_then_killed() -> Done {
    let short = Duration::from_millis(20);
    for (_, builder) in everywhere(1) {
        let pool = builder.start(Setup::default())?;
        let polite = pool.submit_within(Task::UntilAsked, short);
        assert_eq!(
            polite.wait(),
            Err(JobError::Failed("stopped as asked".into()))
        );
        assert_eq!(pool.died(), 0);
    }
    let folder = tempfile::tempdir()?;
    let pool = Pool::processes(1)
        .grace(Duration::from_millis(50))
        .start(Setup::default())?;
    let path = mark(folder.path(), "pid");
    let stubborn = pool.submit_within(Task::Forever(path.clone()), short);
    let behind = pool.submit(Task::Square(6));
    assert_eq!(stubborn.wait(), Err(JobError::DeadlinePassed(short)));
    assert_eq!(behind.wait()?.number(), 36);
    let death = &pool.deaths()[0];
    assert_eq!(death.pid.to_string(), fs::read_to_string(path)?);
    assert_eq!(death.exit, Exit::Signal(libc::SIGKILL));
    Ok(())
}

pub(crate) fn a_worker_that_is_stopped_between_jobs_is_replaced_if_there_is_a_deadline() -> Done {
    let pool = Pool::processes(1)
        .deadline(Duration::from_millis(20))
        .grace(Duration::from_millis(20))
        .start(Setup::default())?;
    assert_eq!(pool.submit(Task::Square(2)).wait()?.number(), 4);
    signal("-STOP", pool.pids().list()[0]);
    assert_eq!(pool.submit(Task::Square(3)).wait()?.number(), 9);
    Ok(())
}

/// In a child, whose memory is limited: runs a job that takes all there is, and prints its end.
pub(crate) fn run_out_of_memory() -> ! {
    let pool = Pool::processes(2)
        .max_deaths(2)
        .start(Setup::default())
        .unwrap();
    let greedy = pool.submit(Task::Eat);
    let modest = pool.submit(Task::Square(3)).wait();
    println!("{:?} {modest:?}", greedy.wait());
    std::process::exit(0);
}

/// The child's line, run by a shell after `first`.
fn out_of_memory(first: &str) -> Result<String, Failed> {
    let line = format!("{first} && exec \"$0\" run-out-of-memory");
    let exe = std::env::current_exe()?;
    let output = Command::new("sh").arg("-c").arg(line).arg(exe).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

pub(crate) fn a_job_that_eats_all_memory_costs_its_worker_alone() -> Done {
    // Refused by the allocator, which aborts: a death like any other.
    let said = out_of_memory("ulimit -v 4000000")?;
    assert!(
        said.contains("Err(WorkerDied") && said.contains("out_of_memory: false"),
        "{said}"
    );
    assert!(said.contains("Ok(Number(9))"), "{said}");
    // Killed by the kernel, where we may make a control group to see it.
    let groups = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].map(|at| {
        let group = Path::new(at).join(format!("framehaul-test-{}", std::process::id()));
        let made = fs::create_dir(&group).is_ok();
        let limits = ["memory.limit_in_bytes", "memory.max"].map(|file| group.join(file));
        let limit = limits.into_iter().find(|limit| limit.exists());
        (group, made, limit)
    });
    let usable = groups
        .iter()
        .find_map(|(group, _, limit)| Some((group, limit.as_ref()?)));
    let said = usable.map(|(group, limit)| {
        let (limit, procs) = (limit.display(), group.join("cgroup.procs"));
        let swap = group.join("memory.swap.max");
        if swap.exists() {
            let _ = fs::write(swap, "0");
        }
        out_of_memory(&format!(
            "echo 300M > {limit} && echo $$ > {}",
            procs.display()
        ))
    });
    for (group, made, _) in &groups {
        if *made {
            let _ = fs::remove_dir(group);
        }
    }
    match said {
        Some(said) => {
            let said = said?;
            let killed = format!("exit: Signal({}), out_of_memory: true", libc::SIGKILL);
            assert!(
                said.contains(&killed) && said.contains("Ok(Number(9))"),
                "{said}"
            );
        }
        None => println!("no control group can be made here: the kernel's own kill was not seen"),
    }
    Ok(())
}

pub(crate) fn an_endless_job_does_not_keep_a_pool_from_being_killed() -> Done {
    let folder = tempfile::tempdir()?;
    let pool = processes(1);
    let path = mark(folder.path(), "pid");
    let endless = pool.submit(Task::Forever(path.clone()));
    while !Path::new(&path).exists() {
        std::thread::yield_now();
    }
    pool.shutdown(framehaul::pool::Shutdown::Drain);
    pool.kill();
    assert!(matches!(endless.wait(), Err(JobError::PoolEnded(_))));
    Ok(())
}

/// Large messages and busy workers, and somebody who kills, stops and continues them all the time:
/// in the middle of a send, of a compute, of an answer, while starting.
pub(crate) fn workers_killed_and_stopped_at_random_lose_no_job() -> Done {
    #[derive(Clone)]
    struct Mixed;
    impl Pack for Mixed {
        type Order = usize;
        type Job = Task;
        fn pack<'a>(&mut self, n: &'a usize, bulk: &mut Vec<u8>) -> Packed<'a, Task> {
            Packed::Owned(match n % 4 {
                0 => Task::Square(*n as u64),
                1 => Task::Spin(300_000),
                2 => Task::Produce(600_000),
                _ => {
                    *bulk = pattern(2_000_000);
                    Task::Weigh
                }
            })
        }
        fn is_light(&self) -> bool {
            false
        }
    }
    const ROUNDS: usize = 1_000;
    // Whatever is killed, nothing is given up for it: the test needs no luck.
    let pool = Pool::processes(2)
        .max_deaths(u32::MAX)
        .pack(Mixed)
        .start(Setup::default())?;
    let mut seed = 7u64;
    println!("seed {seed}");
    let weight = checksum(&pattern(2_000_000));
    let produced = pattern(600_000);
    let mut orders = std::collections::HashMap::new();
    let mut under_way = as_completed([]);
    let (mut next, mut stopped) = (0, Vec::new());
    let mut rounds = 0;
    while rounds < ROUNDS {
        while under_way.len() < 12 {
            let handle = pool.submit(next);
            orders.insert(handle.id(), next);
            under_way.push(handle);
            next += 1;
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wait = Duration::from_micros(seed >> 54); // up to a millisecond
        if let Some(handle) = under_way.next_timeout(wait) {
            let order = orders.remove(&handle.id()).ok_or("a job ended twice")?;
            check(order, handle.wait(), weight, &produced)?;
        }
        let pids = pool.pids().list();
        let Some(&victim) = pids.get((seed >> 40) as usize % pids.len().max(1)) else {
            continue;
        };
        rounds += 1;
        match seed >> 32 & 7 {
            0 | 1 => signal("-KILL", victim),
            2 => {
                signal("-STOP", victim);
                stopped.push(victim);
            }
            _ => stopped.drain(..).for_each(|pid| signal("-CONT", pid)),
        }
    }
    stopped.into_iter().for_each(|pid| signal("-CONT", pid));
    for handle in under_way {
        let order = orders.remove(&handle.id()).ok_or("a job ended twice")?;
        check(order, handle.wait(), weight, &produced)?;
    }
    assert!(orders.is_empty());
    println!("{next} jobs, {} deaths", pool.died());
    assert!(pool.died() > 0, "nobody died: the test has tested nothing");
    Ok(())
}

fn check(
    order: usize,
    outcome: framehaul::pool::Outcome<Task>,
    weight: u64,
    produced: &[u8],
) -> Done {
    use crate::task::Output;
    match (order % 4, outcome?) {
        (0, Output::Number(n)) => assert_eq!(n, (order * order) as u64),
        (1, Output::Number(_)) => {}
        (2, Output::Bytes(bytes)) => assert!(bytes == produced),
        (3, Output::Number(n)) => assert_eq!(n, weight),
        (_, other) => return Err(format!("{other:?} came of order {order}").into()),
    }
    Ok(())
}

/// Pools with bulk that are killed in the middle of sending it, many times.
pub(crate) fn a_pool_can_be_killed_in_the_middle_of_a_large_send() -> Done {
    for _ in 0..20 {
        let pool = Pool::processes(2)
            .pack(WithBulk { light: false })
            .start(Setup::default())?;
        let handles: Vec<_> = (0..4).map(|_| pool.submit(5_000_000)).collect();
        pool.kill();
        for handle in handles {
            assert!(handle.is_done());
        }
    }
    Ok(())
}
