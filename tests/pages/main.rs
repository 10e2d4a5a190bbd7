//! The pages in a real browser: nothing is fetched, nothing fails, every figure is the report's.
//!
//! `scripts/test` finds or fetches the browser and runs these tests; without it they fail.

#[path = "../common/mod.rs"]
mod common;
mod figures;

use common::{Sandbox, given};
use figures::{evaluate, is_same};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What a browser sees of pages of a sandbox, each under its name.
fn look(sandbox: &Sandbox, pages: &[&str]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages/look.py");
    let paths = pages.iter().map(|page| sandbox.path(page));
    let said = Command::new(given("FRAMEHAUL_PYTHON"))
        .arg(script)
        .args(paths)
        .env("FRAMEHAUL_CHROMIUM", given("FRAMEHAUL_CHROMIUM"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{error}");
    let told: Value = serde_json::from_slice(&said.stdout).unwrap();
    let told = |page: &&str| told[sandbox.path(page).to_str().unwrap()].clone();
    pages.iter().map(told).collect()
}

fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
}

/// What holds of any page in any view of it.
#[track_caller]
fn is_fit_to_be_seen(page: &Value) {
    for view in list(&page["views"]) {
        let name = &view["name"];
        for none in ["console", "requests", "overlaps", "outside"] {
            assert_eq!(list(&view[none]), [] as [Value; 0], "{name}: {none}");
        }
        let overflow = view["overflow"].as_i64().unwrap();
        assert!(overflow <= 0, "{name} is {overflow} wider than its window");
        let contrast = view["contrast"].as_f64().unwrap();
        assert!(contrast > 7.0, "{name}: letters have {contrast}");
        let palest = &view["palest"];
        assert!(
            palest.is_null() || palest[0].as_f64() >= Some(3.0),
            "{name}: {palest} is hardly seen"
        );
        let letters = view["lowest_letters"].as_f64();
        assert!(
            letters.is_none_or(|height| height > 10.0),
            "{name}: {letters:?}"
        );
    }
    let view = |name: &str| {
        let mut views = list(&page["views"]).iter();
        views.find(|view| view["name"] == name).unwrap()
    };
    assert_ne!(view("light-1200")["paper"], view("dark-1200")["paper"]);
    is_fit_to_be_printed(view("print-680"));
}

/// What cannot be opened or told by its colour on paper need not be.
#[track_caller]
fn is_fit_to_be_printed(view: &Value) {
    assert_eq!(view["hidden_tables"], 0, "on paper nobody opens them");
    let mut dashes: BTreeMap<&str, &str> = BTreeMap::new();
    for line in list(&view["dashes"]) {
        let [class, dash] = [0, 1].map(|part| line[part].as_str().unwrap());
        if !class.contains("thin") {
            let kind = if class.contains("pale") {
                "pale"
            } else {
                class
            };
            assert_eq!(*dashes.entry(dash).or_insert(kind), kind, "dashed {dash}");
        }
    }
}

/// Every figure of a page is the one of the report, and every ratio that of the comparison; returns how
/// many there are.
#[track_caller]
fn figures_are_those_of(page: &Value, reports: &[Value], comparison: &Value) -> usize {
    assert_eq!(list(&page["loose"]), [] as [Value; 0], "numbers in tables");
    let figures = list(&page["figures"]);
    for figure in figures {
        let run = figure["run"].as_u64().unwrap() as usize;
        let expected = match (figure["field"].as_str(), figure["ratio"].as_str()) {
            (Some(field), None) => evaluate(&reports[run], field),
            (None, Some(ratio)) => evaluate(&comparison["ratios"][run - 1], ratio),
            _ => panic!("{figure} is of a report or a comparison"),
        };
        let value = figure["value"].as_str().unwrap();
        assert!(
            is_same(value, &expected),
            "run {run}: {figure}, and {expected} in the report"
        );
        assert_ne!(figure["shown"], "", "{figure}");
    }
    figures.len()
}

#[test]
fn pages_of_runs_show_their_reports_and_fetch_nothing() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 40");
    let modes = [
        "payload",
        "payload-raw",
        "path",
        "mmap",
        "shm",
        "sequential",
        "threads",
    ];
    sandbox
        .run("run set --mode all --analyze luma --workers 2 --batch 1 --repeat 6 --out flat")
        .succeeds();
    sandbox
        .run(
            "run set --mode mmap --analyze burn:5 --workers 1 --fps 500 --frames 0..60 --out paced",
        )
        .succeeds();
    let all = modes.map(|mode| format!("flat/{mode}"));
    let compare = format!("compare --html all.html {}", all.join(" "));
    sandbox.run(&compare).succeeds();
    let pages = [
        "all.html",
        "flat/payload/report.html",
        "paced/mmap/report.html",
    ];
    let told = look(&sandbox, &pages);
    let reports: Vec<Value> = all.iter().map(|run| sandbox.report(run)).collect();
    for page in &told {
        is_fit_to_be_seen(page);
        let views = list(&page["switches"])
            .iter()
            .chain(list(&page["switches_without_script"]));
        for switch in views {
            assert_eq!(
                switch["before"],
                serde_json::json!([true, false]),
                "{switch}"
            );
            assert_eq!(
                switch["after"],
                serde_json::json!([false, true]),
                "{switch}"
            );
        }
        assert_eq!(list(&page["switches"]).len(), 2, "scale and share");
        assert!(
            page["pointed"].is_string(),
            "a chart tells what is pointed at"
        );
    }
    let compared = sandbox
        .run(&format!("compare --json {}", all.join(" ")))
        .succeeds();
    let compared: Value = serde_json::from_str(&compared.out).unwrap();
    assert_eq!(told[0]["headline"], compared["verdict"]);
    assert!(figures_are_those_of(&told[0], &reports, &compared) > 100);
    let has = |ratio: &str| {
        let mut figures = list(&told[0]["figures"]).iter();
        figures.any(|figure| figure["ratio"] == ratio)
    };
    assert!(has("fps.value") && has("fps.low") && has("fps.high"));
    assert!(figures_are_those_of(&told[1], &reports[..1], &Value::Null) > 100);
    let paced = sandbox.report("paced/mmap");
    let alone = std::slice::from_ref(&paced);
    assert!(figures_are_those_of(&told[2], alone, &Value::Null) > 100);
    let words = |command: &Value| {
        let words = list(command)
            .iter()
            .map(|word| word.as_str().unwrap().to_owned());
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(&told[2]["commands"]), [words(&paced["command"])]);
    for page in pages {
        let bytes = std::fs::metadata(sandbox.path(page)).unwrap().len();
        assert!(bytes < 2_000_000, "{page}: {bytes}");
    }
}

