//! The newest TCP segments that a session has sent. If its path has just died, they are lost.
//!
//! ```text
//!         path dies            suspected
//!   sent ──────┼──────────────────┼───────── … ───────── a path again
//!        arrived│   in here only   │   in the hold           │
//!               └── to the hold ──►└──────── released ──────►│
//! ```
//!
//! Between the last sign of life and the suspicion, the path loses every packet. Without these segments, the peer's TCP
//! would receive only the repeated first segment of the window, and the rest would be repeated two round trips later.
//! Sessions with traffic borrow a ring: each segment costs a copy, nothing is allocated. If a session sends so fast
//! that it would fill the ring within a few intervals, only a share of the ring is filled in each interval.

use std::collections::VecDeque;

use crate::vocabulary::Shard;

/// Size of one ring in bytes.
const RING_BYTES: usize = 256 << 10;
/// Maximum number of segments in one ring; small segments reach it before `RING_BYTES`. The bound matters because
/// `take` compares each segment with all that are held.
const SEGMENTS_MAX: usize = 256;
/// Share of the ring that one liveness interval may fill.
const BYTES_PER_INTERVAL: usize = RING_BYTES / 4;
/// Maximum number of rings of a process (32 MiB). Further sessions get none; after a blackout they wait for TCP's own
/// retransmission.
const RINGS_MAX: usize = 128;
/// Unused rings that are kept for the next session.
const SPARE_MAX: usize = 4;

const TCP: u8 = 6;

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: u64,
    start: usize,
    len: usize,
    csum_partial: bool,
}

#[derive(Debug)]
pub(crate) struct Recent {
    ring: Box<[u8]>,
    entries: VecDeque<Entry>,
    next: usize,
    interval_until: u64,
    interval_bytes: usize,
    /// The share of this interval is used up: nothing is copied before this time.
    full_until: u64,
}

impl Recent {
    fn new() -> Self {
        Self {
            ring: vec![0; RING_BYTES].into_boxed_slice(),
            entries: VecDeque::with_capacity(SEGMENTS_MAX),
            next: 0,
            interval_until: 0,
            interval_bytes: 0,
            full_until: 0,
        }
    }

    /// Copies `head ‖ body`, one inner packet that is sent at `now`. The session's liveness interval is `interval_us`.
    #[inline]
    pub(crate) fn note(&mut self, now: u64, interval_us: u64, (head, body): (&[u8], &[u8]), csum_partial: bool) {
        if now >= self.full_until && is_tcp(if head.is_empty() { body } else { head }) {
            self.write(now, interval_us, (head, body), csum_partial);
        }
    }

    #[inline(never)]
    fn write(&mut self, now: u64, interval_us: u64, (head, body): (&[u8], &[u8]), csum_partial: bool) {
        let len = head.len() + body.len();
        if now >= self.interval_until {
            self.interval_until = now + interval_us;
            self.interval_bytes = 0;
        }
        if self.interval_bytes + len > BYTES_PER_INTERVAL {
            self.full_until = self.interval_until;
            return;
        }
        self.interval_bytes += len;
        let start = if self.next + len > RING_BYTES { 0 } else { self.next };
        // The entries that are overwritten come first. This also holds at the end of the ring, where a segment that did
        // not fit has skipped some bytes.
        let overwritten = |entry: &Entry| {
            let skipped = start < self.next && entry.start >= self.next;
            skipped || (entry.start < start + len && start < entry.start + entry.len)
        };
        while self.entries.len() == SEGMENTS_MAX || self.entries.front().is_some_and(overwritten) {
            self.entries.pop_front();
        }
        self.ring[start..start + head.len()].copy_from_slice(head);
        self.ring[start + head.len()..start + len].copy_from_slice(body);
        self.entries.push_back(Entry { at: now, start, len, csum_partial });
        self.next = start + len;
    }

    /// Hands over the segments sent at `since` or later, in order, and empties the ring.
    pub(crate) fn take(&mut self, since: u64, mut keep: impl FnMut(u64, &[u8], bool)) {
        for entry in self.entries.drain(..).filter(|entry| entry.at >= since) {
            keep(entry.at, &self.ring[entry.start..entry.start + entry.len], entry.csum_partial);
        }
        self.next = 0;
    }
}

#[inline]
fn is_tcp(packet: &[u8]) -> bool {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => packet.get(9) == Some(&TCP),
        Some(6) => packet.get(6) == Some(&TCP),
        _ => false,
    }
}

/// Lends rings to sessions that carry traffic.
#[derive(Debug)]
pub(crate) struct Rings {
    /// This endpoint's share of `RINGS_MAX`.
    most: usize,
    spare: Vec<Recent>,
    lent: usize,
}

