//! A hundred megabytes of input for 200 ms of work: who works, and who serialises?

mod limited;
mod swap;

use crate::error::Result;
use crate::lab::bench::Samples;
use crate::lab::finding::is_about;
use crate::lab::haul::{self, Haul, Input, Order, Way};
use crate::lab::memory;
use crate::lab::work::failed;
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Trip, worker};
use crate::report::units::{bytes as in_bytes, list, plural};
use limited::Ended;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use swap::Swapped;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "large-payload",
    lecture: 26,
    slides: &[8],
    claim: "Task: process a 100 MB array in 200 ms — but pickling it takes 1–2 seconds. 90% of \
            wall-clock time is serialization; only 10% is the actual work you're parallelizing. \
            Four workers: each still pickles independently — 4 × 1s = 4s of serialization overhead \
            alone. Plus: 4 × 300 MB peak memory pressure during transit → may trigger OS swapping. \
            Solution: use shared memory (mmap, multiprocessing.Array, or numpy.memmap) — next \
            lecture",
    memory: |_| 4_000_000_000,
    workers: &[worker::enter::<Haul>],
    run: |bench| {
        Ok(judge(&measure(
            bench,
            bench.size(100_000_000),
            bench.length(Duration::from_millis(200)),
        )?))
    },
};

/// As many as the lecture has, whatever the machine has.
const WORKERS: usize = 4;

/// Times in seconds, memory in bytes.
#[derive(Clone, Copy, Debug)]
struct Measured {
    bytes: f64,
    /// One task on one worker, from its submission to its end.
    payload: f64,
    raw: f64,
    shared: f64,
    mapped: f64,
    /// Of the payload's time: serialising, transferring, deserialising.
    moving: f64,
    /// The same of the way through shared memory.
    moving_shared: f64,
    /// The peak with four workers at four arrays.
    payload_peak: f64,
    shared_peak: f64,
    /// Four payloads at once: how long each was serialised, transferred, and deserialised, added up.
    /// That is time on the clock; where there are fewer processors than workers, waits for one are
    /// part of it.
    moving_four: f64,
    processors: usize,
    /// What became of a task whose worker had twice the array's size of memory left; by
    /// [`Way::ALL`].
    limited: [Ended; 3],
    /// From the four payloads to the last of the limited tasks.
    swapped: Swapped,
}

fn measure(bench: &Bench, bytes: usize, work: Duration) -> Result<Measured> {
    let data = Arc::new(haul::array(bytes));
    let steps = bench.steps(work);
    let folder = bench.folder()?;
    let file = folder.join("samples");
    std::fs::write(&file, bytemuck::cast_slice(&data)).map_err(failed)?;
    let slots = haul::slots(1, bytes)?;
    let lease = haul::written(&slots, &data)?;

    bench.phase("one worker")?;
    let pool = haul::pool(1, true, Some(&slots))?;
    let (moving, moving_shared) = (RefCell::default(), RefCell::default());
    let note = |of: &RefCell<Samples>, trip: &Trip| of.borrow_mut().0.push(moving_of(trip));
    let trip = |input: Input| haul::trip(&pool, Order::of(input, steps));
    let taken = bench.in_turns(
        bench.seconds(2.0, 20.0),
        [
            &mut || {
                note(&moving, &trip(Input::Payload(data.clone()))?);
                Ok(())
            },
            &mut || trip(Input::PayloadRaw(data.clone())).map(drop),
            &mut || {
                note(&moving_shared, &trip(Input::Shared(lease.clone()))?);
                Ok(())
            },
            &mut || trip(Input::File(file.clone())).map(drop),
        ],
    )?;
    let [payload, raw, shared, mapped] = taken.map(|taken| taken.median());
    drop((pool, lease, slots));

    let watch = swap::Watch::start();
    let (payload_peak, moving_four) = four_payloads(bench, bytes, steps)?;
    bench.phase("four workers, shared memory")?;
    let slots = haul::slots(WORKERS, bytes)?;
    let pool = haul::pool(WORKERS, false, Some(&slots))?;
    let rest = memory::at_rest(&pool.pids());
    let anonymous = memory::above(rest, &pool.pids(), || {
        let leases: Result<Vec<_>> = (0..WORKERS).map(|_| haul::written(&slots, &data)).collect();
        let orders = leases?
            .into_iter()
            .map(|lease| Order::of(Input::Shared(lease), steps));
        let handles: Vec<_> = orders.map(|order| pool.submit(order)).collect();
        handles
            .into_iter()
            .try_for_each(|handle| haul::end(handle).map(drop))
    })?;
    let shared_peak = anonymous + slots.bytes().0 as f64;
    drop((pool, slots));

    let limited = limited::try_all(bench, &folder, &data)?;
    Ok(Measured {
        bytes: bytes as f64,
        payload,
        raw,
        shared,
        mapped,
        moving: moving.into_inner().median(),
        moving_shared: moving_shared.into_inner().median(),
        payload_peak,
        shared_peak,
        moving_four,
        processors: bench.processors,
        limited,
        swapped: watch.finish(),
    })
}

