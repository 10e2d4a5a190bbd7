//! ffmpeg's pixel formats, and which of ours holds the same samples.
//!
//! Only what keeps every sample's value is here: formats that are as ours, and those whose samples
//! have another order, which ffmpeg puts right without arithmetic. What would have to be computed
//! (other colours, other depths, other chroma) is left to a person to ask ffmpeg for.

use crate::frame::{Colour, Sample};

/// What ffmpeg is asked to write, and what that is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    /// The format for ffmpeg's `-pix_fmt`.
    pub(super) written: &'static str,
    pub(super) colour: Colour,
    /// Significant bits of a sample.
    pub(super) depth: u8,
    /// Whether an alpha is not written.
    pub(super) drops_alpha: bool,
}

impl Pixels {
    /// What frames in ffmpeg's format `native` are written as; none if that would change a sample.
    pub(super) fn of(native: &str) -> Option<Self> {
        let same = SAME.iter().find(|(.., natives)| natives.contains(&native));
        same.map(|&(written, colour, depth, _)| Self {
            written,
            colour,
            depth,
            drops_alpha: native.starts_with("yuva") || native.starts_with("ya"),
        })
    }

    pub(super) fn sample(&self) -> Sample {
        if self.depth > 8 {
            Sample::U16
        } else {
            Sample::U8
        }
    }
}

/// What is written, what that is to us, and all that it is written for. The `yuvj` formats are those
/// of JPEG, of full range; written as anything else, ffmpeg would scale them.
#[rustfmt::skip]
static SAME: &[(&str, Colour, u8, &[&str])] = {
    use Colour::{Gray, Rgb, Rgba, Yuv420, Yuv422, Yuv444};
    &[
        ("gray", Gray, 8, &["gray", "ya8"]),
        ("gray10le", Gray, 10, &["gray10le", "gray10be"]),
        ("gray12le", Gray, 12, &["gray12le", "gray12be"]),
        ("gray16le", Gray, 16, &["gray16le", "gray16be", "ya16le"]),
        ("yuv420p", Yuv420, 8, &["yuv420p", "yuva420p", "nv12", "nv21"]),
        ("yuv422p", Yuv422, 8, &["yuv422p", "yuva422p", "nv16", "yuyv422", "uyvy422", "yvyu422"]),
        ("yuv444p", Yuv444, 8, &["yuv444p", "yuva444p", "nv24", "nv42"]),
        ("yuvj420p", Yuv420, 8, &["yuvj420p"]),
        ("yuvj422p", Yuv422, 8, &["yuvj422p"]),
        ("yuvj444p", Yuv444, 8, &["yuvj444p"]),
        ("yuv420p10le", Yuv420, 10, &["yuv420p10le", "yuv420p10be", "yuva420p10le", "p010le"]),
        ("yuv422p10le", Yuv422, 10, &["yuv422p10le", "yuv422p10be", "yuva422p10le", "p210le", "y210le"]),
        ("yuv444p10le", Yuv444, 10, &["yuv444p10le", "yuv444p10be", "yuva444p10le", "p410le"]),
        ("yuv420p12le", Yuv420, 12, &["yuv420p12le", "yuv420p12be", "p012le"]),
        ("yuv422p12le", Yuv422, 12, &["yuv422p12le", "yuv422p12be", "yuva422p12le", "p212le", "y212le"]),
        ("yuv444p12le", Yuv444, 12, &["yuv444p12le", "yuv444p12be", "yuva444p12le", "p412le"]),
        ("yuv420p16le", Yuv420, 16, &["yuv420p16le", "yuv420p16be", "yuva420p16le", "p016le"]),
        ("yuv422p16le", Yuv422, 16, &["yuv422p16le", "yuv422p16be", "yuva422p16le", "p216le"]),
        ("yuv444p16le", Yuv444, 16, &["yuv444p16le", "yuv444p16be", "yuva444p16le", "p416le"]),
        ("rgb24", Rgb, 8, &["rgb24", "bgr24", "gbrp", "rgb0", "bgr0", "0rgb", "0bgr"]),
        ("rgb48le", Rgb, 16, &["rgb48le", "rgb48be", "bgr48le", "gbrp16le"]),
        ("rgba", Rgba, 8, &["rgba", "bgra", "argb", "abgr", "gbrap", "pal8"]),
        ("rgba64le", Rgba, 16, &["rgba64le", "rgba64be", "gbrap16le"]),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_written_as_one_and_what_is_written_is_itself() {
        let mut seen = std::collections::HashSet::new();
        for (written, .., natives) in SAME {
            assert_eq!(natives[0], *written);
            for native in *natives {
                assert!(seen.insert(native), "{native} is there twice");
                assert_eq!(Pixels::of(native).unwrap().written, *written);
            }
        }
    }

    #[test]
    fn full_range_alpha_and_depth_are_kept_in_mind() {
        let of = |native| Pixels::of(native).unwrap();
        assert_eq!(of("yuvj420p").written, "yuvj420p");
        assert!(of("yuva420p").drops_alpha && of("ya8").drops_alpha);
        assert!(!of("bgra").drops_alpha && !of("yuv420p").drops_alpha);
        assert_eq!(
            (of("p010le").depth, of("p010le").sample()),
            (10, Sample::U16)
        );
        assert_eq!((of("nv12").depth, of("nv12").sample()), (8, Sample::U8));
    }

    #[test]
    fn what_would_be_computed_is_not_there() {
        for native in [
            "yuv411p",
            "rgb565le",
            "gbrp10le",
            "bayer_rggb8",
            "xyz12le",
            "vaapi",
            "",
        ] {
            assert_eq!(Pixels::of(native), None, "{native}");
        }
    }
}
