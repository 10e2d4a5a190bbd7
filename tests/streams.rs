//! Videos as streams, with the real ffmpeg: the same frames as by way of a y4m, at the video's own
//! times, and what goes wrong costs no more than it has to.
//!
//! `scripts/test` fetches ffmpeg and a video and runs these tests; without them they fail.

mod common;

use common::{Said, Sandbox, children, is_running, kill, workers};
use framehaul::frame::FrameFormat;
use framehaul::source::{Arrival, FrameSet, Reader, Source, Stream};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

static GO_ON: AtomicBool = AtomicBool::new(false);

/// What the environment names.
fn given(variable: &str) -> OsString {
    let file = std::env::var_os(variable);
    let file = file.unwrap_or_else(|| panic!("{variable} is not set: run ./scripts/test"));
    let found = Path::new(&file).exists();
    assert!(
        found,
        "{variable} is {file:?}, which is not there: run ./scripts/test"
    );
    file
}

/// A folder with videos in it.
struct Studio(Sandbox);

impl Studio {
    fn new() -> Self {
        Self(Sandbox::new())
    }

    /// Runs ffmpeg in the folder with a line that is split at blanks; whether it could.
    fn can(&self, line: &str) -> bool {
        let mut command = Command::new(given("FRAMEHAUL_FFMPEG"));
        command
            .current_dir(self.0.path("."))
            .args(["-nostdin", "-v", "error", "-y"])
            .args(line.split_whitespace());
        command.status().expect("ffmpeg starts").success()
    }

    #[track_caller]
    fn ffmpeg(&self, line: &str) -> &Self {
        assert!(self.can(line), "ffmpeg {line}");
        self
    }

    /// The first two seconds of a real video.
    fn clip(&self) -> &Self {
        let clip = given("FRAMEHAUL_CLIP");
        std::os::unix::fs::symlink(clip, self.0.path("whole.mp4")).unwrap();
        self.ffmpeg("-i whole.mp4 -t 2 -an -c copy clip.mp4")
    }

    fn typed(&self, name: &str) -> String {
        self.0.path(name).to_str().unwrap().to_owned()
    }

    fn open(&self, name: &str) -> Source {
        let source = Source::open(&self.typed(name)).unwrap();
        assert!(source.set().is_none(), "{name} is no live source");
        source
    }

    /// The sentence by which an input is refused; it names the input.
    #[track_caller]
    fn refused(&self, name: &str) -> String {
        let refusal = Source::open(&self.typed(name)).map(|_| ()).unwrap_err();
        assert_eq!(refusal.exit_code(), 2);
        let said = refusal.to_string();
        assert!(said.contains(name) && !said.contains('\n'), "{said}");
        said
    }

    /// The frames of a y4m, read as a set.
    fn set(&self, name: &str) -> (FrameFormat, Vec<Vec<u8>>) {
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
    fn child(&self, name: &str) -> Option<u32> {
        let typed = self.typed(name);
        children(std::process::id()).into_iter().find(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&typed)
        })
    }
}

/// What became of the frames of a stream.
#[derive(Debug)]
struct Seen {
    frames: Vec<Result<Vec<u8>, String>>,
    times: Vec<f64>,
    incomplete: Option<String>,
    notes: Vec<String>,
}

/// One frame, whole or with its fault; none at the end.
fn next(stream: &mut dyn Stream, format: FrameFormat) -> Option<Result<Vec<u8>, String>> {
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

fn rest(stream: &mut dyn Stream, format: FrameFormat) -> Seen {
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

fn all(source: &Source) -> Seen {
    rest(&mut *source.stream(0).unwrap(), source.format())
}

/// Not by `assert_eq`, which would print millions of bytes.
#[track_caller]
fn same(found: &[Result<Vec<u8>, String>], expected: &[Vec<u8>], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let found = found.as_ref().unwrap();
        assert!(found == expected, "{what}: frame {index} differs");
    }
}

#[track_caller]
fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let within = found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < 1e-3);
    assert!(within, "{found:?}, expected {expected:?}");
}

