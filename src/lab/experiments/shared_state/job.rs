//! A worker that has all kinds of shared state, and uses one of them at a time.

use crate::clock::now;
use crate::coordination::{Dict, List, SharedArray, SharedValue};
use crate::error::Result;
use crate::lab::bench::seconds_since;
use crate::pool::{Context, Job};
use crate::sys::segment::Segment;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;

/// One of each, all of them of another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub dict: Dict,
    pub list: List,
    pub value: SharedValue<u64>,
    pub array: SharedArray<u64>,
    pub memory: Segment,
}

/// The kinds, in the lecture's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Dict,
    List,
    Value,
    /// A value whose lock is taken for each access.
    Locked,
    Array,
    Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Access {
    Read,
    Write,
}

/// So many accesses of one kind; returns the seconds that one takes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Accesses {
    pub kind: Kind,
    pub access: Access,
    pub times: u32,
}

/// Elements of the array, which are accessed in turn.
pub(super) const ELEMENTS: usize = 256;

/// The one key of the dictionary.
pub(super) const KEY: &str = "frames";

impl Job for Accesses {
    type Setup = State;
    type State = State;
    type Output = f64;
    /// Why a manager did not answer.
    type Error = String;

    fn init(setup: &State) -> std::result::Result<State, String> {
        Ok(setup.clone())
    }

    fn run(&self, state: &mut State, _: &Context<'_>) -> std::result::Result<f64, String> {
        let begin = now();
        self.carry_out(state).map_err(|error| error.to_string())?;
        Ok(seconds_since(begin) / f64::from(self.times))
    }
}

impl Accesses {
    fn carry_out(self, state: &State) -> Result<()> {
        use Access::{Read, Write};
        let State {
            dict,
            list,
            value,
            array,
            memory,
        } = state;
        let cell = memory.cell(0);
        let place = |n: u64| n as usize % ELEMENTS;
        // Told apart outside the loop, which has nothing but the access in it.
        match (self.kind, self.access) {
            (Kind::Dict, Read) => self.each(|_| dict.get::<u64>(KEY)),
            (Kind::Dict, Write) => self.each(|n| dict.set(KEY, &n)),
            (Kind::List, Read) => self.each(|_| list.get::<u64>(0)),
            (Kind::List, Write) => self.each(|n| list.set(0, &n)),
            (Kind::Value, Read) => self.each(|_| Ok(value.load())),
            (Kind::Value, Write) => self.each(|n| {
                value.store(n);
                Ok(())
            }),
            (Kind::Locked, Read) => self.each(|_| Ok(*value.lock())),
            (Kind::Locked, Write) => self.each(|n| {
                value.update(|value| *value = n);
                Ok(())
            }),
            (Kind::Array, Read) => self.each(|n| Ok(array.load(place(n)))),
            (Kind::Array, Write) => self.each(|n| {
                array.store(place(n), n);
                Ok(())
            }),
            (Kind::Memory, Read) => self.each(|_| Ok(cell.load(Relaxed))),
            (Kind::Memory, Write) => self.each(|n| {
                cell.store(n, Relaxed);
                Ok(())
            }),
        }
    }

    fn each<T>(self, mut access: impl FnMut(u64) -> Result<T>) -> Result<()> {
        for n in 0..u64::from(self.times) {
            black_box(access(black_box(n))?);
        }
        Ok(())
    }
}
