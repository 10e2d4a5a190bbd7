//! What to do when: the pool's decisions as a state machine without any I/O.
//!
//! Events go in, actions come out; [`super::core`] carries them out. A worker's death is one more
//! event. Seats are places for workers: a seat's worker may die and be replaced, the seat stays.
//!
//! Each job ends exactly once: its answer comes, or the supervisor ends it and says why. Jobs that
//! were submitted together travel together, as one *parcel*; a worker holds a few parcels, works
//! through them in order, and what it holds when it dies goes back to the head of the queue in its
//! old order, so that age wins.

mod seat;
mod watch;
mod words;

use self::seat::{Parcel, Seat, Staff};
pub use self::words::Shutdown;
pub(super) use self::words::{Action, Event, Policy, Why};
use super::{ById, JobId};
use crate::clock::Nanos;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// So many deaths in a row outside any job, without one ending in between, say that workers
/// cannot live here at all.
const MAX_BARREN_DEATHS: u32 = 100;

/// The same while no worker has ever been ready: the executable is no worker, or cannot run.
const MAX_FALSE_STARTS: u32 = 10;

/// So many parcels may be taken back from a worker that does not answer meanwhile. Their messages
/// stay in its socket, which must not fill up; then nothing more is put behind what it is at.
const MAX_STALE: usize = 2;

/// So many parcels of a worker can be told apart by the lowest bits of their numbers.
pub(super) const PLACES: u64 = 8;

#[derive(Debug)]
struct Job {
    /// Those that it was submitted with, itself included.
    group: Range<JobId>,
    /// Nanoseconds that it may run.
    deadline: Option<Nanos>,
    /// The seat whose worker has it.
    seat: Option<usize>,
    /// Nobody wants it any more, but its worker may be at it.
    cancelled: bool,
}

#[derive(Debug)]
pub(super) struct Supervisor {
    policy: Policy,
    seats: Vec<Seat>,
    /// Every job that has not ended.
    jobs: ById<Job>,
    /// Deaths at each step of a job, of those jobs that have cost any.
    deaths: ById<Vec<(u32, u32)>>,
    /// Jobs that no worker has; those that ended meanwhile are skipped.
    waiting: VecDeque<JobId>,
    shutdown: Option<Shutdown>,
    barren_deaths: u32,
    /// Deaths since the last answer.
    deaths_in_a_row: u32,
    ever_ready: bool,
}

impl Supervisor {
    /// A pool of so many seats; the actions start their first workers.
    pub(super) fn new(seats: usize, policy: Policy) -> (Self, Vec<Action>) {
        let mut supervisor = Self {
            policy,
            seats: (0..seats).map(|_| Seat::default()).collect(),
            jobs: ById::default(),
            deaths: ById::default(),
            waiting: VecDeque::new(),
            shutdown: None,
            barren_deaths: 0,
            deaths_in_a_row: 0,
            ever_ready: false,
        };
        let mut actions = Vec::new();
        for seat in 0..seats {
            supervisor.start(seat, &mut actions);
        }
        (supervisor, actions)
    }

    /// Takes note of what happened and says what is to be done about it.
    pub(super) fn on(&mut self, now: Nanos, event: Event, actions: &mut impl Extend<Action>) {
        let mut out = Vec::new();
        match event {
            Event::Submitted(jobs, deadline) => self.submit(jobs, deadline, &mut out),
            Event::Ready(seat) => {
                self.ever_ready = true;
                self.seats[seat].quiet_since = now;
                // A worker that is being killed may have come up before it noticed.
                if self.seats[seat].staff == Staff::Starting {
                    self.seats[seat].staff = Staff::Ready;
                }
            }
            Event::Answered(seat, jobs) => {
                self.barren_deaths = 0;
                self.deaths_in_a_row = 0;
                for job in jobs {
                    self.forget(job);
                    self.seats[seat].answered(job);
                }
                self.attend(seat, now);
            }
            Event::Gone(seat, during) => self.bury(seat, during, &mut out),
            Event::Recalled(seat, number) => self.take_back(seat, number, &mut out),
            Event::Cancel(job) => self.cancel(job, &mut out),
            Event::Tick(running) => self.look(now, &running, &mut out),
            Event::Shutdown(how) => self.shut_down(how, &mut out),
            Event::Broken => self.abort(&mut out),
        }
        self.hand_out(now, &mut out);
        self.let_go(now, &mut out);
        actions.extend(out);
    }

