//! Frames that are under way at the same time, each on a lane of its own.

use crate::clock::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Gives out lanes: as few as there are frames at the same time.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// When each lane was free again, the earliest first.
    free: BinaryHeap<Reverse<(Nanos, u64)>>,
}

impl Lanes {
    /// A lane on which nothing else is from `begin` to `end`.
    pub(super) fn take(&mut self, begin: Nanos, end: Nanos) -> u64 {
        let new = self.free.len() as u64;
        let lane = match self.free.peek() {
            Some(&Reverse((free, lane))) if free <= begin => {
                self.free.pop();
                lane
            }
            _ => new,
        };
        self.free.push(Reverse((end, lane)));
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_comes_when_another_goes_has_its_lane() {
        let mut lanes = Lanes::default();
        assert_eq!(lanes.take(0, 10), 0);
        assert_eq!(lanes.take(5, 12), 1);
        assert_eq!(lanes.take(10, 20), 0);
        assert_eq!(lanes.take(11, 13), 2);
        assert_eq!(lanes.take(14, 30), 1);
    }

    proptest! {
        #[test]
        fn no_two_on_a_lane_overlap(ways in prop::collection::vec((0..1000u64, 0..100u64), 0..100)) {
            let mut lanes = Lanes::default();
            let mut taken: Vec<(u64, u64, u64)> = Vec::new();
            for (begin, length) in ways {
                let end = begin + length;
                let lane = lanes.take(begin, end);
                for &(other, from, to) in &taken {
                    prop_assert!(lane != other || end <= from || to <= begin);
                }
                taken.push((lane, begin, end));
            }
        }
    }
}
