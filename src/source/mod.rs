//! Where frames come from.
//!
//! [`FrameSet::open`] takes what a person types: a generated set's folder, a `.npy`, a `.y4m`, a
//! folder or glob of pictures. It reads headers, never pixels, and knows afterwards where each
//! frame lies ([`Place`]). A [`Reader`] turns a place into bytes; frames that lie in a file as
//! they are can be mapped instead, without a copy.
//!
//! ```
//! use framehaul::source::{FrameSet, Reader};
//! let clip = FrameSet::open("data/clip.y4m")?;
//! assert_eq!(clip.format().to_string(), "64x48 yuv420p8");
//! assert!(clip.mappable());
//!
//! let mut frame = vec![0; clip.format().bytes()];
//! Reader::default().frame(&clip, 3, &mut frame).unwrap();
//! assert_eq!(frame.len(), 64 * 48 * 3 / 2);
//! # Ok::<(), framehaul::Error>(())
//! ```
//!
//! What is in no file, or has to be decoded from its beginning, is [`Live`]. [`Source::open`] takes
//! either, and frames of both can be had as a [`Stream`], one after the other.
//!
//! Each kind of input is one file here and one line of [`KINDS`] or [`LIVE_KINDS`]. What a broken input may do:
//! a set that cannot be understood is refused by [`FrameSet::open`]; a single frame that is cut
//! off, does not decode or has another size fails alone, in [`Reader::read`]. Both say in one
//! sentence what was found, what was expected and what to do.
//!
//! [`synthetic`] draws scenes whose every event is known, and [`generate()`] writes them to disk.

mod camera;
mod decoded;
mod encode;
mod ffmpeg;
mod ffmpeg_log;
mod framed;
pub mod generate;
mod generated;
mod identity;
mod images;
mod listing;
pub mod manifest;
mod npy;
mod npy_files;
pub mod npy_header;
mod pipe;
mod pix_fmt;
mod reader;
mod staging;
mod stdin;
mod stream;
pub mod synthetic;
mod texture;
mod timeline;
mod video;
mod y4m;

pub use generate::generate;
pub use reader::Reader;
pub(crate) use reader::beyond_end;
#[cfg(feature = "cli")]
pub(crate) use staging::Staging;
pub use stream::{Arrival, LIVE_KINDS, Live, LiveKind, Source, Stream};

use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat, Sample};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One kind of input: what `framehaul list` says of it, and how it is recognised and opened.
#[derive(Debug)]
pub struct Kind {
    /// One word.
    pub name: &'static str,
    /// What a person types for it.
    pub accepts: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    claims: fn(&Input) -> bool,
    open: fn(&Input) -> Result<FrameSet>,
}

/// Every kind of input, in the order in which they are asked whether they know it.
pub static KINDS: &[&Kind] = &[
    &generated::KIND,
    &npy::KIND,
    &y4m::KIND,
    &npy_files::KIND,
    &images::KIND,
];

/// What was typed, looked up once.
#[derive(Debug)]
struct Input {
    typed: String,
    path: PathBuf,
    /// The files that a folder or glob stands for, naturally sorted, without hidden ones;
    /// a plain file stands for itself.
    files: Vec<PathBuf>,
    is_folder: bool,
}

/// Many frames on disk, opened and checked; no pixel has been read.
///
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct FrameSet {
    input: String,
    format: FrameFormat,
    fps: Option<f64>,
    files: Arc<[PathBuf]>,
    layout: Layout,
    not_mappable: Option<Arc<str>>,
}

/// How large a frame set is: what tells it from another one of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SetSize {
    /// Its frames.
    pub frames: u64,
    /// The bytes of all its files.
    pub bytes: u64,
}

/// How the frames lie in the files.
#[derive(Clone, Debug)]
enum Layout {
    /// One file, one frame after the other.
    Packed { first: u64, frames: usize },
    /// One file, frames at these offsets.
    Offsets(Arc<[u64]>),
    /// A file each, samples from this offset on; None where the file must be decoded, or is not
    /// what it should be and will be found out by the reader.
    Single(Arc<[Option<u64>]>),
}

/// Where one frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Its bytes, as they are, from `offset` on in `files()[file]`.
    Raw {
        /// Index into [`FrameSet::files`].
        file: u32,
        /// Byte offset of the frame's first sample.
        offset: u64,
    },
    /// Compressed, alone in `files()[file]`: it must be decoded.
    Encoded {
        /// Index into [`FrameSet::files`].
        file: u32,
    },
}

impl FrameSet {
    /// Opens a generated set's folder, a `.npy`, a `.y4m`, a folder or glob of images.
    ///
    /// # Errors
    /// One sentence if there is no such input, nobody can read it, or it holds no frame.
    pub fn open(input: &str) -> Result<Self> {
        let looked_up = listing::look_up(input)?;
        match KINDS.iter().find(|kind| (kind.claims)(&looked_up)) {
            Some(kind) => (kind.open)(&looked_up),
            None => Err(listing::unknown(&looked_up)),
        }
    }

