//! One pass of a mode whose frames come through slots: they are written into them one after the
//! other, handed to whoever analyses them, and their slots are free again when they have ended.
//!
//! The thread that calls [`pass`] is the producer: it fills a slot and submits it, and nothing is
//! between. Whoever learns of a job's end records it. How many frames are under way is bounded by
//! the slots alone; what happens when none is free is the [`Policy`].

use super::dispatch::LOOK_UP;
use super::ends::Ends;
use super::engine::Watch;
use super::gauge::{Around, Gauge};
use super::job::{FrameJob, FramePool, InSlot, Leases, Order};
use super::kept::{Kept, Timestamps};
use super::plan::Plan;
use super::policy::{Dropped, Policy};
use super::recorder::{Pass, Recorder};
use crate::clock::{Nanos, now};
use crate::error::{Error, Result};
use crate::handoff::{Draft, Lease, Slots};
use crate::pool::Handle;
use crate::source::{Arrival, Stream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Runs the frames of a plan once, and keeps what they bring where it is told. The watch hears how
/// many frames have ended, and may look for more.
pub(super) fn pass(
    plan: &Plan,
    workers: &FramePool,
    slots: &Slots,
    mut kept: Kept,
    around: &Arc<Around>,
    watch: &mut dyn Watch,
) -> Result<Pass> {
    let timestamps = kept.timestamps.take();
    let tracer = kept.trace.take().map(|trace| trace.of_pass(around));
    let recorder = Recorder::new(plan.frames.start, true, plan.fps, kept);
    let recorder = recorder.beside(around.clone(), tracer);
    let ends = Arc::new(Ends::new(recorder));
    let gauge = Gauge::new(around.clone(), ends.clone());
    watch.begun(&gauge);
    let mut feed = Feed {
        plan,
        workers,
        slots,
        ends,
        handles: VecDeque::new(),
        batch: Vec::new(),
        look_back: None,
        before: None,
        t0: 0,
        next: plan.frames.start,
        was_stopped: false,
        timestamps,
        around,
        watch,
    };
    let mut stream = plan.source.stream(feed.first_to_fill())?;
    let produced = feed.produce(&mut *stream);
    // What is under way ends in any case: its end is not to be recorded in a pass that is over.
    let settled = feed.settle();
    let (mut notes, incomplete) = (stream.notes(), stream.incomplete());
    drop(stream);
    let (t0, frames) = (feed.t0, feed.next - plan.frames.start);
    let whole = plan.known_frames().unwrap_or(frames);
    if frames < whole && !feed.was_stopped {
        notes.push(format!(
            "it had {frames} of the {whole} frames that were asked for"
        ));
    }
    let cut_off = feed.cut_off();
    let (ends, timestamps) = feed.over();
    produced.and(settled)?;
    watch.over(&gauge);
    // Unless it says more of its end.
    if frames == 0 && incomplete.is_none() {
        let input = match plan.source.input() {
            "-" => "standard input",
            named => named,
        };
        return Err(match plan.frames.start {
            0 => Error::input(input, "it holds no frames"),
            first => Error::input(input, format!("it has ended before frame {first}")),
        });
    }
    // Those of the last frames are about to be: the next pass begins with all of them.
    if !slots.are_free(LONG) {
        let held = slots.count() - slots.free();
        let what = format!("{held} slots were not given back though all frames have ended");
        return Err(Error::Failed(format!("{what}: a bug in framehaul")));
    }
    if let Some(timestamps) = timestamps {
        notes.extend(timestamps.finish()?);
    }
    let pass = ends.recorder().finish(t0, frames)?;
    Ok(Pass {
        incomplete: incomplete.or(cut_off),
        notes,
        ..pass
    })
}

/// So long it takes at most until a job that was cancelled gives its slot back, when all goes well.
const SOON: Duration = Duration::from_millis(1);

/// Longer than anybody takes to drop what has ended.
const LONG: Duration = Duration::from_secs(20);

/// Jobs under way have so long to end when the run was stopped.
const GRACE: Nanos = 3_000_000_000;

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
    /// Nothing more is produced since somebody asked to stop.
    was_stopped: bool,
    /// Where it is written when each frame is to be shown, if it is.
    timestamps: Option<Timestamps>,
    around: &'a Around,
    watch: &'a mut dyn Watch,
}

