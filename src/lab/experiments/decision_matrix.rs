//! Light and heavy work, and some in between, on small and large data: which cells of the matrix does a
//! pool win?

use crate::error::Result;
use crate::lab::finding::Part;
use crate::lab::haul::{self, Haul, Input, Order, Way};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Verdict};
use crate::pool::worker;
use crate::report::units::{list, plural, time};
use std::sync::Arc;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "decision-matrix",
    lecture: 26,
    slides: &[4, 10],
    claim: "Heavy Compute | ✅ Clear Win | ⚠️ Measure First. Light Compute | ❌ IPC Overhead Wins | \
            ❌ Both IPC + Compute Lose. Rule of thumb: task duration must be >> IPC overhead \
            (~5–20ms round-trip). Task duration < 50ms: question whether multiprocessing is worth \
            it. Task duration > 200ms with small output: almost always beneficial. Medium tasks \
            (50–100 ms): measure both — outcome depends on IPC payload",
    // Of four tasks a worker, what comes back may all wait; each worker has an array, its message and a slot.
    memory: |workers| 500_000_000 + 110_000_000 * workers,
    workers: &[worker::enter::<Haul>],
    run: |bench| {
        let weights = [1, 75, 200].map(|ms| bench.length(Duration::from_millis(ms)));
        Ok(judge(&measure(bench, weights, [1_000, bench.size(LARGE)])?))
    },
};

/// A frame of 1920 × 1080, RGB, 16 bits a sample.
const LARGE: usize = 12_441_600;

/// Speed-ups over one process.
#[derive(Clone, Copy, Debug)]
struct Measured {
    workers: usize,
    /// An empty task there and back, in seconds.
    round_trip: f64,
    /// Light, medium and heavy.
    cells: [Row; 3],
}

/// By how data cross.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// Small ones in, through the pool's queue: what is small has no other way.
    small: f64,
    /// Large ones in, and out.
    large: [Ways; 2],
}

/// The two ways of large data.
#[derive(Clone, Copy, Debug)]
struct Ways {
    /// By ipc-channel.
    payload: f64,
    /// In shared memory, and told of through the queue.
    reference: f64,
}

fn measure(bench: &Bench, weights: [Duration; 3], sizes: [usize; 2]) -> Result<Measured> {
    let workers = bench.processors;
    let slots = haul::slots(1, sizes[1])?;
    let small = Arc::new(haul::array(sizes[0]));
    let large = Arc::new(haul::array(sizes[1]));
    let lease = haul::written(&slots, &large)?;
    let by_channel = haul::pool(workers, true, Some(&slots))?;
    let by_queue = haul::pool(workers, false, Some(&slots))?;
    let [trip] = bench.in_turns(
        bench.seconds(0.1, 1.0),
        [&mut || haul::trip(&by_queue, Order::of(Input::Nothing, 0)).map(drop)],
    )?;
    let row = |name: &str, weight: Duration, seconds: f64| {
        bench.phase(&format!("{name} tasks"))?;
        let steps = bench.steps(weight);
        // Long enough to be timed, and a whole number for each worker.
        let tasks = workers
            * if weight < Duration::from_millis(10) {
                4
            } else {
                1
            };
        let alone = |input: &[u16], output: &mut [u16]| {
            (0..tasks).for_each(|_| haul::here(input, steps, output));
            Ok(())
        };
        let mut output = haul::array(sizes[1]);
        let channel = |order: Order| haul::all(bench, &by_channel, &order, tasks);
        let queue = |order: Order| haul::all(bench, &by_queue, &order, tasks);
        let of = |input: Input| Order::of(input, steps);
        let out = |way| Order::returning(way, sizes[1], steps);
        let taken = bench.in_turns(
            seconds,
            [
                &mut || alone(&small, &mut []),
                &mut || queue(of(Input::Payload(small.clone()))),
                &mut || alone(&large, &mut []),
                &mut || channel(of(Input::Payload(large.clone()))),
                &mut || queue(of(Input::Shared(lease.clone()))),
                &mut || alone(&[], &mut output),
                &mut || channel(out(Way::Payload)),
                &mut || queue(out(Way::Shared)),
            ],
        )?;
        let [small, small_queue, large @ ..] = taken.map(|taken| taken.median());
        let ways = |at: usize| Ways {
            payload: large[at] / large[at + 1],
            reference: large[at] / large[at + 2],
        };
        Ok(Row {
            small: small / small_queue,
            large: [ways(0), ways(3)],
        })
    };
    Ok(Measured {
        workers,
        round_trip: trip.median(),
        cells: [
            row("light", weights[0], bench.seconds(1.0, 8.0))?,
            row("medium", weights[1], bench.seconds(1.0, 10.0))?,
            row("heavy", weights[2], bench.seconds(1.0, 20.0))?,
        ],
    })
}

