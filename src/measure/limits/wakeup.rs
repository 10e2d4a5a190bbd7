//! How long two who sleep take to wake each other, and how much of that they work.

use super::super::Usage;
use crate::clock;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

const ROUND_TRIPS: u32 = 2_000;
const WARM_UP: u32 = 200;
/// After this long no further round trip is begun.
const BUDGET: clock::Nanos = 300_000_000;

/// What waking each other takes two threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wakeup {
    /// The median round trip.
    pub(super) round_trip_us: f64,
    /// Processor time for each time that one of them slept: most of a round trip between processors that
    /// are idle is nobody's. None where neither did.
    pub(super) switch_us: Option<f64>,
}

/// Many round trips between two threads, each of which sleeps until its turn.
///
/// # Errors
/// If a thread cannot be started.
pub(super) fn measure() -> io::Result<Wakeup> {
    // Even: the caller's turn. Odd: the other's. `STOP`: no more turns.
    const STOP: u32 = u32::MAX;
    let turn = AtomicU32::new(0);
    let caller = thread::current();
    let begun = clock::now();
    let mut times = Vec::with_capacity(ROUND_TRIPS as usize);
    let used = thread::scope(|scope| {
        let answer = || {
            let before = Usage::of_this_thread();
            loop {
                // Acquire and Release pair on `turn` in both directions; park and unpark alone
                // may wake without cause.
                let now = turn.load(Ordering::Acquire);
                if now == STOP {
                    return Usage::of_this_thread() - before;
                }
                if now % 2 == 1 {
                    turn.store(now + 1, Ordering::Release);
                    caller.unpark();
                } else {
                    thread::park();
                }
            }
        };
        let other = thread::Builder::new().spawn_scoped(scope, answer)?;
        let before = Usage::of_this_thread();
        for round in 0..WARM_UP + ROUND_TRIPS {
            let begin = clock::now();
            if begin - begun > BUDGET && !times.is_empty() {
                break;
            }
            turn.store(2 * round + 1, Ordering::Release);
            other.thread().unpark();
            while turn.load(Ordering::Acquire) != 2 * round + 2 {
                thread::park();
            }
            if round >= WARM_UP {
                times.push(clock::now() - begin);
            }
        }
        let used = Usage::of_this_thread() - before;
        turn.store(STOP, Ordering::Release);
        other.thread().unpark();
        // It only fails if the thread panicked, in which nothing can.
        io::Result::Ok(used + other.join().unwrap_or_default())
    })?;
    times.sort_unstable();
    let switches = used.voluntary_switches as f64;
    Ok(Wakeup {
        round_trip_us: times[times.len() / 2] as f64 / 1e3,
        switch_us: (switches > 0.0).then(|| (used.user_s + used.system_s) * 1e6 / switches),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_takes_some_work_and_a_round_trip_some_time() {
        let found = measure().unwrap();
        assert!(found.round_trip_us > 0.0, "{found:?}");
        assert!(found.switch_us.is_none_or(|us| us > 0.0), "{found:?}");
    }
}
