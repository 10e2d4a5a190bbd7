//! Signals: waking a thread out of a system call, and ending with a sentence on SIGBUS.

use std::os::unix::thread::JoinHandleExt;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
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
