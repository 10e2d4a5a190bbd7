//! Any video that ffmpeg reads: a file, an address, a camera at `/dev/video0`.
//!
//! The user's own ffmpeg decodes it, in the video's own pixel format, and its frames are read from
//! a pipe straight to where they are wanted. They are, byte for byte, those of `ffmpeg -i INPUT
//! OUT.y4m`, and have the times that the video states. No rate is made up, no frame dropped or
//! shown twice.

use super::ffmpeg::{Ffmpeg, Heard};
use super::ffmpeg_log::Shown;
use super::framed::Framed;
use super::pipe::{Came, LOOK, Pipe};
use super::pix_fmt::Pixels;
use super::stream::{Arrival, Live, LiveKind, Stream, starting_at};
use super::{KINDS, checked_format, listing};
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
    open: |typed| Ok(Arc::new(Video::open(typed, program())?)),
};

/// How long a video may take to show its first frame: cameras and servers may never.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a frame waits for what ffmpeg says of it. That was said before the frame was sent, so
/// that it is a matter of moments, unless the frame came through somebody who says nothing.
const WORD: Duration = Duration::from_secs(2);

/// How long an ffmpeg may take to end when there is nothing any more that it could send.
const LAST_WORDS: Duration = Duration::from_secs(5);

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
    typed: String,
    program: PathBuf,
    whence: Whence,
    format: FrameFormat,
    fps: Option<f64>,
    /// ffmpeg's name of its pixels.
    native: String,
    pixels: Pixels,
}

