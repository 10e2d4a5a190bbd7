//! `camera:WxH@FPS`: a synthetic camera, whose frames are in no file.
//!
//! It shows a [`Scene`] of [`LOOP`] frames again and again. Frame i is a pure function of i: two
//! cameras of one description see the same.

use super::stream::{Arrival, Live, LiveKind, Stream};
use super::synthetic::Scene;
use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(super) static KIND: LiveKind = LiveKind {
    name: "camera",
    accepts: "camera:WxH[@FPS][:PIXELS]",
    summary: "a synthetic camera: paced at FPS or flat out, endless; rgb16 unless PIXELS says else",
    claims: |input| input.starts_with(PREFIX),
    open: |input, _| Ok(Arc::new(Camera::parse(input)?)),
};

const PREFIX: &str = "camera:";

/// Frames until it shows the same again.
const LOOP: u64 = 600;

/// Paces that make sense, in frames a second.
const PACES: std::ops::RangeInclusive<f64> = 0.001..=100_000.0;

/// The longest side of a frame that is drawn.
const MAX_SIDE: u32 = 32_768;

#[derive(Debug)]
struct Camera {
    typed: String,
    format: FrameFormat,
    fps: Option<f64>,
}

impl Camera {
    fn parse(typed: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::Usage(format!(
                "{typed}: {what}; a camera is camera:WxH@FPS, as camera:3840x2160@60, and \
                 camera:1920x1080@30:yuv420p8 for other pixels than rgb16"
            ))
        };
        let mut parts = typed[PREFIX.len()..].splitn(2, ':');
        let (place, pixels) = (parts.next().unwrap_or(""), parts.next().unwrap_or("rgb16"));
        let (size, fps) = match place.split_once('@') {
            Some((size, fps)) => (size, Some(fps)),
            None => (place, None),
        };
        let side = |text: &str| {
            text.parse()
                .ok()
                .filter(|side| (1..=MAX_SIDE).contains(side))
        };
        let sides = size.split_once('x');
        let sides = sides.and_then(|(w, h)| Some((side(w)?, side(h)?)));
        let (width, height) = sides.ok_or_else(|| {
            wrong(&format!(
                "{size:?} is no size of 1 to {MAX_SIDE} pixels a side"
            ))
        })?;
        let pixels = FrameFormat::parse_pixels(pixels)
            .ok_or_else(|| wrong(&format!("there are no pixels {pixels:?}")))?;
        let fps = fps.map(|text| {
            let fps = text.parse().ok().filter(|fps| PACES.contains(fps));
            fps.ok_or_else(|| {
                let (least, most) = (PACES.start(), PACES.end());
                wrong(&format!(
                    "{text:?} is no rate from {least} to {most} frames a second"
                ))
            })
        });
        let fps = fps.transpose()?;
        Ok(Self {
            typed: typed.to_owned(),
            format: FrameFormat {
                width,
                height,
                ..pixels
            },
            fps,
        })
    }
}

impl Live for Camera {
    fn input(&self) -> &str {
        &self.typed
    }
    fn format(&self) -> FrameFormat {
        self.format
    }
    fn fps(&self) -> Option<f64> {
        self.fps
    }
    fn is_paced(&self) -> bool {
        self.fps.is_some()
    }
    fn is_endless(&self) -> bool {
        true
    }
    fn memory(&self) -> u64 {
        Picture::memory(self.format)
    }
    fn stream(&self, first: u64) -> Result<Box<dyn Stream>> {
        Ok(Box::new(View {
            picture: Picture::new(self.format)?,
            next: first,
        }))
    }
}

/// What the camera sees, from some frame on.
struct View {
    picture: Picture,
    next: u64,
}

impl Stream for View {
    fn await_next(&mut self, stop: &AtomicBool) -> Result<Arrival> {
        Ok(Arrival::at_once(stop))
    }

    fn fill(&mut self, into: &mut [u8], _: &AtomicBool) -> std::result::Result<(), String> {
        self.picture.draw(self.next % LOOP, into);
        self.next += 1;
        Ok(())
    }

    fn skip(&mut self, _: &AtomicBool) {
        self.next += 1;
    }
}

/// What is to be seen in a frame.
struct Picture {
    /// Those that [`parts`] names, in the order in which they lie in the frame.
    scenes: Vec<Scene>,
    /// Room for a row of RGB that lacks the alpha, if the frame has one.
    opaque: Option<Vec<u8>>,
    /// Bits of a sample that are drawn and that the format does not use.
    unused: u8,
}

const SEED: u64 = 1;

/// Scenes are gray or RGB: those that frames of other formats are put together from, and the seed
/// of each.
fn parts(format: FrameFormat) -> Vec<(FrameFormat, u64)> {
    let part = |width, height, colour| FrameFormat::new(width, height, colour, format.sample);
    let (w, h) = (format.width, format.height);
    let planes = |chroma_w, chroma_h| {
        let chroma = part(chroma_w, chroma_h, Colour::Gray);
        // One of them of luma's seed, as they move together.
        vec![
            (part(w, h, Colour::Gray), SEED),
            (chroma, SEED),
            (chroma, SEED + 1),
        ]
    };
    match format.colour {
        Colour::Gray => vec![(part(w, h, Colour::Gray), SEED)],
        Colour::Rgb | Colour::Rgba => vec![(part(w, h, Colour::Rgb), SEED)],
        Colour::Yuv420 => planes(w.div_ceil(2), h.div_ceil(2)),
        Colour::Yuv422 => planes(w.div_ceil(2), h),
        Colour::Yuv444 => planes(w, h),
    }
}

