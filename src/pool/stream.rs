//! Streams: jobs taken lazily from an iterator, outcomes as they are wanted.

use super::core::{Caller, Core, Told};
use super::outcome::{Completion, Outcome};
use super::{Pack, Trip};
use crate::clock::{Nanos, now};
use std::collections::BTreeMap;
use std::iter::Fuse;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How many jobs of a stream travel together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Batch {
    /// So many that getting them there and back takes at most a twentieth of the time that they
    /// take themselves, by what has been measured so far; one to begin with, and no more than some
    /// tens of milliseconds' worth, so that outcomes keep coming.
    #[default]
    Auto,
    /// So many; the stream's last parcel may be smaller.
    Fixed(usize),
}

impl From<usize> for Batch {
    fn from(jobs: usize) -> Self {
        Self::Fixed(jobs)
    }
}

/// The outcomes of a stream of jobs, in the order of the jobs; see [`super::Pool::map`].
pub struct Map<P: Pack, I: Iterator<Item = P::Order>> {
    stream: Stream<P, I>,
    /// Outcomes that came before their turn.
    early: BTreeMap<u64, Completion<P::Job>>,
    next: u64,
}

/// The outcomes of a stream of jobs as they come, each with the number of its job in the stream,
/// from 0; see [`super::Pool::map_unordered`].
pub struct MapUnordered<P: Pack, I: Iterator<Item = P::Order>> {
    stream: Stream<P, I>,
}

struct Stream<P: Pack, I: Iterator<Item = P::Order>> {
    core: Arc<Core<P>>,
    deadline: Option<Duration>,
    orders: Fuse<I>,
    sizer: Sizer,
    /// The most jobs that are submitted and not yielded, if the user has said so.
    ahead: Option<usize>,
    /// Submitted and not yielded.
    in_flight: usize,
    submitted: u64,
    /// Its number in the pool.
    id: u64,
    tell: Sender<Told<P::Job>>,
    told: Receiver<Told<P::Job>>,
    /// What was told last and is not taken yet.
    offset: u64,
    ready: std::vec::IntoIter<Completion<P::Job>>,
    exhausted: bool,
}

/// A parcel is sent as it is when collecting it takes longer than this: the iterator is slow.
const COLLECTING: Nanos = 1_000_000;

impl<P: Pack, I: Iterator<Item = P::Order>> Stream<P, I> {
    fn new(core: Arc<Core<P>>, deadline: Option<Duration>, orders: I) -> Self {
        let (tell, told) = channel();
        let id = core.new_stream();
        Self {
            core,
            deadline,
            orders: orders.fuse(),
            sizer: Sizer::new(Batch::Auto),
            ahead: None,
            in_flight: 0,
            submitted: 0,
            id,
            tell,
            told,
            offset: 0,
            ready: Vec::new().into_iter(),
            exhausted: false,
        }
    }

    /// The most jobs that are submitted and not yielded: enough to keep every worker busy.
    fn bound(&self) -> usize {
        let enough = self.core.capacity() * self.sizer.size();
        self.ahead.unwrap_or(enough).max(1)
    }

    /// Collects a parcel and submits it.
    fn submit_one(&mut self) {
        let room = self.bound().saturating_sub(self.in_flight);
        let size = self.sizer.size().min(room);
        let begin = now();
        let mut parcel = Vec::with_capacity(size);
        while parcel.len() < size {
            let Some(order) = self.orders.next() else {
                self.exhausted = true;
                break;
            };
            parcel.push(order);
            // Not each time: the clock takes longer than a fast iterator.
            if parcel.len().is_power_of_two() && now() - begin > COLLECTING {
                break;
            }
        }
        if parcel.is_empty() {
            return;
        }
        let count = parcel.len();
        let caller = Caller::Stream {
            id: self.id,
            first: self.submitted,
            tell: self.tell.clone(),
        };
        self.core.submit(parcel, caller, self.deadline);
        self.submitted += count as u64;
        self.in_flight += count;
    }

    /// Whether a whole parcel may be submitted now.
    fn has_room(&self) -> bool {
        let bound = self.bound();
        let size = self.sizer.size().min(bound);
        !self.exhausted && self.in_flight + size <= bound
    }

    /// The next outcome to come, after seeing to it that the workers have enough to do.
    fn next(&mut self) -> Option<(u64, Completion<P::Job>)> {
        let mut ready = self.take();
        // With an outcome at hand, one parcel at most: the iterator may be slow.
        while self.has_room() {
            self.submit_one();
            ready = ready.or_else(|| self.take());
            if ready.is_some() {
                break;
            }
        }
        if ready.is_none() {
            if self.in_flight == 0 {
                return None;
            }
            // Every job ends once, so that there will be one.
            let told = self.told.recv().ok()?;
            ready = self.open(told);
        }
        let completion = ready?;
        self.sizer.learn(&completion.trip);
        Some((completion.id.wrapping_add(self.offset), completion))
    }

    /// An outcome that has come.
    fn take(&mut self) -> Option<Completion<P::Job>> {
        let ready = self.ready.next();
        ready.or_else(|| {
            let told = self.told.try_recv().ok()?;
            self.open(told)
        })
    }

    fn open(&mut self, told: Told<P::Job>) -> Option<Completion<P::Job>> {
        self.offset = told.offset;
        self.ready = told.completions.into_iter();
        self.ready.next()
    }
}

impl<P: Pack, I: Iterator<Item = P::Order>> Drop for Stream<P, I> {
    /// Nobody will ask for the rest.
    fn drop(&mut self) {
        if self.in_flight > 0 {
            self.core.cancel_stream(self.id);
        }
    }
}

