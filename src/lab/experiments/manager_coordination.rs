//! Workers that look at a flag in a manager's server, or in shared memory.

use crate::clock::now;
use crate::coordination::{Dict, Manager, StopFlag, Watch};
use crate::error::Result;
use crate::lab::work::done;
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Context, Job, Pool, worker};
use crate::report::units::{count, plural, time};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "manager-coordination",
    lecture: 26,
    slides: &[9],
    claim: "Workers that check a shared Manager flag 10×/sec generate 40 IPC calls/sec with 4 \
            workers. The more workers, the more total IPC load, not less. Tasks requiring \
            coordination may not scale at all.",
    memory: 0,
    workers: &[worker::enter::<Look>],
    run: |bench| Ok(judge(&measure(bench, bench.seconds(1.0, 4.0))?)),
};

const KEY: &str = "stop";

/// Looks at a flag until a time, and says how often.
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
                    (0..OFTEN).for_each(|_| {
                        std::hint::black_box(watch.is_set());
                    });
                    looks += OFTEN;
                }
                Flag::Shared(watch) => {
                    std::hint::black_box(watch.is_set());
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

/// Looks a second, of all workers together.
#[derive(Clone, Copy, Debug)]
struct Measured {
    processors: usize,
    /// Four workers, ten times a second each.
    leisurely: f64,
    /// 1, 2, 4 and 8 workers, as often as they can.
    manager: [f64; 4],
    shared: [f64; 4],
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
    bench.phase("4 workers, ten times a second")?;
    let leisurely = looks(Flag::Manager(dict.clone()), 4, Some(100_000_000), seconds)?;
    let mut measured = Measured {
        processors: bench.processors,
        leisurely,
        manager: [0.0; 4],
        shared: [0.0; 4],
    };
    for (at, workers) in WORKERS.into_iter().enumerate() {
        bench.phase(&format!("{workers} workers, as often as they can"))?;
        let dict = Flag::Manager(dict.clone());
        measured.manager[at] = looks(dict, workers, None, 0.5 * seconds)?;
        bench.go_on()?;
        let watch = Flag::Shared(flag.watch());
        measured.shared[at] = looks(watch, workers, None, 0.25 * seconds)?;
    }
    Ok(measured)
}

/// What four workers gain over one by the manager, as a share of what they gain by shared memory:
/// below this, coordination is what keeps them from scaling; above that, it is not.
const HINDERS: f64 = 0.7;
const DOES_NOT: f64 = 0.9;

fn judge(measured: &Measured) -> Finding {
    let gain = |looks: [f64; 4]| looks[2] / looks[0];
    let (manager, shared) = (gain(measured.manager), gain(measured.shared));
    let share = manager / shared;
    let verdict = if share < HINDERS {
        Verdict::Holds
    } else if share < DOES_NOT {
        Verdict::Depends
    } else {
        Verdict::Differs
    };
    let call = 1.0 / measured.manager[0];
    let because = format!(
        "on {} processors four workers call the manager ×{manager:.2} as often as one, and look \
         at a flag in shared memory ×{shared:.2} as often; a call takes {}, so that {} of them a \
         second take {:.2} % of a processor",
        measured.processors,
        time(1e9 * call),
        count(measured.leisurely),
        100.0 * measured.leisurely * call,
    );
    let rate = |key, what, looks| Figure::new(key, what, Unit::PerSecond, looks);
    let [one, two, four, eight] = measured.manager;
    let figures = vec![
        rate(
            "leisurely_per_s",
            "calls, 4 workers, 10 a second each",
            measured.leisurely,
        )
        .about(40.0),
        rate("manager_1_per_s", "calls as often as 1 worker can", one),
        rate("manager_2_per_s", "… 2 workers", two),
        rate("manager_4_per_s", "… 4 workers", four),
        rate("manager_8_per_s", "… 8 workers", eight),
        Figure::seconds("call_s", "one call", call),
        Figure::times("manager_gain", "what 4 workers gain over 1", manager),
        rate(
            "shared_1_per_s",
            "looks at a flag in shared memory, 1 worker",
            measured.shared[0],
        ),
        rate("shared_4_per_s", "… 4 workers", measured.shared[2]),
        Figure::times("shared_gain", "what 4 workers gain over 1", shared),
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_where_the_manager_keeps_workers_from_scaling() {
        let verdict = |gain: f64| {
            judge(&Measured {
                processors: 4,
                leisurely: 40.0,
                manager: [2e4, 3e4, 2e4 * gain, 2e4],
                shared: [1e9, 2e9, 4e9, 4e9],
            })
            .verdict
        };
        assert_eq!(verdict(4.0 * 0.69), Verdict::Holds);
        assert_eq!(verdict(4.0 * 0.71), Verdict::Depends);
        assert_eq!(verdict(4.0 * 0.89), Verdict::Depends);
        assert_eq!(verdict(4.0 * 0.91), Verdict::Differs);
    }
}
