//! The luma of a frame, one row after another.

use crate::frame::{Colour, FrameFormat, FrameView, Sample};
use crate::sys::simd::{self, Kernel, Range, vectorised};

/// BT.709 weights of red, green and blue in 16-bit fixed point; they sum up to 65536.
const WEIGHTS: [u32; 3] = [13933, 46871, 4732];

/// Luma samples in the type of the frame's own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Samples<'a> {
    /// One byte each.
    U8(&'a [u8]),
    /// Two bytes each, aligned and in the machine's byte order.
    U16(&'a [u16]),
}

/// One row as the analyzers see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// Its luma.
    pub luma: Samples<'a>,
    /// How many of its first samples were surveyed when it was made, and their range.
    pub surveyed: (usize, Range),
    /// The same row's luma in the frame before, if some analyzer looks back and it is there.
    pub before: Option<Samples<'a>>,
}

/// A luma sample: `u8` or `u16`.
pub(super) trait Luma:
    Copy + Ord + Default + Into<u16> + Into<u32> + Into<i32> + 'static
{
    /// The largest value.
    const MAX: Self;
    /// How far apart two samples are.
    fn distance(self, other: Self) -> Self;
}

impl Luma for u8 {
    const MAX: Self = Self::MAX;
    #[inline(always)]
    fn distance(self, other: Self) -> Self {
        self.abs_diff(other)
    }
}

impl Luma for u16 {
    const MAX: Self = Self::MAX;
    #[inline(always)]
    fn distance(self, other: Self) -> Self {
        self.abs_diff(other)
    }
}

/// Samples that are kept: a row, or a whole plane of them.
#[derive(Debug)]
pub(super) enum Kept {
    U8(Vec<u8>),
    U16(Vec<u16>),
}

impl Kept {
    /// Room for so many samples of that type, all of them 0.
    pub(super) fn new(sample: Sample, len: usize) -> Self {
        match sample {
            Sample::U8 => Self::U8(vec![0; len]),
            Sample::U16 => Self::U16(vec![0; len]),
        }
    }

    /// The samples from `start` to `end`.
    pub(super) fn range(&self, start: usize, end: usize) -> Samples<'_> {
        match self {
            Self::U8(kept) => Samples::U8(&kept[start..end]),
            Self::U16(kept) => Samples::U16(&kept[start..end]),
        }
    }

    /// Overwrites those from `start` on with `samples`.
    ///
    /// # Panics
    /// If they are of the other type.
    pub(super) fn put(&mut self, start: usize, samples: Samples<'_>) {
        match (self, samples) {
            (Self::U8(kept), Samples::U8(new)) => {
                kept[start..start + new.len()].copy_from_slice(new);
            }
            (Self::U16(kept), Samples::U16(new)) => {
                kept[start..start + new.len()].copy_from_slice(new);
            }
            _ => panic!("all rows of a stream have one sample type"),
        }
    }
}

/// Makes the luma of one row at a time, borrowed from the frame where its bytes can be read as
/// they are, else in a buffer that stays in the processor's nearest cache.
#[derive(Debug)]
pub(super) struct LumaRows {
    buffer: Kept,
}

impl LumaRows {
    pub(super) fn new(format: FrameFormat) -> Self {
        Self {
            buffer: Kept::new(format.sample, format.width as usize),
        }
    }

    /// Row `y` with nothing before it.
    pub(super) fn row<'a>(&'a mut self, frame: FrameView<'a>, y: usize) -> Row<'a> {
        use Colour::{Gray, Rgb, Rgba, Yuv420, Yuv422, Yuv444};
        let row = frame.row(y);
        let mut surveyed = (0, Range::EMPTY);
        let luma = match (frame.format().colour, &mut self.buffer) {
            (Gray | Yuv420 | Yuv422 | Yuv444, Kept::U8(_)) => Samples::U8(row),
            (Gray | Yuv420 | Yuv422 | Yuv444, Kept::U16(out)) => {
                if cfg!(target_endian = "little")
                    && let Ok(aligned) = bytemuck::try_cast_slice(row)
                {
                    Samples::U16(aligned)
                } else {
                    vectorised(Load { row, out });
                    Samples::U16(out)
                }
            }
            (Rgb, Kept::U8(out)) => {
                vectorised(Weigh8::<3> { row, out });
                Samples::U8(out)
            }
            (Rgba, Kept::U8(out)) => {
                vectorised(Weigh8::<4> { row, out });
                Samples::U8(out)
            }
            (Rgb, Kept::U16(out)) => {
                surveyed = simd::rgb16_luma(row, out, WEIGHTS);
                let (row, out_rest) = (&row[6 * surveyed.0..], &mut out[surveyed.0..]);
                vectorised(Weigh16::<6> { row, out: out_rest });
                Samples::U16(out)
            }
            (Rgba, Kept::U16(out)) => {
                vectorised(Weigh16::<8> { row, out });
                Samples::U16(out)
            }
        };
        Row {
            luma,
            surveyed,
            before: None,
        }
    }
}

/// Sixteen-bit samples from any address.
struct Load<'a> {
    row: &'a [u8],
    out: &'a mut [u16],
}

impl Kernel for Load<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (bytes, out) in self.row.as_chunks().0.iter().zip(self.out) {
            *out = u16::from_le_bytes(*bytes);
        }
    }
}

/// The weighted sum, rounded.
#[inline(always)]
fn weigh(red: u32, green: u32, blue: u32) -> u32 {
    (WEIGHTS[0] * red + WEIGHTS[1] * green + WEIGHTS[2] * blue + 32768) >> 16
}

/// Luma of 8-bit pixels of `CHANNELS` bytes, red, green and blue first.
struct Weigh8<'a, const CHANNELS: usize> {
    row: &'a [u8],
    out: &'a mut [u8],
}

impl<const CHANNELS: usize> Kernel for Weigh8<'_, CHANNELS> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (pixel, out) in self.row.as_chunks::<CHANNELS>().0.iter().zip(self.out) {
            *out = weigh(pixel[0].into(), pixel[1].into(), pixel[2].into()) as u8;
        }
    }
}

/// Luma of 16-bit pixels of `BYTES` bytes, red, green and blue first.
struct Weigh16<'a, const BYTES: usize> {
    row: &'a [u8],
    out: &'a mut [u16],
}

impl<const BYTES: usize> Kernel for Weigh16<'_, BYTES> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (pixel, out) in self.row.as_chunks::<BYTES>().0.iter().zip(self.out) {
            let channel =
                |i: usize| u32::from(u16::from_le_bytes([pixel[2 * i], pixel[2 * i + 1]]));
            *out = weigh(channel(0), channel(1), channel(2)) as u16;
        }
    }
}
