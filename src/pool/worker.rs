//! The worker's side: a hidden entry that turns this executable into a worker.
//!
//! The parent starts `EXE __framehaul_worker SOCKET BOARD CELL`. The worker connects to SOCKET,
//! says where jobs are to be sent, is told its setup, and then receives, runs and answers until
//! its job channel closes. It needs no care about its parent's death: the channel closes then, and
//! the kernel kills a worker that is busy.

use super::Job;
use super::protocol::{Done, Envelope, FromWorker, Stamps};
use crate::clock::{Nanos, now};
use crate::measure::Usage;
use crate::sys::board::Board;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcSender};
use std::cell::RefCell;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// The first argument of a worker's command line.
const ENTRY: &str = "__framehaul_worker";

/// The command line of a worker for [`enter`].
pub(super) fn args(socket: &str, board: &Board, cell: usize) -> [OsString; 4] {
    [
        ENTRY.into(),
        socket.into(),
        board.fd_number().to_string().into(),
        cell.to_string().into(),
    ]
}

/// To be called first thing in `main` by a program that uses [`super::Processes`] with jobs of
/// type `J`. In a worker it serves jobs and then ends the process; otherwise it returns at once.
pub fn enter<J: Job>() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(ENTRY) {
        return;
    }
    let parsed = (|| {
        let socket = args.next()?;
        let board = args.next()?.parse().ok()?;
        let cell = args.next()?.parse().ok()?;
        Some((socket, board, cell))
    })();
    let Some((socket, board, cell)) = parsed else {
        eprintln!("this is the entry of a worker process; it is not for use by hand");
        std::process::exit(2);
    };
    // An error here means that the parent is gone, or is about to see our end: nobody to tell.
    let code = match serve::<J>(socket, board, cell) {
        Ok(()) => 0,
        Err(_) => 1,
    };
    std::process::exit(code);
}

fn serve<J: Job>(socket: String, board: i32, cell: usize) -> Result<(), ServeError> {
    let board = Board::inherited(board)?;
    let context = Context {
        progress: Some(board.cell(cell)),
        id: 0,
    };
    let results = IpcSender::<FromWorker<J>>::connect(socket)?;
    let (setup_sender, setups) = ipc::channel()?;
    let (job_sender, jobs) = ipc::channel::<Envelope<J>>()?;
    let (bulk_sender, bulks) = ipc::bytes_channel()?;
    results.send(FromWorker::Hello {
        setup: setup_sender,
        jobs: job_sender,
        bulk: bulk_sender,
    })?;
    let setup = setups.recv()?;
    let mut state = match J::init(&setup) {
        Ok(state) => state,
        Err(why) => {
            results.send(FromWorker::Refused(why))?;
            return Ok(());
        }
    };
    catch_panics_quietly();
    results.send(FromWorker::Ready(Usage::of_self()))?;
    let mut free = now();
    while let Ok(envelope) = jobs.recv() {
        let received = receive_bulk(&bulks, &envelope)?;
        let (bulk, received) = received.unwrap_or((Vec::new(), envelope.end.read));
        let context = Context {
            id: envelope.id,
            ..context
        };
        let run_begin = now();
        let output = catch_unwind(AssertUnwindSafe(|| {
            envelope.job.run(&mut state, &bulk, &context)
        }));
        let run_end = now();
        context.idle();
        let output = output.map_err(|_| last_panic());
        if output.is_err() {
            // The panic may have left the state half-changed.
            state = J::init(&setup).map_err(ServeError::Init)?;
        }
        results.send(FromWorker::Done(Done {
            id: envelope.id,
            output,
            stamps: Stamps {
                pack_begin: envelope.pack_begin,
                packed: envelope.packed,
                serialize_begin: envelope.begin.written,
                serialized: envelope.end.written,
                free,
                deserialize_begin: envelope.begin.read,
                deserialized: envelope.end.read,
                received,
                run_begin,
                run_end,
            },
            usage: Usage::of_self(),
        }))?;
        drop(bulk);
        free = now();
    }
    Ok(())
}

fn receive_bulk<J>(
    bulks: &IpcBytesReceiver,
    envelope: &Envelope<J>,
) -> Result<Option<(Vec<u8>, Nanos)>, ServeError> {
    if !envelope.bulk {
        return Ok(None);
    }
    let bytes = bulks.recv()?;
    Ok(Some((bytes, now())))
}

/// What a job may use of its surroundings while it runs.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    progress: Option<&'a AtomicU64>,
    id: super::JobId,
}

/// A step in the low bits of a board cell, a job's number above it; the cell of an idle worker is
/// 0, so that a step is stored with one added.
const STEP_BITS: u32 = 24;

impl Context<'_> {
    /// A context for a job that runs inside this process.
    pub(super) const fn in_process() -> Self {
        Self {
            progress: None,
            id: 0,
        }
    }

    /// Says which step of the job (a frame of a batch, say) is being computed from now on. If the
    /// worker dies, the death counts against that step alone. Costs one store.
    pub fn step(&self, step: u32) {
        if let Some(progress) = self.progress {
            // Relaxed: the parent reads it after it has reaped the process.
            progress.store(
                self.id << STEP_BITS | u64::from(step + 1),
                Ordering::Relaxed,
            );
        }
    }

    fn idle(&self) {
        if let Some(progress) = self.progress {
            progress.store(0, Ordering::Relaxed);
        }
    }
}

/// What a cell of the board said when its worker died; leaves it idle for the next worker.
pub(super) fn take_progress(cell: &AtomicU64) -> Option<(super::JobId, u32)> {
    let said = cell.swap(0, Ordering::Relaxed);
    let step = said & ((1 << STEP_BITS) - 1);
    (said != 0).then(|| (said >> STEP_BITS, step as u32 - 1))
}

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the message of a panic for [`last_panic`] instead of printing it: it goes back to the
/// parent as the job's outcome.
fn catch_panics_quietly() {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("no message");
        let place = info
            .location()
            .map_or(String::new(), |at| format!(" ({at})"));
        LAST_PANIC.with_borrow_mut(|last| *last = format!("{message}{place}"));
    }));
}

fn last_panic() -> String {
    LAST_PANIC.take()
}

/// Why a worker ends early; for the reader of a backtrace, the parent sees only that it ended.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Ipc(#[from] ipc_channel::IpcError),
    #[error("{0}")]
    Init(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_tells_job_and_step_once() {
        let cell = AtomicU64::new(0);
        let context = Context {
            progress: Some(&cell),
            id: 9,
        };
        assert_eq!(take_progress(&cell), None);
        context.step(0);
        assert_eq!(take_progress(&cell), Some((9, 0)));
        assert_eq!(take_progress(&cell), None);
        context.step(41);
        context.idle();
        assert_eq!(take_progress(&cell), None);
    }
}
