//! What is to be measured, checked.

use crate::error::{Error, Result};
use crate::handoff::Patience;
use crate::measure::available_memory;
use serde::{Deserialize, Serialize};

/// Sizes of frames, in bytes, from a cache line to 8K RGB with 16 bits: among them 1080p RGB and 4K
/// RGB, 16 bits a sample.
pub const SIZES: [u64; 7] = [
    64,
    4096,
    65_536,
    1_048_576,
    12_441_600,
    49_766_400,
    199_065_600,
];

/// How both processes wait for what the other sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wait {
    /// They look until it is there.
    Spin,
    /// They sleep at once.
    Park,
    /// They look for a while, then sleep.
    Adaptive,
}

impl Wait {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Spin, Self::Park, Self::Adaptive];

    /// As it is typed and printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Park => "park",
            Self::Adaptive => "adaptive",
        }
    }

    pub(super) const fn patience(self) -> Patience {
        match self {
            Self::Spin => Patience::Spin,
            Self::Park => Patience::Park,
            Self::Adaptive => Patience::Adaptive,
        }
    }
}

/// What the other process reads of the slot before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Touch {
    /// The first byte alone: what the hand-over costs.
    None,
    /// Every byte: what a worker pays in any case.
    All,
}

/// A checked bench.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) sizes: Vec<u64>,
    pub(super) waits: Vec<Wait>,
    pub(super) touch: Touch,
    pub(super) trips: Option<u64>,
    /// Whether each process can have a processor of its own.
    pub(super) can_spin: bool,
}

impl Plan {
    /// Round trips for each of `sizes` (bytes) and each of `waits`. `trips` is how many of each; by
    /// default 100,000 for frames below 1 MiB and 10,000 for others, fewer where all of a frame is
    /// touched and that would take long, but at least 100.
    ///
    /// With one processor alone two who spin only wait for the scheduler: then [`Wait::Spin`] is
    /// left out, which [`Self::spins`] says.
    ///
    /// # Errors
    /// [`Error::Usage`] for a size of 0 or beyond the memory that is free, if there is no size, no
    /// wait or no trip, and if only spinning was asked for where it is left out.
    pub fn new(sizes: &[u64], waits: &[Wait], touch: Touch, trips: Option<u64>) -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::on(processors, available_memory(), sizes, waits, touch, trips)
    }

    fn on(
        processors: usize,
        memory: u64,
        sizes: &[u64],
        waits: &[Wait],
        touch: Touch,
        trips: Option<u64>,
    ) -> Result<Self> {
        let can_spin = processors > 1;
        let plan = Self {
            sizes: sizes.to_vec(),
            waits: waits
                .iter()
                .copied()
                .filter(|&wait| can_spin || wait != Wait::Spin)
                .collect(),
            touch,
            trips,
            can_spin,
        };
        match plan.what_is_wrong(memory) {
            Some(what) => Err(Error::Usage(what)),
            None => Ok(plan),
        }
    }

    fn what_is_wrong(&self, memory: u64) -> Option<String> {
        if self.sizes.contains(&0) {
            return Some(
                "a frame of 0 bytes cannot be touched; ask for sizes from 1 byte on".into(),
            );
        }
        if self.sizes.is_empty() {
            return Some("no size to measure; ask for one at least, as --sizes 64".into());
        }
        let slot = self.slot_bytes();
        if slot >= memory {
            return Some(format!(
                "a slot of {slot} bytes is beyond the {memory} bytes of memory that are free; \
                 ask for smaller sizes"
            ));
        }
        if self.trips == Some(0) {
            return Some("0 round trips have no duration; ask for 1 at least".into());
        }
        if self.waits.is_empty() && !self.can_spin {
            return Some(
                "spinning needs a processor for each of the two processes, and there is only one; \
                 ask for --wait park or adaptive"
                    .into(),
            );
        }
        if self.waits.is_empty() {
            return Some("no way to wait; ask for one at least, as --wait spin".into());
        }
        None
    }

    /// Whether spinning is measured where it is asked for: there is more than one processor.
    pub const fn spins(&self) -> bool {
        self.can_spin
    }

    /// The size of the slot: the largest frame's. Where all is touched it is at least 64 MiB, so
    /// that how fast it can be read says something of memory.
    pub(super) fn slot_bytes(&self) -> u64 {
        let least = match self.touch {
            Touch::None => 0,
            Touch::All => 64 << 20,
        };
        self.sizes.iter().copied().fold(least, u64::max)
    }

    /// How many round trips for frames of that size, where time does not forbid it.
    pub(super) fn trips(&self, bytes: u64) -> u64 {
        let usual = if bytes < 1 << 20 { 100_000 } else { 10_000 };
        self.trips.unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(processors: usize, sizes: &[u64], waits: &[Wait]) -> Result<Plan, String> {
        let plan = Plan::on(processors, 1 << 30, sizes, waits, Touch::None, None);
        plan.map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_a_sentence() {
        for (processors, sizes, waits, word) in [
            (2, &[64, 0][..], &Wait::ALL[..], "0 bytes"),
            (2, &[], &Wait::ALL, "no size"),
            (2, &[1 << 30], &Wait::ALL, "beyond"),
            (2, &[64], &[], "no way to wait"),
            (1, &[64], &[Wait::Spin], "only one"),
        ] {
            let said = plan(processors, sizes, waits).unwrap_err();
            assert!(said.contains(word), "{said}");
        }
        let none = Plan::on(2, 1 << 30, &[64], &Wait::ALL, Touch::None, Some(0));
        assert!(none.is_err());
    }

    #[test]
    fn one_processor_does_not_spin() {
        let alone = plan(1, &[64], &Wait::ALL).unwrap();
        assert_eq!(alone.waits, [Wait::Park, Wait::Adaptive]);
        assert!(!alone.spins());
        assert_eq!(plan(2, &[64], &Wait::ALL).unwrap().waits, Wait::ALL);
    }
}
