//! Textures that look grown: noise of many scales, lit from one side, coloured by height.
//!
//! Integer arithmetic only, so that every machine makes the same bytes.

use crate::frame::{Colour, FrameFormat, Sample};
use rayon::prelude::*;

/// No sample of a scene but the needle's is larger, of 65535.
pub(super) const BRIGHTEST: i32 = 62_000;

/// A small random number generator (splitmix64), the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A generator for one purpose, told apart from those of others by `stream`.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        let mixed = random.next();
        Self(mixed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must not be 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
}

/// A periodic map of heights from 0 to 65535; both sides are powers of two.
pub(super) struct Heights {
    pub(super) width: usize,
    pub(super) height: usize,
    values: Vec<i32>,
}

impl Heights {
    /// Noise of all scales, from the whole map down to `finest` pixels: each level doubles and
    /// smooths the one before and adds detail, nine sixteenths as strong.
    pub(super) fn new(seed: u64, width: usize, height: usize, finest: usize) -> Self {
        let levels = width
            .min(height)
            .ilog2()
            .min(width.max(height).ilog2().saturating_sub(2));
        let (mut w, mut h) = (width >> levels, height >> levels);
        let mut strength = 1 << 18;
        let mut values = vec![0; w * h];
        for level in 0..=levels {
            if level > 0 {
                values = doubled(&values, w, h);
                (w, h) = (2 * w, 2 * h);
            }
            if width / w >= finest {
                let band = |(y, row): (usize, &mut [i32])| {
                    let mut random = Random::new(seed, u64::from(level) << 32 | y as u64);
                    for four in row.chunks_mut(4) {
                        let mut bits = random.next();
                        for value in four {
                            *value += (((bits & 0xFFFF) as i32 - 0x8000) * (strength >> 3)) >> 12;
                            bits >>= 16;
                        }
                    }
                };
                values.par_chunks_mut(w).enumerate().for_each(band);
            }
            strength = strength * 9 / 16;
        }
        // Stretched to the full range.
        let (low, high) = values
            .par_iter()
            .fold(|| (i32::MAX, i32::MIN), |(l, h), &v| (l.min(v), h.max(v)))
            .reduce(|| (i32::MAX, i32::MIN), |a, b| (a.0.min(b.0), a.1.max(b.1)));
        let span = i64::from((high - low).max(1));
        // A fixed-point factor, so that there is no division a value.
        let factor = (65_535i64 << 24) / span;
        values
            .par_iter_mut()
            .for_each(|v| *v = ((i64::from(*v - low) * factor) >> 24) as i32);
        Self {
            width,
            height,
            values,
        }
    }

    pub(super) fn row(&self, y: usize) -> &[i32] {
        let y = y & (self.height - 1);
        &self.values[y * self.width..][..self.width]
    }
}

/// Twice as wide and high, smoothed by a quadratic B-spline; periodic.
fn doubled(small: &[i32], w: usize, h: usize) -> Vec<i32> {
    let mut large = vec![0; 4 * w * h];
    large
        .par_chunks_mut(2 * w)
        .enumerate()
        .for_each(|(y, out)| {
            let near = &small[(y / 2) * w..][..w];
            let other = if y % 2 == 0 { y / 2 + h - 1 } else { y / 2 + 1 } % h;
            let far = &small[other * w..][..w];
            let column = |x: usize| 3 * near[x] + far[x];
            let (mut before, mut here) = (column(w - 1), column(0));
            for x in 0..w {
                let after = column(if x + 1 == w { 0 } else { x + 1 });
                out[2 * x] = (3 * here + before) >> 4;
                out[2 * x + 1] = (3 * here + after) >> 4;
                (before, here) = (here, after);
            }
        });
    large
}

/// Colours from low to high ground, red, green and blue of 255.
type Ramp = [[i32; 3]; 5];

const RAMPS: &[(Ramp, Ramp)] = &[
    // Coast and forest: deep water, shallows, sand, green, snow; the same by dusk.
    (
        [
            [6, 24, 60],
            [24, 92, 130],
            [190, 172, 116],
            [62, 110, 44],
            [232, 236, 230],
        ],
        [
            [20, 10, 44],
            [86, 52, 112],
            [206, 134, 96],
            [128, 70, 58],
            [240, 214, 180],
        ],
    ),
    // Desert rock and its shadow side.
    (
        [
            [34, 14, 10],
            [122, 56, 30],
            [196, 116, 62],
            [226, 176, 118],
            [240, 228, 196],
        ],
        [
            [12, 18, 30],
            [52, 66, 92],
            [110, 112, 118],
            [170, 158, 140],
            [222, 220, 208],
        ],
    ),
    // Moss and lichen on slate.
    (
        [
            [10, 16, 14],
            [34, 58, 40],
            [88, 124, 52],
            [168, 176, 84],
            [228, 230, 170],
        ],
        [
            [16, 18, 26],
            [58, 62, 74],
            [112, 120, 128],
            [150, 140, 170],
            [226, 216, 236],
        ],
    ),
];

