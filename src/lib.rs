//! Video-frame analytics across worker processes, without hauling the pixels.
//!
//! **Ship the reference, not the pixels, and prove the difference.** A 4K frame of 16-bit RGB is
//! 49.8 MB; sent to a worker process as an array it is copied three times on the way, sent as a
//! path or a span of a mapped file it is a few bytes. This crate does the work either way, with
//! real processes on real frames, and measures where the time goes.
//!
//! ```no_run
//! use framehaul::analysis::Analysis;
//! use framehaul::pipeline::{FrameJob, Request, run_alternately};
//! use framehaul::source::FrameSet;
//!
//! fn main() -> framehaul::Result<()> {
//!     // This executable is started again as worker, to measure the machine, and to hold values.
//!     framehaul::pool::worker::enter::<FrameJob>();
//!     framehaul::measure::Limits::serve_helper();
//!
//!     let set = FrameSet::open("data/clip.y4m")?;
//!     let request = Request::new(set, Analysis::parse("luma,motion")?);
//!     for outcome in run_alternately(request.plans()?, &mut ())? {
//!         let frames = outcome.totals.frames_analysed;
//!         println!("{}: {frames} frames in {:?}", outcome.workload.mode, outcome.totals.pass_wall_ns);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Architecture
//!
//! Each layer uses only those above it:
//!
//! 0. [`error`], [`clock`], [`stage`], [`frame`], [`statistics`]: the words that everything else
//!    uses.
//! 1. [`sys`]: all that asks the operating system, and all `unsafe`.
//! 2. [`source`] (where frames come from), [`transport`] (how they reach a worker), [`analysis`]
//!    (what is computed), [`measure`] (histograms, memory, limits), [`coordination`] (what workers
//!    share: flags, numbers, the first result), [`handoff`] (small messages between two processes):
//!    one file a kind, one registry each; transports know sources, otherwise siblings do not know
//!    each other.
//! 3. [`pool`]: worker processes that survive, for any job.
//! 4. [`pipeline`]: source → transport → pool → recorder, or a search that ends with what it finds.
//!    Never prints.
//! 5. [`report`]: finished runs to JSON, interval logs, pages, other programs' formats and a terminal;
//!    runs of ranges merged into one. Never measures.
//! 6. [`mod@bench`]: what a part of it costs by itself, beside its floor; [`advise`]: which way to do
//!    a given work is worth it; [`lab`]: what two lectures claim of processes, tried here. None
//!    prints.
//! 7. [`cli`]: arguments in, exit code out.
//!
//! # Decisions worth knowing
//!
//! * **A payload is out-of-band bytes.** The pool lets any job carry bytes past the serialiser
//!   ([`pool::Pack`]); `payload-raw` is that and nothing else, as pickle's protocol 5 does it.
//! * **Orders, not jobs, are kept.** What is submitted is small and can be packed again for another
//!   worker; pixels are loaded in the thread that sends them, so a retry holds no second copy.
//! * **Findings cross as text.** A worker renders its line of `findings.jsonl`, the parent puts
//!   lines in order: identical bytes whatever the mode, and no type for each analyzer in between.
//!   Those that are pixels are written by the worker where the parent reads them, and the line has
//!   their digest.
//! * **Progress lies in shared memory.** Which frame a worker was computing is one store for it and
//!   can be read after its death, which is what decides whose death it was.
//! * **Look-back is a frame shipped, not a worker remembered.** A job carries the frame before its
//!   first, so that any worker can do any job; a batch keeps the overlap below a tenth.
//! * **A lease is a value.** Who may read a slot of shared memory is not written in it: the producer's
//!   process has a [`handoff::Lease`] for whoever answers for the frame, and the slot is free when
//!   the last is dropped. A job that is under way holds one, and the pool ends or repeats jobs by
//!   what the kernel says of workers; so no timeout decides whether a slot is still used, and none
//!   can be lost. What lies in the memory itself is a generation, to prove it.
//! * **Small messages take the shortest way.** Orders and answers go through queues in shared memory
//!   ([`handoff::Queue`]), whose ends look for a moment before they sleep; a worker's death releases
//!   whoever waits there. ipc-channel is how parent and worker meet, and what payloads are measured
//!   with.
//! * **One supervisor for processes, threads and neither.** What is queued, retried, recalled, late
//!   or given up is decided in one state machine; kinds of workers differ in how a parcel is sent.
//!
//! Deliberately absent: a frame format of our own (frames are `.npy`, `.y4m` and pictures,
//! histograms are HdrHistogram's, findings are JSON lines), and any configuration file.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "framehaul runs on Linux only: its workers are supervised through pidfds, parent-death \
     signals and memfds"
);
#[cfg(not(target_endian = "little"))]
compile_error!("framehaul runs on little-endian machines only: frames are mapped as they are");

pub mod clock;
pub mod error;
#[cfg(feature = "video")]
pub mod frame;
#[cfg(feature = "video")]
pub mod stage;

pub mod sys;

#[cfg(feature = "video")]
pub mod analysis;
#[cfg(feature = "pool")]
pub mod coordination;
#[cfg(feature = "pool")]
pub mod handoff;
#[cfg(feature = "pool")]
pub mod measure;
#[cfg(feature = "video")]
pub mod source;
#[cfg(feature = "video")]
pub mod transport;

#[cfg(feature = "pool")]
pub mod pool;
#[cfg(feature = "video")]
pub mod statistics;

#[cfg(feature = "video")]
pub mod pipeline;

#[cfg(feature = "video")]
pub mod report;

#[cfg(feature = "video")]
pub mod advise;
#[cfg(feature = "cli")]
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod lab;

pub use error::{Error, Result};
