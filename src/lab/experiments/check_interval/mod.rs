//! How often to look at a flag: throughput against the time to notice.
//!
//! The lecture's rule, taken by the word, has loops of dear iterations look more rarely, which
//! nobody would want; what is tried is the rule that it must mean: that the best number of
//! iterations from one look to the next is proportional to 1 / cost. The verdict's sentence says so.

mod draw;
mod figures;
mod fit;
mod measure;

use self::draw::{costs, intervals};
use self::figures::figures;
use self::fit::exponent;
use self::measure::measure;
use crate::lab::finding::Part;
use crate::lab::loops::Loop;
use crate::lab::{Experiment, Finding, Verdict};
use crate::pool::worker;
use crate::report::units::time;
use crate::statistics::Estimate;
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
    /// How many times as long it takes with frequent looks as with rare ones.
    slower: Option<Estimate>,
    /// How many times as long it takes with a look every time as without any.
    looking: Option<Estimate>,
    rows: Vec<Noticed>,
    /// The interval that `Auto` came to, and how long it took to notice.
    auto: f64,
    auto_after: f64,
}

/// One interval.
#[derive(Clone, Copy, Debug)]
struct Noticed {
    every: u64,
    /// The loop's speed, of that without any look.
    speed: f64,
    /// From setting the flag to the end of the loop.
    after: f64,
}

/// What looking costs for iterations of one cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// An iteration without a look.
    pace: f64,
    /// How many times as long it is with one.
    looking: Option<Estimate>,
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

    /// What a look takes, in seconds.
    fn look(&self) -> Option<Estimate> {
        Some(beyond_one(self.looking?, self.never))
    }
}

impl Cost {
    /// What a look takes, in seconds. If the lower end is 0 or less, it is lost in the noise.
    fn look(&self) -> Option<Estimate> {
        Some(beyond_one(self.looking?, self.pace))
    }

    /// The interval at which looking takes its share. It is below 1 where less than that is taken
    /// even if every iteration looks.
    fn best(&self) -> Option<Estimate> {
        Some(beyond_one(self.looking?, 1.0 / SHARE))
    }
}

/// What something takes beyond one time, in terms of what that is.
fn beyond_one(times: Estimate, one: f64) -> Estimate {
    let beyond = |times: f64| (times - 1.0) * one;
    Estimate {
        value: beyond(times.value),
        low: beyond(times.low),
        high: beyond(times.high),
    }
}

/// From so many times on a loop is measurably slower.
const MEASURABLE: f64 = 1.02;

/// The law is fitted to iterations of so many seconds at most: beside longer ones a look is lost in what
/// else they differ by. (To leave out points by how dear the look was found to be would keep those
/// that noise has raised.) If it is lost with one of these all the same, no exponent is told.
const LONGEST: f64 = 30e-9;

/// So far an exponent may be from the claimed one: that of a square root, or of a square, is further
/// off.
const NEAR: f64 = 0.3;

/// Whether something lies between two bounds; none if its interval holds one of them.
fn is_within(of: Option<Estimate>, from: f64, to: f64) -> Option<bool> {
    let of = of?;
    if of.low >= from && of.high < to {
        Some(true)
    } else if of.high < from || of.low >= to {
        Some(false)
    } else {
        None
    }
}

/// `1.18 (1.17 to 1.19)`, with so many decimals.
fn told(of: Option<Estimate>, decimals: usize) -> String {
    of.map_or_else(
        || "an unknown number of".into(),
        |Estimate { value, low, high }| {
            format!("{value:.decimals$} ({low:.decimals$} to {high:.decimals$})")
        },
    )
}

