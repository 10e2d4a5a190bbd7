//! A lock between processes that a killed holder does not keep.

use super::segment::Segment;
use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// A POSIX mutex at the start of a [`Segment`], process-shared and robust: if its holder dies, the
/// kernel hands it to the next who waits.
///
/// Costs tens of nanoseconds while nobody else wants it.
#[derive(Debug)]
pub struct RobustMutex {
    raw: NonNull<libc::pthread_mutex_t>,
    segment: Segment,
}

/// Says, behind the mutex, that it is one.
const READY: u64 = u64::from_le_bytes(*b"framelck");
const PREPARING: u64 = 1;
const STATE_AT: usize = 56;
const _: () = assert!(size_of::<libc::pthread_mutex_t>() <= STATE_AT);

impl RobustMutex {
    /// The bytes it takes from the start of its segment.
    pub const BYTES: usize = super::segment::LINE;

    /// Makes one at the start of `segment`, whose first [`Self::BYTES`] must be unused.
    ///
    /// # Errors
    /// If there is one already, or the system refuses.
    pub(crate) fn create(segment: &Segment) -> io::Result<Self> {
        let state = segment.atomics::<AtomicU64>(STATE_AT, 1)?.first();
        let raw = segment.place::<libc::pthread_mutex_t>(0, 1)?;
        let fresh = state.compare_exchange(0, PREPARING, Ordering::Relaxed, Ordering::Relaxed);
        if fresh.is_err() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // SAFETY: `raw` is aligned and in bounds, as `place` has checked, and this thread alone
        // initialises it, as the exchange above has decided. Zeroed attributes are storage for
        // `pthread_mutexattr_init`, which is the first to read them.
        unsafe {
            let mut attributes: libc::pthread_mutexattr_t = std::mem::zeroed();
            let attributes = &raw mut attributes;
            check(libc::pthread_mutexattr_init(attributes))?;
            let shared = libc::PTHREAD_PROCESS_SHARED;
            let made = check(libc::pthread_mutexattr_setpshared(attributes, shared))
                .and_then(|()| {
                    let robust = libc::PTHREAD_MUTEX_ROBUST;
                    check(libc::pthread_mutexattr_setrobust(attributes, robust))
                })
                .and_then(|()| {
                    // Locking it twice is then an answer instead of a wait for ever.
                    let kind = libc::PTHREAD_MUTEX_ERRORCHECK;
                    check(libc::pthread_mutexattr_settype(attributes, kind))
                })
                .and_then(|()| check(libc::pthread_mutex_init(raw.as_ptr(), attributes)));
            libc::pthread_mutexattr_destroy(attributes);
            made?;
        }
        // Release: pairs with the Acquire in `open`, which must see the mutex complete.
        state.store(READY, Ordering::Release);
        Ok(Self {
            raw,
            segment: segment.clone(),
        })
    }

    /// The one that was made at the start of `segment`, by this or another process.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn open(segment: &Segment) -> io::Result<Self> {
        let state = segment.atomics::<AtomicU64>(STATE_AT, 1)?.first();
        // Acquire: pairs with the Release at the end of `create`.
        if state.load(Ordering::Acquire) != READY {
            return Err(io::Error::other("this shared memory has no lock"));
        }
        Ok(Self {
            raw: segment.place(0, 1)?,
            segment: segment.clone(),
        })
    }

    /// Waits until nobody else holds it; a holder that dies counts as nobody.
    ///
    /// # Panics
    /// If the calling thread holds it already.
    pub fn lock(&self) -> Guard {
        // SAFETY: the mutex is initialised (`create` made it, `open` has checked its mark) and
        // stays mapped as long as `self`.
        let code = unsafe { libc::pthread_mutex_lock(self.raw.as_ptr()) };
        match code {
            0 => {}
            libc::EOWNERDEAD => {
                // SAFETY: as above; EOWNERDEAD says that this thread holds it now. What it guards
                // may be half-changed: the guard tells.
                unsafe { libc::pthread_mutex_consistent(self.raw.as_ptr()) };
            }
            libc::EDEADLK => panic!("this thread holds the shared lock already"),
            _ => panic!(
                "a shared lock is broken: {}",
                io::Error::from_raw_os_error(code)
            ),
        }
        Guard {
            raw: self.raw,
            recovered: code == libc::EOWNERDEAD,
            _segment: self.segment.clone(),
            _stays_in_this_thread: PhantomData,
        }
    }
}

impl Clone for RobustMutex {
    fn clone(&self) -> Self {
        Self {
            raw: self.raw,
            segment: self.segment.clone(),
        }
    }
}

// SAFETY: a mutex is made to be used by many threads at once; the Arc in the segment keeps it
// mapped, and it never moves.
unsafe impl Send for RobustMutex {}
// SAFETY: as above.
unsafe impl Sync for RobustMutex {}

/// A [`RobustMutex`] held, until it is dropped.
///
/// It keeps the segment mapped by itself: a guard that is forgotten stays in the thread's list of
/// robust locks, which the C library and the kernel follow.
#[derive(Debug)]
pub struct Guard {
    raw: NonNull<libc::pthread_mutex_t>,
    recovered: bool,
    _segment: Segment,
    /// Only the thread that locked may unlock.
    _stays_in_this_thread: PhantomData<*const ()>,
}

impl Guard {
    /// Whether the last holder died with it: what it guards may be half-changed.
    pub const fn recovered(&self) -> bool {
        self.recovered
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: initialised and mapped, as in `lock`; this thread holds it, since a guard is
        // only made by `lock` and cannot leave its thread.
        unsafe { libc::pthread_mutex_unlock(self.raw.as_ptr()) };
    }
}

fn check(code: libc::c_int) -> io::Result<()> {
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn one_at_a_time() {
        let segment = Segment::create(128).unwrap();
        let _first = RobustMutex::create(&segment).unwrap();
        let count = segment.atomics::<AtomicU64>(64, 1).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mutex = RobustMutex::open(&segment).unwrap();
                let count = &count;
                scope.spawn(move || {
                    for _ in 0..10_000 {
                        let guard = mutex.lock();
                        count[0].store(count[0].load(Relaxed) + 1, Relaxed);
                        assert!(!guard.recovered());
                    }
                });
            }
        });
        assert_eq!(count[0].load(Relaxed), 40_000);
    }

    #[test]
    fn a_thread_that_ends_with_it_hands_it_on_and_the_next_is_told_once() {
        let segment = Segment::create(64).unwrap();
        let mutex = RobustMutex::create(&segment).unwrap();
        let theirs = mutex.clone();
        let thread = std::thread::spawn(move || std::mem::forget(theirs.lock()));
        thread.join().unwrap();
        assert!(mutex.lock().recovered());
        assert!(!mutex.lock().recovered());
    }

    #[test]
    #[should_panic(expected = "holds the shared lock already")]
    fn locking_it_twice_panics_instead_of_waiting_for_ever() {
        let mutex = RobustMutex::create(&Segment::create(64).unwrap()).unwrap();
        let _guard = mutex.lock();
        mutex.lock();
    }

    #[test]
    fn a_place_is_one_lock_for_good() {
        let segment = Segment::create(64).unwrap();
        assert!(RobustMutex::open(&segment).is_err());
        let _mutex = RobustMutex::create(&segment).unwrap();
        assert!(RobustMutex::create(&segment).is_err());
    }
}
