//! A `.y4m` video: planar frames without compression, each behind a line of its own.

use super::reader::read_up_to;
use super::{FrameSet, Input, Kind, Layout, checked_format, extension, refuse};
use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat, Sample};
use std::fs::File;

pub(super) static KIND: Kind = Kind {
    name: "y4m",
    accepts: "CLIP.y4m",
    summary: "uncompressed video: 4:2:0, 4:2:2, 4:4:4 or mono, 8 or 10 bits; can be mapped",
    claims: |input| {
        !input.is_folder && input.files == [input.path.clone()] && extension(&input.path) == "y4m"
    },
    open,
};

pub(super) const MAGIC: &[u8] = b"YUV4MPEG2";
/// What a frame's line begins with; behind it are a blank and parameters, or the end of the line.
const FRAME: &[u8] = b"FRAME";
/// The shortest line of a frame.
pub(super) const SHORTEST_LINE: usize = FRAME.len() + 1;
/// The longest line that is looked for: those that programs write have some hundred bytes.
pub(super) const MAX_LINE: usize = 4096;

fn open(input: &Input) -> Result<FrameSet> {
    let file = File::open(&input.path).map_err(Error::io(&input.path, "cannot open"))?;
    let size = file
        .metadata()
        .map_err(Error::io(&input.path, "cannot read"))?
        .len();
    let head = read_up_to(&file, 0, MAX_LINE).map_err(Error::io(&input.path, "cannot read"))?;
    let header = Header::parse(&head).map_err(refuse(&input.path))?;
    let offsets = scan(&file, size, &header).map_err(refuse(&input.path))?;
    Ok(FrameSet {
        input: input.typed.clone(),
        format: header.format,
        fps: header.fps,
        files: [input.path.clone()].into(),
        layout: Layout::Offsets(offsets.into()),
        not_mappable: None,
    })
}

/// What the first line says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) format: FrameFormat,
    pub(super) fps: Option<f64>,
    /// Where the first frame's line begins.
    end: u64,
}

impl Header {
    /// Reads the first line from the first bytes of a file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("the file is empty; expected a y4m video".into());
        }
        if !bytes.starts_with(MAGIC) {
            let found = &bytes[..bytes.len().min(MAGIC.len())];
            return Err(format!(
                "not a y4m video: it begins with \"{}\", expected \"YUV4MPEG2\"",
                found.escape_ascii()
            ));
        }
        let end = bytes.iter().position(|b| *b == b'\n').ok_or_else(|| {
            format!(
                "its header does not end within {} bytes (damaged or truncated?)",
                bytes.len()
            )
        })?;
        let line = String::from_utf8_lossy(&bytes[MAGIC.len()..end]);
        let (mut width, mut height, mut fps, mut layout) = (None, None, None, "420".to_owned());
        for field in line.split_ascii_whitespace() {
            let mut rest = field.chars();
            match (rest.next(), rest.as_str()) {
                (Some('W'), n) => width = Some(side('W', n)?),
                (Some('H'), n) => height = Some(side('H', n)?),
                (Some('F'), ratio) => fps = rate(ratio),
                (Some('C'), name) => layout = name.to_owned(),
                _ => {} // interlacing, aspect and comments change no byte
            }
        }
        let missing = |field| format!("its y4m header has no {field} field");
        let width = width.ok_or_else(|| missing("W (width)"))?;
        let height = height.ok_or_else(|| missing("H (height)"))?;
        let (colour, depth) = pixels(&layout)?;
        let sample = if depth > 8 { Sample::U16 } else { Sample::U8 };
        let format = checked_format(width, height, colour, sample)?;
        Ok(Self {
            format: FrameFormat { depth, ..format },
            fps,
            end: end as u64 + 1,
        })
    }
}

fn side(field: char, digits: &str) -> Result<u64, String> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number = plain.then(|| digits.parse().unwrap_or(u64::MAX));
    number.ok_or_else(|| {
        format!("the {field} field of its y4m header is {digits:?}, expected a number")
    })
}

/// `30000:1001`; unknown rates are written as 0:0.
fn rate(ratio: &str) -> Option<f64> {
    let (over, under) = ratio.split_once(':')?;
    let (over, under): (u32, u32) = (over.parse().ok()?, under.parse().ok()?);
    (over > 0 && under > 0).then(|| f64::from(over) / f64::from(under))
}

/// The colour and depth that a C field stands for.
fn pixels(layout: &str) -> Result<(Colour, u8), String> {
    Ok(match layout {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => (Colour::Yuv420, 8),
        "422" => (Colour::Yuv422, 8),
        "444" => (Colour::Yuv444, 8),
        "mono" => (Colour::Gray, 8),
        "420p10" => (Colour::Yuv420, 10),
        "422p10" => (Colour::Yuv422, 10),
        "444p10" => (Colour::Yuv444, 10),
        _ => {
            return Err(format!(
                "its pixels are C{}; expected C420 (jpeg, mpeg2, paldv), C422, C444, Cmono \
                 or one of C420p10, C422p10, C444p10 (convert it: ffmpeg -i IN -pix_fmt yuv420p \
                 OUT.y4m)",
                layout.escape_debug()
            ));
        }
    })
}

