//! A frame borrowed from wherever its bytes lie.

use super::FrameFormat;

/// A frame that somebody else holds: its format, and exactly its bytes.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    format: FrameFormat,
    bytes: &'a [u8],
}

/// The bytes are not as many as the format needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} bytes where a {format} frame has {}", format.bytes())]
pub struct WrongLength {
    format: FrameFormat,
    found: usize,
}

impl<'a> FrameView<'a> {
    /// A view of `bytes` as a frame of that format.
    ///
    /// # Errors
    /// [`WrongLength`] unless there are exactly [`FrameFormat::bytes`] of them.
    pub fn new(format: FrameFormat, bytes: &'a [u8]) -> Result<Self, WrongLength> {
        if bytes.len() == format.bytes() {
            Ok(Self { format, bytes })
        } else {
            Err(WrongLength {
                format,
                found: bytes.len(),
            })
        }
    }

    /// How the bytes are to be read.
    pub const fn format(&self) -> FrameFormat {
        self.format
    }

    /// All of the frame's bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes of row `y` of what the luma is made from: the interleaved samples of a gray or
    /// RGB frame, the luma plane's samples of a planar one.
    ///
    /// # Panics
    /// If `y` is not below the height.
    pub fn row(&self, y: usize) -> &'a [u8] {
        use super::Colour::{Gray, Rgb, Rgba, Yuv420, Yuv422, Yuv444};
        let channels = match self.format.colour {
            Gray | Yuv420 | Yuv422 | Yuv444 => 1,
            Rgb => 3,
            Rgba => 4,
        };
        let stride = self.format.width as usize * channels * self.format.sample.bytes();
        assert!(
            y < self.format.height as usize,
            "row {y} is not in the frame"
        );
        &self.bytes[y * stride..(y + 1) * stride]
    }
}
