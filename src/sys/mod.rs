//! Everything that asks the operating system, and all of the crate's `unsafe`.
//!
//! Each file wraps one thing the kernel offers in a safe function whose documentation says what
//! it promises; the rest of the crate is compiled with `unsafe_code` denied.
#![expect(unsafe_code, reason = "the one place where it is allowed")]

pub mod atomics;
pub mod board;
pub mod fs;
pub mod map;
pub mod memory;
pub mod mutex;
pub mod pagecache;
pub mod process;
pub mod segment;
pub mod signal;
pub mod simd;
pub mod socket;
pub mod time;
pub mod usage;
