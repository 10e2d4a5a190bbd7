//! The truth of the manifest, held against the pixels.

use super::*;
use crate::source::manifest::Stretch;

fn rgb16(width: u32, height: u32) -> FrameFormat {
    FrameFormat::new(width, height, Colour::Rgb, Sample::U16)
}

/// Formats of all pixel types and several sizes, down to one pixel.
fn formats() -> Vec<FrameFormat> {
    let sizes = [
        (1, 1),
        (2, 2),
        (1, 9),
        (17, 5),
        (16, 16),
        (97, 61),
        (640, 360),
    ];
    let mut formats = Vec::new();
    for (w, h) in sizes {
        for colour in [Colour::Gray, Colour::Rgb] {
            for sample in [Sample::U8, Sample::U16] {
                formats.push(FrameFormat::new(w, h, colour, sample));
            }
        }
    }
    formats
}

fn values(format: FrameFormat, frame: &[u8]) -> Vec<u16> {
    match format.sample {
        Sample::U8 => frame.iter().map(|v| u16::from(*v)).collect(),
        Sample::U16 => {
            let (pairs, _) = frame.as_chunks::<2>();
            pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
        }
    }
}

/// The rule of [`Truth::path_rule`], written a second time.
fn bounce(p: i64, m: i64) -> i64 {
    if m == 0 {
        return 0;
    }
    let mut p = p % (2 * m);
    if p < 0 {
        p += 2 * m;
    }
    if p <= m { p } else { 2 * m - p }
}

fn check(format: FrameFormat, frames: u64, seed: u64) {
    let about = format!("{format}, {frames} frames, seed {seed}");
    let scene = Scene::new(format, frames, seed).unwrap();
    let truth = scene.truth();
    let pictures: Vec<Vec<u16>> = (0..frames)
        .map(|i| values(format, &scene.frame(i)))
        .collect();
    let stretches = |of: &[Stretch], i| of.iter().any(|stretch| stretch.contains(i));
    let channels = if format.colour == Colour::Gray { 1 } else { 3 };
    let at = |x: u32, y: u32| (y * format.width + x) as usize * channels;
    for (i, picture) in (0u64..).zip(&pictures) {
        // Black is all zero, and nothing else is.
        let black = stretches(&truth.black, i);
        assert_eq!(black, picture.iter().all(|v| *v == 0), "{about}, frame {i}");
        // Frozen is what was there before; where there is room for motion, nothing else is.
        if i > 0 {
            let same = pictures[i as usize - 1] == *picture;
            let frozen = stretches(&truth.frozen, i);
            let black = black && stretches(&truth.black, i - 1);
            if frozen || black || format.pixels() >= 256 {
                assert_eq!(frozen || black, same, "{about}, frame {i}");
            }
        }
        // The needle is where it is said to be, and nowhere else.
        let full = match format.sample {
            Sample::U8 => 255,
            Sample::U16 => 65_535,
        };
        let bright = picture.iter().filter(|v| **v == full).count();
        let here = truth.needle.filter(|needle| needle.frame == i);
        let size = here.map_or(0, |needle| needle.size as usize);
        assert_eq!(bright, size * size * channels, "{about}, frame {i}");
        if let Some(needle) = here {
            assert_eq!(needle.value, full);
            assert!(picture[at(needle.x, needle.y)] == full);
            let last = at(needle.x + needle.size - 1, needle.y + needle.size - 1);
            assert_eq!(picture[last + channels - 1], full, "{about}");
        }
        let rest = picture.iter().filter(|v| **v != full).max();
        assert!(
            rest.is_none_or(|v| *v <= full / 16 * 15 + 15),
            "{about}, frame {i}"
        );
    }
    for (number, part) in truth.scenes.iter().enumerate() {
        assert_eq!(
            part.first,
            if number == 0 {
                0
            } else {
                truth.cuts[number - 1]
            }
        );
        for i in part.first..part.first + part.frames {
            if stretches(&truth.black, i) {
                continue;
            }
            let shown = truth.frozen.iter().find(|stretch| stretch.contains(i));
            let t = shown.map_or(i, |stretch| stretch.first - 1) - part.first;
            let places: Vec<_> = part
                .objects
                .iter()
                .map(|o| {
                    let room = (format.width - o.width, format.height - o.height);
                    (
                        bounce(o.x0 + o.vx * t as i64, room.0.into()) as u32,
                        bounce(o.y0 + o.vy * t as i64, room.1.into()) as u32,
                    )
                })
                .collect();
            for (n, object) in part.objects.iter().enumerate() {
                let (x, y) = (
                    places[n].0 + object.width / 2,
                    places[n].1 + object.height / 2,
                );
                let covered = (n + 1..places.len()).any(|later| {
                    let (left, top) = places[later];
                    let size = &part.objects[later];
                    (left..left + size.width).contains(&x) && (top..top + size.height).contains(&y)
                });
                let needle = truth.needle.is_some_and(|needle| {
                    needle.frame == i
                        && (needle.x..needle.x + needle.size).contains(&x)
                        && (needle.y..needle.y + needle.size).contains(&y)
                });
                if !covered && !needle {
                    let found = &pictures[i as usize][at(x, y)..][..channels];
                    assert_eq!(found, object.centre, "{about}, frame {i}, object {n}");
                }
            }
        }
    }
}

