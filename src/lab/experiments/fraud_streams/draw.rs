//! What was measured of streams, in figures and drawn.

use super::{HEIGHT, INTERVALS, Interval, Measured};
use crate::lab::{Drawing, Figure, Unit};
use crate::report::units::{ABSENT, digits, time};
use crate::statistics::Estimate;

/// For each interval the keys and names of its figures: the median and the 99th percentile of the time
/// until another has begun its next stream, and the frames wasted.
pub(super) const FIGURES: [[(&str, &str); 3]; INTERVALS.len()] = [
    [
        ("row_median_s", "a look every row: the next begun, median"),
        ("row_p99_s", "… 99th percentile"),
        ("row_wasted", "… wasted after a find, of a frame"),
    ],
    [
        ("rows_10_median_s", "every 10 rows: the next begun, median"),
        ("rows_10_p99_s", "… 99th percentile"),
        ("rows_10_wasted", "… wasted after a find, of a frame"),
    ],
    [
        (
            "rows_100_median_s",
            "every 100 rows: the next begun, median",
        ),
        ("rows_100_p99_s", "… 99th percentile"),
        ("rows_100_wasted", "… wasted after a find, of a frame"),
    ],
    [
        ("frame_median_s", "every frame: the next begun, median"),
        ("frame_p99_s", "… 99th percentile"),
        ("frame_wasted", "… wasted after a find, of a frame"),
    ],
];

pub(super) fn figures(measured: &Measured) -> Vec<Figure> {
    let (often, rarely) = (measured.often(), measured.rarely());
    let soonest = measured.best(|interval| interval.first).first;
    let prompt = measured.best(|interval| interval.last).last;
    // Of too few turns it is not a number.
    let slower = often.slower.map_or(f64::NAN, |slower| slower.value);
    let curve = FIGURES.iter().zip(&measured.intervals);
    let curve = curve.flat_map(|([median, p99, wasted], interval)| {
        let p99 = interval
            .p99
            .map(|seconds| Figure::seconds(p99.0, p99.1, seconds));
        let median = Figure::seconds(median.0, median.1, interval.median);
        let wasted = Figure::new(wasted.0, wasted.1, Unit::Share, interval.wasted);
        [Some(median), p99, Some(wasted)]
    });
    let mut figures: Vec<_> = curve.flatten().collect();
    figures.extend([
        Figure::seconds("soonest_s", "the first other begins the next", soonest),
        Figure::seconds("latest_s", "… if it looks once a frame", rarely.first),
        Figure::times("late", "… how many times as late", rarely.first / soonest),
        Figure::seconds("all_s", "all four have begun the next, at best", prompt),
        Figure::new(
            "waits",
            "… in frames",
            Unit::Share,
            prompt / measured.frame(),
        )
        .about(0.0),
        Figure::seconds("frame_s", "one worker's time for a frame", measured.frame()),
        Figure::times("slower", "frames, a look at every row", slower),
    ]);
    figures
}

pub(super) fn rows(rows: u32) -> String {
    match rows {
        1 => "row".into(),
        _ if rows == HEIGHT as u32 => "frame".into(),
        _ => format!("{rows} rows"),
    }
}

pub(super) fn table(measured: &Measured) -> Drawing {
    let seconds = |seconds: f64| time(1e9 * seconds);
    let speed = |slower: Estimate| format!("{} %", digits(100.0 / slower.value));
    let row = |interval: &Interval| {
        vec![
            rows(interval.rows),
            seconds(interval.median),
            interval.p99.map_or(ABSENT.into(), seconds),
            seconds(interval.first),
            seconds(interval.last),
            digits(interval.wasted),
            interval.slower.map_or(ABSENT.into(), speed),
        ]
    };
    Drawing::Table {
        title: format!(
            "From a find until the others have begun their next streams, and frames that they waste, of {HEIGHT} \
             rows each; and the speed where there is nothing to find, of that with a look a frame"
        ),
        header: [
            "a look every",
            "median",
            "p99",
            "the first",
            "the last",
            "wasted",
            "speed",
        ]
        .map(String::from)
        .to_vec(),
        rows: measured.intervals.iter().map(row).collect(),
    }
}

pub(super) fn curve(measured: &Measured) -> Drawing {
    let bar = |interval: &Interval| (format!("every {}", rows(interval.rows)), interval.first);
    Drawing::Bars {
        title: "The first of the others has begun its next stream after".into(),
        unit: Unit::Seconds,
        bars: measured.intervals.iter().map(bar).collect(),
    }
}
