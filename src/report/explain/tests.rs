//! Made-up runs on a machine whose prices are round numbers: each term alone, and all together.

use super::*;
use crate::measure::{KernelCosts, Limits, MemoryPeak, Noise, Usage};
use crate::pipeline::{PassFigures, Side};
use crate::report::{Report, Style, samples};
use crate::stage::Stage;

const MS: f64 = 1e6;

/// A run of 1500 frames of 1 MB with two workers on two processors, which took so many milliseconds of
/// wall time a frame. Each processor reads and passes 1 GB/s: 1 ms a frame. A fault takes 1 µs, a switch
/// 5 µs of work, and a round trip four times that. A stage takes so many milliseconds a frame.
struct Made {
    report: Report,
}

const FRAMES: f64 = 1500.0;

impl Made {
    fn run(mode: &str, wall_ms: f64, stages: &[(Stage, f64)]) -> Self {
        let mut report = samples::mmap();
        report.workload.mode = mode.into();
        report.workload.bytes_per_frame = 1_000_000;
        report.machine.cores = 2;
        report.workload.workers = 2;
        report.limits = Limits {
            memcpy_gb_per_s: Some(4.0),
            read_gb_per_s: Some(8.0),
            wakeup_us: 20.0,
            kernel: Some(KernelCosts {
                read_gb_per_s: 2.0,
                send_gb_per_s: 2.0,
                receive_gb_per_s: 2.0,
                fault_us: 1.0,
                switch_us: Some(5.0),
            }),
        };
        report.totals.frames = FRAMES as u64;
        report.totals.frames_analysed = FRAMES as u64;
        report.totals.wall_s = wall_ms * FRAMES / 1e3;
        report.totals.pass_wall_s = vec![report.totals.wall_s];
        report.totals.fps = 1e3 / wall_ms;
        report.totals.shipped_bytes_per_frame = 0.0;
        report.totals.overlap_bytes_per_frame = 0.0;
        let any = report.stages[&Stage::Compute].clone();
        report.stages = stages
            .iter()
            .map(|&(stage, ms)| {
                let mut summary = any.clone();
                (summary.count, summary.mean_ns) = (FRAMES as u64, ms * MS);
                (stage, summary)
            })
            .collect();
        report.passes = vec![PassFigures {
            frames_analysed: FRAMES as u64,
            parent: Side::default(),
            workers: Side::default(),
            memory: MemoryPeak::default(),
            cache_resident: 1.0,
            noise: Noise::default(),
            stages: Default::default(),
        }];
        Self { report }
    }

    fn shipping(mut self, bytes: f64) -> Self {
        self.report.totals.shipped_bytes_per_frame = bytes;
        self
    }

    /// Milliseconds of processor time a frame.
    fn parent(mut self, user_ms: f64, system_ms: f64) -> Self {
        let usage = &mut self.report.passes[0].parent.usage;
        *usage = used(*usage, user_ms, system_ms);
        self
    }

    fn workers(mut self, user_ms: f64, system_ms: f64) -> Self {
        let usage = &mut self.report.passes[0].workers.usage;
        *usage = used(*usage, user_ms, system_ms);
        self
    }

    /// So many milliseconds of wall time a frame instead.
    fn taking(mut self, wall_ms: f64) -> Self {
        let totals = &mut self.report.totals;
        totals.wall_s = wall_ms * FRAMES / 1e3;
        totals.pass_wall_s = vec![totals.wall_s];
        totals.fps = 1e3 / wall_ms;
        self
    }

    fn model(&self) -> Model {
        Model::of(&self.report).unwrap()
    }
}

fn used(usage: Usage, user_ms: f64, system_ms: f64) -> Usage {
    Usage {
        user_s: user_ms * FRAMES / 1e3,
        system_s: system_ms * FRAMES / 1e3,
        ..usage
    }
}

#[track_caller]
fn assert_term(model: &Model, term: Term, ms: f64) {
    let found = model.terms[&term] / MS;
    assert!(
        (found - ms).abs() < 1e-9,
        "{term:?} is {found} ms, not {ms}"
    );
}

/// Two workers that compute 4 ms each: a frame every 2 ms.
fn mmap() -> Made {
    let stages = [
        (Stage::Serialize, 0.0),
        (Stage::Transfer, 0.02),
        (Stage::Deserialize, 0.0),
        (Stage::Load, 0.0),
        (Stage::Compute, 4.0),
    ];
    Made::run("mmap", 2.0, &stages).workers(4.0, 0.0)
}

/// One thread that computes 4 ms.
fn sequential() -> Made {
    let stages = [(Stage::Load, 0.0), (Stage::Compute, 4.0)];
    let mut made = Made::run("sequential", 4.0, &stages).parent(4.0, 0.0);
    made.report.workload.workers = 1;
    let kernel = made.report.limits.kernel.as_mut().unwrap();
    kernel.read_gb_per_s = 1.0;
    made
}

