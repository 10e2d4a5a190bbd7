//! The runs to be merged, in the order of their frames, and whether they make one whole.

use super::super::read::folder;
use super::super::units::{plural, short_digest};
use super::super::{Report, Workload};
use super::heed;
use crate::error::{Error, Result};
use crate::measure::StageHistograms;
use crate::pipeline::{Cache, Policy};
use crate::source::SetSize;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// What standard input is called in reports, whatever came through it.
const PIPE: &str = "-";

/// A run to be merged.
pub(super) struct Piece {
    pub folder: PathBuf,
    /// Without its histograms: they are in the sum.
    pub report: Report,
}

impl Piece {
    /// How many frames it has.
    pub(super) fn frames(&self) -> u64 {
        let frames = &self.report.workload.frames;
        frames.end.saturating_sub(frames.start)
    }

    /// The file of what was found in them.
    pub(super) fn findings(&self) -> PathBuf {
        self.folder.join("findings.jsonl")
    }
}

/// Reads them and puts them in order; with them the histograms of all together. `input` is what all
/// of them are of, whatever they call it.
///
/// # Errors
/// What forbids merging them, in a sentence, or that `stop` is set.
pub(super) fn read(
    runs: &[PathBuf],
    input: Option<&str>,
    stop: &AtomicBool,
) -> Result<(Vec<Piece>, StageHistograms)> {
    let (mut pieces, mut stages) = (Vec::new(), StageHistograms::new());
    for run in runs {
        heed(stop)?;
        let mut report = Report::read(run)?;
        // There may be thousands of runs.
        stages.merge(&report.histograms());
        report.stages.clear();
        let folder = folder(run);
        let piece = Piece { folder, report };
        check_whole(&piece)?;
        pieces.push(piece);
    }
    pieces.sort_by_key(|piece| piece.report.workload.frames.start);
    let Some(first) = pieces.first() else {
        return Err(Error::Usage("no runs to merge".into()));
    };
    for piece in &pieces[1..] {
        check_alike(first, piece, input)?;
    }
    if input.is_none() {
        check_same_input(&pieces)?;
    }
    for two in pieces.windows(2) {
        check_seam(&two[0], &two[1])?;
    }
    Ok((pieces, stages))
}

/// Every pass has all frames, and there are some.
fn check_whole(piece: &Piece) -> Result<()> {
    let report = &piece.report;
    let asked = &report.workload;
    let passes = asked.repeat as u64;
    if piece.frames() == 0 || passes == 0 {
        return Err(Error::input(&piece.folder, "is a run without a frame"));
    }
    let all = piece.frames().saturating_mul(passes);
    let has = report.totals.frames;
    if has != all || report.totals.pass_wall_s.len() != asked.repeat {
        let each = piece.frames();
        let what = match has < all {
            true => format!(
                "was cut short: it has {has} of the {each} times {passes} frames of its passes; run it again"
            ),
            false => format!(
                "is damaged: it has {has} frames in {} passes, where {each} in each of {passes} were \
                 asked for; run it again",
                report.totals.pass_wall_s.len()
            ),
        };
        return Err(Error::input(&piece.folder, what));
    }
    Ok(())
}

