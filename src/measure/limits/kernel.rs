//! What the kernel takes for the work that hauling pixels makes for it: copies out of the page cache
//! and through sockets, and fresh memory.

use super::super::Usage;
use super::super::machine::last_cache_bytes;
use super::super::memory::available_memory;
use crate::clock::{self, Nanos};
use crate::sys::memory::page_size;
use crate::sys::segment::scratch_file;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::thread;

/// What the kernel takes for its part in hauling pixels: what is usual, not what is best, with as
/// many threads at once as there are to be workers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KernelCosts {
    /// Bytes a second, in 1e9, that all threads together read out of the page cache into memory that
    /// is there.
    pub read_gb_per_s: f64,
    /// The same put into Unix sockets.
    pub send_gb_per_s: f64,
    /// The same taken out of them, into memory that is there.
    pub receive_gb_per_s: f64,
    /// Processor time for a fault that provides fresh memory, zeroed, and for giving that back.
    pub fault_us: f64,
    /// Processor time for going to sleep, being waked, and waking somebody else in between; none in reports
    /// of older versions, and where nobody slept.
    #[serde(default)]
    pub switch_us: Option<f64>,
}

/// Rounds, the middle one of which counts, and the time after which no further one is begun.
const ROUNDS: usize = 3;
const BUDGET: Nanos = 30_000_000;

/// Bytes that are passed at once: about what fits into a socket.
const PIECE: usize = 192 << 10;

/// Fresh memory that a round takes.
const FRESH: usize = 6 << 20;

/// Measures with so many threads at once, some 50 ms; what a switch takes was measured before. None where
/// there is not the memory that it takes, or the system does not grant it.
///
/// # Errors
/// If so many threads cannot be started.
pub(super) fn measure(threads: usize, switch_us: Option<f64>) -> io::Result<Option<KernelCosts>> {
    let cache = last_cache_bytes().unwrap_or(32 << 20);
    let Some(bytes) = buffer_bytes(cache, threads, available_memory()) else {
        return Ok(None);
    };
    let started = clock::now();
    let run = move || {
        let mut bench = Bench::new(bytes)?;
        let mut rounds = Vec::new();
        while rounds.len() < ROUNDS && (rounds.is_empty() || clock::now() - started < BUDGET) {
            rounds.push(bench.round()?);
        }
        io::Result::Ok(rounds)
    };
    // They begin as they come: those who wait for each other could wait for one that never starts.
    let all = thread::scope(|scope| {
        let threads = (0..threads).map(|_| thread::Builder::new().spawn_scoped(scope, run));
        let threads: Vec<_> = threads.collect::<io::Result<_>>()?;
        let all = threads.into_iter().map(|thread| thread.join().ok()?.ok());
        io::Result::Ok(all.collect::<Option<Vec<_>>>())
    })?;
    let lanes = threads.min(thread::available_parallelism().map_or(1, usize::from));
    Ok(all.map(|all| KernelCosts {
        switch_us,
        ..costs(&all.concat(), bytes, threads, lanes)
    }))
}

/// What each thread has of each of its three (a file, and two buffers): together more than the last cache
/// holds, from 16 to 64 MiB; less where all of it would be more than 3/4 GiB or than half of the memory that
/// is available. None where that leaves too little to tell anything.
fn buffer_bytes(cache: u64, threads: usize, available: u64) -> Option<usize> {
    let most = (available / 2).min(768 << 20) / (3 * threads as u64);
    let share = (cache / threads as u64).clamp(16 << 20, 64 << 20).min(most);
    (share >= 8 * PIECE as u64).then(|| share as usize / PIECE * PIECE)
}

/// What one thread has taken for each kind of work.
#[derive(Clone, Copy, Debug)]
struct Round {
    read_ns: Nanos,
    send_ns: Nanos,
    receive_ns: Nanos,
    /// For one fault.
    fault_ns: f64,
}

/// The rounds of so many threads as costs. Threads that take turns on fewer `lanes` have waited for
/// each other: that is in their times, and in the rates of all together it is not.
fn costs(rounds: &[Round], bytes: usize, threads: usize, lanes: usize) -> KernelCosts {
    let middle = |time: &dyn Fn(&Round) -> f64| {
        let mut times: Vec<f64> = rounds.iter().map(time).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2].max(f64::MIN_POSITIVE)
    };
    // Bytes a nanosecond are 1e9 bytes a second.
    let rate = |time: &dyn Fn(&Round) -> f64| (bytes * threads) as f64 / middle(time);
    let turns = threads as f64 / lanes as f64;
    KernelCosts {
        read_gb_per_s: rate(&|round| round.read_ns as f64),
        send_gb_per_s: rate(&|round| round.send_ns as f64),
        receive_gb_per_s: rate(&|round| round.receive_ns as f64),
        fault_us: middle(&|round| round.fault_ns) / turns / 1e3,
        switch_us: None,
    }
}

