//! One clock for every process: nanoseconds of `CLOCK_MONOTONIC`.
//!
//! The kernel shares this clock between all processes of a machine, so a stamp taken by a worker
//! and one taken by the parent can be subtracted.
//!
//! ```
//! let earlier = framehaul::clock::now();
//! assert!(framehaul::clock::now() >= earlier);
//! ```

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since an arbitrary point, the same in every process of this machine.
pub type Nanos = u64;

/// The time now.
pub fn now() -> Nanos {
    crate::sys::time::monotonic_ns()
}

/// The time when so long will have passed; of what is longer than the clock goes, its end.
///
/// ```
/// use framehaul::clock::{Nanos, after, now};
/// use std::time::Duration;
/// assert!(after(Duration::from_secs(1)) > now());
/// assert_eq!(after(Duration::MAX), Nanos::MAX);
/// ```
pub fn after(time: Duration) -> Nanos {
    now().saturating_add(nanos(time))
}

/// A time in nanoseconds, or the most that there are.
pub(crate) fn nanos(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX)
}

/// What the clock on the wall said at a time that has been, in seconds since the Unix epoch, if nobody
/// has set it since.
///
/// ```
/// use framehaul::clock::{now, unix_s};
/// assert!(unix_s(now()) > 1.7e9);
/// ```
pub fn unix_s(at: Nanos) -> f64 {
    let ago = Duration::from_nanos(now().saturating_sub(at));
    let then = SystemTime::now() - ago;
    let then = then.duration_since(UNIX_EPOCH);
    then.map_or(0.0, |since| since.as_secs_f64())
}

/// A field that stamps the clock while its message is being serialised, and again while it is
/// being deserialised.
///
/// Put one before and one after a body and the two of them see exactly what a channel's
/// serialiser does to the body, on both sides, without a second pass over it:
///
/// ```
/// use framehaul::clock::Mark;
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Envelope { begin: Mark, body: Vec<u16>, end: Mark }
///
/// let sent = Envelope { begin: Mark::default(), body: vec![7; 100], end: Mark::default() };
/// let json = serde_json::to_string(&sent).unwrap();
/// let got: Envelope = serde_json::from_str(&json).unwrap();
/// assert!(got.begin.written <= got.end.written); // serialising took this long
/// assert!(got.begin.read <= got.end.read); // and deserialising that long
/// assert!(got.end.written <= got.begin.read);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// When the sender's serialiser reached this field; 0 in a mark that was never sent.
    pub written: Nanos,
    /// When the receiver's deserialiser reached it; 0 likewise.
    pub read: Nanos,
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        now().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Nanos::deserialize(deserializer)?;
        Ok(Self {
            written,
            read: now(),
        })
    }
}
