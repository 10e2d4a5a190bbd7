//! A submitted job, from its caller's side.

use super::outcome::{Completion, JobError, Outcome};
use super::{Job, JobId, panics};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A submitted job: a future of its outcome.
///
/// It can be waited for, blocking or under any async runtime, asked, cancelled, or dropped: the job
/// runs all the same, and its outcome is nobody's.
///
/// A handle that is polled by reference keeps existing when it has yielded its outcome. It can still
/// be asked and dropped; whatever wants the outcome once more panics.
#[must_use = "a job's outcome may be an error; drop the handle if nobody cares"]
pub struct Handle<J: Job> {
    id: JobId,
    slot: Arc<Slot<J>>,
    pool: Weak<dyn Host>,
}

/// The pool that a job is in.
pub(super) trait Host: Send + Sync {
    fn cancel(self: Arc<Self>, job: JobId);
    /// Nobody is about to wait for the job: the pool is to look after it.
    fn attend(&self);
    /// Receives answers in this thread until `done`, if nobody else does.
    fn listen(self: Arc<Self>, job: JobId, done: &dyn Fn() -> bool);
}

type Callback<J> = Box<dyn FnOnce(&Completion<J>) + Send>;

/// Where a job's outcome is put, and who waits for it.
pub(super) struct Slot<J: Job> {
    state: Mutex<State<J>>,
    done: Condvar,
}

enum State<J: Job> {
    Pending(Waiting<J>),
    Done(Completion<J>),
    Taken,
}

impl<J: Job> State<J> {
    /// Whether a thread has to be blocked for it, as it is from then on.
    const fn is_to_come(&mut self) -> bool {
        match self {
            Self::Pending(waiting) => {
                waiting.blocked = true;
                true
            }
            Self::Done(_) | Self::Taken => false,
        }
    }
}

/// Whom to tell of a job's end.
struct Waiting<J: Job> {
    /// A thread is blocked until then. Waking nobody would cost a system call as well.
    blocked: bool,
    callbacks: Vec<Callback<J>>,
    waker: Option<Waker>,
    /// Collections that the handle is in, and its key there.
    collections: Vec<(Sender<u64>, u64)>,
}

impl<J: Job> Default for Waiting<J> {
    fn default() -> Self {
        Self {
            blocked: false,
            callbacks: Vec::new(),
            waker: None,
            collections: Vec::new(),
        }
    }
}

impl<J: Job> Waiting<J> {
    fn wake(self, blocked: &Condvar) {
        if self.blocked {
            blocked.notify_all();
        }
        if let Some(waker) = self.waker {
            panics::contain(|| waker.wake());
        }
        for (tell, key) in self.collections {
            // Fails only when nobody collects any more.
            let _ = tell.send(key);
        }
    }
}

impl<J: Job> Slot<J> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::Pending(Waiting::default())),
            done: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        // Nothing that can panic runs under the lock.
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Runs the callbacks in this thread, then puts the outcome in and wakes who waits.
    pub(super) fn fill(&self, completion: Completion<J>) {
        loop {
            let mut state = self.lock();
            let State::Pending(waiting) = &mut *state else {
                unreachable!("job {} ended twice", completion.id);
            };
            // Others may come while these run, without the lock.
            let callbacks = std::mem::take(&mut waiting.callbacks);
            if callbacks.is_empty() {
                let waiting = std::mem::take(waiting);
                *state = State::Done(completion);
                drop(state);
                return waiting.wake(&self.done);
            }
            drop(state);
            for callback in callbacks {
                panics::contain(|| callback(&completion));
            }
        }
    }
}

impl<J: Job> Handle<J> {
    pub(super) fn new(id: JobId, slot: Arc<Slot<J>>, pool: Weak<dyn Host>) -> Self {
        Self { id, slot, pool }
    }

    /// The job's number, unique in its pool.
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// Waits for the job's end.
    ///
    /// # Errors
    /// Why the job has no output; see [`JobError`].
    pub fn wait(self) -> Outcome<J> {
        self.completion().outcome
    }

    /// Waits for the job's end, and says how it went as well.
    pub fn completion(self) -> Completion<J> {
        if let Some(pool) = self.pool.upgrade() {
            let done = || !matches!(*self.slot.lock(), State::Pending(_));
            if !done() {
                pool.listen(self.id, &done);
            }
        }
        let pending = |state: &mut State<J>| state.is_to_come();
        let state = self.slot.done.wait_while(self.slot.lock(), pending);
        let mut state = state.unwrap_or_else(|poisoned| poisoned.into_inner());
        Self::take(&mut state)
    }