#[test]
fn a_name_that_is_a_script_is_a_name() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 3");
    let name = "<script>document.title='run'<\\script>&\"'.npy";
    std::fs::rename(sandbox.path("set/frames.npy"), sandbox.path(name)).unwrap();
    let mut command = sandbox.command("run --mode sequential --analyze luma --out out");
    assert!(command.arg(name).status().unwrap().success());
    let told = look(&sandbox, &["out/sequential/report.html"]);
    is_fit_to_be_seen(&told[0]);
    assert_eq!(told[0]["title"], format!("sequential: {name}"));
    figures_are_those_of(&told[0], &[sandbox.report("out/sequential")], &Value::Null);
}

#[test]
fn runs_in_which_frames_fail_and_drop_have_pages_too() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 6 --layout files --format png");
    for entry in std::fs::read_dir(sandbox.path("set/frames")).unwrap() {
        let path = entry.unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        // What says how large it is, and no pixels.
        std::fs::write(path, &whole[..60]).unwrap();
    }
    sandbox
        .run("run set --mode path --analyze luma --out failed")
        .fails(1, &["failed"]);
    let live = "run camera:64x48@200 --mode shm --analyze burn:20 --workers 1 --slots 3 \
                --policy drop-newest --frames 0..60 --out live";
    sandbox.run(live).succeeds();
    let pages = ["failed/path/report.html", "live/shm/report.html"];
    let told = look(&sandbox, &pages);
    for (page, run) in told.iter().zip(["failed/path", "live/shm"]) {
        is_fit_to_be_seen(page);
        figures_are_those_of(page, &[sandbox.report(run)], &Value::Null);
    }
    let headline = |page: usize| told[page]["headline"].as_str().unwrap().to_owned();
    assert_eq!(
        headline(0),
        "path analysed none of 6 frames; 6 of 6 failed."
    );
    assert!(headline(1).contains("dropped."), "{}", headline(1));
}

#[test]
fn the_lab_has_a_page_in_the_same_style() {
    let sandbox = Sandbox::new();
    sandbox
        .run("lab short-tasks crossover --rehearse --out lab")
        .succeeds();
    assert!(Path::new(&sandbox.path("lab/lab.md")).exists());
    let told = look(&sandbox, &["lab/lab.html"]);
    is_fit_to_be_seen(&told[0]);
    let headline = told[0]["headline"].as_str().unwrap();
    assert!(headline.starts_with("Of 2 claims, "), "{headline}");
}
