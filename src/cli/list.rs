//! `framehaul list`. STUB.

use std::process::ExitCode;

/// List the modes, analyzers and sources
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    todo!()
}
