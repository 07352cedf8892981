//! Gateway: which path is bound. The newest activation (bind seq) is the one that counts; the core says whether it may happen.

use super::denials::Denials;
use super::faults::Trouble;
use super::receive::Arrival;
use super::{Phase, Session};
use crate::blame::{DropKind, PeerFault};
use crate::endpoint::Declined;
use crate::frames::{self, Attach, AttachAck, Frame, Reason, Status, Switch, SwitchAck};
use crate::messages::{Assignment, AttachKind, DenialReason, PathId, Report};
use crate::path::{AMPLIFICATION_MAX, PATHS_MAX};
use crate::rtt::clamp_u32;
use crate::shared::Shared;

/// Time that the core has for its answer, µs: longer than it needs to read a full queue of reports, or it would be asked again for no
/// other reason than that it is busy.
const CORE_ANSWER_US: u64 = 60_000_000;
/// Who asks again while the core thinks is told to wait twice as long as the core has thought already, within these bounds, µs: the
/// answer comes by itself, and asking again is for the case that it gets lost. Without a word a client takes the gateway for dead, and
/// a crowd that asks again and again keeps a busy gateway from answering anybody.
pub(super) const WAIT_MIN_US: u64 = 250_000;
pub(super) const WAIT_MAX_US: u64 = 4_000_000;
/// The greatest bind seq: what a double holds exactly, because the core's messages are JSON.
pub(super) const BIND_SEQ_MAX: u64 = (1 << 53) - 1;

/// An activation that waits for a proof or for the core.
#[derive(Debug, Clone, Copy)]
struct Asked {
    bind_seq: u64,
    path: PathId,
    kind: AttachKind,
    reason: Reason,
    echo: [u8; 16],
}

/// An activation that the core was told of and has not answered.
#[derive(Debug, Clone, Copy)]
struct Told {
    path: PathId,
    bind_seq: u64,
    at: u64,
    /// When the client was last asked to wait.
    waited_at: Option<u64>,
}

impl Told {
    /// False once the core has no answer to give any more.
    fn is_awaited(&self, now: u64) -> bool {
        now < self.at + CORE_ANSWER_US
    }
}

/// What was said to the newest activation, for its repetitions.
#[derive(Debug, Clone, Copy)]
struct Answer {
    asked: Asked,
    denied: Option<(Reason, u32)>,
}

#[derive(Debug, Default)]
pub(super) struct Binding {
    /// The highest bind seq seen.
    bind_seq: u64,
    asked: Option<Asked>,
    /// One at a time: what a client asks for meanwhile waits until the core has answered, so that a crowd which repeats itself costs
    /// the core no more than one that does not.
    told: Option<Told>,
    answer: Option<Answer>,
    pub(super) denials: Option<Box<Denials>>,
}

