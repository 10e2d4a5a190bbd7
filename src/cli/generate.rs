//! `framehaul generate`. STUB.

use std::process::ExitCode;

/// Generate a synthetic frame set, with its ground truth
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    todo!()
}
