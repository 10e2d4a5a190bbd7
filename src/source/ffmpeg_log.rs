//! What ffmpeg writes on standard error, line by line: its frames, its rate and its errors.
//!
//! Lines are those of `-loglevel repeat+level+info` with the `showinfo` filter. ffmpeg's threads
//! write parts of lines at a time, so that a frame's part may stand behind anything else on its
//! line, and anything else behind it.

/// What `showinfo` says of one frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// Its number, from 0 on, since the filter was set up: for the first frame, and again where the
    /// size or the pixels change.
    pub(super) number: u64,
    /// When it is to be shown, in seconds; none if the video does not say.
    pub(super) time: Option<f64>,
    /// ffmpeg's name of its pixel format.
    pub(super) pixels: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The frame that a line tells of, and what stands behind it, which is another thread's.
pub(super) fn shown(line: &str) -> Option<(Shown, &str)> {
    let mut beginnings = line.match_indices("n:");
    beginnings.find_map(|(at, n)| shown_at(&line[at + n.len()..]))
}

/// As `   0 pts:  512 pts_time:0.04 … fmt:yuv420p … s:64x48 … type:I `.
fn shown_at(text: &str) -> Option<(Shown, &str)> {
    let (number, rest) = text.trim_start().split_once(' ')?;
    if !rest.starts_with("pts:") {
        return None;
    }
    let field = |name| {
        let (_, value) = rest.split_once(name)?;
        value.split_whitespace().next()
    };
    let (width, height) = field(" s:")?.split_once('x')?;
    let (_, behind) = rest.split_once(" type:")?;
    let shown = Shown {
        number: number.parse().ok()?,
        time: field(" pts_time:")?
            .parse()
            .ok()
            .filter(|time: &f64| time.is_finite()),
        pixels: field(" fmt:")?.to_owned(),
        width: width.parse().ok()?,
        height: height.parse().ok()?,
    };
    // The type is one character.
    let behind = behind
        .split_once(' ')
        .map_or("", |(_, behind)| behind.trim());
    Some((shown, behind))
}

/// The error that a line tells of: ffmpeg's text, without the parts of ffmpeg that it came through.
pub(super) fn fault(line: &str) -> Option<&str> {
    let mut rest = line;
    while let Some((bracket, behind)) = rest
        .strip_prefix('[')
        .and_then(|text| text.split_once("] "))
    {
        match bracket {
            "error" | "fatal" | "panic" => return Some(behind.trim()),
            "warning" | "info" => return None,
            _ => rest = behind,
        }
    }
    None
}

/// Whether an error says that the video's own end is missing.
pub(super) fn is_cut_short(fault: &str) -> bool {
    let said = fault.to_ascii_lowercase();
    let words = ["partial file", "ended prematurely", "truncated"];
    words.iter().any(|words| said.contains(words))
}

