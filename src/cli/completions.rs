//! `framehaul completions`: what a shell needs to complete our command lines.

use super::Cli;
use super::print::print;
use crate::lab::EXPERIMENTS;
use crate::{analysis, transport};
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use std::process::ExitCode;

/// Print what a shell needs to complete commands, options, modes and analyzers
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  framehaul completions bash > ~/.local/share/bash-completion/completions/framehaul
  framehaul completions zsh > \"${fpath[1]}/_framehaul\"
  framehaul completions fish > ~/.config/fish/completions/framehaul.fish";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    print(String::from_utf8(script(args.shell))?.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(
        shell,
        &mut with_values(Cli::command()),
        "framehaul",
        &mut script,
    );
    script
}

/// With the values of options that are looked up in a registry when a command runs, which refuses
/// others in sentences of its own.
fn with_values(command: Command) -> Command {
    let modes = || transport::registry().iter().map(|mode| mode.name());
    let modes_or_all = PossibleValuesParser::new(modes().chain(["all"]));
    let modes = PossibleValuesParser::new(modes());
    let analyzers = analysis::registry().iter().map(|entry| entry.name);
    let analyzers = PossibleValuesParser::new(analyzers);
    let experiments = EXPERIMENTS.iter().map(|known| known.name);
    let experiments = PossibleValuesParser::new(experiments.chain(["all"]));
    [
        ("run", "mode", modes_or_all),
        ("run", "analyze", analyzers.clone()),
        ("find", "mode", modes),
        ("advise", "analyze", analyzers),
        ("lab", "names", experiments),
    ]
    .into_iter()
    .fold(command, |command, (name, option, values)| {
        command.mut_subcommand(name, |command| {
            command.mut_arg(option, |option| option.value_parser(values))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_is_told_of_all_commands_modes_and_analyzers() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for word in ["run", "compare", "fail-if", "trace", "policy"] {
                assert!(script.contains(word), "{shell}: no {word}");
            }
            // The others' scripts have no values.
            if !matches!(shell, Shell::Bash | Shell::Zsh | Shell::Fish) {
                continue;
            }
            let modes = transport::registry().iter().map(|mode| mode.name());
            let analyzers = analysis::registry().iter().map(|entry| entry.name);
            for word in modes.chain(analyzers) {
                assert!(script.contains(word), "{shell}: no {word}");
            }
        }
    }
}
