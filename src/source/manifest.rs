//! `manifest.json`: what a generated set is, and the ground truth of its scene.
//!
//! Everything it states is true of the pixels, so an analyzer can be held against it. What did
//! not fit a set (a needle in a picture of one pixel, a cut in a single frame) is absent.
//!
//! ```
//! use framehaul::frame::{Colour, FrameFormat, Sample};
//! use framehaul::source::synthetic::Scene;
//! let format = FrameFormat::new(64, 48, Colour::Gray, Sample::U8);
//! let scene = Scene::new(format, 30, 1)?;
//! let truth = scene.truth();
//! let needle = truth.needle.as_ref().expect("30 frames have room for one");
//! let frame = scene.frame(needle.frame);
//! assert_eq!(frame[(needle.y * 64 + needle.x) as usize], 255);
//! # Ok::<(), framehaul::Error>(())
//! ```

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`Manifest::SCHEMA`].
    pub schema: String,
    /// Frames of the set.
    pub frames: u64,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 1 or 3.
    pub channels: u32,
    /// The pixel type's name, as `rgb16`.
    pub pixels: String,
    /// The sample type as NumPy names it.
    pub dtype: String,
    /// (N, H, W, C).
    pub shape: [u64; 4],
    /// Frames a second.
    pub fps: f64,
    /// What the scene was made from: the same seed gives the same bytes.
    pub seed: u64,
    /// The packed file, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<String>,
    /// The folder of single frames, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// The type of the single frames, as an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_format: Option<String>,
    /// What happens in the frames.
    pub truth: Truth,
}

impl Manifest {
    /// The schema that is written, and the only one that is read.
    pub const SCHEMA: &str = "framehaul.set/1";
    /// The name of the file itself.
    pub const FILE: &str = "manifest.json";
    /// The name of the packed file.
    pub const PACKED: &str = "frames.npy";
    /// The name of the folder of single frames.
    pub const FILES: &str = "frames";

    /// Reads the manifest of the set in `folder`.
    ///
    /// # Errors
    /// If it cannot be read, or is not of this schema.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(Self::FILE);
        let text = std::fs::read(&path).map_err(Error::io(&path, "cannot read"))?;
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|e| {
            Error::input(
                &path,
                format!("not the manifest of a generated set: {e} (generate it again)"),
            )
        })?;
        let schema = value.get("schema").and_then(|schema| schema.as_str());
        if schema != Some(Self::SCHEMA) {
            return Err(Error::input(
                &path,
                format!(
                    "its schema is {}, expected \"{}\"; generate the set again, or name the \
                     frames themselves",
                    schema.map_or("missing".to_owned(), |found| format!("\"{found}\"")),
                    Self::SCHEMA
                ),
            ));
        }
        serde_json::from_value(value)
            .map_err(|e| Error::input(&path, format!("damaged manifest: {e}; generate it again")))
    }
}

/// What happens in a set of synthetic frames.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// First frames of a new scene; the first scene's is not among them.
    pub cuts: Vec<u64>,
    /// Frames of zeros.
    pub black: Vec<Stretch>,
    /// Frames that are identical to the one before.
    pub frozen: Vec<Stretch>,
    /// One small mark in one frame, brighter than anything else in the set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needle: Option<Needle>,
    /// How to find an object: `x = bounce(x0 + vx * t, width of the frame - width)`, `y` alike,
    /// with `t = frame - scene.first` and `bounce(p, m) = m - |p mod 2m - m|` (0 if m is 0; mod is
    /// never negative). A frozen frame shows the last frame before its stretch.
    pub path_rule: String,
    /// The scenes, in order.
    pub scenes: Vec<SceneTruth>,
}

/// Consecutive frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first of them.
    pub first: u64,
    /// How many.
    pub frames: u64,
}

impl Stretch {
    /// Whether `frame` is one of them.
    pub fn contains(&self, frame: u64) -> bool {
        frame >= self.first && frame - self.first < self.frames
    }
}

/// A square of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needle {
    /// The only frame that has it.
    pub frame: u64,
    /// Its left column.
    pub x: u32,
    /// Its upper row.
    pub y: u32,
    /// Its side in pixels.
    pub size: u32,
    /// All of its samples; every other sample of the set is smaller.
    pub value: u16,
}

/// What is seen between two cuts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneTruth {
    /// Its first frame.
    pub first: u64,
    /// How many frames it has.
    pub frames: u64,
    /// Pixels that the background moves to the left in each frame.
    pub pan_x: u32,
    /// Pixels that the background moves up in each frame.
    pub pan_y: u32,
    /// Back to front: a later one covers those before.
    pub objects: Vec<Object>,
}

/// A textured thing with a spot of one colour in its middle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// `ellipse` or `box`.
    pub shape: Shape,
    /// Columns that it covers.
    pub width: u32,
    /// Rows that it covers.
    pub height: u32,
    /// Where its path begins; see [`Truth::path_rule`].
    pub x0: i64,
    /// Where its path begins.
    pub y0: i64,
    /// Pixels a frame.
    pub vx: i64,
    /// Pixels a frame.
    pub vy: i64,
    /// The samples of the pixel at (x + width / 2, y + height / 2), one a channel.
    pub centre: Vec<u16>,
}

/// The outline of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// The largest ellipse in its rectangle.
    Ellipse,
    /// All of its rectangle.
    Box,
}
