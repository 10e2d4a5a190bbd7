//! Free space, mount points, renames that never replace by accident, and folders that go again if
//! nothing comes to lie in them.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

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

/// Folders that are about to be made. Dropped, it removes those in which nothing lies.
#[derive(Debug)]
pub struct Made(Vec<PathBuf>);

impl Made {
    /// Those above `path` that are not there yet.
    pub fn above(path: &Path) -> Self {
        Self(missing(path.ancestors().skip(1)))
    }

    /// Makes a folder that nobody else has, of this name or with a number behind it (`NAME-2`, `NAME-3`),
    /// and those above it. Of any number of processes that ask for one name at once, each gets another.
    pub fn anew(name: &Path) -> io::Result<(PathBuf, Self)> {
        let numbered = |number: u32| {
            let mut numbered = name.as_os_str().to_owned();
            numbered.push(format!("-{number}"));
            PathBuf::from(numbered)
        };
        let mut numbers = 2..;
        let mut folder = name.to_path_buf();
        loop {
            let made = missing(folder.ancestors());
            if let Some(above) = folder.parent() {
                std::fs::create_dir_all(above)?;
            }
            match std::fs::create_dir(&folder) {
                // Only now is it ours to remove.
                Ok(()) => return Ok((folder, Self(made))),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match numbers.next() {
                    Some(number) => folder = numbered(number),
                    None => return Err(e),
                },
                // Whoever made those above it has found no use for them, and removed them again.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Those that are not there, the innermost first, as they come.
fn missing<'a>(folders: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let missing = folders.take_while(|folder| !folder.exists());
    missing.map(Path::to_path_buf).collect()
}

impl Drop for Made {
    fn drop(&mut self) {
        for folder in &self.0 {
            // One in which something lies stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Whether a file system is mounted at `path`, so that nothing can be renamed to it: what is there is
/// of another one than the folder that holds its name. (A folder that is mounted a second time on its
/// own file system is not told from any other.)
pub fn is_mount_point(path: &Path) -> bool {
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    let (here, above) = (path.symlink_metadata(), above.metadata());
    matches!((here, above), (Ok(here), Ok(above)) if here.dev() != above.dev())
}

/// Renames `from` to `to`, which must not exist: an error of kind `AlreadyExists` otherwise.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rename_with(from, to, libc::RENAME_NOREPLACE) {
        Err(e) if unsupported(&e) => {
            if std::fs::symlink_metadata(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(from, to)
        }
        other => other,
    }
}

/// Swaps two names in one step, so that there is no moment in which either is missing. Where the
/// file system cannot do that, three renames do it with such a moment.
pub fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    match rename_with(a, b, libc::RENAME_EXCHANGE) {
        Err(e) if unsupported(&e) => {
            let mut aside = a.as_os_str().to_owned();
            aside.push(".old");
            std::fs::rename(b, &aside)?;
            std::fs::rename(a, b)?;
            std::fs::rename(&aside, a)
        }
        other => other,
    }
}

fn rename_with(from: &Path, to: &Path, flags: libc::c_uint) -> io::Result<()> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    // SAFETY: both are NUL-terminated strings that outlive the call, which keeps neither.
    let outcome = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            from.as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            flags,
        )
    };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Whether the file system, rather than the names, is why a rename with flags was refused.
fn unsupported(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP)
    )
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_not_replaced_but_can_be_exchanged() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::create_dir(&a).unwrap();
        std::fs::write(a.join("from_a"), "").unwrap();
        std::fs::write(&b, "b").unwrap();
        let refused = rename_new(&a, &b).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        exchange(&a, &b).unwrap();
        assert_eq!(std::fs::read(&a).unwrap(), b"b");
        assert!(b.join("from_a").exists());
        assert!(exchange(&a, &dir.path().join("none")).is_err());
        rename_new(&a, &dir.path().join("c")).unwrap();
    }

    #[test]
    fn folders_that_were_made_go_if_nothing_lies_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let (deep, kept) = (dir.path().join("a/b/c"), dir.path().join("a/kept"));
        let make = || {
            let made = Made::above(&deep.join("d"));
            std::fs::create_dir_all(&deep).unwrap();
            made
        };
        drop(make());
        assert!(!dir.path().join("a").exists());
        assert!(dir.path().exists(), "it was there before");
        let made = make();
        std::fs::write(&kept, "").unwrap();
        drop(made);
        assert!(kept.exists() && !dir.path().join("a/b").exists());
    }

    #[test]
    fn who_ask_for_one_name_at_once_get_one_each() {
        const ASK: usize = 16;
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().join("runs/today");
        let all_here = std::sync::Barrier::new(ASK);
        let ask = || {
            all_here.wait();
            Made::anew(&name).unwrap()
        };
        let mut got: Vec<(PathBuf, Made)> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..ASK).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        got.sort_by_key(|(folder, _)| folder.as_os_str().len());
        assert_eq!(got[0].0, name);
        let names: std::collections::HashSet<_> = got.iter().map(|(folder, _)| folder).collect();
        assert_eq!(names.len(), ASK);
        assert!(names.contains(&dir.path().join("runs/today-16")));
        std::fs::write(got[0].0.join("report"), "").unwrap();
        drop(got);
        // Those in which nothing came to lie are gone.
        assert_eq!(
            std::fs::read_dir(dir.path().join("runs")).unwrap().count(),
            1
        );
        assert!(Made::anew(Path::new("/proc/none/today")).is_err());
    }

    #[test]
    fn a_mount_point_is_told_from_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_mount_point(Path::new("/proc")));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/proc", &link).unwrap();
        let none = dir.path().join("none");
        for path in [dir.path(), &link, &none, Path::new("src")] {
            assert!(!is_mount_point(path), "{}", path.display());
        }
    }

    #[test]
    fn a_file_system_has_space_and_a_missing_path_has_none() {
        let space_of_root = space(Path::new("/")).unwrap();
        assert!(space_of_root.total >= space_of_root.free && space_of_root.total > 0);
        assert!(space(Path::new("/no/such/place")).is_err());
    }
}
