//! Numbers on a page that can be found in the report.
//!
//! Each is a `data` element: what people read is its text, what a program reads is its value, and
//! `data-field` says of what: a path into `report.json`, as `totals.fps`, or several with `+`, `*`
//! and `/` between them, carried out from left to right. `data-run` on an element around it says of
//! which run, from 0 on. A ratio to the first run has `data-ratio` instead: a path into that run's entry
//! of the `ratios` of `compare --json`.

use crate::report::units::{self, ABSENT, factor};
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

/// How a figure stands to that of the first run, and below it from where to where that lies.
pub(super) fn ratio(path: &str, value: Option<f64>, interval: Option<Estimate>) -> Markup {
    let part = |path: &str, value: f64, shown: String| {
        html! { data value=(value.exactly()) data-ratio=(path) { (shown) } }
    };
    let end = |which: &str, value| part(&format!("intervals.{path}.{which}"), value, factor(value));
    html! {
        @if let Some(value) = value { " " small { (part(path, value, units::ratio(value))) } }
        @if let Some(of) = interval {
            small.lies { "(" (end("low", of.low)) " to " (end("high", of.high)) ")" }
        }
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
