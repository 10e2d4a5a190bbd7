//! `findings.csv`: a row a frame, a column a field of what was found.
//!
//! The columns are `frame`, then the fields of all analyzers in the order asked for (`luma.min`,
//! `motion.mean_abs_diff`), then `error` and `dropped`: why a frame has no finding. A list, as the
//! bins of `histogram`, is JSON in one cell. Which columns there are is known when all lines were
//! seen, so the file is read twice, and never as a whole. What the report does not vouch for is not
//! exported.

use super::fields::{Node, line, text};
use super::{Kind, Of, OneRun, Sink};
use crate::error::Result;
use crate::report::lines::Lines;
use std::path::Path;

pub(super) const KIND: Kind = Kind {
    ending: "findings.csv",
    summary: "what was found, a row a frame",
    of: Of::One(write),
};

/// What is said of a frame that was not analysed.
const REASONS: [&str; 2] = ["error", "dropped"];

fn write(one: &OneRun<'_>, sink: &mut Sink) -> Result<()> {
    let path = one.folder.join("findings.jsonl");
    let digest = &one.run.report.findings_digest;
    let columns = columns(&path, digest)?;
    sink.write(line(&columns).as_bytes())?;
    each(&path, digest, |found| {
        let mut cells = vec![String::new(); columns.len()];
        for (name, value) in found.leaves() {
            // It was there a moment ago, unless the file has changed.
            if let Some(column) = columns.iter().position(|column| *column == name) {
                cells[column] = text(value);
            }
        }
        sink.write(line(cells).as_bytes())
    })
}

fn columns(path: &Path, digest: &str) -> Result<Vec<String>> {
    let mut columns = vec!["frame".to_owned()];
    each(path, digest, |found| {
        for (name, _) in found.leaves() {
            if columns.contains(&name) || REASONS.contains(&&*name) {
                continue;
            }
            // One that is new stands with those of its analyzer.
            let analyzer = |column: &str| column.split('.').next().map(str::to_owned);
            let with = columns
                .iter()
                .rposition(|column| analyzer(column) == analyzer(&name));
            columns.insert(with.map_or(columns.len(), |at| at + 1), name);
        }
        Ok(())
    })?;
    columns.extend(REASONS.map(str::to_owned));
    Ok(columns)
}

/// # Errors
/// Those of `take`, and if they are not the findings of which that is the digest.
fn each(path: &Path, digest: &str, mut take: impl FnMut(&Node) -> Result<()>) -> Result<()> {
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next()? {
        match serde_json::from_str(line) {
            Ok(found) => take(&found)?,
            Err(_) => return Err(lines.damaged("is no finding: the file is damaged")),
        }
    }
    lines.check(digest)
}
