//! What experiments are carried out with.

use super::folder::Folder;
use crate::analysis::burn;
use crate::clock::now;
use crate::error::{Error, Result};
use crate::pool::available_workers;
use crate::statistics::median;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The place where experiments are carried out, and how thoroughly.
pub struct Bench {
    effort: Effort,
    /// Processors that this process may use.
    pub(super) processors: usize,
    /// Steps of work that take a second.
    steps_a_second: f64,
    stop: Arc<AtomicBool>,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    Rehearsal,
    Quick,
    Thorough,
}

/// Data and times of a rehearsal are so many times smaller.
const REHEARSAL: usize = 1_000;

impl Bench {
    /// All repetitions: half a minute an experiment.
    pub fn thorough() -> Self {
        Self {
            effort: Effort::Thorough,
            processors: available_workers(),
            steps_a_second: burn::steps_within(1.0) as f64,
            stop: Arc::default(),
            tell: Box::new(|_| ()),
        }
    }

    /// Few: some seconds an experiment.
    pub fn quick() -> Self {
        Self {
            effort: Effort::Quick,
            ..Self::thorough()
        }
    }

    /// As little as can be, of a thousandth of the size: whether experiments can be carried out at
    /// all. Their figures mean nothing.
    pub fn rehearsal() -> Self {
        Self {
            effort: Effort::Rehearsal,
            ..Self::thorough()
        }
    }

    /// Ends experiments with [`Error::Interrupted`] when `stop` is set.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Has `tell` called with what an experiment is at: "payload, 4 workers".
    #[must_use]
    pub fn telling(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let tell = Box::new(tell);
        Self { tell, ..self }
    }

    /// Says what the experiment comes to now.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if somebody asked to stop.
    pub(super) fn phase(&self, what: &str) -> Result<()> {
        self.go_on()?;
        (self.tell)(what);
        Ok(())
    }

    /// Asks whether it is to go on: between any two steps, each of a second at most.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if somebody asked to stop.
    pub(super) fn go_on(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// What ends an experiment early, for those who can look at it themselves.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Steps of work that take so long on this machine, undisturbed.
    pub(super) fn steps(&self, time: Duration) -> u64 {
        (time.as_secs_f64() * self.steps_a_second) as u64
    }

    /// The one if it is to be quick, or else the other.
    pub(super) fn pick<T>(&self, quick: T, thorough: T) -> T {
        match self.effort {
            Effort::Rehearsal | Effort::Quick => quick,
            Effort::Thorough => thorough,
        }
    }

    pub(super) fn is_rehearsal(&self) -> bool {
        self.effort == Effort::Rehearsal
    }

    /// So many bytes of data; some of them in a rehearsal.
    pub(super) fn size(&self, bytes: usize) -> usize {
        if self.is_rehearsal() {
            (bytes / REHEARSAL).next_multiple_of(8)
        } else {
            bytes
        }
    }

    /// So long a task; shorter in a rehearsal.
    pub(super) fn length(&self, task: Duration) -> Duration {
        if self.is_rehearsal() {
            task / REHEARSAL as u32
        } else {
            task
        }
    }

    /// For so many seconds something is to be done: the one if it is to be quick, or else the other.
    pub(super) fn seconds(&self, quick: f64, thorough: f64) -> f64 {
        if self.is_rehearsal() {
            0.02
        } else {
            self.pick(quick, thorough)
        }
    }

    /// An empty folder of its own, removed when it is dropped.
    ///
    /// # Errors
    /// If there cannot be one in the directory for temporary files.
    pub(super) fn folder(&self) -> Result<Folder> {
        Folder::new()
    }

    /// Does all of these, taking turns, until so many seconds have passed (twice at least, thrice
    /// if it is not to be quick), and says how long each takes. A moment in which the machine is slow is so for all of them.
    ///
    /// # Errors
    /// What they return, and [`Error::Interrupted`] if somebody asked to stop.
    pub(super) fn in_turns<const N: usize>(
        &self,
        seconds: f64,
        what: [&mut dyn FnMut() -> Result<()>; N],
    ) -> Result<[Samples; N]> {
        self.in_turns_of(self.pick(2, 3), seconds, what)
    }

    /// The same, so many times at least.
    ///
    /// # Errors
    /// As [`Self::in_turns`].
    pub(super) fn in_turns_of<const N: usize>(
        &self,
        least: usize,
        seconds: f64,
        mut what: [&mut dyn FnMut() -> Result<()>; N],
    ) -> Result<[Samples; N]> {
        let mut taken: [Samples; N] = std::array::from_fn(|_| Samples::default());
        let begin = now();
        for turn in 0.. {
            if turn >= least && seconds_since(begin) >= seconds {
                break;
            }
            for (act, taken) in what.iter_mut().zip(&mut taken) {
                self.go_on()?;
                let begin = now();
                act()?;
                taken.0.push(seconds_since(begin));
            }
        }
        Ok(taken)
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("effort", &self.effort)
            .field("processors", &self.processors)
            .finish_non_exhaustive()
    }
}

/// How long ago that was, by [`crate::clock`].
pub(super) fn seconds_since(begin: u64) -> f64 {
    (now() - begin) as f64 / 1e9
}

/// The same measured several times.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples(pub Vec<f64>);

impl Samples {
    /// As [`median`] has it.
    pub(super) fn median(&self) -> f64 {
        median(&self.0)
    }

    /// What 99 in a hundred do not exceed; none if fewer than ten would be beyond it.
    pub(super) fn p99(&self) -> Option<f64> {
        const BEYOND: usize = 10;
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let within = (0.99 * sorted.len() as f64).ceil() as usize;
        (sorted.len() - within >= BEYOND).then(|| sorted[within - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_take_turns_and_do_so_again() {
        let order = std::cell::RefCell::new(Vec::new());
        let note = |who| {
            order.borrow_mut().push(who);
            Ok(())
        };
        let [a, b] = Bench::quick()
            .in_turns(0.0, [&mut || note('a'), &mut || note('b')])
            .unwrap();
        assert_eq!(order.into_inner(), ['a', 'b', 'a', 'b']);
        assert_eq!((a.0.len(), b.0.len()), (2, 2));
    }

    #[test]
    fn a_percentile_with_fewer_than_ten_beyond_it_is_none() {
        let p99 = |count: u32| Samples((0..count).rev().map(f64::from).collect()).p99();
        assert_eq!(p99(0), None);
        assert_eq!(p99(999), None);
        assert_eq!(p99(1_000), Some(989.0));
    }

    #[test]
    fn who_is_asked_to_stop_does_nothing_more() {
        let bench = Bench::quick().stopped_by(Arc::new(true.into()));
        let done = bench.in_turns(1.0, [&mut || panic!("it was to stop")]);
        assert!(matches!(done, Err(Error::Interrupted)));
        assert!(bench.phase("anything").is_err());
    }
}
