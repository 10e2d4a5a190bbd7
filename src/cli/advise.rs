//! `framehaul advise`: whether workers are worth it for these frames, and how.

use super::complain::complain;
use super::last;
use super::number;
use super::print::print;
use super::progress::Progress;
use super::run::{measure_in, parse_range, place};
use super::stop::{end_if_unheard, stop_on_signals};
use crate::advise::{self, Advice, AdviceData, Tested};
use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::pipeline::Request;
use crate::report::units::seconds;
use crate::report::{RunDir, Style};
use crate::source::Source;
use crate::sys::fs::Made;
use crate::transport;
use anyhow::Context;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Find out, on the first frames, which mode, workers and batch to use, or whether to use any
///
/// One thread, threads and every mode that fits are measured in turns, over numbers of workers and
/// batches, until it is clear which is fastest or the time is up. What is said follows from the
/// figures: where the work lies in the matrix of light and heavy compute, small and large data; how
/// many times as fast as one thread the best is, with its interval; what holds it up; from how much
/// work on workers win; how long the whole will take; and the command line.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// What `framehaul run` takes, if it can be read several times: a set, a video, a camera without
    /// its @FPS
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    input: String,
    /// What to compute for each frame (see `framehaul list`)
    #[arg(long, value_name = "NAME[,NAME…]", default_value = "luma")]
    analyze: String,
    /// Frames A to B-1 only; beyond its end a set begins again
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    frames: Option<Range<u64>>,
    /// How many seconds trying ways may take; before that, the machine's limits take some
    #[arg(long, value_name = "S", default_value = "60", allow_negative_numbers = true, value_parser = number::seconds)]
    budget: Duration,
    /// Run the whole as advised, and print what was predicted beside what it took
    #[arg(long)]
    verify: bool,
    /// Where --verify puts its run directory [default: runs/advised, or
    /// runs/advised-2 if there is one already]
    #[arg(long, value_name = "DIR", requires = "verify")]
    out: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  framehaul advise frames --analyze luma
  framehaul advise 'shots/*.png' --analyze sharpness --budget 20s
  framehaul advise frames --verify --out runs/advised";

/// The place of the whole, taken before anything is measured, so that nobody else takes it meanwhile.
struct Place {
    folder: PathBuf,
    /// Whatever the mode will be.
    modes: Vec<RunDir>,
    /// The folder of all of them. They are dropped before it.
    _made: Made,
}

/// The whole, as advised.
struct Verified {
    predicted_s: f64,
    actual_s: f64,
    /// Something went wrong on the way, and was said.
    failed: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals().context("cannot listen for Ctrl-C")?;
    let request = Request {
        frames: args.frames.clone(),
        stop: stop.clone(),
        ..Request::new(
            Source::open_unless(&stop, &args.input)?,
            Analysis::parse(&args.analyze)?,
        )
    };
    let place = args
        .verify
        .then(|| place_of_whole(&request, args.out.as_deref()));
    let place = place.transpose()?;
    let out = place.as_ref().map(|place| place.folder.clone());
    // While it is being measured, where a frame may take a minute, a wish to stop gives the place up. The whole has
    // ears of its own for that, and needs its place.
    let place = Arc::new(Mutex::new(Some(place)));
    let held = Arc::clone(&place);
    end_if_unheard(&stop, move || take(&held).is_some());
    let advice = advise::frames(&request, args.budget, &mut Progress::new());
    let place = take(&place).ok_or(Error::Interrupted)?;
    let advice = advice?;
    if !args.json {
        print(advice.render(Style::of_stdout()))?;
    }
    let verified = place.map(|place| verify(request, &advice, place));
    if args.json {
        // What was measured is told, whatever became of the whole.
        let done = verified
            .as_ref()
            .and_then(|verified| verified.as_ref().ok());
        let data = AdviceData::new(advice, done.map(|done| (done.actual_s, done.predicted_s)));
        print(serde_json::to_string_pretty(&data)?)?;
    }
    let Some(Verified {
        predicted_s,
        actual_s,
        failed,
    }) = verified.transpose()?
    else {
        return Ok(ExitCode::SUCCESS);
    };
    if !args.json {
        print(format_args!(
            "\nThe whole took {}; predicted were {}, {:+.0} %.",
            seconds(actual_s),
            seconds(predicted_s),
            100.0 * (predicted_s / actual_s - 1.0)
        ))?;
        if let Some(out) = out {
            print(format_args!("reports: {}", out.display()))?;
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn take<T>(held: &Mutex<Option<T>>) -> Option<T> {
    held.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Before anything is measured.
///
/// # Errors
/// If the whole has no end, or its place cannot be written or is somebody else's.
fn place_of_whole(request: &Request, out: Option<&Path>) -> Result<Place> {
    if let Source::Live(live) = &request.source
        && live.is_endless()
        && request.frames.is_none()
    {
        let input = live.input();
        return Err(Error::Usage(format!(
            "--verify: {input} has no end; say how much of it is the whole, by --frames A..B"
        )));
    }
    let (folder, ours) = place(out, || Path::new(last::FOLDER).join("advised"))?;
    let made = ours.unwrap_or_else(|| Made::above(&folder.join("a mode")));
    let modes = transport::registry().iter();
    let modes: Result<_> = modes
        .map(|mode| RunDir::create(folder.join(mode.name())))
        .collect();
    Ok(Place {
        modes: modes?,
        folder,
        _made: made,
    })
}

/// Runs the whole.
fn verify(request: Request, advice: &Advice, place: Place) -> Result<Verified> {
    let Some(Tested { way, each_s, .. }) = advice.to_follow() else {
        return Err(Error::Failed(
            "--verify: nothing was advised that could be verified; give it more time, by --budget"
                .into(),
        ));
    };
    let request = Request {
        modes: vec![way.mode.clone()],
        workers: Some(way.workers),
        batch: Some(way.batch),
        ..request
    };
    let done = measure_in(&request, &place.folder, place.modes)?;
    for fault in &done.faults {
        complain(fault);
    }
    let totals = done.reports.first().map(|(_, report)| &report.totals);
    let (actual_s, frames) = totals.map_or((0.0, 0), |totals| (totals.wall_s, totals.frames));
    Ok(Verified {
        predicted_s: frames as f64 * each_s,
        actual_s,
        failed: !done.faults.is_empty(),
    })
}
