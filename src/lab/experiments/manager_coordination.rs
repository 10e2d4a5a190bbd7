//! Workers that look at a flag in a manager's server, or in shared memory, or that need none.

use crate::analysis::burn::burn;
use crate::clock::now;
use crate::coordination::{Dict, Manager, StopFlag, Watch};
use crate::error::Result;
use crate::lab::finding::Part;
use crate::lab::work::done;
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Context, Job, Pool, worker};
use crate::report::units::{count, list, plural, time};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "manager-coordination",
    lecture: 26,
    slides: &[9],
    claim: "Workers that check a shared Manager flag 10×/sec generate 40 IPC calls/sec with 4 \
            workers. Manager calls cross a process boundary every time — each is a serialization \
            round-trip. The more workers, the more total IPC load, not less. Embarrassingly \
            parallel tasks (no coordination) scale linearly. Tasks requiring coordination: measure \
            carefully — may not scale at all",
    memory: |_| 0,
    workers: &[worker::enter::<Look>],
    run: |bench| Ok(judge(&measure(bench, bench.seconds(1.0, 4.0))?)),
};

const KEY: &str = "stop";

/// Looks at a flag until a time, or works with none, and says how often.
#[derive(Debug, Serialize, Deserialize)]
struct Look {
    flag: Flag,
    /// Between two looks, in nanoseconds; none to look as often as can be.
    pause: Option<u64>,
    /// When all begin and end, by [`crate::clock`].
    from: u64,
    until: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Flag {
    Manager(Dict),
    Shared(Watch),
    /// So many steps of work instead of a look.
    None(u64),
}

impl Job for Look {
    type Setup = ();
    type State = ();
    type Output = u64;
    type Error = String;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> Result<u64, String> {
        let nap = |ns: u64| {
            if ns > 0 {
                std::thread::sleep(Duration::from_nanos(ns));
            }
        };
        nap(self.from.saturating_sub(now()));
        let mut looks = 0;
        loop {
            match &self.flag {
                Flag::Manager(dict) => {
                    let value: Option<bool> = dict.get(KEY).map_err(|error| error.to_string())?;
                    value.ok_or("the flag is gone")?;
                    looks += 1;
                }
                // Looking at the clock takes longer than looking at the flag.
                Flag::Shared(watch) if self.pause.is_none() => {
                    const OFTEN: u64 = 1_000;
                    // Counted, so that they are not left out, and not stored one by one, which takes longer or
                    // less long by where each process has its stack.
                    let set: u64 = (0..OFTEN).map(|_| u64::from(watch.is_set())).sum();
                    std::hint::black_box(set);
                    looks += OFTEN;
                }
                Flag::Shared(watch) => {
                    std::hint::black_box(watch.is_set());
                    looks += 1;
                }
                Flag::None(steps) => {
                    burn(*steps);
                    looks += 1;
                }
            }
            nap(self.pause.unwrap_or(0));
            // Once at least, however late it came to it.
            if now() >= self.until {
                return Ok(looks);
            }
        }
    }
}

const WORKERS: [usize; 4] = [1, 2, 4, 8];

/// What a worker that needs nobody does at a time.
const TASK: Duration = Duration::from_micros(20);

/// Looks a second, of all workers together.
#[derive(Clone, Copy, Debug)]
struct Measured {
    processors: usize,
    /// Four workers, ten times a second each, and eight.
    leisurely: f64,
    leisurely_8: f64,
    /// 1, 2, 4 and 8 workers, as often as they can.
    manager: [f64; 4],
    shared: [f64; 4],
    /// … tasks instead, which need nobody.
    alone: [f64; 4],
}

fn measure(bench: &Bench, seconds: f64) -> Result<Measured> {
    let manager = Manager::start()?;
    let dict = manager.dict();
    dict.set(KEY, &false)?;
    let flag = StopFlag::new()?;
    let looks = |flag: Flag, workers: usize, pause: Option<u64>, seconds: f64| -> Result<f64> {
        let pool = Pool::<Look>::processes(workers).ahead(1).start(())?;
        // Late enough for each to have its job.
        let from = now() + 20_000_000;
        let until = from + (1e9 * seconds) as u64;
        let job = || Look {
            flag: flag.clone(),
            pause,
            from,
            until,
        };
        let handles: Vec<_> = (0..workers).map(|_| pool.submit(job())).collect();
        let looks: Result<Vec<u64>> = handles.into_iter().map(done).collect();
        Ok(looks?.iter().sum::<u64>() as f64 / seconds)
    };
    let leisurely = |workers| {
        bench.phase(&format!(
            "{}, ten times a second",
            plural(workers as u64, "worker")
        ))?;
        looks(
            Flag::Manager(dict.clone()),
            workers,
            Some(100_000_000),
            seconds,
        )
    };
    let (leisurely, leisurely_8) = (leisurely(4)?, leisurely(8)?);
    let mut measured = Measured {
        processors: bench.processors,
        leisurely,
        leisurely_8,
        manager: [0.0; 4],
        shared: [0.0; 4],
        alone: [0.0; 4],
    };
    let task = Flag::None(bench.steps(TASK));
    for (at, workers) in WORKERS.into_iter().enumerate() {
        bench.phase(&format!(
            "{}, as often as can be",
            plural(workers as u64, "worker")
        ))?;
        let dict = Flag::Manager(dict.clone());
        measured.manager[at] = looks(dict, workers, None, 0.5 * seconds)?;
        bench.go_on()?;
        let watch = Flag::Shared(flag.watch());
        measured.shared[at] = looks(watch, workers, None, 0.25 * seconds)?;
        bench.go_on()?;
        measured.alone[at] = looks(task.clone(), workers, None, 0.25 * seconds)?;
    }
    Ok(measured)
}

/// What four or eight workers gain over one by the manager, as a share of what they gain by tasks that need
/// nobody: below this, coordination is what keeps them from scaling.
const HINDERS: f64 = 0.7;

/// From so many times the calls on, there is more load.
const MORE: f64 = 1.1;

/// Calls a second of four workers, by the lecture, and how far they may be off: a pause takes a
/// little longer than asked for, and the call comes on top.
const CALLS: f64 = 40.0;
const OFF: f64 = 0.2;

/// As many workers as there are processors do this share of so many times what one does, if tasks scale
/// linearly; of more, one was held up.
const LINEAR: f64 = 0.9;
const HELD_UP: f64 = 1.0 / LINEAR;

/// What four and eight workers have over one.
fn gains(looks: [f64; 4]) -> [f64; 2] {
    [2, 3].map(|at| looks[at] / looks[0])
}

impl Measured {
    /// A worker's share of what so many do who need nobody, over what one does alone; the counts are those
    /// of [`WORKERS`] for which there are processors, two at least.
    fn alone_each(&self) -> Vec<(usize, f64)> {
        let all = WORKERS.into_iter().zip(self.alone);
        let of_one = |(workers, tasks)| (workers, tasks / workers as f64 / self.alone[0]);
        let most = self.processors.max(2);
        all.filter(|(workers, _)| (2..=most).contains(workers))
            .map(of_one)
            .collect()
    }
}

/// What the slide claims, one by one.
fn parts(measured: &Measured) -> [Part; 4] {
    let (manager, free) = (gains(measured.manager), gains(measured.alone));
    let are_calls = (measured.leisurely / CALLS - 1.0).abs() <= OFF;
    let alone = measured.alone_each();
    let told = alone.iter().map(|(workers, each)| {
        format!(
            "each of {workers} does {:.0} % of what one does alone",
            100.0 * each
        )
    });
    let told: Vec<_> = told.collect();
    let was_held_up = alone.iter().any(|(_, each)| *each > HELD_UP);
    let part = |claim, is_so, because| Part::new(9, claim, Verdict::of(&[is_so]), because);
    let [calls, load, tasks, coordination] = [
        part(
            "Workers that check a shared Manager flag 10×/sec generate 40 IPC calls/sec with 4 workers",
            are_calls,
            format!("they make {} calls a second", count(measured.leisurely)),
        ),
        part(
            "The more workers, the more total IPC load, not less",
            measured.leisurely_8 >= MORE * measured.leisurely,
            format!(
                "eight workers that look ten times a second make {} calls a second, where four make {}",
                count(measured.leisurely_8),
                count(measured.leisurely)
            ),
        ),
        part(
            "Embarrassingly parallel tasks (no coordination) scale linearly",
            alone.iter().all(|(_, each)| *each >= LINEAR),
            format!(
                "up to {}, {}",
                plural(measured.processors as u64, "processor"),
                list(&told)
            ),
        )
        .if_told(
            !was_held_up,
            "the one was held up by something else, as that many cannot each do more than it",
        ),
        part(
            "Tasks requiring coordination: measure carefully — may not scale at all",
            // Either they gain less than without a manager, or nothing at all.
            manager
                .iter()
                .zip(free)
                .all(|(manager, free)| manager / free < HINDERS)
                || manager[1] < MORE,
            format!(
                "two, four and eight workers call the manager ×{:.2}, ×{:.2} and ×{:.2} as often as one, and do \
                 ×{:.2}, ×{:.2} and ×{:.2} the tasks that need nobody",
                measured.manager[1] / measured.manager[0],
                manager[0],
                manager[1],
                measured.alone[1] / measured.alone[0],
                free[0],
                free[1]
            ),
        ),
    ];
    // How often anybody calls is told by one processor as well.
    let [tasks, coordination] =
        [tasks, coordination].map(|part| part.in_parallel(measured.processors));
    [calls, load, tasks, coordination]
}

fn judge(measured: &Measured) -> Finding {
    let ([manager, manager_8], [shared, shared_8]) =
        (gains(measured.manager), gains(measured.shared));
    let parts = parts(measured);
    let load = measured.leisurely / measured.manager[0];
    let call = 1.0 / measured.manager[0];
    let because = format!(
        "on {} four workers call the manager ×{manager:.2} as often as one, and eight \
         ×{manager_8:.2}; they look at a flag in shared memory ×{shared:.2} and ×{shared_8:.2} as \
         often, and do ×{:.2} and ×{:.2} the tasks that need neither; a call takes {}, so that {} of them a \
         second, where {CALLS} are claimed, take {:.2} % of a processor",
        plural(measured.processors as u64, "processor"),
        gains(measured.alone)[0],
        gains(measured.alone)[1],
        time(1e9 * call),
        count(measured.leisurely),
        100.0 * load,
    );
    let (verdict, because) = Part::verdict(&parts).in_parallel(measured.processors, because);
    let rate = |key, what, looks| Figure::new(key, what, Unit::PerSecond, looks);
    let [one, two, four, eight] = measured.manager;
    let figures = vec![
        rate(
            "leisurely_per_s",
            "calls, 4 workers, 10 a second each",
            measured.leisurely,
        )
        .about(CALLS),
        rate("leisurely_8_per_s", "… 8 workers", measured.leisurely_8),
        Figure::new("leisurely_share", "… of a processor", Unit::Share, load),
        rate("manager_1_per_s", "calls as often as 1 worker can", one),
        rate("manager_2_per_s", "… 2 workers", two),
        rate("manager_4_per_s", "… 4 workers", four),
        rate("manager_8_per_s", "… 8 workers", eight),
        Figure::seconds("call_s", "one call", call),
        Figure::times("manager_gain", "what 4 workers gain over 1", manager),
        Figure::times("manager_8_gain", "… 8 workers", manager_8),
        rate(
            "shared_1_per_s",
            "looks at a flag in shared memory, 1 worker",
            measured.shared[0],
        ),
        rate("shared_2_per_s", "… 2 workers", measured.shared[1]),
        rate("shared_4_per_s", "… 4 workers", measured.shared[2]),
        rate("shared_8_per_s", "… 8 workers", measured.shared[3]),
        Figure::times("shared_gain", "what 4 workers gain over 1", shared),
        Figure::times("shared_8_gain", "… 8 workers", shared_8),
        rate(
            "alone_1_per_s",
            "tasks of 20 µs, no flag, 1 worker",
            measured.alone[0],
        ),
        rate("alone_2_per_s", "… 2 workers", measured.alone[1]),
        rate("alone_4_per_s", "… 4 workers", measured.alone[2]),
        rate("alone_8_per_s", "… 8 workers", measured.alone[3]),
        Figure::times(
            "shared_over_manager",
            "looks over calls, 1 worker",
            measured.shared[0] / one,
        ),
    ];
    let bar = |(workers, looks): (usize, f64)| (plural(workers as u64, "worker"), looks);
    Finding {
        figures,
        drawings: vec![Drawing::Bars {
            title: "Calls of the manager a second".into(),
            unit: Unit::PerSecond,
            bars: WORKERS.into_iter().zip(measured.manager).map(bar).collect(),
        }],
        verdict,
        because,
        parts: parts.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of tasks that need nobody, four and eight workers do four times as many as one.
    fn measured(processors: usize, share_4: f64, share_8: f64, leisurely: f64) -> Measured {
        Measured {
            processors,
            leisurely,
            leisurely_8: 2.0 * leisurely,
            manager: [2e4, 3e4, 2e4 * 4.0 * share_4, 2e4 * 4.0 * share_8],
            shared: [1e9, 2e9, 4e9, 4e9],
            alone: [5e4, 1e5, 2e5, 2e5],
        }
    }

    fn finding(processors: usize, share_4: f64, share_8: f64, leisurely: f64) -> Finding {
        judge(&measured(processors, share_4, share_8, leisurely))
    }

    #[test]
    fn it_holds_where_the_manager_keeps_four_workers_and_eight_from_scaling() {
        let verdict = |share_4, share_8| finding(4, share_4, share_8, 40.0).verdict;
        assert_eq!(verdict(0.69, 0.69), Verdict::Holds);
        assert_eq!(verdict(0.71, 0.69), Verdict::Depends);
        assert_eq!(verdict(0.69, 0.71), Verdict::Depends);
    }

    #[test]
    fn eight_workers_are_to_load_the_manager_more_than_four() {
        let verdict = |calls| {
            judge(&Measured {
                leisurely_8: calls,
                ..measured(4, 0.5, 0.5, 40.0)
            })
            .verdict
        };
        assert_eq!(verdict(44.1), Verdict::Holds);
        assert_eq!(verdict(43.9), Verdict::Depends);
    }

    #[test]
    fn what_eight_gain_nothing_by_does_not_scale() {
        // Eight gain so many times what one has, four as much as without a manager.
        let part = |gain_8: f64| finding(4, 1.0, gain_8 / 4.0, 40.0).parts[3].verdict;
        assert_eq!(part(1.09), Verdict::Holds);
        assert_eq!(part(1.11), Verdict::Differs);
    }

    #[test]
    fn tasks_that_need_nobody_are_to_scale_linearly_up_to_the_processors() {
        let part = |processors, tasks: [f64; 4]| {
            let measured = Measured {
                alone: tasks,
                ..measured(processors, 0.5, 0.5, 40.0)
            };
            judge(&measured).parts.swap_remove(2)
        };
        let verdict = |processors, tasks| part(processors, tasks).verdict;
        assert_eq!(verdict(2, [1.0, 1.81, 1.8, 1.8]), Verdict::Holds);
        assert_eq!(verdict(2, [1.0, 1.79, 1.8, 1.8]), Verdict::Differs);
        assert_eq!(verdict(4, [1.0, 2.0, 3.61, 3.6]), Verdict::Holds);
        assert_eq!(verdict(4, [1.0, 2.0, 3.59, 3.6]), Verdict::Differs);
        assert_eq!(verdict(8, [1.0, 2.0, 4.0, 7.21]), Verdict::Holds);
        assert_eq!(verdict(8, [1.0, 2.0, 4.0, 7.19]), Verdict::Differs);
        assert_eq!(verdict(1, [1.0, 2.0, 4.0, 8.0]), Verdict::Untestable);
        assert_eq!(verdict(2, [1.0, 2.22, 2.2, 2.2]), Verdict::Holds);
        assert_eq!(verdict(2, [1.0, 2.23, 2.2, 2.2]), Verdict::Untestable);
        let told = part(2, [1.0, 1.81, 1.8, 1.8]).because;
        assert_eq!(
            told,
            "up to 2 processors, each of 2 does 90 % of what one does alone"
        );
    }

    #[test]
    fn it_differs_where_no_part_of_it_is_so() {
        // All scale as they do without a manager, eight are no more load, the calls are fewer, and tasks
        // of their own do not scale.
        let verdict = |leisurely| {
            let measured = Measured {
                alone: [1.0; 4],
                leisurely_8: 1.09 * leisurely,
                ..measured(4, 0.71, 0.71, leisurely)
            };
            judge(&measured).verdict
        };
        assert_eq!(verdict(31.9), Verdict::Differs);
        assert_eq!(verdict(32.1), Verdict::Depends);
    }

    #[test]
    fn every_count_of_workers_has_its_figure() {
        let figures = finding(4, 0.5, 0.5, 40.0).figures;
        for (key, looks) in [("shared_2_per_s", 2e9), ("shared_8_per_s", 4e9)] {
            let found = figures.iter().find(|figure| figure.key == key);
            assert_eq!(found.map(|figure| figure.measured), Some(looks), "{key}");
        }
    }

    #[test]
    fn four_workers_are_to_call_forty_times_a_second() {
        let verdict = |leisurely| finding(4, 0.5, 0.5, leisurely).verdict;
        assert_eq!(verdict(32.1), Verdict::Holds);
        assert_eq!(verdict(31.9), Verdict::Depends);
        assert_eq!(verdict(47.9), Verdict::Holds);
        assert_eq!(verdict(48.1), Verdict::Depends);
        let told = finding(4, 0.5, 0.5, 40.0).because;
        let words = "40 of them a second, where 40 are claimed, take 0.20 % of a processor";
        assert!(told.contains(words), "{told}");
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = finding(1, 0.5, 0.5, 40.0);
        assert_eq!(alone.verdict, Verdict::Untestable);
        assert!(alone.because.starts_with("there is one processor"));
        assert!(alone.because.contains("a call takes 50.0 µs"));
    }
}
