//! The architecture as the crate's front page states it: each module uses only those above it.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the words that all use to the program.
const LAYERS: [&[&str]; 8] = [
    &["error", "clock", "stage", "frame"],
    &["sys"],
    &["source", "analysis", "coordination", "measure"],
    &["transport"],
    &["pool"],
    &["pipeline"],
    &["report"],
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
