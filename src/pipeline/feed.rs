//! One pass of a mode whose frames come through slots: they are written into them one after the
//! other, handed to whoever analyses them, and their slots are free again when they have ended.
//!
//! The thread that calls [`pass`] is the producer: it fills a slot and submits it, and nothing is
//! between. Whoever learns of a job's end records it. How many frames are under way is bounded by
//! the slots alone; what happens when none is free is the [`Policy`].

use super::dispatch::{LOOK_UP, Pass, culprit};
use super::job::{FrameJob, FramePool, InSlot, Leases, Order};
use super::plan::{Dropped, Plan, Policy};
use super::recorder::Recorder;
use super::thumbnails::Thumbnails;
use crate::analysis::failed_line;
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use crate::handoff::{Draft, Lease, Slots};
use crate::pool::{Completion, Handle, JobError};
use crate::source::{Arrival, Stream};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Runs the frames of a plan once, and keeps their thumbnails if told where. `progress` is told how
/// many frames have ended.
pub(super) fn pass(
    plan: &Plan,
    workers: &FramePool,
    slots: &Slots,
    thumbnails: Option<Thumbnails>,
    progress: &mut dyn FnMut(u64),
) -> Result<Pass> {
    let recorder = Recorder::new(plan.frames.clone(), true, plan.fps, thumbnails);
    let mut feed = Feed {
        plan,
        workers,
        slots,
        ends: Arc::new(Ends {
            state: Mutex::new(State {
                recorder,
                under_way: 0,
                ended: 0,
                again: Vec::new(),
                error: None,
            }),
            changed: Condvar::new(),
        }),
        handles: VecDeque::new(),
        batch: Vec::new(),
        look_back: None,
        before: None,
        t0: 0,
        next: plan.frames.start,
        times: Vec::new(),
        progress,
    };
    let mut stream = plan.source.stream(feed.first_to_fill())?;
    let produced = feed.produce(&mut *stream);
    // What is under way ends in any case: its end is not to be recorded in a pass that is over.
    let settled = feed.settle();
    let (notes, times) = (stream.notes(), std::mem::take(&mut feed.times));
    drop(stream);
    let (t0, frames) = (feed.t0, feed.next - plan.frames.start);
    let mut recorder = feed.into_recorder();
    produced.and(settled)?;
    // Those of the last frames are about to be: the next pass begins with all of them.
    if !slots.are_free(LONG) {
        let held = slots.count() - slots.free();
        let what = format!("{held} slots were not given back though all frames have ended");
        return Err(Error::Failed(format!("{what}: a bug in framehaul")));
    }
    recorder.notes.extend(notes);
    recorder.times = times;
    recorder.end(frames)?;
    Ok(Pass {
        wall_ns: recorder.last_arrival.saturating_sub(t0),
        frames,
        recorder,
    })
}

/// So long it takes at most until a job that was cancelled gives its slot back, when all goes well.
const SOON: Duration = Duration::from_millis(1);

/// Longer than anybody takes to drop what has ended.
const LONG: Duration = Duration::from_secs(20);

/// The producer.
struct Feed<'a> {
    plan: &'a Plan,
    workers: &'a FramePool,
    slots: &'a Slots,
    ends: Arc<Ends>,
    /// Jobs that may not have begun, the oldest first, where any may be dropped.
    handles: VecDeque<(Arc<Leases>, Handle<FrameJob>)>,
    /// Frames of the next job, so far.
    batch: Vec<InSlot>,
    /// The frame before the first of them, if an analyzer looks back to it.
    look_back: Option<Lease>,
    /// The frame before the next, in the same case.
    before: Option<Lease>,
    /// When the first frame began, or was due.
    t0: Nanos,
    /// The number of the next frame in the stream.
    next: u64,
    /// When each frame so far is to be shown, in seconds, as far as the stream says.
    times: Vec<f64>,
    progress: &'a mut dyn FnMut(u64),
}

