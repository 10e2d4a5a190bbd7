//! What a set of runs says about shipping pixels: the story that `framehaul demo` tells.

use super::schema::Report;
use super::style::Style;
use super::table::of_limit;
use super::units::{ABSENT, bytes, digits, pace, time};
use crate::stage::Stage;

/// From this factor on, one of two is faster.
const CLEAR: f64 = 1.05;

/// The same frames, flat out and paced, in the same modes each.
pub struct Story<'a> {
    /// Flat out.
    pub flat: &'a [Report],
    /// At a pace.
    pub paced: &'a [Report],
}

impl Story<'_> {
    /// Two tables and what they mean.
    pub fn tell(&self, style: Style) -> String {
        let mut parts = vec![
            style.strong("Flat out"),
            self.flat_table(style),
            String::new(),
            style.strong(&self.paced_title()),
            self.paced_table(style),
            String::new(),
            style.strong("What it means"),
        ];
        for line in self.meaning() {
            parts.push(style.wrap(&format!("* {line}"), 2));
        }
        parts.join("\n")
    }

    fn flat_table(&self, style: Style) -> String {
        let wanted = self.pace();
        let cores = format!("cores for {} fps", pace(wanted));
        let header = [
            "mode",
            "frames/s",
            "GB/s, of limit",
            "CPU a frame",
            &cores,
            "memory",
            "shipped a frame",
        ];
        let rows: Vec<Vec<String>> = self
            .flat
            .iter()
            .map(|run| {
                let slots = run.slots.map_or(0, |slots| slots.bytes);
                let memory = run.memory.peak_anon_bytes + slots;
                vec![
                    run.workload.mode.clone(),
                    digits(run.totals.fps),
                    of_limit(run.totals.gb_per_s, run.limits.read_gb_per_s),
                    time(cpu_per_frame(run) * 1e9),
                    format!("{:.2}", cpu_per_frame(run) * wanted),
                    bytes(memory as f64),
                    bytes(run.totals.shipped_bytes_per_frame),
                ]
            })
            .collect();
        style.table(&header, &rows, 1)
    }

    fn paced_title(&self) -> String {
        let Some(run) = self.paced.first() else {
            return String::new();
        };
        let demanded = self.pace() * run.workload.bytes_per_frame as f64 / 1e9;
        format!(
            "At {} frames a second: {demanded:.2} GB/s demanded",
            pace(self.pace())
        )
    }

    fn paced_table(&self, style: Style) -> String {
        let header = [
            "mode",
            "keeps up",
            "achieved",
            "late frames",
            "backlog grows by",
            "median delay",
        ];
        let rows: Vec<Vec<String>> = self
            .paced
            .iter()
            .map(|run| {
                let totals = &run.totals;
                let keeps_up = totals.keeps_up == Some(true);
                let fps = totals.max_sustained_fps.unwrap_or(self.pace());
                let achieved = fps * run.workload.bytes_per_frame as f64 / 1e9;
                let late = totals.deadline_misses.unwrap_or(0);
                let delay = run.stages.get(&Stage::EndToEnd);
                vec![
                    run.workload.mode.clone(),
                    if keeps_up { "yes" } else { "NO" }.into(),
                    format!("{achieved:.2} GB/s"),
                    format!("{late} of {}", totals.frames),
                    match totals.backlog_frames_per_s {
                        Some(rate) if !keeps_up => format!("{} frames/s", digits(rate)),
                        _ => ABSENT.into(),
                    },
                    // Of a mode that falls behind it would say how long the run was.
                    match delay.and_then(|stage| stage.p50_ns) {
                        Some(ns) if keeps_up => time(ns as f64),
                        _ => ABSENT.into(),
                    },
                ]
            })
            .collect();
        style.table(&header, &rows, 1)
    }

    /// The frames a second that were asked for.
    fn pace(&self) -> f64 {
        let paced = self.paced.first();
        paced.and_then(|run| run.workload.fps).unwrap_or(0.0)
    }

    fn of(&self, mode: &str) -> Option<&Report> {
        self.flat.iter().find(|run| run.workload.mode == mode)
    }

    /// Sentences, from the figures alone: each is left out where its figures are missing or a run has
    /// analysed nothing, and one that compares speeds says the opposite where they do.
    fn meaning(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let payload = self.of("payload");
        if let Some(payload) = payload
            && let Some(copies) = copies(payload)
        {
            lines.push(format!(
                "Copying dominates: of a payload frame, serialising takes {}, the way through the \
                 kernel {} and deserialising {}; analysing it takes {}.",
                time(copies[0]),
                time(copies[1]),
                time(copies[2]),
                time(mean(payload, Stage::Compute)),
            ));
            let frame = payload.workload.bytes_per_frame as f64;
            let peak = payload.memory.peak_anon_bytes as f64;
            lines.push(format!(
                "The copies are in memory at the same time: payload peaks at {}, {:.0} times the \
                 frame of {}, with {} workers.",
                bytes(peak),
                peak / frame,
                bytes(frame),
                payload.workload.workers
            ));
        }
        if let (Some(payload), Some(alone)) = (payload, self.of("sequential"))
            && let Some(ratio) = times_as_fast(alone, payload)
        {
            lines.push(if ratio > CLEAR {
                format!(
                    "Parallel is slower: payload with {} workers takes {ratio:.1} times as long as \
                     one thread that does everything.",
                    payload.workload.workers
                )
            } else {
                format!(
                    "Here payload with {} workers is not slower than one thread that does \
                     everything: it takes {ratio:.2} times as long.",
                    payload.workload.workers
                )
            });
        }
        let shipped = self
            .flat
            .iter()
            .filter(|run| run.workload.mode.starts_with("payload"));
        for run in shipped {
            if let Some(mmap) = self.of("mmap")
                && let Some(ratio) = times_as_fast(mmap, run)
            {
                let mode = &run.workload.mode;
                let ships = format!(
                    "ships {} instead of {} a frame",
                    bytes(mmap.totals.shipped_bytes_per_frame),
                    bytes(run.totals.shipped_bytes_per_frame),
                );
                lines.push(if ratio > CLEAR {
                    format!(
                        "The same pool with a reference instead of pixels: mmap is {ratio:.1} \
                         times as fast as {mode} and {ships}."
                    )
                } else {
                    format!(
                        "Here the same pool with a reference instead of pixels is not faster: mmap \
                         is {ratio:.2} times as fast as {mode}, and {ships}."
                    )
                });
            }
        }
        if let (Some(slots), Some(mmap)) = (self.of("shm"), self.of("mmap"))
            && let Some(ratio) = times_as_fast(mmap, slots)
        {
            lines.push(if ratio > CLEAR {
                format!(
                    "Frames in a file need no slots: shm, which copies each of them once more, \
                     takes {ratio:.1} times as long as mmap. It is for frames that are in no file."
                )
            } else {
                format!(
                    "Here shm is not slower than mmap, although it copies each frame once more: it \
                     takes {ratio:.2} times as long."
                )
            });
        }
        for run in self.paced {
            let Some(backlog) = run.totals.backlog_frames_per_s else {
                continue;
            };
            if run.totals.keeps_up == Some(false) {
                lines.push(format!(
                    "{} falls behind by {} frames each second: {} of backlog a minute.",
                    run.workload.mode,
                    digits(backlog),
                    bytes(backlog * 60.0 * run.workload.bytes_per_frame as f64),
                ));
            } else if let Some(flat) = self.of(&run.workload.mode)
                && run.workload.mode == "payload-raw"
            {
                lines.push(format!(
                    "payload-raw keeps up, at a price: {:.2} cores for this pace.",
                    cpu_per_frame(flat) * self.pace()
                ));
            }
        }
        let digests: std::collections::HashSet<_> =
            self.flat.iter().map(|run| &run.findings_digest).collect();
        lines.push(if digests.len() == 1 {
            "All modes found exactly the same.".into()
        } else {
            "The modes did NOT find the same: do not trust these figures.".into()
        });
        lines
    }
}

