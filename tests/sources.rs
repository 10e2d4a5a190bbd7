//! What is opened, in which order, and what is refused by which sentence.

use framehaul::frame::FrameFormat;
use framehaul::source::npy_header::Header;
use framehaul::source::{FrameSet, Place, Reader};
use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};
use std::path::{Path, PathBuf};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn picture(&self, name: &str, picture: impl Into<DynamicImage>) -> &Self {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        picture.into().save(self.path(name)).unwrap();
        self
    }

    fn open(&self, name: &str) -> Result<FrameSet, String> {
        FrameSet::open(self.path(name).to_str().unwrap()).map_err(|e| {
            assert_eq!(e.exit_code(), 2, "{e}");
            e.to_string()
        })
    }

    /// The sentence by which an input is refused; it names the input.
    fn refused(&self, name: &str) -> String {
        let sentence = self.open(name).map(|set| set.len()).unwrap_err();
        assert!(
            sentence.contains(self.0.path().to_str().unwrap()),
            "{sentence}"
        );
        assert!(
            !sentence.contains('\n') && sentence.len() < 400,
            "{sentence}"
        );
        sentence
    }
}

fn read(set: &FrameSet, index: usize) -> Result<Vec<u8>, String> {
    let mut frame = vec![9; set.format().bytes()];
    Reader::default().frame(set, index, &mut frame)?;
    Ok(frame)
}

fn npy(descr: &str, shape: &[u64], data: &[u8]) -> Vec<u8> {
    [&Header::new(descr, shape).to_bytes(), data].concat()
}

fn gray(value: u8, width: u32, height: u32) -> ImageBuffer<Luma<u8>, Vec<u8>> {
    ImageBuffer::from_pixel(width, height, Luma([value]))
}

#[test]
fn packed_npy_frames_are_read_where_they_lie() {
    let dir = Folder::new();
    dir.file(
        "a.npy",
        &npy("|u1", &[3, 2, 2, 1], &(0..12).collect::<Vec<u8>>()),
    );
    let set = dir.open("a.npy").unwrap();
    assert_eq!(
        (set.len(), set.format().to_string()),
        (3, "2x2 gray8".into())
    );
    assert!(set.mappable() && set.why_not_mappable().is_none());
    assert_eq!(
        set.place(2),
        Place::Raw {
            file: 0,
            offset: 4104
        }
    );
    assert_eq!(read(&set, 2).unwrap(), [8, 9, 10, 11]);
}

#[test]
fn truncated_files_open_and_fail_at_the_frames_that_are_missing() {
    let dir = Folder::new();
    dir.file("a.npy", &npy("|u1", &[3, 2, 2, 1], &[5; 9]));
    let set = dir.open("a.npy").unwrap();
    assert_eq!(set.len(), 3);
    assert!(read(&set, 1).is_ok());
    let error = read(&set, 2).unwrap_err();
    let name = dir.path("a.npy").display().to_string();
    let says = format!(
        "frame lies beyond the end of {name}: it needs bytes 4104 to 4108, the file has 4105 \
         (truncated?)"
    );
    assert_eq!(error, says);

    let frame = b"FRAME Ip\n\x01\x02\x03\x04";
    for cut in 0..=frame.len() {
        let clip = [b"YUV4MPEG2 W2 H2 Cmono\n", &frame[..], frame, &frame[..cut]].concat();
        dir.file("clip.y4m", &clip);
        let set = dir.open("clip.y4m").unwrap();
        assert_eq!(set.len(), if cut == 0 { 2 } else { 3 }, "cut at {cut}");
        assert_eq!(read(&set, 1).unwrap(), [1, 2, 3, 4]);
        if cut > 0 {
            assert_eq!(read(&set, 2).is_ok(), cut == frame.len(), "cut at {cut}");
        }
    }
}

