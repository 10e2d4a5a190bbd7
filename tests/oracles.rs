//! The findings against well-known tools that see the same frames: NumPy, OpenCV, ffmpeg.
//!
//! `scripts/test` fetches the tools and runs these tests; without the tools they fail.

mod common;

use common::{Sandbox, given};
use framehaul::analysis::{
    Analysis, Engine, HistogramFinding, LumaFinding, MotionFinding, SharpnessFinding,
    ThumbnailFinding,
};
use framehaul::frame::{Colour, FrameFormat, FrameView, Sample};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

#[derive(Debug, Deserialize)]
struct Line {
    frame: u64,
    luma: LumaFinding,
    histogram: HistogramFinding,
    motion: MotionFinding,
    sharpness: SharpnessFinding,
    thumbnail: ThumbnailFinding,
}

const ALL: &str = "luma,histogram,motion,sharpness,thumbnail:16x9";

fn engine(format: FrameFormat) -> Engine {
    let analysis = Analysis::parse(ALL).expect("they are registered");
    Engine::new(&analysis, format)
}

fn analyze(engine: &mut Engine, index: u64, format: FrameFormat, bytes: &[u8]) -> Line {
    let frame = FrameView::new(format, bytes).expect("a whole frame");
    serde_json::from_str(&engine.analyze(index, frame)).expect("a line of JSON")
}

/// Frames in which every sample is random but for smooth parts and extremes.
fn random_frames(format: FrameFormat, frames: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(frames * format.bytes());
    while bytes.len() < frames * format.bytes() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match bytes.len() / 10_000 % 4 {
            0 => bytes.push(if state & 256 == 0 { 0 } else { 255 }),
            1 => bytes.push((bytes.len() / 7) as u8),
            _ => bytes.push((state >> 24) as u8),
        }
    }
    bytes
}

fn numpy_and_opencv_agree(colour: Colour, sample: Sample) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (seed, (width, height)) in [(641, 360), (64, 48), (97, 1), (1, 61), (1, 1), (2, 2)]
        .into_iter()
        .enumerate()
    {
        let format = FrameFormat::new(width, height, colour, sample);
        let bytes = random_frames(format, 4, 1000 + seed as u64);
        let path = folder.path().join("frames.raw");
        fs::write(&path, &bytes).expect("room for a few frames");
        let channels = if colour == Colour::Gray { 1 } else { 3 };
        let dtype = if sample == Sample::U8 { "<u1" } else { "<u2" };
        let shape = [height, width, channels].map(|number| number.to_string());
        let mut args = vec![path.as_os_str()];
        args.extend(shape.iter().map(std::ffi::OsStr::new));
        args.push(std::ffi::OsStr::new(dtype));
        let expected = python(&args);
        assert_eq!(expected.len(), 4);

        let mut engine = engine(format);
        let frames = bytes.chunks(format.bytes());
        for (index, (expected, frame)) in (0..).zip(expected.iter().zip(frames)) {
            let found = analyze(&mut engine, index, format, frame);
            same(&found, expected, &format!("{format}, frame {index}"));
        }
    }
}

#[test]
fn gray8_findings_are_numpys_and_opencvs() {
    numpy_and_opencv_agree(Colour::Gray, Sample::U8);
}

#[test]
fn gray16_findings_are_numpys_and_opencvs() {
    numpy_and_opencv_agree(Colour::Gray, Sample::U16);
}

#[test]
fn rgb8_findings_are_numpys_and_opencvs() {
    numpy_and_opencv_agree(Colour::Rgb, Sample::U8);
}

#[test]
fn rgb16_findings_are_numpys_and_opencvs() {
    numpy_and_opencv_agree(Colour::Rgb, Sample::U16);
}

/// What Python finds in a file of frames; see `findings.py`.
fn python(args: &[&std::ffi::OsStr]) -> Vec<Line> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/findings.py");
    let output = Command::new(given("FRAMEHAUL_PYTHON"))
        .arg(script)
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "the oracle failed; its packages: run ./scripts/test"
    );
    lines(&String::from_utf8(output.stdout).expect("text"))
}

fn lines(text: &str) -> Vec<Line> {
    let parse = |line| serde_json::from_str(line).expect("a line of JSON");
    text.lines().map(parse).collect()
}

fn same(found: &Line, expected: &Line, what: &str) {
    assert_eq!(found.frame, expected.frame, "{what}");
    assert_eq!(found.luma, expected.luma, "{what}");
    assert_eq!(found.histogram, expected.histogram, "{what}");
    assert_eq!(found.motion, expected.motion, "{what}");
    assert_eq!(found.thumbnail, expected.thumbnail, "{what}");
    let [found, expected] = [found, expected].map(|line| line.sharpness.laplacian_variance);
    let within = (found - expected).abs() <= 1e-9 * expected;
    assert!(within, "{what}: {found} where OpenCV has {expected}");
}

