//! Events of the Trace Event Format, appended to a file one a line.

use super::outlet::Outlet;
use crate::clock::{Nanos, now};
use std::io::{self, Write};

/// A track of slices that nest: a thread of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track {
    pub pid: u32,
    pub tid: u32,
}

/// Asynchronous slices that nest, of one process and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lane<'a> {
    pub pid: u32,
    pub group: &'a str,
    pub number: u64,
}

/// Where of a flow an arrow comes or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Start,
    Step,
    End,
}

/// Numbers that say more of an event, by their names.
pub(super) type Args<'a> = &'a [(&'static str, u64)];

/// A JSON array of events; viewers open it before it is finished too.
#[derive(Debug)]
pub(super) struct Events<W: Write = Outlet> {
    to: W,
    buffer: Vec<u8>,
    /// What times are counted from.
    origin: Nanos,
    /// Whether it has an event.
    is_begun: bool,
    is_finished: bool,
    /// Nothing is written after this.
    failed: Option<io::Error>,
}

/// So much is gathered before it is written.
const CHUNK: usize = 64 << 10;

impl<W: Write> Events<W> {
    /// Begins the array at once: a program that is killed before it has written an event leaves a trace too.
    pub(super) fn new(mut to: W) -> Self {
        let begun = to.write_all(b"[");
        Self {
            to,
            buffer: Vec::with_capacity(CHUNK + 4096),
            origin: now(),
            is_begun: false,
            is_finished: false,
            failed: begun.err(),
        }
    }

    /// Somebody did something from one time to another.
    pub(super) fn slice(&mut self, track: Track, name: &str, span: (Nanos, Nanos), args: Args<'_>) {
        self.open("X", track.pid, Some(track.tid), Some(span.0));
        self.text(r#","dur":"#);
        self.micros(span.1.saturating_sub(span.0));
        self.close(name, args);
    }

    /// Something goes on that is on no thread, until [`Self::end`] of that name on the lane.
    pub(super) fn begin(&mut self, lane: Lane<'_>, name: &str, at: Nanos, args: Args<'_>) {
        self.on_lane("b", lane, at);
        self.close(name, args);
    }

    pub(super) fn end(&mut self, lane: Lane<'_>, name: &str, at: Nanos) {
        self.on_lane("e", lane, at);
        self.close(name, &[]);
    }

    /// An arrow leaves the slice that is on the track at that time, or comes to it.
    pub(super) fn flow(&mut self, flow: Flow, track: Track, id: u64, at: Nanos) {
        let phase = match flow {
            Flow::Start => "s",
            Flow::Step => "t",
            Flow::End => "f",
        };
        self.open(phase, track.pid, Some(track.tid), Some(at));
        self.number(r#","cat":"frame","id":"#, id);
        if flow == Flow::End {
            // To the slice that it lies in, rather than the next.
            self.text(r#","bp":"e""#);
        }
        self.close("frame", &[]);
    }

    /// Something happened at one time.
    pub(super) fn instant(&mut self, track: Track, name: &str, at: Nanos, args: Args<'_>) {
        self.open("i", track.pid, Some(track.tid), Some(at));
        self.text(r#","s":"t""#);
        self.close(name, args);
    }

    /// From now on there is so much of something.
    pub(super) fn counter(&mut self, pid: u32, name: &str, at: Nanos, values: Args<'_>) {
        self.open("C", pid, None, Some(at));
        self.close(name, values);
    }

    /// What a process is called, and which in order it is.
    pub(super) fn name_process(&mut self, pid: u32, name: &str, place: u32) {
        self.open("M", pid, None, None);
        self.text(r#","name":"process_name","args":{"name":"#);
        self.quoted(name);
        self.text("}}");
        self.open("M", pid, None, None);
        self.close("process_sort_index", &[("sort_index", place.into())]);
    }

    /// What a track is called.
    pub(super) fn name_track(&mut self, track: Track, name: &str) {
        self.open("M", track.pid, Some(track.tid), None);
        self.text(r#","name":"thread_name","args":{"name":"#);
        self.quoted(name);
        self.text("}}");
    }

    /// No more events come.
    ///
    /// # Errors
    /// If something could not be written, now or before.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if !self.is_finished {
            self.is_finished = true;
            self.text("\n]\n");
            self.flush();
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    /// An event's beginning.
    fn open(&mut self, phase: &str, pid: u32, tid: Option<u32>, at: Option<Nanos>) {
        if self.buffer.len() > CHUNK {
            self.flush();
        }
        self.text(if self.is_begun { ",\n" } else { "\n" });
        self.is_begun = true;
        self.text(r#"{"ph":""#);
        self.text(phase);
        self.number(r#"","pid":"#, pid.into());
        if let Some(tid) = tid {
            self.number(r#","tid":"#, tid.into());
        }
        if let Some(at) = at {
            self.text(r#","ts":"#);
            self.micros(at.saturating_sub(self.origin));
        }
    }

    /// An event's end. Names are our own words, which need no quoting.
    fn close(&mut self, name: &str, args: Args<'_>) {
        self.text(r#","name":""#);
        self.text(name);
        let mut before = r#"","args":{""#;
        for &(name, value) in args {
            self.text(before);
            self.text(name);
            self.number(r#"":"#, value);
            before = r#",""#;
        }
        self.text(if args.is_empty() { r#""}"# } else { "}}" });
    }

    fn on_lane(&mut self, phase: &str, lane: Lane<'_>, at: Nanos) {
        self.open(phase, lane.pid, None, Some(at));
        self.text(r#","cat":""#);
        self.text(lane.group);
        self.number(r#"","id":"#, lane.number);
    }

    fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn quoted(&mut self, text: &str) {
        self.text(&serde_json::Value::from(text).to_string());
    }

    fn number(&mut self, before: &str, number: u64) {
        self.text(before);
        self.text(itoa::Buffer::new().format(number));
    }

    /// Microseconds, in which the format counts, to the nanosecond.
    fn micros(&mut self, ns: Nanos) {
        self.number("", ns / 1000);
        let rest = ns % 1000;
        let digits = [rest / 100, rest / 10 % 10, rest % 10];
        self.buffer.push(b'.');
        self.buffer.extend(digits.map(|digit| b'0' + digit as u8));
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.to.write_all(&self.buffer).err();
        }
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const TRACK: Track = Track { pid: 7, tid: 8 };

    fn written(write: impl FnOnce(&mut Events<&mut Vec<u8>>)) -> Vec<Value> {
        let mut bytes = Vec::new();
        let mut events = Events::new(&mut bytes);
        events.origin = 1_000_000;
        write(&mut events);
        events.finish().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn each_kind_of_event_has_what_the_format_asks_of_it() {
        let lane = Lane {
            pid: 7,
            group: "mmap",
            number: 3,
        };
        let events = written(|events| {
            events.name_process(7, "a \"name\"", 2);
            events.slice(TRACK, "load", (1_001_007, 3_000_000), &[("frame", 5)]);
            events.begin(lane, "queue", 1_000_000, &[("frame", 5), ("pass", 1)]);
            events.end(lane, "queue", 1_000_050);
            events.flow(Flow::End, TRACK, 9, 2_000_000);
            events.instant(TRACK, "dropped", 2_000_000, &[]);
            events.counter(7, "backlog", 2_000_000, &[("frames", 4)]);
        });
        let expected = json!([
            {"ph": "M", "pid": 7, "name": "process_name", "args": {"name": "a \"name\""}},
            {"ph": "M", "pid": 7, "name": "process_sort_index", "args": {"sort_index": 2}},
            {"ph": "X", "pid": 7, "tid": 8, "ts": 1.007, "dur": 1998.993, "name": "load",
             "args": {"frame": 5}},
            {"ph": "b", "pid": 7, "ts": 0.0, "cat": "mmap", "id": 3, "name": "queue",
             "args": {"frame": 5, "pass": 1}},
            {"ph": "e", "pid": 7, "ts": 0.05, "cat": "mmap", "id": 3, "name": "queue"},
            {"ph": "f", "pid": 7, "tid": 8, "ts": 1000.0, "cat": "frame", "id": 9, "bp": "e",
             "name": "frame"},
            {"ph": "i", "pid": 7, "tid": 8, "ts": 1000.0, "s": "t", "name": "dropped"},
            {"ph": "C", "pid": 7, "ts": 1000.0, "name": "backlog", "args": {"frames": 4}},
        ]);
        assert_eq!(Value::from(events), expected);
        assert!(written(|_| {}).is_empty());
    }

    #[test]
    fn what_was_cut_off_before_its_first_event_is_an_array_that_has_begun() {
        let mut bytes = Vec::new();
        drop(Events::new(&mut bytes));
        assert_eq!(bytes, b"[");
    }

    #[test]
    fn what_is_gathered_does_not_grow() {
        let events = written(|events| {
            for n in 0..10_000 {
                events.slice(TRACK, "compute", (1_000_000 + n, 1_000_001 + n), &[]);
                assert!(events.buffer.len() < CHUNK + 4096);
            }
        });
        assert_eq!(events.len(), 10_000);
    }

    #[test]
    fn what_cannot_be_written_is_told_at_the_end() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut events = Events::new(Full);
        for _ in 0..10_000 {
            events.instant(TRACK, "dropped", 0, &[]);
        }
        assert!(events.buffer.len() < CHUNK + 4096);
        let error = events.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
