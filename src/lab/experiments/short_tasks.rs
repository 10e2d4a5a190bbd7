//! Eight tasks of a millisecond: is a pool slower than doing them oneself?

use crate::error::Result;
use crate::lab::finding::is_about;
use crate::lab::work::{Steps, done, failed};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Batch, Pool, worker};
use crate::report::units::{plural, time};
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "short-tasks",
    lecture: 26,
    slides: &[7],
    claim: "Sequential: 8 tasks × 1 ms = 8 ms. Pool with 5 ms IPC: 8 tasks × (1 ms compute + 5 ms \
            IPC) = 48 ms (6× slower). Solution: batch small tasks into larger chunks.",
    memory: |_| 0,
    workers: &[worker::enter::<Steps>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const TASKS: u32 = 8;
const TASK: Duration = Duration::from_millis(1);

/// Times in seconds.
#[derive(Clone, Copy, Debug)]
struct Measured {
    workers: usize,
    /// An empty task there and back.
    round_trip: f64,
    /// All tasks, in this process.
    sequential: f64,
    /// All tasks, each sent when the one before it is back.
    one_by_one: f64,
    /// All tasks, as fast as the pool takes them.
    pool: f64,
    /// All tasks in one job a worker.
    batched: f64,
}

fn measure(bench: &Bench) -> Result<Measured> {
    let workers = bench.processors;
    let pool = Pool::<Steps>::processes(workers).start(())?;
    let task = Steps(bench.steps(TASK));
    let trip = |task| done(pool.submit(task));
    let all = |tasks_a_parcel: u32| {
        let tasks = (0..TASKS).map(|_| task);
        let mut ends = pool.map(tasks).batch(Batch::Fixed(tasks_a_parcel as usize));
        ends.try_for_each(|end| end.map_err(failed))
    };
    let share = TASKS.div_ceil(workers as u32);
    bench.phase("8 tasks of 1 ms")?;
    let taken = bench.in_turns(
        bench.seconds(1.0, 10.0),
        [
            &mut || trip(Steps(0)),
            &mut || {
                (0..TASKS).for_each(|_| task.carry_out());
                Ok(())
            },
            &mut || (0..TASKS).try_for_each(|_| trip(task)),
            &mut || all(1),
            &mut || all(share),
        ],
    )?;
    let [round_trip, sequential, one_by_one, pool, batched] = taken.map(|taken| taken.median());
    Ok(Measured {
        workers,
        round_trip,
        sequential,
        one_by_one,
        pool,
        batched,
    })
}

/// From so many times on one side is slower than the other: the lecture's own threshold.
const CLEAR: f64 = 1.2;

/// So many times as long the pool takes, by the lecture.
const CLAIMED: f64 = 6.0;

fn judge(measured: &Measured) -> Finding {
    let slower = measured.pool / measured.sequential;
    // What solves it is sooner than both.
    let batching = measured.pool.min(measured.sequential) / measured.batched;
    let is_solved = batching >= CLEAR;
    let verdict = Verdict::of(&[slower >= CLEAR, is_about(slower, CLAIMED), is_solved]);
    let because = format!(
        "with {} the pool took {slower:.2} times as long as one process, where {CLAIMED} times \
         are claimed; batching {} (×{batching:.2} over the better of both); a round trip was {} beside \
         tasks of {}",
        plural(measured.workers as u64, "worker"),
        if is_solved { "wins" } else { "does not win" },
        time(1e9 * measured.round_trip),
        time(1e9 * measured.sequential / f64::from(TASKS)),
    );
    let (verdict, because) = verdict.in_parallel(measured.workers, because);
    Finding {
        figures: vec![
            Figure::seconds(
                "round_trip_s",
                "a round trip, workers at rest before",
                measured.round_trip,
            )
            .between(0.002, 0.020),
            Figure::seconds(
                "sequential_s",
                "8 tasks of 1 ms, one process",
                measured.sequential,
            )
            .about(0.008),
            Figure::seconds("pool_s", "… by the pool", measured.pool).about(0.048),
            Figure::times("slower", "… how many times as long", slower).about(CLAIMED),
            Figure::seconds(
                "one_by_one_s",
                "… by the pool, one after the other",
                measured.one_by_one,
            ),
            Figure::seconds(
                "batched_s",
                "… by the pool, in a batch a worker",
                measured.batched,
            ),
            Figure::times(
                "batching",
                "… over the better of one process and the pool",
                batching,
            ),
        ],
        drawings: vec![Drawing::Bars {
            title: "8 tasks of 1 ms".into(),
            unit: Unit::Seconds,
            bars: vec![
                ("one process".into(), measured.sequential),
                ("pool, one after the other".into(), measured.one_by_one),
                ("pool".into(), measured.pool),
                ("pool, in batches".into(), measured.batched),
            ],
        }],
        verdict,
        because,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One process takes 8 ms.
    fn finding(workers: usize, pool: f64, batched: f64) -> Finding {
        judge(&Measured {
            workers,
            round_trip: 5e-6,
            sequential: 0.008,
            one_by_one: 0.009,
            pool,
            batched,
        })
    }

    #[test]
    fn the_claim_holds_if_the_pool_takes_about_six_times_as_long_and_batching_solves_it() {
        let verdict = |slower: f64, batching: f64| {
            let pool = 0.008 * slower;
            finding(2, pool, pool.min(0.008) / batching).verdict
        };
        assert_eq!(verdict(3.01, 1.21), Verdict::Holds);
        assert_eq!(verdict(11.99, 1.21), Verdict::Holds);
        assert_eq!(verdict(2.99, 1.21), Verdict::Depends);
        assert_eq!(verdict(12.01, 1.21), Verdict::Depends);
        assert_eq!(verdict(6.0, 1.19), Verdict::Depends);
        assert_eq!(verdict(1.21, 1.19), Verdict::Depends);
        assert_eq!(verdict(1.19, 1.21), Verdict::Depends);
        assert_eq!(verdict(1.19, 1.19), Verdict::Differs);
        assert_eq!(verdict(1.0 / 1.19, 1.0), Verdict::Differs);
    }

    #[test]
    fn the_factor_and_the_batches_are_told() {
        let because = |batched| finding(2, 0.016, batched).because;
        assert!(because(0.004).contains("2.00 times as long"));
        assert!(because(0.004).contains("batching wins (×2.00"));
        assert!(because(0.008).contains("batching does not win (×1.00"));
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = finding(1, 0.048, 0.004);
        assert_eq!(alone.verdict, Verdict::Untestable);
        assert!(alone.because.starts_with("there is one processor"));
        assert!(alone.because.contains("6.00 times as long"));
    }
}
