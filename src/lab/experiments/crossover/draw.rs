//! Where the curves cross.

use super::{Crossing, Point};
use crate::lab::{Drawing, Unit};

pub(super) fn intervals(curves: &[Point]) -> Drawing {
    let row = |point: &Point| {
        let size = point.payload.size();
        vec![size, point.channel.show(), point.shared.show()]
    };
    let header = ["payload", "ipc-channel", "shared memory"];
    Drawing::Table {
        title: "The task length from which workers win lies between (noise: lengths between the two were tried and \
                not clear)"
            .into(),
        header: header.map(String::from).to_vec(),
        rows: curves.iter().map(row).collect(),
    }
}

/// The middle of each, or the upper end where there is no lower one; nothing if the workers were nowhere seen
/// to win.
pub(super) fn lengths(curves: &[Point]) -> Option<Drawing> {
    let bar = |point: &Point, way: &str, crossing: Crossing| {
        let name = format!("{}, {way}", point.payload.size());
        match crossing.middle() {
            Some(middle) => Some((name, middle)),
            None => Some((format!("{name}, at most"), crossing.at_most()?)),
        }
    };
    let by_channel = curves
        .iter()
        .filter_map(|point| bar(point, "ipc-channel", point.channel));
    let by_queue = curves
        .iter()
        .filter_map(|point| bar(point, "shared memory", point.shared));
    let bars: Vec<_> = by_channel.chain(by_queue).collect();
    (!bars.is_empty()).then(|| Drawing::Bars {
        title:
            "From there on workers win (the middle of each; at most, where one process never won)"
                .into(),
        unit: Unit::Seconds,
        bars,
    })
}
