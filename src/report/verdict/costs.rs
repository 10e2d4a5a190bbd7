//! Where the slow one spends what the fast one does not.

use crate::report::compare::Run;
use crate::report::units::{bytes, time};
use crate::stage::Stage;

/// How the pixels of a frame got there.
#[derive(PartialEq)]
enum Shipped {
    Nothing,
    Reference,
    Pixels,
}

fn shipped(run: &Run) -> Shipped {
    let shipped = run.report.totals.shipped_bytes_per_frame;
    if shipped == 0.0 {
        Shipped::Nothing
    } else if shipped >= 0.5 * run.report.workload.bytes_per_frame as f64 {
        Shipped::Pixels
    } else {
        Shipped::Reference
    }
}

/// Where the slow one spends what the fast one does not, as the end of a sentence; empty where
/// the stages do not show it.
pub(super) fn costs(slow: &Run, fast: &Run) -> String {
    let shipping = |run: &Run| {
        let stages = [Stage::Serialize, Stage::Transfer, Stage::Deserialize];
        stages
            .into_iter()
            .map(|stage| run.a_frame(stage))
            .sum::<f64>()
    };
    let total = |run: &Run| run.working().map(|stage| run.a_frame(stage)).sum::<f64>();
    let (total, less) = (total(slow), total(fast));
    if total <= less {
        return String::new();
    }
    let explained = (shipping(slow) - shipping(fast)) / (total - less);
    let amount = bytes(slow.report.totals.shipped_bytes_per_frame);
    let (slow_cost, fast_cost) = (time(shipping(slow)), time(shipping(fast)));
    let total = time(total);
    if explained < 0.5 || shipped(slow) != Shipped::Pixels {
        return largest_difference(slow, fast);
    }
    match shipped(fast) {
        Shipped::Reference => format!(
            ": shipping {amount} a frame costs {slow_cost} of {total}, shipping a reference costs \
             {fast_cost}"
        ),
        Shipped::Nothing => format!(
            ": shipping {amount} a frame costs {slow_cost} of {total}, and within one process \
             nothing is shipped"
        ),
        Shipped::Pixels => format!(
            ": shipping {amount} a frame costs {slow_cost} in {} and {fast_cost} in {}",
            slow.name, fast.name
        ),
    }
}

fn largest_difference(slow: &Run, fast: &Run) -> String {
    let more = |stage: Stage| slow.a_frame(stage) - fast.a_frame(stage);
    let stage = slow
        .working()
        .filter(|&stage| more(stage) > 0.0)
        .max_by(|&a, &b| more(a).total_cmp(&more(b)));
    let Some(stage) = stage else {
        return String::new();
    };
    let (slow, fast) = (time(slow.a_frame(stage)), time(fast.a_frame(stage)));
    format!(
        ": most of it is {}, {slow} a frame against {fast}",
        stage.name()
    )
}
