//! Gateway: recent answers, and their sessions that wait for the confirming DATA.
//!
//! An INIT does not prove that it is fresh: an attacker can send an old one of a client. A repeated INIT gets the
//! identical answer for a while, even if its session does not wait any more; so a captured INIT cannot take a second
//! slot in that time. Two sessions of a key may wait without more; a further INIT must prove its address by a cookie,
//! which a forged one cannot, and then replaces the oldest session whose client has not answered. An answer is sealed
//! with the session's keys, which no replay has: such a session gives way to none.

use std::collections::{HashMap, VecDeque};

use super::{OPENED_PER_S, SECOND_US};
use crate::messages::SessionHandle;
use crate::vocabulary::Shard;
use crate::wire::RESP_LEN;

/// How long an answer is stored, and how long a session may wait for its confirmation, µs.
pub(crate) const PENDING_US: u64 = 5_000_000;
/// Maximum number of stored answers: all that the ceiling admits in that time, so that no honest client is refused for
/// lack of room. The time touches one second more than it lasts.
const ANSWERS_MAX: usize = OPENED_PER_S as usize * (PENDING_US / SECOND_US + 1) as usize;
/// Maximum number of stored answers of one client key.
const ANSWERS_PER_KEY_MAX: usize = 32;
/// Maximum number of waiting sessions of one client key.
const PENDING_PER_KEY_MAX: usize = 8;
/// Number of waiting sessions of one client key, from which on its INITs need a cookie.
const CROWD: usize = 2;
/// Maximum number of times that one answer is repeated: sixteen paths, and four INITs on each while it is stored.
const REPEATS_MAX: u8 = 64;
/// Maximum number of sessions that one client key has confirmed or closed while their answers are stored.
const CONFIRMED_PER_KEY_MAX: usize = 8;
/// The minimum of this limit on one of many workers: the client chooses the worker, so its total limit is divided by
/// their number.
const CONFIRMED_PER_KEY_MIN: usize = 2;

type Hash = [u8; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Waits(SessionHandle),
    /// It waits, and the client has answered under its keys.
    Answered(SessionHandle),
    /// A newer session took its slot.
    Evicted,
    /// The client proved that it has the keys, which no replay can.
    Settled,
}

/// Whether an INIT came before.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "it lives for one call")]
pub(super) enum Repetition {
    New,
    /// It got this answer.
    Of([u8; RESP_LEN]),
    TooOften,
}

#[derive(Debug)]
struct Answer {
    response: [u8; RESP_LEN],
    key: [u8; 32],
    slot: Slot,
    repeats: u8,
    until: u64,
}

#[derive(Debug)]
pub(super) struct Slots {
    confirmed_per_key_max: usize,
    /// Keyed by the hash of INIT without mac2.
    answers: HashMap<Hash, Answer>,
    /// In order of expiry. Entries of answers that were already removed are skipped.
    expiry: VecDeque<(u64, Hash)>,
    waiting: HashMap<SessionHandle, Hash>,
    /// The answers of each client key, oldest first.
    of_key: HashMap<[u8; 32], VecDeque<Hash>>,
}

impl Slots {
    pub(super) fn new(shard: Shard) -> Self {
        Self {
            confirmed_per_key_max: (CONFIRMED_PER_KEY_MAX / usize::from(shard.of)).max(CONFIRMED_PER_KEY_MIN),
            answers: HashMap::new(),
            expiry: VecDeque::new(),
            waiting: HashMap::new(),
            of_key: HashMap::new(),
        }
    }

    /// What to do with an INIT that may be a repetition.
    pub(super) fn repeat(&mut self, hash: &Hash) -> Repetition {
        match self.answers.get_mut(hash) {
            None => Repetition::New,
            Some(answer) if answer.repeats >= REPEATS_MAX => Repetition::TooOften,
            Some(answer) => {
                answer.repeats += 1;
                Repetition::Of(answer.response)
            }
        }
    }

    /// So many sessions of this key wait that one more needs a cookie.
    pub(super) fn crowded(&self, key: &[u8; 32]) -> bool {
        self.of_key.get(key).is_some_and(|own| own.iter().filter(|hash| self.session(hash).is_some()).count() >= CROWD)
    }

