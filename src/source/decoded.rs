//! The frames that one ffmpeg sends, with what it says of each, until it ends; and how it ended.

use super::ffmpeg::{Ffmpeg, ended};
use super::ffmpeg_log::Shown;
use super::framed::Framed;
use super::pipe::{Came, LOOK, Pipe};
use super::pix_fmt::Pixels;
use super::stream::{Arrival, Stream};
use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use crate::sys::process::Exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a frame waits for what ffmpeg says of it. That was said before the frame was sent, so
/// that it is a matter of moments, unless the frame came through somebody who says nothing.
const WORD: Duration = Duration::from_secs(2);

/// How long an ffmpeg may take to end when there is nothing any more that it could send.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What was seen of a video when it was opened: all of its frames are to be like the first.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// What the user typed.
    pub(super) typed: String,
    pub(super) format: FrameFormat,
    /// ffmpeg's name of its pixels.
    pub(super) native: String,
    pub(super) pixels: Pixels,
}

/// The frames of one ffmpeg.
pub(super) struct Frames {
    seen: Seen,
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
    pub(super) fn new(seen: &Seen, ffmpeg: Ffmpeg, pipe: Pipe) -> Self {
        Self {
            seen: seen.clone(),
            frames: Framed::new(&seen.typed, pipe, seen.format.bytes()),
            ffmpeg,
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

    /// Nothing comes any more. A frame that ffmpeg has told of is missing for certain; of those that it
    /// had not come to nobody knows.
    fn end(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        self.await_end(stop);
        if self.ffmpeg.heard().end.is_none() && !self.lingers {
            return Ok(Arrival::Stopped);
        }
        let Some(end) = self.untimely_end().filter(|_| !self.is_said) else {
            let cut_short = self.ffmpeg.heard().cut_short.clone();
            self.incomplete = cut_short.map(|fault| {
                let typed = &self.seen.typed;
                format!("{typed}: ffmpeg says {fault:?}: more frames may have been to come")
            });
            return Ok(Arrival::End);
        };
        let end = format!("{}: {end}", self.seen.typed);
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
        let is_broken = self.frames.begun() == 0 || self.frames.was_cut_off();
        let heard = self.ffmpeg.heard();
        let how = match &heard.end {
            None if self.lingers => "has closed its output, but does not end,".to_owned(),
            None => return None,
            Some(Ok(Exit::Code(0))) if !(is_held_open || has_told_of_more || is_broken) => {
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
        let Seen {
            typed,
            format,
            native,
            ..
        } = &self.seen;
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
        let cannot = Error::io(&self.seen.typed, "cannot read what ffmpeg decodes");
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
                self.is_said = self.frames.has_ended();
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
        let Seen {
            typed,
            native,
            pixels,
            ..
        } = &self.seen;
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

    /// The frames of a script, of 4 bytes each; `told 3` tells of the third, at 3.5 seconds.
    fn frames(script: &str) -> Frames {
        let told =
            "told() { echo \"[info] n:   $1 pts:  7 pts_time:$1.5 fmt:gray s:2x2 type:I \" >&2; }";
        let args = ["-c".to_owned(), format!("{told}; {script}")];
        let (ffmpeg, pipe) = Ffmpeg::start("/bin/sh".as_ref(), args.to_vec()).unwrap();
        let pixels = Pixels::of("gray").unwrap();
        let seen = Seen {
            typed: "clip".to_owned(),
            format: FrameFormat::new(2, 2, pixels.colour, pixels.sample()),
            native: "gray".to_owned(),
            pixels,
        };
        Frames::new(&seen, ffmpeg, pipe)
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
    fn an_end_that_may_be_none_is_told_once() {
        let told = "told 0; printf 0000; told 1; printf 1111";
        let (unknown, more) = ("more frames may have been to come", "having told of more");
        for (script, frames_had, failed, incomplete) in [
            ("", 2, None, None),
            (
                "kill -TERM $$",
                2,
                None,
                Some(["killed by SIGTERM after 2 frames", unknown]),
            ),
            (
                "told 2; exit 0",
                2,
                Some(["exited with code 0 after 2 frames", more]),
                None,
            ),
            (
                "told 2; kill -KILL $$",
                2,
                Some(["killed by SIGKILL after 2 frames", more]),
                None,
            ),
            (
                "printf 22; kill -KILL $$",
                2,
                Some(["ends inside frame 2: 2 of its 4", "killed"]),
                None,
            ),
        ] {
            let mut frames = frames(&format!("{told}; {script}"));
            let (mut had, mut fault, mut into) = (0, None, [0; 4]);
            let mut next = || match frames.await_next(&GO_ON) {
                Ok(Arrival::Begun) => Some(frames.fill(&mut into, &GO_ON)),
                Ok(Arrival::End) => None,
                Ok(Arrival::Stopped) => unreachable!("nobody stops it"),
                Err(why) => Some(Err(why.to_string())),
            };
            while let Some(frame) = next() {
                assert_eq!(fault, None, "{script}");
                match frame {
                    Ok(()) => had += 1,
                    Err(said) => fault = Some(said),
                }
            }
            assert_eq!(had, frames_had, "{script}");
            for (said, words) in [(fault, failed), (frames.incomplete(), incomplete)] {
                assert_eq!(said.is_some(), words.is_some(), "{script}: {said:?}");
                let (said, words) = (said.unwrap_or_default(), words.unwrap_or_default());
                assert!(words.iter().all(|word| said.contains(word)), "{said}");
            }
        }
    }

    #[test]
    fn a_frame_that_is_cut_off_while_it_goes_by_is_told() {
        let mut frames = frames("told 0; printf 00");
        assert_eq!(frames.await_next(&GO_ON).unwrap(), Arrival::Begun);
        frames.skip(&GO_ON);
        assert_eq!(frames.await_next(&GO_ON).unwrap(), Arrival::End);
        let said = frames.incomplete().unwrap();
        assert!(said.contains("exited with code 0 after 0 frames"), "{said}");
    }
}
