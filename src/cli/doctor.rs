//! `framehaul doctor`: what this machine can do, and what that means for which mode.

use super::print::print;
use crate::measure::{Limits, Survey};
use crate::report::{Style, checkup};
use std::process::ExitCode;

/// Look at this machine: its limits, and what they mean for which mode
///
/// Memory bandwidth and the wake-up round trip are measured now, which takes about a second.
#[derive(clap::Args)]
#[command(after_long_help = "Examples:\n  framehaul doctor\n  framehaul doctor --json")]
pub(super) struct Args {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let survey = Survey::take();
    let limits = Limits::measure(survey.machine.cores)?;
    let text = if args.json {
        let json = serde_json::json!({ "schema": 1, "limits": limits, "survey": survey });
        serde_json::to_string_pretty(&json)?
    } else {
        checkup(&survey, &limits, Style::of_stdout())
    };
    print(text)?;
    Ok(ExitCode::SUCCESS)
}
