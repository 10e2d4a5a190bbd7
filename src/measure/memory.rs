//! Peak memory over several processes.
//!
//! `/proc/PID/status` counts what a process has in memory by kind without walking its page
//! tables, which the more detailed `smaps` does: reading it takes the kernel some 20 µs.
//!
//! ```
//! use framehaul::measure::MemorySampler;
//! let sampler = MemorySampler::start(Vec::new);
//! let peak = sampler.finish();
//! assert!(peak.anon_bytes > 0);
//! ```

use super::Timeline;
use crate::clock::{Nanos, now};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of memory that new work may use: what the machine has left without swapping, or less
/// where a control group allows less. All that can be said where the kernel says nothing is
/// [`u64::MAX`].
pub fn available_memory() -> u64 {
    let machine = super::machine::meminfo("MemAvailable").unwrap_or(u64::MAX);
    let group = super::Cgroup::of_self().memory;
    group.map_or(machine, |group| machine.min(group.left_bytes()))
}

/// The highest sums seen over all sampled processes.
///
/// A page that several processes share is counted once for each of them that has touched it. Pages of
/// mapped files are in neither figure: they are the page cache's, and go when memory is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemoryPeak {
    /// Anonymous memory (RssAnon).
    pub anon_bytes: u64,
    /// Shared memory (RssShmem).
    pub shared_bytes: u64,
}

impl MemoryPeak {
    /// The higher of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            anon_bytes: self.anon_bytes.max(other.anon_bytes),
            shared_bytes: self.shared_bytes.max(other.shared_bytes),
        }
    }
}

/// Memory over the time of sampling: the highest sums of each interval, 0 where no sample fell.
#[derive(Clone, Debug)]
pub struct MemoryCourse {
    /// When sampling began.
    pub begun: Nanos,
    /// Counted from then on.
    pub timeline: Timeline<MemoryPeak>,
}

impl MemoryCourse {
    fn begin() -> Self {
        Self {
            begun: now(),
            timeline: Timeline::default(),
        }
    }

    /// The highest of all.
    pub fn peak(&self) -> MemoryPeak {
        let all = self.timeline.intervals().iter();
        all.fold(MemoryPeak::default(), |peak, one| peak.max(*one))
    }

    fn add(&mut self, sample: MemoryPeak) {
        let at = self.timeline.at(now() - self.begun);
        *at = at.max(sample);
    }
}

/// A thread that samples `/proc/PID/status` of this process and others.
///
/// It takes a sample every 15 ms, and fewer where a sample is slow, so that it never takes a
/// hundredth of a core. What rises and falls between two samples is not seen.
#[derive(Debug)]
pub struct MemorySampler {
    /// Dropped to wake the thread and end it.
    stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<MemoryCourse>>,
    latest: LatestMemory,
}

/// What a [`MemorySampler`] has seen last, for any thread that wants to know.
#[derive(Clone, Debug, Default)]
pub struct LatestMemory(Arc<[AtomicU64; 2]>);

impl LatestMemory {
    /// The sums of the last sample.
    pub fn get(&self) -> MemoryPeak {
        // Relaxed: two figures of one sample or of two that follow each other, as good as either.
        let [anon, shared] = &*self.0;
        MemoryPeak {
            anon_bytes: anon.load(Ordering::Relaxed),
            shared_bytes: shared.load(Ordering::Relaxed),
        }
    }

    fn set(&self, sample: MemoryPeak) {
        let [anon, shared] = &*self.0;
        anon.store(sample.anon_bytes, Ordering::Relaxed);
        shared.store(sample.shared_bytes, Ordering::Relaxed);
    }
}

impl MemorySampler {
    /// Starts sampling this process and whatever `pids` returns at each sample. A process that
    /// is gone counts as 0. The first sample is taken before this returns: [`Self::latest`] has it.
    pub fn start(pids: impl Fn() -> Vec<u32> + Send + 'static) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let latest = LatestMemory::default();
        let mut readers = Readers::default();
        let mut course = MemoryCourse::begin();
        let first = readers.sample(&pids());
        latest.set(first);
        course.add(first);
        let shown = latest.clone();
        // Where the thread cannot be started, only the last sample is taken; see `finish`.
        let thread = std::thread::Builder::new()
            .name("memory".into())
            .spawn(move || sample_until(&stopped, &pids, readers, course, &shown))
            .ok();
        Self {
            stop,
            thread,
            latest,
        }
    }

    /// What was seen last, also by others and also later on.
    pub fn latest(&self) -> LatestMemory {
        self.latest.clone()
    }

    /// One last sample, then the peak since the start; the thread is gone.
    pub fn finish(self) -> MemoryPeak {
        self.finish_with_course().peak()
    }

