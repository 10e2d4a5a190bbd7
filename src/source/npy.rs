//! A `.npy` file: one frame, or many packed behind one another.

use super::npy_header::{Header, MAX_HEADER};
use super::reader::read_up_to;
use super::{FrameSet, Input, Kind, Layout, checked_format, extension, refuse};
use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat, Sample};
use std::fs::File;
use std::path::Path;

pub(super) static KIND: Kind = Kind {
    name: "npy",
    accepts: "FRAMES.npy",
    summary: "a NumPy array (N, H, W, C) of u8 or little-endian u16; can be mapped",
    claims: |input| {
        !input.is_folder && input.files == [input.path.clone()] && extension(&input.path) == "npy"
    },
    open,
};

/// More frames than this in one file (a month at 30 a second) are a damaged header.
const MAX_FRAMES: u64 = 100_000_000;

/// The frames of one `.npy` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frames {
    pub(super) format: FrameFormat,
    pub(super) frames: u64,
    /// Where the first one begins.
    pub(super) first: u64,
}

fn open(input: &Input) -> Result<FrameSet> {
    let file = File::open(&input.path).map_err(Error::io(&input.path, "cannot open"))?;
    let found = frames_of(&file).map_err(refuse(&input.path))?;
    Ok(FrameSet {
        input: input.typed.clone(),
        format: found.format,
        fps: None,
        files: [input.path.clone()].into(),
        layout: Layout::Packed {
            first: found.first,
            frames: found.frames as usize,
        },
        not_mappable: None,
    })
}

/// Reads the header of a `.npy` and understands its array as frames.
pub(super) fn frames_of(file: &File) -> Result<Frames, String> {
    let head = read_up_to(file, 0, 4096 + 16).map_err(|e| format!("cannot read: {e}"))?;
    let (header, first) = match Header::parse(&head) {
        Err(_) if head.len() >= 4096 => {
            let head = read_up_to(file, 0, MAX_HEADER).map_err(|e| format!("cannot read: {e}"))?;
            Header::parse(&head)?
        }
        parsed => parsed?,
    };
    let (format, frames) = understand(&header)?;
    Ok(Frames {
        format,
        frames,
        first: first as u64,
    })
}

/// What the axes and the type of an array mean as frames.
fn understand(header: &Header) -> Result<(FrameFormat, u64), String> {
    let sample = match header.descr.as_str() {
        "|u1" | "<u1" | ">u1" | "=u1" | "u1" => Sample::U8,
        "<u2" | "=u2" | "u2" => Sample::U16,
        ">u2" => {
            return Err(
                "its samples are big-endian (>u2), expected little-endian; convert it with \
                 array.astype('<u2')"
                    .into(),
            );
        }
        other => {
            return Err(format!(
                "its samples are {}, expected u8 or little-endian u16; convert it with \
                 array.astype('u1') or ('<u2')",
                describe(other)
            ));
        }
    };
    if header.fortran_order {
        return Err(
            "its array is in Fortran order, expected C order; save np.ascontiguousarray(array)"
                .into(),
        );
    }
    let shape = Shape(&header.shape);
    let (frames, height, width, channels) = match header.shape[..] {
        [n, h, w, c] => (n, h, w, c),
        [h, w, c] if c <= 4 => (1, h, w, c),
        [n, h, w] => (n, h, w, 1),
        [h, w] => (1, h, w, 1),
        _ => {
            return Err(format!(
                "its shape is {shape}; expected (N, H, W, C), (H, W, C), (N, H, W) or (H, W)"
            ));
        }
    };
    let colour = match channels {
        1 => Colour::Gray,
        3 => Colour::Rgb,
        4 => Colour::Rgba,
        _ => {
            return Err(format!(
                "its shape is {shape}, which has {channels} channels; expected 1, 3 or 4 in the \
                 last axis"
            ));
        }
    };
    if frames == 0 {
        return Err(format!("it holds no frames: its shape is {shape}"));
    }
    let format = checked_format(width, height, colour, sample)
        .map_err(|what| format!("{what} (its shape is {shape})"))?;
    let total = (format.bytes() as u64).checked_mul(frames);
    if frames > MAX_FRAMES || total.is_none_or(|bytes| bytes > i64::MAX as u64) {
        return Err(format!(
            "its shape is {shape}, more than a file can hold (damaged?)"
        ));
    }
    Ok((format, frames))
}

/// A shape as Python prints it.
struct Shape<'a>(&'a [u64]);

