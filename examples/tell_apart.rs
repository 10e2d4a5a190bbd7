//! Whether comparisons on this machine can be trusted: a mode is compared with itself, and with itself
//! made 3 % slower on purpose, again and again, with as many repeats as the tool itself recommends.
//!
//!     cargo run --release --example tell_apart [-- TRIALS [WORKLOAD…]]
//!     cargo run --release --example tell_apart -- --record ROUNDS WORKLOAD
//!
//! It is as it should be if of 20 trials at least 19 find no difference in the first case, and at least 19
//! find one in the second. A WORKLOAD is a mode and the milliseconds of arithmetic that each of its frames
//! takes: mmap:2. With --record it prints the seconds of each pass as JSON instead, a round a line: the
//! mode, the same again, the slower one.

use framehaul::analysis::Analysis;
use framehaul::measure::{Limits, Machine};
use framehaul::pipeline::{FrameJob, Outcome, Plan, Request, run_alternately};
use framehaul::pool::worker;
use framehaul::report::{Comparison, Ratios, Report};
use framehaul::source::FrameSet;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/clip.y4m");

/// How much slower the slow one is.
const SLOWER: f64 = 1.03;

/// Arithmetic of a pass, in milliseconds of one worker.
const PASS_MS: f64 = 150.0;

/// Rounds from which the number of repeats is recommended: of half as many it is known so badly how much they
/// spread that the tool, to be safe, often recommends several times as many as it takes.
const PILOT: usize = 24;

fn main() -> Result<ExitCode> {
    worker::enter::<FrameJob>(); // in a worker process, this does the work
    Limits::serve_helper(); // and this measures what the machine can do
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [record, rounds, workload] = &args[..]
        && record == "--record"
    {
        let outcomes = Workload::parse(workload)?.run(rounds.parse()?)?;
        let walls = |outcome: &Outcome| outcome.totals.pass_wall_ns.clone();
        let [one, same, slower] = &outcomes;
        for ((one, same), slower) in walls(one).iter().zip(walls(same)).zip(walls(slower)) {
            let seconds = [*one, same, slower].map(|ns| ns as f64 / 1e9);
            println!("{seconds:?}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let trials: usize = args.first().map_or(Ok(20), |typed| typed.parse())?;
    let named: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let workloads = match &named[..] {
        [] => vec!["mmap:2", "threads:2", "payload-raw:0.2"],
        named => named.to_vec(),
    };
    let mut good = true;
    for workload in workloads {
        good &= Workload::parse(workload)?.try_out(workload, trials)?;
    }
    Ok(ExitCode::from(u8::from(!good)))
}

struct Workload {
    mode: String,
    analysis: Analysis,
    frames: u64,
}

impl Workload {
    fn parse(text: &str) -> Result<Self> {
        let (mode, ms) = text.split_once(':').ok_or("a workload is MODE:MS")?;
        let ms: f64 = ms.parse()?;
        let mut analysis = Analysis::parse(&format!("burn:{ms}"))?;
        analysis.calibrate();
        Ok(Self {
            mode: mode.into(),
            analysis,
            frames: 2 * (PASS_MS / ms).ceil() as u64,
        })
    }

    fn plan(&self, analysis: &Analysis, repeat: usize) -> Result<Plan> {
        let request = Request {
            modes: vec![self.mode.clone()],
            workers: Some(2),
            frames: Some(0..self.frames),
            repeat,
            warmup: 1,
            ..Request::new(FrameSet::open(CLIP)?, analysis.clone())
        };
        Ok(request.plans()?.remove(0))
    }

    /// The mode, the same again, and the slower one, in turns.
    fn run(&self, repeat: usize) -> Result<[Outcome; 3]> {
        let slower = slowed(&self.analysis)?;
        let each = [&self.analysis, &self.analysis, &slower];
        let plans: Result<Vec<Plan>> = each.iter().map(|of| self.plan(of, repeat)).collect();
        let outcomes = run_alternately(plans?, &mut ())?;
        outcomes
            .try_into()
            .map_err(|_| "three plans have three outcomes".into())
    }

    /// So many trials; whether they came out as they should.
    fn try_out(&self, name: &str, trials: usize) -> Result<bool> {
        let [one, same, _] = self.run(PILOT)?;
        let recommended = ratios(&one, &same)?.repeats;
        let repeats = recommended
            .ok_or("too few passes to recommend a number of repeats")?
            .needed;
        println!("{name}: --repeat {repeats} is recommended");
        let (mut alike, mut found) = (0, 0);
        for trial in 1..=trials {
            if stderr().is_terminal() {
                eprint!("\r{name}: trial {trial} of {trials} ");
            }
            let [one, same, slower] = self.run(repeats)?;
            alike += usize::from(!ratios(&one, &same)?.clear);
            let slowed_down = ratios(&one, &slower)?;
            let is_slower = slowed_down.fps.is_some_and(|fps| fps.high < 1.0);
            found += usize::from(slowed_down.clear && is_slower);
        }
        if stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        println!(
            "{name}: no difference to itself {alike} times of {trials}, a slow-down of 3 % found {found} times"
        );
        Ok(alike.min(found) * 20 >= trials * 19)
    }
}

/// The same analysis, which says of itself that it is, with more work in it.
fn slowed(analysis: &Analysis) -> Result<Analysis> {
    let more = |(name, steps): (&str, u64)| (name.to_owned(), (steps as f64 * SLOWER) as u64);
    let settings: Vec<_> = analysis.calibrations().into_iter().map(more).collect();
    Ok(serde_json::from_value(serde_json::to_value(settings)?)?)
}

fn ratios(base: &Outcome, run: &Outcome) -> Result<Ratios> {
    let named = |name: &str, outcome| (name.to_owned(), Report::new(outcome, Machine::probe()));
    let comparison = Comparison::new(vec![named("one", base), named("other", run)])?;
    Ok(comparison.data().ratios.remove(0))
}
