//! The machine's own limits, measured, so that a result can be read beside them.
//!
//! [`Limits::measure`] takes its buffers in a process of its own, which is gone when it returns:
//! what it touched is in nobody's peak, and its processor time in nobody's usage. That process is
//! this executable, started again, so its `main` must begin with [`Limits::serve_helper`]:
//!
//! ```no_run
//! use framehaul::measure::Limits;
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     Limits::serve_helper(); // does not return in the helper
//!     println!("{} GB/s", Limits::measure(2)?.read_gb_per_s);
//!     Ok(())
//! }
//! ```
//!
//! Where that cannot be, [`Limits::measure_here`] measures in the calling process.

mod bandwidth;
mod kernels;
mod wakeup;

#[cfg(feature = "cli")]
pub(crate) use self::kernels::READS;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::process::{Command, Stdio};

/// What this machine can do, measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes copied a second (read once, written once, counted once), in 1e9.
    pub memcpy_gb_per_s: f64,
    /// Bytes read a second, in 1e9.
    pub read_gb_per_s: f64,
    /// Median round trip of a blocking wake-up between two threads, through the kernel's futex:
    /// the least that a message and its answer can take between two who sleep.
    pub wakeup_us: f64,
}

/// The first argument that turns this executable into the helper.
const ENTRY: &str = "__limits";

/// Set in the helper, so that a program without [`Limits::serve_helper`] does not start itself
/// again and again.
const MARK: &str = "FRAMEHAUL_LIMITS_HELPER";

impl Limits {
    /// Measures with `threads` threads at once, in a helper process (this executable, started
    /// again through a hidden entry) that is gone when this returns; about a second.
    ///
    /// The program's `main` must begin with [`Limits::serve_helper`]; otherwise this is an
    /// [`Error::Failed`] that says so.
    pub fn measure(threads: usize) -> Result<Self> {
        let no_entry = || {
            Error::Failed(
                "the machine's limits cannot be measured: this program's main must begin with \
                 framehaul::measure::Limits::serve_helper()"
                    .into(),
            )
        };
        if std::env::var_os(MARK).is_some() {
            return Err(no_entry());
        }
        let failed = |error| {
            Error::Failed(format!(
                "the machine's limits cannot be measured: the helper process does not start: {error}"
            ))
        };
        let child = Command::new("/proc/self/exe")
            .args([ENTRY, &threads.to_string()])
            .env(MARK, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        // `stdin` must outlive the measuring: its end tells the helper that this process is gone.
        let mut child = child;
        let stdin = child.stdin.take();
        let answer = child.wait_with_output().map_err(failed)?;
        drop(stdin);
        serde_json::from_slice(&answer.stdout).map_err(|_| no_entry())
    }

    /// Measures in this process; its buffers, up to 3/4 GiB, are given back before it returns, but
    /// they count in this process's peak.
    pub fn measure_here(threads: usize) -> Self {
        let bandwidth = bandwidth::measure(threads.max(1));
        Self {
            memcpy_gb_per_s: bandwidth.copy_gb_per_s,
            read_gb_per_s: bandwidth.read_gb_per_s,
            wakeup_us: wakeup::median_round_trip_us(),
        }
    }

    /// In the helper process: measures, prints, and ends the process. Anywhere else: nothing.
    ///
    /// The helper ends when its parent does, which it learns from the end of its standard input.
    pub fn serve_helper() {
        let mut args = std::env::args_os().skip(1);
        if std::env::var_os(MARK).is_none() || args.next().is_none_or(|first| first != ENTRY) {
            return;
        }
        let threads = args.next().and_then(|n| n.to_str()?.parse().ok());
        let Some(threads) = threads else {
            std::process::exit(2);
        };
        std::thread::spawn(|| {
            let _ = std::io::stdin().read(&mut [0]);
            std::process::exit(1);
        });
        let limits = Self::measure_here(threads);
        let json = serde_json::to_string(&limits).unwrap_or_default();
        let written = std::io::Write::write_all(&mut std::io::stdout(), json.as_bytes());
        std::process::exit(i32::from(written.is_err()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_a_positive_number() {
        let limits = Limits::measure_here(2);
        for figure in [
            limits.memcpy_gb_per_s,
            limits.read_gb_per_s,
            limits.wakeup_us,
        ] {
            assert!(figure.is_finite() && figure > 0.0, "{limits:?}");
        }
    }

    /// The test program's `main` is not ours, so the helper's answer is not either.
    #[test]
    fn a_program_without_the_entry_is_told_what_to_add() {
        let said = Limits::measure(1).unwrap_err().to_string();
        assert!(said.contains("serve_helper"), "{said}");
    }
}
