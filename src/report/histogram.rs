//! Histograms in a report and in an interval log: HdrHistogram V2, deflated, in base64.

use super::Report;
use crate::measure::StageHistograms;
use crate::stage::Stage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use std::io;
use std::time::{Duration, UNIX_EPOCH};

/// The form in which other tools take a histogram too.
pub(super) fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .expect("a histogram of three digits fits its format, and a Vec takes all bytes");
    STANDARD.encode(bytes)
}

/// A histogram again, or why not, as the end of a sentence.
pub(super) fn decode(text: &str) -> Result<Histogram<u64>, String> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|error| format!("is not base64: {error}"))?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("is no HdrHistogram: {error}"))
}

/// When a log's intervals lie: all of them span the whole run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The start, since the Unix epoch.
    pub(super) start: Duration,
    /// The length.
    pub(super) length: Duration,
}

impl Span {
    /// Of a report's run: as long as its passes took, from when the first of them began.
    pub(super) fn of(report: &Report) -> Self {
        let seconds = |s| Duration::try_from_secs_f64(s).unwrap_or_default();
        Self {
            start: seconds(report.start_unix_s()),
            length: seconds(report.totals.wall_s),
        }
    }
}

/// An interval log that HdrHistogram's own tools open: a line a stage that has samples, tagged
/// with the stage's name, values in nanoseconds, the column of maxima in milliseconds.
pub(super) fn interval_log(stages: &StageHistograms, span: Span) -> io::Result<Vec<u8>> {
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let start = UNIX_EPOCH + span.start;
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Logged with framehaul, values in nanoseconds, a tag a stage]")
        .add_comment("[Histogram log format version 1.3]")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1e6)
        .begin_log_with(&mut log, &mut serializer)?;
    for stage in Stage::ALL {
        let histogram = stages.get(stage);
        if !histogram.is_empty() {
            writer
                .write_histogram(
                    histogram,
                    Duration::ZERO,
                    span.length,
                    Tag::new(stage.name()),
                )
                .map_err(io::Error::other)?;
        }
    }
    Ok(log)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn a_log_begins_with_the_first_pass_whoever_had_a_turn_since() {
        let mut report = crate::report::samples::mmap();
        (report.finished_unix_s, report.totals.wall_s) = (1000.0, 2.0);
        let start = |report: &Report| Span::of(report).start.as_secs_f64();
        assert_eq!(start(&report), 998.0, "as far as an old report tells");
        report.begun_unix_s = Some(950.5);
        assert_eq!(start(&report), 950.5);
        assert_eq!(Span::of(&report).length.as_secs_f64(), 2.0);
    }

    /// Some samples in two stages, from nanoseconds to minutes.
    pub(crate) fn sample_stages() -> StageHistograms {
        let mut stages = StageHistograms::new();
        for i in 1..=1000u64 {
            stages.record(Stage::Compute, i * i * 1000);
            stages.record(Stage::EndToEnd, i * 60_000_000);
        }
        stages.record(Stage::Compute, 0);
        stages
    }

    const SPAN: Span = Span {
        start: Duration::from_millis(1_700_000_000_250),
        length: Duration::from_secs(2),
    };

    /// The histograms of a log, by tag.
    fn read_log(log: &[u8]) -> Vec<(String, Histogram<u64>)> {
        IntervalLogIterator::new(log)
            .filter_map(|entry| match entry.expect("a well-formed log") {
                LogEntry::Interval(interval) => Some((
                    interval.tag().expect("a tag").as_str().to_owned(),
                    decode(interval.encoded_histogram()).expect("a histogram"),
                )),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_histogram_comes_back_as_it_was() {
        let stages = sample_stages();
        for stage in Stage::ALL {
            let histogram = stages.get(stage);
            assert_eq!(&decode(&encode(histogram)).unwrap(), histogram);
        }
    }

    #[test]
    fn what_is_no_histogram_is_refused_in_words() {
        let good = encode(sample_stages().get(Stage::Compute));
        assert!(decode("not base64!").unwrap_err().contains("base64"));
        assert!(decode("").is_err());
        assert!(decode(&good[..good.len() / 2 / 4 * 4]).is_err());
        assert!(decode("AAAA").unwrap_err().contains("HdrHistogram"));
    }

    #[test]
    fn the_log_holds_a_tagged_line_for_each_stage_that_occurred() {
        let stages = sample_stages();
        let log = interval_log(&stages, SPAN).unwrap();
        let read = read_log(&log);
        let names: Vec<&str> = read.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["compute", "end_to_end"]);
        for (name, histogram) in &read {
            assert_eq!(histogram, stages.get(Stage::from_name(name).unwrap()));
        }
        let text = String::from_utf8(log).unwrap();
        assert!(text.contains("#[StartTime: 1700000000.250 (seconds since epoch)]\n"));
    }

    /// The file was written by HistogramLogWriter of Java's HdrHistogram 2.1.11, the reference
    /// implementation, from the samples of [`sample_stages`] over the time of [`SPAN`].
    #[test]
    fn the_log_says_what_the_reference_implementation_says() {
        let golden = include_bytes!("../../tests/golden/hdrhistogram-java-2.1.11.hlog");
        let ours = interval_log(&sample_stages(), SPAN).unwrap();
        assert_eq!(read_log(&ours), read_log(golden));
        // All but the header's wording and the compressor's choices is the same text.
        let columns = |log: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(log);
            let lines = text.lines().filter(|line| line.starts_with("Tag="));
            lines
                .filter_map(|line| Some(line.rsplit_once(',')?.0.to_owned()))
                .collect()
        };
        assert_eq!(columns(&ours), columns(golden));
        assert_eq!(columns(golden)[0], "Tag=compute,0.000,2.000,1000.342");
    }
}
