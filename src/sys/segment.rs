//! Anonymous memory that processes share, and that can be sent inside any message.
//!
//! A [`Segment`] is a file without a name (`memfd`), mapped by all who have it. Serialised, it is
//! a few numbers that say where its creator has it open; whoever deserialises them opens
//! `/proc/PID/fd/N`, so that no descriptor has to be passed and any serialiser will do. Creator
//! and receiver belong to one user and see the same `/proc`.
//!
//! ```
//! use framehaul::sys::segment::Segment;
//! use std::sync::atomic::Ordering;
//! let segment = Segment::create(4096)?;
//! let message = serde_json::to_string(&segment).unwrap();
//! segment.cell(3).store(7, Ordering::Relaxed);
//! // Usually in another process:
//! let same: Segment = serde_json::from_str(&message).unwrap();
//! assert_eq!(same.cell(3).load(Ordering::Relaxed), 7);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Its memory is taken when it is created, and its size is sealed, so that no access can raise
//! SIGBUS later. Nothing is left of it when the last process that has it goes.

use super::atomics::{Atomic, Atomics};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

/// Bytes of a cache line. Places that different workers write lie in different lines, so that the
/// workers do not slow each other down.
pub const LINE: usize = 64;

/// Shared memory of a fixed size; all zeros when created. A clone is the same memory.
#[derive(Clone, Debug)]
pub struct Segment(Arc<Mapping>);

#[derive(Debug)]
struct Mapping {
    whereabouts: Whereabouts,
    map: memmap2::MmapRaw,
    /// Kept open by the creator alone, for others to open; a map needs no descriptor.
    _file: Option<File>,
}

/// What crosses in a message: where the creator has the segment open, and which file that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Whereabouts {
    pid: u32,
    fd: RawFd,
    device: u64,
    inode: u64,
    bytes: u64,
}

/// Everything this process has mapped, by device and inode: however often a segment arrives in a
/// message, it is opened and mapped once while somebody holds it.
static MAPPED: LazyLock<Mutex<Mapped>> = LazyLock::new(Mutex::default);

type Mapped = HashMap<(u64, u64), Weak<Mapping>>;

