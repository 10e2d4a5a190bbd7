//! Removes what a killed parent left behind while its workers were connecting.
//!
//! ipc-channel meets a new process through a socket in a temporary folder that exists for the few
//! milliseconds until the worker has connected. A parent that is killed by SIGKILL just then
//! leaves it behind; the next pool sweeps it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

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
        // Somebody else may be sweeping too; whoever comes second finds nothing to do.
        let _ = fs::remove_file(&socket);
        let _ = fs::remove_dir(folder);
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
