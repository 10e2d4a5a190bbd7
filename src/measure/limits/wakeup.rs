//! How long two who sleep take to wake each other.

use crate::clock;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

const ROUND_TRIPS: u32 = 2_000;
const WARM_UP: u32 = 200;
/// After this long no further round trip is begun.
const BUDGET: clock::Nanos = 300_000_000;

/// The median of many round trips between two threads, each of which sleeps until its turn.
///
/// # Errors
/// If a thread cannot be started.
pub(super) fn median_round_trip_us() -> io::Result<f64> {
    // Even: the caller's turn. Odd: the other's. `STOP`: no more turns.
    const STOP: u32 = u32::MAX;
    let turn = AtomicU32::new(0);
    let caller = thread::current();
    let begun = clock::now();
    let mut times = Vec::with_capacity(ROUND_TRIPS as usize);
    thread::scope(|scope| {
        let answer = || {
            loop {
                // Acquire and Release pair on `turn` in both directions; park and unpark alone
                // may wake without cause.
                let now = turn.load(Ordering::Acquire);
                if now == STOP {
                    return;
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
        turn.store(STOP, Ordering::Release);
        other.thread().unpark();
        io::Result::Ok(())
    })?;
    times.sort_unstable();
    Ok(times[times.len() / 2] as f64 / 1e3)
}
