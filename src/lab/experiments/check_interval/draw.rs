//! The two tables.

use super::{Cost, INTERVALS, Kind, Measured};
use crate::lab::Drawing;
use crate::report::units::{ABSENT, digits, time};

pub(super) fn intervals(measured: &Measured) -> Drawing {
    let Measured { cheap, heavy, .. } = measured;
    let speed = |kind: &Kind, pace: f64| {
        if pace.is_nan() {
            return ABSENT.into();
        }
        format!("{} %", digits(100.0 * kind.never / pace))
    };
    let seconds = |seconds: f64| time(1e9 * seconds);
    let row = |every: &u64| {
        let [cheap_row, heavy_row] = [cheap, heavy].map(|kind| kind.at(*every));
        vec![
            every.to_string(),
            speed(cheap, cheap_row.pace),
            seconds(cheap_row.after),
            speed(heavy, heavy_row.pace),
            seconds(heavy_row.after),
        ]
    };
    let mut rows: Vec<_> = INTERVALS.iter().map(row).collect();
    rows.push(vec![
        format!("Auto: {}, {}", digits(cheap.auto), digits(heavy.auto)),
        String::new(),
        seconds(cheap.auto_after),
        String::new(),
        seconds(heavy.auto_after),
    ]);
    Drawing::Table {
        title: format!(
            "Speed, of that without any look, with 4 workers ({ABSENT}: not measured, an interval takes too \
             long to count many of them); and time to notice, with {}",
            measured.watchers
        ),
        header: ["a look every", "cheap", "notices in", "heavy", "notices in"]
            .map(String::from)
            .to_vec(),
        rows,
    }
}

pub(super) fn costs(law: &[Cost]) -> Drawing {
    let row = |cost: &Cost| {
        vec![
            time(1e9 * cost.pace),
            time(1e9 * cost.look.max(0.0)),
            digits(cost.best().max(1.0)),
            digits(cost.auto),
        ]
    };
    Drawing::Table {
        title: "How often to look if that may take 1 % of the time".into(),
        header: ["an iteration", "a look", "best every", "Auto, every"]
            .map(String::from)
            .to_vec(),
        rows: law.iter().map(row).collect(),
    }
}
