//! Streams, and what their workers did when one had found it.

use super::frames::{Inputs, NO_SUCH};
use super::job::Follow;
use super::{HEIGHT, INTERVALS, Interval, Measured, WORKERS};
use crate::analysis::Condition;
use crate::clock::Nanos;
use crate::coordination::{Every, FirstFound, Report};
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::bench::Samples;
use crate::lab::start_line::StartLine;
use crate::lab::work::together;
use crate::pipeline::find::{Query, Which, find};
use crate::pool::Pool;
use crate::statistics::{LEAST_PASSES, ratio_of_pairs};

/// Streams that each worker goes through at a time.
const STREAMS: usize = 32;

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    bench.phase("writing frames")?;
    let inputs = Inputs::new(bench.folder()?)?;
    let mut seen: [Seen; INTERVALS.len()] = Default::default();
    bench.phase("streams in one of which it is found")?;
    let pool = Pool::<Follow>::processes(WORKERS).start(inputs.streams()?)?;
    let streams = if bench.is_rehearsal() { 4 } else { STREAMS };
    let mut turn = || {
        for (rows, seen) in INTERVALS.into_iter().zip(&mut seen) {
            bench.go_on()?;
            seen.add_all(&pool, streams, rows)?;
        }
        Ok(())
    };
    bench.in_turns(bench.seconds(6.0, 20.0), [&mut turn])?;
    drop(pool);
    bench.phase("streams in which there is nothing to find")?;
    let mut frames: [Samples; INTERVALS.len()] = Default::default();
    let mut turn = || {
        for (rows, taken) in INTERVALS.into_iter().zip(&mut frames) {
            taken.0.push(frame_of_nothing(bench, &inputs, rows)?);
        }
        Ok(())
    };
    let least = if bench.is_rehearsal() {
        2
    } else {
        LEAST_PASSES
    };
    bench.in_turns_of(least, bench.seconds(2.0, 10.0), [&mut turn])?;
    let [.., rarely] = &frames;
    let rows = INTERVALS.into_iter().zip(seen).zip(&frames);
    Ok(Measured {
        processors: bench.processors,
        intervals: rows
            .map(|((rows, seen), frame)| seen.interval(rows, frame, rarely))
            .collect(),
    })
}

/// Seconds a frame, of all workers together, of a search for what is in none.
fn frame_of_nothing(bench: &Bench, inputs: &Inputs, rows: u32) -> Result<f64> {
    bench.go_on()?;
    let query = Query {
        inputs: vec![inputs.set.clone()],
        which: Which::Any,
        workers: Some(WORKERS),
        check_every: Every::Iterations(rows.into()),
        stop: bench.stop(),
        ..Query::new([], Condition::parse(NO_SUCH)?)
    };
    let answer = find(&query, &mut ())?;
    let frames = answer.inputs.iter().map(|input| input.analysed);
    Ok(seconds(answer.wall_ns) / frames.sum::<u64>() as f64)
}

/// What was seen of the finds, in seconds from each.
#[derive(Default)]
struct Seen {
    /// Until each of the others had abandoned its stream and begun the next.
    each: Samples,
    /// Until the first and the last of them had.
    first: Samples,
    last: Samples,
    finds: u64,
    /// Rows that the others analysed after it.
    wasted: u64,
}

impl Seen {
    /// Has each worker go through so many streams, with a look every so many rows.
    fn add_all(&mut self, pool: &Pool<Follow>, streams: usize, every: u32) -> Result<()> {
        let searches = (0..streams).map(|_| FirstFound::any(WORKERS as u32));
        let searches: Vec<_> = searches.collect::<Result<_>>()?;
        let line = StartLine::new(WORKERS as u32)?;
        let jobs = (0..WORKERS).map(|worker| Follow {
            worker,
            searches: searches.clone(),
            every,
            line: line.clone(),
        });
        let begun = together(pool, jobs)?;
        for (stream, search) in searches.iter().enumerate() {
            self.add(&search.report(), &begun, stream);
        }
        Ok(())
    }

    /// One set of streams, and when each worker began each of its own.
    fn add(&mut self, report: &Report<u64>, begun: &[Vec<Nanos>], stream: usize) {
        let Some(winner) = report.winner else {
            return;
        };
        self.finds += 1;
        self.wasted += report.wasted();
        let others = begun.iter().enumerate();
        let others = others.filter(|(worker, _)| *worker != winner.worker as usize);
        // Who came to it later was not kept from the next.
        let at_it = others.filter(|(_, begun)| begun[stream] < winner.at);
        let after = at_it.map(|(_, begun)| seconds(begun[stream + 1].saturating_sub(winner.at)));
        let mut after: Vec<_> = after.collect();
        after.sort_unstable_by(f64::total_cmp);
        self.first.0.extend(after.first());
        self.last.0.extend(after.last());
        self.each.0.extend(after);
    }

    /// With what frames take at this interval, and with a look a frame.
    fn interval(&self, rows: u32, frame: &Samples, rarely: &Samples) -> Interval {
        Interval {
            rows,
            median: self.each.median(),
            p99: self.each.p99(),
            first: self.first.median(),
            last: self.last.median(),
            wasted: self.wasted as f64 / self.finds as f64 / HEIGHT as f64,
            // Whatever else the machine does only makes it slower.
            frame: frame.0.iter().copied().fold(f64::INFINITY, f64::min),
            slower: ratio_of_pairs(&frame.0, &rarely.0),
        }
    }
}

fn seconds(nanos: Nanos) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::{Seat, Winner};
    use crate::lab::folder::Folder;

    fn report(finder: Option<(u32, Nanos)>, wasted: [u64; WORKERS]) -> Report<u64> {
        let seat = |wasted| Seat {
            iterations: 3_000,
            wasted,
            saw: None,
        };
        Report {
            winner: finder.map(|(worker, at)| Winner {
                worker,
                position: 1,
                value: 1,
                at,
            }),
            seats: wasted.map(seat).to_vec(),
        }
    }

    #[test]
    fn the_others_are_timed_from_the_find_to_their_next_stream() {
        let mut seen = Seen::default();
        // Worker 0 finds it in the first streams, which worker 3 has not come to by then.
        let begun = [
            vec![10, 1_100, 9_000],
            vec![20, 1_500, 9_000],
            vec![30, 1_050, 9_000],
            vec![1_010, 1_020, 9_000],
        ];
        seen.add(&report(Some((0, 1_000)), [0, 1_080, 540, 0]), &begun, 0);
        assert_eq!(seen.each.0, [50e-9, 500e-9]);
        assert_eq!(
            (&seen.first.0[..], &seen.last.0[..]),
            (&[50e-9][..], &[500e-9][..])
        );
        // In the second nothing is found.
        seen.add(&report(None, [0; WORKERS]), &begun, 1);
        let frames = Samples(vec![3.0, 2.0]);
        let interval = seen.interval(1, &frames, &frames);
        assert_eq!((interval.median, interval.p99), (275e-9, None));
        assert_eq!((interval.wasted, interval.frame), (1.5, 2.0));
    }

    #[test]
    fn workers_take_turns_to_find_it_and_all_go_through_all_streams() {
        let inputs = Inputs::new(Folder::new().unwrap()).unwrap();
        let pool = Pool::<Follow>::threads(WORKERS);
        let pool = pool.start(inputs.streams().unwrap()).unwrap();
        let mut seen = Seen::default();
        seen.add_all(&pool, 5, HEIGHT as u32).unwrap();
        assert_eq!(seen.finds, 5);
        assert!(seen.each.0.len() <= 5 * (WORKERS - 1));
    }
}
