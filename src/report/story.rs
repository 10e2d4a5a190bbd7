//! What a set of runs says about shipping pixels: the story that `framehaul demo` tells.

use super::ratios::throughput;
use super::schema::Report;
use super::style::Style;
use super::table::of_limit;
use super::units::{ABSENT, bytes, digits, factor, factors, pace, time};
use crate::stage::Stage;
use crate::statistics::Estimate;

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
            let (workers, times) = (payload.workload.workers, times(ratio, "long"));
            lines.push(if ratio.low > 1.0 {
                format!(
                    "Parallel is slower: payload with {workers} workers takes {times} as one thread that \
                     does everything."
                )
            } else {
                format!(
                    "Here payload with {workers} workers is not clearly slower than one thread that does \
                     everything: it takes {times}."
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
                let times = times(ratio, "fast");
                lines.push(if ratio.low > 1.0 {
                    format!(
                        "The same pool with a reference instead of pixels: mmap is {times} as {mode}, and \
                         {ships}."
                    )
                } else {
                    format!(
                        "Here the same pool with a reference instead of pixels is not clearly faster: mmap \
                         is {times} as {mode}, and {ships}."
                    )
                });
            }
        }
        if let (Some(slots), Some(mmap)) = (self.of("shm"), self.of("mmap"))
            && let Some(ratio) = times_as_fast(mmap, slots)
        {
            let times = times(ratio, "long");
            lines.push(if ratio.low > 1.0 {
                format!(
                    "Frames in a file need no slots: shm, which copies each of them once more, \
                     takes {times} as mmap. It is for frames that are in no file."
                )
            } else {
                format!(
                    "Here shm is not clearly slower than mmap, although it copies each frame once more: it \
                     takes {times}."
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

/// How many times as fast; none where that is not known, with where it lies.
fn times_as_fast(fast: &Report, slow: &Report) -> Option<Estimate> {
    throughput(slow, fast)
}

/// `87 times as fast (95 %: 85 to 90)`.
fn times(of: Estimate, what: &str) -> String {
    let (times, lies) = (factor(of.value), factors(of));
    format!("{times} times as {what} (95 %: {lies})")
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
            let mut of = samples::taking_turns(of, &[15.0 / fps; 6]);
            of.workload.mode = mode.into();
            of
        };
        let told = |mmap: f64| {
            meaning(&[
                mode(samples::payload(), "payload", 1.0),
                mode(samples::threads(), "sequential", mmap),
                mode(samples::mmap(), "mmap", mmap),
                mode(samples::mmap(), "shm", 1.0),
            ])
        };
        let fast = told(2.5);
        for said in [
            "payload with 2 workers takes 2.5 times as long (95 %: 2.5 to 2.5) as one thread",
            "mmap is 2.5 times as fast (95 %: 2.5 to 2.5) as payload, and ships 24 B instead of 49.8 MB",
            "need no slots: shm, which copies each of them once more, takes 2.5 times as long",
        ] {
            assert!(fast.contains(said), "{said:?} is missing:\n{fast}");
        }
        let slow = told(0.9);
        for said in [
            "not clearly slower than one thread that does everything: it takes 0.900 times as long (95 %: ",
            "not clearly faster: mmap is 0.900 times as fast (95 %: 0.900 to 0.900) as payload, and ships",
            "shm is not clearly slower than mmap, although it copies each frame once more: it takes 0.900",
        ] {
            assert!(slow.contains(said), "{said:?} is missing:\n{slow}");
        }
    }

    #[test]
    fn of_what_is_not_known_nothing_is_said() {
        let mode = |of: Report, mode: &str| {
            let mut of = of;
            of.workload.mode = mode.into();
            of
        };
        let (payload, mmap) = (samples::payload(), samples::mmap());
        let stopped = |mut of: Report| {
            of.totals.fps = 0.0;
            of.totals.frames_analysed = 0;
            of.passes
                .iter_mut()
                .for_each(|pass| pass.frames_analysed = 0);
            of
        };
        let few = |of: Report| samples::taking_turns(of, &[1.0; 5]);
        let none = |of: Report| stopped(samples::taking_turns(of, &[1.0; 6]));
        for of in [&few as &dyn Fn(Report) -> Report, &none] {
            let said = meaning(&[
                of(mode(payload.clone(), "payload")),
                of(mode(mmap.clone(), "mmap")),
                of(mode(mmap.clone(), "sequential")),
                of(mode(mmap.clone(), "shm")),
            ]);
            for word in ["as fast", "as long", "slower", "inf", "NaN"] {
                assert!(!said.contains(word), "{word:?}:\n{said}");
            }
        }
    }
}
