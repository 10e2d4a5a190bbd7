//! Sizes of frames, as they are typed.

use std::str::FromStr;

/// Width and height in pixels, typed as `3840x2160`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub width: u32,
    pub height: u32,
}

/// The longest side of a frame that is drawn.
const MAX_SIDE: u32 = 32_768;

impl Size {
    pub(super) const fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once(['x', 'X', '×']);
        let sides = sides.and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        match sides {
            Some((width, height))
                if (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height) =>
            {
                Ok(Self { width, height })
            }
            Some(_) => Err(format!("each side must be from 1 to {MAX_SIDE} pixels")),
            None => Err("expected WIDTHxHEIGHT, as 3840x2160".into()),
        }
    }
}
