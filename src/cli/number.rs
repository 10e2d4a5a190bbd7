//! Numbers as they are typed, within what makes sense.

use crate::pipeline::PACES;
use std::ops::RangeInclusive;
use std::time::Duration;

/// From a microsecond to thirty years.
const SECONDS: RangeInclusive<f64> = 0.000_001..=1e9;

/// Frames a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let (least, most) = (PACES.start(), PACES.end());
    within(PACES, text)
        .ok_or_else(|| format!("expected a rate from {least} to {most} frames a second"))
}

/// A time in seconds, with or without its unit: `1.5`, `60s`.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let (least, most) = (SECONDS.start(), SECONDS.end());
    let number = text.strip_suffix('s').unwrap_or(text);
    let seconds = within(SECONDS, number).map(Duration::from_secs_f64);
    seconds.ok_or_else(|| format!("expected a number of seconds from {least} to {most}"))
}

fn within(range: RangeInclusive<f64>, text: &str) -> Option<f64> {
    text.parse().ok().filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        assert_eq!(rate("29.97"), Ok(29.97));
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("60s"), Ok(Duration::from_secs(60)));
        for bad in ["0", "-3", "1e-300", "1e300", "nan", "inf", "", "s", "fast"] {
            let said = rate(bad).unwrap_err();
            assert!(said.contains("from 0.001 to 100000"), "{bad}: {said}");
            let said = seconds(bad).unwrap_err();
            assert!(
                said.contains("from 0.000001 to 1000000000"),
                "{bad}: {said}"
            );
        }
    }
}
