//! Jobs that were submitted together, and who is told of their ends.

use super::super::handle::Slot;
use super::super::outcome::Completion;
use super::super::{Job, JobId, Pack, panics};
use crate::clock::Nanos;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// Jobs that were submitted together.
pub(in super::super) struct Group<P: Pack> {
    /// The number of the first; those of the others follow.
    pub first: JobId,
    pub orders: Vec<P::Order>,
    pub caller: Caller<P::Job>,
    pub submitted: Nanos,
}

/// Who is told of a job's end.
pub(in super::super) enum Caller<J: Job> {
    /// There is one job.
    Handle(Arc<Slot<J>>),
    Stream {
        id: u64,
        /// The number of the first job in the stream.
        first: u64,
        tell: Sender<Told<J>>,
    },
}

/// Some completions of a group, for a stream.
pub(in super::super) struct Told<J: Job> {
    /// What makes a job's number in the pool its number in the stream when it is added, around the
    /// corner.
    pub offset: u64,
    pub completions: Vec<Completion<J>>,
}

impl<J: Job> Caller<J> {
    pub(super) fn is_stream(&self, wanted: u64) -> bool {
        matches!(self, Self::Stream { id, .. } if *id == wanted)
    }
}

impl<P: Pack> Group<P> {
    /// Their numbers.
    pub(super) fn jobs(&self) -> Range<JobId> {
        self.first..self.first + self.orders.len() as u64
    }

    /// What was submitted as that job, which is one of them.
    pub(in super::super) fn order(&self, job: JobId) -> &P::Order {
        &self.orders[(job - self.first) as usize]
    }

    /// Tells of the ends of some of them.
    pub(super) fn tell(&self, completions: Vec<Completion<P::Job>>) {
        match &self.caller {
            Caller::Handle(slot) => completions
                .into_iter()
                .for_each(|completion| slot.fill(completion)),
            Caller::Stream { first, tell, .. } => {
                let offset = first.wrapping_sub(self.first);
                // Fails only when the stream was dropped.
                let _ = tell.send(Told {
                    offset,
                    completions,
                });
            }
        }
    }
}

/// Jobs that have just ended, to be told of when the pool's lock has been given back: whatever is
/// a user's, the end of an order included, happens without it.
pub(super) struct Ends<P: Pack>(Vec<EndsOf<P>>);

/// The ends of some of a group.
type EndsOf<P> = (Arc<Group<P>>, Vec<Completion<<P as Pack>::Job>>);

impl<P: Pack> Default for Ends<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: Pack> Ends<P> {
    /// Whose job ended, and how.
    pub(super) fn push(&mut self, group: Arc<Group<P>>, completion: Completion<P::Job>) {
        match self.0.last_mut() {
            Some((last, completions)) if Arc::ptr_eq(last, &group) => completions.push(completion),
            _ => self.0.push((group, vec![completion])),
        }
    }

    pub(super) fn tell(self) {
        for (group, completions) in self.0 {
            // Ends the group's orders too, perhaps.
            panics::contain(move || group.tell(completions));
        }
    }
}
