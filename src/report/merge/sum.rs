//! The report of the whole, from those of the pieces: what adds up, what is a peak, what is a rate.

use super::super::merged::{Merged, Part};
use super::super::schema::{Cpu, Memory, Report, SCHEMA, Totals, Workload, summaries};
use super::super::timeline::Timeline;
use super::super::units::{list, plural, time};
use super::pieces::Piece;
use crate::measure::{Limits, Machine, StageHistograms};
use crate::pipeline::SlotsUsed;
use std::collections::BTreeMap;

/// The report of pieces in the order of their frames, with the histograms and the digest of all
/// together. There is at least one piece.
pub(super) fn report(pieces: &[Piece], stages: &StageHistograms, digest: String) -> Report {
    let all: Vec<&Report> = pieces.iter().map(|piece| &piece.report).collect();
    let totals = totals(&all);
    let merged = Merged::of(all.iter().flat_map(|report| Part::of(report)).collect());
    Report {
        schema: SCHEMA,
        tool: concat!("framehaul ", env!("CARGO_PKG_VERSION")).into(),
        command: Vec::new(),
        begun_unix_s: merged.begun_unix_s(),
        finished_unix_s: greatest(&all, |report| report.finished_unix_s),
        machine: machine(&merged.parts),
        workload: workload(&all),
        limits: limits(&all),
        memory: Memory {
            peak_anon_bytes: most(&all, |report| report.memory.peak_anon_bytes),
            peak_shared_bytes: most(&all, |report| report.memory.peak_shared_bytes),
        },
        slots: slots(&all),
        cpu: cpu(&all, totals.wall_s),
        stages: summaries(stages),
        // A pass of one piece is no pass of the whole, took no turns with any, and had a time of its own.
        passes: Vec::new(),
        alternation: None,
        timeline: Timeline::default(),
        findings_digest: digest,
        // What an earlier one did not come to is in the next.
        incomplete: all[all.len() - 1].incomplete.clone(),
        notes: notes(&all, &merged, totals.wall_s),
        totals,
        merged: Some(merged),
    }
}

fn sum(all: &[&Report], of: impl Fn(&Report) -> u64) -> u64 {
    let values = all.iter().map(|report| of(report));
    values.fold(0, u64::saturating_add)
}

fn seconds(all: &[&Report], of: impl Fn(&Report) -> f64) -> f64 {
    all.iter().map(|report| of(report)).sum()
}

fn most<T: Ord + Default>(all: &[&Report], of: impl Fn(&Report) -> T) -> T {
    all.iter()
        .map(|report| of(report))
        .max()
        .unwrap_or_default()
}

fn greatest(all: &[&Report], of: impl Fn(&Report) -> f64) -> f64 {
    all.iter().map(|report| of(report)).fold(0.0, f64::max)
}

/// The mean of a figure, each report's as heavy as `weight` says; none where one has none.
fn mean(
    all: &[&Report],
    weight: impl Fn(&Report) -> f64,
    of: impl Fn(&Report) -> Option<f64>,
) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for report in all {
        let weight = weight(report).max(1e-9);
        sum += weight * of(report)?;
        weights += weight;
    }
    (weights > 0.0).then(|| sum / weights)
}

fn frames(report: &Report) -> f64 {
    report.totals.frames as f64
}

fn wall(report: &Report) -> f64 {
    report.totals.wall_s
}

