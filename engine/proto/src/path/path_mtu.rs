//! The largest packet that passes one direction of one path (RFC 8899). Sizes are those of whole outer IP packets.
//!
//! ```text
//!   floor ── low ─────────────────────────── bound ── ceiling + 1
//!             │ largest that was answered       │ smallest that was not, four times over
//!             │     round: several sizes and a control in one flight
//!             ├──── answered ──────────────► low rises at once
//!             └──── unanswered, the control answered: again, then bound falls
//! ```
//!
//! Common sizes are tried together, then the gap is quartered. Once settled, `low` is verified while packets of that
//! size are sent, and sooner where the peer counts losses. A verification that fails is a black hole: the search begins
//! again from below.

use crate::vocabulary::{DATA_OVERHEAD, headers};

/// Taken for granted until it is disproved: the least that every IPv6 link carries.
pub(crate) const BASE: u16 = 1_280;
/// No longer message can be lost for its size alone on a path that carries the base.
pub(crate) const LARGE_MESSAGE: usize = BASE as usize - 48;
/// What every IPv4 host can receive (RFC 791).
const FLOOR_V4: u16 = 576;
/// Sizes that links and tunnels have.
const COMMON: [u16; 11] = [1_500, 1_492, 1_480, 1_460, 1_440, 1_420, 1_400, 1_380, 1_340, 1_300, BASE];
const BELOW_BASE: [u16; 2] = [1_200, 1_024];
/// A gap as narrow as this is not searched further.
const STEP: u16 = 8;
/// Sends of one size without an answer, each beside a control that was answered, until it counts as too large. At 2 %
/// loss in each direction chance does this once in 400,000 times.
const SENDS_MAX: u8 = 4;
/// Flights without any answer until a round is given up: they say nothing about sizes.
const SILENT_FLIGHTS_MAX: u8 = 4;
/// Pause after a round that was given up, µs; it doubles.
const PAUSE_US: u64 = 1_000_000;
const PAUSE_DOUBLINGS_MAX: u8 = 6;
/// A path may have become better (RFC 8899, `PMTU_RAISE_TIMER`), µs.
const RAISE_US: u64 = 600_000_000;
/// Time between two verifications while large packets are sent, and the least where losses are counted, µs.
const VERIFY_US: u64 = 2_000_000;
const VERIFY_DOUBTED_US: u64 = 500_000;
/// Lost messages between two answered probes, and their share of all, that are worth a verification.
const DOUBT_LOST_MIN: u64 = 2;
const DOUBT_SHARE: u64 = 4;

/// Time for the bytes of a flight on a slow link, beside the PTO: 1 Mbit/s.
const US_PER_BYTE: u64 = 8;

fn floor(v6: bool) -> u16 {
    if v6 { BASE } else { FLOOR_V4 }
}

/// One probe of a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SizeProbe {
    /// Of the whole outer packet; `None` = the control, which is small.
    size: Option<u16>,
    seq: u32,
    answered: bool,
}

#[derive(Debug)]
struct Round {
    /// The largest size first, because its answer makes the others needless; the control last: when it is answered,
    /// those before it had their chance, however slow the link.
    probes: Vec<SizeProbe>,
    sent_at: u64,
    until: u64,
    /// Flights whose control was answered, and in a row, whose was not.
    flights: u8,
    silent: u8,
    verifying: bool,
}

impl Round {
    fn bytes(&self) -> u64 {
        self.probes.iter().filter_map(|probe| probe.size).map(u64::from).sum()
    }
}

/// The longest inner packet that leaves whole, and whether a finished search says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PacketMax {
    pub(crate) bytes: u16,
    pub(crate) settled: bool,
}

/// What `poll` found; call it again until it finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A flight is to be sent: see `flight`.
    Flight,
    /// The size of the path is known, or another one than before.
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
    /// What was reported last; 0 = nothing.
    told: u16,
    settled: bool,
    /// Rounds that were given up since something was answered.
    given_up: u8,
    /// A packet above the base was sent since the last verification.
    large_sent: bool,
    doubted: bool,
    /// It became the send path and was not verified since: until then only the base is made use of.
    unproved: bool,
    /// The next round, while it is searched; when settled, the next search.
    next_at: u64,
    verified_at: u64,
    round: Option<Box<Round>>,
}