/// What one thread works with.
struct Bench {
    file: File,
    ends: [UnixStream; 2],
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Bench {
    fn new(bytes: usize) -> io::Result<Self> {
        let buffer = || {
            let mut buffer = Vec::new();
            buffer.try_reserve_exact(bytes)?;
            buffer.resize(bytes, 1u8);
            io::Result::Ok(buffer)
        };
        let (one, other) = UnixStream::pair()?;
        one.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        let from = buffer()?;
        let mut file = scratch_file(bytes as u64)?;
        file.write_all(&from)?;
        Ok(Self {
            file,
            ends: [one, other],
            from,
            to: buffer()?,
        })
    }

    fn round(&mut self) -> io::Result<Round> {
        let begin = clock::now();
        for (place, piece) in self.to.chunks_mut(PIECE).enumerate() {
            self.file.read_exact_at(piece, (place * PIECE) as u64)?;
        }
        let read_ns = clock::now() - begin;
        let (send_ns, receive_ns) = self.pass()?;
        Ok(Round {
            read_ns,
            send_ns,
            receive_ns,
            fault_ns: fault_ns()?,
        })
    }

    /// All of it through the socket, in pieces that it has room for; nobody has to be woken.
    fn pass(&mut self) -> io::Result<(Nanos, Nanos)> {
        let [one, other] = &mut self.ends;
        let (mut sent, mut received) = (0, 0);
        let (mut send_ns, mut receive_ns) = (0, 0);
        while received < self.to.len() {
            let begin = clock::now();
            let until = (sent + PIECE).min(self.from.len());
            sent += until_full(|| one.write(&self.from[sent..until]))?;
            let middle = clock::now();
            while received < sent {
                received += other.read(&mut self.to[received..sent])?;
            }
            send_ns += middle - begin;
            receive_ns += clock::now() - middle;
        }
        Ok((send_ns, receive_ns))
    }
}

/// What was written, of as much as there is room for; the socket is empty, so that some is.
fn until_full(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    match write()? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => Ok(written),
    }
}

/// The time of one fault of many, and of giving back what it provided.
fn fault_ns() -> io::Result<f64> {
    let before = Usage::of_this_thread();
    let begin = clock::now();
    let mut fresh = memmap2::MmapMut::map_anon(FRESH)?;
    for page in fresh.chunks_mut(page_size()) {
        page[0] = black_box(1);
    }
    drop(fresh);
    let time = clock::now() - begin;
    // Huge pages are fewer faults of more work each: here as in what is measured.
    let faults = Usage::of_this_thread().minor_faults - before.minor_faults;
    Ok(time as f64 / faults.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_measured_is_positive_however_many_take_turns() {
        for threads in [1, 5] {
            let costs = measure(threads, None).unwrap().expect("memory for it");
            let rates = [
                costs.read_gb_per_s,
                costs.send_gb_per_s,
                costs.receive_gb_per_s,
                costs.fault_us,
            ];
            for figure in rates {
                assert!(figure.is_finite() && figure > 0.0, "{costs:?}");
            }
        }
    }

    #[test]
    fn all_bytes_go_through_the_socket_and_come_out_of_the_file() {
        let mut bench = Bench::new(3 * PIECE).unwrap();
        for (i, byte) in bench.from.iter_mut().enumerate() {
            *byte = (i % 251) as u8;
        }
        bench.pass().unwrap();
        assert!(bench.to == bench.from);
        bench.round().unwrap();
        assert!(bench.to == bench.from, "again");
        bench.to.fill(7);
        bench.file.read_exact_at(&mut bench.to, 0).unwrap();
        assert!(bench.to.iter().all(|&byte| byte == 1), "as it was written");
    }

    /// 4 threads on 2 processors: each takes twice as long as alone, and what one fault costs the
    /// processor is what it costs alone.
    #[test]
    fn taking_turns_makes_no_fault_dearer_and_the_middle_round_counts() {
        let round = |times: u64| Round {
            read_ns: 1000 * times,
            send_ns: 2000 * times,
            receive_ns: 4000 * times,
            fault_ns: 500.0 * times as f64,
        };
        let rounds = [round(2), round(2), round(9)];
        let found = costs(&rounds, 1000, 4, 2);
        assert_eq!(found.read_gb_per_s, 2.0);
        assert_eq!(found.send_gb_per_s, 1.0);
        assert_eq!(found.receive_gb_per_s, 0.5);
        assert_eq!(found.fault_us, 0.5);
    }

    #[test]
    fn buffers_are_above_the_cache_where_there_is_memory_for_that() {
        const MIB: u64 = 1 << 20;
        for (cache, threads, available, mib) in [
            (36, 2, 16_384, Some(18)),
            (1024, 2, 16_384, Some(64)),
            (8, 2, 16_384, Some(16)),
            (36, 2, 60, Some(5)),
            (36, 64, 65_536, Some(4)),
            (36, 2, 12, None),
            (36, 512, 65_536, None),
        ] {
            let found = buffer_bytes(cache * MIB, threads, available * MIB);
            let expected = mib.map(|mib: u64| (mib * MIB) as usize / PIECE * PIECE);
            assert_eq!(found, expected, "{cache}, {threads}, {available}");
        }
    }
}
