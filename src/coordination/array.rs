//! A row of numbers in shared memory, with a lock and without.
//!
//! The cheapest way to write from many workers is that each has a slice of its own: no lock, no
//! waiting, and the parent reads all of it whenever it likes.
//!
//! ```
//! use framehaul::coordination::SharedArray;
//! // Three counters for each of four workers, a cache line or more apart.
//! let counters = SharedArray::<u64>::per_worker(4, 3)?;
//! std::thread::scope(|scope| {
//!     for worker in 0..4 {
//!         let mine = counters.slice(worker, 4); // in a process: `counters` comes in a message
//!         scope.spawn(move || (0..1000).for_each(|_| mine.add(2, 1)));
//!     }
//! });
//! assert_eq!(counters.load(3 * 2 + 2), 1000); // the third counter of worker 2
//! assert_eq!(counters.values().iter().sum::<u64>(), 4000);
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::memory;
use super::plain::{Plain, PlainInteger};
use crate::error::Result;
use crate::sys::atomics::Atomics;
use crate::sys::mutex::{Guard, RobustMutex};
use crate::sys::segment::{LINE, Segment};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io;
use std::ops::Deref;

/// Numbers that processes and threads share; a clone is the same array.
///
/// A single element is read and written as a whole, by anyone at any time; several belong together
/// only under the lock. Writing without the lock does not wait for it.
#[derive(Debug)]
pub struct SharedArray<T: Plain> {
    lock: RobustMutex,
    elements: Atomics<T::Atomic>,
    layout: Layout,
}

/// `blocks` times `each` elements, of which one begins `stride` after the other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Layout {
    blocks: usize,
    each: usize,
    stride: usize,
}

// By hand, since a derived one would want the atomics themselves to be `Clone`.
impl<T: Plain> Clone for SharedArray<T> {
    fn clone(&self) -> Self {
        Self {
            lock: self.lock.clone(),
            elements: self.elements.clone(),
            layout: self.layout,
        }
    }
}