fn workload(all: &[&Report]) -> Workload {
    let (first, last) = (&all[0].workload, &all[all.len() - 1].workload);
    // Where machines differ, what the same milliseconds are does too.
    let calibrations = first.calibrations.iter().filter(|(name, steps)| {
        let same = |report: &&Report| report.workload.calibrations.get(*name) == Some(*steps);
        all.iter().all(same)
    });
    Workload {
        frames: first.frames.start..last.frames.end,
        // Whoever names the input anew may have had two of them.
        set: first
            .set
            .filter(|_| all.iter().all(|report| report.workload.set == first.set)),
        identity: first.identity.clone().filter(|_| {
            all.iter()
                .all(|report| report.workload.identity == first.identity)
        }),
        workers: most(all, |report| report.workload.workers),
        calibrations: calibrations
            .map(|(name, &steps)| (name.clone(), steps))
            .collect(),
        batch: most(all, |report| report.workload.batch),
        cache_resident: mean(all, frames, |report| Some(report.workload.cache_resident))
            .unwrap_or(0.0),
        warmup: all
            .iter()
            .map(|report| report.workload.warmup)
            .min()
            .unwrap_or(0),
        ..first.clone()
    }
}

fn totals(all: &[&Report]) -> Totals {
    let passes = all[0].totals.pass_wall_s.len();
    let pass = |n: usize| seconds(all, |report| report.totals.pass_wall_s[n]);
    let pass_wall_s: Vec<f64> = (0..passes).map(pass).collect();
    let wall_s = pass_wall_s.iter().sum();
    let frames_analysed = sum(all, |report| report.totals.frames_analysed);
    let fps = if wall_s > 0.0 {
        frames_analysed as f64 / wall_s
    } else {
        0.0
    };
    let bytes_per_frame = all[0].workload.bytes_per_frame as f64;
    let a_frame = |of: fn(&Totals) -> f64| mean(all, frames, |report| Some(of(&report.totals)));
    let paced = all[0].workload.fps.is_some();
    let mut dropped = BTreeMap::new();
    for (&why, frames) in all.iter().flat_map(|report| &report.totals.dropped) {
        *dropped.entry(why).or_default() += frames;
    }
    // Of those that show a limit: who keeps the pace shows none.
    let limited = all
        .iter()
        .filter(|report| report.totals.max_sustained_fps.is_some());
    let limited: Vec<&Report> = limited.copied().collect();
    // All their frames, over the time that each took for its own.
    let seconds_a_frame = mean(&limited, frames, |report| {
        report.totals.max_sustained_fps.map(f64::recip)
    });
    let sustained = seconds_a_frame.map(f64::recip);
    Totals {
        wall_s,
        pass_wall_s,
        frames: sum(all, |report| report.totals.frames),
        frames_analysed,
        fps,
        gb_per_s: fps * bytes_per_frame / 1e9,
        shipped_bytes_per_frame: a_frame(|of| of.shipped_bytes_per_frame).unwrap_or(0.0),
        overlap_bytes_per_frame: a_frame(|of| of.overlap_bytes_per_frame).unwrap_or(0.0),
        deadline_misses: all.iter().map(|report| report.totals.deadline_misses).sum(),
        // One that falls behind is enough to say that the mode does.
        keeps_up: paced.then(|| {
            all.iter()
                .all(|report| report.totals.keeps_up == Some(true))
        }),
        backlog_frames_per_s: mean(all, wall, |report| report.totals.backlog_frames_per_s),
        max_sustained_fps: match paced {
            true => sustained,
            false => (wall_s > 0.0).then_some(fps),
        },
        frames_failed: sum(all, |report| report.totals.frames_failed),
        frames_dropped: sum(all, |report| report.totals.frames_dropped),
        dropped,
        workers_died: sum(all, |report| report.totals.workers_died),
    }
}

/// Over the time of each: what all could have done in theirs, over all of it.
fn limits(all: &[&Report]) -> Limits {
    Limits {
        memcpy_gb_per_s: mean(all, wall, |report| report.limits.memcpy_gb_per_s),
        read_gb_per_s: mean(all, wall, |report| report.limits.read_gb_per_s),
        wakeup_us: mean(all, wall, |report| Some(report.limits.wakeup_us)).unwrap_or(0.0),
        // They are of a machine, and explain the times of one.
        kernel: None,
    }
}

