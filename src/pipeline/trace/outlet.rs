//! Where a trace goes: a file, or a pipe whose reader may come late, read slowly, or stop.
//!
//! What a pipe holds is all that is waiting to be read, and there is no thread beside the run that
//! writes it: a run waits for a reader that is a little slow, and goes on without one that has stopped.

use crate::error::{Error, Result};
use crate::sys::poll;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A file that is open for writing, or a pipe.
#[derive(Debug)]
pub(super) struct Outlet {
    file: File,
    stop: Arc<AtomicBool>,
    patience: Patience,
}

/// For how long nothing is read before nobody is taken to read.
#[derive(Clone, Copy, Debug)]
struct Patience {
    usual: Duration,
    /// Once the run is to stop.
    stopped: Duration,
}

const PATIENCE: Patience = Patience {
    usual: Duration::from_secs(5),
    stopped: Duration::from_secs(1),
};

/// A stop is heard after so long at the latest.
const LOOK_UP: Duration = Duration::from_millis(50);

impl Outlet {
    /// Creates the file, or empties it if it is there. If it is a named pipe, waits until somebody reads
    /// it, or until `stop` is set.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if that was so, [`Error::Io`] if it cannot be.
    pub(super) fn open(path: &Path, stop: &Arc<AtomicBool>) -> Result<Self> {
        let is_pipe = || path.metadata().is_ok_and(|file| file.file_type().is_fifo());
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // Of pipes alone, this says something: neither opening nor writing waits.
        options.custom_flags(libc::O_NONBLOCK);
        let file = loop {
            match options.open(path) {
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_pipe() => {
                    if stop.load(Ordering::Relaxed) {
                        return Err(Error::Interrupted);
                    }
                    std::thread::sleep(LOOK_UP);
                }
                opened => break opened.map_err(Error::io(path, "cannot create the trace"))?,
            }
        };
        poll::enlarge_pipe(file.as_fd());
        Ok(Self {
            file,
            stop: stop.clone(),
            patience: PATIENCE,
        })
    }

    /// Waits until there is room, or nobody has made any for so long that nobody will.
    fn wait_for_room(&self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            match poll::writable(self.file.as_fd(), LOOK_UP) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            let patience = match self.stop.load(Ordering::Relaxed) {
                true => self.patience.stopped,
                false => self.patience.usual,
            };
            if begun.elapsed() > patience {
                let what = "it is not whole: whoever reads it has stopped reading";
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.file.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_for_room()?,
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::thread;

    const NEVER: Duration = Duration::MAX;

    /// One end of a pipe, and an outlet into it that is so patient.
    fn pipe(stopped: bool, patience: Patience) -> (io::PipeReader, Outlet) {
        let (reader, writer) = io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        let stop = Arc::new(AtomicBool::new(stopped));
        let mut outlet = Outlet::open(path.as_ref(), &stop).unwrap();
        outlet.patience = patience;
        (reader, outlet)
    }

    #[test]
    fn a_reader_that_is_slow_gets_everything() {
        let patience = Patience {
            usual: NEVER,
            stopped: NEVER,
        };
        let (mut reader, mut outlet) = pipe(true, patience);
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            let mut some = vec![0; 300 << 10];
            while let Ok(read @ 1..) = reader.read(&mut some) {
                all.extend_from_slice(&some[..read]);
                thread::sleep(Duration::from_millis(10));
            }
            all
        });
        let bytes: Vec<u8> = (0..3 << 20).map(|n: u32| n as u8).collect();
        outlet.write_all(&bytes).unwrap();
        drop(outlet);
        assert!(reading.join().unwrap() == bytes);
    }

    /// By the other patience, it would never end.
    #[test]
    fn a_reader_that_has_stopped_is_waited_for_so_long_and_no_longer() {
        let soon = LOOK_UP * 2;
        for (stopped, usual, once_stopped) in [(false, soon, NEVER), (true, NEVER, soon)] {
            let patience = Patience {
                usual,
                stopped: once_stopped,
            };
            let (_reader, mut outlet) = pipe(stopped, patience);
            let begun = Instant::now();
            let error = outlet.write_all(&[0; 3 << 20]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
            assert!(begun.elapsed() >= soon);
        }
    }
}
