//! How fast several threads together read and copy memory.

use super::kernels::{COPIES, READS};
use crate::clock::{self, Nanos};
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

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
/// over buffers of its own that it has touched before.
pub(super) fn measure(threads: usize) -> Bandwidth {
    let words = buffer_bytes() / threads / 8;
    let bytes = (words * 8 * threads) as f64;
    let barrier = Barrier::new(threads);
    let over = AtomicBool::new(false);
    let started = clock::now();

    let work = |leads: bool| {
        let from = vec![1u64; words];
        let mut to = vec![2u64; words];
        let mut spans = Vec::new();
        let mut timed = |action: &mut dyn FnMut()| {
            barrier.wait();
            let begin = clock::now();
            action();
            spans.push((begin, clock::now()));
        };
        for round in 0..ROUNDS {
            // The leader decides before a barrier, the others read the decision after it, and
            // nothing is decided until all have met again: every thread does the same rounds.
            if leads {
                over.store(
                    round > 1 && clock::now() - started > BUDGET,
                    Ordering::Relaxed,
                );
            }
            barrier.wait();
            if over.load(Ordering::Relaxed) {
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
    };
    let spans: Vec<Vec<(Nanos, Nanos)>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(false))).collect();
        let mine = work(true);
        let joined = others.into_iter().filter_map(|other| other.join().ok());
        std::iter::once(mine).chain(joined).collect()
    });

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

/// The bytes that all threads read together, and again as many that they write: four times the
/// last cache, so that little of it is still there when a round comes back to it; from 64 MiB to
/// 384 MiB, and never more than an eighth of the memory that is free.
fn buffer_bytes() -> usize {
    let cache = super::super::machine::last_cache_bytes().unwrap_or(32 << 20);
    let wanted = (4 * cache).clamp(64 << 20, 384 << 20);
    let free = super::super::machine::meminfo("MemAvailable").unwrap_or(u64::MAX);
    wanted.min(free / 8).max(1 << 20) as usize
}
