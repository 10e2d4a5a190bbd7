//! One frame as a file of its own.

use super::npy;
use crate::frame::{Colour, FrameFormat, Sample};
use image::codecs::{png, pnm, tiff};
use image::{ExtendedColorType, ImageEncoder};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

/// What a frame in a file of its own is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Raw samples behind a header.
    Npy,
    /// Compressed without loss.
    Png,
    /// Uncompressed TIFF.
    Tiff,
    /// PGM or PPM.
    Pnm,
}

impl FileFormat {
    pub(super) fn extension(self, colour: Colour) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Png => "png",
            Self::Tiff => "tiff",
            Self::Pnm if colour == Colour::Gray => "pgm",
            Self::Pnm => "ppm",
        }
    }
}

/// Writes one frame as a file of its own; returns its size.
pub(super) fn encode(
    file: &File,
    file_format: FileFormat,
    format: FrameFormat,
    bytes: &mut [u8],
) -> io::Result<u64> {
    if file_format == FileFormat::Npy {
        let header = npy::header_of(format, None).to_bytes();
        file.write_all_at(&header, 0)?;
        file.write_all_at(bytes, header.len() as u64)?;
        return Ok((header.len() + bytes.len()) as u64);
    }
    if cfg!(target_endian = "big") && format.sample == Sample::U16 {
        let (samples, _) = bytes.as_chunks_mut::<2>();
        samples.iter_mut().for_each(|sample| sample.swap(0, 1));
    }
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let colour = match (format.colour, format.sample) {
        (Colour::Gray, Sample::U8) => ExtendedColorType::L8,
        (Colour::Gray, Sample::U16) => ExtendedColorType::L16,
        (_, Sample::U8) => ExtendedColorType::Rgb8,
        (_, Sample::U16) => ExtendedColorType::Rgb16,
    };
    let (w, h) = (format.width, format.height);
    let encoded = match file_format {
        FileFormat::Tiff => tiff::TiffEncoder::new(&mut out).write_image(bytes, w, h, colour),
        FileFormat::Pnm => pnm::PnmEncoder::new(&mut out).write_image(bytes, w, h, colour),
        FileFormat::Png | FileFormat::Npy => {
            let (speed, filter) = (png::CompressionType::Level(2), png::FilterType::Sub);
            let encoder = png::PngEncoder::new_with_quality(&mut out, speed, filter);
            encoder.write_image(bytes, w, h, colour)
        }
    };
    encoded.map_err(|e| match e {
        image::ImageError::IoError(e) => e,
        other => io::Error::other(other),
    })?;
    out.flush()?;
    out.seek(SeekFrom::End(0))
}
