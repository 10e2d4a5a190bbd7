//! What else went on in the machine while something was measured, and whether the processor was
//! itself.
//!
//! A benchmark is as quiet as the machine it runs on. What the kernel counts anyway is read before
//! and after ([`NoiseProbe`]); judging it is left to whoever shows the figures. What a machine does
//! not count is none.
//!
//! ```
//! use framehaul::measure::{NoiseProbe, Usage};
//! let (probe, before) = (NoiseProbe::start(), Usage::of_self());
//! let noise = probe.finish(&(Usage::of_self() - before));
//! assert!(noise.stolen_s.is_none_or(|stolen| stolen >= 0.0));
//! assert!(noise.steps_per_us > 0.0);
//! ```

use super::{Usage, cgroup};
use crate::clock;
use crate::sys::time::ticks_a_second;
use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::hint::black_box;
use std::path::Path;

/// What disturbed a measurement, or may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Noise {
    /// Processor seconds that the hypervisor gave to other machines while there was work here.
    pub stolen_s: Option<f64>,
    /// Processor seconds of everybody else on this machine, on the processors that this process may
    /// run on. The kernel counts in steps of a hundredth of a second: of a short time, or of a quiet
    /// one, it may be a little less than nothing.
    pub others_s: Option<f64>,
    /// Seconds for which the control group's quota kept its processes from running, summed over
    /// processors.
    pub throttled_s: Option<f64>,
    /// Times that a processor or its package was slowed down because it was hot.
    pub heat_throttles: Option<u64>,
    /// Seconds in which some process of the machine waited for memory to be freed.
    pub memory_stall_s: Option<f64>,
    /// Seconds in which some process of the machine waited for a disk.
    pub io_stall_s: Option<f64>,
    /// How fast the processor is: steps of arithmetic that each need the one before, in a microsecond,
    /// when all was over. One that is throttled, or saves power, makes fewer; what else runs does not
    /// matter. Only to be compared with other times on the same machine.
    pub steps_per_us: f64,
}

/// From these shares on, of the processors' time, something is worth a word.
const STOLEN: f64 = 0.02;
const THROTTLED: f64 = 0.01;

/// Cores' worth of other programs, and seconds: the kernel counts in hundredths.
const OTHERS_CORES: f64 = 0.1;
const OTHERS_S: f64 = 0.1;

impl Noise {
    /// How many cores other programs kept busy on average, over `wall_s` seconds; none if that is less than a
    /// tenth of one, or a tenth of a second.
    pub fn busy_others(&self, wall_s: f64) -> Option<f64> {
        let seconds = self.others_s.filter(|&seconds| seconds >= OTHERS_S)?;
        worth(seconds / wall_s, OTHERS_CORES)
    }

    /// The share of the time of so many processors, over `wall_s` seconds, that the hypervisor gave to other
    /// machines; none if that is below 2 %.
    pub fn stolen_share(&self, wall_s: f64, processors: usize) -> Option<f64> {
        worth(self.stolen_s? / of_all(wall_s, processors), STOLEN)
    }

    /// The share of the time of so many processors, over `wall_s` seconds, that a control group's quota kept
    /// from its processes; none if that is below 1 %.
    pub fn throttled_share(&self, wall_s: f64, processors: usize) -> Option<f64> {
        worth(self.throttled_s? / of_all(wall_s, processors), THROTTLED)
    }
}

/// Not what is not a number, either, as a share of no time is.
fn worth(share: f64, least: f64) -> Option<f64> {
    (share >= least && share.is_finite()).then_some(share)
}

fn of_all(wall_s: f64, processors: usize) -> f64 {
    wall_s * processors.max(1) as f64
}

/// A reading before, to be compared with one after.
#[derive(Debug)]
pub struct NoiseProbe {
    before: Counters,
    begin: clock::Nanos,
    own: Usage,
}

impl NoiseProbe {
    /// Reads what is counted; a fraction of a millisecond.
    pub fn start() -> Self {
        Self {
            before: Counters::under(Path::new("/")),
            begin: clock::now(),
            own: own_usage(),
        }
    }

    /// What has happened since, of which this process and its workers used `own`.
    pub fn finish(self, own: &Usage) -> Noise {
        let after = Counters::under(Path::new("/"));
        Noise {
            steps_per_us: steps_per_us(),
            ..self.before.until(after, own)
        }
    }

