//! Advice for people.

use super::verdict::{Bound, Verdict, WORTH_IT};
use super::{Advice, Tested};
use crate::pool::available_workers;
use crate::report::units::{ABSENT, digits, pace, time};
use crate::report::{Style, shell_word};
use crate::statistics::Estimate;

/// So many ways are shown; JSON has all.
const SHOWN: usize = 9;

impl Advice {
    /// The figures, what follows, and the command, for people.
    pub fn render(&self, style: Style) -> String {
        let mut parts = vec![style.strong(&self.sentence()), self.table(style)];
        let facts: Vec<_> = self
            .facts()
            .into_iter()
            .map(|(name, what)| style.wrap(&format!("{name:<10} {what}"), 11))
            .collect();
        parts.push(facts.join("\n"));
        if !self.command.is_empty() {
            parts.push(format!("  {}", self.command_line()));
        }
        parts.join("\n\n")
    }

    /// The command as it can be pasted into a shell.
    pub fn command_line(&self) -> String {
        let words = self.command.iter().map(|word| shell_word(word));
        words.collect::<Vec<_>>().join(" ")
    }

    /// What to do, in a sentence or two, and what speaks against trusting it.
    pub fn sentence(&self) -> String {
        let tried = self.ways.len();
        let doubt = match self.untried {
            0 if self.clear => String::new(),
            0 => " The time was up before it was clear.".into(),
            untried => format!(
                " The time was up when {tried} of {} ways had been tried: another may be faster.",
                tried + untried
            ),
        };
        self.what_to_do() + &doubt
    }

    fn what_to_do(&self) -> String {
        let way = &self.way().way;
        let gain = times(self.speed_up);
        let known = self.ways.iter().filter(|tested| tested.to_the_end);
        let fastest = known.map(|tested| tested.speed_up.value);
        let fastest = fastest.max_by(f64::total_cmp).unwrap_or(1.0);
        let kind = if way.is_processes() {
            "processes"
        } else {
            "threads"
        };
        let base = if self.ways[self.baseline].way.is_sequential() {
            "one thread"
        } else {
            "one worker"
        };
        match self.verdict {
            Verdict::Parallel => format!("Use {way}: {gain} as fast as {base}."),
            Verdict::Threads => format!(
                "Use {way}: {gain} as fast as {base}. Processes are not worth it here: below \
                 {WORTH_IT} times."
            ),
            Verdict::Batch => format!(
                "Batch: {way} is {gain} as fast as {base}; one at a time, {kind} stay below \
                 {WORTH_IT} times."
            ),
            Verdict::Sequential if self.advised == self.baseline && fastest <= 1.0 => {
                format!("Stay with {base}: it is the fastest.")
            }
            Verdict::Sequential if self.advised == self.baseline => format!(
                "Stay with {base}: no way is more than {fastest:.2} times as fast, and below \
                 {WORTH_IT} times workers are not worth it."
            ),
            Verdict::Sequential => format!(
                "Stay with {base} unless every bit counts: {way} is only {gain} as fast; below \
                 {WORTH_IT} times, question the architecture."
            ),
        }
    }

    fn table(&self, style: Style) -> String {
        let mut best: Vec<_> = self.ways.iter().collect();
        best.sort_by(|a, b| a.each_s.total_cmp(&b.each_s));
        // The advised one, the baseline and the best of each mode before others of the same.
        let (advised, baseline) = (&self.ways[self.advised], &self.ways[self.baseline]);
        let mut modes = Vec::new();
        let (first, rest): (Vec<&Tested>, Vec<&Tested>) = best.into_iter().partition(|tested| {
            let is_new = !modes.contains(&&tested.way.mode);
            modes.push(&tested.way.mode);
            is_new || tested.way == advised.way || tested.way == baseline.way
        });
        let mut shown: Vec<_> = first.into_iter().chain(rest).collect();
        shown.truncate(SHOWN);
        shown.sort_by(|a, b| a.each_s.total_cmp(&b.each_s));
        let rows: Vec<_> = shown
            .into_iter()
            .map(|tested| {
                let Estimate { value, low, high } = tested.speed_up;
                let interval = match tested.to_the_end && high.is_finite() {
                    true => format!("{low:.2} to {high:.2}"),
                    false => ABSENT.into(),
                };
                vec![
                    tested.way.mode.clone(),
                    tested.way.workers.to_string(),
                    tested.way.batch.to_string(),
                    time(tested.each_s * 1e9),
                    format!("×{}", digits(value)),
                    interval,
                ]
            })
            .collect();
        let unit = if self.command.is_empty() {
            "a job"
        } else {
            "a frame"
        };
        let header = ["mode", "workers", "at a time", unit, "speed-up", "95 %"];
        style.table(&header, &rows, 1)
    }

