//! What Python offers in two kinds of pools, shown live in one.

use crate::error::Result;
use crate::lab::finding::Part;
use crate::lab::work::failed;
use crate::lab::{Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Builder, Context, Job, JobError, Pool, as_completed, worker};
use crate::report::units::{ABSENT, list};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context as Polling, Poll, Wake, Waker};
use std::thread::Thread;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "pool-features",
    lecture: 26,
    slides: &[5, 6],
    claim: "Returns real concurrent.futures.Future objects (not AsyncResult). Composes with \
            as_completed, add_done_callback, asyncio.wrap_future. One-line switch: \
            ThreadPoolExecutor → ProcessPoolExecutor. Return type | AsyncResult | Future. asyncio \
            integration | Manual wrapping | asyncio.wrap_future. maxtasksperchild | ✅ Yes | ❌ No. \
            Worker initializer | ✅ Yes | ✅ Yes. imap / streaming | ✅ Yes | ❌ No. Exception \
            propagation | Via .get() | Via .result(). Use Pool for fine-grained worker control; \
            use ProcessPoolExecutor for futures composition",
    memory: |_| 0,
    workers: &[worker::enter::<Feature>],
    run: |bench| {
        bench.phase("feature by feature")?;
        Ok(judge(&measure(Pool::processes)?))
    },
};

/// What a worker does to show something.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Feature {
    Square(u64),
    /// Which process it is.
    Who,
    /// What the initializer made of the pool's setup.
    State,
    Fail(String),
}

impl Job for Feature {
    type Setup = u64;
    type State = u64;
    type Output = u64;
    type Error = String;

    fn init(setup: &u64) -> Result<u64, String> {
        Ok(setup + 1)
    }

    fn run(&self, state: &mut u64, _: &Context<'_>) -> Result<u64, String> {
        match self {
            Self::Square(number) => Ok(number * number),
            Self::Who => Ok(u64::from(std::process::id())),
            Self::State => Ok(*state),
            Self::Fail(why) => Err(why.clone()),
        }
    }
}

/// Which of Python's two one has to take for a feature, by the lecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Take {
    Either,
    Pool,
    Executor,
}

/// One row: what is shown, which of the two offers it, and whether it was seen to work here.
#[derive(Clone, Copy, Debug)]
struct Row {
    key: &'static str,
    what: &'static str,
    take: Take,
    /// `multiprocessing.Pool`, in the lecture's words; empty where it has none.
    pool: &'static str,
    /// `ProcessPoolExecutor`.
    executor: &'static str,
    shown: bool,
}

