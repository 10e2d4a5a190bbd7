//! The frames that are searched, in a folder of their own.

use crate::error::{Error, Result};
use crate::lab::folder::Folder;
use crate::source::FrameSet;
use crate::source::npy_header::Header;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

/// 4K, one byte a pixel.
const WIDTH: usize = 3840;
pub(super) const HEIGHT: usize = 2160;

/// What is looked for: the frame that is not of one colour all over.
pub(super) const CONDITION: &str = "sharpness.laplacian_variance > 0";
pub(super) const NO_SUCH: &str = "sharpness.laplacian_variance < 0";

/// A sample of every frame, and the other one of the frame that is looked for.
const DARK: u8 = 20;
const BRIGHT: u8 = 200;

/// Inputs for searches by four workers.
pub(super) struct Inputs {
    /// Its first frame is the one looked for, and there are enough behind it for all workers.
    pub stream: Arc<FrameSet>,
    /// Three frames of half the size, none of which is looked for. Before a stream they keep three
    /// of four workers busy while the fourth begins with it, so that those are in the middle of
    /// their frames when it has found what is looked for.
    pub between: Arc<FrameSet>,
    /// Removed when the inputs are.
    _folder: Folder,
}

impl Inputs {
    /// # Errors
    /// If the folder for temporary files has no room.
    pub(super) fn new(folder: Folder) -> Result<Self> {
        let mut stream = [[DARK, DARK]; 8];
        stream[0] = [DARK, BRIGHT];
        Ok(Self {
            stream: write(&folder, "stream.npy", HEIGHT, &stream)?,
            between: write(&folder, "between.npy", HEIGHT / 2, &[[DARK, DARK]; 3])?,
            _folder: folder,
        })
    }
}

/// A set of frames, in each of which two samples take turns.
fn write(folder: &Folder, name: &str, height: usize, frames: &[[u8; 2]]) -> Result<Arc<FrameSet>> {
    let path = folder.join(name);
    let shape = [frames.len(), height, WIDTH].map(|length| length as u64);
    let fill = || {
        let mut file = File::create(&path)?;
        file.write_all(&Header::new("|u1", &shape).to_bytes())?;
        let mut frames = frames.iter().map(|two| two.repeat(height * WIDTH / 2));
        frames.try_for_each(|frame| file.write_all(&frame))
    };
    fill().map_err(Error::io(&path, "cannot write frames"))?;
    FrameSet::open(&path.to_string_lossy()).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Condition;
    use crate::pipeline::find::{Query, Which, find};

    #[test]
    fn one_frame_is_looked_for_and_it_is_the_stream_s_first() {
        let inputs = Inputs::new(Folder::new().unwrap()).unwrap();
        let found = |condition| {
            let query = Query {
                inputs: vec![inputs.stream.clone(), inputs.between.clone()],
                which: Which::All,
                mode: Some("threads".into()),
                ..Query::new([], Condition::parse(condition).unwrap())
            };
            let answer = find(&query, &mut ()).unwrap();
            let hits = answer.inputs.iter().flat_map(|input| &input.found);
            hits.map(|hit| hit.frame).collect::<Vec<_>>()
        };
        assert_eq!(found(CONDITION), [0]);
        assert!(found(NO_SUCH).is_empty());
    }
}
