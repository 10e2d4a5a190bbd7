//! `burn:MS`: a knob for compute weight. It finds nothing and takes its time.
//!
//! The time is made of arithmetic whose every step needs the one before, so that it depends on the
//! processor's clock alone, not on how well it is compiled or on memory. How many steps the asked
//! milliseconds are is measured once, in the process that starts a comparison; every worker then
//! takes the same number of steps, and a machine that grows slower meanwhile shows it. Rows share
//! the steps evenly, so that a frame that is abandoned half-way has burnt half.

use super::analyzer::{Analyzer, Setting};
use crate::clock;
use crate::frame::FrameView;
use std::hint::black_box;
use std::ops::Range;

/// Bytes of the frame that take part: its first page.
const PAGE: usize = 4096;

/// The longest burn: a minute.
const LONGEST_MS: f64 = 60_000.0;

/// Refuses a parameter that is no number of milliseconds.
pub(super) fn check(ms: &str) -> Result<(), String> {
    match ms.parse::<f64>() {
        Ok(ms) if (0.0..=LONGEST_MS).contains(&ms) => Ok(()),
        _ => Err(format!(
            "burn takes milliseconds from 0 to {LONGEST_MS}, as in burn:5, not `{ms}`"
        )),
    }
}

/// How many steps take the milliseconds of the parameter on this machine now.
pub(super) fn calibrate(ms: &str) -> u64 {
    steps_within(ms.parse::<f64>().expect("the parameter was checked") / 1e3)
}

/// How many steps take so many seconds on this machine now.
pub(crate) fn steps_within(seconds: f64) -> u64 {
    // Whatever else the machine does makes a step seem slower, never faster: the fastest of many
    // short windows is the step's own time. The first ones warm the processor up.
    const WINDOWS: usize = 40;
    const STEPS: u64 = 250_000;
    let page = [0x5a; PAGE / 8];
    let fastest = (0..WINDOWS)
        .map(|_| {
            let start = clock::now();
            black_box(steps(black_box(&page), 0, 0..STEPS));
            clock::now() - start
        })
        .min()
        .expect("there are windows");
    (1e9 * seconds * STEPS as f64 / fastest.max(1) as f64).round() as u64
}

pub(super) fn make(setting: &Setting) -> Box<dyn Analyzer> {
    let calibrated = setting.calibrated;
    let steps = calibrated.unwrap_or_else(|| calibrate(setting.parameter().unwrap_or("0")));
    Box::new(Burn {
        steps,
        page: [0; PAGE / 8],
        height: 1,
        done: 0,
        state: 0,
    })
}

struct Burn {
    /// Steps a frame.
    steps: u64,
    page: [u64; PAGE / 8],
    height: u32,
    /// Steps that this frame has had.
    done: u64,
    state: u64,
}

impl Analyzer for Burn {
    fn begin(&mut self, _: u64, frame: FrameView<'_>) {
        self.page = [0; PAGE / 8];
        for (word, bytes) in self.page.iter_mut().zip(frame.bytes().as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        self.height = frame.format().height;
        (self.done, self.state) = (0, 0);
    }

    fn span(&mut self, rows: Range<u32>) {
        let due = u128::from(self.steps) * u128::from(rows.end) / u128::from(self.height);
        let next = self.done..due as u64;
        self.done = next.end;
        self.state = black_box(steps(&self.page, self.state, next));
    }

    fn finish(&mut self) -> Option<String> {
        None
    }
}

/// So many steps, for those who have no frame.
pub(crate) fn burn(count: u64) {
    const PAGE_OF_WORDS: [u64; PAGE / 8] = [0x5a; PAGE / 8];
    black_box(steps(black_box(&PAGE_OF_WORDS), 0, 0..count));
}

/// These steps over the words of a page, from the state after those before them.
#[inline(never)]
fn steps(page: &[u64; PAGE / 8], state: u64, steps: Range<u64>) -> u64 {
    steps.fold(state, |state, i| {
        let word = page[i as usize % page.len()];
        (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_no_work_and_any_time_is_some() {
        assert_eq!(calibrate("0"), 0);
        assert!(calibrate("0.5") > 0);
    }

    #[test]
    fn spans_share_the_steps() {
        use crate::frame::{Colour, FrameFormat, Sample};
        let format = FrameFormat::new(8, 7, Colour::Gray, Sample::U8);
        let frame = FrameView::new(format, &[3; 56]).unwrap();
        let mut burn = Burn {
            steps: 1000,
            page: [0; PAGE / 8],
            height: 1,
            done: 0,
            state: 0,
        };
        let mut burnt = |ends: &[u32]| {
            burn.begin(0, frame);
            for &end in ends {
                burn.span(0..end);
            }
            (burn.done, burn.state)
        };
        assert_eq!(burnt(&[3]).0, 428);
        assert_eq!(burnt(&[3, 5, 7]), burnt(&[7]));
        assert_eq!(burnt(&[7]).0, 1000);
    }

    #[test]
    fn only_milliseconds_are_accepted() {
        for good in ["0", "5", "2.5", "60000"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "abc", "-1", "NaN", "inf", "60001", "5ms"] {
            assert!(check(bad).unwrap_err().contains("milliseconds"), "{bad}");
        }
    }
}