impl<T: Plain> SharedArray<T> {
    /// `length` zeros, one next to the other.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub fn new(length: usize) -> Result<Self> {
        Self::with(Layout {
            blocks: 1,
            each: length,
            stride: length,
        })
    }

    /// `each` zeros for each of `workers`, whose [slices](Self::slice) lie in cache lines of their
    /// own, so that writing one does not slow down the others. Elements are numbered without the
    /// gaps: those of worker `w` are `w * each` to `w * each + each - 1`.
    ///
    /// # Errors
    /// If the system has no shared memory or no descriptor left.
    pub fn per_worker(workers: usize, each: usize) -> Result<Self> {
        if workers == 1 {
            return Self::new(each);
        }
        Self::with(Layout {
            blocks: workers,
            each,
            stride: each.next_multiple_of(LINE / size_of::<T>()),
        })
    }

    fn with(layout: Layout) -> Result<Self> {
        const WHAT: &str = "an array";
        let failed = memory::failed(WHAT);
        let bytes = layout
            .elements()
            .and_then(|elements| elements.checked_mul(size_of::<T>()))
            .and_then(|bytes| bytes.checked_add(RobustMutex::BYTES))
            .ok_or_else(|| failed(io::ErrorKind::OutOfMemory.into()))?;
        let segment = memory::create(WHAT, bytes)?;
        let lock = RobustMutex::create(&segment).map_err(&failed)?;
        Self::over(&segment, lock, layout).map_err(failed)
    }

    fn over(segment: &Segment, lock: RobustMutex, layout: Layout) -> io::Result<Self> {
        let elements = layout
            .elements()
            .ok_or_else(|| io::Error::other("an array of an impossible size"))?;
        Ok(Self {
            lock,
            elements: segment.atomics(RobustMutex::BYTES, elements)?,
            layout,
        })
    }

    /// The number of elements.
    pub const fn len(&self) -> usize {
        self.layout.blocks * self.layout.each
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn place(&self, index: usize) -> &T::Atomic {
        let Layout {
            blocks,
            each,
            stride,
        } = self.layout;
        if blocks == 1 {
            return &self.elements[index];
        }
        assert!(index < self.len(), "no element {index} of {}", self.len());
        &self.elements[index / each * stride + index % each]
    }

    /// Element `index` as it is now.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub fn load(&self, index: usize) -> T {
        T::load(self.place(index))
    }

    /// Makes element `index` `value`, without the lock.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub fn store(&self, index: usize, value: T) {
        value.store(self.place(index));
    }

    /// All elements, one read after the other: each is whole, all of them together are of no one
    /// moment unless this is under the lock and nobody writes without it.
    pub fn values(&self) -> Vec<T> {
        (0..self.len()).map(|index| self.load(index)).collect()
    }

    /// The part of worker `worker` of `workers`: of an array [`per_worker`](Self::per_worker) its
    /// own elements, otherwise one of as many parts that differ by at most one element. Together
    /// the parts are the array, and none overlaps another.
    ///
    /// # Panics
    /// If `worker` is not below `workers`, or `workers` is not what the array was made for.
    pub fn slice(&self, worker: usize, workers: usize) -> ArraySlice<T> {
        assert!(worker < workers, "no worker {worker} of {workers}");
        let Layout {
            blocks,
            each,
            stride,
        } = self.layout;
        let (range, start) = if blocks == 1 {
            // Not `each * n / workers`, which may overflow.
            let bound = |n: usize| each / workers * n + (each % workers).min(n);
            (bound(worker)..bound(worker + 1), bound(worker))
        } else {
            assert_eq!(workers, blocks, "workers of an array for {blocks}");
            let begin = worker * stride;
            (begin..begin + each, worker * each)
        };
        ArraySlice {
            start,
            elements: self.elements.part(range),
        }
    }

    /// All [slices](Self::slice), for as many workers.
    ///
    /// # Panics
    /// As [`slice`](Self::slice).
    pub fn split(&self, workers: usize) -> Vec<ArraySlice<T>> {
        (0..workers).map(|w| self.slice(w, workers)).collect()
    }

    /// Waits for the lock, which a killed holder does not keep.
    ///
    /// # Panics
    /// If this thread holds the lock already.
    pub fn lock(&self) -> ArrayGuard<'_, T> {
        ArrayGuard {
            guard: self.lock.lock(),
            array: self,
        }
    }

    /// Changes all of it under the lock, on a copy that is written back at the end; if `change`
    /// panics, nothing has changed. For a few elements of a long array, [`lock`](Self::lock) it.
    ///
    /// # Panics
    /// If this thread holds the lock already.
    pub fn update<R>(&self, change: impl FnOnce(&mut [T]) -> R) -> R {
        let _guard = self.lock.lock();
        let mut values = self.values();
        let result = change(&mut values);
        for (index, value) in values.into_iter().enumerate() {
            self.store(index, value);
        }
        result
    }
}

impl<T: PlainInteger> SharedArray<T> {
    /// Adds to element `index` in one step, without the lock, wrapping around; what it was before.
    ///
    /// # Panics
    /// If there is no such element.
    #[inline]
    pub fn fetch_add(&self, index: usize, number: T) -> T {
        T::fetch_add(self.place(index), number)
    }
}

impl Layout {
    fn elements(&self) -> Option<usize> {
        let fits = self.each <= self.stride;
        fits.then(|| self.blocks.checked_mul(self.stride))?
    }
}

/// A [`SharedArray`] under its lock: nobody else locks it until this is dropped.
#[derive(Debug)]
pub struct ArrayGuard<'a, T: Plain> {
    guard: Guard,
    array: &'a SharedArray<T>,
}

impl<T: Plain> ArrayGuard<'_, T> {
    /// Whether the last holder was killed with it: its changes may be half-done.
    pub const fn recovered(&self) -> bool {
        self.guard.recovered()
    }
}

impl<T: Plain> Deref for ArrayGuard<'_, T> {
    type Target = SharedArray<T>;
    fn deref(&self) -> &SharedArray<T> {
        self.array
    }
}

/// One worker's part of a [`SharedArray`], which it alone writes and everybody may read. Elements
/// are numbered from its own first.
#[derive(Debug)]
pub struct ArraySlice<T: Plain> {
    start: usize,
    elements: Atomics<T::Atomic>,
}

