//! What the program answers.

use anyhow::Context;
use std::fmt::Display;
use std::io::{Write, stdout};

/// Writes it to standard output, and a line's end.
///
/// # Errors
/// The system's own below one that names standard output.
pub(super) fn print(text: impl Display) -> anyhow::Result<()> {
    writeln!(stdout(), "{text}").context("standard output: cannot write")
}
