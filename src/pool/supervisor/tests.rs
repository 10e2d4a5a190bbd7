//! What the supervisor decides, one decision at a time.

use super::*;

const POLICY: Policy = Policy {
    parcels_ahead: 2,
    max_deaths: 5,
    max_jobs: u64::MAX,
    idle: None,
    grace: 100,
    is_light: true,
};

/// A supervisor whose workers are all there.
fn ready(seats: usize, policy: Policy) -> Supervisor {
    let (mut supervisor, starts) = Supervisor::new(seats, policy);
    assert_eq!(starts.len(), seats);
    for seat in 0..seats {
        assert_eq!(tell(&mut supervisor, 0, Event::Ready(seat)), []);
    }
    supervisor
}

pub(super) fn tell(supervisor: &mut Supervisor, now: Nanos, event: Event) -> Vec<Action> {
    let mut actions = Vec::new();
    supervisor.on(now, event, &mut actions);
    actions
}

fn submit(supervisor: &mut Supervisor, jobs: Range<JobId>) -> Vec<Action> {
    tell(supervisor, 0, Event::Submitted(jobs, None))
}

#[test]
fn jobs_go_to_the_idlest_worker_and_wait_when_all_have_two() {
    let mut pool = ready(2, POLICY);
    assert_eq!(submit(&mut pool, 1..2), [Action::Send(0, 8, vec![1])]);
    assert_eq!(submit(&mut pool, 2..3), [Action::Send(1, 8, vec![2])]);
    assert_eq!(submit(&mut pool, 3..4), [Action::Send(0, 17, vec![3])]);
    assert_eq!(
        submit(&mut pool, 4..7),
        [Action::Send(1, 17, vec![4, 5, 6])]
    );
    assert_eq!(submit(&mut pool, 7..8), []);
    let next = tell(&mut pool, 0, Event::Answered(1, vec![2]));
    assert_eq!(next, [Action::Send(1, 24, vec![7])]);
}

#[test]
fn an_idle_worker_gets_what_waits_behind_another_if_that_has_not_begun() {
    let mut pool = ready(2, POLICY);
    for job in 1..=3 {
        let _ = submit(&mut pool, job..job + 1);
    }
    let asked = tell(&mut pool, 0, Event::Answered(1, vec![2]));
    assert_eq!(asked, [Action::Recall(0, 17)]);
    let moved = tell(&mut pool, 0, Event::Recalled(0, 17));
    assert_eq!(moved, [Action::Send(1, 16, vec![3])]);
}

#[test]
fn a_dead_workers_jobs_are_done_by_another_oldest_first() {
    let mut pool = ready(2, POLICY);
    for job in 1..=5 {
        let _ = submit(&mut pool, job..job + 1);
    }
    // Seat 0 held 1 and 3; 5 was waiting.
    let start = tell(&mut pool, 0, Event::Gone(0, None));
    assert_eq!(start, [Action::Start(0, Duration::ZERO)]);
    let sent = tell(&mut pool, 0, Event::Ready(0));
    assert_eq!(
        sent,
        [Action::Send(0, 8, vec![1]), Action::Send(0, 17, vec![3])]
    );
}

#[test]
fn a_step_that_kills_five_workers_is_given_up_and_the_rest_goes_on() {
    let mut pool = ready(1, POLICY);
    let _ = submit(&mut pool, 1..3);
    for _ in 1..POLICY.max_deaths {
        let actions = tell(&mut pool, 0, Event::Gone(0, Some((1, 7))));
        assert!(matches!(actions[..], [Action::Start(0, _)]), "{actions:?}");
        let sent = tell(&mut pool, 0, Event::Ready(0));
        assert_eq!(sent, [Action::Send(0, 8, vec![1, 2])]);
    }
    let actions = tell(&mut pool, 0, Event::Gone(0, Some((1, 7))));
    let given_up = Action::End(1, Why::Deaths(7, 5));
    assert!(
        matches!(&actions[..], [first, Action::Start(0, _)] if *first == given_up),
        "{actions:?}"
    );
    let sent = tell(&mut pool, 0, Event::Ready(0));
    assert_eq!(sent, [Action::Send(0, 8, vec![2])]);
}

