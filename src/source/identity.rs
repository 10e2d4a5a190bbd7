//! What tells an input from another of the same name and size, for little reading.
//!
//! Runs of ranges of one input may have been made on machines where it has other paths and other times of
//! modification, so that neither says whether it was the same. Its bytes do: a few of them, since
//! whoever analyses terabytes does not want to read them once more for that. Two inputs of the same identity
//! are the same as far as was looked; two of different ones are not.

use super::FrameSet;
use super::reader::read_up_to;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// So many frames of a set are looked at: the first, the last, and some between them.
const FRAMES: usize = 16;

/// So many bytes at the beginning, in the middle and at the end of each.
const BYTES: usize = 4096;

impl FrameSet {
    /// What tells it from another set of the same size: a digest of how long its files are, and of some
    /// bytes of some of its frames. None where they cannot be read.
    pub fn identity(&self) -> Option<String> {
        let mut frames: Vec<usize> = (0..FRAMES)
            .map(|n| n * (self.len() - 1) / (FRAMES - 1))
            .collect();
        frames.dedup();
        let stretch = |frame| match self.file_of(frame) {
            (file, Some(begin)) => (file, Some(begin..begin + self.format().bytes() as u64)),
            (file, None) => (file, None),
        };
        digest(self.files(), frames.into_iter().map(stretch)).ok()
    }
}

/// The same of a file of which nothing is known but its bytes.
pub(super) fn of_file(path: &Path) -> Option<String> {
    digest(&[path.to_owned()], [(path, None)].into_iter()).ok()
}

/// Of how long files are, and of what is at the ends and in the middle of stretches, each a part of a file or
/// all of it.
fn digest<'a>(
    files: &[PathBuf],
    stretches: impl Iterator<Item = (&'a Path, Option<Range<u64>>)>,
) -> io::Result<String> {
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.metadata()?.len().to_le_bytes());
    }
    for (path, stretch) in stretches {
        let file = File::open(path)?;
        let stretch = match stretch {
            Some(stretch) => stretch,
            None => 0..file.metadata()?.len(),
        };
        let last = (stretch.end - stretch.start).saturating_sub(BYTES as u64);
        for at in [0, last / 2, last] {
            digest.update(read_up_to(&file, stretch.start + at, BYTES)?);
        }
    }
    let digest = digest.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Frames of 320x240 gray, each of its own number, as one file or as many.
    fn sets(folder: &Path, frames: u8) -> [FrameSet; 2] {
        let header = |shape: &str| {
            let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
            let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
            bytes.extend(format!("{text:<117}\n").as_bytes());
            bytes
        };
        let pixels = |frame: u8| [frame; 320 * 240];
        let mut packed = header(&format!("({frames}, 240, 320)"));
        fs::create_dir_all(folder.join("single")).unwrap();
        for frame in 0..frames {
            packed.extend(pixels(frame));
            let mut single = header("(240, 320)");
            single.extend(pixels(frame));
            fs::write(folder.join(format!("single/{frame}.npy")), single).unwrap();
        }
        fs::write(folder.join("packed.npy"), packed).unwrap();
        ["packed.npy", "single"]
            .map(|name| FrameSet::open(folder.join(name).to_str().unwrap()).unwrap())
    }

    #[test]
    fn an_input_is_itself_wherever_it_lies_and_whenever_it_was_written() {
        let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (mine, theirs) = (sets(here.path(), 40), sets(there.path(), 40));
        for (mine, theirs) in mine.iter().zip(&theirs) {
            assert_eq!(mine.identity().unwrap().len(), 64);
            assert_eq!(mine.identity(), theirs.identity());
        }
        let [mine, theirs] = [&mine[0], &theirs[0]].map(|set| of_file(&set.files()[0]));
        assert!(mine.is_some() && mine == theirs);
    }

    #[test]
    fn another_pixel_of_the_first_the_last_or_a_frame_between_makes_another_input() {
        let folder = tempfile::tempdir().unwrap();
        let [packed, single] = sets(folder.path(), 40);
        let before = [packed.identity(), single.identity()];
        for frame in [0, 18, 39] {
            for (set, before) in [&packed, &single].into_iter().zip(&before) {
                let (path, offset) = set.file_of(frame);
                let (path, offset) = (path.to_owned(), offset.unwrap() as usize);
                let whole = fs::read(&path).unwrap();
                for pixel in [0, 320 * 120, 320 * 240 - 1] {
                    let mut other = whole.clone();
                    other[offset + pixel] ^= 1;
                    fs::write(&path, other).unwrap();
                    assert_ne!(&set.identity(), before, "pixel {pixel} of frame {frame}");
                }
                fs::write(&path, whole).unwrap();
                assert_eq!(&set.identity(), before);
            }
        }
        // How many there are is a part of it, however alike they are.
        assert_ne!(sets(folder.path(), 39).map(|set| set.identity()), before);
    }

    #[test]
    fn what_cannot_be_read_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let [packed, _] = sets(folder.path(), 1);
        assert!(packed.identity().is_some(), "of a single frame");
        fs::remove_file(&packed.files()[0]).unwrap();
        assert_eq!(packed.identity(), None);
        assert_eq!(of_file(&folder.path().join("none")), None);
    }
}
