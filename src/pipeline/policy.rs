//! What becomes of frames for which there is no room.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What happens to a frame for which no slot is free: every slot holds a frame that is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// It waits, and what it comes from with it: nothing is dropped.
    #[default]
    Block,
    /// It is dropped.
    DropNewest,
    /// The oldest frame that nobody has begun to analyse is dropped for it.
    DropOldest,
}

impl Policy {
    /// As it is asked for: `drop-newest`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::DropNewest => "drop-newest",
            Self::DropOldest => "drop-oldest",
        }
    }
}

/// Why a frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Dropped {
    /// No slot was free when it came.
    #[serde(rename = "no slot was free")]
    NoSlot,
    /// It waited, and its slot was needed for a later frame.
    #[serde(rename = "a later frame took its slot")]
    Outrun,
    /// The run was stopped, and it was not analysed soon after.
    #[serde(rename = "the run was stopped")]
    Stopped,
}

impl Dropped {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::NoSlot, Self::Outrun, Self::Stopped];
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSlot => "no slot was free",
            Self::Outrun => "a later frame took its slot",
            Self::Stopped => "the run was stopped",
        })
    }
}
