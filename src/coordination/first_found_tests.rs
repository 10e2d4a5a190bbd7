//! What a search promises, whoever comes first.

use super::*;
use proptest::prelude::*;
use std::sync::Barrier;

#[test]
fn exactly_one_of_eight_wins_and_the_others_learn_it() {
    for trial in 0..1_000u64 {
        let found = FirstFound::<u64>::any(8).unwrap();
        let barrier = Barrier::new(8);
        let won: Vec<u32> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|worker| {
                    let (mut search, barrier) = (found.seat(worker), &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        search.offer(trial, u64::from(worker)).then_some(worker)
                    })
                })
                .collect();
            let joined = threads
                .into_iter()
                .filter_map(|thread| thread.join().unwrap());
            joined.collect()
        });
        assert_eq!(won.len(), 1, "trial {trial}: {won:?}");
        let report = found.report();
        let winner = report.winner.unwrap();
        assert_eq!((winner.worker, winner.value), (won[0], u64::from(won[0])));
        for (worker, seat) in report.seats.iter().enumerate() {
            assert_eq!(seat.saw.is_none(), worker == won[0] as usize, "{report:?}");
            assert!(seat.saw.is_none_or(|saw| saw >= winner.at), "{report:?}");
        }
    }
}

proptest! {
    /// Four workers search interleaved positions for those in `hits`, in any interleaving.
    #[test]
    fn the_earliest_is_the_same_in_any_order(
        hits in prop::collection::btree_set(0u64..100, 0..6),
        turns in prop::collection::vec(0u32..4, 0..150),
    ) {
        let found = FirstFound::<u64>::earliest(4).unwrap();
        let mut searches: Vec<_> = (0..4).map(|worker| found.seat(worker)).collect();
        let mut next = [0, 1, 2, 3];
        let mut needed = 0;
        // As the turns come, and then each to its end.
        let rest = (0..4).flat_map(|worker| [worker; 26]);
        for worker in turns.into_iter().chain(rest) {
            let (search, position) = (&mut searches[worker as usize], &mut next[worker as usize]);
            if *position >= 100 || search.should_stop(*position) {
                continue;
            }
            if hits.contains(position) {
                prop_assert!(search.offer(*position, *position * 7));
            }
            search.worked(1);
            needed += u64::from(hits.first().is_none_or(|first| *position <= *first));
            *position += 4;
        }
        let report = found.report();
        let winner = report.winner.map(|winner| (winner.position, winner.value));
        prop_assert_eq!(winner, hits.first().map(|first| (*first, first * 7)));
        // Nothing before the earliest was skipped, and nobody worked without looking first.
        prop_assert_eq!(needed, hits.first().map_or(100, |first| first + 1));
        prop_assert_eq!(report.wasted(), 0);
    }
}

#[test]
fn wasted_is_what_is_reported_once_it_cannot_win_any_more() {
    for (found, expected) in [
        (FirstFound::<u8>::any(2).unwrap(), 4 + 8),
        (FirstFound::earliest(2).unwrap(), 8),
    ] {
        let (mut a, mut b) = (found.seat(0), found.seat(1));
        for position in [0, 10] {
            assert!(!a.should_stop(position));
            a.worked(10);
        }
        assert!(!b.should_stop(3));
        b.worked(2);
        assert!(a.offer(20, 1));
        a.worked(1); // the one that found it
        b.worked(4); // position 3 could still win, if the earliest is wanted
        b.should_stop(30);
        b.worked(8);
        let report = found.report();
        assert_eq!(report.wasted(), expected);
        assert_eq!(report.seats[0].iterations, 21);
        assert_eq!(report.seats[1].iterations, 14);
        assert_eq!(report.seats[1].wasted, expected);
        assert!(report.seats[1].saw >= report.winner.map(|winner| winner.at));
    }
}

#[test]
fn who_has_no_part_in_a_search_sees_what_is_left_of_it_and_leaves_no_trace() {
    for (found, left) in [
        (FirstFound::<u8>::any(1).unwrap(), 0),
        (FirstFound::earliest(1).unwrap(), 7),
    ] {
        assert!(!found.is_over(u64::MAX - 1));
        assert!(found.seat(0).offer(7, 1));
        for position in 0..20 {
            assert_eq!(found.is_over(position), position >= left);
        }
        assert_eq!(found.report().seats[0].saw, None);
    }
}

#[test]
fn values_of_any_size_cross_whole_and_another_size_is_refused() {
    let found = FirstFound::<[u16; 5]>::any(1).unwrap();
    let message = serde_json::to_string(&found).unwrap();
    let theirs: FirstFound<[u16; 5]> = serde_json::from_str(&message).unwrap();
    assert!(theirs.seat(0).offer(4, [1, 2, 3, 4, 60_000]));
    let winner = found.winner().unwrap();
    assert_eq!((winner.position, winner.value), (4, [1, 2, 3, 4, 60_000]));
    assert!(serde_json::from_str::<FirstFound<[u16; 4]>>(&message).is_err());
}