impl PathMtu {
    /// `tunnel_mtu`: inner packets are never longer.
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

    /// Nothing is known of the path any more.
    pub(crate) fn restart(&mut self) {
        self.bound = self.ceiling + 1;
        self.round = None;
        (self.doubted, self.large_sent) = (false, false);
        self.search_below();
    }

    /// The largest outer packet that may be sent whole.
    pub(crate) fn size(&self) -> u16 {
        match self.unproved {
            true => self.low.min(BASE),
            false if self.bound > BASE => self.low.max(BASE),
            false => self.low,
        }
    }

    /// The largest inner packet that needs no fragmentation outside.
    pub(crate) fn packet_max(&self) -> u16 {
        self.size() - headers(self.v6) - DATA_OVERHEAD
    }

    /// The same, if the path carries the base.
    pub(crate) fn packet_max_above_base(&self) -> u16 {
        self.size().max(BASE) - headers(self.v6) - DATA_OVERHEAD
    }

    /// Some size was answered since the search began.
    pub(crate) fn measured(&self) -> bool {
        self.settled || self.low > floor(self.v6)
    }

    /// The size is the result of a search, and nothing speaks against it.
    pub(crate) fn settled(&self) -> bool {
        self.settled && !self.unproved
    }

    pub(crate) fn in_flight(&self) -> bool {
        self.round.is_some()
    }

    /// Bytes of the message in an outer packet of this size.
    pub(crate) fn message_len(&self, size: u16) -> usize {
        usize::from(size - headers(self.v6))
    }

    /// Messages longer than `LARGE_MESSAGE` were sent on the path.
    pub(crate) fn large_sent(&mut self) {
        self.large_sent = true;
    }

    /// Between two answered probes the peer missed `lost` of `sent` messages.
    pub(crate) fn losses(&mut self, lost: u64, sent: u64) {
        self.doubted |= lost >= DOUBT_LOST_MIN && lost.saturating_mul(DOUBT_SHARE) >= sent;
    }

    /// The path becomes the send path. What was found out while it was a standby is verified before use is made of it.
    pub(crate) fn taken(&mut self) {
        if self.settled && self.low > BASE {
            self.doubt();
            self.unproved = true;
            self.verified_at = 0;
        }
    }

    /// The path was silent and is back, maybe over other links.
    pub(crate) fn doubt(&mut self) {
        (self.doubted, self.large_sent) = (true, true);
    }

    /// When `poll` has something to do. Without `verify` a settled path is left alone.
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

    /// The probes of the flight that begins, to be given sequence numbers.
    pub(crate) fn flight(&mut self) -> impl Iterator<Item = (Option<u16>, &mut u32)> {
        self.round.iter_mut().flat_map(|round| round.probes.iter_mut().map(|probe| (probe.size, &mut probe.seq)))
    }

    /// The next finding is the first flight of a round that searches and can wait: where the base passes, the path is
    /// of use.
    pub(crate) fn may_wait(&self, now: u64) -> bool {
        let searches = !self.settled || self.low < self.ceiling;
        self.round.is_none() && searches && self.next_at <= now && self.bound > BASE
    }

    /// Others search already; nothing that is known of the path changes.
    pub(crate) fn wait(&mut self, until: u64) {
        self.next_at = until;
    }

    /// Bytes of the flight that begins, if it belongs to a search.
    pub(crate) fn search_bytes(&self) -> u64 {
        self.round.as_ref().filter(|round| !round.verifying).map_or(0, |round| round.bytes())
    }

    /// The flight could not be sent: what is unanswered says nothing.
    pub(crate) fn cancel(&mut self, now: u64) {
        self.round = None;
        self.pause(now);
    }

    /// An answer: true if it is to a probe of the present flight. A larger one than any before counts at once.
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

    /// A message did not fit the link of this machine.
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

    /// Everything that was asked for passes.
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

    /// The search ends where the gap is narrow.
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

    /// Silence is not about sizes: later again, ever more rarely.
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

    /// The sizes worth trying in the gap: common ones, else its quarters.
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
