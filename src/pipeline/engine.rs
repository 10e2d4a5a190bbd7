//! Modes with their workers started, and their passes in turn.

use super::check;
use super::dispatch::pass;
use super::gauge::{Around, Gauge};
use super::job::{FramePool, Packer, Setup};
use super::kept::{Findings, Kept};
use super::outcome::{Cache, Outcome, SlotsUsed};
use super::passes::{PassFigures, Side, new_alternation};
use super::plan::Plan;
use super::policy::Policy;
use super::recorder::Pass;
use super::sum::{Measured, Sum};
use crate::clock::{Nanos, now, unix_s};
use crate::coordination::SharedArray;
use crate::error::{Error, Result};
use crate::handoff::Slots;
use crate::measure::{
    BytesRead, LatestMemory, Limits, MemoryCourse, MemoryPeak, MemorySampler, NoiseProbe, Usage,
};
use crate::pool::Death;
use crate::source::FrameSet;
use crate::sys::pagecache;
use crate::transport::{Known, Placement};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::sync::Arc;

/// Is told what happens during a run, as far as it wants to be. Nothing in the pipeline prints.
pub trait Watch {
    /// Something that takes a moment begins: "measuring the machine's limits".
    fn phase(&mut self, _what: &str) {}
    /// A pass begins: which mode, which pass of how many, warm-up included, and its frames, if
    /// their number is known.
    fn pass(&mut self, _mode: &str, _pass: usize, _passes: usize, _frames: Option<u64>) {}
    /// So many frames of the pass have ended.
    fn progress(&mut self, _ended: u64) {}
    /// The pass's frames are about to come; from now on the gauge tells how it stands.
    fn begun(&mut self, _gauge: &Gauge) {}
    /// All its frames have ended; the gauge tells it for the last time.
    fn over(&mut self, _gauge: &Gauge) {}
}

/// A watch that looks away.
impl Watch for () {}

/// One mode with its workers started.
///
/// Cold passes get new workers each: the kernel does not drop a page from its cache as long as
/// somebody has it mapped.
pub(super) struct Engine {
    pub(super) plan: Plan,
    /// None between cold passes.
    pool: Option<FramePool>,
    /// Deaths in pools that are gone.
    deaths: Vec<Death>,
    measured: Vec<Measured>,
    /// When the first of them began.
    begun_unix_s: Option<f64>,
    slots: Option<SlotsUsed>,
    /// Whether workers do some jobs before each warm pass that are not measured.
    pub(super) limbers: bool,
}

impl Engine {
    /// Starts the workers of a plan.
    ///
    /// # Errors
    /// If they cannot be started.
    pub(super) fn start(plan: Plan) -> Result<Self> {
        let pool = match plan.cache {
            // Slots are there while they are used: other modes would be charged for them.
            Cache::Warm if plan.slots == 0 => Some(start_pool(&plan)?),
            Cache::Warm | Cache::Cold => None,
        };
        Ok(Self {
            plan,
            pool,
            deaths: Vec::new(),
            measured: Vec::new(),
            begun_unix_s: None,
            slots: None,
            limbers: true,
        })
    }

    /// Runs the frames once in the cache as it is to be; a pass that is not `measured` warms up.
    fn pass(&mut self, measured: bool, watch: &mut dyn Watch) -> Result<()> {
        let cache_resident = self.prepare_cache(watch)?;
        let kept = self.kept(measured)?;
        let number = measured.then_some(self.measured.len() + 1);
        let pass = self.run_once(number, kept, watch)?;
        if measured {
            let begun = pass.pass.begun;
            self.begun_unix_s.get_or_insert_with(|| unix_s(begun));
            self.measured.push(Measured {
                cache_resident,
                ..pass
            });
        }
        Ok(())
    }

