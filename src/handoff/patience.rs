//! How long to look before sleeping.

use super::queue::Wait;
use crate::clock::{Nanos, now};

/// What to do while there is nothing to be received, or no room to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// Look until there is: the shortest way, for a core of one's own.
    Spin,
    /// Sleep at once: no processor time is lost, and each message costs a wake-up.
    Park,
    /// Look for longer than a wake-up takes, after the first moment only while nobody else has a use
    /// for the processor, then sleep. After having looked in vain, sleep at once the next time, and
    /// for twice as many times whenever it was in vain again: messages that follow one another
    /// closely cost no wake-up, who waits for long uses no processor, and nobody who shares a core
    /// with the other end keeps it from coming.
    #[default]
    Adaptive,
}

/// For so many nanoseconds it pays to look rather than to sleep. It is longer than being woken takes,
/// also where that takes long: otherwise two who have both slept, and wake each other, would each
/// look in vain for ever.
const WORTH: Nanos = 100_000;

/// After so many, others go first.
const ALONE: Nanos = 4_000;

/// If giving way takes longer than this, there was somebody.
const SWITCH: Nanos = 1_000;

/// Looks between two of the clock.
const LOOKS: u32 = 32;

/// The most times that one sleeps without looking.
const MOST_SLEEPS: u32 = 1024;

/// How one end waits.
#[derive(Debug)]
pub(super) struct Looks {
    patience: Patience,
    /// Looks during this wait.
    looks: u32,
    /// When this wait began, once the clock was asked.
    since: Option<Nanos>,
    /// Somebody else had a use for the processor, last time it was offered.
    gives_way: bool,
    /// So many times from now it sleeps at once.
    sleeps: u32,
    /// How many times it did so after it had looked in vain last.
    penalty: u32,
}

impl From<Patience> for Looks {
    fn from(patience: Patience) -> Self {
        Self {
            patience,
            looks: 0,
            since: None,
            gives_way: false,
            sleeps: 0,
            penalty: 0,
        }
    }
}

impl Wait for Looks {
    fn look_again(&mut self) -> bool {
        let again = match self.patience {
            Patience::Spin => true,
            Patience::Park => false,
            Patience::Adaptive => self.sleeps == 0 && self.is_worth_it(),
        };
        if again {
            std::hint::spin_loop();
        }
        again
    }

    fn sleep(&mut self) {
        if self.sleeps > 0 {
            self.sleeps -= 1;
        } else if self.since.take().is_some() {
            self.penalty = (2 * self.penalty).clamp(1, MOST_SLEEPS);
            self.sleeps = self.penalty;
        }
    }

    fn done(&mut self) {
        if self.looks > 0 && self.sleeps == 0 {
            self.penalty = 0;
        }
        (self.looks, self.since) = (0, None);
    }
}

impl Looks {
    fn is_worth_it(&mut self) -> bool {
        self.looks += 1;
        if !self.gives_way && !self.looks.is_multiple_of(LOOKS) {
            return true;
        }
        let asked = now();
        let looked = asked - *self.since.get_or_insert(asked);
        if self.gives_way || looked > ALONE {
            std::thread::yield_now();
            // The other end, perhaps, which then shares this core: it is to go first next time too.
            self.gives_way = now() - asked > SWITCH;
        }
        looked < WORTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for something that comes after so many looks, and says whether it slept.
    fn wait(looks: &mut Looks, comes_after: u64) -> bool {
        let slept = (0..comes_after).any(|_| !looks.look_again());
        if slept {
            looks.sleep();
        }
        looks.done();
        slept
    }

    const NEVER: u64 = u64::MAX;

    #[test]
    fn who_looks_in_vain_sleeps_twice_as_often_each_time_and_one_success_forgives_all() {
        let looks = &mut Looks::from(Patience::Adaptive);
        assert!(!wait(looks, 10));
        let mut looked_at = Vec::new();
        for round in 0..40 {
            let before = looks.sleeps;
            assert!(wait(looks, NEVER), "nothing comes");
            if before == 0 {
                looked_at.push(round);
            }
        }
        assert_eq!(looked_at, [0, 2, 5, 10, 19, 36]);
        while looks.sleeps > 0 {
            wait(looks, NEVER);
        }
        assert!(!wait(looks, 10));
        assert!(wait(looks, NEVER));
        assert_eq!(looks.sleeps, 1);
    }

    #[test]
    fn the_patient_never_sleep_and_the_impatient_never_look() {
        assert!(!wait(&mut Patience::Spin.into(), 100_000));
        assert!(wait(&mut Patience::Park.into(), 1));
    }
}
