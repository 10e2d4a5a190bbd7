//! The jobs of these tests.

use framehaul::pool::{Builder, Context, Job, Pack, Packed, Pool, Shared};
use libtest_mimic::Failed;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fs;
use std::hint::black_box;
use std::path::Path;

/// What a worker is told, and does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub refuse: bool,
    pub panic: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    Square(u64),
    /// Returns this error.
    Fail(String),
    Panic,
    /// How long its bulk is, and its checksum.
    Weigh,
    /// The same of its own bytes.
    WeighThis(Vec<u8>),
    /// So many bytes.
    Produce(usize),
    /// So many bytes, lent.
    Lend(usize),
    /// How many jobs this worker has done before.
    Count,
    /// Its worker's process id, a variable of its environment and its directory.
    WhereAmI(String),
    /// Kills its own worker while the mark file does not hold so many bytes, adding one each time.
    DieUntil {
        deaths: usize,
        mark: String,
        how: Death,
    },
    /// Works for a while without sleeping.
    Spin(u64),
    /// Goes on until it is asked to stop, and says so.
    UntilAsked,
    /// Goes on for ever, having put its process id into the file.
    Forever(String),
    /// Takes memory until there is none.
    Eat,
    /// Waits for the file to be there.
    Await(String),
    Unwritable(Unwritable),
    Unreadable(Unreadable),
    UnreadableAnswer,
    Cursed(Cursed),
    /// Returns it.
    Curse(Curse),
}

/// What happens where and when its bytes are written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Curse {
    PanicWhenWritten,
    PanicWhenRead,
    AbortWhenWritten,
    AbortWhenRead,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cursed(pub Curse);

impl Serialize for Cursed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Curse::PanicWhenWritten => panic!("cursed"),
            Curse::AbortWhenWritten => std::process::abort(),
            Curse::PanicWhenRead | Curse::AbortWhenRead => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Cursed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Curse::deserialize(deserializer)? {
            Curse::PanicWhenRead => panic!("cursed"),
            Curse::AbortWhenRead => std::process::abort(),
            other => Ok(Self(other)),
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Death {
    Abort,
    Exit,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Output {
    Number(u64),
    Bytes(Vec<u8>),
    Lent(Shared),
    Text(String),
    Unreadable(Unreadable),
    Cursed(Cursed),
}

impl Output {
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Number(number) => number,
            other => panic!("{other:?} is no number"),
        }
    }
}

/// Something that cannot be turned into bytes.
#[derive(Debug)]
pub(crate) struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("it is secret"))
    }
}

impl<'de> Deserialize<'de> for Unwritable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// Something that cannot be turned back.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unreadable;

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("it is illegible"))
    }
}

impl Job for Task {
    type Setup = Setup;
    type State = u64;
    type Output = Output;
    type Error = String;

    fn init(setup: &Setup) -> Result<u64, String> {
        assert!(!setup.panic, "no good day");
        if setup.refuse {
            return Err("the setup says no".into());
        }
        Ok(0)
    }

    fn run(&self, done: &mut u64, context: &Context<'_>) -> Result<Output, String> {
        *done += 1;
        let number = match self {
            Self::Square(n) => n * n,
            Self::Fail(why) => return Err(why.clone()),
            Self::Panic => panic!("as asked"),
            Self::Weigh => checksum(context.bulk()),
            Self::WeighThis(bytes) => checksum(bytes),
            Self::Produce(bytes) => return Ok(Output::Bytes(pattern(*bytes))),
            Self::Lend(bytes) => {
                let mut draft = context.lend(*bytes);
                draft.copy_from_slice(&pattern(*bytes));
                return Ok(Output::Lent(draft.finish()));
            }
            Self::Count => *done - 1,
            Self::WhereAmI(variable) => {
                let value = std::env::var(variable).unwrap_or_default();
                let dir = std::env::current_dir().unwrap();
                let pid = std::process::id();
                return Ok(Output::Text(format!("{pid} {value} {}", dir.display())));
            }
            Self::DieUntil { deaths, mark, how } => {
                context.step(3);
                let before = fs::read(mark).unwrap_or_default().len();
                if before < *deaths {
                    fs::write(mark, vec![b'x'; before + 1]).unwrap();
                    match how {
                        Death::Abort => std::process::abort(),
                        Death::Exit => std::process::exit(0),
                    }
                }
                before as u64
            }
            Self::Spin(rounds) => (0..*rounds).fold(1, |x, i| black_box(x ^ i)),
            Self::UntilAsked => {
                while !context.should_stop() {
                    std::thread::yield_now();
                }
                return Err("stopped as asked".into());
            }
            Self::Forever(mark) => {
                fs::write(mark, std::process::id().to_string()).unwrap();
                loop {
                    std::thread::park();
                }
            }
            Self::Eat => {
                let mut eaten = Vec::new();
                loop {
                    eaten.push(black_box(vec![1u8; 1 << 24]));
                }
            }
            Self::Await(mark) => {
                while !Path::new(mark).exists() {
                    std::thread::yield_now();
                }
                0
            }
            Self::Unwritable(_) | Self::Unreadable(_) | Self::Cursed(_) => {
                unreachable!("it cannot cross")
            }
            Self::Curse(curse) => return Ok(Output::Cursed(Cursed(*curse))),
            Self::UnreadableAnswer => return Ok(Output::Unreadable(Unreadable)),
        };
        Ok(Output::Number(number))
    }
}

pub(crate) fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 7 + bytes) as u8).collect()
}

pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, &byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

/// Sends bulk of the size that the order names.
#[derive(Clone)]
pub(crate) struct WithBulk {
    pub light: bool,
}

impl Pack for WithBulk {
    type Order = usize;
    type Job = Task;

    fn pack<'a>(&mut self, size: &'a usize, bulk: &mut Vec<u8>) -> Packed<'a, Task> {
        assert!(*size != usize::MAX, "no such size");
        *bulk = pattern(*size);
        Packed::Owned(Task::Weigh)
    }

    fn is_light(&self) -> bool {
        self.light
    }
}

/// The three kinds of pools, with so many workers where there are any.
pub(crate) fn everywhere(workers: usize) -> Vec<(&'static str, Builder<Task>)> {
    vec![
        ("processes", Pool::processes(workers)),
        ("threads", Pool::threads(workers)),
        ("inline", Pool::inline()),
    ]
}

/// Runs a test on each kind of pool.
pub(crate) fn on_each(
    workers: usize,
    test: impl Fn(&Pool<Task>) -> Result<(), Failed>,
) -> Result<(), Failed> {
    for (kind, builder) in everywhere(workers) {
        let pool = builder.start(Setup::default())?;
        test(&pool).map_err(|failed| format!("{kind}: {}", failed.message().unwrap_or("?")))?;
    }
    Ok(())
}

pub(crate) fn processes(workers: usize) -> Pool<Task> {
    Pool::processes(workers).start(Setup::default()).unwrap()
}
