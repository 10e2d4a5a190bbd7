//! One number in shared memory, with a lock and without.
//!
//! ```
//! use framehaul::coordination::SharedValue;
//! let best = SharedValue::new(f64::INFINITY)?;
//! let theirs: SharedValue<f64> = // sent to another process, by any serialiser
//!     serde_json::from_str(&serde_json::to_string(&best).unwrap()).unwrap();
//! theirs.update(|best| *best = best.min(0.25)); // under the lock
//! assert_eq!(best.load(), 0.25); // without it
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::memory;
use super::plain::{Plain, PlainInteger};
use crate::error::Result;
use crate::sys::atomics::One;
use crate::sys::mutex::{Guard, RobustMutex};
use crate::sys::segment::Segment;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io;
use std::ops::{Deref, DerefMut};

/// A number that processes and threads share; a clone is the same number.
///
/// [`load`](Self::load) and [`store`](Self::store) cost what an ordinary access costs and never
/// tear; [`update`](Self::update) and [`lock`](Self::lock) cost tens of nanoseconds and let nobody
/// else lock meanwhile. A bare `store` or `fetch_add` does not wait for the lock: what it writes
/// while somebody else holds the lock may be overwritten.
#[derive(Debug)]
pub struct SharedValue<T: Plain> {
    lock: RobustMutex,
    place: One<T::Atomic>,
}

// By hand, since a derived one would want the atomic itself to be `Clone`.
impl<T: Plain> Clone for SharedValue<T> {
    fn clone(&self) -> Self {
        Self {
            lock: self.lock.clone(),
            place: self.place.clone(),
        }
    }
}

impl<T: Plain> SharedValue<T> {
    /// A number of its own, which is `value`.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub fn new(value: T) -> Result<Self> {
        const WHAT: &str = "a value";
        let segment = memory::create(WHAT, RobustMutex::BYTES + size_of::<T>())?;
        let lock = RobustMutex::create(&segment).map_err(memory::failed(WHAT))?;
        let shared = Self::over(&segment, lock).map_err(memory::failed(WHAT))?;
        shared.store(value);
        Ok(shared)
    }

    fn over(segment: &Segment, lock: RobustMutex) -> io::Result<Self> {
        let place = segment.atomics(RobustMutex::BYTES, 1)?.first();
        Ok(Self { lock, place })
    }

    /// What it is now.
    #[inline]
    pub fn load(&self) -> T {
        T::load(&self.place)
    }

    /// Makes it `value`, without the lock.
    #[inline]
    pub fn store(&self, value: T) {
        value.store(&self.place);
    }

    /// Changes it under the lock. If `change` panics, or its process is killed, it stays as it was.
    ///
    /// # Panics
    /// If this thread holds the lock already.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.lock())
    }

    /// Waits for the lock, which a killed holder does not keep. The number that the guard gives
    /// is written back when it is dropped, unless by a panic.
    ///
    /// # Panics
    /// If this thread holds the lock already.
    pub fn lock(&self) -> ValueGuard<'_, T> {
        let guard = self.lock.lock();
        ValueGuard {
            value: self.load(),
            shared: self,
            was_panicking: std::thread::panicking(),
            _guard: guard,
        }
    }
}

impl<T: PlainInteger> SharedValue<T> {
    /// Adds to it in one step, without the lock, wrapping around; what it was before.
    #[inline]
    pub fn fetch_add(&self, number: T) -> T {
        T::fetch_add(&self.place, number)
    }
}

/// A [`SharedValue`] under its lock.
#[derive(Debug)]
pub struct ValueGuard<'a, T: Plain> {
    value: T,
    shared: &'a SharedValue<T>,
    was_panicking: bool,
    /// Released after `drop` has written the value.
    _guard: Guard,
}

impl<T: Plain> Deref for ValueGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Plain> DerefMut for ValueGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Plain> Drop for ValueGuard<'_, T> {
    fn drop(&mut self) {
        if self.was_panicking || !std::thread::panicking() {
            self.shared.store(self.value);
        }
    }
}

impl<T: Plain> Serialize for SharedValue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.place.segment(), T::NAME).serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for SharedValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (segment, name) = <(Segment, String)>::deserialize(deserializer)?;
        memory::same_type::<T, D::Error>(&name)?;
        let lock = RobustMutex::open(&segment).map_err(serde::de::Error::custom)?;
        Self::over(&segment, lock).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn sent<T: Plain, U: Plain>(value: &SharedValue<T>) -> Result<SharedValue<U>, String> {
        let message = serde_json::to_string(value).unwrap();
        serde_json::from_str(&message).map_err(|error| error.to_string())
    }

    #[test]
    fn no_update_is_lost() {
        let (locked, added) = (
            SharedValue::new(0.0).unwrap(),
            SharedValue::new(0u8).unwrap(),
        );
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let theirs: SharedValue<f64> = sent(&locked).unwrap();
                    for _ in 0..10_000 {
                        theirs.update(|x| *x += 0.5);
                        added.fetch_add(1);
                    }
                });
            }
        });
        assert_eq!(locked.load(), 20_000.0);
        assert_eq!(added.load(), (40_000 % 256) as u8);
    }

    #[test]
    fn an_update_that_panics_changes_nothing_and_releases_the_lock() {
        let value = SharedValue::new(-5i16).unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            value.update(|x| {
                *x = 1;
                panic!("as asked");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(*value.lock(), -5);
        *value.lock() += 7;
        assert_eq!(value.load(), 2);
    }

    #[test]
    fn a_number_is_received_as_what_it_was_sent_as_alone() {
        let value = SharedValue::new(1.5f32).unwrap();
        assert_eq!(sent::<_, f32>(&value).unwrap().load(), 1.5);
        let said = sent::<_, u32>(&value).unwrap_err();
        assert!(said.contains("shared f32 is not a u32"), "{said}");
    }
}
