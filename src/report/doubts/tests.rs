//! Made-up runs, each disturbed in one way.

use super::*;
use crate::report::compare::tests::compare;
use crate::report::{Style, samples, summary};

const WALLS: [f64; 6] = [1.0, 1.01, 0.99, 1.0, 1.02, 1.0];

fn run(edit: impl FnOnce(&mut Report)) -> Vec<Doubt> {
    let mut report = samples::taking_turns(samples::mmap(), &WALLS);
    edit(&mut report);
    report.doubts()
}

#[test]
fn a_quiet_machine_and_a_report_without_passes_raise_no_doubt() {
    assert_eq!(run(|_| ()), []);
    assert_eq!(samples::mmap().doubts(), []);
}

/// The specification: what was measured, what kind of doubt, which passes, and words of the sentence.
#[test]
fn each_disturbance_is_called_by_its_name_with_what_to_do() {
    type Edit = fn(&mut Report);
    let cases: [(Edit, About, &[usize], &str); 11] = [
        (
            |r| r.passes[1].noise.others_s = Some(2.4),
            About::Others,
            &[],
            "other programs kept 0.399 of the 2 cores busy meanwhile: close them",
        ),
        (
            |r| r.passes[0].noise.stolen_s = Some(1.2),
            About::Stolen,
            &[],
            "gave 10 % of the processors' time to other machines: measure at a quieter time",
        ),
        (
            |r| r.passes[2].noise.throttled_s = Some(0.6),
            About::Throttled,
            &[],
            "quota kept the processors from it for 5 % of the time: use fewer --workers",
        ),
        (
            |r| r.passes[5].noise.heat_throttles = Some(3),
            About::Throttled,
            &[6],
            "because it was hot in pass 6",
        ),
        (
            |r| {
                r.passes[0].noise.steps_per_us = 480.0;
                r.passes[3].noise.steps_per_us = 530.0;
            },
            About::Throttled,
            &[1, 4],
            "down to 80 % of its best in passes 1 and 4: it saves power or heat; --warmup 2",
        ),
        (
            |r| r.passes[0].noise.memory_stall_s = Some(0.3),
            About::Stalled,
            &[],
            "waited for memory to be freed for 5 % of the time",
        ),
        (
            |r| r.passes[0].noise.io_stall_s = Some(0.6),
            About::Stalled,
            &[],
            "waited for a disk for 10 % of the time",
        ),
        (
            |r| r.passes[2].cache_resident = 0.83,
            About::Cache,
            &[3],
            "was to be warm, and 83 % of the input was in it when pass 3 began: there is too little",
        ),
        (
            |r| {
                r.workload.cache = Cache::Cold;
                r.workload.cache_resident = 0.0;
                r.passes
                    .iter_mut()
                    .for_each(|pass| pass.cache_resident = 0.0);
                r.passes[1].cache_resident = 0.4;
            },
            About::Cache,
            &[2],
            "was to be cold, and 40 % of the input was in it when pass 2 began: somebody else",
        ),
        (
            |r| r.totals.pass_wall_s[4] = 1.6,
            About::Outliers,
            &[5],
            "pass 5 of 6 stands out, with 60 % more time than usual: medians",
        ),
        (
            |r| r.totals.pass_wall_s[0] = 1.5,
            About::Outliers,
            &[1],
            "the first does what later ones find done; add --warmup 2",
        ),
    ];
    for (edit, about, passes, words) in cases {
        let found = run(edit);
        let [doubt] = &found[..] else {
            panic!("{words}: {found:?}");
        };
        assert_eq!((doubt.about, &doubt.passes[..]), (about, passes));
        assert!(doubt.sentence.contains(words), "{}", doubt.sentence);
        assert!(!doubt.sentence.contains('\n') && !doubt.sentence.ends_with('.'));
    }
}

#[test]
fn of_a_pass_of_milliseconds_the_kernels_ticks_say_nothing() {
    let found = run(|r| {
        r.totals.pass_wall_s = vec![0.001, 0.00101, 0.00099, 0.001, 0.0016, 0.001];
        r.passes[4].noise.others_s = Some(0.01);
    });
    let last = &found[found.len() - 1];
    assert!(last.sentence.contains("medians bear it"), "{last:?}");
}

