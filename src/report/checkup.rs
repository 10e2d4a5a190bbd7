//! A machine as text: each figure with what it means for which mode.

use super::style::Style;
use super::units::{BANDWIDTH_NOT_MEASURED, bytes, digits, plural, time};
use crate::measure::{Limits, ShmSpace, Survey};

/// The frame that the figures are applied to: 3840 × 2160 RGB, 16 bits a sample.
const FRAME_4K: f64 = 49_766_400.0;

/// Its pages.
const PAGES_4K: f64 = FRAME_4K / 4096.0;

/// What was found, line by line, and what follows from it.
///
/// ```
/// use framehaul::measure::{Limits, Survey};
/// use framehaul::report::{Style, checkup};
/// let limits = Limits { memcpy_gb_per_s: Some(11.6), read_gb_per_s: Some(57.2), wakeup_us: 8.4, kernel: None };
/// assert!(checkup(&Survey::take(), &limits, Style::plain(80)).contains("57.2 GB/s"));
/// ```
pub fn checkup(survey: &Survey, limits: &Limits, style: Style) -> String {
    let lines = [
        processor(survey),
        reading(limits),
        copying(limits),
        waking(limits),
        kernel(limits),
        memory(survey),
        cgroup(survey),
        dev_shm(survey),
        huge_pages(survey),
        descriptors(survey),
        locked(survey),
        ffmpeg(survey),
    ];
    let machine = &survey.machine;
    let title = format!("{}, {}, {}", machine.cpu, machine.os, machine.kernel);
    let mut text = style.strong(&title);
    if cfg!(debug_assertions) {
        let caution = "This is a build without optimisation: what it measures is too low.";
        text += &format!("\n{}", style.strong(caution));
    }
    for Line { name, found, means } in lines {
        text += "\n\n";
        let found = style.wrap(&format!("{name:<15}{found}"), 15);
        text += &found;
        text += "\n";
        // The indent is part of the text, so that the first line has it too.
        let narrower = Style::plain(style.width.saturating_sub(15).max(20));
        for line in narrower.wrap(&means, 0).lines() {
            text += &format!("{:15}{line}\n", "");
        }
        text.truncate(text.trim_end().len());
    }
    text
}

/// What was found, and what it means.
struct Line {
    name: &'static str,
    found: String,
    means: String,
}

fn processor(survey: &Survey) -> Line {
    let cores = survey.machine.cores;
    let mut found = format!("{} for this process", plural(cores as u64, "core"));
    if let (Some(allowed), Some(online)) = (&survey.cpus_allowed, &survey.cpus_online) {
        found += &format!(" (may run on {allowed}, online are {online}");
        if let Some(quota) = survey.cgroup.cores {
            found += &format!(", control group quota {}", digits(quota));
        }
        found += ")";
    }
    let means = "All modes but sequential: more workers than this only take turns.";
    Line {
        name: "processor",
        found,
        means: means.into(),
    }
}

fn reading(limits: &Limits) -> Line {
    let means = match limits.read_gb_per_s {
        Some(speed) => format!(
            "no analyzer reads a 4K frame of 49.8 MB in less than {}; {} such frames a second are \
             the ceiling.",
            time(FRAME_4K / speed),
            digits(1e9 * speed / FRAME_4K)
        ),
        None => "no analyzer is faster than memory can be read, however fast that is.".into(),
    };
    Line {
        name: "read",
        found: bandwidth(limits.read_gb_per_s, "from"),
        means: format!("mmap, path and threads: {means}"),
    }
}

fn copying(limits: &Limits) -> Line {
    let means = match limits.memcpy_gb_per_s {
        Some(speed) => format!(
            "each copy of such a frame takes {} at the very least, in warm buffers; shipping a \
             frame copies it several times.",
            time(FRAME_4K / speed)
        ),
        None => "shipping a frame copies it several times.".into(),
    };
    Line {
        name: "copy",
        found: bandwidth(limits.memcpy_gb_per_s, "in"),
        means: format!("payload and payload-raw: {means}"),
    }
}

fn bandwidth(gb_per_s: Option<f64>, place: &str) -> String {
    match gb_per_s {
        Some(speed) => format!("{} GB/s {place} memory, all cores", digits(speed)),
        None => BANDWIDTH_NOT_MEASURED.into(),
    }
}

fn waking(limits: &Limits) -> Line {
    Line {
        name: "wake-up",
        found: format!("{} there and back", time(limits.wakeup_us * 1e3)),
        means: "All worker modes: a ticket to a sleeping worker and its answer cannot take less. \
                Where it is near a frame's compute time, batches hide it."
            .into(),
    }
}

fn kernel(limits: &Limits) -> Line {
    let Some(costs) = limits.kernel else {
        return Line {
            name: "kernel",
            found: BANDWIDTH_NOT_MEASURED.into(),
            means: "payload and payload-raw: their frames go through sockets, into fresh memory."
                .into(),
        };
    };
    let seconds = |gb_per_s: f64| FRAME_4K / gb_per_s;
    let passes = seconds(costs.send_gb_per_s) + seconds(costs.receive_gb_per_s);
    Line {
        name: "kernel",
        found: format!(
            "reads {} GB/s out of its cache, takes {} GB/s into sockets and gives {} GB/s out of them, all \
             cores; {} a page fault{}",
            digits(costs.read_gb_per_s),
            digits(costs.send_gb_per_s),
            digits(costs.receive_gb_per_s),
            time(costs.fault_us * 1e3),
            costs
                .switch_us
                .map_or(String::new(), |us| format!(", {} a switch", time(us * 1e3))),
        ),
        means: format!(
            "path and shm: {} at least to read a 4K frame, if all cores do. payload and payload-raw: {} for \
             it to pass a socket, and {} of one core for the memory that it arrives in.",
            time(seconds(costs.read_gb_per_s)),
            time(passes),
            time(costs.fault_us * 1e3 * PAGES_4K),
        ),
    }
}

