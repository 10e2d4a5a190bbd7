//! `framehaul list`: what there is to choose from, straight from the registries.

use super::print::print;
use crate::report::{KINDS, SCHEMAS};
use crate::{analysis, source, transport};
use std::process::ExitCode;

/// List the modes, analyzers, sources and kinds of files that runs are exported to
#[derive(clap::Args)]
#[command(after_long_help = "Examples:\n  framehaul list\n  framehaul list --schema report")]
pub(super) struct Args {
    /// Print a schema (JSON Schema 2020-12) of what is written for programs instead
    #[arg(long, value_name = "NAME", value_parser = SCHEMAS.each_ref().map(|schema| schema.name))]
    schema: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(name) = &args.schema {
        let schema = SCHEMAS.iter().find(|schema| schema.name == name);
        print(schema.map_or("", |schema| schema.text.trim_end()))?;
        return Ok(ExitCode::SUCCESS);
    }
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
    let exports = KINDS.iter();
    let exports: Vec<_> = exports
        .map(|kind| (kind.ending.to_owned(), kind.summary))
        .collect();
    let schemas = SCHEMAS.iter();
    let schemas: Vec<_> = schemas
        .map(|schema| (schema.name.to_owned(), schema.summary))
        .collect();
    let text = [
        modes("--mode NAME[,NAME…] or all"),
        section("Analyzers (--analyze NAME[,NAME…])", &analyzers),
        section("Sources (INPUT)", &sources),
        section("Exports (--export FILE), by how the name ends", &exports),
        section("Schemas (list --schema NAME)", &schemas),
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