/// A speed-up from which on the lecture would not question the architecture.
const WIN: f64 = 1.2;

const ROUND_TRIP: &str = "IPC overhead (~5–20ms round-trip)";

/// Seconds that a round trip takes, by the lecture.
const TRIP: [f64; 2] = [0.005, 0.020];

/// Of large data the better of in and out, by one of the ways: where even that loses, both do.
fn better(row: Row, by: fn(Ways) -> f64) -> f64 {
    row.large.into_iter().map(by).fold(0.0, f64::max)
}

fn payload(row: Row) -> f64 {
    better(row, |ways| ways.payload)
}

fn reference(row: Row) -> f64 {
    better(row, |ways| ways.reference)
}

/// What the slide claims, one by one; "measure first" says nothing that could fail.
fn parts(measured: &Measured) -> [Part; 6] {
    let [light, medium, heavy] = measured.cells;
    let comes_to = |speed_ups: &[f64]| {
        let all: Vec<_> = speed_ups
            .iter()
            .map(|times| format!("×{times:.2}"))
            .collect();
        format!("it comes to {}", list(&all))
    };
    // Whatever goes in, next to nothing comes out.
    let small_output = [
        heavy.small,
        heavy.large[0].payload,
        heavy.large[0].reference,
    ];
    // Small, and large in and out.
    let by_payload = [
        medium.small,
        medium.large[0].payload,
        medium.large[1].payload,
    ];
    let some_win = by_payload.iter().any(|times| *times >= WIN);
    let some_lose = by_payload.iter().any(|times| *times < WIN);
    let [least, most] = TRIP;
    let is_trip = (least..=most).contains(&measured.round_trip);
    let part = |claim, verdict, because| Part::new(4, claim, verdict, because);
    // What gains less than what one would build it for has neither lost nor won.
    let loses = |speed_up: f64| match speed_up {
        lost if lost < 1.0 => Verdict::Holds,
        little if little < WIN => Verdict::Depends,
        _ => Verdict::Differs,
    };
    [
        part(
            "Heavy Compute | ✅ Clear Win",
            Verdict::of(&[heavy.small >= WIN]),
            comes_to(&[heavy.small]),
        ),
        part(
            "Light Compute | ❌ IPC Overhead Wins",
            loses(light.small),
            comes_to(&[light.small]),
        ),
        part(
            "❌ Both IPC + Compute Lose",
            // The lecture's data are pickled.
            loses(payload(light)),
            format!(
                "{} by payload at best, where by reference {}",
                comes_to(&[payload(light)]),
                comes_to(&[reference(light)])
            ),
        ),
        part(
            ROUND_TRIP,
            Verdict::of(&[is_trip]),
            format!("a round trip takes {}", time(1e9 * measured.round_trip)),
        ),
        part(
            "Task duration > 200ms with small output: almost always beneficial",
            Verdict::of(&small_output.map(|times| times >= WIN)),
            format!(
                "with 1 kB in, and 12 MB by payload and by reference, {}",
                comes_to(&small_output)
            ),
        ),
        Part::new(
            10,
            "Medium tasks (50–100 ms): measure both — outcome depends on IPC payload",
            Verdict::of(&[some_win && some_lose]),
            format!(
                "with 1 kB in, 12 MB in and 12 MB out, {}, where ×{WIN} is a win",
                comes_to(&by_payload)
            ),
        ),
    ]
    .map(|part| match part.claim {
        // It needs no second processor.
        ROUND_TRIP => part,
        _ => part.in_parallel(measured.workers),
    })
}