#[test]
fn deaths_at_other_steps_do_not_count_against_a_job() {
    let mut pool = ready(1, POLICY);
    let _ = submit(&mut pool, 1..2);
    for step in 0..20 {
        let actions = tell(&mut pool, 0, Event::Gone(0, Some((1, step))));
        assert!(matches!(actions[..], [Action::Start(0, _)]), "{actions:?}");
        let _ = tell(&mut pool, 0, Event::Ready(0));
    }
}

#[test]
fn workers_that_only_die_are_replaced_ever_more_slowly_and_then_no_more() {
    let mut pool = ready(1, POLICY);
    let mut last = Duration::ZERO;
    for _ in 1..MAX_BARREN_DEATHS {
        match tell(&mut pool, 0, Event::Gone(0, None))[..] {
            [Action::Start(0, pause)] => {
                assert!(pause >= last);
                last = pause;
            }
            ref other => panic!("{other:?}"),
        }
    }
    assert!(last >= Duration::from_millis(100));
    assert_eq!(tell(&mut pool, 0, Event::Gone(0, None)), [Action::Abort]);
    assert_eq!(submit(&mut pool, 1..2), [Action::End(1, Why::Ended)]);
}

#[test]
fn an_executable_that_never_becomes_a_worker_is_given_up_soon() {
    let (mut pool, _) = Supervisor::new(1, POLICY);
    let deaths = (1..).find(|_| tell(&mut pool, 0, Event::Gone(0, None)) == [Action::Abort]);
    assert_eq!(deaths, Some(MAX_FALSE_STARTS));
}

#[test]
fn a_job_that_is_late_is_asked_then_its_worker_killed_and_the_next_job_none_the_worse() {
    let mut pool = ready(1, POLICY);
    let jobs = tell(&mut pool, 1_000, Event::Submitted(1..3, Some(500)));
    assert_eq!(jobs, [Action::Send(0, 8, vec![1, 2])]);
    assert_eq!(pool.next_tick(), Some(1_500));
    // It began later than it was sent.
    let tick = |pool: &mut Supervisor, now| tell(pool, now, Event::Tick(vec![Some((1, 1_200))]));
    assert_eq!(tick(&mut pool, 1_500), []);
    assert_eq!(pool.next_tick(), Some(1_700));
    assert_eq!(tick(&mut pool, 1_700), [Action::Stop(0, 8, Some(1))]);
    assert_eq!(pool.next_tick(), Some(1_800));
    assert_eq!(tick(&mut pool, 1_800), [Action::Kill(0)]);
    let buried = tell(&mut pool, 1_900, Event::Gone(0, Some((1, 0))));
    assert_eq!(
        buried,
        [
            Action::End(1, Why::Overdue(500)),
            Action::Start(0, Duration::ZERO)
        ]
    );
    let next = tell(&mut pool, 2_000, Event::Ready(0));
    assert_eq!(next, [Action::Send(0, 8, vec![2])]);
    assert_eq!(pool.next_tick(), Some(2_500));
}

#[test]
fn a_drained_pool_does_all_its_jobs_even_if_workers_die_behind_the_pill() {
    let mut pool = ready(2, POLICY);
    for job in 1..=2 {
        let _ = submit(&mut pool, job..job + 1);
    }
    let pills = tell(&mut pool, 0, Event::Shutdown(Shutdown::Drain));
    assert_eq!(pills, [Action::Retire(0), Action::Retire(1)]);
    assert_eq!(submit(&mut pool, 9..10), [Action::End(9, Why::Ended)]);
    let _ = tell(&mut pool, 0, Event::Answered(1, vec![2]));
    assert_eq!(tell(&mut pool, 0, Event::Gone(1, None)), []);
    let again = tell(&mut pool, 0, Event::Gone(0, Some((1, 0))));
    assert!(matches!(again[..], [Action::Start(0, _)]), "{again:?}");
    let last = tell(&mut pool, 0, Event::Ready(0));
    assert_eq!(last, [Action::Send(0, 8, vec![1]), Action::Retire(0)]);
    let _ = tell(&mut pool, 0, Event::Answered(0, vec![1]));
    assert!(!pool.is_over());
    assert_eq!(tell(&mut pool, 0, Event::Gone(0, None)), []);
    assert!(pool.is_over());
}
