//! What several experiments have worker processes do.

use crate::analysis::burn;
use crate::error::{Error, Result};
use crate::pool::{Context, Handle, Job, Never, Pool};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Work, and nothing else: so many [steps](super::Bench::steps).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Steps(pub u64);

impl Steps {
    /// Does it here.
    pub(super) fn carry_out(self) {
        burn::burn(self.0);
    }
}

impl Job for Steps {
    type Setup = ();
    type State = ();
    type Output = ();
    type Error = Never;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> Result<(), Never> {
        self.carry_out();
        Ok(())
    }
}

/// Waits for a job that does not fail.
///
/// # Errors
/// If it does.
pub(super) fn done<J: Job>(handle: Handle<J>) -> Result<J::Output> {
    handle.wait().map_err(failed)
}

/// Has the workers do all of these, one each at the same time if they are at rest; what came of them,
/// in their order.
///
/// # Errors
/// If one fails.
pub(super) fn together<J: Job>(
    pool: &Pool<J>,
    jobs: impl IntoIterator<Item = J>,
) -> Result<Vec<J::Output>> {
    let handles: Vec<_> = jobs.into_iter().map(|job| pool.submit(job)).collect();
    handles.into_iter().map(done).collect()
}

/// Whether there is such a process, be it a zombie that nobody has waited for.
pub(super) fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Why an experiment could not be carried out.
pub(super) fn failed(why: impl std::fmt::Display) -> Error {
    Error::Failed(format!("the experiment cannot be carried out: {why}"))
}

/// Reads all of it: the sum of its words, whose last is filled up with zeros.
pub(super) fn touch(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let sum = |sum: u64, word: &[u8; 8]| sum.wrapping_add(u64::from_le_bytes(*word));
    words
        .iter()
        .fold(0, sum)
        .wrapping_add(u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_sums_every_byte() {
        assert_eq!(touch(&[]), 0);
        assert_eq!(touch(&[1, 0, 0, 0, 0, 0, 0, 0, 2]), 3);
        assert_eq!(touch(&[0, 1]), 256);
    }
}
