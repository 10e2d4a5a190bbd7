//! `framehaul generate`.

use super::number;
use super::size::Size;
use super::stop::stop_on_signals;
use crate::error::Error;
use crate::frame::{Colour, FrameFormat, Sample};
use crate::measure::available_memory;
use crate::report::shell_word;
use crate::report::units::bytes;
use crate::source::generate::{self, Plan};
use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Generate a synthetic frame set, with its ground truth
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The folder to write; it must not exist yet
    #[arg(value_hint = clap::ValueHint::DirPath)]
    out: PathBuf,
    /// How many frames
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    frames: u64,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "3840x2160")]
    size: Size,
    /// What a pixel is
    #[arg(long, value_enum, default_value = "rgb16")]
    pixels: Pixels,
    /// Frames a second, as the manifest states them
    #[arg(long, default_value_t = 30.0, value_parser = number::rate)]
    fps: f64,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One packed frames.npy, a file for each frame, or both
    #[arg(long, value_enum, default_value = "packed")]
    layout: Layout,
    /// What single files are written as
    #[arg(long, value_enum, default_value = "npy")]
    format: Format,
    /// Replace a generated set that has this name, once the new one is complete
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  framehaul generate frames --frames 60
  framehaul generate small --size 640x360 --pixels rgb8 --fps 25
  framehaul generate pictures --layout files --format png --seed 7";

#[derive(Clone, Copy, ValueEnum)]
enum Pixels {
    Rgb16,
    Rgb8,
    Gray16,
    Gray8,
}

#[derive(Clone, Copy, ValueEnum)]
enum Layout {
    Packed,
    Files,
    Both,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Npy,
    Png,
    Tiff,
    Pnm,
}

impl Args {
    fn plan(&self) -> Plan {
        let (colour, sample) = match self.pixels {
            Pixels::Rgb16 => (Colour::Rgb, Sample::U16),
            Pixels::Rgb8 => (Colour::Rgb, Sample::U8),
            Pixels::Gray16 => (Colour::Gray, Sample::U16),
            Pixels::Gray8 => (Colour::Gray, Sample::U8),
        };
        let format = FrameFormat::new(self.size.width, self.size.height, colour, sample);
        Plan {
            fps: self.fps,
            seed: self.seed,
            layout: match self.layout {
                Layout::Packed => generate::Layout::Packed,
                Layout::Files => generate::Layout::Files,
                Layout::Both => generate::Layout::Both,
            },
            file_format: match self.format {
                Format::Npy => generate::FileFormat::Npy,
                Format::Png => generate::FileFormat::Png,
                Format::Tiff => generate::FileFormat::Tiff,
                Format::Pnm => generate::FileFormat::Pnm,
            },
            force: self.force,
            ..Plan::new(&self.out, format, self.frames)
        }
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if is_unused(args) {
        return Err(Error::Usage(
            "--format is for single files; add --layout files or --layout both".into(),
        )
        .into());
    }
    let plan = args.plan();
    let (need, available) = (plan.memory_bytes(), available_memory());
    if need > available {
        return Err(Error::Failed(format!(
            "frames of {} need {} of memory to draw, {} are available; ask for smaller ones, by --size",
            plan.format,
            bytes(need as f64),
            bytes(available as f64)
        ))
        .into());
    }
    let stop = stop_on_signals().context("cannot listen for Ctrl-C")?;
    let bar = bar(plan.pixel_bytes());
    let start = Instant::now();
    let outcome = generate::generate(&plan, &stop, &|bytes| bar.inc(bytes));
    bar.finish_and_clear();
    let written = outcome?.bytes;
    let seconds = start.elapsed().as_secs_f64();
    // The set is there, whether or not somebody still reads what is said of it.
    let _ = writeln!(
        std::io::stdout(),
        "{out}: {} frames of {}, {} in {seconds:.2} s ({}/s)\nnext: framehaul run {} --mode all",
        plan.frames,
        plan.format,
        bytes(written as f64),
        bytes(written as f64 / seconds),
        shell_word(&args.out.to_string_lossy()),
        out = args.out.display(),
    );
    Ok(ExitCode::SUCCESS)
}

/// Bytes on their way to the disk, drawn on a terminal only.
pub(super) fn bar(bytes: u64) -> ProgressBar {
    let template =
        "{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template);
    // The template is the constant above.
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn is_unused(args: &Args) -> bool {
    matches!(args.layout, Layout::Packed) && !matches!(args.format, Format::Npy)
}
