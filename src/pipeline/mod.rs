//! Source → transport → pool → recorder. STUB.
mod outcome;
pub use outcome::{Cache, Outcome, Totals, Workload};
