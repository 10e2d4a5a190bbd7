//! The search for the task length from which workers win.

use crate::error::Result;
use crate::report::units::time;

/// What tasks compute at least, in seconds.
const LEAST: f64 = 10e-6;

/// Where the workers begin to win.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crossing {
    /// The longest task, in seconds, that one process was seen to do sooner; 0 if there was none.
    pub loses: f64,
    /// The shortest that the workers were; infinite if there was none.
    pub wins: f64,
}

/// What tasks of one length take, in seconds each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared {
    pub sequential: f64,
    pub parallel: f64,
}

impl Compared {
    fn workers_win(self) -> bool {
        self.parallel < self.sequential
    }
}

/// Finds two lengths of computing, at most `factor` apart and `most` seconds long, between which
/// the workers begin to win.
pub(super) fn find(
    mut at: impl FnMut(f64) -> Result<Compared>,
    most: f64,
    factor: f64,
) -> Result<Crossing> {
    let first = at(LEAST)?;
    // What a task takes beside computing. Lengths are compared by what was asked for: what was
    // measured of two of them may be out of order where the machine has other work as well.
    let reading = (first.sequential - LEAST).max(0.0);
    let between = |from: f64, to: f64| Crossing {
        loses: if from > 0.0 { from + reading } else { 0.0 },
        wins: to + reading,
    };
    if first.workers_win() {
        return Ok(between(0.0, LEAST));
    }
    let mut from = LEAST;
    // Parallel tasks take no less when they are longer: as long as that, one process is sooner.
    let mut to = (first.parallel - first.sequential).clamp(LEAST, most);
    while !at(to)?.workers_win() {
        if to >= most {
            return Ok(between(to, f64::INFINITY));
        }
        (from, to) = (to, (2.0 * to).min(most));
    }
    while to / from > factor {
        let middle = (from * to).sqrt();
        if at(middle)?.workers_win() {
            to = middle;
        } else {
            from = middle;
        }
    }
    Ok(between(from, to))
}

impl Crossing {
    /// In between; none if the workers never win.
    pub(super) fn middle(self) -> Option<f64> {
        let middle = if self.loses > 0.0 {
            (self.loses * self.wins).sqrt()
        } else {
            self.wins
        };
        self.wins.is_finite().then_some(middle)
    }

    /// The longest task that lost; none if there was none.
    pub(super) fn at_least(self) -> Option<f64> {
        (self.loses > 0.0).then_some(self.loses)
    }

    /// The shortest that won; none if there was none.
    pub(super) fn at_most(self) -> Option<f64> {
        self.wins.is_finite().then_some(self.wins)
    }

    pub(super) fn show(self) -> String {
        match self {
            Self { loses, wins } if wins.is_infinite() => format!("> {}", time(1e9 * loses)),
            Self { loses: 0.0, wins } => format!("< {}", time(1e9 * wins)),
            Self { loses, wins } => format!("{} to {}", time(1e9 * loses), time(1e9 * wins)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two workers, to each of which a task takes that long to get.
    fn model(overhead: f64) -> impl FnMut(f64) -> Result<Compared> {
        move |length| {
            Ok(Compared {
                sequential: length,
                parallel: (length + overhead) / 2.0,
            })
        }
    }

    #[test]
    fn the_crossing_is_found_within_the_factor() {
        for overhead in [11e-6, 1e-4, 3e-3, 0.04, 0.4] {
            let found = find(model(overhead), 0.5, 1.3).unwrap();
            let is_between = found.loses <= overhead && overhead <= found.wins;
            assert!(is_between, "{overhead}: {found:?}");
            assert!(found.wins / found.loses <= 1.31, "{found:?}");
        }
        let at_once = find(model(LEAST / 2.0), 0.5, 2.0).unwrap();
        assert_eq!((at_once.loses, at_once.wins), (0.0, LEAST));
        let never = find(model(1.1), 0.5, 2.0).unwrap();
        assert_eq!((never.loses, never.wins), (0.5, f64::INFINITY));
        assert_eq!(never.middle(), None);
    }

    #[test]
    fn a_crossing_is_told_with_both_its_ends() {
        let show = |loses, wins| Crossing { loses, wins }.show();
        assert_eq!(show(0.001, 0.002), "1.00 ms to 2.00 ms");
        assert_eq!(show(0.0, 1e-5), "< 10.0 µs");
        assert_eq!(show(0.5, f64::INFINITY), "> 500 ms");
    }
}
