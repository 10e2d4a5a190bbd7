//! Sleeping until a word in shared memory changes, in whichever process that happens.

use std::sync::atomic::AtomicU32;

/// Blocks while `word` is `value`. Returns when it was [woken](wake), and now and then for no
/// reason: look again. What others wrote before they changed the word is seen by whoever loads the
/// change with Acquire, not by having been woken.
pub fn wait(word: &AtomicU32, value: u32) {
    let no_timeout = std::ptr::null::<libc::timespec>();
    // SAFETY: the word is a valid, aligned u32 for as long as the borrow lasts, which is longer than
    // the call; the kernel only reads it, atomically. Without FUTEX_PRIVATE_FLAG it is found by its
    // page, so that another process's `wake` is for us.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            value,
            no_timeout,
        )
    };
}

/// Wakes whoever waits for that word, in any process.
pub fn wake(word: &AtomicU32) {
    // SAFETY: the address is only used to find who waits there.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::{Acquire, Release};

    #[test]
    fn who_waits_is_woken_and_who_comes_late_does_not_wait() {
        let word = AtomicU32::new(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while word.load(Acquire) == 1 {
                    wait(&word, 1);
                }
                word.store(3, Release);
                wake(&word);
            });
            word.store(2, Release);
            wake(&word);
            while word.load(Acquire) == 2 {
                wait(&word, 2);
            }
        });
        wait(&word, 2);
    }
}
