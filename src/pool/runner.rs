//! Runs jobs one after the other with a worker's state, wherever that worker is.

use super::protocol::Said;
use super::{Context, Job, panics};

pub(super) struct Runner<J: Job> {
    setup: J::Setup,
    /// None after a panic, which may have left it half-changed.
    state: Option<J::State>,
}

/// The state could not be built, for this reason.
pub(super) struct Refused(pub String);

impl<J: Job> Runner<J> {
    pub(super) fn new(setup: J::Setup) -> Result<Self, Refused> {
        let state = Some(init::<J>(&setup)?);
        Ok(Self { setup, state })
    }

    pub(super) fn run(
        &mut self,
        job: &J,
        context: &Context<'_>,
    ) -> Result<Said<J::Output, J::Error>, Refused> {
        if context.should_stop() {
            return Ok(Said::Cancelled);
        }
        let mut state = match self.state.take() {
            Some(state) => state,
            None => init::<J>(&self.setup)?,
        };
        let said = panics::catch(|| job.run(&mut state, context));
        Ok(match said {
            Err(panic) => Said::Panicked(panic),
            Ok(outcome) => {
                self.state = Some(state);
                outcome.map_or_else(Said::Failed, Said::Done)
            }
        })
    }
}

fn init<J: Job>(setup: &J::Setup) -> Result<J::State, Refused> {
    match panics::catch(|| J::init(setup)) {
        Ok(built) => built.map_err(Refused),
        Err(panic) => Err(Refused(format!(
            "its initializer panicked: {}",
            panic.message
        ))),
    }
}
