//! The search: streams are handed out one behind the other, and outcomes come back.

use super::Watch;
use super::job::{FindJob, FindPool, Order, Packer, Setup};
use super::outcome::{Answer, Searched};
use super::plan::{Plan, Query};
use super::stream::UnderWay;
use crate::clock::now;
use crate::error::{Error, Result};
use crate::pipeline::check;
use crate::pipeline::dispatch::{LOOK_UP, culprit};
use crate::pool::{Completion, JobError, as_completed};
use crate::transport::{Known, Placement};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Searches the inputs of a query.
///
/// # Errors
/// [`Error::Usage`] for what makes no sense, [`Error::Failed`] if workers cannot be had,
/// [`Error::Interrupted`] if the query's flag was set. Frames that fail are in the answer.
pub fn find(query: &Query, watch: &mut dyn Watch) -> Result<Answer> {
    let plan = query.plan()?;
    watch.phase("starting workers");
    let pool = start_pool(query, &plan)?;
    let frames = plan.streams.iter().map(|stream| stream.set.len() as u64);
    watch.pass("searching", 1, 1, Some(frames.sum()));
    let begin = now();
    let inputs = search(query, &plan, &pool, watch)?;
    Ok(Answer {
        condition: query.condition.to_string(),
        which: query.which,
        workers: plan.workers,
        workers_died: pool.died(),
        wall_ns: now() - begin,
        inputs,
    })
}

fn start_pool(query: &Query, plan: &Plan) -> Result<FindPool> {
    let streams = plan.streams.iter();
    let mappable: Vec<_> = streams.clone().filter(|s| s.set.mappable()).collect();
    match (plan.placement, &mappable[..]) {
        (Placement::Processes, _) | (_, []) => {}
        (_, [one]) => check::say_if_it_shrinks(one.set.input()),
        (_, [..]) => check::say_if_it_shrinks("one of the inputs"),
    }
    let setup = Setup {
        condition: query.condition.to_string(),
        check_every: query.check_every,
        streams: streams
            .map(|stream| (stream.mode.name().to_owned(), Known::of(&stream.set)))
            .collect(),
    };
    let looks_back = query.condition.analysis().looks_back();
    check::pool(plan.placement, plan.workers)
        .pack(Packer::new(plan.streams.clone(), looks_back))
        .start(setup)
}

/// The streams that are not settled, and what came of the others.
struct Streams<'a> {
    query: &'a Query,
    plan: &'a Plan,
    findings: Vec<String>,
    /// By number: none once it is settled. Those behind the last have not begun.
    begun: VecDeque<Option<UnderWay>>,
    /// The number of the first in there; all before it are settled and told.
    first: usize,
    /// Settled, but one before it is not.
    early: HashMap<usize, Searched>,
    told: Vec<Searched>,
}

impl Streams<'_> {
    /// The next order, of the first stream that has one. The next stream begins when those before
    /// it have none: right behind them, so that workers go on at once.
    fn next(&mut self) -> Result<Option<Order>> {
        loop {
            let begun = self.begun.iter_mut().flatten();
            if let Some(order) = begun.into_iter().find_map(UnderWay::next) {
                return Ok(Some(order));
            }
            let number = self.first + self.begun.len();
            let Some(stream) = self.plan.streams.get(number) else {
                return Ok(None);
            };
            let new = UnderWay::new(number, stream, self.query.which, self.plan.workers)?;
            self.begun.push_back(Some(new));
        }
    }

    /// Takes a job's end.
    fn take(&mut self, order: &Order, completion: Completion<FindJob>) -> Result<()> {
        let place = &mut self.begun[order.stream - self.first];
        let Some(stream) = place else {
            unreachable!("a stream with an order under way is not settled");
        };
        match completion.outcome {
            Ok(output) => {
                stream.begun(output.worker, completion.trip.run_begin);
                stream.done(order, output);
            }
            Err(JobError::PoolEnded(why)) => return Err(Error::Failed(why)),
            Err(error) => {
                let culprit = culprit(&error, order.frames.clone());
                stream.failed(order, culprit, &error.to_string());
            }
        }
        Ok(())
    }

    /// Settles what can be, and tells of it in the order of the inputs.
    fn settle(&mut self, watch: &mut dyn Watch) {
        for (index, place) in self.begun.iter_mut().enumerate() {
            if let Some(stream) = place.take_if(|stream| stream.is_settled()) {
                let searched = stream.settle(&self.findings);
                self.early.insert(self.first + index, searched);
            }
        }
        while let Some(searched) = self.early.remove(&self.first) {
            watch.settled(&searched);
            self.told.push(searched);
            self.begun.pop_front();
            self.first += 1;
        }
    }

    /// Frames that have ended, or will not be touched.
    fn ended(&self) -> u64 {
        let settled = self.told.iter().chain(self.early.values());
        let begun = self.begun.iter().flatten();
        settled.map(|searched| searched.frames).sum::<u64>()
            + begun.map(UnderWay::ended).sum::<u64>()
    }
}

fn search(
    query: &Query,
    plan: &Plan,
    pool: &FindPool,
    watch: &mut dyn Watch,
) -> Result<Vec<Searched>> {
    let mut streams = Streams {
        query,
        plan,
        findings: query.condition.findings(),
        begun: VecDeque::new(),
        first: 0,
        early: HashMap::new(),
        told: Vec::new(),
    };
    let mut under_way = as_completed([]);
    let mut orders = HashMap::new();
    loop {
        if query.stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        while under_way.len() < pool.capacity()
            && let Some(order) = streams.next()?
        {
            let handle = pool.submit(order.clone());
            orders.insert(handle.id(), order);
            under_way.push(handle);
        }
        streams.settle(watch);
        watch.progress(streams.ended());
        if under_way.is_empty() {
            return Ok(streams.told);
        }
        let Some(handle) = under_way.next_timeout(Duration::from_nanos(LOOK_UP)) else {
            continue;
        };
        let Some(order) = orders.remove(&handle.id()) else {
            unreachable!("each job ends once");
        };
        streams.take(&order, handle.completion())?;
    }
}
