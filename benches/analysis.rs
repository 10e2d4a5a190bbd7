//! How near each analyzer comes to the speed at which this machine reads memory.
//!
//! ```text
//! cargo bench --bench analysis            # 4K, some seconds
//! cargo bench --bench analysis -- --quick # fewer rounds
//! cargo bench --bench analysis -- luma    # only what has this in its name
//! ```
//!
//! The floor is a plain sum over the same frames, on as many threads, measured just before and
//! just after each figure; each is the best of its rounds.

use framehaul::analysis::{Analysis, Engine, Reads, registry};
use framehaul::frame::{Colour, FrameFormat, FrameView, Sample};
use framehaul::sys::simd::{Kernel, vectorised};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    // Cargo itself adds `--bench`.
    let wanted = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"));
    let rounds = if quick { 3 } else { 12 };
    let rgb16 = FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16);
    let gray8 = FrameFormat::new(3840, 2160, Colour::Gray, Sample::U8);
    // Both are more than any processor's cache holds.
    let sets = [FrameSet::random(rgb16, 6), FrameSet::random(gray8, 24)];

    println!("analyzer     frames  threads     GB/s    floor   ratio  ms/frame");
    let read_rows = registry().iter().filter(|entry| entry.reads != Reads::Page);
    let mut lists: Vec<String> = read_rows.map(|entry| entry.usage()).collect();
    lists.push(lists.join(","));
    for list in lists {
        if wanted.is_some_and(|wanted| !list.contains(wanted.as_str())) {
            continue;
        }
        let analysis = Analysis::parse(&list).expect("registered analyzers");
        let name = if list.contains(',') {
            "all of them"
        } else {
            &list
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
        let (mut speed, mut floor) = (0_f64, 0_f64);
        for _ in 0..rounds {
            floor = floor.max(self.time(threads, || |_, frame| vectorised(Sum(frame))));
            speed = speed.max(self.time(threads, || {
                let mut engine = Engine::new(analysis, self.format);
                move |index, frame| {
                    let frame = FrameView::new(self.format, frame).expect("a whole frame");
                    engine.analyze(index, frame).len() as u64
                }
            }));
        }
        floor = floor.max(self.time(threads, || |_, frame| vectorised(Sum(frame))));
        (speed, floor)
    }

    /// Each thread goes over its own share of consecutive frames.
    fn time<W>(&self, threads: usize, worker: impl Fn() -> W + Sync) -> f64
    where
        W: FnMut(u64, &[u8]) -> u64,
    {
        let frames: Vec<_> = self.bytes.chunks_exact(self.format.bytes()).collect();
        let barrier = &std::sync::Barrier::new(threads + 1);
        let worker = &worker;
        let start = std::thread::scope(|scope| {
            for share in frames.chunks(frames.len() / threads) {
                scope.spawn(move || {
                    let mut work = worker();
                    // Once outside the time, so that working memory is there.
                    black_box(work(0, share[0]));
                    barrier.wait();
                    for (index, frame) in (1..).zip(share) {
                        black_box(work(index, frame));
                    }
                });
            }
            barrier.wait();
            Instant::now()
        });
        self.bytes.len() as f64 / start.elapsed().as_secs_f64() / 1e9
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