impl Session {
    pub(super) fn on_attach(&mut self, cx: &mut Shared, arrival: Arrival, attach: &Attach) -> Result<(), Trouble> {
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
        if kind.is_some() && attach.bind_seq < self.binding.bind_seq {
            return Err(Trouble::Unattributable(DropKind::StaleBindSeq));
        }
        let denial = (attach.owner_epoch < self.owner_epoch).then_some(DenialReason::OwnershipStale);
        let Some(at) = denial.is_none().then(|| self.attached_path(cx, arrival, attach.path)).flatten() else {
            self.deny_unbound(cx, arrival, attach, denial.unwrap_or(DenialReason::PathLimit));
            return Ok(());
        };
        let path = &mut self.paths[at];
        if path.route != arrival.from {
            if kind == Some(AttachKind::Revalidate) && path.validated {
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

    /// The path that an ATTACH names. A new one is added; one that is not validated yet follows the newest ATTACH. `None`: no room.
    fn attached_path(&mut self, cx: &mut Shared, arrival: Arrival, id: PathId) -> Option<usize> {
        if let Some(at) = self.at(id) {
            let path = &mut self.paths[at];
            if path.validated || path.route == arrival.from {
                return Some(at);
            }
            self.remove_path(arrival.now, cx, id);
        }
        // Each new path comes to the core's ears once it is validated or closed.
        if self.paths.len() >= PATHS_MAX || !self.requests.admits(arrival.now) {
            return None;
        }
        let at = self.add_path(cx, id, arrival.from);
        self.credit_route(arrival, at);
        Some(at)
    }

    /// The answer to an ATTACH for which there is no path. It goes to where that came from, which proves nothing: once for a message,
    /// and within the same budget as to a path that is not validated.
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
        if path.validated {
            self.acknowledge_candidate(now, cx, id, echo);
        } else {
            path.asked = Some((frames::AttachKind::Candidate, echo));
            self.challenge(now, cx, at);
        }
    }

    pub(super) fn acknowledge_candidate(&mut self, now: u64, cx: &mut Shared, id: PathId, echo: [u8; 16]) {
        let asked = Asked { bind_seq: 0, path: id, kind: AttachKind::Reattach, reason: Reason::EMPTY, echo };
        let ack = self.attach_ack(&asked, verdict(None));
        self.send_frames(now, cx, id, &[ack]);
    }

    pub(super) fn on_switch(&mut self, cx: &mut Shared, arrival: Arrival, switch: &Switch) -> Result<(), Trouble> {
        let now = arrival.now;
        let &Switch { reason, to, bind_seq, .. } = switch;
        check_activation(to, bind_seq)?;
        let own = arrival.via == Some(to);
        let fresh = if own { arrival.heard_before } else { self.path(to).and_then(|path| path.heard_at) };
        if own {
            self.credit(cx, now, to);
        }
        if self.switch_request.as_ref().is_some_and(|request| request.asks_for(to)) {
            self.switch_request = None;
        }
        let asked = Asked { bind_seq, path: to, kind: AttachKind::Switch, reason, echo: [0; 16] };
        self.on_activation(now, cx, asked, fresh)
    }

    /// One order for all activations: lower is ignored, equal is answered again, higher replaces.
    fn on_activation(
        &mut self,
        now: u64,
        cx: &mut Shared,
        asked: Asked,
        heard_before: Option<u64>,
    ) -> Result<(), Trouble> {
        let Binding { bind_seq, asked: waiting, answer, .. } = &self.binding;
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
                    // It may have followed the client to another address since: then that one is not proved yet.
                    Some(at) if !self.paths[at].validated => self.challenge(now, cx, at),
                    Some(at) if self.paths[at].challenge.is_none() => self.ask_core(now, cx, path),
                    _ => {}
                }
                return Ok(());
            }
        }
        self.binding.bind_seq = asked.bind_seq;
        self.binding.asked = Some(asked);
        self.binding.answer = None;
        let Some(at) = self.at(asked.path).filter(|at| asked.kind != AttachKind::Switch || self.paths[*at].validated)
        else {
            self.count_denial(now, cx, asked.path, DenialReason::PathNotValidated);
            self.answer(now, cx, Some((reason_of(DenialReason::PathNotValidated), 0)));
            return Ok(());
        };
        let path = &self.paths[at];
        let recent = heard_before.is_some_and(|heard| now <= heard + 2 * self.standby_interval_us(now));
        if path.validated && recent {
            self.ask_core(now, cx, asked.path);
        } else {
            self.challenge(now, cx, at);
        }
        Ok(())
    }

    /// Tells the core of the activation that waited for this path to be proved, unless it has another one to answer first.
    pub(super) fn ask_core(&mut self, now: u64, cx: &mut Shared, id: PathId) {
        let Some(Asked { bind_seq, kind, reason, .. }) = self.binding.asked.filter(|asked| asked.path == id) else {
            return;
        };
        if self.binding.told.is_some_and(|told| told.is_awaited(now)) {
            return self.ask_to_wait(now, cx);
        }
        if !self.requests.admits(now) {
            self.count_denial(now, cx, id, DenialReason::SwitchRateLimited);
            let denied = (reason_of(DenialReason::SwitchRateLimited), self.requests.ends_in_ms(now));
            return self.answer(now, cx, Some(denied));
        }
        let Some(description) = self.path(id).map(|path| cx.describe(id, path.route)) else { return };
        self.binding.told = Some(Told { path: id, bind_seq, at: now, waited_at: None });
        let session = self.handle;
        if !matches!(self.phase, Phase::Pending { .. }) {
            let reason = reason.to_string();
            return cx.report(now, Report::AttachRequested { session, path: id, description, bind_seq, kind, reason });
        }
        self.phase = Phase::Offered;
        let (session_id, client_key, redundant) = (self.id_text(), self.peer.to_text(), self.is_redundant());
        let report = Report::HandshakeConfirmed { session, session_id, client_key, path: id, description, redundant };
        cx.report(now, report);
    }

    /// The session id as people read it: `s-`, then the 128 bits in Crockford's base 32 (no I, L, O, U), in groups of four:
    /// `s-7QF2-9KXD-…`, 34 characters.
    pub(crate) fn id_text(&self) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bits = u128::from_be_bytes(self.id);
        (0..26_u32).fold(String::from("s"), |mut text, place| {
            if place % 4 == 0 {
                text.push('-');
            }
            // 130 bits in 26 digits: the last digit has the lowest three bits, shifted up.
            let digit = if place == 25 { bits << 2 } else { bits >> (123 - 5 * place) };
            text.push(char::from(DIGITS[usize::try_from(digit & 31).unwrap_or_default()]));
            text
        })
    }

    pub(super) fn forget_asked(&mut self, id: PathId) {
        if self.binding.asked.is_some_and(|asked| asked.path == id) {
            self.binding.asked = None;
        }
    }

    /// The path is gone: what the core says of it is for nobody, and what waited behind it is asked. A session that the core has still to
    /// take waits for its word, though.
    pub(super) fn forget_told(&mut self, now: u64, cx: &mut Shared, id: PathId) {
        if self.is_active() && self.binding.told.take_if(|told| told.path == id).is_some() {
            self.ask_core_of_newest(now, cx);
        }
    }

    fn ask_core_of_newest(&mut self, now: u64, cx: &mut Shared) {
        let proved =
            |asked: &Asked| self.path(asked.path).is_some_and(|path| path.validated && path.challenge.is_none());
        if let Some(Asked { path, .. }) = self.binding.asked.filter(proved) {
            self.ask_core(now, cx, path);
        }
    }

    /// `AcceptSession`: the confirming activation is bound and acknowledged, ASSIGN follows.
    pub(crate) fn accept(&mut self, now: u64, cx: &mut Shared, assignment: Assignment) -> Result<(), Declined> {
        if self.phase != Phase::Offered {
            return Err(Declined::refused("only a session that was reported as confirmed can be accepted, once"));
        }
        let addresses = [assignment.v4.map(Into::into), assignment.v6.map(Into::into)];
        let assign = self.deliver_assignment(now, assignment)?;
        self.addresses = addresses;
        self.phase = Phase::Active;
        self.binding.told = None;
        self.assign = Some(assign);
        self.answer(now, cx, None);
        self.send_assign(now, cx);
        self.rearm(now, cx);
        Ok(())
    }

    /// `AnswerAttach`. Late for an activation that was answered or has ended; refused for one that never came.
    pub(crate) fn answer_attach(
        &mut self,
        now: u64,
        cx: &mut Shared,
        (path, bind_seq): (PathId, u64),
        denied: Option<(Reason, u32)>,
    ) -> Result<(), Declined> {
        let Some(told) = self.binding.told.take_if(|told| (told.path, told.bind_seq) == (path, bind_seq)) else {
            if bind_seq <= self.binding.bind_seq {
                return Err(Declined::Late);
            }
            return Err(Declined::refused(format!("activation {bind_seq} of path {path} never came")));
        };
        let proved = self.path(path).is_some_and(|path| path.validated);
        if proved && self.binding.asked.is_some_and(|newest| newest.path == path) {
            // Who asked again for the same path, because the answer took its time, gets it under the newest number.
            self.answer(now, cx, denied);
            // Who was asked to wait does not come again soon: one lost datagram must not cost it that time.
            if let Some(answer) = self.binding.answer.filter(|_| told.waited_at.is_some()) {
                self.send_answer(now, cx, answer);
            }
        } else {
            self.ask_core_of_newest(now, cx);
        }
        self.rearm(now, cx);
        Ok(())
    }

    fn answer(&mut self, now: u64, cx: &mut Shared, denied: Option<(Reason, u32)>) {
        let Some(asked) = self.binding.asked.take() else { return };
        if denied.is_none()
            && let Some(path) = self.path_mut(asked.path)
        {
            path.dead = false;
            self.set_send(now, Some(asked.path));
        }
        let answer = Answer { asked, denied };
        self.binding.answer = Some(answer);
        self.send_answer(now, cx, answer);
        self.release_held(now, cx);
    }

    fn send_answer(&mut self, now: u64, cx: &mut Shared, Answer { asked, denied }: Answer) {
        self.send_word(now, cx, &asked, verdict(denied));
    }

    /// The word on an activation that the core was told of, or that waits behind one: it was heard. Once for all that came at one time.
    fn ask_to_wait(&mut self, now: u64, cx: &mut Shared) {
        let Binding { asked: Some(asked), told: Some(told), .. } = &mut self.binding else { return };
        if told.waited_at.replace(now) == Some(now) {
            return;
        }
        let (asked, told) = (*asked, *told);
        let wait_us = (2 * now.saturating_sub(told.at)).clamp(WAIT_MIN_US, WAIT_MAX_US);
        self.send_word(now, cx, &asked, (Status::Waiting, Reason::EMPTY, clamp_u32(wait_us / 1_000)));
    }

    fn send_word(&mut self, now: u64, cx: &mut Shared, asked: &Asked, word: Word) {
        let frame = match asked.kind {
            AttachKind::Switch => {
                let (status, reason, retry_after_ms) = word;
                let (to, bind_seq) = (asked.path, asked.bind_seq);
                Frame::SwitchAck(SwitchAck { status, reason, retry_after_ms, to, bind_seq, version: 0 })
            }
            AttachKind::Reattach | AttachKind::Revalidate => self.attach_ack(asked, word),
        };
        // An activation of a path that does not exist (any more) is answered where the session lives.
        if let Some(via) = self.at(asked.path).map(|_| asked.path).or_else(|| self.control_path()) {
            self.send_frames(now, cx, via, &[frame]);
        }
    }

    fn attach_ack(&self, asked: &Asked, (status, reason, retry_after_ms): Word) -> Frame {
        Frame::AttachAck(AttachAck {
            status,
            reason,
            retry_after_ms,
            path: asked.path,
            bind_seq: asked.bind_seq,
            index: self.path(asked.path).map_or(0, |path| path.rx_index),
            echo: asked.echo,
            challenge: [0; 16],
            version: 0,
        })
    }
}

/// What no honest client names: path 0, which means none, and a bind seq that the core cannot tell from its neighbour.
fn check_activation(path: PathId, bind_seq: u64) -> Result<(), Trouble> {
    check_bind_seq(bind_seq)?;
    if path == 0 { Err(Trouble::Attributable(PeerFault::PathZero)) } else { Ok(()) }
}

pub(super) fn check_bind_seq(bind_seq: u64) -> Result<(), Trouble> {
    if bind_seq > BIND_SEQ_MAX { Err(Trouble::Attributable(PeerFault::BindSeqRange)) } else { Ok(()) }
}

/// What is said to an activation: how it stands, why, and after how many milliseconds asking again makes sense.
type Word = (Status, Reason, u32);

fn verdict(denied: Option<(Reason, u32)>) -> Word {
    denied.map_or((Status::Ok, Reason::EMPTY, 0), |(reason, retry_after_ms)| (Status::Denied, reason, retry_after_ms))
}

fn reason_of(denial: DenialReason) -> Reason {
    Reason::new(denial.name()).unwrap_or(Reason::EMPTY)
}
