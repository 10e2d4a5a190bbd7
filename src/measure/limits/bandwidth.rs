//! How fast several threads together read and copy memory.

use super::super::machine::last_cache_bytes;
use super::super::memory::available_memory;
use super::kernels::{COPIES, READS};
use crate::clock::{self, Nanos};
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

/// Bytes a second over all threads, in 1e9.
pub(super) struct Bandwidth {
    pub(super) read_gb_per_s: f64,
    pub(super) copy_gb_per_s: f64,
}

/// After this long no further round is begun.
const BUDGET: Nanos = 700_000_000;

/// The most rounds; each tries every way once.
const ROUNDS: usize = 12;

/// The best of several rounds of every way to read and to copy, `threads` threads at once, each
/// over buffers of its own that it has touched before. None where there is no memory for buffers
/// that are well above the cache: what came of smaller ones would be no limit of memory.
///
/// # Errors
/// If so many threads cannot be started.
pub(super) fn measure(threads: usize) -> io::Result<Option<Bandwidth>> {
    let cache = last_cache_bytes().unwrap_or(32 << 20);
    let Some(bytes) = buffer_bytes(cache, available_memory()) else {
        return Ok(None);
    };
    let words = bytes as usize / threads / 8;
    let rounds = Rounds {
        barrier: Barrier::new(threads),
        over: AtomicBool::new(false),
        started: clock::now(),
    };
    let spans = thread::scope(|scope| {
        // All threads are there before any of them measures, or nobody would meet at the barrier;
        // and before there are buffers, which could leave no room for their stacks.
        let mut runners = Vec::new();
        for number in 0..threads {
            let (give, given) = mpsc::channel::<Buffers>();
            let rounds = &rounds;
            let run = move || Some(rounds.run(given.recv().ok()?, number == 0));
            let thread = thread::Builder::new().spawn_scoped(scope, run)?;
            runners.push((give, thread));
        }
        let buffers: Option<Vec<_>> = (0..threads).map(|_| Buffers::reserve(words)).collect();
        // Threads that are given none end.
        let Some(buffers) = buffers else {
            return Ok(None);
        };
        for ((give, _), buffers) in runners.iter().zip(buffers) {
            let _ = give.send(buffers);
        }
        let threads = runners.into_iter().map(|(_, thread)| thread);
        let spans = threads.filter_map(|thread| thread.join().ok()?);
        io::Result::Ok(Some(spans.collect::<Vec<_>>()))
    })?;
    Ok(spans.map(|spans| best(&spans, (words * 8 * threads) as f64)))
}

/// When each way began and ended in one thread, round after round.
type Spans = Vec<(Nanos, Nanos)>;

/// What the threads share.
struct Rounds {
    barrier: Barrier,
    over: AtomicBool,
    started: Nanos,
}

impl Rounds {
    /// One thread's part; one of them `leads`.
    fn run(&self, buffers: Buffers, leads: bool) -> Spans {
        let [from, mut to] = buffers.touched();
        let mut spans = Vec::new();
        let mut timed = |action: &mut dyn FnMut()| {
            self.barrier.wait();
            let begin = clock::now();
            action();
            spans.push((begin, clock::now()));
        };
        for round in 0..ROUNDS {
            // The leader decides before a barrier, the others read the decision after it, and
            // nothing is decided until all have met again: every thread does the same rounds.
            if leads {
                let over = round > 1 && clock::now() - self.started > BUDGET;
                self.over.store(over, Ordering::Relaxed);
            }
            self.barrier.wait();
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            for read in READS {
                timed(&mut || {
                    black_box(read(black_box(&from)));
                });
            }
            for copy in COPIES {
                timed(&mut || copy(black_box(&mut to), black_box(&from)));
            }
        }
        spans
    }
}

/// The best round of each kind, from the first thread's begin to the last one's end.
fn best(spans: &[Spans], bytes: f64) -> Bandwidth {
    let mut best = [0.0f64; 2];
    for index in 0..spans[0].len() {
        let all = || spans.iter().map(|of_thread| of_thread[index]);
        let begin = all().map(|span| span.0).min().unwrap_or(0);
        let end = all().map(|span| span.1).max().unwrap_or(0);
        let kind = usize::from(index % (READS.len() + COPIES.len()) >= READS.len());
        // Bytes a nanosecond are 1e9 bytes a second.
        best[kind] = best[kind].max(bytes / (end - begin).max(1) as f64);
    }
    let [read_gb_per_s, copy_gb_per_s] = best;
    Bandwidth {
        read_gb_per_s,
        copy_gb_per_s,
    }
}

/// What one thread reads, and what it writes.
struct Buffers {
    room: [Vec<u64>; 2],
    words: usize,
}

impl Buffers {
    /// None where the system does not grant them, as beyond a limit of address space.
    fn reserve(words: usize) -> Option<Self> {
        let room = || {
            let mut room = Vec::new();
            room.try_reserve_exact(words).ok()?;
            Some(room)
        };
        Some(Self {
            room: [room()?, room()?],
            words,
        })
    }

    /// Written, by the thread that will use them: that is where their pages are then.
    fn touched(self) -> [Vec<u64>; 2] {
        self.room.map(|mut room| {
            room.resize(self.words, 1);
            room
        })
    }
}

/// The bytes that all threads read together, and again as many that they write: four times the
/// last cache, so that little of it is still there when a round comes back to it; from 64 MiB to
/// 384 MiB where twice the cache is not more. None where that is less than twice the cache because
/// all buffers together are to leave half of the memory that is available.
fn buffer_bytes(cache: u64, available: u64) -> Option<u64> {
    let least = 2 * cache;
    let wanted = (4 * cache).clamp(64 << 20, 384 << 20).max(least);
    let bytes = wanted.min(available / 4);
    (bytes >= least).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_well_above_the_cache_and_leave_half_of_the_memory_to_others() {
        const MIB: u64 = 1 << 20;
        for (cache, available, bytes) in [
            (36, 16_384, Some(144)),
            (8, 16_384, Some(64)),
            (128, 16_384, Some(384)),
            (512, 16_384, Some(1024)),
            (36, 400, Some(100)),
            (36, 288, Some(72)),
            (36, 287, None),
            (36, 60, None),
        ] {
            let found = buffer_bytes(cache * MIB, available * MIB);
            assert_eq!(
                found,
                bytes.map(|bytes| bytes * MIB),
                "{cache}, {available}"
            );
        }
    }

    #[test]
    fn buffers_that_the_system_does_not_grant_are_none() {
        assert!(Buffers::reserve(1 << 58).is_none());
        let [from, to] = Buffers::reserve(10).unwrap().touched();
        assert_eq!((from.len(), to.len()), (10, 10));
    }
}
