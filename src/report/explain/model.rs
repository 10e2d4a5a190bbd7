//! A cost model of one run: the wall time of a frame, put together from what its parts should cost.
//!
//! # The model
//!
//! Flat out, something is nearly always busy, and how long a frame holds that up is the time between two
//! frames (the bottleneck law of operational analysis: Denning and Buzen, The Operational Analysis of
//! Queueing Network Models, 1978). It may be all processors together, the workers (where there are
//! fewer of them than processors) or the parent (which has one thread, but as many senders as workers
//! where pixels are shipped). The processor time that a frame takes there, divided by how many can work
//! on it at once, is its time.
//!
//! That processor time is put together from below:
//!
//! * what is done in **user mode** was measured in the run, parent and workers apart, and belongs to the
//!   stages that work there, by the time that each took, and never more than that time: serialising
//!   (with deserialising), reading (decoding), compute;
//! * what the **kernel** does is counted in the run and priced by the machine's limits: bytes read and
//!   bytes shipped, page faults, switches. They never take more than the time in kernel mode that was
//!   counted: where the prices ask for more, all of them are as much lower, and by how much is shown too.
//!   (A page cache in large pages is read faster than in small ones, say, and a fault there provides more.)
//!
//! What is busiest is not at work at times all the same: at the beginning and the end of a pass, where a
//! worker waits for a slot or for others of its batch, and where other programs have the processors. That
//! is **waiting**, the time on the wall clock less the processor time that was counted. (Of passes of a
//! millisecond more may be counted than there was, as starting and ending them is in it: nobody waited then.)
//!
//! None of the other terms is fitted to the time that is to be explained, so they may miss the processor
//! time that was counted: what is left over is shown as that. (Bytes shipped are counted as pixels; that a
//! serialiser may make three bytes of a sample of two is among what is left over.)

use crate::pipeline::Side;
use crate::report::Report;
use crate::stage::Stage;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a frame's time is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// Turning samples into a message and back.
    Serialising,
    /// Into sockets and out of them.
    KernelCopies,
    /// Fresh memory.
    PageFaults,
    /// Going to sleep and being waked.
    WakeUps,
    /// Getting the pixels from where they are: copies out of the page cache, decoding.
    Reading,
    /// The analyzers.
    Compute,
    /// Nobody was at work who could have been: the time in which what the run is bound by was not at work.
    Waiting,
}

impl Term {
    /// All of them, in the order in which a frame meets them.
    pub const ALL: [Self; 7] = [
        Self::Serialising,
        Self::KernelCopies,
        Self::PageFaults,
        Self::WakeUps,
        Self::Reading,
        Self::Compute,
        Self::Waiting,
    ];

    /// As in a sentence: "20 ms are page faults".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serialising => "serialising",
            Self::KernelCopies => "kernel copies",
            Self::PageFaults => "page faults",
            Self::WakeUps => "wake-ups",
            Self::Reading => "reading",
            Self::Compute => "compute",
            Self::Waiting => "waiting",
        }
    }
}

/// What a run's speed is bound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// All processors together.
    Processors,
    /// The workers, or the threads.
    Workers,
    /// The parent.
    Parent,
}

impl Bound {
    /// As in a sentence: "bound by the parent".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processors => "all processors",
            Self::Workers => "the workers",
            Self::Parent => "the parent",
        }
    }
}

/// One run's time of a frame, in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    /// As measured: the passes' time over the frames.
    pub wall_ns: f64,
    pub bound: Bound,
    /// What the terms should take of it.
    pub terms: BTreeMap<Term, f64>,
    /// By how much more the kernel's prices asked for than it was counted to take.
    pub overpriced_ns: f64,
}