/// How many times as fast; none where one of them has no speed to speak of.
fn times_as_fast(fast: &Report, slow: &Report) -> Option<f64> {
    let (fast, slow) = (fast.totals.fps, slow.totals.fps);
    (fast > 0.0 && slow > 0.0).then(|| fast / slow)
}

fn cpu_per_frame(run: &Report) -> f64 {
    (run.cpu.user_s + run.cpu.system_s) / run.totals.frames_analysed.max(1) as f64
}

fn mean(run: &Report, stage: Stage) -> f64 {
    run.stages.get(&stage).map_or(0.0, |stage| stage.mean_ns)
}

/// Mean times of serialising, transfer and deserialising, if the run has them.
fn copies(run: &Report) -> Option<[f64; 3]> {
    let stages = [Stage::Serialize, Stage::Transfer, Stage::Deserialize];
    let all = stages.iter().all(|stage| run.stages.contains_key(stage));
    all.then(|| stages.map(|stage| mean(run, stage)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn meaning(flat: &[Report]) -> String {
        Story { flat, paced: &[] }.meaning().join("\n")
    }

    #[test]
    fn sentences_say_who_is_faster_whoever_that_is() {
        let mode = |of: Report, mode: &str, fps: f64| {
            let mut of = of;
            of.workload.mode = mode.into();
            of.totals.fps = fps;
            of
        };
        let told = |mmap: f64| {
            meaning(&[
                mode(samples::payload(), "payload", 100.0),
                mode(samples::threads(), "sequential", mmap),
                mode(samples::mmap(), "mmap", mmap),
                mode(samples::mmap(), "shm", 100.0),
            ])
        };
        let fast = told(250.0);
        for said in [
            "payload with 2 workers takes 2.5 times as long as one thread",
            "mmap is 2.5 times as fast as payload and ships 24 B instead of 49.8 MB a frame.",
            "need no slots: shm, which copies each of them once more, takes 2.5 times as long",
        ] {
            assert!(fast.contains(said), "{said:?} is missing:\n{fast}");
        }
        let slow = told(90.0);
        for said in [
            "not slower than one thread that does everything: it takes 0.90 times as long.",
            "not faster: mmap is 0.90 times as fast as payload, and ships 24 B instead of",
            "shm is not slower than mmap, although it copies each frame once more: it takes 0.90",
        ] {
            assert!(slow.contains(said), "{said:?} is missing:\n{slow}");
        }
        // Where a run has analysed nothing, nothing is said of its speed.
        let none = told(0.0);
        for said in ["as fast", "as long", "slower", "inf", "NaN"] {
            assert!(!none.contains(said), "{said:?}:\n{none}");
        }
    }
}
