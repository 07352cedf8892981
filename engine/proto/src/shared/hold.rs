//! Inner packets of sessions that have no usable path: they wait here.
//!
//! ```text
//!   no path, or a path in doubt                     a path
//!   keep ──► │ oldest … newest │ ── release ──► leaving ──► the I/O loop seals them before any newer packet
//!            256 KiB a session, 64 MiB in all
//! ```
//!
//! After a blackout, inner TCP would wait for its retransmission timer, which may be as long as the blackout was. The
//! segments that it repeated during the blackout are held here. Only the newest copy of a segment is kept; one arrival
//! is enough to restart the flow. A segment is kept for 60 s: TCP must expect it that late anyway (RFC 9293, MSL). All
//! other packets are useless after a second. While every session has a path, nothing is allocated.

mod segment;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::messages::SessionHandle;
use crate::shared::indices::OwnKeyMap;
use crate::vocabulary::Shard;
use segment::TcpSegment;

/// Maximum of one session: bytes, including the overhead of each packet. Source: docs/spec/wire.md, "After a blackout".
const SESSION_BYTES_MAX: usize = 256 << 10;
/// Share of this for everything but TCP: a dense flow of datagrams must not push out the few important segments.
const OTHER_BYTES_MAX: usize = SESSION_BYTES_MAX / 4;
const SEGMENT_BYTES_MAX: usize = SESSION_BYTES_MAX - OTHER_BYTES_MAX;
/// Maximum of all sessions of a process.
const TOTAL_BYTES_MAX: usize = 64 << 20;
/// Overhead of one packet besides its bytes: tiny packets use memory too.
const OVERHEAD: usize = 160;
const SEGMENT_AGE_MAX_US: u64 = 60_000_000;
const OTHER_AGE_MAX_US: u64 = 1_000_000;
/// Interval at which packets that are too old are removed, µs.
const SWEEP_US: u64 = 1_000_000;

/// A held packet that may be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    pub session: SessionHandle,
    pub packet: Arc<[u8]>,
    /// The inner checksum covers the pseudo-header only.
    pub csum_partial: bool,
}

#[derive(Debug)]
struct Held {
    kept_at: u64,
    segment: Option<TcpSegment>,
    released: Released,
}

impl Held {
    fn cost(&self) -> usize {
        self.released.packet.len() + OVERHEAD
    }

    fn expires_at(&self) -> u64 {
        self.kept_at + if self.segment.is_some() { SEGMENT_AGE_MAX_US } else { OTHER_AGE_MAX_US }
    }
}

/// The packets of one session: keys into `packets`, rising.
#[derive(Debug, Default)]
struct Waiting {
    segments: Queue,
    others: Queue,
}

#[derive(Debug, Default)]
struct Queue {
    keys: VecDeque<u64>,
    bytes: usize,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.segments.bytes + self.others.bytes
    }

    fn of(&mut self, entry: &Held) -> &mut Queue {
        if entry.segment.is_some() { &mut self.segments } else { &mut self.others }
    }

    /// The packet to remove if one must be removed: the oldest datagram, otherwise the newest segment. The oldest
    /// segments stay, because the flow cannot continue without the beginning of the gap.
    fn surplus(&self) -> Option<u64> {
        if self.others.bytes > OTHER_BYTES_MAX {
            self.others.keys.front().copied()
        } else if self.segments.bytes > SEGMENT_BYTES_MAX {
            self.segments.keys.back().copied()
        } else {
            None
        }
    }

    /// All keys, in the order in which the packets arrived.
    fn in_order(&self) -> Vec<u64> {
        let mut keys: Vec<u64> = self.segments.keys.iter().chain(&self.others.keys).copied().collect();
        keys.sort_unstable();
        keys
    }
}

#[derive(Debug)]
pub(crate) struct Hold {
    /// This endpoint's share of `TOTAL_BYTES_MAX`.
    bytes_max: usize,
    /// In the order in which they were kept.
    packets: BTreeMap<u64, Held>,
    sessions: OwnKeyMap<Waiting>,
    bytes: usize,
    next: u64,
    sweep_at: u64,
    leaving: VecDeque<Released>,
}