fn mapped() -> MutexGuard<'static, Mapped> {
    // Nothing panics between two changes that belong together.
    MAPPED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Segment {
    /// `bytes` zeros, rounded up to whole cache lines. Takes the memory at once.
    ///
    /// # Errors
    /// If the system has no memory or no descriptor left.
    pub fn create(bytes: usize) -> io::Result<Self> {
        let bytes = bytes.max(1).next_multiple_of(LINE) as u64;
        let file = memory_file(bytes, 0)?;
        take_memory(&file, bytes)?;
        seal(&file, libc::F_SEAL_SEAL)?;
        let whereabouts = Whereabouts::of(&file)?;
        let map = memmap2::MmapRaw::map_raw(&file)?;
        let mapping = Arc::new(Mapping {
            whereabouts,
            map,
            _file: Some(file),
        });
        mapped().insert(whereabouts.key(), Arc::downgrade(&mapping));
        Ok(Self(mapping))
    }

    /// Its size in bytes, a multiple of [`LINE`].
    pub fn bytes(&self) -> usize {
        self.0.map.len()
    }

    /// Cell `index` of a row of counters that lie a [`LINE`] apart.
    ///
    /// # Panics
    /// If the segment has no such cell.
    pub fn cell(&self, index: usize) -> &AtomicU64 {
        let start = self.place::<AtomicU64>(index.saturating_mul(LINE), 1);
        let start = start.unwrap_or_else(|error| panic!("no cell {index}: {error}"));
        // SAFETY: in bounds and aligned, as `place` has checked, and mapped as long as `self`.
        unsafe { start.as_ref() }
    }

    /// `count` atomic integers from byte `offset` on, which keep the segment mapped.
    ///
    /// Any one byte is to be used as part of one type only, by everyone for good: accesses of
    /// different sizes must not race. The layouts in this crate keep that, which is why this is
    /// not public.
    ///
    /// # Errors
    /// If they do not lie in the segment, or not at a multiple of their size.
    pub(crate) fn atomics<A: Atomic>(&self, offset: usize, count: usize) -> io::Result<Atomics<A>> {
        Atomics::new(self, offset, count)
    }

    /// Where `count` values of `T` lie from byte `offset` on: in bounds and aligned.
    pub(super) fn place<T>(&self, offset: usize, count: usize) -> io::Result<NonNull<T>> {
        let (size, bytes) = (size_of::<T>(), self.bytes());
        let end = count
            .checked_mul(size)
            .and_then(|length| length.checked_add(offset));
        // Maps start on a page, so that the offset alone decides the alignment.
        if end.is_none_or(|end| end > bytes) || !offset.is_multiple_of(align_of::<T>()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "shared memory of {bytes} bytes holds no {count} × {size} bytes from byte \
                     {offset} on"
                ),
            ));
        }
        // SAFETY: within the one mapping, by the test above.
        let start = unsafe { self.0.map.as_mut_ptr().add(offset) };
        NonNull::new(start.cast()).ok_or_else(|| io::Error::other("a map at address 0"))
    }

    fn open(whereabouts: Whereabouts) -> Result<Self, OpenError> {
        let key = whereabouts.key();
        let failed = |why| OpenError {
            pid: whereabouts.pid,
            why,
        };
        // Held while opening, so that two threads do not map the same segment twice.
        let mut mapped = mapped();
        if let Some(mapping) = mapped.get(&key).and_then(Weak::upgrade) {
            return if mapping.whereabouts == whereabouts {
                Ok(Self(mapping))
            } else {
                // Not dropped under the lock, which the last drop of a mapping takes itself.
                std::mem::drop(mapped);
                Err(failed(Why::NotHeld))
            };
        }
        let file = whereabouts.open(true)?;
        let map = memmap2::MmapRaw::map_raw(&file).map_err(|error| failed(Why::Refused(error)))?;
        let mapping = Arc::new(Mapping {
            whereabouts,
            map,
            _file: None,
        });
        mapped.insert(key, Arc::downgrade(&mapping));
        Ok(Self(mapping))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let key = self.whereabouts.key();
        let mut mapped = mapped();
        // Somebody may have mapped it anew since the last holder let go.
        if mapped
            .get(&key)
            .is_some_and(|weak| weak.strong_count() == 0)
        {
            mapped.remove(&key);
        }
    }
}

/// Whether both are the same memory.
impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Segment {}

impl Serialize for Segment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.whereabouts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whereabouts = Whereabouts::deserialize(deserializer)?;
        Self::open(whereabouts).map_err(serde::de::Error::custom)
    }
}

impl Whereabouts {
    const fn key(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Where this process has a file of memory open.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self {
            pid: std::process::id(),
            fd: file.as_raw_fd(),
            device: meta.dev(),
            inode: meta.ino(),
            bytes: meta.len(),
        })
    }

    /// Opens the file, for reading or for both.
    pub(super) fn open(&self, write: bool) -> Result<File, OpenError> {
        self.find(write)
            .map_err(|why| OpenError { pid: self.pid, why })
    }

    fn find(&self, write: bool) -> Result<File, Why> {
        let path = PathBuf::from(format!("/proc/{}/fd/{}", self.pid, self.fd));
        // Looked at before it is opened: opening something else, a pipe say, could block.
        self.check(&path.metadata().map_err(|error| self.why(error))?)?;
        let opened = OpenOptions::new().read(true).write(write).open(&path);
        let file = opened.map_err(|error| self.why(error))?;
        self.check(&file.metadata().map_err(Why::Refused)?)?;
        // SAFETY: a plain system call on a descriptor that `file` keeps open.
        let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
        if seals < 0 || seals & libc::F_SEAL_SHRINK == 0 {
            return Err(Why::NotHeld);
        }
        Ok(file)
    }

    /// Descriptors are numbered anew, and so are processes.
    fn check(&self, meta: &std::fs::Metadata) -> Result<(), Why> {
        let found = (meta.dev(), meta.ino(), meta.len());
        if found == (self.device, self.inode, self.bytes) {
            Ok(())
        } else {
            Err(Why::NotHeld)
        }
    }

    fn why(&self, error: io::Error) -> Why {
        let alive = Path::new(&format!("/proc/{}", self.pid)).exists();
        match error.kind() {
            io::ErrorKind::NotFound if alive => Why::NotHeld,
            io::ErrorKind::NotFound => Why::Gone,
            _ => Why::Refused(error),
        }
    }
}