#[test]
fn the_truth_holds_for_every_pixel_type_and_size() {
    for (seed, format) in (0..).zip(formats()) {
        for frames in [1, 2, 5, 30] {
            check(format, frames, seed);
        }
    }
}

#[test]
fn the_truth_holds_for_many_seeds() {
    for seed in (0..12).chain([u64::MAX, 1 << 63]) {
        check(rgb16(128, 72), 45, seed);
    }
}

#[test]
fn every_event_is_there_where_there_is_room() {
    let scene = Scene::new(rgb16(64, 48), 30, 1).unwrap();
    let truth = scene.truth();
    assert_eq!(
        (truth.cuts.len(), truth.black.len(), truth.frozen.len()),
        (2, 1, 1)
    );
    assert!(truth.needle.is_some());
    assert!(
        truth
            .scenes
            .iter()
            .all(|part| part.objects.len() == SPRITES - 1)
    );
    let one = Scene::new(rgb16(1, 1), 1, 1).unwrap();
    assert_eq!(one.truth().needle, None);
}

#[test]
fn a_cut_changes_more_than_motion_does() {
    let format = rgb16(320, 180);
    let scene = Scene::new(format, 30, 3).unwrap();
    let differs = |i: u64| {
        let (a, b) = (scene.frame(i - 1), scene.frame(i));
        let (a, b) = (values(format, &a), values(format, &b));
        let sum: u64 = a
            .iter()
            .zip(&b)
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        sum / a.len() as u64
    };
    let truth = scene.truth();
    let cut = truth.cuts.iter().map(|&i| differs(i)).min().unwrap();
    let quiet = (1..truth.cuts[0]).map(differs).max().unwrap();
    assert!(cut > 3 * quiet, "cut {cut}, motion {quiet}");
}

#[test]
fn sixteen_bit_pictures_use_their_bits() {
    let format = rgb16(960, 540);
    let scene = Scene::new(format, 3, 1).unwrap();
    let frame = values(format, &scene.frame(0));
    let share = |from: u16| frame.iter().filter(|v| **v >= from).count() * 100 / frame.len();
    assert!(share(16_384) > 40, "{} % from 16384 on", share(16_384));
    assert!(share(45_000) > 2 && share(45_000) < 60);
    let low_bytes: std::collections::HashSet<u8> = frame.iter().map(|v| *v as u8).collect();
    assert_eq!(low_bytes.len(), 256);
}

#[test]
fn any_rows_can_be_drawn_alone_and_beyond_the_end_the_last_scene_goes_on() {
    let format = FrameFormat::new(50, 40, Colour::Rgb, Sample::U8);
    let scene = Scene::new(format, 12, 5).unwrap();
    for index in [0, 5, 11, 12, 1000, 1 << 40] {
        let whole = scene.frame(index);
        for y in 0..40 {
            let mut row = vec![7; 150];
            scene.render_rows(index, y..y + 1, &mut row);
            assert_eq!(row, whole[y as usize * 150..][..150]);
        }
    }
    let planar = FrameFormat::new(50, 40, Colour::Yuv420, Sample::U8);
    assert!(Scene::new(planar, 12, 5).is_err());
}