    /// Whether no worker is about to come that has not come yet.
    pub(super) fn is_up(&self) -> bool {
        self.seats.iter().all(|seat| seat.staff != Staff::Starting)
    }

    /// Whether a worker has ever been ready.
    pub(super) fn was_ever_ready(&self) -> bool {
        self.ever_ready
    }

    /// Whether the seat's worker has answered for all that it was sent.
    pub(super) fn is_idle(&self, seat: usize) -> bool {
        self.seats[seat].parcels.is_empty()
    }

    /// Workers that have reported and are not gone.
    pub(super) fn alive(&self) -> usize {
        let is_there = |seat: &&Seat| matches!(seat.staff, Staff::Ready | Staff::Retiring);
        self.seats.iter().filter(is_there).count()
    }

    /// Whether what is left of the pool is being killed.
    pub(super) fn is_killed(&self) -> bool {
        self.shutdown == Some(Shutdown::Kill)
    }

    /// Whether the pool was shut down and its last worker is gone.
    pub(super) fn is_over(&self) -> bool {
        self.shutdown.is_some() && self.seats.iter().all(|seat| seat.staff == Staff::Vacant)
    }

    /// Whether jobs are still taken.
    pub(super) fn is_open(&self) -> bool {
        self.shutdown.is_none()
    }

    fn submit(&mut self, jobs: Range<JobId>, deadline: Option<Nanos>, actions: &mut Vec<Action>) {
        for id in jobs.clone() {
            if !self.is_open() {
                actions.push(Action::End(id, Why::Ended));
                continue;
            }
            let job = Job {
                group: jobs.clone(),
                deadline,
                seat: None,
                cancelled: false,
            };
            self.jobs.insert(id, job);
            self.waiting.push_back(id);
        }
    }

    fn start(&mut self, seat: usize, actions: &mut Vec<Action>) {
        self.seats[seat] = Seat {
            staff: Staff::Starting,
            ..Seat::default()
        };
        actions.push(Action::Start(seat, self.pause()));
    }

    /// None for the first few deaths, then longer and longer up to half a second.
    fn pause(&self) -> Duration {
        match self.deaths_in_a_row {
            0..=4 => Duration::ZERO,
            n => Duration::from_millis(1 << (n - 5).min(9)),
        }
    }

    fn bury(&mut self, seat: usize, during: Option<(JobId, u32)>, actions: &mut Vec<Action>) {
        let gone = std::mem::take(&mut self.seats[seat]);
        let killed = self.is_killed();
        let orphans: Vec<_> = gone.jobs().collect();
        // Progress that names a job which was answered for after all is a death between two jobs.
        let during = during.filter(|(job, _)| orphans.contains(job));
        let retired = gone.staff == Staff::Retiring && orphans.is_empty();
        if !retired && !killed {
            self.deaths_in_a_row += 1;
            match (gone.doomed, during) {
                (Some(Some(job)), _) if orphans.contains(&job) => {
                    let over = self.jobs[&job].deadline.unwrap_or_default();
                    self.end(job, Why::Overdue(over), actions);
                }
                (None, Some((job, step))) => {
                    self.barren_deaths = 0;
                    self.blame(job, step, actions);
                }
                _ => self.barren_deaths += 1,
            }
        }
        self.queue_again(orphans, actions);
        let most = if self.ever_ready {
            MAX_BARREN_DEATHS
        } else {
            MAX_FALSE_STARTS
        };
        if self.barren_deaths >= most {
            actions.push(Action::Abort);
            self.abort(actions);
        } else if !killed && (self.is_needed() || self.is_open() && !gone.was_let_go(&self.policy))
        {
            self.start(seat, actions);
        }
    }

