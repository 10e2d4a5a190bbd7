//! 4K frames to workers at thirty a second, as pixels and as file names.

use crate::error::Result;
use crate::frame::FrameFormat;
use crate::lab::frames::{self, Arm, FOUR_K, frames_per_second};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::measure::Limits;
use crate::pipeline::{FrameJob, Outcome};
use crate::pool::worker;
use crate::report::units::{list, plural};

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "video-pipeline",
    lecture: 26,
    slides: &[3],
    claim: "4K video frame ≈ 50 MB NumPy array. Sending frames to workers: 50 MB × 30 fps = 1.5 \
            GB/second through serialization. System becomes memory-bound — parallelism makes it \
            SLOWER. Correct design: send file paths (bytes) → workers read from disk independently",
    // Four workers' payloads, and the frames in the page cache.
    memory: |_| 4_500_000_000,
    workers: &[worker::enter::<FrameJob>, Limits::serve_helper],
    run: |bench| {
        let tiny = FrameFormat::new(64, 36, FOUR_K.colour, FOUR_K.sample);
        let format = if bench.is_rehearsal() { tiny } else { FOUR_K };
        Ok(judge(&measure(bench, format, bench.pick(8, 16))?))
    },
};

const FPS: f64 = 30.0;

/// Rates in frames a second.
#[derive(Clone, Copy, Debug)]
struct Measured {
    frame_bytes: f64,
    processors: usize,
    sequential: f64,
    /// Bytes that cross to a worker with each frame of a payload.
    shipped: f64,
    /// With 1, 2 and 4 workers.
    payload: [Rate; 3],
    path: f64,
    mmap: f64,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    workers: usize,
    fps: f64,
    /// Processors that parent and workers kept busy.
    busy: f64,
    /// Bytes that can be copied a second by as many threads; none if there was no room to measure.
    memcpy: Option<f64>,
}

fn measure(bench: &Bench, format: FrameFormat, count: u64) -> Result<Measured> {
    let folder = bench.folder()?;
    let set = frames::set(bench, &folder, format, count)?;
    let arm = |mode, workers| Arm { mode, workers };
    let workers = bench.processors;
    let arms = [
        arm("sequential", None),
        arm("payload", Some(1)),
        arm("payload", Some(2)),
        arm("payload", Some(4)),
        arm("path", Some(workers)),
        arm("mmap", Some(workers)),
    ];
    // The first pass is that of fresh workers.
    let outcomes = frames::run(bench, &set, "luma", &arms, bench.pick([0, 1], [1, 3]))?;
    let fps: Vec<f64> = outcomes.iter().map(frames_per_second).collect();
    let rate = |at: usize| rate(&outcomes[at], fps[at]);
    Ok(Measured {
        frame_bytes: format.bytes() as f64,
        processors: workers,
        sequential: fps[0],
        shipped: outcomes[1].totals.shipped_bytes_per_frame,
        payload: [rate(1), rate(2), rate(3)],
        path: fps[4],
        mmap: fps[5],
    })
}

fn rate(outcome: &Outcome, fps: f64) -> Rate {
    let seconds = frames::seconds(outcome);
    Rate {
        workers: outcome.workload.workers,
        fps,
        busy: (outcome.usage.user_s + outcome.usage.system_s) / seconds,
        memcpy: outcome.limits.memcpy_gb_per_s.map(|speed| 1e9 * speed),
    }
}

/// How often a payload's bytes are copied, once read and once written each: out of the page cache
/// into the array; into the message, which is half as large again since a sample takes up to three
/// bytes; into the kernel and out of it; out of the message into the worker's array.
const COPIES: f64 = 1.0 + 1.25 + 2.0 * 1.5 + 1.25;

impl Rate {
    fn name(&self) -> String {
        format!("payload, {}", plural(self.workers as u64, "worker"))
    }

    /// How much of what the machine can copy is copied.
    fn share_of_memory(&self, frame_bytes: f64) -> Option<f64> {
        Some(COPIES * frame_bytes * self.fps / self.memcpy?)
    }
}

