//! Runs that never ran, exported.

use super::*;
use crate::report::compare::tests::compare;
use crate::report::lines::hexadecimal;
use crate::report::{Report, samples};
use sha2::{Digest, Sha256};
use std::fs;
use tempfile::TempDir;

/// Exports runs to a file and reads the folder back.
fn export(name: &str, comparison: &Comparison, folders: &[PathBuf]) -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let export = Export::to(folder.path().join(name)).unwrap();
    let missing = export.write(comparison, folders);
    assert!(missing.failed.is_empty(), "{missing:?}");
    let files = fs::read_dir(folder.path()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.collect();
    files.sort();
    (folder, files)
}

/// What is said of the one file that cannot be written.
fn failure(export: &Export, comparison: &Comparison, folders: &[PathBuf]) -> String {
    let missing = export.write(comparison, folders);
    assert_eq!(missing.failed.len(), 1, "{missing:?}");
    missing.failed[0].to_string()
}

/// The text of the one file that an export of these runs makes.
fn text(name: &str, runs: Vec<Report>) -> String {
    let folders = vec![PathBuf::from("none"); runs.len()];
    let (folder, files) = export(name, &compare(runs), &folders);
    assert_eq!(files, [name]);
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn endings_are_told_apart_and_the_longer_one_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |name: &str| Export::to(folder.path().join(name)).map(|export| export.kind.ending);
    for (name, ending) in [
        ("a.csv", ".csv"),
        ("findings.csv", "findings.csv"),
        ("clip.findings.csv", "findings.csv"),
        ("a.b.md", ".md"),
    ] {
        assert_eq!(kind(name).unwrap(), ending);
    }
    for kind in KINDS {
        let first = KINDS
            .iter()
            .find(|other| kind.ending.ends_with(other.ending));
        assert_eq!(first.unwrap().ending, kind.ending, "it can be asked for");
    }
    let said = kind("a.xlsx").unwrap_err().to_string();
    assert!(
        said.contains("of no kind") && said.contains(".hgrm"),
        "{said}"
    );
    let said = kind("none/a.csv").unwrap_err().to_string();
    assert!(said.contains("there is no folder"), "{said}");
    fs::create_dir(folder.path().join("b.csv")).unwrap();
    assert!(
        kind("b.csv")
            .unwrap_err()
            .to_string()
            .contains("is a folder")
    );
}

#[test]
fn figures_have_a_row_a_run_and_a_column_a_field() {
    let six = |of| samples::taking_turns(of, &[1.0, 1.1, 1.2, 1.0, 1.1, 1.3]);
    let csv = text(
        "runs.csv",
        vec![six(samples::payload()), six(samples::mmap())],
    );
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    let columns: Vec<&str> = lines[0].split(',').collect();
    assert_eq!(&columns[..3], ["run", "schema", "tool"]);
    for column in [
        "workload.frames.start",
        "totals.fps",
        "limits.read_gb_per_s",
        "stages.compute.p99_ns",
        "ratio.fps.value",
        "ratio.fps.low",
        "ratio.stages.service.max.high",
    ] {
        assert!(columns.contains(&column), "{column} in {columns:?}");
    }
    assert!(!csv.contains(".histogram"), "{csv}");
    let at = columns
        .iter()
        .position(|column| *column == "stages.compute.count")
        .unwrap();
    // No cell before it holds a comma but for the lists.
    assert!(lines[1].contains("\"[2160,3840,3]\""), "{csv}");
    assert!(at > 0 && lines[2].starts_with("mmap,1,framehaul"), "{csv}");
}

#[test]
fn markdown_is_the_tables_without_pictures() {
    let several = text("runs.md", vec![samples::payload(), samples::mmap()]);
    assert!(several.contains("\n| run | frames/s |"), "{several}");
    assert!(several.contains("\n| payload | 15.3 |"), "{several}");
    assert!(
        several.contains("**mmap is faster than payload, "),
        "{several}"
    );
    assert!(
        !several.contains('█') && !several.contains('\x1b'),
        "{several}"
    );

    let one = text("run.md", vec![samples::mmap()]);
    assert!(
        one.starts_with("**mmap: 1500 frames of frames.npy"),
        "{one}"
    );
    assert!(one.contains("\n| throughput | 938 frames/s"), "{one}");
    assert!(one.contains("\n| stage | frames |"), "{one}");
    for text in [several, one] {
        let tables = text.split("\n\n").filter(|part| part.starts_with('|'));
        let mut count = 0;
        for table in tables {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let wide = bars(table.lines().next().unwrap());
            assert!(table.lines().all(|line| bars(line) == wide), "{table}");
            count += 1;
        }
        assert_eq!(count, 2, "{text}");
    }
}

#[test]
fn json_is_what_is_printed() {
    let one: serde_json::Value =
        serde_json::from_str(&text("a.json", vec![samples::mmap()])).unwrap();
    assert_eq!(one["workload"]["mode"], "mmap");
    let runs = vec![samples::payload(), samples::mmap()];
    let two: serde_json::Value = serde_json::from_str(&text("a.json", runs)).unwrap();
    assert_eq!(two["baseline"], "payload");
}

