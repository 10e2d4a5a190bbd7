//! A histogram on one line: `▁▂█▅▁`, on an axis of logarithmic time that several runs share.

use hdrhistogram::Histogram;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// An axis of whole decades of nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// The first decade: it starts at 10 to the power of this.
    from: u32,
    /// One past the last decade.
    to: u32,
    /// Characters.
    width: usize,
}

impl Axis {
    /// The fewest decades that hold all samples; none if there are no samples.
    pub(super) fn around(histograms: &[&Histogram<u64>], width: usize) -> Option<Self> {
        let all = || histograms.iter().filter(|one| !one.is_empty());
        let least = all().map(|one| one.min()).min()?.max(1);
        let greatest = all().map(|one| one.max()).max()?.max(1);
        Some(Self {
            from: least.ilog10(),
            to: greatest.ilog10() + 1,
            width,
        })
    }

    /// Where a duration falls.
    fn place(self, ns: u64) -> usize {
        let decades = f64::from(self.to - self.from);
        let share = ((ns.max(1) as f64).log10() - f64::from(self.from)) / decades;
        ((share * self.width as f64) as usize).min(self.width - 1)
    }

    /// One bar a character, as high as its share of the highest; any sample at all shows.
    pub(super) fn draw(self, histogram: &Histogram<u64>) -> String {
        let mut counts = vec![0u64; self.width];
        for value in histogram.iter_recorded() {
            counts[self.place(value.value_iterated_to())] += value.count_at_value();
        }
        let highest = counts.iter().copied().max().unwrap_or(0).max(1);
        let bar = |&count: &u64| match count {
            0 => ' ',
            _ => BARS[((count * 8).div_ceil(highest) as usize).clamp(1, 8) - 1],
        };
        let line: String = counts.iter().map(bar).collect();
        line.trim_end().to_owned()
    }

    /// The axis itself: `├1 ms──────├10 ms─────`.
    pub(super) fn labels(self) -> String {
        let decades = (self.to - self.from) as usize;
        let mut line: Vec<char> = vec!['─'; self.width];
        // Where decades are narrow, every second or third is labelled.
        let step = (10 * decades).div_ceil(self.width).max(1);
        for decade in (0..decades).step_by(step) {
            let label = decade_name(self.from + decade as u32);
            let at = decade * self.width / decades;
            for (place, letter) in line[at..].iter_mut().zip(label.chars()) {
                *place = letter;
            }
        }
        line.into_iter().collect()
    }
}

/// `├100 µs` for 5.
fn decade_name(power: u32) -> String {
    let unit = ["ns", "µs", "ms", "s"][(power as usize / 3).min(3)];
    let number = 10u64.pow(power - 3 * (power / 3).min(3));
    format!("├{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        for &value in values {
            histogram.record(value).unwrap();
        }
        histogram
    }

    #[test]
    fn runs_share_an_axis_of_whole_decades() {
        let fast = histogram(&[1_500, 1_500, 1_500, 1_500, 20_000]);
        let slow = histogram(&[150_000, 150_000]);
        let axis = Axis::around(&[&fast, &slow], 30).unwrap();
        assert_eq!((axis.from, axis.to), (3, 6));
        assert_eq!(axis.labels(), "├1 µs─────├10 µs────├100 µs───");
        assert_eq!(axis.draw(&fast), " █           ▂");
        assert_eq!(axis.draw(&slow), "                     █");
    }

    #[test]
    fn no_samples_draw_nothing() {
        let empty = histogram(&[]);
        assert_eq!(Axis::around(&[&empty], 30), None);
        let some = histogram(&[0, 1]);
        let axis = Axis::around(&[&empty, &some], 10).unwrap();
        assert_eq!(axis.draw(&empty), "");
        assert_eq!(axis.draw(&some), "█");
    }

    #[test]
    fn many_decades_are_labelled_sparingly() {
        let wide = histogram(&[5, 3_000_000_000_000]);
        let axis = Axis::around(&[&wide], 40).unwrap();
        assert_eq!(axis.labels().chars().count(), 40);
        assert!(axis.labels().contains("├1 µs") || axis.labels().contains("├10 µs"));
        assert_eq!(decade_name(12), "├1000 s");
    }
}
