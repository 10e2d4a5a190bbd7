//! What a hand-over costs: round trips between two processes, as a frame in shared memory makes
//! them.
//!
//! A parent sends a small serialised ticket through a [`handoff`] queue; the
//! other process decodes it, reads of the slot what it is to touch, and answers. Both floors are
//! measured in the same run, between the same two processes: a bare cache line that goes there and
//! back, and a bare futex. Everything takes turns, block by block, so that a slow moment hits all.
//!
//! The other process is this executable, started again, so its `main` must begin with
//! [`serve_helper`]:
//!
//! ```no_run
//! use framehaul::bench::{Plan, Touch, Wait, measure, serve_helper};
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     serve_helper(); // does not return in the other process
//!     let plan = Plan::new(&[64, 49_766_400], &Wait::ALL, Touch::None, None)?;
//!     for result in measure(&plan, &mut |_| ())?.results {
//!         println!("{} B: {} ns", result.bytes, result.p50_ns);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! [`handoff`]: crate::handoff

mod floor;
mod helper;
mod message;
mod peer;
mod plan;
mod results;
mod slot;
mod turns;

pub use helper::serve_helper;
pub use plan::{Plan, SIZES, Touch, Wait};
pub use results::{Floor, Results, RoundTrip};
pub use turns::measure;