fn judge(measured: &Measured) -> Finding {
    let [light, _, heavy] = measured.cells;
    let [least, most] = TRIP;
    let parts = parts(measured);
    let because = format!(
        "with {} heavy work on small data comes to ×{:.2}, light work to ×{:.2}, and light work on large \
         data to ×{:.2} by payload and ×{:.2} by reference, where {WIN} is a win; heavy on large data comes to \
         ×{:.2} and ×{:.2}; a round trip takes {}, where {:.0} to {:.0} ms are claimed",
        plural(measured.workers as u64, "worker"),
        heavy.small,
        light.small,
        payload(light),
        reference(light),
        payload(heavy),
        reference(heavy),
        time(1e9 * measured.round_trip),
        1e3 * least,
        1e3 * most,
    );
    let (verdict, because) = Part::verdict(&parts).in_parallel(measured.workers, because);
    let mut figures = vec![
        Figure::seconds(
            "round_trip_s",
            "a round trip, one after the other",
            measured.round_trip,
        )
        .between(least, most),
    ];
    for (row, names) in measured.cells.iter().zip(FIGURES) {
        let [into, out] = row.large;
        let all = [
            row.small,
            into.payload,
            into.reference,
            out.payload,
            out.reference,
        ];
        let all = names.into_iter().zip(all);
        figures.extend(all.map(|((key, what), times)| Figure::times(key, what, times)));
    }
    Finding {
        figures,
        drawings: vec![matrix(measured)],
        verdict,
        because,
        parts: parts.into(),
    }
}

/// For each row the keys and names of its figures.
const FIGURES: [[(&str, &str); 5]; 3] = [
    [
        ("light_small", "1 ms, 1 kB in"),
        ("light_large_in_payload", "1 ms, 12 MB in, payload"),
        ("light_large_in_reference", "… reference"),
        ("light_large_out_payload", "1 ms, 12 MB out, payload"),
        ("light_large_out_reference", "… reference"),
    ],
    [
        ("medium_small", "75 ms, 1 kB in"),
        ("medium_large_in_payload", "75 ms, 12 MB in, payload"),
        ("medium_large_in_reference", "… reference"),
        ("medium_large_out_payload", "75 ms, 12 MB out, payload"),
        ("medium_large_out_reference", "… reference"),
    ],
    [
        ("heavy_small", "200 ms, 1 kB in"),
        ("heavy_large_in_payload", "200 ms, 12 MB in, payload"),
        ("heavy_large_in_reference", "… reference"),
        ("heavy_large_out_payload", "200 ms, 12 MB out, payload"),
        ("heavy_large_out_reference", "… reference"),
    ],
];

