//! Arguments in, exit code out.
//!
//! One file a command: what was typed (`Args`), and `run`, which turns it into a checked plan and
//! carries it out. This file is the only place where an error becomes an exit code: 0 done, 1 a
//! run in which some frames failed or that could not be finished (for want of memory or disk, say)
//! or a search that found nothing, 2 unusable input or options or a search that came to no answer,
//! 130 interrupted.

mod advise;
mod bench;
mod compare;
mod complain;
mod demo;
mod doctor;
mod export;
mod find;
mod generate;
mod lab;
mod list;
mod merge;
mod number;
mod print;
mod progress;
mod run;
mod size;
mod stop;

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
#[command(name = "framehaul", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Generate(generate::Args),
    Run(run::Args),
    Find(find::Args),
    Advise(advise::Args),
    Compare(compare::Args),
    Merge(merge::Args),
    Demo(demo::Args),
    List(list::Args),
    Doctor(doctor::Args),
    Bench(bench::Args),
    Lab(lab::Args),
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
    };
    outcome.unwrap_or_else(|error| {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
            // Whoever read our output has had enough of it, as `head` does.
            return ExitCode::SUCCESS;
        }
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
