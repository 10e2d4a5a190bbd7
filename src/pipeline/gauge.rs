//! How a pass stands: read when somebody looks, never told. A pass whose gauge nobody reads pays
//! nothing for it.

use super::interval::Schedule;
use super::job::FramePool;
use super::plan::Plan;
use super::policy::Dropped;
use super::recorder::Recorder;
use crate::clock::{Nanos, now};
use crate::coordination::SharedArray;
use crate::measure::{LatestMemory, MemoryPeak, StageHistograms, percentile};
use crate::pool::{Lookout, Muster};
use crate::stage::Stage;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells how a pass stands, to any thread and as often as one likes.
#[derive(Clone)]
pub struct Gauge {
    around: Arc<Around>,
    desk: Arc<dyn Look>,
}

/// How a pass stands at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Since its first frame began or was due; 0 before.
    pub elapsed_ns: Nanos,
    /// Frames that have ended, however they did; those of jobs under way are counted as soon as they
    /// are analysed.
    pub ended: u64,
    /// Frames whose finding has come.
    pub analysed: u64,
    /// Frames that failed.
    pub failed: u64,
    /// Frames that were dropped, by the reason.
    pub dropped: BTreeMap<Dropped, u64>,
    /// Frames that came too late, if the pass is paced.
    pub deadline_misses: Option<u64>,
    /// Whether it keeps up so far, if it is paced.
    pub keeps_up: Option<bool>,
    /// Frames that have come, or were due, and have not ended.
    pub backlog: u64,
    /// The median of how long frames took ([`Gauge::latency`]); none while there are too few.
    pub p50_ns: Option<Nanos>,
    /// One in a hundred took longer; none while there are too few.
    pub p99_ns: Option<Nanos>,
    /// Memory of parent and workers.
    pub memory: MemoryPeak,
    /// The workers; none have died before the pass.
    pub workers: Muster,
}

impl Reading {
    /// Frames that have been analysed, of jobs under way too: what a speed is of.
    pub fn done(&self) -> u64 {
        // Read one after the other, while frames end.
        self.ended.saturating_sub(self.failed + self.drops())
    }

    /// Frames that were dropped.
    pub fn drops(&self) -> u64 {
        self.dropped.values().sum()
    }
}

impl Gauge {
    pub(super) fn new(around: Arc<Around>, desk: Arc<dyn Look>) -> Self {
        Self { around, desk }
    }

    /// The mode's name.
    pub fn mode(&self) -> &'static str {
        self.around.mode
    }

    /// Whether it is a pass that counts, rather than one that warms up.
    pub fn is_measured(&self) -> bool {
        self.around.measured.is_some()
    }

    /// The pace, if there is one.
    pub fn fps(&self) -> Option<f64> {
        self.around.fps
    }

    /// Frames of the pass, as far as that is known.
    pub fn frames(&self) -> Option<u64> {
        self.around.planned()
    }

    /// The stage that says how long a frame took: from its due time where the pass is paced, else
    /// its service time.
    pub fn latency(&self) -> Stage {
        match self.around.fps {
            Some(_) => Stage::EndToEnd,
            None => Stage::Service,
        }
    }

    /// How it stands now; none when it is over.
    pub fn read(&self) -> Option<Reading> {
        self.read_with(|_| ())
    }

    /// The same, and shows the histograms of that moment, while nothing is recorded: let it be short. When
    /// it is over, nothing is shown.
    pub fn read_with(&self, mut look: impl FnMut(&StageHistograms)) -> Option<Reading> {
        let around = &*self.around;
        let mut reading = Reading {
            memory: around.count_slots_once(around.memory.get()),
            workers: around.muster(),
            ..Reading::default()
        };
        let is_open = self.desk.look(&mut |recorder| {
            let tally = recorder.tally();
            look(&tally.stages);
            let latency = tally.stages.get(self.latency());
            reading.analysed = tally.analysed;
            reading.failed = tally.failed;
            reading.dropped.clone_from(&tally.dropped);
            reading.deadline_misses = around.fps.map(|_| tally.misses);
            reading.keeps_up = around.fps.map(|_| recorder.keeps_up());
            reading.p50_ns = percentile(latency, 500);
            reading.p99_ns = percentile(latency, 990);
        });
        let recorded = reading.analysed + reading.failed + reading.drops();
        let at = now();
        reading.ended = recorded.max(around.counted());
        reading.elapsed_ns = around.elapsed(at);
        reading.backlog = around.backlog(reading.ended, at);
        is_open.then_some(reading)
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauge").field(&self.read()).finish()
    }
}