/// Why a segment that was named in a message cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("shared memory created by process {pid} cannot be opened: {why}")]
pub(super) struct OpenError {
    pid: u32,
    why: Why,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error("that process is gone")]
    Gone,
    #[error("that process no longer holds it")]
    NotHeld,
    #[error("{0}")]
    Refused(io::Error),
}

/// A file without a name, in memory, of that many bytes; none of the memory is taken yet.
pub(super) fn memory_file(bytes: u64, more_flags: libc::c_uint) -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING | more_flags;
    // SAFETY: the name is a valid C string; the call has no other requirement.
    let fd = unsafe { libc::memfd_create(c"framehaul".as_ptr(), flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just created and nobody else owns it.
    let file = unsafe { File::from_raw_fd(fd) };
    // What goes beyond it would not be refused, but end the process by SIGXFSZ.
    let most = super::memory::largest_file();
    if bytes > most {
        return Err(io::Error::other(format!(
            "shared memory of {bytes} bytes is a file to the system, and files may have {most} \
             here; raise the limit (`ulimit -f`)"
        )));
    }
    file.set_len(bytes)?;
    Ok(file)
}

/// A file in memory for this process alone, of that many bytes; none of the memory is taken yet.
#[cfg(feature = "video")]
pub fn scratch_file(bytes: u64) -> io::Result<File> {
    memory_file(bytes, 0)
}

/// Fixes a file's size for good; `more` seals are added.
pub(super) fn seal(file: &File, more: libc::c_int) -> io::Result<()> {
    let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | more;
    // SAFETY: a plain system call on a descriptor that `file` keeps open.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes the kernel provide every page now; without memory this is an error, and not a SIGBUS at
/// the first access.
pub(super) fn take_memory(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        // SAFETY: a plain system call on a descriptor that `file` keeps open.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, bytes as libc::off_t) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU8;

    fn sent(segment: &Segment) -> String {
        serde_json::to_string(segment).unwrap()
    }

    fn received(message: &str) -> Result<Segment, String> {
        serde_json::from_str(message).map_err(|error| error.to_string())
    }

    #[test]
    fn a_segment_received_by_its_creator_is_the_same_mapping() {
        let segment = Segment::create(100).unwrap();
        assert_eq!(segment.bytes(), 128);
        let message = sent(&segment);
        for _ in 0..1000 {
            assert_eq!(received(&message).unwrap(), segment);
        }
    }

    #[test]
    fn a_segment_that_nobody_holds_any_more_cannot_be_received() {
        let segment = Segment::create(8).unwrap();
        let message = sent(&segment);
        drop(segment);
        let said = received(&message).unwrap_err();
        assert!(said.contains("no longer holds it"), "{said}");
        // The same descriptor number, but another file.
        let other = Segment::create(8).unwrap();
        let said = received(&message).unwrap_err();
        assert!(said.contains("no longer holds it"), "{said}");
        drop(other);
    }

    #[test]
    fn a_message_that_lies_about_the_size_is_refused() {
        let segment = Segment::create(64).unwrap();
        let whereabouts = Whereabouts {
            bytes: 4096,
            ..segment.0.whereabouts
        };
        let lie = serde_json::to_string(&whereabouts).unwrap();
        assert!(received(&lie).is_err());
        assert_eq!(received(&sent(&segment)).unwrap(), segment);
    }

    #[test]
    fn what_lies_outside_or_askew_is_refused() {
        let segment = Segment::create(128).unwrap();
        assert_eq!(segment.atomics::<AtomicU64>(0, 16).unwrap().len(), 16);
        assert!(segment.atomics::<AtomicU64>(0, 17).is_err());
        assert!(segment.atomics::<AtomicU64>(4, 1).is_err());
        assert!(segment.atomics::<AtomicU64>(8, usize::MAX).is_err());
        assert!(segment.atomics::<AtomicU8>(128, 0).is_ok());
        assert!(segment.atomics::<AtomicU8>(129, 0).is_err());
    }

    #[test]
    fn the_size_is_sealed() {
        let segment = Segment::create(64).unwrap();
        let file = segment.0._file.as_ref().unwrap();
        assert!(file.set_len(32).is_err() && file.set_len(128).is_err());
    }
}