    /// Puts jobs that a worker had back at the head of the queue.
    fn queue_again(&mut self, jobs: Vec<JobId>, actions: &mut Vec<Action>) {
        for job in jobs.into_iter().rev() {
            match self.jobs.get_mut(&job) {
                Some(back) if back.cancelled => {
                    back.seat = None;
                    self.end(job, Why::Cancelled, actions);
                }
                Some(back) => {
                    back.seat = None;
                    self.waiting.push_front(job);
                }
                // It has just ended.
                None => {}
            }
        }
    }

    fn take_back(&mut self, seat: usize, number: u64, actions: &mut Vec<Action>) {
        let from = &mut self.seats[seat];
        if let Some(index) = from
            .parcels
            .iter()
            .position(|parcel| parcel.number == number)
            && let Some(parcel) = from.parcels.remove(index)
        {
            from.sent -= parcel.jobs.len() as u64;
            from.stale.push(number);
            self.queue_again(parcel.jobs.into(), actions);
        }
    }

    /// Whether there are jobs that no worker has.
    fn is_needed(&self) -> bool {
        self.jobs.values().any(|job| job.seat.is_none())
    }

    /// A worker died at this step of a job.
    fn blame(&mut self, id: JobId, step: u32, actions: &mut Vec<Action>) {
        let steps = self.deaths.entry(id).or_default();
        let deaths = match steps.iter_mut().find(|(at, _)| *at == step) {
            Some((_, deaths)) => {
                *deaths += 1;
                *deaths
            }
            None => {
                steps.push((step, 1));
                1
            }
        };
        if deaths >= self.policy.max_deaths {
            self.end(id, Why::Deaths(step, deaths), actions);
        }
    }

    fn forget(&mut self, job: JobId) -> Option<Job> {
        self.deaths.remove(&job);
        self.jobs.remove(&job)
    }

    fn end(&mut self, job: JobId, why: Why, actions: &mut Vec<Action>) {
        if let Some(ended) = self.forget(job) {
            if let Some(seat) = ended.seat {
                self.seats[seat].remove(job);
            }
            actions.push(Action::End(job, why));
        }
    }

    fn cancel(&mut self, job: JobId, actions: &mut Vec<Action>) {
        let Some(known) = self.jobs.get(&job).filter(|known| !known.cancelled) else {
            return;
        };
        let group = known.group.clone();
        for job in group.clone() {
            match self.jobs.get_mut(&job) {
                Some(known) if known.seat.is_some() => known.cancelled = true,
                Some(_) => self.end(job, Why::Cancelled, actions),
                // It has ended.
                None => {}
            }
        }
        for (index, seat) in self.seats.iter().enumerate() {
            for parcel in &seat.parcels {
                // All of a parcel were submitted together.
                if parcel.jobs.front().is_some_and(|job| group.contains(job)) {
                    actions.push(Action::Stop(index, parcel.number, None));
                }
            }
        }
    }

    fn shut_down(&mut self, how: Shutdown, actions: &mut Vec<Action>) {
        if self.shutdown.is_some_and(|already| already >= how) {
            return;
        }
        self.shutdown = Some(how);
        if how == Shutdown::CancelPending {
            for job in std::mem::take(&mut self.waiting) {
                self.end(job, Why::Cancelled, actions);
            }
        }
        if how == Shutdown::Kill {
            self.end_all(actions);
            for (index, seat) in self.seats.iter_mut().enumerate() {
                if seat.staff != Staff::Vacant {
                    actions.push(Action::Kill(index));
                }
            }
        }
    }

    fn abort(&mut self, actions: &mut Vec<Action>) {
        self.shut_down(Shutdown::Kill, actions);
    }

    fn end_all(&mut self, actions: &mut Vec<Action>) {
        self.waiting.clear();
        for seat in &mut self.seats {
            seat.parcels.clear();
        }
        self.deaths.clear();
        let mut all: Vec<_> = self.jobs.drain().map(|(id, _)| id).collect();
        all.sort_unstable();
        actions.extend(all.into_iter().map(|id| Action::End(id, Why::Ended)));
    }