fn slots(all: &[&Report]) -> Option<SlotsUsed> {
    let used = all.iter().filter_map(|report| report.slots);
    used.reduce(|one, other| SlotsUsed {
        count: one.count.max(other.count),
        bytes: one.bytes.max(other.bytes),
        huge_bytes: one.huge_bytes.max(other.huge_bytes),
    })
}

fn cpu(all: &[&Report], wall_s: f64) -> Cpu {
    let (user_s, system_s) = (
        seconds(all, |report| report.cpu.user_s),
        seconds(all, |report| report.cpu.system_s),
    );
    Cpu {
        user_s,
        system_s,
        cores_busy: if wall_s > 0.0 {
            (user_s + system_s) / wall_s
        } else {
            0.0
        },
        minor_faults: sum(all, |report| report.cpu.minor_faults),
        major_faults: sum(all, |report| report.cpu.major_faults),
        voluntary_switches: sum(all, |report| report.cpu.voluntary_switches),
        involuntary_switches: sum(all, |report| report.cpu.involuntary_switches),
    }
}

/// The machine, if it is the same in all; else the names of all of them, so that it is none of them,
/// and the most that any has.
fn machine(parts: &[Part]) -> Machine {
    let names = |of: fn(&Machine) -> &String| list(&distinct(parts, |part| of(&part.machine)));
    let machines = || parts.iter().map(|part| &part.machine);
    let most = |of: fn(&Machine) -> u64| machines().map(of).max().unwrap_or(0);
    Machine {
        cpu: names(|machine| &machine.cpu),
        cores: machines().map(|machine| machine.cores).max().unwrap_or(0),
        last_cache_bytes: machines()
            .filter_map(|machine| machine.last_cache_bytes)
            .max(),
        memory_bytes: most(|machine| machine.memory_bytes),
        page_bytes: most(|machine| machine.page_bytes),
        kernel: names(|machine| &machine.kernel),
        os: names(|machine| &machine.os),
    }
}

/// The values that occur, each once, in the order of the frames.
fn distinct<'a, T: PartialEq>(parts: &'a [Part], of: impl Fn(&'a Part) -> T) -> Vec<T> {
    let mut values = Vec::new();
    for value in parts.iter().map(of) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// How notes of a piece begin, and no others of a merged report.
const OF_A_PIECE: &str = "frames ";

/// How it came about, what differs, what the pieces had to say, and what speaks against trusting them.
fn notes(all: &[&Report], merged: &Merged, wall_s: f64) -> Vec<String> {
    let parts = &merged.parts;
    let mut notes = vec![format!(
        "merged from {}, and its figures are those of one after the other: {} together, {} from the \
         start of the first to the end of the last",
        plural(parts.len() as u64, "run"),
        time(wall_s * 1e9),
        time(merged.elapsed_s * 1e9)
    )];
    let mut differ = |what: &str, values: Vec<String>| {
        if values.len() > 1 {
            notes.push(format!("the runs differ in {what}: {}", list(&values)));
        }
    };
    differ("workers", distinct(parts, |part| part.workers.to_string()));
    differ(
        "frames a job",
        distinct(parts, |part| part.batch.to_string()),
    );
    differ("version", distinct(parts, |part| part.tool.clone()));
    if distinct(parts, |part| &part.machine).len() > 1 {
        notes.push("the runs were on machines that differ".into());
    }
    for report in all {
        if report.merged.is_some() {
            // What it says of itself is said anew.
            let of_pieces = report.notes.iter();
            let of_pieces = of_pieces.filter(|note| note.starts_with(OF_A_PIECE));
            notes.extend(of_pieces.cloned());
            continue;
        }
        // What they rest on is in its passes, which are not kept.
        let doubts = report.doubts().into_iter().map(|doubt| doubt.sentence);
        let frames = &report.workload.frames;
        let said = report.notes.iter().cloned().chain(doubts);
        notes.extend(said.map(|note| format!("{OF_A_PIECE}{frames:?}: {note}")));
    }
    notes
}