impl Model {
    /// The model of a run, or why there is none, as a sentence about it.
    pub(super) fn of(report: &Report) -> Result<Self, String> {
        let frames = report.totals.frames_analysed as f64;
        if report.workload.fps.is_some() {
            return Err("kept a pace, so that its frames took the time they were given".into());
        }
        if frames == 0.0 {
            return Err("analysed no frame".into());
        }
        if report.merged.is_some() {
            return Err("was merged of pieces, whose passes are in their own reports".into());
        }
        let (Some(kernel), false) = (report.limits.kernel, report.passes.is_empty()) else {
            return Err(
                "does not say what the kernel took: this machine had too little memory to measure \
                 it, or an older framehaul ran it"
                    .into(),
            );
        };
        let figures = Figures::of(report, frames);
        let processors = report.machine.cores.max(1) as f64;
        let lanes = processors.min(report.workload.workers.max(1) as f64);
        let prices = Prices {
            // Bytes a nanosecond are 1e9 bytes a second; these are of all lanes together.
            read: lanes / kernel.read_gb_per_s,
            send: lanes / kernel.send_gb_per_s,
            receive: lanes / kernel.receive_gb_per_s,
            fault: kernel.fault_us * 1e3,
            // Older reports do not have it: between two processors, a round trip is two switches.
            switch: kernel.switch_us.unwrap_or(report.limits.wakeup_us / 2.0) * 1e3,
        };
        let [parent, workers] = figures.sides(&prices);
        let of_parent = match (figures.crosses, figures.ships_pixels) {
            // As many threads as workers, or senders.
            (false, _) | (true, true) => lanes,
            (true, false) => 1.0,
        };
        let together = parent.cpu_ns + workers.cpu_ns;
        let mut stations = vec![(parent.cpu_ns / of_parent, Bound::Parent)];
        if figures.crosses {
            stations.push((workers.cpu_ns / lanes, Bound::Workers));
            stations.push((together / processors, Bound::Processors));
        } else {
            stations[0].1 = Bound::Workers;
        }
        let busiest = stations.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        let (busy_ns, bound) = busiest.unwrap_or((0.0, Bound::Processors));
        let share = |of: &dyn Fn(&Work) -> f64| {
            let (of_parent_ns, of_workers_ns) = (of(&parent), of(&workers));
            match bound {
                Bound::Parent => of_parent_ns / of_parent,
                Bound::Workers => {
                    (of_workers_ns + if figures.crosses { 0.0 } else { of_parent_ns }) / lanes
                }
                Bound::Processors => (of_parent_ns + of_workers_ns) / processors,
            }
        };
        let wall_ns = report.totals.wall_s * 1e9 / frames;
        let term = |term| (term, share(&|work: &Work| work.term(term)));
        let mut terms = BTreeMap::from(Term::ALL.map(term));
        terms.insert(Term::Waiting, (wall_ns - busy_ns).max(0.0));
        Ok(Self {
            wall_ns,
            bound,
            terms,
            overpriced_ns: share(&|work| work.overpriced_ns),
        })
    }

    /// What no term explains.
    pub(super) fn left_over_ns(&self) -> f64 {
        self.wall_ns - self.terms.values().sum::<f64>()
    }
}

/// Nanoseconds of one processor: for a byte, a fault, a switch.
struct Prices {
    read: f64,
    send: f64,
    receive: f64,
    fault: f64,
    switch: f64,
}

/// What a frame accounts for of what was counted.
struct Figures {
    /// Whether there are worker processes.
    crosses: bool,
    /// Whether it is the pixels that cross.
    ships_pixels: bool,
    /// Whether the parent loads them.
    parent_loads: bool,
    shipped_bytes: f64,
    parent: Counted,
    workers: Counted,
    /// By stage, in nanoseconds.
    stages: BTreeMap<Stage, f64>,
}

/// What one side used for a frame.
#[derive(Clone, Copy, Default)]
struct Counted {
    user_ns: f64,
    system_ns: f64,
    faults: f64,
    switches: f64,
    read_bytes: f64,
}

impl Counted {
    fn of(sides: impl Iterator<Item = Side>, frames: f64) -> Self {
        sides.fold(Self::default(), |sum, Side { usage, read_bytes }| Self {
            user_ns: sum.user_ns + usage.user_s * 1e9 / frames,
            system_ns: sum.system_ns + usage.system_s * 1e9 / frames,
            // One with I/O is mostly waiting, which is no processor time.
            faults: sum.faults + usage.minor_faults as f64 / frames,
            switches: sum.switches + usage.voluntary_switches as f64 / frames,
            read_bytes: sum.read_bytes + read_bytes.unwrap_or(0) as f64 / frames,
        })
    }
}

