//! Gateway: which path is bound. Only the newest activation (bind seq) counts; the core decides whether it may happen.

use crate::frames::{self, Attach, Reason, Status};
use crate::messages::{AttachKind, DenialReason, PathId, Report};
use crate::path::PATHS_MAX;
use crate::session::arrival::Arrival;
use crate::session::bounds::check_bind_seq;
use crate::session::faults::Trouble;
use crate::session::gateway::answer::{reason_of, verdict};
use crate::session::gateway::binding::{Asked, Binding, Told};
use crate::session::{Phase, Session};
use crate::shared::Shared;
use crate::vocabulary::AMPLIFICATION_MAX;
use crate::vocabulary::blame::{DropKind, PeerFault};

impl Session {
    pub(in crate::session) fn on_attach(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        attach: &Attach,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        let kind = match attach.kind {
            frames::AttachKind::Candidate => None,
            frames::AttachKind::Reattach => Some(AttachKind::Reattach),
            frames::AttachKind::Revalidate => Some(AttachKind::Revalidate),
        };
        check_activation(attach.path, attach.bind_seq)?;
        if attach.owner_epoch > self.owner_epoch {
            return Err(Trouble::Attributable(PeerFault::FutureOwnerEpoch));
        }
        if kind.is_none() && !self.is_active() {
            return Err(Trouble::Unattributable(DropKind::SessionNotConfirmed));
        }
        let Some(side) = self.side.gateway() else { return Err(Trouble::OTHER_ROLE) };
        if kind.is_some() && attach.bind_seq < side.binding.bind_seq {
            return Err(Trouble::Unattributable(DropKind::StaleBindSeq));
        }
        let denial = (attach.owner_epoch < self.owner_epoch).then_some(DenialReason::OwnershipStale);
        let Some(at) = denial.is_none().then(|| self.attached_path(cx, arrival, attach.path)).flatten() else {
            self.deny_unbound(cx, arrival, attach, denial.unwrap_or(DenialReason::PathLimit));
            return Ok(());
        };
        let path = &mut self.paths[at];
        if path.route != arrival.from {
            if kind == Some(AttachKind::Revalidate) && path.validated() {
                self.examine(cx, arrival, at)?;
            }
            return Err(Trouble::Unattributable(DropKind::PathMismatch));
        }
        path.tx_index = attach.index;
        let fresh = arrival.heard_before;
        self.credit(cx, now, attach.path);
        let Some(kind) = kind else {
            self.on_candidate(now, cx, at, attach.challenge);
            return Ok(());
        };
        let &Attach { bind_seq, path, reason, challenge: echo, .. } = attach;
        self.on_activation(now, cx, Asked { bind_seq, path, kind, reason, echo }, fresh)
    }

    /// The path that an ATTACH names. A new path is added; a path that is not validated yet takes the route of the
    /// newest ATTACH. `None`: no room.
    fn attached_path(&mut self, cx: &mut Shared, arrival: Arrival, id: PathId) -> Option<usize> {
        if let Some(at) = self.at(id) {
            let path = &mut self.paths[at];
            if path.validated() || path.route == arrival.from {
                return Some(at);
            }
            self.remove_path(arrival.now, cx, id);
        }
        // The core learns of a path when it is validated or closed.
        if self.paths.len() >= PATHS_MAX || !self.side.gateway_mut()?.requests.admits(arrival.now) {
            return None;
        }
        let at = self.add_path(cx, id, arrival.from);
        self.credit_route(arrival, at);
        Some(at)
    }

    /// The denial of an ATTACH without a path. It is sent to the address that the ATTACH came from, which proves
    /// nothing: so only once per message, and within the byte budget of an unvalidated path.
    fn deny_unbound(&mut self, cx: &mut Shared, arrival: Arrival, attach: &Attach, reason: DenialReason) {
        let Arrival { now, from: to, len, order, .. } = arrival;
        self.count_denial(now, cx, attach.path, reason);
        if !self.credits_once(order) || !self.has_turn(cx) {
            return cx.drop(now, DropKind::AmplificationBudget);
        }
        let asked = Asked {
            bind_seq: attach.bind_seq,
            path: attach.path,
            kind: AttachKind::Reattach,
            reason: Reason::EMPTY,
            echo: attach.challenge,
        };
        let ack = self.attach_ack(&asked, (Status::Denied, reason_of(reason), 0));
        let mut plaintext = Vec::new();
        ack.encode(&mut plaintext);
        if let Some(sealed) = self.epochs.seal_frames(&plaintext, attach.index)
            && sealed.len() as u64 <= AMPLIFICATION_MAX * len as u64
            && !cx.outbox.push(to, sealed)
        {
            cx.drop(now, DropKind::OutboxFull);
        }
    }

    fn on_candidate(&mut self, now: u64, cx: &mut Shared, at: usize, echo: [u8; 16]) {
        let path = &mut self.paths[at];
        let id = path.id;
        if path.validated() {
            self.acknowledge_candidate(now, cx, id, echo);
        } else {
            path.asked = Some((frames::AttachKind::Candidate, echo));
            self.challenge(now, cx, at);
        }
    }

    pub(in crate::session) fn acknowledge_candidate(&mut self, now: u64, cx: &mut Shared, id: PathId, echo: [u8; 16]) {
        let asked = Asked { bind_seq: 0, path: id, kind: AttachKind::Reattach, reason: Reason::EMPTY, echo };
        let ack = self.attach_ack(&asked, verdict(None));
        self.send_frames(now, cx, id, &[ack]);
    }

