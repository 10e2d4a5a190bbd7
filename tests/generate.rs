//! `framehaul generate`, as its user sees it.

use framehaul::frame::{Colour, FrameFormat, Sample};
use framehaul::source::generate::{FileFormat, Layout, Plan, generate};
use framehaul::source::{FrameSet, Reader};
use sha2::{Digest, Sha256};
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn framehaul() -> Command {
    Command::new(env!("CARGO_BIN_EXE_framehaul"))
}

fn run(dir: &Path, args: &[&str]) -> Output {
    framehaul()
        .current_dir(dir)
        .arg("generate")
        .args(args)
        .output()
        .unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All frames of a set, as its readers get them.
fn pixels(input: &Path) -> (FrameFormat, Vec<Vec<u8>>) {
    let set = FrameSet::open(input.to_str().unwrap()).unwrap();
    let mut reader = Reader::default();
    let frames = (0..set.len()).map(|i| {
        let mut frame = vec![0; set.format().bytes()];
        reader.frame(&set, i, &mut frame).unwrap();
        frame
    });
    (set.format(), frames.collect())
}

#[test]
fn a_set_is_written_and_the_next_command_named() {
    let dir = tempfile::tempdir().unwrap();
    let done = run(dir.path(), &["set", "--size", "64x48", "--frames", "3"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("3 frames of 64x48 rgb16"), "{said}");
    assert!(said.contains("framehaul run set --mode all"), "{said}");
    assert_eq!(stderr(&done), "", "no progress bar without a terminal");
    assert_eq!(names(dir.path()), ["set"]);
    assert_eq!(
        names(&dir.path().join("set")),
        ["frames.npy", "manifest.json"]
    );
}

#[test]
fn a_set_is_written_also_when_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let (unread, stdout) = std::io::pipe().unwrap();
    drop(unread);
    let done = framehaul()
        .current_dir(dir.path())
        .args(["generate", "set", "--size", "16x16", "--frames", "1"])
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
}

#[test]
fn an_existing_name_is_refused_and_replaced_by_force_only_if_it_is_a_set() {
    let dir = tempfile::tempdir().unwrap();
    let small = ["--size", "16x16", "--frames", "2"];
    let generate = |args: &[&str]| run(dir.path(), &[args, &small].concat());
    assert!(generate(&["set"]).status.success());
    let before = std::fs::read(dir.path().join("set/frames.npy")).unwrap();

    let refused = generate(&["set", "--seed", "2"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("exists already"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(
        std::fs::read(dir.path().join("set/frames.npy")).unwrap(),
        before
    );

    assert!(
        generate(&["set", "--seed", "2", "--force"])
            .status
            .success()
    );
    assert_ne!(
        std::fs::read(dir.path().join("set/frames.npy")).unwrap(),
        before
    );

    std::fs::write(dir.path().join("set/notes.txt"), "mine").unwrap();
    let refused = generate(&["set", "--force"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("notes.txt"),
        "{}",
        stderr(&refused)
    );

    std::fs::create_dir(dir.path().join("home")).unwrap();
    let refused = generate(&["home", "--force"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("not a generated set"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(names(dir.path()), ["home", "set"]);
}

#[test]
fn options_that_make_no_sense_are_refused_by_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    for (args, says) in [
        (&["set", "--frames", "0"][..], "0"),
        (&["set", "--size", "640"], "WIDTHxHEIGHT"),
        (&["set", "--size", "0x5"], "from 1 to 32768"),
        (&["set", "--size", "99999x99999"], "from 1 to 32768"),
        (&["set", "--pixels", "rgb61"], "rgb16"),
        (&["set", "--fps", "nan"], "rate"),
        (&["set", "--format", "png"], "--layout files"),
        (
            &["set", "--frames", "100000000", "--size", "32768x32768"],
            "GB available",
        ),
        (&["no/such/set"], "there is no such folder"),
        (&[".."], "no name"),
    ] {
        let refused = run(dir.path(), args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&refused).contains(says),
            "{args:?}: {}",
            stderr(&refused)
        );
        assert!(names(dir.path()).is_empty(), "{args:?}");
    }
}

#[test]
fn an_interrupt_leaves_nothing_and_what_a_kill_leaves_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        // So many files that it cannot be done before the signal comes.
        let args = [
            "set", "--size", "16x16", "--frames", "1000000", "--layout", "files",
        ];
        let mut child = framehaul()
            .current_dir(dir.path())
            .arg("generate")
            .args(args)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let partial = dir.path().join(format!("set.partial-{}", child.id()));
        while !partial.join("frames/000009.npy").exists() {
            assert_eq!(child.try_wait().unwrap(), None, "it has ended");
            std::thread::yield_now();
        }
        child
    };
    let signal = |child: &std::process::Child, name: &str| {
        let sent = Command::new("kill")
            .args([name, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    };
    for name in ["-INT", "-TERM"] {
        let child = start();
        signal(&child, name);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{}", stderr(&ended));
        assert!(stderr(&ended).contains("interrupted"));
        assert!(names(dir.path()).is_empty(), "{name}");
    }
    let mut child = start();
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert_eq!(names(dir.path()).len(), 1);
    let next = run(dir.path(), &["set", "--size", "16x16", "--frames", "1"]);
    assert!(next.status.success(), "{}", stderr(&next));
    assert_eq!(names(dir.path()), ["set"]);
}

#[test]
fn a_write_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for layout in ["packed --format npy", "files --format png"] {
        // A limit of 64 kB a file stands in for a disk that becomes full.
        let script = format!(
            "ulimit -f 64; exec '{}' generate set --size 640x480 --frames 2 --layout {layout}",
            env!("CARGO_BIN_EXE_framehaul")
        );
        let failed = Command::new("bash")
            .current_dir(dir.path())
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
        assert!(
            stderr(&failed).contains("File too large"),
            "{}",
            stderr(&failed)
        );
        assert!(names(dir.path()).is_empty());
    }
}

#[test]
fn every_layout_and_format_holds_the_same_pixels() {
    let dir = tempfile::tempdir().unwrap();
    for (colour, sample) in [
        (Colour::Rgb, Sample::U16),
        (Colour::Rgb, Sample::U8),
        (Colour::Gray, Sample::U16),
        (Colour::Gray, Sample::U8),
    ] {
        let format = FrameFormat::new(37, 21, colour, sample);
        let packed = dir.path().join(format!("packed-{}", format.pixel_name()));
        generate(
            &Plan::new(&packed, format, 13),
            &Default::default(),
            &|_| {},
        )
        .unwrap();
        let want = pixels(&packed);
        assert_eq!(want.0, format);
        for file_format in [
            FileFormat::Npy,
            FileFormat::Png,
            FileFormat::Tiff,
            FileFormat::Pnm,
        ] {
            let out = dir
                .path()
                .join(format!("{}-{file_format:?}", format.pixel_name()));
            let plan = Plan {
                layout: Layout::Files,
                file_format,
                ..Plan::new(&out, format, 13)
            };
            generate(&plan, &Default::default(), &|_| {}).unwrap();
            assert!(pixels(&out) == want, "{format} as {file_format:?}");
            assert!(
                pixels(&out.join("frames")) == want,
                "{format} as {file_format:?}"
            );
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_files_with_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let format = FrameFormat::new(500, 300, Colour::Rgb, Sample::U16);
    let written = |threads: usize, seed| {
        let out = dir.path().join(format!("{threads}-{seed}"));
        let plan = Plan {
            threads: NonZero::new(threads).unwrap(),
            seed,
            layout: Layout::Both,
            ..Plan::new(&out, format, 9)
        };
        generate(&plan, &Default::default(), &|_| {}).unwrap();
        let read = |name: &str| std::fs::read(out.join(name)).unwrap();
        (
            read("frames.npy"),
            read("frames/000007.npy"),
            read("manifest.json"),
        )
    };
    let one = written(1, 4);
    assert!(one == written(2, 4));
    assert!(one == written(5, 4));
    assert!(one.0 != written(2, 5).0);
}

#[test]
fn the_bytes_of_a_seed_do_not_change_from_version_to_version() {
    let dir = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for (colour, sample) in [
        (Colour::Rgb, Sample::U16),
        (Colour::Rgb, Sample::U8),
        (Colour::Gray, Sample::U16),
        (Colour::Gray, Sample::U8),
    ] {
        let format = FrameFormat::new(96, 54, colour, sample);
        let out = dir.path().join(format.pixel_name());
        generate(&Plan::new(&out, format, 30), &Default::default(), &|_| {}).unwrap();
        let digest = Sha256::digest(std::fs::read(out.join("frames.npy")).unwrap());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        found.push(format!("{} {hex}", format.pixel_name()));
    }
    assert_eq!(
        found,
        [
            "rgb16 f4d78f8d94eef963df113d1ce555e97286fc9d78e83dc6b0cb39d46b49a980de",
            "rgb8 3172b782fce6a9380ee9131e1371508abb0ffd15bb219604e1bca41df14f1f37",
            "gray16 0c89384ed5af7fdf9fa7d8a70fd5fd36ac859f786f3eea718fb05fabe657443a",
            "gray8 607231c96151015ed22881cc3220865edb0deb678674789012850969be39d726",
        ]
    );
}

#[test]
fn numpy_and_ndarray_npy_open_the_files() {
    let python = std::env::var("FRAMEHAUL_PYTHON").expect("run ./scripts/test");
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "set", "--size", "50x40", "--frames", "5", "--layout", "both",
    ];
    assert!(run(dir.path(), &args).status.success());
    let script = "
import numpy, json
packed = numpy.load('set/frames.npy', mmap_mode='r')
assert packed.shape == (5, 40, 50, 3) and packed.dtype == '<u2' and packed.offset == 4096
truth = json.load(open('set/manifest.json'))
assert tuple(truth['shape']) == packed.shape and truth['dtype'] == '<u2'
for i in range(5):
    assert (numpy.load(f'set/frames/{i:06}.npy') == packed[i]).all()
print(int(packed.astype('u8').sum()))
";
    let python = Command::new(python)
        .current_dir(dir.path())
        .args(["-c", script])
        .output()
        .unwrap();
    assert!(python.status.success(), "{}", stderr(&python));
    let (_, frames) = pixels(&dir.path().join("set"));
    let sum: u64 = frames
        .iter()
        .flat_map(|frame| frame.as_chunks::<2>().0)
        .map(|pair| u64::from(u16::from_le_bytes(*pair)))
        .sum();
    assert_eq!(
        String::from_utf8_lossy(&python.stdout).trim(),
        sum.to_string()
    );

    let single: ndarray::Array3<u16> =
        ndarray_npy::read_npy(dir.path().join("set/frames/000003.npy")).unwrap();
    assert_eq!(single.dim(), (40, 50, 3));
    let first = u16::from_le_bytes([frames[3][0], frames[3][1]]);
    assert_eq!(single[[0, 0, 0]], first);
}

#[test]
fn a_packed_set_holds_the_same_frames_as_its_single_files_wherever_chunks_of_it_end() {
    let dir = tempfile::tempdir().unwrap();
    // Several chunks of 2 MiB, whose ends fall within rows and near the ends of frames.
    for (size, frames) in [("701x333", "5"), ("1x1", "3000"), ("1500x1", "700")] {
        let args = [
            "set", "--size", size, "--frames", frames, "--layout", "both", "--force",
        ];
        assert!(run(dir.path(), &args).status.success());
        let packed = pixels(&dir.path().join("set/frames.npy"));
        let single = pixels(&dir.path().join("set/frames"));
        assert!(packed == single, "{size}");
    }
}
