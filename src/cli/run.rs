//! `framehaul run`: one mode, or several and their comparison.

use super::complain::complain;
use super::export::Exports;
use super::faults::faults;
use super::last;
use super::metrics::{self, Metrics};
use super::number;
use super::print::print;
use super::progress::Progress;
use super::stop::stop_on_signals;
use super::thresholds;
use super::watchers::Watchers;
use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::measure::Machine;
use crate::pipeline::{Cache, Outcome, Plan, Policy, Request, Trace, run_alternately};
use crate::report::{
    Comparison, Judgement, Report, RunDir, Style, Threshold, judge, judgements, shell_word,
};
use crate::source::Source;
use crate::sys::fs::Made;
use anyhow::Context;
use clap::{ValueEnum, ValueHint};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Analyse a frame set in one mode, or in several and compare them
#[derive(clap::Args)]
#[command(
    after_help = super::list::modes("--mode NAME[,NAME…] or all"),
    after_long_help = format!("{}\n{EXAMPLES}", super::list::modes("--mode NAME[,NAME…] or all")),
)]
pub(super) struct Args {
    /// A generated set, a .npy, a .y4m, a folder or 'GLOB' of images, camera:WxH@FPS (see
    /// `framehaul list`)
    #[arg(value_hint = ValueHint::AnyPath)]
    input: String,
    /// How frames reach the workers: one mode, several, or all that fit the input
    #[arg(
        long,
        value_name = "MODE[,MODE…]",
        value_delimiter = ',',
        required = true
    )]
    mode: Vec<String>,
    /// Worker processes, or threads [default: the processors this process may use]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// What to compute (see `framehaul list`)
    #[arg(long, value_name = "NAME[,NAME…]", default_value = "luma,motion")]
    analyze: String,
    /// Pace: frame i is due at i/F seconds, late or not [default: flat out]
    #[arg(long, value_name = "F", allow_negative_numbers = true, value_parser = number::rate)]
    fps: Option<f64>,
    /// Frames a job [default: so many that looking back ships at most a tenth twice]
    #[arg(long, value_name = "K")]
    batch: Option<u64>,
    /// Frames A to B-1; beyond its end a set begins again, and what is live ends [default: all, once]
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    frames: Option<Range<u64>>,
    /// The first S seconds, by the source's rate or --fps
    #[arg(
        long,
        value_name = "S",
        allow_negative_numbers = true,
        value_parser = number::seconds,
        conflicts_with = "frames"
    )]
    seconds: Option<Duration>,
    /// What happens to a frame for which no slot is free (modes with slots: shm)
    #[arg(long, value_enum, default_value = "block")]
    policy: WhenFull,
    /// Frames that are in memory at once (modes with slots) [default: enough for all workers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    slots: Option<u32>,
    /// Give up a job that takes longer than S seconds: it is asked to stop, and a second later its
    /// worker is killed [default: never]
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = number::seconds)]
    deadline: Option<Duration>,
    /// Measured passes; the modes take turns
    #[arg(long, value_name = "R", default_value_t = 1)]
    repeat: usize,
    /// Passes before them that are not measured
    #[arg(long, value_name = "N", default_value_t = 0)]
    warmup: usize,
    /// Whether the input is in the page cache when a pass starts
    #[arg(long, value_enum, default_value = "warm")]
    cache: CacheState,
    /// Where the run directories go, one a mode [default: runs/TIME, or runs/TIME-2 if
    /// there is one of this second]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// End with exit code 1 if this is true of a run, as 'end_to_end.p99 > 33ms', or of a mode and
    /// the first, as 'ratio.fps < 20'; may be given several times
    #[arg(long, value_name = "CONDITION", value_parser = Threshold::parse)]
    fail_if: Vec<Threshold>,
    /// Write when what happened to each frame, for ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    trace: Option<PathBuf>,
    /// Serve metrics for Prometheus while it runs, on a loopback address, as 127.0.0.1:9184 (port
    /// 0: any that is free, which is printed)
    #[arg(long, value_name = "ADDR", value_parser = metrics::address)]
    metrics: Option<SocketAddr>,
    /// Show nothing while it runs
    #[arg(long, short)]
    quiet: bool,
    /// Print JSON: the report of one mode, the comparison of several
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    exports: Exports,
}

const EXAMPLES: &str = "\
Examples:
  framehaul run frames --mode all --analyze luma,motion --repeat 5
  framehaul run frames --mode payload-raw,mmap --fps 30
  framehaul run 'shots/*.png' --mode path --analyze sharpness --workers 8
  framehaul run camera:1920x1080@60 --mode shm --metrics 127.0.0.1:9184
  framehaul run frames --mode mmap --fps 30 --fail-if 'end_to_end.p99 > 33ms'
  framehaul run frames --mode payload,mmap --trace trace.json";

#[derive(Clone, Copy, ValueEnum)]
enum CacheState {
    Warm,
    Cold,
}