/// A clear difference: the lecture's own threshold.
const CLEAR: f64 = 1.2;

/// From such a share of what it can do at most, something is what bounds the rest.
const BOUND: f64 = 0.7;

/// Which of them have as many frames a second as are wanted.
fn keeping_up(arms: &[(String, f64)]) -> String {
    let enough = arms.iter().filter(|(_, fps)| *fps >= FPS);
    let names: Vec<_> = enough.map(|(name, _)| name.as_str()).collect();
    match names.len() {
        0 => format!("none has {FPS} frames a second"),
        all if all == arms.len() => format!("all have {FPS} frames a second"),
        _ => format!("{FPS} frames a second: {}", list(&names)),
    }
}

fn judge(measured: &Measured) -> Finding {
    let Measured {
        frame_bytes,
        sequential,
        shipped,
        payload,
        path,
        mmap,
        ..
    } = *measured;
    let arms = [
        ("sequential".to_owned(), sequential),
        (payload[0].name(), payload[0].fps),
        (payload[1].name(), payload[1].fps),
        (payload[2].name(), payload[2].fps),
        ("path".to_owned(), path),
        ("mmap".to_owned(), mmap),
    ];
    let best = payload
        .into_iter()
        .max_by(|a, b| a.fps.total_cmp(&b.fps))
        .unwrap_or(payload[0]);
    let slower = sequential / best.fps;
    let share = best.share_of_memory(frame_bytes);
    let busy = best.busy / measured.processors.min(best.workers + 1) as f64;
    let (is_memory_bound, bound) = match share {
        None => (
            None,
            "what bounds it cannot be told, since there was too little memory to measure what can be copied"
                .into(),
        ),
        Some(share) if share >= BOUND => (
            Some(true),
            format!(
                "memory bounds it ({:.0} % of what can be copied)",
                100.0 * share
            ),
        ),
        _ if busy >= BOUND => (
            Some(false),
            format!(
                "not memory bounds it but serialising, on {:.1} busy processors",
                best.busy
            ),
        ),
        _ => (
            Some(false),
            format!(
                "neither memory nor processors bound it ({:.1} busy): the rest is waiting",
                best.busy
            ),
        ),
    };
    // The design that is called correct is to be better than both others.
    let design = path / sequential.max(best.fps);
    let is_design = design >= CLEAR;
    let is_slower = slower >= CLEAR;
    // What bounds it is claimed of a payload that is slower.
    let is_bound = is_memory_bound.map(|is| Verdict::of(&[is && is_slower]));
    let verdict = Verdict::of_all(&[
        Verdict::of(&[is_slower]),
        Verdict::of(&[is_design]),
        is_bound.unwrap_or(Verdict::Untestable),
    ]);
    let because = format!(
        "the best payload, {}, has {:.1} frames a second, sequential {sequential:.1} \
         (×{slower:.1}), and {bound}; paths have {path:.1}, which {} (×{design:.2} over the better \
         of both), mapped spans {mmap:.1}; {}",
        plural(best.workers as u64, "worker"),
        best.fps,
        if is_design { "win" } else { "do not win" },
        keeping_up(&arms),
    );
    let (verdict, because) = verdict.in_parallel(measured.processors, because);
    let rate = |key, what, fps| Figure::new(key, what, Unit::PerSecond, fps);
    let mut figures = vec![
        Figure::new(
            "frame_bytes",
            "shipped with a frame, payload",
            Unit::Bytes,
            shipped,
        )
        .about(50e6),
        Figure::new(
            "bytes_per_s",
            "… in a second, the best payload",
            Unit::BytesPerSecond,
            shipped * best.fps,
        )
        .about(1.5e9),
        rate("sequential_fps", "frames a second, sequential", sequential),
        rate("payload_1_fps", "… payload, 1 worker", payload[0].fps),
        rate("payload_2_fps", "… payload, 2 workers", payload[1].fps),
        rate("payload_4_fps", "… payload, 4 workers", payload[2].fps),
        rate("path_fps", "… path, a worker a processor", path),
        rate("mmap_fps", "… mapped, a worker a processor", mmap),
        Figure::times(
            "slower",
            "the best payload is slower than sequential",
            slower,
        ),
        Figure::new("busy", "… busy processors", Unit::Count, best.busy),
        Figure::times("design", "paths over the better of both", design),
    ];
    figures.extend(share.map(|share| {
        let what = "… copied, of what can be copied";
        Figure::new("share_of_memory", what, Unit::Share, share)
    }));
    Finding {
        figures,
        drawings: vec![Drawing::Bars {
            title: "Frames a second; thirty are wanted".into(),
            unit: Unit::PerSecond,
            bars: arms.to_vec(),
        }],
        verdict,
        because,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(payload: f64, memcpy: Option<f64>, busy: f64, path: f64) -> Measured {
        let rate = |workers| Rate {
            workers,
            fps: payload,
            busy,
            memcpy,
        };
        Measured {
            frame_bytes: 1e8 / COPIES,
            processors: 2,
            sequential: 120.0,
            shipped: 50e6,
            payload: [1, 2, 4].map(rate),
            path,
            mmap: 500.0,
        }
    }

    #[test]
    fn it_holds_where_the_payload_is_slower_and_memory_is_why_and_paths_win() {
        // 1e10 bytes a second are copied at 100 frames a second; sequential has 120 of them.
        let verdict = |payload, memcpy, path| judge(&measured(payload, memcpy, 1.0, path)).verdict;
        assert_eq!(verdict(99.0, Some(1.4e10), 145.0), Verdict::Holds);
        assert_eq!(verdict(99.0, Some(1.4e10), 143.0), Verdict::Depends);
        assert_eq!(verdict(99.0, Some(1.42e10), 145.0), Verdict::Depends);
        // Where it is not known what bounds it, nobody knows of the whole.
        assert_eq!(verdict(99.0, None, 145.0), Verdict::Untestable);
        assert_eq!(verdict(101.0, None, 145.0), Verdict::Depends);
        let because = judge(&measured(99.0, None, 1.9, 145.0)).because;
        assert!(because.contains("cannot be told"), "{because}");
        assert_eq!(verdict(101.0, Some(1.4e10), 145.0), Verdict::Depends);
        assert_eq!(verdict(101.0, Some(1.4e10), 143.0), Verdict::Differs);
        // It is to be better than the payload as well.
        assert_eq!(verdict(150.0, Some(1.4e10), 181.0), Verdict::Depends);
        assert_eq!(verdict(150.0, Some(1.4e10), 179.0), Verdict::Differs);
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = judge(&Measured {
            processors: 1,
            ..measured(99.0, Some(1.4e10), 1.0, 145.0)
        });
        assert_eq!(alone.verdict, Verdict::Untestable);
        assert!(alone.because.starts_with("there is one processor"));
        assert!(alone.because.contains("99.0 frames a second"));
    }

    #[test]
    fn those_that_have_thirty_frames_a_second_are_named() {
        let told = |fps: [f64; 2]| {
            let arms = ["a", "b"].map(String::from);
            keeping_up(&arms.into_iter().zip(fps).collect::<Vec<_>>())
        };
        assert_eq!(told([30.0, 29.9]), "30 frames a second: a");
        assert_eq!(told([30.0, 31.0]), "all have 30 frames a second");
        assert_eq!(told([1.0, 2.0]), "none has 30 frames a second");
    }

    #[test]
    fn bytes_a_second_are_those_of_the_best_payload() {
        let figures = judge(&measured(20.0, None, 1.0, 145.0)).figures;
        let figure = |key| figures.iter().find(|figure| figure.key == key);
        assert_eq!(figure("bytes_per_s").unwrap().measured, 1e9);
    }

    #[test]
    fn what_bounds_it_is_named() {
        let because = |memcpy, busy| judge(&measured(50.0, Some(memcpy), busy, 145.0)).because;
        assert!(because(7e9, 0.1).contains("memory bounds it"));
        assert!(because(8e9, 1.41).contains("serialising"));
        assert!(because(8e9, 1.39).contains("waiting"));
    }
}
