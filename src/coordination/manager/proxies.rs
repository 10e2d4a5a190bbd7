//! The dictionary and the list as processes see them.

use super::client::Client;
use super::protocol::{OfDict, OfList, Reply, Request};
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// Which object of which server. Can be sent anywhere; nothing is connected before the first call.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) client: Arc<Client>,
    pub(super) number: u32,
}

impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.client.name(), self.number).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, number) = Deserialize::deserialize(deserializer)?;
        let client = Client::of(name);
        Ok(Self { client, number })
    }
}

/// A dictionary in a [`Manager`](super::Manager)'s server, from text to any serialisable values.
///
/// A clone, and what a receiver of it in a message gets, is the same dictionary. Each call is one
/// round trip, and is done as a whole before or after any other. Values carry no type: reading one
/// as what it was not written as is an error if the bytes do not fit, which they may by chance.
///
/// # Errors
/// Each call fails with [`Error::Failed`] if the server is gone, or if a value does not fit its
/// type or is larger than [`LARGEST_VALUE`](super::LARGEST_VALUE); only the first is for good.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dict(pub(super) Proxy);

impl Dict {
    fn call(&self, request: OfDict, value: &[u8]) -> Result<(Reply, Vec<u8>)> {
        let request = Request::Dict(self.0.number, request);
        self.0.client.call(&request, value)
    }

    /// The value of `key`, if it has one.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        optional(self.call(OfDict::Get(key.into()), &[])?)
    }

    /// Gives `key` a value, in place of the one it has.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<()> {
        done(self.call(OfDict::Set(key.into()), &encoded(value)?)?)
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&self, key: &str) -> Result<bool> {
        // The value comes back too, since a request is one round trip of the same kind; it is
        // not looked into, so that what has another type can be removed as well.
        match self.call(OfDict::Remove(key.into()), &[])?.0 {
            Reply::Value => Ok(true),
            Reply::Nothing => Ok(false),
            _ => Err(confused()),
        }
    }

    /// Adds `number` to the value of `key`, an `i64` that counts as 0 where there is none; the
    /// sum. Nobody else changes it in between.
    pub fn add(&self, key: &str, number: i64) -> Result<i64> {
        match self.call(OfDict::Add(key.into(), number), &[])?.0 {
            Reply::Number(sum) => Ok(sum),
            _ => Err(confused()),
        }
    }

    /// The number of keys.
    pub fn len(&self) -> Result<usize> {
        count(self.call(OfDict::Len, &[])?)
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// All keys, sorted.
    pub fn keys(&self) -> Result<Vec<String>> {
        match self.call(OfDict::Keys, &[])?.0 {
            Reply::Keys(keys) => Ok(keys),
            _ => Err(confused()),
        }
    }
}

/// A list in a [`Manager`](super::Manager)'s server, of any serialisable values.
///
/// A clone, and what a receiver of it in a message gets, is the same list. Each call is one round
/// trip, and is done as a whole before or after any other.
///
/// # Errors
/// As with a [`Dict`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct List(pub(super) Proxy);

impl List {
    fn call(&self, request: OfList, value: &[u8]) -> Result<(Reply, Vec<u8>)> {
        let request = Request::List(self.0.number, request);
        self.0.client.call(&request, value)
    }

    /// Appends a value; the index it has got.
    pub fn push<T: Serialize + ?Sized>(&self, value: &T) -> Result<usize> {
        count(self.call(OfList::Push, &encoded(value)?)?)
    }

    /// The value at `index`, if the list is so long.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>> {
        optional(self.call(OfList::Get(index as u64), &[])?)
    }

    /// Replaces the value at `index`, which must exist.
    pub fn set<T: Serialize + ?Sized>(&self, index: usize, value: &T) -> Result<()> {
        done(self.call(OfList::Set(index as u64), &encoded(value)?)?)
    }

    /// Takes the last value, if there is one. It is taken even if it turns out not to be a `T`.
    pub fn pop<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        optional(self.call(OfList::Pop, &[])?)
    }

    /// The number of values.
    pub fn len(&self) -> Result<usize> {
        count(self.call(OfList::Len, &[])?)
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }
}

fn encoded<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    postcard::to_allocvec(value)
        .map_err(|error| Error::Failed(format!("a value for a manager: {error}")))
}

fn optional<T: DeserializeOwned>((reply, value): (Reply, Vec<u8>)) -> Result<Option<T>> {
    match reply {
        Reply::Nothing => Ok(None),
        Reply::Value => match postcard::take_from_bytes(&value) {
            Ok((value, [])) => Ok(Some(value)),
            _ => Err(Error::Failed(format!(
                "a manager's value of {} bytes is not a {}",
                value.len(),
                std::any::type_name::<T>()
            ))),
        },
        _ => Err(confused()),
    }
}

fn done((reply, _): (Reply, Vec<u8>)) -> Result<()> {
    match reply {
        Reply::Done => Ok(()),
        _ => Err(confused()),
    }
}

fn count((reply, _): (Reply, Vec<u8>)) -> Result<usize> {
    match reply {
        Reply::Count(count) => Ok(count as usize),
        _ => Err(confused()),
    }
}

/// Cannot happen between two sides of one executable.
fn confused() -> Error {
    Error::Failed("the manager's server answered something else than it was asked".into())
}
