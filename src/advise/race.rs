//! Who is fastest, found without measuring all of them to the end.
//!
//! Everyone runs a little, in turns; who is far behind drops out; the rest run longer, until it is
//! clear who is fastest or who is as fast. Some are what all are compared with: the best of these
//! never drops out.

use crate::error::Result;
use crate::statistics::{LEAST_PASSES, median, ratio_of_pairs};

/// Who takes so many times as long as the fastest is far behind.
const FAR: f64 = 2.5;

/// One round after the other: how far behind the fastest one may be to stay. The last goes on.
const STAYS: [f64; 7] = [FAR, 2.0, 1.6, 1.4, 1.25, 1.15, 1.1];

/// The rounds before this are short: their figures are good enough to drop out by, and no more.
const FIRST_FULL: usize = 2;

/// Two that differ by less are as fast.
pub(super) const EQUAL: f64 = 1.03;

/// How a runner did.
#[derive(Clone, Debug, Default)]
pub(super) struct Laps {
    /// Seconds a frame, in the last kind of round that it was in.
    pub times: Vec<f64>,
    /// Whether it was there at the end.
    pub stayed: bool,
}

/// What is raced.
pub(super) trait Runners {
    /// Runs number `who` for a round, whose frames are up to the runner; `best` is the fastest time so
    /// far, in seconds a frame. None if there is not enough time left.
    fn run(&mut self, who: usize, round: usize, best: f64) -> Result<Option<f64>>;
    /// It is out of the race.
    fn retire(&mut self, who: usize);
    /// Whether it is one of those that all are compared with.
    fn is_baseline(&self, who: usize) -> bool;
    /// Whether it is one of those that show what handing over costs.
    fn shows_overhead(&self, who: usize) -> bool;
    /// Whether `who` need not run if `other` is far behind.
    fn is_akin(&self, who: usize, other: usize) -> bool;
}

/// Races so many runners, in their order.
///
/// # Errors
/// What a runner fails with.
pub(super) fn race(count: usize, runners: &mut dyn Runners) -> Result<Vec<Laps>> {
    let mut laps = vec![
        Laps {
            times: Vec::new(),
            stayed: true,
        };
        count
    ];
    let mut best = f64::INFINITY;
    for round in 0.. {
        let mut order: Vec<_> = (0..count).filter(|&who| laps[who].stayed).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        let mut behind = Vec::new();
        for who in order {
            if round == 0 && behind.iter().any(|&other| runners.is_akin(who, other)) {
                laps[who].stayed = false;
                continue;
            }
            let Some(time) = runners.run(who, round, best)? else {
                return Ok(laps);
            };
            if round <= FIRST_FULL {
                laps[who].times.clear();
            }
            laps[who].times.push(time);
            // In the first round the best so far is the best there is to go by.
            if round == 0 {
                best = best.min(time);
                if time > STAYS[0] * best {
                    behind.push(who);
                }
            }
        }
        let paces = paces(&laps);
        let first = fastest(&paces, |_| true);
        let baseline = fastest(&paces, |who| runners.is_baseline(who));
        // What handing over costs is not told by a lap of fresh workers: two full rounds tell it.
        let shows = fastest(&paces, |who| runners.shows_overhead(who));
        let is_needed = |who| who == baseline || who == shows && round <= FIRST_FULL;
        let leader = laps[first].times.clone();
        best = median(&leader);
        for (who, laps) in laps.iter_mut().enumerate() {
            let far = paces[who] / paces[first] > STAYS[round.min(STAYS.len() - 1)];
            if laps.stayed && !is_needed(who) && far && is_slower(&laps.times, &leader) {
                laps.stayed = false;
                runners.retire(who);
            }
        }
        if round + 1 >= FIRST_FULL + LEAST_PASSES && is_clear(&laps) {
            break;
        }
    }
    Ok(laps)
}

/// Whether one is slower than another by more than one unlucky round: in all that both ran, as long
/// as these are too few for an interval.
fn is_slower(times: &[f64], others: &[f64]) -> bool {
    match ratio_of_pairs(times, others) {
        Some(ratio) => ratio.low > 1.0,
        None => times.iter().zip(others).all(|(time, other)| time > other),
    }
}