#[test]
fn a_real_video_has_the_frames_of_its_y4m() {
    let studio = Studio::new();
    studio.clip().ffmpeg("-i clip.mp4 clip.y4m");
    let (format, expected) = studio.set("clip.y4m");
    assert!(expected.len() > 40);
    let clip = studio.open("clip.mp4");
    assert_eq!((clip.format(), clip.fps()), (format, Some(24.0)));
    let seen = all(&clip);
    same(&seen.frames, &expected, "clip.mp4");
    assert_eq!((seen.incomplete, seen.notes), (None, vec![]));
    let times: Vec<f64> = (0..expected.len())
        .map(|index| index as f64 / 24.0)
        .collect();
    near(&seen.times, &times);

    // And again, from a later frame on.
    let seen = rest(&mut *clip.stream(30).unwrap(), format);
    same(&seen.frames, &expected[30..], "from 30 on");
    near(&seen.times, &times[30..]);
}

#[test]
fn a_video_is_decoded_in_its_own_pixels() {
    let studio = Studio::new();
    for (pixels, codec, file, ours) in [
        ("yuv420p", "ffv1", "a.mkv", "yuv420p8"),
        ("yuv422p", "ffv1", "a.mkv", "yuv422p8"),
        ("yuv444p", "ffv1", "a.mkv", "yuv444p8"),
        ("yuv420p10le", "ffv1", "a.mkv", "yuv420p10"),
        ("yuv422p10le", "ffv1", "a.mkv", "yuv422p10"),
        ("yuv444p10le", "ffv1", "a.mkv", "yuv444p10"),
        ("gray", "ffv1", "a.mkv", "gray8"),
        // Of full range, which has to stay.
        ("yuvj420p", "mjpeg", "a.avi", "yuv420p8"),
        ("yuvj422p", "mjpeg", "a.avi", "yuv422p8"),
    ] {
        // Odd sizes, as chroma planes round up.
        studio.ffmpeg(&format!(
            "-f lavfi -i testsrc2=s=65x49:r=10:d=0.5 -pix_fmt {pixels} -c:v {codec} {file}"
        ));
        studio.ffmpeg(&format!("-i {file} -strict -1 a.y4m"));
        let (format, expected) = studio.set("a.y4m");
        let video = studio.open(file);
        assert_eq!(format.pixel_name(), ours, "{pixels}");
        assert_eq!(video.format(), format, "{pixels}");
        same(&all(&video).frames, &expected, pixels);
    }
}

#[test]
fn samples_in_another_order_are_put_right_and_keep_their_values() {
    let studio = Studio::new();
    // 4:2:0 and 4:2:2 with chroma samples side by side, and all samples side by side.
    for (pixels, written) in [
        ("nv12", "yuv420p"),
        ("nv21", "yuv420p"),
        ("uyvy422", "yuv422p"),
        ("yuyv422", "yuv422p"),
    ] {
        let drawn = "-f lavfi -i testsrc2=s=64x48:r=10:d=0.5";
        studio.ffmpeg(&format!("{drawn} -pix_fmt {written} a.y4m"));
        studio.ffmpeg(&format!("-i a.y4m -pix_fmt {pixels} -c:v rawvideo a.nut"));
        let (format, expected) = studio.set("a.y4m");
        let video = studio.open("a.nut");
        assert_eq!(video.format(), format, "{pixels}");
        same(&all(&video).frames, &expected, pixels);
    }
}

#[test]
fn colours_come_as_they_were_drawn() {
    let studio = Studio::new();
    for (pixels, codec, file, raw, ours) in [
        ("rgb24", "png", "a.mov", "rgb24", "rgb8"),
        ("rgb24", "qtrle", "a.mov", "rgb24", "rgb8"),
        ("bgr0", "ffv1", "a.mkv", "rgb24", "rgb8"),
        ("gbrp", "ffvhuff", "a.mkv", "rgb24", "rgb8"),
        ("rgb48be", "png", "a.mov", "rgb48le", "rgb16"),
        ("rgba", "png", "a.mov", "rgba", "rgba8"),
        ("bgra", "ffv1", "a.mkv", "rgba", "rgba8"),
        ("gray16be", "png", "a.mov", "gray16le", "gray16"),
    ] {
        let drawn = "-f lavfi -i testsrc=s=65x49:r=10:d=0.5";
        studio.ffmpeg(&format!(
            "{drawn} -pix_fmt {raw} -f rawvideo a.raw {drawn} -pix_fmt {pixels} -c:v {codec} {file}"
        ));
        let video = studio.open(file);
        assert_eq!(video.format().pixel_name(), ours, "{pixels}");
        let raw = std::fs::read(studio.0.path("a.raw")).unwrap();
        let expected: Vec<_> = raw
            .chunks(video.format().bytes())
            .map(<[u8]>::to_vec)
            .collect();
        same(&all(&video).frames, &expected, pixels);
    }
}

