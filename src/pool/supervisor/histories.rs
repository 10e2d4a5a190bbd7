//! What the supervisor decides in a million random histories, against a plain model.

use super::tests::tell;
use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that look random; the same again for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A worker as the world has it.
#[derive(Default)]
struct Worker {
    up: bool,
    /// Messages in its socket, those of parcels that were taken back included.
    unread: VecDeque<u64>,
    /// Parcels that it has, oldest first.
    parcels: VecDeque<(u64, VecDeque<JobId>)>,
    /// The job that it is at, and since when.
    at: Option<(JobId, Nanos)>,
    pill: bool,
    sent: u64,
    /// What was said last of each parcel: that this job of it is to stop, or all are.
    stops: BTreeMap<u64, Option<JobId>>,
    killed: bool,
}

/// What a pool must be, in the plainest words.
struct Model {
    policy: Policy,
    supervisor: Supervisor,
    now: Nanos,
    workers: Vec<Option<Worker>>,
    next: JobId,
    /// Jobs that no worker has, in the order in which they must be sent.
    queue: VecDeque<JobId>,
    /// Jobs that were submitted together.
    groups: Vec<Range<JobId>>,
    deadlines: BTreeMap<JobId, Option<Nanos>>,
    deaths: BTreeMap<(JobId, u32), u32>,
    cancelled: BTreeSet<JobId>,
    ended: BTreeMap<JobId, Option<Why>>,
    shutdown: Option<Shutdown>,
    aborted: bool,
    /// What has been seen, to know that the histories are not all dull.
    seen: Vec<&'static str>,
}

impl Model {
    fn new(seats: usize, policy: Policy) -> Self {
        let (supervisor, actions) = Supervisor::new(seats, policy.clone());
        let mut model = Self {
            policy,
            supervisor,
            now: 1,
            workers: (0..seats).map(|_| None).collect(),
            next: 1,
            queue: VecDeque::new(),
            groups: Vec::new(),
            deadlines: BTreeMap::new(),
            deaths: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            ended: BTreeMap::new(),
            shutdown: None,
            aborted: false,
            seen: Vec::new(),
        };
        model.obey(actions, &mut Dice(0));
        model
    }

    fn end(&mut self, job: JobId, why: Option<Why>) {
        assert!(
            self.ended.insert(job, why).is_none(),
            "job {job} ended twice"
        );
        self.queue.retain(|&queued| queued != job);
    }

    /// Tells the supervisor, and carries out what it says.
    fn tell(&mut self, event: Event, dice: &mut Dice) {
        let actions = tell(&mut self.supervisor, self.now, event);
        self.obey(actions, dice);
    }

    fn obey(&mut self, actions: Vec<Action>, dice: &mut Dice) {
        for action in actions {
            match action {
                Action::Start(seat, _) => {
                    assert!(self.workers[seat].is_none(), "seat {seat} is taken");
                    assert_ne!(self.shutdown, Some(Shutdown::Kill));
                    self.workers[seat] = Some(Worker::default());
                }
                Action::Send(seat, number, jobs) => self.send(seat, number, jobs),
                Action::Recall(seat, number) => self.recall(seat, number, dice),
                Action::Retire(seat) => {
                    let worker = self.workers[seat].as_mut().unwrap();
                    assert!(worker.up && !worker.pill, "one pill a worker");
                    worker.pill = true;
                }
                Action::Stop(seat, number, job) => {
                    let worker = self.workers[seat].as_mut().unwrap();
                    assert!(worker.parcels.iter().any(|(n, _)| *n == number));
                    let before = worker.stops.insert(number, job);
                    assert_ne!(before, Some(None), "all of it were to stop already");
                    self.seen.push("asked");
                }
                Action::Kill(seat) => self.workers[seat].as_mut().unwrap().killed = true,
                Action::End(job, why) => self.check_end(job, why),
                Action::Abort => self.aborted = true,
            }
        }
    }

    fn send(&mut self, seat: usize, number: u64, jobs: Vec<JobId>) {
        let worker = self.workers[seat].as_mut().unwrap();
        assert!(worker.up && !worker.pill, "nothing goes behind the pill");
        assert!(!jobs.is_empty());
        for job in &jobs {
            assert_eq!(self.queue.pop_front(), Some(*job), "age wins");
        }
        worker.sent += jobs.len() as u64;
        assert!(worker.sent <= self.policy.max_jobs);
        let places: BTreeSet<_> = worker.parcels.iter().map(|(n, _)| n % PLACES).collect();
        assert!(!places.contains(&(number % PLACES)));
        worker.unread.push_back(number);
        let most = self.policy.parcels_ahead + MAX_STALE;
        assert!(worker.unread.len() <= most, "they might not fit");
        worker.parcels.push_back((number, jobs.into()));
        assert!(worker.parcels.len() <= self.policy.parcels_ahead);
    }

