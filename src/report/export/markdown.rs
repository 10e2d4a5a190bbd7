//! `.md`: the tables of a run, or of several beside each other, to be pasted where Markdown is read.

use super::{Kind, Of, Sink};
use crate::error::Result;
use crate::report::{Comparison, Style};

pub(super) const KIND: Kind = Kind {
    ending: ".md",
    summary: "the tables in Markdown",
    of: Of::All(write),
};

fn write(comparison: &Comparison, sink: &mut Sink) -> Result<()> {
    let text = comparison.show(Style::markdown());
    // A table has an empty line of its own below it.
    let text = text.replace("\n\n\n", "\n\n");
    sink.write(text.trim_end().as_bytes())?;
    sink.write(b"\n")
}
