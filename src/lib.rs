//! Video-frame analytics across worker processes, without hauling the pixels.
//!
//! **Ship the reference, not the pixels, and prove the difference.**

pub mod clock;
pub mod error;
pub mod frame;
pub mod stage;

pub mod sys;

pub mod analysis;
pub mod measure;
pub mod source;
pub mod transport;

pub mod pool;

pub mod pipeline;

pub mod report;

pub mod cli;

pub use error::{Error, Result};
