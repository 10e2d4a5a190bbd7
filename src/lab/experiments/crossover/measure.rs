//! Tasks of each length and payload, in one process and in workers.

use super::search::{Effort, Pair, find};
use super::{Measured, Payload, Point};
use crate::clock::now;
use crate::error::Result;
use crate::lab::Bench;
use crate::lab::bench::seconds_since;
use crate::lab::haul::{self, Haulers, Input, Order};
use crate::report::units::{bytes as in_bytes, time};
use std::sync::Arc;
use std::time::Duration;

/// Tasks are not made longer than that.
const MOST: Duration = Duration::from_millis(500);

/// Seconds of work that a worker is given in a turn, of short tasks.
const TURN: f64 = 0.003;

/// How closely one looks.
const QUICK: Effort = Effort {
    factor: 2.0,
    pairs: 8,
    seconds: 3.0,
};
const THOROUGH: Effort = Effort {
    factor: 1.5,
    pairs: 12,
    seconds: 15.0,
};

pub(super) fn measure(
    bench: &Bench,
    payloads: impl Iterator<Item = &'static Payload>,
) -> Result<Measured> {
    let workers = bench.processors;
    let trips = trips(bench)?;
    let mut curves = Vec::new();
    for payload in payloads {
        let bytes = bench.size(payload.bytes);
        let data = Arc::new(haul::array(bytes));
        let slots = haul::slots(1, bytes.max(1))?;
        let lease = haul::written(&slots, &data)?;
        let [by_value, by_reference] = match bytes {
            0 => [Input::Nothing, Input::Nothing],
            _ => [Input::Payload(data.clone()), Input::Shared(lease)],
        };
        let size = in_bytes(bytes as f64);
        let cross = |name: &str, by_channel, input| {
            let pool = haul::pool(workers, by_channel, Some(&slots))?;
            let reading = warm_up(bench, &pool, &data, &input)?;
            let at = |length: f64| {
                bench.phase(&format!(
                    "{size} by {name}, tasks of {}",
                    time(1e9 * length)
                ))?;
                pair(bench, &pool, &data, &input, length, reading)
            };
            let most = bench.length(MOST).as_secs_f64();
            find(at, most, bench.pick(QUICK, THOROUGH))
        };
        curves.push(Point {
            payload,
            channel: cross("ipc-channel", true, by_value)?,
            shared: cross("shared memory", false, by_reference)?,
        });
    }
    Ok(Measured {
        workers,
        trips,
        curves,
    })
}

fn trips(bench: &Bench) -> Result<[f64; 2]> {
    let pool = |by_channel| haul::pool(1, by_channel, None);
    let (by_channel, by_queue) = (pool(true)?, pool(false)?);
    let trip = |pool: &Haulers| haul::trip(pool, Order::of(Input::Nothing, 0)).map(drop);
    let taken = bench.in_turns(
        bench.seconds(0.1, 1.0),
        [&mut || trip(&by_channel), &mut || trip(&by_queue)],
    )?;
    Ok(taken.map(|taken| taken.median()))
}

/// Has every worker do its first tasks, which take longer than others, and says how many seconds reading all
/// of a payload takes.
fn warm_up(bench: &Bench, pool: &Haulers, data: &[u16], input: &Input) -> Result<f64> {
    haul::all(
        bench,
        pool,
        &Order::of(input.clone(), 0),
        2 * pool.workers(),
    )?;
    let begin = now();
    haul::here(data, 0, &mut []);
    Ok(seconds_since(begin))
}

fn pair(
    bench: &Bench,
    pool: &Haulers,
    data: &[u16],
    input: &Input,
    length: f64,
    reading: f64,
) -> Result<Pair> {
    let steps = bench.steps(Duration::from_secs_f64(length));
    let order = Order::of(input.clone(), steps);
    // As many as make a turn of some milliseconds, and two for each worker at least.
    let each = (TURN / (length + reading)).clamp(2.0, 200.0) as usize;
    let tasks = pool.workers() * each;
    let taken = bench.in_turns_of(
        1,
        0.0,
        [
            &mut || {
                (0..tasks).try_for_each(|_| {
                    bench.go_on()?;
                    haul::here(data, steps, &mut []);
                    Ok(())
                })
            },
            &mut || haul::all(bench, pool, &order, tasks),
        ],
    )?;
    let [sequential, parallel] = taken.map(|taken| taken.median() / tasks as f64);
    Ok(Pair {
        sequential,
        parallel,
        tasks,
    })
}
