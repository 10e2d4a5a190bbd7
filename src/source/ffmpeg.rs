//! A running ffmpeg: its frames come through a pipe, and what it says of them is heard meanwhile.
//!
//! A thread of its own, the keeper, starts it, reads its standard error and learns of its end. The
//! kernel kills a child when the thread that started it ends, so that thread has to live as long as
//! the child, wherever the stream is handed to; and ffmpeg stands still if nobody hears it.
//!
//! It may be a script of the user's, or anything else: what it has started may hold its pipes open,
//! and it may tell of nothing. No wait here is for more than its end, and its group goes with it.

use super::ffmpeg_log::{self, Shown};
use super::pipe::{Came, LOOK, Pipe};
use crate::sys::process::{Exit, Process, Surroundings, spawn_piped};
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest line that is kept in one piece; most have some hundred bytes.
const MAX_LINE: usize = 4096;

/// Letters of an error that are kept: a sentence will quote them.
const MAX_FAULT: usize = 300;

/// More frames than this that were told of in no line are no gap but a misunderstanding.
const MAX_GAP: u64 = 1000;

/// An ffmpeg that was started. Dropped, it is killed and reaped.
pub(super) struct Ffmpeg {
    process: Arc<Process>,
    hearing: Arc<Hearing>,
    keeper: Option<JoinHandle<()>>,
}

/// How it ended, as what follows "ffmpeg".
pub(super) fn ended(exit: &Exit) -> String {
    match exit {
        Exit::Code(_) => exit.to_string(),
        Exit::Signal(_) => format!("was {exit}"),
    }
}

/// What is shared with the keeper.
#[derive(Default)]
struct Hearing {
    heard: Mutex<Heard>,
    changed: Condvar,
    /// Set when nobody wants to hear more.
    abandoned: AtomicBool,
}

/// What ffmpeg has said so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Of its frames from number `first` on; none for one whose line was lost.
    frames: VecDeque<Option<Shown>>,
    first: u64,
    /// Frames before the filter was set up last, which is where it counts from.
    before: u64,
    rounded_rate: Option<f64>,
    exact_rate: Option<f64>,
    /// How many errors, and the first and the last of them.
    pub(super) faults: u64,
    pub(super) first_fault: Option<String>,
    pub(super) last_fault: Option<String>,
    /// The first that says that the video's own end is missing.
    pub(super) cut_short: Option<String>,
    /// How it ended, once it has and all that it said was heard.
    pub(super) end: Option<io::Result<Exit>>,
}

impl Ffmpeg {
    /// Starts `program`: the process, and the pipe that its standard output goes to.
    ///
    /// # Errors
    /// If there is no such program, or it cannot be started.
    pub(super) fn start(program: &Path, args: Vec<String>) -> io::Result<(Self, Pipe)> {
        let (started, start) = sync_channel(1);
        let hearing = Arc::<Hearing>::default();
        let (program, heard) = (program.to_path_buf(), hearing.clone());
        let keeper = std::thread::Builder::new()
            .name("ffmpeg keeper".into())
            .spawn(move || keep(&program, &args, &started, &heard))?;
        let gone = |_| Err(io::Error::other("its keeper is gone"));
        let (process, out) = start.recv().unwrap_or_else(gone)?;
        let out = Pipe::new(out).sent_by(process.clone());
        let ffmpeg = Self {
            process,
            hearing,
            keeper: Some(keeper),
        };
        Ok((ffmpeg, out))
    }

