//! How a pool's workers are, for whoever shows it while work goes on.

use super::core::Core;
use super::{Job, Pack, Pool, context};
use std::sync::{Arc, Weak};

/// A pool's workers at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Muster {
    /// Workers that are there.
    pub alive: usize,
    /// Those of them that are at a job.
    pub busy: usize,
    /// Workers that have died so far; those that were told to end do not count.
    pub died: u64,
}

/// Looks at a pool's workers from any thread; it keeps no pool alive.
///
/// Nothing is counted for it while nobody asks: whoever does reads what workers write about
/// themselves anyway.
#[derive(Clone)]
pub struct Lookout(Weak<dyn Look>);

impl Lookout {
    /// How the workers are now; none when the pool has gone.
    pub fn muster(&self) -> Option<Muster> {
        self.0.upgrade().map(|pool| pool.muster())
    }
}

impl std::fmt::Debug for Lookout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lookout").field(&self.muster()).finish()
    }
}

/// A pool, as far as a lookout is concerned.
trait Look: Send + Sync {
    fn muster(&self) -> Muster;
}

impl<P: Pack> Look for Core<P> {
    fn muster(&self) -> Muster {
        let at_work = |seat: &usize| context::last_words(&self.board, *seat).is_some();
        let busy = (0..self.workers()).filter(at_work).count();
        let (alive, died) = self.alive_and_died();
        Muster {
            alive,
            // One that died at a job is still written down as being at it.
            busy: busy.min(alive),
            died,
        }
    }
}

impl<J: Job, P: Pack<Job = J>> Pool<J, P> {
    /// Something to look at its workers with while they are at work.
    pub fn lookout(&self) -> Lookout {
        let weak = Arc::downgrade(&self.core);
        Lookout(weak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Context, Never};
    use serde::{Deserialize, Serialize};
    use std::sync::Barrier;

    static BEGUN: Barrier = Barrier::new(2);
    static ENDS: Barrier = Barrier::new(2);

    /// Goes on until it is let go.
    #[derive(Serialize, Deserialize)]
    struct Hold;

    impl Job for Hold {
        type Setup = ();
        type State = ();
        type Output = ();
        type Error = Never;
        fn init(_: &()) -> Result<(), String> {
            Ok(())
        }
        fn run(&self, _: &mut (), _: &Context<'_>) -> Result<(), Never> {
            BEGUN.wait();
            ENDS.wait();
            Ok(())
        }
    }

    #[test]
    fn it_tells_who_is_at_work_and_keeps_nobody_there() {
        let pool = Pool::<Hold>::threads(3).start(()).unwrap();
        let lookout = pool.lookout();
        let idle = Muster {
            alive: 3,
            busy: 0,
            died: 0,
        };
        assert_eq!(lookout.muster(), Some(idle));
        let job = pool.submit(Hold);
        BEGUN.wait();
        assert_eq!(lookout.muster(), Some(Muster { busy: 1, ..idle }));
        ENDS.wait();
        job.wait().unwrap();
        assert_eq!(lookout.muster(), Some(idle));
        drop(pool);
        assert_eq!(lookout.muster(), None);
    }
}
