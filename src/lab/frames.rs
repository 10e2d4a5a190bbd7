//! Frames for experiments, and runs of the pipeline over them.

use super::Bench;
use super::folder::Folder;
use crate::analysis::Analysis;
use crate::error::Result;
use crate::frame::{Colour, FrameFormat, Sample};
use crate::pipeline::{Outcome, Request, Watch, run_alternately};
use crate::source::FrameSet;
use crate::source::generate::{Plan, generate};
use crate::statistics::median;

/// The lecture's frame of 50 MB: 3840 × 2160, RGB, 16 bits a sample, 49,766,400 bytes.
pub(super) const FOUR_K: FrameFormat = FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16);

/// A packed set of so many frames, in that folder.
///
/// # Errors
/// If there is no room for it.
pub(super) fn set(
    bench: &Bench,
    folder: &Folder,
    format: FrameFormat,
    frames: u64,
) -> Result<FrameSet> {
    bench.phase("making the frames")?;
    let plan = Plan::new(folder.join("set"), format, frames);
    generate(&plan, &bench.stop(), &|_| ())?;
    FrameSet::open(&plan.out.to_string_lossy())
}

/// One of the runs to be compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub mode: &'static str,
    /// None in a mode that has none.
    pub workers: Option<usize>,
}

/// Analyses the set by all of these in turns, so many times each, after so many passes
/// that do not count.
///
/// # Errors
/// If workers cannot be started, or somebody asked to stop.
pub(super) fn run(
    bench: &Bench,
    set: &FrameSet,
    analyze: &str,
    arms: &[Arm],
    [warmup, repeat]: [usize; 2],
) -> Result<Vec<Outcome>> {
    let mut plans = Vec::new();
    for arm in arms {
        let request = Request {
            modes: vec![arm.mode.into()],
            workers: arm.workers,
            batch: Some(1),
            warmup,
            repeat,
            stop: bench.stop(),
            ..Request::new(set.clone(), Analysis::parse(analyze)?)
        };
        plans.extend(request.plans()?);
    }
    run_alternately(plans, &mut Tell(bench))
}

/// How long all passes of a run took, in seconds.
pub(super) fn seconds(outcome: &Outcome) -> f64 {
    outcome.totals.pass_wall_ns.iter().sum::<u64>() as f64 / 1e9
}

/// Of the usual pass.
pub(super) fn frames_per_second(outcome: &Outcome) -> f64 {
    let totals = &outcome.totals;
    let passes = totals.pass_wall_ns.iter().map(|&ns| ns as f64 / 1e9);
    let passes: Vec<f64> = passes.collect();
    totals.frames_analysed as f64 / passes.len() as f64 / median(&passes)
}

/// Tells of a run what the bench wants to be told.
struct Tell<'a>(&'a Bench);

impl Watch for Tell<'_> {
    fn phase(&mut self, what: &str) {
        // The run looks at the same flag.
        let _ = self.0.phase(what);
    }

    fn pass(&mut self, mode: &str, _: usize, _: usize, _: Option<u64>) {
        let _ = self.0.phase(mode);
    }
}