    /// Gives waiting jobs to the workers with the least to do.
    fn hand_out(&mut self, now: Nanos, actions: &mut Vec<Action>) {
        loop {
            while let Some(head) = self.waiting.front()
                && !self.jobs.contains_key(head)
            {
                self.waiting.pop_front();
            }
            let Some(&head) = self.waiting.front() else {
                return self.recall(actions);
            };
            let max_jobs = self.policy.max_jobs;
            let ahead = self.policy.parcels_ahead;
            let with_room = (0..self.seats.len())
                .filter(|&seat| self.seats[seat].staff == Staff::Ready)
                .filter(|&seat| self.seats[seat].has_room(ahead))
                .filter(|&seat| self.seats[seat].sent < max_jobs)
                .min_by_key(|&seat| self.seats[seat].parcels.len());
            let Some(seat) = with_room else {
                // All are busy or about to come; those that were let go are called back.
                let vacant = (0..self.seats.len())
                    .find(|&seat| self.seats[seat].staff == Staff::Vacant)
                    .filter(|_| !self.is_killed());
                match vacant {
                    Some(seat) if !self.is_staffed_for_waiting() => self.start(seat, actions),
                    _ => return,
                }
                continue;
            };
            let group = self.jobs[&head].group.clone();
            let room = max_jobs - self.seats[seat].sent;
            let mut parcel = Vec::new();
            while let Some(&next) = self.waiting.front()
                && (parcel.len() as u64) < room
            {
                match self.jobs.get_mut(&next) {
                    Some(job) if job.group == group => {
                        job.seat = Some(seat);
                        parcel.push(next);
                    }
                    Some(_) => break,
                    None => {}
                }
                self.waiting.pop_front();
            }
            let was_idle = self.seats[seat].parcels.is_empty();
            self.seats[seat].sent += parcel.len() as u64;
            let number = self.seats[seat].next_number();
            self.seats[seat].parcels.push_back(Parcel {
                number,
                jobs: parcel.iter().copied().collect(),
                recalled: false,
            });
            if was_idle {
                self.attend(seat, now);
            }
            actions.push(Action::Send(seat, number, parcel));
        }
    }

    /// A worker has nothing to do while jobs wait behind another's: they are to change places.
    fn recall(&mut self, actions: &mut Vec<Action>) {
        let max_jobs = self.policy.max_jobs;
        let is_idle = |seat: &Seat| {
            seat.staff == Staff::Ready && seat.parcels.is_empty() && seat.sent < max_jobs
        };
        let mut idle = self.seats.iter().filter(|seat| is_idle(seat)).count();
        if !self.policy.is_light || idle == 0 {
            return;
        }
        for (index, seat) in self.seats.iter_mut().enumerate() {
            for parcel in seat.parcels.iter_mut().skip(1) {
                if idle > 0 && !parcel.recalled {
                    idle -= 1;
                    parcel.recalled = true;
                    actions.push(Action::Recall(index, parcel.number));
                }
            }
        }
    }

    /// Whether a worker is about to come for each parcel's worth of waiting jobs.
    fn is_staffed_for_waiting(&self) -> bool {
        let coming = self
            .seats
            .iter()
            .filter(|seat| seat.staff == Staff::Starting);
        coming.count() >= self.waiting.len().min(self.seats.len())
    }

    /// Sends the pill to workers that have had enough jobs, nothing to do for long, or all there
    /// is to do in a pool that ends.
    fn let_go(&mut self, now: Nanos, actions: &mut Vec<Action>) {
        let ending = matches!(
            self.shutdown,
            Some(Shutdown::Drain | Shutdown::CancelPending)
        ) && self.waiting.is_empty();
        for (index, seat) in self.seats.iter_mut().enumerate() {
            let idle = seat.parcels.is_empty()
                && self
                    .policy
                    .idle
                    .is_some_and(|idle| now >= seat.quiet_since.saturating_add(idle));
            let worn = seat.sent >= self.policy.max_jobs;
            if seat.staff == Staff::Ready && (ending || idle || worn) {
                seat.staff = Staff::Retiring;
                actions.push(Action::Retire(index));
            }
        }
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