/// Serialises for 6 ms and deserialises for 4, and computes 2, all of it on two processors.
fn payload() -> Made {
    let stages = [
        (Stage::Load, 0.0),
        (Stage::Serialize, 12.0),
        (Stage::Transfer, 1.0),
        (Stage::Deserialize, 8.0),
        (Stage::Compute, 4.0),
    ];
    Made::run("payload", 7.0, &stages)
        .shipping(1e6)
        .parent(6.0, 1.0)
        .workers(6.0, 1.0)
}

#[test]
fn compute_is_shared_by_those_who_can_do_it() {
    let model = mmap().model();
    assert_eq!(model.wall_ns, 2.0 * MS);
    assert_term(&model, Term::Compute, 2.0);
    assert_eq!(model.left_over_ns(), 0.0);
    let model = sequential().model();
    assert_eq!(model.bound, Bound::Workers);
    assert_term(&model, Term::Compute, 4.0);
    assert_eq!(model.left_over_ns(), 0.0);
}

#[test]
fn user_time_is_that_of_the_stages_which_worked_there() {
    let model = payload().model();
    assert_eq!(model.bound, Bound::Processors);
    // 6 ms in the parent; of the workers' 6 ms two thirds, by the stages' times. Two processors.
    assert_term(&model, Term::Serialising, (6.0 + 4.0) / 2.0);
    assert_term(&model, Term::Compute, 2.0 / 2.0);
    // 1 MB in, 1 MB out, at 1 GB/s each on each of two processors.
    assert_term(&model, Term::KernelCopies, (1.0 + 1.0) / 2.0);
    assert_eq!(model.left_over_ns(), 0.0);
}

#[test]
fn faults_and_switches_are_counted_and_priced() {
    let mut made = payload().parent(6.0, 2.0).workers(6.0, 1.7);
    let pass = &mut made.report.passes[0];
    pass.parent.usage.minor_faults = 1000 * FRAMES as u64;
    pass.workers.usage.minor_faults = 500 * FRAMES as u64;
    pass.workers.usage.voluntary_switches = 40 * FRAMES as u64;
    let model = made.model();
    assert_term(&model, Term::PageFaults, 1.5 / 2.0);
    assert_term(&model, Term::WakeUps, 0.2 / 2.0);
    assert_term(&model, Term::KernelCopies, 2.0 / 2.0);
}

#[test]
fn the_kernel_explains_no_more_than_it_was_counted_to_take() {
    // 2 ms by the prices, of which it took 1.
    let mut made = payload();
    made.report.passes[0].parent.usage.minor_faults = 1000 * FRAMES as u64;
    let model = made.model();
    assert_term(&model, Term::PageFaults, 0.5 / 2.0);
    assert_term(&model, Term::KernelCopies, (0.5 + 1.0) / 2.0);
    // What was cut off is told.
    assert_eq!(model.overpriced_ns, 0.5 * MS);
    let said = explain_both(made, mmap())
        .render(Style::plain(200))
        .replace('\n', " ");
    let words = "the kernel would have taken 500 µs more of it than was counted";
    assert!(said.contains(words), "{said}");
    let exact = explain_both(payload(), mmap());
    assert_eq!(exact.overpriced.gap_ns, 0.0);
    assert!(!exact.render(Style::plain(200)).contains("would have taken"));
    // And where it took more, the rest is left over.
    let model = payload().parent(6.0, 3.0).taking(8.0).model();
    assert_term(&model, Term::KernelCopies, (1.0 + 1.0) / 2.0);
    assert!((model.left_over_ns() - 1.0 * MS).abs() < 1.0);
}

#[test]
fn bytes_that_were_read_are_the_kernels_and_the_rest_of_loading_is_decoding() {
    let stages = [
        (Stage::Serialize, 0.0),
        (Stage::Transfer, 0.0),
        (Stage::Deserialize, 0.0),
        (Stage::Load, 3.0),
        (Stage::Compute, 4.0),
    ];
    let mut made = Made::run("path", 3.5, &stages).workers(6.0, 1.0);
    made.report.passes[0].workers.read_bytes = Some(1_000_000 * FRAMES as u64);
    let model = made.model();
    // 1 ms for the bytes; of the user time, what loading took beside that.
    assert_term(&model, Term::Reading, (1.0 + 2.0) / 2.0);
    assert_term(&model, Term::Compute, 2.0);
    assert_eq!(model.left_over_ns(), 0.0);
}

#[test]
fn a_lone_producer_is_what_binds_and_hides_what_others_do_meanwhile() {
    let stages = [
        (Stage::Serialize, 0.0),
        (Stage::Transfer, 0.0),
        (Stage::Deserialize, 0.0),
        (Stage::Load, 5.0),
        (Stage::Compute, 4.0),
    ];
    let mut made = Made::run("shm", 5.1, &stages)
        .parent(0.0, 5.0)
        .workers(4.0, 0.0);
    made.report.slots = Some(crate::pipeline::SlotsUsed {
        count: 4,
        bytes: 4_000_000,
        huge_bytes: 0,
    });
    made.report.passes[0].parent.read_bytes = Some(5_000_000 * FRAMES as u64);
    let model = made.model();
    assert_eq!(model.bound, Bound::Parent);
    assert_term(&model, Term::Reading, 5.0);
    assert_term(&model, Term::Compute, 0.0);
    assert_term(&model, Term::Waiting, 0.1);
    assert!(model.left_over_ns().abs() < 1.0);
}

