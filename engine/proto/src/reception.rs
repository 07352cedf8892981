//! Gateway: what a stranger may cost. INIT is judged cheapest check first; until it is confirmed by DATA, a session is a slot.

use std::collections::{HashMap, VecDeque};

use crate::endpoint::Route;
use crate::handshake::{CookieJar, Mac2, check_mac1, init_hash};
use crate::keyfile::{PublicKey, StaticKey};
use crate::messages::{Offer, SessionHandle};
use crate::rng::Rng;
use crate::wire::{COOKIE_LEN, INIT_LEN, InitPayload, RESP_LEN, Suite};

/// Clients that a gateway knows. Source: messages.rs, `SetPeer`.
pub(crate) const PEERS_MAX: usize = 131_072;
/// Sessions that wait for their confirming DATA, in all and per client key, and for how long, µs.
const PENDING_MAX: usize = 4_096;
const PENDING_PER_KEY_MAX: u32 = 8;
pub(crate) const PENDING_US: u64 = 5_000_000;
const SECOND_US: u64 = 1_000_000;

/// What to do with an INIT.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Spend a Diffie-Hellman on it.
    Read,
    /// It was answered before: the identical RESP.
    Repeat([u8; RESP_LEN]),
    Cookie([u8; COOKIE_LEN]),
    Refuse(&'static str),
}

#[derive(Debug)]
pub(crate) struct Reception {
    peers: HashMap<[u8; 32], Offer>,
    jar: CookieJar,
    /// By the hash of INIT without mac2.
    responses: HashMap<[u8; 32], [u8; RESP_LEN]>,
    /// In order of expiry.
    expiry: VecDeque<(u64, [u8; 32])>,
    pending: HashMap<SessionHandle, [u8; 32]>,
    pending_per_key: HashMap<[u8; 32], u32>,
    inits_per_s: u32,
    second_from: u64,
    inits: u32,
    inits_before: u32,
}

impl Reception {
    pub(crate) fn new(inits_per_s: u32, rng: &mut Rng) -> Self {
        Self {
            peers: HashMap::new(),
            jar: CookieJar::new(&mut |out| rng.fill(out)),
            responses: HashMap::new(),
            expiry: VecDeque::new(),
            pending: HashMap::new(),
            pending_per_key: HashMap::new(),
            inits_per_s,
            second_from: 0,
            inits: 0,
            inits_before: 0,
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

    /// mac1 → repetition → mac2 under load → room. No Diffie-Hellman yet.
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
            return Admission::Refuse("init_mac1");
        }
        self.expire(now);
        if let Some(response) = self.responses.get(&init_hash(init)) {
            return Admission::Repeat(*response);
        }
        if self.under_load(now) && self.jar.check_mac2(now, from.remote, init) != Mac2::Valid {
            return Admission::Cookie(self.jar.reply(now, from.remote, &local, init, &mut |out| rng.fill(out)));
        }
        if self.pending.len() >= PENDING_MAX || self.responses.len() >= PENDING_MAX {
            return Admission::Refuse("pending_full");
        }
        Admission::Read
    }

    /// Counts one INIT; more than the limit in this second or the one before is load.
    fn under_load(&mut self, now: u64) -> bool {
        if now >= self.second_from + SECOND_US {
            let adjacent = now < self.second_from + 2 * SECOND_US;
            self.inits_before = if adjacent { self.inits } else { 0 };
            self.inits = 0;
            self.second_from = now;
        }
        self.inits = self.inits.saturating_add(1);
        self.inits > self.inits_per_s || self.inits_before > self.inits_per_s
    }

    /// A known client may have one more session that waits for its confirmation.
    pub(crate) fn has_room(&self, key: &PublicKey) -> bool {
        self.pending_per_key.get(key.as_bytes()).is_none_or(|count| *count < PENDING_PER_KEY_MAX)
    }

    /// RESP was sent: the slot is taken and the answer remembered.
    pub(crate) fn remember(
        &mut self,
        now: u64,
        hash: [u8; 32],
        response: [u8; RESP_LEN],
        session: SessionHandle,
        key: &PublicKey,
    ) {
        self.responses.insert(hash, response);
        self.expiry.push_back((now + PENDING_US, hash));
        self.pending.insert(session, *key.as_bytes());
        *self.pending_per_key.entry(*key.as_bytes()).or_default() += 1;
    }

    /// The session is confirmed, or gone.
    pub(crate) fn settle(&mut self, session: SessionHandle) {
        let Some(key) = self.pending.remove(&session) else { return };
        if let Some(count) = self.pending_per_key.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.pending_per_key.remove(&key);
            }
        }
    }

    pub(crate) fn is_pending(&self, session: SessionHandle) -> bool {
        self.pending.contains_key(&session)
    }

    /// Answers that nobody repeats any more are forgotten.
    pub(crate) fn expire(&mut self, now: u64) {
        while let Some((_, hash)) = self.expiry.front().filter(|(until, _)| *until <= now) {
            self.responses.remove(hash);
            self.expiry.pop_front();
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.expiry.front().map(|(until, _)| *until)
    }
}

/// The cipher for a client that offers these: AES where both ends allow it; `None` if there is no common one.
pub(crate) fn choose_suite(payload: &InitPayload, allow_aes: bool) -> Option<Suite> {
    let offered = |suite: Suite| payload.suites & suite.bit() != 0;
    if allow_aes && offered(Suite::Aes256Gcm) {
        Some(Suite::Aes256Gcm)
    } else {
        offered(Suite::ChaCha20Poly1305).then_some(Suite::ChaCha20Poly1305)
    }
}
