//! `thumbnail:WxH`: the frame made small, a finding that is itself pixels.
//!
//! Row i and column j of a thumbnail of h rows and w columns is the mean of a cell of the frame of
//! H rows and W columns: its rows from ⌊i·H/h⌋ up to ⌊(i+1)·H/h⌋ and its columns likewise, each
//! channel apart, rounded half to even. Sums and rounding are of integers.

use super::analyzer::{Analyzer, Setting, json};
use crate::frame::{Colour, FrameFormat, FrameView, Sample};
use crate::sys::simd::{Kernel, prefetch, vectorised};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The finding of `thumbnail`. The pixels themselves are [`super::Engine::thumbnail`]'s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThumbnailFinding {
    /// Pixels in a row: as asked for, or the frame's if it has fewer.
    pub width: u32,
    /// Rows: as asked for, or the frame's if it has fewer.
    pub height: u32,
    /// SHA-256 of the thumbnail's bytes as they stand in `thumbnails.npy`, in hexadecimal.
    pub sha256: String,
}

/// Refuses a parameter that is no size.
pub(super) fn check(size: &str) -> Result<(), String> {
    parse(size).map(|_| ()).ok_or_else(|| {
        format!("thumbnail takes a size in pixels, as in thumbnail:64x36, not `{size}`")
    })
}

/// Width and height, both at least 1.
fn parse(size: &str) -> Option<(u32, u32)> {
    let (width, height) = size.split_once('x')?;
    let side = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let side = text.parse().ok().filter(|_| digits)?;
        (side > 0).then_some(side)
    };
    Some((side(width)?, side(height)?))
}

/// The format of the thumbnails of frames of `format`: at most as large as those. Of RGBA the
/// alpha, which is ignored, is left out; of planar YUV the luma plane is taken, as gray.
pub(super) fn format_of(setting: &Setting, format: FrameFormat) -> FrameFormat {
    let asked = setting.parameter().and_then(parse);
    let (width, height) = asked.expect("the parameter was checked");
    FrameFormat {
        width: width.min(format.width),
        height: height.min(format.height),
        colour: match format.colour {
            Colour::Rgb | Colour::Rgba => Colour::Rgb,
            Colour::Gray | Colour::Yuv420 | Colour::Yuv422 | Colour::Yuv444 => Colour::Gray,
        },
        ..format
    }
}

pub(super) fn make(setting: &Setting) -> Box<dyn Analyzer> {
    Box::new(Thumbnail {
        setting: setting.clone(),
        grid: None,
    })
}

struct Thumbnail {
    setting: Setting,
    /// None before the first frame.
    grid: Option<Grid>,
}

impl Analyzer for Thumbnail {
    fn begin(&mut self, _: u64, frame: FrameView<'_>) {
        let setting = &self.setting;
        let make = || Grid::new(frame.format(), format_of(setting, frame.format()));
        self.grid.get_or_insert_with(make).begin();
    }

    fn samples(&mut self, row: &[u8]) {
        if let Some(grid) = &mut self.grid {
            grid.row(row);
        }
    }

    fn finish(&mut self) -> Option<String> {
        let grid = self.grid.as_ref()?;
        let digest = Sha256::digest(&grid.pixels);
        Some(json(&ThumbnailFinding {
            width: grid.small.width,
            height: grid.small.height,
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }))
    }

    fn pixels(&self) -> Option<&[u8]> {
        self.grid.as_ref().map(|grid| &*grid.pixels)
    }
}

/// A frame on its way to being a thumbnail.
///
/// Adding up whole rows suits vector instructions whatever the cells' width, so rows are summed
/// down each column first, and the columns of a cell when its last row has come.
struct Grid {
    large: FrameFormat,
    small: FrameFormat,
    /// Samples of a pixel in the frame, those that are ignored included.
    channels: usize,
    /// Where each cell begins in a row, in pixels, and where the last one ends.
    columns: Vec<usize>,
    /// The sum of each sample's column since they were last gathered.
    lanes: Lanes,
    /// Rows in the lanes.
    rows: usize,
    /// Sums of the cells that are being filled, channel by channel.
    sums: Vec<u64>,
    /// Rows of the frame that have come.
    y: usize,
    /// The cells' rows that are done: whole rows of the thumbnail.
    pixels: Vec<u8>,
    /// How many those are.
    done: usize,
}

/// Sums that are as narrow as [`Lanes::most_rows`] allow.
enum Lanes {
    U8(Vec<u16>),
    U16(Vec<u32>),
}

