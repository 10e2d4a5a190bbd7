//! The timed parts of one frame's way through a run.
//!
//! [`Stage::PARTS`] partition [`Stage::EndToEnd`]: with one frame a job they add up to it.
//!
//! ```
//! use framehaul::stage::Stage;
//! assert_eq!(Stage::Transfer.name(), "transfer");
//! assert_eq!(Stage::from_name("end_to_end"), Some(Stage::EndToEnd));
//! ```

use serde::{Deserialize, Serialize};

/// A timed part of a frame's way, or one of the two totals. Serialised as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waiting: for its turn, for a worker, for a thread that sends.
    Queue,
    /// Making the pixels readable: mapping, reading, decoding. In the worker where a reference is
    /// shipped, in the parent where the pixels are.
    Load,
    /// Copy 1: from the frame to the bytes of a message, in the parent.
    Serialize,
    /// Copy 2: through the kernel, from the end of serialising to the start of deserialising.
    Transfer,
    /// Copy 3: from the bytes of the message to a frame again, in the worker.
    Deserialize,
    /// The analyzers at work.
    Compute,
    /// From the end of the compute to the finding's arrival in the parent.
    Return,
    /// From the moment the frame was due (paced) or handed to the pool (flat out) to its
    /// finding's arrival.
    EndToEnd,
    /// The same less the time in the queue: what the frame cost once it had its turn.
    Service,
}

impl Stage {
    /// The parts that partition [`Stage::EndToEnd`], in the order a frame meets them.
    pub const PARTS: [Self; 7] = [
        Self::Queue,
        Self::Load,
        Self::Serialize,
        Self::Transfer,
        Self::Deserialize,
        Self::Compute,
        Self::Return,
    ];

    /// All of them: the parts, then the totals.
    pub const ALL: [Self; 9] = [
        Self::Queue,
        Self::Load,
        Self::Serialize,
        Self::Transfer,
        Self::Deserialize,
        Self::Compute,
        Self::Return,
        Self::EndToEnd,
        Self::Service,
    ];

    /// The name used in reports and as the tag of an interval log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Load => "load",
            Self::Serialize => "serialize",
            Self::Transfer => "transfer",
            Self::Deserialize => "deserialize",
            Self::Compute => "compute",
            Self::Return => "return",
            Self::EndToEnd => "end_to_end",
            Self::Service => "service",
        }
    }

    /// The stage of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_listed_once_where_its_discriminant_says() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, index);
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
            assert_eq!(serde_json::json!(stage), stage.name());
        }
    }
}