fn memory(survey: &Survey) -> Line {
    let total = survey.machine.memory_bytes as f64;
    let (available, means) = match survey.memory_available_bytes {
        Some(available) => {
            let frames = (available as f64 / FRAME_4K).floor();
            let means = format!(
                "mmap and path: an input of more than {} does not stay in the page cache, and is \
                 read from disk again each pass. payload holds several copies of each frame in \
                 flight, out of room for {frames:.0} 4K frames.",
                bytes(available as f64)
            );
            (bytes(available as f64), means)
        }
        None => ("an unknown amount".into(), "No advice without it.".into()),
    };
    Line {
        name: "memory",
        found: format!("{}, {available} available", bytes(total)),
        means,
    }
}

fn cgroup(survey: &Survey) -> Line {
    let (found, means) = match survey.cgroup.memory {
        None => (
            "no memory limit by a control group".into(),
            "All modes: only the machine's own memory bounds a run.".into(),
        ),
        Some(memory) => (
            format!(
                "memory limit {}, {} in use",
                bytes(memory.limit_bytes as f64),
                bytes(memory.used_bytes as f64)
            ),
            "All modes: who passes it is killed, not refused. It counts payload copies, \
             and the page cache that mmap and path fill, which is given back first."
                .into(),
        ),
    };
    Line {
        name: "control group",
        found,
        means,
    }
}

fn dev_shm(survey: &Survey) -> Line {
    let space = |space: ShmSpace| {
        let (total, free) = (space.total_bytes as f64, space.free_bytes as f64);
        format!("{}, {} free", bytes(total), bytes(free))
    };
    Line {
        name: "/dev/shm",
        found: survey.dev_shm.map_or("not there".into(), space),
        means: "No mode needs a file there: shared memory without a name (memfd) is bound by \
                memory and control group alone."
            .into(),
    }
}

fn huge_pages(survey: &Survey) -> Line {
    let huge = &survey.huge_pages;
    let word = |setting: &Option<String>| setting.clone().unwrap_or_else(|| "unknown".into());
    let mut found = format!(
        "transparent: {}, in shared memory: {}",
        word(&huge.transparent),
        word(&huge.shared)
    );
    if let (Some(total), Some(free), Some(size)) =
        (huge.reserved, huge.reserved_free, huge.page_bytes)
    {
        let size = bytes(size as f64);
        found += &format!("; reserved: {total} of {size}, {free} free");
    }
    let means = match huge.transparent.as_deref() {
        Some("always") => {
            "payload: fresh buffers come in huge pages, so fewer faults. mmap and path: the page \
             cache has small pages all the same."
        }
        _ => {
            "payload: a fresh buffer faults once for each small page, 12,150 times for a 4K \
             frame; buffers that are used again do not."
        }
    };
    Line {
        name: "huge pages",
        found,
        means: means.into(),
    }
}

fn descriptors(survey: &Survey) -> Line {
    Line {
        name: "descriptors",
        found: survey
            .open_files
            .map_or("no limit".into(), |limit| format!("{limit} open files")),
        means: "All worker modes: a worker takes some ten of them, and an input of one file a \
                frame takes one for each that is open."
            .into(),
    }
}

fn locked(survey: &Survey) -> Line {
    Line {
        name: "locked memory",
        found: survey
            .locked_memory_bytes
            .map_or("no limit".into(), |limit| bytes(limit as f64)),
        means: "No mode relies on it: frames are populated, not locked.".into(),
    }
}

fn ffmpeg(survey: &Survey) -> Line {
    let (found, means) = match &survey.ffmpeg {
        Some(ffmpeg) => (
            format!(
                "{}, version {}",
                ffmpeg.path.display(),
                ffmpeg.version.as_deref().unwrap_or("unknown")
            ),
            "Compressed video can be read.",
        ),
        None => (
            "not found".into(),
            "Compressed video cannot be read. Raw video (.y4m), arrays (.npy) and pictures can.",
        ),
    };
    Line {
        name: "ffmpeg",
        found,
        means: means.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::KernelCosts;

    #[test]
    fn every_line_fits_and_says_what_it_means() {
        let limits = Limits {
            memcpy_gb_per_s: Some(10.0),
            read_gb_per_s: Some(50.0),
            wakeup_us: 8.4,
            kernel: Some(KernelCosts {
                read_gb_per_s: 9.0,
                send_gb_per_s: 6.5,
                receive_gb_per_s: 7.25,
                fault_us: 1.4,
                switch_us: Some(2.1),
            }),
        };
        let unknown = Limits {
            memcpy_gb_per_s: None,
            read_gb_per_s: None,
            kernel: None,
            ..limits
        };
        let mut survey = Survey::take();
        // A path is broken nowhere, however long it is.
        if let Some(ffmpeg) = &mut survey.ffmpeg {
            ffmpeg.path = "/usr/bin/ffmpeg".into();
        }
        for (width, limits) in [(80, limits), (120, limits), (80, unknown), (120, unknown)] {
            let text = checkup(&survey, &limits, Style::plain(width));
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{line}");
            }
        }
        // One line, however it is wrapped.
        let text = checkup(&survey, &limits, Style::plain(10_000));
        assert!(text.contains("in less than 995 µs"), "{text}");
        assert!(text.contains("1005 such frames"), "{text}");
        assert!(
            text.contains("1.40 µs a page fault, 2.10 µs a switch"),
            "{text}"
        );
        assert!(text.contains("17.0 ms of one core"), "{text}");
    }
}
