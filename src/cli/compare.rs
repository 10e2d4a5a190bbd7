//! `framehaul compare`: finished runs side by side.

use super::complain::complain;
use super::print::print;
use super::{last, thresholds};
use crate::report::{Comparison, Report, Style, Threshold, judge, judgements, summary};
use clap::ValueHint;
use std::path::PathBuf;
use std::process::ExitCode;

/// Compare finished runs side by side; the first is the baseline
///
/// A single run is shown by itself. Runs that were not asked for the same, or did not find the
/// same, are called out, and no ratio is given.
///
/// Without a RUN, the last command's runs below runs/ are compared if it ran several modes, else the
/// last two that were finished there, the older one as the baseline.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Run directories, or report.json files [default: the last runs below runs/]
    #[arg(value_name = "RUN", value_hint = ValueHint::AnyPath)]
    runs: Vec<PathBuf>,
    /// End with exit code 1 if this is true of a run, as 'end_to_end.p99 > 33ms', or of a run and
    /// the first, as 'ratio.fps < 0.97'; may be given several times
    #[arg(long, value_name = "CONDITION", value_parser = Threshold::parse)]
    fail_if: Vec<Threshold>,
    /// Print JSON instead of tables: of one run its report, of several the comparison
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  framehaul compare
  framehaul compare runs/*/mmap
  framehaul compare before/mmap after/mmap --fail-if 'ratio.fps < 97%'";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runs = match &args.runs[..] {
        [] => last::runs(last::FOLDER.as_ref())?,
        named => named.to_vec(),
    };
    thresholds::check(&args.fail_if, runs.len())?;
    let comparison = Comparison::read(&runs)?;
    let style = Style::of_stdout();
    let judged = judge(&args.fail_if, &comparison);
    if args.runs.is_empty() && !args.json {
        let paths: Vec<_> = runs.iter().map(|run| run.display().to_string()).collect();
        print(format_args!("{}\n", paths.join("\n")))?;
    }
    match (&runs[..], args.json) {
        ([one], true) => print(thresholds::json(&Report::read(one)?, &judged)?)?,
        ([one], false) => print(summary(&Report::read(one)?, style))?,
        (_, true) => print(thresholds::json(&comparison.data(), &judged)?)?,
        (_, false) => print(comparison.render(style))?,
    }
    if !judged.is_empty() && !args.json {
        print(format_args!("\n{}", judgements(&judged, style)))?;
    }
    let fault = thresholds::fault(&judged);
    fault.iter().for_each(complain);
    Ok(ExitCode::from(u8::from(fault.is_some())))
}
