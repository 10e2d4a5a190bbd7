//! Bytes that others send: read straight to where they are wanted, with waits that can be called off.

use crate::sys::poll::{enlarge_pipe, pipe_size, readable};
use crate::sys::process::Process;
use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a wait goes on before it looks at its flag again.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// How long others may hold a pipe open whose sender has ended: what that has started may be about
/// to let go of it.
const GRACE: Duration = Duration::from_secs(2);

/// Bytes that are read in advance, along with those asked for: they hold the line in front of the
/// next frame, which then takes no system call of its own, and are all that is ever copied.
const AHEAD: usize = 256;

/// How far a read has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// All that was asked for.
    All,
    /// So many bytes, and then the end.
    Ended(usize),
    /// So many bytes until it was called off.
    Stopped(usize),
}

/// The end of a pipe (or of anything else that is read in order) that bytes come out of.
#[derive(Debug)]
pub(super) struct Pipe {
    from: File,
    /// Who sends, if that is known: with its end, that of the pipe has come.
    sender: Option<Arc<Process>>,
    /// Once it has ended.
    rest: Option<Rest>,
    /// What was read in advance is `ahead[next..end]`.
    ahead: [u8; AHEAD],
    next: usize,
    end: usize,
}

/// What is still to be read of a sender that has ended.
#[derive(Debug)]
struct Rest {
    /// As many bytes as the pipe holds, and the one that is not its sender's any more, if there is no
    /// end before it; 0 when the pipe was given up.
    most: usize,
    /// When the end has to have come.
    until: Instant,
}

impl Pipe {
    /// Takes the end over, and enlarges the pipe if it is one.
    pub(super) fn new(fd: OwnedFd) -> Self {
        enlarge_pipe(fd.as_fd());
        Self {
            from: fd.into(),
            sender: None,
            rest: None,
            ahead: [0; AHEAD],
            next: 0,
            end: 0,
        }
    }

    /// Ends the pipe with `sender`, behind what that has sent: others may hold it open for ever.
    pub(super) fn sent_by(self, sender: Arc<Process>) -> Self {
        Self {
            sender: Some(sender),
            ..self
        }
    }