fn matrix(measured: &Measured) -> Drawing {
    let [light, medium, heavy] = measured.cells;
    let both = |ways: Ways| format!("×{:.2} / ×{:.2}", ways.payload, ways.reference);
    let row = |name: &str, row: Row| {
        vec![
            name.to_owned(),
            format!("×{:.2}", row.small),
            both(row.large[0]),
            both(row.large[1]),
        ]
    };
    Drawing::Table {
        title: "The matrix: speed-up over one process; 1 kB through the pool's queue, 12 MB by \
                ipc-channel / in shared memory"
            .into(),
        header: ["", "1 kB in", "12 MB in", "12 MB out"]
            .map(String::from)
            .to_vec(),
        rows: vec![
            row("heavy, 200 ms", heavy),
            row("medium, 75 ms", medium),
            row("light, 1 ms", light),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(heavy_small: f64, light_small: f64, light_large: [f64; 2]) -> Measured {
        let row = |small, large: [f64; 2]| Row {
            small,
            large: large.map(|payload| Ways {
                payload,
                reference: 1.9,
            }),
        };
        Measured {
            workers: 2,
            round_trip: 0.01,
            cells: [
                row(light_small, light_large),
                row(1.21, [1.19, 1.0]),
                row(heavy_small, [1.0, 1.0]),
            ],
        }
    }

    /// On each part.
    fn verdicts(measured: &Measured) -> [Verdict; 6] {
        let parts = judge(measured).parts;
        std::array::from_fn(|part| parts[part].verdict)
    }

    use Verdict::{Depends, Differs, Holds};

    #[test]
    fn three_cells_claim_something_each() {
        let cells = |heavy, light, large| {
            let [heavy, light, large, ..] = verdicts(&measured(heavy, light, large));
            [heavy, light, large]
        };
        assert_eq!(cells(1.21, 0.99, [0.99, 0.1]), [Holds; 3]);
        assert_eq!(cells(1.19, 0.99, [0.99, 0.1]), [Differs, Holds, Holds]);
        assert_eq!(cells(1.21, 1.01, [0.1, 0.1]), [Holds, Depends, Holds]);
        assert_eq!(cells(1.21, 1.19, [0.1, 0.1]), [Holds, Depends, Holds]);
        assert_eq!(cells(1.21, 1.21, [0.1, 0.1]), [Holds, Differs, Holds]);
        assert_eq!(cells(1.21, 0.99, [1.19, 0.1]), [Holds, Holds, Depends]);
        assert_eq!(cells(1.21, 0.99, [1.21, 0.1]), [Holds, Holds, Differs]);
        assert_eq!(cells(1.21, 0.99, [0.1, 1.21]), [Holds, Holds, Differs]);
    }

    #[test]
    fn a_round_trip_is_to_take_5_to_20_ms() {
        let of = |round_trip| {
            verdicts(&Measured {
                round_trip,
                ..measured(1.21, 1.19, [0.1, 0.1])
            })[3]
        };
        assert_eq!([0.0051, 0.0199].map(of), [Holds; 2]);
        assert_eq!([0.0049, 0.0201].map(of), [Differs; 2]);
    }

    #[test]
    fn long_tasks_with_small_output_are_to_win_whatever_goes_in() {
        let of = |small, payload, reference| {
            let mut measured = measured(small, 1.19, [0.1, 0.1]);
            measured.cells[2].large[0] = Ways { payload, reference };
            // What comes out large is none of it.
            measured.cells[2].large[1] = Ways {
                payload: 0.1,
                reference: 0.1,
            };
            verdicts(&measured)[4]
        };
        assert_eq!(of(1.21, 1.21, 1.21), Holds);
        assert_eq!(of(1.19, 1.21, 1.21), Depends);
        assert_eq!(of(1.21, 1.19, 1.21), Depends);
        assert_eq!(of(1.21, 1.21, 1.19), Depends);
        assert_eq!(of(1.19, 1.19, 1.19), Differs);
    }

    #[test]
    fn medium_tasks_are_to_win_with_some_payloads_and_not_with_others() {
        let of = |small, payload_in, payload_out| {
            let mut measured = measured(1.21, 1.19, [0.1, 0.1]);
            measured.cells[1].small = small;
            for (ways, payload) in measured.cells[1]
                .large
                .iter_mut()
                .zip([payload_in, payload_out])
            {
                ways.payload = payload;
            }
            let finding = judge(&measured);
            assert_eq!(finding.of_slide(10), finding.parts[5].verdict);
            finding.of_slide(10)
        };
        assert_eq!(of(1.21, 1.19, 1.21), Holds);
        assert_eq!(of(1.21, 1.21, 1.19), Holds);
        assert_eq!(of(1.19, 1.21, 1.19), Holds);
        assert_eq!(of(1.21, 1.21, 1.21), Differs);
        assert_eq!(of(1.19, 1.19, 1.19), Differs);
    }

    #[test]
    fn the_whole_is_that_of_its_parts() {
        let mut all = measured(1.21, 0.99, [0.1, 0.1]);
        all.cells[2].large[0].payload = 1.21;
        assert_eq!(judge(&all).verdict, Holds);
        all.round_trip = 5e-6;
        assert_eq!(judge(&all).verdict, Depends);
        let words = "a round trip takes 5.00 µs, where 5 to 20 ms are claimed";
        assert!(judge(&all).because.contains(words));
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = judge(&Measured {
            workers: 1,
            ..measured(0.99, 0.9, [0.5, 0.5])
        });
        assert_eq!(alone.verdict, Verdict::Untestable);
        assert_eq!(alone.of_slide(4), Verdict::Untestable);
        assert!(alone.because.starts_with("there is one processor"));
        assert!(alone.because.contains("×0.99"));
    }
}
