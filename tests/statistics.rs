//! Whether comparisons can be trusted, on noise that was made up and on passes that were recorded: how
//! often an interval holds the truth, how often a mode differs from itself, and how often 3 % are found.

use framehaul::report::{Comparison, Ratios, Report};
use framehaul::statistics::{ratio_of_pairs, ratio_of_sets};

const LOST: f64 = 1.03;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.next()).ln()
    }
}

/// How much longer a pass takes than it should, as a factor.
type Noise = fn(&mut Random) -> f64;

const NOISES: [(&str, Noise); 5] = [
    ("normal", |random| 1.0 + 0.02 * random.normal()),
    ("skewed", |random| 1.0 + 0.03 * random.exponential()),
    ("with passes that stand out", |random| {
        let far = if random.next() < 0.1 {
            0.5 * random.next()
        } else {
            0.0
        };
        1.0 + 0.02 * random.normal().abs() + far
    }),
    ("with heavy tails", |random| {
        let tail =
            (random.normal().powi(2) + random.normal().powi(2) + random.normal().powi(2)) / 3.0;
        (0.015 * random.normal() / tail.sqrt()).exp()
    }),
    ("of two places in turn", |random| {
        let place = if random.next() < 0.5 { 0.0 } else { 0.04 };
        1.0 + place + 0.005 * random.normal()
    }),
];

/// Of that many experiments, so many hold the truth at the least: 19 in 20, less twice the standard
/// deviation of such a count.
fn least(experiments: usize) -> usize {
    let n = experiments as f64;
    (0.95 * n - 2.0 * (0.95 * 0.05 * n).sqrt()).ceil() as usize
}

#[test]
fn intervals_hold_the_truth_19_times_in_20_whatever_the_noise() {
    const EXPERIMENTS: usize = 400;
    for (name, noise) in NOISES {
        for passes in [6, 10, 25] {
            let mut random = Random(passes as u64);
            let mut side = |truth: f64| -> Vec<f64> {
                (0..passes).map(|_| truth * noise(&mut random)).collect()
            };
            let (mut pairs, mut sets) = (0, 0);
            for _ in 0..EXPERIMENTS {
                let (of, to) = (side(3.0), side(2.0));
                let holds = |found: Option<framehaul::statistics::Estimate>| {
                    found.is_some_and(|found| found.low <= 1.5 && 1.5 <= found.high)
                };
                pairs += usize::from(holds(ratio_of_pairs(&of, &to)));
                sets += usize::from(holds(ratio_of_sets(&of, &to)));
            }
            let least = least(EXPERIMENTS);
            assert!(
                pairs >= least,
                "{passes} pairs, {name}: {pairs} of {EXPERIMENTS}"
            );
            assert!(
                sets >= least,
                "{passes} apart, {name}: {sets} of {EXPERIMENTS}"
            );
        }
    }
}

/// Seconds of passes that took turns: a mode, the same again, and the same made 3 % slower on purpose.
type Round = [f64; 3];

/// Workloads of which `examples/tell_apart.rs --record` has printed the passes, a line a round.
const RECORDED: [&str; 3] = ["mmap", "threads", "payload-raw"];

fn recorded(name: &str) -> Vec<Round> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/passes");
    let text = std::fs::read_to_string(format!("{folder}/{name}.jsonl")).unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// A comparison as it would have come out, had it been of these passes alone.
fn compare(base: &[f64], run: &[f64]) -> Ratios {
    let report = |walls: &[f64]| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/reports/mmap");
        let mut report = Report::read(folder).unwrap();
        report.alternation = Some("one".into());
        report.totals.pass_wall_s = walls.to_vec();
        report.totals.wall_s = walls.iter().sum();
        report.totals.fps = report.totals.frames_analysed as f64 / report.totals.wall_s;
        report
    };
    let runs = vec![
        ("base".to_owned(), report(base)),
        ("run".to_owned(), report(run)),
    ];
    Comparison::new(runs).unwrap().data().ratios.remove(0)
}

fn column(rounds: &[Round], which: usize) -> Vec<f64> {
    rounds.iter().map(|round| round[which]).collect()
}

/// The number of repeats comes from some rounds, and the trial is of as many rounds as it says, right
/// behind them; then the same from the next round but one on.
#[test]
fn of_recorded_passes_a_mode_is_like_itself_and_3_percent_are_found_19_times_in_20() {
    const PILOT: usize = 12;
    for name in RECORDED {
        let rounds = recorded(name);
        let (mut trials, mut alike, mut found) = (0, 0, 0);
        for start in (0..rounds.len() - PILOT).step_by(2) {
            let (pilot, rest) = rounds[start..].split_at(PILOT);
            let advice = compare(&column(pilot, 0), &column(pilot, 1)).repeats;
            let needed = advice.expect("enough passes").needed;
            let Some(trial) = rest.get(..needed) else {
                continue;
            };
            let base = column(trial, 0);
            trials += 1;
            alike += usize::from(!compare(&base, &column(trial, 1)).clear);
            let slower = compare(&base, &column(trial, 2));
            found += usize::from(slower.clear && slower.fps.is_some_and(|fps| fps.high < 1.0));
        }
        assert!(trials >= 40, "{name}: only {trials} trials");
        assert!(
            20 * alike >= 19 * trials,
            "{name}: alike {alike} times of {trials}"
        );
        assert!(
            20 * found >= 19 * trials,
            "{name}: found {found} times of {trials}"
        );
    }
}

/// The recorded passes of a mode in another order, and made slower by calculation: what is found does not
/// hang on one machine's luck.
#[test]
fn of_passes_drawn_from_the_recorded_ones_it_is_the_same() {
    const PILOT: usize = 12;
    const TRIALS: usize = 60;
    for name in RECORDED {
        let rounds = recorded(name);
        let mut random = Random(1);
        let mut draw = |count: usize| -> Vec<Round> {
            let one = |_| rounds[(random.next() * rounds.len() as f64) as usize];
            (0..count).map(one).collect()
        };
        let (mut alike, mut found) = (0, 0);
        for _ in 0..TRIALS {
            let pilot = draw(PILOT);
            let advice = compare(&column(&pilot, 0), &column(&pilot, 1)).repeats;
            let trial = draw(advice.expect("enough passes").needed);
            let (base, same) = (column(&trial, 0), column(&trial, 1));
            alike += usize::from(!compare(&base, &same).clear);
            let slower: Vec<f64> = same.iter().map(|wall| LOST * wall).collect();
            found += usize::from(compare(&base, &slower).clear);
        }
        assert!(
            20 * alike >= 19 * TRIALS,
            "{name}: alike {alike} times of {TRIALS}"
        );
        assert!(
            20 * found >= 19 * TRIALS,
            "{name}: found {found} times of {TRIALS}"
        );
    }
}