#[test]
fn colours_of_a_palette_are_looked_up() {
    let studio = Studio::new();
    studio.ffmpeg(
        "-f lavfi -i testsrc=s=64x48:r=10:d=0.5 -vf \
         split[a][b];[a]palettegen=reserve_transparent=0[p];[b][p]paletteuse=dither=none \
         -c:v rawvideo -pix_fmt pal8 a.nut",
    );
    let video = studio.open("a.nut");
    assert_eq!(video.format().to_string(), "64x48 rgba8");
    let seen = all(&video);
    assert_eq!(seen.frames.len(), 5);
    // The picture's bars are of full colours: there is pure red, and nothing is transparent.
    let frame = seen.frames[0].as_ref().unwrap();
    let (pixels, _) = frame.as_chunks::<4>();
    assert!(pixels.iter().all(|pixel| pixel[3] == 255));
    assert!(pixels.contains(&[255, 0, 0, 255]));
}

#[test]
fn an_alpha_that_no_format_of_ours_holds_is_dropped_and_the_notes_say_so() {
    let studio = Studio::new();
    let drawn = "-f lavfi -i testsrc2=s=64x48:r=10:d=0.3";
    studio.ffmpeg(&format!("{drawn} -pix_fmt yuv420p a.y4m"));
    studio.ffmpeg("-i a.y4m -pix_fmt yuva420p -c:v ffv1 a.mkv");
    let seen = all(&studio.open("a.mkv"));
    same(&seen.frames, &studio.set("a.y4m").1, "yuva420p");
    assert!(
        seen.notes.len() == 1 && seen.notes[0].contains("alpha"),
        "{:?}",
        seen.notes
    );
}

#[test]
fn a_video_that_says_it_lies_on_its_side_is_turned_as_in_its_y4m() {
    let studio = Studio::new();
    studio.clip();
    // An option since ffmpeg 6, metadata before.
    if !studio.can("-display_rotation 90 -i clip.mp4 -c copy turned.mp4") {
        studio.ffmpeg("-i clip.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mp4");
    }
    studio.ffmpeg("-i turned.mp4 turned.y4m");
    let (format, expected) = studio.set("turned.y4m");
    let video = studio.open("turned.mp4");
    assert_eq!((format.width, format.height), (720, 1280));
    assert_eq!(video.format(), format);
    same(&all(&video).frames, &expected, "turned");
}

#[test]
fn a_varying_rate_keeps_its_times_and_no_frame_is_made_up() {
    let studio = Studio::new();
    studio.ffmpeg(
        "-f lavfi -i testsrc=s=64x48:r=10:d=0.6 -vf setpts=N*(N+1)/2 -fps_mode passthrough \
         -c:v ffv1 a.mkv",
    );
    let seen = all(&studio.open("a.mkv"));
    assert_eq!(seen.frames.len(), 6);
    near(&seen.times, &[0.0, 0.1, 0.3, 0.6, 1.0, 1.5]);
}

#[test]
fn decode_errors_are_counted_and_the_frames_go_on() {
    let studio = Studio::new();
    studio.clip();
    let mut bytes = std::fs::read(studio.0.path("clip.mp4")).unwrap();
    let third = bytes.len() / 3;
    for byte in bytes[third..2 * third].iter_mut().step_by(1013) {
        *byte ^= 0xff;
    }
    studio.0.write("bad.mp4", &bytes);
    let seen = all(&studio.open("bad.mp4"));
    assert!(seen.frames.len() > 20);
    assert_eq!(seen.frames.len(), seen.times.len());
    assert!(seen.frames.iter().all(Result::is_ok));
    assert_eq!(seen.notes.len(), 1, "{:?}", seen.notes);
    let [_, told] = seen.notes[0].split("told of ").collect::<Vec<_>>()[..] else {
        panic!("{:?}", seen.notes);
    };
    let errors: u32 = told.split(' ').next().unwrap().parse().unwrap();
    assert!(errors > 1 && told.contains("first: "), "{told}");
}

