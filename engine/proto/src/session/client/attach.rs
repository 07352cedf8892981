//! Client: an activation moves the send path at once and is retried until the gateway answers. Only one runs at a time;
//! a newer one replaces it.

use crate::frames::{self, Frame, Reason, Switch};
use crate::messages::{AttachKind, PathId, Report};
use crate::path::{Path, Retry};
use crate::session::bounds::{WAIT_MAX_US, WAIT_MIN_US};
use crate::session::client::attempt::Attempt;
use crate::session::{Phase, Session};
use crate::shared::Shared;
use crate::vocabulary::{Declined, Route};

/// Minimum time for the first activation of a session, µs: during it, the gateway creates the session in its store.
const CONFIRM_MIN_US: u64 = 3_000_000;
/// Bounds of the time for which a gateway may ask an activation to wait, µs.
const ASKED_WAIT_MIN_US: u64 = 100_000;
const ASKED_WAIT_MAX_US: u64 = 5_000_000;
const _: () = assert!(ASKED_WAIT_MIN_US <= WAIT_MIN_US && WAIT_MAX_US <= ASKED_WAIT_MAX_US);

impl Session {
    /// `ConfirmSession`: ATTACH kind 1 with bind seq 1 on the path of RESP. The core repeats the command while the
    /// session is not confirmed; the ATTACH is then sent again, unchanged. Late for a confirmed session.
    pub(crate) fn confirm(
        &mut self,
        now: u64,
        cx: &mut Shared,
        id: PathId,
        route: Route,
        rtt_us: Option<u64>,
    ) -> Result<(), Declined> {
        if self.is_active() {
            return Err(Declined::Late);
        }
        let at = self.ensure_path(cx, id, route)?;
        if self.side.attempt().is_some_and(|attempt| attempt.path == id) {
            self.repeat_attempt(now, cx, at);
            return Ok(());
        }
        if let Some(rtt_us) = rtt_us {
            self.paths[at].rtt.sample(rtt_us);
        }
        self.begin_attempt(now, cx, at, 1, AttachKind::Reattach, Reason::EMPTY);
        Ok(())
    }

    fn repeat_attempt(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let interval = self.interval_us();
        let path = &self.paths[at];
        let (pto, until) = (path.rtt.pto_us(interval), now + path.validation_us(interval).max(CONFIRM_MIN_US));
        let Some(attempt) = self.side.attempt_mut() else { return };
        attempt.retry = Retry::begun(now, pto);
        attempt.until = until;
        attempt.told_unanswered = false;
        attempt.repeated = true;
        self.send_attempt(now, cx);
        self.rearm(now, cx);
    }

    pub(crate) fn attach(
        &mut self,
        now: u64,
        cx: &mut Shared,
        (id, route): (PathId, Route),
        bind_seq: u64,
        kind: AttachKind,
        reason: Reason,
    ) -> Result<(), Declined> {
        if !self.is_active() {
            return Err(Declined::refused(format!("path {id} not attached: the session is not confirmed yet")));
        }
        if kind == AttachKind::Switch {
            // If the peer has closed the path, the session does not have it any more.
            let path = self.path(id).ok_or(Declined::Late)?;
            if !path.validated() {
                let why = format!("no switch to path {id}: it is not validated; attach it with kind reattach");
                return Err(Declined::refused(why));
            }
        }
        let at = self.ensure_path(cx, id, route)?;
        self.begin_attempt(now, cx, at, bind_seq, kind, reason);
        Ok(())
    }

    fn begin_attempt(&mut self, now: u64, cx: &mut Shared, at: usize, bind_seq: u64, kind: AttachKind, reason: Reason) {
        let challenge = self.issue_token(cx, self.paths[at].id);
        let interval = self.interval_us();
        let path = &mut self.paths[at];
        // The core's command overrides its earlier verdict: an attached path is used for sending.
        path.dead = false;
        let id = path.id;
        let retry = Retry::begun(now, path.rtt.pto_us(interval));
        let span = path.validation_us(interval);
        let until = now + if self.phase == Phase::Offered { span.max(CONFIRM_MIN_US) } else { span };
        let from = self.send;
        self.set_send(now, Some(id));
        let (repeated, told_unanswered) = (false, false);
        let attempt =
            Attempt { bind_seq, path: id, kind, reason, challenge, from, retry, repeated, until, told_unanswered };
        if let Some(side) = self.side.client_mut() {
            side.attempt = Some(Box::new(attempt));
        }
        self.send_attempt(now, cx);
        self.rekey_soon(now);
        self.release_held(now, cx);
        self.rearm(now, cx);
    }

    fn send_attempt(&mut self, now: u64, cx: &mut Shared) {
        let Some(attempt) = self.side.attempt() else { return };
        let &Attempt { bind_seq, path, kind, reason, challenge, from, .. } = attempt;
        let of_kind = |kind| self.attach_frame(path, kind, bind_seq, challenge, reason);
        let frame = match kind {
            AttachKind::Reattach => of_kind(frames::AttachKind::Reattach),
            AttachKind::Revalidate => of_kind(frames::AttachKind::Revalidate),
            AttachKind::Switch => Frame::Switch(Switch {
                reason,
                redundant: self.is_redundant(),
                from: from.unwrap_or(0),
                to: path,
                bind_seq,
                first_counter: self.epochs.next_counter(),
            }),
        };
        // SWITCH is valid on any path of the session. If the old path is usable, it carries a copy, in case the one on
        // the new path is lost.
        let old =
            from.filter(|old| kind == AttachKind::Switch && *old != path && self.path(*old).is_some_and(Path::usable));
        match old {
            Some(old) => self.send_copies(now, cx, &[path, old], &[frame]),
            None => self.send_frames(now, cx, path, &[frame]),
        }
    }

