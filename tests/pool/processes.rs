//! What is special about workers that are processes.

use crate::script::script;
use crate::task::{Output, Setup, Task, WithBulk, checksum, pattern, processes};
use framehaul::pool::{Builder, JobError, Pool};
use libtest_mimic::Failed;
use std::collections::HashSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

type Done = Result<(), Failed>;

/// Around ipc-channel's fragment size, and well beyond it.
const SIZES: [usize; 7] = [0, 1, 49_000, 212_448, 212_464, 212_465, 3_000_000];

pub(crate) fn bulk_arrives_beside_its_job_byte_for_byte() -> Done {
    for light in [true, false] {
        let pool = Pool::processes(2)
            .pack(WithBulk { light })
            .start(Setup::default())?;
        let handles: Vec<_> = SIZES
            .map(|size| (size, pool.submit(size)))
            .into_iter()
            .collect();
        for (size, handle) in handles {
            assert_eq!(
                handle.wait()?.number(),
                checksum(&pattern(size)),
                "{size} bytes"
            );
        }
        let Err(JobError::Panicked(panic)) = pool.submit(usize::MAX).wait() else {
            return Err("its pack panics".into());
        };
        assert!(panic.message.contains("no such size"), "{panic:?}");
        assert_eq!(pool.submit(10).wait()?.number(), checksum(&pattern(10)));
    }
    Ok(())
}

pub(crate) fn jobs_and_answers_may_be_larger_than_any_socket_buffer() -> Done {
    let pool = processes(2);
    let mut all = Vec::new();
    for size in SIZES {
        // Small ones between them, which must not overtake.
        all.push((pool.submit(Task::Square(3)), Output::Number(9)));
        let there = pool.submit(Task::WeighThis(pattern(size)));
        all.push((there, Output::Number(checksum(&pattern(size)))));
        all.push((
            pool.submit(Task::Produce(size)),
            Output::Bytes(pattern(size)),
        ));
    }
    for (handle, expected) in all {
        assert!(handle.wait()? == expected);
    }
    Ok(())
}

pub(crate) fn the_surroundings_of_a_worker_can_be_chosen() -> Done {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().canonicalize()?;
    let pool = Pool::processes(1)
        .env("COLOUR_OF_THE_SKY", "grey")
        .current_dir(&dir)
        .start(Setup::default())?;
    let Output::Text(text) = pool
        .submit(Task::WhereAmI("COLOUR_OF_THE_SKY".into()))
        .wait()?
    else {
        return Err("no text".into());
    };
    let pid = pool.pids().list()[0];
    assert_eq!(text, format!("{pid} grey {}", dir.display()));
    Ok(())
}

pub(crate) fn idle_workers_are_let_go_and_called_back() -> Done {
    let pool = Pool::processes(3)
        .idle_shutdown(Duration::from_millis(30))
        .start(Setup::default())?;
    for round in 0..3 {
        let all: HashSet<_> = pool.pids().list().into_iter().collect();
        // Ends when they have gone; if one stayed, the test would not end.
        while !pool.pids().list().is_empty() {
            std::thread::yield_now();
        }
        let squares: Result<Vec<_>, _> = pool.map((0..20).map(Task::Square)).collect();
        assert_eq!(squares?.len(), 20);
        assert!(
            pool.pids().list().iter().all(|pid| !all.contains(pid)),
            "round {round}"
        );
    }
    assert_eq!(pool.died(), 0);
    Ok(())
}

pub(crate) fn the_first_interrupt_drains_and_the_second_kills() -> Done {
    let interrupt = || {
        let me = std::process::id().to_string();
        let _ = std::process::Command::new("kill")
            .args(["-INT", &me])
            .status();
    };
    let pool = processes(2);
    pool.drain_on_signals()?;
    let endless = pool.submit(Task::UntilAsked);
    interrupt();
    // Ends when the pool has heard of it and takes no more.
    let refused = (0..).find_map(|n| pool.submit(Task::Square(n)).wait().err());
    assert!(
        matches!(refused, Some(JobError::PoolEnded(_))),
        "{refused:?}"
    );
    assert!(
        !endless.is_done(),
        "what was submitted before is done first"
    );
    interrupt();
    assert!(matches!(endless.wait(), Err(JobError::PoolEnded(_))));
    Ok(())
}

pub(crate) fn workers_that_cannot_start_end_the_pool_with_a_sentence() -> Done {
    let start = |builder: Builder<Task>| {
        let started = builder.start(Setup::default());
        started
            .err()
            .map_or(String::new(), |error| error.to_string())
    };
    let said = |exe: &str| start(Pool::processes(2).exe(exe));
    let missing = said("/no/such/program");
    assert!(missing.contains("/no/such/program"), "{missing}");
    // A program that is no worker ends at once, again and again, but not for ever.
    let other = said("/bin/true");
    assert!(
        other.contains("keep dying") && other.contains("enter"),
        "{other}"
    );
    // One that does something else for ever is not waited for.
    let folder = tempfile::tempdir()?;
    let idler = script(folder.path().join("worker"), "exec sleep 1000");
    let idle = start(
        Pool::processes(2)
            .exe(idler)
            .start_timeout(Duration::from_millis(50)),
    );
    assert!(
        idle.contains("not reported within 50ms") && idle.contains("enter"),
        "{idle}"
    );
    let nowhere = start(Pool::processes(1).current_dir("/no/such/folder"));
    assert!(nowhere.starts_with("/no/such/folder: "), "{nowhere}");
    Ok(())
}

