//! Synthetic scenes: pictures that look like something, every event of which is known.
//!
//! Textured things move along known paths over a textured ground that pans; there are hard cuts,
//! a frozen and a black stretch, and one needle, brighter than anything else, in one frame. A
//! [`Scene`] is a pure function of its seed, the frame's index and the row, in integer
//! arithmetic: any rows of any frame can be drawn on any thread, and every machine makes the same
//! bytes. Rows are put together by copying from prepared textures, so drawing runs at about the
//! speed of memory.
//!
//! ```
//! use framehaul::frame::{Colour, FrameFormat, Sample};
//! use framehaul::source::synthetic::Scene;
//! let format = FrameFormat::new(320, 180, Colour::Rgb, Sample::U16);
//! let scene = Scene::new(format, 30, 1)?;
//! let mut frame = vec![0; format.bytes()];
//! scene.render(7, &mut frame);
//!
//! // The same in two pieces.
//! let (upper, lower) = (0..90, 90..180);
//! let mut half = vec![0; format.bytes() / 2];
//! scene.render_rows(7, upper, &mut half);
//! assert_eq!(half, frame[..format.bytes() / 2]);
//! scene.render_rows(7, lower, &mut half);
//! assert_eq!(half, frame[format.bytes() / 2..]);
//! # Ok::<(), framehaul::Error>(())
//! ```

use super::manifest::{Needle, Object, SceneTruth, Shape, Truth};
use super::texture::{BACKGROUNDS, Heights, Random, Tile, pixel_bytes, put, samples};
use super::timeline::Timeline;
use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat, Sample};
use crate::sys::simd::copy_past_cache;
use rayon::prelude::*;
use std::error::Error as _;
use std::ops::Range;
use std::sync::OnceLock;

/// Everything that is needed to draw any frame of a set.
pub struct Scene {
    format: FrameFormat,
    timeline: Timeline,
    truth: Truth,
    tiles: Vec<Tile>,
    sprites: Vec<Sprite>,
    views: Vec<View>,
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Scene");
        shown.field("format", &self.format).finish_non_exhaustive()
    }
}

/// What a scene between two cuts is drawn from.
struct View {
    tile: usize,
    /// Where on the tile its first frame begins.
    start: (u64, u64),
    /// The sprite of each of its objects.
    sprites: Vec<usize>,
}

/// The prepared pixels of an object.
struct Sprite {
    shape: Shape,
    width: u32,
    height: u32,
    /// The columns that it covers in each row.
    spans: Vec<Range<u32>>,
    bytes: Vec<u8>,
    centre: Vec<u16>,
}

const PATH_RULE: &str = "x = bounce(x0 + vx * t, frame width - width), y alike; t = frame - \
    scene.first; bounce(p, m) = m - |p mod 2m - m|, 0 if m is 0; a frozen frame shows the last \
    frame before its stretch";

/// Threads to draw on, once for all: rayon's own, which panics where there are none to be had.
fn threads() -> Result<()> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let started = rayon::ThreadPoolBuilder::new().build_global();
        // Anything else is that they are there already.
        let refused = started.err().filter(|error| error.source().is_some());
        refused.map_or(Ok(()), |error| Err(error.to_string()))
    });
    let failed = |why| Error::Failed(format!("frames cannot be drawn: no threads for it: {why}"));
    started.clone().map_err(failed)
}

