//! The real program in a folder of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod schema;
pub(crate) mod script;

use serde_json::Value;
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The tool or file that the environment names; `scripts/test` fetches them.
pub(crate) fn given(variable: &str) -> OsString {
    let file = std::env::var_os(variable);
    let file = file.unwrap_or_else(|| panic!("{variable} is not set: run ./scripts/test"));
    let found = Path::new(&file).exists();
    assert!(
        found,
        "{variable} is {file:?}, which is not there: run ./scripts/test"
    );
    file
}

/// A temporary folder in which the program runs. Every report that is there at the end is checked to
/// be what its schema says.
pub(crate) struct Sandbox(tempfile::TempDir);

impl Drop for Sandbox {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            schema::check_all(self.0.path());
        }
    }
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The program with a command line that is split at blanks.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_framehaul"));
        command
            .current_dir(self.0.path())
            .args(line.split_whitespace())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Said {
        Said::from(self.command(line).output().unwrap(), line)
    }

    /// The same where the shell's `ulimit` allows only so much of something, as `-n 64`.
    pub(crate) fn run_limited(&self, limit: &str, line: &str) -> Said {
        let program = env!("CARGO_BIN_EXE_framehaul");
        let line = format!("ulimit {limit} && exec {program} {line}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(self.0.path());
        Said::from(shell.stdin(Stdio::null()).output().unwrap(), &line)
    }

    /// A generated set named `set`.
    pub(crate) fn with_set(self, options: &str) -> Self {
        self.run(&format!("generate set {options}")).succeeds();
        self
    }

    pub(crate) fn report(&self, run: &str) -> Value {
        let text = std::fs::read(self.path(run).join("report.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// The digests of all runs below `out`.
    pub(crate) fn digests(&self, out: &str) -> HashSet<String> {
        let runs = std::fs::read_dir(self.path(out)).unwrap();
        runs.map(|run| {
            let name = run.unwrap().file_name().into_string().unwrap();
            let report = self.report(&format!("{out}/{name}"));
            report["findings_digest"].as_str().unwrap().to_owned()
        })
        .collect()
    }

    pub(crate) fn findings(&self, run: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(run).join("findings.jsonl")).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

/// A `.npy` file of ours: its header's text, and its bytes array by array along the first axis.
pub(crate) fn read_npy(path: &Path, arrays: usize) -> (String, Vec<Vec<u8>>) {
    let bytes = std::fs::read(path).unwrap();
    let (header, data) = bytes.split_at(4096);
    let header = String::from_utf8_lossy(&header[10..]).trim().to_owned();
    let size = data.len() / arrays;
    (header, data.chunks(size).map(<[u8]>::to_vec).collect())
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) line: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn from(output: Output, line: &str) -> Self {
        Self {
            line: line.to_owned(),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Ends with `code`, and says one clear line that has all of these words, no panic.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?}: {self:#?}");
        }
        self
    }

    #[track_caller]
    pub(crate) fn one_line(self) -> Self {
        assert_eq!(self.err.trim_end().lines().count(), 1, "{self:#?}");
        self
    }
}

/// The children of a process, by the kernel's own list.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    for task in tasks.into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(
            list.split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
    }
    all
}

/// The children of a process that are its workers.
pub(crate) fn workers(pid: u32) -> Vec<u32> {
    let is_worker = |pid: &u32| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.contains("__framehaul_worker")
    };
    children(pid).into_iter().filter(is_worker).collect()
}

/// How many threads a process has.
pub(crate) fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// Whether a process is there and is not just waiting to be reaped.
pub(crate) fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    matches!(state, Some(state) if state != 'Z')
}

pub(crate) fn kill(signal: &str, pid: u32) {
    let _ = Command::new("kill")
        .args([signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// A `.npy` file of version 1.0 with this header text and these bytes.
pub(crate) fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let text = format!("{header:<117}\n");
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(data);
    file
}

pub(crate) fn write_npy(path: &Path, descr: &str, shape: &str, data: &[u8]) {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    std::fs::write(path, npy(&header, data)).unwrap();
}

/// The committed samples: a clip and a folder of pictures.
pub(crate) fn samples() -> [String; 2] {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    ["clip.y4m", "images"].map(|name| format!("{data}/{name}"))
}
