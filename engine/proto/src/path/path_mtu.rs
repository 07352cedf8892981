//! Finds the largest packet that passes one direction of one path (RFC 8899). All sizes are those of whole outer IP
//! packets.
//!
//! ```text
//!   floor ── low ─────────────────────────── bound ── ceiling + 1
//!             │ largest answered size           │ smallest size unanswered four times
//!             │     round: several sizes and a control in one flight
//!             ├──── answered ──────────────► low rises at once
//!             └──── unanswered, but the control was answered: again, then bound falls
//! ```
//!
//! Common sizes are tried together; after that the gap is divided into quarters. In the settled state, `low` is
//! verified while packets of that size are sent, and earlier if the peer counts losses. A failed verification is a
//! black hole: the search begins again from the bottom.

use crate::vocabulary::{DATA_OVERHEAD, headers};

/// Assumed to pass until it is disproved: every IPv6 link must carry this size.
pub(crate) const BASE: u16 = 1_280;
/// On a path that carries the base, a message up to this length is never lost because of its size.
pub(crate) const LARGE_MESSAGE: usize = BASE as usize - 48;
/// The size that every IPv4 host can receive (RFC 791).
const FLOOR_V4: u16 = 576;
/// Common sizes of links and tunnels.
const COMMON: [u16; 11] = [1_500, 1_492, 1_480, 1_460, 1_440, 1_420, 1_400, 1_380, 1_340, 1_300, BASE];
const BELOW_BASE: [u16; 2] = [1_200, 1_024];
/// A gap of this size or less is not searched further.
const STEP: u16 = 8;
/// A size counts as too large after this number of unanswered sends, each with a control that was answered. At 2 % loss
/// in each direction this happens by chance once in 400,000 times.
const SENDS_MAX: u8 = 4;
/// A round is given up after this number of flights without any answer: they prove nothing about sizes.
const SILENT_FLIGHTS_MAX: u8 = 4;
/// Pause after a round that was given up, µs; it doubles each time.
const PAUSE_US: u64 = 1_000_000;
const PAUSE_DOUBLINGS_MAX: u8 = 6;
/// Interval for a new search, because the path may allow larger packets now (RFC 8899, `PMTU_RAISE_TIMER`), µs.
const RAISE_US: u64 = 600_000_000;
/// Interval between verifications while large packets are sent, and the minimum if losses are counted, µs.
const VERIFY_US: u64 = 2_000_000;
const VERIFY_DOUBTED_US: u64 = 500_000;
/// Losses between two answered probes that cause a verification: minimum number, and share of all messages.
const DOUBT_LOST_MIN: u64 = 2;
const DOUBT_SHARE: u64 = 4;

/// Time for the bytes of a flight on a slow link (1 Mbit/s), in addition to the PTO.
const US_PER_BYTE: u64 = 8;

fn floor(v6: bool) -> u16 {
    if v6 { BASE } else { FLOOR_V4 }
}

/// One probe of a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SizeProbe {
    /// Size of the whole outer packet; `None` = the control, which is small.
    size: Option<u16>,
    seq: u32,
    answered: bool,
}

#[derive(Debug)]
struct Round {
    /// The largest size is first, because its answer makes the others unnecessary. The control is last: when it is
    /// answered, the earlier ones had time to arrive, however slow the link is.
    probes: Vec<SizeProbe>,
    sent_at: u64,
    until: u64,
    /// Flights whose control was answered, and flights in a row whose control was not.
    flights: u8,
    silent: u8,
    verifying: bool,
}

impl Round {
    fn bytes(&self) -> u64 {
        self.probes.iter().filter_map(|probe| probe.size).map(u64::from).sum()
    }
}

/// The longest inner packet that is sent whole, and whether a finished search has found it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PacketMax {
    pub(crate) bytes: u16,
    pub(crate) settled: bool,
}

/// A result of `poll`; call it again until it finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Send a flight: see `flight`.
    Flight,
    /// The size of the path is known for the first time, or has changed.
    Settled,
    BlackHole,
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, and small: every idle path has them")]
pub(crate) struct PathMtu {
    v6: bool,
    ceiling: u16,
    low: u16,
    bound: u16,
    /// The last reported size; 0 = none.
    told: u16,
    settled: bool,
    /// Rounds that were given up since the last answer.
    given_up: u8,
    /// A packet above the base was sent after the last verification.
    large_sent: bool,
    doubted: bool,
    /// The path became the send path and was not verified since: until then only the base is used.
    unproved: bool,
    /// During a search: time of the next round. In the settled state: time of the next search.
    next_at: u64,
    verified_at: u64,
    round: Option<Box<Round>>,
}

impl PathMtu {
    /// `tunnel_mtu` is the length of the longest inner packet.
    pub(crate) fn new(v6: bool, tunnel_mtu: u16) -> Self {
        let ceiling = COMMON[0].max(tunnel_mtu.saturating_add(headers(v6) + DATA_OVERHEAD)).min(u16::MAX - 1);
        Self {
            v6,
            ceiling,
            low: floor(v6),
            bound: ceiling + 1,
            told: 0,
            settled: false,
            given_up: 0,
            large_sent: false,
            doubted: false,
            unproved: false,
            next_at: 0,
            verified_at: 0,
            round: None,
        }
    }

