//! The queue under a model checker, against a plain model, and between threads.

use super::atom::{Atom, atoms};
use super::queue::{Closed, Place, Reader, Wait, Writer, close};
use super::{Patience, Queue};
use loom::sync::atomic as model;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// Numbers that look random; the same again for the same seed (splitmix64).
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// So many bytes that differ from those of other messages.
fn message(seed: u64, bytes: u64) -> Vec<u8> {
    (0..bytes).map(|at| (seed * 31 + at * 7) as u8).collect()
}

// ---- every order of events ----------------------------------------------------------------------

/// A queue whose every access is a step of loom's: it tries all the orders in which two threads may
/// take them, and all that a load may see of what others have stored. (It does not put off a load
/// until after a store that follows it, as a processor may: the Acquire in `Writer::room`, which is
/// against that, is beyond it.)
struct Checked {
    written: loom::sync::atomic::AtomicU32,
    read: loom::sync::atomic::AtomicU32,
    words: Vec<loom::sync::atomic::AtomicU64>,
    /// What the kernel holds while it compares and sleeps.
    kernel: loom::sync::Mutex<()>,
    woken: loom::sync::Condvar,
}

type Shared = loom::sync::Arc<Checked>;

fn checked(words: u64) -> Shared {
    Shared::new(Checked {
        written: Default::default(),
        read: Default::default(),
        words: (0..words).map(|_| Default::default()).collect(),
        kernel: loom::sync::Mutex::new(()),
        woken: loom::sync::Condvar::new(),
    })
}

impl Place for Shared {
    type Position = loom::sync::atomic::AtomicU32;
    type Word = loom::sync::atomic::AtomicU64;
    fn written(&self) -> &Self::Position {
        &self.written
    }
    fn read(&self) -> &Self::Position {
        &self.read
    }
    fn words(&self) -> &[Self::Word] {
        &self.words
    }
    fn park(&self, position: &Self::Position, value: u32) {
        let mut kernel = self.kernel.lock().unwrap();
        while position.load(Ordering::Relaxed) == value {
            kernel = self.woken.wait(kernel).unwrap();
        }
    }
    fn wake(&self, _: &Self::Position) {
        let _kernel = self.kernel.lock().unwrap();
        self.woken.notify_all();
    }
}

atoms!(model: AtomicU32 u32, AtomicU64 u64);

/// Looks so many times before it sleeps.
struct Look(u32);

impl Wait for Look {
    fn look_again(&mut self) -> bool {
        let again = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        if again {
            loom::thread::yield_now();
        }
        again
    }
}

/// With any one of the queue's orderings relaxed these fail, but for the Acquire in `Writer::room`:
/// without it a word could be read after it was written anew, and the checker lets no load see what
/// is stored later.
fn in_every_order(check: impl Fn() + Send + Sync + 'static) {
    let mut loom = loom::model::Builder::new();
    // More than three changes of thread against their will find nothing more here, but take hours.
    loom.preemption_bound = Some(3);
    loom.check(check);
}

#[test]
fn in_every_order_messages_arrive_whole_and_in_order() {
    for looks in [0, 1] {
        in_every_order(move || {
            let place = checked(2);
            let mut writer = Writer::new(place.clone());
            let sender = loom::thread::spawn(move || {
                writer.send(b"a", &mut Look(looks)).unwrap();
                // Longer than the ring.
                writer.send(b"and a half", &mut Look(looks)).unwrap();
            });
            let (mut reader, mut got) = (Reader::new(place), Vec::new());
            for message in [&b"a"[..], b"and a half"] {
                reader.receive(&mut got, &mut Look(looks)).unwrap();
                assert_eq!(got, message);
            }
            sender.join().unwrap();
        });
    }
}

#[test]
fn in_every_order_a_sender_that_goes_leaves_what_it_sent_and_nobody_waiting() {
    in_every_order(|| {
        let place = checked(2);
        let mut writer = Writer::new(place.clone());
        let sender = loom::thread::spawn(move || {
            writer.send(b"last", &mut Look(0)).unwrap();
            close(&writer.place, writer.place.written());
        });
        let (mut reader, mut got) = (Reader::new(place), Vec::new());
        reader.receive(&mut got, &mut Look(0)).unwrap();
        assert_eq!(got, b"last");
        assert_eq!(reader.receive(&mut got, &mut Look(0)), Err(Closed));
        sender.join().unwrap();
    });
}

#[test]
fn in_every_order_a_receiver_that_goes_leaves_nobody_waiting() {
    in_every_order(|| {
        let place = checked(2);
        let mut reader = Reader::new(place.clone());
        let receiver = loom::thread::spawn(move || {
            let mut got = Vec::new();
            reader.receive(&mut got, &mut Look(0)).unwrap();
            assert_eq!(got, b"one");
            close(&reader.place, reader.place.read());
        });
        let mut writer = Writer::new(place);
        writer.send(b"one", &mut Look(0)).unwrap();
        // There may be room for it, if the first was read before the receiver went.
        let _ = writer.send(b"two", &mut Look(0));
        assert_eq!(writer.send(b"three", &mut Look(0)), Err(Closed));
        receiver.join().unwrap();
    });
}

