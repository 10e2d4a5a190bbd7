//! The round trip of `framehaul bench handoff --wait spin`, made with iceoryx2.
//!
//! The parent loans a sample as large as the frame and publishes it; the other process, this
//! program started again, reads its first byte and publishes an answer of eight bytes. Both poll
//! without a pause. Nothing is written into the samples: it is the hand-over that is measured. It
//! prints the same JSON as `framehaul bench handoff --json`.
//!
//!     framehaul-peer-iceoryx2 [--sizes 64,4096] [--trips 1000]

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::{PortFactory as _, publish_subscribe::PortFactory};
use std::error::Error;
use std::hint::{black_box, spin_loop};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The first argument that makes this the other process; the name of the services follows.
const ECHO: &str = "--echo";

/// As framehaul's: sizes, turns, and untimed round trips before each block.
const SIZES: [usize; 7] = [
    64,
    4096,
    65_536,
    1_048_576,
    12_441_600,
    49_766_400,
    199_065_600,
];
const TURNS: usize = 20;
const LEAD: usize = 200;

/// In the other process: its standard input has ended.
static PARENT_IS_DONE: AtomicBool = AtomicBool::new(false);

/// Polls between two looks at whether the other process is there.
const POLLS: u32 = 1 << 20;

fn main() -> Result<()> {
    set_log_level(LogLevel::Error);
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == ECHO) {
        return echo(&args[1]);
    }
    let (mut sizes, mut trips) = (SIZES.to_vec(), None);
    for pair in args.chunks(2) {
        match pair {
            [name, list] if name == "--sizes" => {
                sizes = list
                    .split(',')
                    .map(str::parse)
                    .collect::<std::result::Result<_, _>>()?;
            }
            [name, number] if name == "--trips" => trips = Some(number.parse()?),
            _ => return Err("usage: [--sizes BYTES,BYTES…] [--trips N]".into()),
        }
    }
    if sizes.is_empty() || sizes.contains(&0) || trips == Some(0) {
        return Err("sizes and trips are to be 1 at least".into());
    }
    println!("{}", measure(&sizes, trips)?);
    Ok(())
}

/// Frames one way, answers the other.
struct Services {
    frames: PortFactory<ipc::Service, [u8], ()>,
    answers: PortFactory<ipc::Service, u64, ()>,
}

impl Services {
    fn open(name: &str) -> Result<Self> {
        // What signals do stays as it is: a killed process is killed.
        let node = NodeBuilder::new()
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()?;
        let (frames, answers) = (format!("{name}/frames"), format!("{name}/answers"));
        // One publisher and one subscriber, as little in flight as there can be.
        Ok(Self {
            frames: node
                .service_builder(&frames.as_str().try_into()?)
                .publish_subscribe::<[u8]>()
                .max_publishers(1)
                .max_subscribers(1)
                .subscriber_max_buffer_size(1)
                .subscriber_max_borrowed_samples(1)
                .history_size(0)
                .enable_safe_overflow(false)
                .open_or_create()?,
            answers: node
                .service_builder(&answers.as_str().try_into()?)
                .publish_subscribe::<u64>()
                .max_publishers(1)
                .max_subscribers(1)
                .subscriber_max_buffer_size(1)
                .subscriber_max_borrowed_samples(1)
                .history_size(0)
                .enable_safe_overflow(false)
                .open_or_create()?,
        })
    }
}

/// The other process: an answer for each frame, until the parent closes its standard input.
fn echo(name: &str) -> Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        PARENT_IS_DONE.store(true, Relaxed);
    });
    let services = Services::open(name)?;
    let frames = services.frames.subscriber_builder().create()?;
    let answers = services
        .answers
        .publisher_builder()
        .max_loaned_samples(1)
        .create()?;
    while !PARENT_IS_DONE.load(Relaxed) {
        let Some(frame) = frames.receive()? else {
            spin_loop();
            continue;
        };
        let seen = u64::from(black_box(frame.payload())[0]);
        answers.loan_uninit()?.write_payload(seen).send()?;
    }
    Ok(())
}

struct Peer {
    child: Child,
    frames: Publisher<ipc::Service, [u8], ()>,
    answers: Subscriber<ipc::Service, u64, ()>,
}

impl Peer {
    fn start(largest: usize) -> Result<Self> {
        let name = format!("framehaul-peer/{}", std::process::id());
        let services = Services::open(&name)?;
        let frames = services
            .frames
            .publisher_builder()
            .initial_max_slice_len(largest)
            .max_loaned_samples(1)
            .create()?;
        let answers = services.answers.subscriber_builder().create()?;
        let mut child = Command::new(std::env::current_exe()?)
            .args([ECHO, &name])
            .stdin(Stdio::piped())
            .spawn()?;
        // A frame that nobody subscribes to is lost.
        while services.frames.dynamic_config().number_of_subscribers() == 0
            || services.answers.dynamic_config().number_of_publishers() == 0
        {
            fail_if_gone(&mut child)?;
        }
        Ok(Self {
            child,
            frames,
            answers,
        })
    }

    /// One round trip, in nanoseconds.
    fn trip(&mut self, bytes: usize) -> Result<u64> {
        let begin = Instant::now();
        let sample = self.frames.loan_slice_uninit(bytes)?;
        // SAFETY: the memory of a sample is shared memory that the kernel has zeroed, and any bits
        // are bytes.
        unsafe { sample.assume_init() }.send()?;
        let mut polls = 0;
        loop {
            if let Some(answer) = self.answers.receive()? {
                black_box(*answer);
                return Ok(begin.elapsed().as_nanos() as u64);
            }
            spin_loop();
            polls += 1;
            if polls % POLLS == 0 {
                fail_if_gone(&mut self.child)?;
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn fail_if_gone(child: &mut Child) -> Result<()> {
    match child.try_wait()? {
        Some(status) => Err(format!("the other process has ended: {status}").into()),
        None => Ok(()),
    }
}

/// All sizes in turns, as JSON.
fn measure(sizes: &[usize], trips: Option<usize>) -> Result<String> {
    let mut peer = Peer::start(sizes.iter().copied().max().unwrap_or(1))?;
    let mut times: Vec<Vec<u64>> = vec![Vec::new(); sizes.len()];
    // The first turn warms up.
    for turn in 0..=TURNS {
        for (&bytes, times) in sizes.iter().zip(&mut times) {
            let usual = if bytes < 1 << 20 { 100_000 } else { 10_000 };
            let block = trips.unwrap_or(usual).div_ceil(TURNS);
            for trip in 0..LEAD + block {
                let took = peer.trip(bytes)?;
                if turn > 0 && trip >= LEAD {
                    times.push(took);
                }
            }
        }
    }
    let results: Vec<_> = sizes
        .iter()
        .zip(&mut times)
        .map(|(&bytes, times)| result(bytes, times))
        .collect();
    Ok(format!(
        r#"{{"touch":"none","results":[{}],"floor":{{"spin_ns":null,"futex_ns":null}}}}"#,
        results.join(",")
    ))
}

fn result(bytes: usize, times: &mut [u64]) -> String {
    times.sort_unstable();
    let within = |share: f64| times[((times.len() as f64 * share).ceil() as usize).max(1) - 1];
    format!(
        r#"{{"bytes":{bytes},"wait":"spin","p50_ns":{},"p99_ns":{},"p999_ns":{},"max_ns":{},"count":{}}}"#,
        within(0.5),
        within(0.99),
        within(0.999),
        within(1.0),
        times.len()
    )
}