impl Scene {
    /// Prepares a set of `frames` frames. The same format, length and seed give the same pixels.
    ///
    /// # Errors
    /// If the format is neither gray nor RGB.
    pub fn new(format: FrameFormat, frames: u64, seed: u64) -> Result<Self> {
        if !matches!(format.colour, Colour::Gray | Colour::Rgb) {
            return Err(Error::Usage(format!(
                "scenes are drawn in gray or RGB, not in {}",
                format.pixel_name()
            )));
        }
        threads()?;
        let timeline = Timeline::new(frames, &mut Random::new(seed, 1));
        let scenes = timeline.scenes.len();
        let variants = scenes.min(BACKGROUNDS) as u64;
        let tiles = (0..variants)
            .map(|variant| Tile::background(format, seed, variant))
            .collect();
        let sprites: Vec<Sprite> = (0..sprites_that_fit(format))
            .into_par_iter()
            .map(|i| Sprite::new(format, seed, i as u64))
            .collect();
        let mut random = Random::new(seed, 2);
        let mut truth = Truth {
            cuts: timeline.scenes[1..].to_vec(),
            black: timeline.black.into_iter().collect(),
            frozen: timeline.frozen.into_iter().collect(),
            needle: needle(format, &timeline, &mut random),
            path_rule: PATH_RULE.to_owned(),
            scenes: Vec::with_capacity(scenes),
        };
        let mut views = Vec::with_capacity(scenes);
        for (i, &first) in timeline.scenes.iter().enumerate() {
            let end = timeline.scenes.get(i + 1).copied().unwrap_or(frames);
            // Every scene has its own order of things, and all but one of them.
            let mut cast: Vec<usize> = (0..sprites.len()).collect();
            if !cast.is_empty() {
                cast.rotate_left(i % SPRITES);
                cast.truncate(SPRITES - 1);
            }
            let pan = |side: u32, random: &mut Random| {
                let most = u64::from(side) / 240 + 1;
                (1 + random.below(most)) as u32
            };
            truth.scenes.push(SceneTruth {
                first,
                frames: end - first,
                pan_x: pan(format.width, &mut random),
                pan_y: pan(format.height / 2, &mut random),
                objects: cast
                    .iter()
                    .map(|&sprite| sprites[sprite].on_a_path(format, &mut random))
                    .collect(),
            });
            views.push(View {
                tile: i % variants as usize,
                start: (random.below(1 << 20), random.below(1 << 20)),
                sprites: cast,
            });
        }
        Ok(Self {
            format,
            timeline,
            truth,
            tiles,
            sprites,
            views,
        })
    }

    /// About the memory, in bytes, that a scene takes, and how much more it takes to prepare it.
    pub(super) fn memory(format: FrameFormat) -> (u64, u64) {
        let (tile, painting) = Tile::memory(format);
        (BACKGROUNDS as u64 * tile, painting)
    }

    /// How the frames' bytes are to be read.
    pub fn format(&self) -> FrameFormat {
        self.format
    }

    /// What happens in the frames.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// One frame as fresh bytes.
    pub fn frame(&self, index: u64) -> Vec<u8> {
        let mut frame = vec![0; self.format.bytes()];
        self.render(index, &mut frame);
        frame
    }

    /// Draws frame `index`.
    ///
    /// # Panics
    /// Unless `into` has the bytes of exactly one frame.
    pub fn render(&self, index: u64, into: &mut [u8]) {
        self.render_rows(index, 0..self.format.height, into);
    }

    /// The same as soon as possible, for somebody else to read: a large frame is drawn on all
    /// processors, and past their caches.
    ///
    /// # Panics
    /// As [`Self::render`].
    pub fn render_for_others(&self, index: u64, into: &mut [u8]) {
        if into.len() < LARGE {
            return self.render(index, into);
        }
        let stride = self.format.width as usize * pixel_bytes(self.format);
        let bands = into.par_chunks_mut(BAND as usize * stride);
        bands.enumerate().for_each(|(band, into)| {
            let first = band as u32 * BAND;
            let rows = first..first + (into.len() / stride) as u32;
            self.render_by(copy_past_cache, index, rows, into);
        });
    }

    /// Draws some rows of frame `index`.
    ///
    /// # Panics
    /// Unless `into` has the bytes of exactly these rows.
    pub fn render_rows(&self, index: u64, rows: Range<u32>, into: &mut [u8]) {
        self.render_by(copy, index, rows, into);
    }

