//! Frames: what their bytes mean, and views of them wherever they lie.
//!
//! A [`FrameFormat`] says how the bytes of one picture are to be read; a [`FrameView`] is a frame
//! borrowed from the heap, a file map or a message, without a copy. Sixteen-bit samples are little
//! endian and **may lie at odd addresses** (a `.y4m` puts them where its header ends), so views
//! hold bytes and kernels load unaligned.
//!
//! ```
//! use framehaul::frame::{Colour, FrameFormat, FrameView, Sample};
//! let format = FrameFormat::new(3840, 2160, Colour::Rgb, Sample::U16);
//! assert_eq!(format.bytes(), 49_766_400); // the "50 MB frame"
//! assert_eq!(format.to_string(), "3840x2160 rgb16");
//!
//! let small = FrameFormat::new(2, 1, Colour::Gray, Sample::U8);
//! assert!(FrameView::new(small, &[1, 2]).is_ok());
//! assert!(FrameView::new(small, &[1, 2, 3]).is_err());
//! ```

mod view;

pub use view::{FrameView, WrongLength};

use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sample {
    /// One byte.
    U8,
    /// Two bytes, little endian, at any address.
    U16,
}

impl Sample {
    /// The bytes that one sample takes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
        }
    }
}

/// What the samples of a pixel are, and how they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Colour {
    /// One sample a pixel: (H, W, 1).
    Gray,
    /// Interleaved red, green, blue: (H, W, 3).
    Rgb,
    /// Interleaved red, green, blue and an alpha that is ignored: (H, W, 4).
    Rgba,
    /// Planar 4:2:0: H × W of luma, then two planes of ⌈H/2⌉ × ⌈W/2⌉.
    Yuv420,
    /// Planar 4:2:2: H × W of luma, then two planes of H × ⌈W/2⌉.
    Yuv422,
    /// Planar 4:4:4: three planes of H × W.
    Yuv444,
}

/// How the bytes of one frame are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameFormat {
    /// Pixels in a row; at least 1.
    pub width: u32,
    /// Rows; at least 1.
    pub height: u32,
    /// The meaning and order of the samples.
    pub colour: Colour,
    /// The type of a sample.
    pub sample: Sample,
    /// Significant bits of a sample: 8 or 16, and 10 for a 10-bit y4m in 16-bit samples.
    pub depth: u8,
}

impl FrameFormat {
    /// A format whose samples use all of their bits.
    pub const fn new(width: u32, height: u32, colour: Colour, sample: Sample) -> Self {
        let depth = 8 * sample.bytes() as u8;
        Self {
            width,
            height,
            colour,
            sample,
            depth,
        }
    }

    /// Pixels of the luma plane: width × height.
    pub const fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Samples of the whole frame, all planes and channels.
    pub const fn samples(&self) -> usize {
        let (w, h) = (self.width as usize, self.height as usize);
        match self.colour {
            Colour::Gray => w * h,
            Colour::Rgb | Colour::Yuv444 => 3 * w * h,
            Colour::Rgba => 4 * w * h,
            Colour::Yuv420 => w * h + 2 * w.div_ceil(2) * h.div_ceil(2),
            Colour::Yuv422 => w * h + 2 * w.div_ceil(2) * h,
        }
    }

    /// Bytes of one frame.
    pub const fn bytes(&self) -> usize {
        self.samples() * self.sample.bytes()
    }

    /// The shape as an array: (H, W, C) where the samples are interleaved; planar YUV, which is
    /// no array of pixels, is one axis of samples.
    pub fn shape(&self) -> Vec<usize> {
        let (w, h) = (self.width as usize, self.height as usize);
        match self.colour {
            Colour::Gray => vec![h, w, 1],
            Colour::Rgb => vec![h, w, 3],
            Colour::Rgba => vec![h, w, 4],
            Colour::Yuv420 | Colour::Yuv422 | Colour::Yuv444 => vec![self.samples()],
        }
    }

    /// A format of no size with the pixels of that [name](Self::pixel_name); none if there are no
    /// such.
    pub fn parse_pixels(name: &str) -> Option<Self> {
        use Colour::{Gray, Rgb, Rgba, Yuv420, Yuv422, Yuv444};
        let colours = [Gray, Rgb, Rgba, Yuv420, Yuv422, Yuv444].into_iter();
        let depths = [
            (Sample::U8, 8),
            (Sample::U16, 10),
            (Sample::U16, 12),
            (Sample::U16, 16),
        ];
        let mut all = colours.flat_map(|colour| {
            depths.map(|(sample, depth)| Self {
                depth,
                ..Self::new(0, 0, colour, sample)
            })
        });
        all.find(|format| format.pixel_name() == name)
    }

    /// The pixel type's name: `rgb16`, `gray8`, `yuv420p10`.
    pub fn pixel_name(&self) -> String {
        let depth = self.depth;
        match self.colour {
            Colour::Gray => format!("gray{depth}"),
            Colour::Rgb => format!("rgb{depth}"),
            Colour::Rgba => format!("rgba{depth}"),
            Colour::Yuv420 => format!("yuv420p{depth}"),
            Colour::Yuv422 => format!("yuv422p{depth}"),
            Colour::Yuv444 => format!("yuv444p{depth}"),
        }
    }
}

impl fmt::Display for FrameFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} {}", self.width, self.height, self.pixel_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planar_formats_round_odd_sizes_up() {
        let odd = FrameFormat::new(5, 3, Colour::Yuv420, Sample::U8);
        assert_eq!(odd.bytes(), 15 + 2 * 3 * 2);
        let odd = FrameFormat::new(5, 3, Colour::Yuv422, Sample::U16);
        assert_eq!(odd.bytes(), 2 * (15 + 2 * 3 * 3));
    }
}
