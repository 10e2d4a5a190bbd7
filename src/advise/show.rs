//! Advice for people.

use super::verdict::{Verdict, WORTH_IT};
use super::{Advice, SpeedUp, Tested};
use crate::pool::available_workers;
use crate::report::units::{ABSENT, digits, time};
use crate::report::{Style, shell_word};

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
        if !self.is_for_jobs() {
            parts.push(self.commands());
        }
        parts.join("\n\n")
    }

    /// The command of the advised way as it can be pasted into a shell.
    pub fn command_line(&self) -> String {
        line(&self.command)
    }

    /// The same of the baseline.
    pub fn baseline_command_line(&self) -> String {
        line(&self.baseline_command)
    }

    /// What to do, in a sentence or two, and what speaks against trusting it.
    pub fn sentence(&self) -> String {
        let tried = self.ways.len();
        let doubt = match self.untried {
            0 if self.clear => String::new(),
            0 => " The time was up before it was clear.".into(),
            _ if self.verdict == Verdict::Unknown => self.enough(),
            untried => format!(
                " The time was up when {tried} of {} ways had been tried: another may be faster.{}",
                tried + untried,
                self.enough()
            ),
        };
        self.what_to_do() + &doubt
    }

    /// Which budget each way would have been tried in.
    fn enough(&self) -> String {
        let Some(enough) = self.enough_s else {
            return String::new();
        };
        // What was measured for a moment is not to be missed by as much.
        let seconds = (1.2 * enough).ceil();
        let budget = match self.is_for_jobs() {
            true => format!("a budget of {seconds} s"),
            false => format!("--budget {seconds}"),
        };
        let all = self.ways.len() + self.untried;
        format!(" With {budget} each of the {all} ways is tried once at least.")
    }

    /// What is known of the baseline alone.
    fn unknown(&self, processors: usize) -> String {
        let each = self.ways[self.baseline].each_s;
        let (base, unit) = (self.base(), self.unit());
        let mut what = format!(
            "The budget sufficed for nothing but {base}, which takes {} a {unit}, so that nothing can be \
             advised",
            time(each * 1e9)
        );
        if processors > 1 {
            let best = time(each * 1e9 / processors as f64);
            what += &format!("; {processors} workers take {best} at best");
        }
        what + "."
    }

    fn what_to_do(&self) -> String {
        let way = &self.way().way;
        let gain = times(self.speed_up);
        let base = self.base();
        let kind = if way.is_processes() {
            "processes"
        } else {
            "threads"
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
            Verdict::Sequential if self.gains_little() => format!(
                "Stay with {base}, which will do: {way} is only {gain} as fast, and below {WORTH_IT} \
                 times workers are hardly worth it."
            ),
            Verdict::Unknown => self.unknown(available_workers()),
            Verdict::Sequential => match self.fastest() {
                ..=1.0 => {
                    format!("Stay with {base}: of what was measured to the end, it is the fastest.")
                }
                fastest => format!(
                    "Stay with {base}: no way that was measured to the end is more than {:.2} times as fast, and below {WORTH_IT} \
                     times workers are not worth it.",
                    // Rounded up, or one would be.
                    (100.0 * fastest).ceil() / 100.0
                ),
            },
        }
    }

    /// How many times as fast as the baseline any is that was measured to the end.
    fn fastest(&self) -> f64 {
        let known = self.ways.iter().filter(|tested| tested.to_the_end);
        let gains = known.map(|tested| tested.speed_up.value);
        gains.max_by(f64::total_cmp).unwrap_or(1.0)
    }

    /// Whether the advised way is faster than the baseline, but by so little that this will do.
    pub(super) fn gains_little(&self) -> bool {
        self.verdict == Verdict::Sequential && self.advised != self.baseline
    }

    /// What all are compared with.
    pub(super) fn base(&self) -> &'static str {
        match self.ways[self.baseline].way.is_sequential() {
            true => "one thread",
            false => "one worker",
        }
    }

    /// Whether it is for jobs of one's own, for which there is no command.
    pub(super) fn is_for_jobs(&self) -> bool {
        self.command.is_empty()
    }

    /// What it is advice for.
    pub(super) fn unit(&self) -> &'static str {
        match self.is_for_jobs() {
            true => "job",
            false => "frame",
        }
    }

    fn commands(&self) -> String {
        let command = self.command_line();
        if self.verdict == Verdict::Unknown {
            return format!("  {command}  # {}", self.base());
        }
        if !self.gains_little() {
            return format!("  {command}");
        }
        format!(
            "  {}  # {}\n  {command}  # {:.2} times as fast",
            self.baseline_command_line(),
            self.base(),
            rounded_down(self.speed_up.value)
        )
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
        // What few rounds said of one that fell behind is not what a verdict goes by.
        let gain = |tested: &Tested| {
            let gain = format!("×{}", digits(tested.speed_up.value));
            match tested.to_the_end {
                true => gain,
                false => format!("({gain})"),
            }
        };
        let caption = match shown.iter().all(|tested| tested.to_the_end) {
            true => String::new(),
            false => {
                let what = "In brackets: of the few rounds until it had fallen behind.";
                format!("\n{}", style.wrap(what, 0))
            }
        };
        let rows: Vec<_> = shown
            .into_iter()
            .map(|tested| {
                vec![
                    tested.way.mode.clone(),
                    tested.way.workers.to_string(),
                    tested.way.batch.to_string(),
                    time(tested.each_s * 1e9),
                    gain(tested),
                    interval(tested.speed_up).unwrap_or_else(|| ABSENT.into()),
                ]
            })
            .collect();
        let unit = format!("a {}", self.unit());
        let header = ["mode", "workers", "at a time", &unit, "speed-up", "95 %"];
        style.table(&header, &rows, 1) + &caption
    }
}

