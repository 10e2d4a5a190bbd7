//! `framehaul merge`: runs of ranges of one input become one run.

use super::print::print;
use super::stop::stop_on_signals;
use crate::report::{Merge, Style, summary};
use anyhow::Context;
use clap::ValueHint;
use std::path::PathBuf;
use std::process::ExitCode;

/// Merge runs of ranges of one input (--frames A..B) into one run
///
/// The runs may have been made at other times or on other machines, and are given in any order.
/// Together they must have each frame once, and have been asked for alike; workers, batches and
/// machines may differ. The result has the findings of a single run over the whole range, byte for
/// byte; its figures are those of the runs one after the other.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Run directories
    #[arg(required = true, value_name = "RUN", value_hint = ValueHint::AnyPath)]
    runs: Vec<PathBuf>,
    /// Where the merged run goes
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// The input's name, where the runs have another for the same, or none (standard input)
    #[arg(long, value_name = "NAME")]
    input: Option<String>,
    /// Print the merged report as JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  framehaul merge here/mmap there/mmap --out whole
  framehaul merge pieces/*/shm --out whole --input /videos/clip.mp4";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let merge = Merge {
        input: args.input.clone(),
        command: std::env::args().collect(),
        stop: stop_on_signals().context("cannot listen for Ctrl-C")?,
        ..Merge::new(args.runs.iter().cloned())
    };
    let report = merge.write_to(&args.out)?;
    if args.json {
        print(serde_json::to_string_pretty(&report)?)?;
    } else {
        print(summary(&report, Style::of_stdout()))?;
        print(format_args!("\nreport: {}", args.out.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
