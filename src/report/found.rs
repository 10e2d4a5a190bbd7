//! A search's answer: lines and a paragraph for people, an object for programs.

use super::style::{Style, printable};
use super::units::{list, plural, time};
use crate::pipeline::find::{Answer, Hit, Searched, Which};
use serde::Serialize;
use std::collections::BTreeMap;

/// A search's answer as `framehaul find --json` prints it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoundData {
    /// Each input, in the order asked for.
    pub inputs: Vec<InputData>,
    /// Worker processes or threads.
    pub workers: usize,
    /// Worker processes that died and were replaced.
    pub workers_died: u64,
    /// The mode of all inputs, or none if they have several.
    pub mode: Option<String>,
    /// The condition, in one spelling.
    #[serde(rename = "where")]
    pub condition: String,
    /// `earliest`, `any` or `all`.
    pub which: &'static str,
    /// First dispatch to last answer, in seconds.
    pub wall_s: f64,
}

/// What came of one input.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InputData {
    /// As typed.
    pub input: String,
    /// The mode's name.
    pub mode: &'static str,
    /// The frames that were wanted, in order.
    pub found: Vec<HitData>,
    /// Frames that it has: those of the next four together.
    pub frames: u64,
    /// Frames that were analysed to their last row.
    pub frames_analysed: u64,
    /// Frames that were given up between two rows.
    pub frames_abandoned: u64,
    /// Frames that could not be had.
    pub frames_failed: u64,
    /// Frames that nobody touched.
    pub frames_untouched: u64,
    /// Rows that were analysed, those of abandoned frames included.
    pub rows_analysed: u64,
    /// Rows that nobody touched, of frames that can be had.
    pub rows_untouched: u64,
    /// For each worker, how long after the result was recorded it gave up the frame that it was
    /// at; null for the one that found it and for those that were not at a frame behind it.
    pub stopped_after_us: Vec<Option<f64>>,
    /// The frames that could not be had, and why.
    pub failed: Vec<FailedData>,
    /// Frames before the one that was found that could not be had: an earlier one may be there.
    pub failed_before: u64,
}

/// A frame that meets the condition.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HitData {
    /// Its number, from 0.
    pub frame: u64,
    /// When it is shown, from the first; null if the input states no rate.
    pub seconds: Option<f64>,
    /// What the condition looked at.
    pub values: BTreeMap<String, Option<f64>>,
}

/// A frame that could not be had.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailedData {
    /// Its number, from 0.
    pub frame: u64,
    /// One sentence.
    pub error: String,
}

impl FoundData {
    /// The data of an answer.
    pub fn new(answer: &Answer) -> Self {
        let mode = answer.inputs.first().map(|input| input.mode);
        let mode = mode.filter(|mode| answer.inputs.iter().all(|input| input.mode == *mode));
        Self {
            inputs: answer.inputs.iter().map(InputData::new).collect(),
            workers: answer.workers,
            workers_died: answer.workers_died,
            mode: mode.map(str::to_owned),
            condition: answer.condition.clone(),
            which: match answer.which {
                Which::Earliest => "earliest",
                Which::Any => "any",
                Which::All => "all",
            },
            wall_s: answer.wall_ns as f64 / 1e9,
        }
    }
}

impl InputData {
    fn new(searched: &Searched) -> Self {
        let hit = |hit: &Hit| HitData {
            frame: hit.frame,
            seconds: searched.seconds(hit.frame),
            values: hit.values.iter().cloned().collect(),
        };
        let failed = |(frame, error): &(u64, String)| FailedData {
            frame: *frame,
            error: error.clone(),
        };
        let us = |after: &Option<u64>| after.map(|ns| ns as f64 / 1e3);
        Self {
            input: searched.input.clone(),
            mode: searched.mode,
            found: searched.found.iter().map(hit).collect(),
            frames: searched.frames,
            frames_analysed: searched.analysed,
            frames_abandoned: searched.abandoned,
            frames_failed: searched.failed.len() as u64,
            frames_untouched: searched.untouched(),
            rows_analysed: searched.rows_analysed,
            rows_untouched: searched.rows_untouched(),
            stopped_after_us: searched.stopped_after.iter().map(us).collect(),
            failed: searched.failed.iter().map(failed).collect(),
            failed_before: searched.failed_before(),
        }
    }
}

