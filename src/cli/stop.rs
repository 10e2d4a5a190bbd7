//! Ctrl-C and its like.

use super::complain::complain;
use crate::error::Error;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A flag that Ctrl-C, a polite kill or the terminal's end sets, so that what is unfinished is removed; the
/// second one ends the program at once.
pub(super) fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let hang_up = (!ignores_hang_up(&status)).then_some(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hang_up) {
        register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Whether somebody (`nohup`) wants it to go on without its terminal, by what the kernel says of a process.
fn ignores_hang_up(status: &str) -> bool {
    let mut lines = status.lines();
    let ignored = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}

/// Ends this process some time after it was asked to stop, where work has steps that hear of it only when
/// they are over, as a message of a hundred megabytes or a frame of a minute is. Before, `last_words` does what
/// is to be done, and says whether that work is still under way. Workers end with this process.
pub(super) fn end_if_unheard(
    stop: &Arc<AtomicBool>,
    last_words: impl FnOnce() -> bool + Send + 'static,
) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let stop = Arc::clone(stop);
    let watch = move || {
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(PATIENCE);
        if last_words() {
            complain(Error::Interrupted);
            std::process::exit(130);
        }
    };
    // Without this thread, a second Ctrl-C does the same.
    let _ = std::thread::Builder::new().name("stop".into()).spawn(watch);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_started_by_nohup_goes_on_without_its_terminal() {
        let of = |mask| ignores_hang_up(&format!("SigBlk:\t0000000000000001\nSigIgn:\t{mask}\n"));
        assert_eq!(
            ["0000000000001001", "0000000000001000", ""].map(of),
            [true, false, false]
        );
    }
}
