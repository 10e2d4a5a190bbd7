//! `findings.jsonl` a line at a time: of a file of any length, one line is in memory.

use super::read::open;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A line that is longer is no finding: the longest are some kilobytes.
const LONGEST: u64 = 16 << 20;

/// The lines of a file.
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    /// How many were read.
    number: u64,
    /// Of what was read.
    digest: Sha256,
}

impl Lines {
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = open(path, "cannot read")?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
            number: 0,
            digest: Sha256::new(),
        })
    }

    /// The next line, without its end; none after the last.
    ///
    /// # Errors
    /// If it cannot be read, or is no whole line of text.
    pub(super) fn next(&mut self) -> Result<Option<&str>> {
        self.line.clear();
        let mut limited = (&mut self.file).take(LONGEST);
        let read = limited.read_until(b'\n', &mut self.line);
        if read.map_err(Error::io(&self.path, "cannot read"))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.digest.update(&self.line);
        if self.line.pop() != Some(b'\n') {
            return Err(self.damaged("is cut off: the file is damaged"));
        }
        match str::from_utf8(&self.line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => Err(self.damaged("is no text: the file is damaged")),
        }
    }

    /// All were read: they are what a run found, of which its report says the digest.
    ///
    /// # Errors
    /// If they are not.
    pub(super) fn check(self, expected: &str) -> Result<()> {
        let found = hexadecimal(self.digest);
        if found != expected {
            let what = format!(
                "is not what the run found: its SHA-256 is {found}, and report.json says {expected}"
            );
            return Err(Error::input(self.path, what));
        }
        Ok(())
    }

    /// That something is wrong with the line read last.
    pub(super) fn damaged(&self, what: &str) -> Error {
        Error::input(&self.path, format!("line {} {what}", self.number))
    }
}

/// A digest as `sha256sum` writes it.
pub(super) fn hexadecimal(digest: Sha256) -> String {
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_what_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("findings.jsonl");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let mut lines = Lines::open(&path).unwrap();
            let mut all = Vec::new();
            loop {
                match lines.next() {
                    Ok(Some(line)) => all.push(line.to_owned()),
                    Ok(None) => break,
                    Err(error) => all.push(error.to_string()),
                }
            }
            all
        };
        assert_eq!(read(b"one\n\ntwo\n"), ["one", "", "two"]);
        assert_eq!(read(b""), [""; 0]);
        let cut_off = read(b"one\ntw");
        assert!(cut_off[1].ends_with("findings.jsonl: line 2 is cut off: the file is damaged"));
        assert!(read(b"\xff\n")[0].contains("line 1 is no text"));
        let endless = read(&vec![b'x'; LONGEST as usize + 1]);
        assert!(endless[0].contains("line 1 is cut off"));
        assert!(Lines::open(&folder.path().join("none")).is_err());
    }
}