    /// What else follows, each with its name.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let s = |seconds: f64| time(seconds * 1e9);
        let unit = if self.command.is_empty() {
            "job"
        } else {
            "frame"
        };
        let mut facts = vec![
            (
                "matrix",
                format!(
                    "{} ({} of work a {unit}, {} a round trip, {} to ship it)",
                    self.cell,
                    s(self.work_s),
                    s(self.round_trip_s),
                    s(self.shipping_s)
                ),
            ),
            ("bound by", self.bound_by()),
            (
                "crossover",
                match self.crossover_s {
                    Some(0.0) => format!(
                        "worker processes are {WORTH_IT} times as fast however light a {unit}'s work is"
                    ),
                    Some(work) => format!(
                        "worker processes are {WORTH_IT} times as fast from {} of work a {unit} on",
                        s(work)
                    ),
                    None if available_workers() == 1 => {
                        format!("one processor cannot be {WORTH_IT} times as fast as one thread")
                    }
                    None => {
                        "not known: no worker processes, one for each processor, were tried".into()
                    }
                },
            ),
        ];
        if let (Some(whole), Some(predicted)) = (self.whole, self.predicted_s) {
            let rate = digits(whole as f64 / predicted);
            let what = format!("{whole} {unit}s in {}: {rate} a second", s(predicted));
            facts.push(("the whole", what));
        }
        if let (Some(fps), Some(keeps_up)) = (self.input_fps, self.keeps_up) {
            let does = if keeps_up {
                "keeps up"
            } else {
                "does NOT keep up"
            };
            facts.push(("pace", format!("{does} with {} frames a second", pace(fps))));
        }
        let tried = format!(
            "{} ways, on up to {} {unit}s, in {}",
            self.ways.len(),
            self.sample,
            s(self.seconds)
        );
        facts.push(("measured", tried));
        if self.failed > 0 {
            let what = format!(
                "{} of the sample's frames failed, and counts as done; `framehaul run` says why",
                self.failed
            );
            facts.push(("note", what));
        }
        if self.cached_share < 0.99 {
            let share = 100.0 * self.cached_share;
            facts.push((
                "note",
                format!(
                    "{share:.0} % of the input is in the page cache, as the sample was; reading the \
                     rest from disk takes what it takes, in every mode"
                ),
            ));
        }
        facts
    }

    fn bound_by(&self) -> String {
        let why = match self.bound {
            Bound::Compute => "faster code or more processors would help",
            Bound::MemoryBandwidth => "more processors would not help, fewer bytes would",
            Bound::Serialising => "ship a reference, not the pixels",
            Bound::WakeUps => "larger batches would help",
            Bound::Decode => "a lighter format would help, or more processors",
            Bound::Reading => "getting the bytes, from files or a sender, is what takes the time",
        };
        format!("{}: {why}", self.bound)
    }
}

fn times(estimate: Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    // Not rounded up: 1.199 is below 1.2.
    let value = (100.0 * value).floor() / 100.0;
    match high.is_finite() {
        true => format!("{value:.2} times ({low:.2} to {high:.2})"),
        false => format!("{value:.2} times"),
    }
}
