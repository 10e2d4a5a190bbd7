//! Eight tasks of a millisecond: is a pool slower than doing them oneself?

use crate::error::Result;
use crate::lab::work::{Steps, done, failed};
use crate::lab::{Bench, Experiment, Figure, Finding, Verdict};
use crate::pool::{Batch, Pool, worker};
use crate::report::units::time;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "short-tasks",
    lecture: 26,
    slides: &[7],
    claim: "Sequential: 8 tasks × 1 ms = 8 ms. Pool with 5 ms IPC: 8 tasks × (1 ms compute + 5 ms \
            IPC) = 48 ms (6× slower). Solution: batch small tasks into larger chunks.",
    memory: 0,
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

fn judge(measured: &Measured) -> Finding {
    let slower = measured.pool / measured.sequential;
    let verdict = if slower >= CLEAR {
        Verdict::Holds
    } else if slower > 1.0 / CLEAR {
        Verdict::Depends
    } else {
        Verdict::Differs
    };
    let because = format!(
        "with {} workers the pool took {slower:.2} times as long as one process; a round trip was \
         {} beside tasks of {}",
        measured.workers,
        time(1e9 * measured.round_trip),
        time(1e9 * measured.sequential / f64::from(TASKS)),
    );
    Finding {
        figures: vec![
            Figure::seconds(
                "round_trip_s",
                "a round trip, the pool warm",
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
            Figure::times("slower", "… how many times as long", slower).about(6.0),
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
        ],
        drawings: Vec::new(),
        verdict,
        because,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_holds_if_the_pool_is_clearly_slower_and_differs_if_it_is_clearly_faster() {
        let verdict = |pool| {
            let measured = Measured {
                workers: 2,
                round_trip: 5e-6,
                sequential: 0.008,
                one_by_one: 0.009,
                pool,
                batched: 0.004,
            };
            judge(&measured).verdict
        };
        assert_eq!(verdict(0.048), Verdict::Holds);
        assert_eq!(verdict(0.008 * 1.21), Verdict::Holds);
        assert_eq!(verdict(0.008 * 1.19), Verdict::Depends);
        assert_eq!(verdict(0.008 / 1.19), Verdict::Depends);
        assert_eq!(verdict(0.008 / 1.21), Verdict::Differs);
    }
}
