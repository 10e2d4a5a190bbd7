//! The search for the task length from which workers win.
//!
//! On a machine that does other things as well, now the one and now the other looks sooner. So a length is
//! tried in pairs, one process and the workers in turns, until it is clear who wins or there were as
//! many pairs as there may be. Where it is not clear, the search ends on that side: the interval is as wide as
//! what is not clear, and it is told. Both ends are tried once more before they are believed, as what was
//! clear by the luck of a moment seldom is so twice.

use super::crossing::Crossing;
use crate::error::Result;
use crate::statistics::median;

/// What tasks compute at least, in seconds.
const LEAST: f64 = 10e-6;

/// Fewer pairs say nothing.
const FEW: usize = 3;

/// Where all pairs are that far apart, it is clear though they are too few to rule out luck.
const FAR: f64 = 1.25;

/// As long as the workers do not win, tasks are made so many times longer. (Twice would often be just where
/// they begin to: two workers are as soon where a task takes twice what they lose on a short one.)
const STEP: f64 = 3.0;

/// Who is sooner by less does not clearly win.
const EQUAL: f64 = 1.03;

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Until both ends are at most so many times apart.
    pub factor: f64,
    /// So many pairs of a length, each of the two times that it is tried.
    pub pairs: usize,
    /// Seconds of measuring; the pair that was begun is the last.
    pub seconds: f64,
}

/// Tasks of one length, first in one process, then in the workers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// Seconds a task.
    pub sequential: f64,
    /// The same.
    pub parallel: f64,
    /// As many were done in either way.
    pub tasks: usize,
}

