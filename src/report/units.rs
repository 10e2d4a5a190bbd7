//! Numbers as people read them: three significant digits and a unit.

use crate::statistics::Estimate;

/// The sign for a value that is absent.
pub(crate) const ABSENT: &str = "–";

/// Why a machine's limits have no bandwidth.
pub(super) const BANDWIDTH_NOT_MEASURED: &str =
    "not measured: there is too little memory for buffers well above the processor's cache";

/// Three significant digits, or all digits before the point; at most four behind it.
pub(crate) fn digits(value: f64) -> String {
    let places = match value.abs() {
        0.0 | 99.95.. => 0,
        9.995.. => 1,
        0.9995.. => 2,
        0.09995.. => 3,
        _ => 4,
    };
    format!("{value:.places$}")
}

/// A pace in frames a second, as one asks for it: `30`, `29.97`, `0.5`.
pub(crate) fn pace(fps: f64) -> String {
    let places = if fps < 1.0 { 4 } else { 2 };
    let text = format!("{fps:.places$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Nanoseconds in the unit that suits them: `950 ns`, `12.3 µs`, `1.20 ms`, `2.50 s`.
pub(crate) fn time(ns: f64) -> String {
    scaled(ns, &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")])
}

/// Seconds likewise.
pub(crate) fn seconds(seconds: f64) -> String {
    time(1e9 * seconds)
}

/// Bytes in powers of a thousand: `24 B`, `49.8 MB`.
pub(crate) fn bytes(bytes: f64) -> String {
    let units = [
        (1e12, "TB"),
        (1e9, "GB"),
        (1e6, "MB"),
        (1e3, "kB"),
        (1.0, "B"),
    ];
    scaled(bytes, &units)
}

/// A mean of counts, to the hundredth.
pub(crate) fn mean_count(mean: f64) -> String {
    count((mean * 100.0).round() / 100.0)
}

/// A count, or a mean of some: `812`, `12.2 k`, `3.10 M`, `0.25`.
pub(crate) fn count(count: f64) -> String {
    if count < 9999.5 && count.fract() == 0.0 {
        return format!("{count:.0}");
    }
    if count < 0.9995 {
        return format!("{count:.2}");
    }
    scaled(count, &[(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")])
        .trim_end()
        .to_owned()
}

/// `value` in the largest unit that it holds at least one of.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // Just below a unit rounds to it: 999.7 µs are 1.00 ms.
    let fits = |unit: &&(f64, &str)| value / unit.0 >= 0.9995;
    let smallest = units[units.len() - 1];
    let (unit, name) = *units.iter().find(fits).unwrap_or(&smallest);
    let value = value / unit;
    if unit == 1.0 && value.fract() == 0.0 {
        return format!("{value:.0} {name}");
    }
    format!("{} {name}", digits(value))
}

/// How a figure stands to the baseline's, and the interval of that: `×61 59–63`, `÷1.43 1.40–1.52`, and
/// `≈ ÷1.02–×1.05` where that holds 1.
pub(super) fn ratio(of: Estimate) -> String {
    let [(_, _, value), (_, _, low), (_, _, high)] = ratio_parts(of);
    format!("{value} {low}–{high}")
}

/// Its parts in the order in which they are read: what each is in the estimate, how much, and as it is
/// written.
pub(super) fn ratio_parts(of: Estimate) -> [(&'static str, f64, String); 3] {
    let Estimate { value, low, high } = of;
    if holds_1(of) {
        return [
            ("value", value, "≈".into()),
            ("low", low, times_or_part(low)),
            ("high", high, times_or_part(high)),
        ];
    }
    let value = ("value", value, times_or_part(value));
    match high < 1.0 {
        true => [
            value,
            ("high", high, times_digits(1.0 / high)),
            ("low", low, times_digits(1.0 / low)),
        ],
        false => [
            value,
            ("low", low, times_digits(low)),
            ("high", high, times_digits(high)),
        ],
    }
}

/// Whether it may be that there is no difference.
pub(super) fn holds_1(of: Estimate) -> bool {
    of.low <= 1.0 && of.high >= 1.0
}

/// `×61`, `÷1.43`.
fn times_or_part(factor: f64) -> String {
    match factor >= 1.0 {
        true => format!("×{}", times_digits(factor)),
        false => format!("÷{}", times_digits(1.0 / factor)),
    }
}

/// A factor of at least 1, in two or three digits: `1.43`, `6.1`, `61`, `12k`.
pub(super) fn times_digits(times: f64) -> String {
    if times >= 9999.5 {
        return format!("{:.0}k", times / 1e3);
    }
    match times {
        ..1.995 => format!("{times:.2}"),
        ..9.95 => format!("{times:.1}"),
        _ => format!("{times:.0}"),
    }
}

/// Where a factor lies: `0.981 to 1.03`, `59 to 63`.
pub(super) fn factors(of: Estimate) -> String {
    format!("{} to {}", factor(of.low), factor(of.high))
}

/// A factor that may be below 1.
pub(super) fn factor(factor: f64) -> String {
    match factor {
        ..0.0005 => "0".into(),
        ..1.995 => digits(factor),
        _ => times_digits(factor),
    }
}

/// Words joined as in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn list<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// As much of a digest as tells it from another.
pub(crate) fn short_digest(digest: &str) -> String {
    format!("{}…", digest.get(..12).unwrap_or(digest))
}

/// `1 frame`, `2 frames`.
pub(crate) fn plural(n: u64, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_in_three_digits_and_a_unit() {
        for (ns, text) in [
            (0.0, "0 ns"),
            (950.0, "950 ns"),
            (12_345.0, "12.3 µs"),
            (999_700.0, "1.00 ms"),
            (129_000_000.0, "129 ms"),
            (2.5e9, "2.50 s"),
            (0.5, "0.500 ns"),
        ] {
            assert_eq!(time(ns), text, "{ns}");
        }
        assert_eq!(bytes(49_766_400.0), "49.8 MB");
        assert_eq!(bytes(24.0), "24 B");
        assert_eq!(count(12_150.0), "12.2 k");
        assert_eq!(count(812.0), "812");
        assert_eq!(count(0.25), "0.25");
    }

    #[test]
    fn three_digits_are_three_below_one_as_well() {
        for (value, text) in [
            (0.0, "0"),
            (1234.5, "1234"),
            (99.96, "100"),
            (9.996, "10.0"),
            (0.9996, "1.00"),
            (-0.4333, "-0.433"),
            (0.0361, "0.0361"),
            (0.000_04, "0.0000"),
        ] {
            assert_eq!(digits(value), text);
        }
    }

    #[test]
    fn a_pace_is_not_rounded_to_another_that_one_might_ask_for() {
        for (fps, text) in [
            (30.0, "30"),
            (29.97, "29.97"),
            (30_000.0 / 1001.0, "29.97"),
            (23.976, "23.98"),
            (7.5, "7.5"),
            (100.0, "100"),
            (0.005, "0.005"),
        ] {
            assert_eq!(pace(fps), text, "{fps}");
        }
    }

    fn estimate(value: f64, low: f64, high: f64) -> Estimate {
        Estimate { value, low, high }
    }

    #[test]
    fn ratios_show_their_direction_and_where_they_lie() {
        for (value, low, high, text) in [
            (61.2, 59.0, 63.4, "×61 59–63"),
            (1.0 / 1290.0, 0.000_75, 0.0008, "÷1290 1250–1333"),
            (1.43, 1.401, 1.52, "×1.43 1.40–1.52"),
            (0.5, 0.4, 0.6, "÷2.0 1.67–2.5"),
            (1.02, 0.98, 1.05, "≈ ÷1.02–×1.05"),
            (1.0, 1.0, 1.0, "≈ ×1.00–×1.00"),
            (1.02, 1.000_01, 1.05, "×1.02 1.00–1.05"),
            (0.98, 0.95, 0.999_99, "÷1.02 1.00–1.05"),
            (25_000.0, 9_999.0, 26_000.0, "×25k 9999–26k"),
        ] {
            assert_eq!(ratio(estimate(value, low, high)), text, "{value}");
        }
        let parts = ratio_parts(estimate(0.5, 0.4, 0.6));
        assert_eq!(
            parts.clone().map(|(which, ..)| which),
            ["value", "high", "low"]
        );
        assert_eq!(parts.map(|(_, factor, _)| factor), [0.5, 0.6, 0.4]);
    }

    #[test]
    fn where_a_factor_lies_is_said_with_three_digits_about_1() {
        let factors = |low, high| super::factors(estimate(1.0, low, high));
        assert_eq!(factors(0.98123, 1.0312), "0.981 to 1.03");
        assert_eq!(factors(59.2, 12_345.0), "59 to 12k");
        assert_eq!(factors(0.0, 0.5), "0 to 0.500");
    }

    #[test]
    fn lists_and_plurals_are_grammatical() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(plural(1, "frame"), "1 frame");
        assert_eq!(plural(0, "frame"), "0 frames");
    }
}
