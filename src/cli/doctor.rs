//! `framehaul doctor`. STUB.

use std::process::ExitCode;

/// Look at this machine: its limits, and what they mean for which mode
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    todo!()
}