fn line(command: &[String]) -> String {
    let words = command.iter().map(|word| shell_word(word));
    words.collect::<Vec<_>>().join(" ")
}

fn interval(of: SpeedUp) -> Option<String> {
    let (low, high) = (of.low?, of.high?);
    Some(format!("{low:.2} to {high:.2}"))
}

/// 1.199 is below 1.2.
fn rounded_down(gain: f64) -> f64 {
    (100.0 * gain).floor() / 100.0
}

fn times(gain: SpeedUp) -> String {
    let value = rounded_down(gain.value);
    match interval(gain) {
        Some(interval) => format!("{value:.2} times ({interval})"),
        None => format!("{value:.2} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{advice, tested};
    use super::*;

    /// What is said of ways that are as fast as that, of which the last is advised.
    fn said(ways: &[(&str, u64, f64)]) -> String {
        let ways = [&[("sequential", 1, 1.0)][..], ways].concat();
        let tested = |&(mode, batch, gain): &_| tested(mode, 2, batch, gain);
        let ways: Vec<_> = ways.iter().map(tested).collect();
        advice(&ways, ways.len() - 1).sentence()
    }

    #[test]
    fn below_a_fifth_more_one_thread_will_do_and_both_commands_are_given() {
        let of = |gain| {
            advice(
                &[tested("sequential", 1, 1, 1.0), tested("mmap", 2, 1, gain)],
                1,
            )
        };
        let much = of(1.2);
        assert_eq!(
            much.sentence(),
            "Use mmap, 2 workers, 1 at a time: 1.20 times as fast as one thread."
        );
        assert_eq!(much.commands(), "  run mmap");
        let little = of(1.199);
        assert_eq!(
            little.sentence(),
            "Stay with one thread, which will do: mmap, 2 workers, 1 at a time is only 1.19 times as \
             fast, and below 1.2 times workers are hardly worth it."
        );
        assert_eq!(
            little.commands(),
            "  run sequential  # one thread\n  run mmap  # 1.19 times as fast"
        );
    }

    #[test]
    fn where_the_baseline_is_advised_it_is_said_how_far_others_get() {
        let of = |gain| {
            advice(
                &[tested("sequential", 1, 1, 1.0), tested("mmap", 2, 1, gain)],
                0,
            )
        };
        assert_eq!(
            of(1.0).sentence(),
            "Stay with one thread: of what was measured to the end, it is the fastest."
        );
        let sentence = of(1.001).sentence();
        assert!(
            sentence
                .contains("no way that was measured to the end is more than 1.01 times as fast"),
            "{sentence}"
        );
        let out = Tested {
            to_the_end: false,
            ..tested("mmap", 2, 1, 1.09)
        };
        let dropped = advice(&[tested("shm", 1, 1, 1.0), out], 0);
        assert_eq!(
            dropped.sentence(),
            "Stay with one worker: of what was measured to the end, it is the fastest."
        );
        let table = dropped.table(Style::plain(100));
        assert!(
            table.contains("(×1.09)") && table.contains("In brackets: "),
            "{table}"
        );
        assert!(!of(1.09).table(Style::plain(100)).contains('('));
        assert_eq!(of(1.09).commands(), "  run sequential");
    }

    #[test]
    fn processes_are_spoken_of_only_if_they_were_tried() {
        let not_worth_it = "Processes are not worth it here: below 1.2 times.";
        assert!(said(&[("mmap", 1, 1.19), ("threads", 1, 1.9)]).ends_with(not_worth_it));
        for ways in [
            &[("mmap", 1, 1.21), ("threads", 1, 1.9)][..],
            &[("threads", 1, 1.9)],
        ] {
            let sentence = said(ways);
            assert_eq!(
                sentence,
                "Use threads, 2 workers, 1 at a time: 1.90 times as fast as one thread."
            );
        }
    }

    #[test]
    fn who_is_worth_it_only_in_batches_is_told_so() {
        let batch = said(&[("mmap", 1, 1.19), ("mmap", 16, 1.9)]);
        assert!(
            batch.starts_with("Batch: mmap, 2 workers, 16 at a time is 1.90"),
            "{batch}"
        );
        assert!(
            batch.ends_with("one at a time, processes stay below 1.2 times."),
            "{batch}"
        );
        let alone = said(&[("mmap", 1, 1.21), ("mmap", 16, 1.9)]);
        assert!(
            alone.starts_with("Use mmap, 2 workers, 16 at a time"),
            "{alone}"
        );
    }

    #[test]
    fn what_is_not_sure_is_told_and_what_has_an_interval() {
        let of = |clear, untried| {
            let ways = [tested("sequential", 1, 1, 1.0), tested("mmap", 2, 1, 1.9)];
            let advice = Advice {
                clear,
                untried,
                speed_up: SpeedUp {
                    value: 1.9,
                    low: Some(1.8),
                    high: Some(2.0),
                },
                ..advice(&ways, 1)
            };
            advice.sentence()
        };
        assert!(of(true, 0).ends_with("1.90 times (1.80 to 2.00) as fast as one thread."));
        assert!(of(false, 0).ends_with("The time was up before it was clear."));
        assert!(of(false, 3).contains("when 2 of 5 ways had been tried"));
    }

    #[test]
    fn a_budget_that_did_not_suffice_is_told_with_one_that_would() {
        let alone = Advice {
            clear: false,
            untried: 16,
            enough_s: Some(75.0),
            verdict: Verdict::Unknown,
            ..advice(&[tested("sequential", 1, 1, 0.2)], 0)
        };
        assert_eq!(
            alone.unknown(2),
            "The budget sufficed for nothing but one thread, which takes 5.00 s a frame, so that nothing can \
             be advised; 2 workers take 2.50 s at best."
        );
        assert!(!alone.unknown(1).contains("at best"));
        let needed = " With --budget 90 each of the 17 ways is tried once at least.";
        assert!(alone.sentence().ends_with(needed), "{}", alone.sentence());
        assert_eq!(alone.commands(), "  run sequential  # one thread");
        let jobs = Advice {
            command: Vec::new(),
            ..alone
        };
        let needed = "With a budget of 90 s each of the 17 ways is tried once at least.";
        assert!(jobs.sentence().ends_with(needed), "{}", jobs.sentence());
    }
}