#[test]
fn where_the_gaps_come_from_is_exported_if_that_was_asked_for() {
    let explained = samples::explained();
    let sentence = &explained.explain().unwrap()[0].sentence;
    let folders: [PathBuf; 2] = ["none".into(), "none".into()];
    let text = |name: &str| {
        let (folder, _) = export(name, &explained, &folders);
        fs::read_to_string(folder.path().join(name)).unwrap()
    };
    let json: serde_json::Value = serde_json::from_str(&text("a.json")).unwrap();
    assert_eq!(json["explanations"][0]["sentence"], *sentence);
    let markdown = text("a.md");
    for expected in [
        "\n\n| of a frame's time | payload | mmap | gap |\n",
        "\n| left over |",
        &format!("\n**{sentence}**\n"),
    ] {
        assert!(markdown.contains(expected), "{expected:?}:\n{markdown}");
    }
    assert!(!markdown.contains('█') && !markdown.contains("Bars"));
}

#[test]
fn a_distribution_is_that_of_the_latency_or_of_the_stage_that_the_name_says() {
    let run = samples::mmap();
    let of = |stage| hgrm::percentiles(&run.stages[&stage].decode().unwrap());
    use crate::stage::Stage;
    assert_eq!(text("mmap.hgrm", vec![run.clone()]), of(Stage::Service));
    assert_eq!(text("compute.hgrm", vec![run.clone()]), of(Stage::Compute));
    assert_eq!(
        text("mmap.end_to_end.hgrm", vec![run.clone()]),
        of(Stage::EndToEnd)
    );
    // Not every name that ends like a stage is one.
    assert_eq!(text("payload.hgrm", vec![run.clone()]), of(Stage::Service));
    let paced = samples::paced(run.clone(), 30.0, true, None);
    assert_eq!(text("mmap.hgrm", vec![paced]), of(Stage::EndToEnd));

    let folder = tempfile::tempdir().unwrap();
    let export = Export::to(folder.path().join("deserialize.hgrm")).unwrap();
    let threads = compare(vec![samples::threads()]);
    let said = failure(&export, &threads, &["none".into()]);
    assert!(
        said.contains("threads has no samples of deserialize"),
        "{said}"
    );
    assert!(!folder.path().join("deserialize.hgrm").exists());

    // Beside one that has the stage, it is left out, and said to be.
    let runs = compare(vec![samples::threads(), samples::mmap()]);
    let Missing { left_out, failed } = export.write(&runs, &["none".into(), "none".into()]);
    assert!(
        left_out.len() == 1 && left_out[0].contains("threads has no samples"),
        "{left_out:?}"
    );
    assert!(failed.is_empty(), "{failed:?}");
    let path = |name: &str| folder.path().join(name);
    assert!(path("deserialize-mmap.hgrm").exists());
    assert!(!path("deserialize-threads.hgrm").exists());
}

#[test]
fn a_stage_that_is_misspelt_is_no_name_for_the_latency() {
    let folder = tempfile::tempdir().unwrap();
    let export = |name: &str| Export::to(folder.path().join(name));
    for (name, meant) in [
        ("comptue.hgrm", "compute.hgrm"),
        ("mmap.transfr.hgrm", "transfer.hgrm"),
        ("serialise.hgrm", "serialize.hgrm"),
        ("end-to-end.hgrm", "end_to_end.hgrm"),
    ] {
        let said = export(name).unwrap_err().to_string();
        assert!(said.contains(&format!("did you mean {meant}?")), "{said}");
    }
    for name in ["payload", "mmap", "all", "loaded", "before", "run"] {
        assert!(export(&format!("{name}.hgrm")).is_ok(), "{name}");
    }
    assert!(export("comptue.hlog").is_ok(), "of all stages");
}

#[test]
fn runs_whose_names_look_alike_have_a_file_each() {
    let names = ["runs/1/mmap", "runs-1/mmap", "a", "runs-1-mmap-2", "a"];
    assert_eq!(
        file_names(names.into_iter()),
        [
            "runs-1-mmap",
            "runs-1-mmap-2",
            "a",
            "runs-1-mmap-2-2",
            "a-2"
        ]
    );
}

#[test]
fn what_is_nothing_in_one_run_has_no_column_beside_its_fields_in_another() {
    let mut slotted = samples::mmap();
    slotted.slots = Some(crate::pipeline::SlotsUsed {
        count: 3,
        bytes: 4096,
        huge_bytes: 0,
    });
    let csv = text("runs.csv", vec![samples::payload(), slotted]);
    let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    assert!(
        columns.contains(&"slots.count") && !columns.contains(&"slots"),
        "{csv}"
    );
    // Where nobody has any, there is a column that says so.
    let csv = text("run.csv", vec![samples::mmap()]);
    let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    assert!(columns.contains(&"slots"), "{csv}");
}

