//! `.hgrm`: a distribution as percentiles, byte for byte as the reference implementation prints it.
//!
//! (`AbstractHistogram.outputPercentileDistribution` of Java's HdrHistogram, five steps to each half
//! of what is left to 100 %.) Values are in milliseconds, which is what plotters take them for. A
//! file is of one stage: the one that its name says (`compute.hgrm`, `mmap.compute.hgrm`), else the
//! latency (`end_to_end` of a run with a pace, `service` of one without).

use super::{Kind, Of, OneRun, Sink};
use crate::error::Result;
use crate::stage::Stage;
use hdrhistogram::Histogram;
use std::fmt::Write as _;

pub(super) const KIND: Kind = Kind {
    ending: ".hgrm",
    summary: "percentiles of the latency, or of the stage in the name (compute.hgrm), for HdrHistogram's plotter",
    of: Of::Stage(write),
};

/// Nanoseconds in the unit of the values.
const UNIT: f64 = 1e6;

/// Steps to each half of what is left.
const STEPS: f64 = 5.0;

fn write(one: &OneRun<'_>, stage: Stage, sink: &mut Sink) -> Result<()> {
    sink.write(percentiles(&one.run.histograms[&stage]).as_bytes())
}

/// The text of a file.
pub(super) fn percentiles(histogram: &Histogram<u64>) -> String {
    let places = usize::from(histogram.sigfig());
    let (total, value) = (histogram.len(), |ns: f64| fixed(ns / UNIT, places));
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut line = |ns: u64, percent: f64, count: u64| {
        let (ns, share) = (value(ns as f64), percent / 100.0);
        let level = fixed(share, 12);
        let _ = write!(text, "{ns:>12} {level} {count:>10}");
        if percent < 100.0 {
            let _ = write!(text, " {:>14}", fixed(1.0 / (1.0 - share), 2));
        }
        text.push('\n');
    };
    let (mut level, mut count) = (0.0, 0);
    for recorded in histogram.iter_recorded() {
        let ns = recorded.value_iterated_to();
        count += recorded.count_at_value();
        while 100.0 * count as f64 / total as f64 >= level {
            line(ns, level, count);
            if count == total {
                line(ns, 100.0, count);
                break;
            }
            level += step(level);
        }
    }
    let (mean, deviation) = moments(histogram);
    let max = if total > 0 { histogram.max() } else { 0 };
    let _ = write!(
        text,
        "#[Mean    = {:>12}, StdDeviation   = {:>12}]\n\
         #[Max     = {:>12}, Total count    = {total:>12}]\n\
         #[Buckets = {:>12}, SubBuckets     = {:>12}]\n",
        value(mean),
        value(deviation),
        value(max as f64),
        histogram.buckets(),
        (2 * 10_u64.pow(histogram.sigfig().into())).next_power_of_two()
    );
    text
}

/// From one level to the next, in per cent: half as much each time that half of the way is done.
fn step(level: f64) -> f64 {
    let halves = ((100.0 / (100.0 - level)).ln() / 2_f64.ln()).trunc() + 1.0;
    100.0 / (STEPS * halves.exp2())
}

/// Mean and standard deviation, added up in the reference's order.
fn moments(histogram: &Histogram<u64>) -> (f64, f64) {
    let total = histogram.len().max(1) as f64;
    let values = || {
        let recorded = histogram.iter_recorded();
        recorded.map(|one| {
            let middle = histogram.median_equivalent(one.value_iterated_to()) as f64;
            (middle, one.count_at_value() as f64)
        })
    };
    let mean = values().map(|(value, count)| value * count).sum::<f64>() / total;
    let squares = values().map(|(value, count)| (value - mean) * (value - mean) * count);
    (mean, (squares.sum::<f64>() / total).sqrt())
}

/// A number that is not negative with so many places, rounded as Java does: half up, of the shortest
/// decimal that stands for it. (Rust rounds what it is exactly: 0.0005 is a little more than that.)
fn fixed(value: f64, places: usize) -> String {
    let text = value.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let kept = format!("{part:0<places$}");
    let digits = format!("{whole}{}", &kept[..places]);
    let up = kept
        .as_bytes()
        .get(places)
        .is_some_and(|&digit| digit >= b'5');
    // Of 64 bits and twelve places there are at most 32 digits.
    let digits = digits.parse::<u128>().unwrap_or(u128::MAX - 1) + u128::from(up);
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    format!("{whole}.{part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::histogram::tests::sample_stages;

    #[test]
    fn numbers_are_rounded_as_the_reference_rounds_them() {
        for (value, places, text) in [
            (0.0, 3, "0.000"),
            (0.0005, 3, "0.001"),
            (1.0005, 3, "1.001"),
            (2.675, 2, "2.68"),
            (0.999_96, 3, "1.000"),
            (99.995, 2, "100.00"),
            (1234.5, 3, "1234.500"),
            (0.1 + 0.2, 12, "0.300000000000"),
            (1e21, 2, "1000000000000000000000.00"),
        ] {
            assert_eq!(fixed(value, places), text, "{value}");
        }
    }

    /// The files were written by `outputPercentileDistribution` of Java's HdrHistogram 2.1.11, the
    /// reference implementation, from the samples of [`sample_stages`] (`scripts/make-golden`).
    #[test]
    fn percentiles_are_those_of_the_reference_implementation_byte_for_byte() {
        let stages = sample_stages();
        for (stage, golden) in [
            (
                Stage::Compute,
                include_str!("../../../tests/golden/compute.hgrm"),
            ),
            (
                Stage::EndToEnd,
                include_str!("../../../tests/golden/end_to_end.hgrm"),
            ),
        ] {
            assert_eq!(percentiles(stages.get(stage)), golden, "{}", stage.name());
        }
    }

    #[test]
    fn a_single_sample_and_none_at_all_have_a_distribution() {
        let mut one = Histogram::new(3).unwrap();
        let none = percentiles(&one);
        assert!(none.contains("Total count    =            0"), "{none}");
        one.record(5_000_000).unwrap();
        let lines = percentiles(&one);
        assert!(lines.contains("1.000000000000          1\n"), "{lines}");
        assert!(
            lines.contains("0.000000000000          1           1.00\n"),
            "{lines}"
        );
    }
}
