//! What workers and their parent share: flags, numbers, the first result, and values of any kind.
//!
//! Each of these can be put into any message to a worker, in any serialiser, and is the same thing
//! there; the workers may as well be threads.
//!
//! ```
//! use framehaul::coordination::{Every, SharedArray, StopFlag};
//! let mut flag = StopFlag::new()?;
//! let looked_at = SharedArray::<u64>::per_worker(4, 1)?;
//! std::thread::scope(|scope| {
//!     for worker in 0..4 {
//!         let (watch, mine) = (flag.watch(), looked_at.slice(worker, 4));
//!         scope.spawn(move || {
//!             let mut stop = watch.check_every(Every::Auto);
//!             while !stop.should_stop() {
//!                 mine.add(0, 1);
//!                 if mine.load(0) == 100_000 {
//!                     watch.set(); // enough for all
//!                 }
//!             }
//!         });
//!     }
//! });
//! assert!(looked_at.values().iter().any(|&n| n >= 100_000));
//! let _watch_of_the_next_stream = flag.next_stream();
//! # Ok::<(), framehaul::Error>(())
//! ```
//!
//! # What to use when
//!
//! | for | use | an access is | which takes |
//! |---|---|---|---|
//! | stopping, stream after stream | [`StopFlag`], [`Watch`] | one relaxed load | 1 ns |
//! | … once in many iterations | [`Watch::check_every`] | a decrement | 1 ns |
//! | a search that one result ends | [`FirstFound`] | one relaxed load; an offer locks | 1 ns; 100 ns |
//! | a counter, a maximum, a threshold | [`SharedValue`] | a load or store; a locked step | 1 ns; 50 ns |
//! | counters or results of each worker | [`SharedArray`] and its slices | a load or store | 1 ns |
//! | what belongs together | [`SharedValue::lock`], [`SharedArray::lock`] | a lock | 50 ns |
//! | values of varying shape, once a task | [`Manager`], [`Dict`], [`List`] | a round trip | 10–100 µs |
//!
//! The times are orders of magnitude, for lines of memory that nobody else writes just then; one
//! that several processors write costs some hundred nanoseconds more.
//!
//! # What holds for all of them
//!
//! * They belong to one user and one machine. What is in shared memory can be received while
//!   whoever created it lives and holds it; who has received it keeps it from then on.
//! * A worker that is killed at any moment leaves no lock held and no half-written number, and
//!   nothing stays behind when the last holder goes.
//! * Accesses without a lock are relaxed: a number is whole, but says nothing of other memory.
//!   What a worker wrote before it sent a message is there for the receiver of that message.

pub mod array;
pub mod checker;
pub mod first_found;
pub mod manager;
mod memory;
pub mod plain;
mod record;
pub mod stop;
pub mod value;

pub use array::{ArrayGuard, ArraySlice, SharedArray};
pub use checker::{Checker, Every};
pub use first_found::{FirstFound, Report, Searcher, Seat, Winner};
pub use manager::{Dict, LARGEST_VALUE, List, Manager};
pub use plain::{Plain, PlainInteger};
pub use stop::{StopFlag, Watch};
pub use value::{SharedValue, ValueGuard};
