//! What must be known of runs before any figure of them is read: one list, which the text and the page of
//! a run or of several draw, each in its way.

use super::compare::{Comparison, Difference, Run};

/// Something that must be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Warning {
    pub(super) weight: Weight,
    /// The run that it is about, where there are others and it is not about all.
    run: Option<String>,
    /// A sentence without its full stop and its capital.
    what: String,
}

/// What it takes from the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// They do not mean what they seem to.
    Grave,
    /// They are less certain than they seem.
    Doubt,
    /// Nothing, but it explains them.
    Light,
}

impl Warning {
    /// As a line of text, without its full stop.
    pub(super) fn line(&self) -> String {
        match &self.run {
            Some(run) => format!("{run}: {}", self.what),
            None => self.what.clone(),
        }
    }

    /// As a sentence.
    pub(super) fn sentence(&self) -> String {
        let mut rest = self.what.chars();
        match (&self.run, rest.next()) {
            (None, Some(first)) => format!("{}{}.", first.to_uppercase(), rest.as_str()),
            _ => format!("{}.", self.line()),
        }
    }
}

impl Comparison {
    /// What is grave or doubtful about these runs: that they do not belong together, that one is
    /// incomplete, that the machine was busy.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let mut all = Vec::new();
        if !self.same_findings() {
            all.push(Warning {
                weight: Weight::Grave,
                run: None,
                what: "these runs did not find the same: their findings differ".into(),
            });
        }
        all.extend(self.differences().iter().map(|one| self.differ(one)));
        for run in &self.runs {
            let incomplete = run.report.incomplete.iter();
            let incomplete =
                incomplete.map(|why| (Weight::Grave, format!("the run is incomplete: {why}")));
            let doubts = self.doubts_of(run).into_iter();
            let doubts = doubts.map(|doubt| (Weight::Doubt, doubt.sentence));
            all.extend(incomplete.chain(doubts).map(|(weight, what)| Warning {
                weight,
                run: self.named(run),
                what,
            }));
        }
        all
    }

    /// What the runs say of themselves, each with its name where there are others.
    pub(super) fn notes(&self) -> Vec<String> {
        let each = self.runs.iter().flat_map(|run| {
            let notes = run.report.notes.iter();
            notes.map(|note| match self.named(run) {
                Some(name) => format!("{name}: {note}"),
                None => note.clone(),
            })
        });
        each.collect()
    }

    fn differ(&self, one: &Difference) -> Warning {
        let each = self.runs.iter().zip(&one.values);
        let each: Vec<String> = each
            .map(|(run, value)| format!("{} {value}", run.name))
            .collect();
        let (weight, end) = match one.forbids_ratios {
            true => (Weight::Grave, ": ratios are not comparable"),
            false => (Weight::Light, ""),
        };
        Warning {
            weight,
            run: None,
            what: format!(
                "these runs differ in {} ({}){end}",
                one.what,
                each.join("; ")
            ),
        }
    }

    fn named(&self, run: &Run) -> Option<String> {
        (self.runs.len() > 1).then(|| run.name.clone())
    }
}
