//! Whether the payload modes are honest: each beside a bare loop over the same ipc-channel call,
//! on the same frames, with the same number of processes and the same analysis, taking turns.
//!
//! The bare loop has no pool: for each worker a thread reads a frame, sends it, reads the next;
//! the process at the other end receives, analyses, and answers when all is done. What the pool
//! adds (supervision, tickets, stamps, answers for each frame) is the ratio.
//!
//!     cargo bench --bench payload [-- --quick]

use framehaul::analysis::{Analysis, Engine};
use framehaul::clock::now;
use framehaul::frame::{Colour, FrameFormat, Sample};
use framehaul::measure::Limits;
use framehaul::pipeline::{FrameJob, Request, run_alternately};
use framehaul::pool::worker;
use framehaul::source::FrameSet;
use framehaul::source::generate::{Plan, generate};
use framehaul::transport::{self, Known, Ticket};
use ipc_channel::ipc::{self, IpcBytesSender, IpcOneShotServer, IpcSender};
use serde::{Deserialize, Serialize};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const WORKERS: usize = 2;
const BARE: &str = "bare-worker";

fn main() {
    worker::enter::<FrameJob>();
    Limits::serve_helper();
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == BARE) {
        return bare_worker(&args[2]);
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let (frames, turns) = if quick { (8, 2) } else { (16, 5) };

    let folder = tempfile::tempdir().expect("a temporary folder");
    let format = FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16);
    let plan = Plan::new(folder.path().join("set"), format, frames);
    generate(&plan, &AtomicBool::new(false), &|_| {}).expect("room for the frames");
    let set = FrameSet::open(&plan.out.to_string_lossy()).expect("the set just written");

    println!("{WORKERS} workers, {frames} frames of {format}, luma; medians of {turns} turns");
    println!("mode          pool ms/frame  bare ms/frame  ratio");
    for mode in ["payload", "payload-raw"] {
        let (mut pool, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            pool.push(with_pool(&set, mode));
            bare.push(with_bare_loop(&set, mode));
        }
        let (pool, bare) = (median(pool), median(bare));
        println!("{mode:<13} {pool:13.1}  {bare:13.1}  {:5.2}", pool / bare);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds a frame of one pass of the pipeline, after one that warms up.
fn with_pool(set: &FrameSet, mode: &str) -> f64 {
    let request = Request {
        modes: vec![mode.into()],
        workers: Some(WORKERS),
        warmup: 1,
        ..Request::new(set.clone(), Analysis::parse("luma").expect("luma exists"))
    };
    let plans = request.plans().expect("the mode fits");
    let outcome = run_alternately(plans, &mut ())
        .expect("the run ends")
        .remove(0);
    outcome.totals.pass_wall_ns[0] as f64 / 1e6 / set.len() as f64
}

/// What a bare worker tells its parent first.
#[derive(Serialize, Deserialize)]
struct Hello {
    setup: IpcSender<(String, Known)>,
    tickets: IpcSender<Ticket>,
    bulk: IpcBytesSender,
}

/// The same without a pool.
fn with_bare_loop(set: &FrameSet, mode: &str) -> f64 {
    let set = Arc::new(set.clone());
    let workers: Vec<(Child, ipc::IpcReceiver<Hello>, Hello)> = (0..WORKERS)
        .map(|_| {
            let (server, name) = IpcOneShotServer::new().expect("a socket");
            let child = Command::new("/proc/self/exe").args([BARE, &name]).spawn();
            let (answers, hello) = server.accept().expect("the worker connects");
            (child.expect("a process"), answers, hello)
        })
        .collect();
    let mut begin = 0;
    let mut threads = Vec::new();
    let ready = Arc::new(std::sync::Barrier::new(WORKERS + 1));
    for (number, (child, answers, hello)) in workers.into_iter().enumerate() {
        hello
            .setup
            .send((mode.into(), Known::of(&set)))
            .expect("the worker lives");
        let mut outbound = transport::by_name(mode)
            .expect("a mode")
            .outbound(set.clone())
            .expect("it makes tickets");
        let (set, ready) = (set.clone(), ready.clone());
        threads.push(std::thread::spawn(move || {
            let mut bulk = Vec::new();
            let mut send = |index| {
                bulk.clear();
                let ticket = outbound.ticket(index, &mut bulk);
                hello.tickets.send(ticket).expect("the worker lives");
                if !bulk.is_empty() {
                    hello.bulk.send(&bulk).expect("the worker lives");
                }
            };
            // Two frames to warm up, as the pool's pass does.
            send(0);
            send(1);
            ready.wait();
            (number..set.len()).step_by(WORKERS).for_each(&mut send);
            // The worker hangs up when it has done all.
            drop(hello);
            while answers.recv().is_ok() {}
            let mut child = child;
            child.wait().expect("a child of ours");
        }));
    }
    ready.wait();
    begin += now();
    for thread in threads {
        thread.join().expect("no panic");
    }
    (now() - begin) as f64 / 1e6 / set.len() as f64
}

fn bare_worker(name: &str) {
    let (setup_sender, setups) = ipc::channel().expect("a channel");
    let (ticket_sender, tickets) = ipc::channel().expect("a channel");
    let (bulk_sender, bulks) = ipc::bytes_channel().expect("a channel");
    let parent = IpcSender::connect(name.into()).expect("the parent listens");
    let hello = Hello {
        setup: setup_sender,
        tickets: ticket_sender,
        bulk: bulk_sender,
    };
    parent.send(hello).expect("the parent listens");
    let (mode, known): (String, Known) = setups.recv().expect("the setup");
    let mode = transport::by_name(&mode).expect("a mode");
    let mut inbound = mode.inbound(&known).expect("it needs nothing");
    let analysis = Analysis::parse("luma").expect("luma exists");
    let mut engine = Engine::new(&analysis, known.format);
    let mut frame = 0;
    while let Ok(ticket) = tickets.recv() {
        let bulk = match ticket {
            Ticket::Bulk { .. } => bulks.recv().expect("the bytes"),
            _ => Vec::new(),
        };
        let view = inbound.open(&ticket, &bulk).expect("a frame");
        std::hint::black_box(engine.analyze(frame, view));
        frame += 1;
    }
}
