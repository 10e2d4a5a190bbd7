//! `-`: a y4m video on standard input, as `ffmpeg -f yuv4mpegpipe -` writes it.
//!
//! The header is read when it is opened; a frame's samples are read straight to where they are
//! wanted. What went through a pipe is gone, so its stream can be had once.

use super::framed::Framed;
use super::pipe::{Came, Pipe};
use super::stream::{Arrival, Live, LiveKind, Stream, starting_at};
use super::y4m::{Header, MAGIC, MAX_LINE, SHORTEST_LINE, begins_frame, endless_line, no_frame};
use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) static KIND: LiveKind = LiveKind {
    name: "stdin",
    accepts: "-",
    summary: "a y4m video on standard input: ffmpeg -i clip.mp4 -f yuv4mpegpipe - | framehaul run -",
    claims: |input| input == TYPED,
    open: |_, stop| {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Err(Error::Usage(AT_A_TERMINAL.to_owned()));
        }
        let fd = stdin.as_fd().try_clone_to_owned();
        let fd = fd.map_err(Error::io(NAME, "cannot open"))?;
        Ok(Arc::new(Y4mPipe::open(fd, stop)?))
    },
};

const TYPED: &str = "-";
const NAME: &str = "standard input";
const AT_A_TERMINAL: &str = "standard input is a terminal, expected a y4m video: ffmpeg -i clip.mp4 \
     -f yuv4mpegpipe - | framehaul run - --mode shm";
const ONCE: &str = "what came through standard input is gone when it has been read";

/// A y4m that comes through a pipe, its header read.
#[derive(Debug)]
struct Y4mPipe {
    format: FrameFormat,
    fps: Option<f64>,
    /// The frames, until they are taken.
    rest: Mutex<Option<Pipe>>,
}

impl Y4mPipe {
    fn open(fd: OwnedFd, stop: &AtomicBool) -> Result<Self> {
        let mut pipe = Pipe::new(fd);
        let cannot = || Error::io(NAME, "cannot read");
        let mut line = Vec::new();
        // What is no y4m may never end its first line.
        for most in [MAGIC.len(), MAX_LINE] {
            let came = pipe.line(&mut line, most, stop).map_err(cannot())?;
            if matches!(came, Came::Stopped(_)) {
                return Err(Error::Interrupted);
            }
            if !begins_header(&line) {
                break;
            }
        }
        if line.is_empty() {
            let what = "nothing came, expected a y4m video (did the program that sends it fail?)";
            return Err(Error::input(NAME, what));
        }
        let header = Header::parse(&line).map_err(super::refuse(Path::new(NAME)))?;
        Ok(Self {
            format: header.format,
            fps: header.fps,
            rest: Mutex::new(Some(pipe)),
        })
    }
}

impl Live for Y4mPipe {
    fn input(&self) -> &str {
        TYPED
    }
    fn format(&self) -> FrameFormat {
        self.format
    }
    fn fps(&self) -> Option<f64> {
        self.fps
    }
    fn is_endless(&self) -> bool {
        // It may be: whoever sends need not know of an end.
        true
    }
    fn why_once(&self) -> Option<&str> {
        Some(ONCE)
    }
    fn stream(&self, first: u64) -> Result<Box<dyn Stream>> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = rest.take().ok_or_else(|| {
            Error::Usage(format!(
                "{NAME} cannot be read a second time: {ONCE}; write it to a .y4m file and name that"
            ))
        })?;
        let frames = Frames {
            frames: Framed::new(NAME, pipe, self.format.bytes()),
            format: self.format,
            line: Vec::new(),
            incomplete: None,
        };
        Ok(starting_at(first, frames))
    }
}

/// The frames behind the header.
struct Frames {
    frames: Framed,
    format: FrameFormat,
    /// What has come of the line in front of the next frame.
    line: Vec<u8>,
    /// A frame was cut off that nobody wanted.
    incomplete: Option<String>,
}

impl Frames {
    /// Reads the line in front of a frame, or that of another video behind the first.
    fn line(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        loop {
            match self.read_line(stop)? {
                Came::Stopped(_) => return Ok(Arrival::Stopped),
                Came::Ended(0) => return Ok(Arrival::End),
                // A line that is cut off is a frame of which nothing came: filling it will say so.
                Came::All | Came::Ended(_) if begins_frame(&self.line) => {
                    self.line.clear();
                    self.frames.begin();
                    return Ok(Arrival::Begun);
                }
                Came::All | Came::Ended(_) => self.another_header()?,
            }
        }
    }