/// The rate in the line of a video stream, as ffmpeg rounds it: `29.97 fps`. A cover picture is no
/// video.
pub(super) fn rounded_rate(line: &str) -> Option<f64> {
    let (_, stream) = line.split_once("Stream #0:")?;
    let (_, video) = stream.split_once(": Video: ")?;
    if video.contains("(attached pic)") {
        return None;
    }
    let rate = video
        .split(", ")
        .find_map(|part| part.strip_suffix(" fps"))?;
    let rate: f64 = match rate.strip_suffix('k') {
        Some(thousands) => 1000.0 * thousands.parse::<f64>().ok()?,
        None => rate.parse().ok()?,
    };
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// The rate that `showinfo` is set up with, a ratio: `30000/1001`.
pub(super) fn exact_rate(line: &str) -> Option<f64> {
    let (_, ratio) = line
        .split_once("config in time_base:")?
        .1
        .split_once("frame_rate: ")?;
    let (over, under) = ratio.trim().split_once('/')?;
    let (over, under): (u32, u32) = (over.parse().ok()?, under.parse().ok()?);
    (over > 0 && under > 0).then(|| f64::from(over) / f64::from(under))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of ffmpeg 5.1, 7.0 and 9.0.
    const FRAMES: [&str; 3] = [
        "[Parsed_showinfo_0 @ 0x5598a226a540] [info] n:   3 pts:  72000 pts_time:0.8     \
         pos:    11280 fmt:yuv420p sar:1/1 s:96x64 i:P iskey:0 type:P ",
        "[Parsed_showinfo_0 @ 0x7f6eb8001cc0] [info] n:   3 pts:  72000 pts_time:0.8     \
         duration:      1 duration_time:0.1     fmt:yuv420p cl:left sar:1/1 s:96x64 i:P iskey:0 \
         type:P ",
        "[Parsed_showinfo_0 @ 0x7f39b80097c0] [info] n:   3 pts:  72000 pts_time:0.8     \
         duration:   9000 duration_time:0.1     fmt:yuv420p cl:left sar:1/1 s:96x64 i:P iskey:0 \
         type:P ",
    ];

    fn third() -> Shown {
        Shown {
            number: 3,
            time: Some(0.8),
            pixels: "yuv420p".into(),
            width: 96,
            height: 64,
        }
    }

    #[test]
    fn frames_of_all_versions_are_read() {
        for line in FRAMES {
            assert_eq!(shown(line), Some((third(), "")));
        }
        let line = FRAMES[1].replace("0.8", "NOPTS");
        assert_eq!(shown(&line).unwrap().0.time, None);
    }

    #[test]
    fn a_frame_is_found_between_the_words_of_other_threads() {
        let line = format!(
            "[info]   Stream #0:0: Video: raw{}error while decoding",
            &FRAMES[0][44..]
        );
        assert_eq!(shown(&line), Some((third(), "error while decoding")));
    }

    #[test]
    fn other_lines_are_no_frames() {
        for line in [
            "",
            "n:",
            "[info]     major_brand     : isom",
            "[Parsed_showinfo_0 @ 0x7f51a4001b80] [info] config in time_base: 1/12288, frame_rate: 24/1",
            "[Parsed_showinfo_0 @ 0x7f51a4001b80] [info]   side data - GOP timecode: 00:00:00:00",
            "n:   x pts: 0 pts_time:0 fmt:gray s:1x1 i:P iskey:1 type:I ",
            "n:   0 pts: 0 pts_time:0 fmt:gray s:1y1 i:P iskey:1 type:I ",
        ] {
            assert_eq!(shown(line), None, "{line}");
        }
    }

    #[test]
    fn errors_are_known_by_their_level() {
        for (line, expected) in [
            (
                "[fatal] Stream map '0:V:0' matches no streams.",
                Some("Stream map '0:V:0' matches no streams."),
            ),
            (
                "[h264 @ 0x559ae869b440] [error] Reference 3 >= 3",
                Some("Reference 3 >= 3"),
            ),
            (
                "[mov @ 0x1] [h264 @ 0x2] [error] [sic] no",
                Some("[sic] no"),
            ),
            (
                "[vist#0:0/h264 @ 0x5] [dec:h264 @ 0x5] [warning] corrupt [error] frame",
                None,
            ),
            ("[info]   title : [error] not", None),
            ("To ignore this, add a trailing '?' to the map.", None),
            ("[error]", None),
            ("", None),
        ] {
            assert_eq!(fault(line), expected, "{line}");
        }
    }

    #[test]
    fn rates_are_read() {
        let stream = |rate| {
            format!(
                "[info]   Stream #0:1[0x2](und): Video: h264 (High), yuv420p, 64x48 [SAR 1:1 DAR 4:3]{rate} (default)"
            )
        };
        assert_eq!(rounded_rate(&stream(", 29.97 fps, 30 tbr")), Some(29.97));
        assert_eq!(rounded_rate(&stream(", 1k fps, 30 tbr")), Some(1000.0));
        assert_eq!(rounded_rate(&stream(", 30 tbr")), None);
        assert_eq!(rounded_rate(&stream(", 0 fps")), None);
        assert_eq!(rounded_rate(&stream(", 25 fps (attached pic)")), None);
        assert_eq!(rounded_rate("[info] Stream #0:0: Audio: mp3, 25 fps"), None);
        let config = |rate| {
            format!("[Parsed_showinfo_0 @ 0x7] [info] config in time_base: 1/9, frame_rate: {rate}")
        };
        assert_eq!(exact_rate(&config("30000/1001")), Some(30000.0 / 1001.0));
        assert_eq!(exact_rate(&config("1/0")), None);
        assert_eq!(exact_rate(&config("")), None);
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(
            line in ".{0,80}",
            near in "(\\[[a-z]{0,5}\\] ?|n: *|[0-9]{0,25} |pts:|pts_time:|fmt:| s:|x| type:|é|NaN|inf){0,20}",
        ) {
            for line in [line, near] {
                let _ = (shown(&line), fault(&line), rounded_rate(&line), exact_rate(&line));
            }
        }
    }
}
