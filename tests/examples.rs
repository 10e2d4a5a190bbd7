//! The examples, run as a user would.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// Where they are: target/PROFILE/examples, beside target/PROFILE/deps/THIS. A whole `cargo test`
/// has built them already; if this test is run alone, nobody has.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let deps = std::env::current_exe().unwrap();
    let folder = deps.parent().and_then(|deps| deps.parent()).unwrap();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "test",
        other => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--examples", "--profile", profile])
        .arg("--target-dir")
        .arg(folder.parent().unwrap())
        .status();
    assert!(built.unwrap().success(), "the examples cannot be built");
    folder.join("examples")
});

fn said(name: &str, args: &[&str]) -> String {
    let output = Command::new(FOLDER.join(name)).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    assert_eq!(errors, "", "no terminal, no progress");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_search_has_exactly_one_winner_in_each_of_a_thousand_trials() {
    let said = said("primes", &["--trials", "1000"]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "1000 of 1000 trials had exactly one winner");
    let numbers: Vec<u64> = lines[1]
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [done, wasted, saved] = numbers[..] else {
        panic!("{said}");
    };
    assert_eq!(done + saved, 400_000_000);
    assert!(wasted <= done && saved > 390_000_000, "{said}");
}

#[test]
fn rows_come_in_order() {
    let said = said("stream", &["40"]);
    let rows: Vec<_> = said.lines().collect();
    assert_eq!(rows.len(), 15);
    assert!(rows.iter().all(|row| row.len() == 40));
    assert!(rows[7].contains("####"), "{said}");
    // The set is its own mirror image.
    assert!(rows.iter().eq(rows.iter().rev()), "{said}");
}

#[test]
fn jobs_are_awaited_together_and_one_is_given_up() {
    assert_eq!(
        said("futures", &[]),
        "endless: no result: stopped as asked\n\
         below 1000: 871 takes 178 steps\n\
         below 100000: 77031 takes 350 steps\n\
         below 1: no result: no number is below 1\n"
    );
}

#[test]
fn advice_for_jobs_tells_the_cell_the_bound_and_the_crossover() {
    let said = said("advice", &["2"]);
    // Which cell it is follows from the machine's figures: how many jobs a message may carry.
    let cells = ["\nmatrix     light compute", "\nmatrix     heavy compute"];
    assert!(cells.iter().any(|cell| said.contains(cell)), "{said}");
    for words in ["\nbound by ", "\ncrossover ", "10000000 jobs in "] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
