//! The server: one thread a connection, one lock around everything.

use super::protocol::{OfDict, OfList, Reply, Request, message, receive, send};
use crate::sys::socket;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A value as its writer serialised it.
type Value = Vec<u8>;

/// Everything that a manager holds.
#[derive(Default)]
struct Holdings {
    dicts: HashMap<u32, BTreeMap<String, Value>>,
    lists: HashMap<u32, Vec<Value>>,
}

/// Answers whoever connects until the process is killed, which its parent's end does.
pub(super) fn run(listener: &UnixListener) -> ! {
    let holdings = Arc::new(Mutex::new(Holdings::default()));
    let mut spare = File::open("/dev/null").ok();
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // No descriptor is left. Whoever calls is turned away with the spare one: those who have
            // the others may never hang up.
            let had_one = spare.take().is_some();
            if had_one && let Ok((stream, _)) = listener.accept() {
                turn_away(stream);
            } else {
                std::thread::sleep(Duration::from_millis(10));
            }
            spare = File::open("/dev/null").ok();
            continue;
        };
        if !socket::is_same_user(&stream).unwrap_or(false) {
            continue;
        }
        let holdings = holdings.clone();
        let answer = move || answer_all(stream, &holdings);
        // Without a thread for it the stream is dropped, and its proxy gets an error.
        let _ = std::thread::Builder::new().spawn(answer);
    }
}

/// Refuses whatever will be asked, for want of descriptors.
fn turn_away(mut stream: UnixStream) {
    let why = "the manager's server has no descriptor left for one more connection; raise the limit \
               (`ulimit -n`), or make fewer calls at the same time";
    if let Ok(refusal) = message(&Reply::TurnedAway(why.into()), &[]) {
        let _ = send(&mut stream, &refusal);
    }
}

/// Until the other side hangs up, or says what is no request.
fn answer_all(mut stream: UnixStream, holdings: &Mutex<Holdings>) {
    while let Ok((request, value)) = receive::<Request>(&mut stream) {
        let (reply, value) = {
            let holdings = holdings.lock();
            // No answer panics between two changes that belong together.
            let mut holdings = holdings.unwrap_or_else(PoisonError::into_inner);
            holdings.answer(request, value)
        };
        let answer = message(&reply, &value).or_else(|error| {
            // Keys of many megabytes: too long an answer is an answer too.
            message(&Reply::Refused(error.to_string()), &[])
        });
        if !answer.is_ok_and(|answer| send(&mut stream, &answer).is_ok()) {
            return;
        }
    }
}

impl Holdings {
    fn answer(&mut self, request: Request, value: Value) -> (Reply, Value) {
        match request {
            Request::Greeting => (Reply::Done, Value::new()),
            Request::Dict(number, request) => {
                of_dict(self.dicts.entry(number).or_default(), request, value)
            }
            Request::List(number, request) => {
                of_list(self.lists.entry(number).or_default(), request, value)
            }
        }
    }
}

fn of_dict(dict: &mut BTreeMap<String, Value>, request: OfDict, value: Value) -> (Reply, Value) {
    let reply = match request {
        OfDict::Get(key) => return found(dict.get(&key).cloned()),
        OfDict::Remove(key) => return found(dict.remove(&key)),
        OfDict::Set(key) => {
            dict.insert(key, value);
            Reply::Done
        }
        OfDict::Add(key, number) => add(dict, key, number),
        OfDict::Len => Reply::Count(dict.len() as u64),
        OfDict::Keys => Reply::Keys(dict.keys().cloned().collect()),
    };
    (reply, Value::new())
}

fn add(dict: &mut BTreeMap<String, Value>, key: String, number: i64) -> Reply {
    let before = match dict.get(&key).map(|value| postcard::take_from_bytes(value)) {
        None => 0,
        Some(Ok((before, []))) => before,
        Some(_) => {
            return Reply::Refused(format!("the value of {key:?} is no i64 to add to"));
        }
    };
    let Some(sum) = i64::checked_add(before, number) else {
        return Reply::Refused(format!(
            "adding {number} to {key:?} overflows: it is {before}"
        ));
    };
    match postcard::to_allocvec(&sum) {
        Ok(value) => {
            dict.insert(key, value);
            Reply::Number(sum)
        }
        Err(error) => Reply::Refused(error.to_string()),
    }
}

fn of_list(list: &mut Vec<Value>, request: OfList, value: Value) -> (Reply, Value) {
    let place = |index: u64| usize::try_from(index).unwrap_or(usize::MAX);
    let reply = match request {
        OfList::Get(index) => return found(list.get(place(index)).cloned()),
        OfList::Pop => return found(list.pop()),
        OfList::Push => {
            list.push(value);
            Reply::Count(list.len() as u64 - 1)
        }
        OfList::Set(index) => {
            let length = list.len();
            match list.get_mut(place(index)) {
                Some(element) => {
                    *element = value;
                    Reply::Done
                }
                None => Reply::Refused(format!("a list of {length} has no element {index}")),
            }
        }
        OfList::Len => Reply::Count(list.len() as u64),
    };
    (reply, Value::new())
}

fn found(value: Option<Value>) -> (Reply, Value) {
    value.map_or((Reply::Nothing, Value::new()), |value| {
        (Reply::Value, value)
    })
}
