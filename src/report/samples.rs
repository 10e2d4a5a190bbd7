//! Finished runs that never ran, for the tests of this layer.

use super::{Comparison, Report, StageSummary};
use crate::frame::{Colour, FrameFormat, Sample};
use crate::measure::{
    KernelCosts, Limits, Machine, MemoryPeak, Noise, StageHistograms, Timeline, Usage,
};
use crate::pipeline::{Cache, Interval, Outcome, PassFigures, PassStage, Side, Totals, Workload};
use crate::stage::Stage;

pub(super) fn machine() -> Machine {
    Machine {
        cpu: "Example CPU".into(),
        cores: 2,
        last_cache_bytes: Some(32 << 20),
        memory_bytes: 16 << 30,
        page_bytes: 4096,
        kernel: "Linux 6.1 x86_64".into(),
        os: "Example OS".into(),
    }
}

/// A flat-out run of 1,500 4K frames in mmap mode.
pub(super) fn outcome() -> Outcome {
    Outcome {
        begun_unix_s: None,
        workload: Workload {
            input: "frames.npy".into(),
            is_live: false,
            set: None,
            identity: None,
            frames: 0..1500,
            format: FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16),
            mode: "mmap".into(),
            workers: 2,
            analyzers: vec!["luma".into()],
            calibrations: Vec::new(),
            fps: None,
            batch: 1,
            cache: Cache::Warm,
            cache_resident: 1.0,
            policy: None,
            repeat: 1,
            warmup: 1,
        },
        totals: Totals {
            pass_wall_ns: vec![1_600_000_000],
            frames_produced: 1500,
            frames_analysed: 1500,
            frames_failed: 0,
            frames_dropped: Default::default(),
            shipped_bytes_per_frame: 24.0,
            overlap_bytes_per_frame: 0.0,
            deadline_misses: None,
            keeps_up: None,
            backlog_frames_per_s: None,
            max_sustained_fps: Some(938.0),
            workers_died: 0,
        },
        limits: Limits {
            memcpy_gb_per_s: Some(11.6),
            read_gb_per_s: Some(57.2),
            wakeup_us: 8.4,
            kernel: None,
        },
        memory: MemoryPeak {
            anon_bytes: 21_000_000,
            shared_bytes: 0,
        },
        slots: None,
        usage: Usage {
            user_s: 3.0,
            system_s: 0.1,
            minor_faults: 4500,
            major_faults: 0,
            voluntary_switches: 3100,
            involuntary_switches: 12,
        },
        stages: stages(&[
            (Stage::Queue, 40_000.0),
            (Stage::Load, 150_000.0),
            (Stage::Serialize, 1_200.0),
            (Stage::Transfer, 90_000.0),
            (Stage::Deserialize, 1_500.0),
            (Stage::Compute, 1_700_000.0),
            (Stage::Return, 60_000.0),
        ]),
        passes: Vec::new(),
        alternation: None,
        timeline: timeline(1_600_000_000, 1_900_000, 21_000_000),
        findings_digest: "4b1d".repeat(16),
        incomplete: None,
        disagreement: None,
        notes: Vec::new(),
    }
}

/// 1,500 samples around each median, and the totals that follow from them.
pub(super) fn stages(medians: &[(Stage, f64)]) -> StageHistograms {
    let mut stages = StageHistograms::new();
    for i in 0..1500 {
        // Spread like real latencies: a little below the median, a long tail above it.
        let place = (f64::from(i) + 0.5) / 1500.0;
        let spread = 0.9 + 0.1 * place - 0.07 * (1.0 - place).ln();
        let mut total = 0;
        let mut queue = 0;
        for &(stage, median) in medians {
            let ns = (median * spread) as u64;
            stages.record(stage, ns);
            total += ns;
            if stage == Stage::Queue {
                queue = ns;
            }
        }
        stages.record(Stage::EndToEnd, total);
        stages.record(Stage::Service, total - queue);
    }
    stages
}

/// 1,500 frames that end evenly over `wall_ns` and take some `median` each, in a memory that peaks
/// at the end.
pub(super) fn timeline(wall_ns: u64, median: u64, anon_bytes: u64) -> Timeline<Interval> {
    let mut timeline = Timeline::<Interval>::default();
    for i in 1..=1500 {
        let interval = timeline.at(i * wall_ns / 1500);
        interval.analysed += 1;
        let swing = 1.0 + 0.2 * (i as f64 / 40.0).sin();
        interval.end_to_end.record((median as f64 * swing) as u64);
        interval.memory.anon_bytes = anon_bytes * (1000 + i / 3) / 1500;
    }
    timeline
}

/// So many samples, all alike.
pub(super) fn summary_of(samples: u64) -> StageSummary {
    let mut histogram = hdrhistogram::Histogram::new(3).unwrap();
    histogram.record_n(7, samples).unwrap();
    StageSummary::of(&histogram)
}

/// An outcome as a report.
pub(super) fn report(outcome: &Outcome) -> Report {
    Report::new(outcome, machine())
}

pub(super) fn mmap() -> Report {
    report(&outcome())
}

