//! How an activation is answered, with or without the core.

use crate::frames::{AttachAck, Frame, Reason, Status, SwitchAck};
use crate::messages::{Assignment, AttachKind, DenialReason, PathId};
use crate::path::Path;
use crate::path::rtt::clamp_u32;
use crate::session::bounds::{WAIT_MAX_US, WAIT_MIN_US};
use crate::session::gateway::binding::{Answer, Asked, Binding};
use crate::session::{Phase, Session};
use crate::shared::Shared;
use crate::vocabulary::Declined;

impl Session {
    /// `AcceptSession`: the confirming activation is bound and acknowledged; then ASSIGN is sent.
    pub(crate) fn accept(&mut self, now: u64, cx: &mut Shared, assignment: Assignment) -> Result<(), Declined> {
        if self.phase != Phase::Offered {
            return Err(Declined::refused(
                "only a session that was reported as confirmed can be accepted, and only once",
            ));
        }
        let addresses = [assignment.v4.map(Into::into), assignment.v6.map(Into::into)];
        let assign = self.deliver_assignment(now, assignment)?;
        self.phase = Phase::Active;
        if let Some(side) = self.side.gateway_mut() {
            side.addresses = addresses;
            side.binding.told = None;
            side.assign = Some(assign);
        }
        self.answer(now, cx, None);
        self.send_assign(now, cx);
        self.rearm(now, cx);
        Ok(())
    }

    /// `AnswerAttach`. Late for an activation that was answered or has ended; refused for one that never arrived.
    pub(crate) fn answer_attach(
        &mut self,
        now: u64,
        cx: &mut Shared,
        (path, bind_seq): (PathId, u64),
        denied: Option<(Reason, u32)>,
    ) -> Result<(), Declined> {
        let Some(side) = self.side.gateway_mut() else {
            return Err(Declined::refused("only a gateway can answer an activation"));
        };
        let Some(told) = side.binding.told.take_if(|told| (told.path, told.bind_seq) == (path, bind_seq)) else {
            if bind_seq <= side.binding.bind_seq {
                return Err(Declined::Late);
            }
            return Err(Declined::refused(format!("activation {bind_seq} of path {path} never arrived")));
        };
        let newest = side.binding.asked;
        let proved = self.path(path).is_some_and(Path::validated);
        if proved && newest.is_some_and(|newest| newest.path == path) {
            // If the client repeated its request for the same path meanwhile, the newest number gets the answer.
            self.answer(now, cx, denied);
            // A client that was asked to wait does not ask again soon, so the answer is sent twice: one lost datagram
            // must not cost that time.
            let answer = self.side.gateway().and_then(|side| side.binding.answer);
            if let Some(answer) = answer.filter(|_| told.waited_at.is_some()) {
                self.send_answer(now, cx, answer);
            }
        } else {
            self.ask_core_of_newest(now, cx);
        }
        self.rearm(now, cx);
        Ok(())
    }

    pub(in crate::session) fn answer(&mut self, now: u64, cx: &mut Shared, denied: Option<(Reason, u32)>) {
        let Some(side) = self.side.gateway_mut() else { return };
        let Some(asked) = side.binding.asked.take() else { return };
        let answer = Answer { asked, denied };
        side.binding.answer = Some(answer);
        if denied.is_none()
            && let Some(path) = self.path_mut(asked.path)
        {
            path.dead = false;
            self.set_send(now, Some(asked.path));
        }
        self.send_answer(now, cx, answer);
        self.release_held(now, cx);
    }

    pub(in crate::session) fn send_answer(&mut self, now: u64, cx: &mut Shared, Answer { asked, denied }: Answer) {
        self.send_word(now, cx, &asked, verdict(denied));
    }

    /// Answers WAITING to an activation that the core must decide or that waits behind one. One answer for all that
    /// arrived at the same time.
    pub(in crate::session) fn ask_to_wait(&mut self, now: u64, cx: &mut Shared) {
        let Some(side) = self.side.gateway_mut() else { return };
        let Binding { asked: Some(asked), told: Some(told), .. } = &mut side.binding else { return };
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
        // If the activation's path does not exist any more, the answer is sent on the session's control path.
        if let Some(via) = self.at(asked.path).map(|_| asked.path).or_else(|| self.control_path()) {
            self.send_frames(now, cx, via, &[frame]);
        }
    }

    pub(in crate::session) fn attach_ack(&self, asked: &Asked, (status, reason, retry_after_ms): Word) -> Frame {
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

/// The content of an answer: status, reason, and milliseconds after which asking again makes sense.
pub(in crate::session) type Word = (Status, Reason, u32);

pub(in crate::session) fn verdict(denied: Option<(Reason, u32)>) -> Word {
    denied.map_or((Status::Ok, Reason::EMPTY, 0), |(reason, retry_after_ms)| (Status::Denied, reason, retry_after_ms))
}

pub(in crate::session) fn reason_of(denial: DenialReason) -> Reason {
    Reason::new(denial.name()).unwrap_or(Reason::EMPTY)
}