    /// The same where all workers have ended, and for how many seconds it went on: what this process and
    /// they used is known then.
    pub fn finish_after_workers(self) -> (Noise, f64) {
        let used = own_usage() - self.own;
        let seconds = (clock::now() - self.begin) as f64 / 1e9;
        (self.finish(&used), seconds)
    }
}

/// Of this process and of its children that have ended.
fn own_usage() -> Usage {
    Usage::of_self() + Usage::of_ended_children()
}

/// What the kernel counts, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counters {
    busy_s: Option<f64>,
    stolen_s: Option<f64>,
    throttled_s: Option<f64>,
    heat_throttles: Option<u64>,
    memory_stall_s: Option<f64>,
    io_stall_s: Option<f64>,
}

impl Counters {
    /// Of the machine whose `/proc` and `/sys` are below `root`, so that any can be imitated.
    fn under(root: &Path) -> Self {
        let read = |path: &str| read_to_string(root.join(path)).ok();
        let status = read("proc/self/status").unwrap_or_default();
        let allowed = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let allowed = cpu_list(allowed.unwrap_or_default());
        let processors = read("proc/stat").and_then(|stat| processor_time(&stat, &allowed));
        let stalled = |what: &str| stall(&read(&format!("proc/pressure/{what}"))?);
        Self {
            busy_s: processors.map(|time| time.busy_s),
            stolen_s: processors.map(|time| time.stolen_s),
            throttled_s: cgroup::throttled_s_under(root),
            heat_throttles: heat_throttles(root, &allowed),
            memory_stall_s: stalled("memory"),
            io_stall_s: stalled("io"),
        }
    }

    fn until(self, after: Self, own: &Usage) -> Noise {
        let grown = |before: Option<f64>, after: Option<f64>| Some((after? - before?).max(0.0));
        let heat = self.heat_throttles.zip(after.heat_throttles);
        Noise {
            stolen_s: grown(self.stolen_s, after.stolen_s),
            // Never less than nothing in truth; but what is cut off at nothing no longer averages out.
            others_s: grown(self.busy_s, after.busy_s)
                .map(|busy| busy - (own.user_s + own.system_s)),
            throttled_s: grown(self.throttled_s, after.throttled_s),
            heat_throttles: heat.map(|(before, after)| after.saturating_sub(before)),
            memory_stall_s: grown(self.memory_stall_s, after.memory_stall_s),
            io_stall_s: grown(self.io_stall_s, after.io_stall_s),
            steps_per_us: 0.0,
        }
    }
}

/// Processor time by who had it, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ProcessorTime {
    busy_s: f64,
    stolen_s: f64,
}

/// Sums over the processors that are `allowed` what `/proc/stat` says of each.
fn processor_time(stat: &str, allowed: &[usize]) -> Option<ProcessorTime> {
    let mut found = None;
    for line in stat.lines() {
        let Some(rest) = line.strip_prefix("cpu") else {
            continue;
        };
        // The first line, without a number, is of all processors.
        let (number, ticks) = rest.split_once(' ')?;
        if !number.parse().is_ok_and(|cpu| allowed.contains(&cpu)) {
            continue;
        }
        let ticks: Vec<u64> = ticks
            .split_whitespace()
            .map_while(|n| n.parse().ok())
            .collect();
        let [user, nice, system, _idle, _io, irq, soft_irq, stolen, ..] = ticks[..] else {
            return None;
        };
        let seconds = |ticks: u64| ticks as f64 / ticks_a_second();
        let time = found.get_or_insert(ProcessorTime {
            busy_s: 0.0,
            stolen_s: 0.0,
        });
        time.busy_s += seconds(user + nice + system + irq + soft_irq);
        time.stolen_s += seconds(stolen);
    }
    found
}

/// The processors of a list as the kernel writes it: `0-2,5`.
fn cpu_list(text: &str) -> Vec<usize> {
    let ranges = text.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    });
    ranges.flatten().collect()
}

/// Seconds in which somebody waited, by a file of `/proc/pressure`.
fn stall(pressure: &str) -> Option<f64> {
    let some = pressure.lines().find(|line| line.starts_with("some "))?;
    let total = some.split(' ').find_map(|word| word.strip_prefix("total="));
    Some(total?.parse::<u64>().ok()? as f64 / 1e6)
}

