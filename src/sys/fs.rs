//! What the standard library does not ask of a file system.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The size of a file system and what is free of it, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What an ordinary user may still write.
    pub free: u64,
}

/// The space of the file system that `path` lies on.
pub fn space(path: &Path) -> io::Result<Space> {
    let path = c_path(path)?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: `path` is a NUL-terminated string and `stat` is valid for writes of one statvfs,
    // both for the length of the call.
    if unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all zeroes is a valid statvfs, and the call has succeeded and filled it.
    let stat = unsafe { stat.assume_init() };
    Ok(Space {
        total: stat.f_blocks * stat.f_frsize,
        free: stat.f_bavail * stat.f_frsize,
    })
}

/// Lets two existing paths of one file system swap what they name, in one step: at no moment is
/// either of them missing.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    let (one, other) = (c_path(one)?, c_path(other)?);
    // SAFETY: both are NUL-terminated strings that live for the length of the call.
    let done = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            one.as_ptr(),
            libc::AT_FDCWD,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The bytes of one page of memory.
pub fn page_bytes() -> u64 {
    // SAFETY: takes no pointer; every Linux knows _SC_PAGESIZE.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanged_folders_hold_each_others_files() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        for folder in [&a, &b] {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::write(a.join("from_a"), "").unwrap();
        exchange(&a, &b).unwrap();
        assert!(b.join("from_a").exists());
        assert!(a.exists() && !a.join("from_a").exists());
        assert!(exchange(&a, &root.path().join("none")).is_err());
    }

    #[test]
    fn a_file_system_has_space_and_a_missing_path_has_none() {
        let space_of_root = space(Path::new("/")).unwrap();
        assert!(space_of_root.total >= space_of_root.free && space_of_root.total > 0);
        assert!(space(Path::new("/no/such/place")).is_err());
        assert!(page_bytes().is_power_of_two());
    }
}
