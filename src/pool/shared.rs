//! Large results: bytes that a worker writes where its caller can read them.

use crate::clock::{Nanos, now};
use crate::sys::block::{self, Spare};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize as DeriveDeserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// Bytes for a result, while the job writes them; see [`super::Context::lend`].
#[derive(Debug)]
pub struct Draft(Writing);

#[derive(Debug)]
enum Writing {
    Shared(block::Draft),
    Own(Vec<u8>),
}

/// Bytes that a job has written, wherever they lie: in memory that the caller's process maps too,
/// so that only a reference crosses, or, where there was none to be had, in a vector that crosses
/// by value.
///
/// Shared memory is its worker's again when the caller drops this, and stays with the caller as
/// long as they keep it, whatever becomes of the worker. A worker that waits for sixty-four of them
/// to come back sends the next by value.
#[derive(Debug, Serialize, DeriveDeserialize)]
pub struct Shared(Bytes);

#[derive(Debug, Serialize, DeriveDeserialize)]
enum Bytes {
    Shared(block::Block),
    Own(Own),
}

/// Fewer bytes than this are sent sooner than lent.
const LARGE: usize = 16 << 10;

/// A vector that the serialiser copies as a whole.
#[derive(Debug)]
struct Own(Vec<u8>);

thread_local! {
    static SPARE: RefCell<Spare> = RefCell::default();
}

/// Waits until all that this thread has lent was received. The pool receives everything that is
/// sent to it; if it has other troubles, nobody waits for ever.
pub(super) fn wait_until_received() {
    let begin = now();
    while SPARE.with_borrow(Spare::is_awaited) && now() - begin < PATIENCE {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Nanoseconds.
const PATIENCE: Nanos = 10_000_000_000;

impl Draft {
    pub(super) fn new(bytes: usize) -> Self {
        let shared = || SPARE.with_borrow_mut(|spare| spare.draft(bytes).ok());
        // Any trouble with shared memory costs time, not the result.
        Self(match (bytes >= LARGE).then(shared).flatten() {
            Some(mut draft) => {
                draft.fill(0);
                Writing::Shared(draft)
            }
            None => Writing::Own(vec![0; bytes]),
        })
    }

    /// The bytes are complete.
    pub fn finish(self) -> Shared {
        Shared(match self.0 {
            Writing::Shared(draft) => Bytes::Shared(draft.finish()),
            Writing::Own(bytes) => Bytes::Own(Own(bytes)),
        })
    }
}

impl Deref for Draft {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Writing::Shared(draft) => draft,
            Writing::Own(bytes) => bytes,
        }
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Writing::Shared(draft) => draft,
            Writing::Own(bytes) => bytes,
        }
    }
}

impl Shared {
    /// Whether they lie in shared memory; by value otherwise.
    pub const fn is_shared(&self) -> bool {
        matches!(self.0, Bytes::Shared(_))
    }
}

/// By value.
impl From<Vec<u8>> for Shared {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::Own(Own(bytes)))
    }
}

impl Deref for Shared {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Shared(block) => block,
            Bytes::Own(Own(bytes)) => bytes,
        }
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Shared {}

impl Serialize for Own {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Own;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Own, E> {
                Ok(Own(bytes.to_vec()))
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Own, E> {
                Ok(Own(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_crosses_as_a_reference_and_what_is_small_as_bytes() {
        let send = |bytes: usize| {
            let mut draft = Draft::new(bytes);
            draft.fill(200);
            let sent = postcard::to_allocvec(&draft.finish()).unwrap();
            let arrived: Shared = postcard::from_bytes(&sent).unwrap();
            assert_eq!(*arrived, vec![200; bytes]);
            (sent.len(), arrived.is_shared())
        };
        assert_eq!(
            send(300),
            (303, false),
            "a tag, a length of two bytes, and the bytes"
        );
        let (len, is_shared) = send(3_000_000);
        assert!(is_shared && len < 64, "{len}");
    }
}
