//! Light and heavy work on small and large data: which cells of the matrix does a pool win?

use crate::error::Result;
use crate::lab::haul::{self, Haul, Input, Order, Way};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Verdict};
use crate::pool::worker;
use crate::report::units::{list, plural, time};
use std::sync::Arc;
use std::time::Duration;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "decision-matrix",
    lecture: 26,
    slides: &[4],
    claim: "Heavy compute, small data: clear win. Heavy compute, large data: measure first. Light \
            compute, small data: IPC overhead wins. Light compute, large data: both lose. Rule of \
            thumb: task duration must be >> IPC overhead (~5–20 ms round-trip).",
    // Of four tasks a worker, what comes back may all wait; each worker has an array, its message and a slot.
    memory: |workers| 500_000_000 + 110_000_000 * workers,
    workers: &[worker::enter::<Haul>],
    run: |bench| {
        let weights = [1, 200].map(|ms| bench.length(Duration::from_millis(ms)));
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
    /// Light, then heavy.
    cells: [Row; 2],
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

fn measure(bench: &Bench, weights: [Duration; 2], sizes: [usize; 2]) -> Result<Measured> {
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
        let alone = |input: &[u16], output| {
            (0..tasks).for_each(|_| haul::here(input, steps, output));
            Ok(())
        };
        let channel = |order: Order| haul::all(bench, &by_channel, &order, tasks);
        let queue = |order: Order| haul::all(bench, &by_queue, &order, tasks);
        let of = |input: Input| Order::of(input, steps);
        let out = |way| Order::returning(way, sizes[1], steps);
        let taken = bench.in_turns(
            seconds,
            [
                &mut || alone(&small, 0),
                &mut || queue(of(Input::Payload(small.clone()))),
                &mut || alone(&large, 0),
                &mut || channel(of(Input::Payload(large.clone()))),
                &mut || queue(of(Input::Shared(lease.clone()))),
                &mut || alone(&[], sizes[1]),
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
            row("heavy", weights[1], bench.seconds(1.0, 20.0))?,
        ],
    })
}

/// A speed-up from which on the lecture would not question the architecture.
const WIN: f64 = 1.2;

/// Seconds that a round trip takes, by the lecture.
const TRIP: [f64; 2] = [0.005, 0.020];

fn judge(measured: &Measured) -> Finding {
    let [light, heavy] = measured.cells;
    // Of large data, the better of in and out: where even that loses, all do.
    let large = |row: Row, by: fn(Ways) -> f64| row.large.map(by).into_iter().fold(0.0, f64::max);
    let payload = |row: Row| large(row, |ways| ways.payload);
    // "Measure first" says nothing that could fail.
    let cells = [
        ("heavy on small data wins", heavy.small >= WIN, heavy.small),
        ("light on small data loses", light.small < WIN, light.small),
        (
            "light on large data loses",
            payload(light) < WIN,
            payload(light),
        ),
    ];
    let [least, most] = TRIP;
    let is_trip = (least..=most).contains(&measured.round_trip);
    let [heavy_small, light_small, light_large] = cells.map(|(_, holds, _)| holds);
    let verdict = Verdict::of(&[heavy_small, light_small, light_large, is_trip]);
    let told = cells.map(|(cell, holds, speed_up)| {
        format!(
            "that {cell} {} (×{speed_up:.2})",
            if holds { "holds" } else { "does not hold" }
        )
    });
    let because = format!(
        "with {} {}; heavy on large data comes to ×{:.2} by payload and ×{:.2} by \
         reference; a round trip takes {}, {} the {:.0} to {:.0} ms that are claimed",
        plural(measured.workers as u64, "worker"),
        list(&told),
        payload(heavy),
        large(heavy, |ways| ways.reference),
        time(1e9 * measured.round_trip),
        if is_trip { "within" } else { "not" },
        1e3 * least,
        1e3 * most,
    );
    let (verdict, because) = verdict.in_parallel(measured.workers, because);
    let times = Figure::times;
    let figures = vec![
        Figure::seconds(
            "round_trip_s",
            "a round trip, one after the other",
            measured.round_trip,
        )
        .between(least, most),
        times("light_small", "1 ms, 1 kB in", light.small),
        times(
            "light_large_in_payload",
            "1 ms, 12 MB in, payload",
            light.large[0].payload,
        ),
        times(
            "light_large_in_reference",
            "… reference",
            light.large[0].reference,
        ),
        times(
            "light_large_out_payload",
            "1 ms, 12 MB out, payload",
            light.large[1].payload,
        ),
        times(
            "light_large_out_reference",
            "… reference",
            light.large[1].reference,
        ),
        times("heavy_small", "200 ms, 1 kB in", heavy.small),
        times(
            "heavy_large_in_payload",
            "200 ms, 12 MB in, payload",
            heavy.large[0].payload,
        ),
        times(
            "heavy_large_in_reference",
            "… reference",
            heavy.large[0].reference,
        ),
        times(
            "heavy_large_out_payload",
            "200 ms, 12 MB out, payload",
            heavy.large[1].payload,
        ),
        times(
            "heavy_large_out_reference",
            "… reference",
            heavy.large[1].reference,
        ),
    ];
    Finding {
        figures,
        drawings: vec![matrix(heavy, light)],
        verdict,
        because,
        parts: Vec::new(),
    }
}

