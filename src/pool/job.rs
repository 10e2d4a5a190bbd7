//! What is run: jobs, and the packs that make them.

use super::Context;
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Borrow;
use std::fmt::{Debug, Display};

/// A unit of work, and what a worker needs to do it.
///
/// It is data: what crosses to a worker process is its fields and its type's name, never the
/// address of a function.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What a worker is told once, before its first job.
    type Setup: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    /// What a worker keeps from job to job.
    type State: Send;
    /// What comes back.
    type Output: Serialize + DeserializeOwned + Send + Debug + 'static;
    /// What comes back instead when the work cannot be done; [`super::Never`] if it always can.
    type Error: Serialize + DeserializeOwned + Send + Debug + Display + 'static;

    /// The version of the job's fields, named when parent and worker turn out to differ.
    const VERSION: &'static str = "1";

    /// Builds a worker's state: the initializer, called once in each worker, and again after a
    /// panic has left the state half-changed.
    ///
    /// # Errors
    /// One sentence; no worker can start then, and the pool says so.
    fn init(setup: &Self::Setup) -> Result<Self::State, String>;

    /// Does the work.
    ///
    /// # Errors
    /// As the job likes: the caller gets it as [`super::JobError::Failed`].
    fn run(
        &self,
        state: &mut Self::State,
        context: &Context<'_>,
    ) -> Result<Self::Output, Self::Error>;
}

/// Makes jobs out of orders, where and when they are sent to one worker.
///
/// For work that is named by something small and shipped as something large: the pool keeps the
/// order until its outcome is known, so that another worker can do it again, and the pixels exist
/// only on their way.
pub trait Pack: Clone + Send + 'static {
    /// What is submitted, and kept until its outcome is known.
    type Order: Send + Sync + 'static;
    /// What crosses to the worker.
    type Job: Job;

    /// The job for an order. Bytes put into `bulk` (empty when called, its memory reused) travel
    /// beside the job, untouched by serde; the job finds them in [`Context::bulk`].
    fn pack<'a>(&mut self, order: &'a Self::Order, bulk: &mut Vec<u8>) -> Packed<'a, Self::Job>;

    /// Whether packing takes microseconds and its jobs are some kilobytes: then it is done by
    /// whoever submits. If not, each worker has a thread that packs for it.
    fn is_light(&self) -> bool {
        true
    }

    /// Called when the pool is at rest: gives back memory that only jobs under way need.
    fn rest(&mut self) {}
}

/// A job, packed.
#[derive(Debug)]
pub enum Packed<'a, J> {
    /// The order is the job.
    Borrowed(&'a J),
    /// It was made for this.
    Owned(J),
}

impl<J> Borrow<J> for Packed<'_, J> {
    fn borrow(&self) -> &J {
        match self {
            Self::Borrowed(job) => job,
            Self::Owned(job) => job,
        }
    }
}

/// The pack of a job that is sent as it is.
pub struct AsIs<J>(std::marker::PhantomData<fn() -> J>);

impl<J> Clone for AsIs<J> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<J> Default for AsIs<J> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<J: Job> Pack for AsIs<J> {
    type Order = J;
    type Job = J;

    fn pack<'a>(&mut self, order: &'a J, _bulk: &mut Vec<u8>) -> Packed<'a, J> {
        Packed::Borrowed(order)
    }
}
