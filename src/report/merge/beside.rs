//! What lies beside the findings: thumbnails and times, each of the whole from those of the pieces.

use super::super::lines::{Lines, hexadecimal};
use super::super::read::open;
use super::heed;
use super::pieces::Piece;
use crate::error::{Error, Result};
use crate::source::npy_header::{DATA_OFFSET, Header, MAX_HEADER};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

const THUMBNAILS: &str = "thumbnails.npy";
const TIMESTAMPS: &str = "timestamps.txt";

/// As much of a finding as says which thumbnail was made of the frame, if one was.
#[derive(Deserialize)]
struct Line {
    frame: u64,
    thumbnail: Option<Made>,
}

#[derive(Deserialize)]
struct Made {
    sha256: String,
}

/// The first piece that has a file of that name, and the first that has none.
fn first_with_and_without<'a>(
    pieces: &'a [Piece],
    name: &str,
) -> (Option<&'a Piece>, Option<&'a Piece>) {
    let has = |piece: &&Piece| piece.folder.join(name).exists();
    let mut all = pieces.iter();
    (all.clone().find(has), all.find(|piece| !has(piece)))
}

/// `thumbnails.npy`, if the pieces have any: their arrays, one after the other.
///
/// # Errors
/// If only some have any, or they are not alike, or not those that the findings say, or `stop` is set.
pub(super) fn thumbnails(pieces: &[Piece], into: &Path, stop: &AtomicBool) -> Result<()> {
    match first_with_and_without(pieces, THUMBNAILS) {
        (None, _) => return Ok(()),
        (Some(with), Some(without)) => {
            let what = format!("has no {THUMBNAILS}, and {} has one", with.folder.display());
            return Err(Error::input(&without.folder, what));
        }
        (Some(_), None) => {}
    }
    let out = into.join(THUMBNAILS);
    let cannot = || Error::io(&out, "cannot write");
    let mut file = BufWriter::new(File::create(&out).map_err(cannot())?);
    // The header says of how many, which is known at the end.
    let begin = SeekFrom::Start(DATA_OFFSET as u64);
    file.seek(begin).map_err(cannot())?;
    let mut whole: Option<Header> = None;
    for piece in pieces {
        let path = piece.folder.join(THUMBNAILS);
        let (header, pixels) = open_thumbnails(&path, piece.frames())?;
        if let Some(before) = &mut whole {
            if before.descr != header.descr || before.shape[1..] != header.shape[1..] {
                let what = "holds thumbnails of another format than those of the frames before";
                return Err(Error::input(path, what));
            }
            before.shape[0] += header.shape[0];
        }
        whole.get_or_insert(header);
        each_thumbnail(piece, &path, pixels, |thumbnail| {
            heed(stop)?;
            file.write_all(thumbnail).map_err(cannot())
        })?;
    }
    let header = whole.map_or(Vec::new(), |header| header.to_bytes());
    file.rewind().map_err(cannot())?;
    file.write_all(&header).map_err(cannot())?;
    file.flush().map_err(cannot())
}

/// Takes a piece's thumbnails one by one, each when it is known to be the one that its finding says.
///
/// # Errors
/// Those of `take`, and if one is another, or cannot be read.
fn each_thumbnail(
    piece: &Piece,
    path: &Path,
    pixels: io::Take<File>,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut thumbnail = vec![0; (pixels.limit() / piece.frames()) as usize];
    let mut pixels = BufReader::with_capacity(1 << 16, pixels);
    let mut lines = Lines::open(&piece.findings())?;
    while let Some(line) = lines.next()? {
        let line: Result<Line, _> = serde_json::from_str(line);
        let line = line.map_err(|_| lines.damaged("is no finding: the file is damaged"))?;
        let read = pixels.read_exact(&mut thumbnail);
        read.map_err(Error::io(path, "cannot read"))?;
        let is_that = match line.thumbnail {
            Some(made) => hexadecimal(Sha256::new_with_prefix(&thumbnail)) == made.sha256,
            // The frame failed, or was dropped.
            None => thumbnail.iter().all(|&byte| byte == 0),
        };
        if !is_that {
            let frame = line.frame;
            let what = format!(
                "does not hold the thumbnail of frame {frame} that findings.jsonl says: it is damaged"
            );
            return Err(Error::input(path, what));
        }
        take(&thumbnail)?;
    }
    Ok(())
}

/// What a file of so many thumbnails says of them, and their pixels, still to be read.
fn open_thumbnails(path: &Path, frames: u64) -> Result<(Header, io::Take<File>)> {
    let cannot = || Error::io(path, "cannot read");
    let mut file = open(path, "cannot read")?;
    let mut start = Vec::new();
    let mut limited = (&mut file).take(MAX_HEADER as u64);
    limited.read_to_end(&mut start).map_err(cannot())?;
    let (header, data) = Header::parse(&start).map_err(|what| Error::input(path, what))?;
    let sample = if header.descr.ends_with('1') { 1 } else { 2 };
    let mut axes = header.shape.iter();
    let pixels = axes.try_fold(sample, |product: u64, &axis| product.checked_mul(axis));
    let len = file.metadata().map_err(cannot())?.len();
    let Some(pixels) = pixels.filter(|pixels| {
        header.shape.first() == Some(&frames) && pixels.checked_add(data as u64) == Some(len)
    }) else {
        let what = format!("does not hold a thumbnail of each of {frames} frames: it is damaged");
        return Err(Error::input(path, what));
    };
    file.seek(SeekFrom::Start(data as u64)).map_err(cannot())?;
    Ok((header, file.take(pixels)))
}

/// `timestamps.txt`, if every piece has one; a sentence if only some have.
///
/// # Errors
/// If one does not have a line a frame, or cannot be read or written, or `stop` is set.
pub(super) fn timestamps(
    pieces: &[Piece],
    into: &Path,
    stop: &AtomicBool,
) -> Result<Option<String>> {
    match first_with_and_without(pieces, TIMESTAMPS) {
        (None, _) => return Ok(None),
        (Some(_), Some(without)) => {
            let frames = &without.report.workload.frames;
            return Ok(Some(format!(
                "there is no {TIMESTAMPS}: the run of frames {frames:?} has none"
            )));
        }
        (Some(_), None) => {}
    }
    let out = into.join(TIMESTAMPS);
    let cannot = || Error::io(&out, "cannot write");
    let mut file = BufWriter::new(File::create(&out).map_err(cannot())?);
    for (number, piece) in pieces.iter().enumerate() {
        let path = piece.folder.join(TIMESTAMPS);
        let mut lines = Lines::open(&path)?;
        let mut times = 0;
        while let Some(line) = lines.next()? {
            heed(stop)?;
            // The first line says of what format it is, once.
            let is_comment = line.starts_with('#');
            times += u64::from(!is_comment);
            if number == 0 || !is_comment {
                writeln!(file, "{line}").map_err(cannot())?;
            }
        }
        if times != piece.frames() {
            let frames = piece.frames();
            let what = format!("has {times} times for {frames} frames: it is damaged");
            return Err(Error::input(path, what));
        }
    }
    file.flush().map_err(cannot())?;
    Ok(None)
}
