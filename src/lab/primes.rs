//! The lecture's search for a prime, which the first worker that finds one ends for all.

use super::start_line::StartLine;
use super::work::together;
use crate::coordination::{FirstFound, Winner};
use crate::error::Result;
use crate::pool::{Context, Job, Never, Pool};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One worker's part of a search.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PrimeSearch {
    pub seat: u32,
    pub numbers: Range<u64>,
    /// Numbers from one look at the flag to the next.
    pub every: u64,
    pub found: FirstFound<u64>,
    pub line: StartLine,
}

/// How a worker's part ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// With the prime that is the result.
    Won,
    /// With a prime, when another was the result already: a second result, had it not looked again.
    TooLate,
    /// It saw that another had found one.
    Told,
    /// It came to the end of its numbers.
    Exhausted,
}

/// What a worker's part came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub end: End,
    /// Numbers that it tried.
    pub tried: u64,
    /// Looks at the flag.
    pub looks: u64,
    /// Results of its own that were taken.
    pub results: u64,
}

impl Job for PrimeSearch {
    type Setup = ();
    type State = ();
    type Output = Part;
    type Error = Never;

    fn init(_: &()) -> std::result::Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> std::result::Result<Part, Never> {
        let mut search = self.found.seat(self.seat);
        let mut part = Part {
            end: End::Exhausted,
            tried: 0,
            looks: 0,
            results: 0,
        };
        self.line.wait();
        for n in self.numbers.clone() {
            if part.tried.is_multiple_of(self.every) {
                part.looks += 1;
                if search.should_stop(n) {
                    part.end = End::Told;
                    break;
                }
            }
            part.tried += 1;
            if is_prime(n) {
                // Locks, looks again, and writes if it is the first.
                part.end = if search.offer(n, n) {
                    End::Won
                } else {
                    End::TooLate
                };
                // A second result is refused, its own as anybody else's.
                part.results = [part.end == End::Won, search.offer(n + 1, n)]
                    .map(u64::from)
                    .iter()
                    .sum();
                break;
            }
        }
        Ok(part)
    }
}

pub(super) fn is_prime(n: u64) -> bool {
    let mut divisors = (2..).take_while(|d| d * d <= n);
    n > 1 && divisors.all(|d| !n.is_multiple_of(d))
}

/// Has as many workers search: each its own numbers, all at the same time.
///
/// # Errors
/// If there is no shared memory, or the pool has ended.
pub(super) fn search(
    pool: &Pool<PrimeSearch>,
    numbers: impl IntoIterator<Item = Range<u64>>,
    every: u64,
) -> Result<(Option<Winner<u64>>, Vec<Part>)> {
    let workers = pool.workers() as u32;
    let (found, line) = (FirstFound::any(workers)?, StartLine::new(workers)?);
    let jobs = (0..workers)
        .zip(numbers)
        .map(|(seat, numbers)| PrimeSearch {
            seat,
            numbers,
            every,
            found: found.clone(),
            line: line.clone(),
        });
    let parts = together(pool, jobs)?;
    Ok((found.winner(), parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_wins_and_its_prime_is_the_result() {
        let pool = Pool::<PrimeSearch>::threads(3).start(()).unwrap();
        let (winner, parts) = search(&pool, [20..30, 90..100, 24..29], 1).unwrap();
        let won: Vec<_> = parts.iter().filter(|part| part.end == End::Won).collect();
        assert_eq!(won.len(), 1);
        let winner = winner.unwrap();
        assert_eq!(parts[winner.worker as usize].end, End::Won);
        assert!([23, 97].contains(&winner.value), "{winner:?}");
    }

    #[test]
    fn where_there_is_no_prime_nobody_wins_and_looks_are_as_rare_as_asked_for() {
        let pool = Pool::<PrimeSearch>::threads(2).start(()).unwrap();
        for (every, looks) in [(1, 6), (2, 3), (4, 2), (100, 1)] {
            let (winner, parts) = search(&pool, [90..96, 90..96], every).unwrap();
            assert_eq!(winner, None);
            for part in parts {
                assert_eq!(
                    (part.end, part.tried, part.looks),
                    (End::Exhausted, 6, looks)
                );
            }
        }
    }

    #[test]
    fn primes_are_told_from_other_numbers() {
        let primes: Vec<_> = (0..30).filter(|&n| is_prime(n)).collect();
        assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
    }
}
