//! `run --metrics`: what Prometheus reads while a run goes on.

mod common;

use common::{Said, Sandbox, kill};
use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

/// A run that serves, and where.
struct Run {
    child: Child,
    address: String,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Run {
    fn start(sandbox: &Sandbox, line: &str) -> Self {
        let mut command = sandbox.command(line);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        let url = said.trim().strip_prefix("framehaul: metrics: http://");
        let address = url.and_then(|url| url.strip_suffix("/metrics"));
        let address = address
            .unwrap_or_else(|| panic!("no address: {said}"))
            .to_owned();
        Self {
            child,
            address,
            stderr,
        }
    }

    fn scrape(&self) -> Page {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(
            head.contains("Content-Type: text/plain; version=0.0.4"),
            "{head}"
        );
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        Page::parse(body)
    }

    /// Reads the page again and again until it is as it is to be.
    fn scrape_until(&mut self, is_so: impl Fn(&Page) -> bool) -> Page {
        loop {
            let page = self.scrape();
            if is_so(&page) {
                return page;
            }
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "it has ended: {page:?}"
            );
        }
    }

    /// What it said beside the address, when it has ended.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (code, said)
    }
}

/// Samples by name and labels, checked as strictly as the format's description is.
#[derive(Debug)]
struct Page {
    samples: BTreeMap<String, f64>,
    kinds: BTreeMap<String, String>,
}

fn is_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_ascii_digit())
}

/// Labels between their braces, each with its value.
fn labels(mut text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").expect("a name and a value");
        assert!(is_name(name), "{name}");
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at,
                (_, '\\') => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, c @ ('\\' | '"'))) => value.push(c),
                    other => panic!("an escape of {other:?}"),
                },
                (_, c) => value.push(c),
            }
        };
        labels.push((name.to_owned(), value));
        text = &rest[end + 1..];
        if let Some(rest) = text.strip_prefix(',') {
            assert!(!rest.is_empty(), "a comma at the end");
            text = rest;
        } else {
            assert_eq!(text, "", "a comma between labels");
        }
    }
    labels
}

impl Page {
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n') && !text.contains('\r'));
        let mut page = Self {
            samples: BTreeMap::new(),
            kinds: BTreeMap::new(),
        };
        let mut helped = HashSet::new();
        // The family that samples belong to.
        let mut family = String::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, text) = help.split_once(' ').unwrap();
                assert!(is_name(name) && !text.is_empty(), "{line}");
                assert!(helped.insert(name.to_owned()), "twice: {line}");
                family = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, family, "a type after its help");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let before = page.kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "twice: {line}");
            } else {
                page.sample(line, &family);
            }
        }
        page.check_histograms();
        page
    }

    fn sample(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labelled) = match series.split_once('{') {
            Some((name, rest)) => (name, rest.strip_suffix('}').expect("a closing brace")),
            None => (series, ""),
        };
        labels(labelled);
        let ending = name
            .strip_prefix(family)
            .unwrap_or_else(|| panic!("stray: {line}"));
        let endings = match &self.kinds[family][..] {
            "histogram" => &["_bucket", "_sum", "_count"][..],
            _ => &[""],
        };
        assert!(endings.contains(&ending), "{line}");
        let value: f64 = value.parse().unwrap();
        assert!(value >= 0.0, "{line}");
        let before = self.samples.insert(series.to_owned(), value);
        assert_eq!(before, None, "twice: {line}");
    }

    fn check_histograms(&self) {
        let counts = self.samples.iter();
        let counts = counts.filter(|(series, _)| series.contains("_count{"));
        for (series, count) in counts {
            let bucket = series.replace("_count{", "_bucket{");
            let bucket = bucket.trim_end_matches('}');
            let of_this = self.samples.iter();
            let of_this = of_this.filter(|(series, _)| series.starts_with(bucket));
            let mut buckets: Vec<(f64, f64)> = of_this
                .map(|(series, &count)| {
                    let (_, bound) =
                        labels(&series[series.find('{').unwrap() + 1..series.len() - 1])
                            .pop()
                            .unwrap();
                    (bound.replace("+Inf", "inf").parse().unwrap(), count)
                })
                .collect();
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(
                buckets.windows(2).all(|two| two[0].1 <= two[1].1),
                "{buckets:?}"
            );
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, *count)));
        }
    }

    fn get(&self, series: &str) -> f64 {
        *self
            .samples
            .get(series)
            .unwrap_or_else(|| panic!("no {series}: {self:#?}"))
    }

    /// One that may not be there yet.
    fn find(&self, series: &str) -> f64 {
        self.samples.get(series).copied().unwrap_or(0.0)
    }
}

const ANALYSED: &str = r#"framehaul_frames_total{mode="shm",outcome="analysed"}"#;

