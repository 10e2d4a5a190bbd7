//! What may go wrong while a video is decoded, and what is no video at all.

use crate::common::kill;
use crate::studio::{Studio, all, long, next, rest, same};
use framehaul::source::Arrival;
use std::sync::atomic::{AtomicBool, Ordering};

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