    /// What it has said so far.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.hearing.heard()
    }

    /// Waits until what was heard has an answer to `ask`, or it has ended, or `stop` is set.
    pub(super) fn wait<T>(
        &self,
        stop: impl Fn() -> bool,
        ask: impl Fn(&mut Heard) -> Option<T>,
    ) -> Option<T> {
        let mut heard = self.heard();
        loop {
            let answer = ask(&mut heard);
            if answer.is_some() || heard.end.is_some() || stop() {
                return answer;
            }
            let woken = self.hearing.changed.wait_timeout(heard, LOOK);
            heard = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until it has ended and all that it said was heard, until `patience` is over or `stop` is
    /// set; whether it has.
    pub(super) fn has_ended(&self, patience: Duration, stop: impl Fn() -> bool) -> bool {
        let until = Instant::now() + patience;
        self.wait(|| stop() || Instant::now() >= until, |_| None::<()>);
        self.heard().end.is_some()
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        self.hearing.abandoned.store(true, Ordering::Relaxed);
        self.process.kill();
        // If it is a script, what that has started would stay.
        self.process.kill_group();
        if let Some(keeper) = self.keeper.take() {
            // It ends as soon as the process has.
            let _ = keeper.join();
        }
        // Reaped last, so that nobody else could have its number meanwhile.
        let _ = self.process.wait();
    }
}

impl Hearing {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts ffmpeg and stays with it until it has ended.
fn keep(
    program: &Path,
    args: &[String],
    started: &SyncSender<io::Result<(Arc<Process>, OwnedFd)>>,
    hearing: &Hearing,
) {
    let plain = Surroundings {
        env: vec![("AV_LOG_FORCE_NOCOLOR".into(), "1".into())],
        dir: None,
    };
    let (process, err) = match spawn_piped(program, args, &plain) {
        Ok((process, [out, err])) => {
            let process = Arc::new(process);
            let _ = started.send(Ok((process.clone(), out)));
            (process, err)
        }
        Err(e) => {
            let _ = started.send(Err(e));
            return;
        }
    };
    listen(Pipe::new(err).sent_by(process.clone()), hearing);
    // It says nothing any more, but may take its time to end.
    let end = loop {
        if let Some(end) = process.ended(LOOK).transpose() {
            break end;
        }
    };
    hearing.heard().end = Some(end);
    hearing.changed.notify_all();
}

/// Hears line by line what is said, until the end.
fn listen(mut said: Pipe, hearing: &Hearing) {
    let mut line = Vec::new();
    while let Ok(came) = said.line(&mut line, MAX_LINE, &hearing.abandoned) {
        hearing.heard().hear(&String::from_utf8_lossy(&line));
        hearing.changed.notify_all();
        if came != Came::All {
            return;
        }
        line.clear();
    }
}

impl Heard {
    fn hear(&mut self, line: &str) {
        let line = line.trim_end();
        let mut fault = ffmpeg_log::fault(line);
        if let Some((shown, behind)) = ffmpeg_log::shown(line) {
            self.show(shown);
            // What other threads say in the middle of a line has lost its level.
            fault = fault.or((!behind.is_empty()).then_some(behind));
        } else if self.first == 0 && self.frames.is_empty() {
            let (rounded, exact) = (&mut self.rounded_rate, &mut self.exact_rate);
            *rounded = rounded.or_else(|| ffmpeg_log::rounded_rate(line));
            *exact = exact.or_else(|| ffmpeg_log::exact_rate(line));
        }
        if let Some(fault) = fault {
            self.faults += 1;
            let fault = match fault.char_indices().nth(MAX_FAULT) {
                Some((end, _)) => format!("{}…", &fault[..end]),
                None => fault.to_owned(),
            };
            self.first_fault.get_or_insert_with(|| fault.clone());
            if ffmpeg_log::is_cut_short(&fault) {
                self.cut_short.get_or_insert_with(|| fault.clone());
            }
            self.last_fault = Some(fault);
        }
    }

    fn show(&mut self, shown: Shown) {
        let next = self.first + self.frames.len() as u64;
        if shown.number == 0 {
            self.before = next;
        }
        let gap = (self.before.saturating_add(shown.number)).checked_sub(next);
        if let Some(gap) = gap.filter(|gap| *gap <= MAX_GAP) {
            self.frames.extend((0..gap).map(|_| None));
            self.frames.push_back(Some(shown));
        }
    }

    /// What was said of frame `number`, and forgets those before: none if nothing yet, and none within
    /// if nothing was.
    pub(super) fn frame(&mut self, number: u64) -> Option<Option<Shown>> {
        while self.first < number && self.frames.pop_front().is_some() {
            self.first += 1;
        }
        (self.first == number).then(|| self.frames.front().cloned())?
    }

    /// The rate: exact, if that is what the stream's own, rounded one means. They differ where frames
    /// come at varying times.
    pub(super) fn rate(&self) -> Option<f64> {
        match (self.rounded_rate, self.exact_rate) {
            (Some(rounded), Some(exact)) if (rounded - exact).abs() > 0.006 => Some(rounded),
            (rounded, exact) => exact.or(rounded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, time: f64) -> String {
        format!(
            "[Parsed_showinfo_0 @ 0x5] [info] n:{number:4} pts:   7 pts_time:{time}  fmt:gray \
             sar:1/1 s:4x2 i:P iskey:1 type:I \n"
        )
    }

    fn time(heard: &mut Heard, number: u64) -> Option<Option<f64>> {
        Some(heard.frame(number)?.map(|shown| shown.time.unwrap()))
    }

    #[test]
    fn frames_keep_their_numbers_when_lines_are_lost_and_the_filter_begins_again() {
        let mut heard = Heard::default();
        for (number, seconds) in [(0, 0.0), (1, 1.0), (3, 3.0), (0, 4.0), (1, 5.0)] {
            heard.hear(&line(number, seconds));
        }
        // One that was told of already, and one that makes no sense.
        heard.hear(&line(0, 6.0).replace("n:   0", "n:   1"));
        heard.hear(&line(u64::MAX, 7.0));
        let expected = [Some(0.0), Some(1.0), None, Some(3.0), Some(4.0), Some(5.0)];
        for (number, expected) in (0..).zip(expected) {
            assert_eq!(time(&mut heard, number), Some(expected), "{number}");
        }
        assert_eq!(time(&mut heard, 6), None);
        heard.hear(&line(2, 8.0));
        assert_eq!(time(&mut heard, 6), Some(Some(8.0)));
    }

    #[test]
    fn errors_are_counted_wherever_they_stand() {
        let mut heard = Heard::default();
        heard.hear("[h264 @ 0x1] [error] one\n");
        heard.hear(&line(0, 0.0).replace('\n', "two\n"));
        heard.hear("[h264 @ 0x1] [warning] none\n");
        assert_eq!(heard.faults, 2);
        let told = (heard.first_fault.as_deref(), heard.last_fault.as_deref());
        assert_eq!(told, (Some("one"), Some("two")));
    }

    #[test]
    fn of_an_endless_error_the_beginning_is_kept() {
        let mut heard = Heard::default();
        heard.hear(&format!("[error] {}\n", "é".repeat(MAX_FAULT)));
        heard.hear(&format!("[error] {}\n", "é".repeat(MAX_FAULT + 1)));
        let kept = "é".repeat(MAX_FAULT);
        assert_eq!(heard.last_fault, Some(format!("{kept}…")));
        assert_eq!(heard.first_fault, Some(kept));
    }

    #[test]
    fn the_exact_rate_is_taken_where_it_is_the_streams_own() {
        let rate = |rounded, exact| {
            Heard {
                rounded_rate: rounded,
                exact_rate: exact,
                ..Heard::default()
            }
            .rate()
        };
        let ntsc = 30000.0 / 1001.0;
        assert_eq!(rate(Some(29.97), Some(ntsc)), Some(ntsc));
        assert_eq!(rate(Some(14.5), Some(30.0)), Some(14.5));
        assert_eq!(rate(None, Some(30.0)), Some(30.0));
        assert_eq!(rate(Some(14.5), None), Some(14.5));
    }

    #[test]
    fn what_a_script_has_started_is_gone_with_it() {
        let program = Path::new("/bin/sh");
        let script = "sleep 1000 & echo $! >&2; echo out; wait";
        let args = ["-c", script].map(str::to_owned).to_vec();
        let (ffmpeg, mut out) = Ffmpeg::start(program, args).unwrap();
        let go_on = AtomicBool::new(false);
        assert_eq!(out.wait(&go_on).unwrap(), Came::All);
        let shell = ffmpeg.process.pid();
        let started =
            std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        let started = started.trim();
        let is_running = |pid: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z")
        };
        assert!(is_running(started));
        drop(ffmpeg);
        assert!(!is_running(&shell.to_string()));
        // It was killed too, and is gone as soon as the kernel has taken it from us.
        while is_running(started) {
            std::thread::yield_now();
        }
        let mut rest = Vec::new();
        assert_eq!(out.line(&mut rest, 1000, &go_on).unwrap(), Came::All);
        assert_eq!(out.wait(&go_on).unwrap(), Came::Ended(0));
    }

    #[test]
    fn how_it_ended_is_heard_after_all_that_it_said() {
        let args = ["-c", "echo '[error] bad' >&2; exit 3"];
        let args = args.map(str::to_owned).to_vec();
        let (ffmpeg, _) = Ffmpeg::start(Path::new("/bin/sh"), args).unwrap();
        ffmpeg.wait(|| false, |_| None::<()>);
        let heard = ffmpeg.heard();
        assert!(matches!(heard.end, Some(Ok(Exit::Code(3)))), "{heard:?}");
        assert_eq!(heard.last_fault.as_deref(), Some("bad"));
    }
}
