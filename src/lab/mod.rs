//! Two lectures' claims on processes, as experiments that run here.
//!
//! One lecture is on the cost of communication between processes, the other on coordination between
//! them; both state figures. An [`Experiment`] quotes one claim, carries it out at the lecture's own
//! numbers, and comes to a [`Finding`]: what was measured beside what was claimed, and whether the
//! claim holds on this machine. [`EXPERIMENTS`] has them all, in the lectures' order.
//!
//! [`page`] puts outcomes together, slide by slide, and [`html_page`] with charts.
//!
//! An experiment is one file and its line in the registry. It measures (`measure`, which takes a
//! [`Bench`]), and judges what was measured (`judge`, which knows nothing but the figures, so that it
//! can be shown any).
//!
//! ```no_run
//! use framehaul::lab::{self, Bench};
//! fn main() -> framehaul::Result<()> {
//!     framehaul::lab::enter(); // in a worker process, this does the work
//!     let experiment = lab::by_name("short-tasks")?;
//!     let outcome = experiment.carry_out(&Bench::quick())?;
//!     println!("{}: {}", outcome.verdict, outcome.because);
//!     Ok(())
//! }
//! ```

mod bench;
mod experiments;
mod finding;
mod folder;
mod frames;
mod haul;
mod html;
mod loops;
mod memory;
mod page;
mod peer;
mod primes;
mod show;
mod slides;
mod start_line;
mod work;

pub use bench::Bench;
pub use experiments::{EXPERIMENTS, by_name};
pub use finding::{Claimed, Drawing, Figure, Finding, Part, Unit, Verdict};
pub use folder::remove_folders;
pub use html::html_page;
pub use page::page;
pub use peer::Peer;

use crate::error::Result;
use crate::measure::{NoiseProbe, available_memory};
use crate::report::of_noise;
use serde::Serialize;
use std::collections::BTreeMap;

/// One claim, and how it is tried.
#[derive(Debug)]
pub struct Experiment {
    /// As on the command line.
    pub name: &'static str,
    /// The lecture that claims it: 26 (the cost of IPC) or 27 (coordination).
    pub lecture: u8,
    /// The slides that do.
    pub slides: &'static [u8],
    /// The claim, in the lecture's words.
    pub claim: &'static str,
    /// Memory that it takes with so many processors, in bytes; 0 if that is little.
    memory: fn(usize) -> usize,
    /// The entries of its worker processes: a [`crate::pool::worker::enter`] for each type of job.
    workers: &'static [fn()],
    run: fn(&Bench) -> Result<Finding>,
}

/// Turns this process into an experiment's worker if it was started as one. To be called first in
/// `main`.
pub fn enter() {
    for enter in EXPERIMENTS.iter().flat_map(|known| known.workers) {
        enter();
    }
}

/// What `lab --json` prints.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcomes<'a> {
    /// What each experiment came to, in the order in which they were carried out.
    pub experiments: &'a [Outcome],
}

/// What an experiment came to.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// The experiment's name.
    pub name: &'static str,
    /// The lecture.
    pub lecture: u8,
    /// Its slides.
    pub slides: &'static [u8],
    /// The claim, in the lecture's words.
    pub claim: &'static str,
    /// The figures that the lecture gives, by their key.
    pub claimed: BTreeMap<&'static str, Claimed>,
    /// What was measured, by the same keys, and what else was. What could not be tried, or is known of one
    /// end alone, is not a number, which is null in JSON.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Option<f64>>"))]
    pub measured: BTreeMap<&'static str, f64>,
    /// Whether the claim holds here.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub because: String,
    /// The claims that it consists of, each with a verdict of its own; none if it is one.
    pub parts: Vec<Part>,
    /// How long it took.
    pub seconds: f64,
    /// What else the machine did meanwhile, a sentence each without its full stop; none if it was quiet.
    pub doubts: Vec<String>,
    /// What the lecture's Python measured, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// The same for people.
    #[serde(skip)]
    pub finding: Finding,
}

impl Experiment {
    /// Carries it out.
    ///
    /// # Errors
    /// If workers cannot be started, or somebody asked to stop. Where there is too little memory,
    /// the verdict says so.
    pub fn carry_out(&self, bench: &Bench) -> Result<Outcome> {
        let noise = NoiseProbe::start();
        let needed = bench.size((self.memory)(bench.processors));
        let available = available_memory();
        let finding = if available < needed as u64 {
            Finding::no_memory(needed as u64, available)
        } else {
            (self.run)(bench)?
        };
        let (noise, seconds) = noise.finish_after_workers();
        let doubts = of_noise(&noise, seconds, bench.processors);
        Ok(Outcome::new(self, finding, seconds, doubts))
    }
}

impl Outcome {
    fn new(experiment: &Experiment, finding: Finding, seconds: f64, doubts: Vec<String>) -> Self {
        let figures = finding.figures.iter();
        let claimed = figures.filter_map(|figure| Some((figure.key, figure.claimed?)));
        let figures = finding.figures.iter();
        Self {
            name: experiment.name,
            lecture: experiment.lecture,
            slides: experiment.slides,
            claim: experiment.claim,
            claimed: claimed.collect(),
            measured: figures
                .map(|figure| (figure.key, figure.measured))
                .collect(),
            verdict: finding.verdict,
            because: finding.because.clone(),
            parts: finding.parts.clone(),
            seconds,
            doubts,
            peer: None,
            finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_type() {
        crate::report::check_written::<Outcomes<'_>>("lab");
    }
}