    /// Runs the frames once, and keeps what they come to in `kept`; `number` is that of the pass
    /// among those that are measured, if it is.
    pub(super) fn run_once(
        &mut self,
        number: Option<usize>,
        kept: Kept,
        watch: &mut dyn Watch,
    ) -> Result<Measured> {
        // Before the first page of a map is touched, limbering up included.
        if let Some(set) = self.plan.source.set()
            && self.plan.mode.placement() != Placement::Processes
            && set.mappable()
        {
            check::say_if_it_shrinks(set.input());
        }
        let pool = match self.pool.take() {
            Some(pool) => pool,
            None => start_pool(&self.plan)?,
        };
        // What is live cannot be had twice.
        let limbers = self.limbers && self.plan.cache == Cache::Warm;
        if limbers && self.plan.source.set().is_some() {
            limber_up(&self.plan, &pool)?;
        }
        let pids = pool.pool.pids();
        let sampler = MemorySampler::start(move || pids.list());
        let around = Arc::new(Around::new(&self.plan, &pool, sampler.latest(), number));
        let noise = NoiseProbe::start();
        let before = Sides::of(&pool);
        let pass = pass(&self.plan, &pool, kept, &around, watch);
        let [parent, workers] = Sides::of(&pool).since(&before);
        let noise = noise.finish(&(parent.usage + workers.usage));
        let course = sampler.finish_with_course();
        let mut pass = pass?;
        let memory = note_memory(&mut pass, &course, |seen| around.count_slots_once(seen));
        self.slots = pool.slots.as_ref().map(|slots| {
            let (bytes, huge_bytes) = slots.bytes();
            SlotsUsed {
                count: slots.count(),
                bytes,
                huge_bytes,
            }
        });
        match self.plan.cache {
            Cache::Warm => self.pool = Some(pool),
            Cache::Cold => self.deaths.extend(pool.pool.deaths()),
        }
        Ok(Measured {
            pass,
            memory,
            parent,
            workers,
            noise,
            cache_resident: 1.0,
        })
    }

    /// What is kept of the pass that comes: all of the first that is measured, with which later ones
    /// are compared.
    fn kept(&self, measured: bool) -> Result<Kept> {
        let findings = Findings::new(self.plan.frames.start);
        if !measured {
            return Ok(Kept::nowhere(findings));
        }
        let trace = self.plan.trace.clone();
        if let Some(first) = self.measured.first() {
            let lines = first.pass.findings.lines.clone();
            let compared = findings.compared_with(lines.unwrap_or_default());
            return Ok(Kept::nowhere(compared).traced(trace));
        }
        let findings = match self.plan.repeat {
            1 => findings,
            _ => findings.comparable(),
        };
        let kept = match &self.plan.folder {
            Some(folder) => Kept::below(folder, findings, &self.plan)?,
            None => Kept::nowhere(findings),
        };
        Ok(kept.traced(trace))
    }

    /// Brings the page cache into the state that was asked for, as far as it can be; says what share of
    /// the input is in it then, 1 of what is live.
    fn prepare_cache(&self, watch: &mut dyn Watch) -> Result<f64> {
        let Some(set) = self.plan.source.set() else {
            return Ok(1.0);
        };
        match self.plan.cache {
            Cache::Warm if resident_share(set)? < 1.0 => {
                watch.phase("reading the input into the page cache");
                each_file(set, "cannot read", pagecache::fill)?;
            }
            Cache::Warm => return Ok(1.0),
            Cache::Cold => each_file(set, "cannot drop from the page cache", pagecache::evict)?,
        }
        resident_share(set)
    }

    /// Workers that have died so far.
    pub(super) fn died(&self) -> u64 {
        let now = self.pool.as_ref().map_or(0, |pool| pool.pool.died());
        self.deaths.len() as u64 + now
    }

    /// Gives back the memory of frames under way, or the next mode would be charged for it.
    pub(super) fn rest(&mut self) {
        match self.pool.take() {
            // Slots cannot be given back otherwise.
            Some(pool) if pool.slots.is_some() => self.deaths.extend(pool.pool.deaths()),
            Some(pool) => {
                pool.pool.rest();
                self.pool = Some(pool);
            }
            None => {}
        }
    }

    /// Puts the measured passes together.
    fn finish(self, limits: Limits, alternation: &str) -> Outcome {
        let mut deaths = self.deaths;
        if let Some(pool) = &self.pool {
            deaths.extend(pool.pool.deaths());
        }
        let passes: Vec<_> = self.measured.iter().map(PassFigures::of).collect();
        let resident = passes.first().map_or(0.0, |pass| pass.cache_resident);
        let mut workload = self.plan.workload(resident);
        let sum = Sum::of(&self.plan, self.measured);
        // A pass that was cut short ran fewer frames than were asked for.
        workload.frames.end = workload.frames.start + sum.shortest;
        let totals = sum.totals(deaths.len() as u64);
        let mut notes: Vec<_> = deaths.iter().map(say_death).collect();
        notes.extend(sum.notes);
        Outcome {
            workload,
            begun_unix_s: self.begun_unix_s,
            totals,
            limits,
            memory: sum.memory,
            slots: self.slots,
            usage: sum.usage,
            stages: sum.tally.stages,
            passes,
            alternation: Some(alternation.to_owned()),
            timeline: sum.timeline,
            findings_digest: sum.findings_digest,
            incomplete: sum.incomplete,
            disagreement: sum.disagreement,
            notes,
        }
    }
}

