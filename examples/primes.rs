//! Early exit: worker processes search for a prime, and the first that finds one ends the search
//! for all.
//!
//!     cargo run --release --example primes [-- --trials 1000]
//!
//! Four workers search 100,000 numbers each. Without early exit each would go through all of its
//! own; here each looks at a shared word before every number, which costs a nanosecond. However
//! close the race, one worker wins: an offer locks, looks again, and writes.

use framehaul::coordination::FirstFound;
use framehaul::pool::{Context, Job, Never, Pool, as_completed, worker};
use serde::{Deserialize, Serialize};

const WORKERS: u32 = 4;
const EACH: u64 = 100_000;

/// One worker's share of a search. What is shared comes in the job, like anything else.
#[derive(Serialize, Deserialize)]
struct Search {
    share: u32,
    from: u64,
    found: FirstFound<u64>,
}

impl Job for Search {
    type Setup = ();
    type State = ();
    /// Whether this worker's prime is the one that counts.
    type Output = bool;
    type Error = Never;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> Result<bool, Never> {
        let mut search = self.found.seat(self.share);
        for n in self.from..self.from + EACH {
            if search.should_stop(n) {
                return Ok(false); // somebody else has found one
            }
            let has_won = is_prime(n) && search.offer(n, n);
            search.worked(1);
            if has_won {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_prime(n: u64) -> bool {
    let small = (2..).take_while(|d| d * d <= n);
    n > 1 && small.into_iter().all(|d| !n.is_multiple_of(d))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    worker::enter::<Search>(); // in a worker process, this does the work
    let args: Vec<String> = std::env::args().skip(1).collect();
    let trials: u64 = match args.as_slice() {
        [] => 1_000,
        [name, number] if name == "--trials" => number.parse()?,
        _ => return Err("the only option is --trials NUMBER".into()),
    };

    let pool = Pool::processes(WORKERS as usize).start(())?;
    let (mut exactly_one, mut done, mut wasted) = (0, 0, 0);
    for trial in 0..trials {
        let found = FirstFound::<u64>::any(WORKERS)?;
        let shares = (0..WORKERS).map(|share| Search {
            share,
            from: 1_000_000 + (trial * u64::from(WORKERS) + u64::from(share)) * EACH,
            found: found.clone(),
        });
        let handles: Vec<_> = shares.map(|search| pool.submit(search)).collect();
        let mut winners = 0;
        for handle in as_completed(handles) {
            winners += u32::from(handle.wait()?);
        }
        let report = found.report();
        let winner = report
            .winner
            .ok_or("a hundred thousand numbers hold a prime")?;
        exactly_one += u64::from(winners == 1 && is_prime(winner.value));
        done += report.seats.iter().map(|seat| seat.iterations).sum::<u64>();
        wasted += report.wasted();
    }
    let all = trials * u64::from(WORKERS) * EACH;
    println!("{exactly_one} of {trials} trials had exactly one winner");
    println!(
        "{done} numbers were looked at, {wasted} of them in vain; {} were saved",
        all - done
    );
    Ok(())
}
