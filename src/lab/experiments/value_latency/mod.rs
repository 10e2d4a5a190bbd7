//! What a look at a shared flag costs, while nobody writes it and while somebody does.

mod contended;

use self::contended::{Contended, Write, contend, median};
use crate::clock::now;
use crate::coordination::{SharedValue, StopFlag};
use crate::error::Result;
use crate::lab::bench::{Samples, seconds_since};
use crate::lab::finding::Part;
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Pool, worker};
use crate::report::units::{count, time};
use std::hint::black_box;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "value-latency",
    lecture: 27,
    slides: &[4, 6],
    claim: "Shared memory scalar — no serialization, nanosecond reads. Every flag check costs: \
            memory access + memory barrier (~10–100 ns)",
    memory: |_| 0,
    workers: &[worker::enter::<Write>],
    run: |bench| Ok(judge(&measure(bench)?)),
};

/// Times in seconds, of one access each.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Reading an ordinary variable.
    plain: f64,
    /// Looking at a stop flag that nobody sets just then.
    watch: f64,
    /// Reading a value that nobody writes just then.
    quiet: f64,
    /// … that another process was writing all the time; none if none ever did at the same time.
    contended: Option<Contended>,
    /// Locking, looking again, writing, and unlocking.
    locked: f64,
}

/// Accesses that are timed together.
const MANY: u32 = 1 << 19;

/// Seconds that one of many such accesses takes.
fn timed<T>(mut access: impl FnMut() -> T) -> f64 {
    let begin = now();
    for _ in 0..MANY {
        black_box(access());
    }
    seconds_since(begin) / f64::from(MANY)
}

fn measure(bench: &Bench) -> Result<Measured> {
    bench.phase("reading a flag")?;
    let pool = Pool::<Write>::processes(1).start(())?;
    let (value, ordinary) = (SharedValue::new(0u8)?, 0u8);
    let flag = StopFlag::new()?;
    let watch = flag.watch();
    let mut taken: [Samples; 4] = Default::default();
    let mut contended = Vec::new();
    let [plain, watched, quiet, locked] = &mut taken;
    let note = |into: &mut Samples, seconds| {
        into.0.push(seconds);
        Ok(())
    };
    bench.in_turns(
        bench.seconds(4.0, 20.0),
        [
            &mut || note(plain, timed(|| *black_box(&ordinary))),
            &mut || note(watched, timed(|| watch.is_set())),
            &mut || note(quiet, timed(|| value.load())),
            &mut || note(locked, timed(|| value.update(|flag| *flag |= 1))),
            &mut || {
                contended.extend(contend(bench, &pool, &value)?);
                Ok(())
            },
        ],
    )?;
    let [plain, watch, quiet, locked] = taken.map(|taken| taken.median());
    Ok(Measured {
        plain,
        watch,
        quiet,
        contended: median(contended),
        locked,
    })
}

/// What the lecture says a look costs, in seconds.
const CLAIMED: (f64, f64) = (10e-9, 100e-9);

fn is_as_claimed(seconds: f64) -> bool {
    (CLAIMED.0..=CLAIMED.1).contains(&seconds)
}

/// Less than this, in seconds, is counted in nanoseconds.
const NANOSECONDS: f64 = 1e-6;

/// What each of the slides claims.
fn parts(measured: &Measured) -> [Part; 2] {
    let reads = [
        Some(measured.quiet),
        measured.contended.map(|read| read.seconds),
    ];
    let reads: Vec<_> = reads.into_iter().flatten().collect();
    let meanwhile = measured.contended.map(|read| {
        let read = time(1e9 * read.seconds);
        format!(", and {read} while somebody does")
    });
    let told = format!(
        "a read takes {} while nobody writes it{}",
        time(1e9 * measured.quiet),
        meanwhile.unwrap_or_default()
    );
    let are_so = |is_so: fn(f64) -> bool| {
        let are_so: Vec<_> = reads.iter().map(|read| is_so(*read)).collect();
        Verdict::of(&are_so)
    };
    [
        Part::new(
            4,
            "Shared memory scalar — no serialization, nanosecond reads",
            are_so(|seconds| seconds < NANOSECONDS),
            told.clone(),
        ),
        Part::new(
            6,
            "Every flag check costs: memory access + memory barrier (~10–100 ns)",
            are_so(is_as_claimed),
            told,
        )
        .if_told(
            measured.contended.is_some(),
            "nobody ever wrote it at the same time",
        ),
    ]
}

