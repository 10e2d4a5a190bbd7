//! What a pass finds, on its way to the files of the run directory.
//!
//! Each thing is written as it comes and then forgotten: a run may go on for ever.

mod findings;
mod thumbnails;
mod timestamps;

pub(super) use findings::{Digested, Findings};
pub(super) use thumbnails::Thumbnails;
pub(super) use timestamps::Timestamps;

use super::plan::Plan;
use super::trace::Trace;
use crate::error::Result;
use std::path::Path;

/// What a pass finds, and where it goes.
#[derive(Debug)]
pub(super) struct Kept {
    pub findings: Findings,
    pub thumbnails: Option<Thumbnails>,
    pub timestamps: Option<Timestamps>,
    /// Where it is written when what happened to each frame, if it is.
    pub trace: Option<Trace>,
}

impl Kept {
    /// Nothing is written: of a pass whose findings are only compared, or not wanted.
    pub(super) const fn nowhere(findings: Findings) -> Self {
        Self {
            findings,
            thumbnails: None,
            timestamps: None,
            trace: None,
        }
    }

    /// With a trace, if there is one.
    pub(super) fn traced(self, trace: Option<Trace>) -> Self {
        Self { trace, ..self }
    }

    /// All of it, in files below `folder`.
    ///
    /// # Errors
    /// If they cannot be created.
    pub(super) fn below(folder: &Path, findings: Findings, plan: &Plan) -> Result<Self> {
        let thumbnail = plan.analysis.thumbnail(plan.source.format());
        // Of how many is known at the end, if not before.
        let frames = plan.known_frames().unwrap_or(0);
        Ok(Self {
            findings: findings.written_to(&folder.join("findings.jsonl"))?,
            thumbnails: thumbnail
                .map(|format| Thumbnails::create(&folder.join("thumbnails.npy"), format, frames))
                .transpose()?,
            timestamps: Some(Timestamps::new(&folder.join("timestamps.txt"))),
            trace: None,
        })
    }
}
