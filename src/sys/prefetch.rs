//! Asking for memory before it is needed.

/// Has the processor fetch where `value` lies, and goes on. Nothing is read: it is but a hint, about
/// memory that others may be writing.
#[inline]
pub fn soon<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint to the processor, which takes any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
