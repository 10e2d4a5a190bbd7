//! Limits as they are typed, and figures shown beside them.

use super::figure::Quantity;
use crate::analysis::quoted;
use std::fmt;

/// A number, in the unit that it was typed in; or a truth, as 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Value {
    number: f64,
    unit: &'static Unit,
}

/// A way to write a quantity down.
#[derive(Debug, PartialEq)]
struct Unit {
    name: &'static str,
    /// What one of it is of what figures count in: nanoseconds, bytes, or one.
    one: f64,
    quantity: Quantity,
}

const fn unit(name: &'static str, one: f64, quantity: Quantity) -> Unit {
    Unit {
        name,
        one,
        quantity,
    }
}

/// Microseconds with the Greek letter, which looks like the micro sign.
const GREEK: &str = "\u{3bc}s";

static UNITS: [Unit; 19] = [
    unit("", 1.0, Quantity::Number),
    unit("", 1.0, Quantity::Share),
    unit("", 1.0, Quantity::Truth),
    unit("%", 0.01, Quantity::Share),
    unit("ns", 1.0, Quantity::Time),
    unit("us", 1e3, Quantity::Time),
    unit("\u{b5}s", 1e3, Quantity::Time),
    unit(GREEK, 1e3, Quantity::Time),
    unit("ms", 1e6, Quantity::Time),
    unit("s", 1e9, Quantity::Time),
    unit("B", 1.0, Quantity::Bytes),
    unit("kB", 1e3, Quantity::Bytes),
    unit("MB", 1e6, Quantity::Bytes),
    unit("GB", 1e9, Quantity::Bytes),
    unit("TB", 1e12, Quantity::Bytes),
    unit("KiB", 1024.0, Quantity::Bytes),
    unit("MiB", 1_048_576.0, Quantity::Bytes),
    unit("GiB", 1_073_741_824.0, Quantity::Bytes),
    unit("TiB", 1_099_511_627_776.0, Quantity::Bytes),
];

impl Value {
    /// Parses a limit for a quantity; an error is the end of a sentence about the figure.
    pub(super) fn parse(text: &str, quantity: Quantity) -> Result<Self, String> {
        if quantity == Quantity::Truth {
            let truth = text.parse::<bool>();
            let truth = truth.map_err(|_| format!("is true or false, not {}", quoted(text)))?;
            return Ok(Self::truth(truth));
        }
        let Some((number, name)) = number(text) else {
            return Err(match text {
                "" => "is compared with nothing: say a limit".into(),
                _ => format!("is compared with a number, not {}", quoted(text)),
            });
        };
        let mut units = UNITS.iter().filter(|unit| unit.quantity == quantity);
        if let Some(unit) = units.clone().find(|unit| unit.name == name) {
            return Ok(Self { number, unit });
        }
        let names = units.clone().map(|unit| unit.name);
        let names: Vec<_> = names.filter(|name| !["", GREEK].contains(name)).collect();
        Err(match (name, units.next(), &names[..]) {
            // Nothing is nothing in all units.
            ("", Some(smallest), _) if number == 0.0 => {
                return Ok(Self {
                    number,
                    unit: smallest,
                });
            }
            ("", ..) => format!("needs a unit: {}", names.join(", ")),
            (_, _, []) => format!("is a number without a unit, not in {}", quoted(name)),
            _ => format!("is in {}, not in {}", names.join(", "), quoted(name)),
        })
    }

    fn truth(truth: bool) -> Self {
        let mut units = UNITS.iter();
        let unit = units.find(|unit| unit.quantity == Quantity::Truth);
        Self {
            number: f64::from(u8::from(truth)),
            unit: unit.unwrap_or(&UNITS[0]),
        }
    }

    /// In what figures count in: nanoseconds, bytes, or one.
    pub(super) fn base(self) -> f64 {
        self.number * self.unit.one
    }

    /// A figure in the same unit; in so many digits that it stands on its side of this one.
    pub(super) fn alike(self, base: f64) -> String {
        if base == self.base() {
            return self.to_string();
        }
        let exact = base / self.unit.one;
        let short = rounded(exact);
        let same_side = short.partial_cmp(&self.number) == exact.partial_cmp(&self.number);
        let number = if same_side { short } else { exact };
        Self { number, ..self }.to_string()
    }
}

/// Five digits of it, or all that stand before the point.
fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let places = 4 - number.abs().log10().floor() as i32;
    let scale = 10f64.powi(places.clamp(0, 15));
    (number * scale).round() / scale
}

/// The number that a text begins with, and what follows.
fn number(text: &str) -> Option<(f64, &str)> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let ends = (1..=text.len())
        .rev()
        .filter(|&end| text.is_char_boundary(end));
    // No text that makes sense is longer.
    let mut ends = ends.skip_while(|&end| end > 64);
    let number = |end: usize| {
        let number: f64 = text[..end].parse().ok()?;
        Some((number, text[end..].trim_start()))
    };
    let (number, rest) = starts_well.then(|| ends.find_map(number)).flatten()?;
    number.is_finite().then_some((number, rest))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, unit } = self;
        match (unit.quantity, unit.name) {
            (Quantity::Truth, _) => write!(f, "{}", *number != 0.0),
            (_, "") => write!(f, "{number}"),
            (_, name) => write!(f, "{number} {name}"),
        }
    }
}
