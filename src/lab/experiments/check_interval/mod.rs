//! How often to look at a flag: throughput against the time to notice.
//!
//! The lecture's rule, taken by the word, has loops of dear iterations look more rarely, which
//! nobody would want; what is tried is the rule that it must mean: that the best number of
//! iterations from one look to the next is proportional to 1 / cost. The verdict's sentence says so.

mod draw;
mod fit;
mod measure;

use self::draw::{costs, intervals};
use self::fit::exponent;
use self::measure::measure;
use crate::lab::loops::Loop;
use crate::lab::{Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::worker;
use crate::report::units::time;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "check-interval",
    lecture: 27,
    slides: &[6, 7],
    claim: "Rule: check frequency ∝ 1 / (iteration cost). Frequent worker: checks sharedFlag.value \
            every 10 iterations. Rare worker: checks sharedFlag.value every 1,000 iterations. Same \
            prime-counting computation, same 4 workers, same workload. In tight loops (cheap \
            iterations): frequent checking is measurably slower. In heavy loops (expensive \
            iterations): difference is negligible",
    memory: |_| 0,
    workers: &[worker::enter::<Loop>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const WORKERS: u32 = 4;

/// Iterations from one look to the next; the lecture's own are 10 and 1,000.
const INTERVALS: [u64; 5] = [1, 10, 100, 1_000, 10_000];
const FREQUENT: u64 = 10;
const RARE: u64 = 1_000;

/// What an iteration costs: hardly more than its loop, and so much that nothing else counts, but no
/// more, so that a thousand of them fit a window in which nobody is interrupted.
const CHEAP: Duration = Duration::from_nanos(1);
const HEAVY: Duration = Duration::from_micros(1);

/// All times in seconds.
#[derive(Clone, Debug)]
struct Measured {
    cheap: Kind,
    heavy: Kind,
    /// From cheap iterations to dear ones.
    law: Vec<Cost>,
    /// Workers at a time in which the time to notice was measured.
    watchers: u32,
}

/// A loop of iterations that cost the same.
#[derive(Clone, Debug)]
struct Kind {
    /// An iteration of the loop if it never looks.
    never: f64,
    rows: Vec<Noticed>,
    /// The interval that `Auto` came to, and how long it took to notice.
    auto: f64,
    auto_after: f64,
}

/// One interval.
#[derive(Clone, Copy, Debug)]
struct Noticed {
    every: u64,
    /// An iteration, its share of looking included; not a number where a window has no room for the
    /// interval.
    pace: f64,
    /// From setting the flag to the end of the loop.
    after: f64,
}

/// What looking costs for iterations of one cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// An iteration without a look.
    pace: f64,
    /// How much longer it is with one.
    look: f64,
    /// The interval that `Auto` came to.
    auto: f64,
}

/// The share of the time that looking may take: what [`Every::Auto`](crate::coordination::Every)
/// aims at.
const SHARE: f64 = 0.01;

impl Kind {
    fn at(&self, every: u64) -> Noticed {
        let row = self.rows.iter().find(|row| row.every == every);
        *row.expect("all intervals are measured")
    }

    /// How many times as long it takes with frequent looks as with rare ones.
    fn slower(&self) -> f64 {
        self.at(FREQUENT).pace / self.at(RARE).pace
    }
}

impl Cost {
    /// The interval at which looking takes its share. It is below 1 where less than that is taken
    /// even if every iteration looks, and 0 or less where a look was not seen to cost anything.
    fn best(&self) -> f64 {
        self.look / self.pace / SHARE
    }
}

/// From so many times on a loop is measurably slower.
const MEASURABLE: f64 = 1.02;

/// The law is fitted to iterations of so many seconds at most: beside longer ones a look is lost in what
/// else they differ by. (To leave out points by how dear the look was found to be would keep those
/// that noise has raised.)
const LONGEST: f64 = 30e-9;

/// So far an exponent may be from the claimed one: that of a square root, or of a square, is further
/// off.
const NEAR: f64 = 0.3;

fn judge(measured: &Measured) -> Finding {
    let [cheap, heavy] = [&measured.cheap, &measured.heavy].map(Kind::slower);
    let fitted = measured.law.iter().filter(|cost| cost.pace <= LONGEST);
    let law = |of: fn(&Cost) -> f64| {
        let points: Vec<_> = fitted.clone().map(|cost| (cost.pace, of(cost))).collect();
        exponent(&points)
    };
    let (best, auto) = (law(Cost::best), law(|cost| cost.auto));
    let is_inverse = |exponent: f64| (exponent + 1.0).abs() <= NEAR;
    let parts = [
        cheap >= MEASURABLE,
        heavy < MEASURABLE,
        best.is_some_and(is_inverse),
    ];
    let verdict = Verdict::of(&parts);
    let law = best.map_or(
        "too few kinds of iterations were seen to be slowed down by looking to tell its exponent".into(),
        |best| {
            format!(
                "the number of iterations between looks at which looking takes 1 % of the time goes \
                 with their cost to the power of {best:.2}, and it is that number which the rule must \
                 mean: taken by the word, it has loops of dear iterations look more rarely"
            )
        },
    );
    let because = format!(
        "looking every 10 iterations took {cheap:.3} times as long as every 1,000 for iterations \
         of {}, and {heavy:.3} times for those of {}; {law}",
        time(1e9 * measured.cheap.never),
        time(1e9 * measured.heavy.never),
    );
    let mut figures = vec![
        Figure::times("cheap_slower", "cheap: every 10 to every 1,000", cheap),
        Figure::times("heavy_slower", "heavy: every 10 to every 1,000", heavy).about(1.0),
        Figure::seconds(
            "look_s",
            "a look in a loop of cheap iterations",
            measured.cheap.at(1).pace - measured.cheap.never,
        )
        .between(10e-9, 100e-9),
    ];
    let law = [
        ("best_exponent", "exponent of the best interval", best),
        ("auto_exponent", "exponent of what Auto chooses", auto),
    ];
    figures.extend(law.into_iter().filter_map(|(key, what, exponent)| {
        Some(Figure::new(key, what, Unit::Count, exponent?).about(-1.0))
    }));
    let choice = |key, what, every| Figure::new(key, what, Unit::Count, every);
    figures.extend([
        choice(
            "cheap_auto",
            "cheap: what Auto chooses",
            measured.cheap.auto,
        ),
        choice(
            "heavy_auto",
            "heavy: what Auto chooses",
            measured.heavy.auto,
        ),
    ]);
    Finding {
        figures,
        drawings: vec![intervals(measured), costs(&measured.law)],
        verdict,
        because,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop that takes so many times as long with frequent looks as with rare ones.
    fn kind(slower: f64) -> Kind {
        let row = |&every: &u64| Noticed {
            every,
            pace: if every == FREQUENT { slower } else { 1.0 } * 1e-9,
            after: every as f64 * 1e-9,
        };
        Kind {
            never: 1e-9,
            rows: INTERVALS.iter().map(row).collect(),
            auto: 1000.0,
            auto_after: 1e-6,
        }
    }

    fn judged(cheap: f64, heavy: f64, exponent: f64) -> Finding {
        // The best is every 50 nanoseconds to the power of the exponent.
        let cost = |ns: f64| Cost {
            pace: 1e-9 * ns,
            look: 1e-9 * ns * SHARE * 50.0 * ns.powf(exponent),
            auto: 1000.0 / ns,
        };
        judge(&Measured {
            cheap: kind(cheap),
            heavy: kind(heavy),
            law: [1.0, 2.0, 4.0, 8.0].map(cost).to_vec(),
            watchers: 2,
        })
    }

    #[test]
    fn the_claim_holds_if_cheap_loops_alone_are_slower_and_the_interval_is_inverse_to_the_cost() {
        let verdict = |cheap, heavy, exponent| judged(cheap, heavy, exponent).verdict;
        assert_eq!(verdict(1.021, 1.019, -1.0), Verdict::Holds);
        assert_eq!(verdict(1.019, 1.019, -1.0), Verdict::Depends);
        assert_eq!(verdict(1.021, 1.021, -1.0), Verdict::Depends);
        assert_eq!(verdict(1.021, 1.019, -1.29), Verdict::Holds);
        assert_eq!(verdict(1.021, 1.019, -0.71), Verdict::Holds);
        assert_eq!(verdict(1.021, 1.019, -1.31), Verdict::Depends);
        assert_eq!(verdict(1.021, 1.019, -0.69), Verdict::Depends);
        assert_eq!(verdict(1.019, 1.021, -0.69), Verdict::Differs);
    }

    #[test]
    fn the_best_interval_is_that_at_which_looking_takes_its_share() {
        let cost = |look| Cost {
            pace: 10e-9,
            look,
            auto: 1.0,
        };
        assert!((cost(2e-9).best() - 20.0).abs() < 1e-6);
        assert!((cost(0.05e-9).best() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn the_law_is_that_of_short_iterations_whatever_was_seen_of_the_others() {
        let law = |lost_from: f64| {
            let cost = |ns: f64| Cost {
                pace: 1e-9 * ns,
                // Noise, where a look is lost in it.
                look: if ns >= lost_from { 1e-7 } else { 1e-9 },
                auto: 1000.0 / ns,
            };
            let finding = judge(&Measured {
                cheap: kind(1.1),
                heavy: kind(1.0),
                law: [1.0, 3.0, 10.0, 29.0, 31.0, 300.0].map(cost).to_vec(),
                watchers: 2,
            });
            let mut figures = finding.figures.into_iter();
            let figure = figures.find(|figure| figure.key == "best_exponent");
            figure.map(|figure| figure.measured)
        };
        assert!((law(31.0).unwrap() + 1.0).abs() < 1e-6);
        assert!((law(29.0).unwrap() + 1.0).abs() > NEAR);
    }

    #[test]
    fn a_look_that_was_not_seen_to_cost_anything_leaves_no_law() {
        let told = |look_of_second: f64| {
            let cost = |(pace, look)| Cost {
                pace,
                look,
                auto: 1.0,
            };
            let law = [
                (1e-9, 1e-9),
                (2e-9, look_of_second),
                (4e-9, 1e-9),
                (8e-9, 1e-9),
            ];
            let finding = judge(&Measured {
                cheap: kind(1.1),
                heavy: kind(1.0),
                law: law.map(cost).to_vec(),
                watchers: 2,
            });
            finding.because.contains("to tell its exponent")
        };
        assert!(told(-1e-9));
        assert!(!told(1e-9));
    }

    #[test]
    fn an_exponent_that_cannot_be_told_is_no_figure() {
        let mut measured = Measured {
            cheap: kind(1.1),
            heavy: kind(1.0),
            law: Vec::new(),
            watchers: 2,
        };
        let finding = judge(&measured);
        assert_eq!(finding.verdict, Verdict::Depends);
        assert!(
            finding
                .figures
                .iter()
                .all(|figure| figure.key != "best_exponent")
        );
        measured.cheap = kind(1.0);
        measured.heavy = kind(1.1);
        assert_eq!(judge(&measured).verdict, Verdict::Differs);
    }
}
