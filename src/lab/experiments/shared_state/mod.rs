//! Not all shared state costs the same.

mod job;
mod slices;

use self::job::{Access, Accesses, ELEMENTS, KEY, Kind, State};
use self::slices::{Count, Lost};
use crate::coordination::{Manager, SharedArray, SharedValue};
use crate::error::{Error, Result};
use crate::lab::bench::Samples;
use crate::lab::finding::{Part, is_about};
use crate::lab::work::{done, failed};
use crate::lab::{Bench, Drawing, Experiment, Figure, Finding, Unit, Verdict};
use crate::pool::{Pool, worker};
use crate::report::units::{count, digits, time};
use crate::sys::segment::{LINE, Segment};

pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "shared-state",
    lecture: 27,
    slides: &[8, 9],
    claim: "Manager.dict / .list | 1–5 ms (IPC round-trip). multiprocessing.Value | ~100 ns \
            (memory access). multiprocessing.Array | ~100 ns per element. shared_memory | ~100 ns. \
            Manager: 1,000–50,000× slower per access than Value. Multiple workers each write to a \
            distinct slice (no lock needed)",
    memory: |_| 0,
    workers: &[
        worker::enter::<Accesses>,
        worker::enter::<Count>,
        Manager::serve,
    ],
    run: |bench| Ok(judge(&measure(bench)?)),
};

/// Each kind, its name, and how often it is accessed at a time: for about a millisecond, so that
/// the job's own round trip is not seen.
const KINDS: [(Kind, &str, u32); 6] = [
    (Kind::Dict, "Manager, dict", 50),
    (Kind::List, "Manager, list", 50),
    (Kind::Value, "SharedValue", 1 << 20),
    (Kind::Locked, "SharedValue, under its lock", 1 << 14),
    (Kind::Array, "SharedArray, an element", 1 << 20),
    (Kind::Memory, "shared memory, a word", 1 << 20),
];

/// What one kind costs, in seconds an access.
#[derive(Clone, Copy, Debug)]
struct Cost {
    read: f64,
    write: f64,
}

/// In the order of [`KINDS`].
#[derive(Clone, Copy, Debug)]
struct Measured {
    dict: Cost,
    list: Cost,
    value: Cost,
    locked: Cost,
    array: Cost,
    memory: Cost,
    /// Writing without a lock.
    lost: Lost,
}

fn measure(bench: &Bench) -> Result<Measured> {
    let manager = Manager::start()?;
    let state = State {
        dict: manager.dict(),
        list: manager.list(),
        value: SharedValue::new(0)?,
        array: SharedArray::new(ELEMENTS)?,
        memory: Segment::create(LINE).map_err(no_memory)?,
    };
    state.dict.set(KEY, &0u64)?;
    state.list.push(&0u64)?;
    let pool = Pool::<Accesses>::processes(1).start(state)?;
    let mut taken: [[Samples; 2]; KINDS.len()] = Default::default();
    bench.phase("reading and writing from a worker")?;
    let mut turn = || {
        for ((kind, _, times), taken) in KINDS.into_iter().zip(&mut taken) {
            for (access, taken) in [Access::Read, Access::Write].into_iter().zip(taken) {
                let accesses = Accesses {
                    kind,
                    access,
                    times,
                };
                taken.0.push(done(pool.submit(accesses))?);
            }
        }
        Ok(())
    };
    bench.in_turns(bench.seconds(3.0, 20.0), [&mut turn])?;
    let [dict, list, value, locked, array, memory] = taken.map(|[read, write]| Cost {
        read: read.median(),
        write: write.median(),
    });
    Ok(Measured {
        dict,
        list,
        value,
        locked,
        array,
        memory,
        lost: slices::measure(bench)?,
    })
}

fn no_memory(error: std::io::Error) -> Error {
    failed(format!("no shared memory: {error}"))
}

/// What the lecture says, in seconds, and how many times as long.
const MANAGER: (f64, f64) = (1e-3, 5e-3);
const MEMORY: f64 = 100e-9;
const SLOWER: (f64, f64) = (1_000.0, 50_000.0);

fn within(value: f64, (least, most): (f64, f64)) -> bool {
    (least..=most).contains(&value)
}

