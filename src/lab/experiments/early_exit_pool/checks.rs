//! Each requirement, checked on a running pool.

use super::{Check, Measured, WORKERS};
use crate::coordination::{Every, FirstFound, StopFlag};
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::loops::Loop;
use crate::lab::primes::{End, Part, PrimeSearch, search};
use crate::lab::start_line::StartLine;
use crate::lab::work::{done, is_there, together};
use crate::pool::Pool;
use std::ops::Range;

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    let mut measured = Measured::default();
    bench.phase("one flag and its interval")?;
    let loops = Pool::<Loop>::processes(WORKERS as usize).start(())?;
    let mut flag = StopFlag::new()?;
    bench.in_turns(
        bench.seconds(1.0, 4.0),
        [&mut || {
            interval(&loops, &mut flag, &mut measured.interval)?;
            one_flag(&loops, &mut flag, &mut measured.flag)
        }],
    )?;
    drop(loops);
    bench.phase("one result, or none")?;
    let pool = Pool::<PrimeSearch>::processes(WORKERS as usize).start(())?;
    bench.in_turns(
        bench.seconds(1.0, 8.0),
        [&mut || {
            one_result(&pool, &mut measured)?;
            no_result(&pool, &mut measured.no_result)
        }],
    )?;
    drop(pool);
    bench.phase("no worker left")?;
    bench.in_turns(
        bench.seconds(1.0, 4.0),
        [&mut || joined(&mut measured.cleanup)],
    )?;
    Ok(measured)
}

/// 1. All workers are at their loops until one flag is set, once.
fn one_flag(pool: &Pool<Loop>, flag: &mut StopFlag, check: &mut Check) -> Result<()> {
    let one = Loop {
        steps: 1,
        iterations: u64::MAX,
        every: Every::Auto,
        watch: flag.next_stream(),
        line: StartLine::new(WORKERS)?,
    };
    let handles = one.begin(pool, WORKERS);
    let early = handles.iter().any(|handle| handle.is_done());
    one.watch.set();
    for handle in handles {
        // None of them would have ended otherwise.
        let ran = done(handle)?;
        check.add(!early && ran.iterations < u64::MAX);
    }
    Ok(())
}

/// 2. Every worker looks as often as it was asked to.
fn interval(pool: &Pool<Loop>, flag: &mut StopFlag, check: &mut Check) -> Result<()> {
    const ITERATIONS: u64 = 10_000;
    for every in [1, 10, 1_000] {
        let one = Loop {
            steps: 1,
            iterations: ITERATIONS,
            every: every.into(),
            watch: flag.next_stream(),
            line: StartLine::new(WORKERS)?,
        };
        for ran in one.in_workers(pool, WORKERS)? {
            check.add(ran.looks == ITERATIONS / every);
        }
    }
    Ok(())
}

/// 3. and 4. Workers that find primes at about the same time.
fn one_result(pool: &Pool<PrimeSearch>, sum: &mut Measured) -> Result<()> {
    // The first number of all ranges is the same prime: nobody is nearer to one. It takes some
    // milliseconds to see, so that the others come to it before the first is done.
    const PRIME: u64 = 100_000_000_003;
    let (winner, parts) = search(pool, (0..WORKERS).map(|_| PRIME..PRIME + 1000), 1)?;
    let ended = |how| parts.iter().filter(|part| part.end == how).count() as u64;
    sum.lock.add(winner.is_some() && ended(End::Won) == 1);
    sum.kept_out += ended(End::TooLate);
    for part in &parts {
        sum.channel.add(part.results <= 1);
    }
    Ok(())
}

/// Numbers among which there is no prime, for each worker.
const NO_PRIMES: [Range<u64>; WORKERS as usize] = [24..29, 90..97, 114..127, 200..211];

/// 6. Nobody finds anything: the search ends all the same, and says so.
fn no_result(pool: &Pool<PrimeSearch>, check: &mut Check) -> Result<()> {
    let (winner, parts) = search(pool, NO_PRIMES, 1)?;
    let is_exhausted = |part: &Part| part.end == End::Exhausted;
    check.add(winner.is_none() && parts.iter().all(is_exhausted));
    Ok(())
}

/// 5. When the result is read, no worker is there any more, not as a zombie either.
fn joined(check: &mut Check) -> Result<()> {
    let pool = Pool::<PrimeSearch>::processes(WORKERS as usize).start(())?;
    let pids = pool.pids().list();
    let (found, line) = (FirstFound::any(WORKERS)?, StartLine::new(WORKERS)?);
    let jobs = (0..WORKERS).map(|seat| PrimeSearch {
        seat,
        numbers: 1_000..2_000,
        every: 1,
        found: found.clone(),
        line: line.clone(),
    });
    together(&pool, jobs)?;
    pool.drain();
    let all_gone = pids.len() == WORKERS as usize && !pids.into_iter().any(is_there);
    check.add(all_gone && found.winner().is_some());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_meet_what_does_not_need_processes() {
        let mut sum = Measured::default();
        let pool = Pool::<Loop>::threads(WORKERS as usize).start(()).unwrap();
        let mut flag = StopFlag::new().unwrap();
        for _ in 0..2 {
            interval(&pool, &mut flag, &mut sum.interval).unwrap();
            one_flag(&pool, &mut flag, &mut sum.flag).unwrap();
        }
        let pool = Pool::<PrimeSearch>::threads(WORKERS as usize)
            .start(())
            .unwrap();
        one_result(&pool, &mut sum).unwrap();
        no_result(&pool, &mut sum.no_result).unwrap();
        for check in [sum.flag, sum.interval, sum.lock, sum.channel, sum.no_result] {
            assert!(check.is_met(), "{sum:?}");
        }
    }
}