impl Lanes {
    /// Rows after which the brightest samples fill a lane: 255 · 257 = 65535, and 65535 · 65537 is
    /// the largest `u32`.
    const fn most_rows(&self) -> usize {
        match self {
            Self::U8(_) => 257,
            Self::U16(_) => 65537,
        }
    }
}

/// Where cell `i` of `cells` begins among `len` rows or columns.
const fn edge(i: usize, cells: usize, len: usize) -> usize {
    i * len / cells
}

impl Grid {
    fn new(large: FrameFormat, small: FrameFormat) -> Self {
        let channels = match large.colour {
            Colour::Rgb => 3,
            Colour::Rgba => 4,
            Colour::Gray | Colour::Yuv420 | Colour::Yuv422 | Colour::Yuv444 => 1,
        };
        let (width, cells) = (large.width as usize, small.width as usize);
        Self {
            large,
            small,
            channels,
            columns: (0..=cells).map(|j| edge(j, cells, width)).collect(),
            lanes: match large.sample {
                Sample::U8 => Lanes::U8(vec![0; width * channels]),
                Sample::U16 => Lanes::U16(vec![0; width * channels]),
            },
            rows: 0,
            sums: vec![0; small.samples() / small.height as usize],
            y: 0,
            pixels: vec![0; small.bytes()],
            done: 0,
        }
    }

    /// Forgets whatever came before.
    fn begin(&mut self) {
        match &mut self.lanes {
            Lanes::U8(lanes) => lanes.fill(0),
            Lanes::U16(lanes) => lanes.fill(0),
        }
        self.sums.fill(0);
        (self.rows, self.y, self.done) = (0, 0, 0);
    }

    /// The next row's samples.
    fn row(&mut self, row: &[u8]) {
        match &mut self.lanes {
            Lanes::U8(lanes) => vectorised(Down8 { row, lanes }),
            Lanes::U16(lanes) => vectorised(Down16 { row, lanes }),
        }
        self.rows += 1;
        self.y += 1;
        let ends = self.y == self.edge(self.done + 1);
        if ends || self.rows == self.lanes.most_rows() {
            self.gather();
        }
        if ends {
            self.write_row();
        }
    }

    /// The frame's row with which cells' row `i` begins.
    const fn edge(&self, i: usize) -> usize {
        edge(i, self.small.height as usize, self.large.height as usize)
    }

    /// Moves what the lanes hold to the cells' sums.
    fn gather(&mut self) {
        let (columns, sums) = (&self.columns, &mut self.sums);
        match (&mut self.lanes, self.channels) {
            (Lanes::U8(lanes), 1) => across::<_, 1, 1>(lanes, columns, sums),
            (Lanes::U8(lanes), 3) => across::<_, 3, 3>(lanes, columns, sums),
            (Lanes::U8(lanes), _) => across::<_, 4, 3>(lanes, columns, sums),
            (Lanes::U16(lanes), 1) => across::<_, 1, 1>(lanes, columns, sums),
            (Lanes::U16(lanes), 3) => across::<_, 3, 3>(lanes, columns, sums),
            (Lanes::U16(lanes), _) => across::<_, 4, 3>(lanes, columns, sums),
        }
        self.rows = 0;
    }

    /// Turns the sums into the next row of the thumbnail.
    fn write_row(&mut self) {
        let rows = self.edge(self.done + 1) - self.edge(self.done);
        let channels = self.sums.len() / self.small.width as usize;
        let stride = self.sums.len() * self.small.sample.bytes();
        let out = &mut self.pixels[self.done * stride..][..stride];
        let cells = self.columns.windows(2).zip(self.sums.chunks_mut(channels));
        let means = cells.flat_map(|(edges, sums)| {
            let count = (rows * (edges[1] - edges[0])) as u64;
            let mean = move |sum: &mut u64| mean(std::mem::take(sum), count);
            sums.iter_mut().map(mean)
        });
        match self.small.sample {
            // A mean is no larger than the largest sample.
            Sample::U8 => out
                .iter_mut()
                .zip(means)
                .for_each(|(out, m)| *out = m as u8),
            Sample::U16 => {
                let out = out.as_chunks_mut().0.iter_mut();
                out.zip(means)
                    .for_each(|(out, mean)| *out = (mean as u16).to_le_bytes());
            }
        }
        self.done += 1;
    }
}

