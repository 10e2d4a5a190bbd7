//! The queue's algorithm, over atomic words that somebody else owns.
//!
//! There is a ring of words, and two positions in it: how far has been *written*, which the writer
//! alone moves, and how far has been *read*, which the reader alone moves. A message is a word with
//! its length in bytes, then its bytes in words. One that is longer than the ring goes through it
//! in pieces: the writer goes on when the reader has made room.
//!
//! A position is a count of words in the upper thirty bits of a u32, and two flags below it. Who
//! waits for a position to move sets `PARKED` in it, by an exchange that fails if it has moved, and
//! sleeps; who moves it, by an exchange too, sees the flag and wakes. So nothing is ever moved
//! unseen, no fence is needed, and where nobody sleeps no system call is made. `CLOSED` is set in a
//! position when who moves it is gone.
//!
//! Orderings: the words of the ring are written before `written` is moved (Release in
//! [`advance`]) and read after it was seen to be moved (Acquire in [`Wait::until_moved`], or in
//! [`Reader::try_begin`]); in the same way words are read before `read` is moved (the same Release)
//! and written anew only after that was seen (Acquire in [`Writer::room`], or `until_moved`). The
//! words themselves are Relaxed.

use super::atom::Atom;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Where a queue lies.
pub(super) trait Place {
    type Position: Atom<u32>;
    type Word: Atom<u64>;
    fn written(&self) -> &Self::Position;
    fn read(&self) -> &Self::Position;
    /// A power of two, up to 2²⁹.
    fn words(&self) -> &[Self::Word];
    /// Sleeps while the position is `value`, or less long.
    fn park(&self, position: &Self::Position, value: u32);
    /// Wakes who sleeps there.
    fn wake(&self, position: &Self::Position);
    /// This word will be wanted next.
    fn expect(&self, _word: &Self::Word) {}
}

/// Someone sleeps until the position moves.
const PARKED: u32 = 1;
/// It will not move any more.
const CLOSED: u32 = 2;
const FLAGS: u32 = PARKED | CLOSED;
/// One word further.
const STEP: u32 = 4;

/// Nobody is at the other end any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody is at the other end of the queue")]
pub struct Closed;

/// How long to look before sleeping. Asked again and again during one wait.
pub(super) trait Wait {
    /// Whether to look once more at once.
    fn look_again(&mut self) -> bool;
    /// About to sleep.
    fn sleep(&mut self) {}
    /// The wait is over.
    fn done(&mut self) {}

    /// Waits until `position` is not `seen` any more, and says what it is.
    fn until_moved<P: Place>(
        &mut self,
        place: &P,
        position: &P::Position,
        seen: u32,
    ) -> Result<u32, Closed> {
        let moved = loop {
            // Acquire, with the Release in `advance`: what was done before it is seen.
            let now = position.load(Acquire);
            if now & !FLAGS != seen {
                break Ok(now & !FLAGS);
            }
            if now & CLOSED != 0 {
                break Err(Closed);
            }
            if self.look_again() {
                // What is written into the ring is fetched while the position is, not after it.
                place.expect(word(place, seen));
                continue;
            }
            let parked = now | PARKED;
            // Relaxed: nothing is published; if it has moved meanwhile, we look again.
            if now == parked
                || position
                    .compare_exchange(now, parked, Relaxed, Relaxed)
                    .is_ok()
            {
                self.sleep();
                place.park(position, parked);
            }
        };
        self.done();
        moved
    }
}

/// Moves a position, and wakes who waits for that.
fn advance<P: Place>(place: &P, position: &P::Position, to: u32) -> Result<(), Closed> {
    let mut now = position.load(Relaxed);
    loop {
        if now & CLOSED != 0 {
            return Err(Closed);
        }
        // Release, with the Acquire of `until_moved`, `try_begin` and `room`.
        match position.compare_exchange(now, to, Release, Relaxed) {
            Ok(_) => break,
            // Parked or closed meanwhile.
            Err(changed) => now = changed,
        }
    }
    if now & PARKED != 0 {
        place.wake(position);
    }
    Ok(())
}

/// Says that this position will not move any more, and releases who waits for it. What was written
/// before can still be read.
pub(super) fn close<P: Place>(place: &P, position: &P::Position) {
    let mut now = position.load(Relaxed);
    // Relaxed: it publishes nothing. Whoever sees it, and not the moves before it, sees those too:
    // they are in the same word.
    while let Err(changed) = position.compare_exchange(now, now | CLOSED, Relaxed, Relaxed) {
        now = changed;
    }
    place.wake(position);
}

fn word<P: Place>(place: &P, position: u32) -> &P::Word {
    let words = place.words();
    &words[(position / STEP) as usize & (words.len() - 1)]
}

