//! What went wrong, on standard error.

use std::fmt::Display;
use std::io::{Write, stderr};

/// Writes the sentence. Where that cannot be, nobody can be told; the exit code says it too.
pub(super) fn complain(what: impl Display) {
    let _ = writeln!(stderr(), "framehaul: {what}");
}
