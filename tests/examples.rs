//! The examples, run as a user would.
//!
//! `cargo test` builds them beside the tests; `cargo test --test examples` needs `--examples` too.

use std::path::PathBuf;
use std::process::Command;

fn said(name: &str, args: &[&str]) -> String {
    // target/PROFILE/deps/examples-HASH → target/PROFILE/examples/NAME
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(name);
    let output = Command::new(&path).args(args).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{}: {error}; add --examples to cargo test", path.display())
    });
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
