//! What the pool costs beside what it is made of, each as a ratio within one run, both sides
//! taking turns.
//!
//! * An empty job there and back, one at a time, beside a bare ping-pong: two processes, a typed
//!   ipc-channel each way, a blocking `recv` at each end.
//! * The same ping-pong with a thread that receives and hands over, as whatever lets several
//!   threads wait for several workers must: how much of the difference that thread is.
//! * 100,000 empty jobs through `map` beside one at a time.
//! * A look at a stop flag beside a plain relaxed load.
//! * The peak of memory over two million jobs beside that over one, in a process of its own.
//!
//!     cargo bench --bench pool [-- --quick] [--json]
//!
//! `cargo bench --bench pool -- loop` makes round trips and nothing else, for a profiler.

use framehaul::clock::{Nanos, now};
use framehaul::coordination::StopFlag;
use framehaul::pool::{Context, Job, Never, Pool, worker};
use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;

const WORKERS: usize = 2;
const ECHO: &str = "echo";
const MEMORY: &str = "memory";
const LOOP: &str = "loop";

#[derive(Serialize, Deserialize)]
struct Empty;

impl Job for Empty {
    type Setup = ();
    type State = ();
    type Output = ();
    type Error = Never;

    fn init(_: &()) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, _: &mut (), _: &Context<'_>) -> Result<(), Never> {
        Ok(())
    }
}

fn main() {
    worker::enter::<Empty>();
    let args: Vec<String> = std::env::args().collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    match args.get(1).map(String::as_str) {
        Some(ECHO) => return echo(&args[2]),
        Some(MEMORY) => return memory(),
        Some(LOOP) => return trips_alone(),
        _ => {}
    }
    let scale = if has("--quick") { 1 } else { 10 };
    let mut figures = round_trip(scale);
    figures.push(through_map(scale));
    figures.push(flag(scale));
    figures.push(over_a_million_jobs());
    for figure in figures {
        if has("--json") {
            println!("{}", serde_json::to_string(&figure).expect("plain data"));
        } else {
            figure.print();
        }
    }
}