/// The line of a frame that was found: `set: frame 17 (00:00:00.567): luma.max = 65535`.
pub fn found_line(searched: &Searched, hit: &Hit) -> String {
    let at = searched.seconds(hit.frame).map(time_code);
    let at = at.map_or(String::new(), |at| format!(" ({at})"));
    let values = hit.values.iter().filter(|(name, _)| name != "frame");
    let values: Vec<_> = values
        .map(|(name, value)| match value {
            Some(value) => format!("{name} = {}", number(*value)),
            None => format!("{name} unknown"),
        })
        .collect();
    let values = values.join(", ");
    let input = printable(&searched.input);
    format!("{input}: frame {}{at}: {values}", hit.frame)
}

/// What else there is to say of an answer: where nothing was found, how much work was saved, and
/// how fast the workers stopped.
pub fn found_story(answer: &Answer, style: Style) -> String {
    let sum = |of: fn(&Searched) -> u64| answer.inputs.iter().map(of).sum::<u64>();
    let by = match answer.workers {
        1 => String::new(),
        workers => format!(", by {workers} workers"),
    };
    let mut lines = vec![format!(
        "Analysed  {} of {} in {}{by}",
        sum(|input| input.analysed),
        plural(sum(|input| input.frames), "frame"),
        time(answer.wall_ns as f64)
    )];
    let (rows, spared) = (sum(Searched::rows), sum(Searched::rows_untouched));
    if spared > 0 {
        let untouched = plural(sum(Searched::untouched), "frame");
        let abandoned = match sum(|input| input.abandoned) {
            0 => String::new(),
            abandoned => format!(", {abandoned} given up part-way"),
        };
        let share = 100.0 * spared as f64 / rows as f64;
        lines.push(format!(
            "Saved     {untouched} not touched{abandoned}: {spared} of {rows} rows, {share:.0} %"
        ));
    }
    lines.extend(stopped(answer));
    if answer.workers_died > 0 {
        let died = plural(answer.workers_died, "worker");
        lines.push(format!(
            "Lost      {died}; what was under way was done by others"
        ));
    }
    let lines = lines.iter().map(|line| style.wrap(line, 10));
    let lines: Vec<_> = nothing_found(answer, style)
        .into_iter()
        .chain(lines)
        .collect();
    lines.join("\n")
}

fn nothing_found(answer: &Answer, style: Style) -> Option<String> {
    let inputs = answer.inputs.iter();
    let without = inputs.filter(|input| input.found.is_empty());
    let without: Vec<_> = without.map(|input| input.input.as_str()).collect();
    let condition = &answer.condition;
    let text = match without.len() {
        0 => return None,
        1..=3 => format!("No frame of {} meets {condition}", list(&without)),
        some => format!(
            "In {some} of {} inputs no frame meets {condition}",
            answer.inputs.len()
        ),
    };
    Some(style.wrap(&text, 0) + "\n")
}

/// How fast the workers stopped that were at frames which were not needed any more.
fn stopped(answer: &Answer) -> Option<String> {
    let mut stops = Vec::new();
    for input in &answer.inputs {
        let by_worker = input.stopped_after.iter().enumerate();
        stops.extend(by_worker.filter_map(|(worker, after)| Some(((*after)? as f64, worker))));
    }
    stops.sort_by(|a, b| a.0.total_cmp(&b.0));
    match &stops[..] {
        [] => None,
        [(after, worker)] => Some(format!(
            "Stopped   worker {worker}, {} after the find",
            time(*after)
        )),
        [(least, _), .., (most, _)] => Some(format!(
            "Stopped   {} times a worker, {} to {} after the find",
            stops.len(),
            time(*least),
            time(*most)
        )),
    }
}

/// `HH:MM:SS.mmm`, rounded.
fn time_code(seconds: f64) -> String {
    let ms = (seconds * 1e3).round() as u64;
    let (s, m) = (ms / 1000, ms / 60_000);
    format!("{:02}:{:02}:{:02}.{:03}", m / 60, m % 60, s % 60, ms % 1000)
}