    fn read_line(&mut self, stop: &AtomicBool) -> Result<Came> {
        let mut came = Came::All;
        // What is no frame's line may never end.
        for most in [SHORTEST_LINE, MAX_LINE] {
            came = self
                .frames
                .pipe
                .line(&mut self.line, most, stop)
                .map_err(Error::io(NAME, "cannot read"))?;
            let stopped = matches!(came, Came::Stopped(_));
            if !(stopped || begins_frame(&self.line) || begins_header(&self.line)) {
                return Err(self.wrong(no_frame(&self.line)));
            }
        }
        if self.line.len() == MAX_LINE && !self.line.ends_with(b"\n") {
            return Err(self.wrong(endless_line()));
        }
        Ok(came)
    }

    /// As `cat a.y4m b.y4m` has it: goes on if the frames are the same.
    fn another_header(&mut self) -> Result<()> {
        let header = Header::parse(&self.line).map_err(super::refuse(Path::new(NAME)))?;
        if header.format != self.format {
            let what = format!(
                "in front of frame {} another video begins, of {}, expected {} (a size change in \
                 mid-stream; send one video after the other)",
                self.frames.begun(),
                header.format,
                self.format
            );
            return Err(Error::input(NAME, what));
        }
        self.line.clear();
        Ok(())
    }

    fn wrong(&self, what: String) -> Error {
        let frame = self.frames.begun();
        let what =
            format!("frame {frame} {what} (is an earlier frame cut off, or the header wrong?)");
        Error::input(NAME, what)
    }
}

fn begins_header(line: &[u8]) -> bool {
    let most = line.len().min(MAGIC.len());
    line[..most] == MAGIC[..most]
}

impl Stream for Frames {
    fn await_next(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        let finished = self.frames.finish(stop);
        match finished.map_err(Error::io(NAME, "cannot read"))? {
            Came::Ended(_) => Ok(Arrival::End),
            Came::Stopped(_) => Ok(Arrival::Stopped),
            Came::All => self.line(stop),
        }
    }

    fn fill(&mut self, into: &mut [u8], stop: &AtomicBool) -> std::result::Result<(), String> {
        self.frames.fill(into, stop)
    }

    fn skip(&mut self, stop: &AtomicBool) {
        // What keeps it from being read will be met again by the wait for the next.
        let _ = self.frames.finish(stop);
        if self.frames.was_cut_off() {
            let frame = self.frames.begun() - 1;
            self.incomplete = Some(format!(
                "{NAME} ends inside frame {frame}, which was let by"
            ));
        }
    }

