//! `framehaul bench`: what one part costs, by itself.

use super::print::print;
use crate::bench::{self, Plan, Results, RoundTrip, SIZES, Touch, Wait};
use crate::error::{Error, Result};
use crate::report::Style;
use crate::report::units::{ABSENT, digits};
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::time::Duration;

/// Measure one part by itself
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

const EXAMPLES: &str = "\
Examples:
  framehaul bench handoff
  framehaul bench handoff --sizes 64,49766400 --wait spin,park --touch all";

#[derive(clap::Subcommand)]
enum What {
    Handoff(Handoff),
}

/// Round trips of a frame's ticket between two processes, through shared memory
///
/// A ticket goes to another process, which reads of the frame what it is to touch and answers. Beside
/// it stand the floors, measured in turns with it: a bare cache line there and back (spin), a bare
/// futex there and back (park).
#[derive(clap::Args)]
struct Handoff {
    /// Sizes of the frames, in bytes [default: 64 B to 199 MB]
    #[arg(long, value_name = "BYTES", value_delimiter = ',')]
    sizes: Vec<String>,
    /// How both processes wait for each other: spin, park, adaptive [default: all]
    #[arg(long, value_name = "WAIT", value_delimiter = ',')]
    wait: Vec<String>,
    /// What is read of each frame: its first byte (none), or all of it (all)
    #[arg(long, default_value = "none")]
    touch: String,
    /// Round trips of each size, by each way to wait, rounded up to a multiple of 20, in which they
    /// take turns [default: 100000, from 1 MiB on 10000, fewer where reading all takes long]
    #[arg(long, value_name = "N")]
    trips: Option<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let What::Handoff(args) = &args.what;
    let plan = args.plan()?;
    if !plan.spins() && args.waits()?.contains(&Wait::Spin) {
        eprintln!(
            "framehaul: spinning needs a processor for each of the two processes, and there is \
             only one: left out"
        );
    }
    let bar = bar();
    let results = bench::measure(&plan, &mut |done| bar.set_position((100.0 * done) as u64));
    bar.finish_and_clear();
    let results = results?;
    let text = if args.json {
        serde_json::to_string(&results)?
    } else {
        render(&results, Style::of_stdout())
    };
    print(text)?;
    Ok(ExitCode::SUCCESS)
}

impl Handoff {
    fn plan(&self) -> Result<Plan> {
        let sizes = self.sizes.iter().map(|text| number(text, "--sizes"));
        let sizes = match &self.sizes[..] {
            [] => SIZES.to_vec(),
            _ => sizes.collect::<Result<_>>()?,
        };
        let trips = self.trips.as_deref();
        let trips = trips.map(|text| number(text, "--trips")).transpose()?;
        Plan::new(&sizes, &self.waits()?, self.touch()?, trips)
    }

    fn waits(&self) -> Result<Vec<Wait>> {
        if self.wait.is_empty() {
            return Ok(Wait::ALL.to_vec());
        }
        let wait = |text: &String| {
            let known = Wait::ALL.into_iter().find(|wait| wait.name() == text);
            known.ok_or_else(|| {
                Error::Usage(format!(
                    "--wait {text}: nobody waits like that; there are spin, park and adaptive"
                ))
            })
        };
        self.wait.iter().map(wait).collect()
    }

    fn touch(&self) -> Result<Touch> {
        match self.touch.as_str() {
            "none" => Ok(Touch::None),
            "all" => Ok(Touch::All),
            other => Err(Error::Usage(format!(
                "--touch {other}: expected none (the first byte) or all (every byte)"
            ))),
        }
    }
}

fn number(text: &str, option: &str) -> Result<u64> {
    text.trim().parse().map_err(|_| {
        Error::Usage(format!(
            "{option} {text}: expected a whole number, as 49766400"
        ))
    })
}

/// How far it has come, on a terminal only.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("round trips {bar:30} {percent} %, {eta} left");
    let bar = ProgressBar::new(100);
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(500));
    }
    // The template is the constant above.
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn render(results: &Results, style: Style) -> String {
    let mut header = vec![
        "wait",
        "bytes",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
        "× line",
        "× futex",
    ];
    if results.read_gb_per_s.is_some() {
        header.push("× reading");
    }
    header.push("trips");
    let rows: Vec<_> = results
        .results
        .iter()
        .map(|trip| row(trip, results))
        .collect();
    format!("{}\n\n{}", style.table(&header, &rows, 1), legend(results))
}

fn row(trip: &RoundTrip, results: &Results) -> Vec<String> {
    let micros = |ns: u64| digits(ns as f64 / 1e3);
    // As in reports: a percentile has ten samples beyond it, or is none.
    let percentile = |ns: u64, one_in: u64| {
        let known = trip.count / one_in >= 10;
        if known { micros(ns) } else { ABSENT.into() }
    };
    let over = |floor: Option<u64>| match floor {
        Some(floor) => digits(trip.p50_ns as f64 / floor.max(1) as f64),
        None => ABSENT.into(),
    };
    let mut row = vec![
        trip.wait.name().into(),
        trip.bytes.to_string(),
        micros(trip.p50_ns),
        percentile(trip.p99_ns, 100),
        percentile(trip.p999_ns, 1000),
        micros(trip.max_ns),
        over(results.floor.spin_ns),
        over(results.floor.futex_ns),
    ];
    // Bytes over 1e9 bytes a second are nanoseconds.
    let reading = results.read_gb_per_s.map(|speed| trip.bytes as f64 / speed);
    row.extend(reading.map(|ns| digits(trip.p50_ns as f64 / ns)));
    row.push(trip.count.to_string());
    row
}

fn legend(results: &Results) -> String {
    let floor = |ns: Option<u64>| match ns {
        Some(ns) => format!("{} µs", digits(ns as f64 / 1e3)),
        None => "not measured".into(),
    };
    let mut text = format!(
        "× line   the median over a bare cache line's there and back, both spinning: {}\n\
         × futex  the median over a bare futex's there and back, both sleeping: {}",
        floor(results.floor.spin_ns),
        floor(results.floor.futex_ns),
    );
    if let Some(speed) = results.read_gb_per_s {
        text += &format!(
            "\n× reading  the median over reading as many bytes by one thread: {} GB/s",
            digits(speed)
        );
    }
    text
}