#[test]
fn frames_of_another_size_in_mid_stream_fail_alone() {
    let studio = Studio::new();
    for size in ["64x48", "96x64"] {
        let drawn = format!("-f lavfi -i testsrc=s={size}:r=25:d=1");
        studio.ffmpeg(&format!(
            "{drawn} -pix_fmt yuv420p -c:v mpeg2video {size}.mpg"
        ));
    }
    let parts = ["64x48.mpg", "96x64.mpg", "64x48.mpg"];
    let parts = parts.map(|part| std::fs::read(studio.0.path(part)).unwrap());
    studio.0.write("change.mpg", &parts.concat());
    let video = studio.open("change.mpg");
    assert_eq!(video.format().to_string(), "64x48 yuv420p8");
    let seen = all(&video);
    let first = seen.frames.iter().position(Result::is_err).unwrap();
    let last = seen.frames.iter().rposition(Result::is_err).unwrap();
    assert!(first > 5 && last > first + 5 && seen.frames.len() > last + 5);
    for (index, frame) in seen.frames.iter().enumerate() {
        assert_eq!(frame.is_err(), (first..=last).contains(&index), "{index}");
        if let Err(said) = frame {
            for word in [&format!("frame {index} is 96x64"), "64x48", "change.mpg"] {
                assert!(said.contains(word), "{said}");
            }
        }
    }
    assert_eq!(seen.times.len(), seen.frames.len());
}

/// A video of more than the pipe can hold.
fn long(studio: &Studio) -> Vec<Vec<u8>> {
    let drawn = "-f lavfi -i testsrc2=s=320x240:r=25:d=8 -pix_fmt yuv420p";
    studio.ffmpeg(&format!("{drawn} long.y4m {drawn} -c:v ffv1 long.mkv"));
    studio.set("long.y4m").1
}

#[test]
fn an_ffmpeg_that_is_killed_loses_only_the_rest() {
    let studio = Studio::new();
    let expected = long(&studio);
    let video = studio.open("long.mkv");
    let mut stream = video.stream(0).unwrap();
    let first = next(&mut *stream, video.format()).unwrap();
    same(&[first], &expected[..1], "the first");
    kill("-KILL", studio.child("long.mkv").expect("a child"));
    let mut seen = rest(&mut *stream, video.format());
    // Whether the last was cut off, or not even begun, nobody takes it for whole.
    let killed = "was killed by SIGKILL after ";
    match &seen.incomplete {
        Some(said) => assert!(said.contains(killed), "{said}"),
        None => assert!(seen.frames.last().is_some_and(Result::is_err)),
    }
    if let Some(said) = seen.frames.pop_if(|last| last.is_err()) {
        let said = said.unwrap_err();
        let frame = format!("ends inside frame {}: ", seen.frames.len() + 1);
        let cut_off = said.contains(&frame) && said.contains("of its 115200 bytes");
        let told_of = said.contains("having told of more");
        assert!((cut_off || told_of) && said.contains(killed), "{said}");
    }
    assert!(seen.frames.len() < expected.len() - 1);
    same(
        &seen.frames,
        &expected[1..=seen.frames.len()],
        "what came before",
    );
    let notes = seen.notes.join("\n");
    assert!(
        notes.contains("ffmpeg was killed by SIGKILL after"),
        "{notes}"
    );
    assert_eq!(studio.child("long.mkv"), None);
}