/// One line of the table.
#[derive(Serialize)]
struct Figure {
    what: &'static str,
    ratio: f64,
    /// The goal, in words, and whether it is reached.
    goal: (&'static str, bool),
    /// The numbers behind it.
    numbers: Vec<(&'static str, f64)>,
}

impl Figure {
    fn print(&self) {
        let (goal, holds) = self.goal;
        let verdict = if holds { "ok   " } else { "SHORT" };
        println!(
            "{verdict} {:<52} {:7.2}  (goal: {goal})",
            self.what, self.ratio
        );
        for (name, number) in &self.numbers {
            println!("        {name:<50} {number:11.2}");
        }
    }
}

/// The value below which that share of them lies.
fn quantile(times: &mut [Nanos], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize] as f64 / 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn empty_pool() -> Pool<Empty> {
    Pool::processes(WORKERS).start(()).expect("a pool")
}

// ---- the round trip -----------------------------------------------------------------------------

/// Where the processes are. The scheduler puts the two ends of a bare ping-pong on one core or on
/// two as it happens, which alone makes a factor of two: so both are measured on purpose too.
#[derive(Clone, Copy)]
enum Placement {
    AsItHappens,
    OneCore,
    TwoCores,
}

impl Placement {
    /// Moves this process, and those at the other ends; says whether it could.
    fn arrange(self, others: &[u32]) -> bool {
        let (mine, theirs) = match self {
            Self::AsItHappens => ("0-1", "0-1"),
            Self::OneCore => ("0", "0"),
            Self::TwoCores => ("0", "1"),
        };
        pin(std::process::id(), mine) && others.iter().all(|&pid| pin(pid, theirs))
    }
}

/// Lets all threads of a process run on those processors only.
fn pin(pid: u32, processors: &str) -> bool {
    let mut command = Command::new("taskset");
    command.args(["-a", "-c", "-p", processors, &pid.to_string()]);
    command.output().is_ok_and(|said| said.status.success())
}

fn round_trip(scale: usize) -> Vec<Figure> {
    let pool = empty_pool();
    let bare = Bare::start();
    let relayed = Relayed::start();
    let mut others = pool.pids().list();
    others.extend([bare.pid, relayed.pid]);
    let figures = [
        (
            "a job there and back, over a bare ping-pong",
            Placement::AsItHappens,
        ),
        ("… all on one core", Placement::OneCore),
        ("… a core each for parent and worker", Placement::TwoCores),
    ]
    .map(|(what, placement)| {
        let arranged = placement.arrange(&others);
        arranged.then(|| compare_trips(what, &pool, &bare, &relayed, scale))
    });
    Placement::AsItHappens.arrange(&others);
    figures.into_iter().flatten().collect()
}

fn compare_trips(
    what: &'static str,
    pool: &Pool<Empty>,
    bare: &Bare,
    relayed: &Relayed,
    scale: usize,
) -> Figure {
    const BLOCK: usize = 500;
    let sides: [&dyn Fn(); 3] = [&|| bare.trip(), &|| relayed.trip(), &|| {
        pool.submit(Empty).wait().expect("an empty job")
    }];
    let mut times: [Vec<Nanos>; 3] = Default::default();
    // The first turn warms up.
    for turn in 0..=4 * scale {
        for (trip, times) in sides.iter().zip(&mut times) {
            for _ in 0..BLOCK {
                let begin = now();
                trip();
                if turn > 0 {
                    times.push(now() - begin);
                }
            }
        }
    }
    let [bare, relayed, job] =
        times.map(|mut times| [0.5, 0.99].map(|share| quantile(&mut times, share)));
    let ratio = job[0] / bare[0];
    let mut numbers = vec![
        ("pool, median µs", job[0]),
        ("pool, 99 % within µs", job[1]),
        ("ping-pong, median µs", bare[0]),
        ("ping-pong, 99 % within µs", bare[1]),
        ("ping-pong with a receiving thread, median µs", relayed[0]),
        (
            "ping-pong with a receiving thread, 99 % within µs",
            relayed[1],
        ),
        ("pool over that one", job[0] / relayed[0]),
    ];
    numbers.extend(stages(pool));
    Figure {
        what,
        ratio,
        goal: ("at most 1.25", ratio <= 1.25),
        numbers,
    }
}

/// Where a job's round trip goes, by its stamps.
fn stages(pool: &Pool<Empty>) -> [(&'static str, f64); 5] {
    let mut times: [Vec<Nanos>; 5] = Default::default();
    for _ in 0..2_000 {
        let trip = pool.submit(Empty).completion().trip;
        let marks = [
            trip.submitted,
            trip.serialized,
            trip.deserialize_begin,
            trip.run_end,
            trip.arrived,
            now(),
        ];
        for (times, marks) in times.iter_mut().zip(marks.windows(2)) {
            times.push(marks[1] - marks[0]);
        }
    }
    let [submit, there, run, back, told] = times.map(|mut times| quantile(&mut times, 0.5));
    [
        ("  of it: decide and serialise, µs", submit),
        ("  of it: to the worker, µs", there),
        ("  of it: deserialise and run, µs", run),
        ("  of it: to the receiver, µs", back),
        ("  of it: from there to who waits, µs", told),
    ]
}

/// The pool's round trips for ten seconds, and nothing else: for a profiler.
fn trips_alone() {
    let pool = empty_pool();
    let begin = now();
    let mut trips = 0u64;
    while now() - begin < 10_000_000_000 {
        pool.submit(Empty).wait().expect("an empty job");
        trips += 1;
    }
    println!("{trips} trips");
}

/// The other process sends back what it receives, until nobody sends any more.
fn echo(name: &str) {
    let (to_me, from_parent) = ipc::channel::<u64>().expect("a channel");
    let (to_parent, from_me) = ipc::channel::<u64>().expect("a channel");
    let parent = IpcSender::connect(name.into()).expect("the parent listens");
    parent.send((to_me, from_me)).expect("the parent listens");
    while let Ok(number) = from_parent.recv() {
        to_parent.send(number).expect("the parent lives");
    }
}

struct Bare {
    there: IpcSender<u64>,
    back: IpcReceiver<u64>,
    pid: u32,
}

impl Bare {
    fn start() -> Self {
        let (server, name) = IpcOneShotServer::new().expect("a socket");
        // It ends when this process hangs up; nobody needs to wait for it.
        let child = Command::new("/proc/self/exe").args([ECHO, &name]).spawn();
        let pid = child.expect("a process").id();
        let (_, (there, back)) = server.accept().expect("the child connects");
        Self { there, back, pid }
    }

    fn trip(&self) {
        self.there.send(7).expect("the child lives");
        assert_eq!(self.back.recv().expect("the child lives"), 7);
    }
}

/// The same, but a thread receives.
struct Relayed {
    there: IpcSender<u64>,
    back: mpsc::Receiver<u64>,
    pid: u32,
}

impl Relayed {
    fn start() -> Self {
        let Bare { there, back, pid } = Bare::start();
        let (relay, relayed) = mpsc::channel();
        std::thread::spawn(move || {
            while let Ok(number) = back.recv()
                && relay.send(number).is_ok()
            {}
        });
        Self {
            there,
            back: relayed,
            pid,
        }
    }

    fn trip(&self) {
        self.there.send(7).expect("the child lives");
        assert_eq!(self.back.recv().expect("the thread lives"), 7);
    }
}

// ---- many jobs ----------------------------------------------------------------------------------

fn through_map(scale: usize) -> Figure {
    const JOBS: usize = 100_000;
    let pool = empty_pool();
    let jobs = |count| std::iter::repeat_with(|| Empty).take(count);
    let (mut together, mut by_one, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..(scale / 2).max(1) {
        together.push(a_second(JOBS, || {
            pool.map(jobs(JOBS)).filter(Result::is_ok).count()
        }));
        let some = JOBS / 20;
        by_one.push(a_second(some, || {
            pool.map(jobs(some)).batch(1).filter(Result::is_ok).count()
        }));
        alone.push(a_second(some, || {
            let ends = jobs(some).map(|job| pool.submit(job).wait());
            ends.filter(Result::is_ok).count()
        }));
    }
    let (together, by_one, alone) = (median(together), median(by_one), median(alone));
    let ratio = together / alone;
    Figure {
        what: "100,000 empty jobs by map, over one at a time",
        ratio,
        // A job by itself costs so little that no more is left to be saved.
        goal: ("at least 3", ratio >= 3.0),
        numbers: vec![
            ("map, jobs a second", together),
            ("map by one, jobs a second", by_one),
            ("one at a time, jobs a second", alone),
        ],
    }
}

/// How many jobs a second; `run` says how many ended well.
fn a_second(jobs: usize, run: impl FnOnce() -> usize) -> f64 {
    let begin = now();
    assert_eq!(run(), jobs);
    jobs as f64 / ((now() - begin) as f64 / 1e9)
}

// ---- the flag -----------------------------------------------------------------------------------

fn flag(scale: usize) -> Figure {
    const LOOKS: u32 = 1_000_000;
    let flag = StopFlag::new().expect("shared memory");
    let (watch, plain) = (flag.watch(), AtomicU64::new(0));
    let time = |look: &dyn Fn()| {
        let begin = now();
        look();
        (now() - begin) as f64 / f64::from(LOOKS)
    };
    let (mut looks, mut loads) = (Vec::new(), Vec::new());
    for _ in 0..10 * scale {
        looks.push(time(&|| {
            for _ in 0..LOOKS {
                black_box(black_box(&watch).is_set());
            }
        }));
        loads.push(time(&|| {
            for _ in 0..LOOKS {
                black_box(black_box(&plain).load(Relaxed));
            }
        }));
    }
    let (look, load) = (median(looks), median(loads));
    Figure {
        what: "a look at a stop flag, over a relaxed load",
        ratio: look / load,
        goal: ("at most 2", look / load <= 2.0),
        numbers: vec![("a look, ns", look), ("a load, ns", load)],
    }
}

// ---- memory -------------------------------------------------------------------------------------

/// Resident kilobytes of this process and these, now and at most.
fn resident(others: &[u32]) -> [f64; 2] {
    let all = std::iter::once(std::process::id()).chain(others.iter().copied());
    all.fold([0.0; 2], |[now, peak], pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
        let of = |name: &str| -> f64 {
            let line = status.lines().find(|line| line.starts_with(name));
            let kb = line.and_then(|line| line.split_whitespace().nth(1));
            kb.map_or(0.0, |kb| kb.parse().expect("a number"))
        };
        [now + of("VmRSS:"), peak + of("VmHWM:")]
    })
}

/// Runs in a process of its own, which has done nothing else: the highest level is then this alone.
fn memory() {
    const MILLION: usize = 1_000_000;
    let pool = empty_pool();
    let all = || resident(&pool.pids().list());
    let mut levels = vec![all()];
    let jobs = std::iter::repeat_with(|| Empty).take(2 * MILLION);
    for (done, (_, outcome)) in (1..).zip(pool.map_unordered(jobs)) {
        outcome.expect("an empty job");
        if [MILLION / 10, MILLION, 2 * MILLION].contains(&done) {
            levels.push(all());
        }
    }
    println!("{}", serde_json::to_string(&levels).expect("numbers"));
}

fn over_a_million_jobs() -> Figure {
    let child = Command::new("/proc/self/exe").arg(MEMORY).output();
    let said = child.expect("a process").stdout;
    let [begin, tenth, one, two]: [[f64; 2]; 4] =
        serde_json::from_slice(&said).expect("four pairs");
    let ratio = two[1] / one[1];
    Figure {
        what: "peak memory of two million jobs, over one million's",
        ratio,
        // The allocator's own ups and downs are a tenth of it; a word kept of each job would add a
        // half.
        goal: ("constant: at most 1.25", ratio <= 1.25),
        numbers: vec![
            ("pool and workers before the first, kB", begin[0]),
            ("after 100,000, kB", tenth[0]),
            ("after a million, kB", one[0]),
            ("after two million, kB", two[0]),
            ("at most in a million, kB", one[1]),
            ("at most in two million, kB", two[1]),
        ],
    }
}
