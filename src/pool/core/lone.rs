//! The lone job: the only one under way, whose answer is left to whoever waits for it.
//!
//! Its seat is listened to by nobody until its submitter waits (then that thread does) or does
//! anything else (then a thread of the pool does, for good). See [`super::super::ear`].

use super::super::handle::Host;
use super::super::supervisor::Event;
use super::super::{JobId, Pack};
use super::{Core, State};
use std::sync::{Arc, MutexGuard};

/// The only job under way, if whoever submitted it may be about to wait for it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Lone {
    /// There is none: threads of the pool listen wherever there is anything to come.
    #[default]
    None,
    /// It is not sent yet.
    Waiting(JobId),
    /// That seat's worker has it: no thread of the pool listens there.
    At(usize, JobId),
}

impl Lone {
    /// The job has ended.
    pub(super) fn ended(&mut self, job: JobId) {
        if matches!(*self, Self::Waiting(lone) | Self::At(_, lone) if lone == job) {
            *self = Self::None;
        }
    }

    /// The seat's worker is gone: whoever gets its job is listened to like anybody.
    pub(super) fn gone(&mut self, seat: usize) {
        if matches!(*self, Self::At(at, _) if at == seat) {
            *self = Self::None;
        }
    }
}

impl<P: Pack> Core<P> {
    /// The lone job is so no more, or is not waited for: a thread of the pool listens from now on.
    pub(in super::super) fn attend_lone<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<P>>,
    ) -> MutexGuard<'a, State<P>> {
        // Another may have become so by the time we have the lock again.
        while let Lone::At(seat, _) = std::mem::take(&mut state.lone) {
            drop(state);
            self.crew.attend(seat);
            state = self.lock();
        }
        state
    }

    /// A parcel has been sent: a thread of the pool is to listen, unless it was the lone job.
    pub(super) fn see_who_listens(
        &self,
        seat: usize,
        first: Option<JobId>,
    ) -> MutexGuard<'_, State<P>> {
        let mut state = self.lock();
        match (state.lone, first) {
            // It has not been refused on the way either.
            (Lone::Waiting(lone), Some(first)) if lone == first => {
                state.lone = Lone::At(seat, lone);
                state
            }
            _ => {
                drop(state);
                self.crew.attend(seat);
                self.lock()
            }
        }
    }
}

impl<P: Pack> Host for Core<P> {
    fn cancel(self: Arc<Self>, job: JobId) {
        let state = self.attend_lone(self.lock());
        self.feed(state, Event::Cancel(job));
    }

    fn attend(&self) {
        drop(self.attend_lone(self.lock()));
    }

    fn listen(self: Arc<Self>, job: JobId, done: &dyn Fn() -> bool) {
        let lone = self.lock().lone;
        if let Lone::At(seat, lone) = lone
            && lone == job
        {
            self.crew.listen(&self, seat, done);
        }
        // Whatever has kept us from it, somebody must.
        if !done() {
            self.attend();
        }
    }
}
