//! An explanation as a table, with a bar for each term.

use super::{Explanation, TermTimes};
use crate::report::style::{Style, shorten};
use crate::report::units::time;

/// Characters of the longest bar.
const BAR: usize = 24;

impl Explanation {
    /// The terms for people: each run's time, the difference with a bar, and the sentence.
    pub fn render(&self, style: Style) -> String {
        let (slow, fast) = (shorten(&self.slow, 12), shorten(&self.fast, 12));
        // Markdown has no place for pictures.
        let is_drawn = !style.markdown;
        let mut header = vec!["of a frame's time", &slow, &fast, "gap"];
        header.extend(is_drawn.then_some(""));
        let gaps = self.terms.iter().map(|term| term.times.gap_ns.abs());
        let longest = gaps.fold(self.left_over.gap_ns.abs(), f64::max);
        let row = |name: &str, times: TermTimes, bar: String| {
            let mut row = vec![name.to_owned()];
            row.extend([times.slow_ns, times.fast_ns, times.gap_ns].map(signed));
            row.extend(is_drawn.then_some(bar));
            row
        };
        let parts = self.terms.iter().map(|term| (term.term.name(), term.times));
        let parts = parts.chain([("left over", self.left_over)]);
        let mut rows: Vec<Vec<String>> = parts
            .map(|(name, times)| row(name, times, bar(times.gap_ns, longest)))
            .collect();
        let measured = TermTimes::of(self.slow_ns, self.fast_ns);
        rows.push(row("measured", measured, String::new()));
        let bounds = if self.slow_bound_by == self.fast_bound_by {
            format!("Both are bound by {}.", self.slow_bound_by.name())
        } else {
            format!(
                "{} is bound by {}, {} by {}.",
                self.slow,
                self.slow_bound_by.name(),
                self.fast,
                self.fast_bound_by.name()
            )
        };
        let mut caption = format!(
            "{bounds} Waiting is when that was not at work; left over is what the model does not explain, \
             {:.0} % of the gap.",
            100.0 * self.unexplained(),
        );
        let overpriced = self.overpriced.gap_ns;
        if overpriced.abs() > 0.01 * self.gap_ns {
            caption += &format!(
                " By the prices that were measured on this machine, the kernel would have taken {} {} of it \
                 than was counted, and its terms were cut to that.",
                time(overpriced.abs()),
                if overpriced > 0.0 { "more" } else { "less" },
            );
        }
        if is_drawn {
            caption += " Bars that are hollow shorten it.";
        }
        let title = format!("Where the gap between {} and {} is", self.slow, self.fast);
        // There, what stands right above a table may be taken for a part of it.
        let below_title = if style.markdown { "\n" } else { "" };
        [
            style.strong(&title) + below_title,
            style.table(&header, &rows, 1),
            style.wrap(&caption, 0),
            String::new(),
            style.strong(&self.sentence),
        ]
        .join("\n")
    }
}

/// A time of either sign.
fn signed(ns: f64) -> String {
    // What rounds to nothing has no sign.
    if ns <= -0.5 {
        format!("-{}", time(-ns))
    } else {
        time(ns.max(0.0))
    }
}

/// As long as its share of the longest, hollow for what is less than nothing; spaces fill it up, since
/// columns of numbers stand to the right.
fn bar(ns: f64, longest: f64) -> String {
    let halves = (2.0 * BAR as f64 * ns.abs() / longest.max(f64::MIN_POSITIVE)).round() as usize;
    let whole = if ns < 0.0 { '░' } else { '█' };
    let half = if ns < 0.0 { "░" } else { "▌" };
    let mut bar: String = std::iter::repeat_n(whole, halves / 2).collect();
    if halves % 2 == 1 {
        bar += half;
    }
    format!("{bar:<BAR$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share_and_hollow_below_nothing() {
        assert_eq!(bar(10.0, 10.0), "█".repeat(BAR));
        assert_eq!(bar(5.0, 10.0).trim_end(), "█".repeat(BAR / 2));
        assert_eq!(bar(-2.5, 10.0).trim_end(), "░".repeat(BAR / 4));
        assert_eq!(bar(0.1, 10.0).trim_end(), "");
        assert_eq!(bar(0.3, 10.0).trim_end(), "▌");
        assert_eq!(bar(0.0, 0.0).chars().count(), BAR);
    }

    #[test]
    fn times_have_a_sign_where_they_are_below_nothing() {
        assert_eq!(signed(-1.5e6), "-1.50 ms");
        assert_eq!(signed(-0.2), "0 ns");
        assert_eq!(signed(2.0), "2 ns");
    }
}