#[test]
fn a_y4m_may_have_frame_parameters_and_samples_at_odd_addresses() {
    let dir = Folder::new();
    let mut clip = b"YUV4MPEG2 W2 H2 F25:1 C420p10\n".to_vec();
    for n in 0..3u8 {
        clip.extend(["FRAME\n", "FRAME Ixyz\n", "FRAME \n"][n as usize].as_bytes());
        clip.extend([n; 12]);
    }
    dir.file("clip.y4m", &clip);
    let set = dir.open("clip.y4m").unwrap();
    assert_eq!((set.len(), set.fps()), (3, Some(25.0)));
    assert_eq!(set.format().to_string(), "2x2 yuv420p10");
    for n in 0..3 {
        assert_eq!(read(&set, n).unwrap(), [n as u8; 12]);
    }
}

#[test]
fn pictures_come_in_natural_order_and_other_files_are_ignored() {
    let dir = Folder::new();
    for n in [10, 9, 2, 1] {
        dir.picture(&format!("in/{n}.png"), gray(n, 4, 3));
    }
    for other in ["in/.hidden.png", "in/readme.txt", "in/meta.json"] {
        dir.file(other, b"other");
    }
    std::fs::create_dir(dir.path("in/folder.png")).unwrap();
    for input in ["in", "in/*.png", "in/[0-9]*"] {
        let set = dir.open(input).unwrap();
        let first: Vec<u8> = (0..set.len()).map(|i| read(&set, i).unwrap()[0]).collect();
        assert_eq!(first, [1, 2, 9, 10], "{input}");
        assert!(!set.mappable());
        assert!(set.why_not_mappable().unwrap().contains("must be decoded"));
    }
    assert_eq!(dir.open("in/9.png").unwrap().len(), 1);
}

#[test]
fn every_pixel_type_of_a_picture_becomes_its_frame() {
    let dir = Folder::new();
    let two = |v: u16| v.to_le_bytes();
    dir.picture(
        "la8.png",
        ImageBuffer::from_fn(2, 1, |x, _| LumaA([x as u8 + 1, 9u8])),
    )
    .picture(
        "la16.png",
        ImageBuffer::from_fn(2, 1, |x, _| LumaA([x as u16 + 258, 9u16])),
    )
    .picture(
        "rgb16.png",
        ImageBuffer::from_pixel(1, 1, Rgb([1u16, 515, 65_535])),
    )
    .picture(
        "rgb16.tiff",
        ImageBuffer::from_pixel(1, 1, Rgb([1u16, 515, 65_535])),
    )
    .picture(
        "rgb16.ppm",
        ImageBuffer::from_pixel(1, 1, Rgb([1u16, 515, 65_535])),
    )
    .picture(
        "rgba8.png",
        ImageBuffer::from_pixel(1, 1, Rgba([1u8, 2, 3, 4])),
    )
    .picture("gray.pgm", gray(7, 2, 1));
    let rgb16 = [two(1), two(515), two(65_535)].concat();
    for (name, format, bytes) in [
        ("la8.png", "2x1 gray8", vec![1, 2]),
        ("la16.png", "2x1 gray16", [two(258), two(259)].concat()),
        ("rgb16.png", "1x1 rgb16", rgb16.clone()),
        ("rgb16.tiff", "1x1 rgb16", rgb16.clone()),
        ("rgb16.ppm", "1x1 rgb16", rgb16),
        ("rgba8.png", "1x1 rgba8", vec![1, 2, 3, 4]),
        ("gray.pgm", "2x1 gray8", vec![7, 7]),
    ] {
        let set = dir.open(name).unwrap();
        assert_eq!(set.format().to_string(), format, "{name}");
        assert_eq!(read(&set, 0).unwrap(), bytes, "{name}");
    }
    dir.picture("float.tiff", DynamicImage::from(gray(1, 2, 2)).to_rgb32f());
    assert!(dir.refused("float.tiff").contains("8 or 16 bits"));
}