/// What parent and workers have used so far.
struct Sides {
    usage: [Usage; 2],
    read: [BytesRead; 2],
}

impl Sides {
    fn of(pool: &FramePool) -> Self {
        Self {
            usage: [Usage::of_self(), pool.pool.usage()],
            read: [
                BytesRead::of(&[std::process::id()]),
                BytesRead::of(&pool.pool.pids().list()),
            ],
        }
    }

    /// What each has used since `before`.
    fn since(&self, before: &Self) -> [Side; 2] {
        [0, 1].map(|side| Side {
            usage: self.usage[side] - before.usage[side],
            read_bytes: self.read[side].since(&before.read[side]),
        })
    }
}

/// Notes in a pass's time line what memory was seen when, each as it `is` in truth; returns the peak.
fn note_memory(
    pass: &mut Pass,
    course: &MemoryCourse,
    is: impl Fn(MemoryPeak) -> MemoryPeak,
) -> MemoryPeak {
    let seen = |memory: &MemoryPeak| memory.anon_bytes > 0;
    let mut peak = MemoryPeak::default();
    for (time, &memory) in course.timeline.middles().filter(|(_, memory)| seen(memory)) {
        // Sampling begins before the first frame does, and ends after the last has.
        let within = (course.begun + time).saturating_sub(pass.begun);
        let interval = pass.timeline.at(within.min(pass.wall_ns.saturating_sub(1)));
        interval.memory = interval.memory.max(is(memory));
        peak = peak.max(is(memory));
    }
    peak
}

fn start_pool(plan: &Plan) -> Result<FramePool> {
    let packer = Packer::new(plan.mode, &plan.source, plan.analysis.looks_back());
    let (known, slots) = known(plan)?;
    let live = SharedArray::per_worker(plan.workers, 1)?;
    let setup = Setup {
        mode: plan.mode.name().to_owned(),
        analysis: plan.analysis.clone(),
        known,
        live: live.clone(),
        workers: plan.workers,
    };
    let mut pool = check::pool(plan.mode.placement(), plan.workers);
    if let Some(limit) = plan.deadline {
        pool = pool.deadline(limit);
    }
    // A job that a worker has but has not begun could not be dropped at once.
    let pool = match plan.policy {
        Policy::DropOldest => pool.ahead(1),
        Policy::Block | Policy::DropNewest => pool,
    };
    let pool = pool.pack(packer).start(setup)?;
    Ok(FramePool { pool, live, slots })
}

/// What workers are to know, and the slots, if the mode uses any.
fn known(plan: &Plan) -> Result<(Known, Option<Slots>)> {
    let format = plan.source.format();
    if let Some(set) = plan.source.set().filter(|_| plan.slots == 0) {
        return Ok((Known::of(set), None));
    }
    let made = Slots::create(plan.slots, format.bytes());
    let made = made.and_then(|slots| Ok((Known::in_slots(format, slots.whereabouts()?), slots)));
    let (known, slots) = made.map_err(|error| {
        Error::Failed(format!(
            "{} slots of {} bytes cannot be had in shared memory: {error}",
            plan.slots,
            format.bytes()
        ))
    })?;
    Ok((known, Some(slots)))
}

/// So long at most is a pool limbered up, once each place in it has had a job.
const LIMBER: Nanos = 300_000_000;

