//! A new epoch: X25519 mixed into the root. The client starts it; the gateway may ask for it.
//!
//! ```text
//!  client                                  gateway
//!    │ (REKEY_REQUEST) ◄──────────────────────┤ its own limit is near
//!    │ REKEY_INIT{n+1, e}, at PTO ───────────►│ derives n+1, opens under it
//!    │◄────────────── REKEY_RESP{n+1, e}      │ repeated INIT: the identical RESP
//!    │ seals under n+1; PING at PTO ─────────►│ receives it: seals under n+1
//!    │◄────────────── anything under n+1      │
//! ```

pub(super) mod state;

use self::state::Rekey;
use super::Session;
use super::arrival::Arrival;
use super::faults::Trouble;
use crate::crypto::keys::Ephemeral;
use crate::frames::{self, Frame};
use crate::messages::{Report, Role};
use crate::path::{Retry, SENDS_MAX};
use crate::shared::Shared;
use crate::vocabulary::blame::{DropKind, PeerFault};

/// Pause between retries after the first five, µs. A rekey is retried as long as the session lives, because a blackout
/// may be long.
const SLOW_RETRY_US: u64 = 1_000_000;
/// After a key of low order no other rekey is accepted for this time, µs: each costs a Diffie-Hellman.
const LOW_ORDER_PAUSE_US: u64 = 1_000_000;
/// The gateway asks after this fraction (1/n) of the time between the rekey age and the hard age, to give the client
/// time to start.
const GATEWAY_GRACE_DIVISOR: u64 = 4;

impl Session {
    fn rekey_grace_us(&self) -> u64 {
        match self.role() {
            Role::Client => 0,
            Role::Gateway => self.epochs.hard_span_us() / GATEWAY_GRACE_DIVISOR,
        }
    }

    pub(super) fn rekey_on_time(&mut self, now: u64, cx: &mut Shared) {
        self.epochs.drop_previous(now);
        self.report_expiry(now, cx);
        if !self.is_active() {
            return;
        }
        if matches!(self.rekey, Rekey::Idle | Rekey::Answered { .. })
            && let Some(trigger) = self.epochs.rekey_due(now, self.rekey_grace_us())
        {
            return self.begin_rekey(now, cx, trigger);
        }
        let pto = self.pto_us(self.control_path());
        let Some(retry) = self.rekey.retry_mut().filter(|retry| retry.next_at <= now) else { return };
        retry.sends = retry.sends.saturating_add(1);
        retry.next_at = now + if retry.sends > SENDS_MAX { pto.max(SLOW_RETRY_US) } else { pto };
        self.send_rekey(now, cx);
    }

    fn begin_rekey(&mut self, now: u64, cx: &mut Shared, trigger: &'static str) {
        let epoch = self.epochs.number() + 1;
        let retry = Retry::begun(now, self.pto_us(self.control_path()));
        self.rekey = match self.role() {
            Role::Client => {
                let ephemeral = Box::new(Ephemeral::generate(&mut |out| cx.rng.fill(out)));
                Rekey::Begun { epoch, ephemeral, trigger, retry }
            }
            Role::Gateway => Rekey::Asked { epoch, trigger, retry },
        };
        self.send_rekey(now, cx);
    }

    fn send_rekey(&mut self, now: u64, cx: &mut Shared) {
        let frame = match &self.rekey {
            Rekey::Idle => return,
            Rekey::Begun { epoch, ephemeral, .. } => {
                Frame::RekeyInit(frames::Rekey { epoch: *epoch, e: *ephemeral.public() })
            }
            Rekey::Confirming { .. } => Frame::Ping,
            Rekey::Asked { epoch, .. } => Frame::RekeyRequest { epoch: *epoch },
            Rekey::Answered { resp, .. } => Frame::RekeyResp(resp.clone()),
        };
        if let Some(via) = self.control_path() {
            self.send_frames(now, cx, via, &[frame]);
        }
    }

    /// A rekey that a blackout delayed is sent with the next activation.
    pub(super) fn rekey_soon(&mut self, now: u64) {
        if let Some(retry) = self.rekey.retry_mut() {
            retry.next_at = retry.next_at.min(now);
        }
    }

    pub(super) fn on_rekey_init(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        init: &frames::Rekey,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        if let Rekey::Answered { init: answered, .. } = &self.rekey
            && answered == init
        {
            self.send_rekey(now, cx);
            return Ok(());
        }
        let number = self.epochs.number();
        if init.epoch <= number {
            return Err(Trouble::Unattributable(DropKind::StaleRekey));
        }
        if init.epoch > number + 1 {
            return Err(Trouble::Attributable(PeerFault::FutureEpoch));
        }
        if !self.epochs.settled() || now < self.rekey_paused_until {
            return Err(Trouble::Unattributable(DropKind::RekeyTooSoon));
        }
        let trigger = if let Rekey::Asked { trigger, .. } = self.rekey { trigger } else { "peer" };
        let ephemeral = Ephemeral::generate(&mut |out| cx.rng.fill(out));
        let Ok(shared) = ephemeral.agree(&init.e) else { return Err(self.deny_rekey(now, cx, init.epoch)) };
        let resp = frames::Rekey { epoch: init.epoch, e: *ephemeral.public() };
        self.epochs.prepare(now, &*shared, &transcript(init, &resp));
        if self.awake {
            self.epochs.wake();
        }
        self.rekey = Rekey::Answered { init: init.clone(), resp, trigger };
        self.send_rekey(now, cx);
        Ok(())
    }

