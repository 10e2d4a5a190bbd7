//! What to do when: the pool's decisions as a state machine without any I/O.
//!
//! Events go in, actions come out; [`super::processes`] carries them out. A worker's death is one
//! more event. Seats are places for workers: a seat's worker may die and be replaced, the seat
//! stays.
//!
//! Each job ends exactly once: it finishes, or it is given up. Jobs of a dead worker go back to
//! the head of the queue in their old order, so that age wins.

use super::JobId;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// So many workers must die while computing the same step of a job before it is given up.
pub const MAX_DEATHS: u32 = 5;

/// So many deaths in a row outside any job's compute, without a job finishing in between, say
/// that workers cannot live here at all.
const MAX_BARREN_DEATHS: u32 = 100;

/// The same while no worker has ever been ready: the executable is no worker, or cannot run.
const MAX_FALSE_STARTS: u32 = 10;

/// Jobs that are sent to a worker before the first of them is done: one to work on, one to find
/// waiting when it is.
pub(super) const JOBS_AHEAD: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A new job.
    Submitted(JobId),
    /// The seat's worker can take jobs.
    Ready(usize),
    /// The seat's worker finished a job.
    Finished(usize, JobId),
    /// The seat's worker is dead, reaped, and nobody waits for it; what it was computing.
    Died(usize, Option<(JobId, u32)>),
}

#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start a worker for this seat, after a pause.
    Start(usize, Duration),
    /// Send a job to the seat's worker.
    Send(usize, JobId),
    /// The job ends without an output: too many workers died at this step of it.
    GiveUp(JobId, u32),
    /// Nothing more can be done: workers keep dying before they compute anything.
    Abort,
}

#[derive(Debug, Default)]
struct Seat {
    ready: bool,
    /// Sent and not finished, oldest first.
    jobs: Vec<JobId>,
}

#[derive(Debug)]
pub(super) struct Supervisor {
    seats: Vec<Seat>,
    waiting: VecDeque<JobId>,
    /// Deaths a job and step.
    deaths: HashMap<JobId, HashMap<u32, u32>>,
    barren_deaths: u32,
    ever_ready: bool,
}

impl Supervisor {
    /// A pool of so many seats; the actions start their first workers.
    pub(super) fn new(seats: usize) -> (Self, Vec<Action>) {
        let supervisor = Self {
            seats: (0..seats).map(|_| Seat::default()).collect(),
            waiting: VecDeque::new(),
            deaths: HashMap::new(),
            barren_deaths: 0,
            ever_ready: false,
        };
        let actions = (0..seats).map(|seat| Action::Start(seat, Duration::ZERO));
        (supervisor, actions.collect())
    }

