//! The engine against a scalar reference that follows the definitions word by word.

use super::*;
use crate::frame::{Colour, FrameFormat, FrameView, Sample};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const ALL: &str = "luma,histogram,motion,sharpness,thumbnail:7x5";

/// The luma plane, pixel by pixel.
fn plane(frame: FrameView<'_>) -> Vec<u64> {
    let format = frame.format();
    let sample = |i: usize| match format.sample {
        Sample::U8 => u64::from(frame.bytes()[i]),
        Sample::U16 => u64::from(frame.bytes()[2 * i]) + 256 * u64::from(frame.bytes()[2 * i + 1]),
    };
    let weigh =
        |i| (13933 * sample(i) + 46871 * sample(i + 1) + 4732 * sample(i + 2) + 32768) >> 16;
    (0..format.pixels())
        .map(|pixel| match format.colour {
            Colour::Rgb => weigh(3 * pixel),
            Colour::Rgba => weigh(4 * pixel),
            _ => sample(pixel),
        })
        .collect()
}

/// The thumbnail of at most 7 by 5 pixels, cell by cell: its width, height and bytes.
fn thumbnail(frame: FrameView<'_>) -> (usize, usize, Vec<u8>) {
    let format = frame.format();
    let (large_w, large_h) = (format.width as usize, format.height as usize);
    let (w, h) = (large_w.min(7), large_h.min(5));
    let (stride, channels) = match format.colour {
        Colour::Rgb => (3, 3),
        Colour::Rgba => (4, 3),
        _ => (1, 1),
    };
    let mut bytes = Vec::new();
    for (i, j, channel) in
        (0..h).flat_map(|i| (0..w).flat_map(move |j| (0..channels).map(move |c| (i, j, c))))
    {
        let (mut sum, mut count) = (0, 0);
        for y in i * large_h / h..(i + 1) * large_h / h {
            for x in j * large_w / w..(j + 1) * large_w / w {
                let at = stride * (y * large_w + x) + channel;
                sum += match format.sample {
                    Sample::U8 => u64::from(frame.bytes()[at]),
                    Sample::U16 => {
                        u64::from(frame.bytes()[2 * at])
                            + 256 * u64::from(frame.bytes()[2 * at + 1])
                    }
                };
                count += 1;
            }
        }
        let mean = (sum as f64 / f64::from(count)).round_ties_even() as u16;
        bytes.extend(&mean.to_le_bytes()[..format.sample.bytes()]);
    }
    (w, h, bytes)
}

/// An index reflected at the borders without repeating the edge.
fn reflect(i: i64, len: usize) -> usize {
    let last = len as i64 - 1;
    let i = if i < 0 { -i } else { i };
    let i = if i > last { 2 * last - i } else { i };
    i.max(0) as usize
}

fn reference(index: u64, frame: FrameView<'_>, now: &[u64], before: Option<&[u64]>) -> Value {
    let format = frame.format();
    let (w, h, n) = (
        format.width as usize,
        format.height as usize,
        now.len() as f64,
    );
    let mut bins = vec![0_u64; 256];
    for y in now {
        bins[(y >> (format.depth - 8)).min(255) as usize] += 1;
    }
    let percentile = |percent: f64| {
        let wanted = (n * percent / 100.0).round_ties_even();
        (0..256).find(|&bin| bins[..=bin].iter().sum::<u64>() as f64 >= wanted)
    };
    let laplacian = |x: i64, y: i64| {
        let at = |x, y| now[reflect(y, h) * w + reflect(x, w)] as i128;
        at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y)
    };
    let (mut sum, mut squares) = (0, 0);
    for y in 0..h as i64 {
        for x in 0..w as i64 {
            sum += laplacian(x, y);
            squares += laplacian(x, y).pow(2);
        }
    }
    let count = now.len() as i128;
    let variance = (count * squares - sum * sum) as f64 / (count * count) as f64;
    let difference = before.map(|before| {
        let distances = now.iter().zip(before).map(|(a, b)| a.abs_diff(*b));
        distances.sum::<u64>() as f64 / n
    });
    let (width, height, bytes) = thumbnail(frame);
    let digest = Sha256::digest(bytes);
    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "frame": index,
        "luma": {
            "min": now.iter().min(),
            "max": now.iter().max(),
            "mean": now.iter().sum::<u64>() as f64 / n,
        },
        "histogram": { "bins": bins, "p10": percentile(10.0), "p90": percentile(90.0) },
        "motion": { "mean_abs_diff": if index == 0 { Some(0.0) } else { difference } },
        "sharpness": { "laplacian_variance": variance },
        "thumbnail": { "width": width, "height": height, "sha256": sha256 },
    })
}

fn any_format() -> impl Strategy<Value = FrameFormat> {
    use Colour::{Gray, Rgb, Rgba, Yuv420, Yuv422, Yuv444};
    let colour = prop::sample::select(vec![Gray, Rgb, Rgba, Yuv420, Yuv422, Yuv444]);
    let kind = prop::sample::select(vec![(Sample::U8, 8), (Sample::U16, 10), (Sample::U16, 16)]);
    let side = || prop_oneof![Just(1_u32), 1..5_u32, 1..140_u32];
    (colour, kind, side(), side()).prop_map(|(colour, (sample, depth), width, height)| {
        FrameFormat {
            depth,
            ..FrameFormat::new(width, height, colour, sample)
        }
    })
}

