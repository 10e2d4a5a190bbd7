//! Thresholds held against runs.

use super::Threshold;
use crate::report::Comparison;
use crate::report::compare::Run;
use crate::report::ratios::Ratios;
use crate::report::style::Style;
use crate::report::units::factors;
use crate::statistics::Estimate;
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
    let ratios = match thresholds.iter().any(Threshold::is_ratio) {
        true => ratios(runs),
        false => Ok(Vec::new()),
    };
    let each = thresholds.iter().map(|threshold| match threshold.is_ratio {
        true => threshold.judge_ratios(runs, &ratios),
        false => threshold.judge_each(runs),
    });
    each.flatten().collect()
}

/// The ratios that are shown, of each run but the first, or why there are none.
fn ratios(runs: &Comparison) -> Result<Vec<Ratios>, String> {
    let differences = runs.differences();
    match differences.iter().find(|one| one.forbids_ratios) {
        Some(difference) => Err(format!("the runs differ in {}", difference.what)),
        None => Ok(runs.ratios()),
    }
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
    fn judge_each(&self, runs: &Comparison) -> Vec<Judgement> {
        let each = runs.runs.iter();
        each.map(|run| self.judgement(run, self.figure.read(&run.report), ""))
            .collect()
    }

    fn judge_ratios(
        &self,
        runs: &Comparison,
        ratios: &Result<Vec<Ratios>, String>,
    ) -> Vec<Judgement> {
        let (base, others) = (&runs.runs[0], &runs.runs[1..]);
        if others.is_empty() {
            let alone = "it is the only run, and there is nothing to compare it with";
            return vec![self.judgement(base, Err(alone.into()), "")];
        }
        // With what is to be said of it.
        let ratio = |place: usize, run: &Run| -> Result<(f64, String), String> {
            let shown = &ratios.as_ref().map_err(String::clone)?[place];
            let value = self.figure.read(&run.report)?;
            let of_base = self.figure.read(&base.report);
            let of_base = of_base.map_err(|why| format!("of {}, {why}", base.name))?;
            match self.figure.shown_ratio(shown) {
                Some(shown) => Ok((shown.value, format!("95 %: {}; ", self.interval(shown)))),
                None if of_base == 0.0 => Err(format!("that of {} is 0", base.name)),
                None => Ok((value / of_base, "of all passes together; ".into())),
            }
        };
        let each = others.iter().zip(0..);
        each.map(|(run, place)| match ratio(place, run) {
            Ok((value, of_it)) => self.judgement(run, Ok(value), &of_it),
            Err(why) => self.judgement(run, Err(why), ""),
        })
        .collect()
    }

    /// Of a ratio, in terms of the limit.
    fn interval(&self, ratio: Estimate) -> String {
        match self.limit.alike(1.0).ends_with('%') {
            true => format!(
                "{} to {}",
                self.limit.alike(ratio.low),
                self.limit.alike(ratio.high)
            ),
            false => factors(ratio),
        }
    }

    /// `of_it` comes before the threshold.
    fn judgement(&self, run: &Run, seen: Result<f64, String>, of_it: &str) -> Judgement {
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
                "{} is {shown} ({of_it}fails if {} {})",
                self.name(),
                self.operator.symbol(),
                self.limit
            ),
        }
    }
}
