//! The architecture as the crate's front page states it: each module uses only those above it. And
//! what the pool's documentation says is shown by a test, there is a test of that name for.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the words that all use to the program.
const LAYERS: [&[&str]; 9] = [
    &["error", "clock", "stage", "frame", "statistics"],
    &["sys"],
    &["source", "analysis", "coordination", "handoff", "measure"],
    &["transport"],
    &["pool"],
    &["pipeline"],
    &["report"],
    &["bench", "advise", "lab"],
    &["cli"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The modules that a source file names as `crate::NAME`, outside comments.
fn uses(text: &str) -> impl Iterator<Item = &str> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
}

#[test]
fn each_module_uses_only_those_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    for path in files(&src) {
        let inside = path.strip_prefix(&src).unwrap().with_extension("");
        let own = inside.iter().next().unwrap().to_str().unwrap();
        if own == "lib" || own == "main" {
            continue;
        }
        let own_layer = layer(own).unwrap_or_else(|| panic!("{own} has no layer: give it one"));
        for used in uses(&fs::read_to_string(&path).unwrap()) {
            // Names without a layer are the crate's own Error and Result.
            let Some(used_layer) = layer(used) else {
                continue;
            };
            let allowed = used == own
                || used_layer < own_layer
                // Layer 0 is one vocabulary; the clock alone reads the system's.
                || own_layer == 0 && used_layer == 0
                || own == "clock" && used == "sys";
            assert!(
                allowed,
                "{} uses crate::{used}, which is not above it",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(
        checked > 100,
        "only {checked} uses found: does the test still understand the code?"
    );
}

#[test]
fn unsafe_code_is_in_sys_alone() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in files(&src) {
        let text = fs::read_to_string(&path).unwrap();
        let lifts = text.contains("(unsafe_code");
        assert_eq!(lifts, path.ends_with("sys/mod.rs"), "{}", path.display());
    }
}

/// The names in backticks in the third column of the table.
fn named(table: &str) -> Vec<&str> {
    let rows = table.lines().filter(|line| line.starts_with("| "));
    rows.filter_map(|row| row.split(" | ").nth(2))
        .filter(|cell| *cell != "shown by")
        .flat_map(|cell| {
            let names: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
            assert!(!names.is_empty(), "no test for: {cell}");
            names
        })
        .collect()
}

#[test]
fn each_test_that_the_table_of_pools_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = files(&root.join("tests"))
        .into_iter()
        .chain(files(&root.join("src/pool")))
        .chain(files(&root.join("src/measure")))
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let table = fs::read_to_string(root.join("src/pool/peers.md")).unwrap();
    let names = named(&table);
    assert!(names.len() > 30, "only {} tests named", names.len());
    for name in names {
        assert!(tests.contains(&format!("fn {name}()")), "no test {name}");
    }
}
