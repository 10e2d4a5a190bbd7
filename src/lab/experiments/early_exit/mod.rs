//! First found wins: how much do the others do in vain, and is there one result?

mod items;

use self::items::Items;
use crate::coordination::FirstFound;
use crate::error::Result;
use crate::lab::bench::Samples;
use crate::lab::finding::Part;
use crate::lab::primes::{End, PrimeSearch, is_prime, search};
use crate::lab::start_line::StartLine;
use crate::lab::work::{Steps, together};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Pool, worker};
use crate::report::units;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "early-exit",
    lecture: 27,
    slides: &[3, 5],
    claim: "Without early-exit: all workers run to completion even after result is found. Four \
            workers, each searching 100,000 items: result found at position 1,000. Three workers \
            waste 99,000 unnecessary iterations each → 297,000 wasted iterations. Goal: workers \
            voluntarily stop the moment another worker succeeds. The double-check inside the lock \
            is mandatory — prevents duplicate results. Only the first worker through the lock \
            writes the result",
    memory: |_| 0,
    workers: &[worker::enter::<Items>, worker::enter::<PrimeSearch>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

const WORKERS: u32 = 4;

/// Items a worker, and the place of the one looked for, from 1.
const ITEMS: u64 = 100_000;
const AT: u64 = 1_000;
const ITEM: Duration = Duration::from_micros(1);

/// What the others do in vain without a flag, if all are equally fast.
const CLAIMED: f64 = ((WORKERS as u64 - 1) * (ITEMS - AT)) as f64;

/// Medians of several searches for an item.
#[derive(Clone, Copy, Debug)]
struct Items4 {
    iterations: f64,
    /// Those after the result was recorded.
    wasted: f64,
    /// Until all have ended.
    seconds: f64,
}

/// What came of all searches for primes.
#[derive(Clone, Copy, Debug, Default)]
struct Primes {
    searches: u64,
    /// Those that ended with exactly one result, a prime.
    one_result: u64,
    /// Primes that were found after the result was there.
    too_late: u64,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    without: Items4,
    with: Items4,
    primes: Primes,
}

fn measure(bench: &Bench) -> Result<Measured> {
    bench.phase("4 × 100,000 items")?;
    let [without, with] = search_items(bench)?;
    bench.phase("4 workers in search of a prime")?;
    let pool = Pool::<PrimeSearch>::processes(WORKERS as usize).start(())?;
    let mut primes = Primes::default();
    bench.in_turns(
        bench.seconds(1.5, 10.0),
        [&mut || search_prime(&pool, &mut primes)],
    )?;
    Ok(Measured {
        without,
        with,
        primes,
    })
}

/// Without a flag, and with one.
fn search_items(bench: &Bench) -> Result<[Items4; 2]> {
    let pool = Pool::<Items>::processes(WORKERS as usize).start(())?;
    let work = Steps(bench.steps(bench.length(ITEM)));
    let mut counts = [false, true].map(|looks| (looks, Samples::default(), Samples::default()));
    let [without, with] = &mut counts;
    let search = |(looks, iterations, wasted): &mut (bool, Samples, Samples)| {
        let (found, line) = (FirstFound::any(WORKERS)?, StartLine::new(WORKERS)?);
        let items = (0..WORKERS).map(|seat| Items {
            seat,
            work,
            looks: *looks,
            found: found.clone(),
            line: line.clone(),
        });
        together(&pool, items)?;
        let report = found.report();
        let sum: u64 = report.seats.iter().map(|seat| seat.iterations).sum();
        iterations.0.push(sum as f64);
        wasted.0.push(report.wasted() as f64);
        Ok(())
    };
    let [slow, fast] = bench.in_turns(
        bench.seconds(2.5, 15.0),
        [&mut || search(without), &mut || search(with)],
    )?;
    let medians = |(_, iterations, wasted): &(bool, Samples, Samples), seconds: &Samples| Items4 {
        iterations: iterations.median(),
        wasted: wasted.median(),
        seconds: seconds.median(),
    };
    Ok([medians(without, &slow), medians(with, &fast)])
}

/// One search: each worker has 100,000 numbers of its own, which are large enough that finding one
/// to be prime takes a while in which another may do so too.
fn search_prime(pool: &Pool<PrimeSearch>, sum: &mut Primes) -> Result<()> {
    const FROM: u64 = 10_000_000_000;
    // Other numbers each time, for some thousands of searches.
    let first = FROM + sum.searches * u64::from(WORKERS) * ITEMS;
    let numbers = (0..u64::from(WORKERS)).map(|worker| {
        let from = first + worker * ITEMS;
        from..from + ITEMS
    });
    let (winner, parts) = search(pool, numbers, 1)?;
    let ended = |how| parts.iter().filter(|part| part.end == how).count() as u64;
    let is_prime = winner.is_some_and(|winner| is_prime(winner.value));
    sum.searches += 1;
    sum.one_result += u64::from(is_prime && ended(End::Won) == 1);
    sum.too_late += ended(End::TooLate);
    Ok(())
}

/// Wasted iterations without a flag are as claimed within this share.
const NEAR: f64 = 0.1;

/// With a flag, no more than this share of those without one are wasted.
const FEW: f64 = 0.01;

fn judge(measured: &Measured) -> Finding {
    let Measured {
        without,
        with,
        primes,
    } = measured;
    let as_many = (without.wasted / CLAIMED - 1.0).abs() <= NEAR;
    let few = with.wasted <= FEW * without.wasted;
    let always_one = primes.one_result == primes.searches;
    // Where no second prime was ever found, there was none for the look in the lock to keep out.
    let was_tried = primes.too_late > 0;
    let why = if was_tried {
        ""
    } else {
        "no second prime was found in any search, so that it cannot be told whether one would have \
         been kept out: "
    };
    let because = format!(
        "{why}without a flag {} iterations were wasted, with one {}; of {} searches for a prime {} had \
         exactly one result, where {} more primes were found too late and kept out",
        units::count(without.wasted),
        units::count(with.wasted),
        primes.searches,
        primes.one_result,
        primes.too_late,
    );
    let part =
        |slide, claim, is_so, because| Part::new(slide, claim, Verdict::of(&[is_so]), because);
    let parts = [
        part(
            3,
            "Three workers waste 99,000 unnecessary iterations each → 297,000 wasted iterations",
            as_many,
            format!("{} were wasted without a flag", units::count(without.wasted)),
        ),
        part(
            3,
            "Goal: workers voluntarily stop the moment another worker succeeds",
            few,
            format!("{} were wasted with one", units::count(with.wasted)),
        ),
        part(
            5,
            "The double-check inside the lock is mandatory — prevents duplicate results",
            always_one,
            format!(
                "{} of {} searches for a prime had exactly one result, and {} more primes were kept out",
                primes.one_result, primes.searches, primes.too_late
            ),
        )
        .if_told(was_tried || !always_one, "no second prime was ever found"),
    ];
    let count = |key, what, number| Figure::new(key, what, Unit::Count, number);
    Finding {
        figures: vec![
            count(
                "wasted_without",
                "wasted iterations, no flag",
                without.wasted,
            )
            .about(CLAIMED),
            count("wasted_with", "… with a flag", with.wasted),
            count(
                "iterations_without",
                "all iterations, no flag",
                without.iterations,
            )
            .about(CLAIMED + (u64::from(WORKERS) * AT) as f64),
            count("iterations_with", "… with a flag", with.iterations),
            count("searches", "searches for a prime", primes.searches as f64),
            count(
                "one_result",
                "… with exactly one result",
                primes.one_result as f64,
            )
            .about(primes.searches as f64),
            count(
                "too_late",
                "primes that came second, and were kept out",
                primes.too_late as f64,
            ),
        ],
        drawings: vec![Drawing::Bars {
            title: "Until all four workers had ended".into(),
            unit: Unit::Seconds,
            bars: vec![
                ("no flag".into(), without.seconds),
                ("a flag".into(), with.seconds),
            ],
        }],
        verdict: Part::verdict(&parts),
        because,
        parts: parts.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(without: f64, with: f64, one_result: u64) -> Verdict {
        finding(without, with, one_result, 30).verdict
    }

    fn finding(without: f64, with: f64, one_result: u64, too_late: u64) -> Finding {
        let items = |wasted| Items4 {
            iterations: wasted + 4_000.0,
            wasted,
            seconds: wasted / 1e6,
        };
        let measured = Measured {
            without: items(without),
            with: items(with),
            primes: Primes {
                searches: 500,
                one_result,
                too_late,
            },
        };
        judge(&measured)
    }

    #[test]
    fn the_claim_holds_if_as_many_are_wasted_without_a_flag_and_hardly_any_with_one() {
        assert_eq!(verdict(297_000.0, 3.0, 500), Verdict::Holds);
        assert_eq!(verdict(297_000.0 * 0.91, 3.0, 500), Verdict::Holds);
        assert_eq!(verdict(297_000.0 * 0.89, 3.0, 500), Verdict::Depends);
        assert_eq!(verdict(297_000.0 * 1.11, 3.0, 500), Verdict::Depends);
        assert_eq!(verdict(297_000.0, 2_970.0, 500), Verdict::Holds);
        assert_eq!(verdict(297_000.0, 2_971.0, 500), Verdict::Depends);
        assert_eq!(verdict(297_000.0 * 0.89, 2_971.0, 499), Verdict::Differs);
    }

    #[test]
    fn one_search_without_exactly_one_result_is_too_many() {
        let found = finding(297_000.0, 3.0, 499, 30);
        assert_eq!(found.of_slide(5), Verdict::Differs);
        assert_eq!(found.verdict, Verdict::Depends);
    }

    #[test]
    fn where_no_second_prime_was_found_nothing_can_have_been_kept_out() {
        let finding = |one_result, too_late| finding(297_000.0, 3.0, one_result, too_late);
        assert_eq!(finding(500, 1).verdict, Verdict::Holds);
        assert_eq!(finding(500, 0).verdict, Verdict::Untestable);
        assert_eq!(finding(499, 0).of_slide(5), Verdict::Differs);
        assert!(finding(500, 0).because.starts_with("no second prime"));
    }

    #[test]
    fn the_lecture_s_own_figure_is_what_three_workers_do_behind_the_result() {
        assert_eq!(CLAIMED, 297_000.0);
    }

    #[test]
    fn threads_find_one_prime_each_time() {
        let pool = Pool::<PrimeSearch>::threads(WORKERS as usize)
            .start(())
            .unwrap();
        let mut primes = Primes::default();
        for _ in 0..10 {
            search_prime(&pool, &mut primes).unwrap();
        }
        assert_eq!((primes.searches, primes.one_result), (10, 10));
    }
}
