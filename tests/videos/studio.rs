//! Where videos are made, and what is seen of their frames.

use crate::common::{Sandbox, children, given};
use framehaul::frame::FrameFormat;
use framehaul::source::{Arrival, FrameSet, Reader, Source, Stream};
use std::process::Command;
use std::sync::atomic::AtomicBool;

pub(crate) static GO_ON: AtomicBool = AtomicBool::new(false);

/// A folder with videos in it.
pub(crate) struct Studio(pub(crate) Sandbox);

impl Studio {
    pub(crate) fn new() -> Self {
        Self(Sandbox::new())
    }

    /// Runs ffmpeg in the folder with a line that is split at blanks; whether it could.
    pub(crate) fn can(&self, line: &str) -> bool {
        let mut command = Command::new(given("FRAMEHAUL_FFMPEG"));
        command
            .current_dir(self.0.path("."))
            .args(["-nostdin", "-v", "error", "-y"])
            .args(line.split_whitespace());
        command.status().expect("ffmpeg starts").success()
    }

    #[track_caller]
    pub(crate) fn ffmpeg(&self, line: &str) -> &Self {
        assert!(self.can(line), "ffmpeg {line}");
        self
    }

    /// The first two seconds of a real video.
    pub(crate) fn clip(&self) -> &Self {
        let clip = given("FRAMEHAUL_CLIP");
        std::os::unix::fs::symlink(clip, self.0.path("whole.mp4")).unwrap();
        self.ffmpeg("-i whole.mp4 -t 2 -an -c copy clip.mp4")
    }

    pub(crate) fn typed(&self, name: &str) -> String {
        self.0.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn open(&self, name: &str) -> Source {
        let source = Source::open(&self.typed(name)).unwrap();
        assert!(source.set().is_none(), "{name} is no live source");
        source
    }

    /// The sentence by which an input is refused; it names the input.
    #[track_caller]
    pub(crate) fn refused(&self, name: &str) -> String {
        let refusal = Source::open(&self.typed(name)).map(|_| ()).unwrap_err();
        assert_eq!(refusal.exit_code(), 2);
        let said = refusal.to_string();
        assert!(said.contains(name) && !said.contains('\n'), "{said}");
        said
    }

    /// The frames of a y4m, read as a set.
    pub(crate) fn set(&self, name: &str) -> (FrameFormat, Vec<Vec<u8>>) {
        let set = FrameSet::open(&self.typed(name)).unwrap();
        let mut reader = Reader::default();
        let frames = (0..set.len()).map(|index| {
            let mut frame = vec![0; set.format().bytes()];
            reader.frame(&set, index, &mut frame).unwrap();
            frame
        });
        (set.format(), frames.collect())
    }

    /// The ffmpeg that this process runs on a file of the folder.
    pub(crate) fn child(&self, name: &str) -> Option<u32> {
        let typed = self.typed(name);
        children(std::process::id()).into_iter().find(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&typed)
        })
    }
}

/// What became of the frames of a stream.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) frames: Vec<Result<Vec<u8>, String>>,
    pub(crate) times: Vec<f64>,
    pub(crate) incomplete: Option<String>,
    pub(crate) notes: Vec<String>,
}

/// One frame, whole or with its fault; none at the end.
pub(crate) fn next(
    stream: &mut dyn Stream,
    format: FrameFormat,
) -> Option<Result<Vec<u8>, String>> {
    match stream.await_next(&GO_ON) {
        Ok(Arrival::Begun) => {
            let mut frame = vec![0; format.bytes()];
            Some(stream.fill(&mut frame, &GO_ON).map(|()| frame))
        }
        Ok(Arrival::End) => None,
        // The next frame will not come.
        Err(why) => Some(Err(why.to_string())),
        Ok(Arrival::Stopped) => unreachable!("nobody stops it"),
    }
}

pub(crate) fn rest(stream: &mut dyn Stream, format: FrameFormat) -> Seen {
    let (mut frames, mut times) = (Vec::new(), Vec::new());
    while let Some(frame) = next(stream, format) {
        frames.push(frame);
        times.extend(stream.time());
    }
    assert_eq!(
        stream.await_next(&GO_ON).unwrap(),
        Arrival::End,
        "the end stays"
    );
    Seen {
        frames,
        times,
        incomplete: stream.incomplete(),
        notes: stream.notes(),
    }
}

pub(crate) fn all(source: &Source) -> Seen {
    rest(&mut *source.stream(0).unwrap(), source.format())
}

/// Not by `assert_eq`, which would print millions of bytes.
#[track_caller]
pub(crate) fn same(found: &[Result<Vec<u8>, String>], expected: &[Vec<u8>], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let found = found.as_ref().unwrap();
        assert!(found == expected, "{what}: frame {index} differs");
    }
}

#[track_caller]
pub(crate) fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let within = found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < 1e-3);
    assert!(within, "{found:?}, expected {expected:?}");
}

/// A video of more than the pipe can hold.
pub(crate) fn long(studio: &Studio) -> Vec<Vec<u8>> {
    let drawn = "-f lavfi -i testsrc2=s=320x240:r=25:d=8 -pix_fmt yuv420p";
    studio.ffmpeg(&format!("{drawn} long.y4m {drawn} -c:v ffv1 long.mkv"));
    studio.set("long.y4m").1
}

/// The digest of what a run of the program has found.
pub(crate) fn digest(studio: &Studio, run: &str) -> String {
    let digest = &studio.0.report(run)["findings_digest"];
    digest.as_str().unwrap().to_owned()
}