/// What the program finds in an input, in worker processes.
fn program(sandbox: &Sandbox, input: &str) -> Vec<Line> {
    let line = format!("run {input} --mode payload-raw,mmap --analyze {ALL} --workers 2 --out out");
    sandbox.run(&line).succeeds();
    let found = sandbox.findings("out/mmap");
    assert_eq!(found, sandbox.findings("out/payload-raw"));
    lines(&found.join("\n"))
}

#[test]
fn a_generated_set_is_to_numpy_what_it_is_to_us() {
    for pixels in ["rgb16", "rgb8", "gray16", "gray8"] {
        let sandbox = Sandbox::new();
        let options = format!("--size 641x360 --frames 6 --pixels {pixels}");
        let sandbox = sandbox.with_set(&options);
        let found = program(&sandbox, "set");
        let [frames, thumbnails] = ["set/frames.npy", "out/mmap/thumbnails.npy"]
            .map(|name| sandbox.path(name).into_os_string());
        let expected = python(&[&frames, &thumbnails]);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            same(
                found,
                expected,
                &format!("{pixels}, frame {}", expected.frame),
            );
        }
    }
}

/// Frames of the video that are compared.
const CLIP_FRAMES: usize = 240;

#[test]
fn a_real_video_has_signalstats_and_opencvs_numbers_frame_by_frame() {
    let (ffmpeg, clip) = (given("FRAMEHAUL_FFMPEG"), given("FRAMEHAUL_CLIP"));
    let sandbox = Sandbox::new();
    // One decoder, three outputs: the video as y4m, its luma plane for OpenCV, and what
    // signalstats says.
    let frames = CLIP_FRAMES.to_string();
    let output = |from, to: &[&'static str]| {
        let options = [
            "-map",
            from,
            "-fps_mode",
            "passthrough",
            "-frames:v",
            &frames,
        ];
        [&options[..], to]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let ended = Command::new(ffmpeg)
        .current_dir(sandbox.path("."))
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(clip)
        .args([
            "-filter_complex",
            "[0:v]format=yuv420p,split=3[video][one][other];\
             [one]extractplanes=y[luma];\
             [other]signalstats,metadata=print:file=stats.txt[stats]",
        ])
        .args(output("[video]", &["clip.y4m"]))
        .args(output("[luma]", &["-f", "rawvideo", "luma.raw"]))
        .args(output("[stats]", &["-f", "null", "-"]))
        .status()
        .expect("ffmpeg starts");
    assert!(ended.success());

    let found = program(&sandbox, "clip.y4m");
    assert_eq!(found.len(), CLIP_FRAMES);
    let raw = sandbox.path("luma.raw");
    let shape = ["720", "1280", "1", "<u1"].map(std::ffi::OsStr::new);
    let opencv = python(&[&[raw.as_os_str()], &shape[..]].concat());
    for (found, expected) in found.iter().zip(&opencv) {
        same(found, expected, &format!("frame {}", expected.frame));
    }

    let stats = fs::read_to_string(sandbox.path("stats.txt")).expect("what ffmpeg wrote");
    let stats = signalstats(&stats);
    for (line, stats) in found.iter().zip(&stats[..CLIP_FRAMES]) {
        let frame = line.frame;
        let (luma, bins) = (&line.luma, &line.histogram);
        for (key, found) in [
            ("YMIN", luma.min),
            ("YMAX", luma.max),
            ("YLOW", bins.p10.into()),
            ("YHIGH", bins.p90.into()),
        ] {
            let expected: u16 = stats[key].parse().expect("an integer");
            assert_eq!(found, expected, "{key} of frame {frame}");
        }
        let motion = line.motion.mean_abs_diff.expect("no frame is missing");
        for (key, found) in [("YAVG", luma.mean), ("YDIF", motion)] {
            let printed: f64 = stats[key].parse().expect("a number");
            // It prints six significant digits.
            let within = (found - printed).abs() <= 0.500_001e-5 * 10_f64.powf(digits(found));
            assert!(
                within,
                "{key} of frame {frame}: {found} where ffmpeg has {printed}"
            );
        }
    }
}

/// The power of ten of a number's first digit; 0 for 0.
fn digits(number: f64) -> f64 {
    if number == 0.0 {
        0.0
    } else {
        number.abs().log10().floor()
    }
}

/// Each frame's `lavfi.signalstats.KEY=VALUE` lines.
fn signalstats(text: &str) -> Vec<HashMap<&str, &str>> {
    let mut frames = Vec::new();
    for line in text.lines() {
        if line.starts_with("frame:") {
            frames.push(HashMap::new());
        } else if let Some(pair) = line.strip_prefix("lavfi.signalstats.")
            && let (Some((key, value)), Some(frame)) = (pair.split_once('='), frames.last_mut())
        {
            frame.insert(key, value);
        }
    }
    frames
}