fn moving_of(trip: &Trip) -> f64 {
    (trip.serialize() + trip.transfer() + trip.deserialize()) as f64 / 1e9
}

/// Four workers, each with an array of its own: their peak of memory, and how long each was moved,
/// added up.
fn four_payloads(bench: &Bench, bytes: usize, steps: u64) -> Result<(f64, f64)> {
    bench.phase("four workers, payload")?;
    let pool = haul::pool(WORKERS, true, None)?;
    haul::all(bench, &pool, &Order::of(Input::Nothing, 0), WORKERS)?;
    let rest = memory::at_rest(&pool.pids());
    let mut moving = 0.0;
    let peak = memory::above(rest, &pool.pids(), || {
        let input = |_| Input::Payload(Arc::new(haul::array(bytes)));
        let inputs: Vec<_> = (0..WORKERS).map(input).collect();
        let orders = inputs.into_iter().map(|input| Order::of(input, steps));
        let handles: Vec<_> = orders.map(|order| pool.submit(order)).collect();
        for handle in handles {
            moving += moving_of(&haul::end(handle)?);
        }
        Ok(())
    })?;
    Ok((peak, moving))
}

/// Seconds that moving one array takes, by the lecture, and four of them, added up.
const MOVING: (f64, f64) = (1.0, 2.0);
const MOVING_FOUR: f64 = 4.0;

/// From such a share on, it is what nearly all of the time goes to: 90 % are claimed.
const MOST: f64 = 0.8;

/// So many times the array, for each worker, are claimed.
const COPIES: f64 = 3.0;

/// Up to such a share, moving is no longer what the time goes to: what makes a solution of it.
const LITTLE: f64 = 0.1;

