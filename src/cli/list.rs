//! `framehaul list`: what there is to choose from, straight from the registries.

use crate::{analysis, source, transport};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// List the modes, analyzers and sources
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    let mut text = modes();
    text += "\nAnalyzers (--analyze NAME[,NAME…])\n";
    for entry in analysis::registry() {
        line(&mut text, &entry.usage(), entry.summary);
    }
    text += "\nSources (INPUT)\n";
    for kind in source::KINDS {
        line(&mut text, kind.accepts, kind.summary);
    }
    write!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

/// The modes by family, as `list` and the help of `run` show them.
pub(super) fn modes() -> String {
    let mut text = "Modes (--mode NAME[,NAME…] or all)\n".to_owned();
    let mut family = None;
    for mode in transport::registry() {
        if family.replace(mode.family()) != Some(mode.family()) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {}", mode.family().heading());
        }
        line(&mut text, &format!("  {}", mode.name()), mode.summary());
    }
    text
}

fn line(text: &mut String, name: &str, summary: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {name:<16} {summary}");
}
