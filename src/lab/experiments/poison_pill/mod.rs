//! Sentinels behind the queued tasks: is all done before the workers go?

mod job;
mod queue;

use self::job::Part;
use self::queue::Queue;
use crate::clock::now;
use crate::coordination::SharedArray;
use crate::error::Result;
use crate::lab::bench::{Samples, seconds_since};
use crate::lab::work::{Steps, done, failed, is_there};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Pool, worker};
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "poison-pill",
    lecture: 27,
    slides: &[2],
    claim: "Poison-pill: put None (sentinel) into the Queue — one per worker. Worker reads None → \
            exits cleanly, no work lost, no shared state corrupted. Ordering guarantee: tasks \
            arrive before sentinel — Queue is FIFO",
    memory: |_| 0,
    workers: &[worker::enter::<Part>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const WORKERS: usize = 4;

/// Tasks a trial, by each of the two ways.
const TASKS: usize = 200;
const TASK: Duration = Duration::from_micros(20);

/// What happened in all trials.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    trials: u64,
    /// Tasks put into queues, before their sentinels.
    tasks: u64,
    /// Tasks that nobody did.
    lost: u64,
    /// Tasks that were done once more than once.
    repeated: u64,
    /// Times that a worker took a task that lies before the one it took last.
    out_of_order: u64,
    /// Workers that were still there afterwards, as processes or as zombies.
    workers_left: u64,
    /// From the call that ends a pool whose workers have tasks waiting to the end of the last
    /// worker, in seconds.
    drain: f64,
    /// Tasks lost where workers were killed in place of being given sentinels: what the trials
    /// would see if sentinels did nothing.
    lost_by_killing: u64,
}

fn measure(bench: &Bench) -> Result<Measured> {
    let mut measured = Measured::default();
    let mut drains = Samples::default();
    bench.phase("sentinels behind 200 tasks")?;
    bench.in_turns(
        bench.seconds(4.0, 20.0),
        [&mut || {
            measured.trials += 1;
            drains.0.push(trial(bench, &mut measured)?);
            Ok(())
        }],
    )?;
    bench.phase("killing them instead")?;
    measured.lost_by_killing = kill(bench)?;
    measured.drain = drains.median();
    Ok(measured)
}

/// Four workers take tasks from the lecture's queue, and then have tasks of the pool's own waiting
/// when the pool is drained. Says how long draining took, in seconds.
fn trial(bench: &Bench, sum: &mut Measured) -> Result<f64> {
    let pool = Pool::<Part>::processes(WORKERS).start(())?;
    let pids = pool.pids().list();
    by_queue(&pool, bench.steps(TASK), sum)?;

    let (done, begin) = (SharedArray::new(TASKS)?, now());
    let handles: Vec<_> = tasks(bench, &done).map(|task| pool.submit(task)).collect();
    pool.drain();
    let drained = seconds_since(begin);
    sum.workers_left += pids.iter().filter(|&&pid| is_there(pid)).count() as u64;
    sum.tasks += TASKS as u64;
    count(&done.values(), sum);
    for handle in handles {
        handle.wait().map_err(failed)?;
    }
    Ok(drained)
}

/// The lecture's queue: its tasks are put while the workers take them.
fn by_queue(pool: &Pool<Part>, steps: u64, sum: &mut Measured) -> Result<()> {
    let queue = Queue::new(TASKS as u64, WORKERS as u64)?;
    let consumers = (0..WORKERS).map(|_| Part::Queue {
        tasks: queue.clone(),
        work: Steps(steps),
    });
    let handles: Vec<_> = consumers.map(|part| pool.submit(part)).collect();
    queue.fill(TASKS as u64);
    let mut taken = vec![0; TASKS];
    for handle in handles {
        let mine = done(handle)?;
        sum.out_of_order += mine.windows(2).filter(|pair| pair[0] > pair[1]).count() as u64;
        for task in mine {
            taken[task as usize - 1] += 1;
        }
    }
    sum.tasks += TASKS as u64;
    count(&taken, sum);
    Ok(())
}

fn tasks(bench: &Bench, done: &SharedArray<u64>) -> impl Iterator<Item = Part> {
    let work = Steps(bench.steps(TASK));
    (0..TASKS).map(move |number| Part::Task {
        number,
        done: done.clone(),
        work,
    })
}

/// The same with a pool that is killed: how many tasks are lost.
fn kill(bench: &Bench) -> Result<u64> {
    let pool = Pool::<Part>::processes(WORKERS).start(())?;
    let done = SharedArray::new(TASKS)?;
    let handles: Vec<_> = tasks(bench, &done).map(|task| pool.submit(task)).collect();
    pool.kill();
    drop(handles);
    let mut sum = Measured::default();
    count(&done.values(), &mut sum);
    Ok(sum.lost)
}

