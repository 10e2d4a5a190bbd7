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
//!     println!("{:?} GB/s", Limits::measure(2)?.read_gb_per_s);
//!     Ok(())
//! }
//! ```
//!
//! Where that cannot be, [`Limits::measure_here`] measures in the calling process.

mod bandwidth;
mod kernel;
mod kernels;
mod wakeup;

pub use self::kernel::KernelCosts;
#[cfg(feature = "cli")]
pub(crate) use self::kernels::READS;
use super::oom_kills;
use crate::error::{Error, Result};
use crate::sys::process::Exit;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

/// What this machine can do, measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limits {
    /// Bytes copied a second (read once, written once, counted once), in 1e9; none where there is no
    /// memory for buffers well above the processor's last cache.
    pub memcpy_gb_per_s: Option<f64>,
    /// Bytes read a second, in 1e9; none likewise.
    pub read_gb_per_s: Option<f64>,
    /// Median round trip of a blocking wake-up between two threads, through the kernel's futex:
    /// the least that a message and its answer can take between two who sleep.
    pub wakeup_us: f64,
    /// What the kernel takes for copies and for fresh memory; none where it was not measured.
    #[serde(default)]
    pub kernel: Option<KernelCosts>,
}

/// The first argument that turns this executable into the helper.
const ENTRY: &str = "__limits";

/// Set in the helper, so that a program without [`Limits::serve_helper`] does not start itself
/// again and again.
const MARK: &str = "FRAMEHAUL_LIMITS_HELPER";

/// What the helper says first: a program without [`Limits::serve_helper`] does not.
const HELLO: &[u8] = b"framehaul limits\n";

impl Limits {
    /// Measures with `threads` threads at once, in a helper process (this executable, started
    /// again through a hidden entry) that is gone when this returns; about a second.
    ///
    /// # Errors
    /// [`Error::Failed`] if the helper does not start or dies, or if this program's `main` does not
    /// begin with [`Limits::serve_helper`].
    pub fn measure(threads: usize) -> Result<Self> {
        if std::env::var_os(MARK).is_some() {
            return Err(no_entry());
        }
        let failed = |error| not_measured(&format!("the helper process does not start: {error}"));
        let kills_before = oom_kills();
        let mut helper = ask_helper(threads).map_err(failed)?;
        while missed_its_group(&helper) {
            helper = ask_helper(threads).map_err(failed)?;
        }
        understand(&helper, || oom_kills() > kills_before)
    }

    /// Measures in this process; its buffers, up to 3/4 GiB (or four times the processor's last
    /// cache), are given back before it returns, but they count in this process's peak.
    ///
    /// # Errors
    /// [`Error::Failed`] if so many threads cannot be started.
    pub fn measure_here(threads: usize) -> Result<Self> {
        let bandwidth = bandwidth::measure(threads.max(1)).map_err(no_thread)?;
        let wakeup = wakeup::measure().map_err(no_thread)?;
        Ok(Self {
            memcpy_gb_per_s: bandwidth.as_ref().map(|found| found.copy_gb_per_s),
            read_gb_per_s: bandwidth.as_ref().map(|found| found.read_gb_per_s),
            wakeup_us: wakeup.round_trip_us,
            kernel: kernel::measure(threads.max(1), wakeup.switch_us).map_err(no_thread)?,
        })
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
        std::process::exit(i32::from(serve(threads).is_err()));
    }
}

