//! Passes that stand out.

use super::{About, Doubt, named};
use crate::measure::Noise;
use crate::report::Report;
use crate::report::units::digits;
use crate::statistics::{Outlier, outliers};

impl Report {
    /// Passes whose time stands out; of a paced run the pace says how long a pass is.
    pub(super) fn outliers(&self) -> Option<Doubt> {
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
        let others = found
            .iter()
            .filter_map(|one| {
                let (pass, wall) = self
                    .passes
                    .get(one.place)
                    .zip(self.totals.pass_wall_s.get(one.place))?;
                let taken = Noise {
                    others_s: Some(pass.noise.others_s? + pass.noise.stolen_s?),
                    ..pass.noise
                };
                taken.busy_others(*wall)
            })
            .reduce(f64::max);
        if let [one] = found
            && one.place == 0
            && one.of_median > 1.0
        {
            return format!(
                "the first does what later ones find done; add --warmup {}",
                self.workload.warmup + 1
            );
        }
        if let Some(others) = others {
            return format!(
                "others took {} cores meanwhile; close what runs beside, or add --repeat",
                digits(others)
            );
        }
        "medians bear it, means do not; close what runs beside, or add --repeat".into()
    }
}

/// `75 % more time than usual`, or up to that, if it is the most of several.
fn apart(of_usual: f64, of_several: bool) -> String {
    let percent = 100.0 * (of_usual - 1.0).abs();
    let up_to = if of_several { "up to " } else { "" };
    let which = if of_usual > 1.0 { "more" } else { "less" };
    format!("{up_to}{percent:.0} % {which} time than usual")
}