    fn render_by(&self, copy: Copy, index: u64, rows: Range<u32>, into: &mut [u8]) {
        let stride = self.format.width as usize * pixel_bytes(self.format);
        assert_eq!(into.len(), rows.len() * stride, "rows {rows:?}");
        let Some(shown) = self.timeline.shown(index) else {
            into.fill(0);
            return;
        };
        let number = self.timeline.scene(shown);
        let (scene, view) = (&self.truth.scenes[number], &self.views[number]);
        let t = shown - scene.first;
        let placed: Vec<_> = scene
            .objects
            .iter()
            .zip(&view.sprites)
            .map(|(object, &sprite)| (self.position(object, t), &self.sprites[sprite]))
            .collect();
        for (y, out) in rows.zip(into.chunks_exact_mut(stride)) {
            self.ground_row(copy, scene, view, t, y, out);
            for ((left, top), sprite) in &placed {
                if let Some(inside) = y.checked_sub(*top).filter(|row| *row < sprite.height) {
                    sprite.draw_row(self.format, inside, *left, out);
                }
            }
            if let Some(needle) = &self.truth.needle
                && needle.frame == index
                && (needle.y..needle.y + needle.size).contains(&y)
            {
                let pixel = pixel_bytes(self.format);
                let from = needle.x as usize * pixel;
                out[from..from + needle.size as usize * pixel].fill(0xFF);
            }
        }
    }

    fn position(&self, object: &Object, t: u64) -> (u32, u32) {
        let bounce = |start: i64, speed: i64, room: u32| {
            let room = i64::from(room);
            if room == 0 {
                return 0;
            }
            let along = start
                .wrapping_add(speed.wrapping_mul(t as i64))
                .rem_euclid(2 * room);
            (room - (along - room).abs()) as u32
        };
        (
            bounce(object.x0, object.vx, self.format.width - object.width),
            bounce(object.y0, object.vy, self.format.height - object.height),
        )
    }

    /// The ground: pieces of the tile's row, from where the pan has come to.
    fn ground_row(
        &self,
        copy: Copy,
        scene: &SceneTruth,
        view: &View,
        t: u64,
        y: u32,
        out: &mut [u8],
    ) {
        let tile = &self.tiles[view.tile];
        let along = |start: u64, pan: u32, side: usize| {
            (start.wrapping_add(t.wrapping_mul(pan.into())) % side as u64) as usize
        };
        let x = along(view.start.0, scene.pan_x, tile.width);
        let y = (along(view.start.1, scene.pan_y, tile.height) + y as usize) % tile.height;
        let pixel = pixel_bytes(self.format);
        let row = &tile.bytes[y * tile.width * pixel..][..tile.width * pixel];
        let (first, rest) = out.split_at_mut(out.len().min(row.len() - x * pixel));
        copy(&row[x * pixel..][..first.len()], first);
        for piece in rest.chunks_mut(row.len()) {
            copy(&row[..piece.len()], piece);
        }
    }
}

/// How bytes get from the first to the second, which are as long.
type Copy = fn(&[u8], &mut [u8]);

fn copy(from: &[u8], into: &mut [u8]) {
    into.copy_from_slice(from);
}

/// A frame of more bytes than this leaves the nearer caches before all of it is written.
const LARGE: usize = 4 << 20;

/// Rows that are drawn in one go.
const BAND: u32 = 60;

/// The needle's place, if the pictures are larger than it.
fn needle(format: FrameFormat, timeline: &Timeline, random: &mut Random) -> Option<Needle> {
    let size = (format.width.min(format.height) / 270).max(1);
    let (x, y) = (
        random.below(u64::from(format.width - size + 1)) as u32,
        random.below(u64::from(format.height - size + 1)) as u32,
    );
    let frame = timeline.needle.filter(|_| format.pixels() > 1)?;
    Some(Needle {
        frame,
        x,
        y,
        size,
        value: match format.sample {
            Sample::U8 => 255,
            Sample::U16 => 65_535,
        },
    })
}

const SPRITES: usize = 6;

