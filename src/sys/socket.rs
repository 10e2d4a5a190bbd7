//! What the standard library lacks about Unix sockets: sequenced packets, and whom one talks to.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

/// Whether the other end of `stream` belongs to this process's user: whoever connected, or called
/// `listen`, had the same effective user id at that moment (SO_PEERCRED).
pub fn is_same_user(stream: &UnixStream) -> io::Result<bool> {
    // SAFETY: all zeros is a valid ucred.
    let mut peer: libc::ucred = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `peer` is writable for `length` bytes, and both outlive the call.
    let code = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        )
    };
    if code != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a plain system call that cannot fail.
    Ok(peer.uid == unsafe { libc::geteuid() })
}

/// The listening socket behind a descriptor inherited from the process that created it, which
/// must have left it open for this one; see [`super::process::spawn`].
pub fn inherited_listener(fd: RawFd) -> io::Result<UnixListener> {
    // SAFETY: the caller's command line named this descriptor, which the parent left open for
    // this process alone; it is taken over once, at start.
    let listener = unsafe { UnixListener::from_raw_fd(fd) };
    // Fails for what is no socket.
    listener.local_addr()?;
    Ok(listener)
}

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
