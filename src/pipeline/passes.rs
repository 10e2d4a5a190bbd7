//! What is known of each measured pass by itself: enough to say how far the figures of a run can be
//! trusted, and where its time went.

use super::recorder::Tally;
use super::sum::Measured;
use crate::measure::{MemoryPeak, Noise, Usage};
use crate::stage::Stage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

/// One measured pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PassFigures {
    /// Frames analysed.
    pub frames_analysed: u64,
    /// What the process that was started used.
    pub parent: Side,
    /// What all worker processes used; nothing in modes that have none.
    pub workers: Side,
    /// Peak memory of all of them.
    pub memory: MemoryPeak,
    /// The share of the input that was in the page cache when it began, from 0 to 1; 1 of what is live.
    pub cache_resident: f64,
    /// What else went on in the machine.
    pub noise: Noise,
    /// Durations by stage.
    pub stages: BTreeMap<Stage, PassStage>,
}

/// What one side of a pass used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Side {
    /// Processor time, faults, switches.
    #[serde(flatten)]
    pub usage: Usage,
    /// Bytes that it read, from files and pipes; none where the kernel does not say. What is mapped is
    /// not read.
    pub read_bytes: Option<u64>,
}

/// A stage's durations in one pass, in nanoseconds. A percentile with fewer than ten samples beyond
/// it is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PassStage {
    /// Samples.
    pub count: u64,
    /// The mean.
    pub mean_ns: f64,
    /// The median.
    pub p50_ns: Option<u64>,
    /// One in a hundred is beyond.
    pub p99_ns: Option<u64>,
    /// One in a thousand is beyond.
    pub p999_ns: Option<u64>,
    /// The greatest; null in reports of older versions.
    #[serde(default)]
    pub max_ns: Option<u64>,
}

impl PassFigures {
    pub(super) fn of(measured: &Measured) -> Self {
        let Measured {
            pass,
            memory,
            parent,
            workers,
            noise,
            cache_resident,
        } = measured;
        Self {
            frames_analysed: pass.tally.analysed,
            parent: *parent,
            workers: *workers,
            memory: *memory,
            cache_resident: *cache_resident,
            noise: *noise,
            stages: stages(&pass.tally),
        }
    }
}

fn stages(tally: &Tally) -> BTreeMap<Stage, PassStage> {
    let all = Stage::ALL.into_iter().filter_map(|stage| {
        let samples = tally.stages.get(stage);
        let percentile = |thousandths| tally.stages.percentile(stage, thousandths);
        let figures = PassStage {
            count: samples.len(),
            mean_ns: samples.mean(),
            p50_ns: percentile(500),
            p99_ns: percentile(990),
            p999_ns: percentile(999),
            max_ns: Some(samples.max()),
        };
        (!samples.is_empty()).then_some((stage, figures))
    });
    all.collect()
}

/// A name for the runs that take turns now, and for no others: 16 hexadecimal digits.
pub(super) fn new_alternation() -> String {
    // The standard library takes these keys from the system's randomness.
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternations_have_names_of_their_own() {
        let (one, other) = (new_alternation(), new_alternation());
        assert_eq!(one.len(), 16);
        assert_ne!(one, other);
    }

    #[test]
    fn percentiles_of_a_pass_need_ten_samples_beyond_them_and_stages_samples_at_all() {
        let mut tally = Tally::default();
        (0..30).for_each(|_| tally.stages.record(Stage::Compute, 1_000));
        let stages = stages(&tally);
        assert_eq!(stages.len(), 1);
        let compute = stages[&Stage::Compute];
        assert_eq!((compute.count, compute.p50_ns), (30, Some(1_000)));
        assert_eq!((compute.p99_ns, compute.p999_ns), (None, None));
        assert_eq!(compute.max_ns, Some(1_000));
    }

    #[test]
    fn a_pass_survives_its_json() {
        let mut tally = Tally::default();
        (0..30).for_each(|_| tally.stages.record(Stage::Compute, 1_000));
        let pass = PassFigures {
            frames_analysed: 30,
            parent: Side {
                usage: Usage {
                    user_s: 0.5,
                    minor_faults: 3,
                    ..Usage::NONE
                },
                read_bytes: Some(4096),
            },
            workers: Side::default(),
            memory: MemoryPeak::default(),
            cache_resident: 1.0,
            noise: Noise::default(),
            stages: stages(&tally),
        };
        let json = serde_json::to_value(&pass).unwrap();
        assert_eq!(json["parent"]["user_s"], 0.5);
        assert_eq!(json["parent"]["read_bytes"], 4096);
        let read = serde_json::from_value::<PassFigures>;
        assert_eq!(read(json.clone()).unwrap(), pass);
        // An older version has said nothing of it.
        let mut older = json;
        let compute = older["stages"]["compute"].as_object_mut().unwrap();
        compute.remove("max_ns");
        assert_eq!(read(older).unwrap().stages[&Stage::Compute].max_ns, None);
    }
}
