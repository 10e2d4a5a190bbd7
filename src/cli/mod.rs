//! Arguments in, exit code out.
//!
//! One file a command: what was typed (`Args`), and `run`, which turns it into a checked plan and
//! carries it out. This file is the only place where an error becomes an exit code: 0 done, 1 a
//! run in which some frames failed, that could not be finished (for want of memory or disk, say) or
//! that came to what `--fail-if` forbids, or a search that found nothing, 2 unusable input or
//! options or a search that came to no answer, 130 interrupted. Whether anybody reads what is printed
//! changes nothing about it.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     framehaul::cli::main()
//! }
//! ```

mod advise;
mod bench;
mod compare;
mod complain;
mod completions;
mod demo;
mod doctor;
mod export;
mod faults;
mod find;
mod generate;
mod lab;
mod last;
mod list;
mod live;
mod merge;
mod metrics;
mod number;
mod print;
mod progress;
mod run;
mod size;
mod stop;
mod thresholds;
mod watchers;

use self::complain::complain;
use crate::pipeline::FrameJob;
use crate::pipeline::find::FindJob;
use crate::pool;
use crate::sys::memory;
use clap::{Parser, Subcommand};
use signal_hook::consts::SIGXFSZ;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Parser)]
#[command(
    name = "framehaul",
    version,
    about,
    max_term_width = 100,
    after_long_help = EXAMPLES,
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  framehaul demo
  framehaul run frames --mode all --repeat 5
  framehaul compare --html page.html";

#[derive(Subcommand)]
enum Command {
    Generate(generate::Args),
    Run(Box<run::Args>),
    Find(find::Args),
    Advise(advise::Args),
    Compare(compare::Args),
    Merge(merge::Args),
    Demo(demo::Args),
    List(list::Args),
    Doctor(doctor::Args),
    Bench(bench::Args),
    Lab(lab::Args),
    Completions(completions::Args),
}

/// The whole program.
pub fn main() -> ExitCode {
    memory::give_back_large_blocks();
    memory::save_address_space();
    // A file that grows over the shell's limit (`ulimit -f`) becomes an ordinary error of the write.
    // Where this fails, the signal ends the program.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    pool::worker::enter::<FrameJob>();
    pool::worker::enter::<FindJob>();
    crate::measure::Limits::serve_helper();
    crate::lab::enter();
    crate::bench::serve_helper();
    let command = Cli::parse().command;
    // Of a search, 1 says that nothing was found.
    let failure = if matches!(command, Command::Find(_)) {
        2
    } else {
        1
    };
    let outcome = match command {
        Command::Generate(args) => generate::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Find(args) => find::run(&args),
        Command::Advise(args) => advise::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::List(args) => list::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        let known = error.downcast_ref::<crate::Error>();
        // Ours are whole sentences; of others the chain of causes says more.
        match known {
            Some(known) => complain(known),
            None => complain(format_args!("{error:#}")),
        }
        let code = known.map_or(1, crate::Error::exit_code);
        ExitCode::from(if code == 1 { failure } else { code })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The words of a line as a shell would take them.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, ' ') => words.push(String::new()),
                (_, c) => words.last_mut().expect("there is one").push(c),
            }
        }
        // What goes to a file instead is the shell's.
        words
            .into_iter()
            .take_while(|word| word != ">")
            .filter(|word| !word.is_empty())
            .collect()
    }

    /// Checks that a help has examples, which begin so and can be typed.
    #[track_caller]
    fn check_examples(command: &mut clap::Command, begin: &str) {
        let help = command.render_long_help().to_string();
        let examples = help.split("Examples:\n").nth(1);
        let examples = examples.unwrap_or_else(|| panic!("no examples of {begin}"));
        let mut count = 0;
        for line in examples.lines().take_while(|line| line.starts_with("  ")) {
            let line = line.trim();
            assert!(line.starts_with(begin), "{line}");
            if let Err(error) = Cli::try_parse_from(words(line)) {
                panic!("{line}: {error}");
            }
            count += 1;
        }
        assert!(count > 0, "no examples of {begin}");
    }

    #[test]
    fn the_help_of_every_command_has_examples_that_can_be_typed() {
        let mut command = Cli::command();
        command.build();
        check_examples(&mut command, "framehaul ");
        for command in command.get_subcommands_mut() {
            let name = command.get_name().to_owned();
            if name != "help" {
                check_examples(command, &format!("framehaul {name}"));
            }
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
