//! `framehaul compare`: finished runs side by side.

use super::export::Exports;
use super::print::print;
use crate::report::{Comparison, Report, Style, summary};
use std::path::PathBuf;
use std::process::ExitCode;

/// Compare finished runs side by side; the first is the baseline
///
/// A single run is shown by itself. Runs that were not asked for the same, or did not find the
/// same, are called out, and no ratio is given.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Run directories, or report.json files
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Print JSON instead of tables: of one run its report, of several the comparison
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    exports: Exports,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.exports.write(&args.runs)?;
    let text = match (&args.runs[..], args.json) {
        ([one], true) => serde_json::to_string_pretty(&Report::read(one)?)?,
        ([one], false) => summary(&Report::read(one)?, Style::of_stdout()),
        (several, true) => serde_json::to_string_pretty(&Comparison::read(several)?.data())?,
        (several, false) => Comparison::read(several)?.render(Style::of_stdout()),
    };
    print(text)?;
    Ok(ExitCode::SUCCESS)
}
