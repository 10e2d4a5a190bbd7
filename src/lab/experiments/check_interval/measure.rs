//! Running the loop in workers: how fast it is, how soon it notices, what `Auto` comes to.

use super::{CHEAP, Cost, FREQUENT, HEAVY, INTERVALS, Kind, Measured, Noticed, RARE, WORKERS};
use crate::clock::now;
use crate::coordination::{Every, StopFlag};
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::bench::Samples;
use crate::lab::loops::{Loop, Ran};
use crate::lab::start_line::StartLine;
use crate::lab::work::done;
use crate::pool::Pool;
use crate::statistics::{LEAST_PASSES, median, ratio_of_pairs};
use std::thread::sleep;
use std::time::Duration;

/// How long a window is in which iterations are timed: shorter than what the kernel gives a process
/// at a time, so that some windows are not interrupted though there are more workers than
/// processors.
const WINDOW: f64 = 1e-3;

/// So many windows' time may be taken for as many iterations as lie between two looks. For those that take
/// longer there are no more workers than processors, as any other would be interrupted.
const ROOM: f64 = 2.0;

/// Steps of work an iteration for the law: from the cheapest to some hundred nanoseconds.
const LAW: [u64; 8] = [1, 2, 4, 8, 16, 32, 64, 256];

/// An interval that is never over: the same loop, without looks.
const NEVER: u64 = u64::MAX;

/// Where `Auto` is asked at last: by then it has doubled its number as often as it can.
const SETTLED: f64 = 10e-3;

struct Lab<'a> {
    bench: &'a Bench,
    pool: Pool<Loop>,
    flag: StopFlag,
}

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    let mut lab = Lab {
        bench,
        pool: Pool::processes(WORKERS as usize).start(())?,
        flag: StopFlag::new()?,
    };
    let [cheap, heavy] = [CHEAP, HEAVY].map(|time| bench.steps(time).max(1));
    bench.phase("4 workers, looking more and less often")?;
    let [cheap_rows, heavy_rows] = lab.throughput([cheap, heavy])?;
    bench.phase("how soon a stop is noticed")?;
    let cheap = lab.kind(cheap, &cheap_rows)?;
    let heavy = lab.kind(heavy, &heavy_rows)?;
    bench.phase("the best interval for cheap and dear iterations")?;
    Ok(Measured {
        cheap,
        heavy,
        law: lab.law()?,
        watchers: lab.watchers(),
    })
}

/// The same loop without looks and with them, in turns; seconds an iteration.
#[derive(Clone, Debug, Default)]
struct Pairs {
    never: Vec<f64>,
    looking: Vec<f64>,
}

/// Of each interval.
type Rows = [Pairs; INTERVALS.len()];

/// Pairs of windows for each time that `Auto` is asked, which takes as long as several.
const PAIRS: usize = 3;

