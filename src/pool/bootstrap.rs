//! Removes what a parent that ended while its workers were connecting would leave behind.
//!
//! ipc-channel meets a new process through a socket in a temporary folder that exists for the few
//! milliseconds until the worker has connected. A parent that exits just then removes it as its
//! last act; one that is killed by SIGKILL cannot, and the next pool sweeps it.

use super::panics::catch;
use crate::sys::process;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

/// Sockets that workers of this process are to connect to.
static EXPECTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A worker is expected at a socket; should this process exit before this is dropped, it is removed.
#[derive(Debug)]
pub(super) struct Expected(String);

impl Expected {
    /// Makes a server and says where its socket is.
    pub(super) fn at<S>(make: impl FnOnce() -> io::Result<(S, String)>) -> io::Result<(S, Self)> {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| process::at_exit(remove_expected));
        // Made under the lock, so that none is made behind `remove_expected`.
        let mut all = expected();
        let (server, socket) = catch(make).unwrap_or_else(|_| Err(no_folder()))?;
        all.push(socket.clone());
        Ok((server, Self(socket)))
    }

    pub(super) fn socket(&self) -> &str {
        &self.0
    }
}

/// Why no folder can be made for a socket, where ipc-channel panics and does not say.
fn no_folder() -> io::Error {
    let place = std::env::temp_dir();
    let own = place.join(format!(".framehaul-{}", std::process::id()));
    let why = match fs::create_dir(&own) {
        Ok(()) => {
            let _ = fs::remove_dir(&own);
            io::Error::other("it could not be made a moment ago")
        }
        Err(why) => why,
    };
    let what = format!(
        "no folder can be made in {}: {why}; name another place by TMPDIR",
        place.display()
    );
    io::Error::new(why.kind(), what)
}

impl Drop for Expected {
    fn drop(&mut self) {
        expected().retain(|socket| *socket != self.0);
    }
}

fn expected() -> MutexGuard<'static, Vec<String>> {
    EXPECTED.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn remove_expected() {
    let mut all = expected();
    for socket in all.drain(..) {
        remove(Path::new(&socket));
    }
    // Nobody else gets the lock in what is left of this process.
    std::mem::forget(all);
}

/// Removes a socket and its folder; there is nothing to do if somebody else has.
fn remove(socket: &Path) {
    let _ = fs::remove_file(socket);
    if let Some(folder) = socket.parent() {
        let _ = fs::remove_dir(folder);
    }
}

/// Meeting takes milliseconds; a folder of this age is nobody's.
const OLD: Duration = Duration::from_secs(60);

/// Removes bootstrap folders in the temporary directory that belong to this user, hold nothing but
/// a socket that no process has bound any more, and are at least a minute old.
pub(super) fn sweep() {
    let bound = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    if bound.is_empty() {
        return;
    }
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(".tmp") {
            sweep_one(&entry.path(), &bound, OLD);
        }
    }
}

fn sweep_one(folder: &Path, bound: &str, old: Duration) {
    let socket = folder.join("socket");
    let is_dead = || -> Option<bool> {
        let meta = fs::symlink_metadata(&socket).ok()?;
        let mine = meta.uid() == fs::metadata("/proc/self").ok()?.uid();
        let age = meta.modified().ok()?.elapsed().ok()?;
        let alone = fs::read_dir(folder).ok()?.count() == 1;
        let listening = bound
            .lines()
            .any(|line| line.ends_with(&*socket.to_string_lossy()));
        Some(meta.file_type().is_socket() && mine && alone && age >= old && !listening)
    };
    if is_dead() == Some(true) {
        remove(&socket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_dead_socket_is_swept_and_a_live_or_foreign_one_is_left() {
        let root = tempfile::tempdir().unwrap();
        let sweep_now = |folder: &Path| {
            let bound = fs::read_to_string("/proc/net/unix").unwrap();
            sweep_one(folder, &bound, Duration::ZERO);
            folder.exists()
        };
        let folder = root.path().join(".tmpAbCdEf");
        fs::create_dir(&folder).unwrap();
        let listener = UnixListener::bind(folder.join("socket")).unwrap();
        assert!(sweep_now(&folder), "somebody listens");
        drop(listener);
        fs::write(folder.join("other"), "").unwrap();
        assert!(sweep_now(&folder), "something else is in there");
        fs::remove_file(folder.join("other")).unwrap();
        assert!(!sweep_now(&folder));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("socket"), "no socket").unwrap();
        assert!(sweep_now(&folder), "a plain file of that name");
    }
}
