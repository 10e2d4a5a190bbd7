//! `framehaul lab`: the lectures' claims, measured here.

mod finished;

use self::finished::{Finished, write};
use super::complain::complain;
use super::print::{print, print_if_heard};
use super::progress::Progress;
use super::stop::{end_if_unheard, stop_on_signals};
use crate::error::Error;
use crate::lab::{self, Bench, EXPERIMENTS, Experiment, Outcome, Outcomes, Peer};
use crate::measure::Machine;
use crate::pipeline::Watch;
use crate::report::Style;
use anyhow::Context;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Try two lectures' claims on this machine
///
/// Each experiment quotes a claim on what processes cost, carries it out at the lecture's own
/// numbers, and says whether it holds here.
#[derive(clap::Args)]
#[command(
    after_help = names(),
    after_long_help = format!("{}\n\n{EXAMPLES}", names()),
    args_conflicts_with_subcommands = true,
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Experiments by name, or all [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    effort: Effort,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
    /// Write lab.json there as well, and the page that `lab report` prints, lab.md and lab.html
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  framehaul lab crossover --quick
  framehaul lab --quick --out lab
  framehaul lab report --out lab.md
  framehaul lab short-tasks --peer python";

#[derive(clap::Subcommand)]
enum What {
    Report(ReportArgs),
}

/// Try all claims, and write one page that goes through the lectures slide by slide
#[derive(clap::Args)]
struct ReportArgs {
    #[command(flatten)]
    effort: Effort,
    /// The file for the page, in Markdown [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The page as one HTML file, with charts, as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(clap::Args, Clone, Copy)]
struct Effort {
    /// Fewer repetitions: all within two minutes
    #[arg(long)]
    quick: bool,
    /// Have the lecture's own Python do the same, for a further column; it is in framehaul's
    /// repository (or FRAMEHAUL_SCRIPTS), and installs NumPy there the first time
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    peer: Option<PeerName>,
    /// Go through the motions with a thousandth of the data: the figures mean nothing
    #[arg(long, hide = true, conflicts_with = "quick")]
    rehearse: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum PeerName {
    Python,
}

fn names() -> String {
    let line = |known: &&Experiment| format!("  {:<21}{}", known.name, known.place());
    let lines: Vec<_> = EXPERIMENTS.iter().map(line).collect();
    format!("Experiments\n{}", lines.join("\n"))
}

impl Args {
    /// Those asked for, each once.
    fn experiments(&self) -> crate::Result<Vec<&'static Experiment>> {
        let mut asked: Vec<&'static Experiment> = Vec::new();
        for name in &self.names {
            let named = match name.as_str() {
                "all" => EXPERIMENTS.to_vec(),
                _ => vec![lab::by_name(name)?],
            };
            let is_new = |known: &&Experiment| asked.iter().all(|other| other.name != known.name);
            let new: Vec<_> = named.into_iter().filter(is_new).collect();
            asked.extend(new);
        }
        if asked.is_empty() {
            asked.extend(EXPERIMENTS);
        }
        Ok(asked)
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.what {
        Some(What::Report(args)) => report(args),
        None => tell(args),
    }
}

/// Carries out what was asked for, and prints each outcome as it comes.
fn tell(args: &Args) -> anyhow::Result<ExitCode> {
    let experiments = args.experiments()?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "cannot create the folder"))?;
        [JSON, PAGE, HTML]
            .map(|name| folder.join(name))
            .iter()
            .try_for_each(|file| can_write(file))?;
    }
    let mut gap = "";
    let tell = |outcome: &Outcome| {
        if args.json {
            return Ok(true);
        }
        let text = outcome.render(Style::of_stdout());
        let heard = print_if_heard(format_args!("{}{text}", std::mem::replace(&mut gap, "\n")))?;
        // Files are wanted whether or not somebody reads on.
        Ok(heard || args.out.is_some())
    };
    let json = |experiments: &[Outcome]| serde_json::to_string_pretty(&Outcomes { experiments });
    let (how, out) = (args.effort.how(experiments.len()), args.out.clone());
    let write = move |outcomes: &[Outcome], is_last| -> anyhow::Result<()> {
        let Some(folder) = &out else { return Ok(()) };
        let write = |name, text: &str| write(&folder.join(name), text, is_last);
        // Every place gets what is finished, even if another cannot take it.
        let json = write(JSON, &format!("{}\n", json(outcomes)?));
        let page = write(PAGE, &how.page(outcomes));
        let html = write(HTML, &how.html(outcomes));
        Ok(json.and(page).and(html)?)
    };
    let is_json = args.json;
    let print = move |outcomes: &[Outcome]| match is_json {
        true => print(&json(outcomes)?),
        false => Ok(()),
    };
    carry_out(&experiments, args.effort, tell, Finished::new(write, print))
}