impl std::fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [one] => write!(f, "({one},)"),
            axes => {
                let axes: Vec<String> = axes.iter().map(u64::to_string).collect();
                write!(f, "({})", axes.join(", "))
            }
        }
    }
}

/// A NumPy type in words.
fn describe(descr: &str) -> String {
    let plain = descr.trim_start_matches(['<', '>', '|', '=']);
    let (kind, bytes) = plain.split_at(plain.len().min(1));
    let bits = bytes.parse::<u32>().unwrap_or(0).saturating_mul(8);
    let words = match kind {
        "f" => "floats",
        "u" => "unsigned integers",
        "i" => "signed integers",
        "c" => "complex numbers",
        "b" => return format!("booleans ({descr})"),
        _ => return format!("of the type {descr}"),
    };
    format!("{bits}-bit {words} ({descr})")
}

/// The header of a file that holds `frames` frames, or with None a single one.
///
/// Only formats with interleaved samples have one.
pub(super) fn header_of(format: FrameFormat, frames: Option<u64>) -> Header {
    let descr = match format.sample {
        Sample::U8 => "|u1",
        Sample::U16 => "<u2",
    };
    let axes = format.shape().into_iter().map(|n| n as u64);
    let shape: Vec<u64> = frames.into_iter().chain(axes).collect();
    Header::new(descr, &shape)
}

/// Where the samples of the single frame in `path` begin, if it is of that format.
pub(super) fn single_frame(path: &Path, file: &File, want: FrameFormat) -> Result<u64, String> {
    let name = path.display();
    let found = frames_of(file).map_err(|what| format!("{name}: {what}"))?;
    if found.frames != 1 {
        return Err(format!(
            "{name} holds {} frames, expected one (a packed file is opened by its own name)",
            found.frames
        ));
    }
    if found.format != want {
        return Err(format!(
            "{name} is {}, expected {want} as the first of the set",
            found.format
        ));
    }
    Ok(found.first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(descr: &str, shape: &[u64]) -> Result<String, String> {
        understand(&Header::new(descr, shape)).map(|(format, n)| format!("{n} of {format}"))
    }

    #[test]
    fn axes_mean_what_the_docs_say() {
        for (descr, shape, want) in [
            ("<u2", &[30, 2160, 3840, 3][..], "30 of 3840x2160 rgb16"),
            ("|u1", &[2, 5, 7, 4], "2 of 7x5 rgba8"),
            ("u1", &[5, 7, 1], "1 of 7x5 gray8"),
            ("u1", &[5, 7, 3], "1 of 7x5 rgb8"),
            ("<u2", &[9, 5, 7], "9 of 7x5 gray16"),
            ("<u2", &[5, 7], "1 of 7x5 gray16"),
        ] {
            assert_eq!(told(descr, shape).as_deref(), Ok(want));
        }
    }

    #[test]
    fn what_is_no_frames_is_refused_by_name() {
        for (descr, shape, says) in [
            ("<f4", &[2, 5, 7, 3][..], "32-bit floats (<f4)"),
            (">u2", &[2, 5, 7, 3], "big-endian"),
            ("<i8", &[2, 5, 7, 3], "64-bit signed integers"),
            ("|b1", &[2, 5], "booleans"),
            ("records", &[2, 5], "records"),
            ("|u1", &[5], "(5,)"),
            ("|u1", &[], "()"),
            ("|u1", &[0, 5, 7, 3], "no frames"),
            ("|u1", &[2, 0, 7, 3], "7x0"),
            ("|u1", &[2, 5, 7, 2], "2 channels"),
            ("|u1", &[2, 5, 7, 9], "9 channels"),
            ("|u1", &[u64::MAX, u64::MAX, u64::MAX, 3], "more than"),
            ("|u1", &[u64::MAX, 5, 7, 3], "more than"),
        ] {
            let error = told(descr, shape).unwrap_err();
            assert!(error.contains(says), "{says}: {error}");
        }
        let fortran = Header {
            fortran_order: true,
            ..Header::new("|u1", &[2, 5])
        };
        assert!(understand(&fortran).unwrap_err().contains("Fortran"));
    }

    proptest! {
        #[test]
        fn any_shape_is_understood_or_refused(shape in prop::collection::vec(any::<u64>(), 0..6)) {
            if let Ok((format, frames)) = understand(&Header::new("<u2", &shape)) {
                prop_assert!((format.bytes() as u64).checked_mul(frames).is_some());
            }
        }
    }
}
