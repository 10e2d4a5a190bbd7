//! The numeric types that can lie in shared memory, and the atomic that each is kept in.
//!
//! ```
//! use framehaul::coordination::{Plain, SharedArray};
//! fn average<T: Plain + Into<f64>>(numbers: &SharedArray<T>) -> f64 {
//!     numbers.values().into_iter().map(Into::into).sum::<f64>() / numbers.len() as f64
//! }
//! let numbers = SharedArray::<i16>::new(4)?;
//! numbers.store(2, -6);
//! assert_eq!(average(&numbers), -1.5);
//! # Ok::<(), framehaul::Error>(())
//! ```

use crate::sys::atomics::Atomic;
use std::fmt::Debug;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

mod sealed {
    pub trait Sealed {}
}

/// A number that [`super::SharedValue`] and [`super::SharedArray`] hold: `u8` to `u64`, `i8` to
/// `i64`, `f32`, `f64`.
///
/// Each is kept in an atomic integer of its size. All accesses are relaxed: a number is never
/// torn, but says nothing about other memory; what belongs together goes under a lock.
pub trait Plain: Copy + Debug + PartialEq + Send + Sync + sealed::Sealed + 'static {
    /// The atomic integer of its size.
    type Atomic: Atomic;
    /// Its name, which a receiver of shared memory compares.
    const NAME: &'static str;
    /// Reads it.
    fn load(place: &Self::Atomic) -> Self;
    /// Writes it.
    fn store(self, place: &Self::Atomic);
    /// The sum; of integers, the one that wraps around.
    fn plus(self, other: Self) -> Self;
}

/// A [`Plain`] integer.
pub trait PlainInteger: Plain {
    /// Adds to it in one step, wrapping around; what it was before.
    fn fetch_add(place: &Self::Atomic, number: Self) -> Self;
}

macro_rules! integers {
    ($($number:ident in $atomic:ident;)*) => {$(
        impl sealed::Sealed for $number {}
        impl Plain for $number {
            type Atomic = $atomic;
            const NAME: &'static str = stringify!($number);
            #[inline]
            fn load(place: &$atomic) -> Self {
                place.load(Relaxed) as Self
            }
            #[inline]
            fn store(self, place: &$atomic) {
                place.store(self as _, Relaxed);
            }
            #[inline]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
        }
        impl PlainInteger for $number {
            #[inline]
            fn fetch_add(place: &$atomic, number: Self) -> Self {
                place.fetch_add(number as _, Relaxed) as Self
            }
        }
    )*};
}

integers! {
    u8 in AtomicU8;
    u16 in AtomicU16;
    u32 in AtomicU32;
    u64 in AtomicU64;
    i8 in AtomicU8;
    i16 in AtomicU16;
    i32 in AtomicU32;
    i64 in AtomicU64;
}

macro_rules! floats {
    ($($number:ident in $atomic:ident;)*) => {$(
        impl sealed::Sealed for $number {}
        impl Plain for $number {
            type Atomic = $atomic;
            const NAME: &'static str = stringify!($number);
            #[inline]
            fn load(place: &$atomic) -> Self {
                Self::from_bits(place.load(Relaxed))
            }
            #[inline]
            fn store(self, place: &$atomic) {
                place.store(self.to_bits(), Relaxed);
            }
            #[inline]
            fn plus(self, other: Self) -> Self {
                self + other
            }
        }
    )*};
}

floats! {
    f32 in AtomicU32;
    f64 in AtomicU64;
}
