//! How long must a task be until workers are worth their trips?
//!
//! A task reads all of its payload and computes; its length is what that takes in one process. For
//! each payload and each of two ways to a worker, task lengths are tried until two are found that are
//! near each other, of which the shorter is clearly done sooner by one process and the longer by the
//! workers. What lies between two that are further apart is not clear on a machine as noisy as this.
//! The way there is either an ipc-channel, with the payload as an array through serde, or the
//! hand-over in shared memory, where the payload lies.
//!
//! The figure of a curve is the middle of the two, beside the two themselves. Where one process is
//! never seen to be sooner, there is no lower one, where the workers never are, no upper one, and in
//! either case no middle. The verdict goes by the whole interval: what may lie on either side of a bound is open.

mod crossing;
mod draw;
mod measure;
mod search;

use self::crossing::Crossing;
use self::measure::measure;
use crate::lab::haul::Haul;
use crate::lab::{Experiment, Figure, Finding, Verdict};
use crate::pool::worker;
use crate::report::units::{bytes as in_bytes, plural, time};

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "crossover",
    lecture: 26,
    slides: &[10],
    claim: "Short tasks (1–5 ms): sequential nearly always wins. Long tasks (200 ms+): \
            multiprocessing usually wins if payload is small. The crossover is typically 10–50 ms \
            on modern hardware.",
    // A worker has a message of 75 MB and the array of 50 MB, as this process has messages on their way.
    memory: |workers| 1_700_000_000 + 400_000_000 * workers,
    workers: &[worker::enter::<Haul>],
    run: |bench| {
        let all = PAYLOADS
            .iter()
            .filter(|payload| payload.is_quick || bench.pick(false, true));
        Ok(judge(&measure(bench, all)?))
    },
};

/// Seconds, by the lecture.
const CLAIMED: [f64; 2] = [0.010, 0.050];

/// Tasks of up to so many seconds nearly always lose, by the lecture: with so many of the payloads.
const SHORT: f64 = 0.005;
const NEARLY: f64 = 0.8;

/// From so many seconds on they usually win, if the payload is so small in bytes.
const LONG: f64 = 0.200;
const SMALL: usize = 1_000_000;

