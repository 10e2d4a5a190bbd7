//! A folder or glob of pictures, decoded where they are needed; a single picture is a set of one.

use super::{FrameSet, Input, Kind, Layout, checked_format, extension};
use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat, Sample};
use image::{ColorType, ImageDecoder, ImageReader, Limits};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

pub(super) static KIND: Kind = Kind {
    name: "images",
    accepts: "FOLDER, 'GLOB*.png', PICTURE",
    summary: "PNG, JPEG, TIFF or PNM pictures in the natural order of their names; decoded",
    claims: |input| input.files.iter().any(|file| is_picture(file)),
    open,
};

/// Extensions of files that are taken for pictures; what they hold decides how they are decoded.
pub(super) const EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "tif", "tiff", "pnm", "ppm", "pgm", "pbm", "pam",
];

pub(super) fn is_picture(path: &Path) -> bool {
    EXTENSIONS.contains(&extension(path).as_str())
}

fn open(input: &Input) -> Result<FrameSet> {
    let is_picture = |path: &&PathBuf| is_picture(path);
    let files: Vec<PathBuf> = input.files.iter().filter(is_picture).cloned().collect();
    // The first picture whose header can be read says what all should be; the others are
    // compared with it when they are read.
    let mut first_fault = None;
    let format = files.iter().find_map(|path| {
        header(path)
            .map(|(format, _)| format)
            .map_err(|what| first_fault.get_or_insert(Error::input(path, what)))
            .ok()
    });
    let Some(format) = format else {
        return Err(first_fault.unwrap_or_else(|| Error::input(&input.path, "no pictures")));
    };
    let places = vec![None; files.len()];
    let why = format!("{} must be decoded", files[0].display());
    Ok(FrameSet {
        input: input.typed.clone(),
        format,
        fps: None,
        files: files.into(),
        layout: Layout::Single(places.into()),
        not_mappable: Some(why.into()),
    })
}

type Decoder = Box<dyn ImageDecoder>;

/// Reads a picture's header: its format as a frame, and a decoder that is ready to go on.
fn header(path: &Path) -> Result<(FrameFormat, Decoder), String> {
    let file = File::open(path).map_err(|e| format!("cannot open: {e}"))?;
    if file.metadata().is_ok_and(|meta| meta.len() == 0) {
        return Err("the file is empty; expected a picture".into());
    }
    let not_decoded = |e: image::ImageError| format!("does not decode: {e}");
    let reader = ImageReader::new(BufReader::with_capacity(1 << 16, file))
        .with_guessed_format()
        .map_err(|e| format!("cannot read: {e}"))?;
    if reader.format().is_none() {
        return Err(
            "does not decode: its first bytes are of no picture type (PNG, JPEG, TIFF, PNM)".into(),
        );
    }
    let mut decoder: Decoder = Box::new(reader.into_decoder().map_err(not_decoded)?);
    let (width, height) = decoder.dimensions();
    let (colour, sample) = match decoder.color_type() {
        ColorType::L8 | ColorType::La8 => (Colour::Gray, Sample::U8),
        ColorType::L16 | ColorType::La16 => (Colour::Gray, Sample::U16),
        ColorType::Rgb8 => (Colour::Rgb, Sample::U8),
        ColorType::Rgb16 => (Colour::Rgb, Sample::U16),
        ColorType::Rgba8 => (Colour::Rgba, Sample::U8),
        ColorType::Rgba16 => (Colour::Rgba, Sample::U16),
        other => {
            return Err(format!(
                "its pixels are {other:?}, expected 8 or 16 bits a sample (convert it, for \
                 instance to a 16-bit PNG)"
            ));
        }
    };
    let format = checked_format(width.into(), height.into(), colour, sample)?;
    // A decoder's own working memory is bounded by the picture that it claims to hold.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(4 * decoder.total_bytes() + (64 << 20));
    decoder.set_limits(limits).map_err(not_decoded)?;
    Ok((format, decoder))
}

/// Decodes the picture in `path` into `into`, if it is of that format.
pub(super) fn decode(path: &Path, want: FrameFormat, into: &mut [u8]) -> Result<(), String> {
    let named = |what: String| format!("{}: {what}", path.display());
    let (found, decoder) = header(path).map_err(named)?;
    if found != want {
        return Err(format!(
            "{} is {found}, expected {want} as the first of the set",
            path.display()
        ));
    }
    let not_decoded = |e| named(format!("does not decode: {e} (damaged or cut off?)"));
    if matches!(decoder.color_type(), ColorType::La8 | ColorType::La16) {
        let mut with_alpha = vec![0; decoder.total_bytes() as usize];
        decoder.read_image(&mut with_alpha).map_err(not_decoded)?;
        drop_alpha(&with_alpha, want.sample.bytes(), into);
    } else {
        decoder.read_image(into).map_err(not_decoded)?;
    }
    if cfg!(target_endian = "big") && want.sample == Sample::U16 {
        into.as_chunks_mut::<2>()
            .0
            .iter_mut()
            .for_each(|b| b.swap(0, 1));
    }
    Ok(())
}

/// Takes each gray sample and leaves the alpha that lies behind it.
fn drop_alpha(from: &[u8], sample: usize, into: &mut [u8]) {
    let pairs = from.chunks_exact(2 * sample);
    for (gray, pair) in into.chunks_exact_mut(sample).zip(pairs) {
        gray.copy_from_slice(&pair[..sample]);
    }
}
