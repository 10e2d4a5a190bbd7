//! Metrics as Prometheus reads them: the text format, version 0.0.4.

use super::counts::{BOUNDS, Counts, Spread};
use crate::pipeline::{Dropped, Gauge, Reading};
use std::fmt::{Display, Write};

/// The page as it is written.
pub(super) struct Page {
    text: String,
}

/// How the pass stands that goes on.
pub(super) struct Now {
    mode: &'static str,
    fps: Option<f64>,
    reading: Reading,
}

impl Now {
    pub(super) fn of(gauge: &Gauge, reading: Reading) -> Self {
        Self {
            mode: gauge.mode(),
            fps: gauge.fps(),
            reading,
        }
    }
}

/// A name and a value.
type Label<'a> = (&'static str, &'a str);

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";

impl Page {
    pub(super) fn new(input: &str, counts: &[(&'static str, Counts)], now: Option<&Now>) -> Self {
        let mut page = Self {
            text: String::new(),
        };
        page.about(input);
        page.counters(counts);
        page.stages(counts);
        if let Some(now) = now {
            page.now(now);
        }
        page
    }

    pub(super) fn text(self) -> String {
        self.text
    }

    fn about(&mut self, input: &str) {
        let name = "framehaul_run_info";
        self.family(name, GAUGE, "What is run, and by which version.");
        let version = env!("CARGO_PKG_VERSION");
        self.sample(name, &[("version", version), ("input", input)], 1);
    }

    fn counters(&mut self, counts: &[(&'static str, Counts)]) {
        let name = "framehaul_frames_total";
        self.family(name, COUNTER, "Frames that have ended, by how they did.");
        for (mode, counts) in counts {
            let dropped: u64 = counts.dropped.values().sum();
            for (outcome, frames) in [
                ("analysed", counts.analysed),
                ("failed", counts.failed),
                ("dropped", dropped),
            ] {
                self.sample(name, &[("mode", *mode), ("outcome", outcome)], frames);
            }
        }
        let name = "framehaul_frames_dropped_total";
        self.family(name, COUNTER, "Frames that were dropped, by the reason.");
        for (mode, counts) in counts {
            for why in Dropped::ALL {
                let frames = counts.dropped.get(&why).copied().unwrap_or(0);
                let why = why.to_string();
                self.sample(name, &[("mode", *mode), ("reason", &why[..])], frames);
            }
        }
        let name = "framehaul_deadline_misses_total";
        let help = "Frames whose finding came more than a period after they were due.";
        self.family(name, COUNTER, help);
        for (mode, counts) in counts {
            if let Some(misses) = counts.misses {
                self.sample(name, &[("mode", *mode)], misses);
            }
        }
        let name = "framehaul_workers_died_total";
        self.family(name, COUNTER, "Workers that died; each was replaced.");
        for (mode, counts) in counts {
            self.sample(name, &[("mode", *mode)], counts.died);
        }
    }

    fn stages(&mut self, counts: &[(&'static str, Counts)]) {
        let name = "framehaul_stage_seconds";
        let help = "How long the stages of a frame's way took, and its whole (end_to_end).";
        self.family(name, "histogram", help);
        for (mode, counts) in counts {
            for (stage, spread) in &counts.stages {
                self.spread(name, &[("mode", *mode), ("stage", stage.name())], spread);
            }
        }
    }

    fn spread(&mut self, name: &str, labels: &[Label<'_>], spread: &Spread) {
        let bucket = format!("{name}_bucket");
        let mut so_far = 0;
        let bounds = BOUNDS.iter().map(|&bound| (bound as f64 / 1e9).to_string());
        for (bound, within) in bounds.zip(spread.within) {
            so_far += within;
            self.sample(&bucket, &[labels, &[("le", &bound[..])]].concat(), so_far);
        }
        let all = [labels, &[("le", "+Inf")]].concat();
        self.sample(&bucket, &all, spread.count);
        self.sample(&format!("{name}_sum"), labels, spread.sum / 1e9);
        self.sample(&format!("{name}_count"), labels, spread.count);
    }

    /// What is only known while a pass goes on.
    fn now(&mut self, now: &Now) {
        let (mode, reading) = (("mode", now.mode), &now.reading);
        if let Some(fps) = now.fps {
            let name = "framehaul_pace_fps";
            self.family(name, GAUGE, "Frames that are due a second.");
            self.sample(name, &[mode], fps);
        }
        let name = "framehaul_backlog_frames";
        let help = "Frames that have come, or were due, and have not ended.";
        self.family(name, GAUGE, help);
        self.sample(name, &[mode], reading.backlog);
        let name = "framehaul_memory_bytes";
        self.family(name, GAUGE, "Memory of parent and workers.");
        for (kind, bytes) in [
            ("anonymous", reading.memory.anon_bytes),
            ("shared", reading.memory.shared_bytes),
        ] {
            self.sample(name, &[mode, ("kind", kind)], bytes);
        }
        let name = "framehaul_workers";
        self.family(name, GAUGE, "Workers that are alive, by what they do.");
        let workers = reading.workers;
        let idle = workers.alive.saturating_sub(workers.busy);
        for (state, count) in [("busy", workers.busy), ("idle", idle)] {
            self.sample(name, &[mode, ("state", state)], count);
        }
    }

    /// What the samples that follow are. The texts are our own, without backslashes and newlines.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.text += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[Label<'_>], value: impl Display) {
        self.text += name;
        for (index, (label, value)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            // Into a text: it cannot fail.
            let _ = write!(self.text, "{before}{label}=\"{}\"", escaped(value));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}

/// The value of a label between its quotes.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => text += r"\\",
            '"' => text += "\\\"",
            '\n' => text += r"\n",
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::MemoryPeak;
    use crate::pool::Muster;
    use crate::stage::Stage;

    fn spread() -> Spread {
        let mut spread = Spread {
            count: 4,
            sum: 1.5e9,
            ..Spread::default()
        };
        spread.within[0] = 1;
        spread.within[3] = 2;
        spread
    }

    #[test]
    fn the_page_is_what_prometheus_reads() {
        let counts = Counts {
            analysed: 3,
            dropped: [(Dropped::Outrun, 2)].into(),
            misses: Some(1),
            stages: [(Stage::EndToEnd, spread())].into(),
            ..Counts::default()
        };
        let now = Now {
            mode: "shm",
            fps: Some(29.97),
            reading: Reading {
                backlog: 5,
                memory: MemoryPeak {
                    anon_bytes: 10,
                    shared_bytes: 20,
                },
                workers: Muster {
                    alive: 2,
                    busy: 1,
                    died: 0,
                },
                ..Reading::default()
            },
        };
        let text = Page::new("a \"b\"\\c\n", &[("shm", counts)], Some(&now)).text();
        for line in [
            r#"framehaul_run_info{version="0.1.0",input="a \"b\"\\c\n"} 1"#,
            "# TYPE framehaul_frames_total counter",
            r#"framehaul_frames_total{mode="shm",outcome="analysed"} 3"#,
            r#"framehaul_frames_total{mode="shm",outcome="dropped"} 2"#,
            r#"framehaul_frames_dropped_total{mode="shm",reason="no slot was free"} 0"#,
            r#"framehaul_frames_dropped_total{mode="shm",reason="a later frame took its slot"} 2"#,
            r#"framehaul_deadline_misses_total{mode="shm"} 1"#,
            "# TYPE framehaul_stage_seconds histogram",
            r#"framehaul_stage_seconds_bucket{mode="shm",stage="end_to_end",le="0.00001"} 1"#,
            r#"framehaul_stage_seconds_bucket{mode="shm",stage="end_to_end",le="0.0001"} 3"#,
            r#"framehaul_stage_seconds_bucket{mode="shm",stage="end_to_end",le="10"} 3"#,
            r#"framehaul_stage_seconds_bucket{mode="shm",stage="end_to_end",le="+Inf"} 4"#,
            r#"framehaul_stage_seconds_sum{mode="shm",stage="end_to_end"} 1.5"#,
            r#"framehaul_stage_seconds_count{mode="shm",stage="end_to_end"} 4"#,
            r#"framehaul_pace_fps{mode="shm"} 29.97"#,
            r#"framehaul_backlog_frames{mode="shm"} 5"#,
            r#"framehaul_memory_bytes{mode="shm",kind="shared"} 20"#,
            r#"framehaul_workers{mode="shm",state="idle"} 1"#,
        ] {
            assert!(
                text.lines().any(|other| other == line),
                "no {line}:\n{text}"
            );
        }
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn before_the_first_pass_there_is_a_page_too() {
        let text = Page::new("-", &[], None).text();
        assert!(text.contains("framehaul_run_info"), "{text}");
    }
}
