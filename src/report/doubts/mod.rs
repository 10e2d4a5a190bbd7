//! What speaks against trusting a run's figures: passes that stand out, a machine that was busy with
//! something else or was slowed down, a cache that was not as asked for. Each with what to do about it.
//!
//! ```no_run
//! use framehaul::report::Report;
//! for doubt in Report::read("runs/mmap")?.doubts() {
//!     println!("{}", doubt.sentence); // other programs kept 0.4 cores busy meanwhile: close them …
//! }
//! # Ok::<(), framehaul::Error>(())
//! ```

mod compared;
mod outliers;

use super::Report;
use super::units::{digits, list, plural};
use crate::measure::Noise;
use crate::pipeline::{Cache, PassFigures};
use serde::Serialize;

/// Something that speaks against trusting a run's figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Doubt {
    /// What kind of thing.
    pub about: About,
    /// The passes that it is about, from 1; none if it is about all of them.
    pub passes: Vec<usize>,
    /// What it is and what to do about it, in a sentence without its full stop.
    pub sentence: String,
}

/// Kinds of doubts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The page cache was not in the state that was asked for.
    Cache,
    /// Other programs worked.
    Others,
    /// The hypervisor gave processor time to other machines.
    Stolen,
    /// The processor was slowed down, or held back by a quota.
    Throttled,
    /// Somebody waited for memory or for a disk.
    Stalled,
    /// Passes stand out.
    Outliers,
}

/// From these shares on, of the time that was measured, something is worth a word.
const MEMORY_STALL: f64 = 0.02;
const IO_STALL: f64 = 0.05;

/// A processor that makes less than this share of the steps that it made at its best was slowed down.
const SLOWED: f64 = 0.90;

/// A warm cache has all of the input but this, a cold one none of it but this.
const CACHE: f64 = 0.01;

impl Report {
    /// What speaks against trusting these figures, what weighs most first. A report without figures of
    /// its passes, by an older version, says little here.
    pub fn doubts(&self) -> Vec<Doubt> {
        let noise = [
            self.cache(),
            self.others(),
            self.stolen(),
            self.quota(),
            self.heat(),
            self.clock(),
            self.memory_stall(),
            self.io_stall(),
        ];
        noise.into_iter().flatten().chain(self.outliers()).collect()
    }

    fn cache(&self) -> Option<Doubt> {
        if self.workload.live {
            return None;
        }
        let is_wrong = |share: f64| match self.workload.cache {
            Cache::Warm => share < 1.0 - CACHE,
            Cache::Cold => share > CACHE,
        };
        let passes = self.passes_where(|pass| is_wrong(pass.cache_resident));
        if passes.is_empty() && !is_wrong(self.workload.cache_resident) {
            return None;
        }
        let all = self.passes.iter().map(|pass| pass.cache_resident);
        let shares = all.chain([self.workload.cache_resident]);
        let (which, share, advice) = match self.workload.cache {
            Cache::Warm => (
                "warm",
                shares.fold(1.0, f64::min),
                "there is too little memory for it: use fewer --frames",
            ),
            Cache::Cold => (
                "cold",
                shares.fold(0.0, f64::max),
                "somebody else has it mapped, or the file system does not let go of it",
            ),
        };
        let sentence = format!(
            "the cache was to be {which}, and {:.0} % of the input was in it when {} began: {advice}",
            100.0 * share,
            named(&passes),
        );
        Some(Doubt {
            about: About::Cache,
            passes,
            sentence,
        })
    }

    fn others(&self) -> Option<Doubt> {
        // What is live is made, sent or decoded by other programs.
        if self.workload.live {
            return None;
        }
        let cores = self.disturbance().busy_others(self.totals.wall_s)?;
        Some(self.of_all(
            About::Others,
            format!(
                "other programs kept {} of the {} cores busy meanwhile: close them, or measure \
                 again with more --repeat",
                digits(cores),
                self.machine.cores
            ),
        ))
    }

    fn stolen(&self) -> Option<Doubt> {
        let wall_s = self.totals.wall_s;
        let share = self
            .disturbance()
            .stolen_share(wall_s, self.machine.cores)?;
        Some(self.of_all(
            About::Stolen,
            format!(
                "the hypervisor gave {:.0} % of the processors' time to other machines: measure \
                 at a quieter time, or with more --repeat",
                100.0 * share
            ),
        ))
    }

    fn quota(&self) -> Option<Doubt> {
        let wall_s = self.totals.wall_s;
        let share = self
            .disturbance()
            .throttled_share(wall_s, self.machine.cores)?;
        Some(self.of_all(
            About::Throttled,
            format!(
                "a control group's quota kept the processors from it for {:.0} % of the time: use \
                 fewer --workers, or a larger quota",
                100.0 * share
            ),
        ))
    }