    /// What the user typed.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// Frames it says it has, including those cut off.
    pub fn len(&self) -> usize {
        match &self.layout {
            Layout::Packed { frames, .. } => *frames,
            Layout::Offsets(offsets) => offsets.len(),
            Layout::Single(files) => files.len(),
        }
    }

    /// Never true: a set without frames is refused when opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How large it is now. A file that cannot be found any more has no bytes.
    pub fn size(&self) -> SetSize {
        let files = self.files.iter();
        let bytes = files.map(|file| file.metadata().map_or(0, |file| file.len()));
        SetSize {
            frames: self.len() as u64,
            bytes: bytes.sum(),
        }
    }

    /// The format that every frame has (or is failed for not having).
    pub fn format(&self) -> FrameFormat {
        self.format
    }

    /// The rate its header or manifest states.
    pub fn fps(&self) -> Option<f64> {
        self.fps
    }

    /// The files, in order.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Where frame `index` (below `len`) lies.
    ///
    /// # Panics
    /// If `index` is not below `len`.
    pub fn place(&self, index: usize) -> Place {
        assert!(index < self.len(), "frame {index} is not in the set");
        match &self.layout {
            Layout::Packed { first, .. } => Place::Raw {
                file: 0,
                offset: first + index as u64 * self.format.bytes() as u64,
            },
            Layout::Offsets(offsets) => Place::Raw {
                file: 0,
                offset: offsets[index],
            },
            Layout::Single(files) => {
                let file = index as u32;
                match files[index] {
                    Some(offset) => Place::Raw { file, offset },
                    None => Place::Encoded { file },
                }
            }
        }
    }

    /// The file that frame `index` lies in, and the offset of its samples if they are there as they are:
    /// what [`Reader::read`] takes.
    ///
    /// # Panics
    /// If `index` is not below `len`.
    pub fn file_of(&self, index: usize) -> (&Path, Option<u64>) {
        let (file, offset) = match self.place(index) {
            Place::Raw { file, offset } => (file, Some(offset)),
            Place::Encoded { file } => (file, None),
        };
        (&self.files[file as usize], offset)
    }

    /// Whether all frames are raw bytes in files, so that they can be mapped.
    pub fn mappable(&self) -> bool {
        self.not_mappable.is_none()
    }

    /// Why the set cannot be mapped, as the end of a sentence; None if it can.
    pub fn why_not_mappable(&self) -> Option<&str> {
        self.not_mappable.as_deref()
    }
}

/// The largest frame that is taken for one; beyond it a header is nonsense or an attack.
const MAX_FRAME_BYTES: u64 = 1 << 32;

/// A format from the numbers of a header, which may be anything.
fn checked_format(
    width: u64,
    height: u64,
    colour: Colour,
    sample: Sample,
) -> Result<FrameFormat, String> {
    let absurd = || {
        format!(
            "it claims frames of {width}x{height} pixels, more than the {} GiB a frame may have",
            MAX_FRAME_BYTES >> 30
        )
    };
    if width == 0 || height == 0 {
        return Err(format!(
            "it claims frames of {width}x{height} pixels, which have none"
        ));
    }
    // Four samples a pixel are the most that any colour has; chroma planes round up, which for
    // a side of one pixel is covered by the four as well.
    let most = width
        .checked_mul(height)
        .and_then(|n| n.checked_mul(4 * sample.bytes() as u64));
    let sides = (u32::try_from(width), u32::try_from(height));
    let (Some(_), (Ok(width), Ok(height))) = (most, sides) else {
        return Err(absurd());
    };
    let format = FrameFormat::new(width, height, colour, sample);
    if format.bytes() as u64 > MAX_FRAME_BYTES {
        return Err(absurd());
    }
    Ok(format)
}

/// The extension in lower case.
fn extension(path: &Path) -> String {
    let ext = path.extension().unwrap_or_default();
    ext.to_string_lossy().to_ascii_lowercase()
}

/// [`Error::Input`] for `map_err`.
fn refuse(path: &Path) -> impl FnOnce(String) -> Error + '_ {
    move |what| Error::input(path, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_unique_names_and_say_what_they_are() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..i].iter().all(|other| other.name != kind.name));
            assert!(!kind.accepts.is_empty() && !kind.summary.is_empty());
        }
    }

    #[test]
    fn numbers_of_any_size_make_a_format_or_a_sentence() {
        let check = |w, h| checked_format(w, h, Colour::Rgba, Sample::U16);
        assert!(check(3840, 2160).is_ok());
        for (w, h) in [
            (0, 5),
            (u64::MAX, u64::MAX),
            (1 << 33, 1),
            (1 << 31, 1 << 31),
        ] {
            assert!(check(w, h).is_err(), "{w}x{h}");
        }
        assert!(checked_format(1, 1, Colour::Yuv420, Sample::U8).is_ok());
    }
}