macro_rules! settings {
    ($stream:ident) => {
        impl<P: Pack, I: Iterator<Item = P::Order>> $stream<P, I> {
            pub(super) fn over(core: Arc<Core<P>>, deadline: Option<Duration>, orders: I) -> Self {
                Self::from(Stream::new(core, deadline, orders))
            }

            /// Sends so many jobs together; [`Batch::Auto`] unless this is called.
            ///
            /// # Panics
            /// If it is `Fixed(0)`.
            #[must_use]
            pub fn batch(mut self, batch: impl Into<Batch>) -> Self {
                let batch = batch.into();
                assert!(batch != Batch::Fixed(0), "a batch of no jobs never ends");
                self.stream.sizer = Sizer::new(batch);
                self
            }

            /// Takes at most so many jobs from the iterator before their outcomes have been
            /// taken from here, at least 1; unless this is called, so many that every worker has
            /// one parcel to work on and one to find waiting when it is done.
            #[must_use]
            pub fn ahead(mut self, jobs: usize) -> Self {
                self.stream.ahead = Some(jobs);
                self
            }
        }
    };
}

settings!(Map);
settings!(MapUnordered);

impl<P: Pack, I: Iterator<Item = P::Order>> From<Stream<P, I>> for Map<P, I> {
    fn from(stream: Stream<P, I>) -> Self {
        Self {
            stream,
            early: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<P: Pack, I: Iterator<Item = P::Order>> From<Stream<P, I>> for MapUnordered<P, I> {
    fn from(stream: Stream<P, I>) -> Self {
        Self { stream }
    }
}

impl<P: Pack, I: Iterator<Item = P::Order>> Iterator for Map<P, I> {
    type Item = Outcome<P::Job>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(completion) = self.early.remove(&self.next) {
                self.next += 1;
                self.stream.in_flight -= 1;
                return Some(completion.outcome);
            }
            let (number, completion) = self.stream.next()?;
            self.early.insert(number, completion);
        }
    }
}

impl<P: Pack, I: Iterator<Item = P::Order>> Iterator for MapUnordered<P, I> {
    type Item = (u64, Outcome<P::Job>);

    fn next(&mut self) -> Option<Self::Item> {
        let (number, completion) = self.stream.next()?;
        self.stream.in_flight -= 1;
        Some((number, completion.outcome))
    }
}

/// Chooses the size of parcels.
struct Sizer {
    batch: Batch,
    size: usize,
    /// Outcomes seen since the size was changed.
    seen: usize,
    /// Nanoseconds of a job's own, smoothed.
    run: f64,
    /// Nanoseconds of one way between pool and worker: the least seen lately, since whatever else
    /// the machine does only adds to it.
    hop: f64,
}

/// Time under way is at most this share of the time of the jobs.
const OVERHEAD: f64 = 0.05;

/// A way is not taken to be shorter, in nanoseconds. It is where both ends look rather than sleep; but where
/// every processor has a worker, who looks does so in a worker's place, and parcels must be long enough to
/// let the pool sleep meanwhile.
const WAKING: f64 = 25e3;

/// The longest that a parcel may keep a worker busy, in nanoseconds.
const LONGEST: f64 = 20e6;

/// The largest parcel.
const LARGEST: usize = 4096;

impl Sizer {
    const fn new(batch: Batch) -> Self {
        Self {
            batch,
            size: match batch {
                Batch::Auto => 1,
                Batch::Fixed(size) => size,
            },
            seen: 0,
            run: 0.0,
            hop: 0.0,
        }
    }

    const fn size(&self) -> usize {
        self.size
    }

    fn learn(&mut self, trip: &Trip) {
        if self.batch != Batch::Auto || trip.arrived == 0 {
            return;
        }
        let run = trip.serialize() + trip.deserialize() + trip.run();
        let hop = (trip.arrived - trip.run_end) as f64;
        if self.run == 0.0 {
            (self.run, self.hop) = ((run as f64).max(1.0), hop);
        }
        self.run += (run as f64 - self.run) / 16.0;
        self.hop = hop.min(self.hop * 1.001);
        self.seen += 1;
        if self.seen < self.size {
            return;
        }
        self.seen = 0;
        let run = self.run.max(1.0);
        let worth = 2.0 * self.hop.max(WAKING) / (run * OVERHEAD);
        let wanted = worth.min(LONGEST / run).max(1.0) as usize;
        // One step at a time: what was measured of small parcels may not hold for large ones.
        self.size = wanted.min(2 * self.size).min(LARGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(run: Nanos, hop: Nanos) -> usize {
        let mut sizer = Sizer::new(Batch::Auto);
        let trip = Trip {
            run_begin: 1_000,
            run_end: 1_000 + run,
            arrived: 1_000 + run + hop,
            ..Trip::default()
        };
        for _ in 0..20_000 {
            sizer.learn(&trip);
        }
        sizer.size()
    }

    #[test]
    fn short_jobs_travel_together_and_long_ones_alone() {
        assert_eq!(settle(10_000_000, 30_000), 1);
        // 60 µs there and back are a twentieth of 1,200 µs of work.
        assert_eq!(settle(100_000, 30_000), 12);
        assert_eq!(settle(1_000, 30_000), 1_200);
        assert_eq!(settle(10, 30_000), LARGEST);
        // Who is quick to answer is looked for meanwhile, by a processor that has work to do.
        assert_eq!(settle(20_000, 500), 50);
        // A slow way is no reason to keep a worker busy for ever.
        assert_eq!(settle(1_000_000, 10_000_000), 20);
    }

    #[test]
    fn a_size_that_was_asked_for_stays() {
        let mut sizer = Sizer::new(Batch::Fixed(7));
        sizer.learn(&Trip {
            arrived: 5,
            ..Trip::default()
        });
        assert_eq!(sizer.size(), 7);
    }
}
