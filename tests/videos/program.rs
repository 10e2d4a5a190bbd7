//! Videos through the program.

use crate::common::{Said, children, given, kill};
use crate::studio::{Studio, digest, long};
use std::process::{Command, Stdio};

const ANALYZE: &str = "--analyze luma,motion,histogram,sharpness,thumbnail:16x9 --workers 2";

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
fn a_video_whose_end_is_missing_is_told_and_a_range_beyond_it_is_what_there_was() {
    let studio = Studio::new();
    studio
        .clip()
        .ffmpeg("-i clip.mp4 -c copy -movflags +faststart front.mp4");
    let whole = std::fs::read(studio.0.path("front.mp4")).unwrap();
    studio.0.write("half.mp4", &whole[..whole.len() / 2]);
    let said = studio
        .0
        .run("run half.mp4 --mode shm --analyze luma --out half");
    said.fails(1, &["half.mp4", "partial file", "may have been to come"]);
    let some = studio.0.findings("half/shm").len();

    let frames = crate::studio::all(&studio.open("clip.mp4")).frames.len();
    assert!(some > 0 && some < frames, "{some} of {frames}");
    let (first, beyond) = (frames - 3, frames + 7);
    let line = format!("run clip.mp4 --mode shm --frames {first}..{beyond} --out beyond");
    studio.0.run(&line).succeeds();
    let notes = studio.0.report("beyond/shm")["notes"].to_string();
    assert!(
        notes.contains("3 of the 10 frames that were asked for"),
        "{notes}"
    );
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