// By hand, as for the array.
impl<T: Plain> Clone for ArraySlice<T> {
    fn clone(&self) -> Self {
        Self {
            start: self.start,
            elements: self.elements.clone(),
        }
    }
}

impl<T: Plain> ArraySlice<T> {
    /// The number of its elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The number that its first element has in the array.
    pub const fn start(&self) -> usize {
        self.start
    }

    /// Its element `index` as it is now.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub fn load(&self, index: usize) -> T {
        T::load(&self.elements[index])
    }

    /// Makes its element `index` `value`.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub fn store(&self, index: usize, value: T) {
        value.store(&self.elements[index]);
    }

    /// Adds to its element `index`, integers wrapping around. A load and a store: one writer of
    /// the slice loses nothing, two would.
    ///
    /// # Panics
    /// If there is no such element.
    #[inline]
    pub fn add(&self, index: usize, number: T) {
        let place = &self.elements[index];
        T::load(place).plus(number).store(place);
    }
}

impl<T: Plain> Serialize for SharedArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.elements.segment(), T::NAME, self.layout).serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for SharedArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let (segment, name, layout) = <(Segment, String, Layout)>::deserialize(deserializer)?;
        memory::same_type::<T, D::Error>(&name)?;
        let lock = RobustMutex::open(&segment).map_err(D::Error::custom)?;
        Self::over(&segment, lock, layout).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_slices_are_the_array_in_order_without_overlap(
            length in 0usize..200, workers in 1usize..9, padded: bool
        ) {
            let array = if padded {
                SharedArray::<u16>::per_worker(workers, length).unwrap()
            } else {
                SharedArray::<u16>::new(length).unwrap()
            };
            let mut next = 0;
            for slice in array.split(workers) {
                prop_assert_eq!(slice.start(), next);
                for index in 0..slice.len() {
                    slice.add(index, next as u16 + 1);
                    next += 1;
                }
            }
            let expected: Vec<u16> = (1..=array.len() as u16).collect();
            prop_assert_eq!(array.values(), expected);
        }
    }

    #[test]
    fn clones_are_the_same_numbers() {
        let array = SharedArray::<u32>::new(3).unwrap();
        array.clone().slice(0, 1).clone().store(1, 7);
        let value = crate::coordination::SharedValue::new(7).unwrap();
        value.clone().store(i64::from(array.load(1)) + 1);
        assert_eq!(value.load(), 8);
    }

    #[test]
    fn slices_of_an_array_per_worker_share_no_cache_line() {
        let array = SharedArray::<u32>::per_worker(3, 17).unwrap();
        let lines = array.split(3).into_iter().map(|slice| {
            let address = |element: &_| std::ptr::from_ref(element) as usize / LINE;
            address(&slice.elements[0])..=address(&slice.elements[16])
        });
        let lines: Vec<usize> = lines.flatten().collect();
        assert!(lines.is_sorted_by(|a, b| a < b), "{lines:?}");
    }

    #[test]
    fn what_is_changed_under_the_lock_changes_as_one() {
        let array = SharedArray::<i64>::new(8).unwrap();
        let message = serde_json::to_string(&array).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let theirs: SharedArray<i64> = serde_json::from_str(&message).unwrap();
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        theirs.update(|values| {
                            values.iter_mut().for_each(|x| *x -= 1);
                        });
                        let values = theirs.lock().values();
                        assert!(values.iter().all(|x| *x == values[0]), "{values:?}");
                    }
                });
            }
        });
        assert_eq!(array.values(), [-6_000; 8]);
    }

    #[test]
    fn an_array_that_cannot_be_is_refused() {
        assert!(SharedArray::<u64>::new(usize::MAX).is_err());
        assert!(SharedArray::<u64>::per_worker(usize::MAX / 2, 9).is_err());
        let array = SharedArray::<u8>::new(100).unwrap();
        let message = serde_json::to_string(&array).unwrap();
        let lie = message.replace("\"stride\":100", "\"stride\":1000");
        assert_ne!(lie, message);
        assert!(serde_json::from_str::<SharedArray<u8>>(&lie).is_err());
    }
}
