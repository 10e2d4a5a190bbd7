//! `payload`: the pixels as an `ndarray` through serde and a typed ipc-channel.
//!
//! What a person writes first: the frame is an array, the array derives `Serialize`, the channel
//! takes it. Each sample becomes a varint of up to three bytes, one by one, and is read back one
//! by one. It is the measured mistake, so it is made as well as it can be made: the frame is read
//! into the array without a further copy, and the array's memory is used again.

use super::{Family, Inbound, Known, Outbound, Ticket, Transport};
use crate::frame::{FrameFormat, FrameView, Sample};
use crate::source::{FrameSet, Reader};
use ndarray::Array3;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

pub(super) struct Payload;

impl Transport for Payload {
    fn name(&self) -> &'static str {
        "payload"
    }
    fn summary(&self) -> &'static str {
        "an ndarray through serde and a typed ipc-channel: what one writes first"
    }
    fn family(&self) -> Family {
        Family::ShipPixels
    }
    fn outbound(&self, set: Arc<FrameSet>) -> Option<Box<dyn Outbound>> {
        Some(Box::new(Out {
            set,
            reader: Reader::default(),
            spare: Vec::new(),
        }))
    }
    fn inbound(&self, known: &Known) -> Result<Box<dyn Inbound>, String> {
        Ok(Box::new(In(known.format)))
    }
    fn memory(&self, format: FrameFormat, frames_a_job: u64) -> u64 {
        // A sample is serialised in at most 2 bytes (u8) or 3 (u16), into a vector that doubles
        // as it grows; the worker receives that many, and makes an array of them. Two jobs are
        // under way: while the worker computes one, the next is packed.
        let array = format.bytes() as u64 * frames_a_job;
        let wire = format.samples() as u64 * (format.sample.bytes() as u64 + 1) * frames_a_job;
        array + 2 * wire + wire + array
    }
}

/// A frame's samples as an array of shape (H, W, C), or (N, 1, 1) for planar YUV.
///
/// The number of axes is fixed because the compiler then puts the array's iterator into the
/// serialiser's loop; with axes that are counted at run time a frame took up to a quarter longer.
///
/// The array is shared so that its memory can be used again when it has been sent; what crosses is
/// the array alone.
#[derive(Clone, Debug)]
pub struct Pixels(Arc<Samples>);

#[derive(Debug, Serialize, Deserialize)]
enum Samples {
    U8(Array3<u8>),
    U16(Array3<u16>),
}

impl Serialize for Pixels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pixels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Samples::deserialize(deserializer).map(|samples| Self(Arc::new(samples)))
    }
}

impl Samples {
    fn zeros(format: FrameFormat) -> Self {
        let shape = match format.shape()[..] {
            [h, w, c] => (h, w, c),
            _ => (format.samples(), 1, 1),
        };
        match format.sample {
            Sample::U8 => Self::U8(Array3::zeros(shape)),
            Sample::U16 => Self::U16(Array3::zeros(shape)),
        }
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        match self {
            Self::U8(array) => array.as_slice_mut(),
            Self::U16(array) => array.as_slice_mut().map(bytemuck::cast_slice_mut),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::U8(array) => array.as_slice(),
            Self::U16(array) => array.as_slice().map(bytemuck::cast_slice),
        }
    }
}

struct Out {
    set: Arc<FrameSet>,
    reader: Reader,
    /// Arrays handed out; one that nobody else holds any more has been sent.
    spare: Vec<Arc<Samples>>,
}

impl Out {
    fn spare(&mut self) -> Arc<Samples> {
        let free = self
            .spare
            .iter_mut()
            .position(|samples| Arc::get_mut(samples).is_some());
        match free {
            Some(index) => self.spare.swap_remove(index),
            None => Arc::new(Samples::zeros(self.set.format())),
        }
    }
}

impl Outbound for Out {
    fn ticket(&mut self, index: usize, _bulk: &mut Vec<u8>) -> Ticket {
        let mut samples = self.spare();
        let into = Arc::get_mut(&mut samples).and_then(Samples::bytes_mut);
        let Some(into) = into else {
            unreachable!("a spare array is unshared and in standard order");
        };
        let read = self.reader.frame(&self.set, index, into);
        self.spare.push(samples.clone());
        match read {
            Ok(()) => Ticket::Pixels(Pixels(samples)),
            Err(why) => Ticket::Unreadable(why),
        }
    }

    fn rest(&mut self) {
        self.spare.clear();
    }
}

struct In(FrameFormat);

impl Inbound for In {
    fn open<'a>(&'a mut self, ticket: &'a Ticket, _: &'a [u8]) -> Result<FrameView<'a>, String> {
        match ticket {
            Ticket::Pixels(Pixels(samples)) => {
                let bytes = samples
                    .bytes()
                    .ok_or("the array is not in standard order")?;
                FrameView::new(self.0, bytes).map_err(|wrong| wrong.to_string())
            }
            other => Err(super::wrong_ticket(other)),
        }
    }
}
