//! What holds for every pool, whether its workers are processes, threads, or none.

use crate::task::{Output, Setup, Task, Unreadable, Unwritable, everywhere, on_each, pattern};
use framehaul::pool::{Batch, JobError, Pool};
use libtest_mimic::Failed;
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Done = Result<(), Failed>;

pub(crate) fn every_job_ends_with_its_own_output() -> Done {
    on_each(3, |pool| {
        let handles: Vec<_> = (0..100).map(|n| pool.submit(Task::Square(n))).collect();
        let ids: HashSet<_> = handles.iter().map(framehaul::pool::Handle::id).collect();
        assert_eq!(ids.len(), 100);
        for (n, handle) in (0u64..).zip(handles) {
            let id = handle.id();
            let completion = handle.completion();
            assert_eq!(completion.id, id);
            assert_eq!(completion.outcome?.number(), n * n);
            let trip = completion.trip;
            assert!(trip.submitted <= trip.pack_begin && trip.pack_begin <= trip.packed);
            assert!(trip.serialize_begin <= trip.serialized && trip.serialized <= trip.awaited);
            assert!(trip.awaited <= trip.deserialize_begin);
            assert!(trip.deserialized <= trip.received && trip.received <= trip.run_begin);
            assert!(trip.run_begin <= trip.run_end && trip.run_end <= trip.arrived);
        }
        assert_eq!(pool.under_way(), 0);
        Ok(())
    })
}

pub(crate) fn an_error_comes_back_typed_and_a_panic_with_its_backtrace() -> Done {
    on_each(1, |pool| {
        assert_eq!(pool.submit(Task::Count).wait()?.number(), 0);
        let failed = pool.submit(Task::Fail("no luck".into())).wait();
        assert_eq!(failed, Err(JobError::Failed("no luck".into())));
        assert_eq!(pool.submit(Task::Count).wait()?.number(), 2);
        let Err(JobError::Panicked(panic)) = pool.submit(Task::Panic).wait() else {
            return Err("it did not panic".into());
        };
        assert!(
            panic.message.starts_with("as asked (tests/pool/task.rs:"),
            "{panic:?}"
        );
        assert!(panic.backtrace.contains("Task"), "{}", panic.backtrace);
        // The worker lives on, with a state built anew.
        assert_eq!(pool.submit(Task::Count).wait()?.number(), 0);
        assert!(pool.deaths().is_empty());
        Ok(())
    })
}

pub(crate) fn a_stream_is_lazy_ordered_and_bounded() -> Done {
    on_each(2, |pool| {
        let batches = [Batch::Auto, 1.into(), 7.into(), 500.into()];
        for batch in batches {
            let pulled = Cell::new(0);
            let endless = (0u64..).inspect(|n| pulled.set(n + 1)).map(Task::Square);
            let stream = pool.map(endless).batch(batch).ahead(600);
            for (n, outcome) in (0u64..2_000).zip(stream) {
                assert_eq!(outcome?.number(), n * n);
                assert!(
                    pulled.get() <= n + 601,
                    "{} after {n} of {batch:?}",
                    pulled.get()
                );
            }
            let unordered = pool
                .map_unordered((0..2_000).map(Task::Square))
                .batch(batch);
            let mut seen = HashSet::new();
            for (n, outcome) in unordered {
                assert_eq!(outcome?.number(), n * n);
                assert!(seen.insert(n));
            }
            assert_eq!(seen.len(), 2_000);
        }
        // What fails in the middle of a parcel is one outcome.
        let tasks = (0..30).map(|n| match n {
            10 => Task::Panic,
            20 => Task::Fail("no".into()),
            _ => Task::Square(n),
        });
        let outcomes: Vec<_> = pool.map(tasks).batch(30).collect();
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            28
        );
        assert!(matches!(outcomes[10], Err(JobError::Panicked(_))));
        assert!(matches!(outcomes[20], Err(JobError::Failed(_))));
        assert_eq!(pool.map([]).count(), 0);
        Ok(())
    })
}

