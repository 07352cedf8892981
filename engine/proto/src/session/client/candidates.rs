//! Client: standbys. ATTACH of kind 0 makes a path known and validated; the send path does not change.

use crate::frames::{Attach, AttachAck, AttachKind, Frame, PathClose, PathToken, Reason, Status};
use crate::messages::{PathId, Report, Role};
use crate::path::{Candidacy, PATHS_MAX, Path, Retry};
use crate::session::Session;
use crate::session::arrival::Arrival;
use crate::session::bounds::check_bind_seq;
use crate::session::faults::Trouble;
use crate::shared::Shared;
use crate::vocabulary::blame::DropKind;
use crate::vocabulary::{Declined, Route};

impl Session {
    /// Returns the path of this id; if the session does not have it, adds it with its route. Refuses a ninth path.
    pub(in crate::session) fn ensure_path(
        &mut self,
        cx: &mut Shared,
        id: PathId,
        route: Route,
    ) -> Result<usize, Declined> {
        if let Some(at) = self.at(id) {
            return Ok(at);
        }
        if self.paths.len() >= PATHS_MAX {
            let why = format!("path {id} not added: the session already has the maximum of {PATHS_MAX} paths");
            return Err(Declined::refused(why));
        }
        Ok(self.add_path(cx, id, route))
    }

    pub(crate) fn add_candidate(
        &mut self,
        now: u64,
        cx: &mut Shared,
        id: PathId,
        route: Route,
    ) -> Result<(), Declined> {
        if !self.is_active() {
            return Err(Declined::refused(format!("path {id} not made a candidate: the session is not confirmed yet")));
        }
        let at = self.ensure_path(cx, id, route)?;
        let challenge = self.issue_token(cx, id);
        let interval = self.interval_us();
        let path = &mut self.paths[at];
        let retry = Retry::begun(now, path.rtt.pto_us(interval));
        path.candidacy = Some(Candidacy { challenge, retry, until: now + path.validation_us(interval) });
        self.send_candidacy(now, cx, at);
        self.rearm(now, cx);
        Ok(())
    }

    fn send_candidacy(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let path = &self.paths[at];
        if let Some(Candidacy { challenge, .. }) = path.candidacy {
            let id = path.id;
            let attach = self.attach_frame(id, AttachKind::Candidate, 0, challenge, Reason::EMPTY);
            self.send_frames(now, cx, id, &[attach]);
        }
    }

    pub(in crate::session) fn attach_frame(
        &self,
        id: PathId,
        kind: AttachKind,
        bind_seq: u64,
        challenge: [u8; 16],
        reason: Reason,
    ) -> Frame {
        Frame::Attach(Attach {
            kind,
            path: id,
            bind_seq,
            owner_epoch: self.owner_epoch,
            index: self.path(id).map_or(0, |path| path.rx_index),
            transport: Path::TRANSPORT,
            challenge,
            reason,
        })
    }

    /// ATTACH_ACK for a candidate or an activation; the echo shows that it is genuine.
    pub(in crate::session) fn on_attach_ack(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        ack: &AttachAck,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        check_bind_seq(ack.bind_seq)?;
        let at = self.named(cx, arrival, ack.path)?;
        if self.attempt_awaits(ack.path, ack.bind_seq, &ack.echo) {
            match ack.status {
                Status::Ok => {
                    self.prove_path(now, at, ack.index);
                    self.activation_validated(now, cx);
                }
                Status::Denied => self.activation_denied(now, cx, ack.reason, ack.retry_after_ms),
                Status::Waiting => self.activation_waits(now, cx, ack.retry_after_ms),
            }
            return Ok(());
        }
        let path = &mut self.paths[at];
        if path.candidacy.is_none_or(|candidacy| candidacy.challenge != ack.echo) {
            return Err(self.judge_echo(cx, &PathToken { path: ack.path, token: ack.echo }));
        }
        path.candidacy = None;
        if ack.status == Status::Ok {
            self.prove_path(now, at, ack.index);
            self.report_validated(now, cx, ack.path);
        } else {
            self.candidate_unanswered(now, cx, at);
        }
        Ok(())
    }

    fn prove_path(&mut self, now: u64, at: usize, tx_index: u32) {
        let path = &mut self.paths[at];
        path.tx_index = tx_index;
        path.validate();
        path.heard(now);
        path.probes.restart();
        let id = path.id;
        if self.send == Some(id) {
            self.set_send(now, Some(id));
        }
    }

    fn candidate_unanswered(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let path = &mut self.paths[at];
        path.candidacy = None;
        let (id, known) = (path.id, path.validated() || self.send == Some(path.id));
        cx.report(now, Report::PathUnanswered { session: self.handle, path: id });
        if !known {
            self.remove_path(now, cx, id);
        }
    }

    pub(in crate::session) fn candidates_on_time(&mut self, now: u64, cx: &mut Shared) {
        let interval = self.interval_us();
        // Iterates backwards, because unanswered paths are removed in the loop.
        for at in (0..self.paths.len()).rev() {
            let path = &mut self.paths[at];
            let rtt = path.rtt;
            let Some(candidacy) = &mut path.candidacy else { continue };
            if candidacy.until <= now {
                self.candidate_unanswered(now, cx, at);
            } else if candidacy.retry.next_at <= now && !candidacy.retry.exhausted() {
                candidacy.retry.again(now, &rtt, interval);
                self.send_candidacy(now, cx, at);
            }
        }
    }

    pub(in crate::session) fn next_candidacy_at(&self) -> Option<u64> {
        let of_path = |candidacy: &Candidacy| {
            if candidacy.retry.exhausted() { candidacy.until } else { candidacy.retry.next_at.min(candidacy.until) }
        };
        self.paths.iter().filter_map(|path| path.candidacy.as_ref()).map(of_path).min()
    }

    /// Client: the core closed a path. The gateway is informed on another path.
    pub(crate) fn close_path(&mut self, now: u64, cx: &mut Shared, id: PathId, reason: Reason) {
        if self.at(id).is_none() {
            return;
        }
        self.remove_path(now, cx, id);
        if let Some(via) = self.control_path().filter(|_| self.is_active()) {
            self.send_frames(now, cx, via, &[Frame::PathClose(PathClose { path: id, reason })]);
        }
        self.rearm(now, cx);
    }

    /// The peer closed a path; the message may come on any other path.
    pub(in crate::session) fn on_path_close(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        close: &PathClose,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        let Some(known) = self.path(close.path).map(Path::validated) else {
            return Err(Trouble::Unattributable(DropKind::PathUnknown));
        };
        self.forget_asked(close.path);
        self.remove_path(now, cx, close.path);
        let report = Report::PathClosed { session: self.handle, path: close.path, reason: close.reason.to_string() };
        // The core does not know a path that was never validated.
        if known || self.role() == Role::Client {
            cx.report(now, report);
        }
        Ok(())
    }
}
