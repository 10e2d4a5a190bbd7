//! A run: source → transport → pool → recorder.
//!
//! A [`Request`] is what was asked for; a [`Plan`] is one mode of it, checked, with every name
//! resolved and every default filled. [`run_alternately`] starts the workers of several plans and
//! runs their passes in turn (A B B A), so that a machine that slows down meanwhile slows all of
//! them. What comes out is an [`Outcome`] each, plain data for [`crate::report`].
//!
//! ```
//! use framehaul::{analysis::Analysis, pipeline::Request, source::FrameSet};
//!
//! let set = FrameSet::open("data/clip.y4m")?;
//! let request = Request {
//!     modes: vec!["payload".into(), "mmap".into()],
//!     workers: Some(2),
//!     ..Request::new(set, Analysis::parse("motion")?)
//! };
//! let plans = request.plans()?;
//! assert_eq!(plans[1].mode(), "mmap");
//! assert_eq!(*plans[1].frames(), 0..12);
//! # Ok::<(), framehaul::Error>(())
//! ```
//!
//! [`find`] is the other thing to do with frames: look for the one that meets a condition, and no
//! further.
//!
//! Nothing in here prints; a [`Watch`] is told what happens.

mod batch;
mod check;
mod dispatch;
mod ends;
mod engine;
mod feed;
pub mod find;
mod gauge;
mod interval;
mod job;
mod kept;
mod outcome;
mod pace;
mod passes;
mod plan;
mod policy;
mod recorder;
mod request;
mod sum;
mod trace;
mod trial;

pub use engine::{Watch, run_alternately};
pub use gauge::{Gauge, Reading};
pub use interval::Interval;
pub use job::FrameJob;
pub use outcome::{Cache, Outcome, SlotsUsed, Totals, Workload};
pub use passes::{PassFigures, PassStage, Side};
pub use plan::Plan;
pub use policy::{Dropped, Policy};
#[cfg(feature = "cli")]
pub(crate) use request::PACES;
pub use request::Request;
pub use trace::Trace;
pub use trial::{Trial, Tried};
