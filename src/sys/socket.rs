//! One thing about Unix sockets that the standard library lacks: sequenced packets.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Connects to the sequenced-packet socket at `address` and hangs up at once, so that whoever is
/// blocked in `accept` there comes back with a peer that is gone. Does nothing if there is none.
pub fn ring_and_run(address: &str) {
    // SAFETY: a plain system call.
    let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return;
    }
    // SAFETY: just created, owned by nobody else; closed when dropped.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: all zeros is a valid sockaddr_un.
    let mut name: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    name.sun_family = libc::AF_UNIX as libc::sa_family_t;
    // Its last byte stays 0.
    let room = name.sun_path.len() - 1;
    if address.len() > room {
        return;
    }
    for (to, from) in name.sun_path.iter_mut().zip(address.bytes()) {
        *to = from as libc::c_char;
    }
    // SAFETY: `name` is a complete, zero-terminated address of the length given.
    unsafe {
        libc::connect(
            socket.as_raw_fd(),
            (&raw const name).cast(),
            size_of::<libc::sockaddr_un>() as libc::socklen_t,
        );
    }
}