/// Both have findings that belong together, and figures that can be those of one run.
fn check_alike(first: &Piece, other: &Piece, input: Option<&str>) -> Result<()> {
    let (a, b) = (&first.report.workload, &other.report.workload);
    if input.is_none() && a.input == PIPE && b.input == PIPE {
        let what = format!(
            "is a run of standard input, and so is {}, but that has no name: if it was the same \
             input, say --input NAME",
            first.folder.display()
        );
        return Err(Error::input(&other.folder, what));
    }
    if input.is_none() && !same_path(&a.input, &b.input) {
        let what = format!(
            "is a run of {}, and {} is one of {}: if that is the same input, say --input NAME",
            b.input,
            first.folder.display(),
            a.input
        );
        return Err(Error::input(&other.folder, what));
    }
    let source = |is_live: bool| if is_live { "a live source" } else { "files" };
    let pace = |fps: Option<f64>| fps.map_or("flat out".into(), |fps| format!("{fps} frames/s"));
    let cache = |of: Cache| format!("{of:?}").to_lowercase();
    let policy = |of: Option<Policy>| of.map_or("none", Policy::name).to_owned();
    let fields = [
        (
            "pixels",
            format!("{} {:?}", a.pixels, a.shape),
            format!("{} {:?}", b.pixels, b.shape),
        ),
        (
            "where frames come from",
            source(a.live).into(),
            source(b.live).into(),
        ),
        ("analyzers", a.analyzers.join(","), b.analyzers.join(",")),
        ("mode", a.mode.clone(), b.mode.clone()),
        ("pace", pace(a.fps), pace(b.fps)),
        ("cache", cache(a.cache), cache(b.cache)),
        ("policy", policy(a.policy), policy(b.policy)),
        ("passes", a.repeat.to_string(), b.repeat.to_string()),
    ];
    for (what, mine, theirs) in fields {
        if mine != theirs {
            let what = format!(
                "cannot be merged with {}: they differ in {what} ({theirs} and {mine})",
                first.folder.display(),
            );
            return Err(Error::input(&other.folder, what));
        }
    }
    Ok(())
}

/// What is called the same was the same, as far as the reports know.
fn check_same_input(pieces: &[Piece]) -> Result<()> {
    let unless = "if that is the same input, say --input NAME";
    if let Some([(first, mine), (other, theirs)]) = first_two_that_differ(pieces, |of| of.set) {
        let what = format!(
            "is a run of {} when that had {}, and {} is one when it had {}: {unless}",
            other.report.workload.input,
            say_set(theirs),
            first.folder.display(),
            say_set(mine)
        );
        return Err(Error::input(&other.folder, what));
    }
    let identity = |of: &Workload| of.identity.clone();
    if let Some([(first, mine), (other, theirs)]) = first_two_that_differ(pieces, identity) {
        let what = format!(
            "is a run of {}, and so is {}, but other bytes were in that ({} and {}): {unless}",
            other.report.workload.input,
            first.folder.display(),
            short_digest(&theirs),
            short_digest(&mine)
        );
        return Err(Error::input(&other.folder, what));
    }
    Ok(())
}

/// The first of which something is known, and the first of which something else is.
fn first_two_that_differ<T: PartialEq>(
    pieces: &[Piece],
    of: impl Fn(&Workload) -> Option<T>,
) -> Option<[(&Piece, T); 2]> {
    let mut known = pieces
        .iter()
        .filter_map(|piece| Some((piece, of(&piece.report.workload)?)));
    let first = known.next()?;
    let other = known.find(|(_, other)| *other != first.1)?;
    Some([first, other])
}

fn say_set(set: SetSize) -> String {
    format!("{} in {} bytes", plural(set.frames, "frame"), set.bytes)
}

/// The second begins where the first ends.
fn check_seam(before: &Piece, after: &Piece) -> Result<()> {
    let (end, start) = (
        before.report.workload.frames.end,
        after.report.workload.frames.start,
    );
    let name = before.folder.display();
    let what = if start < end {
        // Sorted by their starts: the one that ends first says how far.
        let last = end.min(after.report.workload.frames.end) - 1;
        let which = frames(start, last);
        format!("has {which} and so has {name}: each frame must be in one run")
    } else if start > end {
        let which = frames(end, start - 1);
        format!("begins with frame {start} and {name} ends before frame {end}: no run has {which}")
    } else {
        return Ok(());
    };
    Err(Error::input(&after.folder, what))
}

/// `frame 3`, `frames 3 to 5`.
fn frames(first: u64, last: u64) -> String {
    if first == last {
        format!("frame {first}")
    } else {
        format!("frames {first} to {last}")
    }
}

/// Whether two paths are spelled the same but for what does not matter: `./set/` and `set`.
fn same_path(one: &str, other: &str) -> bool {
    fn parts(path: &str) -> impl Iterator<Item = Component<'_>> {
        let parts = Path::new(path).components();
        parts.filter(|part| *part != Component::CurDir)
    }
    parts(one).eq(parts(other))
}
