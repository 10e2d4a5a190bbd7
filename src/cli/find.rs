//! `framehaul find`: the frame that meets a condition, and no work beyond it.

use super::complain::complain;
use super::faults::named;
use super::print::{print, print_if_heard};
use super::progress::Progress;
use super::stop::stop_on_signals;
use crate::analysis::Condition;
use crate::coordination::Every;
use crate::pipeline::{
    self,
    find::{Query, Searched, Watch, Which, find},
};
use crate::report::{FoundData, Style, found_line, found_story};
use crate::source::FrameSet;
use anyhow::Context;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Find the frame that meets a condition, and stop there
///
/// Searches each input for the earliest frame whose findings meet the condition. Workers that are
/// at frames behind it stop in the middle of them, and go on with the next input.
#[derive(clap::Args)]
#[command(after_help = after_help(), after_long_help = format!("{}\n\n{EXAMPLES}", after_help()))]
pub(super) struct Args {
    /// Generated sets, .npy, .y4m, folders or 'GLOBs' of images (see `framehaul list`)
    #[arg(required = true, value_hint = clap::ValueHint::AnyPath)]
    input: Vec<String>,
    /// What the frame is to meet, as 'luma.mean < 2' or 'luma.max > 60000 and not frame < 10'
    #[arg(long = "where", value_name = "EXPR", allow_hyphen_values = true)]
    condition: String,
    /// Be content with whichever such frame comes first, earliest or not
    #[arg(long, conflicts_with = "all")]
    any: bool,
    /// Find all such frames; nothing is left out
    #[arg(long)]
    all: bool,
    /// Worker processes, or threads [default: the processors this process may use]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Look after so many rows of a frame whether it is still needed; auto: as often as costs 1 %
    #[arg(long, value_name = "ROWS|auto", default_value = "auto", value_parser = parse_every)]
    check_every: Every,
    /// How frames reach the workers [default: mmap where it fits the input, else path]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  framehaul find frames --where 'luma.max > 60000'
  framehaul find one.y4m two.y4m --where 'motion.mean_abs_diff > 3000 and not luma.mean < 2'
  framehaul find frames --where 'sharpness.laplacian_variance < 10' --all --json";

fn parse_every(text: &str) -> Result<Every, String> {
    match text.parse() {
        _ if text == "auto" => Ok(Every::Auto),
        Ok(rows @ 1..) => Ok(Every::Iterations(rows)),
        _ => Err("expected a number of rows, at least 1, or auto".into()),
    }
}

fn after_help() -> String {
    let findings = Condition::all_findings().join(", ");
    format!(
        "Findings (--where EXPR)\n  {findings}\n  Compare them with <, <=, >, >=, == or != and a \
         number; join that with and, or, not, ( ).\n\n{}\nExit code: 0 found, 1 nothing found, 2 \
         an input or EXPR that cannot\nbe used, or nothing found where some frames could not be \
         read.",
        super::list::modes("--mode MODE")
    )
}

impl Args {
    fn query(&self) -> crate::Result<Query> {
        let condition = Condition::parse(&self.condition)?;
        let inputs = self.input.iter().map(|input| FrameSet::open(input));
        let inputs: Vec<_> = inputs.collect::<crate::Result<_>>()?;
        Ok(Query {
            which: match (self.any, self.all) {
                (true, _) => Which::Any,
                (_, true) => Which::All,
                _ => Which::Earliest,
            },
            mode: self.mode.clone(),
            workers: self.workers,
            check_every: self.check_every,
            ..Query::new(inputs, condition)
        })
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut query = args.query()?;
    query.stop = stop_on_signals().context("cannot listen for Ctrl-C")?;
    let mut teller = Teller {
        progress: Progress::new(),
        prints: !args.json,
        stop: query.stop.clone(),
        heard: Ok(true),
    };
    let answer = find(&query, &mut teller);
    match teller.heard {
        Ok(true) => {}
        // What was found was printed for nobody.
        Ok(false) => return Ok(ExitCode::SUCCESS),
        Err(error) => return Err(error),
    }
    let answer = answer?;
    drop(teller.progress);
    if args.json {
        let data = FoundData::new(&answer);
        print(serde_json::to_string_pretty(&data)?)?;
    } else {
        let gap = if answer.is_found() { "\n" } else { "" };
        print(format_args!(
            "{gap}{}",
            found_story(&answer, Style::of_stdout())
        ))?;
    }
    let inputs = answer.inputs.iter();
    let faults: Vec<_> = inputs
        .flat_map(|input| faults(input, query.which))
        .collect();
    for fault in &faults {
        complain(fault);
    }
    Ok(ExitCode::from(match (answer.is_found(), &faults[..]) {
        (true, _) => 0,
        (false, []) => 1,
        // Nobody knows what was in the frames that could not be read.
        (false, _) => 2,
    }))
}

/// Shows how far the search is, and what it has found as soon as an input is settled.
struct Teller {
    progress: Progress,
    prints: bool,
    stop: Arc<AtomicBool>,
    /// Whether what is found is still read, or why nobody can be told: either ends the search.
    heard: anyhow::Result<bool>,
}

impl pipeline::Watch for Teller {
    fn phase(&mut self, what: &str) {
        self.progress.phase(what);
    }

    fn pass(&mut self, mode: &str, pass: usize, passes: usize, frames: Option<u64>) {
        self.progress.pass(mode, pass, passes, frames);
    }

    fn progress(&mut self, ended: u64) {
        self.progress.progress(ended);
    }
}

impl Watch for Teller {
    fn settled(&mut self, searched: &Searched) {
        if !self.prints || !matches!(self.heard, Ok(true)) || searched.found.is_empty() {
            return;
        }
        let lines = searched.found.iter();
        let lines: Vec<_> = lines.map(|hit| found_line(searched, hit)).collect();
        let print = || print_if_heard(lines.join("\n"));
        self.heard = self.progress.suspend(print);
        if !matches!(self.heard, Ok(true)) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// What went wrong with an input, a sentence each.
fn faults(searched: &Searched, which: Which) -> Vec<String> {
    let (input, failed) = (&searched.input, searched.failed.iter().cloned());
    let mut faults = named(input, failed, "--json names them");
    let before = searched.failed_before();
    if before > 0 && which == Which::Earliest {
        let hit = searched.found.first().map_or(0, |hit| hit.frame);
        faults.push(format!(
            "{input}: frame {hit} may not be the earliest: {before} before it failed"
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_rows_or_auto() {
        assert_eq!(parse_every("auto"), Ok(Every::Auto));
        assert_eq!(parse_every("16"), Ok(Every::Iterations(16)));
        for bad in ["0", "-1", "", "often", "1.5"] {
            assert!(parse_every(bad).unwrap_err().contains("auto"), "{bad}");
        }
    }
}