    /// A parcel that was not begun is the supervisor's again, unless it is begun just now.
    fn recall(&mut self, seat: usize, number: u64, dice: &mut Dice) {
        assert!(self.policy.is_light);
        let worker = self.workers[seat].as_mut().unwrap();
        let index = worker
            .parcels
            .iter()
            .position(|(n, _)| *n == number)
            .unwrap();
        if index == 0 || dice.below(3) == 0 {
            return;
        }
        self.seen.push("recalled");
        let (_, jobs) = worker.parcels.remove(index).unwrap();
        worker.sent -= jobs.len() as u64;
        self.queue_again(jobs);
        self.tell(Event::Recalled(seat, number), dice);
    }

    fn queue_again(
        &mut self,
        jobs: impl IntoIterator<Item = JobId, IntoIter: DoubleEndedIterator>,
    ) {
        for job in jobs.into_iter().rev() {
            if !self.ended.contains_key(&job) {
                self.queue.push_front(job);
            }
        }
    }

    fn check_end(&mut self, job: JobId, why: Why) {
        self.seen.push(match why {
            Why::Deaths(..) => "given up",
            Why::Overdue(_) => "overdue",
            Why::Cancelled => "cancelled",
            Why::Ended => "ended",
        });
        match why {
            Why::Deaths(step, deaths) => {
                assert_eq!(deaths, self.policy.max_deaths);
                assert_eq!(self.deaths[&(job, step)], deaths);
            }
            Why::Overdue(limit) => assert_eq!(self.deadlines[&job], Some(limit)),
            Why::Cancelled => assert!(
                self.cancelled.contains(&job) || self.shutdown >= Some(Shutdown::CancelPending)
            ),
            Why::Ended => assert!(self.aborted || self.shutdown.is_some()),
        }
        self.end(job, Some(why));
    }

    /// One thing that can happen in the world.
    fn happen(&mut self, dice: &mut Dice) {
        self.now += dice.below(40);
        let seat = dice.below(self.workers.len() as u64) as usize;
        match dice.below(20) {
            0..=4 => self.submit(1 + dice.below(3), dice),
            5..=7 => self.come_up(seat, dice),
            8..=12 => self.work(seat, dice),
            13 => self.die(seat, dice),
            14 => {
                let job = dice.below(self.next + 2);
                let group = self.groups.iter().find(|group| group.contains(&job));
                if !self.ended.contains_key(&job) {
                    self.cancelled.extend(group.cloned().unwrap_or_default());
                }
                self.tell(Event::Cancel(job), dice);
                self.check_that_nobody_works_in_vain();
            }
            15..=17 => self.tick(dice),
            18 if dice.below(8) == 0 => self.shut_down(dice),
            _ => self.carry_out_kills(dice),
        }
    }

    fn submit(&mut self, count: u64, dice: &mut Dice) {
        let jobs = self.next..self.next + count;
        self.next += count;
        self.groups.push(jobs.clone());
        let deadline = (dice.below(3) == 0).then(|| 50 + dice.below(100));
        for job in jobs.clone() {
            self.deadlines.insert(job, deadline);
            if self.supervisor.is_open() {
                self.queue.push_back(job);
            }
        }
        self.tell(Event::Submitted(jobs, deadline), dice);
    }

    /// Each worker that has a job which was cancelled has been told so.
    fn check_that_nobody_works_in_vain(&self) {
        for worker in self.workers.iter().flatten() {
            for (number, jobs) in &worker.parcels {
                let vain = |job| self.cancelled.contains(job) && !self.ended.contains_key(job);
                if jobs.iter().any(vain) {
                    assert_eq!(worker.stops.get(number), Some(&None), "parcel {number}");
                }
            }
        }
    }

    fn come_up(&mut self, seat: usize, dice: &mut Dice) {
        if let Some(worker) = &mut self.workers[seat]
            && !worker.up
        {
            worker.up = true;
            self.tell(Event::Ready(seat), dice);
        }
    }

    /// The worker begins its next job, or ends the one that it is at, or goes as it was told to.
    fn work(&mut self, seat: usize, dice: &mut Dice) {
        let Some(worker) = &mut self.workers[seat] else {
            return;
        };
        let head = worker
            .parcels
            .front()
            .and_then(|(_, jobs)| jobs.front().copied());
        match (worker.at, head) {
            (None, Some(job)) => {
                worker.at = Some((job, self.now));
                // To come to it, it has read all that was sent before.
                let number = worker.parcels[0].0;
                worker.unread.retain(|&unread| unread > number);
            }
            (Some((job, _)), _) => {
                worker.at = None;
                let (_, jobs) = worker.parcels.front_mut().unwrap();
                assert_eq!(jobs.pop_front(), Some(job));
                if jobs.is_empty() {
                    worker.parcels.pop_front();
                }
                // A job that was ended meanwhile has had its end.
                if !self.ended.contains_key(&job) {
                    self.end(job, None);
                }
                self.tell(Event::Answered(seat, vec![job]), dice);
            }
            (None, None) if worker.pill => {
                self.seen.push("retired");
                self.bury(seat, None, dice);
            }
            (None, None) => {}
        }
    }