    /// Drops everything that is known about the path.
    pub(crate) fn restart(&mut self) {
        self.bound = self.ceiling + 1;
        self.round = None;
        (self.doubted, self.large_sent) = (false, false);
        self.search_below();
    }

    /// The largest outer packet that may be sent unfragmented.
    pub(crate) fn size(&self) -> u16 {
        match self.unproved {
            true => self.low.min(BASE),
            false if self.bound > BASE => self.low.max(BASE),
            false => self.low,
        }
    }

    /// The largest inner packet that needs no fragmentation of the outer packet.
    pub(crate) fn packet_max(&self) -> u16 {
        self.size() - headers(self.v6) - DATA_OVERHEAD
    }

    /// The same, assuming that the path carries the base.
    pub(crate) fn packet_max_above_base(&self) -> u16 {
        self.size().max(BASE) - headers(self.v6) - DATA_OVERHEAD
    }

    /// True if any size was answered since the search began.
    pub(crate) fn measured(&self) -> bool {
        self.settled || self.low > floor(self.v6)
    }

    /// True if the size is the result of a search and nothing contradicts it.
    pub(crate) fn settled(&self) -> bool {
        self.settled && !self.unproved
    }

    pub(crate) fn in_flight(&self) -> bool {
        self.round.is_some()
    }

    /// Length of the message in an outer packet of this size.
    pub(crate) fn message_len(&self, size: u16) -> usize {
        usize::from(size - headers(self.v6))
    }

    /// Messages longer than `LARGE_MESSAGE` were sent on the path.
    pub(crate) fn large_sent(&mut self) {
        self.large_sent = true;
    }

    /// Between two answered probes the peer did not receive `lost` of `sent` messages.
    pub(crate) fn losses(&mut self, lost: u64, sent: u64) {
        self.doubted |= lost >= DOUBT_LOST_MIN && lost.saturating_mul(DOUBT_SHARE) >= sent;
    }

    /// The path becomes the send path. Sizes found while it was a standby are verified before they are used.
    pub(crate) fn taken(&mut self) {
        if self.settled && self.low > BASE {
            self.doubt();
            self.unproved = true;
            self.verified_at = 0;
        }
    }

    /// The path was silent and is alive again, maybe over other links.
    pub(crate) fn doubt(&mut self) {
        (self.doubted, self.large_sent) = (true, true);
    }

    /// When `poll` has work. Without `verify`, a settled path is not verified.
    pub(crate) fn next_at(&self, verify: bool) -> Option<u64> {
        if let Some(round) = &self.round {
            let answered = round.probes.iter().all(|probe| probe.answered || probe.size.is_none());
            return Some(if answered { round.sent_at } else { round.until });
        }
        if !self.settled {
            return Some(self.next_at);
        }
        let pause = if self.doubted { VERIFY_DOUBTED_US } else { VERIFY_US };
        let verification = (verify && self.large_sent).then_some(self.verified_at + pause);
        let raise = (self.low < self.ceiling).then_some(self.next_at);
        [verification, raise].into_iter().flatten().min()
    }

    pub(crate) fn poll(&mut self, now: u64, pto_us: u64, verify: bool) -> Option<Finding> {
        self.next_at(verify).filter(|at| *at <= now)?;
        match self.round.take() {
            Some(round) => self.judge(now, pto_us, round),
            None => self.begin(now, pto_us),
        }
    }

    /// The probes of the flight that begins; the caller sets their sequence numbers.
    pub(crate) fn flight(&mut self) -> impl Iterator<Item = (Option<u16>, &mut u32)> {
        self.round.iter_mut().flat_map(|round| round.probes.iter_mut().map(|probe| (probe.size, &mut probe.seq)))
    }

    /// True if the next flight starts a search round that can wait: a path that carries the base is usable without it.
    pub(crate) fn may_wait(&self, now: u64) -> bool {
        let searches = !self.settled || self.low < self.ceiling;
        self.round.is_none() && searches && self.next_at <= now && self.bound > BASE
    }

    /// Postpones the search because other searches run; everything known about the path stays.
    pub(crate) fn wait(&mut self, until: u64) {
        self.next_at = until;
    }

    /// Bytes of the next flight, if it belongs to a search.
    pub(crate) fn search_bytes(&self) -> u64 {
        self.round.as_ref().filter(|round| !round.verifying).map_or(0, |round| round.bytes())
    }

    /// The flight could not be sent: the missing answers prove nothing.
    pub(crate) fn cancel(&mut self, now: u64) {
        self.round = None;
        self.pause(now);
    }

    /// Handles an answer: true if it answers a probe of the current flight. A size larger than any before counts at
    /// once.
    pub(crate) fn answered(&mut self, seq: u32, t_echo_us: u64) -> bool {
        let Some(round) = &mut self.round else { return false };
        if round.sent_at != t_echo_us {
            return false;
        }
        let Some(probe) = round.probes.iter_mut().find(|probe| probe.seq == seq && !probe.answered) else {
            return false;
        };
        probe.answered = true;
        self.unproved &= !(round.verifying && probe.size.is_some());
        if let Some(size) = probe.size.filter(|size| *size < self.bound) {
            self.low = self.low.max(size);
        }
        true
    }

