//! The keys of one session over time. Each epoch has its own keys, counters and replay window.
//!
//! ```text
//!  client     seals under n ─── RESP ──► seals under n+1, opens n and n+1 ─ receives n+1 ─► n lingers ──► n zeroized
//!  gateway    opens n, answers INIT ───► opens n and n+1, seals under n ─── receives n+1 ─► seals under n+1, n lingers
//! ```
//!
//! At most two epochs exist at a time, so the parity bit in DATA's header names one of them.
//! Source: docs/spec/wire.md, "Keys".

use crate::crypto::keys::{OpenKey, Root, SealKey, Suite, epoch_keys};
use crate::crypto::replay::{ReplayWindow, Replayed};
use crate::messages::Role;
use crate::vocabulary::Limits;
use crate::vocabulary::blame::DropKind;
use crate::wire::{DATA_CSUM_PARTIAL, DATA_EPOCH, DATA_HEADER, TAG, data_aad, write_data_header};

/// Maximum time for which the previous epoch stays after the first message under the new one, µs.
const LINGER_MAX_US: u64 = 10_000_000;
/// Minimum of that time, µs.
const LINGER_MIN_US: u64 = 1_000_000;
/// Hard limits as multiples of the limits at which a rekey starts.
const PACKETS_HARD: u64 = 2;
const FAILED_OPENS_HARD: u64 = 4;
/// Control messages that may still be sealed beyond the hard packet limit, so that a rekey remains possible.
const CONTROL_RESERVE: u64 = 1 << 16;

#[derive(Debug)]
pub(crate) struct Epoch {
    pub(crate) number: u32,
    root: Root,
    seal: SealKey,
    open: OpenKey,
    window: ReplayWindow,
    next_counter: u64,
    born_at: u64,
    failed_opens: u64,
    /// The expiry of its key was reported.
    told_expired: bool,
}

/// The second epoch, beside the current one.
#[derive(Debug)]
struct Other {
    epoch: Epoch,
    turn: Turn,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// Dropped at `until`, which is set by the first message of the peer under the current epoch.
    Previous { until: Option<u64> },
    /// Derived by the responder; the peer has not used it yet.
    Next,
}

/// A DATA message that was authentic and new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Length of the plaintext, which starts after the header.
    pub(crate) len: usize,
    /// Number of its epoch.
    pub(crate) epoch: u32,
    /// This is the first message of the peer under the newest epoch.
    pub(crate) confirms: bool,
    /// The key may carry inner packets.
    pub(crate) carries_inner: bool,
    pub(crate) csum_partial: bool,
}

#[derive(Debug)]
pub(crate) struct Epochs {
    role: Role,
    suite: Suite,
    limits: Limits,
    current: Epoch,
    /// Boxed because rekeys are rare.
    other: Option<Box<Other>>,
}

impl Epoch {
    fn new(number: u32, root: Root, suite: Suite, role: Role, now: u64) -> Self {
        let (seal, open) = epoch_keys(&root, suite, role);
        let window = ReplayWindow::new();
        Self { number, root, seal, open, window, next_counter: 0, born_at: now, failed_opens: 0, told_expired: false }
    }

    fn wake(&mut self) {
        self.window.grow();
        self.seal.0.wake();
        self.open.0.wake();
    }

    fn rest(&mut self) {
        self.window.shrink();
        self.seal.0.rest();
        self.open.0.rest();
    }

    /// Why the key may not carry inner packets; `None` if it may.
    fn expired(&self, now: u64, limits: &Limits) -> Option<&'static str> {
        if now >= self.born_at.saturating_add(limits.reject_after_us) {
            Some("age")
        } else if self.next_counter >= limits.rekey_after_packets.saturating_mul(PACKETS_HARD) {
            Some("packets")
        } else if self.failed_opens >= limits.rekey_after_failed_opens.saturating_mul(FAILED_OPENS_HARD) {
            Some("failed_opens")
        } else {
            None
        }
    }
}

impl Epochs {
    pub(crate) fn new(root: Root, suite: Suite, role: Role, limits: Limits, now: u64) -> Self {
        Self { role, suite, limits, current: Epoch::new(0, root, suite, role, now), other: None }
    }

    /// Number of the epoch that this end uses for sealing.
    pub(crate) fn number(&self) -> u32 {
        self.current.number
    }

    pub(crate) fn next_counter(&self) -> u64 {
        self.current.next_counter
    }

