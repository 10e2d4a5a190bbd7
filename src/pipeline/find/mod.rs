//! A search: which frame meets a condition? It ends as soon as that is known.
//!
//! A [`Query`] is what is searched for; [`find`] searches its inputs with one pool of workers, one
//! input after the other, and returns an [`Answer`].
//!
//! ```no_run
//! use framehaul::analysis::Condition;
//! use framehaul::pipeline::find::{FindJob, Query, find};
//! use framehaul::source::FrameSet;
//!
//! fn main() -> framehaul::Result<()> {
//!     framehaul::pool::worker::enter::<FindJob>(); // in a worker process, this does the work
//!     let dark = Condition::parse("luma.mean < 2")?;
//!     let answer = find(&Query::new([FrameSet::open("data/clip.y4m")?], dark), &mut ())?;
//!     for hit in &answer.inputs[0].found {
//!         println!("frame {}", hit.frame);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # How it ends early
//!
//! Each input has a [`FirstFound`](crate::coordination::FirstFound) that all workers share. One
//! that comes to a frame that meets the condition records it there and ends its job; the others see
//! it within a few rows, in the middle of their frames, and end theirs. The parent hands out no
//! frame that cannot win any more: behind the last that could, the next input's frames are waiting
//! already, so that a worker which stops has the next input's work at hand. A job of a search that
//! is over is sent without its frames, and returns at once.
//!
//! # Why the answer does not depend on luck
//!
//! The earliest frame is recorded as such, whichever worker comes to it when; a worker gives up
//! only what lies behind a frame that is recorded already, and every frame before that is analysed
//! to its end by somebody. What a worker had when it died is done again, one frame at a time if
//! need be; a result that it had recorded stays, with its values, and is not looked for again.

mod job;
mod outcome;
mod plan;
mod rows;
mod search;
mod stream;
#[cfg(test)]
mod tests;

pub use job::FindJob;
pub use outcome::{Answer, Hit, Searched};
pub use plan::{Query, Which};
pub use search::find;

/// Is told what happens during a search.
pub trait Watch: super::Watch {
    /// An input is done with; they come in their order.
    fn settled(&mut self, searched: &Searched);
}

/// A watch that looks away.
impl Watch for () {
    fn settled(&mut self, _searched: &Searched) {}
}
