//! Thresholds held against runs.

use super::Threshold;
use crate::report::Comparison;
use crate::report::compare::Run;
use crate::report::style::Style;
use crate::report::trust::Intervals;
use serde::Serialize;

/// What came of one threshold in one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Judgement {
    /// The run.
    pub run: String,
    /// The threshold: the run fails if it is true.
    pub fails_if: String,
    /// The figure, in nanoseconds, bytes, or a number (1 for true, 0 for false); null where it
    /// cannot be known.
    pub value: Option<f64>,
    /// Whether the run has failed: the threshold is true, or the figure cannot be known.
    pub failed: bool,
    /// Figure and threshold in a sentence, with the reason where the figure cannot be known.
    pub sentence: String,
}

/// Holds each threshold against each run.
pub fn judge(thresholds: &[Threshold], runs: &Comparison) -> Vec<Judgement> {
    let each = thresholds.iter();
    each.flat_map(|threshold| threshold.judge(runs)).collect()
}

/// Judgements as lines of text, a tick or a cross before each.
pub fn judgements(judgements: &[Judgement], style: Style) -> String {
    let width = judgements.iter().map(|one| one.run.chars().count()).max();
    let width = width.unwrap_or(0);
    let line = |one: &Judgement| {
        let sign = if one.failed {
            style.red("✗")
        } else {
            style.green("✓")
        };
        let text = format!("{:<width$}  {}", one.run, one.sentence);
        // Beside the sign.
        let beside = Style {
            width: style.width.saturating_sub(2),
            ..style
        };
        let text = beside.wrap(&text, width + 2).replace('\n', "\n  ");
        format!("{sign} {text}")
    };
    let lines: Vec<_> = judgements.iter().map(line).collect();
    lines.join("\n")
}

impl Threshold {
    fn judge(&self, runs: &Comparison) -> Vec<Judgement> {
        let base = &runs.runs[0];
        if !self.is_ratio {
            let each = runs.runs.iter();
            return each
                .map(|run| self.judgement(run, self.figure.read(&run.report)))
                .collect();
        }
        let others = &runs.runs[1..];
        if others.is_empty() {
            let alone = "it is the only run, and there is nothing to compare it with";
            return vec![self.judgement(base, Err(alone.into()))];
        }
        let ratio = |run: &Run| {
            let differences = runs.differences();
            if let Some(difference) = differences.iter().find(|one| one.forbids_ratios) {
                return Err(format!("the runs differ in {}", difference.what));
            }
            let value = self.figure.read(&run.report)?;
            let of_base = self.figure.read(&base.report);
            let of_base = of_base.map_err(|why| format!("of {}, {why}", base.name))?;
            let of_all = match of_base == 0.0 {
                true => Err(format!("that of {} is 0", base.name)),
                false => Ok(value / of_base),
            };
            // The ratio that is shown.
            let usual = self.figure.usual_ratio(&Intervals::of(base, run));
            usual.map_or(of_all, Ok)
        };
        others
            .iter()
            .map(|run| self.judgement(run, ratio(run)))
            .collect()
    }

    fn judgement(&self, run: &Run, seen: Result<f64, String>) -> Judgement {
        let (value, shown) = match seen {
            Ok(value) => (Some(value), self.limit.alike(value)),
            Err(why) => (None, format!("not known: {why}")),
        };
        let met = |value| self.operator.holds(value, self.limit.base());
        Judgement {
            run: run.name.clone(),
            fails_if: self.to_string(),
            value,
            failed: value.is_none_or(met),
            sentence: format!(
                "{} is {shown} (fails if {} {})",
                self.name(),
                self.operator.symbol(),
                self.limit
            ),
        }
    }
}
