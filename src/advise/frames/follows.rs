//! What follows from a race of ways to do frames.

use super::Track;
use crate::advise::verdict::Spent;
use crate::advise::{Advice, Standing, Way, Workload, crossover};
use crate::clock::Nanos;
use crate::error::Result;
use crate::measure::Limits;
use crate::pipeline::{Request, Tried};
use crate::pool::available_workers;
use crate::source::{Place, Source};
use crate::stage::Stage;
use crate::transport::{self, Family};

fn mean_s(tried: &Tried, stage: Stage) -> f64 {
    tried.stages.get(stage).mean() / 1e9
}

fn ships_pixels(way: &Way) -> bool {
    let mode = transport::by_name(&way.mode);
    mode.is_ok_and(|mode| mode.family() == Family::ShipPixels)
}

/// Serialising, the way and deserialising, of a frame.
fn shipping(way: &Way, tried: &Tried) -> f64 {
    let stages = [Stage::Serialize, Stage::Transfer, Stage::Deserialize];
    let job: f64 = stages.iter().map(|&stage| mean_s(tried, stage)).sum();
    job / way.batch as f64
}

impl Track<'_> {
    /// What follows from the race.
    pub(super) fn advice(
        &self,
        standing: Standing,
        limits: &Limits,
        begin: Nanos,
        doubts: Vec<String>,
    ) -> Result<Advice> {
        let ways = &standing.ways;
        let first = self.runners[0].tried.as_ref();
        let round_trip_s = limits.wakeup_us / 1e6;
        let (work_s, crossover) = match &self.request.source {
            Source::Set(_) => {
                let work_s = ways[standing.baseline].each_s;
                let crossover = crossover(ways, available_workers(), work_s, round_trip_s);
                (work_s, crossover)
            }
            Source::Live(_) => {
                let work_s = first.map_or(0.0, |tried| mean_s(tried, Stage::Compute));
                (work_s, None)
            }
        };
        let workload = Workload {
            work_s,
            round_trip_s,
            shipping_s: self.shipping_by_value(limits),
            crossover,
            spent: self.spent(standing.chosen, standing.best().each_s, limits),
            sample: self.sample,
            failed: self.failed,
            whole: self.count,
            enough_s: self.enough(),
            input_fps: self.request.source.fps(),
            cached_share: self.runners[0].plan.cached_share()?,
            doubts,
            command: &|way| command(self.request, way),
        };
        Ok(standing.advice(workload, begin))
    }

    /// Where the time of a frame goes on a way that takes `frame_s` for it.
    fn spent(&self, who: usize, frame_s: f64, limits: &Limits) -> Spent {
        let runner = &self.runners[who];
        let source = &self.request.source;
        let mean = |stage| {
            runner
                .tried
                .as_ref()
                .map_or(0.0, |tried| mean_s(tried, stage))
        };
        let reached = source.format().bytes() as f64 / frame_s / 1e9;
        let slots = runner.plan.slots() > 0;
        let (mut load_s, compute_s) = (mean(Stage::Load), mean(Stage::Compute));
        // What is live may be slow before its bytes are read, where no stage sees it.
        let workers = runner.way.workers.min(available_workers());
        if source.set().is_none() && compute_s < 0.8 * frame_s * workers as f64 {
            load_s = frame_s;
        }
        Spent {
            // One thread waits for nobody.
            frame_s: if runner.way.is_sequential() {
                load_s + compute_s
            } else {
                frame_s
            },
            // More than there are processors do not do more at a time.
            workers,
            load_s,
            loads_alone: slots,
            decodes: match source {
                Source::Set(set) => matches!(set.place(0), Place::Encoded { .. }),
                Source::Live(_) => false,
            },
            compute_s,
            // A reference takes what its message does.
            ship_s: match &runner.tried {
                Some(tried) if ships_pixels(&runner.way) => shipping(&runner.way, tried),
                _ => 0.0,
            },
            of_read_limit: limits.read_gb_per_s.map(|limit| reached / limit),
        }
    }

    /// Shipping a frame by value, as seen where that was tried; elsewhere the least that it takes, two
    /// copies at the machine's limit.
    fn shipping_by_value(&self, limits: &Limits) -> f64 {
        let shipped = self
            .runners
            .iter()
            .filter(|runner| ships_pixels(&runner.way));
        let seen = shipped.filter_map(|of| Some(shipping(&of.way, of.tried.as_ref()?)));
        let least = seen.min_by(f64::total_cmp);
        let bytes = self.request.source.format().bytes() as f64;
        let copies = || {
            limits
                .memcpy_gb_per_s
                .map_or(0.0, |limit| 2.0 * bytes / limit / 1e9)
        };
        let trip = limits.wakeup_us / 1e6;
        least.map_or_else(copies, |seconds| (seconds - trip).max(0.0))
    }
}

/// The command line that runs `request` so.
fn command(request: &Request, way: &Way) -> Vec<String> {
    let mut command = vec!["framehaul".to_owned(), "run".into()];
    // What looks like an option is a file all the same.
    let input = request.source.input();
    let is_option = input.starts_with('-') && input != "-";
    command.push(format!("{}{input}", if is_option { "./" } else { "" }));
    let mut option = |name: &str, value: String| command.extend([name.to_owned(), value]);
    option("--analyze", request.analysis.names().join(","));
    option("--mode", way.mode.clone());
    if !way.is_sequential() {
        option("--workers", way.workers.to_string());
    }
    if request.source.set().is_some() {
        option("--batch", way.batch.to_string());
    }
    if let Some(range) = &request.frames {
        option("--frames", format!("{}..{}", range.start, range.end));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Analysis;
    use crate::measure::StageHistograms;

    #[test]
    fn each_way_has_its_command() {
        let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/data/clip.y4m");
        let request = Request {
            frames: Some(2..9),
            ..Request::new(
                Source::open(clip).unwrap(),
                Analysis::parse("luma,motion").unwrap(),
            )
        };
        let line = |way| command(&request, &way).join(" ");
        let begin = format!("framehaul run {clip} --analyze luma,motion --mode");
        assert_eq!(
            line(Way::new("sequential", 1, 1)),
            format!("{begin} sequential --batch 1 --frames 2..9")
        );
        assert_eq!(
            line(Way::new("mmap", 2, 16)),
            format!("{begin} mmap --workers 2 --batch 16 --frames 2..9")
        );
    }

    #[test]
    fn what_is_shipped_together_takes_each_its_part() {
        let mut stages = StageHistograms::new();
        for (stage, ns) in [
            (Stage::Serialize, 1_000),
            (Stage::Transfer, 2_000),
            (Stage::Deserialize, 5_000),
            (Stage::Compute, 90_000),
        ] {
            stages.record(stage, ns);
        }
        let tried = Tried {
            wall_ns: 100_000,
            frames: 4,
            failed: 0,
            died: 0,
            stages,
            usage: crate::measure::Usage::NONE,
        };
        let of = |batch| shipping(&Way::new("payload", 2, batch), &tried);
        assert!((of(1) / 8e-6 - 1.0).abs() < 1e-3);
        assert!((of(4) / 2e-6 - 1.0).abs() < 1e-3);
        assert!(ships_pixels(&Way::new("payload", 2, 1)));
        assert!(!ships_pixels(&Way::new("mmap", 2, 1)));
    }
}
