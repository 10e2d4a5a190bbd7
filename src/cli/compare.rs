//! `framehaul compare`. STUB.

use std::process::ExitCode;

/// Compare finished runs side by side; the first is the baseline
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    todo!()
}
