//! Work on data that have to get to a worker and back, by value or by reference.

use super::Bench;
use super::work::{failed, touch};
use crate::analysis::burn;
use crate::clock::Mark;
use crate::error::{Error, Result};
use crate::handoff::{Draft, Lease, SlotReader, SlotTicket, Slots};
use crate::pool::{Context, Handle, Job, Pack, Packed, Pool, Shared, Trip};
use crate::sys::arena::Whereabouts;
use crate::sys::map::FileMap;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How data cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    /// As an array of 16-bit samples, through serde: what one writes first.
    Payload,
    /// As raw bytes, which no serialiser touches.
    PayloadRaw,
    /// Not at all: they lie in shared memory.
    Shared,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Payload, Self::PayloadRaw, Self::Shared];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::PayloadRaw => "payload-raw",
            Self::Shared => "shared memory",
        }
    }
}

/// What a task works on.
#[derive(Clone, Debug)]
pub(super) enum Input {
    Nothing,
    /// An array, to be sent as [`Way::Payload`].
    Payload(Arc<Vec<u16>>),
    /// An array, to be sent as [`Way::PayloadRaw`].
    PayloadRaw(Arc<Vec<u16>>),
    /// A slot of the pool's, written before.
    Shared(Lease),
    /// A file, to be mapped.
    File(PathBuf),
}

/// A task: reads all of its input, works, and returns so many bytes.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub input: Input,
    /// Steps of work beside reading; see [`super::Bench::steps`].
    pub steps: u64,
    pub output: Option<(Way, usize)>,
}

impl Order {
    pub(super) const fn of(input: Input, steps: u64) -> Self {
        Self {
            input,
            steps,
            output: None,
        }
    }

    pub(super) const fn returning(way: Way, bytes: usize, steps: u64) -> Self {
        Self {
            input: Input::Nothing,
            steps,
            output: Some((way, bytes)),
        }
    }
}

/// The same as it crosses.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Haul {
    input: Ticket,
    steps: u64,
    output: Option<(Way, usize)>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Ticket {
    Nothing,
    Array(Arc<Vec<u16>>),
    Bulk,
    Slot(SlotTicket),
    File(PathBuf),
}

/// What comes back: a sum over the input, so that it was read, and the output, between two marks that
/// see what the serialiser does to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Done {
    pub sum: u64,
    begin: Mark,
    data: Data,
    end: Mark,
}

/// What the copies of an output took, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copies {
    pub serialize: f64,
    /// From one process to the other: into the pool's queue and out of it.
    pub transfer: f64,
    pub deserialize: f64,
}

impl Done {
    /// Reads all of the output.
    fn read(&self) -> u64 {
        match &self.data {
            Data::Nothing => 0,
            Data::Array(samples) => touch(bytemuck::cast_slice(samples)),
            Data::Bytes(bytes) => touch(bytes),
        }
    }

    fn copies(&self) -> Copies {
        let Self { begin, end, .. } = self;
        let seconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e9;
        Copies {
            serialize: seconds(begin.written, end.written),
            transfer: seconds(end.written, begin.read),
            deserialize: seconds(begin.read, end.read),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum Data {
    Nothing,
    Array(Vec<u16>),
    Bytes(Shared),
}

impl Job for Haul {
    /// Where the slots are, if there are any.
    type Setup = Option<Whereabouts>;
    type State = Option<SlotReader>;
    type Output = Done;
    type Error = String;

    fn init(at: &Option<Whereabouts>) -> Result<Option<SlotReader>, String> {
        let slots = at.as_ref().map(SlotReader::open_slots).transpose();
        slots.map_err(|error| format!("it cannot map the slots: {error}"))
    }

    fn run(&self, slots: &mut Option<SlotReader>, context: &Context<'_>) -> Result<Done, String> {
        let sum = match &self.input {
            Ticket::Nothing => 0,
            Ticket::Array(samples) => touch(bytemuck::cast_slice(samples)),
            Ticket::Bulk => touch(context.bulk()),
            Ticket::Slot(ticket) => {
                let slots = slots.as_ref().ok_or("it was not told of any slots")?;
                touch(slots.open(*ticket).map_err(|stale| stale.to_string())?)
            }
            Ticket::File(path) => {
                let map = File::open(path).and_then(|file| FileMap::new(&file));
                touch(&map.map_err(|error| format!("{}: {error}", path.display()))?)
            }
        };
        burn::burn(self.steps);
        let data = match self.output {
            None => Data::Nothing,
            Some((Way::Payload, bytes)) => Data::Array(array(bytes)),
            Some((Way::PayloadRaw, bytes)) => {
                let mut made = vec![0; bytes];
                fill(&mut made);
                Data::Bytes(Shared::from(made))
            }
            Some((Way::Shared, bytes)) => {
                let mut draft = context.lend(bytes);
                fill(&mut draft);
                Data::Bytes(draft.finish())
            }
        };
        Ok(Done {
            sum,
            begin: Mark::default(),
            data,
            end: Mark::default(),
        })
    }
}

/// So many bytes of samples, as different as a picture's: most take three bytes as a varint.
pub(super) fn array(bytes: usize) -> Vec<u16> {
    let mut samples = vec![0; bytes / 2];
    fill(bytemuck::cast_slice_mut(&mut samples));
    samples
}

/// Makes the same samples where they are to be.
fn fill(bytes: &mut [u8]) {
    let (samples, _) = bytes.as_chunks_mut::<2>();
    for (at, sample) in samples.iter_mut().enumerate() {
        *sample = (at as u16).wrapping_mul(40_503).to_ne_bytes();
    }
}

/// The same work on the same data in this process, where nothing has to cross. The output is made in memory
/// that was used before, as it is in that which a worker lends.
pub(super) fn here(input: &[u16], steps: u64, output: &mut [u16]) {
    std::hint::black_box(touch(bytemuck::cast_slice(input)));
    burn::burn(steps);
    let output = bytemuck::cast_slice_mut(output);
    fill(output);
    std::hint::black_box(touch(output));
}

/// Makes hauls of orders.
#[derive(Clone, Debug)]
pub(super) struct Packer {
    /// By ipc-channel, the pool's way for what is large; or through its queues in shared memory.
    pub by_channel: bool,
}

impl Pack for Packer {
    type Order = Order;
    type Job = Haul;

    fn pack<'a>(&mut self, order: &'a Order, bulk: &mut Vec<u8>) -> Packed<'a, Haul> {
        let input = match &order.input {
            Input::Nothing => Ticket::Nothing,
            Input::Payload(samples) => Ticket::Array(Arc::clone(samples)),
            Input::PayloadRaw(samples) => {
                bulk.extend_from_slice(bytemuck::cast_slice(samples));
                Ticket::Bulk
            }
            Input::Shared(lease) => Ticket::Slot(lease.ticket()),
            Input::File(path) => Ticket::File(path.clone()),
        };
        Packed::Owned(Haul {
            input,
            steps: order.steps,
            output: order.output,
        })
    }

    fn is_light(&self) -> bool {
        !self.by_channel
    }
}

/// A pool for hauls.
pub(super) type Haulers = Pool<Haul, Packer>;

/// So many workers, who know these slots.
pub(super) fn pool(workers: usize, by_channel: bool, slots: Option<&Slots>) -> Result<Haulers> {
    let at = slots.map(Slots::whereabouts).transpose().map_err(failed)?;
    let pool = Pool::<Haul>::processes(workers).pack(Packer { by_channel });
    pool.start(at)
}

/// A slot to write, as soon as one is free: a pool lets go of an order a moment after its end.
pub(super) fn draft(slots: &Slots) -> Result<Draft> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let draft = slots.take_timeout(PATIENCE);
    draft.ok_or_else(|| failed("no slot is free"))
}