fn judge(measured: &Measured) -> Finding {
    let Measured {
        bytes,
        payload,
        raw,
        shared,
        mapped,
        moving,
        moving_shared,
        moving_four,
        limited,
        processors,
        ..
    } = *measured;
    let (share, share_shared) = (moving / payload, moving_shared / shared);
    let four = WORKERS as f64;
    let times = measured.payload_peak / (four * bytes);
    // That something may be swapped is not refuted by a time when nothing was: it is told, not judged.
    let parts = [
        (MOVING.0..=MOVING.1).contains(&moving),
        share >= MOST,
        is_about(times, COPIES),
        share_shared <= LITTLE,
    ];
    // Where some of the four wait for a processor, their time says nothing of moving.
    let (at_once, processors) = (
        processors >= WORKERS,
        plural(processors as u64, "processor"),
    );
    let four_move = match at_once {
        true => Verdict::of(&[is_about(moving_four, MOVING_FOUR)]),
        false => Verdict::Untestable,
    };
    let parts = parts.map(|is_so| Verdict::of(&[is_so]));
    let verdict = Verdict::of_all(&[&parts[..], &[four_move]].concat());
    let waits = match at_once {
        true => String::new(),
        false => format!(
            ", waiting for one of {processors} included, so that the {MOVING_FOUR} s of the claim cannot be tried here"
        ),
    };
    let under_limit = |ended: Ended| -> Vec<&str> {
        let ways = Way::ALL.into_iter().zip(limited);
        ways.filter(|(_, was)| *was == ended)
            .map(|(way, _)| way.name())
            .collect()
    };
    let left = in_bytes(2.0 * bytes);
    let limits = [
        (Ended::Died, "its worker died"),
        (Ended::Panicked, "panicked"),
        (Ended::NotUnderstood, "not understood"),
        (Ended::Done, "done"),
        (Ended::NotTried, "not tried"),
    ];
    let limits = limits.map(|(ended, word)| (under_limit(ended), word));
    let limits = limits.iter().filter(|(names, _)| !names.is_empty());
    let limits: Vec<_> = limits
        .map(|(names, word)| format!("{word}: {}", list(names)))
        .collect();
    let swapped = match measured.swapped {
        Swapped::Out(0) => "nothing was swapped out meanwhile".to_owned(),
        Swapped::Out(pages) => {
            format!("{} were swapped out meanwhile", plural(pages, "page"))
        }
        Swapped::Nowhere => {
            "there is nothing to swap to, so that swapping cannot be tried here".to_owned()
        }
        Swapped::Untold => {
            "the kernel does not say what is swapped, so that swapping cannot be tried here"
                .to_owned()
        }
    };
    let because = format!(
        "moving a payload takes {moving:.2} s, four at once {moving_four:.2} s in all{waits}; that is {:.0} \
         % of a payload's time, {:.1} % through shared memory; four workers have {times:.1} times their arrays in memory, through shared memory {:.1} times; with {left} \
         more than a worker has at rest: {}; {swapped}",
        100.0 * share,
        100.0 * share_shared,
        measured.shared_peak / (four * bytes),
        limits.join("; "),
    );
    let shown = |key, what, ended: Ended| {
        let shown = match ended {
            Ended::Done => 1.0,
            Ended::Died | Ended::Panicked | Ended::NotUnderstood => 0.0,
            Ended::NotTried => f64::NAN,
        };
        Figure::new(key, what, Unit::Shown, shown)
    };
    let mut figures = vec![
        Figure::seconds("moving_s", "100 MB: serialised, sent, deserialised", moving)
            .between(MOVING.0, MOVING.1),
        Figure::new("moving_share", "… of the task's time", Unit::Share, share).about(0.9),
        Figure::seconds("payload_s", "the task, payload", payload),
        Figure::seconds("raw_s", "… raw bytes", raw),
        Figure::seconds("mmap_s", "… a mapped file", mapped),
        Figure::seconds("shared_s", "… shared memory", shared),
        Figure::new(
            "moving_shared_share",
            "… moving, of its time",
            Unit::Share,
            share_shared,
        ),
        Figure::seconds(
            "moving_four_s",
            "four workers: moving, added up",
            moving_four,
        )
        .about(MOVING_FOUR),
        Figure::new(
            "payload_peak_bytes",
            "… memory, payload",
            Unit::Bytes,
            measured.payload_peak,
        )
        .about(1.2e9),
        Figure::new(
            "shared_peak_bytes",
            "… shared memory",
            Unit::Bytes,
            measured.shared_peak,
        ),
        shown(
            "limited_payload",
            "done with 200 MB more: payload",
            limited[0],
        ),
        shown("limited_raw", "… raw bytes", limited[1]),
        shown("limited_shared", "… shared memory", limited[2]),
    ];
    if let Swapped::Out(pages) = measured.swapped {
        let what = "pages that the machine swapped out meanwhile";
        figures.push(Figure::new(
            "swapped_pages",
            what,
            Unit::Count,
            pages as f64,
        ));
    }
    let bar = |name: &str, seconds: f64| (name.to_owned(), seconds);
    Finding {
        figures,
        drawings: vec![Drawing::Bars {
            title: "200 ms of work on 100 MB".into(),
            unit: Unit::Seconds,
            bars: vec![
                bar("payload", payload),
                bar("payload-raw", raw),
                bar("mapped file", mapped),
                bar("shared memory", shared),
            ],
        }],
        verdict,
        because,
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moving one array takes 1.5 s.
    fn measured(share: f64, times: f64) -> Measured {
        Measured {
            bytes: 1e8,
            payload: 1.5 / share,
            raw: 0.3,
            shared: 0.2,
            mapped: 0.2,
            moving: 1.5,
            moving_shared: 0.001,
            payload_peak: times * 4e8,
            shared_peak: 4e8,
            moving_four: 4.0,
            processors: 4,
            limited: [Ended::Done; 3],
            swapped: Swapped::Nowhere,
        }
    }

    #[test]
    fn it_is_the_shares_of_time_and_the_memory_that_are_judged() {
        // Of the 0.2 s through shared memory, so much is moving.
        let verdict = |share, times, moving_shared| {
            judge(&Measured {
                moving_shared,
                ..measured(share, times)
            })
            .verdict
        };
        let refuted = |share, times, moving_shared| {
            judge(&Measured {
                moving_shared,
                moving_four: 30.0,
                moving: 30.0,
                payload: 30.0 / share,
                ..measured(share, times)
            })
            .verdict
        };
        assert_eq!(verdict(0.81, 1.51, 0.019), Verdict::Holds);
        assert_eq!(verdict(0.81, 5.99, 0.019), Verdict::Holds);
        assert_eq!(verdict(0.79, 1.51, 0.019), Verdict::Depends);
        assert_eq!(verdict(0.81, 1.49, 0.019), Verdict::Depends);
        assert_eq!(verdict(0.81, 6.01, 0.019), Verdict::Depends);
        assert_eq!(verdict(0.81, 1.51, 0.021), Verdict::Depends);
        assert_eq!(refuted(0.79, 1.49, 0.021), Verdict::Differs);
        assert_eq!(refuted(0.79, 30.0, 0.021), Verdict::Differs);
        assert_eq!(verdict(0.79, 30.0, 0.021), Verdict::Depends);
    }

    #[test]
    fn moving_is_to_take_1_to_2_s_and_four_of_them_about_4() {
        let verdict = |moving, moving_four| {
            judge(&Measured {
                moving,
                moving_four,
                payload: moving / 0.9,
                ..measured(0.9, 3.0)
            })
            .verdict
        };
        assert_eq!(verdict(1.0, 4.0), Verdict::Holds);
        assert_eq!(verdict(0.99, 4.0), Verdict::Depends);
        assert_eq!(verdict(2.0, 4.0), Verdict::Holds);
        assert_eq!(verdict(2.01, 4.0), Verdict::Depends);
        assert_eq!(verdict(1.5, 2.0), Verdict::Holds);
        assert_eq!(verdict(1.5, 1.99), Verdict::Depends);
        assert_eq!(verdict(1.5, 8.0), Verdict::Holds);
        assert_eq!(verdict(1.5, 8.01), Verdict::Depends);
        // Four that wait for two processors take as long as they do.
        let few = judge(&Measured {
            processors: 3,
            moving_four: 30.0,
            ..measured(0.9, 3.0)
        });
        assert_eq!(few.verdict, Verdict::Untestable);
        assert!(
            few.because.contains("waiting for one of 3 processors"),
            "{}",
            few.because
        );
    }

    #[test]
    fn what_became_of_each_way_under_the_limit_is_told() {
        let because = |limited| {
            judge(&Measured {
                limited,
                ..measured(0.9, 3.0)
            })
            .because
        };
        let told = because([Ended::Died, Ended::Done, Ended::Done]);
        let words = "its worker died: payload; done: payload-raw and shared memory";
        assert!(told.contains(words), "{told}");
        let told = because([Ended::Panicked, Ended::NotUnderstood, Ended::Done]);
        let words = "panicked: payload; not understood: payload-raw; done: shared memory";
        assert!(
            words.split("; ").all(|words| told.contains(words)),
            "{told}"
        );
        assert!(because([Ended::NotTried; 3]).contains("not tried: payload, payload-raw"));
    }

    #[test]
    fn what_was_not_tried_has_no_figure_and_is_not_a_no() {
        let finding = judge(&Measured {
            limited: [Ended::Died, Ended::Done, Ended::NotTried],
            ..measured(0.9, 3.0)
        });
        let shown = finding
            .figures
            .iter()
            .filter(|figure| figure.unit == Unit::Shown);
        let shown: Vec<_> = shown
            .map(|figure| (figure.unit.show(figure.measured), figure.measured))
            .collect();
        let words: Vec<_> = shown.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!(words, ["no", "yes", "not tried"]);
        assert_eq!(serde_json::to_string(&shown[2].1).unwrap(), "null");
    }

    #[test]
    fn what_was_swapped_is_told_as_it_was_counted() {
        let because = |swapped| {
            judge(&Measured {
                swapped,
                ..measured(0.9, 3.0)
            })
            .because
        };
        assert!(because(Swapped::Out(0)).contains("nothing was swapped out"));
        assert!(because(Swapped::Out(70)).contains("70 pages were swapped out"));
        assert!(because(Swapped::Nowhere).contains("nothing to swap to"));
        assert!(because(Swapped::Untold).contains("cannot be tried here"));
    }
}
