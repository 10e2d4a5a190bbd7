//! What a pool must be like for early termination: six requirements, each checked on a running one.

mod checks;

use self::checks::measure;
use crate::lab::loops::Loop;
use crate::lab::primes::PrimeSearch;
use crate::lab::{Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::worker;
use crate::report::units::plural;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "early-exit-pool",
    lecture: 27,
    slides: &[11],
    claim: "Shared flag: multiprocessing.Value('b', False) — one per pool. Check interval: defined \
            as a parameter — tuned per workload. Lock protocol: acquire → check again → act → \
            release (always double-check). Result channel: multiprocessing.Queue() — one result \
            per worker maximum. Cleanup: all workers joined before main reads results — no zombie \
            processes. Verification: check not resultQueue.empty() before reading — handle \
            no-result case",
    memory: |_| 0,
    workers: &[worker::enter::<Loop>, worker::enter::<PrimeSearch>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const WORKERS: u32 = 4;

/// How often something was checked, and how often it was as it must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Check {
    times: u64,
    met: u64,
}

impl Check {
    fn add(&mut self, is_met: bool) {
        self.times += 1;
        self.met += u64::from(is_met);
    }

    const fn is_met(self) -> bool {
        self.met == self.times && self.times > 0
    }
}

/// The requirements, in the lecture's order.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    flag: Check,
    interval: Check,
    lock: Check,
    channel: Check,
    cleanup: Check,
    no_result: Check,
    /// Results that the second look, under the lock, has kept out.
    kept_out: u64,
}

/// One of the six.
struct Requirement {
    key: &'static str,
    name: &'static str,
    /// What was counted to check it.
    how: &'static str,
}

const REQUIREMENTS: [Requirement; 6] = [
    Requirement {
        key: "flag",
        name: "1. one shared flag a pool",
        how: "workers that ended when the one flag was set",
    },
    Requirement {
        key: "interval",
        name: "2. the check interval is a parameter",
        how: "loops that looked exactly as often as asked",
    },
    Requirement {
        key: "lock",
        name: "3. lock, check again, act, release",
        how: "races of four with exactly one result",
    },
    Requirement {
        key: "channel",
        name: "4. one result per worker at most",
        how: "workers that offered two, of which one was taken at most",
    },
    Requirement {
        key: "cleanup",
        name: "5. workers joined before results are read",
        how: "results read when no worker was left, as a zombie either",
    },
    Requirement {
        key: "no_result",
        name: "6. the case of no result is handled",
        how: "searches for nothing that ended and said so",
    },
];

impl Measured {
    /// In the order of [`REQUIREMENTS`].
    const fn checks(&self) -> [Check; REQUIREMENTS.len()] {
        [
            self.flag,
            self.interval,
            self.lock,
            self.channel,
            self.cleanup,
            self.no_result,
        ]
    }
}

fn judge(measured: &Measured) -> Finding {
    let all = REQUIREMENTS.iter().zip(measured.checks());
    let missed: Vec<_> = all
        .clone()
        .filter(|(_, check)| !check.is_met())
        .map(|(Requirement { name, .. }, Check { times, met })| {
            format!("\u{201c}{name}\u{201d} was met {met} of {times} times")
        })
        .collect();
    let met: Vec<_> = all.clone().map(|(_, check)| check.is_met()).collect();
    let (verdict, because) = if !missed.is_empty() {
        (Verdict::of(&met), missed.join("; "))
    } else if measured.kept_out == 0 {
        let because = "no two workers ever came to a result at the same time, so that it cannot be told \
                       whether the second look under the lock keeps one out";
        (Verdict::Untestable, because.to_owned())
    } else {
        let times: u64 = all.clone().map(|(_, check)| check.times).sum();
        let because = format!(
            "the pool met all six each time, {times} times altogether, where the second look under \
             the lock kept {} out",
            plural(measured.kept_out, "result")
        );
        (Verdict::Holds, because)
    };
    let share = |(Requirement { key, name, .. }, check): (&Requirement, Check)| {
        let met = check.met as f64 / check.times as f64;
        Figure::new(key, name, Unit::Share, met).about(1.0)
    };
    let mut figures: Vec<_> = all.clone().map(share).collect();
    figures.push(Figure::new(
        "kept_out",
        "results kept out by the second look",
        Unit::Count,
        measured.kept_out as f64,
    ));
    let row = |(number, (requirement, check)): (usize, (&Requirement, Check))| {
        vec![
            format!("{}. {}", number + 1, requirement.how),
            check.times.to_string(),
            check.met.to_string(),
        ]
    };
    Finding {
        figures,
        drawings: vec![Drawing::Table {
            title: "How each was checked, with 4 worker processes".into(),
            header: ["", "checked", "met"].map(String::from).to_vec(),
            rows: all.enumerate().map(row).collect(),
        }],
        verdict,
        because,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(met: [u64; 6]) -> Measured {
        let check = |met| Check { times: 10, met };
        let [flag, interval, lock, channel, cleanup, no_result] = met.map(check);
        Measured {
            flag,
            interval,
            lock,
            channel,
            cleanup,
            no_result,
            kept_out: 3,
        }
    }

    #[test]
    fn the_claim_holds_if_each_requirement_is_met_each_time() {
        assert_eq!(judge(&measured([10; 6])).verdict, Verdict::Holds);
        for missed in 0..6 {
            let mut met = [10; 6];
            met[missed] = 9;
            let finding = judge(&measured(met));
            assert_eq!(finding.verdict, Verdict::Depends);
            assert!(finding.because.contains("9 of 10"), "{}", finding.because);
        }
        assert_eq!(judge(&measured([9; 6])).verdict, Verdict::Differs);
    }

    #[test]
    fn a_second_look_that_never_had_anything_to_keep_out_was_not_checked() {
        let verdict = |met, kept_out| {
            judge(&Measured {
                kept_out,
                ..measured(met)
            })
            .verdict
        };
        assert_eq!(verdict([10; 6], 1), Verdict::Holds);
        assert_eq!(verdict([10; 6], 0), Verdict::Untestable);
        assert_eq!(verdict([9, 10, 10, 10, 10, 10], 0), Verdict::Depends);
    }

    #[test]
    fn what_was_never_checked_is_not_met() {
        let mut measured = measured([10; 6]);
        measured.lock = Check::default();
        assert_eq!(judge(&measured).verdict, Verdict::Depends);
    }
}