#[test]
fn an_endless_camera_is_watched_while_it_goes_on() {
    let sandbox = Sandbox::new();
    let line = "run camera:64x48@200 --mode shm --workers 2 --policy drop-newest --metrics \
                127.0.0.1:0 --out out";
    let mut run = Run::start(&sandbox, line);
    let first = run.scrape_until(|page| page.find(ANALYSED) > 20.0);
    let later = run.scrape_until(|page| page.get(ANALYSED) > first.get(ANALYSED) + 20.0);
    for (series, before) in &first.samples {
        let family = later
            .kinds
            .keys()
            .find(|name| series.starts_with(&name[..]))
            .unwrap();
        if later.kinds[family] != "gauge" {
            assert!(later.get(series) >= *before, "{series} went down");
        }
    }
    assert_eq!(later.get(r#"framehaul_pace_fps{mode="shm"}"#), 200.0);
    let workers = |state| {
        later.get(&format!(
            r#"framehaul_workers{{mode="shm",state="{state}"}}"#
        ))
    };
    assert_eq!(workers("busy") + workers("idle"), 2.0);
    assert!(later.get(r#"framehaul_memory_bytes{mode="shm",kind="shared"}"#) > 0.0);
    assert!(later.get(r#"framehaul_stage_seconds_sum{mode="shm",stage="end_to_end"}"#) > 0.0);
    assert_eq!(
        later.get(r#"framehaul_workers_died_total{mode="shm"}"#),
        0.0
    );

    // A death is there to be seen.
    kill("-KILL", common::workers(run.child.id())[0]);
    let died = r#"framehaul_workers_died_total{mode="shm"}"#;
    run.scrape_until(|page| page.get(died) == 1.0);
    // Whoever says nothing keeps nobody from anything, the end of the run included.
    let _silent = TcpStream::connect(&run.address).unwrap();
    let last = run.scrape();
    kill("-INT", run.child.id());
    assert_eq!(run.end().0, Some(0));
    let totals = &sandbox.report("out/shm")["totals"];
    assert!(totals["frames_analysed"].as_f64() >= Some(last.get(ANALYSED)));
    assert_eq!(totals["workers_died"], 1);
}

#[test]
fn passes_and_modes_add_up_and_warm_up_does_not_count() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 6");
    let line = "run set --mode shm --workers 1 --warmup 1000000 --metrics 127.0.0.1:0 --out out";
    let mut run = Run::start(&sandbox, line);
    let backlog = r#"framehaul_backlog_frames{mode="shm"}"#;
    let page = run.scrape_until(|page| page.samples.contains_key(backlog));
    assert_eq!(page.get(ANALYSED), 0.0);
    kill("-INT", run.child.id());
    assert_eq!(run.end().0, Some(130));

    let line = "run set --mode mmap,shm --workers 1 --repeat 200 --warmup 2 --batch 1 --metrics \
                localhost:0 --out out";
    let mut run = Run::start(&sandbox, line);
    let page = run.scrape_until(|page| page.find(ANALYSED) >= 60.0);
    let mmap = page.get(&ANALYSED.replace("shm", "mmap"));
    // They take turns.
    assert!((mmap - page.get(ANALYSED)).abs() <= 12.0, "{page:?}");
    kill("-INT", run.child.id());
    run.end();
}

#[test]
fn addresses_that_others_can_reach_are_refused_before_the_run() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 2");
    for (address, words) in [
        ("0.0.0.0:0", "only a loopback address"),
        ("10.0.0.1:9184", "only a loopback address"),
        ("here", "expected an address and a port"),
    ] {
        let line = format!("run set --mode mmap --metrics {address} --out out");
        sandbox.run(&line).fails(2, &["--metrics", words]);
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    sandbox.write("trace.json", b"an earlier one");
    let line = format!("run set --mode mmap --metrics {address} --trace trace.json --out out");
    let said = sandbox
        .run(&line)
        .fails(2, &[&address.to_string(), "cannot listen there"]);
    said.one_line();
    assert!(!sandbox.path("out").exists());
    let trace = std::fs::read(sandbox.path("trace.json")).unwrap();
    assert_eq!(trace, b"an earlier one");
}

#[test]
fn who_hangs_on_keeps_no_interrupted_run_from_ending_its_trace() {
    let sandbox = Sandbox::new().with_set("--size 64x48 --frames 6");
    let line = "run set --mode mmap --workers 1 --frames 0..100000000 --trace trace.json --metrics \
                127.0.0.1:0 --out out";
    let mut run = Run::start(&sandbox, line);
    run.scrape_until(|page| page.find(&ANALYSED.replace("shm", "mmap")) > 1000.0);
    // It asks for nothing, and is still there when the run has ended.
    let _silent = TcpStream::connect(&run.address).unwrap();
    // Connections are taken as they come: this one has been, when the next is answered.
    run.scrape();
    kill("-INT", run.child.id());
    assert_eq!(run.end().0, Some(130));
    let trace = std::fs::read(sandbox.path("trace.json")).unwrap();
    let events: Vec<serde_json::Value> = serde_json::from_slice(&trace).unwrap();
    assert!(events.len() > 1000);
}

#[test]
fn it_serves_a_run_that_is_quiet_too_and_says_where() {
    let sandbox = Sandbox::new().with_set("--size 16x16 --frames 2");
    let line = "run set --mode mmap --quiet --metrics [::1]:0 --out out";
    let mut command = sandbox.command(line);
    let said = Said::from(command.output().unwrap(), line);
    // Not every machine has the address.
    if said.code == Some(2) {
        said.fails(2, &["cannot listen there"]).one_line();
        return;
    }
    let said = said.succeeds();
    assert!(
        said.err.starts_with("framehaul: metrics: http://[::1]:"),
        "{said:#?}"
    );
}