    /// Makes room for one more session of this key; returns the sessions that it removed. `None`: the client confirmed
    /// or answered too many a short time ago.
    pub(super) fn make_room(&mut self, key: &[u8; 32]) -> Option<Vec<SessionHandle>> {
        if self.answers.len() >= ANSWERS_MAX {
            return None;
        }
        let mut evicted = Vec::new();
        let own = self.of_key.get(key).map(|own| own.iter().copied().collect::<Vec<_>>()).unwrap_or_default();
        let settled = own.iter().filter(|hash| self.slot(hash) == Some(Slot::Settled)).count();
        if settled >= self.confirmed_per_key_max {
            return None;
        }
        if own.iter().filter(|hash| self.session(hash).is_some()).count() >= PENDING_PER_KEY_MAX {
            let oldest = own.iter().find(|hash| matches!(self.slot(hash), Some(Slot::Waits(_))))?;
            evicted.extend(self.evict(oldest));
        }
        if own.len() >= ANSWERS_PER_KEY_MAX
            && let Some(oldest) = own.iter().find(|hash| self.gives_way(hash))
        {
            evicted.extend(self.forget(oldest));
        }
        Some(evicted)
    }

    /// The waiting session of an answer.
    fn session(&self, hash: &Hash) -> Option<SessionHandle> {
        match self.slot(hash)? {
            Slot::Waits(session) | Slot::Answered(session) => Some(session),
            Slot::Evicted | Slot::Settled => None,
        }
    }

    /// No client has shown that it has the keys of this answer.
    fn gives_way(&self, hash: &Hash) -> bool {
        !matches!(self.slot(hash), Some(Slot::Answered(_) | Slot::Settled))
    }

    fn slot(&self, hash: &Hash) -> Option<Slot> {
        self.answers.get(hash).map(|answer| answer.slot)
    }

    /// Removes the session; its answer stays.
    fn evict(&mut self, hash: &Hash) -> Option<SessionHandle> {
        let session = self.session(hash)?;
        let answer = self.answers.get_mut(hash)?;
        answer.slot = Slot::Evicted;
        self.waiting.remove(&session);
        Some(session)
    }

    fn forget(&mut self, hash: &Hash) -> Option<SessionHandle> {
        let session = self.evict(hash);
        let answer = self.answers.remove(hash)?;
        if let Some(own) = self.of_key.get_mut(&answer.key) {
            own.retain(|known| known != hash);
            if own.is_empty() {
                self.of_key.remove(&answer.key);
            }
        }
        session
    }

    /// RESP was sent. There must be room.
    pub(super) fn remember(
        &mut self,
        now: u64,
        hash: Hash,
        response: [u8; RESP_LEN],
        session: SessionHandle,
        key: [u8; 32],
    ) {
        let until = now + PENDING_US;
        self.answers.insert(hash, Answer { response, key, slot: Slot::Waits(session), repeats: 0, until });
        self.expiry.push_back((until, hash));
        self.waiting.insert(session, hash);
        self.of_key.entry(key).or_default().push_back(hash);
    }

    /// The client answered under the session's keys, which no replay can.
    pub(super) fn answered(&mut self, session: SessionHandle) {
        let hash = self.waiting.get(&session).copied();
        if let Some(answer) = hash.and_then(|hash| self.answers.get_mut(&hash)) {
            answer.slot = Slot::Answered(session);
        }
    }

    /// The session is confirmed or gone: it does not wait any more.
    pub(super) fn settle(&mut self, session: SessionHandle) {
        let hash = self.waiting.remove(&session);
        if let Some(answer) = hash.and_then(|hash| self.answers.get_mut(&hash)) {
            answer.slot = Slot::Settled;
        }
    }

    pub(super) fn waits(&self, session: SessionHandle) -> bool {
        self.waiting.contains_key(&session)
    }