#[test]
fn a_stream_that_is_dropped_leaves_no_child_even_a_stopped_one() {
    let studio = Studio::new();
    long(&studio);
    let video = studio.open("long.mkv");
    assert_eq!(studio.child("long.mkv"), None, "opening it has left one");
    let mut stream = video.stream(0).unwrap();
    let pid = studio.child("long.mkv").expect("a child");
    // Of a group of its own, which a Ctrl-C at the terminal passes by.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let group = stat.rsplit(')').next().unwrap().split_whitespace().nth(2);
    assert_eq!(group, Some(&*pid.to_string()));

    kill("-STOP", pid);
    let (stop, format) = (AtomicBool::new(false), video.format());
    std::thread::scope(|scope| {
        // It waits, after what was in the pipe, until it is called off.
        let reading = scope.spawn(|| {
            let mut frame = vec![0; format.bytes()];
            while stream.await_next(&stop).unwrap() == Arrival::Begun {
                let _ = stream.fill(&mut frame, &stop);
            }
            stream.await_next(&stop).unwrap()
        });
        stop.store(true, Ordering::Relaxed);
        assert_eq!(reading.join().unwrap(), Arrival::Stopped);
    });
    drop(stream);
    assert_eq!(studio.child("long.mkv"), None);
}

#[test]
fn a_stream_outlives_the_thread_that_has_begun_it() {
    let studio = Studio::new();
    let expected = long(&studio);
    let video = studio.open("long.mkv");
    let begun = std::thread::scope(|scope| scope.spawn(|| video.stream(0).unwrap()).join());
    let seen = rest(&mut *begun.unwrap(), video.format());
    same(&seen.frames, &expected, "long.mkv");
}

#[test]
fn what_is_no_video_is_refused_by_a_sentence() {
    let studio = Studio::new();
    assert!(studio.refused("missing.mp4").contains("no such file"));
    studio.0.write("noise.bin", &[7; 5000]);
    assert!(
        studio
            .refused("noise.bin")
            .contains("ffmpeg cannot read it as a video: ")
    );
    studio.0.write("empty.mp4", b"");
    assert!(
        studio
            .refused("empty.mp4")
            .contains("ffmpeg cannot read it as a video: ")
    );
    studio.ffmpeg("-f lavfi -i sine=d=0.1 tone.wav");
    assert!(
        studio
            .refused("tone.wav")
            .contains("ffmpeg finds no video in it")
    );
    studio.ffmpeg("-f lavfi -i testsrc=s=64x48:d=0.1 -pix_fmt yuv411p -c:v rawvideo a.nut");
    let said = studio.refused("a.nut");
    assert!(
        said.contains("yuv411p") && said.contains("ffmpeg -i IN -pix_fmt"),
        "{said}"
    );
}

// ---- through the program ------------------------------------------------------------------------

const ANALYZE: &str = "--analyze luma,motion,histogram,sharpness,thumbnail:16x9 --workers 2";

/// The digest of what a run of the program has found.
fn digest(studio: &Studio, run: &str) -> String {
    let digest = &studio.0.report(run)["findings_digest"];
    digest.as_str().unwrap().to_owned()
}