/// Adds what became of tasks that were done so many times each.
fn count(times: &[u64], sum: &mut Measured) {
    for &times in times {
        sum.lost += u64::from(times == 0);
        sum.repeated += times.saturating_sub(1);
    }
}

fn judge(measured: &Measured) -> Finding {
    let faults = [
        (measured.lost, "tasks lost"),
        (measured.repeated, "tasks done twice"),
        (measured.out_of_order, "tasks out of order"),
        (measured.workers_left, "workers left"),
    ];
    let found: Vec<_> = faults
        .iter()
        .filter(|(times, _)| *times > 0)
        .map(|(times, what)| format!("{times} {what}"))
        .collect();
    let trials = measured.trials;
    let (verdict, because) = if !found.is_empty() {
        let found = found.join(", ");
        (Verdict::Differs, format!("{found} in {trials} trials"))
    } else if measured.lost_by_killing == 0 {
        let because = format!(
            "nothing was lost in {trials} trials, but neither was where the workers were killed: \
             the tasks are too short to tell"
        );
        (Verdict::Untestable, because)
    } else {
        let because = format!(
            "in {trials} trials all {} tasks were done once, those of the one queue in its order, \
             and no worker was left; where the workers were killed instead, {} of {TASKS} tasks \
             were lost",
            measured.tasks, measured.lost_by_killing
        );
        (Verdict::Holds, because)
    };
    let number = |key, what, number| Figure::new(key, what, Unit::Count, number as f64);
    let done = |lost: u64, of: u64| TASKS as f64 * (1.0 - lost as f64 / of as f64);
    Finding {
        figures: vec![
            number("trials", "trials, of 4 workers each", trials),
            number("tasks", "tasks before a sentinel", measured.tasks),
            number("lost", "… lost", measured.lost).about(0.0),
            number("repeated", "… done twice", measured.repeated).about(0.0),
            number("out_of_order", "… out of order", measured.out_of_order).about(0.0),
            number("workers_left", "workers left", measured.workers_left).about(0.0),
            number(
                "lost_by_killing",
                "tasks lost by killing 4 workers",
                measured.lost_by_killing,
            ),
            Figure::seconds(
                "drain_s",
                "200 tasks of 20 µs, and the end of all workers",
                measured.drain,
            ),
        ],
        drawings: vec![Drawing::Bars {
            title: format!("Of {TASKS} waiting tasks, done before the workers were gone"),
            unit: Unit::Count,
            bars: vec![
                ("sentinels".into(), done(measured.lost, measured.tasks)),
                (
                    "killed".into(),
                    done(measured.lost_by_killing, TASKS as u64),
                ),
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

    const CLEAN: Measured = Measured {
        trials: 100,
        tasks: 40_000,
        lost: 0,
        repeated: 0,
        out_of_order: 0,
        workers_left: 0,
        drain: 0.01,
        lost_by_killing: 190,
    };

    #[test]
    fn the_claim_holds_if_nothing_at_all_went_wrong() {
        assert_eq!(judge(&CLEAN).verdict, Verdict::Holds);
        for spoil in [
            |m: &mut Measured| m.lost = 1,
            |m: &mut Measured| m.repeated = 1,
            |m: &mut Measured| m.out_of_order = 1,
            |m: &mut Measured| m.workers_left = 1,
        ] {
            let mut measured = CLEAN;
            spoil(&mut measured);
            let finding = judge(&measured);
            assert_eq!(finding.verdict, Verdict::Differs, "{measured:?}");
            assert!(finding.because.starts_with("1 "), "{}", finding.because);
        }
    }

    #[test]
    fn trials_in_which_nothing_can_be_lost_show_nothing() {
        let measured = Measured {
            lost_by_killing: 0,
            ..CLEAN
        };
        assert_eq!(judge(&measured).verdict, Verdict::Untestable);
        let measured = Measured {
            lost_by_killing: 1,
            ..CLEAN
        };
        assert_eq!(judge(&measured).verdict, Verdict::Holds);
    }

    #[test]
    fn threads_take_each_task_of_a_queue_once_and_in_order() {
        let pool = Pool::<Part>::threads(WORKERS).start(()).unwrap();
        let mut sum = Measured::default();
        by_queue(&pool, 0, &mut sum).unwrap();
        let wrong = [sum.lost, sum.repeated, sum.out_of_order];
        assert_eq!((sum.tasks, wrong), (TASKS as u64, [0; 3]));
    }

    #[test]
    fn what_was_not_done_is_lost_and_what_was_done_thrice_is_repeated_twice() {
        let mut sum = Measured::default();
        count(&[1, 0, 3, 1, 0], &mut sum);
        assert_eq!((sum.lost, sum.repeated), (2, 2));
    }
}