fn judge(measured: &Measured) -> Finding {
    let Measured { cheap, heavy, .. } = measured;
    let fitted: Vec<_> = measured
        .law
        .iter()
        .filter(|cost| cost.pace <= LONGEST)
        .collect();
    let best: Option<Vec<_>> = fitted
        .iter()
        .map(|cost| Some((cost.pace, cost.best()?)))
        .collect();
    let best = best.and_then(|points| exponent(&points));
    // What Auto chooses has no interval of its own.
    let auto = fitted
        .iter()
        .map(|cost| (cost.pace, Estimate::exact(cost.auto)));
    let auto = exponent(&auto.collect::<Vec<_>>());
    let clear = [
        is_within(cheap.slower, MEASURABLE, f64::INFINITY),
        is_within(heavy.slower, 0.0, MEASURABLE),
        is_within(best, -1.0 - NEAR, -1.0 + NEAR),
    ];
    let verdict = Verdict::of_clear(&clear);
    let law = match best {
        None => {
            "the exponent of the best interval is unclear: looking takes less than the noise".into()
        }
        Some(_) => format!(
            "the number of iterations between looks at which looking takes 1 % of the time goes \
             with their cost to the power of {}, and it is that number which the rule must \
             mean: taken by the word, it has loops of dear iterations look more rarely",
            told(best, 2)
        ),
    };
    let mut because = format!(
        "looking every 10 iterations took {} times as long as every 1,000 for iterations \
         of {}, and {} times for those of {}; {law}",
        told(cheap.slower, 3),
        time(1e9 * cheap.never),
        told(heavy.slower, 3),
        time(1e9 * heavy.never),
    );
    if clear.contains(&None) {
        because +=
            ". An interval that holds a bound leaves it open on which side of it the figure is";
    }
    Finding {
        figures: figures(measured, best, auto),
        drawings: vec![intervals(measured), costs(&measured.law)],
        verdict,
        because,
        parts: parts(measured, clear, best).into(),
    }
}

