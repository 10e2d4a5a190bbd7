//! Reading a report back, and refusing what is none in one sentence.
//!
//! ```
//! use framehaul::report::Report;
//! let said = Report::read("no/such/run").unwrap_err().to_string();
//! assert!(said.starts_with("no/such/run: cannot read the report"));
//! ```

use super::{Report, SCHEMA};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The directory of a run that is named by it, or by its report.
pub(super) fn folder(run: &Path) -> PathBuf {
    let parent = run.parent().filter(|_| !run.is_dir());
    match parent {
        Some(parent) if parent.as_os_str().is_empty() => ".".into(),
        parent => parent.unwrap_or(run).to_owned(),
    }
}

/// A file of a run, or of another that is to be one. What is no file, as a pipe, would be waited for.
///
/// # Errors
/// If it is none or cannot be opened.
pub(crate) fn open(path: &Path, cannot: &'static str) -> Result<File> {
    let there = path.metadata().map_err(Error::io(path, cannot))?;
    if !there.is_file() {
        return Err(Error::input(path, "is no file, as a part of a run is"));
    }
    File::open(path).map_err(Error::io(path, cannot))
}

impl Report {
    /// Reads a run directory, or a `report.json` itself, and checks it: the schema's number, that
    /// every histogram can be read, and that each frame ended in one way.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let mut path = path.as_ref().to_path_buf();
        if path.is_dir() {
            path.push("report.json");
            if !path.exists() {
                path.pop();
                return Err(Error::input(
                    path,
                    "is no run directory: it has no report.json",
                ));
            }
        }
        let cannot = "cannot read the report";
        let mut text = Vec::new();
        let read = open(&path, cannot)?.read_to_end(&mut text);
        read.map_err(Error::io(&path, cannot))?;
        Self::parse(&text).map_err(|what| Error::input(path, what))
    }

    /// A report from its JSON, or what is wrong with it as the end of a sentence.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let json: serde_json::Value = serde_json::from_slice(text).map_err(|error| {
            if error.is_eof() {
                format!("ends too early to be a report: {error}")
            } else {
                format!("is no report, it is not JSON: {error}")
            }
        })?;
        match json.get("schema").and_then(serde_json::Value::as_u64) {
            None => return Err("is no report: it has no schema number".into()),
            Some(schema) if schema > u64::from(SCHEMA) => {
                return Err(format!(
                    "has schema {schema}, and this framehaul reads up to {SCHEMA}: use a newer one"
                ));
            }
            Some(_) => {}
        }
        let report: Self = serde_json::from_value(json)
            .map_err(|error| format!("is no report of schema {SCHEMA}: {error}"))?;
        for (stage, summary) in &report.stages {
            summary
                .decode()
                .map_err(|what| format!("is damaged: the histogram of {} {what}", stage.name()))?;
        }
        let totals = &report.totals;
        let ended = [
            totals.frames_analysed,
            totals.frames_failed,
            totals.frames_dropped,
        ];
        if ended.iter().copied().map(u128::from).sum::<u128>() != u128::from(totals.frames) {
            let [analysed, failed, dropped] = ended;
            return Err(format!(
                "is damaged: of {} frames, {analysed} are said to be analysed, {failed} failed and {dropped} \
                 dropped",
                totals.frames
            ));
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_recorded_runs_are_read() {
        for mode in ["payload", "mmap"] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/reports");
            let report = Report::read(Path::new(folder).join(mode)).unwrap();
            assert_eq!(report.workload.mode, mode);
            assert_eq!(report.totals.frames_analysed, report.totals.frames);
        }
    }

    #[test]
    fn what_is_no_file_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("report.json");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let said = Report::read(folder.path()).unwrap_err().to_string();
        assert!(
            said.ends_with("report.json: is no file, as a part of a run is"),
            "{said}"
        );
    }

    /// One that knew nothing of its passes.
    #[test]
    fn a_report_of_an_older_version_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/older");
        let report = Report::read(folder).unwrap();
        assert_eq!(report.totals.frames_analysed, 90);
        assert!(report.passes.is_empty() && report.doubts().is_empty());
    }

    #[test]
    fn a_report_survives_its_json() {
        let report = samples::payload();
        let json = serde_json::to_vec_pretty(&report).unwrap();
        assert_eq!(Report::parse(&json), Ok(report));
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let mut json = serde_json::json!(samples::mmap());
        json["colour"] = "blue".into();
        json["totals"]["more"] = 7.into();
        assert!(Report::parse(json.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_report_is_refused_in_one_sentence() {
        let good = serde_json::json!(samples::payload());
        let edited = |edit: &dyn Fn(&mut serde_json::Value)| {
            let mut json = good.clone();
            edit(&mut json);
            json.to_string()
        };
        let truncated = good.to_string()[..500].to_owned();
        let cases = [
            (truncated, "ends too early"),
            ("hello".into(), "not JSON"),
            ("[1]".into(), "no schema number"),
            (edited(&|json| json["schema"] = 2.into()), "has schema 2"),
            (
                edited(&|json| json["totals"] = 1.into()),
                "no report of schema 1",
            ),
            (
                edited(&|json| json["stages"]["compute"]["histogram"] = "AAAA".into()),
                "histogram of compute is no HdrHistogram",
            ),
            (
                edited(&|json| json["stages"]["compute"]["count"] = 3.into()),
                "where 3 are stated",
            ),
            (
                edited(&|json| json["totals"]["frames_failed"] = u64::MAX.into()),
                "18446744073709551615 failed and 0 dropped",
            ),
        ];
        for (text, expected) in cases {
            let said = Report::parse(text.as_bytes()).unwrap_err();
            assert!(said.contains(expected), "{said:?} should say {expected:?}");
            assert!(!said.contains('\n'), "{said:?} is more than a sentence");
        }
    }

    #[test]
    fn a_refusal_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let said = Report::read(folder.path()).unwrap_err().to_string();
        assert!(said.contains("no report.json"), "{said}");
        let missing = folder.path().join("none");
        let said = Report::read(&missing).unwrap_err().to_string();
        assert!(said.starts_with(&missing.display().to_string()), "{said}");
    }
}
