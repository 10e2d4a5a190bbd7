//! What is checked before any work, for whoever asks for it.

use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use crate::measure::available_memory;
use crate::pool::{Builder, Job, Pool, available_workers};
use crate::source::Source;
use crate::sys::signal;
use crate::transport::{self, Family, Placement, Transport};

/// More workers than this are a slip of the finger.
const MOST_WORKERS: usize = 1024;

/// A job of less than this is hardly worth its round trip.
const WORTH_A_TRIP: u64 = 4 << 20;

/// The look-back overlap is at most a tenth of what is shipped: one frame beside nine.
pub(super) const FRAMES_A_LOOK_BACK: u64 = 9;

/// The workers that a mode has, of those asked for.
pub(super) fn workers(asked: Option<usize>, placement: Placement) -> Result<usize> {
    match (asked, placement) {
        (Some(0), _) => Err(Error::Usage(
            "--workers 0: at least one worker is needed".into(),
        )),
        (Some(workers), _) if workers > MOST_WORKERS => Err(Error::Usage(format!(
            "--workers: at most {MOST_WORKERS} are possible"
        ))),
        (_, Placement::Inline) => Ok(1),
        (asked, Placement::Processes | Placement::Threads) => {
            Ok(asked.unwrap_or_else(available_workers))
        }
    }
}

/// Whether a mode can carry the frames of a source.
pub(super) fn fits(mode: &dyn Transport, source: &Source) -> bool {
    match source {
        Source::Set(set) => mode.fits(set),
        Source::Live(_) => mode.uses_slots(),
    }
}

/// The mode of that name, if it fits the source.
pub(super) fn mode(name: &str, source: &Source) -> Result<&'static dyn Transport> {
    let mode = transport::by_name(name)?;
    if fits(mode, source) {
        return Ok(mode);
    }
    let fitting = transport::registry().iter();
    let fitting = fitting.filter(|mode| fits(**mode, source));
    let fitting: Vec<_> = fitting.map(|mode| mode.name()).collect();
    let why = match source {
        Source::Set(set) => set.why_not_mappable(),
        Source::Live(_) => Some("its frames are in no file that a worker could read"),
    };
    Err(Error::Usage(format!(
        "mode {name} does not fit {}: {}; the modes that fit are {}",
        source.input(),
        why.unwrap_or("its frames cannot be mapped"),
        fitting.join(", ")
    )))
}

/// Frames a job, so many that a job of small frames is worth its round trip, and so few that every
/// worker gets several of `frames`.
pub(super) fn small_batch(format: FrameFormat, frames: u64, workers: usize) -> u64 {
    let worth = WORTH_A_TRIP.div_ceil(format.bytes() as u64);
    let fair = frames.div_ceil(4 * workers as u64).max(1);
    worth.min(fair)
}

/// About what a process takes that has no frame, of memory that cannot be taken back.
const BARE_PROCESS: u64 = 3_000_000;

/// The batch, or less of it: one that was not asked for shrinks to what fits in half of the memory;
/// what does not fit at all is refused here, not by the kernel later. `need` is what a mode needs
/// with a batch, over all of so many workers; the source itself takes `source` bytes.
pub(super) fn fit_memory(
    mode: &dyn Transport,
    workers: usize,
    source: u64,
    mut batch: u64,
    is_given: bool,
    need: impl Fn(u64) -> u64,
) -> Result<u64> {
    let available = available_memory();
    while !is_given && batch > 1 && need(batch) > available / 2 {
        batch = batch.div_ceil(2);
    }
    let need = need(batch);
    let processes = match mode.placement() {
        Placement::Processes => workers as u64 + 1,
        Placement::Threads | Placement::Inline => 1,
    };
    let beside = processes * BARE_PROCESS + source;
    // A mode that needs nothing for its frames is not refused for a guess.
    if need > 0 && need.saturating_add(beside) > available {
        return Err(Error::Failed(format!(
            "mode {} needs {} MB for the frames under way and some {} MB beside them, {} MB of \
             memory are available{}",
            mode.name(),
            need / 1_000_000,
            beside / 1_000_000,
            available / 1_000_000,
            match mode.family() {
                // What is beside them is the same for any number.
                _ if beside > available => "",
                _ if mode.uses_slots() => {
                    ": try fewer --workers, a smaller --batch or fewer --slots"
                }
                Family::ShipPixels => {
                    ": try fewer --workers, a smaller --batch or a mode that ships a reference"
                }
                Family::ShipReference | Family::InProcess => {
                    ": try fewer --workers, a smaller --batch or, for raw frames, mode mmap"
                }
            }
        )));
    }
    Ok(batch)
}

/// A pool of so many workers where the mode has them.
pub(super) fn pool<J: Job>(placement: Placement, workers: usize) -> Builder<J> {
    match placement {
        Placement::Processes => Pool::processes(workers),
        Placement::Threads => Pool::threads(workers),
        Placement::Inline => Pool::inline(),
    }
}

/// What ends this process if a file that it has mapped shrinks. To be called before the first page
/// of a map is touched.
pub(super) fn say_if_it_shrinks(input: &str) {
    signal::on_sigbus_say(&format!(
        "framehaul: {input}: the file shrank while it was being read; the run is lost (a mode with \
         worker processes would have lost the missing frames alone)"
    ));
}
