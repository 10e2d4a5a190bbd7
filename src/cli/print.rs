//! What the program answers.

use anyhow::Context;
use std::fmt::Display;
use std::io::{ErrorKind, Write, stdout};

/// Writes it to standard output, and a line's end. That whoever reads it has had enough, as `head` has,
/// is no error: how the program ends says the same as if they had read on.
///
/// # Errors
/// The system's own below one that names standard output.
pub(super) fn print(text: impl Display) -> anyhow::Result<()> {
    print_if_heard(text).map(drop)
}

/// The same for who may stop then: false if nobody reads any more.
pub(super) fn print_if_heard(text: impl Display) -> anyhow::Result<bool> {
    match writeln!(stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .context("standard output: cannot write"),
    }
}
