//! A pass as it goes on, in a few lines for a terminal of any width.

use crate::clock::Nanos;
use crate::pipeline::{Gauge, Reading};
use crate::report::units::{ABSENT, bytes, digits, pace, time};
use std::collections::VecDeque;

/// The lines of a pass, made anew whenever they are drawn.
pub(super) struct Live {
    gauge: Gauge,
    /// Which pass it is: `mmap, pass 2 of 3`.
    title: String,
    /// Lately: how long the pass had gone on, and the frames that had been analysed.
    lately: VecDeque<(Nanos, u64)>,
    /// What was shown last.
    shown: String,
}

/// The rate shown is that of so long.
const LATELY: Nanos = 3_000_000_000;

/// What is shown of a pass at one moment.
struct Moment<'a> {
    title: &'a str,
    reading: &'a Reading,
    /// Frames that were analysed a second, lately.
    rate: Option<f64>,
    /// Frames that are due a second.
    fps: Option<f64>,
    /// Frames of the pass.
    frames: Option<u64>,
}

impl Live {
    pub(super) fn new(gauge: &Gauge, title: String) -> Self {
        Self {
            gauge: gauge.clone(),
            title,
            lately: VecDeque::new(),
            shown: String::new(),
        }
    }

    /// The lines now, none wider than `width`.
    pub(super) fn draw(&mut self, width: usize) -> &str {
        if let Some(reading) = self.gauge.read() {
            let moment = Moment {
                title: &self.title,
                rate: rate(&mut self.lately, (reading.elapsed_ns, reading.done())),
                reading: &reading,
                fps: self.gauge.fps(),
                frames: self.gauge.frames(),
            };
            self.shown = moment.lines(width).join("\n");
        }
        &self.shown
    }
}

/// Frames that were analysed a second since some time ago, and takes note of how it stands now.
fn rate(lately: &mut VecDeque<(Nanos, u64)>, now: (Nanos, u64)) -> Option<f64> {
    if lately.back().is_none_or(|last| last.0 < now.0) {
        lately.push_back(now);
    }
    while lately.len() > 2 && lately[1].0 + LATELY <= now.0 {
        lately.pop_front();
    }
    let first = *lately.front()?;
    // A moment says nothing of a rate; at the beginning, the whole pass does.
    let first = if now.0 < LATELY { (0, 0) } else { first };
    let seconds = now.0.saturating_sub(first.0) as f64 / 1e9;
    (seconds > 0.2).then(|| now.1.saturating_sub(first.1) as f64 / seconds)
}

impl Moment<'_> {
    fn lines(&self, width: usize) -> Vec<String> {
        // The last column is left free: some terminals wrap when it is written to.
        let width = width.saturating_sub(1).max(20);
        let mut lines = vec![self.head(width)];
        let mut line = String::new();
        for word in self.words() {
            let length = line.chars().count() + 3 + word.chars().count();
            if !line.is_empty() && length > width {
                lines.push(std::mem::take(&mut line));
            }
            line += if line.is_empty() { "  " } else { " · " };
            line += &word;
        }
        lines.push(line);
        lines.into_iter().map(|line| fit(line, width)).collect()
    }

    /// Which pass, and how far it is.
    fn head(&self, width: usize) -> String {
        let ended = self.reading.ended;
        let so_far = duration(self.reading.elapsed_ns as f64 / 1e9);
        let Some(frames) = self.frames else {
            return format!("{}  {ended} frames in {so_far}", self.title);
        };
        let left = self.left().map_or(ABSENT.into(), duration);
        let text = format!("{ended} of {frames} frames, {left} left");
        let room = width.saturating_sub(self.title.chars().count() + text.chars().count() + 4);
        let bar = match room {
            0..10 => String::new(),
            room => format!("{}  ", bar(ended, frames, room.min(30))),
        };
        format!("{}  {bar}{text}", self.title)
    }

    /// Seconds until the last frame has ended, if it goes on like this.
    fn left(&self) -> Option<f64> {
        let frames = self.frames? as f64;
        let elapsed = self.reading.elapsed_ns as f64 / 1e9;
        let due = self.fps.map_or(0.0, |fps| frames / fps - elapsed);
        let rate = self.rate.filter(|&rate| rate > 0.0)?;
        let undone = match (self.fps, self.reading.keeps_up) {
            // What is left comes when it is due, unless much of what was due is still to come.
            (Some(fps), Some(true)) if (self.reading.backlog as f64) < fps => 0.0,
            // As many of the rest will be dropped as were so far.
            _ => {
                let (done, ended) = (self.reading.done() as f64, self.reading.ended as f64);
                (frames - ended).max(0.0) * (done / ended.max(1.0)) / rate
            }
        };
        Some(due.max(undone).max(0.0))
    }

    /// All else, in words that stay together.
    fn words(&self) -> Vec<String> {
        let reading = self.reading;
        let rate = self.rate.map_or(ABSENT.into(), digits);
        let latency = |ns: Option<Nanos>| ns.map_or(ABSENT.into(), |ns| time(ns as f64));
        let mut words = Vec::new();
        if reading.elapsed_ns == 0 {
            words.push("waiting for the first frame".to_owned());
        } else {
            words.push(match self.fps {
                Some(fps) => format!("{rate} of {} frames/s", pace(fps)),
                None => format!("{rate} frames/s"),
            });
            match reading.keeps_up {
                // How long frames take depends on how long it has gone on.
                Some(false) => words.push("FALLS BEHIND".into()),
                _ => {
                    words.push(format!("p50 {}", latency(reading.p50_ns)));
                    words.push(format!("p99 {}", latency(reading.p99_ns)));
                }
            }
            words.push(format!("backlog {}", reading.backlog));
        }
        let drops = reading.drops();
        if self.fps.is_some() || drops > 0 {
            words.push(format!("{drops} dropped"));
        }
        if reading.failed > 0 {
            words.push(format!("{} failed", reading.failed));
        }
        let memory = reading.memory.anon_bytes + reading.memory.shared_bytes;
        words.push(bytes(memory as f64));
        let workers = reading.workers;
        let idle = workers.alive.saturating_sub(workers.busy);
        words.push(format!("workers {} busy, {idle} idle", workers.busy));
        if workers.died > 0 {
            words.push(format!("{} died", workers.died));
        }
        words
    }
}

