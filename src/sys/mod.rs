//! Everything that asks the operating system, and all of the crate's `unsafe`.
//!
//! Each file wraps one thing the kernel offers in a safe function whose documentation says what
//! it promises; the rest of the crate is compiled with `unsafe_code` denied.
#![expect(unsafe_code, reason = "the one place where it is allowed")]

#[cfg(feature = "pool")]
pub mod arena;
#[cfg(feature = "pool")]
pub mod atomics;
#[cfg(feature = "pool")]
pub mod block;
#[cfg(feature = "video")]
pub mod fs;
#[cfg(feature = "pool")]
pub mod futex;
#[cfg(feature = "video")]
pub mod map;
pub mod memory;
#[cfg(feature = "pool")]
pub mod mutex;
#[cfg(feature = "video")]
pub mod pagecache;
#[cfg(feature = "video")]
pub mod poll;
#[cfg(feature = "pool")]
pub mod prefetch;
#[cfg(feature = "pool")]
pub mod process;
#[cfg(feature = "pool")]
pub mod segment;
pub mod signal;
#[cfg(feature = "video")]
pub mod simd;
#[cfg(feature = "pool")]
pub mod socket;
pub mod time;
pub mod usage;
