//! A run: source → transport → pool → recorder.
//!
//! A [`Plan`] is a checked run in which every name is resolved and every default filled; an
//! [`Engine`] is one mode of it with its workers started, which does one [`Engine::pass`] after
//! another; what comes out is an [`Outcome`], plain data for [`crate::report`]. [`run_alternately`] takes
//! several plans and runs their passes in turn (A B A B), so that a machine that slows down
//! meanwhile slows all of them.
//!
//! Nothing in here prints; a [`Watch`] is told what happens.

mod dispatch;
mod engine;
mod job;
mod outcome;
mod pace;
mod plan;
mod recorder;

pub use engine::{Engine, Watch, run_alternately};
pub use job::FrameJob;
pub use outcome::{Cache, Outcome, Totals, Workload};
pub use plan::{Plan, Request};
