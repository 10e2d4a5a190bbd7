//! What can go wrong, in one sentence each.
//!
//! Every variant names the thing at fault (a file, a frame, an option) and what to do about it, so
//! that a program can print it as it is. [`Error::exit_code`] is the one place that knows which
//! of them mean "this input cannot be used" and which "the run did not succeed".
//!
//! ```
//! use framehaul::Error;
//! let missing = std::fs::read("no/such.npy").map_err(Error::io("no/such.npy", "cannot read"));
//! let error = missing.unwrap_err();
//! assert!(error.to_string().starts_with("no/such.npy: cannot read: "));
//! assert_eq!(error.exit_code(), 2);
//! assert_eq!(Error::Interrupted.exit_code(), 130);
//! ```

use std::io;
use std::path::{Path, PathBuf};

/// The result of anything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One sentence about one failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An input that cannot be used at all: a wrong header, an unsupported type, no frames.
    #[error("{}: {what}", path.display())]
    Input {
        /// The file or folder at fault.
        path: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
    /// The operating system refused something about a file.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file or folder at fault.
        path: PathBuf,
        /// What was being done, as "cannot read" or "cannot create the folder".
        action: &'static str,
        /// The system's own reason.
        source: io::Error,
    },
    /// An option or argument that makes no sense, with those that would.
    #[error("{0}")]
    Usage(String),
    /// The work began but could not be finished: workers that cannot start, a full disk.
    #[error("{0}")]
    Failed(String),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// An [`Error::Input`]; use it as `Error::input(path, "what was expected")`.
    pub fn input(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Input {
            path: path.into(),
            what: what.into(),
        }
    }

    /// Wraps an [`io::Error`], for `map_err(Error::io(path, "cannot read"))`.
    pub fn io(path: impl AsRef<Path>, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    /// The exit code of a program that ends with this error: 2 for something the user must
    /// change (input, options), 130 for an interrupt, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io { source, .. } if is_shortage(source) => 1,
            Self::Input { .. } | Self::Io { .. } | Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Interrupted => 130,
        }
    }
}

/// Whether the system has too little of something: what was asked for makes sense all the same.
fn is_shortage(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, OutOfMemory, QuotaExceeded, StorageFull};
    let kinds = [StorageFull, QuotaExceeded, FileTooLarge, OutOfMemory];
    let descriptors = [libc::EMFILE, libc::ENFILE].map(Some);
    kinds.contains(&error.kind()) || descriptors.contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_2_and_what_there_is_too_little_of_is_1() {
        for (cause, code) in [
            (libc::ENOENT, 2),
            (libc::EACCES, 2),
            (libc::ENOTDIR, 2),
            (libc::EROFS, 2),
            (libc::ENOSPC, 1),
            (libc::EDQUOT, 1),
            (libc::EFBIG, 1),
            (libc::ENOMEM, 1),
            (libc::EMFILE, 1),
        ] {
            let error = Error::io("out", "cannot write")(io::Error::from_raw_os_error(cause));
            assert_eq!(error.exit_code(), code, "{error}");
        }
        assert_eq!(Error::input("in", "is empty").exit_code(), 2);
        assert_eq!(Error::Usage("--workers 0".into()).exit_code(), 2);
        assert_eq!(Error::Failed("no worker".into()).exit_code(), 1);
        assert_eq!(Error::Interrupted.exit_code(), 130);
    }
}