/// Where a recorder is, and can be looked at.
pub(super) trait Look: Send + Sync {
    /// Says whether it is still there; if not, nothing is shown.
    fn look(&self, look: &mut dyn FnMut(&Recorder)) -> bool;
}

/// The recorder of a pass whose outcomes come to one thread.
pub(super) struct Desk(Mutex<Option<Recorder>>);

impl Desk {
    pub(super) const fn new(recorder: Recorder) -> Self {
        Self(Mutex::new(Some(recorder)))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recorder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the recorder do something.
    ///
    /// # Panics
    /// If the pass is over.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Recorder) -> T) -> T {
        act(self.lock().as_mut().expect("the pass goes on"))
    }

    /// The pass is over.
    ///
    /// # Panics
    /// If it was before.
    pub(super) fn close(&self) -> Recorder {
        self.lock().take().expect("a pass is over once")
    }
}

impl Look for Desk {
    fn look(&self, look: &mut dyn FnMut(&Recorder)) -> bool {
        self.lock().as_ref().map(look).is_some()
    }
}

/// What can be seen of a pass beside what is recorded.
pub(super) struct Around {
    mode: &'static str,
    /// Its number among those that are measured, from 1, if it is.
    measured: Option<usize>,
    workers: usize,
    fps: Option<f64>,
    memory: LatestMemory,
    lookout: Lookout,
    died_before: u64,
    /// The bytes of all slots.
    slots: Option<u64>,
    /// Frames that each worker has ended so far, and the sum before the pass.
    live: (SharedArray<u64>, u64),
    /// When the pass began; 0 until it has.
    begun: AtomicU64,
    /// Frames that have come: that were submitted, dropped or found to be missing.
    come: AtomicU64,
    /// Frames to come in all; [`u64::MAX`] if that is not known.
    planned: AtomicU64,
}

impl Around {
    /// Around a pass of that number, if it is measured.
    pub(super) fn new(
        plan: &Plan,
        pool: &FramePool,
        memory: LatestMemory,
        measured: Option<usize>,
    ) -> Self {
        let lookout = pool.pool.lookout();
        let died_before = lookout.muster().unwrap_or_default().died;
        Self {
            mode: plan.mode.name(),
            measured,
            workers: plan.workers,
            fps: plan.fps,
            memory,
            lookout,
            died_before,
            slots: pool.slots.as_ref().map(|slots| slots.bytes().0),
            live: (pool.live.clone(), pool.live.values().iter().sum()),
            begun: AtomicU64::new(0),
            come: AtomicU64::new(0),
            planned: AtomicU64::new(plan.known_frames().unwrap_or(u64::MAX)),
        }
    }

