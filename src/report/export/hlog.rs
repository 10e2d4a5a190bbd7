//! `.hlog`: the histograms of all stages, as the run directory's `latency.hlog` has them.

use super::{Kind, Of, OneRun, Sink};
use crate::error::{Error, Result};
use crate::report::histogram::{Span, interval_log};

pub(super) const KIND: Kind = Kind {
    ending: ".hlog",
    summary: "histograms of all stages, a tag each, for HdrHistogram's log processor",
    of: Of::One(write),
};

fn write(one: &OneRun<'_>, sink: &mut Sink) -> Result<()> {
    let report = &one.run.report;
    let log = interval_log(&report.histograms(), Span::of(report));
    let log = log.map_err(Error::io(&sink.path, "cannot make the log"))?;
    sink.write(&log)
}