#[test]
fn several_runs_make_a_file_each_where_a_file_holds_one() {
    let runs = vec![
        ("runs/a".to_owned(), samples::payload()),
        ("b".to_owned(), samples::mmap()),
    ];
    let comparison = Comparison::new(runs).unwrap();
    let folders = ["x".into(), "y".into()];
    for (name, expected) in [
        ("compute.hgrm", ["compute-b.hgrm", "compute-runs-a.hgrm"]),
        ("all.hlog", ["all-b.hlog", "all-runs-a.hlog"]),
    ] {
        let (folder, files) = export(name, &comparison, &folders);
        assert_eq!(files, expected);
        assert!(fs::metadata(folder.path().join(expected[0])).unwrap().len() > 500);
    }
}

/// A report that says that this was found.
fn having_found(text: &[u8]) -> Report {
    let mut report = samples::mmap();
    report.findings_digest = hexadecimal(Sha256::new_with_prefix(text));
    report
}

#[test]
fn findings_have_a_row_a_frame_and_a_column_a_field() {
    let run = tempfile::tempdir().unwrap();
    let findings = run.path().join("findings.jsonl");
    fs::write(
        &findings,
        concat!(
            r#"{"frame":7,"error":"a \"bad\" file, really"}"#, "\n",
            r#"{"frame":8,"luma":{"min":1,"mean":2.5},"motion":{"mean_abs_diff":null}}"#, "\n",
            r#"{"frame":9,"luma":{"min":1,"mean":28437.678266782408,"new":true},"motion":{"mean_abs_diff":0.1},"bins":[1,2]}"#, "\n",
            r#"{"frame":10,"dropped":"no slot was free"}"#, "\n",
        ),
    )
    .unwrap();
    let folders = [run.path().to_owned()];
    let comparison = compare(vec![having_found(&fs::read(&findings).unwrap())]);
    let (folder, files) = export("findings.csv", &comparison, &folders);
    assert_eq!(files, ["findings.csv"]);
    let csv = fs::read_to_string(folder.path().join("findings.csv")).unwrap();
    assert_eq!(
        csv,
        "frame,luma.min,luma.mean,luma.new,motion.mean_abs_diff,bins,error,dropped\n\
         7,,,,,,\"a \"\"bad\"\" file, really\",\n\
         8,1,2.5,,,,,\n\
         9,1,28437.678266782408,true,0.1,\"[1,2]\",,\n\
         10,,,,,,,no slot was free\n"
    );

    fs::write(&findings, "{\"frame\":7}\nnonsense\n").unwrap();
    let export = Export::to(folder.path().join("again.findings.csv")).unwrap();
    let said = failure(&export, &comparison, &folders);
    assert!(
        said.contains("findings.jsonl: line 2 is no finding"),
        "{said}"
    );
    assert!(!folder.path().join("again.findings.csv").exists());
}

#[test]
fn findings_that_were_changed_are_not_exported() {
    let root = tempfile::tempdir().unwrap();
    let findings = root.path().join("findings.jsonl");
    let found = "{\"frame\":0,\"luma\":{\"min\":1}}\n";
    let comparison = compare(vec![having_found(found.as_bytes())]);
    let folders = [root.path().to_owned()];
    let export = Export::to(root.path().join("findings.csv")).unwrap();
    for changed in [found.replace('1', "2"), found.repeat(2), String::new()] {
        fs::write(&findings, changed).unwrap();
        let said = failure(&export, &comparison, &folders);
        assert!(
            said.contains("findings.jsonl: is not what the run found: its SHA-256 is"),
            "{said}"
        );
        assert!(!root.path().join("findings.csv").exists());
    }
    fs::write(&findings, found).unwrap();
    assert!(export.write(&comparison, &folders).failed.is_empty());
}

#[test]
fn a_file_that_cannot_be_written_keeps_no_other_from_it_and_no_word_of_what_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let names = ["a", "b", "c"];
    let found = "{\"frame\":0}\n";
    for name in names {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("findings.jsonl"), found).unwrap();
    }
    fs::write(path("a/findings.jsonl"), "nonsense\n").unwrap();
    let runs = names.map(|name| (name.to_owned(), having_found(found.as_bytes())));
    let comparison = Comparison::new(runs.into()).unwrap();
    let export = Export::to(path("findings.csv")).unwrap();
    let said = failure(&export, &comparison, &names.map(path));
    assert!(said.contains("a/findings.jsonl: line 1 is no"), "{said}");
    let written = names.map(|name| path(&format!("findings-{name}.csv")).exists());
    assert_eq!(written, [false, true, true]);

    let runs = [samples::threads(), samples::mmap(), samples::mmap()];
    let runs = names.map(str::to_owned).into_iter().zip(runs);
    let comparison = Comparison::new(runs.collect()).unwrap();
    fs::create_dir(path("transfer-b.hgrm")).unwrap();
    let export = Export::to(path("transfer.hgrm")).unwrap();
    let missing = export.write(&comparison, &names.map(path));
    let said = missing.failed[0].to_string();
    assert!(said.contains("transfer-b.hgrm: cannot create"), "{said}");
    assert_eq!((missing.failed.len(), missing.left_out.len()), (1, 1));
    assert!(path("transfer-c.hgrm").exists());
}