    pub(super) const fn mode(&self) -> &'static str {
        self.mode
    }

    /// The number of the pass among those that are measured; 0 of one that is not.
    pub(super) fn number(&self) -> usize {
        self.measured.unwrap_or(0)
    }

    // All that follows is a figure for somebody who looks: Relaxed, nothing is published by it.

    /// The first frame began, or was due, at `t0`.
    pub(super) fn begin(&self, t0: Nanos) {
        self.begun.store(t0, Ordering::Relaxed);
    }

    /// So many frames have come so far.
    pub(super) fn come(&self, frames: u64) {
        self.come.store(frames, Ordering::Relaxed);
    }

    /// No more will come than so many.
    pub(super) fn cut_short(&self, frames: u64) {
        self.planned.store(frames, Ordering::Relaxed);
    }

    fn planned(&self) -> Option<u64> {
        Some(self.planned.load(Ordering::Relaxed)).filter(|&frames| frames < u64::MAX)
    }

    /// Since the first frame began, or was due; 0 before.
    pub(super) fn elapsed(&self, at: Nanos) -> Nanos {
        match self.begun.load(Ordering::Relaxed) {
            0 => 0,
            begun => at.saturating_sub(begun),
        }
    }

    /// Frames that workers have ended, those of jobs under way included; those that another has
    /// ended again after a death count twice.
    pub(super) fn counted(&self) -> u64 {
        let (live, before) = &self.live;
        let sum = live.values().iter().sum::<u64>();
        let counted = sum.saturating_sub(*before);
        counted.min(self.come.load(Ordering::Relaxed))
    }

    /// Frames that have come, or were due, when so many have ended.
    pub(super) fn backlog(&self, ended: u64, at: Nanos) -> u64 {
        let come = self.come.load(Ordering::Relaxed);
        let due = match (self.fps, self.begun.load(Ordering::Relaxed)) {
            (None, _) | (_, 0) => 0,
            (Some(fps), begin) => Schedule {
                begin,
                fps,
                frames: self.planned.load(Ordering::Relaxed),
            }
            .due(at),
        };
        due.max(come).saturating_sub(ended)
    }

    fn muster(&self) -> Muster {
        let muster = self.lookout.muster().unwrap_or_default();
        Muster {
            died: muster.died.saturating_sub(self.died_before),
            ..muster
        }
    }

    /// Memory now.
    pub(super) fn memory(&self) -> MemoryPeak {
        self.count_slots_once(self.memory.get())
    }

    /// Slots are counted once for each worker too, all of whom have all of them mapped; or not at
    /// all, if they lie in huge pages that were set aside.
    pub(super) fn count_slots_once(&self, memory: MemoryPeak) -> MemoryPeak {
        let Some(bytes) = self.slots else {
            return memory;
        };
        let once = memory
            .shared_bytes
            .saturating_sub(bytes * self.workers as u64);
        MemoryPeak {
            shared_bytes: once.max(bytes),
            ..memory
        }
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Around");
        f.field("mode", &self.mode)
            .field("measured", &self.measured);
        f.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Engine, Watch};
    use super::super::kept::{Findings, Kept};
    use super::super::request::Request;
    use super::*;
    use crate::analysis::Analysis;
    use crate::source::FrameSet;

    /// Reads the gauge whenever it is told of something.
    #[derive(Default)]
    struct Reader {
        gauge: Option<Gauge>,
        readings: Vec<Reading>,
        last: Option<Reading>,
    }

    impl Watch for Reader {
        fn progress(&mut self, _: u64) {
            let gauge = self.gauge.as_ref().unwrap();
            self.readings.push(gauge.read().unwrap());
        }
        fn begun(&mut self, gauge: &Gauge) {
            assert_eq!(gauge.read().unwrap().ended, 0);
            self.gauge = Some(gauge.clone());
        }
        fn over(&mut self, gauge: &Gauge) {
            self.last = gauge.read();
        }
    }

    fn read(mode: &str, fps: Option<f64>) -> Reader {
        let set = FrameSet::open("data/clip.y4m").unwrap();
        let request = Request {
            modes: vec![mode.into()],
            workers: Some(2),
            frames: Some(0..60),
            batch: fps.is_none().then_some(5),
            fps,
            ..Request::new(set, Analysis::parse("luma").unwrap())
        };
        let plan = request.plans().unwrap().remove(0);
        let mut reader = Reader::default();
        let mut engine = Engine::start(plan).unwrap();
        let kept = Kept::nowhere(Findings::new(0));
        engine.run_once(Some(1), kept, &mut reader).unwrap();
        reader
    }

    #[test]
    fn a_gauge_tells_how_a_pass_stands_until_it_is_over() {
        for (mode, fps) in [
            ("threads", None),
            ("sequential", None),
            ("threads", Some(2000.0)),
        ] {
            let reader = read(mode, fps);
            let gauge = reader.gauge.unwrap();
            assert_eq!(
                (gauge.mode(), gauge.fps(), gauge.frames()),
                (mode, fps, Some(60))
            );
            for two in reader.readings.windows(2) {
                assert!(two[0].ended <= two[1].ended, "{two:?}");
                assert!(two[0].elapsed_ns <= two[1].elapsed_ns, "{two:?}");
            }
            for reading in &reader.readings {
                assert!(reading.ended + reading.backlog <= 60, "{reading:?}");
                assert_eq!(reading.keeps_up.is_some(), fps.is_some());
                assert_eq!(reading.workers.died, 0);
            }
            let last = reader.last.unwrap();
            assert_eq!((last.ended, last.analysed, last.backlog), (60, 60, 0));
            assert!(last.p50_ns > Some(0) && last.p99_ns.is_none(), "{last:?}");
            let shown = gauge.read_with(|_| panic!("there are none any more"));
            assert_eq!(shown, None);
        }
    }
}
