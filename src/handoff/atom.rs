//! What this folder's algorithms need of an atomic integer, so that they run over those of a model
//! checker too.

use std::sync::atomic::{self, Ordering};

/// An atomic integer: the standard library's, or that of a model checker.
pub(super) trait Atom<T> {
    fn load(&self, order: Ordering) -> T;
    fn store(&self, value: T, order: Ordering);
    fn compare_exchange(
        &self,
        from: T,
        to: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T>;
    /// The fence that belongs to it.
    fn fence(order: Ordering);
}

/// Makes atomic integers of a library what they are.
macro_rules! atoms {
    ($library:ident: $($atomic:ident $value:ty),*) => {$(
        impl Atom<$value> for $library::$atomic {
            #[inline]
            fn load(&self, order: Ordering) -> $value {
                self.load(order)
            }
            #[inline]
            fn store(&self, value: $value, order: Ordering) {
                self.store(value, order);
            }
            #[inline]
            fn compare_exchange(
                &self,
                from: $value,
                to: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(from, to, success, failure)
            }
            #[inline]
            fn fence(order: Ordering) {
                $library::fence(order);
            }
        }
    )*};
}

#[cfg(test)]
pub(super) use atoms;

atoms!(atomic: AtomicU32 u32, AtomicU64 u64);
