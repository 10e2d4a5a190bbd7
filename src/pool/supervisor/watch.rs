//! Time: workers that are at a job for too long, or at none for long.

use super::seat::{Seat, Staff};
use super::{Action, JobId, Supervisor};
use crate::clock::Nanos;

impl Supervisor {
    /// When a [`Event::Tick`] is due, if ever.
    pub(in super::super) fn next_tick(&self) -> Option<Nanos> {
        let seats = self.seats.iter();
        seats.filter_map(|seat| self.tick_of(seat)).min()
    }

    fn tick_of(&self, seat: &Seat) -> Option<Nanos> {
        match seat.staff {
            Staff::Vacant | Staff::Starting => None,
            Staff::Ready if seat.parcels.is_empty() => {
                Some(seat.quiet_since.saturating_add(self.policy.idle?))
            }
            Staff::Ready | Staff::Retiring => seat.look_at,
        }
    }

    /// When to look at the seat's worker again, now that it is at its next job.
    pub(super) fn attend(&mut self, seat: usize, now: Nanos) {
        let head = self.seats[seat].jobs().next();
        let deadline = head.and_then(|job| self.jobs.get(&job)?.deadline);
        let seat = &mut self.seats[seat];
        seat.quiet_since = now;
        // Answers come in parcels: the job that was asked to stop may still be running.
        if seat
            .asked
            .is_some_and(|(asked, _)| seat.jobs().any(|job| job == asked))
        {
            return;
        }
        seat.asked = None;
        seat.look_at = deadline.map(|deadline| now.saturating_add(deadline));
    }

    /// Looks for workers that are at a job for too long, or do nothing with the jobs they have.
    pub(super) fn look(
        &mut self,
        now: Nanos,
        running: &[Option<(JobId, Nanos)>],
        actions: &mut Vec<Action>,
    ) {
        for index in 0..self.seats.len() {
            if self.tick_of(&self.seats[index]).is_none_or(|due| due > now)
                || self.seats[index].parcels.is_empty()
            {
                continue;
            }
            let grace = self.policy.grace;
            let seat = &mut self.seats[index];
            let at = running.get(index).copied().flatten();
            let at = at.and_then(|(job, since)| Some((job, since, seat.parcel_of(job)?)));
            let Some((job, since, parcel)) = at else {
                // It has jobs, and is at none of them: stopped, perhaps.
                let head = seat.jobs().next();
                let deadline = head.and_then(|job| self.jobs.get(&job)?.deadline);
                let patience = deadline.unwrap_or_default().saturating_add(grace);
                let end = seat.quiet_since.saturating_add(patience);
                if now >= end {
                    seat.doomed.get_or_insert(None);
                    seat.look_at = None;
                    actions.push(Action::Kill(index));
                } else {
                    seat.look_at = Some(end);
                }
                continue;
            };
            let known = self.jobs.get(&job);
            let Some((deadline, cancelled)) =
                known.and_then(|job| Some((job.deadline?, job.cancelled)))
            else {
                seat.look_at = None;
                continue;
            };
            let over = since.saturating_add(deadline);
            match seat.asked {
                _ if now < over => seat.look_at = Some(over),
                Some((asked, when)) if asked == job => {
                    let end = when.saturating_add(grace);
                    if now >= end {
                        seat.doomed.get_or_insert(Some(job));
                        seat.look_at = None;
                        actions.push(Action::Kill(index));
                    } else {
                        seat.look_at = Some(end);
                    }
                }
                _ => {
                    seat.asked = Some((job, now));
                    seat.look_at = Some(now.saturating_add(grace));
                    // One that is cancelled was asked then, with all of its parcel.
                    if !cancelled {
                        actions.push(Action::Stop(index, parcel, Some(job)));
                    }
                }
            }
        }
    }
}