/// A periodic picture in the samples of a format, cut from by copying.
pub(super) struct Tile {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bytes: Vec<u8>,
}

/// A scene has so many backgrounds at most.
pub(super) const BACKGROUNDS: usize = 3;

/// Sides of a background: powers of two, as few as fill the frame but not beyond 2048.
fn sides(format: FrameFormat) -> (usize, usize) {
    let side = |n: u32| n.min(2048).next_power_of_two().max(4) as usize;
    (side(format.width), side(format.height))
}

impl Tile {
    /// About the memory, in bytes, that a background takes, and how much more it takes to paint it:
    /// two maps of heights, the second of which grows out of a smaller one.
    pub(super) fn memory(format: FrameFormat) -> (u64, u64) {
        let (width, height) = sides(format);
        let pixels = (width * height) as u64;
        (pixels * pixel_bytes(format) as u64, 10 * pixels)
    }

    /// A background: ground of many heights, lit from the upper left.
    pub(super) fn background(format: FrameFormat, seed: u64, variant: u64) -> Self {
        let (width, height) = sides(format);
        let mut random = Random::new(seed, 0x7E47 + variant);
        let ground = Heights::new(random.next(), width, height, 1);
        let climate = Heights::new(random.next(), width, height, (width / 16).max(1));
        let (warm, cold) = &RAMPS[variant as usize % RAMPS.len()];
        let (warm, cold) = (ladder(warm), ladder(cold));
        // The finer the map, the gentler its slopes.
        let glare = (width * 6 / 8) as i32;
        let pixel = pixel_bytes(format);
        let mut bytes = vec![0; width * height * pixel];
        let paint = |(y, out): (usize, &mut [u8])| {
            let (here, above) = (ground.row(y), ground.row(y + height - 1));
            let mix = climate.row(y);
            for (x, out) in out.chunks_exact_mut(pixel).enumerate() {
                let level = here[x];
                let light = level - above[if x == 0 { width - 1 } else { x - 1 }];
                let m = mix[x] >> 8;
                let step = (level >> 6) as usize;
                let colour = std::array::from_fn(|c| {
                    let mixed = warm[step][c] + (((cold[step][c] - warm[step][c]) * m) >> 8);
                    mixed + light * glare / 256
                });
                put(format, colour, out);
            }
        };
        bytes
            .par_chunks_mut(width * pixel)
            .enumerate()
            .for_each(paint);
        Self {
            width,
            height,
            bytes,
        }
    }
}

/// A ramp in 1024 steps of 16 bits.
fn ladder(ramp: &Ramp) -> Vec<[i32; 3]> {
    let step = |i: i32| {
        let (section, part) = ((i / 256) as usize, i % 256);
        let (low, high) = (ramp[section], ramp[section + 1]);
        std::array::from_fn(|c| {
            let of_65_280 = low[c] * 256 + (high[c] - low[c]) * part;
            (i64::from(of_65_280) * i64::from(BRIGHTEST) / 65_280) as i32
        })
    };
    (0..1024).map(step).collect()
}

/// Bytes of a pixel.
pub(super) fn pixel_bytes(format: FrameFormat) -> usize {
    let channels = if format.colour == Colour::Gray { 1 } else { 3 };
    channels * format.sample.bytes()
}

/// The samples of a colour (of 65535, held to what a scene may have) in a format.
pub(super) fn samples(format: FrameFormat, colour: [i32; 3]) -> ([u16; 3], usize) {
    let [r, g, b] = colour.map(|c| c.clamp(0, BRIGHTEST));
    let (colour, channels) = match format.colour {
        Colour::Gray => ([(r * 77 + g * 150 + b * 29) >> 8; 3], 1),
        _ => ([r, g, b], 3),
    };
    match format.sample {
        Sample::U8 => (colour.map(|c| (c >> 8) as u16), channels),
        Sample::U16 => (colour.map(|c| c as u16), channels),
    }
}

/// Writes a colour as one pixel.
pub(super) fn put(format: FrameFormat, colour: [i32; 3], out: &mut [u8]) {
    let (values, channels) = samples(format, colour);
    match format.sample {
        Sample::U8 => {
            for (out, value) in out.iter_mut().zip(&values[..channels]) {
                *out = *value as u8;
            }
        }
        Sample::U16 => {
            let (out, _) = out.as_chunks_mut::<2>();
            for (out, value) in out.iter_mut().zip(&values[..channels]) {
                *out = value.to_le_bytes();
            }
        }
    }
}
