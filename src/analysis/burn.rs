//! `burn:MS`: a knob for compute weight. It finds nothing and takes its time.
//!
//! The time is made of arithmetic whose every step needs the one before, so that it depends on the
//! processor's clock alone, not on how well it is compiled or on memory. How many steps the asked
//! milliseconds are is measured once, in the process that starts a comparison; every worker then
//! takes the same number of steps, and a machine that grows slower meanwhile shows it.

use super::analyzer::{Analyzer, Setting};
use crate::clock;
use crate::frame::FrameView;
use std::hint::black_box;

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

/// How many steps take that long on this machine now.
pub(super) fn calibrate(ms: &str) -> u64 {
    // Whatever else the machine does makes a step seem slower, never faster: the fastest of many
    // short windows is the step's own time. The first ones warm the processor up.
    const WINDOWS: usize = 40;
    const STEPS: u64 = 250_000;
    let page = [0x5a; PAGE / 8];
    let fastest = (0..WINDOWS)
        .map(|_| {
            let start = clock::now();
            black_box(steps(black_box(&page), STEPS));
            clock::now() - start
        })
        .min()
        .expect("there are windows");
    let ns: f64 = 1e6 * ms.parse::<f64>().expect("the parameter was checked");
    (ns * STEPS as f64 / fastest.max(1) as f64).round() as u64
}

pub(super) fn make(setting: &Setting) -> Box<dyn Analyzer> {
    let calibrated = setting.calibrated;
    let steps = calibrated.unwrap_or_else(|| calibrate(setting.parameter().unwrap_or("0")));
    Box::new(Burn { steps })
}

struct Burn {
    steps: u64,
}

impl Analyzer for Burn {
    fn begin(&mut self, _: u64, frame: FrameView<'_>) {
        let mut page = [0; PAGE / 8];
        for (word, bytes) in page.iter_mut().zip(frame.bytes().as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        black_box(steps(&page, self.steps));
    }

    fn finish(&mut self) -> Option<String> {
        None
    }
}

/// So many steps over the words of a page.
#[inline(never)]
fn steps(page: &[u64; PAGE / 8], count: u64) -> u64 {
    (0..count).fold(0, |state: u64, i| {
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
    fn only_milliseconds_are_accepted() {
        for good in ["0", "5", "2.5", "60000"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "abc", "-1", "NaN", "inf", "60001", "5ms"] {
            assert!(check(bad).unwrap_err().contains("milliseconds"), "{bad}");
        }
    }
}
