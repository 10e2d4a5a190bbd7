//! `.csv`: a row a run, a column a field of its report.

use super::fields::{Node, line, text};
use super::{Kind, Of, Sink};
use crate::error::{Error, Result};
use crate::report::Comparison;
use serde::Serialize;
use serde_json::Value;

pub(super) const KIND: Kind = Kind {
    ending: ".csv",
    summary: "figures, a row a run",
    of: Of::All(write),
};

/// A cell under its column.
type Cell = (String, String);

fn write(comparison: &Comparison, sink: &mut Sink) -> Result<()> {
    let data = comparison.data();
    let mut rows = Vec::new();
    for (number, run) in comparison.runs.iter().enumerate() {
        let mut row = vec![("run".to_owned(), run.name.clone())];
        row.extend(cells("", &run.report)?);
        // Every run after the first has some, where ratios mean anything.
        if let Some(ratios) = number.checked_sub(1).and_then(|at| data.ratios.get(at)) {
            row.extend(cells("ratio.", ratios)?);
        }
        rows.push(row);
    }
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    // What is nothing in one run has its fields in another: they say it.
    let has_fields = |column: &str| {
        let is_field = |name: &str| {
            name.strip_prefix(column)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        rows.iter().flatten().any(|(name, _)| is_field(name))
    };
    columns.retain(|column| !has_fields(column));
    sink.write(line(&columns).as_bytes())?;
    for row in &rows {
        let of = |column: &&str| row.iter().find(|(name, _)| name == column);
        let cells = columns
            .iter()
            .map(|column| of(column).map_or("", |(_, text)| text));
        sink.write(line(cells).as_bytes())?;
    }
    Ok(())
}

/// What a value has, but for what is no figure: histograms, and lists of more than numbers and
/// words.
fn cells(before: &str, of: &impl Serialize) -> Result<Vec<Cell>> {
    let json = serde_json::to_string(of);
    let node = json.and_then(|json| serde_json::from_str::<Node>(&json));
    let node =
        node.map_err(|error| Error::Failed(format!("the report cannot be read: {error}")))?;
    let is_figure = |name: &str, value: &Value| {
        let nested = |value: &Value| value.is_object() || value.is_array();
        let lists = value.as_array().is_some_and(|list| list.iter().any(nested));
        !lists && !name.ends_with(".histogram") && name != "name"
    };
    let leaves = node.leaves().into_iter();
    let leaves = leaves.filter(|(name, value)| is_figure(name, value));
    Ok(leaves
        .map(|(name, value)| (format!("{before}{name}"), text(value)))
        .collect())
}
