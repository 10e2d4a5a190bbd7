//! Advice for programs.

use super::Advice;
use serde::Serialize;

/// Advice as `framehaul advise --json` prints it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AdviceData {
    /// The figures, and what follows from them.
    #[serde(flatten)]
    pub advice: Advice,
    /// What to do, in a sentence or two.
    pub sentence: String,
    /// The command line of the advised way, as it can be pasted into a shell.
    pub command_line: String,
    /// The same of the baseline.
    pub baseline_command_line: String,
    /// How long the whole took when it was run as advised (by the baseline where that will do), in
    /// seconds; null if it was not run.
    pub actual_s: Option<f64>,
    /// What was predicted of that run; null likewise.
    pub actual_predicted_s: Option<f64>,
}

impl AdviceData {
    /// The data of advice, and how long the whole took and was predicted to take, if it was run.
    pub fn new(advice: Advice, verified: Option<(f64, f64)>) -> Self {
        Self {
            sentence: advice.sentence(),
            command_line: advice.command_line(),
            baseline_command_line: advice.baseline_command_line(),
            advice,
            actual_s: verified.map(|(actual_s, _)| actual_s),
            actual_predicted_s: verified.map(|(_, predicted_s)| predicted_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_type() {
        crate::report::check_written::<AdviceData>("advice");
    }
}