/// Finds two lengths of computing, `most` seconds long at most, between which the workers begin to win.
pub(super) fn find(
    pair: impl FnMut(f64) -> Result<Pair>,
    most: f64,
    effort: Effort,
) -> Result<Crossing> {
    let mut search = Search {
        pair,
        effort,
        most,
        tried: Vec::new(),
        spent: 0.0,
    };
    while let Some(length) = search.next() {
        search.measure(length)?;
    }
    Ok(search.crossing())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Winner {
    Sequential,
    Workers,
}

/// A length that was tried.
#[derive(Debug)]
struct Tried {
    length: f64,
    pairs: Vec<Pair>,
    times: u32,
}

impl Tried {
    /// Seconds a task in one process, or another way.
    fn median(&self, of: impl Fn(&Pair) -> f64) -> f64 {
        median(&self.pairs.iter().map(of).collect::<Vec<_>>())
    }

    /// Who clearly wins; none if it is not clear.
    fn winner(&self) -> Option<Winner> {
        let pairs = self.pairs.len();
        let all_but = |but, times: f64, of: fn(&Pair) -> f64| {
            let wins = self.pairs.iter().filter(|pair| of(pair) > times).count();
            pairs >= FEW && pairs - wins <= but
        };
        let wins = |of| match luck(pairs) {
            Some(but) => all_but(but, EQUAL, of) || all_but(0, FAR, of),
            None => all_but(0, FAR, of),
        };
        if wins(|pair| pair.sequential / pair.parallel) {
            Some(Winner::Workers)
        } else if wins(|pair| pair.parallel / pair.sequential) {
            Some(Winner::Sequential)
        } else {
            None
        }
    }
}

/// How many of so many pairs may go to the other one, so that luck alone is not as one-sided more than one
/// time in 20 (the sign test); none if luck alone is so where no pair does.
fn luck(pairs: usize) -> Option<usize> {
    let all = 2f64.powi(pairs as i32);
    let (mut ways, mut sum) = (1.0, 0.0);
    let mut most = None;
    for other in 0..pairs {
        sum += ways;
        if sum / all > 0.025 {
            break;
        }
        most = Some(other);
        ways *= (pairs - other) as f64 / (other + 1) as f64;
    }
    most
}

struct Search<F> {
    pair: F,
    effort: Effort,
    most: f64,
    /// By length.
    tried: Vec<Tried>,
    /// Seconds.
    spent: f64,
}

impl<F: FnMut(f64) -> Result<Pair>> Search<F> {
    /// Tries a length, which may have been tried before.
    fn measure(&mut self, length: f64) -> Result<()> {
        let at = self.tried.partition_point(|tried| tried.length < length);
        if self.tried.get(at).is_none_or(|tried| tried.length > length) {
            let new = Tried {
                length,
                pairs: Vec::new(),
                times: 0,
            };
            self.tried.insert(at, new);
        }
        let tried = &mut self.tried[at];
        tried.times += 1;
        for pairs in 1..=self.effort.pairs {
            let pair = (self.pair)(length)?;
            tried.pairs.push(pair);
            self.spent += (pair.sequential + pair.parallel) * pair.tasks as f64;
            let is_over = self.spent >= self.effort.seconds;
            if is_over || pairs >= FEW && tried.winner().is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Both ends, as places in what was tried: the longest that one process clearly wins below all that the
    /// workers do, and the shortest that these win above all that it does. Where the two contradict each
    /// other, they enclose all that does.
    fn ends(&self) -> (Option<usize>, Option<usize>) {
        let winners: Vec<_> = self.tried.iter().map(Tried::winner).collect();
        let is = |winner| move |found: &Option<Winner>| *found == Some(winner);
        let first_win = winners.iter().position(is(Winner::Workers));
        let last_loss = winners.iter().rposition(is(Winner::Sequential));
        let below = &winners[..first_win.unwrap_or(winners.len())];
        let above = last_loss.map_or(0, |last| last + 1);
        (
            below.iter().rposition(is(Winner::Sequential)),
            winners[above..]
                .iter()
                .position(is(Winner::Workers))
                .map(|place| above + place),
        )
    }

    /// The length to try next; none if that is all.
    fn next(&self) -> Option<f64> {
        if self.spent >= self.effort.seconds {
            return None;
        }
        let (Some(first), Some(last)) = (self.tried.first(), self.tried.last()) else {
            return Some(LEAST);
        };
        let (from, to) = self.ends();
        let length = |place: usize| self.tried[place].length;
        if to.is_none() && last.length < self.most {
            // Parallel tasks take no less when they are longer: as long as that, one process is sooner.
            let longer = match self.tried.len() {
                1 => first.median(|pair| pair.parallel) - first.median(|pair| pair.sequential),
                _ => 0.0,
            };
            return Some(longer.max(STEP * last.length).min(self.most));
        }
        // Whatever is between the ends is not clear: it is enclosed from both sides.
        let last = to.unwrap_or(self.tried.len() - 1);
        let above_from = from
            .filter(|from| *from < last)
            .map(|from| (from, from + 1));
        let below_to = to.filter(|to| *to > 0).map(|to| (to - 1, to));
        let gaps = [above_from, below_to].into_iter().flatten();
        let mut gaps = gaps.map(|(from, to)| (length(from), length(to)));
        if let Some((from, to)) = gaps.find(|(from, to)| to / from > self.effort.factor) {
            return Some((from * to).sqrt());
        }
        let mut ends = [from, to].into_iter().flatten();
        ends.find(|end| self.tried[*end].times < 2).map(length)
    }

    fn crossing(&self) -> Crossing {
        let (from, to) = self.ends();
        // What a task takes beside computing. Lengths are compared by what was asked for: what was
        // measured of two of them may be out of order where the machine has other work as well.
        let first = self.tried.first();
        let first = first.map_or(LEAST, |first| first.median(|pair| pair.sequential));
        let reading = (first - LEAST).max(0.0);
        let length = |place: usize| self.tried[place].length + reading;
        let between = from.map_or(0, |from| from + 1)..to.unwrap_or(self.tried.len());
        Crossing {
            loses: from.map_or(0.0, length),
            wins: to.map_or(f64::INFINITY, length),
            is_noisy: !between.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Effort = Effort {
        factor: 2.0,
        pairs: 8,
        seconds: f64::INFINITY,
    };
    const THOROUGH: Effort = Effort {
        factor: 1.5,
        pairs: 12,
        seconds: f64::INFINITY,
    };

    /// Two workers, to each of which a task takes that long to get, on a machine whose times are now and then
    /// longer: by up to `noise` as a rule, and thrice as long one time in `spikes`.
    struct Machine {
        overhead: f64,
        noise: f64,
        spikes: u64,
        random: u64,
        pairs: usize,
    }

    impl Machine {
        fn new(overhead: f64, noise: f64, spikes: u64, seed: u64) -> Self {
            Self {
                overhead,
                noise,
                spikes,
                random: seed,
                pairs: 0,
            }
        }

        fn number(&mut self) -> u64 {
            self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }

        fn noisy(&mut self, seconds: f64) -> f64 {
            let noise = self.noise * (self.number() % 1_000) as f64 / 1_000.0;
            let is_spike = self.spikes > 0 && self.number().is_multiple_of(self.spikes);
            seconds * (1.0 + noise) * if is_spike { 3.0 } else { 1.0 }
        }

        fn pair(&mut self, length: f64) -> Pair {
            self.pairs += 1;
            Pair {
                sequential: self.noisy(length),
                parallel: self.noisy((length + self.overhead) / 2.0),
                tasks: 4,
            }
        }

        fn find(&mut self, effort: Effort) -> Crossing {
            find(|length| Ok(self.pair(length)), 0.5, effort).unwrap()
        }
    }

    const OVERHEADS: [f64; 6] = [11e-6, 1e-4, 1.2e-3, 0.01, 0.04, 0.2];

    #[test]
    fn without_noise_the_crossing_is_found_within_the_factor() {
        for overhead in OVERHEADS {
            for effort in [QUICK, THOROUGH] {
                let found = Machine::new(overhead, 0.0, 0, 1).find(effort);
                assert!(
                    found.loses <= overhead && overhead <= found.wins,
                    "{overhead}: {found:?}"
                );
                // Who is sooner by less than 3 % does not win: that may be once on either side.
                let apart = found.wins / found.loses;
                let most = effort.factor * if found.is_noisy { effort.factor } else { 1.0 };
                assert!(apart <= 1.001 * most, "{overhead}: {found:?}");
            }
        }
    }

    #[test]
    fn whatever_the_noise_the_crossing_lies_between_the_ends() {
        for effort in [QUICK, THOROUGH] {
            let (mut missed, mut tried) = (Vec::new(), 0);
            for (noise, spikes) in [(0.05, 0), (0.3, 0), (0.1, 5), (1.0, 4)] {
                for overhead in OVERHEADS {
                    for seed in 0..100 {
                        tried += 1;
                        let found = Machine::new(overhead, noise, spikes, seed).find(effort);
                        if !(found.loses <= overhead && overhead <= found.wins) {
                            missed.push((noise, spikes, overhead, seed, found));
                        }
                    }
                }
            }
            let share = missed.len() as f64 / f64::from(tried);
            assert!(
                share < 0.02,
                "{share}, noise, spikes, overhead, seed: {missed:?}"
            );
        }
    }

    #[test]
    fn noise_makes_the_interval_wider_and_is_told() {
        let told = |noise, spikes| {
            let found = |seed| Machine::new(1.2e-3, noise, spikes, seed).find(QUICK);
            let found = (0..100).map(found);
            let noisy = found.clone().filter(|found| found.is_noisy).count();
            let widths: Vec<_> = found.map(|found| found.wins / found.loses).collect();
            (noisy, median(&widths))
        };
        let (quiet, loud) = (told(0.02, 0), told(1.0, 4));
        assert!(
            quiet.0 < loud.0 && loud.0 > 90,
            "{quiet:?} {loud:?}, seeds 0 to 99"
        );
        assert!(loud.1 > 1.5 * quiet.1, "{quiet:?} {loud:?}, seeds 0 to 99");
    }

    #[test]
    fn where_workers_never_win_or_always_do_it_is_said() {
        for seed in 0..100 {
            let never = Machine::new(2.0, 0.3, 0, seed).find(QUICK);
            assert!(never.show().starts_with("> 5"), "seed {seed}: {never:?}");
            assert_eq!((never.middle(), never.at_most()), (None, None));
            let at_once = Machine::new(LEAST / 4.0, 0.3, 0, seed).find(QUICK);
            assert!(
                at_once.show().starts_with("< 1"),
                "seed {seed}: {at_once:?}"
            );
            assert_eq!(at_once.at_least(), None);
        }
    }

    #[test]
    fn a_while_in_which_workers_are_held_up_does_not_move_the_crossing() {
        for overhead in OVERHEADS {
            for begin in (0..60).step_by(3) {
                let mut machine = Machine::new(overhead, 0.05, 0, 7);
                let pair = |length| {
                    let pair = machine.pair(length);
                    let held_up = (begin..begin + 6).contains(&machine.pairs);
                    let parallel = pair.parallel * if held_up { 3.0 } else { 1.0 };
                    Ok(Pair { parallel, ..pair })
                };
                let found = find(pair, 0.5, THOROUGH).unwrap();
                let is_between = found.loses <= overhead && overhead <= found.wins;
                assert!(
                    is_between,
                    "{overhead}, from pair {begin} on, seed 7: {found:?}"
                );
            }
        }
    }

    #[test]
    fn where_all_is_noise_nothing_is_clear() {
        for seed in 0..20 {
            let mut machine = Machine::new(1e-3, 0.0, 0, seed);
            let pair = |_| {
                Ok(Pair {
                    sequential: machine.noisy(1e-3) + (machine.number() % 2) as f64,
                    parallel: machine.noisy(1e-3) + (machine.number() % 2) as f64,
                    tasks: 4,
                })
            };
            let found = find(pair, 0.5, QUICK).unwrap();
            assert_eq!(found.show(), "not clear anywhere", "seed {seed}");
            assert_eq!(
                (found.middle(), found.at_least(), found.at_most()),
                (None, None, None)
            );
        }
    }

    #[test]
    fn when_the_time_is_up_what_is_known_is_told() {
        for seconds in [0.0, 0.05, 0.1, 0.2, 0.5, 1.0] {
            let mut machine = Machine::new(0.04, 0.1, 0, 3);
            let effort = Effort {
                seconds,
                ..THOROUGH
            };
            let found = machine.find(effort);
            let is_between = found.loses <= 0.04 && 0.04 <= found.wins;
            assert!(is_between, "{seconds} s, seed 3: {found:?}");
        }
        let mut machine = Machine::new(0.04, 0.1, 0, 3);
        machine.find(Effort {
            seconds: 1e-9,
            ..THOROUGH
        });
        assert_eq!(machine.pairs, 1);
    }

    #[test]
    fn luck_is_seldom_as_one_sided() {
        let all = [5, 6, 8, 9, 11, 12, 15, 24].map(luck);
        let known = [
            None,
            Some(0),
            Some(0),
            Some(1),
            Some(1),
            Some(2),
            Some(3),
            Some(6),
        ];
        assert_eq!(all, known);
    }

    #[test]
    fn it_is_clear_if_few_pairs_are_far_apart_or_many_on_one_side() {
        let winner = |ratios: &[f64]| {
            let pair = |sequential: &f64| Pair {
                sequential: *sequential,
                parallel: 1.0,
                tasks: 1,
            };
            let pairs = ratios.iter().map(pair).collect();
            let tried = Tried {
                length: 1.0,
                pairs,
                times: 1,
            };
            tried.winner()
        };
        assert_eq!(winner(&[1.26; 2]), None);
        assert_eq!(winner(&[1.26; 3]), Some(Winner::Workers));
        assert_eq!(winner(&[1.24; 3]), None);
        assert_eq!(winner(&[1.0 / 1.26; 3]), Some(Winner::Sequential));
        assert_eq!(winner(&[1.04; 5]), None);
        assert_eq!(winner(&[1.04; 6]), Some(Winner::Workers));
        assert_eq!(winner(&[1.02; 6]), None);
        assert_eq!(winner(&[1.0 / 1.04; 6]), Some(Winner::Sequential));
        let one_other = |pairs: usize| [&vec![1.04; pairs - 1][..], &[0.9]].concat();
        assert_eq!(winner(&one_other(8)), None);
        assert_eq!(winner(&one_other(9)), Some(Winner::Workers));
    }
}
