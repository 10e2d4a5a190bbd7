//! Writing a synthetic set to disk: all of it, or nothing.
//!
//! ```
//! use framehaul::frame::{Colour, FrameFormat, Sample};
//! use framehaul::source::generate::{Layout, Plan, generate};
//! use framehaul::source::FrameSet;
//! # let dir = std::env::temp_dir().join(format!("framehaul-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir).unwrap();
//! let format = FrameFormat::new(64, 48, Colour::Rgb, Sample::U8);
//! let plan = Plan::new(dir.join("set"), format, 12);
//! let written = generate(&plan, &Default::default(), &|_| {})?;
//! assert!(written.bytes > 12 * 64 * 48 * 3);
//!
//! let set = FrameSet::open(dir.join("set").to_str().unwrap())?;
//! assert_eq!((set.len(), set.format()), (12, format));
//! # std::fs::remove_dir_all(&dir).unwrap();
//! # Ok::<(), framehaul::Error>(())
//! ```

pub use super::encode::FileFormat;
use super::encode::encode;
use super::manifest::Manifest;
use super::staging::{Staging, parent};
use super::synthetic::Scene;
use super::{npy, npy_header};
use crate::error::{Error, Result};
use crate::frame::{Colour, FrameFormat};
use crate::sys::fs::space;
use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A set to be written.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder that it becomes.
    pub out: PathBuf,
    /// Gray or RGB.
    pub format: FrameFormat,
    /// How many frames; at least 1.
    pub frames: u64,
    /// Frames a second.
    pub fps: f64,
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// Packed, single files, or both.
    pub layout: Layout,
    /// What single files are written as.
    pub file_format: FileFormat,
    /// Whether a set that has this name already is replaced (once the new one is complete).
    pub force: bool,
    /// Threads that draw and write.
    pub threads: NonZero<usize>,
}

/// How the frames of a set are laid out in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All in `frames.npy`.
    Packed,
    /// Each in a file of its own in `frames/`.
    Files,
    /// Both.
    Both,
}

impl Layout {
    fn packed(self) -> bool {
        self != Self::Files
    }

    fn files(self) -> bool {
        self != Self::Packed
    }
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Size of all files.
    pub bytes: u64,
}

impl Plan {
    /// A packed set at 30 frames a second, from seed 1, on all cores.
    pub fn new(out: impl Into<PathBuf>, format: FrameFormat, frames: u64) -> Self {
        Self {
            out: out.into(),
            format,
            frames,
            fps: 30.0,
            seed: 1,
            layout: Layout::Packed,
            file_format: FileFormat::Npy,
            force: false,
            threads: std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        }
    }

    /// Bytes of pixels that will be drawn: what progress is counted in.
    pub fn pixel_bytes(&self) -> u64 {
        let copies = u64::from(self.layout.packed()) + u64::from(self.layout.files());
        copies * self.frames * self.format.bytes() as u64
    }

    /// Room that the set may need on disk. A PNG is counted as if it did not shrink.
    pub fn disk_bytes(&self) -> u64 {
        const SMALL: u64 = 1 << 16; // manifest and directories
        let header = npy_header::DATA_OFFSET as u64;
        let files = if self.layout.files() { self.frames } else { 0 };
        self.pixel_bytes() + (files + 1) * header + SMALL
    }

    /// About the memory that it takes.
    pub fn memory_bytes(&self) -> u64 {
        let (scene, preparing) = Scene::memory(self.format);
        // Whole frames where each has its file, and else chunks with a row at either end.
        let buffer = if self.layout.files() {
            self.format.bytes() as u64
        } else {
            2 * CHUNK
        };
        scene + preparing.max(self.threads.get() as u64 * buffer)
    }

    /// Refuses what cannot be carried out, before anything is written. Returns whether there is
    /// a set to replace.
    fn check(&self) -> Result<bool> {
        let out = self.out.display();
        if self.frames == 0 {
            return Err(Error::Usage("a set needs at least one frame".into()));
        }
        let total = self
            .frames
            .checked_mul(2 * (self.format.bytes() as u64 + (1 << 13)));
        if total.is_none_or(|bytes| bytes > i64::MAX as u64) {
            return Err(Error::Usage(format!(
                "{} frames of {} are more than any disk holds",
                self.frames, self.format
            )));
        }
        if self.out.file_name().is_none() {
            return Err(Error::Usage(format!(
                "{out} is no name for a new folder; name one that does not exist yet"
            )));
        }
        let folder = parent(&self.out);
        if !folder.is_dir() {
            return Err(Error::input(
                folder,
                format!("there is no such folder to put {out} into; create it first"),
            ));
        }
        let exists = std::fs::symlink_metadata(&self.out).is_ok();
        if exists && !self.force {
            return Err(Error::Usage(format!(
                "{out} exists already; choose another name, or --force to replace a generated set"
            )));
        }
        if exists {
            is_only_a_set(&self.out)?;
        }
        let free = space(folder)
            .map_err(Error::io(folder, "cannot tell its space"))?
            .free;
        if self.disk_bytes() > free {
            return Err(Error::Usage(format!(
                "{out} needs {:.2} GB of disk, {} has {:.2} GB available; ask for fewer or \
                 smaller frames, or another place",
                self.disk_bytes() as f64 / 1e9,
                folder.display(),
                free as f64 / 1e9
            )));
        }
        Ok(exists)
    }
}

