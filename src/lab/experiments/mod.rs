//! The experiments, one file each, in the lectures' order.

mod short_tasks;

use super::Experiment;
use crate::error::{Error, Result};

/// All of them.
pub static EXPERIMENTS: &[&Experiment] = &[&short_tasks::EXPERIMENT];

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