/// A slot with that in it.
pub(super) fn written(slots: &Slots, samples: &[u16]) -> Result<Lease> {
    let mut draft = draft(slots)?;
    let bytes: &[u8] = bytemuck::cast_slice(samples);
    draft[..bytes.len()].copy_from_slice(bytes);
    Ok(draft.finish())
}

/// So many slots of so many bytes.
pub(super) fn slots(count: usize, bytes: usize) -> Result<Slots> {
    Slots::create(count, bytes).map_err(|error| {
        Error::Failed(format!(
            "{count} slots of {bytes} bytes cannot be had in shared memory: {error}"
        ))
    })
}

/// Waits for a task, reads what it returns, and says how it went.
pub(super) fn end(handle: Handle<Haul>) -> Result<Trip> {
    there_and_back(handle).map(|(trip, _)| trip)
}

fn there_and_back(handle: Handle<Haul>) -> Result<(Trip, Copies)> {
    let completion = handle.completion();
    let done = completion.outcome.map_err(failed)?;
    std::hint::black_box((done.sum, done.read()));
    Ok((completion.trip, done.copies()))
}

/// A task there and back.
pub(super) fn trip(pool: &Haulers, order: Order) -> Result<Trip> {
    end(pool.submit(order))
}

/// The same, of which the way back counts.
pub(super) fn fetch(pool: &Haulers, order: Order) -> Result<Copies> {
    there_and_back(pool.submit(order)).map(|(_, copies)| copies)
}

/// So many tasks, as fast as the pool takes them.
pub(super) fn all(bench: &Bench, pool: &Haulers, order: &Order, tasks: usize) -> Result<()> {
    let handles: Vec<_> = (0..tasks).map(|_| pool.submit(order.clone())).collect();
    handles.into_iter().try_for_each(|handle| {
        bench.go_on()?;
        end(handle).map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_the_same_whichever_way_they_come() {
        let samples = Arc::new(array(20_000));
        let expected = touch(bytemuck::cast_slice(&samples));
        let slots = slots(1, 20_000).unwrap();
        let lease = written(&slots, &samples).unwrap();
        let folder = crate::lab::folder::Folder::new().unwrap();
        let file = folder.join("samples");
        std::fs::write(&file, bytemuck::cast_slice(&samples)).unwrap();
        // The file and the slot: the same bytes, the slot's rounded up to pages of zeros.
        let at = Some(slots.whereabouts().unwrap());
        for by_channel in [false, true] {
            let pool = Pool::<Haul>::threads(1).pack(Packer { by_channel });
            let pool = pool.start(at.clone()).unwrap();
            for input in [
                Input::Payload(samples.clone()),
                Input::PayloadRaw(samples.clone()),
                Input::Shared(lease.clone()),
                Input::File(file.clone()),
            ] {
                let done = pool.submit(Order::of(input.clone(), 1)).wait().unwrap();
                assert_eq!(done.sum, expected, "{input:?}");
            }
            for way in Way::ALL {
                let order = Order::returning(way, 20_000, 0);
                let done = pool.submit(order).wait().unwrap();
                assert_eq!(done.read(), expected, "{way:?}");
            }
        }
    }
}