/// Starts pools by `place`, of so many workers each.
fn measure(place: fn(usize) -> Builder<Feature>) -> Result<Vec<Row>> {
    const SETUP: u64 = 41;
    let pool = place(2).start(SETUP)?;
    let square = |number| pool.submit(Feature::Square(number));

    let future = block_on(square(7)) == Ok(49);
    let async_fn = block_on(async {
        let (three, four) = (square(3), square(4));
        three
            .await
            .map_err(failed)?
            .checked_add(four.await.map_err(failed)?)
            .ok_or_else(|| failed("overflow"))
    })? == 25;
    let completed: HashSet<u64> = as_completed((0..5).map(square))
        .filter_map(|handle| handle.wait().ok())
        .collect();
    let (tell, told) = mpsc::channel();
    square(9).on_done(move |done| {
        let _ = tell.send(done.outcome.as_ref().ok().copied());
    });
    let called_back = told.recv() == Ok(Some(81));
    let initialised = pool.submit(Feature::State).wait() == Ok(SETUP + 1);
    // Endless, and taken only as far as it is wanted.
    let streamed: Vec<_> = pool
        .map((0..).map(Feature::Square))
        .take(100)
        .filter_map(Result::ok)
        .collect();
    let error = pool.submit(Feature::Fail("as asked".into())).wait();
    drop(pool);

    let fresh = place(1).max_jobs_per_worker(1).start(SETUP)?;
    let who = |_| fresh.submit(Feature::Who).wait().map_err(failed);
    let workers: HashSet<u64> = (0..3).map(who).collect::<Result<_>>()?;

    let squares = |pool: Builder<Feature>| -> Result<Vec<_>> {
        Ok(pool
            .start(SETUP)?
            .map((0..5).map(Feature::Square))
            .collect())
    };
    let in_processes = squares(place(2))?;
    let in_threads = squares(Pool::threads(2))?;

    let row = |key, what, take, pool, executor, shown| Row {
        key,
        what,
        take,
        pool,
        executor,
        shown,
    };
    let squares_of_five = HashSet::from([0, 1, 4, 9, 16]);
    Ok(vec![
        row(
            "future",
            "a submission returns a future",
            Take::Executor,
            "AsyncResult",
            "Future",
            future,
        ),
        row(
            "async",
            "it is awaited in async code",
            Take::Executor,
            "manual wrapping",
            "asyncio.wrap_future",
            async_fn,
        ),
        row(
            "as_completed",
            "futures as they end",
            Take::Executor,
            ABSENT,
            "as_completed",
            completed == squares_of_five,
        ),
        row(
            "callback",
            "a callback when it ends",
            Take::Executor,
            ABSENT,
            "add_done_callback",
            called_back,
        ),
        row(
            "max_tasks",
            "fresh workers after so many tasks",
            Take::Pool,
            "yes",
            "no",
            workers.len() == 3,
        ),
        row(
            "initializer",
            "an initializer in each worker",
            Take::Either,
            "yes",
            "yes",
            initialised,
        ),
        row(
            "streaming",
            "an endless stream, in order",
            Take::Pool,
            "yes",
            "no",
            streamed.iter().copied().eq((0..100).map(|n| n * n)),
        ),
        row(
            "errors",
            "errors come back as they are",
            Take::Either,
            ".get()",
            ".result()",
            error == Err(JobError::Failed("as asked".into())),
        ),
        row(
            "one_line_switch",
            "threads instead, in one word",
            Take::Executor,
            ABSENT,
            "one line",
            in_processes == in_threads,
        ),
    ])
}

/// Waits for a future, which is all that an async runtime does.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Polling::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn judge(rows: &[Row]) -> Finding {
    let missing: Vec<_> = rows
        .iter()
        .filter(|row| !row.shown)
        .map(|row| row.what)
        .collect();
    let shown = rows.len() - missing.len();
    // Nothing seen says nothing of a choice.
    let seen = |take| rows.iter().any(|row| row.shown && row.take == take);
    let has_to_choose = shown > 0 && !(seen(Take::Pool) && seen(Take::Executor));
    let parts = parts(rows, has_to_choose);
    let because = if missing.is_empty() {
        format!(
            "all {shown} features of either were seen to work; {}",
            if has_to_choose {
                "none of them would have needed the other of the two"
            } else {
                "but in one pool: that one has to choose between two interfaces does not hold here"
            }
        )
    } else {
        format!(
            "{shown} features were seen to work, but not: {}",
            list(&missing)
        )
    };
    let figure = |row: &Row| {
        Figure::new(
            row.key,
            row.what,
            Unit::Shown,
            f64::from(u8::from(row.shown)),
        )
    };
    let cells = |row: &Row| {
        let here = Unit::Shown.show(f64::from(u8::from(row.shown)));
        [row.what, row.pool, row.executor, &here]
            .map(String::from)
            .to_vec()
    };
    let header = ["", "multiprocessing.Pool", "ProcessPoolExecutor", "here"];
    Finding {
        figures: rows.iter().map(figure).collect(),
        drawings: vec![Drawing::Table {
            title: "By the lecture, where it says something, and in this crate's pool".into(),
            header: header.map(String::from).to_vec(),
            rows: rows.iter().map(cells).collect(),
        }],
        verdict: Part::verdict(&parts),
        because,
        parts,
    }
}