#[test]
fn pictures_that_differ_or_do_not_decode_fail_alone() {
    let dir = Folder::new();
    for n in 0..6 {
        dir.picture(&format!("in/{n}.png"), gray(n, 40, 30));
    }
    dir.file("in/0.png", b"");
    dir.picture("in/2.png", gray(2, 41, 30));
    dir.picture(
        "in/3.png",
        ImageBuffer::from_pixel(40, 30, Rgb([1u8, 2, 3])),
    );
    dir.file("in/4.png", b"not a picture at all");
    let good = std::fs::read(dir.path("in/5.png")).unwrap();
    dir.file("in/5.png", &good[..good.len() / 2]);
    let set = dir.open("in").unwrap();
    assert_eq!(
        (set.len(), set.format().to_string()),
        (6, "40x30 gray8".into())
    );
    for (n, says) in [
        (0, "empty"),
        (2, "41x30 gray8, expected 40x30 gray8"),
        (3, "40x30 rgb8, expected 40x30 gray8"),
        (4, "no picture type"),
        (5, "does not decode"),
    ] {
        let error = read(&set, n).unwrap_err();
        assert!(
            error.contains(says) && error.contains(&format!("{n}.png")),
            "{error}"
        );
    }
    assert_eq!(read(&set, 1).unwrap()[0], 1);
}

#[test]
fn damaged_pictures_never_panic() {
    let dir = Folder::new();
    for name in ["a.png", "a.jpg", "a.tiff", "a.pgm"] {
        dir.picture(name, gray(7, 20, 10));
        let good = std::fs::read(dir.path(name)).unwrap();
        let set = dir.open(name).unwrap();
        for at in 0..good.len() {
            for value in [0xFF, good[at] ^ 0x10] {
                let mut bytes = good.clone();
                bytes[at] = value;
                dir.file(name, &bytes);
                let _ = (dir.open(name), read(&set, 0));
            }
            dir.file(name, &good[..at]);
            let _ = (dir.open(name), read(&set, 0));
        }
    }
}

#[test]
fn a_folder_of_npy_frames_is_mapped_and_one_that_differs_fails_alone() {
    let dir = Folder::new();
    for n in [10, 2, 1] {
        dir.file(&format!("in/{n}.npy"), &npy("|u1", &[1, 2, 1], &[n; 2]));
    }
    let set = dir.open("in").unwrap();
    assert!(set.mappable());
    let first: Vec<u8> = (0..3).map(|i| read(&set, i).unwrap()[0]).collect();
    assert_eq!(first, [1, 2, 10]);

    dir.file("in/2.npy", &npy("|u1", &[1, 3, 1], &[2; 3]));
    let set = dir.open("in").unwrap();
    assert!(set.mappable());
    let why = read(&set, 1).unwrap_err();
    assert!(why.contains("2.npy is 3x1 gray8"), "{why}");
    assert!(why.contains("expected 2x1 gray8"), "{why}");
    assert_eq!(read(&set, 2).unwrap(), [10, 10]);
}

