//! `framehaul compare`: finished runs side by side.

use super::complain::complain;
use super::export::Exports;
use super::print::print;
use super::{last, thresholds};
use crate::error::{Error, Result};
use crate::report::{Comparison, Judgement, RunDir, Sink, Style, Threshold, judge, judgements};
use clap::ValueHint;
use std::path::PathBuf;
use std::process::ExitCode;

/// Compare finished runs side by side; the first is the baseline
///
/// A single run is shown by itself. Runs that were not asked for the same, or did not find the
/// same, are called out, and no ratio is given; nor is one of runs of fewer than six passes (--repeat 6),
/// of which nothing is known of where it lies.
///
/// Without a RUN, the last command's runs below runs/ are compared if it ran several modes, else the
/// last two that were finished there, the older one as the baseline.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Run directories, or report.json files [default: the last runs below runs/]
    #[arg(value_name = "RUN", value_hint = ValueHint::AnyPath)]
    runs: Vec<PathBuf>,
    /// Say where the gap between each run and the first comes from: serialising, kernel copies, page
    /// faults, wake-ups, reading, compute. Exported .md and .json files have all of it as well, a page has
    /// what it comes to, in a sentence
    #[arg(long)]
    explain: bool,
    /// End with exit code 1 if this is true of a run, as 'end_to_end.p99 > 33ms', or of a run and
    /// the first, as 'ratio.fps < 0.97'; may be given several times
    #[arg(long, value_name = "CONDITION", value_parser = Threshold::parse)]
    fail_if: Vec<Threshold>,
    /// Print JSON instead of tables: of one run its report, of several the comparison
    #[arg(long)]
    json: bool,
    /// Write a page as well: one HTML file with charts, which needs nothing beside it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    exports: Exports,
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
    if args.explain && runs.len() == 1 {
        let what = "--explain: there is one run, and no gap; name two or more";
        return Err(Error::Usage(what.into()).into());
    }
    thresholds::check(&args.fail_if, runs.len())?;
    args.exports.have_names_of_their_own(args.html.as_deref())?;
    let mut comparison = Comparison::read(&runs)?;
    if args.explain {
        comparison = comparison.with_explanations()?;
    }
    args.exports
        .write(&comparison, &runs)
        .collect::<Result<()>>()?;
    if let Some(file) = &args.html {
        RunDir::spare(&runs, file)?;
        Sink::fill(file, |sink| sink.write(comparison.page().as_bytes()))?;
    }
    let judged = judge(&args.fail_if, &comparison);
    let fault = thresholds::fault(&judged);
    let printed = tell(args, &runs, &comparison, &judged);
    fault.iter().for_each(complain);
    printed?;
    Ok(ExitCode::from(u8::from(fault.is_some())))
}

/// Prints what was asked for.
fn tell(
    args: &Args,
    runs: &[PathBuf],
    comparison: &Comparison,
    judged: &[Judgement],
) -> anyhow::Result<()> {
    if args.json {
        return print(thresholds::json(&comparison.shown(), judged)?);
    }
    let style = Style::of_stdout();
    if args.runs.is_empty() {
        let paths: Vec<_> = runs.iter().map(|run| run.display().to_string()).collect();
        print(format_args!("{}\n", paths.join("\n")))?;
    }
    print(comparison.show(style))?;
    if !judged.is_empty() {
        print(format_args!("\n{}", judgements(judged, style)))?;
    }
    Ok(())
}