impl Video {
    fn open(typed: &str, program: PathBuf) -> Result<Self> {
        let whence = Whence::of(typed).unwrap_or(Whence::File);
        let refuse = |what| Error::input(typed, what);
        let (first, fps) = first_frame(&program, typed, whence).map_err(refuse)?;
        let pixels =
            Pixels::of(&first.pixels).ok_or_else(|| refuse(other_pixels(&first.pixels)))?;
        let (width, height) = (first.width.into(), first.height.into());
        let format = checked_format(width, height, pixels.colour, pixels.sample());
        let format = FrameFormat {
            depth: pixels.depth,
            ..format.map_err(refuse)?
        };
        Ok(Self {
            typed: typed.to_owned(),
            program,
            whence,
            format,
            fps,
            native: first.pixels,
            pixels,
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
) -> Result<(Shown, Option<f64>), String> {
    let output = ["-frames:v", "1", "-f", "null", "-"];
    let started = Ffmpeg::start(program, arguments(typed, whence, &output));
    let (ffmpeg, mut out) = started.map_err(|e| cannot_start(program, &e))?;
    let until = Instant::now() + PATIENCE;
    let seen = ffmpeg.wait(|| Instant::now() >= until, |heard| heard.frame(0).flatten());
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
    let what = match e.kind() {
        io::ErrorKind::NotFound => format!("there is no program {program:?}"),
        _ => format!("{program:?} cannot be started ({e})"),
    };
    format!(
        "a video is decoded by ffmpeg, and {what}: install it (Debian, Ubuntu: apt install ffmpeg) \
         or set FRAMEHAUL_FFMPEG to its path"
    )
}

/// Why there is no first frame.
fn no_frame(heard: &Heard) -> String {
    match (&heard.end, heard.first_fault.as_deref()) {
        (None, _) => format!(
            "ffmpeg has seen no frame of it within {} seconds; is it sending?",
            PATIENCE.as_secs()
        ),
        (Some(Ok(exit @ Exit::Signal(_))), _) => format!(
            "ffmpeg {} when it opened it; set FRAMEHAUL_FFMPEG to the path of another version",
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

/// As what follows "ffmpeg".
fn ended(exit: &Exit) -> String {
    match exit {
        Exit::Code(_) => exit.to_string(),
        Exit::Signal(_) => format!("was {exit}"),
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
        &self.typed
    }
    fn format(&self) -> FrameFormat {
        self.format
    }
    fn fps(&self) -> Option<f64> {
        self.fps
    }
    fn is_endless(&self) -> bool {
        // An address may be a file's, which ends by itself; it may be told to end before, too.
        self.whence != Whence::File
    }
    fn stream(&self, first: u64) -> Result<Box<dyn Stream>> {
        let output = ["-pix_fmt", self.pixels.written, "-f", "rawvideo", "pipe:1"];
        let started = Ffmpeg::start(&self.program, arguments(&self.typed, self.whence, &output));
        let (ffmpeg, pipe) =
            started.map_err(|e| Error::input(&self.typed, cannot_start(&self.program, &e)))?;
        Ok(starting_at(first, Frames::new(self.clone(), ffmpeg, pipe)))
    }
}

/// The frames of one ffmpeg.
struct Frames {
    video: Video,
    frames: Framed,
    ffmpeg: Ffmpeg,
    /// Of the frame that was read last.
    time: Option<f64>,
    /// Nothing was said of that frame in time. The next one does not wait for it.
    is_mute: bool,
    /// Frames of which nothing was said.
    untold: u64,
    /// It sends nothing any more, and has not ended for long.
    lingers: bool,
    /// A frame has failed for its end.
    is_said: bool,
    /// Why frames may be missing of which nobody knows.
    incomplete: Option<String>,
}

impl Frames {
    fn new(video: Video, ffmpeg: Ffmpeg, pipe: Pipe) -> Self {
        Self {
            frames: Framed::new(&video.typed, pipe, video.format.bytes()),
            ffmpeg,
            video,
            time: None,
            is_mute: false,
            untold: 0,
            lingers: false,
            is_said: false,
            incomplete: None,
        }
    }

    /// What ffmpeg has said of the frame that was read last. It speaks before it writes, but through
    /// another pipe; a script between us may be slower, or keep it to itself.
    fn shown(&mut self, stop: &AtomicBool) -> Option<Shown> {
        self.time = None;
        if self.frames.was_given_up() {
            return None;
        }
        let number = self.frames.begun().saturating_sub(1);
        let (asked, is_mute) = (Instant::now(), self.is_mute);
        let enough = || {
            let patience = match stop.load(Ordering::Relaxed) {
                _ if is_mute => Duration::ZERO,
                true => LOOK,
                false => WORD,
            };
            asked.elapsed() >= patience
        };
        let said = self.ffmpeg.wait(enough, |heard| heard.frame(number));
        self.is_mute = said.is_none();
        let shown = said.flatten();
        self.untold += u64::from(shown.is_none());
        self.time = shown.as_ref().and_then(|shown| shown.time);
        shown
    }

    /// Waits, when no frame can come any more, until ffmpeg has ended and been heard to its end.
    fn await_end(&mut self, stop: &AtomicBool) {
        if self.frames.has_ended() {
            let is_stopped = || stop.load(Ordering::Relaxed);
            self.lingers = !self.ffmpeg.has_ended(LAST_WORDS, is_stopped) && !is_stopped();
        }
    }

    /// Nothing comes any more. Whoever was killed has not shown all; what it has told of is missing for
    /// certain, and of what it had not come to nobody knows.
    fn end(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        self.await_end(stop);
        if self.ffmpeg.heard().end.is_none() && !self.lingers {
            return Ok(Arrival::Stopped);
        }
        // Of a frame that was cut off it has been said already.
        if self.frames.was_cut_off() || self.is_said {
            return Ok(Arrival::End);
        }
        let Some(end) = self.untimely_end() else {
            return Ok(Arrival::End);
        };
        let end = format!("{}: {end}", self.video.typed);
        if self.has_told_of_more() {
            self.is_said = true;
            return Err(Error::Failed(end));
        }
        self.incomplete = Some(format!("{end}: more frames may have been to come"));
        Ok(Arrival::End)
    }

    /// Whether ffmpeg has told of a frame that has not begun to come.
    fn has_told_of_more(&self) -> bool {
        let next = self.frames.begun();
        self.ffmpeg.heard().frame(next).is_some()
    }

    /// How ffmpeg ended, if it is over and that was not as it should be.
    fn untimely_end(&self) -> Option<String> {
        if !self.frames.has_ended() {
            return None;
        }
        let is_held_open = self.frames.pipe.was_held_open();
        let has_told_of_more = self.has_told_of_more();
        // It has shown one when it was opened.
        let is_empty = self.frames.begun() == 0;
        let heard = self.ffmpeg.heard();
        let how = match &heard.end {
            None if self.lingers => "has closed its output, but does not end,".to_owned(),
            None => return None,
            Some(Ok(Exit::Code(0))) if !(is_held_open || has_told_of_more || is_empty) => {
                return None;
            }
            Some(Ok(exit)) => ended(exit),
            Some(Err(e)) => format!("ended unseen ({e})"),
        };
        let mut end = match self.frames.whole() {
            1 => format!("ffmpeg {how} after 1 frame"),
            frames => format!("ffmpeg {how} after {frames} frames"),
        };
        if has_told_of_more {
            end += ", having told of more";
        }
        if is_held_open {
            end += ", and what it has started holds its output open";
        }
        if let Some(last) = &heard.last_fault {
            end += &format!("; its last error: {last}");
        }
        Some(end)
    }

    /// ffmpeg makes all frames like the first; which of them was not is known from what it says.
    fn compare(&self, shown: &Shown) -> Result<(), String> {
        let Video {
            typed,
            format,
            native,
            ..
        } = &self.video;
        let (width, height) = (format.width, format.height);
        if (shown.width, shown.height, &shown.pixels) == (width, height, native) {
            return Ok(());
        }
        Err(format!(
            "{typed}: frame {} is {}x{} {}, the first is {width}x{height} {native} (a change in \
             mid-stream; to make all one size: ffmpeg -i IN -vf scale={width}:{height} OUT.mkv)",
            self.frames.begun().saturating_sub(1),
            shown.width,
            shown.height,
            shown.pixels
        ))
    }
}

impl Stream for Frames {
    fn await_next(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        let cannot = Error::io(&self.video.typed, "cannot read what ffmpeg decodes");
        match self.frames.wait(stop).map_err(cannot)? {
            Came::All => {
                self.frames.begin();
                Ok(Arrival::Begun)
            }
            Came::Stopped(_) => Ok(Arrival::Stopped),
            Came::Ended(_) => self.end(stop),
        }
    }

    fn fill(&mut self, into: &mut [u8], stop: &AtomicBool) -> std::result::Result<(), String> {
        let filled = self.frames.fill(into, stop);
        let shown = self.shown(stop);
        match filled {
            Ok(()) => shown.map_or(Ok(()), |shown| self.compare(&shown)),
            Err(said) => {
                self.await_end(stop);
                let end = self.untimely_end();
                Err(end.map_or(said.clone(), |end| format!("{said}; {end}")))
            }
        }
    }

    fn skip(&mut self, stop: &AtomicBool) {
        // What keeps it from being read will be met again by the wait for the next.
        let _ = self.frames.finish(stop);
        self.shown(stop);
    }

    fn time(&self) -> Option<f64> {
        self.time
    }

    fn incomplete(&self) -> Option<String> {
        self.incomplete.clone()
    }

    fn notes(&mut self) -> Vec<String> {
        let Video {
            typed,
            native,
            pixels,
            ..
        } = &self.video;
        let (heard, mut notes) = (self.ffmpeg.heard(), Vec::new());
        if pixels.drops_alpha {
            notes.push(format!(
                "{typed}: its alpha was dropped, {native} was read as {}",
                pixels.written
            ));
        }
        if let (1.., Some(first)) = (heard.faults, &heard.first_fault) {
            let errors = if heard.faults == 1 { "error" } else { "errors" };
            notes.push(format!(
                "{typed}: ffmpeg told of {} {errors} while decoding, first: {first}",
                heard.faults
            ));
        }
        // Locked by what was heard so far.
        drop(heard);
        if self.untold > 0 {
            notes.push(format!(
                "{typed}: ffmpeg has told nothing of {} of {} frames: their times are unknown, and \
                 whether their size has changed",
                self.untold,
                self.frames.begun()
            ));
        }
        notes.extend(self.untimely_end().map(|end| format!("{typed}: {end}")));
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let said = Video::open("rtsp://camera/1", "/nonexistent".into());
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
        let said = Video::open("rtsp://camera/1", "/dev/null".into())
            .unwrap_err()
            .to_string();
        assert!(said.contains("cannot be started"), "{said}");
    }

    /// The frames of a script, of 4 bytes each; `told 3` tells of the third, at 3.5 seconds.
    fn frames(script: &str) -> Frames {
        let told =
            "told() { echo \"[info] n:   $1 pts:  7 pts_time:$1.5 fmt:gray s:2x2 type:I \" >&2; }";
        let args = ["-c".to_owned(), format!("{told}; {script}")];
        let (ffmpeg, pipe) = Ffmpeg::start("/bin/sh".as_ref(), args.to_vec()).unwrap();
        let pixels = Pixels::of("gray").unwrap();
        let video = Video {
            typed: "clip".to_owned(),
            program: "/bin/sh".into(),
            whence: Whence::File,
            format: FrameFormat::new(2, 2, pixels.colour, pixels.sample()),
            fps: None,
            native: "gray".to_owned(),
            pixels,
        };
        Frames::new(video, ffmpeg, pipe)
    }

    static GO_ON: AtomicBool = AtomicBool::new(false);
    static STOP: AtomicBool = AtomicBool::new(true);

    #[test]
    fn the_time_is_that_of_the_last_frame_and_of_no_other() {
        let mut frames = frames(
            "told 0; printf 0000; printf 1111; told 2; printf 2222; printf 33; told 3; \
             exec sleep 1000",
        );
        assert_eq!(frames.time(), None);
        let mut into = [0; 4];
        for (frame, time) in [(b"0000", Some(0.5)), (b"1111", None), (b"2222", Some(2.5))] {
            assert_eq!(frames.await_next(&GO_ON).unwrap(), Arrival::Begun);
            frames.fill(&mut into, &GO_ON).unwrap();
            assert_eq!((&into, frames.time()), (frame, time));
        }
        // One that was given up was not filled, whatever is known of it.
        assert_eq!(frames.await_next(&GO_ON).unwrap(), Arrival::Begun);
        frames.ffmpeg.wait(|| false, |heard| heard.frame(3));
        frames.fill(&mut into, &STOP).unwrap_err();
        assert_eq!(frames.time(), None);
        // Nor was it skipped.
        frames.skip(&STOP);
        assert_eq!(frames.time(), None);
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
