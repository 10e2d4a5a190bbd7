//! The figures, those of the drawn curves among them.

use super::{INTERVALS, Measured};
use crate::lab::{Figure, Unit};
use crate::statistics::Estimate;

/// The names of a kind's figures: of the ratio, what `Auto` chooses, speeds and times to notice.
struct Names {
    slower: (&'static str, &'static str),
    auto: (&'static str, &'static str),
    speeds: [&'static str; INTERVALS.len()],
    notices: [&'static str; INTERVALS.len()],
}

const NAMES_OF_CHEAP: Names = Names {
    slower: ("cheap_slower", "cheap: every 10 to every 1,000"),
    auto: ("cheap_auto", "cheap: what Auto chooses"),
    speeds: [
        "cheap_speed_1",
        "cheap_speed_10",
        "cheap_speed_100",
        "cheap_speed_1000",
        "cheap_speed_10000",
    ],
    notices: [
        "cheap_notice_1_s",
        "cheap_notice_10_s",
        "cheap_notice_100_s",
        "cheap_notice_1000_s",
        "cheap_notice_10000_s",
    ],
};

const NAMES_OF_HEAVY: Names = Names {
    slower: ("heavy_slower", "heavy: every 10 to every 1,000"),
    auto: ("heavy_auto", "heavy: what Auto chooses"),
    speeds: [
        "heavy_speed_1",
        "heavy_speed_10",
        "heavy_speed_100",
        "heavy_speed_1000",
        "heavy_speed_10000",
    ],
    notices: [
        "heavy_notice_1_s",
        "heavy_notice_10_s",
        "heavy_notice_100_s",
        "heavy_notice_1000_s",
        "heavy_notice_10000_s",
    ],
};

pub(super) fn figures(
    measured: &Measured,
    best: Option<Estimate>,
    auto: Option<Estimate>,
) -> Vec<Figure> {
    let kinds = [
        (&measured.cheap, NAMES_OF_CHEAP),
        (&measured.heavy, NAMES_OF_HEAVY),
    ];
    let mut figures = Vec::new();
    for (kind, names) in &kinds {
        let (key, what) = names.slower;
        let slower = kind.slower.map_or(f64::NAN, |slower| slower.value);
        figures.push(Figure::times(key, what, slower));
    }
    figures[1] = figures[1].clone().about(1.0);
    // What may be nothing is no figure.
    if let Some(look) = measured.cheap.look().filter(|look| look.low > 0.0) {
        figures.extend([
            Figure::seconds("look_s", "a look in a loop of cheap iterations", look.value)
                .between(10e-9, 100e-9),
            Figure::seconds("look_from_s", "… at least", look.low),
            Figure::seconds("look_to_s", "… at most", look.high),
        ]);
    }
    let count = |key, what, value| Figure::new(key, what, Unit::Count, value);
    if let Some(best) = best {
        figures.extend([
            count("best_exponent", "exponent of the best interval", best.value).about(-1.0),
            count("best_exponent_from", "… at least", best.low),
            count("best_exponent_to", "… at most", best.high),
        ]);
    }
    figures.extend(auto.map(|auto| {
        count("auto_exponent", "exponent of what Auto chooses", auto.value).about(-1.0)
    }));
    for (kind, names) in &kinds {
        let (key, what) = names.auto;
        figures.push(count(key, what, kind.auto));
    }
    for (kind, names) in &kinds {
        let curves = kind.rows.iter().zip(names.speeds).zip(names.notices);
        figures.extend(curves.flat_map(|((row, speed), notice)| {
            [
                Figure::new(
                    speed,
                    "speed, of that without looks",
                    Unit::Share,
                    row.speed,
                )
                .drawn(),
                Figure::seconds(notice, "time to notice", row.after).drawn(),
            ]
        }));
    }
    figures
}
