//! What proxies and server say to each other: a length, a head, and the value as it is.

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// The most bytes of one message, 64 MiB: a value once serialised, its key, and some ten bytes more.
pub const LARGEST: usize = 64 << 20;

/// Room for the rest of a message's head.
const SLACK: usize = 1 << 10;

/// What a proxy asks. Values follow the head as bytes that the server does not look into.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Request {
    /// Are you there?
    Greeting,
    /// Something about the dictionary of this number.
    Dict(u32, OfDict),
    /// Something about the list of this number.
    List(u32, OfList),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum OfDict {
    Get(String),
    /// The value follows.
    Set(String),
    Remove(String),
    Add(String, i64),
    Len,
    Keys,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum OfList {
    /// The value follows.
    Push,
    Get(u64),
    /// The value follows.
    Set(u64),
    Pop,
    Len,
}

/// What the server answers.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Reply {
    Done,
    /// There is nothing of that name or number.
    Nothing,
    /// The value follows.
    Value,
    Count(u64),
    Number(i64),
    Keys(Vec<String>),
    /// One sentence.
    Refused(String),
    /// The same, of a connection that cannot be had.
    TurnedAway(String),
}

/// The length of a message, its head, and its value, in one piece.
pub(super) fn message(head: &impl Serialize, value: &[u8]) -> Result<Vec<u8>> {
    let bytes = postcard::to_extend(head, vec![0; 4]);
    let mut bytes =
        bytes.map_err(|error| Error::Failed(format!("a manager's message: {error}")))?;
    let length = bytes.len() - 4 + value.len();
    if length > LARGEST {
        return Err(Error::Failed(format!(
            "{length} bytes are too many for one message to or from a manager, which takes \
             {LARGEST}"
        )));
    }
    bytes[..4].copy_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(value);
    Ok(bytes)
}

pub(super) fn send(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    stream.write_all(message)
}

/// The next message's head and value.
pub(super) fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<(T, Vec<u8>)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LARGEST + SLACK {
        return Err(io::Error::other("not a manager's message"));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    let (head, value) = postcard::take_from_bytes(&bytes).map_err(io::Error::other)?;
    let value_at = length - value.len();
    bytes.drain(..value_at);
    Ok((head, bytes))
}
