//! From what was asked for to a checked search.

use super::super::check::{self, FRAMES_A_LOOK_BACK};
use crate::analysis::Condition;
use crate::coordination::Every;
use crate::error::{Error, Result};
use crate::source::{FrameSet, Source};
use crate::transport::{self, Placement, Transport};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Which of the frames that meet the condition are wanted, of each input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The earliest, whatever the timing.
    Earliest,
    /// One: whichever comes first.
    Any,
    /// All of them: nothing is left out.
    All,
}

/// What is searched, and for what.
#[derive(Clone)]
pub struct Query {
    /// The inputs, searched one after the other.
    pub inputs: Vec<Arc<FrameSet>>,
    /// What a frame is to meet.
    pub condition: Condition,
    /// Which of those that do are wanted.
    pub which: Which,
    /// How frames reach the workers; for each input the best reference that fits it, if none.
    pub mode: Option<String>,
    /// Worker processes or threads; the processors this process may use by default.
    pub workers: Option<usize>,
    /// Rows of a frame between two looks at whether the search is over.
    pub check_every: Every,
    /// Frames a job; chosen for each input, if none.
    pub batch: Option<u64>,
    /// Set from outside to end the search with [`Error::Interrupted`].
    pub stop: Arc<AtomicBool>,
}

/// An input, with all that was left open decided.
pub(super) struct Stream {
    pub set: Arc<FrameSet>,
    pub mode: &'static dyn Transport,
    pub batch: u64,
}

/// A checked search.
pub(super) struct Plan {
    pub streams: Arc<[Stream]>,
    pub placement: Placement,
    pub workers: usize,
}

impl Query {
    /// A search of these inputs for the earliest frame of each.
    pub fn new(inputs: impl IntoIterator<Item = FrameSet>, condition: Condition) -> Self {
        Self {
            inputs: inputs.into_iter().map(Arc::new).collect(),
            condition,
            which: Which::Earliest,
            mode: None,
            workers: None,
            check_every: Every::Auto,
            batch: None,
            stop: Arc::default(),
        }
    }

    /// # Errors
    /// [`Error::Usage`] for an option that makes no sense or a mode that does not fit an input;
    /// [`Error::Failed`] if there is not enough memory for what would be under way.
    pub(super) fn plan(&self) -> Result<Plan> {
        // What is known to be wrong without any input, first.
        let asked = self.mode.as_deref().map(transport::by_name).transpose()?;
        let placement = asked.map_or(Placement::Processes, |mode| mode.placement());
        let workers = check::workers(self.workers, placement)?;
        if self.check_every == Every::Iterations(0) {
            return Err(Error::Usage(
                "--check-every 0: a look comes after at least one row, or try auto".into(),
            ));
        }
        if self.batch == Some(0) {
            return Err(Error::Usage("a job has at least one frame".into()));
        }
        if self.inputs.is_empty() {
            return Err(Error::Usage("there is nothing to search".into()));
        }
        let inputs = self.inputs.iter();
        let streams = inputs.map(|set| self.stream(set, workers));
        Ok(Plan {
            streams: streams.collect::<Result<_>>()?,
            placement,
            workers,
        })
    }

    fn stream(&self, set: &Arc<FrameSet>, workers: usize) -> Result<Stream> {
        let best = if set.mappable() { "mmap" } else { "path" };
        let mode = check::mode(
            self.mode.as_deref().unwrap_or(best),
            &Source::Set(set.clone()),
        )?;
        if mode.uses_slots() {
            return Err(Error::Usage(format!(
                "mode {} does not fit a search, which takes only what it needs of a set: try {best}",
                mode.name()
            )));
        }
        let overlap = u64::from(self.condition.analysis().looks_back());
        let need = |batch| mode.memory(set.format(), batch + overlap) * workers as u64;
        let wanted = self
            .batch
            .unwrap_or_else(|| self.default_batch(set, workers));
        let batch = check::fit_memory(mode, workers, 0, wanted, self.batch.is_some(), need)?;
        Ok(Stream {
            set: set.clone(),
            mode,
            batch,
        })
    }

    /// As few frames as are worth a round trip: where the workers are in the stream then differs
    /// by little, and little is done beyond the frame that is wanted. (A job that is not needed any
    /// more ends between two rows, so that its length is no matter then.) With an analyzer that
    /// looks back, so many that little is shipped and read twice, unless workers would have none.
    fn default_batch(&self, set: &FrameSet, workers: usize) -> u64 {
        let frames = set.len() as u64;
        let small = check::small_batch(set.format(), frames, workers);
        if !self.condition.analysis().looks_back() {
            return small;
        }
        let share = frames.div_ceil(workers as u64);
        small.max(FRAMES_A_LOOK_BACK.min(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(input: &str, condition: &str) -> Query {
        let set = FrameSet::open(input).unwrap();
        Query::new([set], Condition::parse(condition).unwrap())
    }

    #[test]
    fn the_best_reference_that_fits_is_chosen_for_each_input() {
        let mut both = query("data/clip.y4m", "luma.mean > 3");
        let images = FrameSet::open("data/images").unwrap();
        both.inputs.push(Arc::new(images));
        let plan = both.plan().unwrap();
        let modes: Vec<_> = plan
            .streams
            .iter()
            .map(|stream| stream.mode.name())
            .collect();
        assert_eq!(modes, ["mmap", "path"]);
        both.mode = Some("mmap".into());
        let error = both.plan().err().unwrap().to_string();
        assert!(error.contains("does not fit data/images"), "{error}");
        both.mode = Some("sequential".into());
        assert_eq!(both.plan().unwrap().workers, 1);
    }

    #[test]
    fn looking_back_makes_jobs_larger_but_leaves_some_for_each_worker() {
        let batch = |condition: &str, workers| {
            let mut query = query("data/clip.y4m", condition);
            query.workers = Some(workers);
            query.plan().unwrap().streams[0].batch
        };
        // Twelve small frames.
        assert_eq!(batch("luma.mean > 3", 1), 3);
        assert_eq!(batch("luma.mean > 3", 4), 1);
        assert_eq!(batch("motion.mean_abs_diff > 3", 1), 9);
        assert_eq!(batch("motion.mean_abs_diff > 3", 4), 3);
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let refuse = |change: &dyn Fn(&mut Query), says: &str| {
            let mut query = query("data/clip.y4m", "luma.mean > 3");
            change(&mut query);
            let error = query.plan().err().unwrap();
            assert!(matches!(error, Error::Usage(_)), "{error}");
            assert!(error.to_string().contains(says), "{error}");
        };
        refuse(&|query| query.workers = Some(0), "--workers 0");
        refuse(
            &|query| query.mode = Some("maps".into()),
            "did you mean mmap",
        );
        refuse(
            &|query| query.check_every = Every::Iterations(0),
            "--check-every 0",
        );
        refuse(&|query| query.batch = Some(0), "at least one frame");
        refuse(&|query| query.inputs.clear(), "nothing to search");
    }
}
