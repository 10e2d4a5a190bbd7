//! Any video that ffmpeg reads: a file, an address, a camera at `/dev/video0`.
//!
//! The user's own ffmpeg decodes it, in the video's own pixel format, and its frames are read from
//! a pipe straight to where they are wanted. They are, byte for byte, those of `ffmpeg -i INPUT
//! -fps_mode passthrough OUT.y4m`, and have the times that the video states. No rate is made up, no
//! frame dropped or shown twice.

use super::decoded::{Frames, Seen};
use super::ffmpeg::{Ffmpeg, Heard, ended};
use super::ffmpeg_log::Shown;
use super::pix_fmt::Pixels;
use super::stream::{Live, LiveKind, Stream, starting_at};
use super::{KINDS, checked_format, identity, listing};
use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use crate::sys::process::Exit;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(super) static KIND: LiveKind = LiveKind {
    name: "video",
    accepts: "CLIP.mp4, rtsp://…, /dev/video0",
    summary: "any video that ffmpeg reads, in its own pixel format; decoded by the installed ffmpeg",
    claims: |typed| Whence::of(typed).is_some(),
    open: |typed, stop| Ok(Arc::new(Video::open(typed, program(), stop)?)),
};

/// How long a video may take to show its first frame: cameras and servers may never.
const PATIENCE: Duration = Duration::from_secs(30);

/// The ffmpeg to use: FRAMEHAUL_FFMPEG, or else the one on PATH.
fn program() -> PathBuf {
    let named = std::env::var_os("FRAMEHAUL_FFMPEG").filter(|name| !name.is_empty());
    named.map_or_else(|| "ffmpeg".into(), PathBuf::from)
}

/// Where a video comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whence {
    File,
    Address,
    Device,
}

impl Whence {
    /// None for what is no video, or a frame set's.
    fn of(typed: &str) -> Option<Self> {
        if typed.contains("://") {
            return Some(Self::Address);
        }
        let kind = std::fs::metadata(typed).ok()?.file_type();
        if kind.is_char_device() {
            return Some(Self::Device);
        }
        let is_sets = || {
            let input = listing::look_up(typed);
            input.is_ok_and(|input| KINDS.iter().any(|kind| (kind.claims)(&input)))
        };
        (kind.is_file() && !is_sets()).then_some(Self::File)
    }
}

/// A video whose first frame was seen.
#[derive(Clone, Debug)]
struct Video {
    program: PathBuf,
    whence: Whence,
    fps: Option<f64>,
    seen: Seen,
}

impl Video {
    fn open(typed: &str, program: PathBuf, stop: &AtomicBool) -> Result<Self> {
        let whence = Whence::of(typed).unwrap_or(Whence::File);
        let refuse = |what| Error::input(typed, what);
        let first = first_frame(&program, typed, whence, stop);
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let (first, fps) = first.map_err(refuse)?;
        let pixels =
            Pixels::of(&first.pixels).ok_or_else(|| refuse(other_pixels(&first.pixels)))?;
        let (width, height) = (first.width.into(), first.height.into());
        let format = checked_format(width, height, pixels.colour, pixels.sample());
        let format = FrameFormat {
            depth: pixels.depth,
            ..format.map_err(refuse)?
        };
        let seen = Seen {
            typed: typed.to_owned(),
            format,
            native: first.pixels,
            pixels,
        };
        Ok(Self {
            program,
            whence,
            fps,
            seen,
        })
    }
}

/// What ffmpeg is called with; `output` decides what becomes of the frames.
fn arguments(typed: &str, whence: Whence, output: &[&str]) -> Vec<String> {
    let quiet = ["-nostdin", "-hide_banner", "-nostats"];
    let aloud = ["-loglevel", "repeat+level+info"];
    // A name with a colon in it would be taken for an address.
    let input = match whence {
        Whence::File => format!("file:{typed}"),
        Whence::Address | Whence::Device => typed.to_owned(),
    };
    // Of several streams the first that is no cover picture; each frame once, with its own time.
    let frames = ["-map", "0:V:0", "-fps_mode", "passthrough"];
    let all: [&[&str]; 6] = [
        &quiet,
        &aloud,
        &["-i", &input],
        &frames,
        &["-vf", "showinfo=checksum=0"],
        output,
    ];
    all.concat().into_iter().map(str::to_owned).collect()
}

