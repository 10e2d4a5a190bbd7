//! The findings against well-known tools that see the same frames: NumPy, OpenCV, ffmpeg.
//!
//! `scripts/test` fetches the tools and runs these tests; without the tools they fail.

use framehaul::analysis::{
    Analysis, Engine, HistogramFinding, LumaFinding, MotionFinding, SharpnessFinding,
};
use framehaul::frame::{Colour, FrameFormat, FrameView, Sample};
use serde::Deserialize;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Debug, Deserialize)]
struct Line {
    frame: u64,
    luma: LumaFinding,
    histogram: HistogramFinding,
    motion: MotionFinding,
    sharpness: SharpnessFinding,
}

/// The tool that the environment names.
fn oracle(variable: &str) -> OsString {
    let tool = std::env::var_os(variable);
    let tool = tool.unwrap_or_else(|| panic!("{variable} is not set: run ./scripts/test"));
    let found = Path::new(&tool).exists();
    assert!(
        found,
        "{variable} is {tool:?}, which is not there: run ./scripts/test"
    );
    tool
}

fn engine(format: FrameFormat) -> Engine {
    let analysis = Analysis::parse("luma,histogram,motion,sharpness").expect("they are registered");
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
    let python = oracle("FRAMEHAUL_PYTHON");
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
        let output = Command::new(&python)
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/oracles/findings.py"
            ))
            .arg(&path)
            .args([height, width, channels].map(|number| number.to_string()))
            .arg(dtype)
            .stderr(Stdio::inherit())
            .output()
            .expect("Python starts");
        assert!(
            output.status.success(),
            "the oracle failed; its packages: run ./scripts/test"
        );
        let output = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.lines().count(), 4);

        let mut engine = engine(format);
        let frames = bytes.chunks(format.bytes());
        for (index, (expected, frame)) in (0..).zip(output.lines().zip(frames)) {
            let expected: Line = serde_json::from_str(expected).expect("a line of JSON");
            let found = analyze(&mut engine, index, format, frame);
            assert_eq!(found.frame, expected.frame);
            assert_eq!(found.luma, expected.luma, "{format}, frame {index}");
            assert_eq!(
                found.histogram, expected.histogram,
                "{format}, frame {index}"
            );
            assert_eq!(found.motion, expected.motion, "{format}, frame {index}");
            let [found, expected] =
                [&found, &expected].map(|line| line.sharpness.laplacian_variance);
            let within = (found - expected).abs() <= 1e-9 * expected;
            assert!(
                within,
                "{format}, frame {index}: {found} where OpenCV has {expected}"
            );
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

/// The video's width and height, and how many frames of it are compared.
const CLIP: (u32, u32) = (1280, 720);
const CLIP_FRAMES: usize = 600;

#[test]
fn a_real_video_has_signalstats_numbers_frame_by_frame() {
    let (ffmpeg, clip) = (oracle("FRAMEHAUL_FFMPEG"), oracle("FRAMEHAUL_CLIP"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    // One decoder, two outputs: the frames as they are, and what signalstats says about them.
    let mut ffmpeg = Command::new(ffmpeg)
        .current_dir(folder.path())
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(clip)
        .args([
            "-filter_complex",
            "[0:v]format=yuv420p,split[frames][copy];\
             [copy]signalstats,metadata=print:file=stats.txt[stats]",
        ])
        .args(["-map", "[frames]", "-fps_mode", "passthrough"])
        .args([
            "-frames:v",
            &CLIP_FRAMES.to_string(),
            "-f",
            "rawvideo",
            "pipe:1",
        ])
        .args(["-map", "[stats]", "-fps_mode", "passthrough"])
        .args(["-frames:v", &CLIP_FRAMES.to_string(), "-f", "null", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg starts");
    let mut frames = ffmpeg.stdout.take().expect("its output is piped");

    let format = FrameFormat::new(CLIP.0, CLIP.1, Colour::Yuv420, Sample::U8);
    let mut engine = engine(format);
    let mut bytes = vec![0; format.bytes()];
    let mut found = Vec::new();
    while frames.read_exact(&mut bytes).is_ok() {
        found.push(analyze(&mut engine, found.len() as u64, format, &bytes));
    }
    assert!(ffmpeg.wait().expect("ffmpeg ends").success());
    assert_eq!(found.len(), CLIP_FRAMES);

    let stats = fs::read_to_string(folder.path().join("stats.txt")).expect("what ffmpeg wrote");
    let stats = signalstats(&stats);
    for (line, stats) in found.iter().zip(&stats[..CLIP_FRAMES]) {
        let frame = line.frame;
        let whole = |key: &str| stats[key].parse::<u16>().expect("an integer");
        assert_eq!(line.luma.min, whole("YMIN"), "YMIN of frame {frame}");
        assert_eq!(line.luma.max, whole("YMAX"), "YMAX of frame {frame}");
        assert_eq!(
            u16::from(line.histogram.p10),
            whole("YLOW"),
            "YLOW of frame {frame}"
        );
        assert_eq!(
            u16::from(line.histogram.p90),
            whole("YHIGH"),
            "YHIGH of frame {frame}"
        );
        let motion = line.motion.mean_abs_diff.expect("no frame is missing");
        for (key, found) in [("YAVG", line.luma.mean), ("YDIF", motion)] {
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