// ---- histories ----------------------------------------------------------------------------------

/// Never waits.
struct Never;

impl Wait for Never {
    fn look_again(&mut self) -> bool {
        panic!("there is nothing to wait for");
    }
}

#[test]
fn in_a_million_histories_the_queue_is_a_queue() {
    const HISTORIES: u64 = 1_000_000;
    let queues: Vec<_> = (0..4).map(|n| Queue::create(64 << n).unwrap()).collect();
    let (mut full, mut empty, mut sent) = (0u64, 0u64, 0u64);
    // Each goes on where the one before it has left off, so that all positions are seen.
    let mut ends: Vec<_> = queues
        .iter()
        .map(|queue| (Writer::new(queue.0.clone()), Reader::new(queue.0.clone())))
        .collect();
    for seed in 0..HISTORIES {
        let dice = &mut Dice(seed);
        let which = dice.below(4);
        let (writer, reader) = &mut ends[which as usize];
        let capacity = 64u64 << which;
        let mut model = VecDeque::<Vec<u8>>::new();
        let taken = |model: &VecDeque<Vec<u8>>| -> u64 {
            model
                .iter()
                .map(|m| 8 + (m.len() as u64).next_multiple_of(8))
                .sum()
        };
        let mut got = Vec::new();
        for step in 0..dice.below(30) {
            if dice.below(2) == 0 {
                let bytes = dice.below(capacity / 2);
                let message = message(seed + step, bytes);
                let fits = taken(&model) + 8 + bytes.next_multiple_of(8) <= capacity;
                assert_eq!(writer.try_send(&message), Ok(fits), "seed {seed}");
                if fits {
                    model.push_back(message);
                    sent += 1;
                } else {
                    full += 1;
                }
            } else {
                let came = reader.try_receive(&mut got, &mut Never);
                let expected = model.pop_front();
                assert_eq!(came, Ok(expected.is_some()), "seed {seed}");
                match expected {
                    Some(message) => assert_eq!(got, message, "seed {seed}"),
                    None => empty += 1,
                }
            }
        }
        while let Some(message) = model.pop_front() {
            assert_eq!(
                reader.try_receive(&mut got, &mut Never),
                Ok(true),
                "seed {seed}"
            );
            assert_eq!(got, message, "seed {seed}");
        }
    }
    println!("{sent} sent, {full} times full, {empty} times empty");
    assert!(full > HISTORIES / 10 && empty > HISTORIES / 10);
}

// ---- threads ------------------------------------------------------------------------------------

#[test]
fn between_threads_messages_of_any_size_arrive_however_one_waits() {
    for (seed, patience) in [Patience::Spin, Patience::Park, Patience::Adaptive]
        .into_iter()
        .enumerate()
    {
        let queue = Queue::create(256).unwrap();
        let (mut sender, mut receiver) = (queue.sender().unwrap(), queue.receiver().unwrap());
        sender.set_patience(patience);
        receiver.set_patience(patience);
        let mut sizes = Dice(seed as u64);
        let sizes: Vec<_> = (0..2_000)
            .map(|_| {
                sizes.below(if sizes.0.is_multiple_of(5) {
                    5_000
                } else {
                    100
                })
            })
            .collect();
        let expected = sizes.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for (number, &bytes) in sizes.iter().enumerate() {
                    sender.send(&message(number as u64, bytes)).unwrap();
                }
            });
            let mut got = Vec::new();
            for (number, &bytes) in expected.iter().enumerate() {
                receiver.receive(&mut got).unwrap();
                assert_eq!(got, message(number as u64, bytes), "{patience:?}");
            }
        });
    }
}

#[test]
fn each_end_is_taken_once() {
    let queue = Queue::create(0).unwrap();
    let same: Queue = serde_json::from_str(&serde_json::to_string(&queue).unwrap()).unwrap();
    assert!(queue.sender().is_some() && same.sender().is_none());
    assert!(same.receiver().is_some() && queue.receiver().is_none());
}

#[test]
fn positions_go_round_the_corner() {
    // Four billion steps of four: a message of 504 bytes takes 64 words.
    let queue = Queue::create(512).unwrap();
    let (mut sender, mut receiver) = (queue.sender().unwrap(), queue.receiver().unwrap());
    let mut got = Vec::new();
    let around = (1u64 << 30) / 64 + 10;
    let sent = message(5, 504);
    for _ in 0..around {
        assert!(sender.try_send(&sent).unwrap());
        assert!(receiver.try_receive(&mut got).unwrap());
        assert_eq!(got, sent);
    }
}
