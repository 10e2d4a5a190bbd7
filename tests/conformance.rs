//! The contract of `framehaul::transport`, asked of every transport in the registry.

mod common;

use common::{Sandbox, write_npy};
use framehaul::handoff::{Lease, Slots};
use framehaul::source::{Arrival, FrameSet, Reader, Source};
use framehaul::transport::{Family, Inbound, Known, Outbound, Ticket, Transport, registry};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The same as a worker would get it: through the serialiser and back.
fn cross<T: Serialize + DeserializeOwned>(what: &T) -> T {
    postcard::from_bytes(&postcard::to_allocvec(what).unwrap()).unwrap()
}

/// The parent's end of a transport, and what its workers are to know.
struct Parent<'a> {
    transport: &'a dyn Transport,
    known: Known,
    makes: Makes,
}

/// How it comes to tickets.
enum Makes {
    Tickets(Box<dyn Outbound>),
    /// It writes frames into slots, as their producer.
    Leases(Source, Slots, Vec<Lease>),
}

impl<'a> Parent<'a> {
    fn new(transport: &'a dyn Transport, set: &Arc<FrameSet>) -> Self {
        let outbound = transport.outbound(set.clone());
        assert_eq!(outbound.is_none(), transport.uses_slots());
        let (known, makes) = match outbound {
            Some(outbound) => (Known::of(set), Makes::Tickets(outbound)),
            None => {
                let slots = Slots::create(5, set.format().bytes()).unwrap();
                let known = Known::in_slots(set.format(), slots.whereabouts().unwrap());
                (
                    known,
                    Makes::Leases(Source::Set(set.clone()), slots, Vec::new()),
                )
            }
        };
        Self {
            transport,
            known,
            makes,
        }
    }

    fn ticket(&mut self, index: usize, bulk: &mut Vec<u8>) -> Ticket {
        let (source, slots, leases) = match &mut self.makes {
            Makes::Tickets(outbound) => return cross(&outbound.ticket(index, bulk)),
            Makes::Leases(source, slots, leases) => (source, slots, leases),
        };
        let go_on = AtomicBool::new(false);
        let mut stream = source.stream(index as u64).unwrap();
        assert_eq!(stream.await_next(&go_on).unwrap(), Arrival::Begun);
        let mut draft = slots.take().unwrap();
        match stream.fill(&mut draft, &go_on) {
            Ok(()) => leases.push(draft.finish()),
            Err(why) => return cross(&Ticket::Unreadable(why)),
        }
        cross(&Ticket::Slot(leases.last().unwrap().ticket()))
    }

    fn rest(&mut self) {
        match &mut self.makes {
            Makes::Tickets(outbound) => outbound.rest(),
            Makes::Leases(.., leases) => leases.clear(),
        }
    }

    fn inbound(&self) -> Box<dyn Inbound> {
        self.transport.inbound(&cross(&self.known)).unwrap()
    }
}

fn frame(set: &FrameSet, index: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; set.format().bytes()];
    Reader::default().frame(set, index, &mut bytes)?;
    Ok(bytes)
}

fn open(path: &Path) -> Arc<FrameSet> {
    Arc::new(FrameSet::open(&path.to_string_lossy()).unwrap())
}

/// Each transport that fits with each set.
fn pairs(sets: &[Arc<FrameSet>], mut check: impl FnMut(&dyn Transport, Arc<FrameSet>)) {
    for set in sets {
        let fitting = registry().iter().filter(|transport| transport.fits(set));
        for transport in fitting {
            println!("{} with {}", transport.name(), set.input());
            check(*transport, set.clone());
        }
    }
}

fn samples(sandbox: &Sandbox) -> Vec<Arc<FrameSet>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, options) in [
        ("rgb16", "--pixels rgb16"),
        ("gray8", "--pixels gray8 --layout files"),
        ("png", "--pixels gray16 --layout files --format png"),
    ] {
        sandbox
            .run(&format!(
                "generate {name} --size 50x31 --frames 4 {options}"
            ))
            .succeeds();
    }
    let generated = ["rgb16", "gray8", "png"].map(|name| sandbox.path(name));
    let committed = ["data/clip.y4m", "data/images"].map(|name| repository.join(name));
    generated
        .iter()
        .chain(&committed)
        .map(|path| open(path))
        .collect()
}

#[test]
fn the_view_is_the_frame_and_a_ticket_can_be_opened_again_by_another() {
    let sandbox = Sandbox::new();
    pairs(&samples(&sandbox), |transport, set| {
        let mut outbound = Parent::new(transport, &set);
        let (mut one, mut other) = (outbound.inbound(), outbound.inbound());
        // Out of order and twice, with a rest between.
        for index in [2, 0, 3, 3] {
            let mut bulk = vec![9; 5];
            let ticket = outbound.ticket(index, &mut bulk);
            let expected = frame(&set, index).unwrap();
            assert_eq!(one.open(&ticket, &bulk).unwrap().bytes(), expected);
            assert_eq!(other.open(&ticket, &bulk).unwrap().bytes(), expected);
            assert_eq!(one.open(&ticket, &bulk).unwrap().format(), set.format());
            one.confirm(&ticket).unwrap();
            outbound.rest();
        }
    });
}

