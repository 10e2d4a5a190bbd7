//! Eight tasks of a millisecond: is a pool slower than doing them oneself?

use crate::error::Result;
use crate::lab::finding::{Part, is_about};
use crate::lab::work::{Steps, done, failed};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Batch, Pool, worker};
use crate::report::units::{plural, time};
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "short-tasks",
    lecture: 26,
    slides: &[7],
    claim: "Process pool IPC round-trip (warm pool): 2–20 ms per task depending on payload. \
            Sequential: 8 tasks × 1 ms = 8 ms. Pool with 5ms IPC: 8 tasks × (1 ms compute + 5 ms \
            IPC) = 48 ms (6× SLOWER). Threshold: task duration must be several times larger than \
            IPC round-trip cost. Solution: batch small tasks into larger chunks before sending to \
            workers",
    memory: |_| 0,
    workers: &[worker::enter::<Steps>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const TASKS: u32 = 8;
const TASK: Duration = Duration::from_millis(1);

/// Several times a round trip, and so many tasks of that length.
const SEVERAL: f64 = 5.0;
const MANY: usize = 200;

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
    /// The pool's speed-up over one process with tasks as long as a round trip, and several times as long.
    once: f64,
    several: f64,
    /// Tasks as long as a round trip, in batches: over the better of one process and the pool that gets them
    /// one by one.
    batches: f64,
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
    let [round_trip, sequential, one_by_one, pooled, batched] = taken.map(|taken| taken.median());
    bench.phase("tasks as long as a round trip, and longer")?;
    // In one process, by the pool one by one, and in a batch a worker.
    let many = |times: f64| -> Result<[f64; 3]> {
        let task = Steps(bench.steps(Duration::from_secs_f64(times * round_trip)));
        let by_pool = |batch: usize| {
            let mut ends = pool.map((0..MANY).map(|_| task)).batch(Batch::Fixed(batch));
            ends.try_for_each(|end| end.map_err(failed))
        };
        let taken = bench.in_turns(
            bench.seconds(0.5, 5.0),
            [
                &mut || {
                    (0..MANY).for_each(|_| task.carry_out());
                    Ok(())
                },
                &mut || by_pool(1),
                &mut || by_pool(MANY.div_ceil(workers)),
            ],
        )?;
        Ok(taken.map(|taken| taken.median()))
    };
    let ([alone, one_each, together], [alone_long, one_each_long, _]) =
        (many(1.0)?, many(SEVERAL)?);
    Ok(Measured {
        once: alone / one_each,
        several: alone_long / one_each_long,
        batches: alone.min(one_each) / together,
        workers,
        round_trip,
        sequential,
        one_by_one,
        pool: pooled,
        batched,
    })
}

/// From so many times on one side is slower than the other: the lecture's own threshold.
const CLEAR: f64 = 1.2;

/// So many times as long the pool takes, by the lecture.
const CLAIMED: f64 = 6.0;

impl Measured {
    /// How many times as long the pool takes as one process.
    fn slower(&self) -> f64 {
        self.pool / self.sequential
    }

    /// What batches have over the better of both: what solves it is sooner than either.
    fn batching(&self) -> f64 {
        self.pool.min(self.sequential) / self.batched
    }
}

/// Seconds that a round trip takes, by the lecture.
const TRIP: [f64; 2] = [0.002, 0.020];

/// What the slide claims, one by one.
fn parts(measured: &Measured) -> Vec<Part> {
    let Measured {
        once,
        several,
        batches,
        round_trip,
        ..
    } = *measured;
    let (slower, batching) = (measured.slower(), measured.batching());
    let part = |claim, parts: &[bool], because| Part::new(7, claim, Verdict::of(parts), because);
    let trip = part(
        "Process pool IPC round-trip (warm pool): 2–20 ms per task depending on payload",
        &[(TRIP[0]..=TRIP[1]).contains(&round_trip)],
        format!("without a payload it takes {}", time(1e9 * round_trip)),
    );
    let parallel = [
        part(
            "8 tasks × (1 ms compute + 5 ms IPC) = 48 ms (6× SLOWER)",
            &[slower >= CLEAR, is_about(slower, CLAIMED)],
            format!("the pool takes {slower:.2} times as long as one process"),
        ),
        part(
            "Threshold: task duration must be several times larger than IPC round-trip cost",
            &[once < CLEAR, several >= CLEAR],
            format!(
                "tasks as long as a round trip come to ×{once:.2} by the pool, and tasks of {SEVERAL} round \
                 trips to ×{several:.2}, where ×{CLEAR} is a win"
            ),
        ),
        part(
            "Solution: batch small tasks into larger chunks before sending to workers",
            // Of those that are too short for the pool; where those of the slide are not, there is nothing to solve.
            &[batches >= CLEAR],
            format!(
                "tasks as long as a round trip come to ×{batches:.2} in batches over the better of one process and \
                 the pool, and those of 1 ms to ×{batching:.2}"
            ),
        ),
    ];
    let parallel = parallel.map(|part| part.in_parallel(measured.workers));
    std::iter::once(trip).chain(parallel).collect()
}

