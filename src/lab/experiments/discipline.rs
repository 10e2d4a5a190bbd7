//! The checklist, carried out on one workload: sequential, then parallel, then batched.

use crate::clock::now;
use crate::error::Result;
use crate::lab::bench::{Samples, seconds_since};
use crate::lab::work::{Steps, done, failed};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::measure::Usage;
use crate::pool::{Batch, Pool, worker};
use crate::report::units::{plural, time};
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "discipline",
    lecture: 26,
    slides: &[11],
    claim: "Write the sequential version first; measure it. Create isolated benchmark: same task, \
            same data, sequential vs. Pool with N workers. If speedup < 1.2×: question whether the \
            architecture is correct. If sequential wins: try batching tasks to increase per-task \
            compute time. If batching doesn't help: consider whether the workload is actually \
            CPU-bound",
    memory: |_| 0,
    workers: &[worker::enter::<Steps>],
    run: |bench| Ok(judge(&measure(bench, 2_000)?)),
};

/// The workload: many tasks that are shorter than a trip to a worker and back.
const TASK: Duration = Duration::from_micros(20);

/// Times of the whole workload, in seconds.
#[derive(Clone, Copy, Debug)]
struct Measured {
    workers: usize,
    tasks: usize,
    sequential: f64,
    /// Each task waited for before the next is sent.
    one_by_one: f64,
    /// A job a task, as many under way as keep the workers busy.
    parallel: f64,
    /// Together, as many as pay for their trip.
    batched: f64,
    /// Processor time over the time that the sequential version takes.
    cpu_share: f64,
}

fn measure(bench: &Bench, tasks: usize) -> Result<Measured> {
    let workers = bench.processors;
    let pool = Pool::<Steps>::processes(workers).start(())?;
    let task = Steps(bench.steps(TASK));
    let stream = |batch: Batch| {
        let mut ends = pool.map((0..tasks).map(|_| task)).batch(batch);
        ends.try_for_each(|end| end.map_err(failed))
    };
    let alone = || (0..tasks).for_each(|_| task.carry_out());
    bench.phase("sequential, parallel, batched")?;
    let mut shares = Samples::default();
    let taken = bench.in_turns(
        bench.seconds(1.5, 15.0),
        [
            &mut || {
                let (before, begin) = (Usage::of_self(), now());
                alone();
                let used = Usage::of_self() - before;
                let share = (used.user_s + used.system_s) / seconds_since(begin);
                shares.0.push(share);
                Ok(())
            },
            &mut || (0..tasks).try_for_each(|_| done(pool.submit(task))),
            &mut || stream(Batch::Fixed(1)),
            &mut || stream(Batch::Auto),
        ],
    )?;
    let [sequential, one_by_one, parallel, batched] = taken.map(|taken| taken.median());
    Ok(Measured {
        workers,
        tasks,
        sequential,
        one_by_one,
        parallel,
        batched,
        cpu_share: shares.median(),
    })
}

/// The rule: less is a reason to question the architecture.
const ENOUGH: f64 = 1.2;

/// A workload that keeps a processor so busy is bound by it.
const CPU_BOUND: f64 = 0.8;

fn judge(measured: &Measured) -> Finding {
    let speed_up = |time: f64| measured.sequential / time;
    let (parallel, batched) = (speed_up(measured.parallel), speed_up(measured.batched));
    let is_cpu_bound = measured.cpu_share >= CPU_BOUND;
    let (verdict, outcome) = if parallel >= ENOUGH {
        (
            Verdict::Holds,
            format!("a job a task is enough (×{parallel:.2})"),
        )
    } else if batched >= ENOUGH {
        let why = format!(
            "a job a task does not pay (×{parallel:.2}), and batching mends it (×{batched:.2})"
        );
        (Verdict::Holds, why)
    } else if is_cpu_bound {
        let why = format!(
            "neither a job a task (×{parallel:.2}) nor batching pays (×{batched:.2}), although \
             the work takes {:.0} % of a processor: it is bound by it",
            100.0 * measured.cpu_share
        );
        (Verdict::Differs, why)
    } else {
        let why = format!(
            "neither a job a task (×{parallel:.2}) nor batching pays (×{batched:.2}), and the \
             work takes {:.0} % of a processor: it is not bound by it, or did not get it",
            100.0 * measured.cpu_share
        );
        (Verdict::Depends, why)
    };
    let because = format!(
        "of {} tasks of {} on {}: {outcome}",
        measured.tasks,
        time(TASK.as_nanos() as f64),
        plural(measured.workers as u64, "worker"),
    );
    let (verdict, because) = verdict.in_parallel(measured.workers, because);
    let steps = [
        ("sequential", 1.0, "measured first"),
        (
            "parallel",
            parallel,
            if parallel >= ENOUGH {
                "enough"
            } else {
                "question it"
            },
        ),
        (
            "batched",
            batched,
            if batched >= ENOUGH {
                "enough"
            } else {
                "question it"
            },
        ),
    ];
    let row = |(step, speed_up, then): (&str, f64, &str)| {
        vec![step.to_owned(), then.to_owned(), format!("×{speed_up:.2}")]
    };
    Finding {
        figures: vec![
            Figure::seconds("sequential_s", "sequential", measured.sequential),
            Figure::new(
                "cpu_share",
                "… of it on a processor",
                Unit::Share,
                measured.cpu_share,
            ),
            Figure::seconds(
                "one_by_one_s",
                "a job a task, one after the other",
                measured.one_by_one,
            ),
            Figure::seconds(
                "parallel_s",
                "a job a task, all workers busy",
                measured.parallel,
            ),
            Figure::times("parallel_speed_up", "… speed-up", parallel),
            Figure::seconds("batched_s", "batched", measured.batched),
            Figure::times("batched_speed_up", "… speed-up", batched),
        ],
        drawings: vec![Drawing::Table {
            title: "The checklist; from ×1.2 on it is enough".into(),
            header: ["step", "", "speed-up"].map(String::from).to_vec(),
            rows: steps.into_iter().map(row).collect(),
        }],
        verdict,
        because,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(workers: usize, parallel: f64, batched: f64, cpu_share: f64) -> Finding {
        judge(&Measured {
            workers,
            tasks: 2_000,
            sequential: 1.0,
            one_by_one: 2.0,
            parallel: 1.0 / parallel,
            batched: 1.0 / batched,
            cpu_share,
        })
    }

    #[test]
    fn the_checklist_ends_where_something_is_enough() {
        let verdict = |parallel, batched, cpu| finding(2, parallel, batched, cpu).verdict;
        assert_eq!(verdict(1.21, 0.5, 1.0), Verdict::Holds);
        assert_eq!(verdict(1.19, 1.21, 1.0), Verdict::Holds);
        assert_eq!(verdict(1.19, 1.19, 0.81), Verdict::Differs);
        assert_eq!(verdict(1.19, 1.19, 0.79), Verdict::Depends);
        let told = finding(2, 1.19, 1.19, 0.97).because;
        let words = "although the work takes 97 % of a processor: it is bound by it";
        assert!(told.ends_with(words), "{told}");
        assert!(
            finding(2, 1.19, 1.21, 1.0)
                .because
                .contains("batching mends it")
        );
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = finding(1, 0.5, 1.21, 1.0);
        assert_eq!(alone.verdict, Verdict::Untestable);
        let words = "of 2000 tasks of 20.0 µs on 1 worker: a job a task does not pay (×0.50)";
        assert!(alone.because.contains(words), "{}", alone.because);
    }
}
