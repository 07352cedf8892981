//! Gateway: limits what an unknown sender can cost. INIT is checked in order of cost, cheapest first. Until DATA
//! confirms it, a session is only a slot.

mod buckets;
mod roster;
mod slots;

use crate::crypto::keyfile::{PublicKey, StaticKey};
use crate::crypto::rng::Rng;
use crate::handshake::{CookieJar, Mac1Key, Mac2, init_hash};
use crate::messages::{Offer, SessionHandle};
use crate::vocabulary::blame::DropKind;
use crate::vocabulary::{Route, SessionId, Shard};
use crate::wire::{COOKIE_LEN, INIT_LEN, InitPayload, RESP_LEN, Reason, Suite};

pub(crate) use buckets::{Buckets, Of};
use roster::Roster;
pub(crate) use roster::{Answer, PEERS_MAX};
pub(crate) use slots::PENDING_US;
use slots::{Repetition, Slots};

/// Maximum number of INITs opened per second, from all senders: this thread also carries all data.
const OPENED_PER_S: u32 = 2_000;
const SECOND_US: u64 = 1_000_000;
/// Handshakes per second of one host and of one site, and of these at once.
const HOST_PER_S: u64 = 20;
const HOST_BURST: u64 = 5;
const SITE_PER_S: u64 = 100;
const SITE_BURST: u64 = 100;

/// What to do with an INIT.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Spend a Diffie-Hellman on it. `proved`: its sender receives at its address.
    Read {
        proved: bool,
    },
    /// It was answered before: send the identical RESP.
    Repeat([u8; RESP_LEN]),
    Cookie([u8; COOKIE_LEN]),
    Refuse(DropKind),
}

/// How many handshakes one host and its site may have. Source: docs/spec/wire.md, "Constants".
#[derive(Debug)]
struct Rates {
    hosts: Buckets,
    sites: Buckets,
}

impl Rates {
    fn new() -> Self {
        Self {
            hosts: Buckets::new(Of::Host, HOST_PER_S, HOST_BURST),
            sites: Buckets::new(Of::Site, SITE_PER_S, SITE_BURST),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Reception {
    roster: Roster,
    jar: CookieJar,
    slots: Slots,
    mac1: Mac1Key,
    /// Separate buckets for INITs whose sender has proved its address, and for others: so forged addresses use up no
    /// tokens of the real owner.
    proved: Rates,
    unproved: Rates,
    inits_per_s: u32,
    second_from: u64,
    inits: u32,
    inits_before: u32,
    opened: u32,
}

impl Reception {
    pub(crate) fn new(identity: &PublicKey, inits_per_s: u32, shard: Shard, rng: &mut Rng) -> Self {
        Self {
            roster: Roster::default(),
            jar: CookieJar::new(&mut |out| rng.fill(out)),
            slots: Slots::new(shard),
            mac1: Mac1Key::of(identity),
            proved: Rates::new(),
            unproved: Rates::new(),
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

    /// Order of checks: mac1 → mac2 (under load, or above the rate of the host or the share of its site) → rate →
    /// repetition → ceiling. No Diffie-Hellman yet.
    pub(crate) fn admit(
        &mut self,
        now: u64,
        from: Route,
        identity: &StaticKey,
        init: &[u8; INIT_LEN],
        rng: &mut Rng,
    ) -> Admission {
        if !self.mac1.proves(init) {
            return Admission::Refuse(DropKind::InitMac1);
        }
        self.expire(now);
        let (load, address) = (self.under_load(now), from.remote.ip());
        let proved = self.jar.check_mac2(now, from.remote, init) == Mac2::Valid;
        let rates = if proved { &mut self.proved } else { &mut self.unproved };
        let in_rate = rates.hosts.admits(now, address);
        // A host beyond its rate uses up nothing of its neighbours' share.
        let in_share = in_rate && rates.sites.admits(now, address);
        if !proved && (load || !in_share) {
            return Admission::Cookie(self.cookie(now, from, identity, init, rng));
        }
        if !in_rate {
            return Admission::Refuse(DropKind::InitRate);
        }
        match self.slots.repeat(&init_hash(init)) {
            Repetition::Of(response) => return Admission::Repeat(response),
            Repetition::TooOften => return Admission::Refuse(DropKind::InitRepeated),
            Repetition::New => {}
        }
        // The second half of the ceiling is for sites within their share: no site can keep all others out.
        if self.opened >= if in_share { OPENED_PER_S } else { OPENED_PER_S / 2 } {
            return Admission::Refuse(DropKind::InitCeiling);
        }
        self.opened += 1;
        Admission::Read { proved }
    }

    pub(crate) fn cookie(
        &self,
        now: u64,
        from: Route,
        identity: &StaticKey,
        init: &[u8; INIT_LEN],
        rng: &mut Rng,
    ) -> [u8; COOKIE_LEN] {
        self.jar.reply(now, from.remote, &identity.public(), init, &mut |out| rng.fill(out))
    }

    /// So many sessions of this client wait that one more needs a cookie: old INITs from forged addresses have none.
    pub(crate) fn crowded(&self, key: &PublicKey) -> bool {
        self.slots.crowded(key.as_bytes())
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
    /// confirmed or answered too many a short time ago.
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

    /// The client answered under the session's keys.
    pub(crate) fn answered(&mut self, session: SessionHandle) {
        self.slots.answered(session);
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
