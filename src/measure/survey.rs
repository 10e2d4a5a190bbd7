//! A closer look at the machine, for `framehaul doctor`: what bounds memory, files and processors,
//! and which optional things are there.

use super::machine::meminfo;
use super::{Cgroup, Machine};
use crate::sys::fs::space;
use serde::Serialize;
use std::ffi::OsStr;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What was found. A figure that the kernel does not give is none.
///
/// ```
/// let survey = framehaul::measure::Survey::take();
/// assert!(survey.open_files.is_some_and(|limit| limit > 3));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Survey {
    /// What the machine is.
    pub machine: Machine,
    /// Processors that the machine has online; a process may be bound to fewer.
    pub cpus_online: Option<String>,
    /// Processors that this process may run on (its affinity), as a list of ranges.
    pub cpus_allowed: Option<String>,
    /// Memory that could be had without swapping, in bytes: free, and page cache that can go.
    pub memory_available_bytes: Option<u64>,
    /// The bounds of this process's control groups.
    pub cgroup: Cgroup,
    /// The size of `/dev/shm` and what is free of it.
    pub dev_shm: Option<ShmSpace>,
    /// Huge pages.
    pub huge_pages: HugePages,
    /// Descriptors that this process may have open (soft limit); none when unlimited or unknown.
    pub open_files: Option<u64>,
    /// Bytes that this process may lock in memory (soft limit); none when unlimited or unknown.
    pub locked_memory_bytes: Option<u64>,
    /// The ffmpeg that decodes videos: the one that `FRAMEHAUL_FFMPEG` names, or else the first on the
    /// `PATH`. None if there is none that can be started.
    pub ffmpeg: Option<Ffmpeg>,
}

/// `/dev/shm`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ShmSpace {
    /// Its size.
    pub total_bytes: u64,
    /// What is free of it.
    pub free_bytes: u64,
}

/// How the kernel hands out pages larger than the usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HugePages {
    /// For anonymous memory: `always`, `madvise` or `never`.
    pub transparent: Option<String>,
    /// For shared memory: `always`, `within_size`, `advise`, `never`, `deny` or `force`.
    pub shared: Option<String>,
    /// Reserved huge pages (hugetlb), and how many are free.
    pub reserved: Option<u64>,
    /// Free ones among the reserved.
    pub reserved_free: Option<u64>,
    /// Bytes of a reserved huge page.
    pub page_bytes: Option<u64>,
}

/// The user's ffmpeg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ffmpeg {
    /// Where it is, or its name as `FRAMEHAUL_FFMPEG` has it.
    pub path: PathBuf,
    /// What it calls its version; none if it would not say.
    pub version: Option<String>,
}

impl Survey {
    /// Looks, and starts `ffmpeg -version` if there is one; changes nothing.
    pub fn take() -> Self {
        let limits = read_to_string("/proc/self/limits").unwrap_or_default();
        let status = read_to_string("/proc/self/status").unwrap_or_default();
        let setting = |file: &str| {
            let path = Path::new("/sys/kernel/mm/transparent_hugepage").join(file);
            chosen(&read_to_string(path).ok()?)
        };
        Self {
            machine: Machine::probe(),
            cpus_online: read_to_string("/sys/devices/system/cpu/online")
                .ok()
                .map(|list| list.trim().to_owned()),
            cpus_allowed: status
                .lines()
                .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
                .map(|list| list.trim().to_owned()),
            memory_available_bytes: meminfo("MemAvailable"),
            cgroup: Cgroup::of_self(),
            dev_shm: space(Path::new("/dev/shm")).ok().map(|space| ShmSpace {
                total_bytes: space.total,
                free_bytes: space.free,
            }),
            huge_pages: HugePages {
                transparent: setting("enabled"),
                shared: setting("shmem_enabled"),
                reserved: meminfo("HugePages_Total"),
                reserved_free: meminfo("HugePages_Free"),
                page_bytes: meminfo("Hugepagesize"),
            },
            open_files: soft_limit(&limits, "Max open files"),
            locked_memory_bytes: soft_limit(&limits, "Max locked memory"),
            ffmpeg: ffmpeg(),
        }
    }
}

/// The word in brackets: `always [madvise] never`.
fn chosen(setting: &str) -> Option<String> {
    let (_, rest) = setting.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// The first number after `name` in `/proc/self/limits`.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn ffmpeg() -> Option<Ffmpeg> {
    let named = std::env::var_os("FRAMEHAUL_FFMPEG").filter(|name| !name.is_empty());
    let path = match named {
        Some(named) => PathBuf::from(named),
        None => on_path(&std::env::var_os("PATH")?)?,
    };
    let said = Command::new(&path)
        .arg("-version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let version = version(&String::from_utf8_lossy(&said.stdout));
    Some(Ffmpeg { path, version })
}

/// The first ffmpeg in these folders.
fn on_path(folders: &OsStr) -> Option<PathBuf> {
    let mut files = std::env::split_paths(folders).map(|folder| folder.join("ffmpeg"));
    files.find(|file| file.is_file())
}

/// The version in what `ffmpeg -version` says.
fn version(said: &str) -> Option<String> {
    let rest = said.strip_prefix("ffmpeg version ")?;
    Some(rest.split_whitespace().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_limits_are_read() {
        assert_eq!(chosen("always [madvise] never\n"), Some("madvise".into()));
        assert_eq!(chosen("none"), None);
        let limits = "Max open files            1024                 4096                 files\n\
                      Max locked memory         unlimited            unlimited            bytes\n";
        assert_eq!(soft_limit(limits, "Max open files"), Some(1024));
        assert_eq!(soft_limit(limits, "Max locked memory"), None);
    }

    #[test]
    fn ffmpeg_is_the_first_on_the_path_and_says_its_version() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["none", "first", "second"].map(|name| root.path().join(name));
        let path = std::env::join_paths(&folders).unwrap();
        assert_eq!(on_path(&path), None);
        for folder in &folders[1..] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("ffmpeg"), "").unwrap();
        }
        assert_eq!(on_path(&path), Some(folders[1].join("ffmpeg")));
        let said = "ffmpeg version 5.1-x Copyright (c) 2000-2022 the FFmpeg developers\n";
        assert_eq!(version(said).as_deref(), Some("5.1-x"));
        for other in ["", "ffmpeg version ", "true (GNU coreutils) 9.1\n"] {
            assert_eq!(version(other), None, "{other:?}");
        }
    }
}
