//! The clients that a gateway knows: what it offers each, what became of its last session, and whom it has removed.

use std::collections::{HashMap, VecDeque};

use crate::messages::Offer;
use crate::vocabulary::SessionId;
use crate::wire::{Reason, Standing};

/// Maximum number of clients of a gateway. Source: messages.rs, `SetPeer`.
pub(crate) const PEERS_MAX: usize = 131_072;
/// Maximum number of removed clients that still get an answer; the one removed first is forgotten, and its INITs get
/// silence, as those of a stranger.
const REMOVED_MAX: usize = 4_096;

type Key = [u8; 32];

#[derive(Debug)]
struct Peer {
    offer: Offer,
    last: Option<Last>,
}

/// The newest accepted session of a client. Every endpoint knows it, whichever endpoint holds the session.
#[derive(Debug)]
struct Last {
    session: SessionId,
    /// `None` while the session is live.
    ended: Option<Reason>,
}

/// What the gateway answers to an authentic INIT.
#[derive(Debug)]
pub(crate) enum Answer {
    Grant(Offer, Standing),
    /// The client was removed, for this reason.
    Refuse(Reason),
    /// Nobody knows this key: silence.
    Stranger,
}

#[derive(Debug, Default)]
pub(super) struct Roster {
    peers: HashMap<Key, Peer>,
    removed: HashMap<Key, Reason>,
    /// The keys of `removed` in the order of their removal.
    removals: VecDeque<Key>,
}

impl Roster {
    /// Adds a client or replaces its offer. False if there is no room.
    pub(super) fn set(&mut self, key: &Key, offer: Offer) -> bool {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.offer = offer;
            return true;
        }
        if self.peers.len() >= PEERS_MAX {
            return false;
        }
        self.peers.insert(*key, Peer { offer, last: None });
        if self.removed.remove(key).is_some() {
            self.removals.retain(|removed| removed != key);
        }
        true
    }

    pub(super) fn remove(&mut self, key: &Key, reason: Reason) {
        if self.peers.remove(key).is_none() {
            return;
        }
        self.removals.push_back(*key);
        self.removed.insert(*key, reason);
        if self.removals.len() > REMOVED_MAX
            && let Some(oldest) = self.removals.pop_front()
        {
            self.removed.remove(&oldest);
        }
    }

    /// The client's newest session was accepted, or has ended. False if the client is not known.
    pub(super) fn note(&mut self, key: &Key, session: SessionId, ended: Option<Reason>) -> bool {
        let Some(peer) = self.peers.get_mut(key) else { return false };
        // A session that a newer one has replaced ends later than the newer one begins.
        let replaced = ended.is_some() && peer.last.as_ref().is_some_and(|last| last.session != session);
        if !replaced {
            peer.last = Some(Last { session, ended });
        }
        true
    }

    /// The answer to an INIT of this key that asks about a session; zeros = about none.
    pub(super) fn answer(&self, key: &Key, about: [u8; 16]) -> Answer {
        if let Some(reason) = self.removed.get(key) {
            return Answer::Refuse(*reason);
        }
        let Some(peer) = self.peers.get(key) else { return Answer::Stranger };
        let standing = match &peer.last {
            _ if about == [0; 16] => Standing::NotAsked,
            Some(last) if last.session == SessionId(about) => last.ended.map_or(Standing::Live, Standing::Ended),
            _ => Standing::Unknown,
        };
        Answer::Grant(peer.offer.clone(), standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [1; 32];
    const OLD: SessionId = SessionId([2; 16]);
    const NEW: SessionId = SessionId([3; 16]);

    fn key(n: usize) -> Key {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_le_bytes());
        key
    }

    fn reason(text: &str) -> Reason {
        Reason::new(text).unwrap_or(Reason::EMPTY)
    }

    fn known() -> Roster {
        let mut roster = Roster::default();
        assert!(roster.set(&KEY, crate::world::offer(50)));
        roster
    }

    fn standing(roster: &Roster, about: SessionId) -> Standing {
        match roster.answer(&KEY, about.0) {
            Answer::Grant(_, standing) => standing,
            other => panic!("not granted: {other:?}"),
        }
    }

    #[test]
    fn a_session_is_unknown_then_live_then_ended_for_its_reason() {
        let mut roster = known();
        assert_eq!(standing(&roster, SessionId([0; 16])), Standing::NotAsked);
        assert_eq!(standing(&roster, OLD), Standing::Unknown);
        assert!(roster.note(&KEY, OLD, None));
        assert_eq!(standing(&roster, OLD), Standing::Live);
        assert_eq!(standing(&roster, NEW), Standing::Unknown);
        assert!(roster.note(&KEY, OLD, Some(reason("operator_terminated"))));
        assert_eq!(standing(&roster, OLD), Standing::Ended(reason("operator_terminated")));
        assert!(roster.set(&KEY, crate::world::offer(10)), "a new offer changes nothing about it");
        assert_eq!(standing(&roster, OLD), Standing::Ended(reason("operator_terminated")));
    }

    #[test]
    fn the_late_end_of_a_replaced_session_does_not_hide_the_newer_one() {
        let mut roster = known();
        assert!(roster.note(&KEY, OLD, None));
        assert!(roster.note(&KEY, NEW, None));
        assert!(roster.note(&KEY, OLD, Some(reason("superseded"))));
        assert_eq!(standing(&roster, NEW), Standing::Live);
        assert_eq!(standing(&roster, OLD), Standing::Unknown);
    }

    #[test]
    fn a_removed_client_is_refused_with_its_reason_until_it_is_added_again() {
        let mut roster = known();
        assert!(roster.note(&KEY, OLD, None));
        roster.remove(&KEY, reason("client_removed"));
        assert!(matches!(roster.answer(&KEY, OLD.0), Answer::Refuse(why) if why == reason("client_removed")));
        assert!(!roster.note(&KEY, OLD, Some(reason("client_removed"))));
        assert!(roster.set(&KEY, crate::world::offer(50)));
        assert_eq!(standing(&roster, OLD), Standing::Unknown);
        roster.remove(&[9; 32], reason("client_removed"));
        assert!(matches!(roster.answer(&[9; 32], OLD.0), Answer::Stranger), "it was never known");
    }

    #[test]
    fn the_4097th_removed_client_displaces_the_first() {
        let mut roster = Roster::default();
        for n in 0..4_097 {
            assert!(roster.set(&key(n), crate::world::offer(50)));
            roster.remove(&key(n), reason("client_removed"));
        }
        assert!(matches!(roster.answer(&key(0), OLD.0), Answer::Stranger));
        assert!(matches!(roster.answer(&key(1), OLD.0), Answer::Refuse(_)));
        assert_eq!((roster.removed.len(), roster.removals.len()), (4_096, 4_096));
    }

    #[test]
    fn a_gateway_knows_131_072_clients_and_one_more_only_when_another_is_removed() {
        let mut roster = Roster::default();
        for n in 0..131_072 {
            assert!(roster.set(&key(n), crate::world::offer(50)));
        }
        assert!(!roster.set(&key(131_072), crate::world::offer(50)));
        assert!(roster.set(&key(7), crate::world::offer(10)), "a new offer needs no room");
        roster.remove(&key(7), reason("client_removed"));
        assert!(roster.set(&key(131_072), crate::world::offer(50)));
    }
}