    fn incomplete(&self) -> Option<String> {
        self.incomplete.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    static GO_ON: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_sender_that_says_nothing_is_waited_for_until_it_is_called_off() {
        let (reader, _writer) = io::pipe().unwrap();
        let opened = Y4mPipe::open(reader.into(), &AtomicBool::new(true));
        assert!(matches!(opened, Err(Error::Interrupted)), "{opened:?}");
    }

    /// A video whose sender writes `bytes` and goes.
    fn sent(bytes: &[u8]) -> Result<Y4mPipe, String> {
        let (reader, mut writer) = io::pipe().unwrap();
        let bytes = bytes.to_vec();
        // It is told that nobody reads any more if the video is refused.
        std::thread::spawn(move || writer.write_all(&bytes));
        Y4mPipe::open(reader.into(), &GO_ON).map_err(|e| {
            assert_eq!(e.exit_code(), 2, "{e}");
            e.to_string()
        })
    }

    /// What became of each frame, and the fault that ended the stream.
    fn all(video: &Y4mPipe) -> (Vec<Result<Vec<u8>, String>>, Option<String>) {
        let (mut stream, mut frames) = (video.stream(0).unwrap(), Vec::new());
        loop {
            match stream.await_next(&GO_ON) {
                Ok(Arrival::Begun) => {
                    let mut frame = vec![0; video.format.bytes()];
                    frames.push(stream.fill(&mut frame, &GO_ON).map(|()| frame));
                }
                Ok(Arrival::End) => return (frames, None),
                Ok(Arrival::Stopped) => unreachable!("nobody stops it"),
                Err(e) => return (frames, Some(e.to_string())),
            }
        }
    }

    fn frame(line: &str, n: u8) -> Vec<u8> {
        [line.as_bytes(), &[n; 4]].concat()
    }

    const HEAD: &str = "YUV4MPEG2 W2 H2 F25:1 Cmono\n";

    #[test]
    fn frames_come_as_they_were_sent_whatever_their_lines_say() {
        let video = [
            HEAD.as_bytes().to_vec(),
            frame("FRAME\n", 1),
            frame("FRAME Ip Xsomething\n", b'\n'),
            frame(&format!("FRAME X{}\n", "long".repeat(500)), 3),
        ];
        let video = sent(&video.concat()).unwrap();
        assert_eq!(
            (video.format().to_string(), video.fps()),
            ("2x2 gray8".into(), Some(25.0))
        );
        let expected = [1, b'\n', 3].map(|n| Ok(vec![n; 4]));
        assert_eq!(all(&video), (expected.to_vec(), None));
    }

    #[test]
    fn it_is_had_once() {
        let video = sent(HEAD.as_bytes()).unwrap();
        assert!(video.why_once().is_some());
        assert_eq!(all(&video), (vec![], None));
        let said = video.stream(0).map(|_| ()).unwrap_err().to_string();
        assert!(
            said.contains("second time") && said.contains(".y4m"),
            "{said}"
        );
    }

    #[test]
    fn what_is_no_video_is_refused() {
        for (bytes, says) in [
            (&b""[..], "nothing came"),
            (b"RIFF and more", "begins with \"RIFF and \""),
            (b"YUV4", "begins with \"YUV4\""),
            (b"YUV4MPEG2 W2 H2", "does not end within 15 bytes"),
            (
                &[HEAD.trim_end().as_bytes(), &[b'x'; 9000]].concat(),
                "4096",
            ),
            (b"YUV4MPEG2 W2\n", "no H"),
        ] {
            let said = sent(bytes).unwrap_err();
            assert!(
                said.contains(says) && said.starts_with(NAME),
                "{says}: {said}"
            );
        }
    }

    #[test]
    fn what_is_no_video_is_refused_before_its_line_or_its_sender_ends() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"RIFF and more").unwrap();
        assert!(Y4mPipe::open(reader.into(), &GO_ON).is_err());
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_fails_that_frame() {
        let second = frame("FRAME Ip\n", 2);
        for cut in 1..second.len() {
            let video = [HEAD.as_bytes(), &frame("FRAME\n", 1), &second[..cut]].concat();
            let (frames, fault) = all(&sent(&video).unwrap());
            assert_eq!(
                (frames.len(), fault, &frames[0]),
                (2, None, &Ok(vec![1; 4]))
            );
            let came = cut.saturating_sub("FRAME Ip\n".len());
            let said = format!("ends inside frame 1: {came} of its 4 bytes came");
            assert!(
                frames[1].as_ref().unwrap_err().ends_with(&said),
                "{frames:?}"
            );
        }
    }

    #[test]
    fn garbage_between_frames_ends_the_stream_before_it_ends() {
        let (reader, mut writer) = io::pipe().unwrap();
        let video = [HEAD.as_bytes(), &frame("FRAME\n", 1), b"FRAMES "].concat();
        writer.write_all(&video).unwrap();
        let (frames, fault) = all(&Y4mPipe::open(reader.into(), &GO_ON).unwrap());
        assert_eq!(frames.len(), 1);
        let fault = fault.unwrap();
        assert!(fault.contains("frame 1 begins with \"FRAMES\""), "{fault}");

        let endless = [HEAD.as_bytes(), b"FRAME ", &[b'x'; 9000]].concat();
        let (_, fault) = all(&sent(&endless).unwrap());
        assert!(
            fault
                .unwrap()
                .contains("frame 0 has a line of more than 4096")
        );
    }