/// Finds where each frame's samples begin, by its line alone. A last frame that is cut off
/// counts: reading it will say so.
fn scan(file: &File, size: u64, header: &Header) -> Result<Vec<u64>, String> {
    let bytes = header.format.bytes() as u64;
    let mut offsets = Vec::new();
    let mut at = header.end;
    while at < size {
        let start = frame_line(file, at).map_err(|what| {
            format!(
                "frame {} at byte {at} {what} (is an earlier frame cut off, or the header wrong?)",
                offsets.len()
            )
        })?;
        offsets.push(start);
        at = start + bytes;
    }
    if offsets.is_empty() {
        return Err("it holds no frames, only a header".into());
    }
    Ok(offsets)
}

/// Where the samples behind the line at `at` begin; lines may carry parameters. If the file ends
/// within the line, where they would begin if the line had none.
fn frame_line(file: &File, at: u64) -> Result<u64, String> {
    let read = |n| read_up_to(file, at, n).map_err(|e| format!("cannot be read: {e}"));
    let line = read(SHORTEST_LINE)?;
    if !begins_frame(&line) {
        return Err(no_frame(&line));
    }
    if line.len() < SHORTEST_LINE || line.ends_with(b"\n") {
        return Ok(at + SHORTEST_LINE as u64);
    }
    let line = read(MAX_LINE)?;
    match line.iter().position(|b| *b == b'\n') {
        Some(end) => Ok(at + end as u64 + 1),
        None if line.len() < MAX_LINE => Ok(at + line.len() as u64 + 1),
        None => Err(endless_line()),
    }
}

/// Whether these bytes, which may be all there are, can be the first of a frame's line.
pub(super) fn begins_frame(bytes: &[u8]) -> bool {
    match bytes.get(FRAME.len()) {
        Some(behind) => bytes.starts_with(FRAME) && matches!(behind, b' ' | b'\n'),
        None => FRAME.starts_with(bytes),
    }
}

/// What is wrong with "frame 7" if these bytes are where its line should be.
pub(super) fn no_frame(found: &[u8]) -> String {
    let found = &found[..found.len().min(SHORTEST_LINE)];
    format!(
        "begins with \"{}\", expected \"FRAME\"",
        found.escape_ascii()
    )
}

/// What is wrong with "frame 7" if its line goes on and on.
pub(super) fn endless_line() -> String {
    format!("has a line of more than {MAX_LINE} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_headers_are_read() {
        for (line, format, fps) in [
            (
                "YUV4MPEG2 W64 H48 F30:1 Ip A1:1 C420jpeg\n",
                "64x48 yuv420p8",
                Some(30.0),
            ),
            ("YUV4MPEG2 H48 W64\n", "64x48 yuv420p8", None),
            ("YUV4MPEG2 W5 H3 F0:0 Cmono XCOMMENT\n", "5x3 gray8", None),
            (
                "YUV4MPEG2 W5 H3 F30000:1001 C422\n",
                "5x3 yuv422p8",
                Some(30000.0 / 1001.0),
            ),
            ("YUV4MPEG2 W5 H3 C444\n", "5x3 yuv444p8", None),
            (
                "YUV4MPEG2 W1280 H720 F25:1 C420p10 XYSCSS=420P10\n",
                "1280x720 yuv420p10",
                Some(25.0),
            ),
        ] {
            let header = Header::parse(line.as_bytes()).unwrap();
            assert_eq!(header.format.to_string(), format);
            assert_eq!(header.fps, fps);
            assert_eq!(header.end, line.len() as u64);
        }
    }

    #[test]
    fn malicious_headers_are_refused_by_a_sentence() {
        for (line, says) in [
            ("", "empty"),
            ("RIFF....", "RIFF"),
            ("YUV4MPEG2 W64 H48", "does not end"),
            ("YUV4MPEG2 H48\n", "no W"),
            ("YUV4MPEG2 W64\n", "no H"),
            ("YUV4MPEG2 W0 H48\n", "0x48"),
            ("YUV4MPEG2 W-3 H48\n", "\"-3\""),
            ("YUV4MPEG2 W H48\n", "\"\""),
            ("YUV4MPEG2 W4294967295 H4294967295\n", "more than"),
            ("YUV4MPEG2 W99999999999999999999999999 H2\n", "more than"),
            ("YUV4MPEG2 W64 H48 C411\n", "C411"),
        ] {
            let error = Header::parse(line.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{says}: {error}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(bytes: Vec<u8>, line in "[WHFC0-9: p\\n-]{0,60}") {
            let _ = Header::parse(&bytes);
            let _ = Header::parse(format!("YUV4MPEG2 {line}\n").as_bytes());
        }
    }
}