/// A payload in bytes, and the keys (of the middle, and of both ends) and names of its figures: by
/// ipc-channel, through shared memory.
#[derive(Debug)]
struct Payload {
    bytes: usize,
    is_quick: bool,
    keys: [[&'static str; 3]; 2],
    names: [&'static str; 2],
}

static PAYLOADS: [Payload; 5] = [
    Payload {
        bytes: 0,
        is_quick: true,
        keys: [
            ["channel_none_s", "channel_none_from_s", "channel_none_to_s"],
            ["shared_none_s", "shared_none_from_s", "shared_none_to_s"],
        ],
        names: [
            "no payload, by ipc-channel",
            "no payload, through shared memory",
        ],
    },
    Payload {
        bytes: 64_000,
        is_quick: true,
        keys: [
            ["channel_64k_s", "channel_64k_from_s", "channel_64k_to_s"],
            ["shared_64k_s", "shared_64k_from_s", "shared_64k_to_s"],
        ],
        names: ["64 kB, by ipc-channel", "64 kB, through shared memory"],
    },
    Payload {
        bytes: 1_000_000,
        is_quick: true,
        keys: [
            ["channel_1m_s", "channel_1m_from_s", "channel_1m_to_s"],
            ["shared_1m_s", "shared_1m_from_s", "shared_1m_to_s"],
        ],
        names: ["1 MB, by ipc-channel", "1 MB, through shared memory"],
    },
    Payload {
        bytes: 12_441_600,
        is_quick: true,
        keys: [
            ["channel_12m_s", "channel_12m_from_s", "channel_12m_to_s"],
            ["shared_12m_s", "shared_12m_from_s", "shared_12m_to_s"],
        ],
        names: ["12 MB, by ipc-channel", "12 MB, through shared memory"],
    },
    Payload {
        bytes: 49_766_400,
        is_quick: false,
        keys: [
            ["channel_50m_s", "channel_50m_from_s", "channel_50m_to_s"],
            ["shared_50m_s", "shared_50m_from_s", "shared_50m_to_s"],
        ],
        names: ["50 MB, by ipc-channel", "50 MB, through shared memory"],
    },
];

#[derive(Clone, Debug)]
struct Measured {
    workers: usize,
    /// An empty task there and back, by ipc-channel and through shared memory, in seconds.
    trips: [f64; 2],
    curves: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    payload: &'static Payload,
    channel: Crossing,
    shared: Crossing,
}

impl Payload {
    fn size(&self) -> String {
        in_bytes(self.bytes as f64)
    }
}

/// With how many of some payloads something is so, and with how many it may be, as the interval of a crossing
/// reaches beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    so: usize,
    open: usize,
    all: usize,
}

impl Share {
    fn of(known: impl Iterator<Item = Option<bool>>) -> Self {
        let known: Vec<_> = known.collect();
        let count = |what| known.iter().filter(|known| **known == what).count();
        Self {
            so: count(Some(true)),
            open: count(None),
            all: known.len(),
        }
    }

    /// Whether a share is large enough; none if it may be.
    fn is(self, enough: impl Fn(f64) -> bool) -> Option<bool> {
        let is = |of: usize| enough(of as f64 / self.all as f64);
        match (is(self.so), is(self.so + self.open)) {
            (true, _) => Some(true),
            (false, false) => Some(false),
            (false, true) => None,
        }
    }

    fn show(self) -> String {
        let Self { so, open, all } = self;
        match open {
            0 => format!("{so} of {all}"),
            _ => format!("{so} to {} of {all}", so + open),
        }
    }
}

fn judge(measured: &Measured) -> Finding {
    let curves = &measured.curves;
    // The lecture's way to a worker is the channel. A crossing may be anywhere in its interval.
    let within = |from, to| move |point: &Point| point.channel.is_within(from, to);
    let short = Share::of(curves.iter().map(within(SHORT, f64::INFINITY)));
    let small = curves.iter().filter(|point| point.payload.bytes <= SMALL);
    let long = Share::of(small.map(within(0.0, LONG)));
    let typical = Share::of(curves.iter().map(within(CLAIMED[0], CLAIMED[1])));
    // "Usually" and "typically" are more often than not.
    let most = |share| share > 0.5;
    let parts = [
        short.is(|share| share >= NEARLY),
        long.is(most),
        typical.is(most),
    ];
    let verdict = Verdict::of_clear(&parts);
    let told = |crossing: fn(&Point) -> Crossing| match (curves.first(), curves.last()) {
        (Some(first), Some(last)) => format!(
            "{} without a payload and {} with {}",
            crossing(first).show(),
            crossing(last).show(),
            last.payload.size()
        ),
        _ => "nowhere".into(),
    };
    let mut because = format!(
        "with {} the length from which tasks pay is {} by ipc-channel, and between 10 and 50 ms with {} \
         payloads; tasks of {} do not pay with {}, and those of {} do with {} up to {}; through shared memory \
         the length is {}",
        plural(measured.workers as u64, "worker"),
        told(|point| point.channel),
        typical.show(),
        time(1e9 * SHORT),
        short.show(),
        time(1e9 * LONG),
        long.show(),
        in_bytes(SMALL as f64),
        told(|point| point.shared),
    );
    if parts.contains(&None) {
        because += ". Where a count goes from one number to another, an interval holds the bound, and leaves \
                    open on which side of it the length is";
    }
    let (verdict, because) = verdict.in_parallel(measured.workers, because);
    Finding {
        figures: figures(measured),
        drawings: [draw::intervals(curves)]
            .into_iter()
            .chain(draw::lengths(curves))
            .collect(),
        verdict,
        because,
        parts: Vec::new(),
    }
}

fn figures(measured: &Measured) -> Vec<Figure> {
    let [channel_trip, shared_trip] = measured.trips;
    let mut figures = vec![
        Figure::seconds(
            "channel_trip_s",
            "a round trip by ipc-channel",
            channel_trip,
        ),
        Figure::seconds("shared_trip_s", "… through shared memory", shared_trip),
    ];
    for point in &measured.curves {
        let crossings = [point.channel, point.shared];
        let Payload { keys, names, .. } = point.payload;
        for ((keys, &what), crossing) in keys.iter().zip(names).zip(crossings) {
            let [middle, from, to] = *keys;
            // What is known of one end alone, or of none, has no middle: not a number.
            let claimed = Figure::seconds(middle, what, crossing.middle().unwrap_or(f64::NAN))
                .between(CLAIMED[0], CLAIMED[1]);
            figures.push(claimed);
            let ends = [
                (from, "… at least", crossing.at_least()),
                (to, "… at most", crossing.at_most()),
            ];
            let ends = ends.into_iter();
            figures
                .extend(ends.filter_map(|(key, what, end)| Some(Figure::seconds(key, what, end?))));
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(workers: usize, curves: Vec<Point>) -> Measured {
        Measured {
            workers,
            trips: [5e-5, 5e-6],
            curves,
        }
    }

    /// Payloads from none to 50 MB, by ipc-channel.
    fn finding(workers: usize, channel: [[f64; 2]; 5]) -> Finding {
        let crossing = |[loses, wins]: [f64; 2]| Crossing {
            loses,
            wins,
            is_noisy: false,
        };
        let point = |(payload, channel): (&'static Payload, [f64; 2])| Point {
            payload,
            channel: crossing(channel),
            shared: crossing(AT_ONCE),
        };
        let curves = PAYLOADS.iter().zip(channel).map(point).collect();
        judge(&measured(workers, curves))
    }

    const AS_CLAIMED: [f64; 2] = [0.02, 0.03];
    const AT_ONCE: [f64; 2] = [0.0, 1e-5];
    const LATE: [f64; 2] = [0.199, 0.3];
    const NEVER: [f64; 2] = [0.5, f64::INFINITY];

    fn verdict(channel: [[f64; 2]; 5]) -> Verdict {
        finding(2, channel).verdict
    }

    #[test]
    fn the_crossing_is_to_be_between_10_and_50_ms_with_most_payloads() {
        let third = |crossing| verdict([AS_CLAIMED, AS_CLAIMED, crossing, LATE, LATE]);
        assert_eq!(third([0.01, 0.05]), Verdict::Holds);
        // What reaches beyond a bound is open; what is beyond it is not as claimed.
        for crossing in [
            [0.0099, 0.05],
            [0.01, 0.0501],
            [0.004, 0.0099],
            [0.0501, 0.1],
        ] {
            assert_eq!(third(crossing), Verdict::Depends, "{crossing:?}");
        }
    }

    #[test]
    fn short_tasks_are_to_lose_with_all_payloads_but_one_in_five() {
        let second = |two| verdict([AT_ONCE, two, AS_CLAIMED, AS_CLAIMED, AS_CLAIMED]);
        assert_eq!(second([0.005, 0.0099]), Verdict::Holds);
        assert_eq!(second([0.0049, 0.0099]), Verdict::Depends);
        assert_eq!(second([0.004, 0.0049]), Verdict::Depends);
    }

    #[test]
    fn long_tasks_are_to_win_with_most_small_payloads() {
        let second = |two| verdict([AS_CLAIMED, two, [0.201, 0.4], AS_CLAIMED, AS_CLAIMED]);
        assert_eq!(second([0.1, 0.2]), Verdict::Holds);
        assert_eq!(second([0.1, 0.201]), Verdict::Depends);
        assert_eq!(second([0.201, 0.4]), Verdict::Depends);
    }

    #[test]
    fn what_may_be_on_either_side_of_a_bound_never_flips_the_verdict() {
        // None of the three is so, but for what the last payload's interval leaves open.
        let last = |crossing| verdict([AT_ONCE, NEVER, NEVER, AT_ONCE, crossing]);
        assert_eq!(last(AT_ONCE), Verdict::Differs);
        let second = |crossing| verdict([AT_ONCE, crossing, NEVER, AT_ONCE, AT_ONCE]);
        assert_eq!(second([0.201, f64::INFINITY]), Verdict::Differs);
        assert_eq!(second([0.2, f64::INFINITY]), Verdict::Depends);
        let all = |crossing| verdict([crossing; 5]);
        assert_eq!(all([0.01, 0.05]), Verdict::Holds);
        assert_eq!(all([0.0, f64::INFINITY]), Verdict::Depends);
    }

    #[test]
    fn a_share_is_open_if_what_is_open_would_decide_it() {
        let share = |so, open| Share { so, open, all: 5 };
        let most = |share: Share| share.is(|share| share > 0.5);
        assert_eq!(most(share(3, 0)), Some(true));
        assert_eq!(most(share(2, 1)), None);
        assert_eq!(most(share(1, 1)), Some(false));
        assert_eq!(
            (share(2, 0).show(), share(1, 2).show()),
            ("2 of 5".into(), "1 to 3 of 5".into())
        );
    }

    #[test]
    fn it_differs_where_none_of_the_three_is_so() {
        assert_eq!(
            verdict([AT_ONCE, NEVER, NEVER, AT_ONCE, AT_ONCE]),
            Verdict::Differs
        );
        assert_eq!(
            verdict([AT_ONCE, AT_ONCE, NEVER, AT_ONCE, AT_ONCE]),
            Verdict::Depends
        );
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = finding(1, [NEVER; 5]);
        assert_eq!(alone.verdict, Verdict::Untestable);
        let words = "with 1 worker the length from which tasks pay is > 500 ms without a payload";
        assert!(alone.because.contains(words), "{}", alone.because);
    }

    #[test]
    fn an_end_that_was_not_found_has_no_figure() {
        let figures = finding(2, [AS_CLAIMED, AT_ONCE, NEVER, LATE, LATE]).figures;
        let figure = |key| {
            let found = figures.iter().find(|figure| figure.key == key);
            found.map(|figure| figure.measured)
        };
        let ends = |keys: [&'static str; 2]| keys.map(figure);
        assert_eq!(
            ends(["channel_none_from_s", "channel_none_to_s"]),
            [Some(0.02), Some(0.03)]
        );
        assert_eq!(
            ends(["channel_64k_from_s", "channel_64k_to_s"]),
            [None, Some(1e-5)]
        );
        assert_eq!(
            ends(["channel_1m_from_s", "channel_1m_to_s"]),
            [Some(0.5), None]
        );
        for key in ["channel_64k_s", "channel_1m_s"] {
            assert!(figure(key).is_some_and(f64::is_nan), "{key}");
        }
    }

    #[test]
    fn every_payload_that_is_tried_has_its_figures() {
        let crossing = Crossing {
            loses: 0.01,
            wins: 0.02,
            is_noisy: false,
        };
        let point = |payload| Point {
            payload,
            channel: crossing,
            shared: crossing,
        };
        let curves: Vec<_> = PAYLOADS.iter().map(point).collect();
        let finding = judge(&measured(2, curves));
        let keys: std::collections::HashSet<_> =
            finding.figures.iter().map(|figure| figure.key).collect();
        assert_eq!(keys.len(), 2 + 3 * 2 * PAYLOADS.len());
    }
}
