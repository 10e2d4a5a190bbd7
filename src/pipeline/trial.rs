//! A plan tried on parts of its frames, as often as one likes.

use super::engine::{Engine, resident_share};
use super::kept::{Findings, Kept};
use super::plan::Plan;
use crate::clock::Nanos;
use crate::error::Result;
use crate::measure::{StageHistograms, Usage};
use std::ops::Range;

/// A plan with its workers started. Nothing that it finds is kept, and the page cache is taken as it
/// is: which frames are warm is a matter of which were tried before.
pub struct Trial {
    engine: Engine,
}

/// What running some frames took.
#[derive(Clone, Debug)]
pub struct Tried {
    /// First dispatch to last finding.
    pub wall_ns: Nanos,
    /// Frames that ended.
    pub frames: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Worker processes that died meanwhile.
    pub died: u64,
    /// Where their time went.
    pub stages: StageHistograms,
    /// Processor use of parent and workers.
    pub usage: Usage,
}

impl Trial {
    /// Starts the workers.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn start(plan: Plan) -> Result<Self> {
        Ok(Self {
            engine: Engine::start(plan)?,
        })
    }

    /// Whether workers limber up before each run by jobs that are not measured, which they do unless they are
    /// told not to: of frames that take seconds, it is as many seconds for nothing.
    pub fn limber(&mut self, limbers: bool) {
        self.engine.limbers = limbers;
    }

    /// Runs some of the plan's frames once, flat out or at the plan's pace. What is in no file begins
    /// anew each time.
    ///
    /// # Errors
    /// What ends a run as a whole.
    pub fn run(&mut self, frames: Range<u64>) -> Result<Tried> {
        let died = self.engine.died();
        let findings = Findings::new(frames.start);
        self.engine.plan.frames = frames;
        let kept = Kept::nowhere(findings);
        let measured = self.engine.run_once(None, kept, &mut ())?;
        let usage = measured.usage();
        let pass = measured.pass;
        // Memory that one holds is missing to the others.
        self.engine.rest();
        Ok(Tried {
            wall_ns: pass.wall_ns,
            frames: pass.frames,
            failed: pass.tally.failed,
            died: self.engine.died() - died,
            stages: pass.tally.stages,
            usage,
        })
    }
}

impl Plan {
    /// The share of the input's bytes that are in the page cache, from 0 to 1; 1 for what is live.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub fn cached_share(&self) -> Result<f64> {
        let set = self.source.set();
        set.map_or(Ok(1.0), |set| resident_share(set))
    }
}