/// Refuses to replace a folder in which there is anything that `generate` does not write.
fn is_only_a_set(folder: &Path) -> Result<()> {
    let refuse = |what: String| {
        Error::Usage(format!(
            "{} is not replaced: {what}; move it away yourself",
            folder.display()
        ))
    };
    if std::fs::symlink_metadata(folder).is_ok_and(|meta| !meta.is_dir()) {
        return Err(refuse("it is not a folder".into()));
    }
    Manifest::read(folder).map_err(|_| refuse("it is not a generated set".into()))?;
    let known = [Manifest::FILE, Manifest::PACKED, Manifest::FILES];
    let names = |path: &Path| -> Result<Vec<String>> {
        let failed = || Error::io(path, "cannot list the folder");
        let entries = std::fs::read_dir(path).map_err(failed())?;
        entries
            .map(|entry| {
                Ok(entry
                    .map_err(failed())?
                    .file_name()
                    .to_string_lossy()
                    .into())
            })
            .collect()
    };
    if let Some(other) = names(folder)?
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        return Err(refuse(format!("it also holds {other}")));
    }
    let files = folder.join(Manifest::FILES);
    if files.is_dir() {
        let numbered = |name: &&String| {
            let stem = name.split('.').next().unwrap_or_default();
            stem.bytes().all(|b| b.is_ascii_digit())
        };
        if let Some(other) = names(&files)?.iter().find(|name| !numbered(name)) {
            return Err(refuse(format!("it also holds {}/{other}", Manifest::FILES)));
        }
    }
    Ok(())
}

/// Writes the set. `stop` ends it early; `progress` is told of pixel bytes as they are written,
/// from several threads.
///
/// # Errors
/// If the plan cannot be carried out, the disk is full, or `stop` was set
/// ([`Error::Interrupted`]). In all cases nothing stays behind.
pub fn generate(
    plan: &Plan,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Written> {
    let replace = plan.check()?;
    let staging = Staging::new(&plan.out)?;
    let scene = Scene::new(plan.format, plan.frames, plan.seed)?;
    let work = Work {
        plan,
        scene: &scene,
        stop,
        progress,
        written: AtomicU64::new(0),
    };
    if plan.layout.packed() {
        work.packed(&staging.path().join(Manifest::PACKED))?;
    }
    if plan.layout.files() {
        let folder = staging.path().join(Manifest::FILES);
        std::fs::create_dir(&folder).map_err(Error::io(&folder, "cannot create the folder"))?;
        work.files(&folder)?;
    }
    work.manifest(&staging.path().join(Manifest::FILE))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    staging.publish(&plan.out, replace)?;
    Ok(Written {
        bytes: work.written.into_inner(),
    })
}

/// What the threads share.
struct Work<'a> {
    plan: &'a Plan,
    scene: &'a Scene,
    stop: &'a AtomicBool,
    progress: &'a (dyn Fn(u64) + Sync),
    written: AtomicU64,
}

/// Bytes that are drawn and written at a time, aligned in the file: the size of a huge page, so
/// that the page cache can hold the file in huge pages and whoever maps it gets them. Reading a
/// set that is mapped in small pages takes up to a third longer.
const CHUNK: u64 = 2 << 20;