/// The same frames by payload: 60 times as slow.
pub(super) fn payload() -> Report {
    let mut outcome = outcome();
    outcome.workload.mode = "payload".into();
    outcome.totals.pass_wall_ns = vec![98_000_000_000];
    outcome.totals.shipped_bytes_per_frame = 49_766_400.0;
    outcome.totals.max_sustained_fps = Some(15.3);
    outcome.memory.anon_bytes = 412_000_000;
    outcome.usage = Usage {
        user_s: 150.0,
        system_s: 40.0,
        minor_faults: 72_900_000,
        ..outcome.usage
    };
    outcome.stages = stages(&[
        (Stage::Queue, 4_000_000.0),
        (Stage::Load, 2_700_000.0),
        (Stage::Serialize, 60_000_000.0),
        (Stage::Transfer, 40_000_000.0),
        (Stage::Deserialize, 29_000_000.0),
        (Stage::Compute, 1_800_000.0),
        (Stage::Return, 70_000.0),
    ]);
    outcome.timeline = timeline(98_000_000_000, 136_000_000, 412_000_000);
    report(&outcome)
}

/// In this process: nothing is shipped, as fast as mmap.
pub(super) fn threads() -> Report {
    let mut outcome = outcome();
    outcome.workload.mode = "threads".into();
    outcome.totals.pass_wall_ns = vec![1_570_000_000];
    outcome.totals.shipped_bytes_per_frame = 0.0;
    outcome.stages = stages(&[
        (Stage::Queue, 40_000.0),
        (Stage::Load, 150_000.0),
        (Stage::Compute, 1_720_000.0),
    ]);
    outcome.timeline = timeline(1_570_000_000, 1_910_000, 21_000_000);
    report(&outcome)
}

/// `of`, paced: whether it kept up, what it sustains, by how much its backlog grew.
pub(super) fn paced(mut of: Report, fps: f64, keeps_up: bool, sustained: Option<f64>) -> Report {
    of.workload.fps = Some(fps);
    of.totals.keeps_up = Some(keeps_up);
    of.totals.max_sustained_fps = sustained;
    of.totals.fps = sustained.unwrap_or(fps);
    of.totals.backlog_frames_per_s = Some(sustained.map_or(0.0, |sustained| fps - sustained));
    of.totals.deadline_misses = Some(if keeps_up { 0 } else { 1400 });
    of
}

/// `of`, with the walls of its passes.
pub(super) fn with_passes(mut of: Report, walls: &[f64]) -> Report {
    let frames_a_pass = of.totals.frames;
    of.totals.pass_wall_s = walls.to_vec();
    of.totals.wall_s = walls.iter().sum();
    of.totals.frames = frames_a_pass * walls.len() as u64;
    of.totals.frames_analysed = of.totals.frames;
    of.totals.fps = of.totals.frames as f64 / of.totals.wall_s;
    of
}

/// `of`, with other findings.
pub(super) fn finding_otherwise(mut of: Report) -> Report {
    of.findings_digest = "ca3d".repeat(16);
    of
}

/// `of`, with the walls of its passes, which took turns with all others that are made so.
pub(super) fn taking_turns(of: Report, walls: &[f64]) -> Report {
    let frames = of.totals.frames;
    let mut of = with_passes(of, walls);
    let all = of.totals.wall_s;
    let part = |total: f64, wall: f64| total * wall / all;
    let stages = of.stages.clone();
    let pass = |&wall: &f64| {
        // Durations are as long as the pass; all the processor time was the workers'.
        let longer = wall * walls.len() as f64 / all;
        let stage = |(&stage, summary): (&Stage, &StageSummary)| {
            let scaled = |ns: Option<u64>| ns.map(|ns| (ns as f64 * longer) as u64);
            let figures = PassStage {
                count: summary.count / walls.len() as u64,
                mean_ns: summary.mean_ns * longer,
                p50_ns: scaled(summary.p50_ns),
                p99_ns: scaled(summary.p99_ns),
                p999_ns: scaled(summary.p999_ns),
                max_ns: scaled(Some(summary.max_ns)),
            };
            (stage, figures)
        };
        PassFigures {
            frames_analysed: frames,
            parent: Side::default(),
            workers: Side {
                usage: Usage {
                    user_s: part(of.cpu.user_s, wall),
                    system_s: part(of.cpu.system_s, wall),
                    minor_faults: 1000,
                    ..Usage::NONE
                },
                read_bytes: Some(0),
            },
            memory: MemoryPeak {
                anon_bytes: of.memory.peak_anon_bytes,
                shared_bytes: of.memory.peak_shared_bytes,
            },
            cache_resident: 1.0,
            noise: quiet(),
            stages: stages.iter().map(stage).collect(),
        }
    };
    of.passes = walls.iter().map(pass).collect();
    of.alternation = Some("00c0ffee00c0ffee".into());
    of
}

/// Payload and mmap on a machine of which it is known what its kernel takes, and where the gap between them
/// comes from.
pub(super) fn explained() -> Comparison {
    let run = |of: Report, wall: f64| {
        let mut of = taking_turns(of, &[wall; 2]);
        of.limits.kernel = Some(KernelCosts {
            read_gb_per_s: 9.0,
            send_gb_per_s: 6.5,
            receive_gb_per_s: 7.25,
            fault_us: 1.4,
            switch_us: Some(2.1),
        });
        (of.workload.mode.clone(), of)
    };
    let runs = vec![run(payload(), 98.0), run(mmap(), 1.6)];
    Comparison::new(runs).unwrap().with_explanations().unwrap()
}

/// A machine that does nothing else.
pub(super) fn quiet() -> Noise {
    Noise {
        stolen_s: Some(0.0),
        others_s: Some(0.0),
        throttled_s: Some(0.0),
        heat_throttles: Some(0),
        memory_stall_s: Some(0.0),
        io_stall_s: Some(0.0),
        steps_per_us: 600.0,
    }
}
