//! How near each analyzer comes to the speed at which this machine reads memory.
//!
//! ```text
//! cargo bench --bench analysis            # 4K, some seconds
//! cargo bench --bench analysis -- --quick # fewer rounds
//! cargo bench --bench analysis -- luma    # only what has this in its name
//! ```
//!
//! The floor is a plain sum over the same frames, on as many threads, measured in alternation with
//! each analyzer. Both are made of each frame's shortest time in any round, so that what else the
//! machine does, which comes and goes, counts as little as it can.

use framehaul::analysis::{Analysis, Engine, Reads, registry};
use framehaul::frame::{Colour, FrameFormat, FrameView, Sample};
use framehaul::sys::simd::{Kernel, vectorised};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    // Cargo itself adds `--bench`.
    let wanted = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"));
    let rounds = if quick { 3 } else { 20 };
    let rgb16 = FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16);
    let gray8 = FrameFormat::new(3840, 2160, Colour::Gray, Sample::U8);
    // Both are more than any processor's cache holds.
    let sets = [FrameSet::random(rgb16, 6), FrameSet::random(gray8, 24)];

    println!("analyzer     frames  threads     GB/s    floor   ratio  ms/frame");
    let read_rows = registry().iter().filter(|entry| entry.reads != Reads::Page);
    let mut lists: Vec<String> = read_rows
        .map(|entry| entry.usage().replace("WxH", "64x36"))
        .collect();
    lists.push(lists.join(","));
    for list in lists {
        if wanted.is_some_and(|wanted| !list.contains(wanted.as_str())) {
            continue;
        }
        let analysis = Analysis::parse(&list).expect("registered analyzers");
        let name = if list.contains(',') {
            "all of them"
        } else {
            list.split(':').next().unwrap_or_default()
        };
        for set in &sets {
            for threads in [1, 2] {
                let (speed, floor) = set.race(rounds, threads, &analysis);
                let pixels = set.format.pixel_name();
                let ratio = speed / floor;
                let ms = set.format.bytes() as f64 * threads as f64 / speed / 1e6;
                println!(
                    "{name:12} {pixels:7} {threads:6} {speed:9.2} {floor:8.2} {ratio:7.2} {ms:9.2}"
                );
            }
        }
    }
}

struct FrameSet {
    format: FrameFormat,
    bytes: Vec<u8>,
}

impl FrameSet {
    fn random(format: FrameFormat, frames: usize) -> Self {
        let mut state = 1_u64;
        let mut bytes = vec![0; frames * format.bytes()];
        for word in bytes.as_chunks_mut::<8>().0 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *word = state.to_le_bytes();
        }
        Self { format, bytes }
    }

    /// The analysis' bytes a second and those of the floor, in 1e9.
    fn race(&self, rounds: usize, threads: usize, analysis: &Analysis) -> (f64, f64) {
        let frames = self.bytes.len() / self.format.bytes();
        let (mut analysed, mut read) = (vec![u64::MAX; frames], vec![u64::MAX; frames]);
        for _ in 0..rounds {
            self.time(threads, &mut read, || |_, frame| vectorised(Sum(frame)));
            self.time(threads, &mut analysed, || {
                let mut engine = Engine::new(analysis, self.format);
                move |index, frame| {
                    let frame = FrameView::new(self.format, frame).expect("a whole frame");
                    engine.analyze(index, frame).len() as u64
                }
            });
        }
        let speed = |times: &[u64]| {
            let mean = times.iter().sum::<u64>() as f64 / threads as f64;
            self.bytes.len() as f64 / mean
        };
        (speed(&analysed), speed(&read))
    }

    /// Each thread goes over its own share of consecutive frames, and shortens the nanoseconds of
    /// those that it did faster than ever.
    fn time<W>(&self, threads: usize, shortest: &mut [u64], worker: impl Fn() -> W + Sync)
    where
        W: FnMut(u64, &[u8]) -> u64,
    {
        let frames: Vec<_> = self.bytes.chunks_exact(self.format.bytes()).collect();
        let barrier = &Barrier::new(threads);
        let (worker, share) = (&worker, frames.len() / threads);
        std::thread::scope(|scope| {
            for (frames, shortest) in frames.chunks(share).zip(shortest.chunks_mut(share)) {
                scope.spawn(move || {
                    let mut work = worker();
                    // Once outside the time, so that working memory is there.
                    black_box(work(0, frames[0]));
                    barrier.wait();
                    for (index, (frame, shortest)) in (1..).zip(frames.iter().zip(shortest)) {
                        let start = Instant::now();
                        black_box(work(index, frame));
                        *shortest = (*shortest).min(start.elapsed().as_nanos() as u64);
                    }
                });
            }
        });
    }
}

/// The plainest way to read memory.
struct Sum<'a>(&'a [u8]);

impl Kernel for Sum<'_> {
    type Output = u64;
    #[inline(always)]
    fn run(self) -> u64 {
        let words = self.0.as_chunks().0.iter();
        words.fold(0, |sum: u64, word| {
            sum.wrapping_add(u64::from_ne_bytes(*word))
        })
    }
}
