//! When something happens in a synthetic set: cuts, a frozen and a black stretch, the needle.

use super::manifest::Stretch;
use super::texture::Random;

/// The events of a set of a known length. Frames beyond it go on with the last scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Timeline {
    /// First frames of the scenes, the first of them 0.
    pub(super) scenes: Vec<u64>,
    pub(super) frozen: Option<Stretch>,
    pub(super) black: Option<Stretch>,
    pub(super) needle: Option<u64>,
}

impl Timeline {
    /// Puts the events of a set of `frames` frames where they do not touch each other; those that
    /// do not fit are left out.
    pub(super) fn new(frames: u64, random: &mut Random) -> Self {
        let cuts = match frames {
            0..4 => 0,
            4..12 => 1,
            _ => (frames / 75).max(2),
        };
        let length = frames / (cuts + 1);
        let scenes: Vec<u64> = (0..=cuts)
            .map(|scene| match scene {
                0 => 0,
                _ => scene * length + random.below(length / 6 + 1),
            })
            .collect();
        let stretch = |first: u64, length: u64| Stretch {
            first: first + 1 + length / 3,
            frames: (length / 4).clamp(1, 15),
        };
        let frozen = (frames >= 8).then(|| stretch(0, scenes[1]));
        let last = scenes[scenes.len() - 1];
        let black = (frames >= 12).then(|| stretch(last, frames - last));
        let mut timeline = Self {
            scenes,
            frozen,
            black,
            needle: None,
        };
        let start = random.below(frames.max(1));
        timeline.needle = (0..frames)
            .map(|i| (start + i) % frames)
            .find(|&frame| timeline.is_seen_once(frame));
        timeline
    }

    /// The scene of `frame`, as an index.
    pub(super) fn scene(&self, frame: u64) -> usize {
        self.scenes.partition_point(|first| *first <= frame) - 1
    }

    /// The frame whose picture `frame` shows; None if that is black.
    pub(super) fn shown(&self, frame: u64) -> Option<u64> {
        match (self.black, self.frozen) {
            (Some(black), _) if black.contains(frame) => None,
            (_, Some(frozen)) if frozen.contains(frame) => Some(frozen.first - 1),
            _ => Some(frame),
        }
    }

    /// Whether no other frame shows this one's picture, so that the needle can be in it.
    fn is_seen_once(&self, frame: u64) -> bool {
        let shows = |other| self.shown(other) == Some(frame);
        shows(frame) && !shows(frame + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_sets_of_any_length_keep_apart() {
        for frames in (1..200).chain([3000, 100_000]) {
            for seed in 0..20 {
                let t = Timeline::new(frames, &mut Random::new(seed, 0));
                assert!(t.scenes.is_sorted_by(|a, b| a < b), "{frames} {t:?}");
                assert!(*t.scenes.last().unwrap() < frames);
                for stretch in t.frozen.iter().chain(&t.black) {
                    let end = stretch.first + stretch.frames;
                    assert!(stretch.first > 0 && end <= frames, "{frames} {t:?}");
                    // Whole in one scene, and not at its start.
                    let (before, last) = (t.scene(stretch.first - 1), t.scene(end - 1));
                    assert_eq!(before, last, "{frames} {t:?}");
                }
                let needle = t.needle.unwrap();
                assert!(t.is_seen_once(needle));
                assert!(needle < frames);
            }
        }
    }
}