    /// Takes note of what happened and says what is to be done about it.
    pub(super) fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Submitted(job) => self.waiting.push_back(job),
            Event::Ready(seat) => {
                self.seats[seat].ready = true;
                self.ever_ready = true;
            }
            Event::Finished(seat, job) => {
                self.seats[seat].jobs.retain(|&sent| sent != job);
                self.deaths.remove(&job);
                self.barren_deaths = 0;
            }
            Event::Died(seat, during) => self.bury(seat, during, &mut actions),
        }
        self.hand_out(&mut actions);
        actions
    }

    /// Whether every seat has a worker that can take jobs.
    pub(super) fn all_ready(&self) -> bool {
        self.seats.iter().all(|seat| seat.ready)
    }

    fn bury(&mut self, seat: usize, during: Option<(JobId, u32)>, actions: &mut Vec<Action>) {
        let mut orphans = std::mem::take(&mut self.seats[seat].jobs);
        self.seats[seat].ready = false;
        // Progress that names a job which finished after all is a death between two jobs.
        match during.filter(|(job, _)| orphans.contains(job)) {
            Some((job, step)) => {
                let deaths = self.deaths.entry(job).or_default().entry(step).or_default();
                *deaths += 1;
                if *deaths >= MAX_DEATHS {
                    orphans.retain(|&orphan| orphan != job);
                    self.deaths.remove(&job);
                    actions.push(Action::GiveUp(job, step));
                }
                self.barren_deaths = 0;
            }
            None => self.barren_deaths += 1,
        }
        for job in orphans.into_iter().rev() {
            self.waiting.push_front(job);
        }
        let most = if self.ever_ready {
            MAX_BARREN_DEATHS
        } else {
            MAX_FALSE_STARTS
        };
        if self.barren_deaths >= most {
            actions.push(Action::Abort);
        } else {
            actions.push(Action::Start(seat, self.pause()));
        }
    }

    /// None for the first few deaths, then longer and longer up to half a second.
    fn pause(&self) -> Duration {
        match self.barren_deaths {
            0..=4 => Duration::ZERO,
            n => Duration::from_millis(1 << (n - 5).min(9)),
        }
    }

    /// Gives waiting jobs to the workers with the fewest.
    fn hand_out(&mut self, actions: &mut Vec<Action>) {
        while let Some(&job) = self.waiting.front() {
            let Some(seat) = (0..self.seats.len())
                .filter(|&seat| self.seats[seat].ready)
                .filter(|&seat| self.seats[seat].jobs.len() < JOBS_AHEAD)
                .min_by_key(|&seat| self.seats[seat].jobs.len())
            else {
                return;
            };
            self.waiting.pop_front();
            self.seats[seat].jobs.push(job);
            actions.push(Action::Send(seat, job));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A supervisor with all workers ready.
    fn ready(seats: usize) -> Supervisor {
        let (mut supervisor, starts) = Supervisor::new(seats);
        assert_eq!(starts.len(), seats);
        for seat in 0..seats {
            assert_eq!(supervisor.on(Event::Ready(seat)), []);
        }
        supervisor
    }

    #[test]
    fn jobs_go_to_the_idlest_worker_and_wait_when_all_have_two() {
        let mut supervisor = ready(2);
        assert_eq!(supervisor.on(Event::Submitted(1)), [Action::Send(0, 1)]);
        assert_eq!(supervisor.on(Event::Submitted(2)), [Action::Send(1, 2)]);
        assert_eq!(supervisor.on(Event::Submitted(3)), [Action::Send(0, 3)]);
        assert_eq!(supervisor.on(Event::Submitted(4)), [Action::Send(1, 4)]);
        assert_eq!(supervisor.on(Event::Submitted(5)), []);
        assert_eq!(supervisor.on(Event::Finished(1, 2)), [Action::Send(1, 5)]);
    }

    #[test]
    fn a_dead_workers_jobs_are_done_by_another_oldest_first() {
        let mut supervisor = ready(2);
        for job in 1..=5 {
            let _ = supervisor.on(Event::Submitted(job));
        }
        // Seat 0 held 1 and 3; 5 was waiting.
        assert_eq!(
            supervisor.on(Event::Died(0, None)),
            [Action::Start(0, Duration::ZERO)]
        );
        assert_eq!(
            supervisor.on(Event::Ready(0)),
            [Action::Send(0, 1), Action::Send(0, 3)]
        );
    }

    #[test]
    fn a_step_that_kills_five_workers_is_given_up_and_the_rest_goes_on() {
        let mut supervisor = ready(1);
        let _ = supervisor.on(Event::Submitted(1));
        let _ = supervisor.on(Event::Submitted(2));
        for _ in 1..MAX_DEATHS {
            let actions = supervisor.on(Event::Died(0, Some((1, 7))));
            assert_eq!(actions, [Action::Start(0, Duration::ZERO)]);
            let actions = supervisor.on(Event::Ready(0));
            assert_eq!(actions, [Action::Send(0, 1), Action::Send(0, 2)]);
        }
        let actions = supervisor.on(Event::Died(0, Some((1, 7))));
        assert_eq!(
            actions,
            [Action::GiveUp(1, 7), Action::Start(0, Duration::ZERO)]
        );
        assert_eq!(supervisor.on(Event::Ready(0)), [Action::Send(0, 2)]);
    }

    #[test]
    fn deaths_at_other_steps_or_outside_a_compute_do_not_count_against_a_job() {
        let mut supervisor = ready(1);
        let _ = supervisor.on(Event::Submitted(1));
        for step in 0..20 {
            for during in [None, Some((1, step))] {
                let actions = supervisor.on(Event::Died(0, during));
                assert!(matches!(actions[..], [Action::Start(0, _)]), "{actions:?}");
                let _ = supervisor.on(Event::Ready(0));
            }
        }
    }

    #[test]
    fn workers_that_only_die_are_replaced_ever_more_slowly_and_then_no_more() {
        let mut supervisor = ready(1);
        let mut last = Duration::ZERO;
        for _ in 1..MAX_BARREN_DEATHS {
            match supervisor.on(Event::Died(0, None))[..] {
                [Action::Start(0, pause)] => {
                    assert!(pause >= last);
                    last = pause;
                }
                ref other => panic!("{other:?}"),
            }
        }
        assert_eq!(supervisor.on(Event::Died(0, None)), [Action::Abort]);
    }

    #[test]
    fn an_executable_that_never_becomes_a_worker_is_given_up_soon() {
        let (mut supervisor, _) = Supervisor::new(1);
        let deaths = (1..).find(|_| supervisor.on(Event::Died(0, None)) == [Action::Abort]);
        assert_eq!(deaths, Some(MAX_FALSE_STARTS));
    }

    proptest! {
        /// Random histories of what workers and users can do. Whatever happens, each job is sent
        /// only to a ready worker, is with one worker at a time, and ends exactly once.
        #[test]
        fn every_job_ends_exactly_once(seats in 1usize..5, dice in prop::collection::vec(any::<u16>(), 0..400)) {
            let (mut supervisor, _) = Supervisor::new(seats);
            let mut alive = vec![false; seats];
            let mut held: Vec<Vec<JobId>> = vec![Vec::new(); seats];
            let mut ended = BTreeSet::new();
            let mut submitted = 0;
            let step = |supervisor: &mut Supervisor,
                            alive: &mut Vec<bool>,
                            held: &mut Vec<Vec<JobId>>,
                            ended: &mut BTreeSet<JobId>,
                            event: Event| -> Result<(), TestCaseError> {
                match event {
                    Event::Ready(seat) => alive[seat] = true,
                    Event::Finished(seat, job) => {
                        held[seat].retain(|&j| j != job);
                        prop_assert!(ended.insert(job), "job {job} ended twice");
                    }
                    Event::Died(seat, _) => { alive[seat] = false; held[seat].clear(); }
                    Event::Submitted(_) => {}
                }
                for action in supervisor.on(event) {
                    match action {
                        Action::Send(seat, job) => {
                            prop_assert!(alive[seat]);
                            prop_assert!(held.iter().all(|jobs| !jobs.contains(&job)));
                            prop_assert!(!ended.contains(&job));
                            held[seat].push(job);
                            prop_assert!(held[seat].len() <= JOBS_AHEAD);
                        }
                        Action::GiveUp(job, _) => prop_assert!(ended.insert(job)),
                        Action::Start(seat, _) => prop_assert!(!alive[seat]),
                        Action::Abort => {}
                    }
                }
                Ok(())
            };
            for roll in dice {
                let seat = usize::from(roll >> 4) % seats;
                let event = match roll % 8 {
                    0..=2 => { submitted += 1; Event::Submitted(submitted) }
                    3 => Event::Ready(seat),
                    4 | 5 => match held[seat].first() {
                        Some(&job) => Event::Finished(seat, job),
                        None => continue,
                    },
                    6 => Event::Died(seat, None),
                    _ => Event::Died(seat, held[seat].first().map(|&job| (job, u32::from(roll >> 12)))),
                };
                step(&mut supervisor, &mut alive, &mut held, &mut ended, event)?;
            }
            // Calm: all workers come up and finish what they get.
            for seat in 0..seats {
                step(&mut supervisor, &mut alive, &mut held, &mut ended, Event::Ready(seat))?;
            }
            while let Some((seat, job)) = held.iter().enumerate()
                .find_map(|(seat, jobs)| jobs.first().map(|&job| (seat, job)))
            {
                step(&mut supervisor, &mut alive, &mut held, &mut ended, Event::Finished(seat, job))?;
            }
            prop_assert_eq!(ended, (1..=submitted).collect::<BTreeSet<_>>());
        }
    }
}
