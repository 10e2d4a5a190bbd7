//! `framehaul demo`: the main job in one command.

use super::complain::complain;
use super::print::print;
use super::run::{Done, measure};
use super::size::Size;
use super::stop::stop_on_signals;
use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat, Sample};
use crate::measure::available_memory;
use crate::pipeline::Request;
use crate::report::units::bytes;
use crate::report::{Report, Story, Style};
use crate::source::FrameSet;
use crate::source::generate::{Plan, generate};
use crate::source::manifest::Manifest;
use crate::statistics::LEAST_PASSES;
use crate::sys::fs::space;
use anyhow::Context;
use std::fs::{File, TryLockError};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// See what shipping 4K pixels costs against shipping a reference, in one command
///
/// Generates one second of video, analyses it in every mode, flat out and at 30 frames a second,
/// tells what came of it, and removes the frames again.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// How many frames
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    frames: u64,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "3840x2160")]
    size: Size,
    /// Where the reports go
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  framehaul demo
  framehaul demo --size 1280x720 --out runs/small";

const MODES: [&str; 6] = [
    "sequential",
    "payload",
    "payload-raw",
    "path",
    "mmap",
    "shm",
];
const FPS: f64 = 30.0;
/// As many as it takes to know where a ratio lies.
const PASSES: usize = LEAST_PASSES;

/// What is offered where the size asked for does not fit.
const SMALLER: [(u32, u32); 5] = [
    (2560, 1440),
    (1920, 1080),
    (1280, 720),
    (640, 360),
    (320, 180),
];

/// Memory beside the frames: the program itself, its workers, the limits' measurement.
const ELSE: u64 = 500_000_000;

/// What the demo takes at a size.
struct Need {
    disk: u64,
    memory: u64,
}

impl Need {
    fn of(format: FrameFormat, frames: u64, workers: u64) -> Self {
        let frame = format.bytes() as u64;
        Self {
            disk: frame * frames + 8192,
            // The frames in the page cache, and what the payload has under way for each worker:
            // the frame, up to three bytes a sample (twice while that buffer grows, once more
            // received), and the frame again.
            memory: frame * frames + workers * (2 * frame + 9 * format.samples() as u64) + ELSE,
        }
    }

