//! What the workers of a trial do.

use super::queue::Queue;
use crate::coordination::SharedArray;
use crate::lab::work::Steps;
use crate::pool::{Context, Job, Never};
use serde::{Deserialize, Serialize};

/// A worker's part.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Part {
    /// Takes tasks from a queue until it takes a sentinel; returns their numbers as they came.
    Queue { tasks: Queue, work: Steps },
    /// Is a task of the pool's own queue; counts there how often it was done.
    Task {
        number: usize,
        done: SharedArray<u64>,
        work: Steps,
    },
}

impl Job for Part {
    type Setup = ();
    type State = ();
    type Output = Vec<u64>;
    type Error = Never;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> Result<Vec<u64>, Never> {
        let mut taken = Vec::new();
        match self {
            Self::Queue { tasks, work } => {
                while let Some(task) = tasks.take() {
                    work.carry_out();
                    taken.push(task);
                }
            }
            Self::Task { number, done, work } => {
                work.carry_out();
                done.fetch_add(*number, 1);
            }
        }
        Ok(taken)
    }
}
