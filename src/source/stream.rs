//! Frames that come one after the other.
//!
//! A frame set lies there, and any of its frames can be had at any time. A [`Stream`] is what is
//! left when that is given up: whether there is a next frame is known when it begins to come, and
//! it is written once, to where it is wanted. A camera, a decoder and a pipe are that by nature
//! ([`Live`]); a set can be read as one too.
//!
//! ```
//! use framehaul::source::{Arrival, Source};
//! use std::sync::atomic::AtomicBool;
//! let stop = AtomicBool::new(false);
//! let camera = Source::open("camera:64x48@30")?;
//! let mut stream = camera.stream(10)?; // from frame 10 on
//! assert_eq!(stream.await_next(&stop)?, Arrival::Begun);
//! let mut frame = vec![0; camera.format().bytes()];
//! stream.fill(&mut frame, &stop).unwrap();
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::manifest::Manifest;
use super::{FrameSet, Reader};
use crate::error::{Error, Result};
use crate::frame::FrameFormat;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It has begun to come: [`Stream::fill`] or [`Stream::skip`] it.
    Begun,
    /// There is none any more.
    End,
    /// The wait for it was called off; it may still come.
    Stopped,
}

impl Arrival {
    /// That of a frame which can be had at any time.
    pub(super) fn at_once(stop: &AtomicBool) -> Self {
        match stop.load(Ordering::Relaxed) {
            true => Self::Stopped,
            false => Self::Begun,
        }
    }
}

/// Frames, one after the other.
///
/// A wait for bytes that others have to send looks at `stop` at least ten times a second.
pub trait Stream: Send {
    /// Waits until the next frame has begun to come.
    ///
    /// # Errors
    /// One sentence, if there is a next frame and neither it nor any behind it can be had. At an end
    /// that may be none it says [`Arrival::End`], and [`incomplete`](Self::incomplete) why.
    fn await_next(&mut self, stop: &AtomicBool) -> Result<Arrival>;

    /// Writes the frame that has begun to come into `into`, which has exactly its bytes.
    ///
    /// # Errors
    /// One sentence on this frame alone, that names where it is from; what `into` then holds is of
    /// no meaning. The stream can be asked for the next.
    fn fill(&mut self, into: &mut [u8], stop: &AtomicBool) -> std::result::Result<(), String>;

    /// Lets the frame that has begun to come go by.
    fn skip(&mut self, stop: &AtomicBool);

    /// When the frame that was filled or skipped last, and no other, is to be shown, in seconds from
    /// the stream's beginning. None if that is not known: the stream does not say, or the frame was
    /// given up half-way. Whoever keeps the times keeps one a frame, or they would shift.
    fn time(&self) -> Option<f64> {
        None
    }

    /// Why more frames may have been to come than it had, in a sentence, when it has ended so that
    /// nobody knows: no frame has failed for it.
    fn incomplete(&self) -> Option<String> {
        None
    }

    /// What must be said of the stream as a whole when it has ended, a sentence each: decode errors,
    /// a sender that was killed.
    fn notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Frames that are in no file, or in one that has to be decoded from its beginning: known as far as
/// their format goes.
pub trait Live: Debug + Send + Sync {
    /// What the user typed.
    fn input(&self) -> &str;
    /// The format of every frame.
    fn format(&self) -> FrameFormat;
    /// The rate that it states.
    fn fps(&self) -> Option<f64>;
    /// Whether that rate is its pace: frame i begins at i / fps, whether anybody is ready or not.
    fn is_paced(&self) -> bool {
        false
    }
    /// Whether it goes on until it is stopped.
    fn is_endless(&self) -> bool {
        false
    }
    /// About the memory that it takes to make its frames, beside the frames themselves, in bytes.
    fn memory(&self) -> u64 {
        0
    }
    /// Why it cannot be read a second time, as the end of a sentence; None if it can.
    fn why_once(&self) -> Option<&str> {
        None
    }
    /// What tells it from another input of the same name ([`Source::identity`]); None where nothing does.
    fn identity(&self) -> Option<String> {
        None
    }
    /// Its frames from number `first` on; what comes before goes by while that one is awaited.
    ///
    /// # Errors
    /// If it cannot be had, in one sentence.
    fn stream(&self, first: u64) -> Result<Box<dyn Stream>>;
}

/// What frames come from: a set, or something live.
#[derive(Clone, Debug)]
pub enum Source {
    /// Frames on disk.
    Set(Arc<FrameSet>),
    /// Frames that come.
    Live(Arc<dyn Live>),
}

/// One kind of live input: what `framehaul list` says of it, and how it is recognised and opened.
#[derive(Debug)]
pub struct LiveKind {
    /// One word.
    pub name: &'static str,
    /// What a person types for it.
    pub accepts: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    pub(super) claims: fn(&str) -> bool,
    pub(super) open: fn(&str, &AtomicBool) -> Result<Arc<dyn Live>>,
}

/// Every kind of live input, in the order in which they are asked whether they know it. They are
/// asked before those of sets, whose files the last of them leaves alone.
pub static LIVE_KINDS: &[&LiveKind] = &[
    &super::camera::KIND,
    &super::stdin::KIND,
    &super::video::KIND,
];

impl From<FrameSet> for Source {
    fn from(set: FrameSet) -> Self {
        Self::Set(Arc::new(set))
    }
}

impl Source {
    /// Opens what a person types: a camera, a video, or whatever [`FrameSet::open`] takes.
    ///
    /// # Errors
    /// One sentence if there is no such input, nobody can read it, or it holds no frame.
    pub fn open(input: &str) -> Result<Self> {
        Self::open_unless(&AtomicBool::new(false), input)
    }