/// What callbacks share with the producer.
struct Ends {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    recorder: Recorder,
    /// Jobs that have not ended.
    under_way: usize,
    /// Frames that have.
    ended: u64,
    /// Frames of jobs that failed as a whole because of another frame, one by one.
    again: Vec<Order>,
    /// Why the pass cannot go on.
    error: Option<Error>,
}

/// What was said to the producer while it waited.
enum Said {
    GoOn,
    /// There is nothing more to produce.
    End,
}

impl Feed<'_> {
    /// The frame before the first is needed too, if an analyzer looks back to it.
    fn first_to_fill(&self) -> u64 {
        let first = self.plan.frames.start;
        first - u64::from(first > 0 && self.plan.analysis.looks_back())
    }

    fn produce(&mut self, stream: &mut dyn Stream) -> Result<()> {
        if self.first_to_fill() < self.next
            && let Said::End = self.look_back_before_the_first(stream)?
        {
            return Ok(());
        }
        while self.next < self.plan.frames.end {
            if let Said::End = self.produce_one(stream)? {
                break;
            }
        }
        self.submit_batch();
        Ok(())
    }

    fn look_back_before_the_first(&mut self, stream: &mut dyn Stream) -> Result<Said> {
        match stream.await_next(&self.plan.stop)? {
            Arrival::Begun => {}
            Arrival::End => return Ok(Said::End),
            Arrival::Stopped => return self.stopped(),
        }
        match self.slots.take() {
            Some(mut draft) => {
                // If it cannot be had, there is none; its failure is that of the run it belongs to.
                let filled = stream.fill(&mut draft, &self.plan.stop);
                self.before = filled.is_ok().then(|| draft.finish());
            }
            None => stream.skip(&self.plan.stop),
        }
        Ok(Said::GoOn)
    }

    /// The next frame, from its beginning to its end in a slot, or to its being dropped.
    fn produce_one(&mut self, stream: &mut dyn Stream) -> Result<Said> {
        let due = match self.await_due()? {
            Ok(due) => due,
            Err(end) => return Ok(end),
        };
        match stream.await_next(&self.plan.stop) {
            Ok(Arrival::Begun) => {}
            Ok(Arrival::End) => return Ok(Said::End),
            Ok(Arrival::Stopped) => return self.stopped(),
            // What has come so far is not lost with what should have come next.
            Err(why) => {
                self.fail(&why.to_string());
                return Ok(Said::End);
            }
        }
        let arrived = now();
        if self.t0 == 0 {
            self.t0 = due.unwrap_or(arrived);
        }
        let (draft, said) = self.take_slot()?;
        if let Said::End = said {
            return Ok(said);
        }
        let Some(mut draft) = draft else {
            stream.skip(&self.plan.stop);
            self.times.extend(stream.time());
            self.break_off();
            self.ends.lock().drop_frame(self.next, Dropped::NoSlot);
            self.next += 1;
            return Ok(Said::GoOn);
        };
        let begin = now();
        let filled = stream.fill(&mut draft, &self.plan.stop);
        self.times.extend(stream.time());
        match filled {
            Ok(()) => self.filled(draft.finish(), due, arrived, begin),
            // What was cut off by whoever asked to stop is no failure.
            Err(_) if self.plan.stop.load(Ordering::Relaxed) => return self.stopped(),
            Err(why) => {
                drop(draft);
                self.fail(&why);
            }
        }
        self.submit_again();
        let mut state = self.ends.lock();
        let ended = state.ended;
        let hopeless = self.plan.cut_short && state.recorder.lateness.is_hopeless();
        let error = state.error.take();
        drop(state);
        (self.progress)(ended);
        match error {
            Some(error) => Err(error),
            None if hopeless => Ok(Said::End),
            None => Ok(Said::GoOn),
        }
    }

    /// Somebody asked to stop: the end of what would go on for ever, and an interruption of the rest.
    fn stopped(&self) -> Result<Said> {
        if self.plan.is_endless() {
            Ok(Said::End)
        } else {
            Err(Error::Interrupted)
        }
    }

    /// Waits until the next frame is due, if the pass is paced; says when that was.
    fn await_due(&mut self) -> Result<Result<Option<Nanos>, Said>> {
        let Some(fps) = self.plan.fps else {
            return Ok(Ok(None));
        };
        let index = self.next - self.plan.frames.start;
        if index == 0 {
            return Ok(Ok(Some(now())));
        }
        let due = self.t0 + (index as f64 * 1e9 / fps) as Nanos;
        loop {
            if self.plan.stop.load(Ordering::Relaxed) {
                return self.stopped().map(Err);
            }
            let left = due.saturating_sub(now());
            if left == 0 {
                return Ok(Ok(Some(due)));
            }
            // What is ready waits no longer than for the frame that was to come.
            self.submit_again();
            std::thread::sleep(Duration::from_nanos(left.min(LOOK_UP)));
            let ended = self.ends.lock().ended;
            (self.progress)(ended);
        }
    }

    /// A slot for the next frame; none if the frame is to be dropped instead.
    fn take_slot(&mut self) -> Result<(Option<Draft>, Said)> {
        loop {
            if let Some(draft) = self.slots.take() {
                return Ok((Some(draft), Said::GoOn));
            }
            // What has slots and is not submitted yet keeps them from being free.
            self.submit_batch();
            match self.plan.policy {
                Policy::DropNewest => return Ok((None, Said::GoOn)),
                Policy::DropOldest => return Ok((self.drop_oldest(), Said::GoOn)),
                Policy::Block => {}
            }
            if self.plan.stop.load(Ordering::Relaxed) {
                return self.stopped().map(|said| (None, said));
            }
            self.submit_again();
            if let Some(draft) = self.slots.take_timeout(Duration::from_nanos(LOOK_UP)) {
                return Ok((Some(draft), Said::GoOn));
            }
            let mut state = self.ends.lock();
            let (ended, error) = (state.ended, state.error.take());
            drop(state);
            if let Some(error) = error {
                return Err(error);
            }
            (self.progress)(ended);
        }
    }

    /// The slot of the oldest frame that nobody has begun to analyse, if there is one.
    fn drop_oldest(&mut self) -> Option<Draft> {
        while let Some((leases, oldest)) = self.handles.pop_front() {
            if oldest.is_done() || leases.is_told() {
                // It may have kept the slot of a frame that has ended.
                drop((leases, oldest));
                if let Some(draft) = self.slots.take() {
                    return Some(draft);
                }
                continue;
            }
            // The next is compared with it no more, or its slot would not be free.
            if let Some((next, _)) = self.handles.front() {
                next.forget_look_back();
            } else {
                self.look_back = None;
                self.before = None;
            }
            // If a worker has just begun, it is not disturbed by this.
            oldest.cancel();
            // Somebody else may be about to carry that out.
            while !leases.is_told() {
                if let Some(draft) = self.slots.take_timeout(SOON) {
                    return Some(draft);
                }
                if oldest.is_done() {
                    break;
                }
            }
        }
        self.slots.take()
    }

    /// The next frame is in its slot.
    fn filled(&mut self, lease: Lease, due: Option<Nanos>, arrived: Nanos, begin: Nanos) {
        if self.batch.is_empty() {
            self.look_back = self.before.take();
        }
        if self.plan.analysis.looks_back() {
            self.before = Some(lease.clone());
        }
        self.batch.push(InSlot {
            lease,
            due: due.unwrap_or(arrived),
            begin,
            filled: now(),
        });
        self.next += 1;
        if self.batch.len() as u64 == self.plan.batch {
            self.submit_batch();
        }
    }

    /// The next frame cannot be had.
    fn fail(&mut self, why: &str) {
        self.break_off();
        self.ends.lock().fail(self.next, why);
        self.next += 1;
    }

    /// The next frame will not come: what comes after it is of another job, and is not compared
    /// with what came before.
    fn break_off(&mut self) {
        self.submit_batch();
        self.before = None;
    }

    fn submit_batch(&mut self) {
        let frames = std::mem::take(&mut self.batch);
        let look_back = self.look_back.take();
        let Some(first) = frames.first() else {
            return;
        };
        let count = frames.len() as u64;
        self.submit(Order {
            first: self.next - count,
            count,
            due: self.plan.fps.map(|_| first.due),
            leases: Some(Arc::new(Leases::new(frames, look_back))),
        });
    }

    fn submit_again(&mut self) {
        let again = std::mem::take(&mut self.ends.lock().again);
        again.into_iter().for_each(|order| self.submit(order));
    }

    fn submit(&mut self, order: Order) {
        self.ends.lock().under_way += 1;
        let leases = order.leases.clone();
        let handle = self.workers.pool.submit(order.clone());
        let ends = self.ends.clone();
        handle.on_done(move |completion| ends.take(&order, completion));
        if self.plan.policy == Policy::DropOldest
            && let Some(leases) = leases
        {
            // One that has ended keeps its slot no longer, whoever is slow before it.
            self.handles.retain(|(_, old)| !old.is_done());
            self.handles.push_back((leases, handle));
        }
    }

    /// Waits until all that was submitted has ended.
    fn settle(&mut self) -> Result<()> {
        loop {
            self.submit_again();
            let state = self.ends.lock();
            let timeout = Duration::from_nanos(LOOK_UP);
            let is_busy = |state: &mut State| state.under_way > 0 && state.again.is_empty();
            let woken = self
                .ends
                .changed
                .wait_timeout_while(state, timeout, is_busy);
            let (mut state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            if state.under_way == 0 && state.again.is_empty() {
                return Ok(());
            }
            let ended = state.ended;
            drop(state);
            if self.plan.stop.load(Ordering::Relaxed) && !self.plan.is_endless() {
                return Err(Error::Interrupted);
            }
            (self.progress)(ended);
        }
    }

    fn into_recorder(self) -> Recorder {
        let frames = self.plan.frames.clone();
        let empty = Recorder::new(frames, true, self.plan.fps, None);
        std::mem::replace(&mut self.ends.lock().recorder, empty)
    }
}

