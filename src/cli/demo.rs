//! `framehaul demo`. STUB.

use std::process::ExitCode;

/// See what shipping 4K pixels costs against shipping a reference, in one command
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    todo!()
}
