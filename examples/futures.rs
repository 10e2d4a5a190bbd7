//! Handles are futures: jobs in worker processes, awaited under tokio.
//!
//!     cargo run --release --example futures
//!
//! The library knows nothing of tokio; any runtime will do. One of the jobs takes too long: whoever
//! awaits it gives up and cancels it, and the others are none the worse for it.

use framehaul::pool::{Context, Handle, Job, Pool, worker};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize)]
enum Work {
    /// The longest chain of Collatz steps from a number below this.
    Collatz(u64),
    /// Never ends by itself.
    Endless,
}

impl Job for Work {
    type Setup = ();
    type State = ();
    /// The number, and how many steps it takes to 1.
    type Output = (u64, u32);
    type Error = String;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), context: &Context<'_>) -> Result<(u64, u32), String> {
        match self {
            Self::Collatz(below) => {
                let all = (1..*below).map(|n| (n, steps(n)));
                all.max_by_key(|&(_, steps)| steps)
                    .ok_or("no number is below 1".into())
            }
            Self::Endless => {
                while !context.should_stop() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err("stopped as asked".into())
            }
        }
    }
}

fn steps(mut n: u64) -> u32 {
    let mut steps = 0;
    while n != 1 {
        n = if n.is_multiple_of(2) {
            n / 2
        } else {
            3 * n + 1
        };
        steps += 1;
    }
    steps
}

/// Waits for so long; after that the job is cancelled, and the worker is free again as soon as the
/// job has noticed.
async fn within(limit: Duration, mut handle: Handle<Work>) -> String {
    let said = match tokio::time::timeout(limit, &mut handle).await {
        Ok(outcome) => outcome,
        Err(_) => {
            handle.cancel();
            handle.await
        }
    };
    match said {
        Ok((number, steps)) => format!("{number} takes {steps} steps"),
        Err(error) => format!("no result: {error}"),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    worker::enter::<Work>(); // before the runtime: a worker needs none
    let pool = Pool::processes(2).start(())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()?;
    // Submitted here, and running already; awaited together.
    let tasks = [
        ("endless", Work::Endless, 200),
        ("below 1000", Work::Collatz(1_000), 60_000),
        ("below 100000", Work::Collatz(100_000), 60_000),
        ("below 1", Work::Collatz(1), 60_000),
    ]
    .map(|(name, work, limit)| {
        let said = within(Duration::from_millis(limit), pool.submit(work));
        (name, runtime.spawn(said))
    });
    for (name, task) in tasks {
        println!("{name}: {}", runtime.block_on(task)?);
    }
    pool.drain();
    Ok(())
}
