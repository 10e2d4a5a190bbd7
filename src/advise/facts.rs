//! What else there is to know, for people.

use super::verdict::{Bound, Compute, WORTH_IT};
use super::{Advice, SpeedUp};
use crate::pool::available_workers;
use crate::report::units::{digits, pace, plural, time};

/// Of work that takes so many times what handing it over does, that is below a hundredth.
const NOTHING_BESIDE: f64 = 100.0;

fn s(seconds: f64) -> String {
    time(seconds * 1e9)
}

impl Advice {
    /// What else follows, each with its name.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let unit = self.unit();
        let mut facts = vec![
            (
                "matrix",
                format!(
                    "{} ({} of work a {unit}, {} a round trip, {} to ship it)",
                    self.matrix(),
                    s(self.work_s),
                    s(self.round_trip_s),
                    s(self.shipping_s)
                ),
            ),
            ("bound by", self.bound_by()),
        ];
        facts.extend(
            self.crossover(available_workers())
                .map(|what| ("crossover", what)),
        );
        facts.extend(self.the_whole().map(|what| ("the whole", what)));
        facts.extend(self.pace().map(|what| ("pace", what)));
        facts.push(("measured", self.measured()));
        if self.failed > 0 {
            let what = format!(
                "{} of the sample failed and {} as done{}",
                plural(self.failed, unit),
                if self.failed == 1 { "counts" } else { "count" },
                // What a job of somebody's own says, it has said.
                if self.is_for_jobs() {
                    ""
                } else {
                    "; `framehaul run` says why"
                }
            );
            facts.push(("note", what));
        }
        let doubts = self.doubts.iter();
        facts.extend(doubts.map(|doubt| ("note", doubt.clone())));
        if self.cached_share < 0.99 {
            let share = 100.0 * self.cached_share;
            facts.push((
                "note",
                format!(
                    "{share:.0} % of the input is in the page cache, as the sample was; reading the \
                     rest from disk takes what it takes, in every mode"
                ),
            ));
        }
        facts
    }

    /// The cell, and what it means, unless it was seen not to.
    fn matrix(&self) -> String {
        let cell = self.cell;
        let processes = self.ways.iter().filter(|tested| tested.way.is_processes());
        let gain = processes
            .map(|tested| tested.speed_up.value)
            .max_by(f64::total_cmp);
        let hand_over = self.round_trip_s + self.shipping_s;
        match (cell.compute, gain) {
            (Compute::Heavy, Some(gain)) if gain < WORTH_IT => {
                format!(
                    "{}: there workers mostly win, but here they do not",
                    cell.name()
                )
            }
            (Compute::Light, Some(_)) if self.work_s > NOTHING_BESIDE * hand_over => format!(
                "{}, by what workers gain: but handing it over is nothing beside the work, so that something \
                 else holds them up (other programs, a quota, memory)",
                cell.name()
            ),
            _ => cell.to_string(),
        }
    }

    fn bound_by(&self) -> String {
        let why = match self.bound {
            Bound::Compute => "faster code or more processors would help",
            Bound::MemoryBandwidth => "more processors would not help, fewer bytes would",
            Bound::Serialising => "ship a reference, not the pixels",
            Bound::WakeUps => "larger batches would help",
            Bound::Decode => "a lighter format would help, or more processors",
            Bound::Reading => "getting the bytes, from files or a sender, is what takes the time",
        };
        format!("{}: {why}", self.bound)
    }

    /// None where there is no such thing: one worker, which what is live is compared with, hands over too.
    fn crossover(&self, processors: usize) -> Option<String> {
        let Some(work) = self.crossover_s else {
            if !self.ways[self.baseline].way.is_sequential() {
                return None;
            }
            return Some(match processors {
                1 => format!("one processor cannot be {WORTH_IT} times as fast as one thread"),
                _ => "not known: no worker processes, one for each processor, were tried".into(),
            });
        };
        let unit = self.unit();
        let or_less = match self.crossover_is_most {
            true => ", if not from less",
            false => "",
        };
        Some(format!(
            "worker processes are {WORTH_IT} times as fast from {} of work a {unit} on{or_less}",
            s(work)
        ))
    }

    /// None unless it gains more than there are processors, surely where that is known.
    pub(super) fn too_good(&self, processors: usize) -> Option<String> {
        let SpeedUp { value, low, .. } = self.speed_up;
        let gain = Some(low.unwrap_or(value)).filter(|gain| *gain > processors as f64)?;
        let at_least = if low.is_some() { "at least " } else { "" };
        Some(format!(
            "{at_least}{} times is more than {} can give by computing: they may find in a cache what another \
             has read, or something slowed {} down; measure again before you count on it",
            digits(gain),
            plural(processors as u64, "processor"),
            self.base(),
        ))
    }

    fn the_whole(&self) -> Option<String> {
        let (whole, predicted) = (self.whole?, self.predicted_s?);
        let unit = self.unit();
        let rate = digits(whole as f64 / predicted);
        let mut what = format!(
            "{} in {}: {rate} a second",
            plural(whole, unit),
            s(predicted)
        );
        if self.gains_little() {
            let alone = whole as f64 * self.ways[self.baseline].each_s;
            what += &format!("; by {} in {}", self.base(), s(alone));
        }
        if self.is_for_jobs() {
            what += ", if all are like those of the sample";
        } else if self.sample < whole {
            what += &format!(", if all are like {}", self.first());
        }
        Some(what)
    }

    fn pace(&self) -> Option<String> {
        let (fps, keeps_up) = (self.input_fps?, self.keeps_up?);
        let does = |keeps_up| match keeps_up {
            true => "keeps up",
            false => "does NOT keep up",
        };
        let mut what = format!("{} with {} frames a second", does(keeps_up), pace(fps));
        if self.gains_little() {
            let alone = self.ways[self.baseline].each_s * fps <= 1.0;
            what += &format!("; {} {}", self.base(), does(alone));
        }
        Some(what)
    }

    /// The sample, as the beginning of the whole.
    fn first(&self) -> String {
        match self.sample {
            1 => format!("the first {}", self.unit()),
            sample => format!("the first {}", plural(sample, self.unit())),
        }
    }

    fn measured(&self) -> String {
        let sample = match self.is_for_jobs() || self.whole == Some(self.sample) {
            true => plural(self.sample, self.unit()),
            false => self.first(),
        };
        let ways = plural(self.ways.len() as u64, "way");
        format!("{ways}, on up to {sample}, in {}", s(self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::super::SpeedUp;
    use super::super::samples::{advice, tested};
    use super::*;
    use crate::advise::verdict::{Cell, Data};

    fn plain() -> Advice {
        advice(
            &[tested("sequential", 1, 1, 1.0), tested("mmap", 2, 1, 2.0)],
            1,
        )
    }

    /// What is said under that name, line by line.
    fn said(advice: &Advice, name: &str) -> String {
        let facts = advice.facts().into_iter();
        let facts: Vec<_> = facts
            .filter(|(of, _)| *of == name)
            .map(|(_, what)| what)
            .collect();
        facts.join("\n")
    }

    #[test]
    fn a_cell_means_what_it_mostly_means_unless_it_was_seen_not_to() {
        let matrix = |compute, gain, work_s| {
            let ways = [tested("sequential", 1, 1, 1.0), tested("mmap", 2, 1, gain)];
            let data = Data::Small;
            let advice = Advice {
                cell: Cell { compute, data },
                work_s,
                round_trip_s: 0.001,
                shipping_s: 0.001,
                ..advice(&ways, 0)
            };
            said(&advice, "matrix")
        };
        let wins = "workers win, however they get it";
        assert!(matrix(Compute::Heavy, 1.21, 1.0).contains(wins));
        let not_here = matrix(Compute::Heavy, 1.19, 1.0);
        assert!(not_here.contains("here they do not") && !not_here.contains(wins));
        let costs = "the hand-over costs more than the work";
        assert!(matrix(Compute::Light, 1.06, 0.199).contains(costs));
        let held_up = matrix(Compute::Light, 1.06, 0.201);
        assert!(held_up.contains("something else holds them up") && !held_up.contains(costs));
    }

    #[test]
    fn what_else_the_machine_did_is_noted() {
        let advice = Advice {
            doubts: vec!["it was busy".into()],
            ..plain()
        };
        assert_eq!(said(&advice, "note"), "it was busy");
    }

    #[test]
    fn what_gains_more_than_there_are_processors_is_remarked_on() {
        let of = |value, low| {
            let speed_up = SpeedUp {
                value,
                low,
                ..plain().speed_up
            };
            let advice = Advice {
                speed_up,
                ..plain()
            };
            advice.too_good(2)
        };
        assert_eq!((of(2.0, None), of(2.4, Some(2.0))), (None, None));
        let words = "2.10 times is more than 2 processors can give";
        let surely = of(2.4, Some(2.1)).unwrap();
        assert!(surely.starts_with(&format!("at least {words}")), "{surely}");
        assert!(of(2.1, None).unwrap().starts_with(words));
    }

    #[test]
    fn the_crossover_is_said_with_what_it_rests_on() {
        let of = |crossover_s, crossover_is_most, processors| {
            let advice = Advice {
                crossover_s,
                crossover_is_most,
                ..plain()
            };
            advice.crossover(processors).unwrap()
        };
        let seen = of(Some(1e-4), false, 2);
        assert!(seen.ends_with("from 100 µs of work a frame on"), "{seen}");
        let most = of(Some(1e-4), true, 2);
        assert!(most.ends_with("a frame on, if not from less"), "{most}");
        assert!(of(None, false, 2).starts_with("not known"));
        assert!(of(None, false, 1).starts_with("one processor cannot"));
        let live = advice(&[tested("shm", 1, 1, 1.0), tested("shm", 2, 1, 1.5)], 1);
        let live = Advice {
            crossover_s: None,
            ..live
        };
        assert_eq!(live.crossover(2), None);
    }

    #[test]
    fn the_whole_is_told_of_a_sample_that_is_only_its_beginning() {
        let of = |whole| Advice { whole, ..plain() };
        assert_eq!(
            said(&of(Some(10)), "the whole"),
            "10 frames in 5.00 s: 2.00 a second"
        );
        let more = of(Some(11));
        let the_whole = said(&more, "the whole");
        assert!(
            the_whole.ends_with(", if all are like the first 10 frames"),
            "{the_whole}"
        );
        assert_eq!(
            said(&more, "measured"),
            "2 ways, on up to the first 10 frames, in 1.00 s"
        );
        assert_eq!(
            said(&of(Some(10)), "measured"),
            "2 ways, on up to 10 frames, in 1.00 s"
        );
        assert_eq!(said(&of(None), "the whole"), "");
        let jobs = Advice {
            command: Vec::new(),
            ..more
        };
        let the_whole = said(&jobs, "the whole");
        assert!(
            the_whole.ends_with(", if all are like those of the sample"),
            "{the_whole}"
        );
    }

    #[test]
    fn where_little_is_gained_the_baseline_is_told_beside_it() {
        let of = |gain| Advice {
            input_fps: Some(1.1),
            keeps_up: Some(true),
            ..advice(
                &[tested("sequential", 1, 1, 1.0), tested("mmap", 2, 1, gain)],
                1,
            )
        };
        let little = of(1.19);
        let the_whole = said(&little, "the whole");
        assert!(
            the_whole.ends_with("; by one thread in 10.0 s"),
            "{the_whole}"
        );
        assert_eq!(
            said(&little, "pace"),
            "keeps up with 1.1 frames a second; one thread does NOT keep up"
        );
        let much = of(1.21);
        assert!(!said(&much, "the whole").contains("one thread"));
        assert_eq!(said(&much, "pace"), "keeps up with 1.1 frames a second");
    }

    #[test]
    fn what_failed_and_what_is_not_cached_is_noted() {
        let of = |failed, cached_share| {
            let advice = Advice {
                failed,
                cached_share,
                ..plain()
            };
            said(&advice, "note")
        };
        assert_eq!(of(0, 0.99), "");
        assert!(of(0, 0.98).starts_with("98 % of the input is in the page cache"));
        assert!(of(1, 1.0).starts_with("1 frame of the sample failed and counts as done"));
        assert!(of(2, 1.0).starts_with("2 frames of the sample failed and count as done"));
    }
}