fn matrix(heavy: Row, light: Row) -> Drawing {
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
        rows: vec![row("heavy, 200 ms", heavy), row("light, 1 ms", light)],
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
            cells: [row(light_small, light_large), row(heavy_small, [1.0, 1.0])],
        }
    }

    fn verdict(heavy_small: f64, light_small: f64, light_large: [f64; 2]) -> Verdict {
        judge(&measured(heavy_small, light_small, light_large)).verdict
    }

    #[test]
    fn three_cells_claim_something_each() {
        assert_eq!(verdict(1.21, 1.19, [1.19, 0.1]), Verdict::Holds);
        assert_eq!(verdict(1.19, 1.19, [1.19, 0.1]), Verdict::Depends);
        assert_eq!(verdict(1.21, 1.21, [0.1, 0.1]), Verdict::Depends);
        assert_eq!(verdict(1.21, 1.19, [1.21, 0.1]), Verdict::Depends);
        assert_eq!(verdict(1.21, 1.19, [0.1, 1.21]), Verdict::Depends);
        assert_eq!(verdict(1.19, 1.21, [0.1, 1.21]), Verdict::Depends);
    }

    #[test]
    fn a_round_trip_is_to_take_5_to_20_ms() {
        let finding = |heavy_small, light, round_trip| {
            judge(&Measured {
                round_trip,
                ..measured(heavy_small, light, [light, light])
            })
        };
        assert_eq!(finding(1.21, 1.19, 0.0051).verdict, Verdict::Holds);
        assert_eq!(finding(1.21, 1.19, 0.0199).verdict, Verdict::Holds);
        assert_eq!(finding(1.21, 1.19, 0.0049).verdict, Verdict::Depends);
        assert_eq!(finding(1.21, 1.19, 0.0201).verdict, Verdict::Depends);
        assert_eq!(finding(1.19, 1.21, 0.0049).verdict, Verdict::Differs);
        let told = finding(1.21, 1.19, 5e-6).because;
        let words = "a round trip takes 5.00 µs, not the 5 to 20 ms that are claimed";
        assert!(told.contains(words), "{told}");
    }

    #[test]
    fn one_processor_cannot_tell() {
        let alone = judge(&Measured {
            workers: 1,
            ..measured(0.99, 0.9, [0.5, 0.5])
        });
        assert_eq!(alone.verdict, Verdict::Untestable);
        assert!(alone.because.starts_with("there is one processor"));
        assert!(alone.because.contains("×0.99"));
    }
}