    /// The same until `stop` is set: what is live may take its time to say what it is.
    ///
    /// # Errors
    /// As [`Self::open`], and [`Interrupted`](crate::Error::Interrupted) if it was called off.
    pub fn open_unless(stop: &AtomicBool, input: &str) -> Result<Self> {
        match LIVE_KINDS.iter().find(|kind| (kind.claims)(input)) {
            Some(kind) => (kind.open)(input, stop).map(Self::Live),
            None => FrameSet::open(input).map(|set| Self::Set(Arc::new(set))),
        }
    }

    /// What the user typed.
    pub fn input(&self) -> &str {
        match self {
            Self::Set(set) => set.input(),
            Self::Live(live) => live.input(),
        }
    }

    /// The format of every frame.
    pub fn format(&self) -> FrameFormat {
        match self {
            Self::Set(set) => set.format(),
            Self::Live(live) => live.format(),
        }
    }

    /// The rate that it states.
    pub fn fps(&self) -> Option<f64> {
        match self {
            Self::Set(set) => set.fps(),
            Self::Live(live) => live.fps(),
        }
    }

    /// About the memory that it takes to make its frames, beside the frames themselves, in bytes.
    pub fn memory(&self) -> u64 {
        match self {
            Self::Set(_) => 0,
            Self::Live(live) => live.memory(),
        }
    }

    /// What tells it from another input of the same name and size, on whatever machine: 64 hexadecimal
    /// digits, of some of its bytes. None of what is in no file, or cannot be read.
    pub fn identity(&self) -> Option<String> {
        match self {
            Self::Set(set) => set.identity(),
            Self::Live(live) => live.identity(),
        }
    }

    /// That its frames are not read from `file`, by whatever name: what is written there would be them.
    ///
    /// # Errors
    /// [`Error::Input`] if they are.
    pub fn spare(&self, file: &Path) -> Result<()> {
        let Ok(real) = file.canonicalize() else {
            return Ok(());
        };
        let input = Path::new(self.input());
        let files = self.set().map_or(&[][..], |set| set.files());
        let manifest = input.join(Manifest::FILE);
        let mut own = files.iter().map(PathBuf::as_path).chain([input, &manifest]);
        if own.any(|own| own.canonicalize().is_ok_and(|own| own == real)) {
            let what = format!(
                "is a part of the input {}, and would be lost: name another file",
                self.input()
            );
            return Err(Error::input(file, what));
        }
        Ok(())
    }

    /// The set, if it is one.
    pub const fn set(&self) -> Option<&Arc<FrameSet>> {
        match self {
            Self::Set(set) => Some(set),
            Self::Live(_) => None,
        }
    }

    /// Its frames from number `first` on. What is live may have to send those before: they go by while
    /// the first one is awaited, a wait that heeds its `stop` like any other. A set begins again behind
    /// its end.
    ///
    /// # Errors
    /// If they cannot be had, in one sentence.
    pub fn stream(&self, first: u64) -> Result<Box<dyn Stream>> {
        match self {
            Self::Set(set) => Ok(Box::new(SetStream {
                set: set.clone(),
                next: first,
                reader: Reader::default(),
            })),
            Self::Live(live) => live.stream(first),
        }
    }
}

/// The frames of `stream` from number `first` on, for what has to be read from its beginning.
pub(super) fn starting_at(first: u64, stream: impl Stream + 'static) -> Box<dyn Stream> {
    match first {
        0 => Box::new(stream),
        before => Box::new(Later { stream, before }),
    }
}

/// A stream of which so many frames are still to go by.
struct Later<S> {
    stream: S,
    before: u64,
}

impl<S: Stream> Stream for Later<S> {
    fn await_next(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        while self.before > 0 {
            match self.stream.await_next(stop)? {
                Arrival::Begun => self.stream.skip(stop),
                end => return Ok(end),
            }
            self.before -= 1;
        }
        self.stream.await_next(stop)
    }

    fn fill(&mut self, into: &mut [u8], stop: &AtomicBool) -> std::result::Result<(), String> {
        self.stream.fill(into, stop)
    }

    fn skip(&mut self, stop: &AtomicBool) {
        self.stream.skip(stop);
    }

    fn time(&self) -> Option<f64> {
        self.stream.time()
    }

    fn incomplete(&self) -> Option<String> {
        self.stream.incomplete()
    }

    fn notes(&mut self) -> Vec<String> {
        self.stream.notes()
    }
}

/// The frames of a set, read in their order.
struct SetStream {
    set: Arc<FrameSet>,
    next: u64,
    reader: Reader,
}

impl Stream for SetStream {
    fn await_next(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        Ok(Arrival::at_once(stop))
    }

    fn fill(&mut self, into: &mut [u8], _: &AtomicBool) -> std::result::Result<(), String> {
        let index = (self.next % self.set.len() as u64) as usize;
        self.next += 1;
        self.reader.frame(&self.set, index, into)
    }

    fn skip(&mut self, _: &AtomicBool) {
        self.next += 1;
    }
}
