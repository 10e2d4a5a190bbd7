//! The lecture's search: so many items a worker, and the one looked for among them.

use super::{AT, ITEMS};
use crate::coordination::FirstFound;
use crate::lab::start_line::StartLine;
use crate::lab::work::Steps;
use crate::pool::{Context, Job, Never};
use serde::{Deserialize, Serialize};

/// One worker's items. Those of worker 0 have the one looked for among them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Items {
    pub seat: u32,
    /// What it takes to look at one.
    pub work: Steps,
    /// Whether it looks at the flag before each.
    pub looks: bool,
    pub found: FirstFound<u64>,
    pub line: StartLine,
}

impl Job for Items {
    type Setup = ();
    type State = ();
    type Output = ();
    type Error = Never;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> Result<(), Never> {
        let mut search = self.found.seat(self.seat);
        self.line.wait();
        for item in 1..=ITEMS {
            if self.looks && search.should_stop(item) {
                break;
            }
            self.work.carry_out();
            let is_it = self.seat == 0 && item == AT;
            if is_it {
                search.offer(item, item);
            }
            search.worked(1);
            if is_it {
                break;
            }
        }
        Ok(())
    }
}
