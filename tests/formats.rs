//! What is written for other programs is what those programs read.

mod common;

use common::{Sandbox, given, schema};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const ALL: &str = "luma,histogram,motion,sharpness,thumbnail:16x9";

/// Java with the reference implementation of HdrHistogram, if both are installed.
fn reference() -> Option<Command> {
    let jar = std::env::var_os("HDRHISTOGRAM_JAR");
    let jar = jar.unwrap_or_else(|| "/usr/share/java/hdrhistogram.jar".into());
    let java = Command::new("java").arg("-version").output();
    if !Path::new(&jar).exists() || java.is_err() {
        eprintln!(
            "no Java or no {}: its own tools were not asked, golden files were compared alone \
             (apt install default-jre-headless libhdrhistogram-java)",
            jar.display()
        );
        return None;
    }
    let mut command = Command::new("java");
    command
        .arg("-cp")
        .arg(jar)
        .arg("org.HdrHistogram.HistogramLogProcessor");
    Some(command)
}

#[test]
fn the_reference_implementation_reads_our_logs_and_prints_our_percentiles() {
    if reference().is_none() {
        return;
    }
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 50");
    sandbox
        .run("run set --mode mmap --analyze luma --repeat 30 --batch 1 --out out")
        .succeeds();
    let report = sandbox.report("out/mmap");
    let stages = report["stages"].as_object().unwrap();
    assert!(stages.len() >= 8, "{stages:?}");
    let mut exports = String::from("compare out/mmap --export all.hlog");
    for stage in stages.keys() {
        exports += &format!(" --export {stage}.hgrm");
    }
    sandbox.run(&exports).succeeds();
    for (stage, log) in stages
        .keys()
        .flat_map(|stage| [(stage, "all.hlog"), (stage, "out/mmap/latency.hlog")])
    {
        let mut processor = reference().unwrap();
        processor.args(["-tag", stage, "-i"]).arg(sandbox.path(log));
        let output = processor.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let distribution = said.find("       Value ").map(|at| &said[at..]);
        let ours = fs::read_to_string(sandbox.path(&format!("{stage}.hgrm"))).unwrap();
        assert_eq!(distribution, Some(&*ours), "{stage} of {log}: {said}");
    }
}

#[test]
fn findings_as_csv_are_the_findings() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 6 --layout files --format png");
    sandbox.write("set/frames/000002.png", b"no \"picture\", this");
    let line = format!("run set --mode path --analyze {ALL} --out out --export findings.csv");
    assert_eq!(sandbox.run(&line).code, Some(1), "a frame has failed");
    let script = "
import csv, json, sys
rows = list(csv.DictReader(open('findings.csv', newline='')))
lines = [json.loads(line) for line in open('out/path/findings.jsonl')]
assert len(rows) == len(lines) == 6
for row, line in zip(rows, lines):
    for column, cell in row.items():
        value = line
        for name in column.split('.'):
            value = (value or {}).get(name)
        is_text = isinstance(value, str)
        found = cell if is_text or cell == '' else json.loads(cell)
        assert found == ('' if value is None else value), (column, cell, value)
print(','.join(rows[0]))
";
    let python = Command::new(given("FRAMEHAUL_PYTHON"))
        .args(["-c", script])
        .current_dir(sandbox.path(""))
        .output()
        .unwrap();
    assert!(python.status.success(), "{python:?}");
    let columns = String::from_utf8(python.stdout).unwrap();
    assert_eq!(
        columns.trim(),
        "frame,luma.min,luma.max,luma.mean,histogram.bins,histogram.p10,histogram.p90,\
         motion.mean_abs_diff,sharpness.laplacian_variance,thumbnail.width,thumbnail.height,\
         thumbnail.sha256,error,dropped"
    );
}