#[test]
fn a_pass_that_stands_out_while_others_worked_is_their_doing() {
    let found = run(|r| {
        r.totals.pass_wall_s[4] = 1.6;
        r.passes[4].noise.others_s = Some(0.5);
    });
    let last = &found[found.len() - 1];
    assert!(
        last.sentence.contains("others took 0.312 cores"),
        "{}",
        last.sentence
    );
}

#[test]
fn what_is_meant_to_wait_or_to_keep_a_pace_is_not_doubted_for_it() {
    let cold = run(|r| {
        r.workload.cache = Cache::Cold;
        r.workload.cache_resident = 0.0;
        r.passes
            .iter_mut()
            .for_each(|pass| pass.cache_resident = 0.0);
        r.passes[0].noise.io_stall_s = Some(3.0);
    });
    assert_eq!(cold, []);
    let live = run(|r| {
        r.workload.live = true;
        r.passes[0].noise.others_s = Some(5.0);
    });
    assert_eq!(live, []);
    let paced = run(|r| {
        r.workload.fps = Some(30.0);
        r.totals.pass_wall_s[4] = 1.6;
    });
    assert_eq!(paced, []);
}

#[test]
fn doubts_stand_in_the_summary_and_above_a_comparison() {
    let mut noisy = samples::taking_turns(samples::mmap(), &WALLS);
    noisy.passes[0].noise.stolen_s = Some(3.0);
    let text = summary(&noisy, Style::plain(120));
    assert!(text.contains("! the hypervisor gave 25 %"), "{text}");
    let quiet = samples::taking_turns(samples::threads(), &WALLS);
    let runs = [("mmap", noisy), ("threads", quiet)];
    let runs = runs.map(|(name, report)| (name.to_owned(), report));
    let comparison = crate::report::Comparison::new(runs.into()).unwrap();
    let text = comparison.render(Style::plain(120));
    let at = text.find("! mmap: the hypervisor gave 25 %");
    assert!(
        at.is_some_and(|at| at < text.find("frames/s").unwrap()),
        "{text}"
    );
    assert_eq!(comparison.data().runs[0].doubts.len(), 1);
}

#[test]
fn a_run_at_a_lower_clock_than_another_is_named_unless_the_machine_is_another() {
    let at = |mode: &str, steps: f64| {
        let mut report = samples::taking_turns(samples::mmap(), &WALLS);
        report.workload.mode = mode.into();
        report.alternation = Some(format!("when {mode} ran"));
        report
            .passes
            .iter_mut()
            .for_each(|pass| pass.noise.steps_per_us = steps);
        report
    };
    let doubts = |reports: Vec<Report>| -> Vec<Vec<Doubt>> {
        let comparison = compare(reports);
        let runs = comparison.runs.iter();
        runs.map(|run| comparison.doubts_of(run)).collect()
    };
    let found = doubts(vec![at("path", 600.0), at("mmap", 480.0), at("shm", 575.0)]);
    assert!(found[0].is_empty() && found[2].is_empty(), "{found:?}");
    let said = &found[1][0].sentence;
    assert!(
        said.starts_with("the processor's clock was at 80 % of what it was for path"),
        "{said}"
    );
    let mut elsewhere = at("mmap", 480.0);
    elsewhere.machine.cores = 64;
    let mut older = at("shm", 600.0);
    older.passes.clear();
    let found = doubts(vec![at("path", 600.0), elsewhere, older]);
    assert!(found.iter().all(Vec::is_empty), "{found:?}");
}

#[test]
fn what_else_the_machine_did_is_said_and_of_a_quiet_one_nothing() {
    let noise = |others_s, stolen_s, throttled_s| Noise {
        others_s: Some(others_s),
        stolen_s: Some(stolen_s),
        throttled_s: Some(throttled_s),
        ..Noise::default()
    };
    assert_eq!(of_noise(&Noise::default(), 10.0, 2), [""; 0]);
    assert_eq!(of_noise(&noise(0.9, 0.3, 0.1), 10.0, 2), [""; 0]);
    let all = of_noise(&noise(4.0, 1.0, 2.0), 10.0, 2).join("\n");
    for words in [
        "other programs kept 0.400 of the 2 processors busy",
        "gave 5 % of the processors' time to other machines",
        "a control group's quota kept the processors from it for 10 % of the time",
    ] {
        assert!(all.contains(words), "no {words:?}: {all}");
    }
}