impl Ends {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in here is a bug that was printed already; the pass still has to end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job has ended.
    fn take(&self, order: &Order, completion: &Completion<FrameJob>) {
        let mut state = self.lock();
        state.take(order, completion);
        state.under_way -= 1;
        drop(state);
        self.changed.notify_one();
    }
}

impl State {
    fn take(&mut self, order: &Order, completion: &Completion<FrameJob>) {
        let error = match &completion.outcome {
            Ok(output) => {
                if let Err(error) = self.recorder.done(order, &completion.trip, output) {
                    self.error.get_or_insert(error);
                }
                self.ended += order.count;
                return;
            }
            Err(error) => error,
        };
        let frames = order.first..order.first + order.count;
        match error {
            JobError::PoolEnded(why) => {
                self.error.get_or_insert(Error::Failed(why.clone()));
            }
            JobError::Cancelled => {
                frames.for_each(|frame| self.drop_frame(frame, Dropped::Outrun));
            }
            error => {
                let culprit = culprit(error, frames.clone());
                if let Some(frame) = culprit {
                    self.fail(frame, &error.to_string());
                }
                let rest = frames.filter(|&frame| Some(frame) != culprit);
                self.again.extend(rest.map(|frame| order.one(frame)));
            }
        }
    }

    fn fail(&mut self, frame: u64, why: &str) {
        self.recorder.lost(frame, failed_line(frame, why), now());
        self.ended += 1;
    }

    fn drop_frame(&mut self, frame: u64, why: Dropped) {
        self.recorder.dropped(frame, why, now());
        self.ended += 1;
    }
}