/// What the slides claim, one by one.
fn parts(measured: &Measured) -> [Part; 4] {
    let Measured {
        dict,
        list,
        value,
        array,
        memory,
        lost,
        locked,
    } = *measured;
    let all = |costs: &[Cost], is_so: fn(f64) -> bool| {
        let are_so = costs
            .iter()
            .all(|cost| is_so(cost.read) && is_so(cost.write));
        Verdict::of(&[are_so])
    };
    let took = |cost: Cost| format!("{} and {}", time(1e9 * cost.read), time(1e9 * cost.write));
    // multiprocessing.Value has a lock, unless one asks for none.
    let slower = [value, locked].map(|value| dict.read / value.read);
    [
        Part::new(
            8,
            "Manager.dict / .list | 1–5 ms (IPC round-trip)",
            all(&[dict, list], |seconds| within(seconds, MANAGER)),
            format!(
                "reading and writing take {} in a dict, and {} in a list",
                took(dict),
                took(list)
            ),
        ),
        Part::new(
            8,
            "~100 ns (memory access)",
            all(&[value, array, memory], |seconds| is_about(seconds, MEMORY)),
            format!(
                "reading and writing take {} of a value, {} of an array's element, and {} of a word of \
                 memory",
                took(value),
                took(array),
                took(memory)
            ),
        ),
        Part::new(
            8,
            "Manager: 1,000–50,000× slower per access than Value",
            Verdict::of(&slower.map(|slower| within(slower, SLOWER))),
            format!(
                "it is {} times as slow as a value without a lock, and {} times as slow as one under its lock",
                digits(slower[0]),
                digits(slower[1])
            ),
        ),
        Part::new(
            9,
            "Multiple workers each write to a distinct slice (no lock needed)",
            Verdict::of(&[lost.distinct == 0]),
            format!(
                "of {} increments {} were lost by four workers in a slice each, and {} by four in the same",
                count(lost.increments as f64),
                lost.distinct,
                count(lost.same as f64)
            ),
        )
        // Where not even the same slice lost any, the workers were not at it at the same time.
        .if_told(
            lost.same > 0 || lost.distinct > 0,
            "no two of them ever wrote at the same time",
        ),
    ]
}

fn judge(measured: &Measured) -> Finding {
    let slower = measured.dict.read / measured.value.read;
    let parts = parts(measured);
    let because = format!(
        "reading a dictionary's value took {}, writing it {}, reading a shared number {}, writing it \
         {}: reading, {} times as long; under the number's lock, {} times",
        time(1e9 * measured.dict.read),
        time(1e9 * measured.dict.write),
        time(1e9 * measured.value.read),
        time(1e9 * measured.value.write),
        digits(slower),
        digits(measured.dict.read / measured.locked.read),
    );
    let seconds = Figure::seconds;
    let of_manager = |[read, write]: [&'static str; 2], what, cost: Cost| {
        [
            seconds(read, what, cost.read).between(MANAGER.0, MANAGER.1),
            seconds(write, "… writing it", cost.write).between(MANAGER.0, MANAGER.1),
        ]
    };
    let of_memory = |[read, write]: [&'static str; 2], what, cost: Cost| {
        [
            seconds(read, what, cost.read).about(MEMORY),
            seconds(write, "… writing it", cost.write).about(MEMORY),
        ]
    };
    let accesses = [
        of_manager(
            ["dict_read_s", "dict_write_s"],
            "reading from a Manager's dict",
            measured.dict,
        ),
        of_manager(
            ["list_read_s", "list_write_s"],
            "reading from a Manager's list",
            measured.list,
        ),
        of_memory(
            ["value_read_s", "value_write_s"],
            "reading a SharedValue",
            measured.value,
        ),
        of_memory(
            ["array_read_s", "array_write_s"],
            "reading an element of an array",
            measured.array,
        ),
        of_memory(
            ["memory_read_s", "memory_write_s"],
            "reading a word of memory",
            measured.memory,
        ),
    ];
    let ratios = [
        Figure::times("slower", "the dict to the value", slower).between(SLOWER.0, SLOWER.1),
        Figure::times(
            "slower_than_locked",
            "the dict to the value under its lock",
            measured.dict.read / measured.locked.read,
        )
        .between(SLOWER.0, SLOWER.1),
    ];
    let lost = [
        Figure::new(
            "distinct_lost",
            "writes lost of 4 workers, a slice each",
            Unit::Count,
            measured.lost.distinct as f64,
        )
        .about(0.0),
        Figure::new(
            "same_lost",
            "… of 4 workers in the same slice",
            Unit::Count,
            measured.lost.same as f64,
        ),
    ];
    let figures = accesses.into_iter().flatten().chain(ratios).chain(lost);
    Finding {
        figures: figures.collect(),
        drawings: vec![table(measured)],
        verdict: Part::verdict(&parts),
        because,
        parts: parts.into(),
    }
}

