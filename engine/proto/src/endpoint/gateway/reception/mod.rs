//! Gateway: limits what an unknown sender can cost. INIT is checked in order of cost, cheapest first. Until DATA
//! confirms it, a session is only a slot.

mod buckets;
mod roster;
mod slots;

use crate::crypto::keyfile::{PublicKey, StaticKey};
use crate::crypto::rng::Rng;
use crate::handshake::{CookieJar, Mac2, check_mac1, init_hash};
use crate::messages::{Offer, SessionHandle};
use crate::vocabulary::blame::DropKind;
use crate::vocabulary::{Route, SessionId, Shard};
use crate::wire::{COOKIE_LEN, INIT_LEN, InitPayload, RESP_LEN, Reason, Suite};

use buckets::Buckets;
use roster::Roster;
pub(crate) use roster::{Answer, PEERS_MAX};
pub(crate) use slots::PENDING_US;
use slots::Slots;

/// Maximum number of INITs opened per second, from all senders: this thread also carries all data.
const OPENED_PER_S: u32 = 2_000;
const SECOND_US: u64 = 1_000_000;

/// What to do with an INIT.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Spend a Diffie-Hellman on it.
    Read,
    /// It was answered before: send the identical RESP.
    Repeat([u8; RESP_LEN]),
    Cookie([u8; COOKIE_LEN]),
    Refuse(DropKind),
}

#[derive(Debug)]
pub(crate) struct Reception {
    roster: Roster,
    jar: CookieJar,
    slots: Slots,
    /// Separate buckets for INITs whose sender has proved its address, and for others: so forged addresses use up no
    /// tokens of the real owner.
    proved: Buckets,
    unproved: Buckets,
    inits_per_s: u32,
    second_from: u64,
    inits: u32,
    inits_before: u32,
    opened: u32,
}

impl Reception {
    pub(crate) fn new(inits_per_s: u32, shard: Shard, rng: &mut Rng) -> Self {
        Self {
            roster: Roster::default(),
            jar: CookieJar::new(&mut |out| rng.fill(out)),
            slots: Slots::new(shard),
            proved: Buckets::default(),
            unproved: Buckets::default(),
            inits_per_s,
            second_from: 0,
            inits: 0,
            inits_before: 0,
            opened: 0,
        }
    }

    /// Adds a client or replaces its offer. False if there is no room.
    pub(crate) fn set_peer(&mut self, key: &PublicKey, offer: Offer) -> bool {
        self.roster.set(key.as_bytes(), offer)
    }

    pub(crate) fn remove_peer(&mut self, key: &PublicKey, reason: Reason) {
        self.roster.remove(key.as_bytes(), reason);
    }

    /// The client's newest session was accepted, or has ended. False if the client is not known.
    pub(crate) fn note(&mut self, key: &PublicKey, session: SessionId, ended: Option<Reason>) -> bool {
        self.roster.note(key.as_bytes(), session, ended)
    }

    /// The answer to an INIT of this key that asks about a session; zeros = about none.
    pub(crate) fn answer(&self, key: &PublicKey, about: [u8; 16]) -> Answer {
        self.roster.answer(key.as_bytes(), about)
    }

    /// Order of checks: mac1 → repetition → mac2 (under load or above the rate of the address) → rate → ceiling. No
    /// Diffie-Hellman yet.
    pub(crate) fn admit(
        &mut self,
        now: u64,
        from: Route,
        identity: &StaticKey,
        init: &[u8; INIT_LEN],
        rng: &mut Rng,
    ) -> Admission {
        let local = identity.public();
        if !check_mac1(&local, init) {
            return Admission::Refuse(DropKind::InitMac1);
        }
        self.expire(now);
        if let Some(response) = self.slots.answer(&init_hash(init)) {
            return Admission::Repeat(*response);
        }
        let (load, address) = (self.under_load(now), from.remote.ip());
        if self.jar.check_mac2(now, from.remote, init) == Mac2::Valid {
            if !self.proved.admits(now, address) {
                return Admission::Refuse(DropKind::InitRate);
            }
        } else if load || !self.unproved.admits(now, address) {
            return Admission::Cookie(self.jar.reply(now, from.remote, &local, init, &mut |out| rng.fill(out)));
        }
        if self.opened >= OPENED_PER_S {
            return Admission::Refuse(DropKind::InitCeiling);
        }
        self.opened += 1;
        Admission::Read
    }

    /// Counts one INIT. There is load if more than the limit arrived in this second or in the one before.
    fn under_load(&mut self, now: u64) -> bool {
        if now >= self.second_from + SECOND_US {
            let adjacent = now < self.second_from + 2 * SECOND_US;
            self.inits_before = if adjacent { self.inits } else { 0 };
            self.inits = 0;
            self.opened = 0;
            self.second_from = now;
        }
        self.inits = self.inits.saturating_add(1);
        self.inits > self.inits_per_s || self.inits_before > self.inits_per_s
    }

    /// Makes room for one more session of a known client; returns the sessions that it removed. `None`: the client
    /// confirmed too many a short time ago.
    pub(crate) fn make_room(&mut self, key: &PublicKey) -> Option<Vec<SessionHandle>> {
        self.slots.make_room(key.as_bytes())
    }

    /// RESP was sent: takes the slot and stores the answer.
    pub(crate) fn remember(
        &mut self,
        now: u64,
        hash: [u8; 32],
        response: [u8; RESP_LEN],
        session: SessionHandle,
        key: &PublicKey,
    ) {
        self.slots.remember(now, hash, response, session, *key.as_bytes());
    }

    /// The session is confirmed or gone.
    pub(crate) fn settle(&mut self, session: SessionHandle) {
        self.slots.settle(session);
    }

    pub(crate) fn is_pending(&self, session: SessionHandle) -> bool {
        self.slots.waits(session)
    }

    /// Removes answers that are not repeated any more.
    pub(crate) fn expire(&mut self, now: u64) {
        self.slots.expire(now);
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.slots.next_deadline()
    }
}

/// The cipher for a client with this offer: AES if both ends allow it; `None` if there is no common cipher.
pub(crate) fn choose_suite(payload: &InitPayload, allow_aes: bool) -> Option<Suite> {
    let offered = |suite: Suite| payload.suites & suite.bit() != 0;
    if allow_aes && offered(Suite::Aes256Gcm) {
        Some(Suite::Aes256Gcm)
    } else {
        offered(Suite::ChaCha20Poly1305).then_some(Suite::ChaCha20Poly1305)
    }
}