#[derive(Clone, Copy, ValueEnum)]
enum WhenFull {
    /// It waits, and the source with it: nothing is dropped
    Block,
    /// It is dropped
    DropNewest,
    /// The oldest that nobody has begun to analyse is dropped
    DropOldest,
}

pub(super) fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let range = text.split_once("..");
    let range = range.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    range.ok_or_else(|| "expected A..B, as 0..30 for the first thirty".into())
}

impl Args {
    fn request(&self, stop: Arc<AtomicBool>) -> Result<Request> {
        let analysis = Analysis::parse(&self.analyze)?;
        let source = Source::open_unless(&stop, &self.input)?;
        let frames = match self.seconds {
            Some(length) => Some(self.frames_of(length.as_secs_f64(), &source)?),
            None => self.frames.clone(),
        };
        Ok(Request {
            modes: self.mode.clone(),
            workers: self.workers,
            fps: self.fps,
            batch: self.batch,
            frames,
            repeat: self.repeat,
            warmup: self.warmup,
            cache: match self.cache {
                CacheState::Warm => Cache::Warm,
                CacheState::Cold => Cache::Cold,
            },
            policy: match self.policy {
                WhenFull::Block => Policy::Block,
                WhenFull::DropNewest => Policy::DropNewest,
                WhenFull::DropOldest => Policy::DropOldest,
            },
            deadline: self.deadline,
            slots: self.slots.map(|slots| slots as usize),
            stop,
            ..Request::new(source, analysis)
        })
    }

