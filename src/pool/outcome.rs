//! How jobs end.

use super::{Job, JobId, Trip};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub use crate::sys::process::Exit;

/// What a job returned, or why it did not.
pub type Outcome<J> = Result<<J as Job>::Output, JobError<<J as Job>::Error>>;

/// A job's end, with its way through the pool.
#[derive(Debug)]
pub struct Completion<J: Job> {
    /// The number that it was given when it was submitted.
    pub id: JobId,
    /// What it returned, or why it did not.
    pub outcome: Outcome<J>,
    /// When what happened to it, on its successful way; all zero if it had none.
    pub trip: Trip,
}

/// Why a job has no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobError<E> {
    /// It returned this error.
    Failed(E),
    /// It panicked; its worker lives on, with a state built anew.
    Panicked(Panic),
    /// Workers died while they were at it, and it was given up rather than let it kill more.
    WorkerDied(WorkerDied),
    /// It ran for longer than this and did not stop when it was asked to.
    DeadlinePassed(Duration),
    /// It was cancelled before it began.
    Cancelled,
    /// It, or its answer, could not be turned into bytes or back.
    NotUnderstood(String),
    /// The pool was shut down before the job's turn, or cannot go on; the sentence says which.
    PoolEnded(String),
}

/// A panic in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panic {
    /// What the panic said, and where: `index out of bounds … (src/main.rs:7:9)`.
    pub message: String,
    /// The stack of the thread that panicked, from the panic outwards.
    pub backtrace: String,
}

/// The last of the deaths for which a job was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerDied {
    /// The worker's process id.
    pub pid: u32,
    /// The signal that killed it, or its exit code.
    pub exit: Exit,
    /// Whether the kernel killed it because memory ran out; see [`Death::out_of_memory`].
    pub out_of_memory: bool,
    /// The step of the job ([`super::Context::step`]) that it was at.
    pub step: u32,
    /// So many workers died at this step.
    pub deaths: u32,
}

/// A worker process that died while it was needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its process id.
    pub pid: u32,
    /// How it ended.
    pub exit: Exit,
    /// Whether the kernel killed it because memory ran out: it died of SIGKILL, and the kernel
    /// has counted a kill for want of memory in this process's control group meanwhile.
    pub out_of_memory: bool,
    /// The job, and its step, that it was at, if any.
    pub during: Option<(JobId, u32)>,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say(f, self.exit, self.out_of_memory)
    }
}

fn say(f: &mut fmt::Formatter<'_>, exit: Exit, out_of_memory: bool) -> fmt::Result {
    write!(f, "{exit}")?;
    if out_of_memory {
        write!(f, ", out of memory")?;
    }
    Ok(())
}

impl<E: fmt::Display> fmt::Display for JobError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(panic) => write!(f, "the job panicked: {}", panic.message),
            Self::WorkerDied(died) => {
                write!(
                    f,
                    "given up after {} workers died at it (the last, process {}, was ",
                    died.deaths, died.pid
                )?;
                say(f, died.exit, died.out_of_memory)?;
                write!(f, ")")
            }
            Self::DeadlinePassed(limit) => write!(
                f,
                "it ran for longer than {limit:?}, was asked to stop, did not, and was killed"
            ),
            Self::Cancelled => write!(f, "it was cancelled before it began"),
            Self::NotUnderstood(why) | Self::PoolEnded(why) => write!(f, "{why}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for JobError<E> {}

/// For jobs that cannot fail: an error that there is none of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}