    fn die(&mut self, seat: usize, dice: &mut Dice) {
        if let Some(worker) = &self.workers[seat] {
            let step = dice.below(2) as u32;
            let during = worker.at.map(|(job, _)| (job, step));
            self.bury(seat, during, dice);
        }
    }

    fn bury(&mut self, seat: usize, during: Option<(JobId, u32)>, dice: &mut Dice) {
        let worker = self.workers[seat].take().unwrap();
        if let Some(at) = during
            && !worker.killed
        {
            *self.deaths.entry(at).or_default() += 1;
        }
        let orphans: Vec<_> = worker
            .parcels
            .into_iter()
            .flat_map(|(_, jobs)| jobs)
            .collect();
        self.queue_again(orphans);
        self.tell(Event::Gone(seat, during), dice);
    }

    fn carry_out_kills(&mut self, dice: &mut Dice) {
        for seat in 0..self.workers.len() {
            if self.workers[seat]
                .as_ref()
                .is_some_and(|worker| worker.killed)
            {
                self.die(seat, dice);
            }
        }
    }

    fn tick(&mut self, dice: &mut Dice) {
        if let Some(due) = self.supervisor.next_tick()
            && dice.below(2) == 0
        {
            self.now = self.now.max(due);
        }
        let at = |worker: &Option<Worker>| worker.as_ref().and_then(|worker| worker.at);
        let running = self.workers.iter().map(at).collect();
        self.tell(Event::Tick(running), dice);
    }

    fn shut_down(&mut self, dice: &mut Dice) {
        let how =
            [Shutdown::Drain, Shutdown::CancelPending, Shutdown::Kill][dice.below(3) as usize];
        self.shutdown = self.shutdown.max(Some(how));
        self.tell(Event::Shutdown(how), dice);
    }

    /// The world calms down: workers come up, do what they have, and go as they are told.
    fn come_to_an_end(&mut self, dice: &mut Dice) {
        self.shutdown = self.shutdown.max(Some(Shutdown::Drain));
        self.tell(Event::Shutdown(Shutdown::Drain), dice);
        for round in 0.. {
            assert!(round < 10_000, "it does not come to an end");
            if self.supervisor.is_over() {
                break;
            }
            self.carry_out_kills(dice);
            for seat in 0..self.workers.len() {
                self.come_up(seat, dice);
                self.work(seat, dice);
            }
        }
        assert!(self.workers.iter().all(Option::is_none), "somebody stayed");
        let all: Vec<_> = (1..self.next).collect();
        let ended: Vec<_> = self.ended.keys().copied().collect();
        assert_eq!(ended, all, "each job ends exactly once");
        assert!(self.queue.is_empty());
    }
}

#[test]
fn in_a_million_histories_each_job_ends_exactly_once() {
    const HISTORIES: u64 = 1_000_000;
    let mut seen = BTreeMap::<_, u64>::new();
    for seed in 0..HISTORIES {
        let history = || {
            let dice = &mut Dice(seed);
            let policy = Policy {
                parcels_ahead: 1 + dice.below(2) as usize,
                max_deaths: 1 + dice.below(3) as u32,
                max_jobs: if dice.below(3) == 0 {
                    1 + dice.below(6)
                } else {
                    u64::MAX
                },
                idle: (dice.below(3) == 0).then_some(60),
                grace: 30,
                is_light: dice.below(2) == 0,
            };
            let mut model = Model::new(1 + dice.below(3) as usize, policy);
            for _ in 0..dice.below(60) {
                model.happen(dice);
            }
            model.come_to_an_end(dice);
            model.seen
        };
        match std::panic::catch_unwind(history) {
            Ok(history) => history
                .into_iter()
                .for_each(|what| *seen.entry(what).or_default() += 1),
            Err(_) => panic!("history of seed {seed}"),
        }
    }
    println!("{seen:?}");
    for what in [
        "recalled",
        "asked",
        "given up",
        "overdue",
        "cancelled",
        "ended",
        "retired",
    ] {
        assert!(
            seen.get(what) > Some(&1_000),
            "{what}: {:?}",
            seen.get(what)
        );
    }
}