    pub(super) fn on_rekey_resp(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        resp: &frames::Rekey,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        let expected = self.epochs.number() + 1;
        let Rekey::Begun { epoch, ephemeral, trigger, .. } = &self.rekey else {
            let future = resp.epoch >= expected;
            return Err(if future {
                Trouble::Attributable(PeerFault::FutureEpoch)
            } else {
                Trouble::Unattributable(DropKind::StaleRekey)
            });
        };
        if resp.epoch != *epoch {
            let future = resp.epoch > *epoch;
            return Err(if future {
                Trouble::Attributable(PeerFault::FutureEpoch)
            } else {
                Trouble::Unattributable(DropKind::StaleRekey)
            });
        }
        if now < self.rekey_paused_until {
            return Err(Trouble::Unattributable(DropKind::RekeyTooSoon));
        }
        let (epoch, trigger) = (*epoch, *trigger);
        let init = frames::Rekey { epoch, e: *ephemeral.public() };
        let Ok(shared) = ephemeral.agree(&resp.e) else { return Err(self.deny_rekey(now, cx, epoch)) };
        self.epochs.advance(now, &*shared, &transcript(&init, resp));
        if self.awake {
            self.epochs.wake();
        }
        self.rekey = Rekey::Confirming { retry: Retry::begun(now, self.pto_us(self.control_path())) };
        self.send_rekey(now, cx);
        self.report_rotation(now, cx, trigger);
        Ok(())
    }

    pub(super) fn on_rekey_request(&mut self, cx: &mut Shared, arrival: Arrival, epoch: u32) -> Result<(), Trouble> {
        let next = self.epochs.number() + 1;
        if epoch > next {
            return Err(Trouble::Attributable(PeerFault::FutureEpoch));
        }
        if epoch < next || !self.epochs.settled() || !matches!(self.rekey, Rekey::Idle) {
            return Err(Trouble::Unattributable(DropKind::StaleRekey));
        }
        self.begin_rekey(arrival.now, cx, "peer");
        Ok(())
    }

    /// The first message of the peer under the newest epoch.
    pub(super) fn peer_confirmed_epoch(&mut self, now: u64, cx: &mut Shared) {
        match std::mem::replace(&mut self.rekey, Rekey::Idle) {
            Rekey::Answered { init, resp, trigger } => {
                self.rekey = Rekey::Answered { init, resp, trigger };
                self.report_rotation(now, cx, trigger);
                // The initiator waits for any message under the new epoch.
                if let Some(via) = self.control_path() {
                    self.send_frames(now, cx, via, &[Frame::Ping]);
                }
            }
            Rekey::Confirming { .. } | Rekey::Idle => {}
            other => self.rekey = other,
        }
        self.rearm(now, cx);
    }

    fn report_rotation(&mut self, now: u64, cx: &mut Shared, trigger: &'static str) {
        let report =
            Report::KeyRotated { session: self.handle, epoch: self.epochs.number(), trigger: trigger.to_owned() };
        cx.report(now, report);
        // Packets that waited for a key are sent with the new one.
        self.release_held(now, cx);
    }

    fn deny_rekey(&mut self, now: u64, cx: &mut Shared, epoch: u32) -> Trouble {
        self.rekey_paused_until = now + LOW_ORDER_PAUSE_US;
        let reason = "low_order_point".to_owned();
        cx.report(now, Report::RekeyDenied { session: self.handle, epoch, reason });
        Trouble::Attributable(PeerFault::LowOrderPoint)
    }

    /// The key has reached a limit and nothing was done yet. Packet counts have no deadline, so they are checked at
    /// once.
    pub(super) fn key_limit_reached(&self, now: u64) -> bool {
        let begins = self.is_active() && matches!(self.rekey, Rekey::Idle | Rekey::Answered { .. });
        self.epochs.expiry_untold(now) || (begins && self.epochs.rekey_due(now, self.rekey_grace_us()).is_some())
    }

    pub(super) fn next_rekey_at(&self) -> Option<u64> {
        let begins =
            matches!(self.rekey, Rekey::Idle | Rekey::Answered { .. }) && self.is_active() && self.epochs.settled();
        let due = begins.then(|| self.epochs.rekey_at(self.rekey_grace_us()));
        let retry = self.rekey.retry().map(|retry| retry.next_at);
        [due, retry, self.epochs.previous_until(), self.epochs.expires_at()].into_iter().flatten().min()
    }
}

/// The keys that both ends sent in this rekey: epoch ‖ e of the client ‖ e of the gateway.
fn transcript(init: &frames::Rekey, resp: &frames::Rekey) -> [u8; 68] {
    let mut bytes = [0; 68];
    bytes[..4].copy_from_slice(&init.epoch.to_le_bytes());
    bytes[4..36].copy_from_slice(&init.e);
    bytes[36..].copy_from_slice(&resp.e);
    bytes
}
