//! `framehaul list`: what there is to choose from, straight from the registries.

use super::print::print;
use crate::{analysis, source, transport};
use std::process::ExitCode;

/// List the modes, analyzers and sources
#[derive(clap::Args)]
#[command(after_long_help = "Examples:\n  framehaul list")]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    let analyzers = analysis::registry().iter();
    let analyzers: Vec<_> = analyzers
        .map(|entry| (entry.usage(), entry.summary))
        .collect();
    let sets = source::KINDS
        .iter()
        .map(|kind| (kind.accepts, kind.summary));
    let live = source::LIVE_KINDS.iter();
    let live = live.map(|kind| (kind.accepts, kind.summary));
    let sources: Vec<_> = sets
        .chain(live)
        .map(|(accepts, summary)| (accepts.to_owned(), summary))
        .collect();
    let text = [
        modes("--mode NAME[,NAME…] or all"),
        section("Analyzers (--analyze NAME[,NAME…])", &analyzers),
        section("Sources (INPUT)", &sources),
    ];
    print(text.join("\n").trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The modes by family, as `list` and the help of other commands show them, with how one is asked
/// for.
pub(super) fn modes(option: &str) -> String {
    let mut text = format!("Modes ({option})\n");
    let mut family = None;
    for mode in transport::registry() {
        if family.replace(mode.family()) != Some(mode.family()) {
            text += &format!("  {}\n", mode.family().heading());
        }
        text += &format!("    {:<12} {}\n", mode.name(), mode.summary());
    }
    text
}

/// A heading and a line each, summaries below each other.
fn section(heading: &str, lines: &[(String, &str)]) -> String {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let lines = lines.iter();
    let lines = lines.map(|(name, summary)| format!("  {name:<width$}  {summary}\n"));
    format!("{heading}\n{}", lines.collect::<String>())
}
