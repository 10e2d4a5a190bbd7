//! What a control group allows this process, in versions 1 and 2.
//!
//! A group's limit is not an error when it is passed: the process is killed. So who wants much
//! memory reads the limit and the use first. The tightest of a group and all groups above it
//! counts.
//!
//! ```
//! let group = framehaul::measure::Cgroup::of_self();
//! if let Some(memory) = group.memory {
//!     println!("{} bytes more", memory.left_bytes());
//! }
//! ```

use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// The bounds of this process's control groups; none where there is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cgroup {
    /// The group with the least memory left.
    pub memory: Option<GroupMemory>,
    /// Cores' worth of processor time, the least of any group.
    pub cores: Option<f64>,
}

/// Memory of one bounded group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMemory {
    /// At more than this, processes of the group are killed.
    pub limit_bytes: u64,
    /// In use now, by all processes of the group, without the page cache, which can go.
    pub used_bytes: u64,
}

impl GroupMemory {
    /// What may still be used.
    pub const fn left_bytes(&self) -> u64 {
        self.limit_bytes.saturating_sub(self.used_bytes)
    }
}

impl Cgroup {
    /// The groups that this process is in.
    pub fn of_self() -> Self {
        Self::under(Path::new("/"))
    }

    /// The same with `/proc` and the mounts below `root`, so that any machine can be imitated.
    fn under(root: &Path) -> Self {
        let mut found = Self::default();
        for folder in folders(root).iter().flatten() {
            found.tighten(folder);
        }
        found
    }

    /// Takes a folder's bounds where they are tighter than what was found so far. The files of
    /// the two versions have different names, so both are tried.
    fn tighten(&mut self, folder: &Path) {
        let text = |file: &str| read_to_string(folder.join(file)).ok();
        let number = |file: &str| text(file)?.trim().parse::<u64>().ok();
        // Version 1 says "total" of what counts the groups below as well.
        let page_cache = || -> u64 {
            let stat = text("memory.stat").unwrap_or_default();
            let total = stat.contains("total_active_file");
            let prefix = if total { "total_" } else { "" };
            ["active_file", "inactive_file"]
                .into_iter()
                .filter_map(|kind| {
                    let key = format!("{prefix}{kind} ");
                    stat.lines()
                        .find_map(|line| line.strip_prefix(&key)?.trim().parse::<u64>().ok())
                })
                .sum()
        };
        let memory = |limit: &str, used: &str| {
            Some(GroupMemory {
                limit_bytes: number(limit).filter(|&limit| limit < NO_LIMIT)?,
                used_bytes: number(used)?.saturating_sub(page_cache()),
            })
        };
        let memory = memory("memory.max", "memory.current")
            .or_else(|| memory("memory.limit_in_bytes", "memory.usage_in_bytes"));
        self.memory = [self.memory, memory]
            .into_iter()
            .flatten()
            .min_by_key(GroupMemory::left_bytes);

        let ratio = |quota: f64, period: f64| Some(quota / period).filter(|&cores| cores > 0.0);
        let cores = text("cpu.max")
            .and_then(|text| {
                let (quota, period) = text.trim().split_once(' ')?;
                ratio(quota.parse().ok()?, period.parse().ok()?)
            })
            .or_else(|| {
                let quota = text("cpu.cfs_quota_us")?.trim().parse().ok()?;
                ratio(quota, number("cpu.cfs_period_us")? as f64)
            });
        self.cores = [self.cores, cores]
            .into_iter()
            .flatten()
            .min_by(f64::total_cmp);
    }
}

/// How many processes the kernel has killed for want of memory: in this process's control group,
/// or on the whole machine where the group does not count them.
///
/// ```
/// assert!(framehaul::measure::oom_kills() <= framehaul::measure::oom_kills());
/// ```
pub fn oom_kills() -> u64 {
    oom_kills_under(Path::new("/"))
}

fn oom_kills_under(root: &Path) -> u64 {
    let count = |path: PathBuf| {
        let text = read_to_string(path).ok()?;
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok())
    };
    // The first folder of each hierarchy is the process's own group.
    let folders = folders(root);
    let groups = folders.iter().filter_map(|folders| folders.first());
    groups
        .flat_map(|group| ["memory.events", "memory.oom_control"].map(|file| group.join(file)))
        .find_map(count)
        .or_else(|| count(root.join("proc/vmstat")))
        .unwrap_or(0)
}

/// Processor seconds that the quotas of this process's groups kept from them so far; none where no
/// group counts it. `/proc` and the mounts are below `root`.
#[cfg(feature = "video")]
pub(super) fn throttled_s_under(root: &Path) -> Option<f64> {
    let of_group = |folder: &PathBuf| {
        let text = read_to_string(folder.join("cpu.stat")).ok()?;
        let number = |key: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())
        };
        let microseconds = number("throttled_usec ").map(|us| us as f64 / 1e6);
        microseconds.or_else(|| Some(number("throttled_time ")? as f64 / 1e9))
    };
    let folders = folders(root);
    let groups = folders.iter().flatten().filter_map(of_group);
    groups.reduce(|sum, one| sum + one)
}

/// For each hierarchy that this process is in, the folders of its group and of all above it.
fn folders(root: &Path) -> Vec<Vec<PathBuf>> {
    let read = |path: &str| read_to_string(root.join(path)).unwrap_or_default();
    let groups = read("proc/self/cgroup");
    let mounts = read("proc/self/mountinfo");
    let of_line = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let mount = mounts
            .lines()
            .find_map(|mount| mounted(mount, controllers))?;
        Some(mount.folders(root, group))
    };
    groups.lines().filter_map(of_line).collect()
}