    fn fits(&self, disk: u64, memory: u64) -> bool {
        self.disk <= disk && self.memory <= memory
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let stop = stop_on_signals().context("cannot listen for Ctrl-C")?;
    let _place = take(&args.out)?;
    let format = FrameFormat::new(args.size.width, args.size.height, Colour::Rgb, Sample::U16);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    check_room(args, format, workers as u64)?;

    let need = Need::of(format, args.frames, workers as u64);
    print(format_args!(
        "{} frames of {format}, {} each: {:.2} s of video at {FPS} frames a second.\nAnalyzer: luma. \
         Workers: {workers}. This takes {} of disk in {} until it ends,\nabout {} of memory, \
         and about two minutes.\n",
        args.frames,
        bytes(format.bytes() as f64),
        args.frames as f64 / FPS,
        bytes(need.disk as f64),
        args.out.display(),
        bytes(need.memory as f64),
    ))?;

    let frames = Frames::generate(args, format, &stop)?;
    let (flat, paced) = both(args, &frames, &stop)?;
    drop(frames);

    let flat_reports: Vec<Report> = flat.reports.into_iter().map(|(_, report)| report).collect();
    let paced_reports: Vec<Report> = paced
        .reports
        .into_iter()
        .map(|(_, report)| report)
        .collect();
    let story = Story {
        flat: &flat_reports,
        paced: &paced_reports,
    };
    // What payload costs is what the page is to show: it is the baseline.
    let payload_first = [&MODES[1..], &MODES[..1]].concat().join(",");
    let me = std::env::args()
        .next()
        .unwrap_or_else(|| "framehaul".into());
    print(format_args!(
        "{}\n\nThe frames are removed; the reports are in {} ({:.0} s in all). Try next:\n  \
         {me} compare --html comparison.html {}/flat/{{{payload_first}}}\n  \
         {me} generate frames --size 1920x1080 --frames 120\n  \
         {me} run frames --mode all --analyze luma,motion --repeat 6",
        story.tell(Style::of_stdout()),
        args.out.display(),
        start.elapsed().as_secs_f64(),
        args.out.display(),
    ))?;
    let faults = [flat.faults, paced.faults].concat();
    for fault in &faults {
        complain(fault);
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

/// All modes flat out, taking turns, then all at the pace.
fn both(args: &Args, frames: &Frames, stop: &Arc<AtomicBool>) -> Result<(Done, Done)> {
    let set = FrameSet::open(&frames.0.to_string_lossy())?;
    let flat = Request {
        modes: MODES.map(String::from).to_vec(),
        batch: Some(1),
        repeat: PASSES,
        warmup: 1,
        stop: stop.clone(),
        ..Request::new(set, Analysis::parse("luma")?)
    };
    let paced = Request {
        fps: Some(FPS),
        repeat: 1,
        warmup: 0,
        cut_short: true,
        ..flat.clone()
    };
    Ok((
        measure(&flat, &args.out.join("flat"))?,
        measure(&paced, &args.out.join("paced"))?,
    ))
}

/// Takes the demo's place for as long as what is returned lives. It is the same for every demo, so that what a
/// killed one left behind is found by the next; what a living one is about is not.
fn take(place: &Path) -> Result<File> {
    std::fs::create_dir_all(place).map_err(Error::io(place, "cannot create the folder"))?;
    let cannot_lock = "cannot lock the folder";
    let lock = File::open(place).map_err(Error::io(place, cannot_lock))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let what = "is another demo's, which is under way: choose another place by --out";
            Err(Error::input(place, what))
        }
        Err(TryLockError::Error(error)) => Err(Error::io(place, cannot_lock)(error)),
    }
}

/// Refuses what does not fit, and offers what does.
fn check_room(args: &Args, format: FrameFormat, workers: u64) -> Result<()> {
    let disk = space(&args.out).map_err(Error::io(&args.out, "cannot ask for free space"))?;
    let (disk, memory) = (disk.free, available_memory());
    let need = Need::of(format, args.frames, workers);
    if need.fits(disk, memory) {
        return Ok(());
    }
    let smaller = SMALLER.into_iter().find(|&(width, height)| {
        let format = FrameFormat {
            width,
            height,
            ..format
        };
        (format.pixels() < args.size.pixels())
            && Need::of(format, args.frames, workers).fits(disk, memory)
    });
    let offer = match smaller {
        Some((width, height)) => format!("this fits: --size {width}x{height}"),
        None => "no smaller size fits either; fewer --frames might".into(),
    };
    Err(Error::Failed(format!(
        "{} frames of {format} need {} of disk in {} ({} are free) and {} of memory ({} are \
         available); {offer}",
        args.frames,
        bytes(need.disk as f64),
        args.out.display(),
        bytes(disk as f64),
        bytes(need.memory as f64),
        bytes(memory as f64),
    )))
}

/// The generated set, removed when it goes out of scope, however that happens.
struct Frames(PathBuf);

impl Frames {
    fn generate(args: &Args, format: FrameFormat, stop: &Arc<AtomicBool>) -> Result<Self> {
        let path = args.out.join("frames");
        remove_leftover(&path)?;
        let plan = Plan {
            fps: FPS,
            ..Plan::new(&path, format, args.frames)
        };
        let begin = Instant::now();
        let bar = super::generate::bar(plan.pixel_bytes());
        let written = generate(&plan, stop, &|bytes| bar.inc(bytes));
        bar.finish_and_clear();
        let written = written?.bytes;
        if std::io::stderr().is_terminal() {
            let seconds = begin.elapsed().as_secs_f64();
            let rate = bytes(written as f64 / seconds);
            eprintln!("generated in {seconds:.1} s ({rate}/s)");
        }
        Ok(Self(path))
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // What cannot be removed is swept by the next demo.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The frames of a demo that was killed; anything else of that name is not ours to remove.
fn remove_leftover(path: &Path) -> Result<()> {
    if !path.join(Manifest::FILE).exists() {
        return Ok(());
    }
    std::fs::remove_dir_all(path).map_err(Error::io(path, "cannot remove the last demo's frames"))
}
