//! Frames of one size in a pipe: filled, let by, given up half-way, cut off at the end.

use super::pipe::{Came, Pipe};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// A pipe with frames in it, and how far they have been read.
pub(super) struct Framed {
    /// What the sentences call it.
    name: String,
    /// Between frames, it is the caller's to read what is there.
    pub(super) pipe: Pipe,
    /// Bytes of a frame.
    bytes: usize,
    begun: u64,
    /// Bytes of the last frame that have not been read.
    left: usize,
    ended: bool,
    /// The last frame was not whole when the pipe ended.
    cut_off: bool,
}

impl Framed {
    pub(super) fn new(name: impl Into<String>, pipe: Pipe, bytes: usize) -> Self {
        Self {
            name: name.into(),
            pipe,
            bytes,
            begun: 0,
            left: 0,
            ended: false,
            cut_off: false,
        }
    }

    /// Whether the pipe ended inside a frame.
    pub(super) fn was_cut_off(&self) -> bool {
        self.cut_off
    }

    /// Whether the end of the pipe was met.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the last frame was not waited for to its end.
    pub(super) fn was_given_up(&self) -> bool {
        self.left > 0
    }

    /// Frames that have come to their end, or were given up by us.
    pub(super) fn whole(&self) -> u64 {
        self.begun - u64::from(self.cut_off)
    }

    /// Frames that have begun to come.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// Lets by what is left of the last frame: [`Came::All`] if the next can follow.
    pub(super) fn finish(&mut self, stop: &AtomicBool) -> io::Result<Came> {
        if self.left > 0 {
            let came = self.pipe.discard(self.left, stop)?;
            self.count(came);
        }
        Ok(if self.ended {
            Came::Ended(0)
        } else if self.left > 0 || stop.load(Ordering::Relaxed) {
            Came::Stopped(0)
        } else {
            Came::All
        })
    }

    /// Waits, behind the last frame, until there is a byte of the next, or none any more.
    pub(super) fn wait(&mut self, stop: &AtomicBool) -> io::Result<Came> {
        let mut came = self.finish(stop)?;
        if came == Came::All {
            came = self.pipe.wait(stop)?;
            self.ended |= matches!(came, Came::Ended(_));
        }
        Ok(came)
    }

    /// The next bytes of the pipe are a frame's.
    pub(super) fn begin(&mut self) {
        self.begun += 1;
        self.left = self.bytes;
    }

    /// Reads the frame that has begun, or says in one sentence what is missing of it.
    pub(super) fn fill(&mut self, into: &mut [u8], stop: &AtomicBool) -> Result<(), String> {
        let Self {
            name, pipe, bytes, ..
        } = self;
        let frame = self.begun.saturating_sub(1);
        let came = pipe
            .fill(into, stop)
            .map_err(|e| format!("{name}: cannot read frame {frame}: {e}"))?;
        let filled = match came {
            Came::All => Ok(()),
            Came::Ended(n) => Err(format!(
                "{name} ends inside frame {frame}: {n} of its {bytes} bytes came"
            )),
            Came::Stopped(n) => Err(format!(
                "{name}: frame {frame} was given up when {n} of its {bytes} bytes had come"
            )),
        };
        self.count(came);
        filled
    }

    /// Takes off what has come of the last frame.
    fn count(&mut self, came: Came) {
        match came {
            Came::All => self.left = 0,
            Came::Stopped(n) => self.left -= n,
            Came::Ended(_) => (self.left, self.ended, self.cut_off) = (0, true, true),
        }
    }
}