    /// Waits for so long at most.
    ///
    /// # Errors
    /// The handle itself, if the job has not ended by then.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Outcome<J>, Self> {
        // A time too far to be told is for ever.
        let Some(end) = Instant::now().checked_add(timeout) else {
            return Ok(self.wait());
        };
        self.attend();
        let mut state = self.slot.lock();
        loop {
            if !state.is_to_come() {
                return Ok(Self::take(&mut state).outcome);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                return Err(self);
            }
            let woken = self.slot.done.wait_timeout(state, left);
            state = woken.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Whether the job has ended: waiting would return at once.
    pub fn is_done(&self) -> bool {
        self.attend();
        !matches!(*self.slot.lock(), State::Pending(_))
    }

    /// Says that nobody wants the outcome any more. A job that waits ends at once, as
    /// [`JobError::Cancelled`]; one that a worker has but has not begun ends so when its turn
    /// comes; one that runs is asked to stop ([`super::Context::should_stop`]) and ends as it
    /// likes. Does nothing if it has ended.
    pub fn cancel(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.cancel(self.id);
        }
    }

    /// Has `callback` called with the completion when the job ends: in the thread that learns of
    /// it, which serves other jobs too, so let it be short; or here and now if the job has ended
    /// already. Callbacks come before [`wait`](Self::wait) returns.
    pub fn on_done(&self, callback: impl FnOnce(&Completion<J>) + Send + 'static) {
        self.attend();
        let mut state = self.slot.lock();
        if let State::Pending(waiting) = &mut *state {
            waiting.callbacks.push(Box::new(callback));
            return;
        }
        let completion = Self::take(&mut state);
        // As if it ended once more: the callback runs without the lock.
        let mut waiting = Waiting::default();
        waiting.callbacks.push(Box::new(callback));
        *state = State::Pending(waiting);
        drop(state);
        self.slot.fill(completion);
    }

    /// Nobody is about to wait for it, or not in a way that receives.
    fn attend(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.attend();
        }
    }

    fn take(state: &mut State<J>) -> Completion<J> {
        match std::mem::replace(state, State::Taken) {
            State::Done(completion) => completion,
            State::Taken => panic!("the job's outcome was taken before, by polling its handle"),
            State::Pending(_) => unreachable!("it has ended"),
        }
    }
}

impl<J: Job> Future for Handle<J> {
    type Output = Outcome<J>;

    /// # Panics
    /// If it is polled again after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<J>> {
        self.attend();
        let mut state = self.slot.lock();
        if let State::Pending(waiting) = &mut *state {
            waiting.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Self::take(&mut state).outcome)
    }
}

impl<J: Job> Drop for Handle<J> {
    fn drop(&mut self) {
        if matches!(*self.slot.lock(), State::Pending(_)) {
            self.attend();
        }
    }
}

impl<J: Job> std::fmt::Debug for Handle<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.id)
            .field("is_done", &self.is_done())
            .finish()
    }
}

/// Handles, one after the other as their jobs end; see [`as_completed`].
pub struct AsCompleted<J: Job> {
    handles: HashMap<u64, Handle<J>>,
    next_key: u64,
    tell: Sender<u64>,
    told: Receiver<u64>,
}

/// Yields each handle when its job has ended, in the order of their ends; more can be
/// [pushed](AsCompleted::push) meanwhile. The jobs may be of several pools.
pub fn as_completed<J: Job>(handles: impl IntoIterator<Item = Handle<J>>) -> AsCompleted<J> {
    let (tell, told) = channel();
    let mut all = AsCompleted {
        handles: HashMap::new(),
        next_key: 0,
        tell,
        told,
    };
    for handle in handles {
        all.push(handle);
    }
    all
}

impl<J: Job> AsCompleted<J> {
    /// Waits for this job too.
    pub fn push(&mut self, handle: Handle<J>) {
        let key = self.next_key;
        self.next_key += 1;
        handle.attend();
        let mut state = handle.slot.lock();
        match &mut *state {
            State::Pending(waiting) => waiting.collections.push((self.tell.clone(), key)),
            State::Done(_) | State::Taken => {
                // Our own receiver is there.
                let _ = self.tell.send(key);
            }
        }
        drop(state);
        self.handles.insert(key, handle);
    }

    /// How many have not been yielded yet.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether all have been yielded.
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// The next handle whose job has ended; none when `timeout` passes first, or at once if there
    /// are none to wait for.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Handle<J>> {
        if self.is_empty() {
            return None;
        }
        let key = self.told.recv_timeout(timeout).ok()?;
        self.handles.remove(&key)
    }
}

impl<J: Job> Iterator for AsCompleted<J> {
    type Item = Handle<J>;

    fn next(&mut self) -> Option<Handle<J>> {
        if self.is_empty() {
            return None;
        }
        // Our own sender keeps the channel open; every job ends, so each key comes.
        let key = self.told.recv().ok()?;
        self.handles.remove(&key)
    }
}

/// The outcome of a job that a pool would not take.
pub(super) fn refused<J: Job>(id: JobId, why: &str) -> Completion<J> {
    Completion {
        id,
        outcome: Err(JobError::PoolEnded(why.to_owned())),
        trip: super::Trip::default(),
    }
}
