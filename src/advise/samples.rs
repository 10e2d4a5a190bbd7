//! Made-up figures, for tests of what follows from them.

use super::verdict::{Bound, Cell, verdict};
use super::{Advice, SpeedUp, Tested, Way, gains};

/// A way that is so many times as fast as one that takes a second, measured to the end.
pub(super) fn tested(mode: &str, workers: usize, batch: u64, gain: f64) -> Tested {
    Tested {
        way: Way::new(mode, workers, batch),
        each_s: 1.0 / gain,
        speed_up: SpeedUp {
            value: gain,
            low: None,
            high: None,
        },
        to_the_end: true,
    }
}

/// What is said of these, of which the first is the baseline; of ten frames that were all tried.
pub(super) fn advice(ways: &[Tested], advised: usize) -> Advice {
    let best = &ways[advised];
    let gains = gains(ways, &best.way);
    let command = |tested: &Tested| vec!["run".to_owned(), tested.way.mode.clone()];
    Advice {
        ways: ways.to_vec(),
        untried: 0,
        enough_s: None,
        clear: true,
        baseline: 0,
        advised,
        speed_up: best.speed_up,
        verdict: verdict(&best.way, best.speed_up.value, &gains),
        cell: Cell::of(1.0, 1e-5, 1e-3, Some(1e-4)),
        work_s: 1.0,
        round_trip_s: 1e-5,
        shipping_s: 1e-3,
        crossover_s: Some(1e-4),
        crossover_is_most: false,
        bound: Bound::Compute,
        sample: 10,
        failed: 0,
        whole: Some(10),
        predicted_s: Some(10.0 * best.each_s),
        input_fps: None,
        keeps_up: None,
        cached_share: 1.0,
        command: command(best),
        baseline_command: command(&ways[0]),
        doubts: Vec::new(),
        seconds: 1.0,
    }
}
