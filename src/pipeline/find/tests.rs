//! The answer is the same whatever the workers, the batch, the mode and the looks.

use super::*;
use crate::analysis::Condition;
use crate::coordination::Every;
use crate::source::FrameSet;
use proptest::prelude::*;
use std::path::Path;

/// A `.npy` of gray frames, 8 by `height`, each of one brightness.
fn write(path: &Path, height: u64, brightness: &[u8]) {
    let shape = format!("({}, {height}, 8)", brightness.len());
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{text:<117}\n").as_bytes());
    for &sample in brightness {
        file.extend(std::iter::repeat_n(sample, 8 * height as usize));
    }
    std::fs::write(path, file).unwrap();
}

/// What is to be found by a look at all frames, of each input.
fn expected(inputs: &[Vec<u8>], meets: impl Fn(Option<u8>, u8) -> bool) -> Vec<Vec<u64>> {
    let of_one = |input: &Vec<u8>| {
        let before = std::iter::once(None).chain(input.iter().copied().map(Some));
        let pairs = before.zip(input).enumerate();
        let met = pairs.filter(|(_, (before, now))| meets(*before, **now));
        met.map(|(frame, _)| frame as u64).collect()
    };
    inputs.iter().map(of_one).collect()
}

fn check(inputs: &[Vec<u8>], change: impl Fn(&mut Query)) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let sets = inputs.iter().enumerate().map(|(number, brightness)| {
        let path = dir.path().join(format!("{number}.npy"));
        write(&path, 20, brightness);
        FrameSet::open(path.to_str().unwrap()).unwrap()
    });
    let sets: Vec<_> = sets.collect();
    for (text, meets) in [
        (
            "luma.mean > 200",
            (|_, now| now > 200) as fn(Option<u8>, u8) -> bool,
        ),
        ("motion.mean_abs_diff > 150", |before, now| {
            before.is_some_and(|before| before.abs_diff(now) > 150)
        }),
    ] {
        let mut query = Query::new(sets.iter().cloned(), Condition::parse(text).unwrap());
        change(&mut query);
        let all = expected(inputs, meets);
        let answer = find(&query, &mut ()).unwrap();
        prop_assert_eq!(answer.inputs.len(), inputs.len());
        for (searched, all) in answer.inputs.iter().zip(&all) {
            let found: Vec<_> = searched.found.iter().map(|hit| hit.frame).collect();
            match query.which {
                Which::Earliest => prop_assert_eq!(&found[..], &all[..all.len().min(1)]),
                Which::All => prop_assert_eq!(&found, all),
                Which::Any => {
                    prop_assert_eq!(found.len(), all.len().min(1));
                    prop_assert!(found.iter().all(|frame| all.contains(frame)));
                }
            }
            // Every frame before the one that was found was looked at to its end, and what is
            // counted is all there is.
            let needed = match (query.which, found.first()) {
                (Which::Earliest, Some(first)) => first + 1,
                (Which::Any, Some(_)) => 1,
                _ => searched.frames,
            };
            prop_assert!(searched.analysed >= needed, "{:?}", searched);
            prop_assert!(searched.analysed + searched.abandoned <= searched.frames);
            prop_assert!(searched.rows_analysed >= searched.analysed * 20);
            prop_assert!(searched.rows_analysed <= searched.rows());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_answer_is_that_of_a_look_at_all_frames(
        inputs in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..5),
        which in prop::sample::select(vec![Which::Earliest, Which::Any, Which::All]),
        workers in 1usize..5,
        batch in prop::option::of(1u64..12),
        every in prop_oneof![Just(Every::Auto), (1u64..30).prop_map(Every::Iterations)],
        mode in prop::sample::select(vec!["threads", "sequential"]),
    ) {
        check(&inputs, |query| {
            query.which = which;
            query.workers = Some(workers);
            query.batch = batch;
            query.check_every = every;
            query.mode = Some(mode.into());
        })?;
    }
}

#[test]
fn one_thread_does_no_more_than_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set.npy");
    let mut brightness = [7; 30];
    brightness[4] = 250;
    brightness[20] = 250;
    write(&path, 20, &brightness);
    let set = FrameSet::open(path.to_str().unwrap()).unwrap();
    let mut query = Query::new([set], Condition::parse("luma.max > 200").unwrap());
    query.mode = Some("sequential".into());
    for which in [Which::Earliest, Which::Any] {
        query.which = which;
        let searched = find(&query, &mut ()).unwrap().inputs.remove(0);
        assert_eq!(searched.found[0].frame, 4);
        let value = ("luma.max".to_owned(), Some(250.0));
        assert_eq!(searched.found[0].values, [value]);
        assert_eq!((searched.analysed, searched.abandoned), (5, 0));
        assert_eq!(searched.rows_untouched(), 25 * 20);
    }
}

#[test]
fn inputs_are_told_in_their_order_as_they_are_settled() {
    #[derive(Default)]
    struct Order(Vec<String>, u64);
    impl crate::pipeline::Watch for Order {
        fn progress(&mut self, ended: u64) {
            assert!(ended >= self.1, "it goes forward");
            self.1 = ended;
        }
    }
    impl Watch for Order {
        fn settled(&mut self, searched: &Searched) {
            self.0.push(searched.input.clone());
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..20)
        .map(|n| dir.path().join(format!("{n}.npy")).display().to_string())
        .collect();
    let sets = paths.iter().enumerate().map(|(n, path)| {
        // Every second one is over at once.
        write(Path::new(path), 20, &[(n % 2 * 250) as u8; 9]);
        FrameSet::open(path).unwrap()
    });
    let mut query = Query::new(sets, Condition::parse("luma.max > 200").unwrap());
    query.mode = Some("threads".into());
    query.workers = Some(3);
    let mut order = Order::default();
    let answer = find(&query, &mut order).unwrap();
    assert_eq!(order.0, paths);
    assert_eq!(order.1, 20 * 9);
    assert_eq!(
        answer
            .inputs
            .iter()
            .filter(|input| !input.found.is_empty())
            .count(),
        10
    );
}