impl Work<'_> {
    /// All frames behind one header. Threads take chunks in turn: while one writes (which
    /// the file system lets one do at a time), another draws.
    fn packed(&self, path: &Path) -> Result<()> {
        let file = self.create(path)?;
        let header = npy::header_of(self.plan.format, Some(self.plan.frames)).to_bytes();
        let format = self.plan.format;
        let header_len = header.len() as u64;
        let frame_len = format.bytes() as u64;
        let row_len = frame_len / u64::from(format.height);
        let len = header_len + self.plan.frames * frame_len;
        self.in_threads(len.div_ceil(CHUNK), |chunk, buffer| {
            let begin = chunk * CHUNK;
            let end = len.min(begin + CHUNK);
            buffer.clear();
            if begin < header_len {
                buffer.extend_from_slice(&header[begin as usize..header_len.min(end) as usize]);
            }
            // Whole rows are drawn; what lies outside the chunk at either end is its neighbours'.
            let mut at = begin.saturating_sub(header_len);
            let last = end.saturating_sub(header_len);
            let lead = (at % row_len) as usize;
            while at < last {
                let (frame, within) = (at / frame_len, at % frame_len);
                let rows = within / row_len..(within + last - at).min(frame_len).div_ceil(row_len);
                let drawn = buffer.len();
                let bytes = (rows.end - rows.start) * row_len;
                buffer.resize(drawn + bytes as usize, 0);
                let next = frame * frame_len + rows.end * row_len;
                self.scene.render_rows(
                    frame,
                    rows.start as u32..rows.end as u32,
                    &mut buffer[drawn..],
                );
                at = next;
            }
            let bytes = &buffer[lead..lead + (end - begin) as usize];
            file.write_all_at(bytes, begin)
                .map_err(cannot_write(path))?;
            self.note(bytes.len() as u64, bytes.len() as u64);
            Ok(())
        })
    }

    /// A file for each frame; each thread takes the next.
    fn files(&self, folder: &Path) -> Result<()> {
        let Plan {
            format,
            file_format,
            frames,
            ..
        } = *self.plan;
        let extension = file_format.extension(format.colour);
        self.in_threads(frames, |frame, buffer| {
            let path = folder.join(format!("{frame:06}.{extension}"));
            let file = self.create(&path)?;
            buffer.resize(format.bytes(), 0);
            self.scene.render(frame, buffer);
            let size = encode(&file, file_format, format, buffer).map_err(cannot_write(&path))?;
            self.note(size, buffer.len() as u64);
            Ok(())
        })
    }

    fn manifest(&self, path: &Path) -> Result<()> {
        let plan = self.plan;
        let (format, layout) = (plan.format, plan.layout);
        let channels = if format.colour == Colour::Gray { 1 } else { 3 };
        let header = npy::header_of(format, Some(plan.frames));
        let manifest = Manifest {
            schema: Manifest::SCHEMA.to_owned(),
            frames: plan.frames,
            width: format.width,
            height: format.height,
            channels,
            pixels: format.pixel_name(),
            dtype: header.descr,
            shape: [
                plan.frames,
                format.height.into(),
                format.width.into(),
                channels.into(),
            ],
            fps: plan.fps,
            seed: plan.seed,
            packed: layout.packed().then(|| Manifest::PACKED.to_owned()),
            files: layout.files().then(|| Manifest::FILES.to_owned()),
            file_format: layout
                .files()
                .then(|| plan.file_format.extension(format.colour).to_owned()),
            truth: self.scene.truth().clone(),
        };
        let mut text = serde_json::to_vec_pretty(&manifest)
            .map_err(|e| Error::Failed(format!("cannot write the manifest: {e}")))?;
        text.push(b'\n');
        let file = self.create(path)?;
        file.write_all_at(&text, 0).map_err(cannot_write(path))?;
        self.written.fetch_add(text.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn create(&self, path: &Path) -> Result<File> {
        File::create_new(path).map_err(cannot_write(path))
    }

    fn note(&self, written: u64, drawn: u64) {
        self.written.fetch_add(written, Ordering::Relaxed);
        (self.progress)(drawn);
    }

    /// Carries out units `0..units`, each once, until one fails or `stop` is set.
    fn in_threads(
        &self,
        units: u64,
        carry_out: impl Fn(u64, &mut Vec<u8>) -> Result<()> + Sync,
    ) -> Result<()> {
        let next = AtomicU64::new(0);
        let failed = Mutex::new(None);
        let work = || {
            let mut buffer = Vec::new();
            loop {
                if self.stop.load(Ordering::Relaxed) {
                    return Err(Error::Interrupted);
                }
                let unit = next.fetch_add(1, Ordering::Relaxed);
                if unit >= units {
                    return Ok(());
                }
                carry_out(unit, &mut buffer)?;
            }
        };
        let threads = units.min(self.plan.threads.get() as u64);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    if let Err(e) = work() {
                        next.store(units, Ordering::Relaxed);
                        failed
                            .lock()
                            .unwrap_or_else(|e| e.into_inner())
                            .get_or_insert(e);
                    }
                });
            }
        });
        let failed = failed.into_inner().unwrap_or_else(|e| e.into_inner());
        failed.map_or(Ok(()), Err)
    }
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |e| {
        Error::Failed(format!(
            "cannot write {}: {e}; the unfinished set was removed",
            path.display()
        ))
    }
}