/// Why no more is produced.
enum Halt {
    /// There is nothing more.
    End,
    Error(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Feed<'_> {
    /// The frame before the first is needed too, if an analyzer looks back to it.
    fn first_to_fill(&self) -> u64 {
        let first = self.plan.frames.start;
        first - u64::from(first > 0 && self.plan.analysis.looks_back())
    }

    fn produce(&mut self, stream: &mut dyn Stream) -> Result<()> {
        let halt = self.produce_all(stream);
        self.submit_batch();
        match halt {
            Ok(()) | Err(Halt::End) => Ok(()),
            Err(Halt::Error(error)) => Err(error),
        }
    }

    fn produce_all(&mut self, stream: &mut dyn Stream) -> Result<(), Halt> {
        if self.first_to_fill() < self.next {
            self.look_back_before_the_first(stream)?;
        }
        while self.next < self.plan.frames.end {
            self.produce_one(stream)?;
            self.submit_again();
            self.look()?;
            if self.plan.cut_short && self.ends.is_hopeless() {
                self.around.cut_short(self.next - self.plan.frames.start);
                break;
            }
        }
        Ok(())
    }

    /// Tells how far it is, unless it cannot go on.
    fn look(&mut self) -> Result<()> {
        self.watch.progress(self.ends.look()?);
        Ok(())
    }

    fn look_back_before_the_first(&mut self, stream: &mut dyn Stream) -> Result<(), Halt> {
        self.await_next(stream)?;
        match self.slots.take() {
            Some(mut draft) => {
                // If it cannot be had, there is none; its failure is that of the run it belongs to.
                let filled = stream.fill(&mut draft, &self.plan.stop);
                self.before = filled.is_ok().then(|| draft.finish());
            }
            None => stream.skip(&self.plan.stop),
        }
        Ok(())
    }

    /// The next frame, from its beginning to its end in a slot, or to its being dropped.
    fn produce_one(&mut self, stream: &mut dyn Stream) -> Result<(), Halt> {
        let due = self.await_due()?;
        match self.await_next(stream) {
            // What has come so far is not lost with what should have come next.
            Err(Halt::Error(why)) if !matches!(why, Error::Interrupted) => {
                self.fail(&why.to_string());
                self.advance(None)?;
                return Err(Halt::End);
            }
            begun => begun?,
        }
        let arrived = now();
        if self.t0 == 0 {
            self.t0 = due.unwrap_or(arrived);
            self.around.begin(self.t0);
        }
        let Some(mut draft) = self.take_slot()? else {
            stream.skip(&self.plan.stop);
            self.break_off();
            self.ends.drop_frame(self.next, Dropped::NoSlot);
            self.advance(stream.time())?;
            return Ok(());
        };
        let begin = now();
        match stream.fill(&mut draft, &self.plan.stop) {
            Ok(()) => self.filled(InSlot {
                lease: draft.finish(),
                due: due.unwrap_or(arrived),
                begin,
                filled: now(),
            }),
            // What was cut off by whoever asked to stop is no failure.
            Err(_) if self.plan.stop.load(Ordering::Relaxed) => return Err(self.stopped()),
            Err(why) => {
                drop(draft);
                self.fail(&why);
            }
        }
        self.advance(stream.time())?;
        if self.batch.len() as u64 == self.plan.batch {
            self.submit_batch();
        }
        Ok(())
    }

    /// The next frame is dealt with; this is when it is to be shown.
    fn advance(&mut self, time: Option<f64>) -> Result<()> {
        self.next += 1;
        self.around.come(self.next - self.plan.frames.start);
        match &mut self.timestamps {
            Some(timestamps) => timestamps.push(time),
            None => Ok(()),
        }
    }

    /// Somebody asked to stop: the end of what is live, and an interruption of the rest.
    fn stopped(&mut self) -> Halt {
        if self.plan.ends_when_told() && self.next > self.plan.frames.start {
            self.was_stopped = true;
            Halt::End
        } else {
            Halt::Error(Error::Interrupted)
        }
    }

    fn await_next(&mut self, stream: &mut dyn Stream) -> Result<(), Halt> {
        match stream.await_next(&self.plan.stop)? {
            Arrival::Begun => Ok(()),
            Arrival::End => Err(Halt::End),
            Arrival::Stopped => Err(self.stopped()),
        }
    }

    /// Waits until the next frame is due, if the pass is paced; says when that was.
    fn await_due(&mut self) -> Result<Option<Nanos>, Halt> {
        let Some(fps) = self.plan.fps else {
            return Ok(None);
        };
        let index = self.next - self.plan.frames.start;
        if index == 0 {
            return Ok(Some(now()));
        }
        let due = self.t0 + (index as f64 * 1e9 / fps) as Nanos;
        loop {
            if self.plan.stop.load(Ordering::Relaxed) {
                return Err(self.stopped());
            }
            let left = due.saturating_sub(now());
            if left == 0 {
                return Ok(Some(due));
            }
            // What is ready waits no longer than for the frame that was to come.
            self.submit_again();
            std::thread::sleep(Duration::from_nanos(left.min(LOOK_UP)));
            self.look()?;
        }
    }

    /// A slot for the next frame; none if the frame is to be dropped instead.
    fn take_slot(&mut self) -> Result<Option<Draft>, Halt> {
        loop {
            if let Some(draft) = self.slots.take() {
                return Ok(Some(draft));
            }
            // What has slots and is not submitted yet keeps them from being free.
            self.submit_batch();
            match self.plan.policy {
                Policy::DropNewest => return Ok(None),
                Policy::DropOldest => return Ok(self.drop_oldest()),
                Policy::Block => {}
            }
            if self.plan.stop.load(Ordering::Relaxed) {
                return Err(self.stopped());
            }
            self.submit_again();
            let timeout = Duration::from_nanos(LOOK_UP);
            if let Some(draft) = self.slots.take_timeout(timeout) {
                return Ok(Some(draft));
            }
            self.look()?;
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
    fn filled(&mut self, frame: InSlot) {
        if self.batch.is_empty() {
            self.look_back = self.before.take();
        }
        if self.plan.analysis.looks_back() {
            self.before = Some(frame.lease.clone());
        }
        self.batch.push(frame);
    }

    /// The next frame cannot be had.
    fn fail(&mut self, why: &str) {
        self.break_off();
        self.ends.fail(self.next, why);
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
        let again = self.ends.take_again();
        again.into_iter().for_each(|order| self.submit(order));
    }

    fn submit(&mut self, order: Order) {
        self.ends.expect_one();
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

    /// What was still to come when somebody asked to stop, in a sentence; none if it could have gone
    /// on for ever.
    fn cut_off(&self) -> Option<String> {
        let done = self.next - self.plan.frames.start;
        let of = match self.plan.known_frames() {
            Some(all) => format!("of {all} frames"),
            None => "frames, before its end".into(),
        };
        let is_cut_off = self.was_stopped && !self.plan.is_endless();
        is_cut_off.then(|| format!("it was stopped after {done} {of}"))
    }

    /// Gives up what it holds, of which a slot or two are.
    fn over(self) -> (Arc<Ends>, Option<Timestamps>) {
        (self.ends, self.timestamps)
    }

    /// Waits until all that was submitted has ended; not for ever, if the run was stopped.
    fn settle(&mut self) -> Result<()> {
        let mut stopped_at = None;
        loop {
            self.submit_again();
            let is_over = self.ends.wait(Duration::from_nanos(LOOK_UP));
            self.look()?;
            if is_over {
                return Ok(());
            }
            if !self.plan.stop.load(Ordering::Relaxed) {
                continue;
            }
            if !self.plan.ends_when_told() {
                return Err(Error::Interrupted);
            }
            if now() > *stopped_at.get_or_insert_with(now) + GRACE {
                self.ends.give_up();
                self.workers.pool.kill();
            }
        }
    }
}
