//! `framehaul lab`: the lectures' claims, measured here.

use super::progress::Progress;
use super::stop::stop_on_signals;
use crate::error::Error;
use crate::lab::{self, Bench, EXPERIMENTS, Experiment};
use crate::pipeline::Watch;
use crate::report::Style;
use anyhow::Context;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Try two lectures' claims on this machine
///
/// Each experiment quotes a claim on what processes cost, carries it out at the lecture's own
/// numbers, and says whether it holds here.
#[derive(clap::Args)]
#[command(after_help = names())]
pub(super) struct Args {
    /// Experiments by name, or all [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Fewer repetitions: all within two minutes
    #[arg(long)]
    quick: bool,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
    /// Write lab.json there as well
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
    let experiments = args.experiments()?;
    if let Some(folder) = &args.out {
        // A place that cannot be written is refused before the work.
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "cannot create the folder"))?;
    }
    let stop = stop_on_signals().context("cannot listen for Ctrl-C")?;
    end_if_nobody_listens(&stop);
    let teller = Teller::new();
    let bench = if args.quick {
        Bench::quick()
    } else {
        Bench::thorough()
    };
    let bench = bench.stopped_by(stop).telling(teller.says());
    let mut outcomes = Vec::new();
    for (at, experiment) in experiments.iter().enumerate() {
        teller.begin(experiment, at + 1, experiments.len());
        let outcome = experiment.carry_out(&bench)?;
        if !args.json {
            let gap = if at == 0 { "" } else { "\n" };
            let text = outcome.render(Style::of_stdout());
            teller.suspend(|| writeln!(std::io::stdout(), "{gap}{text}"))?;
        }
        outcomes.push(outcome);
    }
    // Both hold the line of progress.
    drop((bench, teller));
    let json = serde_json::to_string_pretty(&serde_json::json!({ "experiments": outcomes }))?;
    if let Some(folder) = &args.out {
        write(&folder.join("lab.json"), &json)?;
    }
    if args.json {
        writeln!(std::io::stdout(), "{json}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> crate::Result<()> {
    std::fs::write(path, format!("{text}\n")).map_err(Error::io(path, "cannot write"))
}

/// Ends this process some time after it was asked to stop: an experiment that is just then within
/// something long, as a message of a hundred megabytes is, hears of it only afterwards. Its workers
/// end with this process, and its folder is swept by the next experiment.
fn end_if_nobody_listens(stop: &Arc<AtomicBool>) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let stop = Arc::clone(stop);
    let watch = move || {
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(PATIENCE);
        eprintln!("framehaul: {}", Error::Interrupted);
        std::process::exit(130);
    };
    // Without this thread, a second Ctrl-C does the same.
    let _ = std::thread::Builder::new().name("stop".into()).spawn(watch);
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

fn with<T>(shown: &Mutex<Shown>, act: impl FnOnce(&mut Shown) -> T) -> T {
    // Half a line of progress is no harm.
    act(&mut shown.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_come_in_the_order_asked_for_and_each_once() {
        let asked = |names: &[&str]| {
            let args = Args {
                names: names.iter().map(|&name| name.to_owned()).collect(),
                quick: true,
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
