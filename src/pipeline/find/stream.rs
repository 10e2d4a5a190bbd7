//! One input on its way: which of its frames are still to be looked at, and what came of the rest.

use super::job::{End, JobOutput, Order, Values, from_fixed};
use super::outcome::{Hit, Searched};
use super::plan::{Stream, Which};
use crate::clock::Nanos;
use crate::coordination::FirstFound;
use crate::error::Result;
use std::ops::Range;

/// A stream that is being searched.
pub(super) struct UnderWay {
    number: usize,
    batch: u64,
    /// None if all frames are wanted.
    search: Option<FirstFound<Values>>,
    /// Frames that nobody has been given yet.
    rest: Range<u64>,
    /// Frames of jobs that failed as a whole because of another frame, one by one.
    again: Vec<u64>,
    /// Orders that have not ended.
    orders: usize,
    /// Frames of those that have.
    ended: u64,
    /// The values of every frame that met the condition, as far as its worker lived to say so.
    met: Vec<(u64, Vec<Option<f64>>)>,
    /// Who gave up which frame, and when.
    gave_up: Vec<(usize, u64, Nanos)>,
    so_far: Searched,
}

impl UnderWay {
    pub(super) fn new(
        number: usize,
        stream: &Stream,
        which: Which,
        workers: usize,
    ) -> Result<Self> {
        let frames = stream.set.len() as u64;
        let seats = workers as u32;
        Ok(Self {
            number,
            batch: stream.batch,
            search: match which {
                Which::Earliest => Some(FirstFound::earliest(seats)?),
                Which::Any => Some(FirstFound::any(seats)?),
                Which::All => None,
            },
            rest: 0..frames,
            again: Vec::new(),
            orders: 0,
            ended: 0,
            met: Vec::new(),
            gave_up: Vec::new(),
            so_far: Searched {
                input: stream.set.input().to_owned(),
                mode: stream.mode.name(),
                fps: stream.set.fps(),
                frames,
                height: stream.set.format().height,
                found: Vec::new(),
                failed: Vec::new(),
                analysed: 0,
                abandoned: 0,
                rows_analysed: 0,
                stopped_after: vec![None; workers],
                found_by: None,
                begun_at: vec![None; workers],
            },
        })
    }

    /// The next order, if any frame is still wanted that nobody has been given.
    pub(super) fn next(&mut self) -> Option<Order> {
        let over = |frame| {
            let search = self.search.as_ref();
            search.is_some_and(|search| search.is_over(frame))
        };
        self.again.retain(|&frame| !over(frame));
        if over(self.rest.start) {
            self.rest.start = self.rest.end;
        }
        let frames = match self.again.pop() {
            Some(frame) => frame..frame + 1,
            None if self.rest.is_empty() => return None,
            None => {
                let end = self.rest.end.min(self.rest.start + self.batch);
                std::mem::replace(&mut self.rest.start, end)..end
            }
        };
        self.orders += 1;
        Some(Order {
            stream: self.number,
            frames,
            search: self.search.clone(),
        })
    }

    /// An order has ended as it should.
    pub(super) fn done(&mut self, order: &Order, output: JobOutput) {
        self.orders -= 1;
        self.ended += order.frames.end - order.frames.start;
        let height = u64::from(self.so_far.height);
        for (frame, end) in order.frames.clone().zip(output.ends) {
            match end {
                End::Unmet => {}
                End::Met(values) => self.met.push((frame, values)),
                End::Abandoned { rows, at } => {
                    self.so_far.abandoned += 1;
                    self.so_far.rows_analysed += u64::from(rows);
                    self.gave_up.push((output.worker, frame, at));
                    continue;
                }
                End::Failed(why) => {
                    self.so_far.failed.push((frame, why));
                    continue;
                }
            }
            self.so_far.analysed += 1;
            self.so_far.rows_analysed += height;
        }
    }

    /// That worker began one of its orders then.
    pub(super) fn begun(&mut self, worker: usize, at: Nanos) {
        let begun = &mut self.so_far.begun_at[worker];
        *begun = Some(begun.map_or(at, |earlier| earlier.min(at)));
    }

