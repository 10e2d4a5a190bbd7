//! Running the loop in workers: how fast it is, how soon it notices, what `Auto` comes to.

use super::{CHEAP, Cost, HEAVY, INTERVALS, Kind, Measured, Noticed, WORKERS};
use crate::clock::now;
use crate::coordination::{Every, StopFlag};
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::bench::Samples;
use crate::lab::loops::{Loop, Ran};
use crate::lab::start_line::StartLine;
use crate::lab::work::done;
use crate::pool::Pool;
use std::thread::sleep;
use std::time::Duration;

/// How long a window is in which iterations are timed: shorter than what the kernel gives a process
/// at a time, so that some windows are not interrupted though there are more workers than
/// processors.
const WINDOW: f64 = 1e-3;

/// So many windows' time may be taken for as many iterations as lie between two looks.
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
    let [cheap_pace, heavy_pace] = lab.throughput([cheap, heavy])?;
    bench.phase("how soon a stop is noticed")?;
    let cheap = lab.kind(cheap, cheap_pace)?;
    let heavy = lab.kind(heavy, heavy_pace)?;
    bench.phase("the best interval for cheap and dear iterations")?;
    Ok(Measured {
        cheap,
        heavy,
        law: lab.law()?,
        watchers: lab.watchers(),
    })
}

/// Seconds an iteration: without looks, and at each interval.
#[derive(Clone, Debug)]
struct Paces {
    never: f64,
    /// Infinite where no window has room for so many iterations.
    every: [f64; INTERVALS.len()],
}

impl Lab<'_> {
    /// As many iterations as fit a window, and as many as lie between two looks at least, in all
    /// workers; the fastest of them, in seconds an iteration.
    fn window(&mut self, steps: u64, every: u64) -> Result<f64> {
        let fit = (WINDOW / self.guess(steps)).max(1.0) as u64;
        let iterations = if every == NEVER { fit } else { fit.max(every) };
        let ran = self.run(WORKERS, steps, iterations, every.into())?;
        Ok(ran.iter().map(Ran::pace).fold(f64::INFINITY, f64::min))
    }

    /// Whether a window has room for so many iterations. If not, there would be fewer between two looks
    /// than the interval says.
    fn has_room(&self, steps: u64, every: u64) -> bool {
        every as f64 * self.guess(steps) <= ROOM * WINDOW
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

    /// Whatever else the machine does only makes a window slower: the fastest counts.
    fn throughput(&mut self, kinds: [u64; 2]) -> Result<[Paces; 2]> {
        let bench = self.bench;
        let mut fastest = kinds.map(|_| Paces {
            never: f64::INFINITY,
            every: [f64::INFINITY; INTERVALS.len()],
        });
        let mut turn = || {
            for (steps, fastest) in kinds.into_iter().zip(&mut fastest) {
                fastest.never = fastest.never.min(self.window(steps, NEVER)?);
                let intervals = INTERVALS.into_iter().zip(&mut fastest.every);
                for (every, fastest) in intervals {
                    if !self.has_room(steps, every) {
                        continue;
                    }
                    *fastest = fastest.min(self.window(steps, every)?);
                }
            }
            Ok(())
        };
        bench.in_turns(bench.seconds(1.5, 9.0), [&mut turn])?;
        Ok(fastest)
    }

    /// Workers that are watched for how soon they notice: no more than can run at a time, or the
    /// wait for a processor would be all that is seen.
    fn watchers(&self) -> u32 {
        WORKERS.min(self.bench.processors as u32)
    }

    fn kind(&mut self, steps: u64, paces: Paces) -> Result<Kind> {
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
        let rows = INTERVALS.iter().zip(paces.every).zip(noticed);
        Ok(Kind {
            never: paces.never,
            rows: rows
                .map(|((&every, pace), noticed)| Noticed {
                    every,
                    pace: if pace.is_finite() { pace } else { f64::NAN },
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
        let mut fastest = [(f64::INFINITY, f64::INFINITY); LAW.len()];
        let mut autos = [const { Samples(Vec::new()) }; LAW.len()];
        let mut turn = || {
            for ((steps, fastest), autos) in LAW.into_iter().zip(&mut fastest).zip(&mut autos) {
                fastest.0 = fastest.0.min(self.window(steps, NEVER)?);
                fastest.1 = fastest.1.min(self.window(steps, 1)?);
                let iterations = (SETTLED / self.guess(steps)) as u64;
                let ran = self.run(1, steps, iterations, Every::Auto)?;
                autos.0.extend(ran.iter().map(|ran| ran.every as f64));
            }
            Ok(())
        };
        bench.in_turns(bench.seconds(1.5, 9.0), [&mut turn])?;
        let costs = fastest.into_iter().zip(&autos);
        Ok(costs
            .map(|((pace, looking), auto)| Cost {
                pace,
                look: looking - pace,
                auto: auto.median(),
            })
            .collect())
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