/// Work that is not measured, right before a pass that is: buffers that were given back at the end
/// of the last one are there again and faulted in when the clock starts, and mapped pages have been
/// touched lately. (A page table entry that the kernel has marked as old since, while other modes
/// had their turn, costs the processor a microsecond to mark as young: as much as the analysis.)
fn limber_up(plan: &Plan, pool: &FramePool) -> Result<()> {
    let chunk = pool.pool.capacity() as u64 * plan.batch;
    let begin = now();
    // Twice around, since which worker gets which frame is chance.
    for _ in 0..2 {
        let mut next = plan.frames.start;
        while next < plan.frames.end {
            let mut short = plan.clone();
            short.frames = next..plan.frames.end.min(next + chunk);
            short.fps = None;
            next = short.frames.end;
            let kept = Kept::nowhere(Findings::new(short.frames.start));
            let around = Arc::new(Around::new(&short, pool, LatestMemory::default(), None));
            pass(&short, pool, kept, &around, &mut ())?;
            if now() - begin > LIMBER {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn say_death(death: &Death) -> String {
    format!(
        "worker {} was lost ({}); what it had was given to another",
        death.pid, death
    )
}

fn each_file(
    set: &FrameSet,
    action: &'static str,
    mut act: impl FnMut(&File) -> std::io::Result<()>,
) -> Result<()> {
    for path in set.files() {
        // A file that cannot be opened is its frames' failure, reported there.
        if let Ok(file) = File::open(path) {
            act(&file).map_err(Error::io(path, action))?;
        }
    }
    Ok(())
}

/// The share of the set's bytes that are in the page cache.
pub(super) fn resident_share(set: &FrameSet) -> Result<f64> {
    let (mut there, mut all) = (0, 0);
    each_file(set, "cannot tell what of it is in the page cache", |file| {
        let (resident, len) = pagecache::resident(file)?;
        there += resident;
        all += len;
        Ok(())
    })?;
    Ok(if all == 0 {
        1.0
    } else {
        there as f64 / all as f64
    })
}

/// Starts the workers of all plans, then runs their passes in turn, warm-up first: a machine that
/// is slower for a while is slower for all of them. Who goes when changes from round to round.
///
/// # Errors
/// What ends the run as a whole: workers that cannot start, or an interrupt. Frames that fail are
/// in the outcome.
pub fn run_alternately(plans: Vec<Plan>, watch: &mut dyn Watch) -> Result<Vec<Outcome>> {
    watch.phase("measuring the machine's limits");
    let mut limits = HashMap::new();
    for plan in &plans {
        if let Entry::Vacant(vacant) = limits.entry(plan.workers) {
            vacant.insert(Limits::measure(plan.workers)?);
        }
    }
    watch.phase("starting workers");
    let engines: Result<Vec<_>> = plans.into_iter().map(Engine::start).collect();
    let mut engines = engines?;
    let passes = |plan: &Plan| plan.warmup + plan.repeat;
    let most = engines.iter().map(|engine| passes(&engine.plan)).max();
    let several = engines.len() > 1;
    for number in 0..most.unwrap_or(0) {
        for who in turns(number, engines.len()) {
            let engine = &mut engines[who];
            let (warmup, all) = (engine.plan.warmup, passes(&engine.plan));
            if number >= all {
                continue;
            }
            let frames = engine.plan.known_frames();
            watch.pass(engine.plan.mode.name(), number + 1, all, frames);
            engine.pass(number >= warmup, watch)?;
            if several {
                engine.rest();
            }
        }
    }
    let alternation = new_alternation();
    let finish = |engine: Engine| {
        let measured = limits[&engine.plan.workers];
        engine.finish(measured, &alternation)
    };
    Ok(engines.into_iter().map(finish).collect())
}

/// The order of so many in a round: every other round goes backwards (A B B A), and those that do not begin
/// with another (A B C, C B A, B C A, A C B …), so that what comes from going first, or from who went before,
/// falls on all alike.
fn turns(round: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.rotate_left(round / 2 % count.max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::turns;

    #[test]
    fn everybody_is_as_often_in_each_place_and_behind_himself() {
        for count in 1..=5 {
            let rounds: Vec<_> = (0..=2 * count).map(|round| turns(round, count)).collect();
            let mut places = vec![vec![0; count]; count];
            let mut behind_himself = vec![0; count];
            for two in rounds.windows(2) {
                let each = two[0].iter().enumerate();
                each.for_each(|(place, &who)| places[who][place] += 1);
                if two[0].last() == two[1].first() {
                    behind_himself[two[1][0]] += 1;
                }
            }
            assert_eq!(places, vec![vec![2; count]; count], "{rounds:?}");
            assert!(behind_himself[0] > 0, "{rounds:?}");
            assert_eq!(behind_himself, vec![behind_himself[0]; count], "{rounds:?}");
        }
        assert_eq!(turns(3, 0), [0; 0]);
    }
}