const JSON: &str = "lab.json";
const PAGE: &str = "lab.md";
const HTML: &str = "lab.html";

/// Carries all out, and writes the page.
fn report(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    for file in args.out.iter().chain(&args.html) {
        can_write(file)?;
    }
    if let (Some(out), Some(html)) = (&args.out, &args.html)
        && place(out) == place(html)
    {
        let what = "--out and --html name the same file, and a page would replace the other";
        return Err(Error::Usage(what.into()).into());
    }
    let how = Arc::new(args.effort.how(EXPERIMENTS.len()));
    let how_printed = Arc::clone(&how);
    let (out, html) = (args.out.clone(), args.html.clone());
    let write = move |outcomes: &[Outcome], is_last| -> anyhow::Result<()> {
        let write = |file: &Option<PathBuf>, page: &dyn Fn() -> String| match file {
            Some(file) => write(file, &page(), is_last),
            None => Ok(()),
        };
        let html = write(&html, &|| how.html(outcomes));
        Ok(write(&out, &|| how.page(outcomes)).and(html)?)
    };
    let is_printed = args.out.is_none();
    let print = move |outcomes: &[Outcome]| match is_printed && !outcomes.is_empty() {
        true => print(how_printed.page(outcomes).trim_end()),
        false => Ok(()),
    };
    let finished = Finished::new(write, print);
    carry_out(EXPERIMENTS, args.effort, |_| Ok(true), finished)
}

/// Where a file is, or will be, however it is named.
fn place(file: &Path) -> PathBuf {
    let above = file.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new(".")).canonicalize();
    let new = above.map(|above| above.join(file.file_name().unwrap_or_default()));
    file.canonicalize()
        .or(new)
        .unwrap_or_else(|_| file.to_owned())
}

/// A place that cannot be written is refused before the work; what is there stays till then, and
/// where nothing is, nothing stays.
fn can_write(file: &Path) -> crate::Result<()> {
    let is_new = file.symlink_metadata().is_err();
    let opened = File::options().append(true).create(true).open(file);
    opened.map_err(Error::io(file, "cannot write"))?;
    if is_new {
        // If it stays, it is empty, as nothing was finished.
        let _ = std::fs::remove_file(file);
    }
    Ok(())
}

impl Effort {
    fn bench(self) -> Bench {
        match self {
            Self { rehearse: true, .. } => Bench::rehearsal(),
            Self { quick: true, .. } => Bench::quick(),
            _ => Bench::thorough(),
        }
    }

    fn how(self, asked: usize) -> How {
        let effort = match self {
            Self { rehearse: true, .. } => "Rehearsed, with a thousandth of the data,",
            Self { quick: true, .. } => "Quickly measured",
            _ => "Measured",
        };
        How {
            effort,
            asked,
            machine: Machine::probe(),
        }
    }
}

/// What a page says of how it came about.
struct How {
    effort: &'static str,
    /// Experiments that were to be carried out.
    asked: usize,
    machine: Machine,
}

impl How {
    fn page(&self, outcomes: &[Outcome]) -> String {
        lab::page(outcomes, &self.machine, &self.told(outcomes.len()))
    }

    fn html(&self, outcomes: &[Outcome]) -> String {
        lab::html_page(outcomes, &self.machine, &self.told(outcomes.len()))
    }

    /// With how many were finished, where that is not all.
    fn told(&self, finished: usize) -> String {
        let Self { effort, asked, .. } = self;
        match finished == *asked {
            true => (*effort).to_owned(),
            false => {
                let effort = effort.trim_end_matches(',');
                format!("{effort}, {finished} of {asked} experiments only,")
            }
        }
    }
}