    /// Opens one DATA in place. If this message confirms a new epoch, the previous one is accepted for `linger_us`
    /// more.
    pub(crate) fn open(
        &mut self,
        now: u64,
        linger_us: u64,
        flags: u8,
        counter: u64,
        body: &mut [u8],
    ) -> Result<Opened, DropKind> {
        let limits = self.limits;
        let epoch = self.by_parity(flags).ok_or(DropKind::UnknownEpoch)?;
        epoch.window.check(counter).map_err(replayed)?;
        let Ok(plaintext) = epoch.open.open(counter, &data_aad(flags), body) else {
            epoch.failed_opens += 1;
            return Err(DropKind::BadTag);
        };
        let len = plaintext.len();
        epoch.window.commit(counter).map_err(replayed)?;
        let carries_inner = epoch.expired(now, &limits).is_none();
        let number = epoch.number;
        let confirms = self.heard_under(number, now, linger_us);
        Ok(Opened { len, epoch: number, confirms, carries_inner, csum_partial: flags & DATA_CSUM_PARTIAL != 0 })
    }

    fn by_parity(&mut self, flags: u8) -> Option<&mut Epoch> {
        let parity = u32::from(flags & DATA_EPOCH);
        if self.current.number & 1 == parity {
            return Some(&mut self.current);
        }
        self.other.as_deref_mut().map(|other| &mut other.epoch)
    }

    /// Advances at the first message of the peer under the newest epoch.
    fn heard_under(&mut self, number: u32, now: u64, linger_us: u64) -> bool {
        let until = Some(now + linger_us.clamp(LINGER_MIN_US, LINGER_MAX_US));
        let Some(other) = &mut self.other else { return false };
        match other.turn {
            Turn::Next if other.epoch.number == number => {
                // A key's age counts from its first use: the answer that begins it may have been lost for a long time.
                other.epoch.born_at = now;
                std::mem::swap(&mut self.current, &mut other.epoch);
            }
            Turn::Previous { until: None } if self.current.number == number => {}
            Turn::Next | Turn::Previous { .. } => return false,
        }
        other.turn = Turn::Previous { until };
        true
    }

    /// Seals `out[16..16 + len]` as one DATA and returns its whole length. `None`: `out` is too short, or the key is
    /// used up.
    fn seal(&mut self, out: &mut [u8], len: usize, receiver: u32, csum_partial: bool) -> Option<usize> {
        let epoch = &mut self.current;
        let parity = (epoch.number & 1) as u8 * DATA_EPOCH;
        let flags = parity | if csum_partial { DATA_CSUM_PARTIAL } else { 0 };
        let counter = epoch.next_counter;
        // The counter is spent even if sealing fails, so a nonce is never used twice.
        epoch.next_counter += 1;
        let (header, body) = out.split_at_mut_checked(DATA_HEADER)?;
        write_data_header(header, flags, receiver, counter);
        let sealed = epoch.seal.seal(counter, &data_aad(flags), body, len).ok()?;
        Some(DATA_HEADER + sealed)
    }

    /// Seals frames as one DATA.
    pub(crate) fn seal_frames(&mut self, plaintext: &[u8], receiver: u32) -> Option<Vec<u8>> {
        let hard = self.limits.rekey_after_packets.saturating_mul(PACKETS_HARD).saturating_add(CONTROL_RESERVE);
        if self.current.next_counter >= hard {
            return None;
        }
        let mut out = vec![0; DATA_HEADER + plaintext.len() + TAG];
        out[DATA_HEADER..DATA_HEADER + plaintext.len()].copy_from_slice(plaintext);
        self.seal(&mut out, plaintext.len(), receiver, false)?;
        Some(out)
    }

    /// Seals `head ‖ body`, an inner packet, into `out`. The caller has checked that header and tag fit.
    #[inline]
    pub(crate) fn seal_inner(
        &mut self,
        out: &mut [u8],
        receiver: u32,
        head: &[u8],
        body: &[u8],
        csum_partial: bool,
    ) -> Option<usize> {
        let len = head.len() + body.len();
        let text = out.get_mut(DATA_HEADER..DATA_HEADER + len)?;
        let (first, second) = text.split_at_mut_checked(head.len())?;
        first.copy_from_slice(head);
        second.copy_from_slice(body);
        self.seal(out, len, receiver, csum_partial)
    }