/// How many a round is for one who takes `own` seconds each, where the fastest does `all` at `best`
/// seconds each: as many, but for who is far behind and kept in all the same, who runs as long; though
/// `least` in any case.
pub(super) fn as_long(all: u64, best: f64, own: f64, least: u64) -> u64 {
    match own > FAR * best {
        true => all.min(((all as f64 * best / own) as u64).max(least)),
        false => all,
    }
}

/// The pace of each: the median of its times, each in terms of what those who stayed took in the same
/// round, so that a noisy round is as noisy for all. Infinite for those who are out.
pub(super) fn paces(laps: &[Laps]) -> Vec<f64> {
    let staying = || laps.iter().filter(|laps| laps.stayed);
    // In the last round not all may have run.
    let rounds = staying().map(|laps| laps.times.len()).min().unwrap_or(0);
    let of_all = |round: usize| {
        let logs: f64 = staying().map(|laps| laps.times[round].ln()).sum();
        (logs / staying().count() as f64).exp()
    };
    let of_all: Vec<_> = (0..rounds).map(of_all).collect();
    let pace = |laps: &Laps| {
        let relative = laps.times.iter().zip(&of_all).map(|(time, all)| time / all);
        let relative: Vec<_> = relative.collect();
        match (laps.stayed, laps.times.is_empty()) {
            (true, false) if rounds == 0 => median(&laps.times),
            (true, false) => median(&relative),
            _ => f64::INFINITY,
        }
    };
    laps.iter().map(pace).collect()
}

/// Who has the best pace of those that are such.
pub(super) fn fastest(paces: &[f64], is_such: impl Fn(usize) -> bool) -> usize {
    let such = (0..paces.len()).filter(|&who| is_such(who));
    let least = such.min_by(|&a, &b| paces[a].total_cmp(&paces[b]));
    least.unwrap_or(0)
}

/// Whether everybody who stayed is known to be slower than the fastest, or as fast.
pub(super) fn is_clear(laps: &[Laps]) -> bool {
    let best = fastest(&paces(laps), |_| true);
    let others = laps.iter().enumerate();
    let mut others = others.filter(|(who, laps)| *who != best && laps.stayed);
    others.all(|(_, other)| {
        let ratio = ratio_of_pairs(&other.times, &laps[best].times);
        ratio.is_some_and(|ratio| ratio.low > 1.0 || ratio.high < EQUAL)
    })
}