/// One experiment after the other; `tell` gets each outcome when it is there, and says whether to go on. One
/// that fails is told of, and the others are tried all the same.
fn carry_out(
    experiments: &[&Experiment],
    effort: Effort,
    mut tell: impl FnMut(&Outcome) -> anyhow::Result<bool>,
    finished: Finished,
) -> anyhow::Result<ExitCode> {
    if effort.peer.is_some() {
        Peer::is_there()?;
    }
    let stop = stop_on_signals().context("cannot listen for Ctrl-C")?;
    let finished = Arc::new(Mutex::new(finished));
    let unheard = Arc::clone(&finished);
    end_if_unheard(&stop, move || {
        // If that is being done just now, this waits for it.
        if let Err(error) = with(&unheard, Finished::deliver) {
            complain(error);
        }
        lab::remove_folders();
        true
    });
    let teller = Teller::new();
    let bench = effort
        .bench()
        .stopped_by(stop.clone())
        .telling(teller.says());
    let mut code = ExitCode::SUCCESS;
    let mut go_on_after = |experiment: &Experiment, error: Error| {
        if matches!(error, Error::Interrupted) {
            return Err(error);
        }
        code = ExitCode::FAILURE;
        teller.suspend(|| complain(format_args!("{}: {error}", experiment.name)));
        Ok(())
    };
    let each = experiments.iter().enumerate();
    let told = each.map(|(at, experiment)| -> anyhow::Result<bool> {
        teller.begin(experiment, at + 1, experiments.len());
        let mut outcome = match experiment.carry_out(&bench) {
            Ok(outcome) => outcome,
            Err(error) => return Ok(go_on_after(experiment, error).map(|()| true)?),
        };
        let asked = effort.peer.map(|PeerName::Python| {
            teller.says()("Python");
            let quick = effort.quick || effort.rehearse;
            Peer::python(experiment.name, quick, &stop)
        });
        // Without Python's column, it is finished all the same.
        let python = match asked.transpose() {
            Ok(peer) => {
                outcome.peer = peer;
                Ok(())
            }
            Err(error) => go_on_after(experiment, error),
        };
        let told = teller.suspend(|| tell(&outcome));
        with(&finished, |finished| finished.push(outcome));
        python?;
        told
    });
    let mut until_enough = told.take_while(|told| !matches!(told, Ok(false)));
    let ended = until_enough.try_for_each(|told| told.map(drop));
    let delivered = with(&finished, Finished::deliver);
    ended.and(delivered)?;
    Ok(code)
}

/// Shows which experiment is under way, and what it is at.
struct Teller(Arc<Mutex<Shown>>);

struct Shown {
    progress: Progress,
    /// "short-tasks, 5 of 16".
    experiment: String,
}

impl Teller {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Shown {
            progress: Progress::new(),
            experiment: String::new(),
        })))
    }

    fn begin(&self, experiment: &Experiment, at: usize, of: usize) {
        let name = experiment.name;
        with(&self.0, |shown| {
            shown.experiment = format!("{name}, {at} of {of}");
            shown.progress.phase(&shown.experiment);
        });
    }

    /// For a bench, to tell what an experiment is at.
    fn says(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let shown = Arc::clone(&self.0);
        move |what| {
            with(&shown, |shown| {
                let line = format!("{}: {what}", shown.experiment);
                shown.progress.phase(&line);
            });
        }
    }

    fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        with(&self.0, |shown| shown.progress.suspend(write))
    }
}

fn with<S, T>(shared: &Mutex<S>, act: impl FnOnce(&mut S) -> T) -> T {
    // Half a line of progress is no harm, and outcomes are there or not.
    act(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_how_many_of_those_asked_for_it_has() {
        let effort = |rehearse: bool| Effort {
            quick: !rehearse,
            peer: None,
            rehearse,
        };
        let told = |rehearse, finished| effort(rehearse).how(16).told(finished);
        assert_eq!(told(false, 16), "Quickly measured");
        let words = "Quickly measured, 13 of 16 experiments only,";
        assert_eq!(told(false, 13), words);
        let words = "Rehearsed, with a thousandth of the data, 1 of 16 experiments only,";
        assert_eq!(told(true, 1), words);
    }

    #[test]
    fn a_file_is_where_it_is_however_it_is_named() {
        assert_eq!(
            place(Path::new("no.md")),
            place(Path::new("./src/../no.md"))
        );
        assert_ne!(place(Path::new("no.md")), place(Path::new("src/no.md")));
    }

    #[test]
    fn experiments_come_in_the_order_asked_for_and_each_once() {
        let asked = |names: &[&str]| {
            let args = Args {
                what: None,
                names: names.iter().map(|&name| name.to_owned()).collect(),
                effort: Effort {
                    quick: true,
                    peer: None,
                    rehearse: false,
                },
                json: false,
                out: None,
            };
            args.experiments()
                .map(|asked| asked.iter().map(|known| known.name).collect::<Vec<_>>())
        };
        let all = asked(&[]).unwrap();
        assert_eq!(all.len(), EXPERIMENTS.len());
        assert_eq!(asked(&["all"]).unwrap(), all);
        let twice = asked(&["short-tasks", "short-tasks"]).unwrap();
        assert_eq!(twice, ["short-tasks"]);
        assert_eq!(asked(&["short-tasks", "all"]).unwrap().len(), all.len());
        let said = asked(&["short"]).unwrap_err().to_string();
        assert!(
            said.contains("\"short\"") && said.contains("short-tasks"),
            "{said}"
        );
    }
}