/// Starts the helper, and waits for what it says and how it ends.
fn ask_helper(threads: usize) -> io::Result<Output> {
    let mut child = Command::new("/proc/self/exe")
        .args([ENTRY, &threads.to_string()])
        .env(MARK, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A Ctrl-C is for this process, which knows what to say then.
        .process_group(0)
        .spawn()?;
    // It must outlive the measuring: its end tells the helper that this process is gone.
    let stdin = child.stdin.take();
    let answer = child.wait_with_output();
    drop(stdin);
    answer
}

/// Whether a Ctrl-C for this process's group ended the helper before it had one of its own.
fn missed_its_group(helper: &Output) -> bool {
    let exit = Exit::from(helper.status);
    let told = [Exit::Signal(libc::SIGINT), Exit::Signal(libc::SIGTERM)].contains(&exit);
    told && helper.stdout.is_empty()
}

/// Measures as the helper: says hello, then what was measured or why it was not.
fn serve(threads: usize) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(HELLO)?;
    let until_parent_ends = || {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(1);
    };
    let watch = std::thread::Builder::new().spawn(until_parent_ends);
    let measured = watch.map_err(no_thread);
    let measured = measured.and_then(|_| Limits::measure_here(threads));
    let answer: Answer = measured.map_err(|error| error.to_string());
    out.write_all(&serde_json::to_vec(&answer)?)?;
    out.flush()
}

/// What was measured, or the sentence that says why it was not.
type Answer = Result<Limits, String>;

/// What the helper has said, or how it ended without saying anything.
fn understand(helper: &Output, out_of_memory: impl FnOnce() -> bool) -> Result<Limits> {
    let exit = Exit::from(helper.status);
    let said = helper.stdout.strip_prefix(HELLO);
    match said.map(serde_json::from_slice::<Answer>) {
        Some(Ok(answer)) => answer.map_err(Error::Failed),
        _ if exit == Exit::Signal(libc::SIGKILL) && out_of_memory() => Err(not_measured(&format!(
            "the helper process was {exit}, out of memory; allow this program more of it"
        ))),
        None if matches!(exit, Exit::Code(_)) => Err(no_entry()),
        _ => Err(not_measured(&format!(
            "the helper process ended in the middle of it ({exit}); run this program again"
        ))),
    }
}

fn not_measured(why: &str) -> Error {
    Error::Failed(format!("the machine's limits cannot be measured: {why}"))
}

fn no_entry() -> Error {
    not_measured("this program's main must begin with framehaul::measure::Limits::serve_helper()")
}

fn no_thread(error: io::Error) -> Error {
    not_measured(&format!(
        "a thread cannot be started: {error}; ask for fewer workers, or allow this program more \
         threads and memory"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    #[test]
    fn what_is_measured_is_a_positive_number() {
        let limits = Limits::measure_here(2).unwrap();
        let bandwidth = [limits.memcpy_gb_per_s, limits.read_gb_per_s];
        let measured = bandwidth.into_iter().flatten().chain([limits.wakeup_us]);
        for figure in measured {
            assert!(figure.is_finite() && figure > 0.0, "{limits:?}");
        }
    }

    /// The test program's `main` is not ours, so the helper's answer is not either.
    #[test]
    fn a_program_without_the_entry_is_told_what_to_add() {
        let said = Limits::measure(1).unwrap_err().to_string();
        assert!(said.contains("serve_helper"), "{said}");
    }

    #[test]
    fn how_the_helper_ended_is_said_as_it_was() {
        let code = |code: i32| ExitStatus::from_raw(code << 8);
        let signal = ExitStatus::from_raw;
        let hello = String::from_utf8_lossy(HELLO);
        let refused = format!(r#"{hello}{{"Err":"no thread"}}"#);
        for (said, status, out_of_memory, expected) in [
            (
                &*hello,
                signal(libc::SIGKILL),
                true,
                "killed by SIGKILL, out of memory",
            ),
            (
                "",
                signal(libc::SIGKILL),
                true,
                "killed by SIGKILL, out of memory",
            ),
            (&hello, signal(libc::SIGKILL), false, "(killed by SIGKILL)"),
            ("", signal(libc::SIGABRT), true, "(killed by SIGABRT)"),
            (&hello, code(101), false, "(exited with code 101)"),
            ("usage: …", code(2), false, "serve_helper"),
            (&refused, code(0), false, "no thread"),
        ] {
            let output = Output {
                status,
                stdout: said.into(),
                stderr: Vec::new(),
            };
            let sentence = understand(&output, || out_of_memory)
                .unwrap_err()
                .to_string();
            assert!(sentence.contains(expected), "{sentence}");
        }
    }
}
