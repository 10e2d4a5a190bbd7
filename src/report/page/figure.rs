//! Numbers on a page that can be found in the report.
//!
//! Each is a `data` element: what people read is its text, what a program reads is its value, and
//! `data-field` says of what: a path into `report.json`, as `totals.fps`, or several with `+`, `*`
//! and `/` between them, carried out from left to right. `data-run` on an element around it says of
//! which run, from 0 on. A ratio to the first run has `data-ratio` instead: a path into that run's entry
//! of the `ratios` of `compare --json`.

use crate::report::units::{ABSENT, ratio_parts};
use crate::statistics::Estimate;
use maud::{Markup, html};

/// What a number is, exactly.
pub(super) trait Exactly {
    fn exactly(self) -> String;
}

impl Exactly for u64 {
    fn exactly(self) -> String {
        self.to_string()
    }
}

impl Exactly for usize {
    fn exactly(self) -> String {
        self.to_string()
    }
}

impl Exactly for f64 {
    fn exactly(self) -> String {
        self.to_string()
    }
}

impl Exactly for bool {
    fn exactly(self) -> String {
        self.to_string()
    }
}

/// A number of the report, as people read it.
pub(super) fn figure(field: &str, value: impl Exactly, shown: &str) -> Markup {
    html! { data value=(value.exactly()) data-field=(field) { (shown) } }
}

/// The same where there may be none.
pub(super) fn figure_if<T: Exactly + Copy>(
    field: &str,
    value: Option<T>,
    show: impl Fn(T) -> String,
) -> Markup {
    match value {
        Some(value) => figure(field, value, &show(value)),
        None => html! { span.soft { (ABSENT) } },
    }
}

/// How a figure stands to that of the first run, and the interval of that.
pub(super) fn ratio(path: &str, of: Option<Estimate>) -> Markup {
    let part = |(which, value, shown): (&str, f64, String)| {
        html! { data value=(value.exactly()) data-ratio=(format!("{path}.{which}")) { (shown) } }
    };
    match of.map(ratio_parts) {
        Some([value, from, to]) => html! {
            (part(value)) " "
            small.lies { "(" (part(from)) " to " (part(to)) ")" }
        },
        None => html! { span.soft { (ABSENT) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_the_very_value_beside_the_one_for_people() {
        let third = figure("totals.fps", 1.0 / 3.0, "0.333").into_string();
        let value = "<data value=\"0.3333333333333333\" data-field=\"totals.fps\">0.333</data>";
        assert_eq!(third, value);
        assert_eq!("0.3333333333333333".parse(), Ok(1.0 / 3.0));
        let none = figure_if("totals.max_sustained_fps", None::<f64>, |fps| {
            fps.to_string()
        });
        assert!(none.into_string().contains(ABSENT));
    }
}