    /// All activations have one order: a lower number is ignored, an equal one is answered again, a higher one
    /// replaces.
    pub(in crate::session) fn on_activation(
        &mut self,
        now: u64,
        cx: &mut Shared,
        asked: Asked,
        heard_before: Option<u64>,
    ) -> Result<(), Trouble> {
        let Some(side) = self.side.gateway_mut() else { return Err(Trouble::OTHER_ROLE) };
        let Binding { bind_seq, asked: waiting, answer, .. } = &side.binding;
        if asked.bind_seq < *bind_seq {
            return Err(Trouble::Unattributable(DropKind::StaleBindSeq));
        }
        if asked.bind_seq == *bind_seq {
            if let Some(answer) = *answer {
                self.send_answer(now, cx, answer);
                return Ok(());
            }
            if let Some(Asked { path, .. }) = *waiting {
                if path != asked.path {
                    return Err(Trouble::Unattributable(DropKind::StaleBindSeq));
                }
                match self.at(path) {
                    // The path may have been rebound to another address since: then that address is not proved yet.
                    Some(at) if !self.paths[at].validated() => self.challenge(now, cx, at),
                    Some(at) if self.paths[at].challenge.is_none() => self.ask_core(now, cx, path),
                    _ => {}
                }
                return Ok(());
            }
        }
        side.binding.bind_seq = asked.bind_seq;
        side.binding.asked = Some(asked);
        side.binding.answer = None;
        let Some(at) = self.at(asked.path).filter(|at| asked.kind != AttachKind::Switch || self.paths[*at].validated())
        else {
            self.count_denial(now, cx, asked.path, DenialReason::PathNotValidated);
            self.answer(now, cx, Some((reason_of(DenialReason::PathNotValidated), 0)));
            return Ok(());
        };
        let path = &self.paths[at];
        let recent = heard_before.is_some_and(|heard| now <= heard + 2 * self.standby_interval_us(now));
        if path.validated() && recent {
            self.ask_core(now, cx, asked.path);
        } else {
            self.challenge(now, cx, at);
        }
        Ok(())
    }

    /// Reports the activation that waited for the validation of this path, unless the core must first answer another
    /// one.
    pub(in crate::session) fn ask_core(&mut self, now: u64, cx: &mut Shared, id: PathId) {
        let Some(side) = self.side.gateway_mut() else { return };
        let Some(Asked { bind_seq, kind, reason, .. }) = side.binding.asked.filter(|asked| asked.path == id) else {
            return;
        };
        if side.binding.told.is_some_and(|told| told.is_awaited(now)) {
            return self.ask_to_wait(now, cx);
        }
        if !side.requests.admits(now) {
            let denied = (reason_of(DenialReason::SwitchRateLimited), side.requests.ends_in_ms(now));
            self.count_denial(now, cx, id, DenialReason::SwitchRateLimited);
            return self.answer(now, cx, Some(denied));
        }
        let Some(path) = self.paths.iter().find(|path| path.id == id) else { return };
        let (description, peer) = (cx.describe(id, path.route), side.peer);
        side.binding.told = Some(Told { path: id, bind_seq, at: now, waited_at: None });
        let session = self.handle;
        if !matches!(self.phase, Phase::Pending { .. }) {
            let reason = reason.to_string();
            return cx.report(now, Report::AttachRequested { session, path: id, description, bind_seq, kind, reason });
        }
        self.phase = Phase::Offered;
        let (session_id, client_key, redundant) = (self.id.to_text(), peer.to_text(), self.is_redundant());
        let report = Report::HandshakeConfirmed { session, session_id, client_key, path: id, description, redundant };
        cx.report(now, report);
    }

    pub(in crate::session) fn forget_asked(&mut self, id: PathId) {
        if let Some(side) = self.side.gateway_mut() {
            side.binding.asked.take_if(|asked| asked.path == id);
        }
    }

    /// The path is gone: the core's answer for it has no use any more, and the core is asked about the activation that
    /// waited behind it. But a session that the core has not accepted yet waits for its answer.
    pub(in crate::session) fn forget_told(&mut self, now: u64, cx: &mut Shared, id: PathId) {
        let active = self.is_active();
        let Some(side) = self.side.gateway_mut() else { return };
        if active && side.binding.told.take_if(|told| told.path == id).is_some() {
            self.ask_core_of_newest(now, cx);
        }
    }

    pub(in crate::session) fn ask_core_of_newest(&mut self, now: u64, cx: &mut Shared) {
        let proved =
            |asked: &Asked| self.path(asked.path).is_some_and(|path| path.validated() && path.challenge.is_none());
        let newest = self.side.gateway().and_then(|side| side.binding.asked);
        if let Some(Asked { path, .. }) = newest.filter(proved) {
            self.ask_core(now, cx, path);
        }
    }
}

/// Refuses what no honest client sends: path 0, which means none, and a bind seq that the core cannot represent
/// exactly.
pub(in crate::session) fn check_activation(path: PathId, bind_seq: u64) -> Result<(), Trouble> {
    check_bind_seq(bind_seq)?;
    if path == 0 { Err(Trouble::Attributable(PeerFault::PathZero)) } else { Ok(()) }
}