/// A number in six significant digits at most, as short as that allows.
fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        return format!("{value:.0}");
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.5e}");
    }
    let before = size.log10().floor() as i32 + 1;
    let decimals = usize::try_from(6 - before).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched() -> Searched {
        Searched {
            input: "set".into(),
            mode: "mmap",
            fps: Some(30.0),
            frames: 60,
            height: 100,
            found: vec![Hit {
                frame: 17,
                values: vec![
                    ("luma.max".into(), Some(65535.0)),
                    ("frame".into(), Some(17.0)),
                    ("motion.mean_abs_diff".into(), None),
                ],
            }],
            failed: vec![(3, "why".into())],
            analysed: 18,
            abandoned: 1,
            rows_analysed: 1840,
            stopped_after: vec![None, Some(12_345)],
            found_by: Some((0, 1_000_000)),
            begun_at: vec![Some(1_000), Some(2_000)],
        }
    }

    fn answer(inputs: Vec<Searched>) -> Answer {
        Answer {
            condition: "luma.max > 60000".into(),
            which: Which::Earliest,
            workers: 2,
            workers_died: 0,
            wall_ns: 48_000_000,
            inputs,
        }
    }

    #[test]
    fn a_line_has_frame_time_code_and_values() {
        let mut searched = searched();
        let line = |searched: &Searched| found_line(searched, &searched.found[0]);
        assert_eq!(
            line(&searched),
            "set: frame 17 (00:00:00.567): luma.max = 65535, motion.mean_abs_diff unknown"
        );
        searched.fps = None;
        searched.found[0].values.truncate(1);
        assert_eq!(line(&searched), "set: frame 17: luma.max = 65535");
    }

    #[test]
    fn times_and_numbers_are_rounded_and_as_short_as_they_can_be() {
        for (seconds, code) in [
            (0.0, "00:00:00.000"),
            (17.0 / 30.0, "00:00:00.567"),
            (0.9996, "00:00:01.000"),
            (59.9996, "00:01:00.000"),
            (3599.9999, "01:00:00.000"),
            (360_000.25, "100:00:00.250"),
        ] {
            assert_eq!(time_code(seconds), code);
        }
        for (value, text) in [
            (65535.0, "65535"),
            (0.0, "0"),
            (2.5, "2.5"),
            (1.0 / 3.0, "0.333333"),
            (12345.678, "12345.7"),
            (1_234_567.8, "1234568"),
            (99.999_999_9, "100"),
            (-0.25, "-0.25"),
            (1e-9, "1.00000e-9"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn the_story_says_what_was_saved_and_how_fast_it_stopped() {
        let story = |answer: &Answer| found_story(answer, Style::plain(1000));
        let mut one = answer(vec![searched()]);
        assert_eq!(
            story(&one),
            "Analysed  18 of 60 frames in 48.0 ms, by 2 workers\n\
             Saved     40 frames not touched, 1 given up part-way: 4060 of 5900 rows, 69 %\n\
             Stopped   worker 1, 12.3 µs after the find"
        );
        one.inputs.push(Searched {
            stopped_after: vec![Some(800), None],
            ..searched()
        });
        assert!(
            story(&one).ends_with("\nStopped   2 times a worker, 800 ns to 12.3 µs after the find")
        );
        let nothing = Searched {
            found: Vec::new(),
            failed: Vec::new(),
            analysed: 60,
            abandoned: 0,
            rows_analysed: 6000,
            stopped_after: vec![None; 2],
            ..searched()
        };
        let mut none = answer(vec![nothing]);
        none.workers_died = 1;
        assert_eq!(
            story(&none),
            "No frame of set meets luma.max > 60000\n\n\
             Analysed  60 of 60 frames in 48.0 ms, by 2 workers\n\
             Lost      1 worker; what was under way was done by others"
        );
    }

    #[test]
    fn the_object_has_what_a_program_needs() {
        let data = serde_json::to_value(FoundData::new(&answer(vec![searched()]))).unwrap();
        assert_eq!(data["where"], "luma.max > 60000");
        assert_eq!(
            (&data["workers"], &data["mode"]),
            (&2.into(), &"mmap".into())
        );
        let input = &data["inputs"][0];
        assert_eq!(input["found"][0]["frame"], 17);
        assert_eq!(input["found"][0]["values"]["luma.max"], 65535.0);
        assert_eq!(
            input["found"][0]["values"]["motion.mean_abs_diff"],
            serde_json::Value::Null
        );
        assert_eq!(input["frames_untouched"], 40);
        assert_eq!(input["rows_untouched"], 4060);
        assert_eq!(input["stopped_after_us"], serde_json::json!([null, 12.345]));
        assert_eq!(
            (&input["failed_before"], &input["failed"][0]["frame"]),
            (&1.into(), &3.into())
        );
    }
}
