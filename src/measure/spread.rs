//! How durations are spread, in as little memory as there are different ones.
//!
//! A time line has one of these an interval, two hundred at a time. So many [`hdrhistogram`]s would
//! take megabytes, and show in the very memory that is measured; this one keeps a few bytes for each
//! hundredth of a magnitude that has occurred.

use crate::clock::Nanos;

/// Durations, each kept to a part in a hundred; the least, the greatest and the mean exactly.
///
/// ```
/// use framehaul::measure::Spread;
/// let mut spread = Spread::default();
/// (1..=1000).for_each(|ms| spread.record(ms * 1_000_000));
/// assert_eq!((spread.count(), spread.max()), (1000, 1_000_000_000));
/// let median = spread.percentile(500).expect("there are enough");
/// assert!(median.abs_diff(500_000_000) <= 5_000_000);
/// assert_eq!(spread.percentile(999), None, "only one is beyond");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    count: u64,
    sum: u128,
    min: Nanos,
    max: Nanos,
    /// How many fell into each bucket that has any, by the bucket's number.
    buckets: Vec<(u16, u64)>,
}

/// Buckets for each doubling, as a power of two: each is less than two hundredths wide, and what is
/// in it is taken for its middle.
const PER_DOUBLING: u32 = 6;

impl Spread {
    /// One more.
    pub fn record(&mut self, ns: Nanos) {
        self.add(bucket(ns), 1);
        self.min = if self.count == 0 {
            ns
        } else {
            self.min.min(ns)
        };
        self.max = self.max.max(ns);
        self.count += 1;
        self.sum += u128::from(ns);
    }

    /// All of another's.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = match self.count {
            0 => other.min,
            _ => self.min.min(other.min),
        };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum += other.sum;
        for &(bucket, count) in &other.buckets {
            self.add(bucket, count);
        }
    }

    fn add(&mut self, bucket: u16, count: u64) {
        match self.buckets.binary_search_by_key(&bucket, |&(at, _)| at) {
            Ok(place) => self.buckets[place].1 += count,
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }

    /// How many.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The least; 0 if there are none.
    pub const fn min(&self) -> Nanos {
        self.min
    }

    /// The greatest; 0 if there are none.
    pub const fn max(&self) -> Nanos {
        self.max
    }

    /// The mean; 0 if there are none.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.count.max(1) as f64
    }

    /// The duration that so many thousandths of all do not exceed; none where fewer than ten exceed
    /// it, since that would say little.
    pub fn percentile(&self, thousandths: u64) -> Option<Nanos> {
        let beyond = self.count * (1000 - thousandths);
        if beyond < 10_000 {
            return None;
        }
        let rank = (self.count * thousandths).div_ceil(1000).max(1);
        let mut so_far = 0;
        let reaches = |&&(_, count): &&(u16, u64)| {
            so_far += count;
            so_far >= rank
        };
        let (bucket, _) = self.buckets.iter().find(reaches)?;
        Some(middle(*bucket).clamp(self.min, self.max))
    }
}

/// The bucket of a duration: small ones have one each.
fn bucket(ns: Nanos) -> u16 {
    let Some(doublings) = ns.checked_ilog2().and_then(|n| n.checked_sub(PER_DOUBLING)) else {
        return ns as u16;
    };
    let within = (ns >> doublings) - (1 << PER_DOUBLING);
    (((u64::from(doublings) + 1) << PER_DOUBLING) + within) as u16
}

/// The middle of a bucket.
fn middle(bucket: u16) -> Nanos {
    let bucket = u64::from(bucket);
    let Some(doublings) = (bucket >> PER_DOUBLING).checked_sub(1) else {
        return bucket;
    };
    let within = bucket & ((1 << PER_DOUBLING) - 1);
    let least = (within + (1 << PER_DOUBLING)) << doublings;
    least + ((1 << doublings) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recorded(all: &[Nanos]) -> Spread {
        let mut spread = Spread::default();
        all.iter().for_each(|&ns| spread.record(ns));
        spread
    }

    /// From nanoseconds to minutes, as likely in each magnitude.
    fn durations() -> impl Strategy<Value = Vec<Nanos>> {
        let duration = (0u32..37, any::<u64>()).prop_map(|(bits, ns)| ns % (1 << bits).max(1));
        prop::collection::vec(duration, 0..400)
    }

    #[test]
    fn a_bucket_is_at_most_a_hundredth_from_what_is_in_it() {
        for ns in (0..10_000)
            .chain((0..64).map(|bit| 1 << bit))
            .chain([u64::MAX])
        {
            let off = middle(bucket(ns)).abs_diff(ns);
            assert!(off as f64 <= 0.01 * ns as f64, "{ns}: {off}");
        }
        let all: Vec<_> = (0..10_000).map(bucket).collect();
        assert!(all.is_sorted());
    }

    proptest! {
        #[test]
        fn a_percentile_is_near_the_one_of_all(mut all in durations()) {
            let spread = recorded(&all);
            all.sort_unstable();
            for thousandths in [500, 900, 990] {
                let enough = all.len() as u64 * (1000 - thousandths) >= 10_000;
                prop_assert_eq!(spread.percentile(thousandths).is_some(), enough);
                if let Some(found) = spread.percentile(thousandths) {
                    let rank = (all.len() as u64 * thousandths).div_ceil(1000) as usize;
                    let exact = all[rank - 1];
                    prop_assert!(found.abs_diff(exact) as f64 <= 0.01 * exact as f64);
                }
            }
            prop_assert_eq!(spread.count(), all.len() as u64);
            prop_assert_eq!(spread.max(), all.last().copied().unwrap_or(0));
            prop_assert_eq!(spread.min(), all.first().copied().unwrap_or(0));
        }

        #[test]
        fn merging_equals_recording_both(one in durations(), other in durations()) {
            let mut merged = recorded(&one);
            merged.merge(&recorded(&other));
            prop_assert_eq!(merged, recorded(&[one, other].concat()));
        }
    }
}
