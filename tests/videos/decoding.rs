//! The frames of videos of all kinds, their pixels and their times.

use crate::studio::{Studio, all, near, rest, same};

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
