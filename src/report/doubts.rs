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

use super::Report;
use super::compare::{Comparison, Run};
use super::units::{digits, list};
use crate::measure::Noise;
use crate::pipeline::{Cache, PassFigures};
use crate::statistics::{Outlier, median, outliers};
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
const STOLEN: f64 = 0.02;
const THROTTLED: f64 = 0.01;
const MEMORY_STALL: f64 = 0.02;
const IO_STALL: f64 = 0.05;

/// Cores' worth of other programs, and seconds: the kernel counts in hundredths.
const OTHERS_CORES: f64 = 0.1;
const OTHERS_S: f64 = 0.1;

/// A processor that makes less than this share of the steps that it made at its best was slowed down.
const SLOWED: f64 = 0.95;

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
        let seconds = self.noise(|noise| noise.others_s)?;
        let cores = seconds / self.totals.wall_s;
        (cores >= OTHERS_CORES && seconds >= OTHERS_S).then(|| {
            self.of_all(
                About::Others,
                format!(
                    "other programs kept {} of the {} cores busy meanwhile: close them, or measure \
                     again with more --repeat",
                    digits(cores),
                    self.machine.cores
                ),
            )
        })
    }

    fn stolen(&self) -> Option<Doubt> {
        let share = self.share_of_cores(|noise| noise.stolen_s)?;
        (share >= STOLEN).then(|| {
            self.of_all(
                About::Stolen,
                format!(
                    "the hypervisor gave {:.0} % of the processors' time to other machines: measure \
                     at a quieter time, or with more --repeat",
                    100.0 * share
                ),
            )
        })
    }

    fn quota(&self) -> Option<Doubt> {
        let share = self.share_of_cores(|noise| noise.throttled_s)?;
        (share >= THROTTLED).then(|| {
            self.of_all(
                About::Throttled,
                format!(
                    "a control group's quota kept the processors from it for {:.0} % of the time: use \
                     fewer --workers, or a larger quota",
                    100.0 * share
                ),
            )
        })
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
                 --warmup 1 lets it come up, a fixed clock keeps it there",
                100.0 * least / best,
                named(&passes)
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

    /// Passes whose time stands out; of a paced run the pace says how long a pass is.
    fn outliers(&self) -> Option<Doubt> {
        if self.workload.fps.is_some() {
            return None;
        }
        let found = outliers(&self.totals.pass_wall_s);
        let worst = found
            .iter()
            .max_by(|a, b| a.score.abs().total_cmp(&b.score.abs()))?;
        let passes: Vec<usize> = found.iter().map(|one| one.place + 1).collect();
        let advice = self.advice(&found);
        Some(Doubt {
            about: About::Outliers,
            sentence: format!(
                "{} of {} {} out, with {}: {advice}",
                named(&passes),
                self.totals.pass_wall_s.len(),
                if passes.len() == 1 { "stands" } else { "stand" },
                apart(worst.of_median, passes.len() > 1),
            ),
            passes,
        })
    }

    /// What to do about passes that stand out.
    fn advice(&self, found: &[Outlier]) -> String {
        let others: f64 = found
            .iter()
            .filter_map(|one| {
                let (pass, wall) = self
                    .passes
                    .get(one.place)
                    .zip(self.totals.pass_wall_s.get(one.place))?;
                Some((pass.noise.others_s? + pass.noise.stolen_s?) / wall)
            })
            .fold(0.0, f64::max);
        if let [one] = found
            && one.place == 0
            && one.of_median > 1.0
        {
            return format!(
                "the first does what later ones find done; add --warmup {}",
                self.workload.warmup + 1
            );
        }
        if others >= OTHERS_CORES {
            return format!(
                "others took {} cores meanwhile; close what runs beside, or add --repeat",
                digits(others)
            );
        }
        "medians bear it, means do not; close what runs beside, or add --repeat".into()
    }

    /// A figure of the noise, summed over all passes; none if a pass does not have it.
    fn noise(&self, figure: impl Fn(&Noise) -> Option<f64>) -> Option<f64> {
        let each = self.passes.iter().map(|pass| figure(&pass.noise));
        let sum: Option<f64> = each.sum();
        sum.filter(|_| !self.passes.is_empty() && self.totals.wall_s > 0.0)
    }

    /// Such a figure as a share of what all processors had.
    fn share_of_cores(&self, figure: impl Fn(&Noise) -> Option<f64>) -> Option<f64> {
        let all = self.totals.wall_s * self.machine.cores.max(1) as f64;
        Some(self.noise(figure)? / all)
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

impl Comparison {
    /// What speaks against trusting one of these runs, and against comparing it with the others.
    pub(super) fn doubts_of(&self, run: &Run) -> Vec<Doubt> {
        let mut doubts = run.report.doubts();
        doubts.extend(self.slower_clock(run));
        doubts
    }

    /// If it was made at a lower clock than another run on the same machine at another time, whatever the
    /// reason: passes of one run that were all slowed down alike say nothing of it by themselves.
    fn slower_clock(&self, run: &Run) -> Option<Doubt> {
        let machine = |run: &Run| (run.report.machine.cpu.clone(), run.report.machine.cores);
        let clock = |run: &Run| {
            let steps = run.report.passes.iter();
            median(
                &steps
                    .map(|pass| pass.noise.steps_per_us)
                    .collect::<Vec<_>>(),
            )
        };
        let is_of_another_time = |other: &&Run| {
            let (one, other) = (&run.report.alternation, &other.report.alternation);
            one.is_none() || one != other
        };
        let others = self.runs.iter().filter(is_of_another_time);
        let others = others.filter(|other| machine(other) == machine(run));
        // Of a run without figures of its passes it is no number, which is less than none.
        let fastest = others.max_by(|a, b| clock(a).max(0.0).total_cmp(&clock(b).max(0.0)))?;
        let share = clock(run) / clock(fastest);
        (share < SLOWED).then(|| Doubt {
            about: About::Throttled,
            passes: Vec::new(),
            sentence: format!(
                "the processor's clock was at {:.0} % of what it was for {}: measure them together \
                 (--mode A,B), or at a fixed clock",
                100.0 * share,
                fastest.name
            ),
        })
    }
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

/// `75 % more time than usual`, or up to that, if it is the most of several.
fn apart(of_usual: f64, of_several: bool) -> String {
    let percent = 100.0 * (of_usual - 1.0).abs();
    let up_to = if of_several { "up to " } else { "" };
    let which = if of_usual > 1.0 { "more" } else { "less" };
    format!("{up_to}{percent:.0} % {which} time than usual")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::tests::compare;
    use crate::report::{Style, samples, summary};

    const WALLS: [f64; 6] = [1.0, 1.01, 0.99, 1.0, 1.02, 1.0];

    fn run(edit: impl FnOnce(&mut Report)) -> Vec<Doubt> {
        let mut report = samples::taking_turns(samples::mmap(), &WALLS);
        edit(&mut report);
        report.doubts()
    }

    #[test]
    fn a_quiet_machine_and_a_report_without_passes_raise_no_doubt() {
        assert_eq!(run(|_| ()), []);
        assert_eq!(samples::mmap().doubts(), []);
    }

    /// The specification: what was measured, what kind of doubt, which passes, and words of the sentence.
    #[test]
    fn each_disturbance_is_called_by_its_name_with_what_to_do() {
        type Edit = fn(&mut Report);
        let cases: [(Edit, About, &[usize], &str); 11] = [
            (
                |r| r.passes[1].noise.others_s = Some(2.4),
                About::Others,
                &[],
                "other programs kept 0.399 of the 2 cores busy meanwhile: close them",
            ),
            (
                |r| r.passes[0].noise.stolen_s = Some(1.2),
                About::Stolen,
                &[],
                "gave 10 % of the processors' time to other machines: measure at a quieter time",
            ),
            (
                |r| r.passes[2].noise.throttled_s = Some(0.6),
                About::Throttled,
                &[],
                "quota kept the processors from it for 5 % of the time: use fewer --workers",
            ),
            (
                |r| r.passes[5].noise.heat_throttles = Some(3),
                About::Throttled,
                &[6],
                "because it was hot in pass 6",
            ),
            (
                |r| {
                    r.passes[0].noise.steps_per_us = 480.0;
                    r.passes[3].noise.steps_per_us = 540.0;
                },
                About::Throttled,
                &[1, 4],
                "down to 80 % of its best in passes 1 and 4: it saves power or heat; --warmup 1",
            ),
            (
                |r| r.passes[0].noise.memory_stall_s = Some(0.3),
                About::Stalled,
                &[],
                "waited for memory to be freed for 5 % of the time",
            ),
            (
                |r| r.passes[0].noise.io_stall_s = Some(0.6),
                About::Stalled,
                &[],
                "waited for a disk for 10 % of the time",
            ),
            (
                |r| r.passes[2].cache_resident = 0.83,
                About::Cache,
                &[3],
                "was to be warm, and 83 % of the input was in it when pass 3 began: there is too little",
            ),
            (
                |r| {
                    r.workload.cache = Cache::Cold;
                    r.workload.cache_resident = 0.0;
                    r.passes
                        .iter_mut()
                        .for_each(|pass| pass.cache_resident = 0.0);
                    r.passes[1].cache_resident = 0.4;
                },
                About::Cache,
                &[2],
                "was to be cold, and 40 % of the input was in it when pass 2 began: somebody else",
            ),
            (
                |r| r.totals.pass_wall_s[4] = 1.6,
                About::Outliers,
                &[5],
                "pass 5 of 6 stands out, with 60 % more time than usual: medians",
            ),
            (
                |r| r.totals.pass_wall_s[0] = 1.5,
                About::Outliers,
                &[1],
                "the first does what later ones find done; add --warmup 2",
            ),
        ];
        for (edit, about, passes, words) in cases {
            let found = run(edit);
            let [doubt] = &found[..] else {
                panic!("{words}: {found:?}");
            };
            assert_eq!((doubt.about, &doubt.passes[..]), (about, passes));
            assert!(doubt.sentence.contains(words), "{}", doubt.sentence);
            assert!(!doubt.sentence.contains('\n') && !doubt.sentence.ends_with('.'));
        }
    }

    #[test]
    fn a_pass_that_stands_out_while_others_worked_is_their_doing() {
        let found = run(|r| {
            r.totals.pass_wall_s[4] = 1.6;
            r.passes[4].noise.others_s = Some(0.5);
        });
        let last = &found[found.len() - 1];
        assert!(
            last.sentence.contains("others took 0.312 cores"),
            "{}",
            last.sentence
        );
    }

    #[test]
    fn what_is_meant_to_wait_or_to_keep_a_pace_is_not_doubted_for_it() {
        let cold = run(|r| {
            r.workload.cache = Cache::Cold;
            r.workload.cache_resident = 0.0;
            r.passes
                .iter_mut()
                .for_each(|pass| pass.cache_resident = 0.0);
            r.passes[0].noise.io_stall_s = Some(3.0);
        });
        assert_eq!(cold, []);
        let live = run(|r| {
            r.workload.live = true;
            r.passes[0].noise.others_s = Some(5.0);
        });
        assert_eq!(live, []);
        let paced = run(|r| {
            r.workload.fps = Some(30.0);
            r.totals.pass_wall_s[4] = 1.6;
        });
        assert_eq!(paced, []);
    }

    #[test]
    fn doubts_stand_in_the_summary_and_above_a_comparison() {
        let mut noisy = samples::taking_turns(samples::mmap(), &WALLS);
        noisy.passes[0].noise.stolen_s = Some(3.0);
        let text = summary(&noisy, Style::plain(120));
        assert!(text.contains("! the hypervisor gave 25 %"), "{text}");
        let quiet = samples::taking_turns(samples::threads(), &WALLS);
        let runs = [("mmap", noisy), ("threads", quiet)];
        let runs = runs.map(|(name, report)| (name.to_owned(), report));
        let comparison = super::super::Comparison::new(runs.into()).unwrap();
        let text = comparison.render(Style::plain(120));
        let at = text.find("! mmap: the hypervisor gave 25 %");
        assert!(
            at.is_some_and(|at| at < text.find("frames/s").unwrap()),
            "{text}"
        );
        assert_eq!(comparison.data().runs[0].doubts.len(), 1);
    }

    #[test]
    fn a_run_at_a_lower_clock_than_another_is_named_unless_the_machine_is_another() {
        let at = |mode: &str, steps: f64| {
            let mut report = samples::taking_turns(samples::mmap(), &WALLS);
            report.workload.mode = mode.into();
            report.alternation = Some(format!("when {mode} ran"));
            report
                .passes
                .iter_mut()
                .for_each(|pass| pass.noise.steps_per_us = steps);
            report
        };
        let doubts = |reports: Vec<Report>| -> Vec<Vec<Doubt>> {
            let comparison = compare(reports);
            let runs = comparison.runs.iter();
            runs.map(|run| comparison.doubts_of(run)).collect()
        };
        let found = doubts(vec![at("path", 600.0), at("mmap", 480.0), at("shm", 575.0)]);
        assert!(found[0].is_empty() && found[2].is_empty(), "{found:?}");
        let said = &found[1][0].sentence;
        assert!(
            said.starts_with("the processor's clock was at 80 % of what it was for path"),
            "{said}"
        );
        let mut elsewhere = at("mmap", 480.0);
        elsewhere.machine.cores = 64;
        let mut older = at("shm", 600.0);
        older.passes.clear();
        let found = doubts(vec![at("path", 600.0), elsewhere, older]);
        assert!(found.iter().all(Vec::is_empty), "{found:?}");
    }
}
