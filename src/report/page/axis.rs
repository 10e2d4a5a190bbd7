//! Axes that know their own marks.
//!
//! plotters leaves the choice of marks to a coordinate. Ours choose numbers that people count in, and
//! only as many as there is room to write.

use crate::report::units::digits;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// From where to where, on which scale, and what is marked.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    is_log: bool,
    marks: Vec<(f64, String)>,
}

/// What numbers on an axis are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Nanoseconds.
    Nanos,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Shares of a whole, which is 1.
    Share,
    /// Anything.
    Number,
}

impl Counted {
    fn units(self) -> &'static [(f64, &'static str)] {
        match self {
            Self::Nanos => &[(1e9, " s"), (1e6, " ms"), (1e3, " µs"), (1.0, " ns")],
            Self::Seconds => &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")],
            Self::Bytes => &[
                (1e12, " TB"),
                (1e9, " GB"),
                (1e6, " MB"),
                (1e3, " kB"),
                (1.0, " B"),
            ],
            Self::BytesPerSecond => &[
                (1e12, " TB/s"),
                (1e9, " GB/s"),
                (1e6, " MB/s"),
                (1e3, " kB/s"),
                (1.0, " B/s"),
            ],
            Self::Share => &[(0.01, " %")],
            Self::Number => &[(1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")],
        }
    }

    /// A round number as short as can be: `2 ms`, `500 µs`.
    fn mark(self, value: f64) -> String {
        if value == 0.0 {
            return "0".into();
        }
        let units = self.units();
        let fits = |unit: &&(f64, &str)| value.abs() >= 0.9999 * unit.0;
        let (unit, name) = units.iter().find(fits).unwrap_or(&units[units.len() - 1]);
        // Free of what floating point adds behind the digits that were meant.
        let number: f64 = format!("{:.3e}", value / unit).parse().unwrap_or(value);
        format!("{number}{name}")
    }
}

/// Room for a mark on an axis, by the letters of its words; and between two that stand above each
/// other.
const LETTER: f64 = 6.6;
const LINE: f64 = 26.0;

impl Axis {
    /// From 0 to a round number that is not below `most`, on a scale in which equal steps are equally
    /// long. `room` is the axis' length in the SVG's units; `lies` says that its marks stand beside
    /// each other.
    pub(super) fn linear(most: f64, counted: Counted, room: f64, lies: bool) -> Self {
        let most = if most.is_finite() && most > 0.0 {
            most
        } else {
            1.0
        };
        let widest = counted.mark(most).chars().count() as f64 + 2.0;
        let each = if lies { LETTER * widest + 14.0 } else { LINE };
        let step = round_up(most / (room / each).max(1.0));
        let steps = (most / step - 1e-9).ceil().max(1.0);
        let marks = (0..=steps as u64).map(|n| n as f64 * step);
        Self {
            from: 0.0,
            to: steps * step,
            is_log: false,
            marks: marks.map(|value| (value, counted.mark(value))).collect(),
        }
    }

    /// The same, but ending exactly with `most`.
    pub(super) fn until(most: f64, counted: Counted, room: f64) -> Self {
        let mut axis = Self::linear(most, counted, room, true);
        if most.is_finite() && most > 0.0 {
            axis.to = most;
            axis.marks.retain(|(value, _)| *value <= most);
        }
        axis
    }

    /// From a round number below `least` to one above `most`, on a scale in which equal factors are
    /// equally long.
    pub(super) fn log(least: f64, most: f64, counted: Counted, room: f64) -> Self {
        let least = if least.is_finite() {
            least.max(1.0)
        } else {
            1.0
        };
        let most = most.max(least * 1.01);
        let steps: &[f64] = match (most / least).log10() {
            ..1.5 => &[1.0, 2.0, 5.0],
            ..4.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let powers = least.log10().floor() as i32..=most.log10().ceil() as i32;
        let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
        let all: Vec<f64> = all.collect();
        let from = all.iter().copied().rfind(|mark| *mark <= least * 1.001);
        let to = all.iter().copied().find(|mark| *mark >= most * 0.999);
        let (from, to) = (from.unwrap_or(least), to.unwrap_or(most));
        let inside = all.into_iter().filter(|mark| (from..=to).contains(mark));
        let marks: Vec<_> = inside.map(|value| (value, counted.mark(value))).collect();
        // Every second or third, where there are too many.
        let each = (marks.len() as f64 * LINE / room).ceil().max(1.0) as usize;
        Self {
            from,
            to,
            is_log: true,
            marks: marks.into_iter().step_by(each).collect(),
        }
    }

    /// Percentiles of so many samples: as far from the median to the 90th as from there to the 99th,
    /// and so on. A percentile's place is [`nines`] of it.
    pub(super) fn nines(samples: u64, room: f64) -> Self {
        let to = (samples.max(1) as f64).log10().max(1.0) + 0.15;
        let mut marks = vec![(0.0, "0 %".to_owned()), (nines(0.5), "50 %".to_owned())];
        for n in 1..=to as u32 {
            let percent = match n {
                1 => "90 %".to_owned(),
                2 => "99 %".to_owned(),
                _ => format!("99.{} %", "9".repeat(n as usize - 2)),
            };
            marks.push((f64::from(n), percent));
        }
        let place = |value: f64| value / to * room;
        let mut kept: Vec<(f64, String)> = Vec::new();
        // The high ones are what the chart is for.
        for (value, text) in marks.into_iter().rev() {
            let half = LETTER * text.chars().count() as f64 / 2.0;
            let is_free = kept.last().is_none_or(|(before, other)| {
                let other = LETTER * other.chars().count() as f64 / 2.0;
                place(*before) - place(value) > half + other + 4.0
            });
            if is_free {
                kept.push((value, text));
            }
        }
        kept.reverse();
        Self {
            from: 0.0,
            to,
            is_log: false,
            marks: kept,
        }
    }

    /// Without marks.
    pub(super) fn plain(from: f64, to: f64) -> Self {
        Self {
            from,
            to,
            is_log: false,
            marks: Vec::new(),
        }
    }

    /// From where to where.
    pub(super) const fn ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    fn place(&self, value: f64) -> f64 {
        if self.is_log {
            value.max(self.from / 10.0).log10()
        } else {
            value
        }
    }
}

/// Where a percentile (from 0 to 1) stands on its axis: how many nines it has.
pub(super) fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// 1, 2 or 5 times a power of ten, and not below `step`.
fn round_up(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let times = step / power;
    let round = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|round| times <= round * 1.0001);
    round.unwrap_or(10.0) * power
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (begin, end): (i32, i32)) -> i32 {
        let (from, to) = (self.place(self.from), self.place(self.to));
        let share = (self.place(*value) - from) / (to - from);
        begin + (f64::from(end - begin) * share.clamp(-0.05, 1.05)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // The fine grid would be drawn at the same places.
        match hint.weight().allow_light_points() {
            true => Vec::new(),
            false => self.marks.iter().map(|(value, _)| *value).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        digits(*value)
    }

    fn format_ext(&self, value: &f64) -> String {
        let mark = self.marks.iter().find(|(mark, _)| mark == value);
        mark.map_or_else(String::new, |(_, text)| text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(axis: &Axis) -> Vec<&str> {
        axis.marks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn marks_are_round_and_as_many_as_there_is_room_for() {
        let axis = Axis::linear(137e6, Counted::Nanos, 200.0, false);
        assert_eq!(
            marks(&axis),
            [
                "0", "20 ms", "40 ms", "60 ms", "80 ms", "100 ms", "120 ms", "140 ms"
            ]
        );
        let axis = Axis::linear(137e6, Counted::Nanos, 80.0, false);
        assert_eq!(marks(&axis), ["0", "50 ms", "100 ms", "150 ms"]);
        let axis = Axis::until(0.256, Counted::Seconds, 280.0);
        assert_eq!(marks(&axis), ["0", "100 ms", "200 ms"]);
        assert_eq!(axis.ends(), (0.0, 0.256));
        let axis = Axis::linear(20e9, Counted::BytesPerSecond, 300.0, true);
        assert_eq!(marks(&axis)[1..3], ["5 GB/s", "10 GB/s"]);
        let axis = Axis::until(1.0, Counted::Share, 900.0);
        assert_eq!((marks(&axis)[1], marks(&axis)[10]), ("10 %", "100 %"));
        for most in [0.0, f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(
                Axis::linear(most, Counted::Number, 100.0, true).ends(),
                (0.0, 1.0)
            );
        }
    }

    #[test]
    fn factors_are_marked_at_round_numbers_around_all_values() {
        let axis = Axis::log(1.7e6, 2.4e6, Counted::Nanos, 200.0);
        assert_eq!(marks(&axis), ["1 ms", "2 ms", "5 ms"]);
        let axis = Axis::log(90e3, 137e6, Counted::Nanos, 300.0);
        assert_eq!(marks(&axis)[..3], ["30 µs", "100 µs", "300 µs"]);
        assert_eq!(marks(&axis).last(), Some(&"300 ms"));
        assert_eq!(axis.map(&30e3, (0, 100)), 0);
        assert_eq!(axis.map(&3e6, (0, 100)), 50);
        let axis = Axis::log(900.0, 1.5e9, Counted::Nanos, 100.0);
        assert_eq!(marks(&axis), ["100 ns", "100 µs", "100 ms"]);
        let axis = Axis::log(0.0, 0.0, Counted::Nanos, 300.0);
        assert!(axis.ends().0 < axis.ends().1);
    }

    #[test]
    fn each_nine_is_as_long_as_the_next() {
        let axis = Axis::nines(10_000, 600.0);
        assert_eq!(
            marks(&axis),
            ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
        assert!((nines(0.99) - 2.0).abs() < 1e-9 && nines(0.0) == 0.0);
        let narrow = Axis::nines(1_000_000, 260.0);
        assert_eq!(marks(&narrow).last(), Some(&"99.9999 %"));
        assert!(!marks(&narrow).contains(&"50 %"), "{narrow:?}");
        assert_eq!(marks(&Axis::nines(1, 600.0)), ["0 %", "50 %", "90 %"]);
    }
}
