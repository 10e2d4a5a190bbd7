//! `framehaul compare`: finished runs side by side.

use super::export::Exports;
use super::print::print;
use crate::error::Error;
use crate::report::{Comparison, Explanation, Report, Style, summary};
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
    /// Say where the gap between each run and the first comes from: serialising, kernel copies, page
    /// faults, wake-ups, reading, compute
    #[arg(long)]
    explain: bool,
    /// Print JSON instead of tables: of one run its report, of several the comparison
    #[arg(long)]
    json: bool,
    /// Write a page as well: one HTML file with charts, which needs nothing beside it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    exports: Exports,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.exports.write(&args.runs)?;
    let text = match (&args.runs[..], args.json) {
        ([_], _) if args.explain => {
            let what = "--explain: there is one run, and no gap; name two or more";
            return Err(Error::Usage(what.into()).into());
        }
        ([one], true) => serde_json::to_string_pretty(&Report::read(one)?)?,
        ([one], false) => summary(&Report::read(one)?, Style::of_stdout()),
        (several, json) => {
            let comparison = Comparison::read(several)?;
            let explanations = args.explain.then(|| comparison.explain()).transpose()?;
            if json {
                let mut data = comparison.data();
                data.explanations = explanations;
                serde_json::to_string_pretty(&data)?
            } else {
                show(
                    &comparison,
                    &explanations.unwrap_or_default(),
                    Style::of_stdout(),
                )
            }
        }
    };
    if let Some(file) = &args.html {
        let page = Comparison::read(&args.runs)?.page();
        std::fs::write(file, page).map_err(Error::io(file, "cannot write the page"))?;
    }
    print(text)?;
    Ok(ExitCode::SUCCESS)
}

fn show(comparison: &Comparison, explanations: &[Explanation], style: Style) -> String {
    let each = explanations.iter().map(|of| of.render(style));
    let parts: Vec<String> = [comparison.render(style)].into_iter().chain(each).collect();
    parts.join("\n\n")
}