impl Lab<'_> {
    /// Takes two windows, one without looks and one with them.
    fn pair(&mut self, steps: u64, every: u64, pairs: &mut Pairs) -> Result<()> {
        pairs.never.push(self.window(steps, NEVER, every)?);
        pairs.looking.push(self.window(steps, every, every)?);
        Ok(())
    }

    /// As many iterations as fit a window, and `room` at least, in all workers; the fastest of them, in
    /// seconds an iteration: whatever else the machine does only makes one slower.
    fn window(&mut self, steps: u64, every: u64, room: u64) -> Result<f64> {
        let fit = (WINDOW / self.guess(steps)).max(1.0) as u64;
        let workers = match room as f64 * self.guess(steps) <= ROOM * WINDOW {
            true => WORKERS,
            false => self.watchers(),
        };
        let ran = self.run(workers, steps, fit.max(room), every.into())?;
        Ok(ran.iter().map(Ran::pace).fold(f64::INFINITY, f64::min))
    }

    /// About how long an iteration takes, in seconds: the steps, and the call.
    fn guess(&self, steps: u64) -> f64 {
        let a_step = 1.0 / self.bench.steps(Duration::from_secs(1)) as f64;
        (steps as f64 + 2.0) * a_step
    }

    fn run(&mut self, workers: u32, steps: u64, iterations: u64, every: Every) -> Result<Vec<Ran>> {
        let one = Loop {
            steps,
            iterations,
            every,
            watch: self.flag.next_stream(),
            line: StartLine::new(workers)?,
        };
        let ran = one.in_workers(&self.pool, workers)?;
        debug_assert!(ran.iter().all(|ran| ran.iterations == iterations));
        Ok(ran)
    }

    fn throughput(&mut self, kinds: [u64; 2]) -> Result<[Rows; 2]> {
        let bench = self.bench;
        let mut seen: [Rows; 2] = Default::default();
        let mut turn = || {
            for (steps, rows) in kinds.into_iter().zip(&mut seen) {
                for (every, pairs) in INTERVALS.into_iter().zip(rows) {
                    self.pair(steps, every, pairs)?;
                }
            }
            Ok(())
        };
        bench.in_turns_of(LEAST_PASSES, bench.seconds(2.0, 12.0), [&mut turn])?;
        Ok(seen)
    }

    /// Workers that are watched for how soon they notice: no more than can run at a time, or the
    /// wait for a processor would be all that is seen.
    fn watchers(&self) -> u32 {
        WORKERS.min(self.bench.processors as u32)
    }

    fn kind(&mut self, steps: u64, rows: &Rows) -> Result<Kind> {
        let trials = if self.bench.is_rehearsal() {
            1
        } else {
            self.bench.pick(8, 50)
        };
        let mut noticed = [const { Samples(Vec::new()) }; INTERVALS.len()];
        let mut by_auto = Samples::default();
        let mut auto = Samples::default();
        for _ in 0..trials {
            for (every, noticed) in INTERVALS.into_iter().zip(&mut noticed) {
                let ran = self.stop(steps, Every::Iterations(every))?;
                noticed.0.extend(ran.iter().map(|(after, _)| after));
            }
            for (after, every) in self.stop(steps, Every::Auto)? {
                by_auto.0.push(after);
                auto.0.push(every);
            }
        }
        let looking = |interval| {
            let place = INTERVALS.iter().position(|every| *every == interval);
            place.map_or(&[][..], |place| &rows[place].looking)
        };
        let never: Vec<_> = rows.iter().flat_map(|pairs| &pairs.never).collect();
        Ok(Kind {
            never: median(&never.into_iter().copied().collect::<Vec<_>>()),
            slower: ratio_of_pairs(looking(FREQUENT), looking(RARE)),
            looking: ratio_of_pairs(&rows[0].looking, &rows[0].never),
            rows: INTERVALS
                .iter()
                .zip(rows)
                .zip(noticed)
                .map(|((&every, pairs), noticed)| Noticed {
                    every,
                    speed: pairs.speed(),
                    after: noticed.median(),
                })
                .collect(),
            auto: auto.median(),
            auto_after: by_auto.median(),
        })
    }

    /// Sets the flag while workers are at their loops. For each, how many seconds later it stopped,
    /// and how many iterations lay between two of its looks.
    fn stop(&mut self, steps: u64, every: Every) -> Result<Vec<(f64, f64)>> {
        self.bench.go_on()?;
        let one = Loop {
            steps,
            iterations: u64::MAX,
            every,
            watch: self.flag.next_stream(),
            line: StartLine::new(self.watchers())?,
        };
        let handles = one.begin(&self.pool, self.watchers());
        // Wherever in its interval each is then.
        sleep(Duration::from_secs_f64(SETTLED));
        let set = now();
        one.watch.set();
        let ran = handles.into_iter().map(done);
        ran.map(|ran| {
            let ran = ran?;
            let after = ran.end.saturating_sub(set) as f64 / 1e9;
            Ok((after, ran.every as f64))
        })
        .collect()
    }

    /// What a look costs, and what `Auto` comes to, for iterations of increasing cost.
    fn law(&mut self) -> Result<Vec<Cost>> {
        let bench = self.bench;
        let mut seen: [Pairs; LAW.len()] = Default::default();
        let mut autos = [const { Samples(Vec::new()) }; LAW.len()];
        let mut turn = || {
            for ((steps, pairs), autos) in LAW.into_iter().zip(&mut seen).zip(&mut autos) {
                for _ in 0..PAIRS {
                    self.pair(steps, 1, pairs)?;
                }
                let iterations = (SETTLED / self.guess(steps)) as u64;
                let ran = self.run(1, steps, iterations, Every::Auto)?;
                autos.0.extend(ran.iter().map(|ran| ran.every as f64));
            }
            Ok(())
        };
        bench.in_turns_of(LEAST_PASSES, bench.seconds(2.0, 12.0), [&mut turn])?;
        let costs = seen.iter().zip(&autos);
        Ok(costs
            .map(|(pairs, auto)| Cost {
                pace: median(&pairs.never),
                looking: ratio_of_pairs(&pairs.looking, &pairs.never),
                auto: auto.median(),
            })
            .collect())
    }
}

impl Pairs {
    /// The speed with looks, of that without any: of the usual pair.
    fn speed(&self) -> f64 {
        let pairs = self.never.iter().zip(&self.looking);
        median(
            &pairs
                .map(|(never, looking)| never / looking)
                .collect::<Vec<_>>(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_the_loops_that_were_at_work_and_none_of_the_next() {
        let bench = Bench::quick();
        let mut lab = Lab {
            bench: &bench,
            pool: Pool::threads(WORKERS as usize).start(()).unwrap(),
            flag: StopFlag::new().unwrap(),
        };
        let stopped = lab.stop(1, Every::Iterations(100)).unwrap();
        assert_eq!(stopped.len(), lab.watchers() as usize);
        assert!(stopped.iter().all(|&(_, every)| every == 100.0));
        let ran = lab.run(2, 1, 5_000, Every::Iterations(10)).unwrap();
        assert!(
            ran.iter()
                .all(|ran| (ran.iterations, ran.looks) == (5_000, 500))
        );
    }
}
