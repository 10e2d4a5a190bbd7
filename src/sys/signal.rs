//! Signals: waking a thread out of a system call, and ending with a sentence on SIGBUS.

use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;

/// The signal that interrupts a blocked send. SIGURG is ignored by default, so one that comes too
/// late harms nobody (Go's runtime preempts its threads with it for the same reason).
const NUDGE: libc::c_int = libc::SIGURG;

extern "C" fn do_nothing(_: libc::c_int) {}

/// Prepares [`nudge`]: installs a handler that does nothing and, unlike every other handler of a
/// well-behaved program, lacks SA_RESTART, so that a system call under way returns EINTR.
pub fn prepare_nudge() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a zeroed sigaction is a valid one (no flags, empty mask); the handler is
        // async-signal-safe since it does nothing.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = do_nothing as *const () as usize;
            libc::sigaction(NUDGE, &action, std::ptr::null_mut());
        }
    });
}

/// Interrupts the system call in which `thread` is blocked, if any. It may have been between two
/// calls: repeat until it reports back.
pub fn nudge<T>(thread: &JoinHandle<T>) {
    // SAFETY: the pthread_t stays valid while the handle, which was not joined, exists; signalling
    // a thread that has already ended is then harmless.
    unsafe { libc::pthread_kill(thread.as_pthread_t(), NUDGE) };
}

/// Where a thread that is about to be blocked can be nudged by others, whoever it is.
#[derive(Debug, Default)]
pub struct Alarm(Mutex<Option<libc::pthread_t>>);

impl Alarm {
    /// Runs `call`, in which this thread can be nudged. One thread at a time.
    pub fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        struct Leave<'a>(&'a Alarm);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                *self.0.lock() = None;
            }
        }
        // SAFETY: it has no preconditions.
        *self.lock() = Some(unsafe { libc::pthread_self() });
        let _leave = Leave(self);
        call()
    }

    /// Interrupts the system call in which the thread is blocked, if there is one now: repeat, as
    /// with [`nudge`].
    pub fn ring(&self) {
        let thread = self.lock();
        if let Some(thread) = *thread {
            // SAFETY: a thread takes its name off, under the lock that is held here, before it
            // leaves `during`; so it has not ended.
            unsafe { libc::pthread_kill(thread, NUDGE) };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<libc::pthread_t>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static SIGBUS_LINE: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static SIGBUS_LEN: AtomicUsize = AtomicUsize::new(0);

extern "C" fn say_and_exit(_: libc::c_int) {
    let line = SIGBUS_LINE.load(Ordering::Acquire);
    let len = SIGBUS_LEN.load(Ordering::Acquire);
    // SAFETY: `line` and `len` describe a leaked, never freed allocation (or null and 0, which
    // write(2) accepts); write and _exit are async-signal-safe.
    unsafe {
        libc::write(2, line.cast(), len);
        libc::_exit(1);
    }
}

/// From now on a SIGBUS (a mapped file that shrank under a read) ends this process with `line` on
/// standard error and exit code 1, instead of a core dump. For the modes that read in this
/// process; a worker's SIGBUS is the supervisor's to handle.
pub fn on_sigbus_say(line: &str) {
    let text: &'static mut [u8] = Box::leak(format!("{line}\n").into_bytes().into_boxed_slice());
    SIGBUS_LEN.store(0, Ordering::Release);
    SIGBUS_LINE.store(text.as_mut_ptr(), Ordering::Release);
    SIGBUS_LEN.store(text.len(), Ordering::Release);
    // SAFETY: as in `prepare_nudge`; the handler calls async-signal-safe functions only.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = say_and_exit as *const () as usize;
        libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_thread_that_reads_what_never_comes_is_called_back() {
        prepare_nudge();
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        let alarm = Alarm::default();
        alarm.ring();
        std::thread::scope(|scope| {
            let read = scope.spawn(|| alarm.during(|| ours.read(&mut [0])));
            while !read.is_finished() {
                alarm.ring();
                std::thread::yield_now();
            }
            let error = read.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Interrupted);
        });
        alarm.ring();
    }
}