impl Picture {
    fn new(format: FrameFormat) -> Result<Self> {
        let scenes = parts(format).into_iter();
        let scenes = scenes.map(|(part, seed)| Scene::new(part, LOOP, seed));
        let row = || vec![0; format.width as usize * 3 * format.sample.bytes()];
        Ok(Self {
            scenes: scenes.collect::<Result<_>>()?,
            opaque: (format.colour == Colour::Rgba).then(row),
            unused: 8 * format.sample.bytes() as u8 - format.depth,
        })
    }

    /// About the bytes of memory that it takes, the most while one of its scenes is prepared.
    fn memory(format: FrameFormat) -> u64 {
        let scenes = parts(format)
            .into_iter()
            .map(|(part, _)| Scene::memory(part));
        let (kept, preparing): (Vec<_>, Vec<_>) = scenes.unzip();
        kept.iter().sum::<u64>() + preparing.into_iter().max().unwrap_or(0)
    }

    fn draw(&mut self, index: u64, into: &mut [u8]) {
        if let Some(row) = &mut self.opaque {
            draw_opaque(&self.scenes[0], row, index, into);
        } else {
            let mut rest = &mut *into;
            for scene in &self.scenes {
                let (plane, behind) = rest.split_at_mut(scene.format().bytes());
                scene.render_for_others(index, plane);
                rest = behind;
            }
        }
        if self.unused > 0 {
            for sample in into.as_chunks_mut::<2>().0 {
                *sample = (u16::from_le_bytes(*sample) >> self.unused).to_le_bytes();
            }
        }
    }
}

/// Draws frame `index` of an RGB scene with an alpha that hides nothing, a row at a time.
fn draw_opaque(scene: &Scene, row: &mut [u8], index: u64, into: &mut [u8]) {
    let sample = scene.format().sample.bytes();
    let stride = scene.format().width as usize * 4 * sample;
    for (y, out) in (0..).zip(into.chunks_exact_mut(stride)) {
        scene.render_rows(index, y..y + 1, row);
        let pixels = row.chunks_exact(3 * sample);
        for (pixel, out) in pixels.zip(out.chunks_exact_mut(4 * sample)) {
            out[..3 * sample].copy_from_slice(pixel);
            out[3 * sample..].fill(0xFF);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const PIXELS: [&str; 12] = [
        "gray8",
        "gray16",
        "rgb8",
        "rgb16",
        "rgba8",
        "rgba16",
        "yuv420p8",
        "yuv422p8",
        "yuv444p8",
        "yuv420p10",
        "yuv422p10",
        "yuv444p10",
    ];

    fn frame(input: &str, first: u64) -> Vec<u8> {
        let source = Source::open(input).unwrap();
        let mut frame = vec![0; source.format().bytes()];
        let (mut stream, go_on) = (source.stream(first).unwrap(), AtomicBool::new(false));
        assert_eq!(stream.await_next(&go_on).unwrap(), Arrival::Begun);
        stream.fill(&mut frame, &go_on).unwrap();
        frame
    }

    #[test]
    fn every_pixel_format_is_drawn_moves_and_is_the_same_each_time() {
        for pixels in PIXELS {
            let input = format!("camera:65x33@30:{pixels}");
            assert_eq!(Source::open(&input).unwrap().format().pixel_name(), pixels);
            assert_eq!(frame(&input, 7), frame(&input, 7), "{pixels}");
            assert_ne!(frame(&input, 7), frame(&input, 8), "{pixels}");
            assert_eq!(frame(&input, 7), frame(&input, 7 + LOOP), "{pixels}");
            // Those before are not drawn one by one.
            let far = 7 + LOOP * 1_000_000_000;
            assert_eq!(frame(&input, 7), frame(&input, far), "{pixels}");
        }
    }

    #[test]
    fn samples_keep_to_their_bits_and_alpha_is_opaque() {
        for pixels in ["gray10", "rgb10", "rgba10", "yuv420p10"] {
            let ten = frame(&format!("camera:65x33:{pixels}"), 3);
            let samples = ten.as_chunks::<2>().0;
            let highest = samples
                .iter()
                .map(|&sample| u16::from_le_bytes(sample))
                .max();
            let uses_its_bits = highest.is_some_and(|most| (257..1024).contains(&most));
            assert!(uses_its_bits, "{pixels}: {highest:?}");
        }
        let rgba = frame("camera:65x33:rgba8", 3);
        let rgb = frame("camera:65x33:rgb8", 3);
        let pixels = rgba.chunks_exact(4).zip(rgb.chunks_exact(3));
        for (rgba, rgb) in pixels {
            assert_eq!((&rgba[..3], rgba[3]), (rgb, 255));
        }
    }

    #[test]
    fn what_is_no_camera_is_a_sentence() {
        for (typed, says) in [
            ("camera:", "size"),
            ("camera:3840", "size"),
            ("camera:0x9@30", "size"),
            ("camera:99999x9@30", "size"),
            ("camera:9x9@", "rate"),
            ("camera:9x9@-1", "rate"),
            ("camera:9x9@NaN", "rate"),
            ("camera:9x9@30:rgb32", "rgb32"),
        ] {
            let said = Source::open(typed).unwrap_err().to_string();
            assert!(
                said.contains(says) && said.contains("camera:WxH@FPS"),
                "{said}"
            );
        }
    }
}