    pub(in crate::session) fn attempt_awaits(&self, path: PathId, bind_seq: u64, echo: &[u8; 16]) -> bool {
        let awaits = |attempt: &Attempt| {
            attempt.kind != AttachKind::Switch
                && (attempt.path, attempt.bind_seq, &attempt.challenge) == (path, bind_seq, echo)
        };
        self.side.attempt().is_some_and(awaits)
    }

    /// When the running ATTACH of a path was first sent.
    pub(in crate::session) fn asked_first_at(&self, id: PathId) -> Option<u64> {
        let attempt = self.side.attempt().filter(|attempt| attempt.path == id).map(|attempt| attempt.retry);
        let candidacy = self.path(id).and_then(|path| path.candidacy).map(|candidacy| candidacy.retry);
        candidacy.or(attempt).map(|retry| retry.first_at)
    }

    /// The send path before the running activation: the gateway may still expect messages there.
    pub(in crate::session) fn leaving(&self) -> Option<PathId> {
        self.side.attempt().and_then(|attempt| attempt.from)
    }

    /// The gateway has received the activation but not decided yet. It is asked again after the time that it named, and
    /// then has the time of a validation to answer. The core decides how long an attempt may last in total.
    pub(in crate::session) fn activation_waits(&mut self, now: u64, cx: &mut Shared, retry_after_ms: u32) {
        let interval = self.interval_us();
        // For the core, an attempt that was reported as unanswered is over.
        let Some(attempt) = self.side.attempt_mut().filter(|attempt| !attempt.told_unanswered) else { return };
        let Some(path) = self.paths.iter().find(|path| path.id == attempt.path) else { return };
        let ask_at = now + (u64::from(retry_after_ms) * 1_000).clamp(ASKED_WAIT_MIN_US, ASKED_WAIT_MAX_US);
        attempt.retry.put_off(ask_at);
        attempt.until = attempt.until.max(ask_at + path.validation_us(interval));
        self.rearm(now, cx);
    }

    pub(in crate::session) fn activation_validated(&mut self, now: u64, cx: &mut Shared) {
        let Some(Attempt { path, bind_seq, repeated, .. }) = self.side.take_attempt() else {
            return;
        };
        if self.phase == Phase::Offered {
            self.phase = Phase::Active;
        }
        if repeated || self.epochs.expired(now).is_some() {
            // If the first activation was lost, packets sent together with it were lost too; without a key, none were
            // sent.
            self.release_held(now, cx);
        } else {
            cx.hold.clear(self.handle);
        }
        cx.report(now, Report::AttachValidated { session: self.handle, path, bind_seq });
    }

    /// After a denial the old send path is restored, if it is usable.
    pub(in crate::session) fn activation_denied(
        &mut self,
        now: u64,
        cx: &mut Shared,
        reason: Reason,
        retry_after_ms: u32,
    ) {
        let Some(Attempt { path, bind_seq, from, .. }) = self.side.take_attempt() else { return };
        if let Some(old) = from.filter(|old| self.path(*old).is_some_and(Path::usable)) {
            self.set_send(now, Some(old));
            self.release_held(now, cx);
        }
        let reason = reason.to_string();
        cx.report(now, Report::AttachDenied { session: self.handle, path, bind_seq, reason, retry_after_ms });
    }

    /// Stops the retries of an attempt, if it is still the newest, and sets the send path that the core names.
    pub(crate) fn abort_attach(&mut self, now: u64, cx: &mut Shared, bind_seq: u64, restore: Option<PathId>) {
        if self.side.attempt().is_some_and(|attempt| attempt.bind_seq == bind_seq) {
            self.side.take_attempt();
        }
        let restore = restore.filter(|id| self.path(*id).is_some_and(Path::usable));
        self.set_send(now, restore);
        self.release_held(now, cx);
        self.rearm(now, cx);
    }

    pub(in crate::session) fn attempt_on_time(&mut self, now: u64, cx: &mut Shared) {
        let interval = self.interval_us();
        let rtt = self.side.attempt().and_then(|attempt| self.path(attempt.path)).map(|path| path.rtt);
        let Some(attempt) = self.side.attempt_mut() else { return };
        let unanswered = attempt.until <= now && !attempt.told_unanswered;
        attempt.told_unanswered |= unanswered;
        let (path, bind_seq) = (attempt.path, attempt.bind_seq);
        let again = attempt.retry.next_at <= now && !attempt.retry.exhausted();
        if again {
            attempt.retry.again(now, &rtt.unwrap_or_default(), interval);
            attempt.repeated = true;
        }
        if unanswered {
            cx.report(now, Report::AttachUnanswered { session: self.handle, path, bind_seq });
        }
        if again {
            self.send_attempt(now, cx);
        }
    }

    pub(in crate::session) fn next_attempt_at(&self) -> Option<u64> {
        let attempt = self.side.attempt()?;
        let until = (!attempt.told_unanswered).then_some(attempt.until);
        let again = (!attempt.retry.exhausted()).then_some(attempt.retry.next_at);
        [until, again].into_iter().flatten().min()
    }
}
