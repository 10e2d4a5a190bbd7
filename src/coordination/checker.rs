//! How often a loop asks whether to stop.
//!
//! Asking costs a load, about a nanosecond while nobody sets the flag, which few loops notice; but
//! it keeps a tight loop from being vectorised, and its line is fetched anew whenever somebody
//! writes it. Asking rarely costs iterations that nobody needs any more. The right number of
//! iterations between two questions is inversely proportional to what one iteration costs, which
//! [`Every::Auto`] measures as the loop runs.
//!
//! ```
//! use framehaul::coordination::StopFlag;
//! let watch = StopFlag::new()?.watch();
//! let mut stop = watch.check_every(1000); // or Every::Auto
//! for n in 0..10_000u64 {
//!     if stop.should_stop() {
//!         break;
//!     }
//!     std::hint::black_box(n * n);
//! }
//! assert_eq!((stop.every(), stop.looks()), (1000, 10));
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::stop::Watch;
use crate::clock::{Nanos, now};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// How many iterations go by between two looks at a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Every {
    /// This many; 0 counts as 1.
    Iterations(u64),
    /// As few as take at most 1 % of the time, measured while the loop runs.
    Auto,
}

impl From<u64> for Every {
    fn from(iterations: u64) -> Self {
        Self::Iterations(iterations)
    }
}

/// The part of the time that looking may take under [`Every::Auto`]: one hundredth.
const SHARE: Nanos = 100;

/// However cheap an iteration is, [`Every::Auto`] looks after this many.
const MOST: u64 = 1 << 20;

/// Looks at a [`Watch`] once in so many iterations.
#[derive(Debug)]
pub struct Checker {
    left: u64,
    /// Apart, so that looking takes no reference to `left`: a loop can keep it in a register.
    looker: Box<Looker>,
}

#[derive(Debug)]
struct Looker {
    watch: Watch,
    every: u64,
    /// When the last look under [`Every::Auto`] ended; `None` with a fixed number.
    last: Option<Nanos>,
    looks: u64,
    stopped: bool,
}

impl Checker {
    pub(super) fn new(watch: Watch, every: Every) -> Self {
        let (every, last) = match every {
            Every::Iterations(every) => (every.max(1), None),
            Every::Auto => {
                look_cost(&watch);
                (1, Some(now()))
            }
        };
        Self {
            // The first call looks: a stream may be over before its loop begins.
            left: 1,
            looker: Box::new(Looker {
                watch,
                every,
                last,
                looks: 0,
                stopped: false,
            }),
        }
    }

    /// To be called once an iteration: whether to stop, as far as the last look tells. Once true,
    /// it stays true.
    #[inline]
    pub fn should_stop(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        let goes_on = self.looker.look();
        // Once stopped, every call comes here.
        self.left = goes_on.unwrap_or(1);
        goes_on.is_none()
    }

    /// How many iterations now go by between two looks: the number that was asked for, or the one
    /// that [`Every::Auto`] has come to.
    pub fn every(&self) -> u64 {
        self.looker.every
    }

    /// How often it has looked and was not to stop.
    pub fn looks(&self) -> u64 {
        self.looker.looks
    }
}

impl Looker {
    /// The number of iterations until the next look, or `None` to stop.
    #[cold]
    #[inline(never)]
    fn look(&mut self) -> Option<u64> {
        self.stopped |= self.watch.is_set();
        if self.stopped {
            return None;
        }
        if let Some(last) = self.last {
            let now = now();
            // The first look comes before the first iteration: it has measured nothing.
            if self.looks > 0 {
                self.every = tuned(self.every, now.saturating_sub(last), look_cost(&self.watch));
            }
            self.last = Some(now);
        }
        self.looks += 1;
        Some(self.every)
    }
}

/// The next number of iterations, after `every` of them took `span` and looking once costs `cost`.
///
/// It at most doubles or halves: a thread that lost its processor for a moment, or a lucky burst,
/// makes one span that says nothing about the next.
fn tuned(every: u64, span: Nanos, cost: Nanos) -> u64 {
    let wanted = (cost * SHARE).saturating_mul(every).div_ceil(span.max(1));
    wanted.clamp(every.div_ceil(2), (every * 2).min(MOST))
}

/// What one look under [`Every::Auto`] costs here, its clock included: the least of several
/// measurements, at least a nanosecond. Measured once in a process.
fn look_cost(watch: &Watch) -> Nanos {
    static COST: OnceLock<Nanos> = OnceLock::new();
    *COST.get_or_init(|| {
        const LOOKS: u64 = 100;
        let round = || {
            let begin = now();
            for _ in 0..LOOKS {
                std::hint::black_box((watch.is_set(), now()));
            }
            (now() - begin) / LOOKS
        };
        (0..5).map(|_| round()).min().unwrap_or(0).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::StopFlag;

    #[test]
    fn it_looks_before_the_first_iteration_and_then_once_in_so_many() {
        let flag = StopFlag::new().unwrap();
        let mut stop = flag.watch().check_every(10);
        for _ in 0..25 {
            assert!(!stop.should_stop());
        }
        assert_eq!((stop.every(), stop.looks()), (10, 3));
        flag.watch().set();
        let more = (0..).take_while(|_| !stop.should_stop()).count();
        assert_eq!(more, 5, "seen at iteration 30");
        assert!(stop.should_stop(), "and ever after");
        assert!(flag.watch().check_every(1000).should_stop(), "at once");
    }

    #[test]
    fn nought_counts_as_one() {
        let mut stop = StopFlag::new().unwrap().watch().check_every(0);
        assert!(!stop.should_stop());
        assert_eq!(stop.every(), 1);
    }

    /// The rule itself, with times that are given: 50 ns a look.
    #[test]
    fn the_number_is_inversely_proportional_to_the_cost_of_an_iteration() {
        for (iteration_ns, expected) in [(1, 5000), (10, 500), (100, 50), (5_000, 1), (10_000, 1)] {
            let mut every = 1;
            for _ in 0..30 {
                every = tuned(every, every * iteration_ns, 50);
            }
            assert_eq!(every, expected, "{iteration_ns} ns an iteration");
            let spent = 50.0 / (50.0 + (every * iteration_ns) as f64);
            assert!(spent <= 0.01, "{spent} of the time");
        }
    }

    #[test]
    fn one_strange_span_changes_it_by_no_more_than_a_factor_of_two() {
        assert_eq!(tuned(500, 1_000_000_000, 50), 250);
        assert_eq!(tuned(500, 0, 50), 1000);
        assert_eq!(tuned(MOST, 0, 50), MOST);
    }

    #[test]
    fn cheap_iterations_are_checked_more_rarely_than_dear_ones() {
        let tuned_to = |rounds: u64| {
            let mut stop = StopFlag::new().unwrap().watch().check_every(Every::Auto);
            while stop.looks() < 40 {
                stop.should_stop();
                (0..rounds).for_each(|round| {
                    std::hint::black_box(round);
                });
            }
            stop.every()
        };
        assert!(tuned_to(0) > tuned_to(100_000));
    }
}
