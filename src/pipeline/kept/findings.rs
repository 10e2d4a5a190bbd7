//! `findings.jsonl`: a line a frame, in frame order, whatever the order in which they come.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The lines of one pass, by a hash each: enough to tell whether another pass found the same.
pub(in super::super) type Lines = Arc<Vec<u64>>;

/// The findings of a pass. A line is digested, compared and written as soon as all before it have
/// been; what is in memory are those that came before their turn.
#[derive(Debug)]
pub(in super::super) struct Findings {
    /// The frame whose turn it is.
    next: u64,
    /// Lines that came before their turn, the first of them that of `next`.
    early: VecDeque<Option<String>>,
    digest: Sha256,
    file: Option<(PathBuf, BufWriter<File>)>,
    comparison: Comparison,
}

#[derive(Debug)]
enum Comparison {
    /// Of a pass that is the only one.
    None,
    /// Later passes will be compared with this one.
    ToCome(Vec<u64>),
    /// With the first pass, as far as either went: the first line that differs from it.
    With(Lines, usize, Option<String>),
}

/// What is known of the findings when all have come.
#[derive(Debug)]
pub(in super::super) struct Digested {
    /// SHA-256 of all lines, each with its newline, in hexadecimal: what `sha256sum` says of the
    /// file.
    pub digest: String,
    /// If later passes are to be compared with this one.
    pub lines: Option<Lines>,
    /// The first line that differs from that of the pass that it was compared with.
    pub other: Option<String>,
}

impl Findings {
    /// Of a pass that begins with frame `first`.
    pub(in super::super) fn new(first: u64) -> Self {
        Self {
            next: first,
            early: VecDeque::new(),
            digest: Sha256::new(),
            file: None,
            comparison: Comparison::None,
        }
    }

    /// With what later passes need to be compared with this one.
    pub(in super::super) fn comparable(self) -> Self {
        Self {
            comparison: Comparison::ToCome(Vec::new()),
            ..self
        }
    }

    /// Compared with those of an earlier pass.
    pub(in super::super) fn compared_with(self, lines: Lines) -> Self {
        Self {
            comparison: Comparison::With(lines, 0, None),
            ..self
        }
    }

    /// Written to a file.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(in super::super) fn written_to(self, path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::io(path, "cannot create"))?;
        Ok(Self {
            file: Some((path.to_owned(), BufWriter::new(file))),
            ..self
        })
    }

    /// The line of a frame, which comes once.
    ///
    /// # Errors
    /// If what can be written now cannot be written.
    pub(in super::super) fn put(&mut self, frame: u64, line: &str) -> Result<()> {
        let place = (frame - self.next) as usize;
        if place > 0 {
            if self.early.len() <= place {
                self.early.resize(place + 1, None);
            }
            debug_assert!(self.early[place].is_none(), "frame {frame} ended twice");
            self.early[place] = Some(line.to_owned());
            return Ok(());
        }
        self.early.pop_front();
        self.take(line)?;
        while let Some(Some(line)) = self.early.front_mut().map(Option::take) {
            self.early.pop_front();
            self.take(&line)?;
        }
        Ok(())
    }

    /// The next line in frame order.
    fn take(&mut self, line: &str) -> Result<()> {
        self.next += 1;
        self.digest.update(line);
        self.digest.update("\n");
        match &mut self.comparison {
            Comparison::None => {}
            Comparison::ToCome(lines) => lines.push(hash(line)),
            Comparison::With(lines, at, other) => {
                let differs = lines.get(*at).is_some_and(|&known| known != hash(line));
                if differs && other.is_none() {
                    *other = Some(line.to_owned());
                }
                *at += 1;
            }
        }
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let written = file.write_all(line.as_bytes());
        written
            .and_then(|()| file.write_all(b"\n"))
            .map_err(Error::io(path, "cannot write"))
    }

    /// All have come.
    ///
    /// # Errors
    /// If the last of them cannot be written.
    pub(in super::super) fn finish(self) -> Result<Digested> {
        debug_assert!(self.early.is_empty(), "frame {} never ended", self.next);
        if let Some((path, mut file)) = self.file {
            file.flush().map_err(Error::io(path, "cannot write"))?;
        }
        let digest = self.digest.finalize();
        let (lines, other) = match self.comparison {
            Comparison::None => (None, None),
            Comparison::ToCome(lines) => (Some(Arc::new(lines)), None),
            Comparison::With(_, _, other) => (None, other),
        };
        Ok(Digested {
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            lines,
            other,
        })
    }
}

fn hash(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(findings: &mut Findings, lines: &[(u64, &str)]) {
        for (frame, line) in lines {
            findings.put(*frame, line).unwrap();
        }
    }

    #[test]
    fn lines_are_written_in_frame_order_as_soon_as_it_is_their_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("findings.jsonl");
        let mut findings = Findings::new(7).written_to(&path).unwrap();
        put(&mut findings, &[(9, "nine"), (8, "eight")]);
        assert_eq!((findings.next, findings.early.len()), (7, 3));
        put(&mut findings, &[(7, "seven")]);
        assert_eq!((findings.next, findings.early.len()), (10, 0));
        put(&mut findings, &[(10, "ten")]);
        findings.finish().unwrap();
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(written, "seven\neight\nnine\nten\n");
    }

    #[test]
    fn the_digest_is_what_sha256sum_says_of_the_file() {
        // printf '{"frame":0}\n{"frame":1}\n' | sha256sum
        let mut findings = Findings::new(0);
        put(
            &mut findings,
            &[(1, r#"{"frame":1}"#), (0, r#"{"frame":0}"#)],
        );
        assert_eq!(
            findings.finish().unwrap().digest,
            "ea03d4c249b172212ac7fdfd2ee234a0290910c495d87ddcfb85cb2ee93fbf05"
        );
    }

    #[test]
    fn a_pass_is_compared_with_the_first_as_far_as_either_went() {
        let mut first = Findings::new(0).comparable();
        put(&mut first, &[(0, "a"), (1, "b"), (2, "c")]);
        let lines = first.finish().unwrap().lines.unwrap();
        let other = |found: &[(u64, &str)]| {
            let mut findings = Findings::new(0).compared_with(lines.clone());
            put(&mut findings, found);
            findings.finish().unwrap().other
        };
        assert_eq!(other(&[(0, "a"), (1, "b")]), None);
        assert_eq!(other(&[(1, "b"), (2, "c"), (0, "a"), (3, "d")]), None);
        assert_eq!(other(&[(2, "z"), (0, "a"), (1, "y")]).as_deref(), Some("y"));
    }

    #[test]
    fn a_disk_that_is_full_is_an_error_that_names_the_file() {
        let said = Findings::new(0).written_to(Path::new("/dev/full"));
        let mut findings = said.unwrap();
        findings.put(0, "much ado").unwrap();
        let said = findings.finish().unwrap_err().to_string();
        assert!(said.starts_with("/dev/full: cannot write"), "{said}");
    }
}
