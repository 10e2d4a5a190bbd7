//! When what happened to each frame, and where, as a file for timeline viewers.
//!
//! It is in the Trace Event Format (JSON), which <https://ui.perfetto.dev> and `chrome://tracing`
//! open. Each process is a group of tracks: this one, and each worker under its process id. A stage
//! in which somebody works on a frame is a slice on the track of whoever does: reading pixels and
//! writing messages here, one track for each worker that is sent to; receiving and analysing in the
//! worker. Stages in which a frame waits overlap those of others: they are asynchronous slices
//! within one that stands for the whole way of the frame, from its due time to its finding's
//! arrival. Arrows lead along that way: from where a frame is sent to where it is analysed, and to
//! where its finding is recorded.
//!
//! | on | slices |
//! |---|---|
//! | `MODE: source` | `load`: the frame is written into its slot |
//! | `MODE: to worker N` | `load`: pixels are read for the message; `serialize` |
//! | `worker N (MODE)`, a process, or `MODE: worker N` where it is a thread | `transfer` (from when the worker was free to receive it), `deserialize`, `load`, `compute` |
//! | `MODE: findings` | `record`: what has come is counted and written down; no stage |
//! | `frame`, asynchronous | the way of a frame (`end_to_end`), in it each wait: `queue`, `return` |
//!
//! What a job costs as a whole (see [`crate::stage`]) is one slice, which names its first frame and
//! how many there are. Counters show the backlog and the memory, some times a second.
//!
//! Events are written as outcomes come, so that memory does not grow with the run; a file that was
//! cut off can be opened all the same. A pipe that nobody has read for some seconds is given up: the
//! run goes on, and says at its end that the trace is not whole. Nothing is written of passes that warm
//! up.
//!
//! ```no_run
//! use framehaul::analysis::Analysis;
//! use framehaul::pipeline::{Request, Trace, run_alternately};
//! use framehaul::source::FrameSet;
//!
//! let set = FrameSet::open("data/clip.y4m")?;
//! let mut plans = Request::new(set, Analysis::parse("luma")?).plans()?;
//! let trace = Trace::create("trace.json")?;
//! plans.iter_mut().for_each(|plan| plan.trace_to(&trace));
//! run_alternately(plans, &mut ())?;
//! trace.finish()?;
//! # Ok::<(), framehaul::Error>(())
//! ```

mod events;
mod lanes;
mod outlet;
mod tracer;

pub(super) use tracer::Tracer;

use self::events::{Events, Track};
use self::outlet::Outlet;

use super::gauge::Around;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file that says when what happened to each frame of one run or several; `run --trace` writes
/// it. It is for timeline viewers: <https://ui.perfetto.dev> and `chrome://tracing` open it.
///
/// Each process is a group of tracks, each stage of a frame is a slice, arrows lead along the
/// frame's way. It is written as the run goes on, so that it takes no memory; dropped unfinished, it
/// ends with what has been.
#[derive(Clone, Debug)]
pub struct Trace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    events: Events,
    /// The tracks that have a name.
    tracks: HashMap<Place, Track>,
    /// Flows so far.
    flows: u64,
}

/// Where something is done, in a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// Where frames are written into slots.
    Source(&'static str),
    /// Where a worker is sent to.
    To(&'static str, u32),
    /// A worker, in a process.
    Worker(&'static str, u32, u32),
    /// Where findings are recorded.
    Findings(&'static str),
}

impl Trace {
    /// Creates the file, or empties it if it is there. It may be a pipe; a named one waits for whoever
    /// reads it.
    ///
    /// # Errors
    /// If that cannot be.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::create_unless(&Arc::default(), path)
    }

    /// The same until `stop` is set. From then on, a pipe that nobody reads is soon given up.
    ///
    /// # Errors
    /// As [`Self::create`], and [`Error::Interrupted`] if it was called off.
    pub fn create_unless(stop: &Arc<AtomicBool>, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let state = State {
            events: Events::new(Outlet::open(&path, stop)?),
            path,
            tracks: HashMap::new(),
            flows: 0,
        };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// What a pass writes to it.
    pub(super) fn of_pass(self, around: &Arc<Around>) -> Tracer {
        Tracer::new(self, around.clone())
    }

    /// Ends it, when all runs that write to it have ended.
    ///
    /// # Errors
    /// If something of it could not be written, now or before: a run is not ended for that.
    pub fn finish(self) -> Result<()> {
        let mut state = self.lock();
        let finished = state.events.finish();
        finished.map_err(Error::io(&state.path, "cannot write the trace"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The track of that place, which gets its name when it is first used.
    fn track(&mut self, place: Place) -> Track {
        if let Some(track) = self.tracks.get(&place) {
            return *track;
        }
        let own = std::process::id();
        if self.tracks.is_empty() {
            self.events.name_process(own, "framehaul", 0);
        }
        // Threads have numbers of our own making, which no process of the machine can have: viewers
        // that tell threads apart by number alone tell all of them apart.
        let tid = MOST_PIDS + 1 + self.tracks.len() as u32;
        let (track, name) = match place {
            Place::Source(mode) => (Track { pid: own, tid }, format!("{mode}: source")),
            Place::To(mode, worker) => {
                let name = format!("{mode}: to worker {worker}");
                (Track { pid: own, tid }, name)
            }
            Place::Findings(mode) => (Track { pid: own, tid }, format!("{mode}: findings")),
            Place::Worker(mode, worker, pid) if pid == own => {
                let name = format!("{mode}: worker {worker}");
                (Track { pid, tid }, name)
            }
            Place::Worker(mode, worker, pid) => {
                let name = format!("worker {worker} ({mode})");
                self.events.name_process(pid, &name, 1 + worker);
                // Its main thread.
                (Track { pid, tid: pid }, name)
            }
        };
        self.events.name_track(track, &name);
        self.tracks.insert(place, track);
        track
    }

    /// A number for the next flow.
    fn next_flow(&mut self) -> u64 {
        self.flows += 1;
        self.flows
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.events.finish();
    }
}

/// The most that Linux counts processes to.
const MOST_PIDS: u32 = 1 << 22;
