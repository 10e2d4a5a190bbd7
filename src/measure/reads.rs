//! Bytes that processes have read, by the kernel's own count.
//!
//! `/proc/PID/io` counts what `read` and its like returned, from files and pipes, whether or not a
//! disk was asked; what is mapped, and what comes through a socket, is not in it. It is what tells a
//! frame that was read, a copy, from one that was looked at where it lies.
//!
//! ```
//! use framehaul::measure::BytesRead;
//! let before = BytesRead::of(&[std::process::id()]);
//! std::fs::read("/proc/self/maps").unwrap();
//! let read = BytesRead::of(&[std::process::id()]).since(&before);
//! assert!(read.is_none_or(|bytes| bytes > 0));
//! ```

use std::collections::HashMap;
use std::fs::read_to_string;

/// How much each of some processes had read at one moment.
#[derive(Clone, Debug, Default)]
pub struct BytesRead(HashMap<u32, u64>);

impl BytesRead {
    /// By now; processes that are gone, or that may not be asked, are left out.
    pub fn of(pids: &[u32]) -> Self {
        let each = pids.iter().filter_map(|&pid| {
            let text = read_to_string(format!("/proc/{pid}/io")).ok()?;
            Some((pid, read_of(&text)?))
        });
        Self(each.collect())
    }

    /// What they have read since `earlier`; a process that was not there then had read nothing. None
    /// if no process could be asked.
    pub fn since(&self, earlier: &Self) -> Option<u64> {
        let each = self.0.iter().map(|(pid, read)| {
            let before = earlier.0.get(pid).copied().unwrap_or(0);
            read.saturating_sub(before)
        });
        (!self.0.is_empty()).then(|| each.sum())
    }
}

fn read_of(io: &str) -> Option<u64> {
    let line = io.lines().find_map(|line| line.strip_prefix("rchar:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_the_growth_of_each_and_all_of_who_came_later() {
        assert_eq!(read_of("rchar: 12\nwchar: 5\n"), Some(12));
        assert_eq!(read_of("wchar: 5\n"), None);
        let before = BytesRead([(1, 100), (2, 50)].into());
        let after = BytesRead([(1, 130), (3, 7)].into());
        assert_eq!(after.since(&before), Some(37));
        assert_eq!(BytesRead::default().since(&before), None);
    }
}
