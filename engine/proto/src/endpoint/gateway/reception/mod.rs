//! Gateway: limits what an unknown sender can cost. INIT is checked in order of cost, cheapest first. Until DATA
//! confirms it, a session is only a slot.

mod buckets;
mod slots;

use std::collections::HashMap;

use crate::crypto::keyfile::{PublicKey, StaticKey};
use crate::crypto::rng::Rng;
use crate::handshake::{CookieJar, Mac2, check_mac1, init_hash};
use crate::messages::{Offer, SessionHandle};
use crate::vocabulary::blame::DropKind;
use crate::vocabulary::{Route, Shard};
use crate::wire::{COOKIE_LEN, INIT_LEN, InitPayload, RESP_LEN, Suite};

use buckets::Buckets;
pub(crate) use slots::PENDING_US;
use slots::Slots;

/// Maximum number of clients of a gateway. Source: messages.rs, `SetPeer`.
pub(crate) const PEERS_MAX: usize = 131_072;
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
    peers: HashMap<[u8; 32], Offer>,
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
            peers: HashMap::new(),
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
        let fits = self.peers.len() < PEERS_MAX || self.peers.contains_key(key.as_bytes());
        if fits {
            self.peers.insert(*key.as_bytes(), offer);
        }
        fits
    }

    pub(crate) fn remove_peer(&mut self, key: &PublicKey) {
        self.peers.remove(key.as_bytes());
    }

    pub(crate) fn offer(&self, key: &PublicKey) -> Option<&Offer> {
        self.peers.get(key.as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_knows_131_072_clients_and_one_more_only_when_another_is_forgotten() {
        let mut reception = Reception::new(1_000, Shard::WHOLE, &mut Rng::new([1; 32]));
        let key = |n: u32| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            PublicKey::from_bytes(bytes)
        };
        let offer = crate::world::offer(50);
        for n in 0..131_072 {
            assert!(reception.set_peer(&key(n), offer.clone()));
        }
        assert!(!reception.set_peer(&key(131_072), offer.clone()));
        assert!(reception.set_peer(&key(7), offer.clone()), "a new offer needs no room");
        reception.remove_peer(&key(7));
        assert!(reception.set_peer(&key(131_072), offer));
        assert!(reception.offer(&key(7)).is_none());
    }
}
