//! What is computed from a frame, and the engine that computes it.
//!
//! STUB: contract only.

use crate::error::Result;
use crate::frame::{FrameFormat, FrameView};
use serde::{Deserialize, Serialize};

/// The analyzers of one run, checked: what `--analyze luma,motion` becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {}

impl Analysis {
    /// Parses a comma-separated list; duplicates count once, order is kept.
    pub fn parse(_list: &str) -> Result<Self> {
        todo!()
    }
    /// As typed, one entry an analyzer: `luma`, `burn:5`.
    pub fn names(&self) -> Vec<String> {
        todo!()
    }
    /// Whether any analyzer needs the frame before.
    pub fn looks_back(&self) -> bool {
        todo!()
    }
}

/// A worker's analyzers and their working memory.
pub struct Engine {}

impl Engine {
    /// Engine for frames of one format.
    pub fn new(_analysis: &Analysis, _format: FrameFormat) -> Self {
        todo!()
    }
    /// Takes note of frame `index` as the one before the next, without a finding.
    pub fn prime(&mut self, _index: u64, _frame: FrameView<'_>) {
        todo!()
    }
    /// Findings of frame `index` of the stream, as its line of `findings.jsonl` (no newline).
    /// The frame before is the one last primed or analysed if that was `index - 1`; else, unless
    /// `index` is 0, it is missing and what depends on it is null.
    pub fn analyze(&mut self, _index: u64, _frame: FrameView<'_>) -> String {
        todo!()
    }
}

/// The line of `findings.jsonl` for a frame that could not be analysed.
pub fn failed_line(index: u64, why: &str) -> String {
    serde_json::json!({ "frame": index, "error": why }).to_string()
}