/// How often any of these processors was slowed down for heat; none where nobody counts.
fn heat_throttles(root: &Path, allowed: &[usize]) -> Option<u64> {
    let counters = allowed.iter().flat_map(|cpu| {
        ["core_throttle_count", "package_throttle_count"]
            .map(|file| format!("sys/devices/system/cpu/cpu{cpu}/thermal_throttle/{file}"))
    });
    let counted = counters.filter_map(|path| {
        let text = read_to_string(root.join(path)).ok()?;
        text.trim().parse::<u64>().ok()
    });
    counted.reduce(|sum, one| sum + one)
}

/// Whatever else goes on makes the processor seem slower, so the fastest of some short windows counts:
/// together half a millisecond.
fn steps_per_us() -> f64 {
    const WINDOWS: usize = 6;
    const STEPS: u64 = 50_000;
    let fastest = (0..WINDOWS)
        .map(|_| {
            let begin = clock::now();
            black_box(steps(black_box(3), STEPS));
            clock::now() - begin
        })
        .min()
        .unwrap_or(0);
    1e3 * STEPS as f64 / fastest.max(1) as f64
}

#[inline(never)]
fn steps(start: u64, count: u64) -> u64 {
    (0..count).fold(start, |state, i| {
        (state ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine as far as this module can tell: files by path.
    fn machine(files: &[(&str, &str)]) -> Counters {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Counters::under(root.path())
    }

    const STATUS: (&str, &str) = ("proc/self/status", "Name: x\nCpus_allowed_list:\t1-2\n");

    #[test]
    fn time_is_counted_on_the_processors_that_one_may_use() {
        let hundredths = 100.0 / ticks_a_second();
        let stat = "cpu  999 999 999 999 999 999 999 999 0 0\n\
                    cpu0 500 0 0 0 0 0 0 500 0 0\n\
                    cpu1 100 20 30 9000 50 1 2 7 0 0\n\
                    cpu2 200 0 0 9000 0 0 0 3 0 0\n\
                    intr 5 6 7\n";
        let counted = machine(&[STATUS, ("proc/stat", stat)]);
        let is = |found: Option<f64>, s: f64| (found.unwrap() - s * hundredths).abs() < 1e-9;
        assert!(
            is(counted.busy_s, 3.53) && is(counted.stolen_s, 0.10),
            "{counted:?}"
        );
        assert_eq!(cpu_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(cpu_list(""), [0; 0]);
    }

    #[test]
    fn heat_is_counted_where_there_are_counters_and_waiting_by_the_pressure_files() {
        let folder = "sys/devices/system/cpu/cpu1/thermal_throttle";
        let counted = machine(&[
            STATUS,
            (&format!("{folder}/core_throttle_count"), "4\n"),
            (&format!("{folder}/package_throttle_count"), "3\n"),
            (
                "proc/pressure/memory",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=7\n",
            ),
            ("proc/pressure/io", "some avg10=0.00 total=500000\n"),
        ]);
        assert_eq!(counted.heat_throttles, Some(7));
        assert_eq!(counted.memory_stall_s, Some(2.5));
        assert_eq!(counted.io_stall_s, Some(0.5));
    }

    #[test]
    fn a_machine_that_counts_nothing_has_no_noise_to_show() {
        assert_eq!(machine(&[]), Counters::default());
        let none = Counters::default().until(Counters::default(), &Usage::NONE);
        assert_eq!(none, Noise::default());
    }

    #[test]
    fn what_this_process_used_itself_is_not_somebody_elses() {
        let before = Counters {
            busy_s: Some(10.0),
            stolen_s: Some(1.0),
            heat_throttles: Some(2),
            ..Counters::default()
        };
        let after = Counters {
            busy_s: Some(14.0),
            stolen_s: Some(1.5),
            heat_throttles: Some(2),
            ..Counters::default()
        };
        let own = Usage {
            user_s: 2.0,
            system_s: 1.0,
            ..Usage::NONE
        };
        let noise = before.until(after, &own);
        assert_eq!(noise.others_s, Some(1.0));
        assert_eq!(noise.stolen_s, Some(0.5));
        assert_eq!(noise.heat_throttles, Some(0));
        assert_eq!(noise.throttled_s, None);
    }

    /// The chain is really walked: twice the steps are another number, and none are none.
    #[test]
    fn every_step_needs_the_one_before() {
        assert_eq!(steps(3, 0), 3);
        assert_eq!(steps(3, 2), steps(steps(3, 1) ^ 1, 1));
    }
}