/// Which packets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The packet was not sent.
    Any,
    /// The packet was sent on a path in doubt. Only for TCP is a second copy harmless.
    Segments,
}

impl Hold {
    pub(crate) fn new(shard: Shard) -> Self {
        Self {
            bytes_max: TOTAL_BYTES_MAX / usize::from(shard.of),
            packets: BTreeMap::new(),
            sessions: OwnKeyMap::default(),
            bytes: 0,
            next: 0,
            sweep_at: 0,
            leaving: VecDeque::new(),
        }
    }

    /// Keeps `head ‖ body`, one inner packet. False if the packet is of a kind that is not kept.
    pub(crate) fn keep(
        &mut self,
        now: u64,
        session: SessionHandle,
        keep: Keep,
        (head, body): (&[u8], &[u8]),
        csum_partial: bool,
    ) -> bool {
        let packet: Arc<[u8]> = [head, body].concat().into();
        let segment = TcpSegment::parse(&packet);
        if packet.len() + OVERHEAD > SESSION_BYTES_MAX || (keep == Keep::Segments && segment.is_none()) {
            return false;
        }
        self.sweep(now);
        // The copy takes the place of the older one: the segment that has been missing longest is sent first.
        let place = segment.as_ref().and_then(|segment| self.forget_superseded(session, segment));
        let entry = Held { kept_at: now, segment, released: Released { session, packet, csum_partial } };
        let cost = entry.cost();
        let key = place.unwrap_or(self.next);
        self.next += 1;
        self.bytes += cost;
        let queue = self.sessions.entry(session).or_default().of(&entry);
        let at = queue.keys.partition_point(|other| *other < key);
        queue.keys.insert(at, key);
        queue.bytes += cost;
        self.packets.insert(key, entry);
        while let Some(surplus) = self.sessions.get(&session).and_then(Waiting::surplus) {
            self.forget(surplus);
        }
        while self.bytes > self.bytes_max
            && let Some((&oldest, _)) = self.packets.first_key_value()
        {
            self.forget(oldest);
        }
        self.packets.contains_key(&key)
    }

    pub(crate) fn holds(&self, session: SessionHandle) -> bool {
        !self.packets.is_empty() && self.sessions.contains_key(&session)
    }

    /// Releases the packets of a session, in order, except those that are too old. With `again` its segments stay held,
    /// for another path if this one fails: a second copy of a segment is harmless, a second copy of a datagram may not
    /// be. Looks at no packet of another session: after a blackout all sessions are released within a moment.
    pub(crate) fn release(&mut self, now: u64, session: SessionHandle, again: bool) {
        let Some(waiting) = self.sessions.get(&session) else { return };
        let mut gone = Vec::new();
        for key in waiting.in_order() {
            let Some(entry) = self.packets.get(&key) else { continue };
            let old = entry.expires_at() <= now;
            if !old {
                self.leaving.push_back(entry.released.clone());
            }
            if old || !again || entry.segment.is_none() {
                gone.push(key);
            }
        }
        for key in gone {
            self.forget(key);
        }
    }

    /// Removes all packets held for a session: they have arrived, or nobody needs them any more.
    pub(crate) fn clear(&mut self, session: SessionHandle) {
        let Some(waiting) = self.sessions.remove(&session) else { return };
        self.bytes -= waiting.bytes();
        for key in waiting.in_order() {
            self.packets.remove(&key);
        }
    }

    /// The next packet that leaves. Its session may have ended meanwhile.
    pub(crate) fn next_released(&mut self) -> Option<Released> {
        let next = self.leaving.pop_front();
        if next.is_none() && self.leaving.capacity() > 0 {
            self.leaving = VecDeque::new();
        }
        next
    }