fn table(measured: &Measured) -> Drawing {
    let Measured {
        dict,
        list,
        value,
        locked,
        array,
        memory,
        ..
    } = *measured;
    let costs = [dict, list, value, locked, array, memory];
    let row = |((_, name, _), cost): ((Kind, &str, u32), Cost)| {
        vec![
            name.to_owned(),
            time(1e9 * cost.read),
            time(1e9 * cost.write),
            format!("×{}", digits(cost.read / value.read)),
        ]
    };
    Drawing::Table {
        title: "One access from a worker process".into(),
        header: ["", "read", "write", "read, to a SharedValue"]
            .map(String::from)
            .to_vec(),
        rows: KINDS.into_iter().zip(costs).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(manager: f64, memory: f64) -> Measured {
        let cost = |read| Cost { read, write: read };
        Measured {
            dict: cost(manager),
            list: cost(manager),
            value: cost(memory),
            locked: cost(memory),
            array: cost(memory),
            memory: cost(memory),
            lost: Lost {
                increments: 1_000,
                distinct: 0,
                same: 1,
            },
        }
    }

    fn verdict(manager: f64, memory: f64) -> Verdict {
        judge(&measured(manager, memory)).of_slide(8)
    }

    #[test]
    fn the_claim_holds_if_both_times_and_their_ratio_are_as_claimed() {
        assert_eq!(verdict(1e-3, 100e-9), Verdict::Holds);
        assert_eq!(verdict(5e-3, 100e-9), Verdict::Holds);
        // The ratio is still as claimed, as it is with 101 ns.
        assert_eq!(verdict(0.99e-3, 100e-9), Verdict::Depends);
        assert_eq!(verdict(5.01e-3, 110e-9), Verdict::Depends);
        assert_eq!(verdict(1e-3, 51e-9), Verdict::Holds);
        assert_eq!(verdict(1e-3, 49e-9), Verdict::Depends);
        assert_eq!(verdict(1e-3, 199e-9), Verdict::Holds);
        assert_eq!(verdict(1e-3, 201e-9), Verdict::Depends);
    }

    #[test]
    fn each_kind_is_judged_by_itself_and_by_its_reads_and_writes() {
        let of_manager: [fn(&mut Measured) -> &mut Cost; 2] = [|m| &mut m.dict, |m| &mut m.list];
        let of_memory: [fn(&mut Measured) -> &mut Cost; 3] =
            [|m| &mut m.value, |m| &mut m.array, |m| &mut m.memory];
        let accesses: [fn(&mut Cost) -> &mut f64; 2] =
            [|cost| &mut cost.read, |cost| &mut cost.write];
        let off = of_manager.map(|of| (of, 0.99e-3));
        let off = off.into_iter().chain(of_memory.map(|of| (of, 201e-9)));
        for (number, (of, seconds)) in off.enumerate() {
            for access in accesses {
                let mut measured = measured(2e-3, 100e-9);
                assert_eq!(judge(&measured).verdict, Verdict::Holds);
                *access(of(&mut measured)) = seconds;
                let verdict = judge(&measured).verdict;
                assert_eq!(verdict, Verdict::Depends, "kind {number}: {measured:?}");
            }
        }
        // Of one under its lock nothing but the ratio is claimed.
        let locked = |seconds| {
            let mut measured = measured(2e-3, 100e-9);
            measured.locked = Cost {
                read: seconds,
                write: 1.0,
            };
            judge(&measured).parts[2].verdict
        };
        assert_eq!(locked(1.99e-6), Verdict::Holds);
        assert_eq!(locked(2.01e-6), Verdict::Depends);
    }

    #[test]
    fn a_slice_each_is_to_lose_nothing_where_the_same_one_does() {
        let of_slide_9 = |distinct, same| {
            let mut measured = measured(2e-3, 100e-9);
            (measured.lost.distinct, measured.lost.same) = (distinct, same);
            judge(&measured).of_slide(9)
        };
        assert_eq!(of_slide_9(0, 1), Verdict::Holds);
        assert_eq!(of_slide_9(1, 1), Verdict::Differs);
        assert_eq!(of_slide_9(0, 0), Verdict::Untestable);
        assert_eq!(of_slide_9(1, 0), Verdict::Differs);
    }

    #[test]
    fn it_differs_if_neither_time_nor_the_ratio_is() {
        assert_eq!(verdict(51e-6, 1e-9), Verdict::Differs);
        assert_eq!(verdict(49e-6, 1e-9), Verdict::Depends, "the ratio is");
        assert_eq!(verdict(1.01e-6, 1e-9), Verdict::Depends);
        assert_eq!(verdict(0.99e-6, 1e-9), Verdict::Differs);
    }
}