/// In a child that no thread can be started in.
pub(crate) fn start_without_threads() -> ! {
    let started = Pool::<Task>::processes(2).start(Setup::default());
    println!("{}", started.expect_err("it needs threads"));
    let alone = Pool::<Task>::inline().start(Setup::default()).unwrap();
    println!("{:?}", alone.submit(Task::Square(3)).wait());
    let timed = alone.submit_within(Task::Square(3), Duration::from_secs(1));
    println!("{:?}", timed.wait());
    std::process::exit(0);
}

pub(crate) fn a_pool_that_no_thread_can_be_had_for_ends_with_a_sentence() -> Done {
    let output = Command::new(std::env::current_exe()?)
        .arg("start-without-threads")
        // More than any address space holds.
        .env("RUST_MIN_STACK", (1u64 << 60).to_string())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    for (line, words) in said.lines().zip([
        "a worker process cannot be started: no thread for it",
        "Ok(Number(9))",
        "PoolEnded(\"the pool's timer cannot be started",
    ]) {
        assert!(line.contains(words), "{said}");
    }
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(output.status.success() && output.stderr.is_empty());
    Ok(())
}

/// A worker of another build: here this one, which is told that it was asked for another version.
pub(crate) fn a_worker_of_another_version_names_both() -> Done {
    let folder = tempfile::tempdir()?;
    let exe = std::env::current_exe()?;
    let text = format!(
        "entry=$1 asked=$(echo \"$2\" | sed 's/version 1/version 0/')\nshift 2\n\
         exec {} \"$entry\" \"$asked\" \"$@\"",
        exe.display()
    );
    let error = Pool::<Task>::processes(1)
        .exe(script(folder.path().join("worker"), &text))
        .start(Setup::default())
        .err();
    let said = error.map_or(String::new(), |error| error.to_string());
    assert!(said.contains("Task version 1, its parent is"), "{said}");
    assert!(said.contains("Task version 0"), "{said}");
    Ok(())
}

/// What `main` does when it is told to forget the entry: in a worker this would start workers, and
/// so on without end.
pub(crate) fn start_a_pool_in_a_worker() -> ! {
    let started = Pool::<Task>::processes(1).start(Setup::default());
    let said = started
        .err()
        .map_or("started".into(), |error| error.to_string());
    if let Ok(path) = std::env::var("SAY_IT_HERE") {
        fs::write(path, said).unwrap();
    }
    std::process::exit(0);
}

pub(crate) fn a_program_that_forgets_the_entry_does_not_multiply() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("said");
    let started = Pool::<Task>::processes(1)
        .env("FORGET_THE_ENTRY", "1")
        .env("SAY_IT_HERE", &path)
        .start(Setup::default());
    assert!(started.is_err());
    let said = fs::read_to_string(path)?;
    assert!(
        said.contains("its main does not call pool::worker::enter"),
        "{said}"
    );
    Ok(())
}

pub(crate) fn a_pool_that_ends_leaves_no_process_descriptor_thread_or_file() -> Done {
    let count = |what: &str| fs::read_dir(what).unwrap().count();
    let sockets = || {
        let entries = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp"));
        names
            .filter(|entry| entry.path().join("socket").exists())
            .count()
    };
    let children = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        tasks
            .map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default())
            .collect::<String>()
    };
    // Once before counting: whatever is set up once for good is there then.
    drop(processes(1));
    let now = || {
        (
            count("/proc/self/fd"),
            count("/proc/self/task"),
            sockets(),
            children(),
        )
    };
    let before = now();
    for how in ["drain", "kill", "drop", "cancel"] {
        let pool = Pool::processes(3)
            .deadline(Duration::from_secs(100))
            .pack(WithBulk {
                light: how == "drain",
            })
            .start(Setup::default())?;
        let handles: Vec<_> = (0..6).map(|_| pool.submit(2_000_000)).collect();
        match how {
            "drain" => pool.drain(),
            "kill" => pool.kill(),
            "cancel" => pool.cancel_pending(),
            _ => {}
        }
        drop(pool);
        assert!(
            handles.iter().all(framehaul::pool::Handle::is_done),
            "{how}"
        );
        assert_eq!(now(), before, "{how}");
    }
    Ok(())
}

/// In a child: exits while workers are being replaced.
pub(crate) fn exit_amid_starts() -> ! {
    let pool = Pool::processes(4)
        .max_jobs_per_worker(1)
        .start(Setup::default())
        .unwrap();
    let some = pool.map((0..1_000).map(Task::Square)).batch(1).take(20);
    assert!(some.map(|outcome| outcome.unwrap().number()).sum::<u64>() > 0);
    // The pool is not dropped.
    std::process::exit(0);
}

pub(crate) fn a_program_that_exits_while_workers_start_leaves_nothing() -> Done {
    let folder = tempfile::tempdir()?;
    for _ in 0..10 {
        let exited = Command::new(std::env::current_exe()?)
            .arg("exit-amid-starts")
            .env("TMPDIR", folder.path())
            .status()?;
        assert!(exited.success());
        assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    }
    Ok(())
}