/// What the slides claim, one by one.
fn parts(rows: &[Row], has_to_choose: bool) -> Vec<Part> {
    let shown = |rows: Vec<&Row>| {
        let shown: Vec<_> = rows.iter().map(|row| row.shown).collect();
        let count = shown.iter().filter(|&&shown| shown).count();
        let because = format!("{count} of {} features were seen to work", shown.len());
        (Verdict::of(&shown), because)
    };
    let of_executor: Vec<_> = rows
        .iter()
        .filter(|row| row.take == Take::Executor)
        .collect();
    let mut parts = Vec::new();
    if !of_executor.is_empty() {
        let (verdict, because) = shown(of_executor);
        let claim = "Returns real concurrent.futures.Future objects (not AsyncResult). Composes with \
                     as_completed, add_done_callback, asyncio.wrap_future. One-line switch: \
                     ThreadPoolExecutor → ProcessPoolExecutor";
        parts.push(Part::new(5, claim, verdict, because));
    }
    // A feature that one of the two is said to lack is not as claimed where it is there with all others.
    let lacks = |row: &&Row| [row.pool, row.executor].contains(&"no") && row.shown;
    let lacked: Vec<_> = rows.iter().filter(lacks).map(|row| row.what).collect();
    let (mut verdict, mut because) = shown(rows.iter().collect());
    if !lacked.is_empty() {
        verdict = Verdict::Depends;
        because += &format!(
            ", among them what one of the two is said to lack: {}",
            list(&lacked)
        );
    }
    let claim = "Return type | AsyncResult | Future. asyncio integration | Manual wrapping | \
                 asyncio.wrap_future. maxtasksperchild | ✅ Yes | ❌ No. Worker initializer | ✅ Yes | ✅ \
                 Yes. imap / streaming | ✅ Yes | ❌ No. Exception propagation | Via .get() | Via .result()";
    parts.push(Part::new(6, claim, verdict, because));
    let claim =
        "Use Pool for fine-grained worker control; use ProcessPoolExecutor for futures composition";
    let because = match has_to_choose {
        true => "none of what was seen to work would have needed the other of the two",
        false => "one pool has what either of the two has",
    };
    let choice = Part::new(6, claim, Verdict::of(&[has_to_choose]), because.into());
    let is_any = rows.iter().any(|row| row.shown);
    parts.push(choice.if_told(is_any, "nothing was seen to work"));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_processes_of_their_own_is_shown_by_threads_too() {
        let rows = measure(Pool::threads).unwrap();
        let missing: Vec<_> = rows.iter().filter(|row| !row.shown).collect();
        assert!(
            matches!(
                missing[..],
                [Row {
                    key: "max_tasks",
                    ..
                }]
            ),
            "{missing:?}"
        );
        assert_eq!(judge(&rows).verdict, Verdict::Depends);
    }

    #[test]
    fn it_holds_if_every_feature_was_seen_and_one_had_to_choose() {
        let row = |(take, shown)| Row {
            key: "a",
            what: "a feature",
            take,
            pool: "yes",
            executor: "yes",
            shown,
        };
        let verdict = |rows: &[(Take, bool)]| {
            judge(&rows.iter().copied().map(row).collect::<Vec<_>>()).verdict
        };
        let (pool, executor) = (Take::Pool, Take::Executor);
        assert_eq!(
            verdict(&[(pool, true), (Take::Either, true)]),
            Verdict::Holds
        );
        assert_eq!(verdict(&[(pool, true), (executor, true)]), Verdict::Depends);
        assert_eq!(
            verdict(&[(pool, true), (executor, false)]),
            Verdict::Depends
        );
        assert_eq!(
            verdict(&[(pool, false), (executor, false)]),
            Verdict::Differs
        );
    }

    #[test]
    fn what_one_of_the_two_is_said_to_lack_is_not_as_claimed_where_it_is_there() {
        let of = |shown| {
            let row = Row {
                key: "a",
                what: "a feature",
                take: Take::Pool,
                pool: "yes",
                executor: "no",
                shown,
            };
            let parts = judge(&[row]).parts;
            [parts[0].verdict, parts[1].verdict]
        };
        assert_eq!(of(true), [Verdict::Depends, Verdict::Holds]);
        assert_eq!(of(false), [Verdict::Differs, Verdict::Untestable]);
    }
}
