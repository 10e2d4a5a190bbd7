//! The lectures' own Python, for a column beside ours.

use crate::error::{Error, Result};
use crate::sys::process::{Exit, Process, Surroundings, spawn_piped};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What Python measured in the same experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Peer {
    /// Its version.
    pub python: String,
    /// Figures by the same keys, of those that make sense there.
    pub figures: BTreeMap<String, f64>,
    /// What is to be said of them, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Where `lab-peer` is: in FRAMEHAUL_SCRIPTS, or where this program was built.
fn script() -> PathBuf {
    let named = std::env::var_os("FRAMEHAUL_SCRIPTS").filter(|name| !name.is_empty());
    let folder = named.map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/scripts").into(),
        PathBuf::from,
    );
    folder.join("lab-peer")
}

impl Peer {
    /// Its version and what is to be said, in a line.
    pub(super) fn line(&self) -> String {
        let notes = self.notes.iter().map(|note| {
            let end = if note.ends_with('.') { "" } else { "." };
            format!(" {note}{end}")
        });
        format!("Python {}.{}", self.python, notes.collect::<String>())
    }

    /// Whether there is the script that asks Python, so that nobody works for nothing.
    ///
    /// # Errors
    /// [`Error::Input`] if it is not where it is looked for.
    pub fn is_there() -> Result<()> {
        let script = script();
        if script.exists() {
            return Ok(());
        }
        let what = "the lectures' Python is in framehaul's repository; set FRAMEHAUL_SCRIPTS to its \
                    folder scripts";
        Err(Error::input(script, what))
    }

    /// Has Python carry an experiment out; the first time, that installs NumPy into a folder of the
    /// repository. `stop` ends it.
    ///
    /// # Errors
    /// [`Error::Input`] if the script is not where it is looked for; [`Error::Failed`] with Python's
    /// last words; [`Error::Interrupted`].
    pub fn python(experiment: &str, quick: bool, stop: &AtomicBool) -> Result<Self> {
        Self::is_there()?;
        let script = script();
        let mut args = vec![experiment];
        args.extend(quick.then_some("--quick"));
        let cannot = |error| Error::Failed(format!("{} does not start: {error}", script.display()));
        let plain = Surroundings::default();
        let (process, [out, err]) = spawn_piped(&script, args, &plain).map_err(cannot)?;
        let running = Running(process);
        let (out, err) = (reader(out), reader(err));
        let exit = running.ended(stop)?;
        // Whoever it left with its pipes open goes with its group.
        drop(running);
        let (said, complained) = (words(out), words(err));
        let failed = |what: &str| {
            let last = complained
                .trim_end()
                .lines()
                .last()
                .unwrap_or("it said nothing");
            Error::Failed(format!("{} {experiment} {what}: {last}", script.display()))
        };
        if !matches!(exit, Exit::Code(0)) {
            return Err(failed(&exit.to_string()));
        }
        serde_json::from_str(&said)
            .map_err(|error| failed(&format!("printed no figures ({error})")))
    }
}

/// A process that does not outlive this.
struct Running(Process);

impl Running {
    fn ended(&self, stop: &AtomicBool) -> Result<Exit> {
        loop {
            let look = Duration::from_millis(100);
            let ended = self.0.ended(look);
            let cannot = |error| Error::Failed(format!("Python cannot be waited for: {error}"));
            if let Some(exit) = ended.map_err(cannot)? {
                return Ok(exit);
            }
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
        }
    }
}

/// So long it may take to put away its files when it is told to end.
const GRACE: Duration = Duration::from_secs(1);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.ask_to_end();
        let _ = self.0.ended(GRACE);
        self.0.kill();
        // Workers of its own as well.
        self.0.kill_group();
        let _ = self.0.wait();
    }
}

/// Reads it to its end meanwhile, or whoever writes would wait.
fn reader(from: OwnedFd) -> Option<JoinHandle<String>> {
    let read = move || {
        let mut text = Vec::new();
        let _ = File::from(from).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    };
    std::thread::Builder::new().spawn(read).ok()
}

fn words(reader: Option<JoinHandle<String>>) -> String {
    reader
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default()
}