/// Decodes one frame to see what they are like, and the rate.
fn first_frame(
    program: &Path,
    typed: &str,
    whence: Whence,
    stop: &AtomicBool,
) -> Result<(Shown, Option<f64>), String> {
    let output = ["-frames:v", "1", "-f", "null", "-"];
    let started = Ffmpeg::start(program, arguments(typed, whence, &output));
    let (ffmpeg, mut out) = started.map_err(|e| cannot_start(program, &e))?;
    let until = Instant::now() + PATIENCE;
    let enough = || stop.load(Ordering::Relaxed) || Instant::now() >= until;
    let seen = ffmpeg.wait(enough, |heard| heard.frame(0).flatten());
    // It would be taken for a part of the first frame.
    if out.has_some().is_ok_and(|some| some) {
        return Err(format!(
            "{program:?} writes something to standard output that is no frame: if it is a script, \
             let it write that elsewhere"
        ));
    }
    let heard = ffmpeg.heard();
    seen.map(|first| (first, heard.rate()))
        .ok_or_else(|| no_frame(&heard))
}

fn cannot_start(program: &Path, e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => format!(
            "a video is decoded by ffmpeg, and there is no program {program:?}: install it (Debian, \
             Ubuntu: apt install ffmpeg) or set FRAMEHAUL_FFMPEG to its path"
        ),
        _ if matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
            format!("ffmpeg cannot be started: {e}; raise the limit (`ulimit -n`)")
        }
        _ => format!("a video is decoded by ffmpeg, and {program:?} cannot be started: {e}"),
    }
}

/// Why there is no first frame.
fn no_frame(heard: &Heard) -> String {
    match (&heard.end, heard.first_fault.as_deref()) {
        (None, _) => format!(
            "ffmpeg has seen no frame of it within {} seconds; is it sending?",
            PATIENCE.as_secs()
        ),
        (Some(Ok(exit @ Exit::Signal(_))), _) => format!(
            "ffmpeg {} when it opened it; allow it more memory, or set FRAMEHAUL_FFMPEG to the path of \
             another version",
            ended(exit)
        ),
        (_, Some(fault)) if fault.contains("fps_mode") => {
            "the ffmpeg that is installed is too old, 5.1 is the first that will do; set \
             FRAMEHAUL_FFMPEG to the path of a newer one"
                .to_owned()
        }
        (_, Some(fault)) if fault.contains("matches no streams") => {
            "ffmpeg finds no video in it".to_owned()
        }
        (_, Some(fault)) => format!("ffmpeg cannot read it as a video: {fault}"),
        (Some(Ok(exit @ Exit::Code(1..))), None) => {
            format!("ffmpeg {} when it opened it, without a word", ended(exit))
        }
        (_, None) => "ffmpeg tells of no frame in it (a script in FRAMEHAUL_FFMPEG has to pass on \
                      its standard error)"
            .to_owned(),
    }
}

fn other_pixels(native: &str) -> String {
    format!(
        "its pixels are {native}, which none of ours hold as they are; convert it, as: ffmpeg -i IN \
         -pix_fmt yuv444p -c:v ffv1 OUT.mkv"
    )
}