#[test]
fn no_stage_explains_more_user_time_than_it_took() {
    // Who looks for work is in user mode as well: a tenth of a millisecond was serialising.
    let mut made = mmap().parent(2.0, 0.0);
    made.report
        .stages
        .get_mut(&Stage::Serialize)
        .unwrap()
        .mean_ns = 0.1 * MS;
    let model = made.model();
    assert_term(&model, Term::Serialising, 0.1 / 2.0);
}

#[test]
fn terms_are_never_bent_to_the_gap() {
    // Idle time is nobody's work, and work that no price asks for is left over.
    let idle = payload().taking(14.0).model();
    assert_term(&idle, Term::Serialising, 5.0);
    assert_term(&idle, Term::Waiting, 7.0);
    assert!(idle.left_over_ns().abs() < 1.0);
    let busy = payload().workers(6.0, 15.0).taking(14.0).model();
    assert_term(&busy, Term::KernelCopies, (1.0 + 1.0) / 2.0);
    assert_term(&busy, Term::Waiting, 0.0);
    assert!((busy.left_over_ns() - 7.0 * MS).abs() < 1.0);
}

fn explain_both(base: Made, run: Made) -> Explanation {
    let named = [base, run].map(|made| (made.report.workload.mode.clone(), made.report));
    let comparison = Comparison::new(named.into()).unwrap();
    comparison.explain().unwrap().remove(0)
}

#[test]
fn the_slower_is_explained_whichever_is_the_baseline() {
    let one = explain_both(payload(), mmap());
    let other = explain_both(mmap(), payload());
    assert_eq!(one, other);
    assert_eq!((one.slow.as_str(), one.fast.as_str()), ("payload", "mmap"));
    assert_eq!(one.gap_ns, 5.0 * MS);
    let sum: f64 = one.terms.iter().map(|term| term.times.gap_ns).sum();
    assert!((sum + one.left_over.gap_ns - one.gap_ns).abs() < 1.0);
    assert!(one.unexplained() < 1e-9);
    assert_eq!(
        one.sentence,
        "Of the 5.00 ms that a frame takes longer in payload than in mmap, 5.00 ms are serialising \
         and 1.00 ms kernel copies, less 1.00 ms of compute."
    );
}

#[test]
fn bytes_shipped_are_told_of_all_frames_and_are_those_of_the_analysed_ones() {
    // Every other frame failed when it had been shipped.
    let mut made = payload().parent(6.0, 2.0).workers(6.0, 2.0);
    made.report.totals.frames *= 2;
    assert_term(&made.model(), Term::KernelCopies, 2.0 * (1.0 + 1.0) / 2.0);
}

#[test]
fn without_a_gap_there_is_nothing_to_explain() {
    let none = explain_both(mmap(), mmap());
    assert_eq!((none.gap_ns, none.unexplained()), (0.0, 0.0));
    let expected = "There is no clear gap between mmap and mmap to explain.";
    assert_eq!(none.sentence, expected);
    assert!(!none.render(Style::plain(80)).contains("NaN"));
    let little = explain_both(mmap().taking(2.04), mmap()).sentence;
    assert_eq!(little, expected);
}

#[test]
fn what_is_left_over_is_said() {
    let more = payload().parent(6.0, 4.0).workers(6.0, 4.0).taking(10.0);
    let said = explain_both(more, mmap()).sentence;
    assert!(said.ends_with("; 3.00 ms (38 %) are left over."), "{said}");
    let mut same = mmap().workers(4.0, 2.0).taking(3.0);
    same.report.workload.mode = "path".into();
    let said = explain_both(same, mmap()).sentence;
    assert!(said.ends_with("none of the terms explains it."), "{said}");
}

#[test]
fn what_cannot_be_explained_is_refused_in_one_sentence() {
    type Edit = fn(&mut Report);
    let cases: [(&str, Edit); 5] = [
        ("it kept a pace", |r| r.workload.fps = Some(30.0)),
        ("too little memory", |r| r.limits.kernel = None),
        ("older framehaul", |r| r.passes.clear()),
        ("no frame", |r| r.totals.frames_analysed = 0),
        ("the runs differ in input", |r| {
            r.workload.input = "other".into()
        }),
    ];
    for (expected, edit) in cases {
        let mut made = payload();
        edit(&mut made.report);
        let mut base = mmap();
        base.report.workload.fps = made.report.workload.fps;
        let named = [base, made].map(|made| (made.report.workload.mode.clone(), made.report));
        let error = Comparison::new(named.into())
            .unwrap()
            .explain()
            .unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let said = error.to_string();
        assert!(said.contains(expected) && !said.contains('\n'), "{said}");
    }
}

#[test]
fn the_table_fits_its_width_and_shows_what_is_left_over() {
    for width in [80, 120] {
        let text = explain_both(payload(), mmap()).render(Style::plain(width));
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{line}");
        }
        for expected in [
            "serialising",
            "left over",
            "measured",
            "████████████████████████",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing:\n{text}");
        }
    }
}