#[test]
fn a_real_video_through_slots_is_found_to_be_what_its_y4m_is_through_mmap() {
    let studio = Studio::new();
    studio.clip().ffmpeg("-i clip.mp4 clip.y4m");
    let run = |line: String| studio.0.run(&line).succeeds();
    run(format!("run clip.y4m --mode mmap {ANALYZE} --out y4m"));
    run(format!("run clip.mp4 --mode all {ANALYZE} --out video"));
    assert_eq!(digest(&studio, "video/shm"), digest(&studio, "y4m/mmap"));
    let thumbnails = |run: &str| std::fs::read(studio.0.path(run).join("thumbnails.npy")).unwrap();
    assert!(thumbnails("video/shm") == thumbnails("y4m/mmap"));

    // The same through a pipe, from a program that knows nothing of it.
    let mut ffmpeg = Command::new(given("FRAMEHAUL_FFMPEG"))
        .args(["-v", "error", "-i"])
        .arg(studio.0.path("clip.mp4"))
        .args(["-f", "yuv4mpegpipe", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let line = format!("run - --mode shm {ANALYZE} --out pipe");
    let mut command = studio.0.command(&line);
    let said = command
        .stdin(ffmpeg.stdout.take().unwrap())
        .output()
        .unwrap();
    Said::from(said, &line).succeeds();
    assert!(ffmpeg.wait().unwrap().success());
    assert_eq!(digest(&studio, "pipe/shm"), digest(&studio, "y4m/mmap"));
}

#[test]
fn uneven_times_are_kept_beside_the_findings() {
    let studio = Studio::new();
    studio.ffmpeg(
        "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -vf select=not(mod(n\\,3)*mod(n\\,7)) \
         -fps_mode passthrough -c:v ffv1 uneven.mkv",
    );
    studio
        .0
        .run("run uneven.mkv --mode shm --out out")
        .succeeds();
    let text = std::fs::read_to_string(studio.0.path("out/shm/timestamps.txt")).unwrap();
    let (head, times) = text.split_once('\n').unwrap();
    assert_eq!(head, "# timestamp format v2");
    let times: Vec<f64> = times.lines().map(|line| line.parse().unwrap()).collect();
    let kept = (0..50u32).filter(|n| n % 3 == 0 || n % 7 == 0);
    let expected: Vec<f64> = kept.map(|n| f64::from(n) * 40.0).collect();
    assert_eq!(times, expected);
    assert_eq!(studio.0.findings("out/shm").len(), expected.len());
}

#[test]
fn what_goes_wrong_with_a_stream_costs_its_frames_alone() {
    let studio = Studio::new();
    let drawn = |size: &str| format!("-f lavfi -i testsrc2=s={size}:r=25:d=1 -pix_fmt yuv420p");
    studio
        .ffmpeg(&format!("{} a.y4m", drawn("64x48")))
        .ffmpeg(&format!("{} b.y4m", drawn("32x24")));
    let [a, b] = ["a.y4m", "b.y4m"].map(|name| std::fs::read(studio.0.path(name)).unwrap());
    studio.0.run("run a.y4m --mode mmap --out whole").succeeds();
    let whole = studio.0.findings("whole/mmap");
    for (name, stream, frames, words) in [
        (
            "cut",
            a[..a.len() - 100].to_vec(),
            24,
            "ends inside frame 24",
        ),
        ("resized", [&a[..], &b].concat(), 25, "32x24"),
        ("garbled", [&a[..], b"nonsense"].concat(), 25, "nonsen"),
    ] {
        let file = studio.0.path(name);
        std::fs::write(&file, stream).unwrap();
        let line = format!("run - --mode shm --out {name}-out");
        let mut command = studio.0.command(&line);
        let said = command.stdin(std::fs::File::open(&file).unwrap()).output();
        let said = Said::from(said.unwrap(), &line);
        said.fails(1, &[&format!("frame {frames} failed"), words]);
        let findings = studio.0.findings(&format!("{name}-out/shm"));
        assert_eq!(findings[..frames], whole[..frames], "{name}");
        assert_eq!(findings.len(), frames + 1, "{name}");
        let totals = &studio.0.report(&format!("{name}-out/shm"))["totals"];
        assert_eq!(totals["frames_failed"], 1, "{name}");
    }
}

#[test]
fn an_ffmpeg_that_is_killed_during_a_run_is_named_and_what_came_is_kept() {
    let studio = Studio::new();
    long(&studio);
    studio
        .0
        .run("run long.y4m --mode mmap --analyze luma --out whole")
        .succeeds();
    let line = "run long.mkv --mode shm --analyze luma,burn:5 --workers 2 --out out";
    let mut command = studio.0.command(line);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    // It decodes far ahead of the analysis, as far as pipe and slots let it.
    let decoder = loop {
        let children = children(run.id());
        let found = children.into_iter().find(|&pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("rawvideo")
        });
        if let Some(pid) = found {
            break pid;
        }
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    };
    kill("-KILL", decoder);
    let said = Said::from(run.wait_with_output().unwrap(), line);
    said.fails(1, &["long.mkv", "killed by SIGKILL after"])
        .one_line();
    let report = studio.0.report("out/shm");
    assert!(
        report["notes"].to_string().contains("killed by SIGKILL"),
        "{report}"
    );
    let total = |name: &str| report["totals"][name].as_u64().unwrap() as usize;
    // One, if anything is known of it.
    let (frames, failed) = (total("frames"), total("frames_failed"));
    assert!(failed <= 1 && frames - failed < 200, "{report}");
    let (found, whole) = (
        studio.0.findings("out/shm"),
        studio.0.findings("whole/mmap"),
    );
    let luma = |line: &String| {
        line.split_once(",\"burn\"")
            .map(|(luma, _)| luma.to_owned())
    };
    for (one, other) in found[..frames - failed].iter().zip(&whole) {
        assert!(
            one == other || luma(one).map(|luma| luma + "}") == Some(other.clone()),
            "{one}"
        );
    }
}

// ---- scripts in the place of ffmpeg -------------------------------------------------------------

/// The program with a line, and a script in the place of ffmpeg that runs `at_open` when the video is
/// opened and `in_run` when its frames are wanted. `$FFMPEG` is the real one.
fn with_script(studio: &Studio, line: &str, at_open: &str, in_run: &str) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/ffmpeg.sh");
    let mut command = studio.0.command(line);
    command
        .env("FFMPEG", given("FRAMEHAUL_FFMPEG"))
        .env("FRAMEHAUL_FFMPEG", script)
        .env("AT_OPEN", at_open)
        .env("IN_RUN", in_run);
    command
}