#[test]
fn what_cannot_be_used_is_refused_by_one_sentence() {
    let dir = Folder::new();
    let fortran = Header {
        fortran_order: true,
        ..Header::new("|u1", &[2, 2, 2])
    };
    dir.file("empty.npy", b"")
        .file("magic.npy", b"\x89PNG\r\n")
        .file("float.npy", &npy("<f8", &[2, 2], &[0; 32]))
        .file("big.npy", &npy(">u2", &[2, 2], &[0; 8]))
        .file("fortran.npy", &fortran.to_bytes())
        .file("none.npy", &npy("|u1", &[0, 2, 2, 3], &[]))
        .file(
            "absurd.npy",
            &npy("|u1", &[1 << 40, 1 << 40, 1 << 40, 3], &[]),
        )
        .file("cut.npy", &npy("|u1", &[2, 2], &[])[..900])
        .file("empty.y4m", b"")
        .file("zero.y4m", b"YUV4MPEG2 W2 H2\n")
        .file("huge.y4m", b"YUV4MPEG2 W999999999 H999999999\nFRAME\n")
        .file("endless.y4m", &[b"YUV4MPEG2 ", &[b'W'; 9000][..]].concat())
        .file(
            "garbage.y4m",
            b"YUV4MPEG2 W1 H1 Cmono\nFRAME\n1FRAME\n2garbage and more",
        )
        .file("clip.mp4", b"....ftyp")
        .file("texts/a.txt", b"")
        .file("t-xts/b.txt", b"")
        .file("videos/a.y4m", b"")
        .file("mixed/a.npy", &npy("|u1", &[2, 2], &[0; 4]))
        .file("packs/a.npy", &npy("|u1", &[5, 2, 2, 1], &[0; 20]))
        .file("bad/a.png", b"nothing")
        .file("bad/b.png", b"")
        .file("old/manifest.json", b"{\"schema\": \"other/9\"}")
        .file("json/manifest.json", b"{")
        .picture("mixed/b.png", gray(1, 2, 2));
    std::fs::create_dir(dir.path("nothing")).unwrap();
    for (name, says) in [
        ("missing.npy", "no such file"),
        ("missing/folder", "no such file"),
        ("nothing", "folder is empty"),
        ("none*.png", "no file matches"),
        ("texts", "none of its 1 files"),
        ("texts/*.txt", "unknown extension"),
        ("t*xts/*.t*", "none of the 2 files"),
        ("videos", "name the video itself"),
        ("clip.mp4", "unknown extension"),
        ("empty.npy", "the file is empty"),
        ("magic.npy", "begins with \"\\x89PNG"),
        ("float.npy", "64-bit floats (<f8)"),
        ("big.npy", "big-endian"),
        ("fortran.npy", "Fortran"),
        ("none.npy", "no frames"),
        ("absurd.npy", "more than"),
        ("cut.npy", "truncated"),
        ("empty.y4m", "the file is empty"),
        ("zero.y4m", "no frames"),
        ("huge.y4m", "more than"),
        ("endless.y4m", "does not end"),
        ("garbage.y4m", "frame 2 at byte 36 begins with \"garbag\""),
        ("mixed", "choose by a glob"),
        ("packs", "name the file itself"),
        ("bad", "a.png"),
        ("old", "other/9"),
        ("json", "not the manifest"),
        ("/dev/null", "neither a file nor a folder"),
    ] {
        let sentence = match name {
            "/dev/null" => FrameSet::open(name).unwrap_err().to_string(),
            _ => dir.refused(name),
        };
        assert!(sentence.contains(says), "{name}: {sentence}");
    }
}

#[test]
fn a_generated_set_that_lost_a_frame_is_refused() {
    let dir = Folder::new();
    let format: FrameFormat = FrameFormat::new(
        8,
        8,
        framehaul::frame::Colour::Gray,
        framehaul::frame::Sample::U8,
    );
    let plan = framehaul::source::generate::Plan {
        layout: framehaul::source::generate::Layout::Both,
        fps: 12.5,
        ..framehaul::source::generate::Plan::new(dir.path("set"), format, 3)
    };
    framehaul::source::generate(&plan, &Default::default(), &|_| {}).unwrap();
    let set = dir.open("set").unwrap();
    assert_eq!((set.len(), set.fps()), (3, Some(12.5)));
    assert!(set.files()[0].ends_with("frames.npy"));
    std::fs::remove_file(dir.path("set/frames.npy")).unwrap();
    assert_eq!(dir.open("set").unwrap().files().len(), 3);
    std::fs::remove_file(dir.path("set/frames/000001.npy")).unwrap();
    let sentence = dir.refused("set");
    assert!(
        sentence.contains("2 frames") && sentence.contains("states 3"),
        "{sentence}"
    );
    std::fs::remove_dir_all(dir.path("set/frames")).unwrap();
    assert!(
        dir.refused("set")
            .contains("neither frames.npy nor frames/")
    );
}

#[test]
fn a_file_that_shrinks_while_it_is_open_is_noticed() {
    let dir = Folder::new();
    dir.file("a.npy", &npy("|u1", &[2, 2, 2, 1], &[5; 8]));
    let set = dir.open("a.npy").unwrap();
    let (mut reader, mut frame) = (Reader::default(), vec![0; set.format().bytes()]);
    let path: &Path = &set.files()[0];
    reader
        .read(path, Some(4100), set.format(), &mut frame)
        .unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(4101).unwrap();
    let error = reader
        .read(path, Some(4100), set.format(), &mut frame)
        .unwrap_err();
    assert!(error.contains("the file has 4101"), "{error}");
    let error = reader
        .read(path, Some(u64::MAX - 1), set.format(), &mut frame)
        .unwrap_err();
    assert!(error.contains("beyond the end"), "{error}");
}