    /// The frames that come in the first seconds.
    fn frames_of(&self, seconds: f64, source: &Source) -> Result<Range<u64>> {
        let fps = self.fps.or(source.fps()).ok_or_else(|| {
            let input = source.input();
            Error::Usage(format!(
                "--seconds {seconds}: {input} states no rate; say --fps or --frames"
            ))
        })?;
        let frames = (seconds * fps).round();
        if frames < 1.0 {
            return Err(Error::Usage(format!(
                "--seconds {seconds}: that is no frame at {fps} frames a second"
            )));
        }
        // What is too much is refused as such a range.
        Ok(0..frames as u64)
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let request = args.request(stop_on_signals().context("cannot listen for Ctrl-C")?)?;
    let trace = args.trace.as_deref();
    args.exports.have_names_of_their_own(trace)?;
    let files = trace.into_iter().chain(args.exports.paths());
    let files: Vec<_> = files.map(Path::to_owned).collect();
    files
        .iter()
        .try_for_each(|file| request.source.spare(file))?;
    let (out, _ours) = place(args.out.as_deref(), || {
        let now = jiff::Zoned::now().strftime("%Y-%m-%d_%H-%M-%S");
        Path::new(last::FOLDER).join(now.to_string())
    })?;
    let beside = Beside {
        quiet: args.quiet,
        trace: args.trace.clone(),
        files,
        metrics: args.metrics,
        thresholds: args.fail_if.clone(),
    };
    let mut done = measure_beside(&request, &out, &beside, Vec::new())?;
    let comparison = Comparison::new(done.reports.clone())?;
    let runs: Vec<_> = done
        .reports
        .iter()
        .map(|(mode, _)| out.join(mode))
        .collect();
    let judged = judge(&args.fail_if, &comparison);
    // Whatever else there is to say of the run is said too.
    let exported = args.exports.write(&comparison, &runs);
    let not_exported = exported.filter_map(Result::err);
    done.faults
        .extend(not_exported.map(|error| error.to_string()));
    done.faults.extend(thresholds::fault(&judged));
    let printed = tell(args.json, &comparison, &judged, &out);
    done.faults.iter().for_each(complain);
    printed?;
    Ok(ExitCode::from(u8::from(!done.faults.is_empty())))
}

/// Prints what came of it.
fn tell(
    json: bool,
    comparison: &Comparison,
    judged: &[Judgement],
    out: &Path,
) -> anyhow::Result<()> {
    if json {
        return print(thresholds::json(&comparison.shown(), judged)?);
    }
    let style = Style::of_stdout();
    print(comparison.show(style))?;
    if !judged.is_empty() {
        print(format_args!("\n{}", judgements(judged, style)))?;
    }
    let (reports, pages) = (out.display(), pages(comparison, out));
    print(format_args!("\nreports: {reports}\n{pages}"))
}

/// Where the pages are, and how to have one of several modes.
fn pages(runs: &Comparison, out: &Path) -> String {
    let out = shell_word(&out.to_string_lossy());
    match runs.only() {
        Some(report) => format!("page: {out}/{}/report.html", report.workload.mode),
        None => format!(
            "pages: {out}/*/report.html, or all on one: framehaul compare --html FILE {out}/*"
        ),
    }
}

/// Where runs go: where they are told to, or to a folder of this name that nobody else has, which is gone
/// again when what comes with it is dropped and there are none.
pub(super) fn place(
    out: Option<&Path>,
    name: impl FnOnce() -> PathBuf,
) -> Result<(PathBuf, Option<Made>)> {
    if let Some(out) = out {
        return Ok((out.to_owned(), None));
    }
    let name = name();
    let (folder, made) = Made::anew(&name).map_err(Error::io(&name, "cannot create the folder"))?;
    Ok((folder, Some(made)))
}

/// Finished runs of one request.
pub(super) struct Done {
    /// Mode and report.
    pub reports: Vec<(String, Report)>,
    /// What makes the exit code 1, a sentence each.
    pub faults: Vec<String>,
}

/// What there is beside the runs themselves.
#[derive(Default)]
pub(super) struct Beside {
    /// Nothing is shown while they go on.
    pub quiet: bool,
    /// Where the way of each frame is written.
    pub trace: Option<PathBuf>,
    /// All files that are written beside the run directories, the trace among them.
    pub files: Vec<PathBuf>,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// What the runs will be held against.
    pub thresholds: Vec<Threshold>,
}

/// Runs all modes of a request and writes a run directory for each below `out`.
pub(super) fn measure(request: &Request, out: &Path) -> Result<Done> {
    measure_in(request, out, Vec::new())
}

/// The same where run directories below `out` were taken before; those that are not needed are gone.
pub(super) fn measure_in(request: &Request, out: &Path, taken: Vec<RunDir>) -> Result<Done> {
    measure_beside(request, out, &Beside::default(), taken)
}

fn measure_beside(
    request: &Request,
    out: &Path,
    beside: &Beside,
    mut taken: Vec<RunDir>,
) -> Result<Done> {
    let mut request = request.clone();
    request.analysis.calibrate();
    let mut plans = request.plans()?;
    thresholds::check(&beside.thresholds, plans.len())?;
    // The folder of all of them. They are dropped before it, whichever of them was made first.
    let _made = Made::above(&out.join("a mode"));
    // Taken before the work, so that a place that cannot be written is refused before it.
    let mut directories = Vec::new();
    for plan in &mut plans {
        let place = out.join(plan.mode());
        let directory = match taken.iter().position(|taken| taken.is_of(&place)) {
            Some(number) => taken.swap_remove(number),
            None => RunDir::create(place)?,
        };
        plan.keep_in(directory.path());
        directories.push(directory);
    }
    drop(taken);
    stay_outside(&beside.files, out, &plans)?;
    let (outcomes, fault) = observed(&request, plans, beside)?;
    let machine = Machine::probe();
    let mut done = Done {
        reports: Vec::new(),
        faults: Vec::from_iter(fault),
    };
    for (directory, outcome) in directories.into_iter().zip(&outcomes) {
        let report = Report::new(outcome, machine.clone()).with_command(std::env::args());
        directory.finish(&report, outcome)?;
        let findings = out.join(&outcome.workload.mode).join("findings.jsonl");
        done.faults.extend(faults(outcome, &findings)?);
        done.reports.push((outcome.workload.mode.clone(), report));
    }
    Ok(done)
}

/// Refuses files that would be gone with the run directory that they lie in.
fn stay_outside(files: &[PathBuf], out: &Path, plans: &[Plan]) -> Result<()> {
    let places = plans.iter().map(|plan| out.join(plan.mode()));
    let places: Vec<_> = places.collect();
    for file in files {
        if let Some(place) = places.iter().find(|place| RunDir::replaces(place, file)) {
            let place = place.display();
            let what =
                format!("lies in {place}, which the run replaces: choose another place for it");
            return Err(Error::input(file, what));
        }
    }
    Ok(())
}

/// Runs the plans with all that looks on; what went wrong with that, but not with them, is a
/// sentence.
fn observed(
    request: &Request,
    mut plans: Vec<Plan>,
    beside: &Beside,
) -> Result<(Vec<Outcome>, Option<String>)> {
    let input = request.source.input();
    let metrics = beside.metrics.map(|address| Metrics::start(address, input));
    let metrics = metrics.transpose()?;
    if let Some(metrics) = &metrics {
        complain(format_args!("metrics: {}", metrics.url()));
    }
    // When nothing else can be refused any more: this empties the file.
    let trace = beside.trace.as_ref();
    let trace = trace.map(|file| Trace::create_unless(&request.stop, file));
    let trace = trace.transpose()?;
    if let Some(trace) = &trace {
        plans.iter_mut().for_each(|plan| plan.trace_to(trace));
    }
    let progress = match beside.quiet {
        true => Progress::quiet(),
        false => Progress::new(),
    };
    let outcomes = run_alternately(plans, &mut Watchers { progress, metrics });
    // However it ended: who is still being shown the last pass holds the trace too.
    let traced = trace.map_or(Ok(()), Trace::finish);
    Ok((outcomes?, traced.err().map(|error| error.to_string())))
}