    #[test]
    fn a_video_behind_the_first_goes_on_if_its_frames_are_the_same() {
        let first = [HEAD.as_bytes(), &frame("FRAME\n", 1)].concat();
        let same = b"YUV4MPEG2 H2 W2 Cmono XELSE\nFRAME\n\x02\x02\x02\x02";
        let (frames, fault) = all(&sent(&[&first, &same[..]].concat()).unwrap());
        assert_eq!(
            (frames, fault),
            (vec![Ok(vec![1; 4]), Ok(vec![2; 4])], None)
        );

        let other = b"YUV4MPEG2 W4 H2 Cmono\nFRAME\n";
        let (frames, fault) = all(&sent(&[&first, &other[..]].concat()).unwrap());
        assert_eq!(frames.len(), 1);
        let fault = fault.unwrap();
        for says in ["frame 1", "4x2 gray8", "2x2 gray8"] {
            assert!(fault.contains(says), "{fault}");
        }
    }

    #[test]
    fn frames_go_by_and_a_frame_that_was_given_up_is_not_taken_for_the_next() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer
            .write_all(&[HEAD.as_bytes(), &frame("FRAME\n", 1)].concat())
            .unwrap();
        writer.write_all(b"FRAME\n\x02\x02").unwrap();
        let mut stream = Y4mPipe::open(reader.into(), &GO_ON)
            .unwrap()
            .stream(0)
            .unwrap();
        let (stop, mut into) = (AtomicBool::new(true), [0; 4]);
        assert_eq!(stream.await_next(&stop).unwrap(), Arrival::Stopped);
        assert_eq!(stream.await_next(&GO_ON).unwrap(), Arrival::Begun);
        stream.skip(&GO_ON);
        assert_eq!(stream.await_next(&GO_ON).unwrap(), Arrival::Begun);
        let said = stream.fill(&mut into, &stop).unwrap_err();
        assert!(
            said.contains("frame 1 was given up when 2 of its 4 bytes"),
            "{said}"
        );
        assert_eq!(stream.await_next(&stop).unwrap(), Arrival::Stopped);
        writer
            .write_all(&[&[2; 2], &frame("FRAME\n", 3)[..]].concat())
            .unwrap();
        drop(writer);
        assert_eq!(stream.await_next(&GO_ON).unwrap(), Arrival::Begun);
        stream.fill(&mut into, &GO_ON).unwrap();
        assert_eq!(into, [3; 4]);
        assert_eq!(stream.await_next(&GO_ON).unwrap(), Arrival::End);
    }

    #[test]
    fn frames_before_the_first_go_by_as_far_as_nobody_asks_to_stop() {
        let (reader, mut writer) = io::pipe().unwrap();
        let two = [frame("FRAME\n", 0), frame("FRAME\n", 1)].concat();
        writer.write_all(&[HEAD.as_bytes(), &two].concat()).unwrap();
        let mut stream = Y4mPipe::open(reader.into(), &GO_ON)
            .unwrap()
            .stream(3)
            .unwrap();
        // Whoever sends says nothing more: the wait goes on until it is called off, and then again.
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| stream.await_next(&stop).unwrap());
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(waiting.join().unwrap(), Arrival::Stopped);
        });
        let two = [frame("FRAME\n", 2), frame("FRAME\n", 3)].concat();
        writer.write_all(&two).unwrap();
        drop(writer);
        let mut into = [0; 4];
        assert_eq!(stream.await_next(&GO_ON).unwrap(), Arrival::Begun);
        stream.fill(&mut into, &GO_ON).unwrap();
        assert_eq!(into, [3; 4]);
        assert_eq!(stream.await_next(&GO_ON).unwrap(), Arrival::End);

        // It may end before, and inside of a frame that nobody wanted.
        let short = [HEAD.as_bytes(), &frame("FRAME\n", 0)].concat();
        for (left, said) in [(0, None), (1, Some("ends inside frame 0"))] {
            let short = &short[..short.len() - left];
            let mut stream = sent(short).unwrap().stream(9).unwrap();
            assert_eq!(stream.await_next(&GO_ON).unwrap(), Arrival::End);
            let incomplete = stream.incomplete();
            assert_eq!(incomplete.is_some(), said.is_some());
            assert!(
                incomplete
                    .unwrap_or_default()
                    .contains(said.unwrap_or_default())
            );
        }
    }
}
