//! Programs that tests make.

use std::path::PathBuf;
use std::process::Command;

/// An executable at `path` that does this, in the shell's words. Another process writes it: what one of
/// our threads has open for writing may be inherited by a child that another starts, and nobody can execute
/// it as long as that child has it.
pub(crate) fn script(path: PathBuf, what: &str) -> PathBuf {
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod +x "$0""#;
    let mut shell = Command::new("sh");
    let made = shell.args(["-c", write]).arg(&path).arg(what).status();
    assert!(made.unwrap().success(), "{}", path.display());
    path
}