fn bar(done: u64, all: u64, width: usize) -> String {
    let share = done as f64 / all.max(1) as f64;
    let full = ((share * width as f64) as usize).min(width);
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

/// A line in so many columns; where it is too long, its end is given up.
fn fit(line: String, width: usize) -> String {
    if line.chars().count() <= width {
        return line;
    }
    let mut short: String = line.chars().take(width - 1).collect();
    short.push('…');
    short
}

/// `12 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::MemoryPeak;
    use crate::pipeline::Dropped;
    use crate::pool::Muster;

    fn reading() -> Reading {
        Reading {
            elapsed_ns: 4_000_000_000,
            ended: 118,
            analysed: 110,
            dropped: [(Dropped::NoSlot, 8)].into(),
            deadline_misses: Some(1),
            keeps_up: Some(true),
            backlog: 2,
            p50_ns: Some(5_310_000),
            p99_ns: None,
            memory: MemoryPeak {
                anon_bytes: 100_000_000,
                shared_bytes: 32_000_000,
            },
            workers: Muster {
                alive: 2,
                busy: 1,
                died: 0,
            },
            ..Reading::default()
        }
    }

    fn lines(reading: &Reading, frames: Option<u64>, width: usize) -> Vec<String> {
        let moment = Moment {
            title: "shm",
            reading,
            rate: Some(29.46),
            fps: Some(30.0),
            frames,
        };
        moment.lines(width)
    }

    #[test]
    fn a_paced_pass_shows_rate_delays_backlog_drops_memory_workers_and_time_left() {
        assert_eq!(
            lines(&reading(), Some(300), 80),
            [
                "shm  ███████████░░░░░░░░░░░░░░░░░░░  118 of 300 frames, 6 s left",
                "  29.5 of 30 frames/s · p50 5.31 ms · p99 – · backlog 2 · 8 dropped · 132 MB",
                "  workers 1 busy, 1 idle",
            ]
        );
        assert_eq!(
            lines(&reading(), Some(300), 40),
            [
                "shm  118 of 300 frames, 6 s left",
                "  29.5 of 30 frames/s · p50 5.31 ms",
                "  p99 – · backlog 2 · 8 dropped",
                "  132 MB · workers 1 busy, 1 idle",
            ]
        );
    }

    #[test]
    fn who_falls_behind_has_no_delays_and_is_done_when_the_rest_is() {
        let behind = Reading {
            keeps_up: Some(false),
            dropped: [].into(),
            workers: Muster {
                alive: 2,
                busy: 2,
                died: 1,
            },
            ..reading()
        };
        let text = lines(&behind, Some(3000), 80).join("\n");
        assert!(
            text.contains("FALLS BEHIND") && !text.contains("p50"),
            "{text}"
        );
        // 2882 frames at 29.46 a second.
        assert!(text.contains("1 min 38 s left"), "{text}");
        assert!(text.contains("1 died"), "{text}");
    }

    #[test]
    fn a_frame_that_is_dropped_or_fails_is_no_speed() {
        assert_eq!(reading().done(), 110);
        let failing = Reading {
            failed: 10,
            ..reading()
        };
        assert_eq!(failing.done(), 100);
    }

    #[test]
    fn what_is_endless_tells_how_long_it_has_gone_on() {
        assert_eq!(lines(&reading(), None, 80)[0], "shm  118 frames in 4 s");
        let before = Reading {
            elapsed_ns: 0,
            ended: 0,
            ..reading()
        };
        let text = lines(&before, None, 80).join("\n");
        assert!(text.contains("waiting for the first frame"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let large = Reading {
            elapsed_ns: u64::MAX / 2,
            ended: 1 << 40,
            backlog: 1 << 40,
            failed: 1 << 40,
            ..reading()
        };
        for width in 0..200 {
            for line in lines(&large, Some(1 << 40), width) {
                assert!(line.chars().count() < width.max(21), "{width}: {line}");
            }
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut lately = VecDeque::new();
        let second = 1_000_000_000;
        assert_eq!(rate(&mut lately, (0, 0)), None);
        assert_eq!(rate(&mut lately, (second, 10)), Some(10.0));
        for n in 2..100 {
            rate(&mut lately, (n * second, 10 * n));
        }
        // Nothing comes any more.
        let after = |s: u64, lately: &mut VecDeque<_>| rate(lately, ((99 + s) * second, 990));
        let soon = after(1, &mut lately).unwrap();
        assert!(soon > 0.0 && soon < 10.0, "{soon}");
        assert_eq!(after(30, &mut lately), Some(0.0));
        assert!(lately.len() < 10);
    }

    #[test]
    fn times_are_told_in_two_units_at_most() {
        for (seconds, text) in [(0.4, "0 s"), (59.6, "1 min 0 s"), (7500.0, "2 h 5 min")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