/// `sum / count`, rounded to the nearest integer, halves to even.
const fn mean(sum: u64, count: u64) -> u64 {
    let (whole, rest) = (sum / count, sum % count);
    let round_up = 2 * rest > count || 2 * rest == count && whole % 2 == 1;
    whole + round_up as u64
}

/// Adds the lanes of each cell to its sums, the first `KEPT` of `CHANNELS`, and empties them.
fn across<L: Copy + Default + Into<u64>, const CHANNELS: usize, const KEPT: usize>(
    lanes: &mut [L],
    columns: &[usize],
    sums: &mut [u64],
) {
    let pixels = lanes.as_chunks::<CHANNELS>().0;
    let cells = columns.windows(2).zip(sums.as_chunks_mut::<KEPT>().0);
    for (edges, sums) in cells {
        let mut cell = [0; KEPT];
        for pixel in &pixels[edges[0]..edges[1]] {
            for (sum, &lane) in cell.iter_mut().zip(pixel) {
                *sum += lane.into();
            }
        }
        for (sum, cell) in sums.iter_mut().zip(cell) {
            *sum += cell;
        }
    }
    lanes.fill(L::default());
}

/// Samples that are added in a turn, and asked for ahead.
const TURN: usize = 64;

/// Adds a row of 8-bit samples to the lanes.
struct Down8<'a> {
    row: &'a [u8],
    lanes: &'a mut [u16],
}

impl Kernel for Down8<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let (turns, rest) = self.row.as_chunks::<TURN>();
        let (lanes, rest_lanes) = self.lanes.as_chunks_mut::<TURN>();
        for (samples, lanes) in turns.iter().zip(lanes) {
            prefetch(samples);
            for (lane, &sample) in lanes.iter_mut().zip(samples) {
                *lane += u16::from(sample);
            }
        }
        for (lane, &sample) in rest_lanes.iter_mut().zip(rest) {
            *lane += u16::from(sample);
        }
    }
}

/// Adds a row of 16-bit samples, at any address, to the lanes.
struct Down16<'a> {
    row: &'a [u8],
    lanes: &'a mut [u32],
}

impl Kernel for Down16<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let (turns, rest) = self.row.as_chunks::<2>().0.as_chunks::<TURN>();
        let (lanes, rest_lanes) = self.lanes.as_chunks_mut::<TURN>();
        for (samples, lanes) in turns.iter().zip(lanes) {
            prefetch(samples);
            for (lane, &sample) in lanes.iter_mut().zip(samples) {
                *lane += u32::from(u16::from_le_bytes(sample));
            }
        }
        for (lane, &sample) in rest_lanes.iter_mut().zip(rest) {
            *lane += u32::from(u16::from_le_bytes(sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Analysis, Engine};

    #[test]
    fn halves_are_rounded_to_even_and_nothing_else_is() {
        for (sum, count, expected) in [(1, 2, 0), (3, 2, 2), (5, 2, 2), (7, 2, 4), (4, 3, 1)] {
            assert_eq!(mean(sum, count), expected, "{sum} / {count}");
        }
        // In floating point this would be a half.
        let count = (1 << 60) + 1;
        assert_eq!(mean(count / 2, count), 0);
        assert_eq!(mean(count / 2 + 1, count), 1);
    }

    #[test]
    fn only_sizes_are_accepted() {
        for good in ["1x1", "64x36", "100000x100000"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "", "x", "64", "64x", "0x36", "64x0", "-1x1", "+1x1", "6 x3", "1x1x1",
        ] {
            assert!(check(bad).unwrap_err().contains("size"), "{bad}");
        }
    }

    /// No lane overflows, its sums are gathered in time, and those of half a frame are forgotten.
    #[test]
    fn a_white_frame_of_many_rows_is_white() {
        for (sample, height) in [(Sample::U8, 1000), (Sample::U16, 140_000)] {
            let format = FrameFormat::new(3, height, Colour::Gray, sample);
            let bytes = vec![255; format.bytes()];
            let frame = FrameView::new(format, &bytes).unwrap();
            let analysis = Analysis::parse("thumbnail:2x1").unwrap();
            let mut engine = Engine::new(&analysis, format);
            let half = height / 2 + 1;
            assert!(engine.analyze_while(0, frame, half, |_| false).is_err());
            engine.analyze(0, frame);
            let white = vec![255; 2 * sample.bytes()];
            assert_eq!(engine.thumbnail().unwrap().bytes(), white);
        }
    }
}