    /// An order has failed as a whole: the frame at fault, if it is known, is failed, and the
    /// others are tried again one by one.
    pub(super) fn failed(&mut self, order: &Order, culprit: Option<u64>, why: &str) {
        self.orders -= 1;
        let others = order.frames.clone().rev();
        self.again
            .extend(others.filter(|&frame| Some(frame) != culprit));
        if let Some(frame) = culprit {
            self.ended += 1;
            self.so_far.failed.push((frame, why.to_owned()));
        }
    }

    /// Frames that have ended.
    pub(super) const fn ended(&self) -> u64 {
        self.ended
    }

    /// Whether every frame has ended or is not wanted any more. To be asked after
    /// [`next`](Self::next) had none.
    pub(super) fn is_settled(&self) -> bool {
        self.orders == 0 && self.again.is_empty() && self.rest.is_empty()
    }

    /// What came of it, once it is settled; `findings` are the names of the values.
    pub(super) fn settle(mut self, findings: &[String]) -> Searched {
        let hit = |(frame, values): (u64, Vec<Option<f64>>)| Hit {
            frame,
            values: findings.iter().cloned().zip(values).collect(),
        };
        if let Some(search) = &self.search {
            if let Some(winner) = search.winner() {
                let values = from_fixed(&winner.value, findings.len());
                self.credit(winner.position);
                let worker = winner.worker as usize;
                self.time_stops(winner.position, winner.at, worker);
                self.so_far.found_by = Some((worker, winner.at));
                self.so_far.found.push(hit((winner.position, values)));
            }
        } else {
            self.met.sort_unstable_by_key(|(frame, _)| *frame);
            self.so_far.found = std::mem::take(&mut self.met).into_iter().map(hit).collect();
        }
        self.so_far.failed.sort_unstable();
        self.so_far
    }

    /// Whoever found that frame may have died before it could say that it had analysed it; nobody
    /// else looks at it then, since the result is recorded.
    fn credit(&mut self, frame: u64) {
        if self.met.iter().any(|(met, _)| *met == frame) {
            return;
        }
        self.so_far.failed.retain(|(failed, _)| *failed != frame);
        self.so_far.analysed += 1;
        self.so_far.rows_analysed += u64::from(self.so_far.height);
    }

