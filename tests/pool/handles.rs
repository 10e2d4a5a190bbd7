//! What a handle is good for: asking, waiting, calling back, cancelling, awaiting; with every kind of
//! pool.

use crate::task::{Output, Setup, Task, everywhere, on_each};
use framehaul::pool::{JobError, as_completed};
use libtest_mimic::Failed;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Done = Result<(), Failed>;

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(600);

pub(crate) fn a_handle_can_be_asked_waited_for_and_called_back_from() -> Done {
    on_each(2, |pool| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = |what: u32| {
            let told = told.clone();
            move |completion: &framehaul::pool::Completion<Task>| {
                assert_eq!(completion.outcome, Ok(Output::Number(49)));
                told.lock().unwrap().push(what);
            }
        };
        let handle = pool.submit(Task::Square(7));
        handle.on_done(tell(1));
        handle.on_done(|_| panic!("a callback's own affair"));
        handle.on_done(tell(2));
        let outcome = handle.wait_timeout(LONG).map_err(|_| "never done")?;
        assert_eq!(outcome?.number(), 49);
        assert_eq!(*told.lock().unwrap(), [1, 2]);

        let handle = pool.submit(Task::Square(7));
        while !handle.is_done() {
            std::thread::yield_now();
        }
        handle.on_done(tell(3));
        handle.on_done(|_| panic!("again"));
        assert_eq!(told.lock().unwrap().len(), 3, "called at once");
        assert_eq!(handle.wait()?.number(), 49);

        // Nobody wants this one; it is done all the same.
        drop(pool.submit(Task::Square(8)));
        assert_eq!(pool.submit(Task::Square(9)).wait()?.number(), 81);
        Ok(())
    })
}

pub(crate) fn a_callback_may_submit_and_hold_the_last_of_the_pool() -> Done {
    for (_, builder) in everywhere(1) {
        let pool = Arc::new(builder.start(Setup::default())?);
        let again = pool.clone();
        let (tell, told) = std::sync::mpsc::channel();
        pool.submit(Task::Square(2)).on_done(move |_| {
            again.submit(Task::Square(3)).on_done(move |completion| {
                tell.send(completion.outcome.is_ok()).unwrap();
            });
        });
        drop(pool);
        // Done if the callback's submission came before the pool's end, refused if not: but told.
        told.recv()?;
    }
    Ok(())
}

pub(crate) fn a_callback_of_a_cancelled_job_may_wait_for_others() -> Done {
    let folder = tempfile::tempdir()?;
    for (kind, builder) in everywhere(1).into_iter().take(2) {
        let mark = folder.path().join(kind);
        let pool = Arc::new(builder.start(Setup::default())?);
        let held: Vec<_> = (0..2)
            .map(|_| pool.submit(Task::Await(mark.display().to_string())))
            .collect();
        let waiting = pool.submit(Task::Square(2));
        let (same, seen) = (pool.clone(), Arc::new(AtomicUsize::new(0)));
        let shown = seen.clone();
        waiting.on_done(move |completion| {
            assert_eq!(completion.outcome, Err(JobError::Cancelled));
            std::fs::write(mark, "").unwrap();
            let other = same.submit(Task::Square(3)).wait().unwrap().number();
            shown.store(other as usize, Ordering::Relaxed);
        });
        waiting.cancel();
        assert_eq!(seen.load(Ordering::Relaxed), 9, "{kind}");
        for held in held {
            assert_eq!(held.wait()?.number(), 0);
        }
    }
    Ok(())
}

pub(crate) fn what_waits_is_cancelled_at_once_and_what_runs_is_asked_to_stop() -> Done {
    for (_, builder) in everywhere(1).into_iter().take(2) {
        let pool = builder.start(Setup::default())?;
        let running = pool.submit(Task::UntilAsked);
        let held: Vec<_> = (0..5).map(|n| pool.submit(Task::Square(n))).collect();
        let Err(running) = running.wait_timeout(SHORT) else {
            return Err("it ended by itself".into());
        };
        for handle in &held {
            handle.cancel();
        }
        assert!(held.last().unwrap().is_done(), "no worker had it");
        running.cancel();
        assert_eq!(
            running.wait(),
            Err(JobError::Failed("stopped as asked".into()))
        );
        for handle in held {
            assert_eq!(handle.wait(), Err(JobError::Cancelled));
        }
        let next = pool.submit(Task::Square(4));
        assert_eq!(next.wait()?.number(), 16);
    }
    Ok(())
}

pub(crate) fn handles_are_yielded_as_their_jobs_end() -> Done {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().join("mark").display().to_string();
    for (_, builder) in everywhere(2).into_iter().take(2) {
        let pool = builder.start(Setup::default())?;
        let _ = std::fs::remove_file(&mark);
        let slow = pool.submit(Task::Await(mark.clone()));
        let last = slow.id();
        let mut all = as_completed([slow, pool.submit(Task::Square(1))]);
        all.push(pool.submit(Task::Square(2)));
        let mut order: Vec<_> = all.by_ref().take(2).map(|handle| handle.id()).collect();
        assert_eq!(all.len(), 1);
        assert!(all.next_timeout(SHORT).is_none());
        std::fs::write(&mark, "")?;
        order.extend(all.map(|handle| handle.id()));
        assert_eq!(order.last(), Some(&last));
    }
    Ok(())
}

/// Shown under tokio, of which the library knows nothing.
pub(crate) fn handles_are_futures_under_any_runtime() -> Done {
    on_each(2, |pool| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()?;
        let sum = runtime.block_on(async {
            let mut waiting = tokio::task::JoinSet::new();
            for n in 0..50 {
                waiting.spawn(pool.submit(Task::Square(n)));
            }
            let mut sum = 0;
            while let Some(outcome) = waiting.join_next().await {
                sum += outcome
                    .expect("no task panics")
                    .expect("squares are easy")
                    .number();
            }
            sum
        });
        assert_eq!(sum, (0..50).map(|n| n * n).sum::<u64>());
        // Polled by reference, the handle is still there, but has no outcome any more.
        let mut handle = pool.submit(Task::Square(3));
        assert_eq!(runtime.block_on(&mut handle)?.number(), 9);
        let again = AssertUnwindSafe(|| handle.on_done(|_| {}));
        assert!(std::panic::catch_unwind(again).is_err());
        assert!(handle.is_done());
        Ok(())
    })
}
