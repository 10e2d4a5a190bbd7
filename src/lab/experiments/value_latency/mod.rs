//! What a look at a shared flag costs, while nobody writes it and while somebody does.

mod contended;

use self::contended::{Contended, Write, contend, median};
use crate::clock::now;
use crate::coordination::{SharedValue, StopFlag};
use crate::error::Result;
use crate::lab::bench::{Samples, seconds_since};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Pool, worker};
use crate::report::units::{count, time};
use std::hint::black_box;

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "value-latency",
    lecture: 27,
    slides: &[4, 6],
    claim: "Shared memory scalar: no serialization, nanosecond reads. Every flag check costs: \
            memory access + memory barrier (~10–100 ns).",
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

fn judge(measured: &Measured) -> Finding {
    let quiet = is_as_claimed(measured.quiet);
    let contended = measured.contended.map(|read| is_as_claimed(read.seconds));
    let verdict = match (quiet, contended) {
        (_, None) => Verdict::Untestable,
        (true, Some(true)) => Verdict::Holds,
        (false, Some(false)) => Verdict::Differs,
        _ => Verdict::Depends,
    };
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
        verdict,
        because,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(quiet: f64, contended: Option<f64>) -> Verdict {
        let measured = Measured {
            plain: 0.3e-9,
            watch: quiet,
            quiet,
            contended: contended.map(|seconds| Contended {
                seconds,
                new: 0.1,
                writes: 1e8,
            }),
            locked: 50e-9,
        };
        judge(&measured).verdict
    }

    #[test]
    fn the_claim_holds_if_a_look_takes_10_to_100_ns_whoever_writes() {
        assert_eq!(verdict(10e-9, Some(100e-9)), Verdict::Holds);
        assert_eq!(verdict(9.9e-9, Some(100e-9)), Verdict::Depends);
        assert_eq!(verdict(10e-9, Some(101e-9)), Verdict::Depends);
        assert_eq!(verdict(9.9e-9, Some(9.9e-9)), Verdict::Differs);
        assert_eq!(verdict(101e-9, Some(101e-9)), Verdict::Differs);
    }

    #[test]
    fn where_nobody_writes_meanwhile_half_the_claim_cannot_be_tried() {
        assert_eq!(verdict(10e-9, None), Verdict::Untestable);
    }
}
