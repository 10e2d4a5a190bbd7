//! What this machine is: the part of a report that says where its figures come from.

use serde::{Deserialize, Serialize};
use std::fs::read_to_string;

/// A machine, as far as a reader of figures must know it. Its name is left out: reports are made
/// to be passed on.
///
/// ```
/// let machine = framehaul::measure::Machine::probe();
/// assert!(machine.cores >= 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Machine {
    /// The processor's model name.
    pub cpu: String,
    /// Cores that this process may use: affinity and control groups are counted in.
    pub cores: usize,
    /// The processor's last-level cache, in bytes; none where the kernel does not say.
    pub last_cache_bytes: Option<u64>,
    /// All memory, in bytes.
    pub memory_bytes: u64,
    /// Bytes of one page.
    pub page_bytes: u64,
    /// The kernel's name and release.
    pub kernel: String,
    /// The distribution's own name for itself.
    pub os: String,
}

impl Machine {
    /// Looks at `/proc` and `/sys`; what cannot be found is "unknown" or 0.
    pub fn probe() -> Self {
        let first = |path: &str| {
            let text = read_to_string(path).ok()?;
            Some(text.lines().next()?.trim().to_owned())
        };
        let kernel = first("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".into());
        Self {
            cpu: cpu_model(&read_to_string("/proc/cpuinfo").unwrap_or_default()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            last_cache_bytes: last_cache_bytes(),
            memory_bytes: meminfo("MemTotal").unwrap_or(0),
            page_bytes: crate::sys::memory::page_size() as u64,
            kernel: format!("Linux {kernel} {}", std::env::consts::ARCH),
            os: os_name(&read_to_string("/etc/os-release").unwrap_or_default()),
        }
    }
}

fn cpu_model(cpuinfo: &str) -> String {
    let value = |key: &str| {
        cpuinfo.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim().to_owned())
        })
    };
    // Arm kernels name no model; their part number is the most that they say.
    value("model name")
        .or_else(|| Some(format!("CPU part {}", value("CPU part")?)))
        .unwrap_or_else(|| "unknown".into())
}

fn os_name(release: &str) -> String {
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or("unknown".into(), |name| name.trim_matches('"').to_owned())
}

/// A line of `/proc/meminfo`, in bytes.
pub(super) fn meminfo(key: &str) -> Option<u64> {
    meminfo_of(&read_to_string("/proc/meminfo").ok()?, key)
}

fn meminfo_of(text: &str, key: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let mut words = line.split_whitespace();
    let number: u64 = words.next()?.parse().ok()?;
    Some(number * if words.next() == Some("kB") { 1024 } else { 1 })
}

/// The largest cache that the first processor has.
pub(super) fn last_cache_bytes() -> Option<u64> {
    let caches = std::fs::read_dir("/sys/devices/system/cpu/cpu0/cache").ok()?;
    caches
        .filter_map(|cache| cache_size(&read_to_string(cache.ok()?.path().join("size")).ok()?))
        .max()
}

/// A size as the kernel writes it: `36608K`.
fn cache_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = match text.as_bytes().last()? {
        b'K' => 1 << 10,
        b'M' => 1 << 20,
        _ => 1,
    };
    let number: u64 = text.trim_end_matches(['K', 'M']).parse().ok()?;
    Some(number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_understood() {
        assert_eq!(cpu_model("processor : 0\nmodel name\t: A B\n"), "A B");
        assert_eq!(cpu_model("CPU part\t: 0xd0c\n"), "CPU part 0xd0c");
        assert_eq!(cpu_model(""), "unknown");
        assert_eq!(os_name("ID=x\nPRETTY_NAME=\"Some OS 1\"\n"), "Some OS 1");
        let text = "MemTotal:  10 kB\nHugePages_Total:  3\n";
        assert_eq!(meminfo_of(text, "MemTotal"), Some(10240));
        assert_eq!(meminfo_of(text, "HugePages_Total"), Some(3));
        assert_eq!(meminfo_of(text, "Mem"), None);
        assert_eq!(cache_size("36608K\n"), Some(36608 << 10));
        assert_eq!(cache_size("512M"), Some(512 << 20));
        assert_eq!(cache_size(""), None);
    }

    #[test]
    fn this_machine_has_memory_and_cores() {
        let machine = Machine::probe();
        assert!(machine.cores > 0 && machine.memory_bytes > 0 && machine.page_bytes >= 4096);
    }
}
