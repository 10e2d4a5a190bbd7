//! The two tables.

use super::{Cost, INTERVALS, Measured};
use crate::lab::Drawing;
use crate::report::units::{ABSENT, digits, time};
use crate::statistics::Estimate;

pub(super) fn intervals(measured: &Measured) -> Drawing {
    let Measured { cheap, heavy, .. } = measured;
    let speed = |speed: f64| format!("{} %", digits(100.0 * speed));
    let seconds = |seconds: f64| time(1e9 * seconds);
    let row = |every: &u64| {
        let [cheap_row, heavy_row] = [cheap, heavy].map(|kind| kind.at(*every));
        vec![
            every.to_string(),
            speed(cheap_row.speed),
            seconds(cheap_row.after),
            speed(heavy_row.speed),
            seconds(heavy_row.after),
        ]
    };
    let mut rows: Vec<_> = INTERVALS.iter().map(row).collect();
    rows.push(vec![
        format!("Auto: {:.0}, {:.0}", cheap.auto, heavy.auto),
        String::new(),
        seconds(cheap.auto_after),
        String::new(),
        seconds(heavy.auto_after),
    ]);
    Drawing::Table {
        title: format!(
            "Speed, of that without any look, with 4 workers ({} where an interval takes longer than one \
             runs undisturbed: heavy iterations, every 10,000); and time to notice, with {}",
            measured.watchers, measured.watchers
        ),
        header: ["a look every", "cheap", "notices in", "heavy", "notices in"]
            .map(String::from)
            .to_vec(),
        rows,
    }
}

pub(super) fn costs(law: &[Cost]) -> Drawing {
    let row = |cost: &Cost| {
        let look = cost.look();
        let shown = |of: Option<Estimate>, show: &dyn Fn(f64) -> String| match of {
            Some(of) if of.low > 0.0 => [
                show(of.value),
                format!("{} to {}", show(of.low), show(of.high)),
            ],
            // Less than the noise.
            Some(of) => ["unclear".into(), format!("< {}", show(of.high.max(0.0)))],
            None => [ABSENT.into(), ABSENT.into()],
        };
        let [look, look_interval] = shown(look, &|seconds| time(1e9 * seconds));
        let [best, _] = shown(cost.best(), &|every| digits(every.max(1.0)));
        vec![
            time(1e9 * cost.pace),
            look,
            look_interval,
            best,
            format!("{:.0}", cost.auto),
        ]
    };
    Drawing::Table {
        title: "How often to look if that may take 1 % of the time (unclear: a look takes less than the noise)".into(),
        header: ["an iteration", "a look", "95 %", "best every", "Auto, every"]
            .map(String::from)
            .to_vec(),
        rows: law.iter().map(row).collect(),
    }
}