impl Rings {
    pub(crate) fn new(shard: Shard) -> Self {
        Self { most: RINGS_MAX / usize::from(shard.of), spare: Vec::new(), lent: 0 }
    }

    pub(crate) fn lend(&mut self) -> Option<Box<Recent>> {
        if self.lent == self.most {
            return None;
        }
        self.lent += 1;
        Some(Box::new(self.spare.pop().unwrap_or_else(Recent::new)))
    }

    /// The ring of a broken session is not lent again.
    pub(crate) fn write_off(&mut self) {
        self.lent -= 1;
    }

    pub(crate) fn take_back(&mut self, lent: Option<Box<Recent>>) {
        let Some(mut recent) = lent else { return };
        self.lent -= 1;
        if self.spare.len() < SPARE_MAX {
            recent.take(u64::MAX, |_, _, _| ());
            self.spare.push(*recent);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INTERVAL_US: u64 = 10_000;

    fn segment(n: usize, len: usize) -> Vec<u8> {
        let mut packet = vec![n as u8; len];
        packet[0] = 0x45;
        packet[9] = TCP;
        packet
    }

    fn taken(recent: &mut Recent, since: u64) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        recent.take(since, |_, packet, _| out.push(packet.to_vec()));
        out
    }

    #[test]
    fn what_left_since_a_time_comes_back_once_and_in_order() {
        let mut recent = Recent::new();
        for n in 0..5 {
            let packet = segment(n, 100 + n);
            recent.note(n as u64 * 1_000, INTERVAL_US, (&packet[..40], &packet[40..]), n == 4);
        }
        let mut flags = Vec::new();
        recent.take(3_000, |at, packet, csum_partial| flags.push((at, packet.to_vec(), csum_partial)));
        assert_eq!(flags, [(3_000, segment(3, 103), false), (4_000, segment(4, 104), true)]);
        assert!(taken(&mut recent, 0).is_empty());
    }

    #[test]
    fn only_tcp_is_noted_also_where_the_headers_are_not_apart() {
        let mut recent = Recent::new();
        let mut datagram = segment(1, 60);
        datagram[9] = 17;
        let mut six = segment(2, 80);
        (six[0], six[6]) = (0x60, TCP);
        recent.note(0, INTERVAL_US, (&[], &datagram), false);
        recent.note(0, INTERVAL_US, (&[], &six), false);
        recent.note(0, INTERVAL_US, (&[], &[]), false);
        assert_eq!(taken(&mut recent, 0), [six]);
    }

    #[test]
    fn a_fast_sender_fills_a_share_of_the_ring_in_each_interval_and_no_more() {
        let mut recent = Recent::new();
        let packet = segment(1, 1_400);
        for _ in 0..1_000 {
            recent.note(0, INTERVAL_US, (&packet, &[]), false);
        }
        assert_eq!(recent.entries.len(), BYTES_PER_INTERVAL / 1_400);
        recent.note(INTERVAL_US, INTERVAL_US, (&packet, &[]), false);
        assert_eq!(recent.entries.len(), BYTES_PER_INTERVAL / 1_400 + 1);
    }

    #[test]
    fn rings_are_bounded_and_come_back_empty() {
        let mut rings = Rings::new(Shard::WHOLE);
        let mut lent: Vec<_> = (0..RINGS_MAX).map(|_| rings.lend()).collect();
        assert!(lent.iter().all(Option::is_some) && rings.lend().is_none());
        let packet = segment(1, 100);
        if let Some(recent) = lent[0].as_mut() {
            recent.note(0, INTERVAL_US, (&packet, &[]), false);
        }
        for recent in lent {
            rings.take_back(recent);
        }
        assert_eq!((rings.lent, rings.spare.len()), (0, SPARE_MAX));
        assert!(taken(&mut rings.lend().expect("a ring"), 0).is_empty());
    }

    proptest! {
        #[test]
        fn the_newest_segments_are_intact_whatever_their_sizes(sizes in prop::collection::vec(40_usize..9_000, 1..400)) {
            let mut recent = Recent::new();
            let packets: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, len)| segment(n, *len)).collect();
            for (n, packet) in packets.iter().enumerate() {
                recent.note(n as u64 * INTERVAL_US, INTERVAL_US, (&packet[..20], &packet[20..]), false);
            }
            let kept = taken(&mut recent, 0);
            prop_assert_eq!(&kept[..], &packets[packets.len() - kept.len()..]);
            let bytes: usize = kept.iter().map(Vec::len).sum();
            prop_assert!(kept.len() == packets.len() || bytes + 2 * 9_000 > RING_BYTES);
        }
    }
}
