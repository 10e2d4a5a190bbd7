//! The experiments, one file each, in the lectures' order.

mod check_interval;
mod crossover;
mod decision_matrix;
mod discipline;
mod early_exit;
mod early_exit_pool;
mod fraud_streams;
mod large_payload;
mod manager_coordination;
mod poison_pill;
mod pool_features;
mod shared_state;
mod short_tasks;
mod three_copies;
mod value_latency;
mod video_pipeline;

use super::Experiment;
use crate::error::{Error, Result};

/// All of them.
pub static EXPERIMENTS: &[&Experiment] = &[
    &three_copies::EXPERIMENT,
    &video_pipeline::EXPERIMENT,
    &decision_matrix::EXPERIMENT,
    &pool_features::EXPERIMENT,
    &short_tasks::EXPERIMENT,
    &large_payload::EXPERIMENT,
    &manager_coordination::EXPERIMENT,
    &crossover::EXPERIMENT,
    &discipline::EXPERIMENT,
    &poison_pill::EXPERIMENT,
    &early_exit::EXPERIMENT,
    &value_latency::EXPERIMENT,
    &check_interval::EXPERIMENT,
    &shared_state::EXPERIMENT,
    &fraud_streams::EXPERIMENT,
    &early_exit_pool::EXPERIMENT,
];

/// The experiment of that name.
///
/// # Errors
/// [`Error::Usage`] with all names, if there is none.
pub fn by_name(name: &str) -> Result<&'static Experiment> {
    let found = EXPERIMENTS.iter().find(|known| known.name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = EXPERIMENTS.iter().map(|known| known.name).collect();
        let names = names.join(", ");
        Error::Usage(format!(
            "there is no experiment {name:?}: there are {names}"
        ))
    })
}
