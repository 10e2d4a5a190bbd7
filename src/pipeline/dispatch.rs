//! One pass: orders go out as they are due and as there is room, outcomes come back.

use super::engine::Watch;
use super::feed;
use super::gauge::{Around, Desk, Gauge};
use super::job::{FrameJob, FramePool, Order};
use super::kept::Kept;
use super::plan::Plan;
use super::recorder::{Pass, Recorder};
use crate::analysis::failed_line;
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use crate::pool::{Completion, JobError, as_completed};
use crate::transport::Placement;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A stop that was asked for is seen after so long at the latest.
pub(super) const LOOK_UP: Nanos = 100_000_000;

/// Runs the frames of a plan once, and keeps what they bring where it is told. The watch hears how
/// many frames have ended, and may look for more.
pub(super) fn pass(
    plan: &Plan,
    workers: &FramePool,
    mut kept: Kept,
    around: &Arc<Around>,
    watch: &mut dyn Watch,
) -> Result<Pass> {
    if let Some(slots) = &workers.slots {
        return feed::pass(plan, workers, slots, kept, around, watch);
    }
    let pool = &workers.pool;
    let crosses = plan.mode.placement() == Placement::Processes;
    let tracer = kept.trace.take().map(|trace| trace.of_pass(around));
    let recorder = Recorder::new(plan.frames.start, crosses, plan.fps, kept);
    let recorder = recorder.beside(around.clone(), tracer);
    let desk = Arc::new(Desk::new(recorder));
    let gauge = Gauge::new(around.clone(), desk.clone());
    watch.begun(&gauge);
    let mut pending = Pending::new(plan, now());
    around.begin(pending.t0);
    let mut under_way = as_completed([]);
    let mut orders = HashMap::new();
    let mut ended = 0;
    loop {
        if plan.stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        while under_way.len() < pool.capacity()
            && let Some(order) = pending.take_due(now())
        {
            around.come(pending.dispatched());
            let handle = pool.submit(order.clone());
            orders.insert(handle.id(), order);
            under_way.push(handle);
        }
        if pending.is_empty() && under_way.is_empty() {
            break;
        }
        let has_room = under_way.len() < pool.capacity();
        let next_due = pending.next_due().filter(|_| has_room);
        let look_up = now() + LOOK_UP;
        let until = next_due.map_or(look_up, |due| due.min(look_up));
        let left = Duration::from_nanos(until.saturating_sub(now()));
        let Some(handle) = under_way.next_timeout(left) else {
            if under_way.is_empty() {
                std::thread::sleep(left);
            }
            // What was lost with a worker is in no worker's count.
            watch.progress(ended.max(around.counted()));
            continue;
        };
        let Some(order) = orders.remove(&handle.id()) else {
            unreachable!("each job ends once");
        };
        let completion = handle.completion();
        let (took, is_hopeless) = desk.with(|recorder| {
            let took = take(order, completion, recorder, &mut pending);
            (took, plan.cut_short && recorder.is_hopeless())
        });
        ended += took?;
        watch.progress(ended.max(around.counted()));
        if is_hopeless {
            pending.cut_short();
            around.cut_short(pending.dispatched());
        }
    }
    watch.over(&gauge);
    desk.close().finish(pending.t0, pending.dispatched())
}

/// Records a job's end; returns how many frames ended with it.
fn take(
    order: Order,
    completion: Completion<FrameJob>,
    recorder: &mut Recorder,
    pending: &mut Pending,
) -> Result<u64> {
    let error = match completion.outcome {
        Ok(output) => {
            recorder.done(&order, &completion.trip, &output)?;
            return Ok(order.count);
        }
        Err(JobError::PoolEnded(why)) => return Err(Error::Failed(why)),
        Err(error) => error,
    };
    let culprit = culprit(&error, order.first..order.first + order.count);
    if let Some(frame) = culprit {
        let line = failed_line(frame, &error.to_string());
        recorder.lost(frame, &line, now())?;
    }
    pending.retry_all_but(&order, culprit);
    Ok(u64::from(culprit.is_some()))
}

/// The frame for which a job failed as a whole, if that is known.
pub(super) fn culprit<E>(error: &JobError<E>, frames: Range<u64>) -> Option<u64> {
    match error {
        JobError::WorkerDied(died) => Some(frames.start + u64::from(died.step)),
        // Others do not say at which frame it was; alone, each will tell.
        _ => (frames.end - frames.start == 1).then_some(frames.start),
    }
}

/// The orders that are still to be given.
struct Pending {
    t0: Nanos,
    interval: Option<f64>,
    batch: u64,
    first: u64,
    next: u64,
    end: u64,
    /// Frames of jobs that failed as a whole because of another frame, one by one.
    again: Vec<Order>,
}

impl Pending {
    fn new(plan: &Plan, t0: Nanos) -> Self {
        Self {
            t0,
            interval: plan.fps.map(|fps| 1e9 / fps),
            batch: plan.batch,
            first: plan.frames.start,
            next: plan.frames.start,
            end: plan.frames.end,
            again: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.next == self.end && self.again.is_empty()
    }

    /// When the next order may be given; none when flat out or when there is none.
    fn next_due(&self) -> Option<Nanos> {
        let interval = self.interval.filter(|_| self.next < self.end)?;
        Some(self.t0 + ((self.next - self.first) as f64 * interval) as Nanos)
    }

    /// The next order, if there is one and it is due.
    fn take_due(&mut self, now: Nanos) -> Option<Order> {
        if let Some(order) = self.again.pop() {
            return Some(order);
        }
        let due = self.next_due();
        if self.next == self.end || due.is_some_and(|due| due > now) {
            return None;
        }
        let first = self.next;
        self.next = (first + self.batch).min(self.end);
        Some(Order {
            first,
            count: self.next - first,
            due,
            leases: None,
        })
    }

    /// The frames of a failed order are tried again one by one, but for the one that failed it.
    fn retry_all_but(&mut self, order: &Order, culprit: Option<u64>) {
        let frames = (order.first..order.first + order.count).rev();
        let rest = frames.filter(|&frame| Some(frame) != culprit);
        self.again.extend(rest.map(|frame| order.one(frame)));
    }

    fn cut_short(&mut self) {
        self.end = self.next;
    }

    fn dispatched(&self) -> u64 {
        self.next - self.first
    }
}