#[test]
fn a_run_and_a_comparison_are_exported_to_every_kind() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 12");
    let exports: String = [
        "a.csv",
        "a.md",
        "a.json",
        "a.hgrm",
        "a.hlog",
        "findings.csv",
    ]
    .map(|name| format!(" --export {name}"))
    .concat();
    sandbox
        .run(&format!(
            "run set --mode path,mmap --analyze luma --out out{exports}"
        ))
        .succeeds();
    for name in [
        "a.csv",
        "a.md",
        "a.json",
        "a-path.hgrm",
        "a-mmap.hgrm",
        "a-path.hlog",
        "a-mmap.hlog",
        "findings-path.csv",
        "findings-mmap.csv",
    ] {
        let bytes = fs::read(sandbox.path(name)).unwrap();
        assert!(bytes.ends_with(b"\n"), "{name}");
    }
    let figures = fs::read_to_string(sandbox.path("a.csv")).unwrap();
    assert_eq!(figures.lines().count(), 3, "{figures}");
    schema::check("comparison", &sandbox.path("a.json"));
    let hgrm = fs::read(sandbox.path("a-mmap.hgrm")).unwrap();
    sandbox
        .run("compare out/mmap/report.json --export b.hgrm")
        .succeeds();
    assert_eq!(fs::read(sandbox.path("b.hgrm")).unwrap(), hgrm);

    for (name, words) in [
        ("a.xls", "of no kind"),
        ("none/a.csv", "there is no folder"),
    ] {
        let said = sandbox.run(&format!("run set --mode mmap --out never --export {name}"));
        said.fails(2, &[words]);
        assert!(
            !sandbox.path("never").exists(),
            "it is refused before the work"
        );
    }
}

#[test]
fn what_cannot_be_exported_hides_nothing_of_the_run_and_no_file_that_was_there() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 6 --layout files --format png");
    sandbox.write("set/frames/000002.png", b"no picture");
    let run = |exports: &str, words: &[&str]| {
        let line =
            format!("run set --mode path --analyze luma --out out --fail-if fps<1e9{exports}");
        let said = sandbox.run(&line).fails(1, words);
        said.fails(1, &["path: frame 2 failed", "--fail-if: 1 of 1 failed"])
    };
    run(" --export a.csv", &[]);
    // Where nobody can write.
    let exports =
        " --export /proc/b.csv --export /proc/c.csv --export transfr.md --export deserialize.hgrm";
    let said = run(exports, &["b.csv: cannot create", "c.csv: cannot create"]);
    assert_eq!(said.err.lines().count(), 4, "{said:#?}");
    assert!(sandbox.path("transfr.md").exists());
    // A run that is there is no place for what is made of it.
    for own in [
        "report.json",
        "report.html",
        "latency.hlog",
        "findings.jsonl",
    ] {
        let own = format!("out/path/{own}");
        let before = fs::read(sandbox.path(&own)).unwrap();
        std::os::unix::fs::symlink(&own, sandbox.path("link.csv")).unwrap();
        for option in [format!("--html {own}"), "--export link.csv".into()] {
            let said = sandbox.run(&format!("compare out/path/report.json {option}"));
            said.fails(2, &["is a part of the run out/path"]).one_line();
        }
        assert_eq!(fs::read(sandbox.path(&own)).unwrap(), before);
        fs::remove_file(sandbox.path("link.csv")).unwrap();
    }

    let report = fs::read(sandbox.path("out/path/report.json")).unwrap();
    sandbox.write("alone.json", &report);
    for option in ["--html alone.json", "--export ./alone.json"] {
        let said = sandbox.run(&format!("compare out/path alone.json {option}"));
        said.fails(2, &["is a part of the run alone.json"])
            .one_line();
    }
    assert_eq!(fs::read(sandbox.path("alone.json")).unwrap(), report);
    // Nor is one file a place for two.
    for line in [
        "compare out/path --html a.md --export ./a.md",
        "compare out/path --export b.csv --export b.csv",
        "run set --mode path --out never --trace c.json --export c.json",
        "run set --mode path --out never --export d.md --export d.md",
    ] {
        let said = sandbox.run(line);
        said.fails(2, &["is to be written twice"]).one_line();
    }
    assert!(!sandbox.path("never").exists());

    // One of the modes has no such stage: that is said, and no failure.
    let line = "run set --mode sequential,path --frames 0..2 --out out --export transfer.hgrm";
    let said = sandbox.run(line).succeeds();
    let left_out = "transfer-sequential.hgrm: sequential has no samples of transfer";
    assert!(said.err.contains(left_out), "{said:#?}");
    assert!(sandbox.path("transfer-path.hgrm").exists());
    let line = "run set --mode sequential --frames 0..2 --out out --export transfer.hgrm";
    let said = sandbox
        .run(line)
        .fails(1, &["sequential has no samples of transfer"]);
    assert!(said.out.contains("reports: out"), "{said:#?}");
    let line = "run set --mode path --out never --export comptue.hgrm";
    sandbox.run(line).fails(2, &["did you mean compute.hgrm?"]);
    assert!(!sandbox.path("never").exists());
}