    /// A panic may have cut a change short. Then all that is held is dropped: inner senders repeat what matters.
    pub(crate) fn mend(&mut self) {
        let kept: usize = self.packets.values().map(Held::cost).sum();
        let waiting: usize = self.sessions.values().map(Waiting::bytes).sum();
        if kept != self.bytes || waiting != self.bytes {
            self.packets.clear();
            self.sessions.clear();
            self.bytes = 0;
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        (!self.packets.is_empty()).then_some(self.sweep_at)
    }

    /// Removes packets that are too old.
    pub(crate) fn sweep(&mut self, now: u64) {
        if self.packets.is_empty() {
            self.sweep_at = now + SWEEP_US;
        } else if self.sweep_at <= now {
            self.sweep_old(now);
            self.sweep_at = now + SWEEP_US;
        }
    }

    fn sweep_old(&mut self, now: u64) {
        let old: Vec<u64> =
            self.packets.iter().filter(|(_, held)| held.expires_at() <= now).map(|(key, _)| *key).collect();
        for key in old {
            self.forget(key);
        }
    }

    /// Removes the segments that `newer` supersedes. Returns the key of the oldest of them.
    fn forget_superseded(&mut self, session: SessionHandle, newer: &TcpSegment) -> Option<u64> {
        let waiting = self.sessions.get(&session)?;
        let superseded = |key: &u64| {
            let older = self.packets.get(key).and_then(|held| held.segment.as_ref());
            older.is_some_and(|older| newer.supersedes(older))
        };
        let old: Vec<u64> = waiting.segments.keys.iter().copied().filter(superseded).collect();
        for key in &old {
            self.forget(*key);
        }
        old.first().copied()
    }

    fn forget(&mut self, key: u64) {
        let Some(held) = self.packets.remove(&key) else { return };
        self.bytes -= held.cost();
        let session = held.released.session;
        let Some(waiting) = self.sessions.get_mut(&session) else { return };
        let queue = waiting.of(&held);
        queue.bytes -= held.cost();
        if let Ok(at) = queue.keys.binary_search(&key) {
            queue.keys.remove(at);
        }
        if waiting.bytes() == 0 {
            self.sessions.remove(&session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::segment::tests::tcp;
    use super::*;

    fn keep(hold: &mut Hold, now: u64, session: SessionHandle, packet: &[u8]) -> bool {
        hold.keep(now, session, Keep::Any, (&packet[..4], &packet[4..]), false)
    }

    fn released(hold: &mut Hold) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| hold.next_released()).map(|released| released.packet.to_vec()).collect()
    }

    fn datagram(n: u8, len: usize) -> Vec<u8> {
        let mut packet = vec![n; len];
        packet[0] = 0x45;
        packet[9] = 17;
        packet
    }

    #[test]
    fn packets_leave_in_the_order_in_which_they_came_each_session_for_itself() {
        let mut hold = Hold::new(Shard::WHOLE);
        for n in 0..3 {
            assert!(keep(&mut hold, 0, 1, &datagram(n, 40)));
            assert!(keep(&mut hold, 0, 2, &datagram(100 + n, 40)));
        }
        hold.release(10, 1, false);
        assert_eq!(released(&mut hold), [datagram(0, 40), datagram(1, 40), datagram(2, 40)]);
        assert!(!hold.holds(1) && hold.holds(2));
        hold.clear(2);
        assert_eq!((hold.bytes, hold.packets.len(), hold.next_deadline()), (0, 0, None));
    }

    #[test]
    fn of_a_segment_only_the_newest_copy_is_kept() {
        let mut hold = Hold::new(Shard::WHOLE);
        let mut repeated = tcp(1_000, 500, 0x10);
        keep(&mut hold, 0, 1, &repeated);
        keep(&mut hold, 0, 1, &tcp(1_500, 500, 0x10));
        repeated[8] = 63;
        keep(&mut hold, 200_000, 1, &repeated);
        hold.release(300_000, 1, false);
        assert_eq!(released(&mut hold), [repeated, tcp(1_500, 500, 0x10)]);
    }

    #[test]
    fn on_a_way_that_is_not_proved_segments_leave_again_and_datagrams_once() {
        let mut hold = Hold::new(Shard::WHOLE);
        keep(&mut hold, 0, 1, &datagram(1, 40));
        keep(&mut hold, 0, 1, &tcp(1, 10, 0x10));
        hold.release(10, 1, true);
        assert_eq!(released(&mut hold), [datagram(1, 40), tcp(1, 10, 0x10)]);
        hold.release(20, 1, false);
        assert_eq!(released(&mut hold), [tcp(1, 10, 0x10)]);
        assert!(!hold.holds(1));
    }

    #[test]
    fn segments_live_for_a_minute_and_everything_else_for_a_second() {
        let mut hold = Hold::new(Shard::WHOLE);
        keep(&mut hold, 0, 1, &datagram(1, 40));
        keep(&mut hold, 0, 1, &tcp(1, 10, 0x10));
        hold.release(OTHER_AGE_MAX_US, 1, true);
        assert_eq!(released(&mut hold), [tcp(1, 10, 0x10)]);
        hold.sweep(SEGMENT_AGE_MAX_US);
        assert!(!hold.holds(1));
    }

    #[test]
    fn a_release_looks_at_no_packet_of_another_session() {
        let mut hold = Hold::new(Shard::WHOLE);
        keep(&mut hold, 0, 1, &tcp(1, 10, 0x10));
        for session in 2..1_000 {
            keep(&mut hold, 0, session, &datagram(1, 40));
        }
        hold.release(OTHER_AGE_MAX_US, 1, false);
        assert_eq!(released(&mut hold), [tcp(1, 10, 0x10)]);
        assert_eq!(hold.packets.len(), 998, "the old datagrams of the others wait for the sweep");
        hold.release(OTHER_AGE_MAX_US, 2, false);
        assert_eq!(released(&mut hold), Vec::<Vec<u8>>::new(), "and never leave");
        hold.sweep(OTHER_AGE_MAX_US);
        assert_eq!((hold.bytes, hold.packets.len()), (0, 0));
    }

    #[test]
    fn after_a_fault_what_does_not_add_up_is_dropped_and_the_rest_stays() {
        let mut hold = Hold::new(Shard::WHOLE);
        keep(&mut hold, 0, 1, &tcp(1, 10, 0x10));
        hold.mend();
        assert!(hold.holds(1));
        hold.packets.clear();
        hold.mend();
        assert!(!hold.holds(1));
        assert!(keep(&mut hold, 0, 2, &tcp(1, 10, 0x10)));
        hold.release(1, 2, false);
        assert_eq!(released(&mut hold), [tcp(1, 10, 0x10)]);
    }

    #[test]
    fn of_segments_the_newest_give_way_within_a_session_and_the_oldest_over_all() {
        let mut hold = Hold::new(Shard::WHOLE);
        for n in 0..=255 {
            keep(&mut hold, 0, 1, &tcp(n * 1_400, 1_400, 0x10));
        }
        assert!(hold.bytes <= SEGMENT_BYTES_MAX && hold.bytes > SEGMENT_BYTES_MAX - 2_000);
        let mut first = tcp(0, 1_400, 0x10);
        first[8] = 63;
        keep(&mut hold, 0, 1, &first);
        hold.release(1, 1, false);
        let left = released(&mut hold);
        assert!(left.contains(&first), "a repeated segment takes the place of its older copy");
        assert!(left.contains(&tcp(1_400, 1_400, 0x10)) && !left.contains(&tcp(255 * 1_400, 1_400, 0x10)));
        for session in 0..1_000 {
            for n in 0..60 {
                keep(&mut hold, 0, session, &tcp(n * 1_400, 1_400, 0x10));
            }
        }
        assert!(hold.bytes <= TOTAL_BYTES_MAX);
        assert!(!hold.holds(0) && hold.holds(999));
    }

    #[test]
    fn a_dense_flow_of_datagrams_pushes_out_no_segment() {
        let mut hold = Hold::new(Shard::WHOLE);
        keep(&mut hold, 0, 1, &tcp(1, 1_400, 0x10));
        for n in 0..10_000_u64 {
            keep(&mut hold, n * 100, 1, &datagram(n as u8, 200));
        }
        assert!(hold.bytes <= OTHER_BYTES_MAX + 2_000);
        hold.release(SWEEP_US, 1, false);
        assert_eq!(released(&mut hold).first(), Some(&tcp(1, 1_400, 0x10)));
    }

    #[test]
    fn what_was_sent_already_is_kept_if_it_is_tcp() {
        let mut hold = Hold::new(Shard::WHOLE);
        assert!(!hold.keep(0, 1, Keep::Segments, (&[], &datagram(1, 40)), false));
        assert!(hold.keep(0, 1, Keep::Segments, (&[], &tcp(1, 10, 0x10)), true));
    }
}