fn judge(measured: &Measured) -> Finding {
    let parts = parts(measured);
    let disturbed = match measured.contended {
        Some(read) => format!(
            "and {} while another process wrote it {} times a second",
            time(1e9 * read.seconds),
            count(read.writes)
        ),
        None => "and no other process ever wrote it at the same time".into(),
    };
    let because = format!(
        "reading it took {} while nobody wrote it, where an ordinary variable took {}, {disturbed}",
        time(1e9 * measured.quiet),
        time(1e9 * measured.plain),
    );
    let access = |key, what, seconds| Figure::seconds(key, what, seconds);
    let look = |key, what, seconds| access(key, what, seconds).between(CLAIMED.0, CLAIMED.1);
    let mut figures = vec![
        access("plain_s", "reading an ordinary variable", measured.plain),
        look("quiet_s", "reading a shared value", measured.quiet),
        look("watch_s", "looking at a stop flag", measured.watch),
    ];
    if let Some(read) = measured.contended {
        figures.extend([
            look(
                "contended_s",
                "reading a value that another process writes",
                read.seconds,
            ),
            Figure::new("new", "… reads that saw a new one", Unit::Share, read.new),
        ]);
    }
    figures.push(access(
        "locked_s",
        "lock, look again, write, release",
        measured.locked,
    ));
    let bars = [
        ("an ordinary variable", Some(measured.plain)),
        ("a shared value", Some(measured.quiet)),
        ("a stop flag", Some(measured.watch)),
        (
            "a value being written",
            measured.contended.map(|read| read.seconds),
        ),
        ("a write under the lock", Some(measured.locked)),
    ];
    let bars = bars.into_iter();
    Finding {
        figures,
        drawings: vec![Drawing::Bars {
            title: "One access".into(),
            unit: Unit::Seconds,
            bars: bars
                .filter_map(|(name, seconds)| Some((name.to_owned(), seconds?)))
                .collect(),
        }],
        verdict: Part::verdict(&parts),
        because,
        parts: parts.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On the whole, on what slide 4 claims, and on what slide 6 does.
    fn verdicts(quiet: f64, contended: Option<f64>) -> [Verdict; 3] {
        let finding = judge(&Measured {
            plain: 0.3e-9,
            watch: quiet,
            quiet,
            contended: contended.map(|seconds| Contended {
                seconds,
                new: 0.1,
                writes: 1e8,
            }),
            locked: 50e-9,
        });
        [finding.verdict, finding.of_slide(4), finding.of_slide(6)]
    }

    use Verdict::{Depends, Differs, Holds, Untestable};

    #[test]
    fn a_look_is_to_take_10_to_100_ns_whoever_writes() {
        let of_slide_6 = |quiet, contended| verdicts(quiet, Some(contended))[2];
        assert_eq!(of_slide_6(10e-9, 100e-9), Holds);
        assert_eq!(of_slide_6(9.9e-9, 100e-9), Depends);
        assert_eq!(of_slide_6(10e-9, 101e-9), Depends);
        assert_eq!(of_slide_6(9.9e-9, 9.9e-9), Differs);
        assert_eq!(of_slide_6(101e-9, 101e-9), Differs);
    }

    #[test]
    fn a_read_is_to_take_nanoseconds_however_few() {
        let of_slide_4 = |quiet, contended| verdicts(quiet, Some(contended))[1];
        assert_eq!(of_slide_4(0.3e-9, 0.999e-6), Holds);
        assert_eq!(of_slide_4(0.3e-9, 1.001e-6), Depends);
        assert_eq!(of_slide_4(1.001e-6, 1.001e-6), Differs);
    }

    #[test]
    fn a_read_of_less_than_10_ns_is_as_slide_4_has_it_and_not_as_slide_6_has_it() {
        assert_eq!(verdicts(1e-9, Some(5e-9)), [Depends, Holds, Differs]);
        assert_eq!(verdicts(10e-9, Some(100e-9)), [Holds; 3]);
    }

    #[test]
    fn where_nobody_writes_meanwhile_what_a_look_costs_cannot_be_told() {
        assert_eq!(verdicts(10e-9, None), [Untestable, Holds, Untestable]);
    }
}
