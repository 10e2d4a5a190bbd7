//! The figures of a report that a threshold may name.

use crate::analysis::{nearest, quoted};
use crate::report::Report;
use crate::report::ratios::Ratios;
use crate::report::schema::StageSummary;
use crate::stage::Stage;
use crate::statistics::Estimate;
use std::fmt;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Nanoseconds.
    Time,
    Bytes,
    Number,
    /// A number that may be written in per cent.
    Share,
    /// 1 for true, 0 for false.
    Truth,
}

/// A number in a report.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Figure {
    Plain(&'static Plain),
    Stage(Stage, &'static Statistic),
}

/// One that there is once.
pub(super) struct Plain {
    name: &'static str,
    quantity: Quantity,
    /// None where the report has null.
    read: fn(&Report) -> Option<f64>,
    /// Why that may be, as the end of a sentence.
    why_none: &'static str,
}

/// One that there is of each stage.
pub(super) struct Statistic {
    name: &'static str,
    quantity: Quantity,
    read: fn(&StageSummary) -> Option<f64>,
    /// So many samples are needed.
    samples: u64,
}

impl PartialEq for Plain {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl PartialEq for Statistic {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn plain(name: &'static str, quantity: Quantity, read: fn(&Report) -> Option<f64>) -> Plain {
    let why_none = "";
    Plain {
        name,
        quantity,
        read,
        why_none,
    }
}

const fn paced(name: &'static str, quantity: Quantity, read: fn(&Report) -> Option<f64>) -> Plain {
    let plain = plain(name, quantity, read);
    Plain {
        why_none: "the run has no pace",
        ..plain
    }
}

const fn limit(name: &'static str, read: fn(&Report) -> Option<f64>) -> Plain {
    let plain = plain(name, Quantity::Number, read);
    Plain {
        why_none: "it was not measured on this machine",
        ..plain
    }
}

static PLAIN: &[Plain] = &[
    plain("wall_s", Quantity::Time, |r| Some(r.totals.wall_s * 1e9)),
    plain("frames", Quantity::Number, |r| Some(r.totals.frames as f64)),
    plain("frames_analysed", Quantity::Number, |r| {
        Some(r.totals.frames_analysed as f64)
    }),
    plain("frames_failed", Quantity::Number, |r| {
        Some(r.totals.frames_failed as f64)
    }),
    plain("frames_dropped", Quantity::Number, |r| {
        Some(r.totals.frames_dropped as f64)
    }),
    plain("workers_died", Quantity::Number, |r| {
        Some(r.totals.workers_died as f64)
    }),
    plain("fps", Quantity::Number, |r| Some(r.totals.fps)),
    plain("gb_per_s", Quantity::Number, |r| Some(r.totals.gb_per_s)),
    plain("shipped_bytes_per_frame", Quantity::Bytes, |r| {
        Some(r.totals.shipped_bytes_per_frame)
    }),
    plain("overlap_bytes_per_frame", Quantity::Bytes, |r| {
        Some(r.totals.overlap_bytes_per_frame)
    }),
    paced("deadline_misses", Quantity::Number, |r| {
        r.totals.deadline_misses.map(|misses| misses as f64)
    }),
    paced("keeps_up", Quantity::Truth, |r| {
        r.totals
            .keeps_up
            .map(|keeps_up| f64::from(u8::from(keeps_up)))
    }),
    paced("backlog_frames_per_s", Quantity::Number, |r| {
        r.totals.backlog_frames_per_s
    }),
    Plain {
        name: "max_sustained_fps",
        quantity: Quantity::Number,
        read: |r| r.totals.max_sustained_fps,
        why_none: "the run kept its pace, which shows no limit",
    },
    plain("memory.peak_anon_bytes", Quantity::Bytes, |r| {
        Some(r.memory.peak_anon_bytes as f64)
    }),
    plain("memory.peak_shared_bytes", Quantity::Bytes, |r| {
        Some(r.memory.peak_shared_bytes as f64)
    }),
    plain("cpu.user_s", Quantity::Time, |r| Some(r.cpu.user_s * 1e9)),
    plain("cpu.system_s", Quantity::Time, |r| {
        Some(r.cpu.system_s * 1e9)
    }),
    plain("cpu.cores_busy", Quantity::Number, |r| {
        Some(r.cpu.cores_busy)
    }),
    plain("cpu.minor_faults", Quantity::Number, |r| {
        Some(r.cpu.minor_faults as f64)
    }),
    plain("cpu.major_faults", Quantity::Number, |r| {
        Some(r.cpu.major_faults as f64)
    }),
    plain("cpu.voluntary_switches", Quantity::Number, |r| {
        Some(r.cpu.voluntary_switches as f64)
    }),
    plain("cpu.involuntary_switches", Quantity::Number, |r| {
        Some(r.cpu.involuntary_switches as f64)
    }),
    plain("workload.cache_resident", Quantity::Share, |r| {
        Some(r.workload.cache_resident)
    }),
    limit("limits.read_gb_per_s", |r| r.limits.read_gb_per_s),
    limit("limits.memcpy_gb_per_s", |r| r.limits.memcpy_gb_per_s),
    plain("limits.wakeup_us", Quantity::Time, |r| {
        Some(r.limits.wakeup_us * 1e3)
    }),
];

const fn statistic(
    name: &'static str,
    samples: u64,
    read: fn(&StageSummary) -> Option<f64>,
) -> Statistic {
    Statistic {
        name,
        quantity: Quantity::Time,
        read,
        samples,
    }
}

static STATISTICS: &[Statistic] = &[
    statistic("p50", 20, |s| s.p50_ns.map(|ns| ns as f64)),
    statistic("p90", 100, |s| s.p90_ns.map(|ns| ns as f64)),
    statistic("p99", 1000, |s| s.p99_ns.map(|ns| ns as f64)),
    statistic("p999", 10_000, |s| s.p999_ns.map(|ns| ns as f64)),
    statistic("min", 1, |s| Some(s.min_ns as f64)),
    statistic("max", 1, |s| Some(s.max_ns as f64)),
    statistic("mean", 1, |s| Some(s.mean_ns)),
    Statistic {
        name: "count",
        quantity: Quantity::Number,
        read: |s| Some(s.count as f64),
        samples: 1,
    },
];

impl Figure {
    /// All that can be named.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let of_stage = |stage| STATISTICS.iter().map(move |of| Self::Stage(stage, of));
        let stages = Stage::ALL.into_iter().flat_map(of_stage);
        PLAIN.iter().map(Self::Plain).chain(stages)
    }

    /// The figure of that name, or a sentence with those that there are.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let bare = name
            .strip_prefix("totals.")
            .or(name.strip_prefix("stages."));
        let bare = bare.unwrap_or(name);
        let of_stage = bare.strip_suffix("_ns").unwrap_or(bare);
        let is_named = |figure: &Self| {
            let own = figure.to_string();
            own == if matches!(figure, Self::Stage(..)) {
                of_stage
            } else {
                bare
            }
        };
        if let Some(figure) = Self::all().find(is_named) {
            return Ok(figure);
        }
        let names: Vec<String> = Self::all().map(|figure| figure.to_string()).collect();
        let near = nearest(of_stage, &names, |known| known)
            .map(|known| format!("; did you mean {known}?"))
            .unwrap_or_default();
        let plain: Vec<_> = PLAIN.iter().map(|plain| plain.name).collect();
        let stages: Vec<_> = Stage::ALL.iter().map(|stage| stage.name()).collect();
        let statistics: Vec<_> = STATISTICS.iter().map(|of| of.name).collect();
        Err(format!(
            "no figure is called {}{near} (there are {}; and as STAGE.FIGURE those of {}: {})",
            quoted(name),
            plain.join(", "),
            stages.join(", "),
            statistics.join(", ")
        ))
    }

    pub(super) const fn quantity(self) -> Quantity {
        match self {
            Self::Plain(plain) => plain.quantity,
            Self::Stage(_, statistic) => statistic.quantity,
        }
    }

    /// Its ratio as a comparison shows it, if it is one of those that are shown and it is known.
    pub(super) fn shown_ratio(self, of: &Ratios) -> Option<Estimate> {
        match self {
            Self::Plain(plain) => match plain.name {
                // Frames of both have as many bytes.
                "fps" | "gb_per_s" => of.fps,
                _ => None,
            },
            Self::Stage(stage, statistic) => {
                let percentiles = of.stages.get(&stage)?;
                match statistic.name {
                    "p50" => percentiles.p50,
                    "p99" => percentiles.p99,
                    "p999" => percentiles.p999,
                    "max" => percentiles.max,
                    _ => None,
                }
            }
        }
    }

    /// Its value in a report, or why it cannot be known, as the end of a sentence.
    pub(super) fn read(self, report: &Report) -> Result<f64, String> {
        let (stage, of) = match self {
            Self::Plain(plain) => {
                return (plain.read)(report).ok_or_else(|| plain.why_none.into());
            }
            Self::Stage(stage, of) => (stage, of),
        };
        let Some(summary) = report.stages.get(&stage) else {
            return Err(format!("the run has no stage {}", stage.name()));
        };
        let waits = matches!(stage, Stage::Queue | Stage::EndToEnd);
        if waits && of.quantity == Quantity::Time && report.totals.keeps_up == Some(false) {
            return Err(
                "the run does not keep up: how long frames wait depends on how long it \
                        goes on"
                    .into(),
            );
        }
        (of.read)(summary).ok_or_else(|| {
            format!(
                "{} frames are too few for it, it takes {}",
                summary.count, of.samples
            )
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(plain) => f.write_str(plain.name),
            Self::Stage(stage, of) => write!(f, "{}.{}", stage.name(), of.name),
        }
    }
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    /// The value at a path of names in the report's JSON.
    fn at(json: &serde_json::Value, path: &str) -> serde_json::Value {
        let names = path.split('.');
        names.fold(json.clone(), |value, name| value[name].clone())
    }

    #[test]
    fn names_are_those_of_the_report_and_so_are_the_values() {
        let report = samples::payload();
        let json = serde_json::json!(report);
        for figure in Figure::all() {
            let name = figure.to_string();
            let path = match figure {
                Figure::Plain(_) if name.contains('.') => name.clone(),
                Figure::Plain(_) => format!("totals.{name}"),
                Figure::Stage(_, of) if of.quantity == Quantity::Time => {
                    format!("stages.{name}_ns")
                }
                Figure::Stage(..) => format!("stages.{name}"),
            };
            assert_eq!(Figure::named(&path), Ok(figure));
            assert_eq!(Figure::named(&name), Ok(figure));
            let there = at(&json, &path);
            let scale = match (figure.quantity(), path.rsplit('_').next()) {
                (Quantity::Time, Some("s")) => 1e9,
                (Quantity::Time, Some("us")) => 1e3,
                _ => 1.0,
            };
            match figure.read(&report) {
                Ok(value) => assert_eq!(there.as_f64().map(|v| v * scale), Some(value), "{path}"),
                Err(_) => assert!(there.is_null(), "{path}: {there}"),
            }
        }
    }

    #[test]
    fn whatever_the_report_counts_can_be_named() {
        let json = serde_json::json!(samples::payload());
        for (group, before) in [("totals", ""), ("memory", "memory."), ("cpu", "cpu.")] {
            let fields = json[group].as_object().unwrap();
            let counted = fields
                .iter()
                .filter(|(_, value)| !value.is_object() && !value.is_array());
            for (field, _) in counted {
                let name = format!("{before}{field}");
                assert!(Figure::named(&name).is_ok(), "{name} cannot be named");
            }
        }
    }

    #[test]
    fn the_least_number_of_samples_is_that_of_the_report() {
        let mut report = samples::payload();
        for of in STATISTICS {
            let stage = report.stages.get_mut(&Stage::Compute).unwrap();
            *stage = samples::summary_of(of.samples);
            let figure = Figure::Stage(Stage::Compute, of);
            assert!(figure.read(&report).is_ok(), "{figure}");
            if of.samples > 1 {
                *report.stages.get_mut(&Stage::Compute).unwrap() =
                    samples::summary_of(of.samples - 1);
                let why = figure.read(&report).unwrap_err();
                assert!(why.contains("too few"), "{why}");
            }
        }
    }
}
