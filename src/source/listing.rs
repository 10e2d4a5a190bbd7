//! Folders and globs: which files they stand for, and in which order.

use super::{Input, LIVE_KINDS, extension, images};
use crate::error::{Error, Result};
use std::cmp::Ordering;
use std::io;
use std::path::{Path, PathBuf};

/// Finds what `typed` names on disk. A name that exists is itself; else it may be a glob.
pub(super) fn look_up(typed: &str) -> Result<Input> {
    let path = PathBuf::from(typed);
    let (files, is_folder) = match std::fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => (files_in(&path)?, true),
        Ok(meta) if meta.is_file() => (vec![path.clone()], false),
        Ok(_) => {
            return Err(Error::input(
                path,
                "it is neither a file nor a folder; frames are read from .npy and .y4m files \
                 and from folders or globs of pictures",
            ));
        }
        Err(_) if typed.contains(['*', '?', '[']) => (files_of_glob(typed)?, false),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let is_live = LIVE_KINDS.iter().any(|kind| (kind.claims)(typed));
            let what = if is_live {
                "it is live, and here frames on disk are needed; `framehaul run` takes it, and \
                 ffmpeg -i IN -fps_mode passthrough OUT.y4m makes a file of a video"
            } else {
                "there is no such file or folder; make frames with `framehaul generate`"
            };
            return Err(Error::input(path, what));
        }
        Err(e) => return Err(Error::io(&path, "cannot open")(e)),
    };
    Ok(Input {
        typed: typed.to_owned(),
        path,
        files,
        is_folder,
    })
}

/// The files of a folder that are not hidden, in natural order.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || Error::io(folder, "cannot list the folder");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            // A type that cannot be told may still be a file that can be read.
            let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if !folder {
                files.push(entry.path());
            }
        }
    }
    files.sort_by(|a, b| natural(&name(a), &name(b)));
    Ok(files)
}

fn files_of_glob(pattern: &str) -> Result<Vec<PathBuf>> {
    let matches = glob::glob(pattern).map_err(|e| {
        Error::input(
            pattern,
            format!("no such file, and not a glob either ({e})"),
        )
    })?;
    let mut files: Vec<PathBuf> = matches
        .filter_map(|found| found.ok())
        .filter(|path| !path.is_dir() && !name(path).starts_with('.'))
        .collect();
    if files.is_empty() {
        return Err(Error::input(
            pattern,
            "no file matches this glob; quote it so that the shell leaves it alone, and check \
             the folder",
        ));
    }
    files.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(files)
}

/// The refusal of an input that no kind claims.
pub(super) fn unknown(input: &Input) -> Error {
    let what = if input.is_folder {
        let packed = input
            .files
            .iter()
            .find(|file| extension(file) == "y4m")
            .map(|file| format!("; name the video itself: {}", file.display()));
        if input.files.is_empty() {
            "the folder is empty; expected pictures, .npy frames or a set of `framehaul generate`"
                .to_owned()
        } else {
            format!(
                "none of its {} files is a picture ({}) or a .npy{}",
                input.files.len(),
                images::EXTENSIONS.join(", "),
                packed.unwrap_or_default()
            )
        }
    } else if input.files.len() == 1 {
        format!(
            "unknown extension; expected .npy, .y4m or a picture ({}); ffmpeg -i IN -fps_mode \
             passthrough OUT.y4m makes a .y4m of a video",
            images::EXTENSIONS.join(", ")
        )
    } else {
        format!(
            "none of the {} files it matches is a picture ({}) or a .npy",
            input.files.len(),
            images::EXTENSIONS.join(", ")
        )
    };
    Error::input(&input.path, what)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Orders names as people count: `2.png` before `10.png`. Runs of digits compare as numbers of
/// any length, the rest byte by byte; equal numbers with more zeros in front come later.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(&p), Some(&q)) = (x.first(), y.first()) {
        if p.is_ascii_digit() && q.is_ascii_digit() {
            let ((n, rest_x), (m, rest_y)) = (number(x), number(y));
            let order = n.len().cmp(&m.len()).then_with(|| n.cmp(m));
            if order != Ordering::Equal {
                return order;
            }
            (x, y) = (rest_x, rest_y);
        } else if p != q {
            return p.cmp(&q);
        } else {
            (x, y) = (&x[1..], &y[1..]);
        }
    }
    let by_rest = x.len().cmp(&y.len());
    by_rest
        .then_with(|| a.len().cmp(&b.len()))
        .then_with(|| a.cmp(b))
}

/// The digits in front without leading zeros, and what follows them.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let zeros = digits.iter().take_while(|&&b| b == b'0').count();
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = vec![
            "b1",
            "a10.png",
            "a2.png",
            "a02.png",
            "a1.png",
            "a",
            "a1b10",
            "a1b9",
            "a99999999999999999999999999",
            "a100000000000000000000000000",
        ];
        names.sort_by(|a, b| natural(a, b));
        let sorted = [
            "a",
            "a1.png",
            "a1b9",
            "a1b10",
            "a2.png",
            "a02.png",
            "a10.png",
            "a99999999999999999999999999",
            "a100000000000000000000000000",
            "b1",
        ];
        assert_eq!(names, sorted);
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[a0-2.]{0,6}", b in "[a0-2.]{0,6}", c in "[a0-2.]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