impl Figures {
    fn of(report: &Report, frames: f64) -> Self {
        let totals = &report.totals;
        let crosses = report.stages.contains_key(&Stage::Transfer);
        // Those are of all that were produced, and all else here is of those that were analysed.
        let shipped_bytes = (totals.shipped_bytes_per_frame + totals.overlap_bytes_per_frame)
            * totals.frames as f64
            / frames;
        let ships_pixels = crosses
            && totals.shipped_bytes_per_frame >= report.workload.bytes_per_frame as f64 / 2.0;
        let stage = |(&stage, summary): (&Stage, &crate::report::StageSummary)| {
            (stage, summary.mean_ns * summary.count as f64 / frames)
        };
        Self {
            crosses,
            ships_pixels,
            parent_loads: !crosses || ships_pixels || report.slots.is_some(),
            shipped_bytes: if crosses { shipped_bytes } else { 0.0 },
            parent: Counted::of(report.passes.iter().map(|pass| pass.parent), frames),
            workers: Counted::of(report.passes.iter().map(|pass| pass.workers), frames),
            stages: report.stages.iter().map(stage).collect(),
        }
    }

    /// What each side should take for a frame, in nanoseconds of one processor.
    fn sides(&self, prices: &Prices) -> [Work; 2] {
        let (parent, workers) = (&self.parent, &self.workers);
        let (mut of_parent, mut of_workers) = (Vec::new(), Vec::new());
        if self.crosses {
            of_parent.push((Term::Serialising, self.stage(Stage::Serialize)));
            of_workers.push((Term::Serialising, self.stage(Stage::Deserialize)));
        }
        match self.parent_loads {
            true => of_parent.push((Term::Reading, self.stage(Stage::Load))),
            false => of_workers.push((Term::Reading, self.stage(Stage::Load))),
        }
        match self.crosses {
            true => of_workers.push((Term::Compute, self.stage(Stage::Compute))),
            false => of_parent.push((Term::Compute, self.stage(Stage::Compute))),
        }
        [
            Work::of(parent, &of_parent, self.shipped_bytes * prices.send, prices),
            Work::of(
                workers,
                &of_workers,
                self.shipped_bytes * prices.receive,
                prices,
            ),
        ]
    }

    fn stage(&self, stage: Stage) -> f64 {
        self.stages.get(&stage).copied().unwrap_or(0.0)
    }
}

/// One side's part in a frame, in nanoseconds of one processor.
struct Work {
    cpu_ns: f64,
    terms: BTreeMap<Term, f64>,
    /// By how much more the prices asked for than the kernel took.
    overpriced_ns: f64,
}

impl Work {
    /// `stages` are those that work in user mode on this side, with the time that each took.
    fn of(counted: &Counted, stages: &[(Term, f64)], copies_ns: f64, prices: &Prices) -> Self {
        let priced = [
            (Term::KernelCopies, copies_ns),
            (Term::PageFaults, counted.faults * prices.fault),
            (Term::WakeUps, counted.switches * prices.switch),
            (Term::Reading, counted.read_bytes * prices.read),
        ];
        let asked: f64 = priced.iter().map(|(_, time)| time).sum();
        let granted = (counted.system_ns / asked.max(f64::MIN_POSITIVE)).min(1.0);
        let mut terms: BTreeMap<Term, f64> =
            priced.map(|(term, time)| (term, granted * time)).into();
        // What is read is the kernel's work, and none of the stage's own.
        let by_the_kernel = terms[&Term::Reading];
        let own = |&(term, time): &(Term, f64)| match term {
            Term::Reading => (term, (time - by_the_kernel).max(0.0)),
            _ => (term, time),
        };
        let stages: Vec<_> = stages.iter().map(own).collect();
        let all: f64 = stages.iter().map(|(_, time)| time).sum();
        for (term, time) in stages {
            // Not more than its own time: a thread that looks for work also is in user mode.
            let part = (counted.user_ns * time / all.max(f64::MIN_POSITIVE)).min(time);
            *terms.entry(term).or_default() += part;
        }
        Self {
            cpu_ns: counted.user_ns + counted.system_ns,
            terms,
            overpriced_ns: (asked - counted.system_ns).max(0.0),
        }
    }

    fn term(&self, term: Term) -> f64 {
        self.terms.get(&term).copied().unwrap_or(0.0)
    }
}
