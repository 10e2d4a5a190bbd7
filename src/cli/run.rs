//! `framehaul run`. STUB.

use std::process::ExitCode;

/// Analyse a frame set in one mode, or in several and compare them
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    todo!()
}
