//! Searches, and what their workers did when one had found it.

use super::frames::{CONDITION, HEIGHT, Inputs, NO_SUCH};
use super::{INTERVALS, Interval, Measured, WORKERS};
use crate::analysis::Condition;
use crate::clock::Nanos;
use crate::coordination::Every;
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::bench::Samples;
use crate::pipeline::find::{Answer, Query, Searched, Which, find};
use crate::source::FrameSet;
use crate::statistics::{LEAST_PASSES, ratio_of_pairs};
use std::sync::Arc;

/// Streams that are searched one behind the other, by the same workers.
const STREAMS: usize = 6;

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    bench.phase("writing frames")?;
    let inputs = Inputs::new(bench.folder()?)?;
    let mut seen: [Seen; INTERVALS.len()] = Default::default();
    bench.phase("streams in which one worker finds it")?;
    // The last has none behind it.
    let streams = if bench.is_rehearsal() { 3 } else { STREAMS };
    let mut turn = || {
        for (rows, seen) in INTERVALS.into_iter().zip(&mut seen) {
            let streams = (0..streams).flat_map(|_| [&inputs.between, &inputs.stream]);
            seen.add(&search(bench, streams, CONDITION, rows)?);
        }
        Ok(())
    };
    bench.in_turns(bench.seconds(3.0, 16.0), [&mut turn])?;
    bench.phase("streams in which there is nothing to find")?;
    let mut frames: [Samples; INTERVALS.len()] = Default::default();
    let mut turn = || {
        for (rows, taken) in INTERVALS.into_iter().zip(&mut frames) {
            let answer = search(bench, [&inputs.stream; 2], NO_SUCH, rows)?;
            let frames = answer
                .inputs
                .iter()
                .map(|input| input.analysed)
                .sum::<u64>();
            taken.0.push(seconds(answer.wall_ns) / frames as f64);
        }
        Ok(())
    };
    let least = if bench.is_rehearsal() {
        2
    } else {
        LEAST_PASSES
    };
    bench.in_turns_of(least, bench.seconds(2.0, 10.0), [&mut turn])?;
    let [often, .., rarely] = &frames;
    let slower = ratio_of_pairs(&often.0, &rarely.0);
    let rows = INTERVALS.into_iter().zip(seen).zip(&frames);
    Ok(Measured {
        processors: bench.processors,
        intervals: rows
            .map(|((rows, seen), frame)| Interval {
                rows,
                first_gave_up: seen.first_gave_up.median(),
                first_next: seen.first_next.median(),
                last_next: seen.last_next.median(),
                // Whatever else the machine does only makes it slower.
                frame: frame.0.iter().copied().fold(f64::INFINITY, f64::min),
            })
            .collect(),
        slower,
    })
}

fn search<'a>(
    bench: &Bench,
    inputs: impl IntoIterator<Item = &'a Arc<FrameSet>>,
    condition: &str,
    rows: u64,
) -> Result<Answer> {
    bench.go_on()?;
    let query = Query {
        inputs: inputs.into_iter().cloned().collect(),
        which: Which::Any,
        workers: Some(WORKERS),
        check_every: Every::Iterations(rows.min(HEIGHT as u64)),
        batch: Some(1),
        stop: bench.stop(),
        ..Query::new([], Condition::parse(condition)?)
    };
    find(&query, &mut ())
}

/// Seconds from finding it, in each stream.
#[derive(Default)]
struct Seen {
    /// Until the first of the others gave up the frame that it was at.
    first_gave_up: Samples,
    /// Until the first and the last of the others began the next stream.
    first_next: Samples,
    last_next: Samples,
}

impl Seen {
    fn add(&mut self, answer: &Answer) {
        for (number, stream) in answer.inputs.iter().enumerate() {
            if let Some((finder, at)) = stream.found_by {
                self.add_one(stream, finder, at, &answer.inputs[number + 1..]);
            }
        }
    }

    /// A stream in which that worker found it then, and those behind it.
    fn add_one(&mut self, stream: &Searched, finder: usize, at: Nanos, behind: &[Searched]) {
        let gave_up = stream.stopped_after.iter().flatten().min();
        self.first_gave_up
            .0
            .extend(gave_up.map(|&after| seconds(after)));
        let others = (0..stream.begun_at.len()).filter(|&worker| worker != finder);
        let next = others.filter_map(|worker| {
            let begun = behind.iter().filter_map(|input| input.begun_at[worker]);
            // Who had gone on before it was found was not at the stream any more.
            begun.min()?.checked_sub(at)
        });
        let next: Vec<_> = next.collect();
        let (first, last) = (next.iter().min(), next.iter().max());
        self.first_next.0.extend(first.map(|&after| seconds(after)));
        self.last_next.0.extend(last.map(|&after| seconds(after)));
    }
}

fn seconds(nanos: Nanos) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(
        found_by: Option<(usize, Nanos)>,
        stopped_after: [Option<Nanos>; 4],
        begun_at: [Option<Nanos>; 4],
    ) -> Searched {
        Searched {
            input: "stream".into(),
            mode: "mmap",
            fps: None,
            frames: 8,
            height: 2160,
            found: Vec::new(),
            failed: Vec::new(),
            analysed: 1,
            abandoned: 1,
            rows_analysed: 2170,
            stopped_after: stopped_after.to_vec(),
            found_by,
            begun_at: begun_at.to_vec(),
        }
    }

    #[test]
    fn the_others_are_timed_from_the_find_to_their_next_stream_whichever_it_is() {
        let mut seen = Seen::default();
        // Worker 2 had gone on before; worker 3 comes to the stream after the next first.
        let inputs = vec![
            searched(
                Some((0, 1_000)),
                [None, Some(60), None, Some(50)],
                [Some(10); 4],
            ),
            searched(None, [None; 4], [Some(1_010), Some(1_100), Some(900), None]),
            searched(
                None,
                [None; 4],
                [Some(1_600), None, Some(1_700), Some(1_500)],
            ),
        ];
        seen.add(&Answer {
            condition: CONDITION.into(),
            which: Which::Any,
            workers: WORKERS,
            workers_died: 0,
            wall_ns: 2_000,
            inputs,
        });
        assert_eq!(seen.first_gave_up.0, [50e-9]);
        assert_eq!(seen.first_next.0, [100e-9]);
        assert_eq!(seen.last_next.0, [500e-9]);
    }
}
