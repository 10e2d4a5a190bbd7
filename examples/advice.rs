//! Advice for jobs of one's own: whether to do them in this thread, on threads or in processes, and
//! how many to hand over at a time, measured on jobs like them.
//!
//!     cargo run --release --example advice [-- SECONDS]

use framehaul::pool::{Context, Job, Never, worker};
use framehaul::report::Style;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many steps a number takes to come down to 1.
#[derive(Clone, Serialize, Deserialize)]
struct Collatz(u64);

impl Job for Collatz {
    type Setup = ();
    type State = ();
    type Output = u32;
    type Error = Never;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> Result<u32, Never> {
        let mut n = self.0;
        let mut steps = 0;
        while n > 1 {
            n = if n.is_multiple_of(2) {
                n / 2
            } else {
                3 * n + 1
            };
            steps += 1;
        }
        Ok(steps)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    worker::enter::<Collatz>(); // in a worker process, this does the work
    framehaul::measure::Limits::serve_helper(); // and this measures what the machine can do
    let seconds = std::env::args()
        .nth(1)
        .map_or(Ok(20), |typed| typed.parse())?;
    let sample: Vec<_> = (1..10_000).map(Collatz).collect();
    let budget = Duration::from_secs(seconds);
    let advice = framehaul::advise::jobs(&(), &sample, Some(10_000_000), budget)?;
    println!("{}", advice.render(Style::of_stdout()));
    Ok(())
}