pub(crate) fn a_stream_that_is_dropped_leaves_no_work_behind() -> Done {
    for batch in [1, 50] {
        for (_, builder) in everywhere(1).into_iter().take(2) {
            let pool = builder.start(Setup::default())?;
            let first = (0..batch).map(|_| Task::Square(2));
            let endless = std::iter::repeat_with(|| Task::UntilAsked);
            let mut stream = pool.map(first.chain(endless)).batch(batch).ahead(500);
            assert_eq!(stream.next().ok_or("no outcome")??.number(), 4);
            drop(stream);
            // Else this would wait for ever.
            pool.drain();
            assert_eq!(pool.under_way(), 0);
        }
    }
    Ok(())
}

pub(crate) fn draining_loses_nothing_and_a_closed_pool_refuses() -> Done {
    on_each(2, |pool| {
        let done = Arc::new(AtomicUsize::new(0));
        for n in 0..500 {
            let done = done.clone();
            pool.submit(Task::Square(n)).on_done(move |completion| {
                assert!(completion.outcome.is_ok());
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        pool.drain();
        assert_eq!(done.load(Ordering::Relaxed), 500);
        assert!(pool.pids().list().is_empty());
        let Err(JobError::PoolEnded(why)) = pool.submit(Task::Square(1)).wait() else {
            return Err("it was taken".into());
        };
        assert_eq!(why, "the pool was shut down");
        assert_eq!(
            pool.map((0..3).map(Task::Square))
                .filter(Result::is_err)
                .count(),
            3
        );
        pool.drain();
        pool.kill();
        Ok(())
    })
}

pub(crate) fn shutting_down_can_be_hurried() -> Done {
    let folder = tempfile::tempdir()?;
    for (kind, builder) in everywhere(1).into_iter().take(2) {
        let mark = folder.path().join(kind).display().to_string();
        let pool = builder.start(Setup::default())?;
        let held = pool.submit(Task::Await(mark.clone()));
        let behind = pool.submit(Task::UntilAsked);
        let pending: Vec<_> = (0..5).map(|n| pool.submit(Task::Square(n))).collect();
        pool.shutdown(framehaul::pool::Shutdown::CancelPending);
        for handle in pending {
            assert_eq!(handle.wait(), Err(JobError::Cancelled));
        }
        std::fs::write(&mark, "")?;
        assert!(held.wait().is_ok(), "{kind}: a worker had it");
        pool.kill();
        assert!(matches!(behind.wait(), Err(JobError::PoolEnded(_))));
    }
    Ok(())
}

pub(crate) fn bad_numbers_and_setups_are_refused_with_a_sentence() -> Done {
    for (kind, _) in everywhere(1) {
        let builder = |workers| {
            everywhere(workers)
                .into_iter()
                .find(|(name, _)| *name == kind)
        };
        let with = |setup: &str| {
            let (_, builder) = builder(1).unwrap();
            let setup = Setup {
                refuse: setup == "refuse",
                panic: setup == "panic",
            };
            builder
                .start(setup)
                .err()
                .map_or(String::new(), |e| e.to_string())
        };
        assert_eq!(with("refuse"), "a worker cannot start: the setup says no");
        let panicked = with("panic");
        assert!(
            panicked.contains("its initializer panicked: no good day"),
            "{panicked}"
        );
        let (_, one) = builder(1).unwrap();
        let none = one.max_jobs_per_worker(0).start(Setup::default());
        assert!(
            none.err()
                .is_some_and(|error| error.to_string().contains("at least one job"))
        );
    }
    let none = Pool::<Task>::processes(0).start(Setup::default()).err();
    assert!(none.is_some_and(|error| error.to_string().contains("at least one worker")));
    Ok(())
}

pub(crate) fn what_cannot_be_turned_into_bytes_or_back_is_that_jobs_failure() -> Done {
    let pool = Pool::processes(1).start(Setup::default())?;
    let before = pool.submit(Task::Square(1));
    let unwritable = pool
        .submit(Task::Unwritable(Unwritable))
        .wait()
        .unwrap_err();
    assert!(
        unwritable
            .to_string()
            .contains("Task cannot be turned into bytes"),
        "{unwritable}"
    );
    let unreadable = pool
        .submit(Task::Unreadable(Unreadable))
        .wait()
        .unwrap_err();
    assert!(
        unreadable
            .to_string()
            .contains("the worker cannot read the job"),
        "{unreadable}"
    );
    let answer = pool.submit(Task::UnreadableAnswer).wait().unwrap_err();
    assert!(
        answer
            .to_string()
            .contains("the job's answer cannot be read"),
        "{answer}"
    );
    assert_eq!(before.wait()?.number(), 1);
    assert_eq!(pool.submit(Task::Square(5)).wait()?.number(), 25);
    assert!(pool.deaths().is_empty());
    Ok(())
}

pub(crate) fn a_large_result_can_be_lent_and_outlives_its_worker() -> Done {
    on_each(2, |pool| {
        let size = 1_000_000;
        let lend = |size| match pool.submit(Task::Lend(size)).wait() {
            Ok(Output::Lent(lent)) => Ok(lent),
            other => Err(format!("{other:?}")),
        };
        let mut kept = Vec::new();
        for n in 0..200 {
            let lent = lend(size)?;
            assert!(*lent == pattern(size));
            // Some are kept for long; those that are dropped are used again.
            if n % 20 == 0 {
                assert!(lent.is_shared());
                kept.push(lent);
            }
        }
        // More than a worker has places for: by value then.
        for _ in 0..200 {
            kept.push(lend(20_000)?);
        }
        assert!(!kept.last().ok_or("none")?.is_shared());
        pool.kill();
        assert!(kept.iter().all(|lent| **lent == pattern(lent.len())));
        Ok(())
    })
}

pub(crate) fn what_was_lent_last_is_not_lost_when_workers_go_as_they_are_told() -> Done {
    for (kind, builder) in everywhere(2) {
        let pool = builder.max_jobs_per_worker(2).start(Setup::default())?;
        let handles: Vec<_> = (0..30).map(|_| pool.submit(Task::Lend(100_000))).collect();
        pool.drain();
        for handle in handles {
            let Output::Lent(lent) = handle.wait().map_err(|e| format!("{kind}: {e}"))? else {
                return Err("nothing lent".into());
            };
            assert!(*lent == pattern(100_000));
        }
    }
    Ok(())
}

pub(crate) fn a_long_job_holds_up_nothing_however_much_is_submitted_meanwhile() -> Done {
    let folder = tempfile::tempdir()?;
    for (kind, builder) in everywhere(2).into_iter().take(2) {
        let mark = folder.path().join(kind).display().to_string();
        let pool = builder.start(Setup::default())?;
        let long = pool.submit(Task::Await(mark.clone()));
        // More messages than a socket holds, had each been left behind the long job.
        for n in 0..2_000 {
            let pair = [pool.submit(Task::Square(n)), pool.submit(Task::Square(n))];
            for handle in pair {
                assert_eq!(handle.wait()?.number(), n * n);
            }
        }
        assert!(!long.is_done());
        std::fs::write(mark, "")?;
        assert_eq!(long.wait()?.number(), 0);
    }
    Ok(())
}

pub(crate) fn a_job_may_drain_a_pool_of_its_own() -> Done {
    // In a thread of the outer pool, which the inner one must not take for one of its own.
    let outer = Pool::threads(1).start(Setup::default())?;
    let handle = outer.submit(Task::Square(1));
    let (tell, told) = std::sync::mpsc::channel();
    handle.on_done(move |_| {
        let inner = Pool::<Task>::threads(2).start(Setup::default()).unwrap();
        let all: Vec<_> = (0..20)
            .map(|n| inner.submit(Task::Spin(100_000 + n)))
            .collect();
        inner.drain();
        tell.send(all.into_iter().all(|handle| handle.wait().is_ok()))
            .unwrap();
    });
    assert!(told.recv()?);
    Ok(())
}

/// Jobs see which worker runs them.
pub(crate) fn recycled_workers_are_replaced_after_their_last_job() -> Done {
    for (kind, builder) in everywhere(2) {
        let pool = builder.max_jobs_per_worker(5).start(Setup::default())?;
        for batch in [1, 3, 20] {
            let counts: Result<Vec<_>, _> = pool
                .map((0..40).map(|_| Task::Count))
                .batch(batch)
                .collect();
            for count in counts? {
                assert!(
                    count.number() < 5,
                    "{kind}: a worker did more than its share"
                );
            }
        }
        assert_eq!(pool.died(), 0, "going as told is no death");
        pool.drain();
    }
    Ok(())
}
