//! What was measured.

use super::plan::{Touch, Wait};
use crate::clock::Nanos;
use hdrhistogram::Histogram;
use serde::Serialize;

/// All round trips of one plan, and what they stand beside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Results {
    /// What was read of each frame.
    pub touch: Touch,
    /// For each way to wait, each size, in the order in which they were asked for.
    pub results: Vec<RoundTrip>,
    /// The same without any message.
    pub floor: Floor,
    /// Bytes of the slot that one thread reads a second, in 1e9: the fastest of all turns. Only
    /// where all of a frame is touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_gb_per_s: Option<f64>,
}

/// Round trips of one size, waited for in one way; kept to a part in a thousand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundTrip {
    /// The frame's size.
    pub bytes: u64,
    /// How both processes waited.
    pub wait: Wait,
    /// The median, in nanoseconds.
    pub p50_ns: Nanos,
    /// 99 % took at most so long.
    pub p99_ns: Nanos,
    /// 99.9 % took at most so long.
    pub p999_ns: Nanos,
    /// The longest.
    pub max_ns: Nanos,
    /// How many there were.
    pub count: u64,
}

/// Median round trips of bare words in shared memory, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Floor {
    /// Of a cache line, both spinning; none with one processor alone.
    pub spin_ns: Option<Nanos>,
    /// Of a futex, both sleeping at once.
    pub futex_ns: Option<Nanos>,
}

impl RoundTrip {
    pub(super) fn new(bytes: u64, wait: Wait, times: &Histogram<u64>) -> Self {
        Self {
            bytes,
            wait,
            p50_ns: times.value_at_quantile(0.5),
            p99_ns: times.value_at_quantile(0.99),
            p999_ns: times.value_at_quantile(0.999),
            max_ns: times.max(),
            count: times.len(),
        }
    }
}
