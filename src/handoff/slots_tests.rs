//! Slots under a model checker and against a plain model.

use super::generation;
use super::slots::{Draft, Lease, SlotReader, SlotTicket, Slots};
use super::tests::Dice;
use loom::sync::atomic::AtomicU64;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

// ---- every order of events ----------------------------------------------------------------------

/// A writer that respects no lease, and a reader: whatever is confirmed was whole, and of that
/// generation.
///
/// The writer begins here and the reader is the other thread: the model checker turns back from a
/// load to the last store before it, but from a store only to the last access before it, which is
/// the writer's own. The other way round it tries one order and is done.
#[test]
fn in_every_order_what_is_confirmed_was_one_writing_and_the_right_one() {
    let confirmed = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = confirmed.clone();
    loom::model(move || {
        let slot = loom::sync::Arc::new([0, 1, 2].map(|_| AtomicU64::new(0)));
        let reader = {
            let (slot, counted) = (slot.clone(), counted.clone());
            loom::thread::spawn(move || {
                let [word, bytes @ ..] = &*slot;
                for writing in [1, 2] {
                    if generation::is_there(word, 2 * writing) {
                        let read = [bytes[0].load(Relaxed), bytes[1].load(Relaxed)];
                        if generation::was_there(word, 2 * writing) {
                            assert_eq!(read, [writing; 2]);
                            counted.fetch_add(1, Relaxed);
                        }
                    }
                }
            })
        };
        let [word, bytes @ ..] = &*slot;
        for writing in 1..=2 {
            let odd = generation::begin(word);
            bytes.iter().for_each(|byte| byte.store(writing, Relaxed));
            assert_eq!(generation::end(word, odd), 2 * writing);
        }
        reader.join().unwrap();
    });
    let confirmed = confirmed.load(Relaxed);
    assert!(
        confirmed > 1000,
        "{confirmed} orders in which anything was read"
    );
}

// ---- against a plain model ----------------------------------------------------------------------

/// What is held of some slots, and what it must be.
struct Model {
    slots: Slots,
    reader: SlotReader,
    drafts: Vec<Draft>,
    leases: Vec<(Lease, u64)>,
    /// Tickets whose leases may be gone, and what was written.
    tickets: Vec<(SlotTicket, u64)>,
    written: u64,
}

const SLOTS: usize = 3;

impl Model {
    fn new() -> Self {
        let slots = Slots::create(SLOTS, 16).unwrap();
        Self {
            reader: SlotReader::open_slots(&slots.whereabouts().unwrap()).unwrap(),
            slots,
            drafts: Vec::new(),
            leases: Vec::new(),
            tickets: Vec::new(),
            written: 0,
        }
    }

    /// Slots that somebody has: drafts, and leases without their clones.
    fn held(&self) -> usize {
        let leased: std::collections::HashSet<_> = self.leased().into_keys().collect();
        self.drafts.len() + leased.len()
    }

    /// What each leased slot holds.
    fn leased(&self) -> HashMap<u32, (u64, u64)> {
        let leases = self.leases.iter();
        let leases = leases.map(|(lease, written)| (lease.ticket(), *written));
        leases
            .map(|(ticket, written)| (ticket.slot, (ticket.generation, written)))
            .collect()
    }

    fn step(&mut self, dice: &mut Dice) {
        let pick = |dice: &mut Dice, len: usize| dice.below(len as u64) as usize;
        match dice.below(7) {
            0 | 1 => match self.slots.take() {
                Some(draft) => self.drafts.push(draft),
                None => assert_eq!(self.held(), SLOTS, "one was free"),
            },
            2 if !self.drafts.is_empty() => {
                let mut draft = self.drafts.swap_remove(pick(dice, self.drafts.len()));
                self.written += 1;
                draft.fill(self.written as u8);
                let lease = draft.finish();
                self.tickets.push((lease.ticket(), self.written));
                self.leases.push((lease, self.written));
            }
            3 if !self.drafts.is_empty() => {
                self.drafts.swap_remove(pick(dice, self.drafts.len()));
            }
            4 if !self.leases.is_empty() => {
                let copy = self.leases[pick(dice, self.leases.len())].clone();
                self.leases.push(copy);
            }
            5 if !self.leases.is_empty() => {
                self.leases.swap_remove(pick(dice, self.leases.len()));
            }
            6 if !self.tickets.is_empty() => {
                let (ticket, written) = self.tickets[pick(dice, self.tickets.len())];
                let read = self.reader.open(ticket).map(<[u8]>::to_vec);
                let confirmed = self.reader.confirm(ticket);
                if let Ok(bytes) = &read {
                    assert_eq!(bytes[..], [written as u8; 16], "another's frame");
                }
                // As long as it is leased it is there; afterwards until it is written anew.
                if self
                    .leased()
                    .values()
                    .any(|&of| of == (ticket.generation, written))
                {
                    assert!(read.is_ok() && confirmed.is_ok());
                }
                assert_eq!(read.is_ok(), confirmed.is_ok());
            }
            _ => {}
        }
        assert_eq!(self.slots.free(), SLOTS - self.held());
    }
}

#[test]
fn in_a_million_histories_no_slot_is_lost_or_written_under_its_readers() {
    let seed = 11;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut model = Model::new();
    for _ in 0..1_000_000 {
        for _ in 0..dice.below(12) {
            model.step(&mut dice);
        }
        // Some stay for the next.
        if dice.below(4) == 0 {
            model.drafts.clear();
            model.leases.clear();
            assert_eq!(model.slots.free(), SLOTS);
        }
        let old = model.tickets.len().saturating_sub(8);
        model.tickets.drain(..old);
    }
}

#[test]
fn who_waits_for_a_slot_gets_it_when_the_last_lease_is_dropped() {
    let slots = Slots::create(1, 1).unwrap();
    let lease = slots.take().unwrap().finish();
    let copy = lease.clone();
    drop(lease);
    assert!(slots.take_timeout(Duration::ZERO).is_none());
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| slots.take_timeout(Duration::from_secs(600)).is_some());
        drop(copy);
        assert!(waits.join().unwrap());
    });
}