/// Pictures of less than 16 pixels a side have no room for things that move.
fn sprites_that_fit(format: FrameFormat) -> usize {
    if format.width.min(format.height) < 16 {
        0
    } else {
        SPRITES
    }
}

/// The colours of things, of 255: none of them is a colour of the ground.
const PAINTS: [[i32; 3]; SPRITES] = [
    [214, 58, 46],
    [44, 120, 214],
    [236, 188, 40],
    [140, 60, 170],
    [30, 160, 130],
    [238, 120, 150],
];

impl Sprite {
    fn new(format: FrameFormat, seed: u64, number: u64) -> Self {
        let mut random = Random::new(seed, 0x0B_1EC7 + number);
        let short = u64::from(format.width.min(format.height));
        let mut side = || (short / 12 + random.below(short / 6 + 1)).max(3) as u32;
        let (width, height) = (side(), side());
        let shape = if number.is_multiple_of(2) {
            Shape::Ellipse
        } else {
            Shape::Box
        };
        let paint = PAINTS[number as usize % SPRITES].map(|c| c * 257);
        let (w, h) = (width as usize, height as usize);
        let skin = Heights::new(
            random.next(),
            w.next_power_of_two().max(4),
            h.next_power_of_two().max(4),
            1,
        );
        let pixel = pixel_bytes(format);
        let mut bytes = vec![0; w * h * pixel];
        let spot = u64::from(width.min(height) / 8).pow(2);
        let middle = [0, 1, 2].map(|c| 65_535 - paint[c]);
        for (i, out) in bytes.chunks_exact_mut(pixel).enumerate() {
            let (x, y) = (i % w, i / w);
            let from_middle = x.abs_diff(w / 2).pow(2) + y.abs_diff(h / 2).pow(2);
            let colour = if from_middle as u64 <= spot {
                middle
            } else {
                let grain = 14_000 + ((skin.row(y)[x] * 3) >> 2);
                paint.map(|c| ((i64::from(c) * i64::from(grain)) >> 16) as i32)
            };
            put(format, colour, out);
        }
        let (centre, channels) = samples(format, middle);
        Self {
            shape,
            width,
            height,
            spans: (0..height).map(|y| span(shape, width, height, y)).collect(),
            bytes,
            centre: centre[..channels].to_vec(),
        }
    }

    /// The object that this becomes in one scene.
    fn on_a_path(&self, format: FrameFormat, random: &mut Random) -> Object {
        let speed = |side: u32, random: &mut Random| {
            let size = 1 + random.below(u64::from(side) / 100 + 1) as i64;
            if random.below(2) == 0 { size } else { -size }
        };
        Object {
            shape: self.shape,
            width: self.width,
            height: self.height,
            x0: random.below(u64::from(format.width)) as i64,
            y0: random.below(u64::from(format.height)) as i64,
            vx: speed(format.width, random),
            vy: speed(format.height, random),
            centre: self.centre.clone(),
        }
    }

    fn draw_row(&self, format: FrameFormat, row: u32, left: u32, out: &mut [u8]) {
        let pixel = pixel_bytes(format);
        let span = &self.spans[row as usize];
        let bytes = span.len() * pixel;
        let from = (row * self.width + span.start) as usize * pixel;
        let to = (left + span.start) as usize * pixel;
        out[to..to + bytes].copy_from_slice(&self.bytes[from..from + bytes]);
    }
}

/// The columns that a shape covers in row `y`.
fn span(shape: Shape, width: u32, height: u32, y: u32) -> Range<u32> {
    if shape == Shape::Box {
        return 0..width;
    }
    // Distances in half pixels: (x/w)² + (y/h)² ≤ 1.
    let (w, h) = (u64::from(width), u64::from(height));
    let off = (2 * u64::from(y) + 1).abs_diff(h);
    let half = (w * w * (h * h - off * off) / (h * h)).isqrt();
    let start = ((w - half) / 2) as u32;
    start..(width - start).max(start + 1)
}

#[cfg(test)]
#[path = "synthetic_tests.rs"]
mod tests;