/// Three frames that are made from a seed.
#[derive(Clone, Copy, Debug)]
struct Stream {
    format: FrameFormat,
    /// Bytes before each frame: 1 puts 16-bit samples at odd addresses.
    offset: usize,
    content: Content,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    AllOrNothing,
    Extremes,
    Random,
    RandomWithinDepth,
}

impl Stream {
    fn frames(self) -> Vec<Vec<u8>> {
        let mut state = self.seed | 1;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        let extreme = |random: u8| if random < 128 { 0 } else { 255 };
        let frame = |_| {
            let same = extreme(random());
            let byte = |i| match self.content {
                Content::AllOrNothing => same,
                Content::Extremes => extreme(random()),
                Content::RandomWithinDepth if self.format.depth == 10 && i % 2 != self.offset => {
                    random() & 3
                }
                Content::Random | Content::RandomWithinDepth => random(),
            };
            (0..self.offset + self.format.bytes()).map(byte).collect()
        };
        (0..3).map(frame).collect()
    }

    fn view(self, bytes: &[u8]) -> FrameView<'_> {
        FrameView::new(self.format, &bytes[self.offset..]).unwrap()
    }
}

fn any_stream() -> impl Strategy<Value = Stream> {
    let content = prop::sample::select(vec![
        Content::AllOrNothing,
        Content::Extremes,
        Content::Random,
        Content::RandomWithinDepth,
    ]);
    let parts = (any_format(), 0..2_usize, content, any::<u64>());
    parts.prop_map(|(format, offset, content, seed)| Stream {
        format,
        offset,
        content,
        seed,
    })
}

/// Through text and back, as every finding goes: parsing may round a number's last bit.
fn as_parsed(value: Value) -> Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_finding_is_the_references(stream in any_stream()) {
        let frames = stream.frames();
        let mut engine = Engine::new(&Analysis::parse(ALL).unwrap(), stream.format);
        let mut before = None;
        for (index, bytes) in (0..).zip(&frames) {
            let frame = stream.view(bytes);
            let now = plane(frame);
            let line: Value = serde_json::from_str(&engine.analyze(index, frame)).unwrap();
            let expected = as_parsed(reference(index, frame, &now, before.as_deref()));
            prop_assert_eq!(line, expected);
            let small = engine.thumbnail().unwrap();
            prop_assert_eq!(small.bytes(), thumbnail(frame).2);
            before = Some(now);
        }
    }

    #[test]
    fn an_abandoned_frame_leaves_no_trace_and_spans_change_nothing(
        stream in any_stream(), every in 0_u32..9, rows in 0_u32..9,
    ) {
        let (format, frames) = (stream.format, stream.frames());
        let analysis = Analysis::parse(ALL).unwrap();
        let view = |i: u64| stream.view(&frames[i as usize]);
        let mut engine = Engine::new(&analysis, format);
        engine.analyze(0, view(0));
        let abandoned = engine.analyze_while(1, view(1), every, |done| done < rows);
        let stop = rows.max(1).next_multiple_of(every.max(1));
        if stop < format.height {
            prop_assert_eq!(abandoned, Err(Abandoned { rows: stop }));
            prop_assert!(engine.thumbnail().is_none());
        } else {
            prop_assert!(abandoned.is_ok());
            engine = Engine::new(&analysis, format);
        }
        // Half of the frame has taken the place of frame 0, which is gone.
        for index in 1..3 {
            let mut other = Engine::new(&analysis, format);
            if index == 2 {
                other.prime(1, view(1));
            }
            let whole = other.analyze(index, view(index));
            let in_spans = engine.analyze_while(index, view(index), every, |_| true);
            prop_assert_eq!(in_spans, Ok(whole));
        }
    }

    #[test]
    fn a_stream_may_be_cut_anywhere(stream in any_stream()) {
        let (format, frames) = (stream.format, stream.frames());
        let analysis = Analysis::parse("motion,sharpness,luma").unwrap();
        let view = |i: u64| stream.view(&frames[i as usize]);
        let mut straight = Engine::new(&analysis, format);
        let whole: Vec<_> = (0..3).map(|i| straight.analyze(i, view(i))).collect();
        for first in 1..3 {
            let mut engine = Engine::new(&analysis, format);
            engine.prime(first - 1, view(first - 1));
            for index in first..3 {
                prop_assert_eq!(engine.analyze(index, view(index)), &*whole[index as usize]);
            }
        }
    }
}

#[test]
fn rows_longer_than_a_block_are_summed_to_the_end() {
    for (colour, sample) in [
        (Colour::Gray, Sample::U8),
        (Colour::Gray, Sample::U16),
        (Colour::Rgb, Sample::U16),
    ] {
        let format = FrameFormat::new(9001, 3, colour, sample);
        let checkered = |x: usize| {
            if x % (2 * format.sample.bytes()) < 2 {
                255
            } else {
                0
            }
        };
        let bytes: Vec<u8> = (0..format.bytes()).map(checkered).collect();
        let frame = FrameView::new(format, &bytes).unwrap();
        let line = Engine::new(&Analysis::parse(ALL).unwrap(), format).analyze(0, frame);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line, as_parsed(reference(0, frame, &plane(frame), None)));
    }
}