/// The first in order of `rank` of those that are as fast as the fastest.
pub(super) fn choice<K: Ord>(laps: &[Laps], rank: impl Fn(usize) -> K) -> usize {
    let paces = paces(laps);
    let best = fastest(&paces, |_| true);
    let equals = (0..laps.len()).filter(|&who| paces[who] <= EQUAL * paces[best]);
    equals.min_by_key(|&who| rank(who)).unwrap_or(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runners of known pace with noise of 4 %, and an end; the fourth and the sixth are worker processes.
    struct Known {
        paces: Vec<f64>,
        runs: Vec<usize>,
        left: usize,
        random: u64,
    }

    impl Runners for Known {
        fn run(&mut self, who: usize, _: usize, _: f64) -> Result<Option<f64>> {
            if self.left == 0 {
                return Ok(None);
            }
            self.left -= 1;
            self.runs[who] += 1;
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005) + 1_442_695_040;
            let noise = (self.random >> 40) as f64 / (1u64 << 24) as f64 - 0.5;
            Ok(Some(self.paces[who] * (1.0 + 0.08 * noise)))
        }
        fn retire(&mut self, _: usize) {}
        fn is_baseline(&self, who: usize) -> bool {
            who == 0
        }
        fn shows_overhead(&self, who: usize) -> bool {
            who == 3 || who == 5
        }
        fn is_akin(&self, _: usize, _: usize) -> bool {
            false
        }
    }

    fn best_of(laps: &[Laps]) -> usize {
        fastest(&paces(laps), |_| true)
    }

    fn raced(paces: &[f64], left: usize, seed: u64) -> (Vec<Laps>, Vec<usize>) {
        let mut known = Known {
            paces: paces.to_vec(),
            runs: vec![0; paces.len()],
            left,
            random: seed,
        };
        let laps = race(paces.len(), &mut known).unwrap();
        (laps, known.runs)
    }

    #[test]
    fn the_fastest_is_found_and_the_slow_are_not_run_for_long() {
        for seed in 0..200 {
            let paces = [2.0, 1.3, 1.0, 5.0, 1.08, 30.0];
            let (laps, runs) = raced(&paces, usize::MAX, seed);
            assert_eq!(best_of(&laps), 2, "seed {seed}: {laps:?}");
            // The better one of these tells what handing over costs.
            assert_eq!((runs[3], runs[5]), (FIRST_FULL + 2, 1), "seed {seed}");
            assert!(
                laps[0].stayed && runs[0] >= FIRST_FULL + LEAST_PASSES,
                "seed {seed}"
            );
        }
    }

    #[test]
    fn a_round_that_is_slow_for_all_says_nothing_of_any() {
        let laps = |times: &[f64]| Laps {
            times: times.to_vec(),
            stayed: true,
        };
        // The worse one has the better median: its last round is still to come.
        let better = laps(&[1.0, 2.0, 20.0, 30.0, 40.0]);
        let worse = laps(&[1.1, 2.2, 22.0, 11.0]);
        assert_eq!(best_of(&[worse, better.clone()]), 1);
        let out = Laps {
            stayed: false,
            ..laps(&[0.1])
        };
        assert_eq!(best_of(&[out, better]), 1);
    }

    #[test]
    fn nothing_is_clear_before_there_are_pairs_enough_for_an_interval() {
        let clear = |rounds: usize, other: f64| {
            let laps = |time: f64| Laps {
                times: vec![time; rounds],
                stayed: true,
            };
            is_clear(&[laps(1.0), laps(other)])
        };
        for other in [1.001, 1.02, 1.04, 2.0] {
            assert!(!clear(LEAST_PASSES - 1, other), "{other}");
            assert!(clear(LEAST_PASSES, other), "{other}");
        }
    }

    #[test]
    fn before_there_is_an_interval_who_won_once_is_not_slower() {
        let leader = [1.0, 1.0, 1.0, 1.0, 1.0];
        assert!(is_slower(&[2.0, 2.0, 1.1, 2.0, 2.0], &leader));
        assert!(!is_slower(&[2.0, 2.0, 0.9, 2.0, 2.0], &leader));
        // The interval bears more.
        let leader = [1.0; 10];
        let mut times = [2.0; 10];
        times[2] = 0.9;
        assert!(is_slower(&times, &leader));
    }

    #[test]
    fn who_is_far_behind_runs_as_long_and_not_as_many() {
        for (own, least, is) in [
            (2.4, 1, 1000),
            (2.6, 1, 384),
            (100.0, 1, 10),
            (100.0, 16, 16),
            (100.0, 2000, 1000),
        ] {
            assert_eq!(as_long(1000, 1.0, own, least), is, "{own}, {least}");
        }
    }

    #[test]
    fn of_equals_the_one_with_the_better_rank_is_chosen() {
        let laps = |time: f64, stayed| Laps {
            times: vec![time; 5],
            stayed,
        };
        let all = [
            laps(3.0, true),
            laps(1.0, true),
            laps(1.029, true),
            laps(1.031, true),
            laps(1.0, false),
        ];
        assert_eq!(choice(&all, |who| 10 - who), 2);
        assert_eq!(choice(&all, |who| who), 1);
    }

    #[test]
    fn an_end_in_the_middle_leaves_what_is_known() {
        for left in 1..40 {
            let (laps, runs) = raced(&[2.0, 1.0, 1.5], left, 1);
            let ran: usize = runs.iter().sum();
            assert!(ran == left || is_clear(&laps), "{ran} of {left}");
            if left >= 3 {
                assert_eq!(best_of(&laps), 1, "{left}: {laps:?}");
            }
        }
    }
}
