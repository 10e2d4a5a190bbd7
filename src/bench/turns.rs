//! Who measures what, when: every case a block of round trips, in turns.

use super::message::Order;
use super::peer::Peer;
use super::plan::{Plan, Touch, Wait};
use super::results::{Floor, Results, RoundTrip};
use super::slot;
use crate::clock::Nanos;
use crate::error::Result;
use hdrhistogram::Histogram;

/// Blocks of each case, after one that warms up. Every other turn goes backwards, so that nobody is
/// always next to the same neighbour.
const TURNS: u64 = 20;

/// About how long one case may take where all of a frame is touched.
const BUDGET: Nanos = 2_000_000_000;

/// The most round trips before each block that are not timed: the other process comes from its sleep
/// between blocks.
const LEAD: u64 = 200;

/// However long it takes, so many round trips are made.
const LEAST: u64 = 100;

/// Makes all round trips of a plan; `watch` is told now and then which part of them is done, from 0
/// to 1.
///
/// The program's `main` must begin with [`serve_helper`](super::serve_helper).
///
/// # Errors
/// [`Error::Failed`](crate::Error::Failed) if the other process does not start or ends in the
/// middle, or if there is no memory.
pub fn measure(plan: &Plan, watch: &mut dyn FnMut(f64)) -> Result<Results> {
    let mut peer = Peer::start(plan)?;
    let mut cases = cases(plan, &peer);
    for case in &mut cases {
        case.warm_up(plan, &mut peer)?;
    }
    let mut reading = Nanos::MAX;
    for turn in 0..TURNS {
        watch(turn as f64 / TURNS as f64);
        let mut these: Vec<_> = cases.iter_mut().collect();
        if turn % 2 == 1 {
            these.reverse();
        }
        for case in these {
            case.measure_block(&mut peer)?;
        }
        if plan.touch == Touch::All {
            reading = reading.min(slot::read_time(&peer.slot, peer.way));
        }
    }
    watch(1.0);
    let read_gb_per_s = peer.slot.len() as f64 / reading as f64;
    Ok(Results {
        touch: plan.touch,
        results: cases.iter().filter_map(Case::round_trip).collect(),
        floor: floor(&cases),
        read_gb_per_s: (plan.touch == Touch::All).then_some(read_gb_per_s),
    })
}

/// All that takes turns: the floors, and each size with each way to wait.
fn cases(plan: &Plan, peer: &Peer) -> Vec<Case> {
    let bare = [Kind::Spin, Kind::Futex].into_iter();
    let bare = bare.filter(|kind| plan.spins() || !matches!(kind, Kind::Spin));
    let bare = bare.map(|kind| Case::new(kind, plan.trips(0)));
    let tickets = plan.waits.iter().flat_map(|&wait| {
        plan.sizes.iter().map(move |&bytes| {
            let expected = peer.expected(bytes);
            let kind = Kind::Tickets {
                wait,
                bytes,
                expected,
            };
            Case::new(kind, plan.trips(bytes))
        })
    });
    bare.chain(tickets).collect()
}

/// What is measured.
#[derive(Clone, Copy)]
enum Kind {
    Spin,
    Futex,
    Tickets {
        wait: Wait,
        bytes: u64,
        /// What is seen in the slot.
        expected: u64,
    },
}

impl Kind {
    /// So many timed round trips, after as many, or [`LEAD`], that are not.
    fn run(self, block: u64, peer: &mut Peer, mut timed: impl FnMut(Nanos)) -> Result<()> {
        let lead = block.min(LEAD);
        peer.order(self.order(lead + block))?;
        if let Kind::Tickets { wait, .. } = self {
            peer.set_wait(wait);
        }
        for trip in 0..lead + block {
            let took = match self {
                Kind::Spin => peer.spin()?,
                Kind::Futex => peer.futex()?,
                Kind::Tickets {
                    bytes, expected, ..
                } => peer.ticket(bytes, expected)?,
            };
            if trip >= lead {
                timed(took);
            }
        }
        Ok(())
    }

    fn order(self, trips: u64) -> Order {
        match self {
            Kind::Spin => Order::Spin(trips),
            Kind::Futex => Order::Futex(trips),
            Kind::Tickets { wait, .. } => Order::Tickets(wait, trips),
        }
    }
}

struct Case {
    kind: Kind,
    /// Timed round trips in each turn.
    block: u64,
    times: Histogram<u64>,
}

impl Case {
    fn new(kind: Kind, trips: u64) -> Self {
        Self {
            kind,
            block: trips.div_ceil(TURNS),
            times: Histogram::new(3).expect("three significant digits are within bounds"),
        }
    }

    /// One block that does not count. Where all of a frame is touched, it says how long that takes,
    /// and with it how many trips there is time for.
    fn warm_up(&mut self, plan: &Plan, peer: &mut Peer) -> Result<()> {
        let touches_all = plan.touch == Touch::All && matches!(self.kind, Kind::Tickets { .. });
        if !touches_all {
            return self.kind.run(self.block, peer, |_| ());
        }
        let mut fastest = Nanos::MAX;
        let few = self.block.min(3);
        self.kind
            .run(few, peer, |took| fastest = fastest.min(took))?;
        if plan.trips.is_none() {
            let affordable = (BUDGET / fastest.max(1)).max(LEAST);
            self.block = self.block.min(affordable.div_ceil(TURNS));
        }
        Ok(())
    }

    fn measure_block(&mut self, peer: &mut Peer) -> Result<()> {
        let Self { kind, block, times } = self;
        kind.run(*block, peer, |took| {
            times
                .record(took)
                .expect("the histogram grows to any value");
        })
    }

    fn round_trip(&self) -> Option<RoundTrip> {
        let Kind::Tickets { wait, bytes, .. } = self.kind else {
            return None;
        };
        Some(RoundTrip::new(bytes, wait, &self.times))
    }
}

/// The medians of the bare trips.
fn floor(cases: &[Case]) -> Floor {
    let median = |is: fn(&Kind) -> bool| {
        let case = cases.iter().find(|case| is(&case.kind));
        case.map(|case| case.times.value_at_quantile(0.5))
    };
    Floor {
        spin_ns: median(|kind| matches!(kind, Kind::Spin)),
        futex_ns: median(|kind| matches!(kind, Kind::Futex)),
    }
}