    /// The same, with what led to it.
    pub fn finish_with_course(self) -> MemoryCourse {
        drop(self.stop);
        let seen = self.thread.and_then(|thread| thread.join().ok());
        // Without a thread there is still the present: this process alone.
        seen.unwrap_or_else(|| {
            let mut course = MemoryCourse::begin();
            course.add(Readers::default().sample(&[]));
            course
        })
    }
}

fn sample_until(
    stopped: &mpsc::Receiver<()>,
    pids: &impl Fn() -> Vec<u32>,
    mut readers: Readers,
    mut course: MemoryCourse,
    latest: &LatestMemory,
) -> MemoryCourse {
    const INTERVAL: Duration = Duration::from_millis(15);
    let mut pause = INTERVAL;
    loop {
        let is_over = stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout);
        let begun = Instant::now();
        let sample = readers.sample(&pids());
        latest.set(sample);
        course.add(sample);
        if is_over {
            return course;
        }
        pause = INTERVAL.max(begun.elapsed() * 100);
    }
}

/// The open status files: reading one again is cheaper than opening it.
#[derive(Default)]
struct Readers {
    open: HashMap<u32, File>,
    text: Vec<u8>,
}

impl Readers {
    /// The sums now, over this process and `pids`, each counted once.
    fn sample(&mut self, pids: &[u32]) -> MemoryPeak {
        let mut all = pids.to_vec();
        all.push(std::process::id());
        all.sort_unstable();
        all.dedup();
        self.open.retain(|pid, _| all.binary_search(pid).is_ok());
        all.into_iter().fold(MemoryPeak::default(), |sum, pid| {
            let one = self.read(pid).unwrap_or_default();
            MemoryPeak {
                anon_bytes: sum.anon_bytes + one.anon_bytes,
                shared_bytes: sum.shared_bytes + one.shared_bytes,
            }
        })
    }

    /// One process; none if it is gone, or is a zombie, whose memory is.
    fn read(&mut self, pid: u32) -> Option<MemoryPeak> {
        self.text.resize(4096, 0);
        let file = match self.open.entry(pid) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(new) => new.insert(File::open(format!("/proc/{pid}/status")).ok()?),
        };
        // An open file keeps meaning the process it was opened for, even if its number is taken
        // by another: then reading it fails and the next sample opens it anew.
        let Ok(length) = file.read_at(&mut self.text, 0) else {
            self.open.remove(&pid);
            return None;
        };
        let text = &self.text[..length];
        Some(MemoryPeak {
            anon_bytes: kilobytes(text, b"\nRssAnon:")? * 1024,
            shared_bytes: kilobytes(text, b"\nRssShmem:")? * 1024,
        })
    }
}

/// The number after `key` in a status file.
fn kilobytes(text: &[u8], key: &[u8]) -> Option<u64> {
    let at = text.windows(key.len()).position(|window| window == key)?;
    let number = text[at + key.len()..]
        .iter()
        .skip_while(|byte| byte.is_ascii_whitespace())
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0'));
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn memory_held_while_sampling_is_in_the_peak() {
        let held = std::hint::black_box(vec![1u8; 64 << 20]);
        let peak = MemorySampler::start(Vec::new).finish();
        // Whatever other tests of this process hold or free meanwhile, this stands.
        assert!(peak.anon_bytes >= held.len() as u64, "{peak:?}");
    }

    #[test]
    fn a_process_that_is_gone_counts_as_nothing() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .spawn()
            .expect("cat starts");
        let pid = child.id();
        let mut readers = Readers::default();
        assert!(readers.read(pid).is_some_and(|one| one.anon_bytes > 0));
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        assert_eq!(readers.read(pid), None);
        assert!(readers.open.is_empty());
    }

    #[test]
    fn finishing_does_not_wait_for_the_next_sample() {
        let (asked, counted) = mpsc::channel();
        let sampler = MemorySampler::start(move || {
            let _ = asked.send(());
            Vec::new()
        });
        counted.recv().expect("a first sample at once");
        sampler.finish();
        // The last sample was taken, and the thread, which owned the sender, is gone.
        assert!(counted.iter().count() >= 1);
    }

    #[test]
    fn status_lines_are_read_by_their_names() {
        let text = b"VmRSS:\t 9 kB\nRssAnon:\t    1234 kB\nRssFile:\t 5 kB\nRssShmem:\t7 kB\n";
        assert_eq!(kilobytes(text, b"\nRssAnon:"), Some(1234));
        assert_eq!(kilobytes(text, b"\nRssShmem:"), Some(7));
        assert_eq!(kilobytes(text, b"\nRssNone:"), None);
    }
}
