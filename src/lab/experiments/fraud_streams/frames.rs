//! The frames of four streams, in a folder of their own.

use super::job::Streams;
use super::{HEIGHT, WIDTH, WORKERS};
use crate::error::{Error, Result};
use crate::lab::folder::Folder;
use crate::lab::work::failed;
use crate::source::FrameSet;
use crate::source::npy_header::Header;
use crate::transport::{self, Known};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

/// Frames of a stream; the last is the one that is looked for.
pub(super) const FRAMES: usize = 8;

/// What is looked for: the frame that is not of one colour all over.
pub(super) const CONDITION: &str = "sharpness.laplacian_variance > 0";
pub(super) const NO_SUCH: &str = "sharpness.laplacian_variance < 0";

/// A sample of every frame, and the other one of the frame that is looked for.
const DARK: u8 = 20;
const BRIGHT: u8 = 200;

/// The streams, one behind the other.
pub(super) struct Inputs {
    pub set: Arc<FrameSet>,
    /// Removed when the inputs are.
    _folder: Folder,
}

impl Inputs {
    /// # Errors
    /// If the folder for temporary files has no room.
    pub(super) fn new(folder: Folder) -> Result<Self> {
        let path = folder.join("streams.npy");
        let shape = [WORKERS * FRAMES, HEIGHT, WIDTH].map(|length| length as u64);
        let fill = || {
            let mut file = File::create(&path)?;
            file.write_all(&Header::new("|u1", &shape).to_bytes())?;
            let frames = |samples: [u8; 2]| samples.repeat(HEIGHT * WIDTH / 2);
            let (innocent, suspicious) = (frames([DARK, DARK]), frames([DARK, BRIGHT]));
            (0..WORKERS).try_for_each(|_| {
                (1..FRAMES).try_for_each(|_| file.write_all(&innocent))?;
                file.write_all(&suspicious)
            })
        };
        fill().map_err(Error::io(&path, "cannot write frames"))?;
        Ok(Self {
            set: FrameSet::open(&path.to_string_lossy()).map(Arc::new)?,
            _folder: folder,
        })
    }

    /// What workers are told of them.
    ///
    /// # Errors
    /// If the frames cannot be mapped.
    pub(super) fn streams(&self) -> Result<Streams> {
        const MODE: &str = "mmap";
        let outbound = transport::by_name(MODE)?.outbound(Arc::clone(&self.set));
        let mut outbound = outbound.ok_or_else(|| failed("mmap makes no tickets"))?;
        let tickets = (0..self.set.len()).map(|frame| outbound.ticket(frame, &mut Vec::new()));
        Ok(Streams {
            condition: CONDITION.into(),
            mode: MODE.into(),
            known: Known::of(&self.set),
            tickets: tickets.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Condition;
    use crate::pipeline::find::{Query, Which, find};

    #[test]
    fn the_last_frame_of_each_stream_is_looked_for_and_no_other() {
        let inputs = Inputs::new(Folder::new().unwrap()).unwrap();
        let found = |condition| {
            let query = Query {
                inputs: vec![inputs.set.clone()],
                which: Which::All,
                mode: Some("threads".into()),
                ..Query::new([], Condition::parse(condition).unwrap())
            };
            let answer = find(&query, &mut ()).unwrap();
            let hits = answer.inputs.iter().flat_map(|input| &input.found);
            hits.map(|hit| hit.frame).collect::<Vec<_>>()
        };
        assert_eq!(found(CONDITION), [7, 15, 23, 31]);
        assert!(found(NO_SUCH).is_empty());
    }
}
