//! Waiting for pipes with an end to the wait, and what a pipe holds.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// What a large pipe holds: as much as Linux lets anybody have (`/proc/sys/fs/pipe-max-size`).
const LARGE_PIPE: libc::c_int = 1 << 20;

/// Waits until a read from one of `fds` would not block (there are bytes, or the end, or an error to
/// be told), or until `timeout` is over: from which of them it would not.
///
/// # Errors
/// What poll(2) says; [`io::ErrorKind::Interrupted`] if a signal has ended the wait.
pub fn readable<const N: usize>(
    fds: [BorrowedFd<'_>; N],
    timeout: Duration,
) -> io::Result<[bool; N]> {
    wait(fds, libc::POLLIN, timeout)
}

/// Waits until a write to `fd` would not block (there is room, or an error to be told), or until
/// `timeout` is over: whether it would not.
///
/// # Errors
/// As [`readable`].
pub fn writable(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    wait([fd], libc::POLLOUT, timeout).map(|[writable]| writable)
}

/// poll(2), and of which of them it tells.
fn wait<const N: usize>(
    fds: [BorrowedFd<'_>; N],
    events: libc::c_short,
    timeout: Duration,
) -> io::Result<[bool; N]> {
    let mut asked = fds.map(|fd| libc::pollfd {
        fd: fd.as_raw_fd(),
        events,
        revents: 0,
    });
    let milliseconds = timeout.as_millis().min(60_000) as libc::c_int;
    // SAFETY: N valid pollfds that outlive the call.
    if unsafe { libc::poll(asked.as_mut_ptr(), N as libc::nfds_t, milliseconds) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(asked.map(|asked| asked.revents != 0))
}

/// Lets the pipe `fd` hold 1 MiB, so that a large frame takes fewer system calls and switches. What
/// is no pipe, or may not be enlarged, stays as it is.
pub fn enlarge_pipe(fd: BorrowedFd<'_>) {
    // SAFETY: a plain system call on a descriptor that is borrowed for it.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETPIPE_SZ, LARGE_PIPE) };
}

/// How many bytes the pipe `fd` holds at most; none for what is no pipe.
pub fn pipe_size(fd: BorrowedFd<'_>) -> Option<usize> {
    // SAFETY: a plain system call on a descriptor that is borrowed for it.
    let size = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETPIPE_SZ) };
    usize::try_from(size).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn bytes_and_the_end_can_be_read_and_an_empty_pipe_cannot() {
        let (bytes, mut writer) = io::pipe().unwrap();
        let (end, gone) = io::pipe().unwrap();
        let fds = || [bytes.as_fd(), end.as_fd()];
        assert_eq!(readable(fds(), Duration::ZERO).unwrap(), [false, false]);
        writer.write_all(b"1").unwrap();
        assert_eq!(readable(fds(), Duration::MAX).unwrap(), [true, false]);
        drop(gone);
        assert_eq!(readable(fds(), Duration::MAX).unwrap(), [true, true]);
    }

    #[test]
    fn a_large_pipe_takes_a_megabyte_unread() {
        let (reader, mut writer) = io::pipe().unwrap();
        enlarge_pipe(reader.as_fd());
        assert_eq!(pipe_size(reader.as_fd()), Some(1 << 20));
        assert_eq!(
            pipe_size(std::fs::File::open("/dev/null").unwrap().as_fd()),
            None
        );
        // Smaller, it would block here for ever.
        writer.write_all(&[0; 1 << 20]).unwrap();
        assert!(
            !writable(writer.as_fd(), Duration::ZERO).unwrap(),
            "it is full"
        );
        drop(reader);
        assert!(writable(writer.as_fd(), Duration::MAX).unwrap(), "an error");
    }
}
