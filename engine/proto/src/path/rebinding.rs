//! Gateway: a path whose client seems to have a new address, until it is known which address is right.

use crate::path::allowance::Allowance;
use crate::path::retry::Retry;
use crate::vocabulary::Route;

/// How long a refused address is not examined again, µs.
const SHUN_US: u64 = 10_000_000;
/// Maximum number of addresses of one path examined at a time: one of the client, and one of an attacker whose copy
/// arrived first.
const CANDIDATES_MAX: usize = 2;
/// Number of refused addresses that are remembered; the oldest is removed first.
const SHUNNED_MAX: usize = 4;
/// Maximum number of rebindings of one session per minute.
const PER_MINUTE_MAX: usize = 10;
const MINUTE_US: u64 = 60_000_000;

/// One new address: this address and the old one are challenged, each with its own token.
#[derive(Debug)]
pub(crate) struct Rebinding {
    /// The new address.
    pub(crate) route: Route,
    /// Epoch and counter of the first frame that came from there.
    pub(crate) order: (u32, u64),
    pub(crate) old_token: [u8; 16],
    pub(crate) new_token: [u8; 16],
    pub(crate) retry: Retry,
    /// If the old address is silent until this time, that counts as its answer.
    pub(crate) old_until: u64,
    /// If the new address has not answered by this time, the path stays at the old one.
    pub(crate) until: u64,
    /// The new address has answered.
    pub(crate) proved: bool,
    /// The old address works but is no longer preferred.
    pub(crate) old_dropped: bool,
    allowance: Allowance,
}

impl Rebinding {
    pub(crate) fn new(
        (route, order): (Route, (u32, u64)),
        tokens: [[u8; 16]; 2],
        retry: Retry,
        (old_until, until): (u64, u64),
    ) -> Self {
        let [old_token, new_token] = tokens;
        Self {
            route,
            order,
            old_token,
            new_token,
            retry,
            old_until,
            until,
            proved: false,
            old_dropped: false,
            allowance: Allowance::default(),
        }
    }

    /// Counts authenticated bytes from the new address.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.allowance.received(bytes);
    }

    /// Bytes that may still be sent to the new address.
    pub(crate) fn budget(&self) -> u64 {
        if self.proved { u64::MAX } else { self.allowance.left() }
    }

    pub(crate) fn sent(&mut self, bytes: u64) {
        self.allowance.sent(bytes);
    }

    /// The new address answered, and the time of the old one is over.
    pub(crate) fn decided(&self, now: u64) -> bool {
        self.proved && (self.old_dropped || self.old_until <= now)
    }

    /// True if another address may replace this one: it has not answered in time.
    pub(crate) fn may_give_way(&self) -> bool {
        !self.proved && self.retry.sends > 1
    }

    pub(crate) fn next_at(&self) -> u64 {
        let again = if self.retry.exhausted() || self.proved { u64::MAX } else { self.retry.next_at };
        let decision = if self.proved { self.old_until } else { u64::MAX };
        again.min(decision).min(self.until)
    }
}

/// New addresses of one path: those being examined, and those refused recently.
#[derive(Debug, Default)]
pub(crate) struct NewAddresses {
    candidates: Vec<Rebinding>,
    shunned: Vec<(Route, u64)>,
    /// When a message that may have come from the client last explained silence on the path.
    pub(crate) excused_at: Option<u64>,
}

impl NewAddresses {
    pub(crate) fn any(&self) -> bool {
        !self.candidates.is_empty()
    }

    pub(crate) fn at(&mut self, route: Route) -> Option<&mut Rebinding> {
        self.candidates.iter_mut().find(|candidate| candidate.route == route)
    }

    pub(crate) fn candidates(&mut self) -> &mut [Rebinding] {
        &mut self.candidates
    }

    /// The address that is most likely the client's: one that has answered, otherwise the newest.
    pub(crate) fn likeliest(&self) -> Option<&Rebinding> {
        self.candidates.iter().max_by_key(|candidate| (candidate.proved, candidate.retry.first_at))
    }

    /// Makes room for one more; removes one that has not answered in time.
    pub(crate) fn make_room(&mut self, now: u64) -> bool {
        if self.candidates.len() < CANDIDATES_MAX {
            return true;
        }
        let Some(at) = self.candidates.iter().position(Rebinding::may_give_way) else { return false };
        let late = self.candidates.remove(at);
        self.shun(late.route, now);
        true
    }

    pub(crate) fn add(&mut self, candidate: Rebinding) {
        self.candidates.push(candidate);
    }

    /// True if the old address sent something that the client sealed after it was seen at each of the new addresses.
    pub(crate) fn disproved_by(&self, order: (u32, u64)) -> bool {
        self.any() && self.candidates.iter().all(|candidate| candidate.order < order && !candidate.old_dropped)
    }

    /// The path stays at its address: all candidates are ignored for a while.
    pub(crate) fn refuse_all(&mut self, now: u64) {
        for candidate in std::mem::take(&mut self.candidates) {
            self.shun(candidate.route, now);
        }
    }

    /// Refuses candidates whose time is over; returns their number.
    pub(crate) fn refuse_unanswered(&mut self, now: u64) -> usize {
        let before = self.candidates.len();
        while let Some(at) = self.candidates.iter().position(|candidate| candidate.until <= now) {
            let late = self.candidates.remove(at);
            self.shun(late.route, now);
        }
        before - self.candidates.len()
    }

    /// The candidate that won, if any; the others are removed.
    pub(crate) fn take_decided(&mut self, now: u64) -> Option<Route> {
        let route = self.candidates.iter().find(|candidate| candidate.decided(now))?.route;
        *self = Self::default();
        Some(route)
    }

    pub(crate) fn shuns(&self, route: Route, now: u64) -> bool {
        self.shunned.iter().any(|(shunned, until)| *shunned == route && now < *until)
    }

    fn shun(&mut self, route: Route, now: u64) {
        self.shunned.retain(|(shunned, until)| *shunned != route && now < *until);
        if self.shunned.len() == SHUNNED_MAX {
            self.shunned.remove(0);
        }
        self.shunned.push((route, now + SHUN_US));
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.candidates.iter().map(Rebinding::next_at).min()
    }
}

/// When a session's paths were rebound. If a client rebinds all the time, an attacker probably uses it against others.
#[derive(Debug, Default)]
pub(crate) struct RebindLimit {
    times: Vec<u64>,
}

impl RebindLimit {
    pub(crate) fn admits(&mut self, now: u64) -> bool {
        self.times.retain(|at| now < at + MINUTE_US);
        self.times.len() < PER_MINUTE_MAX
    }

    pub(crate) fn count(&mut self, now: u64) {
        self.times.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a19_a_new_address_that_answered_still_waits_for_the_time_of_the_old_one() {
        let route = Route { socket: 0, local: None, remote: ([203, 0, 113, 9], 6_666).into() };
        let retry = Retry::begun(0, 10_000);
        let mut rebinding = Rebinding::new((route, (0, 7)), [[1; 16], [2; 16]], retry, (60_000, 90_000));
        assert!(!rebinding.decided(59_999));
        rebinding.proved = true;
        assert_eq!([rebinding.decided(59_999), rebinding.decided(60_000)], [false, true]);
        rebinding.old_dropped = true;
        assert!(rebinding.decided(0), "the old address itself gave way");
        rebinding.proved = false;
        assert!(!rebinding.decided(90_000), "the new address never answered");
    }
}