    /// A message was too long for the link of this machine.
    pub(crate) fn too_big(&mut self, message_len: usize) {
        let size = u16::try_from(message_len).unwrap_or(u16::MAX).saturating_add(headers(self.v6));
        self.bound = self.bound.min(size.max(floor(self.v6) + 1));
        if self.low >= self.bound {
            self.search_below();
        }
        if let Some(round) = &mut self.round {
            let bound = self.bound;
            round.probes.retain(|probe| probe.size.is_none_or(|size| size < bound));
        }
    }

    fn judge(&mut self, now: u64, pto_us: u64, mut round: Box<Round>) -> Option<Finding> {
        if round.probes.iter().any(|probe| probe.size.is_none() && probe.answered) {
            round.flights += 1;
            round.silent = 0;
        } else {
            round.silent += 1;
        }
        let low = if round.verifying { 0 } else { self.low };
        round.probes.retain(|probe| probe.size.is_none_or(|size| size > low && !probe.answered));
        if round.probes.len() == 1 {
            return self.conclude(now, round.verifying);
        }
        if round.flights >= SENDS_MAX {
            return self.too_large(now, &round);
        }
        if round.silent >= SILENT_FLIGHTS_MAX {
            self.pause(now);
            return None;
        }
        for probe in &mut round.probes {
            probe.answered = false;
        }
        Some(self.launch(now, pto_us, round))
    }

    /// All probed sizes pass.
    fn conclude(&mut self, now: u64, verified: bool) -> Option<Finding> {
        if verified {
            self.verified(now);
            return None;
        }
        (self.given_up, self.next_at) = (0, now);
        self.settle(now)
    }

    fn too_large(&mut self, now: u64, round: &Round) -> Option<Finding> {
        let smallest = round.probes.iter().filter_map(|probe| probe.size).min()?;
        self.bound = self.bound.min(smallest.max(floor(self.v6) + 1));
        if round.verifying {
            self.verified(now);
            self.search_below();
            self.told = self.size();
            return Some(Finding::BlackHole);
        }
        self.settle(now)
    }

    fn search_below(&mut self) {
        self.low = floor(self.v6);
        (self.settled, self.unproved, self.given_up, self.next_at) = (false, false, 0, 0);
    }

    /// Ends the search if the gap is narrow.
    fn settle(&mut self, now: u64) -> Option<Finding> {
        if self.bound - self.low > STEP {
            return None;
        }
        (self.settled, self.next_at) = (true, now + RAISE_US);
        self.verified(now);
        let size = self.size();
        (std::mem::replace(&mut self.told, size) != size).then_some(Finding::Settled)
    }

    fn verified(&mut self, now: u64) {
        self.verified_at = now;
        (self.doubted, self.large_sent) = (false, false);
    }

    /// Nothing was answered, so this is not about sizes: tries again later, with growing pauses.
    fn pause(&mut self, now: u64) {
        self.verified_at = now;
        if !self.settled {
            self.next_at = now + (PAUSE_US << self.given_up);
            self.given_up = (self.given_up + 1).min(PAUSE_DOUBLINGS_MAX);
        }
    }

    fn begin(&mut self, now: u64, pto_us: u64) -> Option<Finding> {
        if self.settled && self.low < self.ceiling && self.next_at <= now {
            self.bound = self.ceiling + 1;
            (self.settled, self.unproved) = (false, false);
        }
        let verifying = self.settled;
        let sizes = if verifying { vec![self.low] } else { self.candidates() };
        if sizes.is_empty() {
            return self.settle(now);
        }
        let probe = |size| SizeProbe { size, seq: 0, answered: false };
        let probes = sizes.into_iter().map(Some).chain([None]).map(probe).collect();
        let round = Box::new(Round { probes, sent_at: 0, until: 0, flights: 0, silent: 0, verifying });
        Some(self.launch(now, pto_us, round))
    }

    fn launch(&mut self, now: u64, pto_us: u64, mut round: Box<Round>) -> Finding {
        (round.sent_at, round.until) = (now, now + pto_us + round.bytes() * US_PER_BYTE);
        self.round = Some(round);
        Finding::Flight
    }

    /// The sizes to try in the gap: common ones, otherwise its quarters.
    fn candidates(&self) -> Vec<u16> {
        let common: &[u16] = if self.bound > BASE { &COMMON } else { &BELOW_BASE };
        let ceiling = std::iter::once(self.ceiling).filter(|ceiling| !common.contains(ceiling));
        let within = |size: &u16| *size > self.low && *size < self.bound;
        let sizes: Vec<u16> = ceiling.chain(common.iter().copied()).filter(within).collect();
        let gap = self.bound - self.low;
        if !sizes.is_empty() || gap <= STEP {
            return sizes;
        }
        [3, 2, 1].map(|quarters| self.low + gap / 4 * quarters).to_vec()
    }
}

#[cfg(test)]
mod tests;