    /// Why the current key may not carry inner packets; `None` if it may.
    #[inline]
    pub(crate) fn expired(&self, now: u64) -> Option<&'static str> {
        self.current.expired(now, &self.limits)
    }

    /// The expiry that was not reported yet (epoch and trigger); returned only once.
    pub(crate) fn newly_expired(&mut self, now: u64) -> Option<(u32, &'static str)> {
        let trigger = self.current.expired(now, &self.limits)?;
        let told = std::mem::replace(&mut self.current.told_expired, true);
        (!told).then_some((self.current.number, trigger))
    }

    /// The key has expired, and this was not reported yet.
    pub(crate) fn expiry_untold(&self, now: u64) -> bool {
        !self.current.told_expired && self.current.expired(now, &self.limits).is_some()
    }

    /// With the newest sealed packet, the key has exactly reached one of its limits.
    #[inline]
    pub(crate) fn at_packet_limit(&self) -> bool {
        let soft = self.limits.rekey_after_packets;
        let counter = self.current.next_counter;
        counter == soft || counter == soft.saturating_mul(PACKETS_HARD)
    }

    /// Time between the age at which a rekey starts and the hard age, µs.
    pub(crate) fn hard_span_us(&self) -> u64 {
        self.limits.reject_after_us.saturating_sub(self.limits.rekey_after_us)
    }

    /// When the current key reaches its hard age; `None` if its expiry was reported.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        (!self.current.told_expired).then(|| self.current.born_at.saturating_add(self.limits.reject_after_us))
    }

    /// Why a new epoch is due; `None` if none is due. `grace_us` is added to the age.
    pub(crate) fn rekey_due(&self, now: u64, grace_us: u64) -> Option<&'static str> {
        if self.other.is_some() {
            None
        } else if now >= self.rekey_at(grace_us) {
            Some("age")
        } else if self.current.next_counter >= self.limits.rekey_after_packets {
            Some("packets")
        } else if self.current.failed_opens >= self.limits.rekey_after_failed_opens {
            Some("failed_opens")
        } else {
            None
        }
    }

    /// When the age of the current key makes a rekey due.
    pub(crate) fn rekey_at(&self, grace_us: u64) -> u64 {
        self.current.born_at.saturating_add(self.limits.rekey_after_us).saturating_add(grace_us)
    }

    /// Only the current epoch exists, so the next one can begin.
    pub(crate) fn settled(&self) -> bool {
        self.other.is_none()
    }

    /// Responder: the next epoch can be opened from now on. It is used for sealing after the peer has used it.
    pub(crate) fn prepare(&mut self, now: u64, dh: &[u8], transcript: &[u8]) {
        let epoch = self.derive(now, dh, transcript);
        self.other = Some(Box::new(Other { epoch, turn: Turn::Next }));
    }

    /// Initiator: seals under the next epoch from now on.
    pub(crate) fn advance(&mut self, now: u64, dh: &[u8], transcript: &[u8]) {
        let next = self.derive(now, dh, transcript);
        let epoch = std::mem::replace(&mut self.current, next);
        self.other = Some(Box::new(Other { epoch, turn: Turn::Previous { until: None } }));
    }

    fn derive(&self, now: u64, dh: &[u8], transcript: &[u8]) -> Epoch {
        let root = self.current.root.mix(dh, transcript);
        Epoch::new(self.current.number + 1, root, self.suite, self.role, now)
    }

    /// When the previous epoch is dropped.
    pub(crate) fn previous_until(&self) -> Option<u64> {
        match self.other.as_ref()?.turn {
            Turn::Previous { until } => until,
            Turn::Next => None,
        }
    }

    /// Drops the previous epoch if its time is over; its keys are erased with it.
    pub(crate) fn drop_previous(&mut self, now: u64) {
        if self.previous_until().is_some_and(|until| until <= now) {
            self.other = None;
        }
    }

    /// The session carries traffic: prepares the keys and enlarges the replay window to cover paths of different
    /// latency.
    pub(crate) fn wake(&mut self) {
        self.current.wake();
        if let Some(other) = &mut self.other {
            other.epoch.wake();
        }
    }

    #[cfg(test)]
    pub(crate) fn awake(&self) -> bool {
        let other = self.other.as_ref().map(|other| &other.epoch);
        [Some(&self.current), other].into_iter().flatten().all(|epoch| epoch.seal.0.awake() && epoch.open.0.awake())
    }

    /// The session is idle: the window shrinks to 128 bytes, and the keys are prepared anew for each message.
    pub(crate) fn rest(&mut self) {
        self.current.rest();
        if let Some(other) = &mut self.other {
            other.epoch.rest();
        }
    }
}

fn replayed(why: Replayed) -> DropKind {
    match why {
        Replayed::TooOld => DropKind::TooOld,
        Replayed::Duplicate => DropKind::Duplicate,
    }
}

#[cfg(test)]
mod tests;