impl Live for Video {
    fn input(&self) -> &str {
        &self.seen.typed
    }
    fn format(&self) -> FrameFormat {
        self.seen.format
    }
    fn fps(&self) -> Option<f64> {
        self.fps
    }
    fn memory(&self) -> u64 {
        // ffmpeg's own, as seen: its libraries, and frames that others refer to or that come out of
        // turn, of which there are up to sixteen, and several for each of its threads.
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(16));
        40_000_000 + (24 + 6 * threads as u64) * self.format().bytes() as u64
    }
    fn is_endless(&self) -> bool {
        // An address may be a file's, which ends by itself; it may be told to end before, too.
        self.whence != Whence::File
    }
    fn identity(&self) -> Option<String> {
        match self.whence {
            Whence::File => identity::of_file(self.seen.typed.as_ref()),
            Whence::Address | Whence::Device => None,
        }
    }
    fn stream(&self, first: u64) -> Result<Box<dyn Stream>> {
        let Seen { typed, pixels, .. } = &self.seen;
        let output = ["-pix_fmt", pixels.written, "-f", "rawvideo", "pipe:1"];
        let started = Ffmpeg::start(&self.program, arguments(typed, self.whence, &output));
        let (ffmpeg, pipe) =
            started.map_err(|e| Error::input(typed, cannot_start(&self.program, &e)))?;
        Ok(starting_at(first, Frames::new(&self.seen, ffmpeg, pipe)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static GO_ON: AtomicBool = AtomicBool::new(false);

    #[test]
    fn sets_keep_their_inputs_and_what_is_not_there_is_no_video() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, b"?").unwrap();
            Whence::of(path.to_str().unwrap())
        };
        for name in ["a.y4m", "a.npy", "a.PNG", "a.jpeg", "a.pam"] {
            assert_eq!(of(name), None, "{name}");
        }
        for name in ["a.mp4", "a", "a.webm", "a.gif"] {
            assert_eq!(of(name), Some(Whence::File), "{name}");
        }
        assert_eq!(Whence::of(folder.path().to_str().unwrap()), None);
        assert_eq!(Whence::of("no/such/clip.mp4"), None);
        assert_eq!(Whence::of("rtsp://camera/1"), Some(Whence::Address));
        assert_eq!(Whence::of("/dev/null"), Some(Whence::Device));
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_a_file() {
        let input = |typed, whence| {
            let all = arguments(typed, whence, &[]);
            let at = all.iter().position(|argument| argument == "-i").unwrap();
            all[at + 1].clone()
        };
        assert_eq!(input("at 12:30.mp4", Whence::File), "file:at 12:30.mp4");
        assert_eq!(input("rtsp://camera/1", Whence::Address), "rtsp://camera/1");
        assert_eq!(input("/dev/video0", Whence::Device), "/dev/video0");
    }

    #[test]
    fn without_ffmpeg_one_sentence_says_what_to_do() {
        let said = Video::open("rtsp://camera/1", "/nonexistent".into(), &GO_ON);
        let said = said.unwrap_err();
        assert_eq!(said.exit_code(), 2);
        let said = said.to_string();
        for word in [
            "rtsp://camera/1",
            "/nonexistent",
            "apt install ffmpeg",
            "FRAMEHAUL_FFMPEG",
        ] {
            assert!(said.contains(word), "{said}");
        }
        let said = Video::open("rtsp://camera/1", "/dev/null".into(), &GO_ON)
            .unwrap_err()
            .to_string();
        assert!(said.contains("cannot be started"), "{said}");
    }

    #[test]
    fn why_there_is_no_first_frame_is_said() {
        let said = |end, fault: Option<&str>| {
            let mut heard = Heard::default();
            (heard.end, heard.first_fault) = (end, fault.map(str::to_owned));
            no_frame(&heard)
        };
        let code = |code| Some(Ok(Exit::Code(code)));
        for (said, word) in [
            (said(None, None), "30 seconds"),
            (
                said(Some(Ok(Exit::Signal(9))), Some("x")),
                "was killed by SIGKILL",
            ),
            (
                said(code(1), Some("Unrecognized option 'fps_mode'.")),
                "5.1",
            ),
            (
                said(code(1), Some("Stream map '' matches no streams.")),
                "no video",
            ),
            (said(code(1), Some("moov atom not found")), "moov atom"),
            (said(code(3), None), "exited with code 3"),
            (said(code(0), None), "no frame"),
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}
