//! The folder of a generated set: `manifest.json`, with `frames.npy` or `frames/` beside it.

use super::manifest::Manifest;
use super::{FrameSet, Input, Kind};
use crate::error::{Error, Result};
use std::path::Path;

pub(super) static KIND: Kind = Kind {
    name: "generated",
    accepts: "FOLDER with manifest.json",
    summary: "a set of `framehaul generate`, packed (can be mapped) or a file a frame",
    claims: |input| input.is_folder && input.path.join(Manifest::FILE).is_file(),
    open,
};

fn open(input: &Input) -> Result<FrameSet> {
    let manifest = Manifest::read(&input.path)?;
    let (packed, files) = (
        input.path.join(Manifest::PACKED),
        input.path.join(Manifest::FILES),
    );
    let holds = if packed.is_file() {
        packed
    } else if files.is_dir() {
        files
    } else {
        return Err(Error::input(
            &input.path,
            "it has a manifest.json, but neither frames.npy nor frames/; generate it again",
        ));
    };
    let set = FrameSet::open(&as_typed(&holds)?)?;
    if set.len() as u64 != manifest.frames {
        return Err(Error::input(
            holds,
            format!(
                "it holds {} frames, its manifest.json states {}; generate it again",
                set.len(),
                manifest.frames
            ),
        ));
    }
    Ok(FrameSet {
        input: input.typed.clone(),
        fps: Some(manifest.fps),
        ..set
    })
}

fn as_typed(path: &Path) -> Result<String> {
    let text = path.to_str();
    text.map(str::to_owned)
        .ok_or_else(|| Error::input(path, "its name is not valid UTF-8; rename it"))
}