    /// Removes answers that are not repeated any more. Their sessions end by their own timers.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some((until, hash)) = self.expiry.front().copied().filter(|(until, _)| *until <= now) {
            self.expiry.pop_front();
            if self.answers.get(&hash).is_some_and(|answer| answer.until == until) {
                self.forget(&hash);
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.expiry.front().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn hash(n: usize) -> Hash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_le_bytes());
        hash
    }

    /// Takes a slot for session and INIT number `n`; returns the sessions that lost their slots.
    fn take(slots: &mut Slots, now: u64, n: usize, key: [u8; 32]) -> Option<Vec<SessionHandle>> {
        let evicted = slots.make_room(&key)?;
        slots.remember(now, hash(n), [0; RESP_LEN], n as SessionHandle, key);
        Some(evicted)
    }

    #[test]
    fn the_ninth_of_a_key_takes_the_place_of_the_oldest_whose_answer_stays() {
        let mut slots = Slots::new(Shard::WHOLE);
        for n in 0..8 {
            assert_eq!(take(&mut slots, 0, n, KEY), Some(vec![]));
        }
        assert_eq!(take(&mut slots, 0, 8, KEY), Some(vec![0]));
        assert!(slots.repeat(&hash(0)) != Repetition::New && !slots.waits(0) && slots.waits(8));
    }

    #[test]
    fn a_session_whose_client_has_answered_gives_way_to_none() {
        let mut slots = Slots::new(Shard::WHOLE);
        for n in 0..8 {
            assert!(take(&mut slots, 0, n, KEY).is_some());
            slots.answered(n as SessionHandle);
        }
        assert_eq!(take(&mut slots, 0, 8, KEY), None);
        assert!((0..8).all(|session| slots.waits(session)));
    }

    /// Each second of the ceiling begins with its first INIT, so a whole second's share may come at its end.
    #[test]
    fn all_that_the_ceiling_admits_has_room_although_every_client_confirms() {
        let mut slots = Slots::new(Shard::WHOLE);
        for n in 0..60 * 2_000 {
            let second = n as u64 / 2_000;
            let now = second * 1_000_000 + if second.is_multiple_of(6) && n % 2_000 > 0 { 999_999 } else { 0 };
            slots.expire(now);
            assert!(take(&mut slots, now, n, hash(n)).is_some(), "client {n}");
            slots.settle(n as SessionHandle);
            assert!(slots.answers.len() <= 12_000);
        }
    }

    #[test]
    fn an_answer_is_repeated_64_times_and_a_key_with_two_waiting_sessions_is_crowded() {
        let mut slots = Slots::new(Shard::WHOLE);
        assert!(take(&mut slots, 0, 0, KEY).is_some());
        assert!((0..64).all(|_| slots.repeat(&hash(0)) == Repetition::Of([0; RESP_LEN])));
        assert_eq!((slots.repeat(&hash(0)), slots.repeat(&hash(9))), (Repetition::TooOften, Repetition::New));
        assert!(!slots.crowded(&KEY));
        assert!(take(&mut slots, 0, 1, KEY).is_some());
        assert!(slots.crowded(&KEY) && !slots.crowded(&[8; 32]));
        slots.settle(1);
        assert!(!slots.crowded(&KEY));
    }

    #[test]
    fn a_key_has_a_bounded_number_of_answers_and_all_keys_have_one() {
        let mut slots = Slots::new(Shard::WHOLE);
        for n in 0..100 {
            assert!(take(&mut slots, 0, n, KEY).is_some());
        }
        assert_eq!((slots.answers.len(), slots.waiting.len()), (ANSWERS_PER_KEY_MAX, PENDING_PER_KEY_MAX));
        let others = (100..20_000).take_while(|n| take(&mut slots, 0, *n, hash(*n)).is_some()).count();
        assert_eq!((others, slots.answers.len()), (12_000 - ANSWERS_PER_KEY_MAX, 12_000));
        slots.expire(PENDING_US);
        assert!(slots.answers.is_empty() && slots.expiry.is_empty() && slots.of_key.is_empty());
    }

    #[test]
    fn who_confirms_too_many_waits_until_they_are_forgotten() {
        let mut slots = Slots::new(Shard::WHOLE);
        for n in 0..CONFIRMED_PER_KEY_MAX {
            assert!(take(&mut slots, n as u64, n, KEY).is_some());
            slots.settle(n as SessionHandle);
        }
        assert_eq!(take(&mut slots, 10, 99, KEY), None);
        assert!(take(&mut slots, 10, 100, [8; 32]).is_some(), "another client");
        slots.expire(PENDING_US);
        assert!(take(&mut slots, PENDING_US, 99, KEY).is_some());
    }

    #[test]
    fn an_answer_that_was_forgotten_early_and_given_again_lives_its_whole_time() {
        let mut slots = Slots::new(Shard::WHOLE);
        for n in 0..=ANSWERS_PER_KEY_MAX {
            assert!(take(&mut slots, 0, n, KEY).is_some());
        }
        assert!(slots.repeat(&hash(0)) == Repetition::New);
        assert!(take(&mut slots, 1, 0, KEY).is_some());
        slots.expire(PENDING_US);
        assert!(slots.repeat(&hash(0)) != Repetition::New);
    }

    #[test]
    fn many_workers_share_what_one_client_may_confirm() {
        let allowed = |of| {
            let mut slots = Slots::new(Shard { number: 0, of });
            let confirm = |n: &usize| {
                let taken = take(&mut slots, *n as u64, *n, KEY).is_some();
                slots.settle(*n as SessionHandle);
                taken
            };
            (0..10).take_while(confirm).count()
        };
        assert_eq!([1, 2, 3, 16].map(allowed), [8, 4, 2, 2]);
    }
}