#[test]
fn every_kind_of_report_is_what_the_published_schema_says() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 12");
    let save = |line: &str, name: &str| {
        let said = sandbox.run(line).succeeds();
        sandbox.write(name, said.out.as_bytes());
        sandbox.path(name)
    };
    let all = format!("run set --mode all --analyze {ALL},burn:0.1 --repeat 3 --out all --json");
    schema::check("comparison", &save(&all, "all.json"));
    let paced = "run set --mode mmap,payload --cache cold --fps 300 --repeat 3 --out paced --json";
    schema::check("comparison", &save(paced, "paced.json"));
    let dropping = "run camera:64x48@200 --mode shm --frames 0..60 --policy drop-newest \
                    --analyze luma,burn:9 --workers 1 --slots 3 --out live --json";
    schema::check("report", &save(dropping, "live.json"));
    for (schema, mode) in [("report", "mmap"), ("comparison", "path,mmap")] {
        let judged = format!("run set --mode {mode} --out judged --json --fail-if fps<0");
        let judged = save(&judged, "judged.json");
        let text = fs::read_to_string(&judged).unwrap();
        assert!(text.contains("\"thresholds\""), "{text}");
        schema::check(schema, &judged);
    }
    let found = "find set --where luma.max>0 --all --json";
    schema::check("found", &save(found, "found.json"));
    // Recorded ones, the last by an earlier version.
    for recorded in [
        "data/reports/payload",
        "data/reports/mmap",
        "tests/golden/older",
    ] {
        let root = env!("CARGO_MANIFEST_DIR");
        let report = format!("{root}/{recorded}/report.json");
        schema::check("report", Path::new(&report));
    }

    // And one that is not is refused, where anything is checked at all.
    given("FRAMEHAUL_PYTHON");
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 4] = [
        (|of| of["workload"]["colour"] = "blue".into(), "workload"),
        (|of| of["totals"]["frames"] = (-1).into(), "totals.frames"),
        (
            |of| of["workload"]["cache"] = "tepid".into(),
            "workload.cache",
        ),
        (|of| drop(of["memory"].take()), "memory"),
    ];
    for (edit, path) in edits {
        let mut report = sandbox.report("all/mmap");
        edit(&mut report);
        sandbox.write("edited.json", report.to_string().as_bytes());
        let said = schema::ask("report", &sandbox.path("edited.json"));
        assert!(said.contains(path) && said != "ok", "{path}: {said}");
    }
}

#[test]
fn list_names_the_kinds_and_prints_the_schemas() {
    let sandbox = Sandbox::new();
    let list = sandbox.run("list").succeeds().out;
    for name in [
        "findings.csv",
        ".hgrm",
        ".hlog",
        ".md",
        "comparison",
        "report.json",
    ] {
        assert!(list.contains(name), "{name}: {list}");
    }
    let printed = sandbox.run("list --schema report").succeeds().out;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report.schema.json");
    assert_eq!(printed, fs::read_to_string(file).unwrap());
    sandbox
        .run("list --schema none")
        .fails(2, &["report", "comparison", "found", "lab", "advice"]);
}
