//! Where the workers begin to win, as far as that is known.

use crate::report::units::time;

/// Where the workers begin to win: somewhere between its two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crossing {
    /// The longest task, in seconds, that one process clearly does sooner; 0 if there was none.
    pub loses: f64,
    /// The shortest that the workers do; infinite if there was none.
    pub wins: f64,
    /// Whether lengths between the two were tried and were not clear.
    pub is_noisy: bool,
}

impl Crossing {
    /// In between; none if one of its ends was not seen.
    pub(super) fn middle(self) -> Option<f64> {
        let both = self.loses > 0.0 && self.wins.is_finite();
        both.then(|| (self.loses * self.wins).sqrt())
    }

    /// The longest task that lost; none if there was none.
    pub(super) fn at_least(self) -> Option<f64> {
        (self.loses > 0.0).then_some(self.loses)
    }

    /// The shortest that won; none if there was none.
    pub(super) fn at_most(self) -> Option<f64> {
        self.wins.is_finite().then_some(self.wins)
    }

    /// Whether it lies between two lengths; none if it may and may not.
    pub(super) fn is_within(self, from: f64, to: f64) -> Option<bool> {
        if self.loses >= from && self.wins <= to {
            Some(true)
        } else if self.wins < from || self.loses > to {
            Some(false)
        } else {
            None
        }
    }

    pub(super) fn show(self) -> String {
        let shown = match self {
            Self {
                loses: 0.0, wins, ..
            } if wins.is_infinite() => return "not clear anywhere".into(),
            Self { loses, wins, .. } if wins.is_infinite() => format!("> {}", time(1e9 * loses)),
            Self {
                loses: 0.0, wins, ..
            } => format!("< {}", time(1e9 * wins)),
            Self { loses, wins, .. } => format!("{} to {}", time(1e9 * loses), time(1e9 * wins)),
        };
        match self.is_noisy {
            true => format!("{shown} (noise)"),
            false => shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_is_told_with_both_its_ends() {
        let crossing = |loses, wins, is_noisy| Crossing {
            loses,
            wins,
            is_noisy,
        };
        let show = |loses, wins| crossing(loses, wins, false).show();
        assert_eq!(show(0.001, 0.002), "1.00 ms to 2.00 ms");
        assert_eq!(show(0.0, 1e-5), "< 10.0 µs");
        assert_eq!(show(0.5, f64::INFINITY), "> 500 ms");
        assert_eq!(
            crossing(0.001, 0.01, true).show(),
            "1.00 ms to 10.0 ms (noise)"
        );
        assert_eq!(
            crossing(0.0, f64::INFINITY, true).show(),
            "not clear anywhere"
        );
    }

    #[test]
    fn what_is_known_of_one_end_alone_has_no_middle() {
        let middle = |loses, wins| {
            let crossing = Crossing {
                loses,
                wins,
                is_noisy: false,
            };
            crossing.middle()
        };
        assert_eq!(middle(0.001, 0.004), Some(0.002));
        assert_eq!(middle(0.0, 0.004), None);
        assert_eq!(middle(0.001, f64::INFINITY), None);
    }

    #[test]
    fn it_is_within_what_holds_both_its_ends_and_outside_what_holds_none() {
        let is = |loses, wins| {
            let crossing = Crossing {
                loses,
                wins,
                is_noisy: false,
            };
            crossing.is_within(1.0, 5.0)
        };
        assert_eq!([is(1.0, 5.0), is(2.0, 3.0)], [Some(true); 2]);
        assert_eq!(
            [is(0.5, 0.99), is(5.01, 6.0), is(0.0, 0.9)],
            [Some(false); 3]
        );
        assert_eq!(
            [is(0.99, 5.0), is(1.0, 5.01), is(0.0, f64::INFINITY)],
            [None; 3]
        );
    }
}
