//! What happened when, in a bounded number of intervals.
//!
//! A source may be endless, and what is kept of it must not be. So intervals are short at first, and
//! when there are too many, each two neighbours become one: a time line of a minute has intervals of
//! half a second, one of a day of ten minutes, and both take the same memory.
//!
//! ```
//! use framehaul::measure::{Spread, Timeline};
//! let mut line = Timeline::<Spread>::default();
//! for second in 0..3600 {
//!     line.at(second * 1_000_000_000).record(7);
//! }
//! assert!(line.intervals().len() <= Timeline::<Spread>::MOST);
//! let all: u64 = line.intervals().iter().map(Spread::count).sum();
//! assert_eq!(all, 3600, "nothing is lost");
//! ```

use super::{MemoryPeak, Spread};
use crate::clock::Nanos;

/// What can be told of two intervals together as well as of each.
pub trait Join: Default {
    /// Takes in what is known of another interval.
    fn join(&mut self, other: &Self);
}

impl Join for Spread {
    fn join(&mut self, other: &Self) {
        self.merge(other);
    }
}

impl Join for MemoryPeak {
    fn join(&mut self, other: &Self) {
        *self = self.max(*other);
    }
}

/// Intervals of equal length, from a beginning on; what is in each is a `T`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline<T> {
    interval: Nanos,
    intervals: Vec<T>,
    /// What was appended so far is so long.
    length: Nanos,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self {
            interval: 1_000_000,
            intervals: Vec::new(),
            length: 0,
        }
    }
}

impl<T: Join> Timeline<T> {
    /// No more intervals than this; as soon as there would be more, there are half as many.
    pub const MOST: usize = 200;

    /// The interval in which this time is, counted from the beginning.
    pub fn at(&mut self, time: Nanos) -> &mut T {
        while time / self.interval >= Self::MOST as u64 {
            self.halve();
        }
        let index = (time / self.interval) as usize;
        if index >= self.intervals.len() {
            self.intervals.resize_with(index + 1, T::default);
        }
        &mut self.intervals[index]
    }

    /// The length of each interval: a millisecond, or that doubled several times.
    pub const fn interval(&self) -> Nanos {
        self.interval
    }

    /// The intervals, the first from the beginning on, until the last in which something happened.
    pub fn intervals(&self) -> &[T] {
        &self.intervals
    }

    /// The intervals, each with the time in its middle.
    pub fn middles(&self) -> impl Iterator<Item = (Nanos, &T)> {
        let middle = |index| index as u64 * self.interval + self.interval / 2;
        let all = self.intervals.iter().enumerate();
        all.map(move |(index, of)| (middle(index), of))
    }

    /// What follows: another time line, of so long a time. It begins where what was appended before
    /// ends, to half an interval.
    pub fn append(&mut self, other: &Self, length: Nanos) {
        while self.interval < other.interval {
            self.halve();
        }
        for (middle, of) in other.middles() {
            let within = middle.min(length.saturating_sub(1));
            self.at(self.length + within).join(of);
        }
        self.length += length;
    }

    fn halve(&mut self) {
        self.interval *= 2;
        let mut all = std::mem::take(&mut self.intervals).into_iter();
        while let Some(mut first) = all.next() {
            if let Some(second) = all.next() {
                first.join(&second);
            }
            self.intervals.push(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Line = Timeline<Spread>;

    fn recorded(times: &[Nanos]) -> Line {
        let mut line = Line::default();
        for &time in times {
            line.at(time).record(time % 1000);
        }
        line
    }

    fn all_of(line: &Line) -> Spread {
        let mut all = Spread::default();
        line.intervals().iter().for_each(|one| all.merge(one));
        all
    }

    /// Times of up to a nanosecond or of up to a month, as likely.
    fn times() -> impl Strategy<Value = Vec<Nanos>> {
        let time = (0u32..52, any::<u64>()).prop_map(|(bits, ns)| ns % (1 << bits).max(1));
        prop::collection::vec(time, 0..300)
    }

    #[test]
    fn an_interval_is_a_millisecond_until_there_are_too_many() {
        let mut line = recorded(&[0, 999_999, 1_000_000, 199_999_999]);
        assert_eq!((line.interval(), line.intervals().len()), (1_000_000, 200));
        assert_eq!(line.intervals()[0].count(), 2);
        line.at(200_000_000).record(0);
        assert_eq!((line.interval(), line.intervals().len()), (2_000_000, 101));
        assert_eq!(line.intervals()[0].count(), 3);
    }

    #[test]
    fn what_is_appended_begins_where_the_last_ended() {
        let mut line = Line::default();
        line.append(&recorded(&[2_500_000]), 4_000_000);
        line.append(&recorded(&[0, 1_500_000]), 2_000_000);
        let counts: Vec<_> = line.intervals().iter().map(Spread::count).collect();
        assert_eq!(counts, [0, 0, 1, 0, 1, 1]);
    }

    proptest! {
        #[test]
        fn however_long_it_is_bounded_and_loses_nothing(times in times()) {
            let line = recorded(&times);
            prop_assert!(line.intervals().len() <= Line::MOST);
            let mut all = Spread::default();
            times.iter().for_each(|time| all.record(time % 1000));
            prop_assert_eq!(all_of(&line), all);
            // Half full at least, once it is not at its finest.
            let is_full = line.intervals().len() > Line::MOST / 2;
            prop_assert!(is_full || line.interval() == 1_000_000);
        }

        #[test]
        fn each_time_is_in_its_interval(times in times()) {
            let line = recorded(&times);
            for (index, interval) in line.intervals().iter().enumerate() {
                let within = times.iter().filter(|&&time| time / line.interval() == index as u64);
                prop_assert_eq!(interval.count(), within.count() as u64);
            }
        }

        #[test]
        fn appending_loses_nothing_either(one in times(), other in times()) {
            let length = |times: &[Nanos]| times.iter().max().map_or(0, |last| last + 1);
            let mut line = Line::default();
            line.append(&recorded(&one), length(&one));
            let first = recorded(&one);
            prop_assert_eq!(line.intervals(), first.intervals());
            line.append(&recorded(&other), length(&other));
            prop_assert!(line.intervals().len() <= Line::MOST);
            let mut all = all_of(&recorded(&one));
            all.merge(&all_of(&recorded(&other)));
            prop_assert_eq!(all_of(&line), all);
        }
    }
}