    /// Whether others held it open when its sender had ended, and may have sent more.
    pub(super) fn was_held_open(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.most == 0)
    }

    /// Fills `into`.
    pub(super) fn fill(&mut self, into: &mut [u8], stop: &AtomicBool) -> io::Result<Came> {
        let mut filled = self.take(into);
        while filled < into.len() {
            if stop.load(Ordering::Relaxed) {
                return Ok(Came::Stopped(filled));
            }
            filled += match self.read(&mut into[filled..])? {
                None => continue,
                Some(0) => return Ok(Came::Ended(filled)),
                Some(n) => n,
            };
        }
        Ok(Came::All)
    }

    /// Reads `bytes` bytes and forgets them.
    pub(super) fn discard(&mut self, bytes: usize, stop: &AtomicBool) -> io::Result<Came> {
        let mut scratch = [0; 1 << 16];
        let mut gone = 0;
        while gone < bytes {
            let some = scratch.len().min(bytes - gone);
            match self.fill(&mut scratch[..some], stop)? {
                Came::All => gone += some,
                Came::Ended(n) => return Ok(Came::Ended(gone + n)),
                Came::Stopped(n) => return Ok(Came::Stopped(gone + n)),
            }
        }
        Ok(Came::All)
    }

    /// Waits until there is a byte, without taking it.
    pub(super) fn wait(&mut self, stop: &AtomicBool) -> io::Result<Came> {
        while self.next == self.end {
            if stop.load(Ordering::Relaxed) {
                return Ok(Came::Stopped(0));
            }
            if self.read(&mut [])? == Some(0) && self.next == self.end {
                return Ok(Came::Ended(0));
            }
        }
        Ok(Came::All)
    }

    /// Whether there is a byte, after a moment at most.
    pub(super) fn has_some(&mut self) -> io::Result<bool> {
        if self.next == self.end {
            self.read(&mut [])?;
        }
        Ok(self.next < self.end)
    }

    /// Appends bytes to `line` up to and including the end of a line, or until it has `most`.
    /// Whether it was [`Came::All`] of a line, the line says by its end.
    pub(super) fn line(
        &mut self,
        line: &mut Vec<u8>,
        most: usize,
        stop: &AtomicBool,
    ) -> io::Result<Came> {
        while line.len() < most && line.last() != Some(&b'\n') {
            match self.wait(stop)? {
                Came::All => {}
                Came::Ended(_) => return Ok(Came::Ended(line.len())),
                Came::Stopped(_) => return Ok(Came::Stopped(line.len())),
            }
            let there = &self.ahead[self.next..self.end];
            let there = &there[..there.len().min(most - line.len())];
            let end = there.iter().position(|b| *b == b'\n');
            let taken = end.map_or(there.len(), |end| end + 1);
            line.extend_from_slice(&there[..taken]);
            self.next += taken;
        }
        Ok(Came::All)
    }

    /// What was read in advance, as far as `into` has room.
    fn take(&mut self, into: &mut [u8]) -> usize {
        let taken = into.len().min(self.end - self.next);
        into[..taken].copy_from_slice(&self.ahead[self.next..][..taken]);
        self.next += taken;
        taken
    }

    /// One read into `into` and, behind it, in advance: how many bytes of `into` came, 0 for the end
    /// (or if `into` is empty); none if nothing came for now. Nothing is left in advance before.
    fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        debug_assert_eq!(self.next, self.end, "else bytes would change places");
        match self.try_read(into) {
            // It may have been set not to block, and others may read it as well.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(None)
            }
            done => done,
        }
    }

    fn try_read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        if !self.is_readable()? {
            return Ok(self.was_held_open().then_some(0));
        }
        let most = self.rest.as_ref().map_or(usize::MAX, |rest| rest.most);
        let room = into.len().min(most);
        let ahead = AHEAD.min(most - room);
        let mut both = [
            IoSliceMut::new(&mut into[..room]),
            IoSliceMut::new(&mut self.ahead[..ahead]),
        ];
        let n = self.from.read_vectored(&mut both)?;
        (self.next, self.end) = (0, n.saturating_sub(room));
        if let Some(rest) = &mut self.rest {
            rest.most -= n;
        }
        Ok(Some(n.min(room)))
    }

    /// Waits a moment for something to read, be it the end.
    fn is_readable(&mut self) -> io::Result<bool> {
        let from = self.from.as_fd();
        let Some(sender) = &self.sender else {
            return readable([from], LOOK).map(|[ready]| ready);
        };
        let Some(rest) = &mut self.rest else {
            let [ready, ended] = readable([from, sender.as_fd()], LOOK)?;
            self.rest = ended.then(|| Rest {
                most: pipe_size(from).unwrap_or(0) + 1,
                until: Instant::now() + GRACE,
            });
            return Ok(ready);
        };
        if rest.most == 0 {
            return Ok(false);
        }
        let [ready] = readable([from], LOOK)?;
        if !ready && Instant::now() >= rest.until {
            rest.most = 0;
        }
        Ok(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Surroundings, spawn_piped};
    use proptest::prelude::*;
    use std::io::Write;

    static GO_ON: AtomicBool = AtomicBool::new(false);

    /// What comes out of a pipe into which `pieces` are written one by one.
    fn sent(pieces: Vec<Vec<u8>>) -> (Pipe, std::thread::JoinHandle<()>) {
        let (reader, mut writer) = io::pipe().unwrap();
        let writing = std::thread::spawn(move || {
            for piece in pieces {
                writer.write_all(&piece).unwrap();
            }
        });
        (Pipe::new(reader.into()), writing)
    }

    #[test]
    fn what_is_missing_at_the_end_is_counted() {
        let (mut pipe, _) = sent(vec![vec![7; 1000]]);
        let mut into = [0; 600];
        assert_eq!(pipe.fill(&mut into, &GO_ON).unwrap(), Came::All);
        assert_eq!(pipe.wait(&GO_ON).unwrap(), Came::All);
        assert_eq!(pipe.fill(&mut into, &GO_ON).unwrap(), Came::Ended(400));
        assert_eq!(pipe.wait(&GO_ON).unwrap(), Came::Ended(0));
        assert_eq!(pipe.discard(9, &GO_ON).unwrap(), Came::Ended(0));
    }

    #[test]
    fn a_wait_for_nothing_is_called_off() {
        let (reader, _writer) = io::pipe().unwrap();
        let mut pipe = Pipe::new(reader.into());
        let stop = AtomicBool::new(true);
        assert_eq!(pipe.wait(&stop).unwrap(), Came::Stopped(0));
        assert_eq!(pipe.fill(&mut [0], &stop).unwrap(), Came::Stopped(0));
        let mut line = Vec::new();
        assert_eq!(pipe.line(&mut line, 9, &stop).unwrap(), Came::Stopped(0));
        // And while it lasts.
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pipe.wait(&stop).unwrap());
            stop.store(true, Ordering::Relaxed);
            assert_eq!(waiting.join().unwrap(), Came::Stopped(0));
        });
    }

    /// A shell that runs `script`, and the pipe that it sends through.
    fn shell(script: &str) -> (Arc<Process>, Pipe) {
        let args = ["-c", script];
        let (process, [out, _]) =
            spawn_piped("/bin/sh".as_ref(), args, &Surroundings::default()).unwrap();
        let process = Arc::new(process);
        (process.clone(), Pipe::new(out).sent_by(process))
    }

    #[test]
    fn a_pipe_ends_with_its_sender_behind_what_that_has_sent_whoever_holds_it_open() {
        for (script, sent, is_held) in [
            ("printf 12345", 5, false),
            // As much as the pipe holds.
            ("head -c 1048576 /dev/zero", 1 << 20, false),
            (
                "head -c 1048576 /dev/zero; sleep 1000 & exit",
                1 << 20,
                true,
            ),
        ] {
            let (process, mut pipe) = shell(script);
            let mut into = vec![0; sent];
            // Read when it has ended: what it has sent is not lost.
            while process.ended(LOOK).unwrap().is_none() {}
            assert_eq!(pipe.fill(&mut into, &GO_ON).unwrap(), Came::All, "{script}");
            for _ in 0..2 {
                assert_eq!(pipe.wait(&GO_ON).unwrap(), Came::Ended(0), "{script}");
                assert_eq!(pipe.was_held_open(), is_held, "{script}");
            }
            process.kill_group();
            process.wait().unwrap();
        }
    }

    #[test]
    fn others_that_go_on_sending_for_ever_do_not_keep_a_pipe_open() {
        let (process, mut pipe) = shell("yes & exit");
        let came = pipe.discard(usize::MAX, &GO_ON).unwrap();
        assert!(matches!(came, Came::Ended(_)), "{came:?}");
        assert!(pipe.was_held_open());
        assert_eq!(pipe.wait(&GO_ON).unwrap(), Came::Ended(0));
        process.kill_group();
        process.wait().unwrap();
    }

    proptest! {
        /// Lines and frames in any order and size, sent in pieces of any size, come out as they went in.
        #[test]
        fn nothing_changes_places(
            parts in prop::collection::vec((any::<bool>(), 0usize..900), 0..12),
            piece in 1usize..700,
        ) {
            let mut all = Vec::new();
            for (i, (is_line, size)) in parts.iter().enumerate() {
                let text = (0..*size).map(|n| b'a' + ((n + i) % 26) as u8);
                all.extend(text);
                if *is_line {
                    all.push(b'\n');
                }
            }
            let (mut pipe, writing) = sent(all.chunks(piece).map(<[u8]>::to_vec).collect());
            let mut out = Vec::new();
            for (is_line, size) in parts {
                let from = out.len();
                if is_line {
                    let mut line = Vec::new();
                    pipe.line(&mut line, usize::MAX, &GO_ON).unwrap();
                    out.append(&mut line);
                } else {
                    out.resize(from + size, 0);
                    prop_assert_eq!(pipe.fill(&mut out[from..], &GO_ON).unwrap(), Came::All);
                }
            }
            prop_assert_eq!(pipe.wait(&GO_ON).unwrap(), Came::Ended(0));
            prop_assert_eq!(out, all);
            writing.join().unwrap();
        }
    }
}
