//! `.json`: the report of one run, the comparison of several.

use super::{Kind, Of, Sink};
use crate::error::{Error, Result};
use crate::report::Comparison;

pub(super) const KIND: Kind = Kind {
    ending: ".json",
    summary: "the report of one run, the comparison of several",
    of: Of::All(write),
};

fn write(comparison: &Comparison, sink: &mut Sink) -> Result<()> {
    let json = serde_json::to_vec_pretty(&comparison.shown());
    let json = json.map_err(|error| Error::Failed(format!("the runs cannot be JSON: {error}")))?;
    sink.write(&json)?;
    sink.write(b"\n")
}