/// The words that so many bytes take.
fn words_of(bytes: u64) -> u64 {
    bytes.div_ceil(8)
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Writer<P> {
    pub place: P,
    /// How far it has written.
    at: u32,
    /// How far the reader had read when last seen.
    read: u32,
}

impl<P: Place> Writer<P> {
    pub(super) fn new(place: P) -> Self {
        Self {
            place,
            at: 0,
            read: 0,
        }
    }

    /// Words that can be written now. An error if there are fewer than wanted for good.
    fn room(&mut self, wanted: u64) -> Result<u64, Closed> {
        let capacity = self.place.words().len() as u64;
        let free = |read: u32, at: u32| capacity - u64::from(at.wrapping_sub(read) / STEP);
        if free(self.read, self.at) < wanted {
            // Acquire, with the Release in `advance`: the reader is done with what it has read.
            let now = self.place.read().load(Acquire);
            self.read = now & !FLAGS;
            if free(self.read, self.at) < wanted && now & CLOSED != 0 {
                return Err(Closed);
            }
        }
        Ok(free(self.read, self.at))
    }

    /// Writes a message if there is room for all of it now, and says whether there was.
    pub(super) fn try_send(&mut self, message: &[u8]) -> Result<bool, Closed> {
        let words = 1 + words_of(message.len() as u64);
        if self.room(words)? < words {
            return Ok(false);
        }
        self.put(message.len() as u64);
        self.put_bytes(message);
        advance(&self.place, self.place.written(), self.at)?;
        Ok(true)
    }

    /// Writes a message, waiting for room where there is none.
    pub(super) fn send(&mut self, message: &[u8], wait: &mut impl Wait) -> Result<(), Closed> {
        if self.try_send(message)? {
            return Ok(());
        }
        self.make_room(wait)?;
        self.put(message.len() as u64);
        let mut rest = message;
        loop {
            let room = self.room(words_of(rest.len() as u64))?;
            let (piece, behind) = rest.split_at(rest.len().min((room * 8) as usize));
            self.put_bytes(piece);
            advance(&self.place, self.place.written(), self.at)?;
            rest = behind;
            if rest.is_empty() {
                return Ok(());
            }
            self.make_room(wait)?;
        }
    }

    fn make_room(&mut self, wait: &mut impl Wait) -> Result<(), Closed> {
        if self.room(1)? == 0 {
            self.read = wait.until_moved(&self.place, self.place.read(), self.read)?;
        }
        Ok(())
    }

    fn put(&mut self, value: u64) {
        // Relaxed: published by `advance`.
        word(&self.place, self.at).store(value, Relaxed);
        self.at = self.at.wrapping_add(STEP);
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        let (whole, last) = bytes.as_chunks::<8>();
        for &word in whole {
            self.put(u64::from_le_bytes(word));
        }
        if !last.is_empty() {
            let mut word = [0; 8];
            word[..last.len()].copy_from_slice(last);
            self.put(u64::from_le_bytes(word));
        }
    }
}

/// The reading end.
#[derive(Debug)]
pub(super) struct Reader<P> {
    pub place: P,
    /// How far it has read.
    at: u32,
    /// How far the writer had written when last seen.
    written: u32,
}

impl<P: Place> Reader<P> {
    pub(super) fn new(place: P) -> Self {
        Self {
            place,
            at: 0,
            written: 0,
        }
    }

    /// Whether a message has begun to come. An error if none will.
    fn try_begin(&mut self) -> Result<bool, Closed> {
        if self.at == self.written {
            // Acquire, with the Release in `advance`: the words are there.
            let now = self.place.written().load(Acquire);
            self.written = now & !FLAGS;
            if self.at == self.written && now & CLOSED != 0 {
                return Err(Closed);
            }
        }
        Ok(self.at != self.written)
    }

    /// Reads the next message into `message`, if one has begun to come; says whether. Of a message
    /// that is longer than the ring it waits for the rest.
    pub(super) fn try_receive(
        &mut self,
        message: &mut Vec<u8>,
        wait: &mut impl Wait,
    ) -> Result<bool, Closed> {
        if !self.try_begin()? {
            return Ok(false);
        }
        message.clear();
        let length = self.take();
        while (message.len() as u64) < length {
            if self.at == self.written {
                // Made room, before waiting for what goes there.
                advance(&self.place, self.place.read(), self.at)?;
                self.await_more(wait)?;
            }
            let ready = u64::from(self.written.wrapping_sub(self.at) / STEP);
            let left = words_of(length - message.len() as u64);
            for _ in 0..ready.min(left) {
                let word = self.take().to_le_bytes();
                message.extend_from_slice(&word);
            }
        }
        message.truncate(length as usize);
        // A writer that is gone needs no room; what it wrote is whole.
        let _ = advance(&self.place, self.place.read(), self.at);
        Ok(true)
    }

    /// Reads the next message into `message`, waiting for it.
    pub(super) fn receive(
        &mut self,
        message: &mut Vec<u8>,
        wait: &mut impl Wait,
    ) -> Result<(), Closed> {
        if !self.try_begin()? {
            self.await_more(wait)?;
        }
        self.try_receive(message, wait).map(|_| ())
    }

    fn await_more(&mut self, wait: &mut impl Wait) -> Result<(), Closed> {
        self.written = wait.until_moved(&self.place, self.place.written(), self.written)?;
        Ok(())
    }

    fn take(&mut self) -> u64 {
        // Relaxed: `written` was seen to be beyond it.
        let value = word(&self.place, self.at).load(Relaxed);
        self.at = self.at.wrapping_add(STEP);
        value
    }
}
