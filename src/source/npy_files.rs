//! A folder or glob of `.npy` files with one frame each.

use super::npy::{frames_of, single_frame};
use super::{FrameSet, Input, Kind, Layout, extension, images};
use crate::error::{Error, Result};
use std::fs::File;
use std::path::PathBuf;

pub(super) static KIND: Kind = Kind {
    name: "npy-files",
    accepts: "FOLDER, 'GLOB*.npy'",
    summary: "one .npy a frame, in the natural order of their names; can be mapped",
    claims: |input| input.files.iter().any(|file| extension(file) == "npy"),
    open,
};

fn open(input: &Input) -> Result<FrameSet> {
    let is_npy = |file: &&PathBuf| extension(file) == "npy";
    let files: Vec<PathBuf> = input.files.iter().filter(is_npy).cloned().collect();
    let pictures = input.files.iter().filter(|file| images::is_picture(file));
    if pictures.count() > 0 {
        return Err(Error::input(
            &input.path,
            format!(
                "it holds .npy files ({} and so on) and pictures as well; choose by a glob such \
                 as '{}/*.npy'",
                files[0].display(),
                input.path.display()
            ),
        ));
    }
    let mut first_fault = None;
    let first = files.iter().find_map(|path| {
        let found = File::open(path)
            .map_err(|e| format!("cannot open: {e}"))
            .and_then(|file| frames_of(&file))
            .and_then(|found| match found.frames {
                1 => Ok(found),
                n => Err(format!(
                    "it holds {n} frames, expected one a file; name the file itself as the input"
                )),
            });
        found
            .map_err(|what| first_fault.get_or_insert(Error::input(path, what)))
            .ok()
    });
    let Some(first) = first else {
        return Err(first_fault.unwrap_or_else(|| Error::input(&input.path, "no files")));
    };
    // A file that is not what it should be is found out by the reader, when its turn comes.
    let offsets: Vec<Option<u64>> = files
        .iter()
        .map(|path| {
            let file = File::open(path).ok()?;
            single_frame(path, &file, first.format).ok()
        })
        .collect();
    Ok(FrameSet {
        input: input.typed.clone(),
        format: first.format,
        fps: None,
        files: files.into(),
        layout: Layout::Single(offsets.into()),
        not_mappable: None,
    })
}
