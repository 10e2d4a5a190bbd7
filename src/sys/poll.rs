//! Waiting for a pipe with an end to the wait, and making it larger.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// What a large pipe holds: as much as Linux lets anybody have (`/proc/sys/fs/pipe-max-size`).
const LARGE_PIPE: libc::c_int = 1 << 20;

/// Waits until a read from `fd` would not block (there are bytes, or the end, or an error to be
/// told), or until `timeout` is over; whether it would not. A signal ends the wait as well.
///
/// # Errors
/// What poll(2) says.
pub fn readable(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    let mut asked = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let milliseconds = timeout.as_millis().min(60_000) as libc::c_int;
    // SAFETY: one valid pollfd that outlives the call, and their number is 1.
    match unsafe { libc::poll(&raw mut asked, 1, milliseconds) } {
        -1 => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(false),
            e => Err(e),
        },
        ready => Ok(ready > 0),
    }
}

/// Lets the pipe `fd` hold 1 MiB, so that a large frame takes fewer system calls and switches. What
/// is no pipe, or may not be enlarged, stays as it is.
pub fn enlarge_pipe(fd: BorrowedFd<'_>) {
    // SAFETY: a plain system call on a descriptor that is borrowed for it.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETPIPE_SZ, LARGE_PIPE) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn bytes_and_the_end_can_be_read_and_an_empty_pipe_cannot() {
        let (reader, mut writer) = io::pipe().unwrap();
        let ready = || readable(reader.as_fd(), Duration::ZERO).unwrap();
        assert!(!ready());
        writer.write_all(b"1").unwrap();
        assert!(ready());
        let (reader, writer) = io::pipe().unwrap();
        drop(writer);
        assert!(readable(reader.as_fd(), Duration::ZERO).unwrap());
    }

    #[test]
    fn a_large_pipe_takes_a_megabyte_unread() {
        let (reader, mut writer) = io::pipe().unwrap();
        enlarge_pipe(reader.as_fd());
        // Smaller, it would block here for ever.
        writer.write_all(&[0; 1 << 20]).unwrap();
    }
}