fn judge(measured: &Measured) -> Finding {
    let (slower, batching) = (measured.slower(), measured.batching());
    let parts = parts(measured);
    let because = format!(
        "with {} the pool took {slower:.2} times as long as one process, where {CLAIMED} times \
         are claimed, and batches come to ×{batching:.2} over the better of both; a round trip was {} beside \
         tasks of {}, and tasks as long as a trip come to ×{:.2} by the pool, and in batches to ×{:.2} over the \
         better of both; those of {SEVERAL} trips come to ×{:.2}",
        plural(measured.workers as u64, "worker"),
        time(1e9 * measured.round_trip),
        time(1e9 * measured.sequential / f64::from(TASKS)),
        measured.once,
        measured.batches,
        measured.several,
    );
    let (verdict, because) = Part::verdict(&parts).in_parallel(measured.workers, because);
    Finding {
        figures: vec![
            Figure::seconds(
                "round_trip_s",
                "a round trip, workers at rest before",
                measured.round_trip,
            )
            .between(TRIP[0], TRIP[1]),
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
            Figure::times(
                "once_speed_up",
                "tasks as long as a round trip: the pool's speed-up",
                measured.once,
            ),
            Figure::times(
                "once_batching",
                "… in batches, over the better of one process and the pool",
                measured.batches,
            ),
            Figure::times(
                "several_speed_up",
                "tasks of five round trips: the pool's speed-up",
                measured.several,
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
        parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One process takes 8 ms.
    fn measured(workers: usize, pool: f64, batched: f64) -> Measured {
        Measured {
            workers,
            round_trip: 5e-3,
            sequential: 0.008,
            one_by_one: 0.009,
            pool,
            batched,
            once: 1.19,
            several: 1.21,
            batches: 1.21,
        }
    }

    fn finding(workers: usize, pool: f64, batched: f64) -> Finding {
        judge(&measured(workers, pool, batched))
    }

    use Verdict::{Depends, Differs, Holds};

    #[test]
    fn the_pool_is_to_take_about_six_times_as_long() {
        let verdict = |slower: f64| finding(2, 0.008 * slower, 0.004).parts[1].verdict;
        assert_eq!([3.01, 11.99].map(verdict), [Holds; 2]);
        assert_eq!([1.21, 2.99, 12.01].map(verdict), [Depends; 3]);
        assert_eq!([1.19, 1.0 / 1.19].map(verdict), [Differs; 2]);
    }

    #[test]
    fn batching_is_to_solve_it_for_tasks_that_are_too_short() {
        // Those of a millisecond gain nothing by it, nor need they.
        let verdict = |batches| {
            let measured = Measured {
                batches,
                ..measured(2, 0.004, 0.004)
            };
            judge(&measured).parts[3].verdict
        };
        assert_eq!([1.21, 1.19].map(verdict), [Holds, Differs]);
    }

    #[test]
    fn a_round_trip_is_to_take_2_to_20_ms_on_one_processor_as_well() {
        let verdict = |workers, round_trip| {
            let measured = Measured {
                round_trip,
                ..measured(workers, 0.048, 0.004)
            };
            judge(&measured).parts[0].verdict
        };
        assert_eq!([0.0021, 0.0199].map(|trip| verdict(2, trip)), [Holds; 2]);
        assert_eq!([0.0019, 0.0201].map(|trip| verdict(1, trip)), [Differs; 2]);
    }

    #[test]
    fn tasks_are_to_win_when_they_are_several_times_a_round_trip_and_not_before() {
        let verdict = |once, several| {
            let measured = Measured {
                once,
                several,
                ..measured(2, 0.048, 0.004)
            };
            judge(&measured).parts[2].verdict
        };
        assert_eq!(verdict(1.19, 1.21), Holds);
        assert_eq!(verdict(1.21, 1.21), Depends);
        assert_eq!(verdict(1.19, 1.19), Depends);
        assert_eq!(verdict(1.21, 1.19), Differs);
    }

    #[test]
    fn the_whole_is_that_of_its_parts() {
        assert_eq!(finding(2, 0.048, 0.004).verdict, Holds);
        assert_eq!(finding(2, 0.008, 0.004).verdict, Depends);
    }

    #[test]
    fn the_factor_and_the_batches_are_told() {
        let because = |batched| finding(2, 0.016, batched).because;
        assert!(because(0.004).contains("2.00 times as long"));
        assert!(because(0.004).contains("batches come to ×2.00 over"));
        assert!(because(0.008).contains("batches come to ×1.00 over"));
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = finding(1, 0.048, 0.004);
        assert_eq!(alone.verdict, Verdict::Untestable);
        assert!(alone.because.starts_with("there is one processor"));
        assert!(alone.because.contains("6.00 times as long"));
    }
}