/// Version 1 says "no limit" with the highest page-aligned number; nothing above this is one.
const NO_LIMIT: u64 = 1 << 60;

/// Where a hierarchy of groups is mounted, and which of its groups is the top of the mount.
struct Mount {
    top: String,
    at: String,
}

impl Mount {
    /// The folder of `group` and all above it within the mount.
    fn folders(&self, root: &Path, group: &str) -> Vec<PathBuf> {
        let at = root.join(self.at.trim_start_matches('/'));
        // In a container the mount's top is often the group itself.
        let inside = group.strip_prefix(self.top.trim_end_matches('/'));
        let inside = inside.unwrap_or("").trim_matches('/');
        let mut folder = at.join(inside);
        let mut folders = vec![folder.clone()];
        while folder != at && folder.pop() {
            folders.push(folder.clone());
        }
        folders
    }
}

/// The mount that a line of `mountinfo` describes, if it is the hierarchy of `controllers`, a
/// list as in `/proc/self/cgroup`: empty for version 2.
fn mounted(line: &str, controllers: &str) -> Option<Mount> {
    let (place, kind) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (top, at) = (place.next()?, place.next()?);
    let mut kind = kind.splitn(3, ' ');
    let (name, options) = (kind.next()?, kind.nth(1)?);
    let matches = match name {
        "cgroup2" => controllers.is_empty(),
        "cgroup" => controllers
            .split(',')
            .any(|one| options.split(',').any(|option| option == one)),
        _ => false,
    };
    matches.then(|| Mount {
        top: top.into(),
        at: at.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine as far as this module can tell: files by path.
    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    fn machine(text: &[(&str, &str)]) -> Cgroup {
        Cgroup::under(files(text).path())
    }

    const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn version_2_the_tightest_group_on_the_way_up_counts() {
        let group = machine(&[
            ("proc/self/cgroup", "0::/slice/job\n"),
            ("proc/self/mountinfo", V2_MOUNT),
            ("sys/fs/cgroup/slice/memory.max", "1000\n"),
            ("sys/fs/cgroup/slice/memory.current", "950\n"),
            (
                "sys/fs/cgroup/slice/memory.stat",
                "anon 800\nfile 60\ninactive_file 30\nactive_file 20\n",
            ),
            ("sys/fs/cgroup/slice/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/slice/job/memory.max", "800\n"),
            ("sys/fs/cgroup/slice/job/memory.current", "100\n"),
            ("sys/fs/cgroup/slice/job/cpu.max", "150000 100000\n"),
        ]);
        assert_eq!(
            group.memory,
            Some(GroupMemory {
                limit_bytes: 1000,
                used_bytes: 900
            })
        );
        assert_eq!(group.cores, Some(1.5));
    }

    #[test]
    fn version_1_has_a_hierarchy_a_controller_and_numbers_for_no_limit() {
        let files = |limit| {
            machine(&[
                ("proc/self/cgroup", "4:memory:/app\n1:cpu,cpuacct:/app\n"),
                (
                    "proc/self/mountinfo",
                    "35 31 0:32 /app /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                     32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
                ),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", limit),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "12\n"),
                ("sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "-1\n"),
                ("sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n"),
            ])
        };
        let limited = files("4096\n").memory;
        assert_eq!(
            limited.map(|m| (m.limit_bytes, m.used_bytes)),
            Some((4096, 12))
        );
        let unlimited = files("9223372036854771712\n");
        assert_eq!(unlimited, Cgroup::default());
    }

    #[test]
    fn kills_for_want_of_memory_are_those_of_the_own_group_where_it_counts_them() {
        let vmstat = ("proc/vmstat", "nr_free_pages 5\noom_kill 9\n");
        let mount = ("proc/self/mountinfo", V2_MOUNT);
        let group = ("proc/self/cgroup", "0::/job\n");
        let events = (
            "sys/fs/cgroup/job/memory.events",
            "max 4\noom 3\noom_kill 2\noom_group_kill 1\n",
        );
        let counted = |text: &[_]| oom_kills_under(files(text).path());
        assert_eq!(counted(&[vmstat, mount, group, events]), 2);
        assert_eq!(counted(&[vmstat, mount, group]), 9);
        assert_eq!(counted(&[]), 0);
    }

    #[cfg(feature = "video")]
    #[test]
    fn what_quotas_kept_back_is_summed_over_the_groups_that_count_it() {
        let mount = ("proc/self/mountinfo", V2_MOUNT);
        let group = ("proc/self/cgroup", "0::/slice/job\n");
        let throttled = |text: &[_]| throttled_s_under(files(text).path());
        let outer = (
            "sys/fs/cgroup/slice/cpu.stat",
            "usage_usec 5\nnr_throttled 3\nthrottled_usec 250000\n",
        );
        let inner = (
            "sys/fs/cgroup/slice/job/cpu.stat",
            "usage_usec 5\nthrottled_usec 500000\n",
        );
        assert_eq!(throttled(&[mount, group, outer, inner]), Some(0.75));
        assert_eq!(throttled(&[mount, group]), None);
        let version_1 = [
            ("proc/self/cgroup", "4:cpu:/\n"),
            (
                "proc/self/mountinfo",
                "35 31 0:32 / /cpu rw - cgroup cgroup rw,cpu\n",
            ),
            (
                "cpu/cpu.stat",
                "nr_throttled 1\nthrottled_time 2000000000\n",
            ),
        ];
        assert_eq!(throttled(&version_1), Some(2.0));
    }

    #[test]
    fn a_machine_without_groups_has_no_bounds() {
        assert_eq!(machine(&[]), Cgroup::default());
    }
}