const TINY: FrameFormat = FrameFormat::new(2, 1, Colour::Gray, Sample::U8);

fn tiny(bytes: &[u8; 2]) -> FrameView<'_> {
    FrameView::new(TINY, bytes).unwrap()
}

#[test]
fn motion_after_a_missing_frame_is_null_and_then_recovers() {
    let mut engine = Engine::new(&Analysis::parse("motion").unwrap(), TINY);
    assert_eq!(
        engine.analyze(0, tiny(&[9, 9])),
        r#"{"frame":0,"motion":{"mean_abs_diff":0.0}}"#
    );
    assert_eq!(
        engine.analyze(2, tiny(&[5, 5])),
        r#"{"frame":2,"motion":{"mean_abs_diff":null}}"#
    );
    assert_eq!(
        engine.analyze(3, tiny(&[5, 6])),
        r#"{"frame":3,"motion":{"mean_abs_diff":0.5}}"#
    );
}

#[test]
fn the_first_frame_has_no_motion_whatever_came_before_it() {
    let mut engine = Engine::new(&Analysis::parse("motion").unwrap(), TINY);
    engine.prime(7, tiny(&[200, 200]));
    assert_eq!(
        engine.analyze(0, tiny(&[9, 9])),
        r#"{"frame":0,"motion":{"mean_abs_diff":0.0}}"#
    );
}

#[test]
fn findings_come_in_the_order_asked_for_and_burn_adds_none() {
    let analysis = Analysis::parse("sharpness, burn:0.01 ,luma,sharpness").unwrap();
    assert_eq!(analysis.names(), ["sharpness", "burn:0.01", "luma"]);
    assert_eq!(
        Engine::new(&analysis, TINY).analyze(4, tiny(&[1, 3])),
        r#"{"frame":4,"sharpness":{"laplacian_variance":16.0},"luma":{"min":1,"max":3,"mean":2.0}}"#
    );
    let only_burn = Analysis::parse("burn:0").unwrap();
    assert_eq!(
        Engine::new(&only_burn, TINY).analyze(4, tiny(&[1, 3])),
        r#"{"frame":4}"#
    );
}

#[test]
fn only_motion_looks_back() {
    assert!(
        !Analysis::parse("luma,histogram,sharpness,thumbnail:1x1,burn:1")
            .unwrap()
            .looks_back()
    );
    assert!(Analysis::parse("luma,motion").unwrap().looks_back());
}

#[test]
fn what_cannot_be_asked_for_is_refused_by_a_sentence() {
    for (list, expected) in [
        ("", "at least one analyzer: luma, histogram"),
        (" , ", "at least one analyzer: luma, histogram"),
        ("luma,sharpnes", "did you mean sharpness?"),
        ("moton", "did you mean motion?"),
        ("xyzzy", "no analyzer is called `xyzzy` (there are luma,"),
        ("Luma", "luma"),
        ("luma:3", "luma takes no parameter"),
        ("burn", "burn:MS"),
        ("burn:", "milliseconds"),
        ("burn:abc", "not `abc`"),
        ("burn:-1", "not `-1`"),
        ("thumbnail", "thumbnail:WxH"),
        ("thumbnail:64", "not `64`"),
        ("thumbnail:2x2,luma,thumbnail:3x3", "one size"),
    ] {
        let error = Analysis::parse(list).unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{list}");
        assert!(error.to_string().contains(expected), "{list}: {error}");
    }
}

#[test]
fn an_analysis_reaches_a_worker_with_its_calibration() {
    let mut analysis = Analysis::parse("luma,burn:3").unwrap();
    assert_eq!(analysis.calibrations(), []);
    analysis.calibrate();
    let once = analysis.clone();
    analysis.calibrate();
    assert_eq!(analysis, once, "calibrated once");
    let sent = postcard::to_allocvec(&analysis).unwrap();
    let arrived: Analysis = postcard::from_bytes(&sent).unwrap();
    assert_eq!(arrived, analysis);
    assert_eq!(arrived.calibrations()[0].0, "burn:3");

    let forged = postcard::to_allocvec(&vec![("lumo", None::<u64>)]).unwrap();
    assert!(postcard::from_bytes::<Analysis>(&forged).is_err());
}

#[test]
#[should_panic(expected = "a 2x1 gray8 frame came to an engine for 1x2 gray8 frames")]
fn a_frame_of_another_format_is_a_bug() {
    let format = FrameFormat::new(1, 2, Colour::Gray, Sample::U8);
    Engine::new(&Analysis::parse("luma").unwrap(), format).analyze(0, tiny(&[1, 2]));
}

#[test]
fn a_failed_frames_line_says_why() {
    assert_eq!(
        failed_line(3, r#"a "bad" file"#),
        r#"{"frame":3,"error":"a \"bad\" file"}"#
    );
}