    /// Notes how long after the result each worker gave up a frame that it was at.
    fn time_stops(&mut self, winner: u64, found_at: Nanos, finder: usize) {
        for &(worker, frame, at) in &self.gave_up {
            // One that gave up before was told by an earlier result, which was not the last.
            if worker != finder && at >= found_at && frame != winner {
                let after = &mut self.so_far.stopped_after[worker];
                *after = after.or(Some(at - found_at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FrameSet;
    use crate::transport;
    use std::sync::Arc;

    /// Twelve frames of 48 rows, for two workers, three frames a job.
    fn under_way(which: Which) -> UnderWay {
        let stream = Stream {
            set: Arc::new(FrameSet::open("data/clip.y4m").unwrap()),
            mode: transport::by_name("mmap").unwrap(),
            batch: 3,
        };
        UnderWay::new(7, &stream, which, 2).unwrap()
    }

    fn output(worker: usize, ends: Vec<End>) -> JobOutput {
        JobOutput { worker, ends }
    }

    fn names() -> [String; 1] {
        ["luma.mean".to_owned()]
    }

    /// What a worker does with a frame that meets the condition.
    fn offer(order: &Order, worker: u32, frame: u64) -> End {
        let search = order.search.as_ref().unwrap();
        let mut values = [f64::NAN; size_of::<Values>() / 8];
        values[0] = 0.5 + frame as f64;
        assert!(search.seat(worker).offer(frame, values));
        End::Met(vec![Some(0.5 + frame as f64)])
    }

    #[test]
    fn frames_behind_the_earliest_so_far_are_not_handed_out_and_those_before_it_are() {
        let mut stream = under_way(Which::Earliest);
        let first = stream.next().unwrap();
        let second = stream.next().unwrap();
        assert_eq!(
            (first.stream, &first.frames, &second.frames),
            (7, &(0..3), &(3..6))
        );
        let met = offer(&second, 1, 4);
        stream.done(&second, output(1, vec![End::Unmet, met]));
        assert!(stream.next().is_none(), "6 to 11 are behind it");
        assert!(!stream.is_settled(), "0 to 2 are before it");
        // A worker died, and none knows at which frame.
        stream.failed(&first, None, "why");
        let alone: Vec<_> = std::iter::from_fn(|| stream.next()).collect();
        let frames: Vec<_> = alone.iter().map(|order| order.frames.start).collect();
        assert_eq!(frames, [0, 1, 2]);
        stream.done(&alone[0], output(0, vec![End::Unmet]));
        stream.done(&alone[2], output(0, vec![End::Unmet]));
        stream.failed(&alone[1], Some(1), "it kills");
        assert!(stream.next().is_none() && stream.is_settled());
        let searched = stream.settle(&names());
        let hit = &searched.found[..];
        assert_eq!(hit.len(), 1);
        assert_eq!(hit[0].frame, 4);
        assert_eq!(hit[0].values, [("luma.mean".to_owned(), Some(4.5))]);
        assert_eq!(searched.failed, [(1, "it kills".to_owned())]);
        assert_eq!(searched.failed_before(), 1);
        assert_eq!((searched.analysed, searched.untouched()), (4, 7));
        assert_eq!(searched.rows_untouched(), 7 * 48);
    }

    #[test]
    fn whoever_dies_with_its_find_recorded_has_found_it() {
        for gives_up in [false, true] {
            let mut stream = under_way(Which::Earliest);
            let order = stream.next().unwrap();
            offer(&order, 0, 1);
            if gives_up {
                stream.failed(
                    &order,
                    Some(1),
                    "it killed its last worker after it was found",
                );
                let again = stream.next().unwrap();
                assert_eq!(again.frames, 0..1);
                stream.done(&again, output(1, vec![End::Unmet]));
            } else {
                // Another does the job again, and has nothing to do from frame 1 on.
                stream.done(&order, output(1, vec![End::Unmet]));
            }
            assert!(stream.next().is_none() && stream.is_settled());
            let searched = stream.settle(&names());
            assert_eq!(searched.found[0].frame, 1);
            assert_eq!((searched.analysed, searched.untouched()), (2, 10));
            assert_eq!(searched.failed, []);
        }
    }

    #[test]
    fn a_stop_is_timed_from_the_result_and_only_where_something_was_given_up() {
        let mut stream = under_way(Which::Any);
        let (first, second) = (stream.next().unwrap(), stream.next().unwrap());
        let met = offer(&second, 1, 3);
        let found_at = first.search.as_ref().unwrap().winner().unwrap().at;
        let at = found_at + 5_000;
        stream.begun(1, 70);
        stream.done(&second, output(1, vec![met]));
        stream.begun(1, 60);
        stream.begun(1, 80);
        let ends = vec![End::Unmet, End::Abandoned { rows: 20, at }];
        stream.done(&first, output(0, ends));
        assert!(stream.next().is_none() && stream.is_settled());
        let searched = stream.settle(&names());
        assert_eq!(searched.stopped_after, [Some(5_000), None]);
        assert_eq!(searched.found_by, Some((1, found_at)));
        assert_eq!(
            searched.begun_at,
            [None, Some(60)],
            "the earliest job counts"
        );
        assert_eq!((searched.analysed, searched.abandoned), (2, 1));
        assert_eq!(searched.rows_analysed, 2 * 48 + 20);
        assert_eq!(searched.rows_untouched(), 9 * 48 + 28);
    }

    #[test]
    fn all_are_found_in_their_order_whenever_they_come() {
        let mut stream = under_way(Which::All);
        let mut orders: Vec<_> = std::iter::from_fn(|| stream.next()).collect();
        orders.reverse();
        for order in &orders {
            let ends = order.frames.clone().map(|frame| match frame % 2 {
                0 => End::Met(vec![None]),
                _ => End::Unmet,
            });
            stream.done(order, output(0, ends.collect()));
        }
        assert!(stream.is_settled());
        let searched = stream.settle(&names());
        let frames: Vec<_> = searched.found.iter().map(|hit| hit.frame).collect();
        assert_eq!(frames, [0, 2, 4, 6, 8, 10]);
        assert_eq!(searched.untouched(), 0);
    }
}
