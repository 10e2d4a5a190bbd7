//! What is written for programs is what the published schemas say, by Python's jsonschema.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A validator that goes on as long as this process does.
struct Validator {
    files: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Validator {
    /// None where `scripts/test` has not fetched it: then nothing is checked.
    #[expect(clippy::zombie_processes, reason = "it ends with this process")]
    fn start() -> Option<Self> {
        let python = std::env::var_os("FRAMEHAUL_PYTHON")?;
        let root = env!("CARGO_MANIFEST_DIR");
        let child = Command::new(python)
            .arg(format!("{root}/tests/common/validate.py"))
            .arg(format!("{root}/schema"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("Python starts");
        Some(Self {
            files: child.stdin.take()?,
            answers: BufReader::new(child.stdout.take()?),
        })
    }

    fn ask(&mut self, schema: &str, file: &Path) -> String {
        writeln!(self.files, "{schema}\t{}", file.display()).expect("the validator lives");
        let mut answer = String::new();
        let read = self.answers.read_line(&mut answer);
        assert!(read.is_ok_and(|bytes| bytes > 0), "the validator has ended");
        answer.trim_end().to_owned()
    }
}

/// Whether a file is what the schema of that name says, and has no field that it does not know;
/// "ok", or what is wrong with it.
pub(crate) fn ask(schema: &str, file: &Path) -> String {
    static VALIDATOR: OnceLock<Option<Mutex<Validator>>> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| Validator::start().map(Mutex::new));
    validator.as_ref().map_or("ok".into(), |validator| {
        let mut validator = validator.lock().unwrap_or_else(PoisonError::into_inner);
        validator.ask(schema, file)
    })
}

/// Fails unless a file is what the schema of that name says.
#[track_caller]
pub(crate) fn check(schema: &str, file: &Path) {
    let said = ask(schema, file);
    assert_eq!(
        said,
        "ok",
        "{}: not what schema/{schema}.schema.json says",
        file.display()
    );
}

/// Checks all reports below a folder, but for those of runs that did not end.
pub(crate) fn check_all(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && path.extension().is_none_or(|ending| ending != "partial") {
            check_all(&path);
        } else if path.file_name().is_some_and(|name| name == "report.json") {
            check("report", &path);
        }
    }
}