/// What the slides claim, one by one.
fn parts(measured: &Measured, clear: [Option<bool>; 3], best: Option<Estimate>) -> [Part; 3] {
    let slower = |kind: &Kind| {
        format!(
            "looking every 10 iterations takes {} times as long as every 1,000, of {} each",
            told(kind.slower, 3),
            time(1e9 * kind.never)
        )
    };
    let part = |slide, claim, is_so, because| {
        Part::new(slide, claim, Verdict::of_clear(&[is_so]), because)
    };
    [
        part(
            6,
            "Rule: check frequency ∝ 1 / (iteration cost)",
            clear[2],
            match best {
                Some(_) => format!(
                    "the best interval goes with the cost to the power of {}",
                    told(best, 2)
                ),
                None => "the exponent of the best interval is unclear".into(),
            },
        ),
        part(
            7,
            "In tight loops (cheap iterations): frequent checking is measurably slower",
            clear[0],
            slower(&measured.cheap),
        ),
        part(
            7,
            "In heavy loops (expensive iterations): difference is negligible",
            clear[1],
            slower(&measured.heavy),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known to a part in a thousand either way.
    fn known(value: f64) -> Option<Estimate> {
        known_to(value, 0.001)
    }

    fn known_to(value: f64, error: f64) -> Option<Estimate> {
        Some(Estimate {
            value,
            low: value - error,
            high: value + error,
        })
    }

    /// A loop that takes so many times as long with frequent looks as with rare ones.
    fn kind(slower: f64) -> Kind {
        let row = |&every: &u64| Noticed {
            every,
            speed: 1.0 / (1.0 + 1.0 / every as f64),
            after: every as f64 * 1e-9,
        };
        Kind {
            never: 1e-9,
            slower: known(slower),
            looking: known(4.0),
            rows: INTERVALS.iter().map(row).collect(),
            auto: 1000.0,
            auto_after: 1e-6,
        }
    }

    fn measured(cheap: f64, heavy: f64, law: Vec<Cost>) -> Measured {
        Measured {
            cheap: kind(cheap),
            heavy: kind(heavy),
            law,
            watchers: 2,
        }
    }

    /// The best is every 50 nanoseconds to the power of the exponent.
    fn law(exponent: f64) -> Vec<Cost> {
        let cost = |ns: f64| Cost {
            pace: 1e-9 * ns,
            looking: known_to(1.0 + SHARE * 50.0 * ns.powf(exponent), 1e-6),
            auto: 1000.0 / ns,
        };
        [1.0, 2.0, 4.0, 8.0].map(cost).to_vec()
    }

    fn figure(finding: &Finding, key: &str) -> Option<f64> {
        let mut figures = finding.figures.iter();
        let figure = figures.find(|figure| figure.key == key);
        figure.map(|figure| figure.measured)
    }

    #[test]
    fn the_claim_holds_if_cheap_loops_alone_are_slower_and_the_interval_is_inverse_to_the_cost() {
        let verdict =
            |cheap, heavy, exponent| judge(&measured(cheap, heavy, law(exponent))).verdict;
        assert_eq!(verdict(1.022, 1.018, -1.0), Verdict::Holds);
        assert_eq!(verdict(1.018, 1.018, -1.0), Verdict::Depends);
        assert_eq!(verdict(1.022, 1.022, -1.0), Verdict::Depends);
        assert_eq!(verdict(1.022, 1.018, -1.29), Verdict::Holds);
        assert_eq!(verdict(1.022, 1.018, -0.71), Verdict::Holds);
        assert_eq!(verdict(1.022, 1.018, -1.31), Verdict::Depends);
        assert_eq!(verdict(1.022, 1.018, -0.69), Verdict::Depends);
        assert_eq!(verdict(1.018, 1.022, -0.69), Verdict::Differs);
    }

    #[test]
    fn an_interval_that_holds_a_bound_leaves_it_open() {
        assert_eq!(is_within(known(1.021), MEASURABLE, 2.0), Some(true));
        assert_eq!(is_within(known_to(1.021, 0.002), MEASURABLE, 2.0), None);
        assert_eq!(
            is_within(known_to(1.0185, 0.001), MEASURABLE, 2.0),
            Some(false)
        );
        assert_eq!(is_within(known(1.018), 0.0, MEASURABLE), Some(true));
        assert_eq!(is_within(known_to(1.019, 0.002), 0.0, MEASURABLE), None);
        assert_eq!(is_within(None, 0.0, 2.0), None);
        // All that is known is against the claim, but for one part: nothing is said of it.
        let mut open = measured(1.0, 1.1, law(-0.5));
        assert_eq!(judge(&open).verdict, Verdict::Differs);
        open.heavy.slower = known_to(1.019, 0.1);
        let finding = judge(&open);
        assert_eq!(finding.verdict, Verdict::Depends);
        assert!(
            finding.because.contains("leaves it open"),
            "{}",
            finding.because
        );
    }

    #[test]
    fn the_best_interval_is_that_at_which_looking_takes_its_share() {
        let best = |looking| {
            let cost = Cost {
                pace: 10e-9,
                looking: known(looking),
                auto: 1.0,
            };
            (cost.best().unwrap().value, cost.look().unwrap().value)
        };
        let (every, look) = best(1.2);
        assert!((every - 20.0).abs() < 1e-6 && (look - 2e-9).abs() < 1e-15);
        assert!((best(1.005).0 - 0.5).abs() < 1e-6);
    }

    #[test]
    fn the_law_is_that_of_short_iterations_whatever_was_seen_of_the_others() {
        let fitted = |lost_from: f64| {
            let cost = |ns: f64| Cost {
                pace: 1e-9 * ns,
                // Noise, where a look is lost in it.
                looking: known_to(1.0 + if ns >= lost_from { 100.0 } else { 1.0 } / ns, 1e-6),
                auto: 1000.0 / ns,
            };
            let law = [1.0, 3.0, 10.0, 29.0, 31.0, 300.0].map(cost).to_vec();
            figure(&judge(&measured(1.1, 1.0, law)), "best_exponent").unwrap()
        };
        assert!((fitted(31.0) + 1.0).abs() < 1e-6);
        assert!((fitted(29.0) + 1.0).abs() > NEAR);
    }

    #[test]
    fn a_look_that_is_lost_in_the_noise_leaves_the_exponent_unclear() {
        let of = |error: f64| {
            let mut law = law(-1.0);
            law[1].looking = known_to(1.01, error);
            judge(&measured(1.1, 1.0, law))
        };
        let clear = of(0.009);
        assert!(!clear.because.contains("unclear"), "{}", clear.because);
        let interval = ["best_exponent_from", "best_exponent", "best_exponent_to"];
        let interval = interval.map(|key| figure(&clear, key).unwrap());
        assert!(
            interval.is_sorted() && interval[0] < interval[2],
            "{interval:?}"
        );
        let unclear = of(0.011);
        assert!(
            unclear.because.contains("is unclear"),
            "{}",
            unclear.because
        );
        assert_eq!(unclear.verdict, Verdict::Depends);
        assert_eq!(figure(&unclear, "best_exponent"), None);
        // The same of the figure of a look itself.
        let mut lost = measured(1.1, 1.0, law(-1.0));
        assert!(figure(&judge(&lost), "look_s").is_some());
        lost.cheap.looking = known_to(1.01, 0.011);
        assert_eq!(figure(&judge(&lost), "look_s"), None);
    }

    #[test]
    fn what_is_drawn_is_in_the_figures_as_well() {
        let finding = judge(&measured(1.1, 1.0, law(-1.0)));
        assert_eq!(figure(&finding, "cheap_speed_1"), Some(0.5));
        assert_eq!(
            figure(&finding, "heavy_notice_10000_s"),
            Some(10_000.0 * 1e-9)
        );
        let drawn = finding.figures.iter().filter(|figure| figure.is_drawn);
        assert_eq!(drawn.count(), 2 * 2 * INTERVALS.len());
    }
}