    fn heat(&self) -> Option<Doubt> {
        let passes = self.passes_where(|pass| pass.noise.heat_throttles > Some(0));
        (!passes.is_empty()).then(|| Doubt {
            about: About::Throttled,
            sentence: format!(
                "the processor slowed itself down because it was hot in {}: let it cool down between \
                 passes, or compare at a lower fixed clock",
                named(&passes)
            ),
            passes,
        })
    }

    fn clock(&self) -> Option<Doubt> {
        let steps = |noise: &Noise| noise.steps_per_us;
        let all = || self.passes.iter().map(|pass| steps(&pass.noise));
        let best = all().fold(0.0, f64::max);
        let passes = self.passes_where(|pass| steps(&pass.noise) < SLOWED * best);
        let least = all().fold(best, f64::min);
        (!passes.is_empty()).then(|| Doubt {
            about: About::Throttled,
            sentence: format!(
                "the processor's clock was down to {:.0} % of its best in {}: it saves power or heat; \
                 --warmup {} lets it come up, a fixed clock keeps it there",
                100.0 * least / best,
                named(&passes),
                self.workload.warmup + 1
            ),
            passes,
        })
    }

    fn memory_stall(&self) -> Option<Doubt> {
        let share = self.noise(|noise| noise.memory_stall_s)? / self.totals.wall_s;
        (share >= MEMORY_STALL).then(|| {
            self.of_all(
                About::Stalled,
                format!(
                    "programs waited for memory to be freed for {:.0} % of the time: close some, or use \
                     fewer --workers",
                    100.0 * share
                ),
            )
        })
    }

    fn io_stall(&self) -> Option<Doubt> {
        let share = self.noise(|noise| noise.io_stall_s)? / self.totals.wall_s;
        // What is cold, or comes from a disk as it comes, is to wait.
        let warm = self.workload.cache == Cache::Warm && !self.workload.live;
        (warm && share >= IO_STALL).then(|| {
            self.of_all(
                About::Stalled,
                format!(
                    "programs waited for a disk for {:.0} % of the time, though the input is in memory: \
                     see what else reads or writes",
                    100.0 * share
                ),
            )
        })
    }

    /// A figure of the noise, summed over all passes; none if a pass does not have it.
    fn noise(&self, figure: impl Fn(&Noise) -> Option<f64>) -> Option<f64> {
        let each = self.passes.iter().map(|pass| figure(&pass.noise));
        let sum: Option<f64> = each.sum();
        sum.filter(|_| !self.passes.is_empty() && self.totals.wall_s > 0.0)
    }

    /// What took the processors from all passes.
    fn disturbance(&self) -> Noise {
        Noise {
            others_s: self.noise(|noise| noise.others_s),
            stolen_s: self.noise(|noise| noise.stolen_s),
            throttled_s: self.noise(|noise| noise.throttled_s),
            ..Noise::default()
        }
    }

    /// The passes that are such, from 1.
    fn passes_where(&self, is_such: impl Fn(&PassFigures) -> bool) -> Vec<usize> {
        let all = (1..).zip(&self.passes);
        let such = all.filter(|(_, pass)| is_such(pass));
        such.map(|(number, _)| number).collect()
    }

    fn of_all(&self, about: About, sentence: String) -> Doubt {
        Doubt {
            about,
            passes: Vec::new(),
            sentence,
        }
    }
}

/// What else the machine did while something was measured for so many seconds, a sentence each without its
/// full stop; none if it was quiet.
pub(crate) fn of_noise(noise: &Noise, seconds: f64, processors: usize) -> Vec<String> {
    let others = noise.busy_others(seconds).map(|cores| {
        format!(
            "other programs kept {} of the {} busy meanwhile: close them, and try again",
            digits(cores),
            plural(processors as u64, "processor")
        )
    });
    let stolen = noise.stolen_share(seconds, processors).map(|share| {
        format!(
            "the hypervisor gave {:.0} % of the processors' time to other machines meanwhile: try again at a \
             quieter time",
            100.0 * share
        )
    });
    let throttled = noise.throttled_share(seconds, processors).map(|share| {
        format!(
            "a control group's quota kept the processors from it for {:.0} % of the time: try again \
             with a larger one",
            100.0 * share
        )
    });
    [others, stolen, throttled].into_iter().flatten().collect()
}

/// `pass 3`, `passes 1 and 4`, `7 passes`; none are all.
fn named(passes: &[usize]) -> String {
    match passes {
        [] => "a pass".into(),
        [one] => format!("pass {one}"),
        few if few.len() <= 4 => {
            let few: Vec<String> = few.iter().map(usize::to_string).collect();
            format!("passes {}", list(&few))
        }
        many => format!("{} passes", many.len()),
    }
}

#[cfg(test)]
mod tests;
