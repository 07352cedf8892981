//! Does the peer receive at the address of a path? PATH_CHALLENGE is sent there, and the answer must come from there.

use super::arrival::Arrival;
use super::faults::Trouble;
use super::{Phase, Session};
use crate::frames::{AttachKind, Frame, PathToken};
use crate::messages::{PathId, Report};
use crate::path::rtt::clamp_u32;
use crate::path::{Challenge, Retry};
use crate::shared::Shared;
use crate::vocabulary::blame::DropKind;

impl Session {
    /// Challenges a path, unless a challenge is already running.
    pub(super) fn challenge(&mut self, now: u64, cx: &mut Shared, at: usize) {
        if self.paths[at].challenge.is_some() {
            return;
        }
        let token = self.issue_token(cx, self.paths[at].id);
        let interval = self.interval_us();
        let path = &mut self.paths[at];
        let retry = Retry::begun(now, path.rtt.pto_us(interval));
        path.challenge = Some(Challenge { token, retry, until: now + path.validation_us(interval) });
        self.send_challenge(now, cx, at);
    }

    fn send_challenge(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let path = &self.paths[at];
        if let Some(Challenge { token, .. }) = path.challenge {
            let id = path.id;
            self.send_frames(now, cx, id, &[Frame::PathChallenge(PathToken { path: id, token })]);
        }
    }

    /// One pending answer per path (A24): only the first challenge of a round is answered, so a flood costs one answer.
    pub(super) fn on_path_challenge(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        challenge: &PathToken,
    ) -> Result<(), Trouble> {
        let at = self.named(cx, arrival, challenge.path)?;
        let round = cx.outbox.round();
        let asked_at = self.asked_first_at(challenge.path);
        let path = &mut self.paths[at];
        if path.answered_round == Some(round) {
            return Err(Trouble::Unattributable(DropKind::ChallengeFlood));
        }
        path.answered_round = Some(round);
        // The gateway sends its challenge as soon as it has ATTACH, so this gives a first RTT estimate of a new path.
        if let Some(asked_at) = asked_at {
            path.rtt.first_guess(arrival.now.saturating_sub(asked_at));
        }
        self.send_frames(arrival.now, cx, challenge.path, &[Frame::PathResponse(challenge.clone())]);
        Ok(())
    }

    pub(super) fn on_path_response(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        response: &PathToken,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        if self.rebinding_answered(cx, arrival, response, false) {
            return Ok(());
        }
        let at = self.named(cx, arrival, response.path)?;
        let path = &mut self.paths[at];
        let Some(challenge) = path.challenge.filter(|challenge| challenge.token == response.token) else {
            return Err(self.judge_echo(cx, response));
        };
        path.challenge = None;
        let since_first_us = now.saturating_sub(challenge.retry.first_at);
        if challenge.retry.sends == 1 {
            path.rtt.sample(since_first_us);
        } else {
            path.rtt.first_guess(since_first_us);
        }
        let newly = path.validate();
        path.heard(now);
        path.probes.restart();
        self.session_answered(now, cx);
        self.path_proved(now, cx, response.path, newly);
        Ok(())
    }

    /// Continues what waited for the validation of a path.
    fn path_proved(&mut self, now: u64, cx: &mut Shared, id: PathId, newly: bool) {
        if newly && !matches!(self.phase, Phase::Pending { .. }) {
            self.report_validated(now, cx, id);
        }
        let asked = self.path_mut(id).and_then(|path| path.asked.take());
        if let Some((AttachKind::Candidate, echo)) = asked {
            self.acknowledge_candidate(now, cx, id, echo);
        }
        self.ask_core(now, cx, id);
    }

    pub(super) fn report_validated(&mut self, now: u64, cx: &mut Shared, id: PathId) {
        let Some(path) = self.path(id) else { return };
        let (description, rtt_us) = (cx.describe(id, path.route), clamp_u32(path.rtt.srtt_us()));
        cx.report(now, Report::PathValidated { session: self.handle, path: id, description, rtt_us });
    }

    pub(super) fn challenges_on_time(&mut self, now: u64, cx: &mut Shared) {
        self.session_unanswered(now, cx);
        let interval = self.interval_us();
        // Iterates backwards, because failed paths are removed in the loop.
        for at in (0..self.paths.len()).rev() {
            let path = &mut self.paths[at];
            let rtt = path.rtt;
            let Some(challenge) = &mut path.challenge else { continue };
            if challenge.until <= now {
                self.challenge_failed(now, cx, at);
            } else if challenge.retry.next_at <= now && !challenge.retry.exhausted() {
                challenge.retry.again(now, &rtt, interval);
                self.send_challenge(now, cx, at);
            }
        }
    }

    /// The challenge was not answered. A path that was never validated is removed, with an activation that waited for
    /// it. A validated path stays; its probes decide whether it is alive.
    fn challenge_failed(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let path = &mut self.paths[at];
        path.challenge = None;
        path.asked = None;
        let (id, validated) = (path.id, path.validated());
        self.forget_asked(id);
        if !validated {
            cx.drop(now, DropKind::PathNotValidated);
            self.remove_path(now, cx, id);
        }
    }

    pub(super) fn next_challenge_at(&self) -> Option<u64> {
        let of_path = |challenge: &Challenge| {
            if challenge.retry.exhausted() { challenge.until } else { challenge.retry.next_at.min(challenge.until) }
        };
        let paths = self.paths.iter().filter_map(|path| path.challenge.as_ref()).map(of_path);
        paths.chain(self.side.gateway().and_then(|side| side.challenge_until)).min()
    }
}
