//! Shared memory for the types of this layer, with errors that say for what it was.

use super::plain::Plain;
use crate::error::{Error, Result};
use crate::sys::segment::Segment;
use std::io;

/// `bytes` zeros for `what`.
pub(super) fn create(what: &'static str, bytes: usize) -> Result<Segment> {
    Segment::create(bytes).map_err(failed(what))
}

/// For `map_err(failed("a stop flag"))`.
pub(super) fn failed(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::Failed(format!("no shared memory for {what}: {error}"))
}

/// Refuses memory that was made for numbers of another type.
pub(super) fn same_type<T: Plain, E: serde::de::Error>(name: &str) -> std::result::Result<(), E> {
    if name == T::NAME {
        Ok(())
    } else {
        Err(E::custom(format!("a shared {name} is not a {}", T::NAME)))
    }
}
