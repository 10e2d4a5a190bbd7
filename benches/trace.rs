//! What `--trace` costs: a mode beside the same with a trace, pass by pass in turns, on two workers, `luma`, a
//! frame a job. The goal is at most 2 % of the time of a frame of Full HD or more; a small one is there to
//! show what tracing a frame takes.
//!
//!     cargo bench --bench trace [-- --quick]

use framehaul::analysis::Analysis;
use framehaul::frame::{Colour, FrameFormat, Sample};
use framehaul::measure::{Limits, Machine};
use framehaul::pipeline::{FrameJob, Outcome, Request, Trace, run_alternately};
use framehaul::pool::worker;
use framehaul::report::{Comparison, Ratios, Report};
use framehaul::source::FrameSet;
use framehaul::source::generate::{Plan, generate};
use std::path::Path;
use std::sync::atomic::AtomicBool;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Case {
    mode: &'static str,
    format: FrameFormat,
    /// Frames of a pass: of some 200 ms, so that passes of one round meet the same machine.
    frames: u64,
}

fn main() -> Result<()> {
    worker::enter::<FrameJob>();
    Limits::serve_helper();
    let rounds = match std::env::args().any(|arg| arg == "--quick") {
        true => 12,
        false => 100,
    };
    for (mode, width, height, sample, frames) in [
        ("mmap", 1920, 1080, Sample::U8, 200),
        ("shm", 1920, 1080, Sample::U8, 150),
        ("mmap", 3840, 2160, Sample::U16, 80),
        ("mmap", 320, 240, Sample::U8, 3000),
    ] {
        let format = FrameFormat::new(width, height, Colour::Rgb, sample);
        let case = Case {
            mode,
            format,
            frames,
        };
        println!("{mode}, {format}: {}", case.cost(rounds)?);
    }
    Ok(())
}

impl Case {
    /// The time of a frame, and by how much tracing lengthens it.
    fn cost(&self, rounds: usize) -> Result<String> {
        let folder = tempfile::tempdir()?;
        let set = Plan::new(folder.path().join("set"), self.format, self.frames.min(60));
        generate(&set, &AtomicBool::new(false), &|_| {})?;
        let set = FrameSet::open(&set.out.to_string_lossy())?;
        let file = folder.path().join("trace.json");
        let [plain, traced] = self.run(&set, &file, rounds)?;
        let ratios = ratios(&plain, &traced)?;
        let (Some(speed), Some(cpu)) = (ratios.fps, ratios.cpu_s_per_frame) else {
            return Err("too few passes for a ratio".into());
        };
        let mut walls = plain.totals.pass_wall_ns.clone();
        walls.sort_unstable();
        let frame_us = walls[walls.len() / 2] as f64 / 1e3 / self.frames as f64;
        let bytes = file.metadata()?.len() / traced.totals.frames_analysed;
        Ok(format!(
            "{frame_us:.0} µs a frame; traced, {:.3} times the time (95 %: {:.3} to {:.3}), {:.3} times the \
             processor time ({:.3} to {:.3}), {bytes} bytes a frame",
            1.0 / speed.value,
            1.0 / speed.high,
            1.0 / speed.low,
            cpu.value,
            cpu.low,
            cpu.high
        ))
    }

    /// Without a trace and with one.
    fn run(&self, set: &FrameSet, file: &Path, rounds: usize) -> Result<[Outcome; 2]> {
        let request = Request {
            modes: vec![self.mode.into()],
            workers: Some(2),
            batch: Some(1),
            frames: Some(0..self.frames),
            repeat: rounds,
            warmup: 1,
            ..Request::new(set.clone(), Analysis::parse("luma")?)
        };
        let mut plans = request.plans()?;
        plans.extend(request.plans()?);
        let trace = Trace::create(file)?;
        plans[1].trace_to(&trace);
        let outcomes = run_alternately(plans, &mut ())?;
        trace.finish()?;
        outcomes
            .try_into()
            .map_err(|_| "two plans have two outcomes".into())
    }
}

fn ratios(base: &Outcome, run: &Outcome) -> Result<Ratios> {
    let named = |name: &str, outcome| (name.to_owned(), Report::new(outcome, Machine::probe()));
    let comparison = Comparison::new(vec![named("plain", base), named("traced", run)])?;
    Ok(comparison.data().ratios.remove(0))
}