const AS_IT_IS: &str = "exec \"$FFMPEG\" \"$@\"";

/// What the program says of long.mkv, with a script that runs `in_run` for its frames.
fn scripted(studio: &Studio, in_run: &str) -> Said {
    let line = "run long.mkv --mode shm --analyze luma --workers 1 --out out";
    let output = with_script(studio, line, AS_IT_IS, in_run).output();
    Said::from(output.unwrap(), in_run)
}

#[test]
fn an_ffmpeg_that_is_heard_by_nobody_costs_the_times_alone() {
    let studio = Studio::new();
    long(&studio);
    let run = |line: &str| studio.0.run(line).succeeds();
    run("run long.y4m --mode mmap --analyze luma --out whole");
    scripted(&studio, "exec \"$FFMPEG\" \"$@\" 2>/dev/null").succeeds();
    assert_eq!(digest(&studio, "out/shm"), digest(&studio, "whole/mmap"));
    assert!(!studio.0.path("out/shm/timestamps.txt").exists());
    let notes = studio.0.report("out/shm")["notes"].to_string();
    assert!(notes.contains("told nothing of 200 of 200"), "{notes}");
}

#[test]
fn a_run_ends_with_its_ffmpeg_whoever_holds_its_pipes_open_and_whatever_is_said() {
    let studio = Studio::new();
    long(&studio);
    let run = |line: &str| studio.0.run(line).succeeds();
    run("run long.y4m --mode mmap --analyze luma --out whole");
    let whole = studio.0.findings("whole/mmap");
    let held = &[
        "ffmpeg exited with code 0 after 200 frames",
        "holds its output open",
    ][..];
    for (in_run, words) in [
        // All that was wanted has come.
        ("\"$FFMPEG\" \"$@\"; sleep 1000 >/dev/null & exit 0", None),
        (
            "\"$FFMPEG\" \"$@\"; exec >/dev/null; yes >&2 & exit 0",
            None,
        ),
        // Whether more was to come, nobody knows.
        ("\"$FFMPEG\" \"$@\"; sleep 1000 & exit 0", Some(held)),
        (
            "\"$FFMPEG\" \"$@\"; sleep 1000 2>/dev/null & exit 0",
            Some(held),
        ),
        (
            "\"$FFMPEG\" \"$@\"; exec >&-; exec yes >&2",
            Some(&["does not end"][..]),
        ),
    ] {
        let said = scripted(&studio, in_run);
        match words {
            None => drop(said.succeeds()),
            Some(words) => drop(said.fails(1, words).one_line()),
        }
        assert_eq!(studio.0.findings("out/shm"), whole, "{in_run}");
    }
}

