//! What went wrong, on standard error.

use crate::report::printable;
use std::fmt::Display;
use std::io::{Write, stderr};

/// Writes the sentence, in which names may be whatever a file's name may. Where that cannot be, nobody can
/// be told; the exit code says it too.
pub(super) fn complain(what: impl Display) {
    let _ = writeln!(stderr(), "framehaul: {}", printable(&what.to_string()));
}
