//! An ordered stream with progress: rows of a picture are computed by worker processes, as many
//! ahead as keep them busy, and printed in their order as they come.
//!
//!     cargo run --release --example stream [-- WIDTH]
//!
//! The progress on standard error is there only if that is a terminal and the picture goes
//! elsewhere: `cargo run --release --example stream -- 300 > picture`.

use framehaul::pool::{Context, Job, Never, Pool, available_workers, worker};
use serde::{Deserialize, Serialize};
use std::io::{BufWriter, IsTerminal, Write};

/// What all rows have in common: sent once to each worker.
#[derive(Clone, Serialize, Deserialize)]
struct Picture {
    width: u32,
    height: u32,
}

/// One row of the Mandelbrot set.
#[derive(Serialize, Deserialize)]
struct Row(u32);

impl Job for Row {
    type Setup = Picture;
    type State = Picture;
    type Output = String;
    type Error = Never;

    fn init(picture: &Picture) -> Result<Picture, String> {
        Ok(picture.clone())
    }

    fn run(&self, picture: &mut Picture, _: &Context<'_>) -> Result<String, Never> {
        let middle = |at: u32, of: u32| (f64::from(at) + 0.5) / f64::from(of) - 0.5;
        let y = 2.4 * middle(self.0, picture.height);
        let xs = (0..picture.width).map(|x| 3.2 * middle(x, picture.width) - 0.6);
        Ok(xs.map(|x| shade(x, y)).collect())
    }
}

/// The longer a point stays near, the darker it is.
fn shade(x: f64, y: f64) -> char {
    const STEPS: u32 = 50_000;
    let (mut a, mut b) = (0.0, 0.0);
    for step in 0..STEPS {
        if a * a + b * b > 4.0 {
            let shades = b" .,:;+*";
            return char::from(shades[(step.ilog2() as usize).min(shades.len() - 1)]);
        }
        (a, b) = (a * a - b * b + x, 2.0 * a * b + y);
    }
    '#'
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    worker::enter::<Row>(); // in a worker process, this does the work
    let width = std::env::args()
        .nth(1)
        .map_or(Ok(78), |width| width.parse())?;
    let height = (width * 3 / 8).max(1); // a letter is twice as high as wide

    // Threads instead of processes: Pool::threads. No workers at all: Pool::inline.
    let pool = Pool::processes(available_workers()).start(Picture { width, height })?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let shows_progress = std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
    for (done, row) in (1..).zip(pool.map((0..height).map(Row))) {
        writeln!(out, "{}", row?)?;
        if shows_progress {
            eprint!("\r{done} of {height} rows");
        }
    }
    if shows_progress {
        eprintln!();
    }
    out.flush()?;
    Ok(())
}