#[test]
fn an_end_that_may_be_none_is_named_and_no_frame_is_made_up_for_it() {
    let studio = Studio::new();
    long(&studio);
    let unknown = "more frames may have been to come";
    for (in_run, frames, failed, words) in [
        (
            "\"$FFMPEG\" \"$@\"; kill -TERM $$",
            200,
            0,
            ["killed by SIGTERM after 200 frames", unknown],
        ),
        (
            "\"$FFMPEG\" \"$@\"; exit 255",
            200,
            0,
            ["exited with code 255 after 200 frames", unknown],
        ),
        (
            "exit 0",
            0,
            0,
            ["exited with code 0 after 0 frames", unknown],
        ),
        (
            "exit 3",
            0,
            0,
            ["exited with code 3 after 0 frames", unknown],
        ),
        // What ffmpeg has told of is known to be missing, if nothing of it came.
        (
            "\"$FFMPEG\" \"$@\" | head -c 1152000",
            11,
            1,
            ["frame 10 failed", "having told of more"],
        ),
        (
            "\"$FFMPEG\" \"$@\" | head -c 1152001",
            11,
            1,
            ["ends inside frame 10: 1 of", "after 10 frames"],
        ),
        (
            "\"$FFMPEG\" \"$@\"; echo more",
            201,
            1,
            ["ends inside frame 200: 5 of", ""],
        ),
    ] {
        scripted(&studio, in_run).fails(1, &words).one_line();
        let totals = &studio.0.report("out/shm")["totals"];
        assert_eq!(totals["frames"], frames, "{in_run}");
        assert_eq!(totals["frames_failed"], failed, "{in_run}");
    }
}

#[test]
fn an_ffmpeg_that_shows_no_first_frame_is_named() {
    let studio = Studio::new();
    long(&studio);
    let line = "run long.mkv --mode shm --out out";
    let at_open = |script: &str| {
        let output = with_script(&studio, line, script, "exit 1").output();
        Said::from(output.unwrap(), script)
    };
    for (script, words) in [
        ("exit 0", "tells of no frame"),
        ("exit 3", "exited with code 3"),
        ("kill -KILL $$", "killed by SIGKILL"),
        ("sleep 1000 & exit 0", "tells of no frame"),
        ("yes >&2 & exit 0", "tells of no frame"),
        ("echo hello; exec \"$FFMPEG\" \"$@\"", "standard output"),
    ] {
        at_open(script).fails(2, &["long.mkv", words]).one_line();
    }
}

/// A run of long.mkv with a script that runs `in_run` for its frames, when that has begun; and the
/// process that it has become.
fn scripted_run(studio: &Studio, in_run: &str) -> (Child, u32) {
    let line = "run long.mkv --mode shm --analyze luma,burn:50 --workers 1 --out out";
    let in_run = format!("echo begun > begun\n{in_run}");
    let mut command = with_script(studio, line, AS_IT_IS, &in_run);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    while !studio.0.path("begun").exists() {
        assert!(run.try_wait().unwrap().is_none(), "it has ended: {in_run}");
        std::thread::yield_now();
    }
    std::fs::remove_file(studio.0.path("begun")).unwrap();
    let (children, workers) = (children(run.id()), workers(run.id()));
    let script = children.into_iter().find(|pid| !workers.contains(pid));
    (run, script.expect("the script"))
}

#[test]
fn a_run_whose_ffmpeg_sends_nothing_ends_when_it_is_told_to() {
    let studio = Studio::new();
    long(&studio);
    for in_run in [
        "exec sleep 1000",
        "kill -STOP $$",
        "exec tr '\\0' x </dev/zero >&2",
        "trap '' INT TERM HUP; while :; do echo >&2; done",
    ] {
        let (run, script) = scripted_run(&studio, in_run);
        kill("-INT", run.id());
        let said = Said::from(run.wait_with_output().unwrap(), in_run);
        said.fails(130, &["interrupted"]).one_line();
        assert!(!is_running(script), "{in_run}");
    }
}

#[test]
fn an_ffmpeg_that_a_script_has_started_does_not_outlive_a_run_that_is_killed() {
    let studio = Studio::new();
    long(&studio);
    let (mut run, script) = scripted_run(&studio, "\"$FFMPEG\" \"$@\"; exit");
    let ffmpeg = loop {
        if let Some(&ffmpeg) = children(script).first() {
            break ffmpeg;
        }
        assert!(is_running(script), "it has ended");
        std::thread::yield_now();
    };
    run.kill().unwrap();
    run.wait().unwrap();
    // The kernel kills the script; its ffmpeg has nobody any more whom it could send the rest to.
    while is_running(script) || is_running(ffmpeg) {
        std::thread::yield_now();
    }
}