#[test]
fn several_frames_of_one_job_share_its_bulk() {
    let sandbox = Sandbox::new();
    pairs(&samples(&sandbox), |transport, set| {
        let mut outbound = Parent::new(transport, &set);
        let mut inbound = outbound.inbound();
        let mut bulk = Vec::new();
        let tickets: Vec<_> = (0..4)
            .map(|index| outbound.ticket(index, &mut bulk))
            .collect();
        for (index, ticket) in tickets.iter().enumerate() {
            let view = inbound.open(ticket, &bulk).unwrap().bytes().to_vec();
            assert_eq!(view, frame(&set, index).unwrap());
        }
    });
}

#[test]
fn what_is_shipped_is_the_pixels_or_less_than_a_path_is_long() {
    let sandbox = Sandbox::new();
    pairs(&samples(&sandbox), |transport, set| {
        let mut bulk = Vec::new();
        let ticket = Parent::new(transport, &set).ticket(1, &mut bulk);
        let shipped = ticket.shipped_bytes(set.format());
        let encoded = postcard::to_allocvec(&ticket).unwrap().len() as u64;
        if transport.family() == Family::ShipPixels {
            assert_eq!(shipped, set.format().bytes() as u64);
            assert!(encoded + bulk.len() as u64 >= shipped);
        } else {
            assert_eq!(shipped, encoded, "{ticket:?}");
            assert!(bulk.is_empty());
        }
    });
}

#[test]
fn a_frame_that_cannot_be_had_is_a_sentence_with_its_file_and_harms_no_other() {
    let sandbox = Sandbox::new();
    let cut = sandbox.path("cut.npy");
    write_npy(&cut, "<u2", "(3, 4, 5, 3)", &[7; 2 * 4 * 5 * 3 * 2 - 1]);
    sandbox
        .run("generate pictures --size 9x9 --frames 3 --pixels rgb8 --layout files --format png")
        .succeeds();
    sandbox.write("pictures/frames/000001.png", b"no picture");
    pairs(
        &[open(&cut), open(&sandbox.path("pictures/frames"))],
        |transport, set| {
            let mut outbound = Parent::new(transport, &set);
            let mut inbound = outbound.inbound();
            for index in [0, 1, 0] {
                let mut bulk = Vec::new();
                let ticket = outbound.ticket(index, &mut bulk);
                match (inbound.open(&ticket, &bulk), frame(&set, index)) {
                    (Ok(view), Ok(expected)) => assert_eq!(view.bytes(), expected),
                    (Err(why), Err(expected)) => {
                        assert_eq!(why, expected, "all transports say the same");
                        assert!(
                            why.contains("cut.npy") || why.contains("000001.png"),
                            "{why}"
                        );
                    }
                    (got, expected) => panic!("{got:?} instead of {expected:?}"),
                }
            }
        },
    );
}

#[test]
fn a_file_that_shrinks_after_it_was_mapped_is_noticed_before_it_is_read() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("shrinks.npy");
    let frame = 64 * 64 * 3;
    pairs(
        &{
            write_npy(&path, "|u1", "(3, 64, 64, 3)", &vec![7; 3 * frame]);
            [open(&path)]
        },
        |transport, set| {
            write_npy(&path, "|u1", "(3, 64, 64, 3)", &vec![7; 3 * frame]);
            let mut outbound = Parent::new(transport, &set);
            let mut inbound = outbound.inbound();
            let mut bulk = Vec::new();
            let first = outbound.ticket(0, &mut bulk);
            assert!(inbound.open(&first, &bulk).is_ok());
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(128 + 2 * frame as u64 - 1).unwrap();
            bulk.clear();
            let cut_off = outbound.ticket(1, &mut bulk);
            let why = inbound.open(&cut_off, &bulk).unwrap_err();
            assert!(
                why.contains("beyond the end of") && why.contains("truncated"),
                "{why}"
            );
        },
    );
}

#[test]
fn a_slot_that_is_written_anew_too_early_is_noticed_before_and_after_it_is_read() {
    let sandbox = Sandbox::new();
    pairs(&samples(&sandbox), |transport, set| {
        let mut outbound = Parent::new(transport, &set);
        let mut inbound = outbound.inbound();
        let Makes::Leases(_, slots, _) = &outbound.makes else {
            return;
        };
        let slots = slots.clone();
        let ticket = outbound.ticket(0, &mut Vec::new());
        assert!(inbound.open(&ticket, &[]).is_ok());
        // The lease ends while it is read, and somebody writes.
        outbound.rest();
        drop(slots.take().unwrap());
        for why in [
            inbound.confirm(&ticket).unwrap_err(),
            inbound.open(&ticket, &[]).err().unwrap(),
        ] {
            assert!(why.contains("given back too early"), "{why}");
        }
    });
}
